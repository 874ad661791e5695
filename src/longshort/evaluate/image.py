"""A picture as a page shows it: not larger than a reader needs, as a PNG file in a data URI."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from longshort.data.sources.pictures import Grey, as_uri, load, resized
from longshort.records import Image

# rows and columns at most
_ROWS, _COLUMNS = 96, 1600


def image(picture: Grey | Path) -> Image | None:
    """A picture, smaller where it is large; None of one without pixels.

    Raises:
        DataError: it cannot be read.
    """
    grey = load(picture)
    if not grey.size:
        return None
    height, width = grey.shape
    share = min(1.0, _ROWS / height, _COLUMNS / width)
    if share < 1:
        grey = resized(grey, max(1, round(height * share)), max(1, round(width * share)))
    return Image(as_uri(np.ascontiguousarray(grey)), grey.shape[1], grey.shape[0])

"""Pictures and sounds as a page shows and plays them, inside of a record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

# a sound as a data URI, "" where there is none
Audio = Annotated[str, Field(pattern=r"^(data:audio/wav;base64,[A-Za-z0-9+/]*={0,2})?$")]


@dataclass(frozen=True)
class Image:
    """A picture of so many columns and rows of pixels, as a data URI."""

    source: Annotated[str, Field(pattern=r"^data:image/png;base64,[A-Za-z0-9+/]*={0,2}$")]
    width: Annotated[int, Field(ge=1, le=10_000)]
    height: Annotated[int, Field(ge=1, le=10_000)]

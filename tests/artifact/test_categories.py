"""A model file's categories: what does not fit is refused in words, before anything is built."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from longshort import Columns, Forecaster, Recurrent, Split, Training, Window, load
from longshort.errors import ModelFileError

from .corpus import Parts, apart

LABELS = "learned.categories.labels"


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    rng = np.random.default_rng(0)
    table = pl.DataFrame({"y": rng.normal(size=60), "sky": rng.choice(["sun", "rain"], 60)})
    model = Forecaster(
        Columns(target="y", future="sky"),
        window=Window(context=3),
        recurrent=Recurrent(size=2),
        training=Training(epochs=1, members=1),
        split=Split(0.2, None),
    ).fit(table)
    path = tmp_path_factory.mktemp("model") / "m.lstm"
    model.save(path)
    return path.read_bytes()


def labels(value: Any) -> Callable[[Parts], None]:
    """A file with these labels."""
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return lambda parts: parts.tensors.update({LABELS: ("U8", [len(text)], text)})


def categories(value: Any) -> Callable[[Parts], None]:
    """A file with these columns of categories."""
    return lambda parts: parts.header["sections"]["learned"].update(categories=value)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (labels([["rain", "sun", "x"]]), "category0.*must be"),
        (labels([["rain"]]), "category0.*must be"),
        (labels([["sun", "rain"]]), "not in order"),
        (labels([["rain", "rain"]]), "not in order"),
        (labels([["rain", 1]]), "no list of text"),
        (labels([{"rain": 1}]), "no list of text"),
        (labels([]), "as many lists"),
        (labels({"a": 1}), "as many lists"),
        (labels(b"[" * 10**5), "cannot be read"),
        (labels(b"\x80\x04N."), "cannot be read"),
        (labels([["rain", "sun"], ["a"]]), "as many lists"),
        (lambda parts: parts.tensors.pop(LABELS), "cannot be read"),
        (categories([]), "does not fit together"),
        (categories([["sky", "past"]]), "not those that were scaled"),
        (categories([["sky", "target"]]), "have the roles"),
        (categories([["y", "future"]]), "does not fit together"),
        (categories([["sky", "future"], ["sky", "future"]]), "as many lists"),
        (categories("sky"), "section 'learned'"),
        (categories([["sky", "os.system"]]), "section 'learned'"),
    ],
)
def test_what_does_not_fit_is_refused(
    real: bytes, tmp_path: Path, change: Callable[[Parts], None], says: str
) -> None:
    parts = apart(real)
    path = tmp_path / "m.lstm"
    path.write_bytes(parts.file())
    load(path)
    change(parts)
    path.write_bytes(parts.file())
    with pytest.raises(ModelFileError, match=says):
        load(path)

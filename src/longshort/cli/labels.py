"""What the commands do with a fitted ``Classifier``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from longshort.tasks.classify import Classifier


def predictions(estimator: Classifier, data: Path) -> Iterator[pl.DataFrame]:
    """The table with a column of labels, and one for the probability of each."""
    yield estimator.predict_table(data)


def judged(estimator: Classifier, data: Path, folder: Path | None, **options: Any) -> Any:
    """The record of an evaluation."""
    del folder
    return estimator.evaluate(data, **options)

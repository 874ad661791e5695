"""What the commands do with a fitted ``Tagger``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import polars as pl

from longshort import artifact
from longshort.cli.terminal import notes, plain
from longshort.cli.terminal import out as terminal
from longshort.data.readings.tokenise import tokenise
from longshort.records import LabelEvaluation
from longshort.report.numerals import percent
from longshort.tasks.labels.reading import is_one_text
from longshort.tasks.tag import Tagger
from longshort.yardsticks.labels.roster import Choice

# steps that are shown on the terminal
_SHOWN = 60


def predictions(estimator: Tagger, data: Path) -> Iterator[pl.DataFrame]:
    """A row for each step, with its tag."""
    yield estimator.predict(data)


def judged(
    estimator: Tagger, data: Path, folder: Path | None, *, yardsticks: str = "all"
) -> LabelEvaluation:
    """The test part, or other data as a whole."""
    del folder
    return estimator.evaluate(data, yardsticks=cast(Choice, yardsticks))


def explained(estimator: Tagger, data: str, out: Path | None) -> None:
    """The tags of a text, or of a file's first steps, and how sure each is; also as a table."""
    found = _of_text(estimator, data) if is_one_text(data) else estimator.predict(Path(data))
    for row in found.head(_SHOWN).iter_rows(named=True):
        step = row.get("token", row.get("step"))
        terminal.print(plain(f"{step}\t{row['tag']}\t{percent(row['probability'], 1)}"))
    if out is not None:
        artifact.write_bytes(out, found.write_csv().encode())
        notes.print(f"explained: {plain(str(out))}")


def _of_text(estimator: Tagger, text: str) -> pl.DataFrame:
    """The words of a text, their tags, and how sure each is."""
    words = tokenise(text)
    (tags,), (sure,) = estimator.predict([words]), estimator.predict_proba([words])
    return pl.DataFrame({"token": words, "tag": list(tags), "probability": sure.max(1)})

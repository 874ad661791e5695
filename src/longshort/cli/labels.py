"""What the commands do with a fitted ``Classifier``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import polars as pl
from rich.text import Text

from longshort import artifact
from longshort.cli.terminal import notes, plain
from longshort.cli.terminal import out as terminal
from longshort.records import Decided, LabelEvaluation, LabelExplanation, Mark
from longshort.report.labels.decided import decided_page
from longshort.report.numerals import percent
from longshort.tasks.classify import Classifier
from longshort.yardsticks.labels.roster import Choice

# items that are shown on the terminal; words, or places of a series, that are listed
_SHOWN, _LISTED = 10, 8


def predictions(
    estimator: Classifier, data: Path, *, outcomes: Path | None = None
) -> Iterator[pl.DataFrame]:
    """The table with a column of labels, and one for the probability of each."""
    yield estimator.predict_table(with_outcomes(data, outcomes))


def with_outcomes(data: Path, outcomes: Path | None) -> Path | dict[str, Path]:
    """A file; of events together with the table of what is known of each item."""
    return data if outcomes is None else {"events": data, "outcomes": outcomes}


def judged(
    estimator: Classifier,
    data: Path,
    folder: Path | None,
    *,
    metric: str = "macro_f1",
    yardsticks: str = "all",
    outcomes: Path | None = None,
) -> LabelEvaluation:
    """The test part, or other data as a whole."""
    del folder
    given = with_outcomes(data, outcomes)
    return estimator.evaluate(given, metric=metric, yardsticks=cast(Choice, yardsticks))


def explained(estimator: Classifier, data: str, out: Path | None) -> None:
    """A text, or the items of a file, with what decided them."""
    show_explanation(estimator.explain(data), out)


def show_explanation(found: LabelExplanation, out: Path | None) -> None:
    """The first items on the terminal, and all of them as a page or, in .json, as a record."""
    for item in found.items[:_SHOWN]:
        show_decided(item)
    if len(found.items) > _SHOWN:
        notes.print(f"{len(found.items) - _SHOWN} more: name a page with --out explained.html")
    if out is not None:
        text = found.to_json() if out.suffix == ".json" else decided_page(found)
        artifact.write_bytes(out, text.encode())
        notes.print(f"explained: {plain(str(out))}")


def show_decided(item: Decided) -> None:
    """A label, how sure it is, the words or places that decided, and the text with them marked."""
    terminal.print(
        f"[bold]{plain(item.label)}[/] {percent(item.probability, 1)}"
        f" (nothing read: {percent(item.start, 1)})"
        + ("" if item.text else f"  {plain(item.where)}")
    )
    if item.text:
        terminal.print(marked(item))
    most = sorted(item.marks, key=lambda mark: -abs(mark.weight))[:_LISTED]
    for mark in most:
        terminal.print(f"  {mark.weight * item.scale:+.3f}  {plain(_place(item, mark))}")


def _place(item: Decided, mark: Mark) -> str:
    """The words that a mark is of, its rows, or the seconds of a recording."""
    start, end = mark.start, mark.end
    if item.text:
        return item.text[start:end]
    if item.tokens:
        return " ".join(item.tokens[start:end])
    if item.spectrogram is not None:
        each = item.spectrogram.seconds / max(map(len, item.spectrogram.levels), default=1)
        return f"{start * each:.2f} to {end * each:.2f} s"
    return f"row {start + 1}" if end == start + 1 else f"rows {start + 1} to {end}"


def marked(item: Decided) -> Text:
    """A text whose words are green where they spoke for the label, red where against it."""
    shown = Text("".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in item.text))
    for mark in item.marks:
        colour = "green" if mark.weight > 0 else "red"
        strong = "bold " if abs(mark.weight) > 0.5 else ""
        shown.stylize(f"{strong}{colour}", mark.start, mark.end)
    return shown

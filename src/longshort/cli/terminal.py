"""What the terminal shows: the progress of a fit, the table of an evaluation, an error."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from longshort.errors import OutputError
from longshort.records import (
    AnomalyEvaluation,
    Comparison,
    Epoch,
    Evaluation,
    History,
    LabelEvaluation,
    LanguageEvaluation,
    TranscriptEvaluation,
    TranslationEvaluation,
    Tuning,
)
from longshort.report.anomalies.scores import anomaly_table
from longshort.report.folds import fold_table
from longshort.report.labels.scores import LabelTable, label_table
from longshort.report.language.scores import language_table
from longshort.report.numerals import count, duration, percent
from longshort.report.table import score_table
from longshort.report.theme import lstm_name
from longshort.report.transcripts.scores import transcript_table
from longshort.report.translations.scores import translation_table
from longshort.report.trials import TRIAL_COLUMNS, importance_rows, trial_rows

# results go to standard output; progress, notes and errors do not get in a pipe's way
out = Console(highlight=False, soft_wrap=True)
notes = Console(stderr=True, highlight=False, soft_wrap=True)
# measures of labels that stand in the table
_LABEL_COLUMNS = 4


def plain(text: str) -> str:
    """Text as it is to be shown; no file's name or cell can command the terminal."""
    return escape("".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in text))


def error_text(text: str) -> None:
    """An error in words, on standard error."""
    notes.print(f"[bold red]error:[/] {plain(text)}")


def show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """What was left out, on standard error; with the arguments of ``warnings.showwarning``."""
    notes.print(f"[bold yellow]note:[/] {plain(str(message))}")


class FitProgress:
    """A bar over all epochs of all members, and a line per epoch in ``history.jsonl``."""

    def __init__(self, folder: Path | None = None) -> None:
        self._bar = Progress(
            TextColumn("[progress.description]{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[loss]}"),
            console=notes,
        )
        self._task: TaskID | None = None
        self._path = None if folder is None else folder / "history.jsonl"

    def start(self, summary: str, seconds: float, epochs: int) -> None:
        """Say what is trained and how long it can take."""
        notes.print(escape(summary))
        notes.print(
            f"training takes at most about {duration(max(round(seconds), 1))}; it stops early when "
            "the validation part no longer improves (Ctrl-C keeps the best so far)"
        )
        self._write("", "w")
        self._bar.start()
        self._task = self._bar.add_task("training", total=epochs, loss="")

    def note(self, text: str) -> None:
        """Say something that a reader should know."""
        notes.print(plain(text))

    def epoch(self, epoch: Epoch) -> None:
        """Move on by one epoch."""
        for event in epoch.events:
            self.note(event.text)
        self._write(json.dumps(asdict(epoch)) + "\n")
        if self._task is not None:
            valid = "" if epoch.valid_loss is None else f", validation {epoch.valid_loss:.4f}"
            self._bar.update(
                self._task,
                advance=1,
                description=f"network {epoch.member + 1}, epoch {epoch.epoch + 1}",
                loss=f"loss {epoch.train_loss:.4f}{valid}",
            )

    def finish(self, history: History) -> None:
        """Close the bar and the log."""
        if self._task is not None:
            done = len(history.epochs)
            self._bar.update(self._task, total=done, completed=done, description="trained")
        self.close()

    def close(self, *, keep: bool = True) -> None:
        """Whatever happened, leave the terminal in order; ``keep=False`` takes the log away."""
        self._bar.stop()
        if self._path is not None and not keep and self._task is not None:
            self._path.unlink(missing_ok=True)

    def _write(self, line: str, mode: str = "a") -> None:
        if self._path is None:
            return
        size = self._path.stat().st_size if mode == "a" and self._path.exists() else 0
        try:
            with self._path.open(mode, encoding="utf-8") as log:
                log.write(line)
        except OSError as error:
            # no half of a line stays
            with suppress(OSError):
                os.truncate(self._path, size)
            raise OutputError(f"cannot write {self._path}: {error.strerror}") from error


class RunsProgress(FitProgress):
    """Many fits one after the other: a line for each, and a bar over the one at work."""

    def start(self, summary: str, seconds: float, epochs: int) -> None:
        """A new bar."""
        self._bar.start()
        self._task = self._bar.add_task("training", total=epochs, loss="")

    def finish(self, history: History) -> None:
        """Take the bar away."""
        if self._task is not None:
            self._bar.remove_task(self._task)
            self._task = None
        self.close()


def show(evaluation: Evaluation) -> None:
    """The table of every method, and the sentence on whether the LSTM earned its keep."""
    show_scores(evaluation)
    for target in evaluation.targets if evaluation.folds else ():
        _show_folds(evaluation, target)
    out.print(f"\n{escape(evaluation.verdict)}\n")


def show_scores(evaluation: Evaluation | Comparison) -> None:
    """The table of every method on each target."""
    scores = score_table(evaluation)
    for target in evaluation.targets:
        rows = [row for row in scores.rows if row.target == target]
        named = f"{target} ({rows[0].unit})" if rows[0].unit else target
        steps = "1 step" if evaluation.horizon == 1 else f"the mean of {evaluation.horizon} steps"
        out.print(
            f"\n[bold]{escape(named)}[/], {steps} ahead from {evaluation.origins} origins; "
            f"coverage and width of the {percent(evaluation.level, 0)} interval"
        )
        # narrow enough for a terminal of 80 columns
        table = Table(box=None, pad_edge=False, padding=(0, 1), header_style="underline")
        table.add_column("method", overflow="fold")
        for column in scores.columns:
            if column.name != "RMSE":
                table.add_column(column.name.split(" of ")[0], justify="right", no_wrap=True)
        for row in rows:
            cells = [
                f"[green]{escape(cell.text)}[/]" if cell.best else escape(cell.text)
                for column, cell in zip(scores.columns, row.cells, strict=True)
                if column.name != "RMSE"
            ]
            table.add_row(escape(row.method), *cells, style="bold" if row.kind == "lstm" else None)
        out.print(table)


def show_labels(evaluation: LabelEvaluation) -> None:
    """The table of every method that labelled the test part, and the verdict."""
    _show_table(evaluation.items, label_table(evaluation, intervals=False), evaluation.verdict)


def show_transcripts(evaluation: TranscriptEvaluation) -> None:
    """The table of every method that transcribed the test part, and the verdict."""
    _show_table(evaluation.items, transcript_table(evaluation, intervals=False), evaluation.verdict)


def show_translations(evaluation: TranslationEvaluation) -> None:
    """The table of every method that translated the test part, and the verdict."""
    table = translation_table(evaluation, intervals=False)
    _show_table(evaluation.items, table, evaluation.verdict, "source")


def show_anomalies(evaluation: AnomalyEvaluation) -> None:
    """The table of every method that watched the test part, and the verdict."""
    rows = sum(part.rows for part in evaluation.data.parts if part.name == "test")
    _show_table(rows, anomaly_table(evaluation, intervals=False), evaluation.verdict, "row")


def _show_table(items: int, scores: LabelTable, verdict: str, one: str = "item") -> None:
    out.print(f"\n{count(items, one)} of the test part")
    table = Table(box=None, pad_edge=False, padding=(0, 1), header_style="underline")
    table.add_column("method", overflow="fold")
    # narrow enough for a terminal of 80 columns; the report has all
    for column in scores.columns[:_LABEL_COLUMNS]:
        table.add_column(escape(column.name), justify="right", no_wrap=True)
    for row in scores.rows:
        cells = [
            f"[green]{escape(cell.text)}[/]" if cell.best else escape(cell.text)
            for cell in row.cells[:_LABEL_COLUMNS]
        ]
        table.add_row(escape(row.method), *cells, style="bold" if row.kind == "lstm" else None)
    out.print(table)
    out.print(f"\n{escape(verdict)}\n")


def show_language(evaluation: LanguageEvaluation) -> None:
    """The table of every method that foretold the test part, and the verdict."""
    scores = language_table(evaluation, intervals=False)
    out.print(f"\n{evaluation.symbols:,} {escape(evaluation.data.unit)} of the test part")
    table = Table(box=None, pad_edge=False, padding=(0, 1), header_style="underline")
    table.add_column("method", overflow="fold")
    for column in scores.columns:
        table.add_column(escape(column.name), justify="right", no_wrap=True)
    for row in scores.rows:
        cells = [
            f"[green]{escape(cell.text)}[/]" if cell.best else escape(cell.text)
            for cell in row.cells
        ]
        table.add_row(escape(row.method), *cells, style="bold" if row.kind == "lstm" else None)
    out.print(table)
    out.print(f"\n{escape(evaluation.verdict)}\n")


def _show_folds(evaluation: Evaluation, target: str) -> None:
    """The errors of each method fold by fold."""
    header, rows = fold_table(evaluation, target)
    table = Table(box=None, pad_edge=False, padding=(0, 1), header_style="underline")
    for place, name in enumerate(header):
        table.add_column(escape(name), justify="right" if place else "left", no_wrap=True)
    for row in rows:
        style = "bold" if row[0] == lstm_name(evaluation) else None
        table.add_row(*map(escape, row), style=style)
    out.print(f"\n[bold]{escape(target)}[/], mean absolute error by the fold that begins at")
    out.print(table)


def show_trials(tuning: Tuning) -> None:
    """The trials of a search, the best first, and what mattered."""
    table = Table(box=None, pad_edge=False, padding=(0, 1), header_style="underline")
    for name in TRIAL_COLUMNS:
        numeric = name not in ("settings", "ended")
        table.add_column(name, justify="right" if numeric else "left", no_wrap=name != "settings")
    for place, row in enumerate(trial_rows(tuning)):
        table.add_row(*map(plain, row), style="bold" if place == 0 else None)
    out.print(table)
    if tuning.importance:
        told = ", ".join(f"{name} {share}" for name, _, share in importance_rows(tuning))
        out.print(f"\nwhat the losses vary by: {plain(told)}\n")

"""A fit of any estimator at the command line: a folder, a checkpoint, a model, a judgement."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from longshort.checkpoint import Checkpoint
from longshort.cli.records import show_record, write_record
from longshort.cli.terminal import FitProgress, notes, plain
from longshort.cli.terminal import out as terminal
from longshort.errors import ArgumentError, OutputError
from longshort.tasks.base import Estimator
from longshort.training.ranks import joined

# the exit code of a fit that Ctrl-C ended: the model is written all the same
INTERRUPTED = 130
# between two checkpoints
SECONDS = 10.0
GO_ON = "the same command with --resume goes on from where it was"

Yardsticks = Annotated[str, typer.Option(help="all, or quick: rules and ridge alone.")]
Resume = Annotated[
    bool | None,
    typer.Option(
        "--resume/--no-resume",
        help="Go on with work in the folder that was broken off, if there is any, or drop it.",
        show_default="neither: refuse where there is any",
    ),
]


def run(
    estimator: Estimator,
    data: Path | Mapping[str, Any],
    out: Path,
    resume: bool | None,
    judge: Callable[[], Any | None],
    *,
    before: Callable[[], object] | None = None,
    **given: Any,
) -> None:
    """Fit, judge where a test part was kept, and write everything into a folder.

    Where torchrun has started several processes, they train together; one writes and shows.

    Args:
        estimator: what is fitted.
        data: what its ``fit`` reads.
        out: the folder.
        resume: whether to go on with a fit that was broken off; None refuses where there is one.
        judge: opens the test part of the fitted estimator; None where none was kept.
        before: looks at the data before anything is learnt.
        given: more arguments of ``fit``.
    """
    checkpoint = Checkpoint(out / "checkpoint.lstm", SECONDS, resume is not False, keep=True)
    with joined(estimator.device) as ranks:
        if not ranks.lead:
            with suppress(KeyboardInterrupt), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                estimator.fit(data, checkpoint=checkpoint, **given)
            return
        if checkpoint.exists and resume is None:
            raise ArgumentError(
                f"{checkpoint.path} is left of a fit that was broken off: add --resume to go on "
                "with it, or --no-resume to drop it and begin anew"
            )
        if resume and not checkpoint.exists:
            notes.print(f"no fit was broken off in {plain(str(out))}: a new one begins")
        if before is not None:
            before()
        _learn(estimator, data, out, checkpoint, given)
    model = out / "model.lstm"
    estimator.save(model)
    # what an older model was judged by does not stand beside a newer one
    for name in ("evaluation.json", "report.html"):
        (out / name).unlink(missing_ok=True)
    interrupted = "interrupted" in estimator.history_.stops
    try:
        found = judge()
        if found is not None:
            show_record(found)
            write_record(found, out)
            terminal.print(f"report  {out / 'report.html'}")
    finally:
        if not interrupted:
            checkpoint.remove()
    terminal.print(f"model   {model}")
    if interrupted:
        notes.print("training was interrupted; the model is the best one reached until then")
        if checkpoint.exists:
            notes.print(GO_ON)
        raise typer.Exit(INTERRUPTED)


def _learn(
    estimator: Estimator,
    data: Path | Mapping[str, Any],
    out: Path,
    checkpoint: Checkpoint,
    given: Mapping[str, Any],
) -> None:
    """Fit and show it; a folder that was made for nothing is taken away again."""
    existed = out.exists()
    progress = FitProgress(make_folder(out))
    done = False
    try:
        estimator.fit(data, progress=progress, checkpoint=checkpoint, **given)
        done = True
    except KeyboardInterrupt:
        left = GO_ON if checkpoint.exists else "there is nothing to keep"
        notes.print(f"interrupted before the first epoch was done: {left}")
        raise typer.Exit(INTERRUPTED) from None
    finally:
        kept = done or checkpoint.exists
        progress.close(keep=kept)
        if not (kept or existed):
            out.rmdir()


def make_folder(path: Path) -> Path:
    """The folder, made if need be, once it is known that files can be written there.

    Raises:
        OutputError: it cannot; said before any work is done.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise OutputError(
            f"cannot write into {path}{os.sep}: {error.strerror or error}. "
            "Choose another folder with --out."
        ) from error
    return path

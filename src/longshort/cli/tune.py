"""``longshort tune``: settings chosen by trials on the validation part, then a fit with them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast

import typer

from longshort.cli.fit import Data, forecaster, run
from longshort.cli.options import taking
from longshort.cli.running import INTERRUPTED, Resume, Yardsticks, make_folder
from longshort.cli.terminal import notes, plain, show_trials
from longshort.errors import ArgumentError
from longshort.records import Trial
from longshort.report.numerals import number
from longshort.report.trials import in_words
from longshort.tasks.forecast import Forecaster
from longshort.tuning.search import JOURNAL
from longshort.tuning.search import tune as search
from longshort.yardsticks.roster import Choice

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode="rich", help="Choose settings by trials, then train."
)


@app.callback()
def tune() -> None:
    """Choose settings by trials on the validation part, then train with the best."""


@app.command("forecast")
@taking(forecaster)
def forecast(
    data: Data,
    estimator: Forecaster,
    trials: Annotated[int, typer.Option(help="Settings tried, those of before --resume too.")] = 30,
    out: Annotated[Path, typer.Option(help="Folder for study, model and report.")] = Path("tuned"),
    yardsticks: Yardsticks = "all",
    resume: Resume = None,
) -> None:
    """Choose size, depth, dropout, rate, batch, weight decay, context and reference.

    longshort tune forecast weather.csv --time date --target temp_max --trials 30 --out tuned

    The options are those of ``fit forecast``; what is tuned begins with what they say. Each trial
    trains one network and is given up early where others were better by then. Then the best
    settings are fitted as ``fit`` does, and the test part is opened once. Ctrl-C keeps the study;
    the same command with --resume goes on, and with fewer --trials it ends there.
    """
    journal = out / JOURNAL
    if journal.exists() and resume is None:
        raise ArgumentError(
            f"{journal} is left of a search: add --resume to go on with it, or --no-resume to drop "
            "it and begin anew"
        )
    existed = out.exists()
    make_folder(out)
    try:
        found = search(
            estimator, data, trials, out=out, resume=resume is not False, progress=Lines()
        )
    except KeyboardInterrupt:
        notes.print("interrupted before the first trial was done: there is nothing to keep")
        raise typer.Exit(INTERRUPTED) from None
    finally:
        if not existed and not journal.exists():
            out.rmdir()
    show_trials(found.record)
    if found.interrupted:
        done = len(found.record.trials)
        notes.print(
            f"interrupted: the same command with --resume goes on from trial {done + 1}, and with "
            f"--resume --trials {done} it trains with the best of these"
        )
        raise typer.Exit(INTERRUPTED)
    run(found.estimator, data, out, False, cast(Choice, yardsticks), tuning=found.record)


class Lines:
    """A line per trial."""

    def trial(self, trial: Trial, best: Trial, count: int) -> None:
        """Say what was tried and how it went."""
        ended = {"done": "", "early": ", given up early", "failed": ", failed"}[trial.outcome]
        notes.print(
            plain(
                f"trial {trial.number + 1} of {count}: {number(trial.loss)}{ended} "
                f"(best {number(best.loss)}), {in_words(trial)}"
            )
        )

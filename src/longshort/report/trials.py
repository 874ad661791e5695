"""The trials of a search, best first, and what mattered."""

from __future__ import annotations

from longshort.records import Trial, Tuning
from longshort.report.numerals import NOTHING, duration, number, percent, setting

_OUTCOMES = {"done": "to its end", "early": "given up", "failed": "failed"}
# the columns of ``trial_rows``
TRIAL_COLUMNS = ("trial", "settings", "ended", "validation loss", "epochs", "time")


def called(name: str) -> str:
    """A setting as a reader knows it.

    >>> called("training__weight_decay")
    'weight decay'
    """
    return name.rpartition("__")[2].replace("_", " ")


def in_words(trial: Trial) -> str:
    """What was tried."""
    return ", ".join(f"{called(name)} {setting(value)}" for name, value in trial.settings.items())


def trial_rows(tuning: Tuning) -> list[tuple[str, ...]]:
    """A row per trial, the taken one first, then by loss; what was given up stands behind."""

    def place(trial: Trial) -> tuple[bool, bool, float]:
        loss = float("inf") if trial.loss is None else trial.loss
        return trial.number != tuning.best, trial.outcome != "done", loss

    return [
        (
            f"{trial.number + 1}",
            in_words(trial),
            _OUTCOMES[trial.outcome],
            number(trial.loss) if trial.loss is not None else NOTHING,
            f"{trial.epochs:,}",
            duration(trial.seconds),
        )
        for trial in sorted(tuning.trials, key=place)
    ]


def importance_rows(tuning: Tuning) -> list[tuple[str, str, str]]:
    """What each setting is in the best trial, and its share of what the losses vary by."""
    best = tuning.trials[tuning.best].settings
    return [
        (called(name), setting(best[name]), percent(share, 0))
        for name, share in sorted(tuning.importance.items(), key=lambda pair: -pair[1])
    ]

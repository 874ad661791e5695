"""The table of scores of labels as text: the terminal and the page print the same cells."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from longshort.records import Difference, Kind, LabelEvaluation, LabelScore, Measured
from longshort.report.numerals import NOTHING, duration, percent
from longshort.report.table import ScoreCell, ScoreColumn

# headings, and whether a measure is a share; losses are better when lower
_WORDS = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_recall": "macro recall",
    "macro_f1": "macro-F1",
    "log_loss": "log-loss",
    "brier": "Brier score",
    "calibration_error": "calibration error",
    "auroc": "AUROC",
    "auprc": "AUPRC",
    "class_distance": "class distance",
    "f1": "F1",
    "token_accuracy": "token accuracy",
}
_PLAIN = frozenset({"log_loss", "brier", "class_distance"})
_LOSSES = _PLAIN | {"calibration_error"}
# those that stand in the main table, after the one that choices were made by
_MAIN = (
    "accuracy", "macro_f1", "auroc", "auprc", "log_loss", "f1", "precision", "recall",
    "token_accuracy",
)  # fmt: skip
# columns of the main table
_MOST = 5


@dataclass(frozen=True)
class LabelRow:
    """One method; ``cells`` stand under the table's columns."""

    method: str
    kind: Kind
    cells: tuple[ScoreCell, ...]


@dataclass(frozen=True)
class LabelTable:
    """Every method, ours first."""

    columns: tuple[ScoreColumn, ...]
    rows: tuple[LabelRow, ...]

    @property
    def header(self) -> tuple[str, ...]:
        """The headings of a plain table."""
        return ("method", *(column.name for column in self.columns))

    def texts(self) -> list[tuple[str, ...]]:
        """The rows of a plain table, under ``header``."""
        return [(row.method, *(cell.text for cell in row.cells)) for row in self.rows]


def words(measure: str) -> str:
    """What a measure is called."""
    return _WORDS.get(measure, measure.replace("_", " "))


def main_measures(evaluation: LabelEvaluation) -> tuple[str, ...]:
    """The few that are shown unless others are asked for, the one of choices first."""
    there = _measures(evaluation)
    first = [evaluation.metric, *(name for name in _MAIN if name != evaluation.metric)]
    return tuple(name for name in first if name in there)[:_MOST]


def other_measures(evaluation: LabelEvaluation) -> tuple[str, ...]:
    """All others."""
    shown = main_measures(evaluation)
    return tuple(name for name in _measures(evaluation) if name not in shown)


def _measures(evaluation: LabelEvaluation) -> list[str]:
    return list(dict.fromkeys(name for score in evaluation.scores for name in score.measures))


def label_table(
    evaluation: LabelEvaluation, measures: Sequence[str] | None = None, intervals: bool = True
) -> LabelTable:
    """The scores of an evaluation, formatted: shares in percent, losses with three decimals.

    Args:
        evaluation: the record.
        measures: names, in the order of the columns; None for the main ones.
        intervals: with the 95 % interval of each, where there is one.
    """
    named = main_measures(evaluation) if measures is None else tuple(measures)
    columns = tuple(
        ScoreColumn(
            words(name),
            False,
            "lower" if name in _LOSSES else "higher",
            "lower is better" if name in _LOSSES else "higher is better",
        )
        for name in named
    )
    scores = sorted(evaluation.scores, key=lambda score: score.kind != "lstm")
    best = {name: _best(name, scores) for name in named}
    rows = tuple(
        LabelRow(
            score.method,
            score.kind,
            tuple(
                ScoreCell(
                    shown(name, score.measures.get(name, Measured(None)), intervals),
                    score.method in best[name],
                )
                for name in named
            ),
        )
        for score in scores
    )
    return LabelTable(columns, rows)


def shown(measure: str, score: Measured, interval: bool = True) -> str:
    """A score as text, "78.1 % [75.6, 80.5]" or "0.512 [0.475, 0.557]"."""
    if score.value is None or not math.isfinite(score.value):
        return NOTHING
    within = interval and score.low is not None and score.high is not None
    if measure in _PLAIN:
        text = f"{score.value:.3f}"
        return f"{text} [{score.low:.3f}, {score.high:.3f}]" if within else text
    text = percent(score.value)
    if within and score.low is not None and score.high is not None:
        text += f" [{100 * score.low:.1f}, {100 * score.high:.1f}]"
    return text


def _best(measure: str, scores: Sequence[LabelScore]) -> set[str]:
    """Methods with the best value, as it is printed."""
    found = {each.method: each.measures.get(measure, Measured(None)) for each in scores}
    known = {name: each.value for name, each in found.items() if each.value is not None}
    if len(known) < 2:
        return set()
    top = (min if measure in _LOSSES else max)(known.values())
    text = shown(measure, Measured(top), False)
    return {name for name in known if shown(measure, found[name], False) == text}


def difference_rows(evaluation: LabelEvaluation) -> list[tuple[str, str, str]]:
    """Ours minus each other method: (method, difference, what it says)."""
    return [(each.theirs, changed(each), _said(each)) for each in evaluation.differences]


def changed(each: Difference) -> str:
    """A difference with its sign and interval: "+0.5 points [-1.5, +2.6]"."""
    if each.change is None:
        return NOTHING
    scale, unit, digits = (1.0, "", 3) if each.measure in _PLAIN else (100.0, " points", 1)

    def signed(value: float) -> str:
        return f"{round(scale * value, digits) + 0.0:+.{digits}f}"

    within = ""
    if each.low is not None and each.high is not None:
        within = f" [{signed(each.low)}, {signed(each.high)}]"
    return f"{signed(each.change)}{unit}{within}"


def _said(each: Difference) -> str:
    if each.low is None or each.high is None:
        return "too few items to tell"
    better = each.low > 0 if each.measure not in _LOSSES else each.high < 0
    worse = each.high < 0 if each.measure not in _LOSSES else each.low > 0
    return "better" if better else "worse" if worse else "cannot be told apart"


def cost_rows(evaluation: LabelEvaluation) -> list[tuple[str, str, str]]:
    """(method, score on the validation part, time to fit) of every method that has either."""
    return [
        (
            score.method,
            shown(evaluation.metric, Measured(score.valid)),
            NOTHING if score.seconds is None else duration(score.seconds),
        )
        for score in evaluation.scores
    ]

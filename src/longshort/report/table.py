"""The table of scores as text: the terminal and the page print the same cells."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from longshort.errors import ArgumentError, suggest
from longshort.records import Comparison, Evaluation, Kind, Score
from longshort.report.numerals import NOTHING, column, gain, percent

# which way a column is better; None: it says nothing by itself
Better = Literal["lower", "higher", "nominal"]

# by a score's name in the record: heading, whether in the target's unit, which way is better
_MEASURES: dict[str, tuple[str, bool, Better | None]] = {
    "mae": ("MAE", True, "lower"),
    "rmse": ("RMSE", True, "lower"),
    "mase": ("MASE", False, "lower"),
    "rmsse": ("RMSSE", False, "lower"),
    "smape": ("sMAPE", False, "lower"),
    "mape": ("MAPE", False, "lower"),
    "wape": ("WAPE", False, "lower"),
    "crps": ("CRPS", True, "lower"),
    "dispersion": ("dispersion", True, None),
    "overprediction": ("overprediction", True, None),
    "underprediction": ("underprediction", True, None),
    "wql": ("WQL", False, "lower"),
    "coverage": ("coverage", False, "nominal"),
    "width": ("width", True, None),
    "direction": ("direction", False, "higher"),
    "skill": ("skill", False, "higher"),
}
# the few that are shown unless others are asked for, and all others
MAIN = ("mae", "rmse", "mase", "crps", "coverage", "width", "skill")
REST = tuple(name for name in _MEASURES if name not in MAIN)


@dataclass(frozen=True)
class ScoreColumn:
    """One measure: its heading, whether it is in the target's unit, which way is better.

    ``hint`` says the last in words.
    """

    name: str
    in_unit: bool
    better: Better | None
    hint: str


@dataclass(frozen=True)
class ScoreCell:
    """One number as text; ``best`` where no other method of the target shows a better one."""

    text: str
    best: bool = False


@dataclass(frozen=True)
class ScoreRow:
    """One method on one target; ``cells`` stand under the table's columns."""

    target: str
    unit: str
    method: str
    kind: Kind
    cells: tuple[ScoreCell, ...]


@dataclass(frozen=True)
class ScoreTable:
    """Every method on every target. The rows of a target stand together, the LSTM's first."""

    columns: tuple[ScoreColumn, ...]
    rows: tuple[ScoreRow, ...]

    @property
    def header(self) -> tuple[str, ...]:
        """The headings of a plain table: target, method and the measures."""
        return ("target", "method", *(measure.name for measure in self.columns))

    def texts(self) -> list[tuple[str, ...]]:
        """The rows of a plain table, under ``header``."""
        return [(row.target, row.method, *(cell.text for cell in row.cells)) for row in self.rows]


def score_table(evaluation: Evaluation | Comparison, measures: Sequence[str] = MAIN) -> ScoreTable:
    """The scores of an evaluation, formatted.

    Args:
        evaluation: the record.
        measures: names of scores as in ``records.Score``, in the order of the columns.

    Errors have three significant digits, shares one decimal of a percent; ``skill`` reads
    "+5.1 % [+2.0, +8.3]", and "reference" for the method it is measured against. A number that is
    missing or not finite is a dash.

    Raises:
        ArgumentError: a measure is unknown.
    """
    for name in measures:
        if name not in _MEASURES:
            raise ArgumentError(f"score {name!r} is unknown: {suggest(name, _MEASURES)}")
    nominal = percent(evaluation.level, 0)
    hints = {
        "nominal": f"{nominal} is right",
        "lower": "lower is better",
        "higher": "higher is better",
        None: "part of CRPS",
    }
    columns = tuple(
        ScoreColumn(
            heading,
            unit,
            better,
            f"of the {nominal} interval" if name == "width" else hints[better],
        )
        for name, (heading, unit, better) in ((name, _MEASURES[name]) for name in measures)
    )
    rows: list[ScoreRow] = []
    for target, unit in zip(evaluation.targets, evaluation.units, strict=True):
        scores = [score for score in evaluation.scores if score.target == target]
        scores.sort(key=lambda score: score.kind != "lstm")
        rows += _target_rows(scores, measures, columns, unit, evaluation)
    return ScoreTable(columns, tuple(rows))


def _target_rows(
    scores: Sequence[Score],
    names: Sequence[str],
    columns: Sequence[ScoreColumn],
    unit: str,
    evaluation: Evaluation | Comparison,
) -> list[ScoreRow]:
    measures: list[tuple[list[str], list[float | None]]] = []
    for name in names:
        values: list[float | None] = [getattr(score, name) for score in scores]
        texts = column(values)
        if name in ("coverage", "direction"):
            texts = [percent(value) for value in values]
        elif name == "skill":
            texts = _skills(scores, evaluation)
        measures.append((texts, values))
    best = [
        _best(texts, values, measure.better, evaluation.level)
        for measure, (texts, values) in zip(columns, measures, strict=True)
    ]
    return [
        ScoreRow(
            score.target,
            unit,
            score.method,
            score.kind,
            tuple(
                ScoreCell(texts[place], place in winners)
                for (texts, _), winners in zip(measures, best, strict=True)
            ),
        )
        for place, score in enumerate(scores)
    ]


def _skills(scores: Sequence[Score], evaluation: Evaluation | Comparison) -> list[str]:
    found = [gain(score.skill, score.skill_low, score.skill_high) for score in scores]
    for place, score in enumerate(scores):
        if score.skill is None and evaluation.reference.get(score.target) == score.method:
            found[place] = "reference"
    return found


def _best(
    texts: Sequence[str], values: Sequence[float | None], better: Better | None, nominal: float
) -> set[int]:
    """Places of the best value, and of those that cannot be told from it as printed."""
    known = {i: v for i, v in enumerate(values) if v is not None and math.isfinite(v)}
    if better is None or len(known) < 2:
        return set()
    cost = dict(known)
    if better == "higher":
        cost = {i: -value for i, value in known.items()}
    elif better == "nominal":
        cost = {i: abs(value - nominal) for i, value in known.items()}
    first = min(cost, key=lambda i: cost[i])
    return {i for i in known if texts[i] == texts[first] and texts[i] != NOTHING}

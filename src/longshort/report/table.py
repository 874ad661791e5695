"""The table of scores as text: the terminal and the page print the same cells."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from longshort.records import Evaluation, Kind, Score
from longshort.report.numerals import NOTHING, column, gain, percent

# which way a column is better; None: it says nothing by itself
Better = Literal["lower", "higher", "nominal"]


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


def score_table(evaluation: Evaluation) -> ScoreTable:
    """The scores of an evaluation, formatted.

    Errors have three significant digits, shares one decimal of a percent; ``skill`` reads
    "+5.1 % [+2.0, +8.3]", and "reference" for the method it is measured against. A number that is
    missing or not finite is a dash.
    """
    nominal = percent(evaluation.level, 0)
    columns = (
        ScoreColumn("MAE", True, "lower", "lower is better"),
        ScoreColumn("RMSE", True, "lower", "lower is better"),
        ScoreColumn("MASE", False, "lower", "lower is better"),
        ScoreColumn("CRPS", True, "lower", "lower is better"),
        ScoreColumn("coverage", False, "nominal", f"{nominal} is right"),
        ScoreColumn("width", True, None, f"of the {nominal} interval"),
        ScoreColumn("skill", False, "higher", "higher is better"),
    )
    rows: list[ScoreRow] = []
    for target, unit in zip(evaluation.targets, evaluation.units, strict=True):
        scores = [score for score in evaluation.scores if score.target == target]
        scores.sort(key=lambda score: score.kind != "lstm")
        rows += _target_rows(scores, columns, unit, evaluation)
    return ScoreTable(columns, tuple(rows))


def _target_rows(
    scores: Sequence[Score], columns: Sequence[ScoreColumn], unit: str, evaluation: Evaluation
) -> list[ScoreRow]:
    measures: list[tuple[list[str], list[float | None]]] = []
    for name in ("mae", "rmse", "mase", "crps", "coverage", "width"):
        values: list[float | None] = [getattr(score, name) for score in scores]
        texts = [percent(v) for v in values] if name == "coverage" else column(values)
        measures.append((texts, values))
    skills = [gain(score.skill, score.skill_low, score.skill_high) for score in scores]
    for place, score in enumerate(scores):
        if score.skill is None and evaluation.reference.get(score.target) == score.method:
            skills[place] = "reference"
    measures.append((skills, [score.skill for score in scores]))
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

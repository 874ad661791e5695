"""The table of scores of translations as text: the terminal and the page print the same cells."""

from __future__ import annotations

from longshort.metrics.translations import MEASURES
from longshort.records import Difference, Measured, TranslationEvaluation, TranslationScore
from longshort.report.labels.scores import LabelRow, LabelTable
from longshort.report.numerals import NOTHING, duration
from longshort.report.table import Better, ScoreCell, ScoreColumn


def words(measure: str) -> str:
    """What a measure is called."""
    return MEASURES[measure].words if measure in MEASURES else measure


def measures_of(evaluation: TranslationEvaluation) -> tuple[str, ...]:
    """Names of the measures that some method has, that of choices first."""
    return tuple(dict.fromkeys(name for score in evaluation.scores for name in score.measures))


def translation_table(evaluation: TranslationEvaluation, intervals: bool = True) -> LabelTable:
    """The scores of an evaluation, formatted in points of a hundred, our method's first.

    Args:
        evaluation: the record.
        intervals: with the 95 % interval of each, where there is one.
    """
    named = measures_of(evaluation)
    best = {name: _best(name, evaluation) for name in named}
    rows = tuple(
        LabelRow(
            score.method,
            score.kind,
            tuple(
                ScoreCell(
                    points(score.measures.get(name, Measured(None)), intervals),
                    score.method in best[name],
                )
                for name in named
            ),
        )
        for score in evaluation.scores
    )
    return LabelTable(tuple(map(_column, named)), rows)


def _column(name: str) -> ScoreColumn:
    higher = MEASURES[name].higher if name in MEASURES else None
    better: Better | None = None if higher is None else "higher" if higher else "lower"
    return ScoreColumn(words(name), False, better, f"{better} is better" if better else "")


def points(found: Measured, interval: bool = True) -> str:
    """A share in points of a hundred, with its interval: "25.5 [23.9, 27.2]"."""
    if found.value is None:
        return NOTHING
    text = f"{100 * found.value:.1f}"
    if interval and found.low is not None and found.high is not None:
        text += f" [{100 * found.low:.1f}, {100 * found.high:.1f}]"
    return text


def _best(name: str, evaluation: TranslationEvaluation) -> set[str]:
    """Methods with the best value, as it is printed; none of what is neither good nor bad."""
    higher = MEASURES[name].higher if name in MEASURES else None
    known = {
        score.method: value
        for score in evaluation.scores
        if (value := score.measures.get(name, Measured(None)).value) is not None
    }
    if len(known) < 2 or higher is None:
        return set()
    top = f"{100 * (max if higher else min)(known.values()):.1f}"
    return {method for method, value in known.items() if f"{100 * value:.1f}" == top}


def difference_rows(evaluation: TranslationEvaluation) -> list[tuple[str, str, str]]:
    """Ours minus each other method: (method, difference, what it says)."""
    return [(each.theirs, _changed(each), _said(each)) for each in evaluation.differences]


def _changed(each: Difference) -> str:
    if each.change is None:
        return NOTHING

    def signed(value: float) -> str:
        return f"{round(100 * value, 1) + 0.0:+.1f}"

    within = ""
    if each.low is not None and each.high is not None:
        within = f" [{signed(each.low)}, {signed(each.high)}]"
    return f"{signed(each.change)}{within}"


def _said(each: Difference) -> str:
    if each.low is None or each.high is None:
        return "too few items to tell"
    sign = -1 if MEASURES[each.measure].higher is False else 1
    low, high = sorted((sign * each.low, sign * each.high))
    return "better" if low > 0 else "worse" if high < 0 else "cannot be told apart"


def cost_rows(evaluation: TranslationEvaluation) -> list[tuple[str, ...]]:
    """(method, length, score on the validation part, time to fit, an answer) of every method."""
    return [
        (
            score.method,
            NOTHING if score.length is None else f"{score.length:.2f}",
            points(Measured(score.valid)),
            NOTHING if score.seconds is None else duration(score.seconds),
            pace(score),
        )
        for score in evaluation.scores
    ]


def pace(score: TranslationScore) -> str:
    """Milliseconds of work for an answer."""
    return NOTHING if score.pace is None else f"{1000 * score.pace:.1f} ms"

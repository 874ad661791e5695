"""The table of scores of detectors as text: the terminal and the page print the same cells."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

from longshort.records import AnomalyEvaluation, AnomalyScore, Difference, Measured
from longshort.report.labels.scores import LabelRow, LabelTable
from longshort.report.numerals import NOTHING, duration, number, percent
from longshort.report.table import ScoreCell, ScoreColumn


class _Measure(NamedTuple):
    """A heading, how a value is written, and which way is better; None where neither is."""

    words: str
    form: Literal["score", "share", "rate", "time", "nab"]
    better: Literal["higher", "lower"] | None = "higher"


_MEASURES = {
    "vus_pr": _Measure("VUS-PR", "score"),
    "auc_pr": _Measure("AUC-PR", "score"),
    "event_f1": _Measure("event F1", "share"),
    "affiliation_f1": _Measure("affiliation F1", "share"),
    "false_alarms": _Measure("false alarms per {}", "rate", "lower"),
    "delay": _Measure("delay", "time", "lower"),
    "alarms": _Measure("alarms per {}", "rate", None),
    "alarmed": _Measure("rows alarmed", "share", None),
    "vus_roc": _Measure("VUS-ROC", "score"),
    "auc_roc": _Measure("AUC-ROC", "score"),
    "event_precision": _Measure("event precision", "share"),
    "event_recall": _Measure("event recall", "share"),
    "affiliation_precision": _Measure("affiliation precision", "share"),
    "affiliation_recall": _Measure("affiliation recall", "share"),
    "range_precision": _Measure("range precision", "share"),
    "range_recall": _Measure("range recall", "share"),
    "range_f1": _Measure("range F1", "share"),
    "nab_standard": _Measure("NAB, standard", "nab"),
    "nab_reward_low_FP": _Measure("NAB, low FP", "nab"),
    "nab_reward_low_FN": _Measure("NAB, low FN", "nab"),
}
# measures of the main table, and the tables that the others are folded into
_MAIN = ("vus_pr", "auc_pr", "event_f1", "false_alarms", "delay")
_RATES = ("alarms", "alarmed")
GROUPS = {
    "Scores of rows": ("vus_pr", "vus_roc", "auc_pr", "auc_roc"),
    "Alarms as events": ("event_precision", "event_recall", "event_f1", "alarms", "alarmed"),
    "Alarms by nearness": ("affiliation_precision", "affiliation_recall", "affiliation_f1"),
    "Alarms by extent": ("range_precision", "range_recall", "range_f1"),
    "NAB score": ("nab_standard", "nab_reward_low_FP", "nab_reward_low_FN"),
}  # fmt: skip


def words(measure: str, evaluation: AnomalyEvaluation) -> str:
    """What a measure is called."""
    return _MEASURES[measure].words.format(evaluation.data.unit)


def main_measures(evaluation: AnomalyEvaluation) -> tuple[str, ...]:
    """The few that are shown first, that of comparison before all; without labels the rates."""
    if not evaluation.labelled:
        return _RATES
    return (evaluation.metric, *(name for name in _MAIN if name != evaluation.metric))


def anomaly_table(
    evaluation: AnomalyEvaluation, measures: Sequence[str] | None = None, intervals: bool = True
) -> LabelTable:
    """The scores of an evaluation, formatted, our method's first.

    Args:
        evaluation: the record.
        measures: names, in the order of the columns; None for the main ones.
        intervals: with the 95 % interval of each, where there is one.
    """
    named = main_measures(evaluation) if measures is None else tuple(measures)
    columns = []
    for name in named:
        better = _MEASURES[name].better
        hint = f"{better} is better" if better else ""
        columns.append(ScoreColumn(words(name, evaluation), False, better or "higher", hint))
    scores = sorted(evaluation.scores, key=lambda score: score.kind != "lstm")
    best = {name: _best(name, evaluation) for name in named}
    rows = tuple(
        LabelRow(
            score.method,
            score.kind,
            tuple(
                ScoreCell(shown(name, _of(score, name), evaluation, intervals),
                          score.method in best[name])
                for name in named
            ),
        )
        for score in scores
    )  # fmt: skip
    return LabelTable(tuple(columns), rows)


def _of(score: AnomalyScore, name: str) -> Measured:
    return score.measures.get(name, Measured(None))


def shown(
    measure: str, score: Measured, evaluation: AnomalyEvaluation, interval: bool = True
) -> str:
    """A score as text, with its interval: "0.281 [0.240, 0.330]", "61.4 % [55.0, 68.1]"."""
    form = _MEASURES[measure].form
    if score.value is None or not math.isfinite(score.value):
        return NOTHING
    text = _written(form, score.value, evaluation)
    if not interval or score.low is None or score.high is None:
        return text
    if form == "share":
        return f"{text} [{100 * score.low:.1f}, {100 * score.high:.1f}]"
    ends = (_written(form, each, evaluation) for each in (score.low, score.high))
    return f"{text} [{', '.join(ends)}]"


def _written(form: str, value: float, evaluation: AnomalyEvaluation) -> str:
    if form == "score":
        return f"{value:.3f}"
    if form == "share":
        return percent(value)
    if form == "nab":
        return f"{value:.1f}"
    if form == "time":
        return late(value, evaluation)
    return number(value)


def late(value: float | None, evaluation: AnomalyEvaluation) -> str:
    """A delay as text: a time, or rows."""
    if value is None:
        return NOTHING
    return f"{value:,.0f} rows" if evaluation.data.step is None else duration(value)


def _best(name: str, evaluation: AnomalyEvaluation) -> set[str]:
    """Methods with the best value, as it is printed; nobody where no way is better."""
    better = _MEASURES[name].better
    # who finds nothing has no false alarms either, and deserves no praise for that
    found = {
        each.method: _of(each, name)
        for each in evaluation.scores
        if better == "higher" or _of(each, "event_recall").value
    }
    known = {method: each.value for method, each in found.items() if each.value is not None}
    if better is None or len(known) < 2:
        return set()
    top = (min if better == "lower" else max)(known.values())
    text = shown(name, Measured(top), evaluation, False)
    return {each for each in known if shown(name, found[each], evaluation, False) == text}


def difference_rows(evaluation: AnomalyEvaluation) -> list[tuple[str, str, str]]:
    """Ours minus each other method: (method, difference, what it says)."""
    return [(each.theirs, changed(each), _said(each)) for each in evaluation.differences]


def changed(each: Difference) -> str:
    """A difference with its sign and interval: "+0.021 [-0.010, +0.052]"."""
    if each.change is None:
        return NOTHING
    text = f"{each.change:+.3f}"
    if each.low is not None and each.high is not None:
        text += f" [{each.low:+.3f}, {each.high:+.3f}]"
    return text


def _said(each: Difference) -> str:
    if each.low is None or each.high is None:
        return "too few anomalies to tell"
    return "better" if each.low > 0 else "worse" if each.high < 0 else "cannot be told apart"


def series_rows(evaluation: AnomalyEvaluation) -> list[tuple[str, ...]]:
    """(series, rows, labelled, found, false alarms, score) of every series."""
    return [
        (
            each.series or evaluation.data.source,
            f"{each.rows:,}",
            f"{each.events:,}",
            f"{each.found:,}",
            f"{each.false:,}",
            NOTHING if each.score is None else f"{each.score:.3f}",
        )
        for each in evaluation.by_series
    ]

"""The table of scores of language models as text: the terminal and the page print the same."""

from __future__ import annotations

import math
from collections.abc import Sequence

from longshort.records import Difference, LanguageEvaluation, LanguageScore, Measured
from longshort.report.labels.scores import LabelRow, LabelTable
from longshort.report.numerals import NOTHING, duration
from longshort.report.table import ScoreCell, ScoreColumn

# headings, and decimals that are shown; all are better when lower
_MEASURES = {
    "nats": ("nats per {}", 4),
    "bits": ("bits per {}", 4),
    "perplexity": ("perplexity", 2),
    "known_perplexity": ("perplexity of known", 2),
    "nats_per_character": ("nats per character", 4),
    "bits_per_character": ("bits per character", 4),
    "nats_per_frame": ("nats per frame", 4),
    "bits_per_frame": ("bits per frame", 4),
    "nats_per_note": ("nats per note", 4),
    "bits_per_note": ("bits per note", 4),
    "bits_per_byte": ("bits per byte", 4),
}


def measures_of(evaluation: LanguageEvaluation) -> tuple[str, ...]:
    """Names of the measures that are shown: those that do not say the same twice."""
    there = {name for score in evaluation.scores for name in score.measures}
    if evaluation.data.unit == "characters":
        there -= {"nats_per_character", "bits_per_character"}
    if evaluation.data.per != "character":
        # of music a sign alone says little
        there -= {"bits"}
    return tuple(name for name in _MEASURES if name in there)


def compared_per(evaluation: LanguageEvaluation) -> str:
    """What the nats are told per that methods are compared by: a symbol, or a frame or note."""
    data = evaluation.data
    return data.unit.removesuffix("s") if data.per == "character" else data.per


def language_table(evaluation: LanguageEvaluation, intervals: bool = True) -> LabelTable:
    """The scores of an evaluation, formatted, our method's first.

    Args:
        evaluation: the record.
        intervals: with the 95 % interval of each, where there is one.
    """
    named = measures_of(evaluation)
    unit = evaluation.data.unit.removesuffix("s")
    columns = tuple(
        ScoreColumn(_MEASURES[name][0].format(unit), False, "lower", "lower is better")
        for name in named
    )
    scores = sorted(evaluation.scores, key=lambda score: score.kind != "lstm")
    best = {name: _best(name, scores) for name in named}
    rows = tuple(
        LabelRow(
            score.method,
            score.kind,
            tuple(
                ScoreCell(_shown(name, score, intervals), score.method == best[name])
                for name in named
            ),
        )
        for score in scores
    )
    return LabelTable(columns, rows)


def _shown(name: str, score: LanguageScore, interval: bool) -> str:
    found, digits = score.measures.get(name, Measured(None)), _MEASURES[name][1]
    if found.value is None:
        return NOTHING
    text = f"{found.value:,.{digits}f}"
    if interval and found.low is not None and found.high is not None:
        text += f" [{found.low:,.{digits}f}, {found.high:,.{digits}f}]"
    return text


def _best(name: str, scores: Sequence[LanguageScore]) -> str:
    """The method with the least value; "" where there is but one."""
    known = {
        score.method: value
        for score in scores
        if (value := score.measures.get(name, Measured(None)).value) is not None
    }
    return min(known, key=lambda method: known[method]) if len(known) > 1 else ""


def difference_rows(evaluation: LanguageEvaluation) -> list[tuple[str, str, str]]:
    """Ours minus each other method: (method, nats per symbol, what it says)."""
    return [(each.theirs, _changed(each), _said(each)) for each in evaluation.differences]


def _changed(each: Difference) -> str:
    if each.change is None or not math.isfinite(each.change):
        return NOTHING
    text = f"{each.change:+.4f}"
    if each.low is not None and each.high is not None:
        text += f" [{each.low:+.4f}, {each.high:+.4f}]"
    return text


def _said(each: Difference) -> str:
    if each.low is None or each.high is None:
        return "too few symbols to tell"
    if each.high < 0:
        return "better"
    return "worse" if each.low > 0 else "cannot be told apart"


def cost_rows(evaluation: LanguageEvaluation) -> list[tuple[str, str, str]]:
    """(method, nats per symbol of the validation part, time to fit) of every method."""
    return [
        (
            score.method,
            NOTHING if score.valid is None else f"{score.valid:.4f}",
            NOTHING if score.seconds is None else duration(score.seconds),
        )
        for score in evaluation.scores
    ]

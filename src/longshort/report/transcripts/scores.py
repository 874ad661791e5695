"""The table of scores of transcripts as text: the terminal and the page print the same cells."""

from __future__ import annotations

from longshort.records import Delay, Measured, TranscriptEvaluation, TranscriptScore
from longshort.report.labels.scores import LabelRow, LabelTable
from longshort.report.numerals import NOTHING, duration, percent
from longshort.report.table import ScoreCell, ScoreColumn

# headings of what is always lower when it is better
_WORDS = {"cer": "characters wrong", "wer": "words wrong", "ser": "symbols wrong",
          "wrong": "transcripts wrong"}  # fmt: skip


def measures_of(evaluation: TranscriptEvaluation) -> tuple[str, ...]:
    """Names of the measures that are shown, that of choices first; none says the same twice."""
    names = [evaluation.metric, *(name for name in _WORDS if name != evaluation.metric)]
    same = {"words": "wer", "characters": "cer"}.get(evaluation.data.unit)
    # symbols that are words or characters are told once
    return tuple(
        name for name in names
        if name != "ser" or same is None or evaluation.metric == "ser" or _apart(evaluation, same)
    )  # fmt: skip


def _apart(evaluation: TranscriptEvaluation, same: str) -> bool:
    """Whether symbols are wrong in another share than words or characters."""
    return any(
        score.measures["ser"].value != score.measures[same].value for score in evaluation.scores
    )


def words(measure: str) -> str:
    """What a measure is called."""
    return _WORDS.get(measure, measure)


def transcript_table(evaluation: TranscriptEvaluation, intervals: bool = True) -> LabelTable:
    """The scores of an evaluation, formatted, our method's first.

    Args:
        evaluation: the record.
        intervals: with the 95 % interval of each, where there is one.
    """
    named = measures_of(evaluation)
    columns = tuple(ScoreColumn(words(n), False, "lower", "lower is better") for n in named)
    best = {name: _best(name, evaluation) for name in named}
    rows = tuple(
        LabelRow(
            score.method,
            score.kind,
            tuple(
                ScoreCell(shown(score.measures.get(n, Measured(None)), intervals),
                          score.method in best[n])
                for n in named
            ),
        )
        for score in evaluation.scores
    )  # fmt: skip
    return LabelTable(columns, rows)


def shown(found: Measured, interval: bool = True) -> str:
    """An error rate in percent, with its interval."""
    if found.value is None:
        return NOTHING
    text = percent(found.value)
    if interval and found.low is not None and found.high is not None:
        text += f" [{100 * found.low:.1f}, {100 * found.high:.1f}]"
    return text


def _best(name: str, evaluation: TranscriptEvaluation) -> set[str]:
    """Methods with the least value, as it is printed."""
    found = {
        score.method: measure
        for score in evaluation.scores
        if (measure := score.measures.get(name, Measured(None))).value is not None
    }
    if len(found) < 2:
        return set()
    least = min(measure.value or 0.0 for measure in found.values())
    text = percent(least)
    return {method for method, measure in found.items() if shown(measure, False) == text}


def kinds_rows(evaluation: TranscriptEvaluation) -> list[tuple[str, ...]]:
    """(method, right, substituted, left out, added) by the metric, of every method."""
    return [
        (score.method, *(f"{n:,}" for n in (own.hits, own.substitutions, own.deletions,
                                            own.insertions)))
        for score in evaluation.scores
        if (own := score.wrongs.get(evaluation.metric)) is not None
    ]  # fmt: skip


def cost_rows(evaluation: TranscriptEvaluation) -> list[tuple[str, ...]]:
    """(method, error on the validation part, time to fit, real-time factor) of every method."""
    return [
        (
            score.method,
            shown(Measured(score.valid)),
            NOTHING if score.seconds is None else duration(score.seconds),
            pace(score),
        )
        for score in evaluation.scores
    ]


def pace(score: TranscriptScore) -> str:
    """Seconds of work for a second of recording."""
    return NOTHING if score.real_time is None else f"{score.real_time:.3f}"


def delayed(delay: Delay | None, one: str) -> str:
    """How long our method works before it answers, as a sentence; "" where it is not known.

    ``one`` is what an item is called.
    """
    if delay is None:
        return ""
    long = "" if delay.length is None else f" of {duration(delay.length)}"
    if delay.piece == "chunk" and delay.length is not None:
        long = f" of {1000 * delay.length:g} ms"
    named = "chunk" if delay.piece == "chunk" else one
    return (
        f"It works {delay.middle:.1f} ms on a {named}{long}, {delay.most:.1f} ms at the 95th "
        f"percentile of {delay.count:,}."
    )

"""From a fitted transcriber and its parts to one ``TranscriptEvaluation``: what it is judged by."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from longshort.data.codecs.transcripts import TranscriptCodec
from longshort.data.corpus import Corpus
from longshort.data.items import ItemEncoding
from longshort.data.steps import Ints
from longshort.errors import ArgumentError, suggest
from longshort.evaluate.forecast import environment
from longshort.evaluate.labels import LabelParts, measured
from longshort.metrics.transcripts import (
    Floats,
    alignment,
    confused,
    counted,
    rate,
    real_time_factor,
    resampled,
    units,
    wrong_share,
)
from longshort.records import (
    Confusion,
    Delay,
    Difference,
    Heard,
    History,
    Kind,
    Measured,
    TranscriptData,
    TranscriptEvaluation,
    TranscriptPart,
    TranscriptScore,
    Wrongs,
)
from longshort.yardsticks.labels.verdict import LabelRival, Told, label_verdict
from longshort.yardsticks.transcripts.base import TranscriptMethod
from longshort.yardsticks.transcripts.roster import Choice, roster

# what a transcript is cut into for each error rate, and its name in words
RATES = {"cer": "character error rate", "wer": "word error rate", "ser": "symbol error rate"}
# recordings that are shown: of those with errors, and of those without
_WORST, _RIGHT = 10, 2
_CONFUSIONS = 60
# symbols as text, of which an error rate of symbols is told
Symbols = Sequence[str]
# what is shown of some recordings, given their numbers
Shown = Callable[[Corpus, Sequence[int]], Sequence[Heard]]


class Judged(NamedTuple):
    """A method on a part: its transcripts, what is wrong of each by measure, seconds of work."""

    method: TranscriptMethod
    texts: list[str]
    counts: Mapping[str, Ints]
    spent: float


def evaluate_transcripts(
    lstm: TranscriptMethod,
    parts: LabelParts,
    codec: TranscriptCodec,
    reading: ItemEncoding,
    *,
    metric: str = "cer",
    yardsticks: Choice = "all",
    extra: Sequence[TranscriptMethod] = (),
    shown: Shown | None = None,
    history: History,
    settings: dict[str, str],
    latency: str = "",
    delay: Callable[[Corpus], Delay] | None = None,
    notes: Sequence[str] = (),
    seed: int = 0,
) -> TranscriptEvaluation:
    """Fit every yardstick on the training part, and judge all methods on the test part.

    Args:
        lstm: the fitted network as a method.
        parts: what it was fitted and chosen on, and the recordings to judge by, with transcripts.
        codec: the symbols, and how transcripts are spelt before they are compared.
        reading: how recordings become numbers.
        metric: "cer", "wer" or "ser"; yardsticks are chosen and the verdict is spoken by it.
        yardsticks: "all", "quick" or "none".
        extra: further fitted methods to be judged beside them.
        shown: draws recordings of the test part.
        history, settings, latency, notes: what the record keeps of the fit.
        delay: measures how long our method works on recordings of the test part.
        seed: of the bootstrap and the yardsticks.

    Raises:
        ArgumentError: there is no such metric.
    """
    if metric not in RATES:
        raise ArgumentError(f"metric={metric!r}: {suggest(metric, RATES)}")
    test = parts.test
    panel, seconds, left_out = _panel(lstm, parts, codec, reading, yardsticks, extra, seed)
    judged = [_judged(each, test, codec) for each in panel]
    valid = [_on_valid(each, parts.valid, codec, metric) for each in panel]
    sound = _seconds(test, reading)
    drawn = {each.method.name: _drawn(each.counts, test.groups, seed) for each in judged}
    scores = tuple(
        _score(each, drawn[each.method.name], valid[at], seconds[at], sound)
        for at, each in enumerate(judged)
    )
    differences = tuple(
        _difference(metric, lstm.name, each.method, scores, drawn) for each in scores[1:]
    )
    naive, classical = (_best(panel, judged, valid, metric, kind) for kind in _OTHERS)
    edits = [alignment(*pair) for pair in _symbols(test, judged[0].texts, codec)]
    wrong = np.maximum(*(judged[0].counts[name][:, 1:].sum(1) for name in (metric, "ser")))
    return TranscriptEvaluation(
        task="transcribe",
        metric=metric,
        items=len(test),
        scores=scores,
        verdict=_verdict(metric, scores, differences, naive, classical, len(test)),
        data=summarise(parts, codec, reading),
        history=history,
        groups=None if test.groups is None else len(set(test.groups)),
        reference=classical or naive,
        naive=naive,
        differences=differences,
        confusions=tuple(Confusion(*each) for each in confused(edits)[:_CONFUSIONS]),
        heard=_shown(test, wrong, judged[0].texts, codec, shown),
        wrong=int((wrong > 0).sum()),
        latency=latency,
        delay=delay(test) if delay is not None and len(test) else None,
        settings=settings,
        environment=environment(),
        notes=(*notes, f"Transcripts are compared {codec.spelling}.", *left_out),
    )


_OTHERS: tuple[Kind, Kind] = ("naive", "classical")


def _panel(
    lstm: TranscriptMethod,
    parts: LabelParts,
    codec: TranscriptCodec,
    reading: ItemEncoding,
    yardsticks: Choice,
    extra: Sequence[TranscriptMethod],
    seed: int,
) -> tuple[list[TranscriptMethod], list[float | None], tuple[str, ...]]:
    """Our method first, then the given ones, then every yardstick, fitted, with its seconds."""
    found, seconds = [lstm, *extra], list[float | None]([None] * (1 + len(extra)))
    called = roster(parts.train, codec, reading, yardsticks)
    for yardstick in called.yardsticks:
        begun = time.perf_counter()
        found.append(yardstick.fit(parts.train, parts.valid, codec, reading, seed))
        seconds.append(time.perf_counter() - begun)
    return found, seconds, called.left_out


def _symbols(
    corpus: Corpus, texts: Sequence[str], codec: TranscriptCodec
) -> list[tuple[Symbols, Symbols]]:
    """Truth and answer of each recording as the symbols of the model; what it lacks as it is."""
    return [
        (codec.spoken(truth), codec.spoken(told))
        for truth, told in zip(corpus.transcripts or (), texts, strict=True)
    ]


def _judged(method: TranscriptMethod, corpus: Corpus, codec: TranscriptCodec) -> Judged:
    begun = time.perf_counter()
    told = method.transcripts(corpus)
    spent = time.perf_counter() - begun
    texts = [codec.spelling.spelt(text) for text in told]
    truth = [codec.spelling.spelt(text) for text in corpus.transcripts or ()]
    pairs = _symbols(corpus, texts, codec)
    counts = {
        "cer": counted([units(t, "characters") for t in truth],
                       [units(t, "characters") for t in texts]),
        "wer": counted([units(t, "words") for t in truth], [units(t, "words") for t in texts]),
        "ser": counted([first for first, _ in pairs], [second for _, second in pairs]),
    }  # fmt: skip
    return Judged(method, texts, counts, spent)


def _on_valid(
    method: TranscriptMethod, valid: Corpus | None, codec: TranscriptCodec, metric: str
) -> float | None:
    if valid is None or not len(valid):
        return None
    found = float(rate(_judged(method, valid, codec).counts[metric]))
    return found if np.isfinite(found) else None


def _seconds(corpus: Corpus, reading: ItemEncoding) -> float | None:
    """Seconds of all recordings; None where steps have no time."""
    step = getattr(reading, "seconds", None)
    return None if step is None else float(reading.lengths(corpus).sum() * step)


Drawn = Mapping[str, Floats | None]


def _drawn(counts: Mapping[str, Ints], groups: Sequence[str] | None, seed: int) -> Drawn:
    found = {name: resampled(own, groups, seed=seed) for name, own in counts.items()}
    return found | {"wrong": resampled(counts["cer"], groups, whole=True, seed=seed)}


def _score(
    each: Judged, drawn: Drawn, valid: float | None, fitted: float | None, sound: float | None
) -> TranscriptScore:
    values = {name: float(rate(own)) for name, own in each.counts.items()}
    values["wrong"] = float(wrong_share(each.counts["cer"]))
    pace = None if sound is None else real_time_factor(each.spent, sound)
    return TranscriptScore(
        each.method.name,
        each.method.kind,
        {name: measured(value, drawn[name]) for name, value in values.items()},
        {name: Wrongs(*own.sum(0).tolist()) for name, own in each.counts.items()},
        valid,
        fitted,
        pace if pace is not None and np.isfinite(pace) else None,
    )


def _difference(
    metric: str,
    ours: str,
    theirs: str,
    scores: Sequence[TranscriptScore],
    drawn: Mapping[str, Drawn],
) -> Difference:
    values = {each.method: each.measures[metric].value for each in scores}
    first, second = values[ours], values[theirs]
    if first is None or second is None:
        return Difference(metric, ours, theirs, None)
    one, two = drawn[ours][metric], drawn[theirs][metric]
    found = measured(first - second, None if one is None or two is None else one - two)
    return Difference(metric, ours, theirs, first - second, found.low, found.high)


def _best(
    panel: Sequence[TranscriptMethod],
    judged: Sequence[Judged],
    valid: Sequence[float | None],
    metric: str,
    kind: Kind,
) -> str:
    """The best of a kind on the validation part, or on the test part where there is none."""
    ranked = [
        (float(rate(judged[at].counts[metric])) if valid[at] is None else valid[at], each.name)
        for at, each in enumerate(panel)
        if each.kind == kind
    ]
    return min(ranked)[1] if ranked else ""


def _verdict(
    metric: str,
    scores: Sequence[TranscriptScore],
    differences: Sequence[Difference],
    naive: str,
    classical: str,
    items: int,
) -> str:
    by_name = {each.method: each.measures[metric] for each in scores}
    beside = {each.theirs: each for each in differences}

    def rival(name: str) -> LabelRival | None:
        return LabelRival(name, by_name[name], beside[name]) if name else None

    told = Told(RATES[metric], higher=False)
    ours: Measured = scores[0].measures[metric]
    return label_verdict(told, ours, rival(naive), rival(classical), items, scores[0].method)


def _shown(
    test: Corpus,
    wrong: Ints,
    texts: Sequence[str],
    codec: TranscriptCodec,
    shown: Shown | None,
) -> tuple[Heard, ...]:
    """The recordings with most errors, the worst first, and some without."""
    if shown is None:
        return ()
    order = np.argsort(-wrong, kind="stable")
    worst = [int(at) for at in order[:_WORST] if wrong[at]]
    chosen = [*worst, *[int(at) for at in order if not wrong[at]][:_RIGHT]]
    found = []
    for at, each in zip(chosen, shown(test, chosen), strict=True):
        truth, told = codec.spelling.spelt((test.transcripts or ())[at]), texts[at]
        # characters with the blanks between them, so that a reader can read
        plain = codec.tokens.unit == "characters"
        pair = (truth, told) if plain else (codec.spoken(truth), codec.spoken(told))
        edits = tuple((edit.truth or "", edit.told or "") for edit in alignment(*pair))
        found.append(replace(each, edits=edits))
    return tuple(found)


def summarise(parts: LabelParts, codec: TranscriptCodec, reading: ItemEncoding) -> TranscriptData:
    """What was read, and how it was split."""
    named = (("train", parts.train), ("valid", parts.valid), ("test", parts.test))
    return TranscriptData(
        source=parts.test.source,
        content=parts.test.content,
        unit=codec.tokens.unit,
        symbols=codec.classes - 2,
        spelling=str(codec.spelling),
        step=getattr(reading, "seconds", None),
        parts=tuple(
            _part(name, corpus, codec, reading)
            for name, corpus in named
            if corpus is not None and len(corpus)
        ),
    )


def _part(
    name: str, corpus: Corpus, codec: TranscriptCodec, reading: ItemEncoding
) -> TranscriptPart:
    texts = [codec.spelling.spelt(text) for text in corpus.transcripts or ()]
    lengths = reading.lengths(corpus)
    return TranscriptPart(
        name,  # type: ignore[arg-type]
        len(corpus),
        None if corpus.groups is None else len(set(corpus.groups)),
        sum(map(len, texts)),
        sum(len(text.split()) for text in texts),
        int(lengths.sum()),
        int(np.median(lengths)),
        int(lengths.max(initial=0)),
    )

"""From a fitted translator and its parts to one ``TranslationEvaluation``: what it is judged by."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from longshort.data.corpus import Corpus
from longshort.errors import ArgumentError, suggest
from longshort.evaluate.answers import Attention, Judged, examples, stretches
from longshort.evaluate.forecast import environment
from longshort.evaluate.labels import LabelParts, measured
from longshort.metrics.translations import (
    MEASURES,
    MOST_TER,
    Floats,
    counted,
    resampled,
    score,
    tokenization,
    words,
)
from longshort.records import (
    Difference,
    History,
    Kind,
    TranslationData,
    TranslationEvaluation,
    TranslationPart,
    TranslationScore,
    What,
)
from longshort.yardsticks.labels.verdict import LabelRival, Told, label_verdict
from longshort.yardsticks.translations.base import (
    Gathered,
    TranslationMethod,
    gathered,
    what_of,
)
from longshort.yardsticks.translations.roster import Choice, roster

# the measures of each kind of target, that of choices first
SCORES: dict[What, tuple[str, ...]] = {
    "translations": ("bleu", "chrf", "ter", "exact", "repeated"),
    "summaries": ("rougeL", "rouge1", "rouge2", "chrf", "bleu", "exact", "novel", "repeated"),
    "captions": ("cider", "bleu", "rougeL", "chrf", "exact", "repeated"),
}
# what single items are scored by, where the measure of choices is one of whole texts
_EACH = {"bleu": "chrf", "repeated": "chrf", "novel": "chrf", "exact": "chrf"}
# items of the validation part that choices are made on
_CHOOSING = 1000


class Scale(NamedTuple):
    """What is measured, by which measure is chosen, and how text is cut."""

    names: tuple[str, ...]
    metric: str
    cut: str


def evaluate_translations(
    lstm: TranslationMethod,
    parts: LabelParts,
    *,
    metric: str | None = None,
    tokenize: str | None = None,
    yardsticks: Choice = "all",
    extra: Sequence[TranslationMethod] = (),
    attention: Attention | None = None,
    history: History,
    settings: dict[str, str],
    latency: str = "",
    notes: Sequence[str] = (),
    seed: int = 0,
) -> TranslationEvaluation:
    """Fit every yardstick on the training part, and judge all methods on the test part.

    Pairs of one source are one item with several references.

    Args:
        lstm: the fitted network as a method.
        parts: what it was fitted and chosen on, and the pairs to judge by.
        metric: of ``MEASURES``; yardsticks are chosen and the verdict is spoken by it. None for
            BLEU of translations, ROUGE-L of summaries and CIDEr-D of captions.
        tokenize: how BLEU cuts targets; None for what they look like.
        yardsticks: "all", "quick" or "none".
        extra: further fitted methods to be judged beside them.
        attention: what the network looks at, of the test items that are shown.
        history, settings, latency, notes: what the record keeps of the fit.
        seed: of the bootstrap and the yardsticks.

    Raises:
        ArgumentError: there is no such metric.
        MissingDependencyError: sacrebleu or rouge-score is not installed.
    """
    known = parts.train if len(parts.train) else parts.test
    what = what_of(known)
    scale = _scale(what, known, parts.test, metric, tokenize)
    test = gathered(parts.test)
    panel, seconds, left_out = _panel(lstm, parts, what, scale, yardsticks, extra, seed)
    judged = [_judged(own, test, scale) for own in panel]
    valid = [_on_valid(own, parts.valid, scale) for own in panel]
    scores, differences = _scored(judged, valid, seconds, test.corpus.groups, scale.metric, seed)
    naive, classical = (_best(judged, valid, scale.metric, kind) for kind in _OTHERS)
    reference = classical or naive
    alone = _EACH.get(scale.metric, scale.metric)
    worst, best = examples(test, judged, alone, reference, attention)
    return TranslationEvaluation(
        task="translate",
        what=what,
        metric=scale.metric,
        each=alone,
        items=len(test.corpus),
        references=sum(map(len, test.references)),
        scores=scores,
        verdict=_verdict(scale.metric, scores, differences, naive, classical, len(test.corpus)),
        data=summarise(parts, scale.cut),
        history=history,
        signatures={name: own.signature for name, own in judged[0].counts.items()},
        groups=None if test.corpus.groups is None else len(set(test.corpus.groups)),
        reference=reference,
        naive=naive,
        differences=differences,
        worst=worst,
        best=best,
        lengths=stretches(test, judged, alone),
        latency=latency,
        settings=settings,
        environment=environment(),
        notes=(*notes, *left_out),
    )


_OTHERS: tuple[Kind, Kind] = ("naive", "classical")


def _scale(
    what: What, known: Corpus, test: Corpus, metric: str | None, tokenize: str | None
) -> Scale:
    names = list(SCORES[what])
    if metric is not None:
        if metric not in MEASURES:
            raise ArgumentError(f"metric={metric!r}: {suggest(metric, MEASURES)}")
        if metric == "novel" and test.texts is None:
            raise ArgumentError("metric='novel': pictures hold no words; name another measure")
        if MEASURES[metric].higher is None:
            raise ArgumentError(f"metric={metric!r}: more of it is neither better nor worse")
        names = [metric, *(name for name in names if name != metric)]
    targets = known.transcripts or ()
    cut = tokenize or tokenization(targets)
    lengths = [len(words(text, cut)) for text in test.transcripts or ()]
    if max(lengths, default=0) > MOST_TER and names[0] != "ter":
        names = [name for name in names if name != "ter"]
    return Scale(tuple(names), names[0], cut)


def _panel(
    lstm: TranslationMethod,
    parts: LabelParts,
    what: What,
    scale: Scale,
    yardsticks: Choice,
    extra: Sequence[TranslationMethod],
    seed: int,
) -> tuple[list[TranslationMethod], list[float | None], tuple[str, ...]]:
    """Our method first, then the given ones, then every yardstick, fitted, with its seconds."""
    found, seconds = [lstm, *extra], list[float | None]([None] * (1 + len(extra)))
    called = roster(parts.train, what, yardsticks)
    sign = -1 if MEASURES[scale.metric].higher is False else 1

    def judge(answers: Sequence[str], corpus: Corpus) -> float:
        own = [(text,) for text in corpus.transcripts or ()]
        found = counted([scale.metric], answers, own, corpus.texts, scale.cut)
        return sign * float(score(found[scale.metric]))

    for yardstick in called.yardsticks:
        begun = time.perf_counter()
        found.append(yardstick.fit(parts.train, parts.valid, judge, seed))
        seconds.append(time.perf_counter() - begun)
    return found, seconds, called.left_out


def _judged(method: TranslationMethod, asked: Gathered, scale: Scale) -> Judged:
    begun = time.perf_counter()
    answers = list(method.answers(asked.corpus))
    spent = time.perf_counter() - begun
    texts = asked.corpus.texts
    return Judged(
        method, answers, counted(scale.names, answers, asked.references, texts, scale.cut), spent
    )


def _on_valid(method: TranslationMethod, valid: Corpus | None, scale: Scale) -> float | None:
    if valid is None or not len(valid):
        return None
    asked = gathered(valid.select(range(min(len(valid), _CHOOSING))))
    only = scale._replace(names=(scale.metric,))
    found = float(score(_judged(method, asked, only).counts[scale.metric]))
    return found if np.isfinite(found) else None


Drawn = Mapping[str, Floats | None]


def _scored(
    judged: Sequence[Judged],
    valid: Sequence[float | None],
    seconds: Sequence[float | None],
    groups: Sequence[str] | None,
    metric: str,
    seed: int,
) -> tuple[tuple[TranslationScore, ...], tuple[Difference, ...]]:
    """The scores of every method, and ours minus each of the others', on the same resamples."""
    drawn = {
        own.method.name: {name: resampled(c, groups, seed=seed) for name, c in own.counts.items()}
        for own in judged
    }
    scores = tuple(
        _score(own, drawn[own.method.name], valid[at], seconds[at]) for at, own in enumerate(judged)
    )
    ours = scores[0].method
    return scores, tuple(_difference(metric, ours, own.method, scores, drawn) for own in scores[1:])


def _score(
    own: Judged, drawn: Drawn, valid: float | None, fitted: float | None
) -> TranslationScore:
    # lengths of answers and of the references that are nearest to them, as BLEU counts them
    sums = own.counts["bleu"].counts.sum(0) if "bleu" in own.counts else None
    return TranslationScore(
        own.method.name,
        own.method.kind,
        {name: measured(float(score(c)), drawn[name]) for name, c in own.counts.items()},
        None if sums is None or not sums[1] else float(sums[0] / sums[1]),
        valid,
        fitted,
        own.spent / len(own.answers) if own.answers else None,
    )


def _difference(
    metric: str,
    ours: str,
    theirs: str,
    scores: Sequence[TranslationScore],
    drawn: Mapping[str, Drawn],
) -> Difference:
    values = {own.method: own.measures[metric].value for own in scores}
    first, second = values[ours], values[theirs]
    if first is None or second is None:
        return Difference(metric, ours, theirs, None)
    one, two = drawn[ours][metric], drawn[theirs][metric]
    found = measured(first - second, None if one is None or two is None else one - two)
    return Difference(metric, ours, theirs, first - second, found.low, found.high)


def _best(judged: Sequence[Judged], valid: Sequence[float | None], metric: str, kind: Kind) -> str:
    """The best of a kind on the validation part, or on the test part where there is none."""
    sign = 1 if MEASURES[metric].higher is False else -1
    ranked = [
        (sign * (float(score(own.counts[metric])) if known is None else known), own.method.name)
        for own, known in zip(judged, valid, strict=True)
        if own.method.kind == kind
    ]
    return min(ranked)[1] if ranked else ""


def _verdict(
    metric: str,
    scores: Sequence[TranslationScore],
    differences: Sequence[Difference],
    naive: str,
    classical: str,
    items: int,
) -> str:
    by_name = {own.method: own.measures[metric] for own in scores}
    beside = {own.theirs: own for own in differences}

    def rival(name: str) -> LabelRival | None:
        return LabelRival(name, by_name[name], beside[name]) if name else None

    named = MEASURES[metric]
    told = Told(named.words, named.higher is not False, unit="")
    return label_verdict(
        told, scores[0].measures[metric], rival(naive), rival(classical), items, scores[0].method
    )


def summarise(parts: LabelParts, cut: str) -> TranslationData:
    """What was read, and how it was split."""
    named = (("train", parts.train), ("valid", parts.valid), ("test", parts.test))
    return TranslationData(
        source=parts.test.source,
        content=parts.test.content,
        cut=cut,
        parts=tuple(
            _part(name, corpus, cut) for name, corpus in named if corpus is not None and len(corpus)
        ),
    )


def _part(name: str, corpus: Corpus, cut: str) -> TranslationPart:
    own = corpus.texts or ()
    first = tokenization(own[:1000])
    sources = np.array([len(words(text, first)) for text in own] or [0])
    targets = np.array([len(words(text, cut)) for text in corpus.transcripts or ()] or [0])
    return TranslationPart(
        name,  # type: ignore[arg-type]
        len(corpus),
        len(gathered(corpus).corpus),
        int(sources.sum()),
        int(targets.sum()),
        (int(np.median(sources)), int(np.median(targets))),
        (int(sources.max()), int(targets.max())),
    )

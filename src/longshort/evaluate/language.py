"""From a fitted language model and its parts to one ``LanguageEvaluation``."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from longshort.data.codecs.notation import Signs
from longshort.data.codecs.tokens import TokenCodec
from longshort.data.sequences import Floats
from longshort.data.stretch import Stretch
from longshort.errors import ArgumentError
from longshort.evaluate.forecast import environment
from longshort.evaluate.labels import measured
from longshort.metrics.bootstrap import block_sums, interval
from longshort.records import (
    Difference,
    History,
    LanguageData,
    LanguageEvaluation,
    LanguagePart,
    LanguagePassage,
    LanguageScore,
    Measured,
    Sample,
    Stage,
)
from longshort.yardsticks.labels.verdict import LabelRival, Told, label_verdict
from longshort.yardsticks.language.base import LanguageMethod, LanguageYardstick
from longshort.yardsticks.language.kneser_ney import KneserNeyYardstick, UnigramYardstick
from longshort.yardsticks.language.rolls import KeyRegressions, KeyShares

# "all": every yardstick; "none": our method alone
Choice = Literal["all", "none"]

# blocks that the test part is resampled in, and the least symbols of one
_BLOCKS, _LEAST = 100, 100
# stretches that the course over the test part is told in
_STAGES = 20
# passages of each kind that are shown, symbols of one and of what led to it
_PASSAGES = 5
_LONG: dict[str, tuple[int, int]] = {
    "characters": (60, 60), "bytes": (60, 60), "signs": (30, 20),
}  # fmt: skip
_SHORT = (14, 14)
# what each measure is a sum over: symbols, what scores are told per, bytes, or known symbols
_OVER = {
    "nats": 0,
    "bits": 0,
    "perplexity": 0,
    "nats_per_{}": 1,
    "bits_per_{}": 1,
    "bits_per_byte": 2,
    "known_perplexity": 3,
}


class LanguageParts(NamedTuple):
    """The parts of a text as they are scored.

    ``train`` is None for a text that the model was not fitted on: then no yardstick can be, either.
    """

    train: Stretch | None
    valid: Stretch | None
    test: Stretch


class _Fitted(NamedTuple):
    """A fitted method, its nats of a symbol in the validation part, and what fitting took."""

    method: LanguageMethod
    valid: float | None
    seconds: float | None


def evaluate_language(
    lstm: LanguageMethod,
    parts: LanguageParts,
    codec: TokenCodec,
    *,
    source: str,
    history: History,
    settings: dict[str, str],
    refitted: bool = False,
    yardsticks: Choice = "all",
    extra: Sequence[LanguageMethod] = (),
    samples: Sequence[Sample] = (),
    notes: Sequence[str] = (),
    seed: int = 0,
) -> LanguageEvaluation:
    """Fit every yardstick as our method was, and judge all methods on the same test symbols.

    Args:
        lstm: the fitted network as a method.
        parts: what it was fitted and chosen on, and the text to judge by.
        codec: of the symbols.
        source: what the text is called.
        history, settings: what the record keeps of the fit.
        refitted: our method was fitted on training and validation part in the end, and so are the
            yardsticks.
        yardsticks: see ``Choice``.
        extra: further fitted methods to be judged beside them.
        samples: text that our method wrote.
        notes: what a reader must know.
        seed: of the bootstrap.

    Raises:
        DataError: the test part has nothing to score.
    """
    parts.test.check(f"{source}, test part")
    panel = list(_panel(lstm, parts, codec, refitted, yardsticks, extra))
    nats = {each.method.name: _checked(each.method, parts.test) for each in panel}
    tally = Tally(parts.test, nats, codec.unknown, seed, codec.per, codec.measure)
    scores = tuple(
        LanguageScore(
            each.method.name, each.method.kind, tally.measures(at), each.valid, each.seconds
        )
        for at, each in enumerate(panel)
    )
    rivals = {kind: _best(scores, kind, codec.measure) for kind in ("naive", "classical")}
    differences = tuple(tally.difference(at) for at in range(1, len(panel)))
    said = "" if len(panel) == 1 else _verdict(scores, rivals, differences, tally.symbols, codec)
    return LanguageEvaluation(
        task="language",
        symbols=tally.symbols,
        block=tally.block,
        scores=scores,
        verdict=said,
        data=_data(source, parts, codec),
        history=history,
        reference=rivals["classical"] or rivals["naive"],
        differences=differences,
        course=tuple(tally.course()),
        passages=tuple(passages(parts.test, nats[lstm.name], codec)),
        samples=tuple(samples),
        settings=settings,
        environment=environment(),
        notes=(*notes, *_notes(parts, codec, refitted, tally)),
    )


def _panel(
    lstm: LanguageMethod,
    parts: LanguageParts,
    codec: TokenCodec,
    refitted: bool,
    yardsticks: Choice,
    extra: Sequence[LanguageMethod],
) -> Iterator[_Fitted]:
    """Our method first, then the given ones, then every yardstick, fitted."""
    valid = parts.valid if parts.valid is not None and parts.valid.scored.any() else None

    def mean(method: LanguageMethod) -> float | None:
        if valid is None:
            return None
        nats = method.nats(valid)[valid.scored]
        return float(nats.mean() if codec.measure == "nats" else nats.sum() / valid.counts.sum())

    # what was fitted on the validation part, too, says nothing by its score there
    for each in (lstm, *extra):
        yield _Fitted(each, None if refitted else mean(each), None)
    if parts.train is None or yardsticks == "none":
        return
    roster: tuple[LanguageYardstick, ...] = (KneserNeyYardstick(), UnigramYardstick())
    if isinstance(codec, Signs) and codec.notation.kind == "rolls":
        roster = (*roster, KeyRegressions(), KeyShares())
    for yardstick in roster:
        begun = time.perf_counter()
        method = yardstick.fit(parts.train, valid, codec.size)
        chosen = mean(method)
        if refitted and valid is not None:
            method = yardstick.fit(parts.train, valid, codec.size, both=True)
        yield _Fitted(method, chosen, time.perf_counter() - begun)


def _checked(method: LanguageMethod, text: Stretch) -> Floats:
    """(N,) nats, if that is what they are."""
    found = np.asarray(method.nats(text), np.float64)
    if found.shape != text.symbols.shape or not (found[text.scored] >= -1e-4).all():
        raise ArgumentError(
            f"{method.name}: gave {found.shape} numbers that are not all -log p, where "
            f"({len(text.symbols)},) are needed"
        )
    return found


class Tally:
    """Sums over the test part, and over blocks of it that are drawn again and again.

    Args:
        text: the test part.
        nats: (N,) of each method, ours first.
        unknown: the symbol of what was never seen.
        seed: of the draws.
        per: what scores are told per.
        measure: what methods are compared by.
    """

    def __init__(
        self,
        text: Stretch,
        nats: dict[str, Floats],
        unknown: int | None,
        seed: int = 0,
        per: str = "character",
        measure: str = "nats",
    ) -> None:
        scored = text.scored
        self.names, self._main = list(nats), measure
        self._over = {name.format(per): over for name, over in _OVER.items()}
        self.symbols = int(scored.sum())
        self.block = min(self.symbols, max(_LEAST, -(-self.symbols // _BLOCKS)))
        known = (text.symbols != (-1 if unknown is None else unknown))[scored]
        self.unknown = int((~known).sum())
        losses = np.stack([nats[name][scored] for name in self.names], 1)
        self._losses = losses
        sizes = np.stack([known | True, text.counts[scored], text.bytes[scored], known], 1)
        # what is unknown costs 8 bits for each byte that it stands for, beside being foretold
        spelled = (text.bytes[scored] * ~known * math.log(256))[:, None]
        columns = [losses, sizes, losses * known[:, None], spelled]
        whole = np.concatenate(columns, 1).astype(np.float64)
        self._sums = whole.sum(0)
        self._drawn = block_sums(whole, text.documents()[scored], self.block, seed=seed)

    def _ratio(self, sums: Floats, name: str, at: int) -> Floats:
        """A measure of method ``at``, of sums (..., M)."""
        methods = len(self.names)
        top = sums[..., at + (methods + 4 if name == "known_perplexity" else 0)]
        if name == "bits_per_byte":
            top = top + sums[..., -1]
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            found = top / sums[..., methods + self._over[name]]
            if name.startswith("bits"):
                found = found / math.log(2)
            return np.asarray(np.exp(found) if name.endswith("perplexity") else found)

    def measures(self, at: int) -> dict[str, Measured]:
        """Every measure of method ``at`` with its interval, see ``LanguageScore``."""
        found = {}
        sizes = self._sums[len(self.names) :]
        for name, over in self._over.items():
            # what is known says nothing of its own where all is, and music has no bytes
            if (name == "known_perplexity" and not self.unknown) or not sizes[over]:
                continue
            value = float(self._ratio(self._sums, name, at))
            drawn = None if self._drawn is None else self._ratio(self._drawn, name, at)
            found[name] = measured(value if math.isfinite(value) else math.nan, drawn)
        return found

    def difference(self, at: int) -> Difference:
        """Ours beside method ``at``, in the measure that methods are compared by."""
        main = self._main
        change = self._ratio(self._sums, main, 0) - self._ratio(self._sums, main, at)
        ends = None
        if self._drawn is not None:
            own, other = (self._ratio(self._drawn, main, one) for one in (0, at))
            ends = interval(own - other)
        names = self.names[0], self.names[at]
        return Difference(main, *names, float(change), *(ends or (None, None)))

    def course(self) -> Iterator[Stage]:
        """Nats of a symbol in stretches of about equal length, method by method."""
        cuts = np.linspace(0, self.symbols, min(_STAGES, self.symbols) + 1).round().astype(int)
        for at, name in enumerate(self.names):
            for start, end in itertools.pairwise(cuts):
                mean = float(self._losses[start:end, at].mean())
                yield Stage(name, int(start), int(end), mean)


def passages(text: Stretch, nats: Floats, codec: TokenCodec) -> Iterator[LanguagePassage]:
    """The passages of a text that surprise the most and the least, apart from each other."""
    width, led = _LONG.get(codec.unit, _SHORT)
    scored = text.scored
    # a passage lies inside a document, after its first symbol
    begins = np.maximum.accumulate(np.where(scored, 0, np.arange(len(nats))))
    total = np.concatenate([[0.0], np.cumsum(np.where(scored, nats, 0.0))])
    starts = np.arange(max(len(nats) - width + 1, 0))
    starts = starts[begins[starts + width - 1] < starts]
    means = (total[starts + width] - total[starts]) / width
    place = np.cumsum(scored) - 1
    taken: NDArray[np.bool_] = np.zeros(len(nats), bool)
    for kind, order in (("surprising", np.argsort(-means)), ("expected", np.argsort(means))):
        found = 0
        for start in starts[order]:
            if found == _PASSAGES:
                break
            if taken[start] or taken[start + width - 1]:
                continue
            taken[start : start + width] = True
            found += 1
            own = nats[start : start + width]
            before = text.symbols[max(begins[start], start - led) : start]
            yield LanguagePassage(
                kind,  # type: ignore[arg-type]
                int(place[start]),
                codec.decode(before),
                tuple(codec.decode([symbol]) for symbol in text.symbols[start : start + width]),
                tuple(own.tolist()),
                float(own.mean()),
            )


def _best(scores: Sequence[LanguageScore], kind: str, measure: str) -> str:
    """The yardstick of a kind with the least surprise on the validation part, or on the test."""
    some = [score for score in scores if score.kind == kind]

    def surprise(score: LanguageScore) -> float:
        value = score.measures[measure].value if score.valid is None else score.valid
        return math.inf if value is None else value

    return min(some, key=surprise).method if some else ""


def _verdict(
    scores: Sequence[LanguageScore],
    rivals: dict[str, str],
    differences: Sequence[Difference],
    symbols: int,
    codec: TokenCodec,
) -> str:
    found = {score.method: score.measures[codec.measure] for score in scores}
    beside = {each.theirs: each for each in differences}
    per = codec.unit.removesuffix("s") if codec.measure == "nats" else codec.per
    told = Told(f"surprise in nats per {per}", higher=False, share=False)

    def rival(kind: str) -> LabelRival | None:
        name = rivals[kind]
        return LabelRival(name, found[name], beside[name]) if name else None

    ours = scores[0].method
    return label_verdict(told, found[ours], rival("naive"), rival("classical"), symbols, ours)


def _data(source: str, parts: LanguageParts, codec: TokenCodec) -> LanguageData:
    found = []
    for name, text in zip(("train", "valid", "test"), parts, strict=True):
        if text is not None:
            scored = text.symbols[text.scored]
            unknown = 0 if codec.unknown is None else int((scored == codec.unknown).sum())
            sizes = int(text.counts.sum()), int(text.bytes.sum())
            found.append(LanguagePart(name, len(text.begins), len(scored), *sizes, unknown))  # type: ignore[arg-type]
    return LanguageData(source, codec.unit, codec.size, tuple(found), codec.per)


def _notes(parts: LanguageParts, codec: TokenCodec, refitted: bool, tally: Tally) -> Iterator[str]:
    if codec.unknown is None:
        yield f"{codec.unit.capitalize()} tell every text: nothing is unknown."
    else:
        yield (
            f"{tally.unknown:,} of {tally.symbols:,} test symbols are unknown: they do not occur "
            "in the training part, or too rarely. All of them count as one symbol, which is "
            "foretold like any other, and which writing they stand for is not told: scores that "
            "hold many unknown symbols look better than they are. Bits per byte alone spell them "
            "out, at 8 bits a byte, and so compare with those of other symbols."
        )
    yield (
        "The first symbol of a document is given; the mark that ends one is told and scored, and "
        f"stands for no {codec.per}."
    )
    yield (
        f"Intervals are 95 % bootstraps over blocks of {tally.block:,} symbols in a row, or whole "
        "documents where they are shorter."
    )
    if refitted:
        yield (
            "After choices were made on the validation part, every method was fitted on training "
            "and validation part together."
        )
    if parts.train is None:
        yield (
            "The model was fitted on another text: yardsticks, which would have to be fitted on "
            "that one, stand only beside its own test part."
        )

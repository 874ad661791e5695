r"""A hidden Markov model of each symbol, in a loop: what recognised speech before networks did.

Each symbol is a chain of states that are left one by one, each with a Gaussian of diagonal
covariance over the frame's numbers and their differences in time; between symbols there may be a
pause of one state. It begins with recordings cut into equal pieces, and is trained by aligning
every recording with its transcript again and again (Viterbi training, Juang and Rabiner 1990). A
transcript is the best path through all symbols in a loop, in which each symbol costs a penalty
that is chosen on the validation part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from longshort.data.codecs.transcripts import TranscriptCodec
from longshort.data.corpus import Corpus
from longshort.data.items import ItemEncoding
from longshort.metrics.transcripts import counted, rate
from longshort.records import Kind
from longshort.yardsticks.transcripts.base import TranscriptMethod

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# frames that are read, over all recordings, and symbols that have a model of their own
_MOST_FRAMES, _MOST_SYMBOLS = 600_000, 60
_PENALTIES = (0.0, 10.0, 20.0, 40.0, 80.0, 160.0)
# least variance as a share of the whole's, so that no Gaussian is a point
_FLOOR = 0.05


@dataclass(frozen=True)
class MarkovLoop:
    """See the module.

    Args:
        states: of each symbol; recordings too short for so many have fewer.
        rounds: how often recordings are aligned anew.
    """

    states: int = 6
    rounds: int = 8
    name: str = "HMM loop"
    kind: Kind = "classical"

    def refuses(self, train: Corpus, codec: TranscriptCodec, reading: ItemEncoding) -> str:
        """Where there are too many frames or symbols."""
        frames = int(reading.lengths(train).sum())
        symbols = codec.classes - 2
        if symbols > _MOST_SYMBOLS:
            return f"{symbols} symbols, of which each needs a model, are more than {_MOST_SYMBOLS}"
        if frames > _MOST_FRAMES:
            return f"{frames:,} frames take too long; it reads {_MOST_FRAMES:,}"
        if not reading.widths.numbers:
            return "nothing that is read is a number"
        return ""

    def fit(
        self,
        train: Corpus,
        valid: Corpus | None,
        codec: TranscriptCodec,
        reading: ItemEncoding,
        seed: int,
    ) -> TranscriptMethod:
        """Align and estimate in turn; choose the penalty."""
        said = [codec.encode(text).tolist() for text in train.transcripts or ()]
        frames = _read(train, reading)
        states = _states(self.states, said, frames)
        model = _trained(frames, said, codec.classes, states, self.rounds)
        if valid is not None and len(valid):
            truth = [codec.encode(text).tolist() for text in valid.transcripts or ()]
            heard = [model.scores(own) for own in _read(valid, reading)]
            rates = {
                penalty: float(rate(counted(truth, [model.loop(own, penalty) for own in heard])))
                for penalty in _PENALTIES
            }
            model = replace(model, penalty=min(rates, key=lambda each: rates[each]))

        def transcripts(corpus: Corpus) -> list[str]:
            found = (model.loop(model.scores(own)) for own in _read(corpus, reading))
            return [codec.decode(symbols) for symbols in found]

        return TranscriptMethod(self.name, self.kind, transcripts)


def _states(states: int, said: Sequence[Sequence[int]], frames: Sequence[Floats]) -> int:
    """As many as nearly all recordings have frames for."""
    room = [len(own) / len(symbols) for own, symbols in zip(frames, said, strict=True) if symbols]
    return max(1, min(states, int(np.quantile(room, 0.05) / 1.5))) if room else states


def _read(corpus: Corpus, reading: ItemEncoding) -> list[Floats]:
    """The numbers (T, 2 F) of each recording, and their differences over two frames."""
    found = []
    for item in range(len(corpus)):
        inputs, lengths, _ = reading.read(corpus, [item])
        parts = [inputs[name][0, : int(lengths[0])].numpy() for name in reading.widths.numbers]
        own = np.concatenate(parts, 1).astype(np.float64)
        apart = np.pad(own, ((1, 1), (0, 0)), "edge")
        found.append(np.concatenate([own, apart[2:] - apart[:-2]], 1))
    return found


class _Best(NamedTuple):
    """A path: the state of each frame, and where chains were entered."""

    states: Ints
    score: float


@dataclass(frozen=True, eq=False)
class _Loop:
    """Gaussians of all states: S of each symbol from 1 on, after the pause, which is state 0."""

    means: Floats
    variances: Floats
    states: int
    penalty: float = 20.0

    def scores(self, frames: Floats) -> Floats:
        """(T, N) log-densities of the frames under every state."""
        inverse = 1 / self.variances
        constant = np.log(2 * np.pi * self.variances).sum(1) + (self.means**2 * inverse).sum(1)
        apart = frames**2 @ inverse.T - 2 * frames @ (self.means * inverse).T + constant
        return np.asarray(-0.5 * apart)

    def chain(self, symbols: Sequence[int]) -> tuple[Ints, NDArray[np.bool_]]:
        """The states of a transcript with pauses around each symbol, and which may be passed."""
        found, spared = [0], [True]
        for symbol in symbols:
            first = 1 + (symbol - 1) * self.states
            found += [*range(first, first + self.states), 0]
            spared += [*[False] * self.states, True]
        return np.array(found), np.array(spared)

    def align(self, scores: Floats, symbols: Sequence[int]) -> Ints | None:
        """The state of each frame under a transcript; None where there are too few frames."""
        chain, spared = self.chain(symbols)
        own, size = scores[:, chain], len(chain)
        best = np.full(size, -np.inf)
        best[: 2 if size > 1 else 1] = own[0, :2]
        back = np.zeros((len(own), size), np.int8)
        # a pause that is passed is left out: two places further at once
        leap = np.zeros(size, bool)
        leap[2:] = spared[1:-1]
        for t in range(1, len(own)):
            ways = np.full((3, size), -np.inf)
            ways[0], ways[1, 1:] = best, best[:-1]
            ways[2, 2:] = np.where(leap[2:], best[:-2], -np.inf)
            back[t] = ways.argmax(0)
            best = ways.max(0) + own[t]
        at = size - 1 if size < 2 or best[-1] >= best[-2] else size - 2
        if not np.isfinite(best[at]):
            return None
        path = np.empty(len(own), np.int64)
        for t in range(len(own) - 1, -1, -1):
            path[t] = chain[at]
            at -= int(back[t, at])
        return path

    def loop(self, scores: Floats, penalty: float | None = None) -> list[int]:
        """The symbols of the best path through all of them in a loop."""
        cost = self.penalty if penalty is None else penalty
        count, s = scores.shape[1], self.states
        if not len(scores):
            return []
        first = np.arange(1, count, s)
        last = first + s - 1
        best = np.full(count, -np.inf)
        best[0], best[first] = scores[0, 0], scores[0, first] - cost
        back = np.empty((len(scores), count), np.int64)
        entered = np.zeros((len(scores), count), bool)
        entered[0, first] = True
        for t in range(1, len(scores)):
            stay, before = best.copy(), np.arange(count)
            step = np.full(count, -np.inf)
            step[2:] = best[1:-1]
            step[first] = -np.inf
            moved = step > stay
            stay, before = np.where(moved, step, stay), np.where(moved, before - 1, before)
            ended = int(last[best[last].argmax()])
            into = ended if best[ended] > best[0] else 0
            new = np.zeros(count, bool)
            new[first] = best[into] - cost > stay[first]
            stay[first] = np.maximum(stay[first], best[into] - cost)
            before[new] = into
            if best[ended] > stay[0]:
                stay[0], before[0] = best[ended], ended
            back[t], entered[t], best = before, new, stay + scores[t]
        ends = [0, *last.tolist()]
        at, found = ends[int(best[ends].argmax())], []
        for t in range(len(scores) - 1, -1, -1):
            if entered[t, at]:
                found.append(int((at - 1) // s) + 1)
            at = int(back[t, at]) if t else at
        return found[::-1]


def _trained(
    frames: Sequence[Floats],
    said: Sequence[Sequence[int]],
    classes: int,
    states: int,
    rounds: int,
) -> _Loop:
    """Gaussians of states, from equal pieces and then from alignments."""
    size, whole = 1 + (classes - 1) * states, np.concatenate(frames)
    shape = size, whole.shape[1]
    floor = _FLOOR * whole.var(0) + 1e-6
    model = _Loop(np.zeros(shape), np.ones(shape), states)
    paths: list[Ints | None] = [_equal(model, len(own), told) for own, told in
                                zip(frames, said, strict=True)]  # fmt: skip
    for turn in range(rounds + 1):
        if turn:
            pairs = zip(frames, said, strict=True)
            paths = [model.align(model.scores(own), told) for own, told in pairs]
        kept = [(own, path) for own, path in zip(frames, paths, strict=True) if path is not None]
        if not kept:
            break
        flat, at = np.concatenate([own for own, _ in kept]), np.concatenate([p for _, p in kept])
        counts = np.bincount(at, minlength=size)[:, None]
        sums, squares = np.zeros(shape), np.zeros(shape)
        np.add.at(sums, at, flat)
        np.add.at(squares, at, flat**2)
        # a state that was never seen is any frame
        means = np.where(counts > 0, sums / np.maximum(counts, 1), whole.mean(0))
        variances = np.where(counts > 1, squares / np.maximum(counts, 1) - means**2, whole.var(0))
        model = replace(model, means=means, variances=np.maximum(variances, floor))
    return model


def _equal(model: _Loop, frames: int, symbols: Sequence[int]) -> Ints | None:
    """Frames in equal pieces for the states of a transcript, a pause at both ends."""
    chain, spared = model.chain(symbols)
    inner = chain[~spared]
    if frames < len(inner) + 2:
        return None
    pause = max(1, frames // 12)
    places = np.linspace(0, len(inner), frames - 2 * pause, endpoint=False).astype(np.int64)
    ends = np.zeros(pause, np.int64)
    return np.concatenate([ends, inner[places] if len(inner) else places, ends])

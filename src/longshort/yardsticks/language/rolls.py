r"""Yardsticks of piano rolls, in which the keys of a frame do not know of each other.

With p_k the probability that key k sounds in the next frame, and e that the piece ends instead, the
signs of a frame, from low to high, have these probabilities after key j (j = -1 in the beginning):

    key k       (1 - e) [if j = -1]  p_k  prod_{j < i < k} (1 - p_i)
    frame ends  (1 - e) [if j = -1]       prod_{i > j} (1 - p_i)
    piece ends  e, where j = -1

whose product over a frame is that of 88 independent keys: what such models of frames are published
with (Boulanger-Lewandowski, Bengio and Vincent 2012), sign by sign.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from longshort.data.codecs.notation import KEYS
from longshort.data.codecs.tokens import BORDER
from longshort.data.sequences import Floats
from longshort.data.stretch import Ints, Stretch, joined
from longshort.records import Kind
from longshort.yardsticks.language.base import LanguageMethod

# keys are the first symbols after the border and the unknown one, and then comes the frame's end
_FIRST, _END = 2, 2 + KEYS
# frames that are told at once, and that regressions learn from
_BLOCK, _MOST = 2**14, 2**16
# inverse strengths of ridge penalties to choose from
_CHOICES = (0.1, 1.0, 10.0)

Rolls = NDArray[np.bool_]


class Frames(NamedTuple):
    """A stretch of rolls, frame by frame.

    place: (N,) the frame that each symbol belongs to. now: (S, 88) the keys of each frame, before:
    those of the frame before it in its piece, none where it is the first. ended: (S,) whether a
    frame was told to its end; else its one symbol is where a piece ends or begins.
    """

    place: Ints
    now: Rolls
    before: Rolls
    ended: NDArray[np.bool_]

    @classmethod
    def of(cls, text: Stretch) -> Frames:
        """The frames of a text in the notation of rolls."""
        symbols = text.symbols
        closing = (symbols == _END) | (symbols == BORDER)
        place = np.concatenate([[0], np.cumsum(closing[:-1])])
        count = int(place[-1]) + 1
        now, ended = np.zeros((count, KEYS), bool), np.zeros(count, bool)
        keys = (symbols >= _FIRST) & (symbols < _END)
        now[place[keys], symbols[keys] - _FIRST] = True
        ended[place[symbols == _END]] = True
        before = np.zeros_like(now)
        before[1:] = now[:-1] & ended[:-1, None]
        return cls(place, now, before, ended)


def frame_nats(text: Stretch, tell: Callable[[Rolls], Floats], end: float) -> Floats:
    """(N,) -log p of each symbol where keys are independent, see this module; 0 at the first.

    Args:
        text: in the notation of rolls.
        tell: (S, 88) frames to the log-odds (S, 88) of the keys of the next one.
        end: e.
    """
    frames, symbols = Frames.of(text), text.symbols
    # after which key each symbol stands
    after = np.concatenate([[-1], symbols[:-1] - _FIRST])
    starts = (after < 0) | (after >= KEYS)
    after = np.where(starts, -1, after)
    found = np.where(starts, -np.log1p(-end), 0.0)
    found[symbols == BORDER] = -np.log(end)
    inner = np.flatnonzero(symbols != BORDER)
    for at in range(0, len(frames.now), _BLOCK):
        odds = tell(frames.before[at : at + _BLOCK])
        # -log of the probabilities that keys are silent, summed up from the lowest
        silent = np.pad(np.logaddexp(0, odds).cumsum(1), ((0, 0), (1, 0)))
        own = inner[(frames.place[inner] >= at) & (frames.place[inner] < at + _BLOCK)]
        rows = frames.place[own] - at
        upto = np.minimum(symbols[own] - _FIRST, KEYS)
        found[own] += silent[rows, upto] - silent[rows, after[own] + 1]
        keys = symbols[own] < _END
        found[own[keys]] += np.logaddexp(0, -odds[rows[keys], upto[keys]])
    return np.asarray(np.where(text.scored, found, 0.0))


def _odds(share: Floats) -> Floats:
    return np.asarray(np.log(share) - np.log1p(-share))


class _Yardstick:
    """What both have in common: how the end of a piece is told."""

    name: str
    kind: Kind

    def fit(
        self, train: Stretch, valid: Stretch | None, symbols: int, both: bool = False
    ) -> LanguageMethod:
        """Learn from the training part; see ``LanguageYardstick``."""
        del symbols
        own = train if valid is None or not both else joined([train, valid])
        borders = int(((own.symbols == BORDER) & own.scored).sum())
        told = int((own.symbols == _END).sum())
        end = (borders + 0.5) / (borders + told + 1)
        frames = Frames.of(own)
        kept = np.flatnonzero(frames.ended)[-_MOST:]
        tell = self._learn(frames.before[kept], frames.now[kept], valid, end)
        return LanguageMethod(self.name, self.kind, lambda text: frame_nats(text, tell, end))

    def _learn(
        self, before: Rolls, now: Rolls, valid: Stretch | None, end: float
    ) -> Callable[[Rolls], Floats]:
        raise NotImplementedError


class KeyShares(_Yardstick):
    """How often each key sounds, whatever came before."""

    name = "key shares"
    kind: Kind = "naive"

    def _learn(
        self, before: Rolls, now: Rolls, valid: Stretch | None, end: float
    ) -> Callable[[Rolls], Floats]:
        odds = _odds((now.sum(0) + 0.5) / (len(now) + 1))
        return lambda rolls: np.broadcast_to(odds, rolls.shape)


class KeyRegressions(_Yardstick):
    """A logistic regression for each key on all keys of the frame before, by scikit-learn.

    How much they are held back (one ridge penalty for all keys) is chosen on the validation part;
    they learn from the last 65,536 frames of the training part.
    """

    name = "logistic regression per key"
    kind: Kind = "classical"
    _chosen: float | None = None

    def _learn(
        self, before: Rolls, now: Rolls, valid: Stretch | None, end: float
    ) -> Callable[[Rolls], Floats]:
        if valid is None:
            return _regressions(before, now, 1.0)
        if self._chosen is not None:
            return _regressions(before, now, self._chosen)
        found = {choice: _regressions(before, now, choice) for choice in _CHOICES}
        losses = {c: float(frame_nats(valid, tell, end).sum()) for c, tell in found.items()}
        self._chosen = min(losses, key=lambda choice: losses[choice])
        return found[self._chosen]


def _regressions(before: Rolls, now: Rolls, strength: float) -> Callable[[Rolls], Floats]:
    weights, bias = np.zeros((KEYS, KEYS)), _odds((now.sum(0) + 0.5) / (len(now) + 1))
    read = before.astype(np.float64)
    for key, (weight, own) in _fitted(read, now, strength):
        weights[:, key], bias[key] = weight, own
    return lambda rolls: rolls @ weights + bias


def _fitted(
    read: Floats, now: Rolls, strength: float
) -> Iterator[tuple[int, tuple[Floats, float]]]:
    """Weights and bias of every key that sounds at times, and not always."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    counts = now.sum(0)
    for key in np.flatnonzero((counts > 1) & (counts < len(now) - 1)):
        model = LogisticRegression(C=strength, max_iter=200, tol=1e-3)
        with warnings.catch_warnings():
            # a yardstick that is not quite at its best is still one
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(read, now[:, key])
        yield int(key), (model.coef_[0], float(model.intercept_[0]))

r"""A hidden Markov model of each word, from left to right: the one that finds sound likeliest wins.

Every state stays or goes on to the next one, begins with the first and ends with the last, and
gives frames by a mixture of Gaussians with a variance per number. Frames are dealt to states by the
best path, states learn from their frames, and so on (segmental k-means, Rabiner and Juang 1993);
mixtures grow by splitting each Gaussian in two. Items are judged by all paths together,

    p(x) = sum over paths of prod_t a(s_t | s_{t-1}) sum_m w_m N(x_t; mu_m, sigma_m)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from longshort.data.corpus import Corpus
from longshort.data.sequences import Floats
from longshort.data.steps import Ints
from longshort.records import Kind
from longshort.yardsticks.labels.base import LabelMethod
from longshort.yardsticks.labels.choice import Predict, chosen, indicator

# frames (T, F) of each item of a corpus
Frames = Callable[[Corpus], Sequence[NDArray[np.float32]]]

# rounds of dealing frames to states, and of EM after a split
_ROUNDS, _MIXED = 8, 4
# no variance is less than this share of that of all frames, and no state leaves or stays for sure
_LEAST, _SURE = 0.05, 0.01
# frames that are learnt from in a minute or two
_FRAMES = 2_000_000


class _Word(NamedTuple):
    """A model: log weights (S, M), means and variances (S, M, F), log of staying and leaving."""

    weights: Floats
    means: Floats
    variances: Floats
    stay: Floats
    leave: Floats


@dataclass(frozen=True)
class LeftRight:
    """One model a word; how many states and Gaussians is chosen by ``metric``.

    Args:
        frames: what is read of items, the same that the network reads.
        metric: what chooses.
        settings: states, and Gaussians of each (1, 2, 4, ...), that are tried.
    """

    frames: Frames
    metric: str = "macro_f1"
    settings: tuple[tuple[int, int], ...] = ((6, 1), (10, 1), (6, 4), (10, 4))
    name: str = "HMM per word"
    kind: Kind = "classical"

    def refuses(self, train: Corpus) -> str:
        """Where items have several labels, or there are too many frames."""
        if any(len(labels) != 1 for labels in train.labels or ()):
            return "an item may have several labels"
        frames = int(train.sizes.sum()) // 10
        if frames > _FRAMES:
            return f"about {frames:,} frames are more than the {_FRAMES:,} learnt in minutes"
        return ""

    def fit(
        self,
        train: Corpus,
        valid: Corpus | None,
        classes: Sequence[str],
        seed: int,
        several: bool = False,
    ) -> LabelMethod:
        """Learn a model of each word from the training part; nothing is drawn."""

        def fitted(setting: tuple[int, int], part: Corpus) -> Predict:
            states, mixtures = setting
            label = indicator(part, classes).argmax(1)
            x = [np.asarray(own, np.float64) for own in self.frames(part)]
            every = np.concatenate(x)
            floor = _LEAST * np.maximum(every.var(0), 1e-6)
            words = [
                learn(
                    [x[at] for at in np.flatnonzero(label == k).tolist()], states, mixtures, floor
                )
                if (label == k).any()
                else None
                for k in range(len(classes))
            ]
            share = np.bincount(label, minlength=len(classes)) / len(label)

            def predict(items: Corpus) -> Floats:
                own = [np.asarray(each, np.float64) for each in self.frames(items)]
                odds = np.stack(
                    [
                        np.full(len(own), -1e12) if word is None else likelihood(word, own)
                        for word in words
                    ],
                    1,
                )
                odds += np.log(np.maximum(share, 1e-12))
                odds = np.exp(odds - odds.max(1, keepdims=True))
                return np.asarray(odds / odds.sum(1, keepdims=True))

            return predict

        predict = chosen(self.settings, fitted, train, valid, classes, self.metric, several)
        return LabelMethod(self.name, self.kind, predict)


def learn(items: Sequence[Floats], states: int, mixtures: int, floor: Floats) -> _Word:
    """A model of items (T, F) of one word.

    Args:
        items: at least one; those of fewer frames than states are read with frames twice.
        states: S.
        mixtures: M, a power of two.
        floor: (F,) the least variances.
    """
    items = [_enough(own, states) for own in items]
    lengths = np.array([len(own) for own in items])
    x = np.concatenate(items)
    # at first every state has the same share of an item
    dealt = np.concatenate([np.arange(n) * states // n for n in lengths])
    word = _estimated(x, dealt, lengths, states, None, floor)
    while True:
        for _ in range(_ROUNDS):
            again = _aligned(word, x, lengths)
            if (again == dealt).all():
                break
            dealt = again
            word = _estimated(x, dealt, lengths, states, word, floor)
        if word.weights.shape[1] >= mixtures:
            return word
        word = _split(word)
        for _ in range(_MIXED):
            word = _estimated(x, dealt, lengths, states, word, floor)


def _enough(own: Floats, states: int) -> Floats:
    if len(own) >= states:
        return own
    if not len(own):
        return np.zeros((states, own.shape[1]))
    return np.asarray(own[np.arange(states) * len(own) // states])


def _estimated(
    x: Floats, dealt: Ints, lengths: Ints, states: int, word: _Word | None, floor: Floats
) -> _Word:
    """A model from frames (R, F) that were dealt to states (R,); mixtures by one step of EM."""
    mixtures = 1 if word is None else word.weights.shape[1]
    weights = np.zeros((states, mixtures))
    means = np.zeros((states, mixtures, x.shape[1]))
    variances = np.zeros_like(means)
    counts = np.zeros(states)
    for state in range(states):
        own = x[dealt == state]
        counts[state] = len(own)
        share = np.ones((len(own), 1))
        if word is not None:
            told = _densities(word, own)[:, state]
            share = np.exp(told - told.max(1, keepdims=True))
            share /= share.sum(1, keepdims=True)
        total = np.maximum(share.sum(0), 1e-8)
        weights[state] = np.log(total / total.sum())
        means[state] = share.T @ own / total[:, None]
        squares = share.T @ own**2 / total[:, None]
        variances[state] = np.maximum(squares - means[state] ** 2, floor)
    leave = np.clip(len(lengths) / np.maximum(counts, 1), _SURE, 1 - _SURE)
    return _Word(weights, means, variances, np.log(1 - leave), np.log(leave))


def _split(word: _Word) -> _Word:
    """Each Gaussian as two, a fifth of a deviation to either side."""
    by = 0.2 * np.sqrt(word.variances)
    return word._replace(
        weights=np.concatenate([word.weights, word.weights], 1) - np.log(2),
        means=np.concatenate([word.means - by, word.means + by], 1),
        variances=np.concatenate([word.variances, word.variances], 1),
    )


def _densities(word: _Word, x: Floats) -> Floats:
    """(R, S, M) log of weight times density of frames (R, F)."""
    states, mixtures, width = word.means.shape
    means, precise = word.means.reshape(-1, width), 1 / word.variances.reshape(-1, width)
    apart = x**2 @ precise.T - 2 * x @ (means * precise).T + (means**2 * precise).sum(1)
    whole = apart + np.log(2 * np.pi / precise).sum(1)
    return np.asarray(word.weights + (-0.5 * whole).reshape(-1, states, mixtures))


def _summed(x: Floats, axis: int) -> Floats:
    most = x.max(axis, keepdims=True)
    return np.asarray(np.log(np.exp(x - most).sum(axis)) + most.squeeze(axis))


def _laid(rows: Floats, lengths: Ints) -> Floats:
    """(N, T, S) of rows (R, S) of items one after the other; what lies beyond an item is 0."""
    inside = np.arange(lengths.max()) < lengths[:, None]
    found = np.zeros((*inside.shape, rows.shape[1]))
    found[inside] = rows
    return found


def _aligned(word: _Word, x: Floats, lengths: Ints) -> Ints:
    """(R,) the state of each frame on its item's best path."""
    told = _laid(_summed(_densities(word, x), 2), lengths)
    items, steps, states = told.shape
    best = np.full((items, states), -np.inf)
    best[:, 0] = told[:, 0, 0]
    moved = np.zeros((steps, items, states), bool)
    for at in range(1, steps):
        stay = best + word.stay
        come = np.full_like(best, -np.inf)
        come[:, 1:] = best[:, :-1] + word.leave[:-1]
        moved[at] = come > stay
        best = np.where((at < lengths)[:, None], np.maximum(stay, come) + told[:, at], best)
    path = np.zeros((items, steps), np.int64)
    state = np.full(items, states - 1)
    everyone = np.arange(items)
    for at in range(steps - 1, -1, -1):
        path[:, at] = state
        if at:
            inside = at < lengths
            state = state - (moved[at][everyone, state] & inside)
    return path[np.arange(steps) < lengths[:, None]]


def likelihood(word: _Word, items: Sequence[Floats]) -> Floats:
    """(N,) log p of items (T, F)."""
    states = len(word.stay)
    items = [_enough(own, states) for own in items]
    lengths = np.array([len(own) for own in items])
    told = _laid(_summed(_densities(word, np.concatenate(items)), 2), lengths)
    best = np.full((len(items), states), -np.inf)
    best[:, 0] = told[:, 0, 0]
    with np.errstate(divide="ignore"):
        for at in range(1, told.shape[1]):
            come = np.full_like(best, -np.inf)
            come[:, 1:] = best[:, :-1] + word.leave[:-1]
            new = np.logaddexp(best + word.stay, come) + told[:, at]
            best = np.where((at < lengths)[:, None], new, best)
    return np.asarray(best[:, -1] + word.leave[-1])

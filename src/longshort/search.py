"""Which symbols follow: sampling and greedy choice over whatever scores one step.

A ``Scorer`` tells log-probabilities of the next symbol, reads the symbol that was chosen, and so
on: a language model, or a decoder that answers a source. ``sample`` draws from it (or takes the
best, at temperature 0); ``beams`` looks for the most probable runs of symbols.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray

from longshort.contracts import Batch, Params, Prediction, Stepper, whole
from longshort.errors import ArgumentError

Floats = NDArray[Any]
Ints = NDArray[np.int64]

# draws made ahead for each row
_AHEAD = 256


class Scorer(Protocol):
    """What is searched. It owns its state and goes on from where it stands; K symbols, B rows."""

    def start(self) -> Floats:
        """(B, K), log-probabilities of the first symbol of each row."""
        ...

    def read(self, choice: Ints) -> Floats:
        """Read a symbol of each row, (B,); the log-probabilities (B, K) of the one after it."""
        ...

    def select(self, rows: Ints) -> None:
        """Go on with these rows, (B',), in that order; a row may come several times."""
        ...


@runtime_checkable
class Looking(Protocol):
    """A ``Scorer`` that looks at a source."""

    def looked(self) -> Floats:
        """(B, T), how much each step of each row's source was looked at; 1 where there is none."""
        ...


class Stepped:
    """Any model that steps as a ``Scorer``: it reads a prompt or source, then its own choices.

    Args:
        stepper: its predictions have ``scores``, (B, ..., K) log-probabilities.
        batch: prompts or sources.
        feed: symbols (B,) as the batch of one time step that is read next.
    """

    def __init__(
        self, stepper: Stepper, batch: Batch, feed: Callable[[torch.Tensor], Batch]
    ) -> None:
        self._stepper, self._batch, self._feed = stepper, batch, feed

    @torch.no_grad()
    def start(self) -> Floats:
        """See ``Scorer``."""
        prediction, self._state = self._stepper.start(self._batch)
        return _scores(prediction)

    @torch.no_grad()
    def read(self, choice: Ints) -> Floats:
        """See ``Scorer``."""
        prediction, self._state = self._stepper.step(
            self._feed(torch.from_numpy(choice)), self._state
        )
        return _scores(prediction)

    def select(self, rows: Ints) -> None:
        """See ``Scorer``."""
        self._state = self._state.select(torch.from_numpy(rows))


def _scores(prediction: Prediction) -> Floats:
    if prediction.scores is None:
        raise ValueError("the model's predictions have no scores to search by")
    scores = prediction.scores
    return (scores[:, -1] if scores.dim() == 3 else scores).cpu().numpy()


# drawing


@dataclass(frozen=True)
class Sampling(Params):
    """How a symbol is drawn. What is left after each step is made to sum to 1 again.

    In this order: symbols that occurred are made less likely, all are tempered, then the unlikely
    ones are left out. The defaults draw from the model as it is.

    Args:
        temperature: T, log-probabilities are divided by it; below 1 is more cautious, 0 takes the
            most probable symbol every time (greedy).
        top_k: only the k most probable symbols (Fan et al. 2018); None for all.
        top_p: only the most probable symbols that together reach this probability, 0 to 1 (nucleus
            sampling, Holtzman et al. 2020).
        min_p: only symbols at least this share as probable as the most probable one, 0 to 1
            (Nguyen et al. 2024).
        repetition: what log-probabilities of symbols among the last ``memory`` ones are multiplied
            with, 1 or more (after Keskar et al. 2019, who divide a score that has no fixed zero).
        memory: how many symbols back a repetition counts, the prompt's among them.

    Raises:
        ArgumentError: a value out of range.
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float = 1.0
    min_p: float = 0.0
    repetition: float = 1.0
    memory: int = 64

    def __post_init__(self) -> None:
        self._whole(1, "top_k", "memory")
        for name, low, high, told in (
            ("temperature", 0.0, math.inf, "0 or more"),
            ("top_p", 1e-300, 1.0, "above 0, up to 1"),
            ("min_p", 0.0, 1.0, "0 to 1"),
            ("repetition", 1.0, math.inf, "1 or more"),
        ):
            value = getattr(self, name)
            if not low <= value <= high or math.isinf(value):
                raise ArgumentError(f"Sampling({name}={value!r}): must be {told}")

    @property
    def plain(self) -> bool:
        """Nothing is left out."""
        return self.top_k is None and self.top_p >= 1 and self.min_p <= 0


class Drawn(NamedTuple):
    """One symbol of each row (B,), and all log-probabilities of the model itself (B, K)."""

    symbols: Ints
    scores: Floats

    @property
    def log_p(self) -> Floats:
        """(B,), the model's log-probability of each symbol, whatever was left out."""
        return np.asarray(self.scores[np.arange(len(self.symbols)), self.symbols])


def probabilities(scores: Floats, sampling: Sampling) -> Floats:
    """What is drawn from: (B, K) that sum to 1, of log-probabilities (B, K); T above 0.

    Equal probabilities count as one where something is left out: all of them stay.
    """
    p = np.exp((scores - scores.max(-1, keepdims=True)).astype(np.float64) / sampling.temperature)
    if not sampling.plain:
        p = np.where(p >= _least(p, sampling), p, 0.0)
    return np.asarray(p / p.sum(-1, keepdims=True))


def _least(p: Floats, sampling: Sampling) -> Floats:
    """(B, 1), the smallest weight that is kept."""
    least = sampling.min_p * p.max(-1, keepdims=True)
    symbols = p.shape[-1]
    if sampling.top_k is not None and sampling.top_k < symbols:
        kth = np.partition(p, symbols - sampling.top_k)[:, symbols - sampling.top_k, None]
        p, least = np.where(p >= kth, p, 0.0), np.maximum(least, kth)
    if sampling.top_p < 1:
        falling = -np.sort(-p)
        mass = falling.cumsum(-1)
        # the first place where enough is reached
        place = (mass < sampling.top_p * mass[:, -1:]).sum(-1, keepdims=True)
        nucleus = np.take_along_axis(falling, np.minimum(place, symbols - 1), 1)
        least = np.maximum(least, nucleus)
    return np.asarray(least)


def sample(
    scorer: Scorer,
    steps: int,
    sampling: Sampling = Sampling(),
    seed: int = 0,
    *,
    seen: Sequence[Sequence[int]] = (),
    banned: Sequence[int] = (),
    later: Sequence[int] = (),
) -> Iterator[Drawn]:
    """Draw symbol after symbol; whoever has seen enough stops asking.

    A row's draws are a function of (seed, row): its neighbours do not change them.

    Args:
        scorer: stands before the first symbol.
        steps: symbols of each row at most.
        sampling: how they are drawn.
        seed: the same one draws the same symbols.
        seen: symbols of each row's prompt, for ``sampling.repetition``.
        banned: symbols that are never drawn.
        later: symbols that are not drawn first.

    Raises:
        ArgumentError: every symbol is banned.
    """
    whole("seed", seed, 0)
    past: list[list[int]] = []
    uniform = np.empty((0, 0))
    scores = scorer.start() if steps > 0 else np.empty((0, 0))
    always, first = left_out(banned, scores), left_out([*banned, *later], scores)
    if sampling.repetition > 1:
        past = [list(row)[-sampling.memory :] for row in seen] or [[] for _ in scores]
    for step in range(steps):
        own = always if step else first
        shaped = scores if own is None else scores + own
        if past:
            shaped = shaped.copy()
            for row, symbols in enumerate(past):
                shaped[row, list(set(symbols))] *= sampling.repetition
        if sampling.temperature == 0:
            choice = shaped.argmax(-1)
        else:
            if step % _AHEAD == 0:
                uniform = _uniform(seed, len(scores), step)
            choice = _drawn(shaped, sampling, uniform[:, step % _AHEAD])
        yield Drawn(choice, scores)
        for row, symbols in enumerate(past):
            symbols.append(int(choice[row]))
            del symbols[: -sampling.memory]
        if step + 1 < steps:
            scores = scorer.read(choice)


def left_out(symbols: Sequence[int], scores: Floats) -> Floats | None:
    """(K,), what is added to log-probabilities (B, K): 0, or -inf where a symbol is left out."""
    if not len(symbols) or not scores.size:
        return None
    if len(set(symbols)) >= scores.shape[1]:
        raise ArgumentError(f"all {scores.shape[1]} symbols are left out: none can follow")
    found = np.zeros(scores.shape[1], scores.dtype)
    found[list(symbols)] = -np.inf
    return found


def _uniform(seed: int, rows: int, step: int) -> Floats:
    """(B, 256) in [0, 1), a function of (seed, row, step)."""
    draws = [
        np.random.Generator(np.random.Philox(key=[seed, row], counter=[0, 0, step, 0]))
        for row in range(rows)
    ]
    return np.stack([draw.random(_AHEAD) for draw in draws])


def _drawn(scores: Floats, sampling: Sampling, uniform: Floats) -> Ints:
    """(B,): the first symbol at which the cumulative probability passes ``uniform`` (B,)."""
    if len(scores) == 1 and sampling.plain:
        # the same, with fewer and smaller steps: this is what live generation waits for
        row = scores[0].astype(np.float64)
        row -= row.max()
        if sampling.temperature != 1:
            row /= sampling.temperature
        mass = np.exp(row, out=row).cumsum()
        return np.array([_place(mass, uniform[0])])
    mass = probabilities(scores, sampling).cumsum(-1)
    return np.array([_place(row, u) for row, u in zip(mass, uniform, strict=True)])


def _place(mass: Floats, uniform: float) -> int:
    # rounding cannot lead past the last symbol that has any probability
    least = mass.searchsorted(mass[-1])
    return min(int(mass.searchsorted(uniform * mass[-1], side="right")), int(least))

"""The most probable runs of symbols, by beam search over whatever scores one step."""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from longshort.contracts import Params, whole
from longshort.errors import ArgumentError
from longshort.search import Floats, Ints, Looking, Scorer, left_out

# of what was looked at, where its logarithm is taken
_LEAST = 1e-6


class Hypothesis(NamedTuple):
    """A run of symbols, its log-probability, and what it is ranked by.

    ``symbols`` ends before the end mark, whose probability counts; ``ended`` says whether there
    was one.
    """

    symbols: tuple[int, ...]
    log_p: float
    score: float
    ended: bool


@dataclass(frozen=True)
class Beam(Params):
    """How the most probable runs of symbols are looked for.

    Args:
        width: W, open runs of each row.
        length_penalty: a, a run is ranked by log p / length^a: 0 prefers short runs, 1 is the mean
            per symbol (after Wu et al. 2016, section 7); the closing symbol counts as one.
        coverage_penalty: b, b * sum_j log(min(sum_t a_tj, 1)) is added (Wu et al. 2016), a_tj being
            the weight of attention on step j of the source at symbol t: what leaves parts of the
            source unsaid comes later. Only where a scorer looks at a source.
        block: runs in which a stretch of so many symbols occurs twice are left out (Paulus et al.
            2018); 0 for none.
        least: fewest symbols before the closing one.
        most: most symbols; None leaves it to who searches.
        thorough: a row's search goes on until no open run can come among the best however long it
            grows; else until none would now.

    Raises:
        ArgumentError: a value out of range.
    """

    width: int = 5
    length_penalty: float = 1.0
    coverage_penalty: float = 0.0
    block: int = 0
    least: int = 0
    most: int | None = None
    thorough: bool = False

    def __post_init__(self) -> None:
        self._whole(1, "width", "most")
        self._whole(0, "block", "least")
        for name in ("length_penalty", "coverage_penalty"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ArgumentError(f"Beam({name}={getattr(self, name)!r}): must be 0 or more")
        if self.most is not None and self.least > self.most:
            raise ArgumentError(
                f"Beam(least={self.least}, most={self.most}): the fewest symbols are more than the "
                "most"
            )


def beam(
    scorer: Scorer,
    steps: int | Sequence[int],
    width: int = 5,
    *,
    end: int | None = None,
    length_penalty: float = 0.0,
    banned: Sequence[int] = (),
) -> list[list[Hypothesis]]:
    """``search`` until nothing can come among the best: up to ``width`` runs of each row.

    With as many open runs as there are runs of ``steps`` symbols it is exhaustive.

    Args:
        scorer, steps, end, banned: as for ``search``.
        width, length_penalty: see ``Beam``.

    Raises:
        ArgumentError: ``steps``, ``width`` or ``length_penalty`` is out of range, or every symbol
            is banned.
    """
    settings = Beam(width, length_penalty, thorough=True)
    return search(scorer, steps, settings, end=end, banned=banned)


def search(
    scorer: Scorer,
    steps: int | Sequence[int],
    settings: Beam = Beam(),
    *,
    end: int | None = None,
    banned: Sequence[int] = (),
    prefix: Sequence[Sequence[int]] = (),
) -> list[list[Hypothesis]]:
    """The most probable runs of symbols, by beam search; up to W of each row, best first.

    At each step the W most probable open runs of a row go on; rows whose search is over are read no
    more. What is found for a row does not depend on the others.

    Args:
        scorer: stands before the first symbol of each row; one that is a ``Looking`` tells what was
            looked at.
        steps: symbols of a run at most, the closing one included, of all rows or of each; runs of
            that length count as they are, ended or not.
        settings: see ``Beam``; ``steps`` stands for its ``most``.
        end: the symbol that ends a run; None where all have ``steps`` symbols.
        banned: symbols that never occur.
        prefix: symbols that each row's runs begin with; none for ().

    Raises:
        ArgumentError: ``steps`` is out of range, or every symbol is banned.
    """
    return _Search(scorer, steps, settings, end, banned, prefix).run()


class _Search:
    """One call of ``search``: R rows that are still open, of W runs each, and what was found."""

    def __init__(
        self,
        scorer: Scorer,
        steps: int | Sequence[int],
        settings: Beam,
        end: int | None,
        banned: Sequence[int],
        prefix: Sequence[Sequence[int]],
    ) -> None:
        self.scorer, self.settings, self.end = scorer, settings, end
        for each in [steps] if isinstance(steps, int) else steps:
            whole("steps", each, 1)
        self.scores = scorer.start()
        rows, self.symbols = self.scores.shape
        self.banned = left_out(banned, self.scores)
        self.most = np.broadcast_to(np.asarray(steps, np.int64), rows)
        self.prefix = [list(own) for own in prefix] or [[] for _ in range(rows)]
        # numbers of the rows that are still open; their runs, and the runs' log-probabilities
        self.open = np.arange(rows)
        self.runs = np.zeros((rows, 1, 0), np.int64)
        self.totals = np.zeros((rows, 1))
        self.found: list[list[Hypothesis]] = [[] for _ in range(rows)]

    def run(self) -> list[list[Hypothesis]]:
        """See ``search``."""
        for length in range(1, int(self.most.max(initial=0)) + 1):
            scores = self._allowed(length)
            grown = self.totals[:, :, None] + scores
            unsaid = self._unsaid()
            if self.end is not None:
                self._end(grown[:, :, self.end], unsaid, length)
                grown[:, :, self.end] = -np.inf
            parents, choices = self._grow(grown)
            going = self._going(np.take_along_axis(unsaid, parents, 1), length)
            if not going.any():
                break
            at = np.flatnonzero(going)
            runs = self.runs.shape[1]
            before = len(scores[0])
            self.open, self.runs = self.open[going], self.runs[going]
            self.totals = self.totals[going]
            self.scorer.select((at[:, None] * before + parents[going]).ravel())
            read = self.scorer.read(choices[going].ravel())
            # sources of the rows that are left may hold fewer symbols
            self.symbols = read.shape[1]
            self.scores = read.reshape(-1, runs, self.symbols)
        return [
            heapq.nlargest(self.settings.width, own, key=lambda one: one.score)
            for own in self.found
        ]

    def _allowed(self, length: int) -> Floats:
        """(R, W, K) log-probabilities, -inf of what may not follow."""
        scores = self.scores.reshape(len(self.open), -1, self.symbols).copy()
        if self.banned is not None:
            scores += self.banned[: self.symbols]
        if self.end is not None and length <= self.settings.least:
            scores[:, :, self.end] = -np.inf
        if self.settings.block and length > self.settings.block:
            for at, run, symbol in _again(self.runs, self.settings.block):
                # what a run was told to begin with may say a thing twice
                if symbol < self.symbols and length > len(self.prefix[self.open[at]]):
                    scores[at, run, symbol] = -np.inf
        for at, row in enumerate(self.open.tolist()):
            own = self.prefix[row]
            if length <= len(own):
                kept = scores[at, :, own[length - 1]].copy()
                scores[at] = -np.inf
                scores[at, :, own[length - 1]] = kept
        return scores

    def _end(self, totals: Floats, unsaid: Floats, length: int) -> None:
        """Runs (R, W) that end here; as many are kept as can come among the best."""
        ranked = totals / length**self.settings.length_penalty + unsaid
        for at, run in zip(*np.nonzero(np.isfinite(totals)), strict=True):
            best, own = self.found[self.open[at]], float(ranked[at, run])
            if len(best) == self.settings.width and own <= best[0].score:
                continue
            symbols = tuple(self.runs[at, run].tolist())
            _keep(best, Hypothesis(symbols, float(totals[at, run]), own, True), self.settings.width)

    def _unsaid(self) -> Floats:
        """What runs (R, W) lose, 0 or less, by what they have not looked at."""
        weight = self.settings.coverage_penalty
        if not (weight and isinstance(self.scorer, Looking)):
            return np.zeros(self.totals.shape)
        said = np.log(np.clip(self.scorer.looked(), _LEAST, 1)).sum(-1)
        return np.asarray(weight * said.reshape(self.totals.shape))

    def _grow(self, grown: Floats) -> tuple[Ints, Ints]:
        """Let the W most probable of (R, W, K) go on: (R, W) which run each was, and its symbol."""
        rows, runs, symbols = grown.shape
        width = min(self.settings.width, runs * symbols)
        flat = grown.reshape(rows, -1)
        if width < flat.shape[1] // 4:
            near = np.argpartition(flat, flat.shape[1] - width, axis=1)[:, -width:]
            near.sort(1)
        else:
            near = np.broadcast_to(np.arange(flat.shape[1]), flat.shape)
        order = np.argsort(-np.take_along_axis(flat, near, 1), axis=1, kind="stable")[:, :width]
        kept = np.take_along_axis(near, order, 1)
        parents, choices = kept // symbols, kept % symbols
        self.totals = np.take_along_axis(flat, kept, 1)
        before = np.take_along_axis(self.runs, parents[:, :, None], 1)
        self.runs = np.concatenate([before, choices[:, :, None]], 2)
        return parents, choices

    def _going(self, unsaid: Floats, length: int) -> NDArray[np.bool_]:
        """(R,) whether a row's search goes on; runs that are cut off are kept as they are."""
        going = np.ones(len(self.open), bool)
        for at, row in enumerate(self.open.tolist()):
            best, open_ = self.found[row], self.totals[at]
            if length == self.most[row]:
                self._cut(at, row, unsaid[at], length)
                going[at] = False
            elif not np.isfinite(open_[0]):
                going[at] = False
            elif len(best) == self.settings.width:
                # log-probabilities only ever fall
                longest = int(self.most[row]) if self.settings.thorough else length
                bound = open_[0] / longest**self.settings.length_penalty
                going[at] = best[0].score < bound
        return going

    def _cut(self, at: int, row: int, unsaid: Floats, length: int) -> None:
        """Keep a row's open runs as they are, ranked as those that ended."""
        ranked = self.totals[at] / length**self.settings.length_penalty + unsaid
        for run, total, score in zip(self.runs[at], self.totals[at], ranked, strict=True):
            if np.isfinite(total):
                own = Hypothesis(tuple(run.tolist()), float(total), float(score), False)
                _keep(self.found[row], own, self.settings.width)


def _keep(best: list[Hypothesis], one: Hypothesis, width: int) -> None:
    """Put one among the ``width`` best; the worst of them stands first."""
    best.append(one)
    best.sort(key=lambda each: each.score)
    del best[: max(len(best) - width, 0)]


def _again(runs: Ints, block: int) -> list[tuple[int, int, int]]:
    """(row, run, symbol) of every symbol that would make a stretch of ``block`` occur again."""
    told = np.lib.stride_tricks.sliding_window_view(runs, block, axis=2)
    same = (told[..., :-1] == runs[:, :, None, runs.shape[2] - block + 1 :]).all(-1)
    return [(at, run, int(told[at, run, place, -1])) for at, run, place in np.argwhere(same)]

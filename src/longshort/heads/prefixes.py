r"""Prefix beam search: the most probable transcripts of CTC, however they are aligned.

Hannun, Maas, Jurafsky and Ng 2014, "First-pass large vocabulary continuous speech recognition using
bi-directional recurrent DNNs". Of each prefix l it keeps the probability of all paths that end in a
blank, b(l), and in its last symbol, n(l); with p_t(k) the frame's, and c the last symbol of l:

    b(l)  = p_t(blank) (b(l) + n(l))
    n(l)  = p_t(c) n(l)  +  p_t(c) (b(l') if l' ends with c, else b(l') + n(l')),    l = l' c

Prefixes are ranked by log (b + n) and whatever a ``Prior`` adds for them: a language model, words
that are expected. All prefixes of all rows are read at once, and frames may come in any number of
parts: the answer is the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from longshort.contracts import whole

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# of many symbols those that are looked at in a frame
_MOST = 64
# prefixes that are remembered before those that lead nowhere are forgotten
_NODES = 100_000
# no prefix, and the one before the empty prefix
_DEAD, _ABOVE = -1, -2
# what tells where a search stands, beside its trie
_STANDING = ("blank", "symbol", "added", "node", "up", "last")


class Prior(Protocol):
    """What is added to the scores of prefixes. It owns its state; N rows, K classes."""

    def start(self, rows: int) -> Floats:
        """(N, K), what each class adds as the first symbol of each row."""
        ...

    def read(self, rows: Ints, choice: Ints) -> Floats:
        """Go on with these rows (N,), each reading its symbol, or none where it is -1; (N, K)."""
        ...

    def end(self) -> Floats:
        """(N,), what is added where each row's transcript ends."""
        ...


class Together:
    """Several priors as one."""

    def __init__(self, priors: Sequence[Prior]) -> None:
        self._priors = priors

    def start(self, rows: int) -> Floats:
        """See ``Prior``."""
        return np.asarray(sum(prior.start(rows) for prior in self._priors))

    def read(self, rows: Ints, choice: Ints) -> Floats:
        """See ``Prior``."""
        return np.asarray(sum(prior.read(rows, choice) for prior in self._priors))

    def end(self) -> Floats:
        """See ``Prior``."""
        return np.asarray(sum(prior.end() for prior in self._priors))


class Found(NamedTuple):
    """A transcript: its symbols, log p(y | x) of its paths, and what the prior added."""

    symbols: tuple[int, ...]
    log_p: float
    prior: float = 0.0

    @property
    def score(self) -> float:
        """What it is ranked by."""
        return self.log_p + self.prior


class PrefixSearch:
    """The search, standing between two frames; B rows of W prefixes each.

    Args:
        rows: B.
        classes: K, the blank (0) and all symbols.
        width: W, prefixes that are kept of each row.
        prior: added to their scores.
        most: symbols that are looked at in each frame, the most probable ones; None for all.
    """

    def __init__(
        self,
        rows: int,
        classes: int,
        width: int,
        prior: Prior | None = None,
        most: int | None = _MOST,
    ) -> None:
        whole("width", width, 1)
        self.rows, self.classes, self.width, self._prior = rows, classes, width, prior
        self._most = classes - 1 if most is None else min(most, classes - 1)
        shape = rows, width
        self._blank, self._symbol = np.full(shape, -np.inf), np.full(shape, -np.inf)
        self._added = np.zeros(shape)
        self._node, self._up = np.full(shape, _DEAD), np.full(shape, _ABOVE)
        self._last = np.full(shape, _DEAD)
        self._blank[:, 0], self._node[:, 0] = 0.0, 0
        # the trie of prefixes: what each one adds a symbol to, and the one that an addition makes
        self._parents, self._symbols = [_ABOVE], [_DEAD]
        self._children: dict[tuple[int, int], int] = {}
        self._gains = np.zeros((rows, width, classes))
        if prior is not None:
            self._gains = prior.start(rows * width).reshape(rows, width, classes)

    def read(self, scores: NDArray[np.floating], lengths: Ints | None = None) -> None:
        """Read frames: (B, T, K) log-probabilities, ``lengths`` (B,) of them of each row."""
        frames: Floats = np.asarray(scores, np.float64)
        every = np.full(self.rows, frames.shape[1]) if lengths is None else np.asarray(lengths)
        for t in range(int(every.max(initial=0))):
            self._step(frames[:, t], t < every)
            if len(self._parents) > _NODES:
                self._forget()

    def _step(self, p: Floats, going: NDArray[np.bool_]) -> None:
        """One frame (B, K); rows that are not ``going`` stay as they are."""
        rows = np.arange(self.rows)[:, None]
        total = np.logaddexp(self._blank, self._symbol)
        alive, last = self._node >= 0, self._last
        own = np.where(last >= 0, np.take_along_axis(p, np.maximum(last, 0), 1), -np.inf)
        blank, symbol = total + p[:, :1], self._symbol + own
        # a prefix is also reached from the one that it adds a symbol to, where that is kept
        match = (self._up[:, :, None] == self._node[:, None, :]) & alive[:, :, None]
        reached, parent = match.any(2), match.argmax(2)
        before = np.where(
            last[rows, parent] == last, self._blank[rows, parent], total[rows, parent]
        )
        symbol = np.where(reached, np.logaddexp(symbol, before + own), symbol)
        # and new ones are made of each with the likeliest symbols
        columns = self._columns(p)
        same = columns[:, None, :] == last[:, :, None]
        grown = np.where(same, self._blank[:, :, None], total[:, :, None])
        grown = grown + np.take_along_axis(p, columns, 1)[:, None, :]
        place = np.zeros((self.rows, self.classes), np.int64) - 1
        np.put_along_axis(place, columns, np.arange(columns.shape[1])[None], 1)
        at = np.take_along_axis(place, np.maximum(last, 0), 1)
        row, beam = np.nonzero(reached & (at >= 0))
        grown[row, parent[row, beam], at[row, beam]] = -np.inf
        added = (
            self._added[:, :, None]
            + self._gains[rows[:, :, None], np.arange(self.width)[:, None], columns[:, None, :]]
        )
        ranked = np.concatenate(
            [np.logaddexp(blank, symbol) + self._added, (grown + added).reshape(self.rows, -1)], 1
        )
        best = _best(ranked, self.width)
        stays = best < self.width
        moved = np.maximum(best - self.width, 0)
        source = np.where(stays, best, moved // columns.shape[1])
        column = moved % columns.shape[1]
        choice = np.where(stays, -1, columns[rows, column])
        there = np.isfinite(ranked[rows, best]) & going[:, None]
        choice = np.where(there, choice, -1)
        source = np.where(going[:, None], source, np.arange(self.width))
        fresh = there & (choice >= 0)
        kept = (~fresh) & going[:, None]
        self._blank = np.where(
            going[:, None], np.where(kept, blank[rows, source], -np.inf), self._blank
        )
        self._symbol = np.where(
            going[:, None],
            np.where(fresh, grown[rows, source, column], symbol[rows, source]),
            self._symbol,
        )
        self._added = np.where(fresh, added[rows, source, column], self._added[rows, source])
        self._place(source, choice, fresh, there | ~going[:, None])
        self._listen(source, choice)

    def _columns(self, p: Floats) -> Ints:
        """(B, M) symbols that are looked at."""
        if self._most == self.classes - 1:
            return np.broadcast_to(np.arange(1, self.classes), (len(p), self._most))
        return np.argpartition(-p[:, 1:], self._most - 1, axis=1)[:, : self._most] + 1

    def _place(
        self, source: Ints, choice: Ints, fresh: NDArray[np.bool_], there: NDArray[np.bool_]
    ) -> None:
        """Which prefixes the rows now hold."""
        rows = np.arange(self.rows)[:, None]
        node, up, last = (part[rows, source] for part in (self._node, self._up, self._last))
        for row, beam in np.argwhere(fresh).tolist():
            parent, symbol = int(node[row, beam]), int(choice[row, beam])
            # rows share the trie: a prefix is the same in all of them
            made = self._children.setdefault((parent, symbol), len(self._parents))
            if made == len(self._parents):
                self._parents.append(parent)
                self._symbols.append(symbol)
            node[row, beam], up[row, beam], last[row, beam] = made, parent, symbol
        self._node, self._up = np.where(there, node, _DEAD), np.where(there, up, _ABOVE)
        self._last = np.where(there, last, _DEAD)
        dead = self._node < 0
        self._blank[dead] = self._symbol[dead] = -np.inf

    def _listen(self, source: Ints, choice: Ints) -> None:
        """What the prior says of the prefixes that are kept now."""
        if self._prior is None:
            return
        still = np.array_equal(source, np.broadcast_to(np.arange(self.width), source.shape))
        if still and (choice < 0).all():
            return
        flat = (np.arange(self.rows)[:, None] * self.width + source).ravel()
        gains = self._prior.read(flat, choice.ravel())
        self._gains = gains.reshape(self.rows, self.width, self.classes)

    def _forget(self) -> None:
        """Leave out prefixes that lead to none that is kept."""
        used: set[int] = {0}
        for node in self._node.ravel().tolist():
            while node >= 0 and node not in used:
                used.add(node)
                node = self._parents[node]
        kept = sorted(used)
        number = {old: new for new, old in enumerate(kept)}
        number[_DEAD], number[_ABOVE] = _DEAD, _ABOVE
        self._parents = [number[self._parents[old]] for old in kept]
        self._symbols = [self._symbols[old] for old in kept]
        self._children = {
            (parent, symbol): at
            for at, (parent, symbol) in enumerate(zip(self._parents, self._symbols, strict=True))
            if at
        }
        told = np.vectorize(lambda old: number.get(old, _ABOVE), otypes=[np.int64])
        self._node, self._up = told(self._node), told(self._up)

    # going on elsewhere

    def held(self) -> dict[str, NDArray[Any]]:
        """Where the search stands, as arrays; ``resume`` goes on from there."""
        kept = {name: getattr(self, f"_{name}").copy() for name in _STANDING}
        return kept | {"parents": np.array(self._parents), "symbols": np.array(self._symbols)}

    def resume(self, held: Mapping[str, NDArray[Any]]) -> None:
        """Go on from what ``held`` gave, in a search of the same rows, classes, width and prior.

        What the prior remembers is a function of the prefixes, which it reads again.

        Raises:
            ValueError: it is of another search, or no trie of prefixes.
        """
        parents, symbols = (np.asarray(held[name], np.int64) for name in ("parents", "symbols"))
        count = len(parents)
        if count < 1 or symbols.shape != parents.shape or parents[0] != _ABOVE:
            raise ValueError("the prefixes of a search are no trie")
        # each one adds a symbol to one before it, so that all lead to the empty prefix
        rising = (parents[1:] >= 0) & (parents[1:] < np.arange(1, count))
        if not (rising & (symbols[1:] >= 1) & (symbols[1:] < self.classes)).all():
            raise ValueError("the prefixes of a search are no trie")
        for name in _STANDING:
            own = getattr(self, f"_{name}")
            if held[name].shape != own.shape or held[name].dtype != own.dtype:
                raise ValueError(f"part {name!r} of a search is of another shape or type")
        for name, low, high in (("node", _DEAD, count), ("up", _ABOVE, count),
                                ("last", _DEAD, self.classes)):  # fmt: skip
            if held[name].min() < low or held[name].max() >= high:
                raise ValueError(f"part {name!r} of a search is out of range")
        for name in _STANDING:
            getattr(self, f"_{name}")[:] = held[name]
        self._parents, self._symbols = parents.tolist(), symbols.tolist()
        pairs = zip(self._parents, self._symbols, strict=True)
        self._children = {pair: at for at, pair in enumerate(pairs) if at}
        if self._prior is not None:
            self._hear_again(self._prior)

    def _hear_again(self, prior: Prior) -> None:
        flat = self._node.ravel().tolist()
        prefixes = [self._told(node) if node > 0 else () for node in flat]
        gains, rows = prior.start(len(flat)), np.arange(len(flat))
        for at in range(max(map(len, prefixes))):
            choice = [own[at] if at < len(own) else -1 for own in prefixes]
            gains = prior.read(rows, np.array(choice))
        self._gains = gains.reshape(self.rows, self.width, self.classes)

    # what was found

    def best(self, count: int = 1, *, ended: bool = True) -> list[list[Found]]:
        """Up to ``count`` transcripts of each row, the best first.

        Args:
            count: 1 to W.
            ended: whether nothing more comes, so that the prior's ends count.
        """
        total = np.logaddexp(self._blank, self._symbol)
        added = self._added
        if ended and self._prior is not None:
            added = added + self._prior.end().reshape(self.rows, self.width)
        ranked = np.where(self._node >= 0, total + added, -np.inf)
        order = np.argsort(-ranked, axis=1, kind="stable")[:, :count]
        return [
            [
                Found(self._told(int(self._node[row, beam])), float(total[row, beam]),
                      float(added[row, beam]))
                for beam in order[row].tolist()
                if np.isfinite(ranked[row, beam])
            ]
            for row in range(self.rows)
        ]  # fmt: skip

    def _told(self, node: int) -> tuple[int, ...]:
        found = []
        while node > 0:
            found.append(self._symbols[node])
            node = self._parents[node]
        return tuple(reversed(found))


def _best(ranked: Floats, width: int) -> Ints:
    """(B, W) places of the highest scores, the highest first, of equal ones the first."""
    if ranked.shape[1] > 4 * width:
        least = -np.partition(-ranked, width - 1, axis=1)[:, width - 1 : width]
        ranked = np.where(ranked >= least, ranked, -np.inf)
    return np.argsort(-ranked, axis=1, kind="stable")[:, :width]


def search(
    scores: NDArray[np.floating],
    lengths: Ints,
    width: int,
    count: int = 1,
    prior: Prior | None = None,
    most: int | None = _MOST,
) -> list[list[Found]]:
    """The best transcripts of (B, T, K) log-probabilities, ``lengths`` (B,) frames each."""
    found = PrefixSearch(len(scores), scores.shape[2], width, prior, most)
    found.read(scores, lengths)
    return found.best(count)

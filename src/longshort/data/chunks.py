"""A long run of symbols as chunks of parallel streams, for truncated backpropagation through time.

The run is cut into as many streams as a batch has rows, and each stream into chunks. Every batch
holds the next chunk of each stream, so that a state goes on from batch to batch; it begins anew
where a stream does, and where a document does.
"""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from longshort.contracts import Batch, Params
from longshort.data.codecs.spelling import spelt
from longshort.data.codecs.tokens import BORDER, UNKNOWN, TokenCodec
from longshort.data.sources.prose import Extent, Prose
from longshort.data.stretch import Ints, Strangers, Stretch
from longshort.errors import ArgumentError, DataError, suggest

Borders = Literal["reset", "carry"]

# what the symbols are called in batches, and those of a text that is read from its end as well
SYMBOLS, REVERSED = "symbols", "reversed"
# how words are written that are no symbol, and the same from the end
SPELT, REVERSED_SPELT = "spelt", "reversed_spelt"
# symbols that are kept in memory before they go to a temporary file, in bytes
_IN_MEMORY = 2**26


@dataclass(frozen=True)
class Chunking(Params):
    """How a run of symbols is read.

    Args:
        steps: symbols of a chunk: how far gradients reach back.
        borders: "reset": the state begins anew with every document; "carry": it goes on.

    Raises:
        ArgumentError: a value out of range.
    """

    steps: int = 100
    borders: Borders = "reset"

    def __post_init__(self) -> None:
        self._whole(1, "steps")
        if self.borders not in get_args(Borders):
            known = suggest(self.borders, get_args(Borders))
            raise ArgumentError(f"Chunking(borders={self.borders!r}): {known}")


@dataclass(frozen=True)
class Shares(Params):
    """Where a text is cut, in order: the training part, then what chooses, then what is tested.

    A cut goes to the border of documents that is next to it, where one is nearer than a fiftieth of
    the text; else it goes through a document.

    Args:
        valid, test: shares of the characters, 0 for none.

    Raises:
        ArgumentError: nothing is left to learn from.
    """

    valid: float = 0.05
    test: float = 0.05

    def __post_init__(self) -> None:
        if not (0 <= self.valid < 1 and 0 <= self.test < 1 and self.valid + self.test < 1):
            raise ArgumentError(
                f"Shares(valid={self.valid}, test={self.test}): must be 0 or more, and below 1 "
                "together"
            )

    def cuts(self, extent: Extent, *, whole: bool = False) -> tuple[int, int]:
        """The characters that the validation part and the test part start at.

        Args:
            extent: of the text.
            whole: no document is cut; there must be two or more.
        """
        total, test = extent.characters, 0.0 if not self.test else self.test
        borders = extent.starts[1:] if whole else np.append(extent.starts, total)

        def near(at: int) -> int:
            border = int(borders[np.abs(borders - at).argmin()])
            close = abs(border - at) * 50 < total and 0 < border < total
            return border if whole or close else at

        # rounded first, since 1 - 0.1 times a whole number may lie below a whole number
        last = total if not test else near(int(round((1 - test) * total, 6)))
        first = last if not self.valid else near(int(round((1 - test - self.valid) * total, 6)))
        return min(first, last), last


class Passage(NamedTuple):
    """The symbols of one part of a text.

    ids: (N,) with the border first, and a border between documents and after the last one that
    ends; ``ids[1:]`` are what is foretold, each from all before it. counts: how many characters it
    has, or frames or notes of music; bytes: of a text, in UTF-8. source: what it is called. notes:
    what a reader must know of how it was read. strangers: how unknown words are written, where that
    was asked for.
    """

    ids: NDArray[Any]
    counts: int
    bytes: int
    source: str
    notes: tuple[str, ...] = ()
    strangers: Strangers | None = None

    def __len__(self) -> int:
        """How many symbols are foretold."""
        return len(self.ids) - 1

    def last(self, most: int) -> Passage:
        """The passage, or its end where it foretells more than ``most`` symbols."""
        if len(self) <= most:
            return self
        share = most / len(self)
        sizes = round(self.counts * share), round(self.bytes * share)
        start, told = len(self.ids) - most - 1, self.strangers
        kept = None if told is None else told.cut(start, len(self.ids))
        return Passage(self.ids[start:], *sizes, self.source, self.notes, kept)

    def followed(self, later: Passage, skipped: int) -> Passage:
        """This part and another one behind it, but for its first symbols, as one run."""
        told = self.strangers
        if told is not None and later.strangers is not None:
            told = told.followed(len(self.ids), later.strangers.cut(skipped, len(later.ids)))
        ids = np.concatenate([self.ids, later.ids[skipped:]])
        sizes = self.counts + later.counts, self.bytes + later.bytes
        return Passage(ids, *sizes, self.source, self.notes, told)


def passage(prose: Prose, codec: TokenCodec, *, closed: bool, spelled: bool = False) -> Passage:
    """Read a text into symbols, in the smallest type that holds them.

    What goes beyond 64 MiB lies in a temporary file, of which the system keeps as much in memory
    as it has room for.

    Args:
        closed: whether the last document ends with the text.
        spelled: keep how unknown words are written, each of them once, in memory.

    Raises:
        DataError: there is no text.
    """
    counts = size = 0
    words: dict[str, int] = {}
    places, numbers = list[Ints](), list[Ints]()
    begun = False
    border = np.array([BORDER])
    with contextlib.closing(_Store(codec.size)) as store:
        for text, first in prose.read():
            if not begun or first:
                store.add(border)
            if spelled:
                at, which = codec.strangers(text, words)
                places.append(at + store.count)
                numbers.append(which)
            store.add(codec.encode(text))
            many, long = codec.extent(text)
            counts, size, begun = counts + many, size + long, True
        if not begun:
            raise DataError(
                f"{prose.source}: a part of it is empty; give more text, or another share"
            )
        if closed:
            store.add(border)
        told = spelt(list(words), places, numbers) if spelled else None
        return Passage(store.all(), counts, size, prose.source, prose.notes, told)


def as_stretch(found: Passage, codec: TokenCodec, *, apart: bool) -> Stretch:
    """A passage with what each of its symbols stands for.

    Args:
        apart: every document is scored by itself, from its border to the next one; else the whole
            is one, in which borders are symbols like others.
    """
    symbols = np.asarray(found.ids, np.int64)
    begins, strangers = np.array([0]), found.strangers
    if apart:
        # where a document ends and another begins stands one border for each
        inner = np.flatnonzero(symbols[1:-1] == BORDER) + 1
        symbols = np.insert(symbols, inner, BORDER)
        begins = np.append(0, inner + np.arange(len(inner)) + 1)
        strangers = None if strangers is None else strangers.spread(inner)
    counts, size = codec.counts[symbols], codec.sizes[symbols]
    unknown = np.flatnonzero(symbols == UNKNOWN)
    for known, total in ((counts, found.counts), (size, found.bytes)):
        # what unknown symbols stood for is known of all of them together
        steps = np.linspace(0, max(total - int(known.sum()), 0), len(unknown) + 1)
        known[unknown] = np.diff(steps.round().astype(np.int64))
    return Stretch(symbols, begins, counts, size, strangers)


class _Store:
    """Symbols that come bit by bit."""

    def __init__(self, size: int) -> None:
        kind = np.uint8 if size <= 2**8 else np.uint16 if size <= 2**16 else np.int32
        self._kind: np.dtype[Any] = np.dtype(kind)
        self._held: list[NDArray[Any]] = []
        self.count = 0
        self._file: Any = None

    def add(self, ids: NDArray[Any]) -> None:
        self._held.append(ids.astype(self._kind))
        self.count += ids.size
        if self.count * self._kind.itemsize > _IN_MEMORY:
            if self._file is None:
                self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close
            self._spill()

    def all(self) -> NDArray[Any]:
        if self._file is None:
            return np.concatenate(self._held)
        self._spill()
        self._file.flush()
        # the map outlives the file's name and number
        return np.memmap(self._file, self._kind, "r")

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _spill(self) -> None:
        assert self._file is not None
        for ids in self._held:
            self._file.write(ids.data)
        self._held.clear()


@dataclass(frozen=True, eq=False)
class Chunks:
    """Examples of a run of symbols: example n is a chunk of stream n % streams.

    Batches hold inputs "symbols" (B, T) of int64, and as targets the symbol after each. ``fresh``
    is (B,), or (B, T) where a document begins within the batch. If the run is read both ways,
    inputs "reversed" (B, T) are chunks of the same run from its end, and targets and ``fresh`` are
    (B, T, 2), forwards and backwards; ``ways`` takes such a batch apart.

    Args:
        ids: (N,) the run; ``ids[1:]`` is foretold.
        streams: how many are read side by side; less where the run is short.
        chunking: how long a chunk is, and whether documents begin anew.
        warm: symbols before its own that a stream reads first, which are not scored.
        source: what it is called.
        both: it is read backwards, too.
        strangers: how its unknown words are written: "spelt" (B, T, C) of batches that hold some,
            0 where another symbol stands, and "reversed_spelt".
    """

    ids: NDArray[Any]
    wanted: int
    chunking: Chunking
    warm: int = 0
    source: str = "text"
    both: bool = False
    strangers: Strangers | None = None

    @property
    def streams(self) -> int:
        """How many streams there are."""
        return max(1, min(self.wanted, (len(self.ids) - 1) // self.chunking.steps))

    @property
    def _each(self) -> int:
        """Symbols that each stream foretells."""
        return -(-(len(self.ids) - 1) // self.streams)

    def __len__(self) -> int:
        """Chunks of all streams; those of the end may be empty."""
        return self.streams * -(-(self._each + self.warm) // self.chunking.steps)

    def _span(self, number: int) -> tuple[int, int, int]:
        """Where a chunk begins and ends, and where its stream's own symbols begin."""
        chunk, stream = divmod(number, self.streams)
        own = stream * self._each
        end = min(own + self._each, len(self.ids) - 1)
        first = max(own - self.warm, 0)
        start = min(first + chunk * self.chunking.steps, end)
        return start, min(start + self.chunking.steps, end), own

    def batch(self, index: Sequence[int]) -> Batch:
        """The examples of the given numbers."""
        spans = [self._span(number) for number in index]
        steps = max(1, *(stop - start for start, stop, _ in spans))
        scored = np.zeros((len(spans), steps), np.bool_)
        for row, (start, stop, own) in enumerate(spans):
            scored[row, max(own - start, 0) : stop - start] = True
        first = torch.tensor([number < self.streams for number in index])
        symbols, targets, fresh = self._read(self.ids, spans, steps, first)
        inputs = {SYMBOLS: symbols}
        told = self.strangers
        if told is not None:
            inputs |= _spelt(SPELT, told, spans, steps)
        if self.both:
            inputs[REVERSED], *others = self._read(self.ids[::-1], spans, steps, first)
            if told is not None:
                inputs |= _spelt(REVERSED_SPELT, told.turned(len(self.ids)), spans, steps)
            targets, fresh = (
                torch.stack([targets, others[0]], 2),
                torch.stack([fresh, others[1]], 2),
            )
        elif not bool(fresh[:, 1:].any()):
            fresh = fresh[:, 0]
        return Batch(
            inputs=inputs,
            lengths=torch.tensor([stop - start for start, stop, _ in spans]),
            fresh=fresh,
            source=torch.tensor([number % self.streams for number in index]),
            targets=targets,
            target_mask=None if scored.all() else torch.from_numpy(scored),
        )

    def _read(
        self, ids: NDArray[Any], spans: Sequence[tuple[int, int, int]], steps: int, first: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Symbols of a run, those after them, and where a state begins anew: (B, T) each."""
        symbols = np.zeros((len(spans), steps), np.int64)
        targets, fresh = np.zeros_like(symbols), np.zeros(symbols.shape, np.bool_)
        for row, (start, stop, _) in enumerate(spans):
            symbols[row, : stop - start] = ids[start:stop]
            targets[row, : stop - start] = ids[start + 1 : stop + 1]
            if self.chunking.borders == "reset":
                fresh[row, : stop - start] = symbols[row, : stop - start] == BORDER
        fresh[:, 0] |= first.numpy()
        return torch.from_numpy(symbols), torch.from_numpy(targets), torch.from_numpy(fresh)

    def label(self, number: int) -> str:
        """One example in words."""
        return f"{self.source}, from symbol {self._span(number)[0]}"

    def digest(self) -> bytes:
        """Bytes that change with anything that any batch holds."""
        ways = " both" if self.both else ""
        found = hashlib.sha256(f"{self.wanted} {self.chunking} {self.warm}{ways}".encode())
        for values in (self.ids, *(self.strangers or ())):
            found.update(np.ascontiguousarray(values).data)
        return found.digest()


def _spelt(
    name: str, strangers: Strangers, spans: Sequence[tuple[int, int, int]], steps: int
) -> dict[str, Tensor]:
    """Inputs of that name, if a stranger stands in any row."""
    starts, stops = (np.array([span[at] for span in spans])[:, None] for at in (0, 1))
    places = starts + np.arange(steps)
    letters = strangers.at(np.where(places < stops, places, -1))
    return {} if letters is None else {name: torch.from_numpy(letters)}


def ways(batch: Batch) -> tuple[Batch, ...]:
    """What a batch holds of each way that a run is read, forwards first, all of it as "symbols"."""
    if REVERSED not in batch.inputs:
        return (batch,)
    found = []
    names = ((SYMBOLS, SPELT), (REVERSED, REVERSED_SPELT))
    for way, (name, letters) in enumerate(names):
        fresh = None if batch.fresh is None else batch.fresh[..., way]
        if fresh is not None and not bool(fresh[:, 1:].any()):
            fresh = fresh[:, 0]
        targets = None if batch.targets is None else batch.targets[..., way]
        inputs = {SYMBOLS: batch.inputs[name]}
        if letters in batch.inputs:
            inputs[SPELT] = batch.inputs[letters]
        found.append(batch.replace(inputs=inputs, fresh=fresh, targets=targets))
    return tuple(found)


def texts(prose: Prose) -> Iterable[str]:
    """The text of every piece."""
    return (piece.text for piece in prose.read())

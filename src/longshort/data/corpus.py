"""Labelled sequences: texts, sentences or recordings, and what is known of each of them.

What a forecaster's ``Sequences`` are to series that go on, a ``Corpus`` is to many sequences that
are each a whole: one review, one sentence, one patient, one gesture, one spoken word.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from longshort.contracts import Params
from longshort.data.sequences import Floats, Sequences, composed
from longshort.data.steps import Ints, Times
from longshort.errors import ArgumentError

# what an item is
Content = Literal["texts", "tokens", "series", "sound", "ink", "pictures"]
# the part of a split that came with the data
PartName = Literal["train", "valid", "test"]


@dataclass(frozen=True)
class Roles(Params):
    """Which column of a table plays which role where each sequence has a label.

    A table has one row per text (``text``), or many rows per sequence (``item`` names the sequence
    that a row belongs to), as numbers in columns (``channels``) or as events (``code``, ``value``).

    Args:
        text: the column of texts.
        label: the columns of labels; several make several labels that are each there or not.
        item: the column that names the recording, patient or sequence that a row belongs to.
        time: the column of the time within an item, or of an item where it is one row.
        channels: columns of numbers; None means every other numeric column.
        static: columns that do not change within an item, numbers or categories.
        group: the column of subjects, patients or sources; none of them stands on both sides of a
            split.
        part: the column that says "train", "valid" or "test".
        code, value: the columns of an event's name and number, in a table of events.
        separator: between the labels of one cell, where an item may have several; None for one.
        path: the column of the files that hold what each row is about: sound, a picture; "path"
            where a table has a column of that name and no other role is given to it.
        transcript: the column of what is said or written in each item.
        pattern: what the names of a folder's files tell, as in "{label}_{group}_{n}.wav": a role,
            or any other word for what tells nothing.
        skip_bad: leave out files that cannot be read, and count them; they are refused otherwise.

    Raises:
        ArgumentError: a column is given twice.
    """

    text: str | None = None
    label: tuple[str, ...] = ("label",)
    item: str | None = None
    time: str | None = None
    channels: tuple[str, ...] | None = None
    static: tuple[str, ...] = ()
    group: str | None = None
    part: str | None = None
    code: str | None = None
    value: str | None = None
    separator: str | None = None
    path: str | None = None
    transcript: str | None = None
    pattern: str | None = None
    skip_bad: bool = False

    def __post_init__(self) -> None:
        for name in ("label", "channels", "static"):
            given = getattr(self, name)
            if isinstance(given, str):
                given = (given,)
            if given is not None:
                object.__setattr__(self, name, tuple(composed(str(each)) for each in given))
        for name in ("text", "item", "time", "group", "part", "code", "value", "path",
                     "transcript"):  # fmt: skip
            given = getattr(self, name)
            if given is not None:
                object.__setattr__(self, name, composed(str(given)))
        seen: dict[str, str] = {}
        for role, name in self.asked():
            if name in seen:
                raise ArgumentError(
                    f"column {name!r} is given twice ({seen[name]} and {role}); name it once"
                )
            seen[name] = role

    def asked(self) -> list[tuple[str, str]]:
        """Every (role, name) that was named."""
        found: list[tuple[str, str]] = []
        for role in ("text", "label", "item", "time", "channels", "static", "group", "part",
                     "code", "value", "path", "transcript"):  # fmt: skip
            given = getattr(self, role)
            names = (given,) if isinstance(given, str) else given or ()
            found += [(role, name) for name in names]
        return found


@dataclass(frozen=True, eq=False)
class Recorded:
    """One recording of sound: a file, read when it is needed, or samples.

    Args:
        path: the file; None where there are samples.
        samples: (S,) of float32, -1 to 1.
        rate: samples a second; of a file as its header tells it.
        length: S, the number of samples; of a file as its header tells it.
        begin: the first sample that counts, in the file's own rate, where a file holds several
            recordings.
    """

    path: Path | None = None
    samples: NDArray[np.float32] | None = None
    rate: int = 0
    length: int = 0
    begin: int = 0

    def __post_init__(self) -> None:
        if (self.path is None) == (self.samples is None):
            raise ArgumentError("Recorded: give a path, or samples")
        if self.rate < 1:
            raise ArgumentError(f"Recorded(rate={self.rate}): samples a second, 1 or more")
        if self.samples is not None:
            object.__setattr__(self, "length", len(self.samples))

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.length / self.rate

    @cached_property
    def raw(self) -> bytes:
        """16 bytes that tell this recording from any other one: of the file's own bytes."""
        held = hashlib.blake2b(digest_size=16)
        if self.samples is None:
            assert self.path is not None
            with self.path.open("rb") as file:
                while read := file.read(1 << 20):
                    held.update(read)
            held.update(repr((self.begin, self.length)).encode())
        else:
            held.update(self.samples.tobytes() + repr(self.rate).encode())
        return held.digest()


# what is recorded of one item: sound, pen strokes, a picture or its file
Recording = Recorded | NDArray[Any] | Path


@dataclass(frozen=True, eq=False)
class Corpus:
    """N items, each a whole sequence, with what is known of it; one of the first six is given.

    Args:
        source: what was read, for messages: "reviews.csv", "a data frame", "an array".
        texts: N texts as they stand in the file.
        tokens: N sentences, each a tuple of tokens.
        series: N series, each an item, of numbers (role "past") and what does not change in time
            (role "static"). Rows may lie at irregular times; NaN is what was not observed.
        sound: N recordings of sound.
        ink: N recordings of a pen, (P, 4) of float32 for P points each: x, y (downwards), seconds
            (NaN where they are not known) and the number of the stroke.
        pictures: N pictures of lines, (H, W) of uint8 (0 is black) or the path of a file.
        labels: N tuples of labels, mostly of one; None where no label is known.
        tags: N tuples, a tag for each token or row; None where none is known.
        transcripts: N texts of what is said or written; None where none is known.
        groups: N names; items of one group never stand on two sides of a split.
        moments: (N,) of datetime64[us] or int64, for splits by time.
        parts: N names of the split that came with the data.
        lines: (N,) of int64, the line of ``source`` (from 1) where an item begins.
        names: N names to find an item by: a file, a recording, a patient.
        notes: what a reader should know of how the data were read, as sentences.

    Raises:
        ArgumentError: the parts do not fit each other.
    """

    source: str
    texts: tuple[str, ...] | None = None
    tokens: tuple[tuple[str, ...], ...] | None = None
    series: Sequences | None = None
    sound: tuple[Recorded, ...] | None = None
    ink: tuple[NDArray[np.float32], ...] | None = None
    pictures: tuple[NDArray[np.uint8] | Path, ...] | None = None
    labels: tuple[tuple[str, ...], ...] | None = None
    tags: tuple[tuple[str, ...], ...] | None = None
    transcripts: tuple[str, ...] | None = None
    groups: tuple[str, ...] | None = None
    moments: Times | Ints | None = None
    parts: tuple[PartName, ...] | None = None
    lines: Ints | None = None
    names: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        given = [name for name in _CONTENTS if getattr(self, name) is not None]
        if len(given) != 1:
            raise ArgumentError(f"Corpus of {self.source}: give one of {', '.join(_CONTENTS)}")
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in _OF_THE_WHOLE or value is None:
                continue
            if len(value) != len(self):
                raise ArgumentError(
                    f"Corpus of {self.source}: {len(value)} {field.name} for {len(self)} items"
                )

    @property
    def content(self) -> Content:
        """What an item is."""
        return next(name for name in _CONTENTS if getattr(self, name) is not None)

    @property
    def signals(self) -> tuple[Recording, ...]:
        """N recordings of sound, pen strokes or pictures; () of any other content."""
        return self.sound or self.ink or self.pictures or ()

    @property
    def sizes(self) -> Ints:
        """(N,) how long each item is: characters, tokens, rows, milliseconds, points, columns.

        The columns of a picture that was not opened yet are 0.
        """
        if self.series is not None:
            return np.diff(self.series.offsets)
        items = self.texts or self.tokens or self.signals
        return np.array([_size(item) for item in items], np.int64)

    def __len__(self) -> int:
        """N, the number of items."""
        return len(getattr(self, self.content))

    def __repr__(self) -> str:
        labels = "" if self.labels is None else f", {len(self.classes)} labels"
        return f"Corpus({self.source}: {len(self)} {self.content}{labels})"

    @property
    def classes(self) -> tuple[str, ...]:
        """Every label there is, sorted."""
        return tuple(sorted({label for labels in self.labels or () for label in labels}))

    def where(self, item: int) -> str:
        """An item for messages: what was read, and the line or name that finds it."""
        if self.names is not None and self.names[item]:
            return f"{self.source}: {self.names[item]!r}"
        if self.lines is not None:
            return f"{self.source}, line {int(self.lines[item])}"
        return f"{self.source}: item {item + 1}"

    def select(self, items: Iterable[int] | Ints) -> Self:
        """The given items, in that order."""
        chosen = np.asarray(list(items), np.int64)
        changes: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in _OF_THE_WHOLE:
                continue
            if isinstance(value, tuple):
                changes[field.name] = tuple(value[at] for at in chosen.tolist())
            elif isinstance(value, Sequences):
                changes[field.name] = value.select(chosen.tolist())
            elif isinstance(value, np.ndarray):
                changes[field.name] = value[chosen]
        return replace(self, **changes)

    def bare(self) -> Self:
        """The items without labels, tags and transcripts."""
        return replace(self, labels=None, tags=None, transcripts=None)

    def prints(self) -> NDArray[np.uint64]:
        """(N,) of 64 bits that tell each item's content (not its labels) from any other's."""
        return np.array(
            [int.from_bytes(hashlib.blake2b(each, digest_size=8).digest()) for each in self._raw()],
            np.uint64,
        )

    def digest(self) -> bytes:
        """Bytes that change with anything that is in the corpus, but not with its source's name."""
        whole = hashlib.blake2b(digest_size=16)
        for each in self._raw():
            whole.update(len(each).to_bytes(8) + each)
        for known in (self.labels, self.tags, self.groups, self.parts):
            whole.update(repr(known).encode())
        if self.transcripts is not None:
            whole.update(repr(self.transcripts).encode())
        return whole.digest()

    def _raw(self) -> Iterable[bytes]:
        """Each item's content as bytes."""
        if self.texts is not None:
            return (text.encode() for text in self.texts)
        if self.tokens is not None:
            return ("\0".join(tokens).encode() for tokens in self.tokens)
        if self.series is None:
            return map(_bytes, self.signals)
        values = self.series.values
        return (values[self.series.rows(item)].tobytes() for item in range(len(self)))


def _size(item: Any) -> int:
    if isinstance(item, Recorded):
        return round(1000 * item.seconds)
    if isinstance(item, Path):
        return 0
    # of a picture its columns, of strokes their points
    return int(item.shape[-1]) if getattr(item, "dtype", None) == np.uint8 else len(item)


def _bytes(recording: Recording) -> bytes:
    """What tells one recording from any other."""
    if isinstance(recording, Recorded):
        return recording.raw
    if isinstance(recording, Path):
        return recording.read_bytes()
    return repr(recording.shape).encode() + recording.tobytes()


def join(parts: Sequence[tuple[PartName, Corpus]]) -> Corpus:
    """Corpora that were given as parts of one split, as one corpus that knows of it.

    Raises:
        ArgumentError: their items are of different kinds.
    """
    kinds = {corpus.content for _, corpus in parts}
    if len(kinds) != 1 or (
        kinds == {"series"} and len({c.series.names for _, c in parts if c.series}) > 1
    ):
        told = ", ".join(f"{corpus.source}: {corpus.content}" for _, corpus in parts)
        raise ArgumentError(f"the parts hold different things ({told}); give files of one kind")
    changes: dict[str, Any] = {
        "source": ", ".join(dict.fromkeys(corpus.source for _, corpus in parts)),
        "parts": tuple(name for name, corpus in parts for _ in range(len(corpus))),
        "names": tuple(
            corpus.where(item).removeprefix(f"{corpus.source}: ")
            for _, corpus in parts
            for item in range(len(corpus))
        ),
        "notes": tuple(dict.fromkeys(note for _, corpus in parts for note in corpus.notes)),
    }
    for field in fields(Corpus):
        values = [getattr(corpus, field.name) for _, corpus in parts]
        if field.name in changes or any(value is None for value in values):
            continue
        if isinstance(values[0], tuple):
            changes[field.name] = tuple(each for value in values for each in value)
        elif isinstance(values[0], Sequences):
            changes[field.name] = _joined(values)
        elif field.name == "moments":
            changes[field.name] = np.concatenate(values)
    return Corpus(**changes)


def _joined(series: Sequence[Sequences]) -> Sequences:
    lengths = np.concatenate([each.lengths for each in series])
    times = [each.times for each in series]
    return replace(
        series[0],
        keys=tuple(f"{place}: {key}" for place, each in enumerate(series) for key in each.keys),
        offsets=np.concatenate([[0], np.cumsum(lengths)]),
        times=None if any(t is None for t in times) else np.concatenate(times),  # type: ignore[arg-type]
        values=np.concatenate([each.values for each in series]),
        groups=None,
    )


def firsts(values: Floats, offsets: Ints) -> Floats:
    """(S, F) the first value of each series that is not missing; NaN where there is none."""
    found = np.full((len(offsets) - 1, values.shape[1]), np.nan)
    owner = np.repeat(np.arange(len(found)), np.diff(offsets))
    for at in range(values.shape[1]):
        seen = np.flatnonzero(~np.isnan(values[:, at]))[::-1]
        found[owner[seen], at] = values[seen, at]
    return found


_CONTENTS: tuple[Content, ...] = ("texts", "tokens", "series", "sound", "ink", "pictures")
_OF_THE_WHOLE = ("source", "notes")

"""What a tagger reads, and what its model file keeps beside weights and settings."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from longshort.data.codecs.tags import LETTERS, OUTSIDE, Scheme, convert
from longshort.data.corpus import Content, Corpus, PartName, Roles, join
from longshort.data.items import ItemEncoding
from longshort.data.sources.conll import Conll, Tagged, read_conll, settle
from longshort.data.sources.documents import PARTS
from longshort.data.sources.steps import read_steps
from longshort.errors import ArgumentError, DataError, suggest
from longshort.tasks.labels import encoding
from longshort.tasks.labels.learned import Seen
from longshort.tasks.labels.reading import read_corpus
from longshort.tasks.labels.tags import Inner, Tags
from longshort.tasks.stored import under

# tables, which are no files in columns
_TABLES = (".csv", ".csv.gz", ".parquet", ".jsonl", ".ndjson", ".jsonl.gz")


@dataclass(frozen=True, eq=False)
class Told:
    """How data are read, and which were fitted on.

    reading: how items become numbers. content: what they are. scheme: what their entities were
    written in, None for plain tags. notes: what a reader should know of the data and their split.
    """

    reading: ItemEncoding
    content: Content
    scheme: Scheme | None
    seen: Seen
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Learned:
    """See ``Told`` and ``Tags`` for the names."""

    tags: tuple[str, ...]
    inner: Inner | None
    scheme: Scheme | None
    content: Literal["tokens", "series"]
    reader: str
    reading: dict[str, Any]
    digest: str
    lean: float
    notes: tuple[str, ...] = ()


def put_down(told: Told, tags: Tags, lean: float) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """What was learnt as JSON values and arrays; ``take_up`` goes back."""
    settings, arrays = told.reading.put_down()
    found = {
        "tags": tags.names,
        "inner": tags.inner,
        "scheme": told.scheme,
        "content": told.content,
        "reader": encoding.reader_name(told.reading),
        "reading": settings,
        "digest": told.seen.digest.hex(),
        "lean": lean,
        "notes": told.notes,
    }
    kept = {f"reading.{name}": array for name, array in arrays.items()}
    return found, {**kept, "prints": told.seen.prints}


def take_up(learned: Learned, arrays: dict[str, NDArray[Any]]) -> tuple[Told, Tags, float]:
    """What a model file holds, checked.

    Raises:
        ValueError: parts are wrong or do not fit. KeyError: one is missing.
        ModelFileError: the reading cannot be taken up.
    """
    prints = arrays["prints"]
    if prints.dtype != np.uint64 or prints.ndim != 1:
        raise ValueError("the prints of items must be whole numbers of 64 bits")
    names = learned.tags
    if len(set(names)) < len(names) or len(names) < 2:
        raise ValueError(f"{len(names)} tags {names[:3]} are not distinct")
    if (learned.inner is None) != (learned.scheme is None):
        raise ValueError(f"scheme {learned.scheme!r} inside {learned.inner!r}")
    if learned.inner is not None:
        letters = {*LETTERS[learned.inner]}
        odd = [name for name in names[1:] if name[:1] not in letters or name[1:2] != "-"]
        if names[0] != OUTSIDE or odd:
            raise ValueError(f"{(odd or names)[0]!r} is no tag of {learned.inner}")
    reading = encoding.take_up(learned.reader, learned.reading, under("reading.", arrays))
    seen = Seen(bytes.fromhex(learned.digest), prints)
    told = Told(reading, learned.content, learned.scheme, seen, learned.notes)
    return told, Tags(names, learned.inner), learned.lean


def read_tagged(
    data: Any, columns: Conll, roles: Roles, y: Any = None, *, required: bool = True
) -> Tagged:
    """Whatever a user has, as sentences or series with tags; entities in BIO.

    Args:
        data: see ``Tagger``.
        columns, roles: how files and tables are read.
        y: tags of each item, where they do not stand in the data.
        required: tags must be there.

    Raises:
        DataError: data cannot be read, or tags break their scheme.
        ArgumentError: a part has an unknown name.
    """
    if isinstance(data, Tagged):
        return data
    if isinstance(data, Mapping) and not hasattr(data, "columns"):
        found = {_part(n): read_tagged(d, columns, roles) for n, d in data.items()}
        return _joined(found)
    if isinstance(data, str | os.PathLike) and roles.item is None:
        if Path(data).name.lower().endswith(_TABLES):
            raise DataError(
                f"{data}: of a table, which column says the sentence or series of a row? Name it "
                "(Roles(item=...), --item); files in columns (CoNLL) are called otherwise"
            )
        found_file = read_conll(Path(data), columns)
        return found_file if y is None else _with(found_file.corpus, y, columns)
    if isinstance(data, Corpus):
        return _with(data, data.tags if y is None else y, columns)
    return _with(*_table(data, roles, y, required=required), columns)


def _part(name: str) -> PartName:
    if name not in PARTS:
        raise ArgumentError(f"part {name!r}: {suggest(name, ('train', 'valid', 'test'))}")
    return PARTS[name]


def _joined(parts: Mapping[Any, Tagged]) -> Tagged:
    """Parts of a split; a part without entities has any scheme."""
    schemes = {name: found.scheme for name, found in parts.items() if found.corpus.tags}
    plain = [name for name, scheme in schemes.items() if scheme is None]
    known = [scheme for scheme in schemes.values() if scheme is not None]
    if plain and known:
        corpus = parts[plain[0]].corpus
        raise DataError(
            f"{corpus.source}: its tags are no entities in a scheme, and those of other parts are; "
            "name the scheme (Conll(scheme=...), --scheme), or the column of the tags"
        )
    corpus = join([(name, found.corpus) for name, found in parts.items()])
    notes = tuple(note for found in parts.values() for note in found.notes)
    return Tagged(corpus, schemes.get("train", known[0] if known else None), notes)


def _with(corpus: Corpus, tags: Any, columns: Conll) -> Tagged:
    """A corpus with these tags, which are in any scheme."""
    if tags is None:
        return Tagged(corpus, None, ())
    told = [[str(tag) for tag in own] for own in tags]
    if len(told) != len(corpus):
        raise DataError(f"{corpus.source}: {len(told)} lists of tags for {len(corpus)} items")
    scheme, notes = settle(told, None, columns, corpus.source)
    spelt = tuple(tuple(convert(own, "bio") if scheme else own) for own in told)
    return Tagged(replace(corpus, tags=spelt), scheme, notes)


def _table(
    data: Any, roles: Roles, y: Any, *, required: bool
) -> tuple[Corpus, Sequence[Sequence[str]] | None]:
    """A table with a row for each step, or items in memory, and their tags."""
    if y is not None or not (isinstance(data, str | os.PathLike) or hasattr(data, "columns")):
        corpus = read_corpus(data, replace(roles, label=()), labelled=False)
        return corpus, y
    found = read_steps(data, roles, required=required)
    return found.corpus, found.tags


def steps_frame(
    corpus: Corpus, tags: Sequence[Sequence[str]], sure: Sequence[NDArray[np.float64]]
) -> pl.DataFrame:
    """A row for each step: its item, its token or number, the tag, and its probability."""
    lengths = [len(own) for own in tags]
    rows: dict[str, Any] = {}
    if corpus.tokens is not None:
        rows["sentence"] = np.repeat(np.arange(1, len(corpus) + 1), lengths)
        rows["token"] = [token for own in corpus.tokens for token in own]
    elif corpus.series is not None:
        rows["item"] = [
            k for k, n in zip(corpus.series.keys, lengths, strict=True) for _ in range(n)
        ]
        rows["step"] = [at for n in lengths for at in range(1, n + 1)]
    rows["tag"] = [t for own in tags for t in own]
    rows["probability"] = np.concatenate([*sure, np.zeros(0)]).round(4)
    return pl.DataFrame(rows)

"""Whatever a user has, as a corpus: files, folders, frames, arrays, lists, parts of a split."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from longshort.data.corpus import Corpus, PartName, Recorded, Recording, Roles, join
from longshort.data.partition import Parted
from longshort.data.sequences import Field, Sequences
from longshort.data.sources.audio import is_audio, read_audio
from longshort.data.sources.documents import PARTS, from_texts, read_documents
from longshort.data.sources.events import read_events
from longshort.data.sources.ink import is_ink, read_ink
from longshort.data.sources.inputs import SUFFIXES
from longshort.data.sources.pictures import is_pictures, read_pictures
from longshort.data.sources.recordings import read_recordings
from longshort.data.sources.ucr import is_archived, read_ucr
from longshort.errors import ArgumentError, DataError, suggest
from longshort.heads.category import Kind
from longshort.tasks.labels.labels import Classes, labels_of


def read_corpus(data: Any, roles: Roles, *, labelled: bool = True) -> Corpus:
    """Read a corpus.

    Args:
        data: a corpus; a path or a frame, as ``roles`` say; a folder with a folder for each label,
            of texts, sound, pictures or pen strokes; a table that names such files, or one file;
            files or a zip of pen strokes, or a table of their points;
            a list of texts, or of lists of words; an array (N, T) or (N, T, F), or a list of arrays
            (T,) or (T, F) of different lengths; a file or folder of the UCR and UEA archives; a
            mapping of "events" and "outcomes" to tables; or a mapping of "train", "valid" and
            "test" to any of these.
        roles: what the columns of a table are.
        labelled: False takes data without labels, too.

    Raises:
        DataError: they cannot be read; file, line and value are told.
        ArgumentError: a part has an unknown name.
    """
    if isinstance(data, Corpus):
        return data
    if isinstance(data, Mapping) and set(data) == {"events", "outcomes"}:
        return read_events(data["events"], data["outcomes"], roles, labelled=labelled)
    if isinstance(data, Mapping):
        return join([(_part(n), read_corpus(d, roles, labelled=labelled)) for n, d in data.items()])
    if isinstance(data, str | os.PathLike):
        return _from_path(Path(data), roles, labelled=labelled)
    texts = _texts(data)
    if texts is not None:
        return from_texts(texts)
    if isinstance(data, np.ndarray):
        return from_array(data)
    if isinstance(data, Sequence):
        return from_array(_ragged(data))
    return _from_table(data, roles, labelled=labelled)


def _part(name: str) -> PartName:
    if name not in PARTS:
        raise ArgumentError(f"part {name!r}: {suggest(name, ('train', 'valid', 'test'))}")
    return PARTS[name]


def _from_path(path: Path, roles: Roles, *, labelled: bool) -> Corpus:
    if is_archived(path):
        return read_ucr(path)
    return _from_table(path, roles, labelled=labelled)


def _from_table(data: Any, roles: Roles, *, labelled: bool) -> Corpus:
    """A table by the roles of its columns, or by the files that it names; or a folder."""
    if is_audio(data, roles):
        return read_audio(data, roles, labelled=labelled)
    if is_pictures(data, roles):
        return read_pictures(data, roles, labelled=labelled)
    if is_ink(data, roles):
        return read_ink(data, roles, labelled=labelled)
    if roles.code is not None:
        return read_events(data, None, roles, labelled=labelled)
    if roles.item is not None:
        return read_recordings(data, roles, labelled=labelled)
    return read_documents(data, roles, labelled=labelled)


def _texts(data: Any) -> list[Any] | None:
    """The texts or lists of words that a list, an array or a column holds; None for numbers."""
    if isinstance(data, np.ndarray):
        held = data.tolist() if data.dtype.kind in "UO" and data.ndim == 1 else None
    elif isinstance(data, Sequence) and not isinstance(data, str):
        held = list(data)
    else:
        # a column of a frame
        listed = getattr(data, "to_list", None) or getattr(data, "to_pylist", None)
        held = None if listed is None else list(listed())
    if not held or not isinstance(held[0], str | list | tuple):
        return None
    first = next((each for each in held if len(each)), "")
    return held if isinstance(first, str) or isinstance(first[0], str) else None


def is_one_text(data: Any) -> bool:
    """Whether data are a text, and no path to a file, there or not."""
    if not isinstance(data, str) or data.lower().endswith(SUFFIXES):
        return False
    try:
        return not Path(data).exists()
    except (OSError, ValueError):
        # too long for a path
        return True


def is_matrix(data: Any, roles: Roles, labelled: bool) -> bool:
    """Whether data are what scikit-learn knows: numbers (N, T), of a frame with labels beside it.

    What is neither text nor of another shape is, so that its own rules refuse what is no number.
    """
    if issparse(data):
        # some of scikit-learn's sparse matrices are mappings, too; it says that they are not read
        return True
    if isinstance(data, Corpus | Mapping | str | os.PathLike):
        return False
    if hasattr(data, "columns"):
        return labelled and roles == Roles()
    if _texts(data) is not None:
        return False
    if not isinstance(data, np.ndarray | Sequence):
        return True
    try:
        return np.ndim(data) != 3
    except ValueError:
        # items of different lengths
        return False


def _ragged(data: Sequence[Any]) -> list[NDArray[Any]]:
    try:
        return [np.asarray(each, np.float64) for each in data]
    except (TypeError, ValueError) as error:
        raise DataError(
            f"a list of {len(data)} items is not read: give texts, lists of words, or arrays of "
            f"numbers ({error})"
        ) from None


def from_array(data: NDArray[Any] | Sequence[NDArray[Any]]) -> Corpus:
    """Series of (N, T) or (N, T, F), or of N arrays (T,) or (T, F); NaN is not observed.

    Raises:
        DataError: the shapes do not fit each other, or there is nothing.
    """
    source = "an array" if isinstance(data, np.ndarray) else "a list"
    items = [each[:, None] if each.ndim == 1 else each for each in map(np.atleast_1d, data)]
    widths = {each.shape[1] if each.ndim == 2 else -1 for each in items}
    if len(widths) != 1 or -1 in widths:
        raise DataError(
            f"{source} of series: give (N, T), (N, T, F), or N arrays (T, F) of the same number of "
            f"features; got shapes {sorted({each.shape for each in items})[:4]}"
        )
    width = widths.pop()
    values = np.concatenate(items).astype(np.float64)
    if np.isinf(values).any():
        raise DataError(f"{source}: a value is infinite; write NaN where it is missing")
    series = Sequences(
        tuple(Field(f"x{at}", "past") for at in range(width)),
        tuple(str(at) for at in range(len(items))),
        np.cumsum([0, *(len(each) for each in items)]),
        None,
        None,
        values,
        source,
    )
    return Corpus(source, series=series)


class Given(NamedTuple):
    """A corpus with labels, the labels as they were given, and T of an array (N, T)."""

    corpus: Corpus
    labels: NDArray[Any] | None = None
    features: int | None = None


def labelled(corpus: Corpus, y: Any, kind: Kind) -> Given:
    """A corpus with the labels ``y``; with its own where they are None.

    Raises:
        DataError: they do not fit the items, or there are none.
    """
    if y is None and corpus.labels is None:
        raise DataError(f"{corpus.source}: has no labels; give y, or name their column")
    if y is None:
        return Given(corpus)
    labels, given = labels_of(y, kind, len(corpus), corpus.source)
    return Given(replace(corpus, labels=labels), given)


def usable(corpus: Corpus, kind: Kind) -> tuple[Corpus, list[str]]:
    """The items that can be learnt from: with a label, and not empty. What was left out, in words.

    Raises:
        DataError: there are none.
    """
    assert corpus.labels is not None
    keep, notes = np.ones(len(corpus), bool), list(corpus.notes)
    without = np.array([not labels for labels in corpus.labels], bool) & (kind != "many")
    for what, wrong in (("without a label", without), ("empty", _empty(corpus))):
        wrong &= keep
        if wrong.any():
            count, first = int(wrong.sum()), corpus.where(int(wrong.argmax()))
            notes.append(f"{count} of {len(corpus)} items are {what}, the first at {first}.")
            keep &= ~wrong
    if not keep.any():
        raise DataError(f"{corpus.source}: every item is empty or without a label; give others")
    return (corpus if keep.all() else corpus.select(np.flatnonzero(keep))), notes


def _empty(corpus: Corpus) -> NDArray[np.bool_]:
    if corpus.texts is not None:
        return np.array([not text.strip() for text in corpus.texts], bool)
    if corpus.tokens is not None:
        return np.array([not tokens for tokens in corpus.tokens], bool)
    if corpus.series is None:
        return np.array([_nothing(recording) for recording in corpus.signals], bool)
    return np.asarray(corpus.series.lengths == 0)


def _nothing(recording: Recording) -> bool:
    """Whether a recording holds nothing at all."""
    if isinstance(recording, Recorded):
        return recording.length == 0
    return not isinstance(recording, Path) and recording.size == 0


def rare(corpus: Corpus, classes: Classes, shares: Parted) -> list[str]:
    """Labels that the training part holds once or not at all, in words."""
    assert corpus.labels is not None
    counts = dict.fromkeys(classes.names, 0)
    for item in shares.train.tolist():
        for label in corpus.labels[item]:
            counts[label] += 1
    everywhere = Counter(label for labels in corpus.labels for label in labels)
    notes = []
    for label, count in counts.items():
        if everywhere[label] == 1:
            item = next(at for at, labels in enumerate(corpus.labels) if label in labels)
            notes.append(
                f"Label {label!r} has one example ({corpus.where(item)}): what is learnt of it "
                "cannot be judged."
            )
        elif not count:
            notes.append(f"No item of the training part has the label {label!r}.")
    for name, part in (("validation", shares.valid), ("test", shares.test)):
        there = {label for item in part.tolist() for label in corpus.labels[item]}
        if len(there) == 1 and len(part) > 1:
            (only,) = there
            notes.append(f"Every item of the {name} part has the label {only!r}.")
    return notes

"""Whatever a user has, as recordings with transcripts, and which of them can be learnt from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from longshort.data.codecs.transcripts import TranscriptCodec
from longshort.data.corpus import Corpus, Roles
from longshort.data.steps import Ints
from longshort.errors import DataError
from longshort.heads.ctc import needed, padded
from longshort.tasks.labels.reading import read_corpus

# characters that are not known and are named
_NAMED = 12


def read_transcribed(data: Any, roles: Roles, y: Any = None, *, required: bool = True) -> Corpus:
    """Recordings with what is said or written in each.

    Args:
        data: see ``Transcriber``.
        roles: what the columns of a table are.
        y: N transcripts, where they do not stand in the data.
        required: False also takes data without transcripts, to predict on.

    Raises:
        DataError: data cannot be read, hold no recordings, or have no transcripts.
    """
    corpus = read_corpus(data, roles, labelled=False)
    if corpus.content in ("texts", "tokens"):
        raise DataError(
            f"{corpus.source}: holds {corpus.content}, and what is transcribed is a recording; "
            "name the column of files (path), or of a table of steps the one that names the "
            "recording (item, --item)"
        )
    if y is not None:
        corpus = replace(corpus, transcripts=_told(y, corpus))
    if required and corpus.transcripts is None:
        named = "" if roles.transcript is None else f" (there is no column {roles.transcript!r})"
        raise DataError(
            f"{corpus.source}: has no transcripts{named}; give y, or name their column "
            "(Roles(transcript=...), --transcript)"
        )
    return corpus


def _told(y: Any, corpus: Corpus) -> tuple[str, ...]:
    """Transcripts as a user gives them."""
    if isinstance(y, str | Mapping):
        raise DataError(f"transcripts are {type(y).__name__}; give a list of {len(corpus)} texts")
    listed = getattr(y, "to_list", None) or getattr(y, "tolist", None)
    told: Sequence[Any] = list(y) if listed is None else listed()
    if len(told) != len(corpus):
        raise DataError(f"{corpus.source}: {len(told)} transcripts for {len(corpus)} recordings")
    for at, each in enumerate(told):
        if not isinstance(each, str):
            raise DataError(f"{corpus.where(at)}: the transcript is {each!r}, and no text")
    return tuple(told)


class Asked(NamedTuple):
    """What is asked of each item: its symbols (U,), and the frames that they need."""

    targets: list[Ints]
    needed: Ints


def asked(corpus: Corpus, codec: TranscriptCodec, *, unknown: bool = True) -> Asked:
    """The symbols of every transcript; ``unknown`` ones are kept, or left out."""
    found = [codec.encode(text) for text in corpus.transcripts or ()]
    if not unknown:
        found = [own[own != 1] for own in found]
    frames = needed(padded([own.tolist() for own in found]))
    return Asked(found, frames.numpy())


def too_long(corpus: Corpus, wants: Asked, frames: Ints) -> NDArray[np.bool_]:
    """(N,) whether a transcript needs more frames than its recording has."""
    return np.asarray(wants.needed > frames)


def too_long_told(corpus: Corpus, wants: Asked, frames: Ints, chosen: Ints) -> str:
    """A sentence on those of the ``chosen`` items whose transcripts are too long; "" for none."""
    wrong = chosen[too_long(corpus, wants, frames)[chosen]]
    if not len(wrong):
        return ""
    first = int(wrong[0])
    return (
        f"{len(wrong)} of {len(chosen)} transcripts need more frames than their recordings have, "
        f"the first at {corpus.where(first)}: {len(wants.targets[first])} symbols need "
        f"{wants.needed[first]} frames, and there are {frames[first]}."
    )


def unseen_told(corpus: Corpus, codec: TranscriptCodec, items: Ints, part: str) -> str:
    """A sentence on characters or words that training has not seen; "" for none."""
    found: dict[str, int] = {}
    for item in items.tolist():
        for each in codec.unseen((corpus.transcripts or ())[item]):
            found.setdefault(each, item)
    if not found:
        return ""
    named = ", ".join(repr(each) for each in list(found)[:_NAMED])
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    what = "characters" if codec.tokens.unit == "characters" else "words"
    first = corpus.where(next(iter(found.values())))
    return (
        f"{len(found)} {what} of the {part} are not in the training part, and cannot be written: "
        f"{named}{more} (the first at {first})."
    )


def frames_of(lengths: Ints, stride: int) -> Ints:
    """Frames that a network answers of recordings of so many steps."""
    return np.asarray(-(-lengths // stride), np.int64)


def as_tensor(targets: Sequence[Ints]) -> torch.Tensor:
    """Targets (U,) as one (B, U), ended by -1."""
    return padded([own.tolist() for own in targets])

"""What a transcriber's model file keeps beside weights and settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from longshort.data.codecs.transcripts import Spelling, TranscriptCodec
from longshort.data.corpus import Content
from longshort.data.items import ItemEncoding
from longshort.data.steps import Ints
from longshort.tasks.labels.encoding import reader_name, take_up
from longshort.tasks.labels.learned import Seen
from longshort.tasks.stored import under


@dataclass(frozen=True)
class Learned:
    """What was learnt of recordings and transcripts before and after a network was trained.

    codec: what the vocabulary is of. reader, reading: the encoding's name and settings. digest: of
    the corpus that was parted. weight, bonus: of the language model. notes: what was left out.
    """

    codec: dict[str, Any]
    reader: str
    reading: dict[str, Any]
    content: Content
    digest: str
    weight: Annotated[float, Field(ge=0, le=100)]
    bonus: Annotated[float, Field(ge=-100, le=100)]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Known:
    """All of it, ready for use; ``said`` are the symbols of each transcript of the training part.

    They are kept where n-grams are counted from them, and empty elsewhere.
    """

    codec: TranscriptCodec
    reading: ItemEncoding
    content: Content
    seen: Seen
    said: tuple[Ints, ...] = ()
    weight: float = 0.0
    bonus: float = 0.0
    notes: tuple[str, ...] = ()

    def put_down(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """As JSON values and arrays; ``restored`` goes back."""
        codec, vocabulary = self.codec.put_down()
        reading, arrays = self.reading.put_down()
        found = {
            "codec": codec,
            "reader": reader_name(self.reading),
            "reading": reading,
            "content": self.content,
            "digest": self.seen.digest.hex(),
            "weight": self.weight,
            "bonus": self.bonus,
            "notes": self.notes,
        }
        kept: dict[str, NDArray[Any]] = {f"reading.{name}": own for name, own in arrays.items()}
        lengths = np.array([len(own) for own in self.said], np.int64)
        flat = np.concatenate([*self.said, np.zeros(0, np.int64)]).astype(np.int32)
        kept |= {"said": flat, "said.lengths": lengths, "prints": self.seen.prints}
        return found, kept | vocabulary


def restored(learned: Learned, arrays: dict[str, NDArray[Any]], spelling: Spelling) -> Known:
    """What a model file holds, checked.

    Raises:
        ValueError, TypeError: parts are wrong or do not fit. KeyError: one is missing.
        ModelFileError: the reading or the vocabulary cannot be taken up.
    """
    prints = arrays["prints"]
    if prints.dtype != np.uint64 or prints.ndim != 1:
        raise ValueError("the prints of items must be whole numbers of 64 bits")
    codec = TranscriptCodec.take_up(learned.codec, arrays, spelling)
    flat, lengths = arrays["said"], arrays["said.lengths"]
    if flat.dtype != np.int32 or lengths.dtype != np.int64 or flat.ndim != 1 or lengths.ndim != 1:
        raise ValueError("the transcripts that n-grams are counted from are no whole numbers")
    if (lengths < 0).any() or lengths.sum() != len(flat):
        raise ValueError(f"{len(flat)} symbols of transcripts of {lengths.sum()}")
    if len(flat) and not 1 <= flat.min() <= flat.max() < codec.classes:
        raise ValueError(f"symbols {flat.min()} to {flat.max()}: must be 1 to {codec.classes - 1}")
    said = np.split(flat.astype(np.int64), np.cumsum(lengths)[:-1]) if len(lengths) else []
    return Known(
        codec,
        take_up(learned.reader, learned.reading, under("reading.", arrays)),
        learned.content,
        Seen(bytes.fromhex(learned.digest), prints),
        tuple(said),
        learned.weight,
        learned.bonus,
        learned.notes,
    )

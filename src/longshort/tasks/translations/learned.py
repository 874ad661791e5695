"""What a translator's model file keeps beside weights and settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from longshort.data.codecs.transcripts import Spelling, TranscriptCodec
from longshort.data.readings.scenes import SceneReading
from longshort.data.readings.sources import SourceReading
from longshort.tasks.labels.learned import Seen
from longshort.tasks.stored import under

READINGS: dict[str, type[SourceReading] | type[SceneReading]] = {
    "source": SourceReading,
    "scene": SceneReading,
}


@dataclass(frozen=True)
class Learned:
    """What was learnt of sources and targets before a network was trained.

    codec: what the targets' vocabulary is of. reader, reading: how sources are read. content: what
    a source is. digest: of the corpus that was parted. notes: what was left out or cut. times: the
    target's symbols per symbol of the source that 99 of 100 pairs stay below.
    """

    codec: dict[str, Any]
    reader: str
    reading: dict[str, Any]
    content: Literal["texts", "pictures"]
    digest: str
    notes: tuple[str, ...] = ()
    times: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0


@dataclass(frozen=True, eq=False)
class Known:
    """All of it, ready for use."""

    codec: TranscriptCodec
    reading: SourceReading | SceneReading
    content: Literal["texts", "pictures"]
    seen: Seen
    notes: tuple[str, ...] = ()
    times: float = 0.0

    def put_down(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """As JSON values and arrays; ``restored`` goes back."""
        codec, vocabulary = self.codec.put_down()
        reading, arrays = self.reading.put_down()
        found = {
            "codec": codec,
            "reader": self.reading.name,
            "reading": reading,
            "content": self.content,
            "digest": self.seen.digest.hex(),
            "notes": self.notes,
            "times": self.times,
        }
        kept: dict[str, NDArray[Any]] = {f"reading.{name}": own for name, own in arrays.items()}
        return found, {**kept, **vocabulary, "prints": self.seen.prints}


def restored(learned: Learned, arrays: dict[str, NDArray[Any]], spelling: Spelling) -> Known:
    """What a model file holds, checked.

    Raises:
        ValueError, TypeError: parts are wrong or do not fit. KeyError: one is missing.
        ModelFileError: the reading or the vocabulary cannot be taken up.
    """
    prints = arrays["prints"]
    if prints.dtype != np.uint64 or prints.ndim != 1:
        raise ValueError("the prints of items must be whole numbers of 64 bits")
    if learned.reader not in READINGS:
        raise ValueError(f"unknown reading {learned.reader!r}")
    reading = READINGS[learned.reader].take_up(learned.reading, under("reading.", arrays))
    return Known(
        TranscriptCodec.take_up(learned.codec, arrays, spelling),
        reading,
        learned.content,
        Seen(bytes.fromhex(learned.digest), prints),
        learned.notes,
        learned.times,
    )

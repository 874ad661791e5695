"""The closed table of how items become numbers, by what the items are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.data.corpus import Corpus
from longshort.data.items import ItemEncoding
from longshort.data.readings.ink import Ink, InkReading
from longshort.data.readings.pictures import PictureReading, Pictures
from longshort.data.readings.pretrained import PretrainedReading, plain
from longshort.data.readings.signals import Signal, SignalReading
from longshort.data.readings.sound import Sound, SoundReading
from longshort.data.readings.words import Text, TextReading
from longshort.errors import DataError, suggest

READINGS: dict[
    str,
    type[TextReading]
    | type[SignalReading]
    | type[SoundReading]
    | type[InkReading]
    | type[PictureReading]
    | type[PretrainedReading],
] = {
    "text": TextReading,
    "signal": SignalReading,
    "sound": SoundReading,
    "ink": InkReading,
    "pictures": PictureReading,
    "pretrained": PretrainedReading,
}
_OF = {
    "texts": "text",
    "tokens": "text",
    "series": "signal",
    "sound": "sound",
    "ink": "ink",
    "pictures": "pictures",
}


def reading_of(
    corpus: Corpus,
    text: Text,
    signal: Signal,
    sound: Sound = Sound(),  # noqa: B008 - a frozen value
    ink: Ink = Ink(),  # noqa: B008
    pictures: Pictures = Pictures(),  # noqa: B008
) -> ItemEncoding:
    """How these items become numbers, learnt from them."""
    if corpus.content == "sound":
        return SoundReading.fit(corpus, sound)
    if corpus.content == "pictures":
        return PictureReading.fit(corpus, pictures)
    if corpus.content == "ink":
        return InkReading.fit(corpus, ink)
    if corpus.content == "series":
        return SignalReading.fit(corpus, signal)
    return TextReading.fit(corpus, text)


def notes_of(reading: ItemEncoding, corpus: Corpus) -> list[str]:
    """What a reader should know of how items are read."""
    own = plain(reading)
    return own.notes(corpus) if isinstance(own, TextReading | SoundReading | PictureReading) else []


def reader_name(reading: ItemEncoding) -> str:
    """Its name in the table."""
    return next(name for name, kind in READINGS.items() if isinstance(reading, kind))


def take_up(
    name: str, settings: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
) -> ItemEncoding:
    """A reading out of a model file.

    Raises:
        ValueError: there is none of that name.
    """
    if name not in READINGS:
        raise ValueError(f"unknown reading {name!r}: {suggest(name, READINGS)}")
    return READINGS[name].take_up(settings, arrays)


def refuse_other(corpus: Corpus, reading: ItemEncoding) -> None:
    """Raises DataError where a corpus holds something else than the encoding reads."""
    own = reader_name(plain(reading))
    if _OF.get(corpus.content) != own:
        wanted = {"signal": "series", "text": "texts"}.get(own, own)
        raise DataError(
            f"{corpus.source} holds {corpus.content}, and the model was fitted on {wanted}; give "
            "data of the same kind"
        )


def foreign(own: ItemEncoding, other: ItemEncoding) -> list[str]:
    """Parts of the names of weights that are told by places in vocabularies which differ.

    Hashes mean the same everywhere.
    """
    mine, theirs = own.put_down()[1], other.put_down()[1]
    names = {*mine, *theirs}
    odd = [n for n in names if not np.array_equal(mine.get(n, ()), theirs.get(n, ()))]
    apart = [name.startswith("pretrained.") for name in odd]
    found = ["encoder.embed.pretrained.trunk"] if any(apart) else []
    return found if all(apart) else [*found, "encoder.embed.tables", "characters.table"]

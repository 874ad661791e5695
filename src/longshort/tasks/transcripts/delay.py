"""How long a transcriber works before it answers: of each chunk of a stream, or each recording."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from longshort.data.corpus import Corpus
from longshort.data.items import ItemEncoding
from longshort.data.readings.sound import SoundReading
from longshort.data.sources.audio import load
from longshort.records import Delay
from longshort.tasks.transcripts.streaming import Listening

# what is measured: recordings, and chunks of them
_RECORDINGS, _CHUNKS = 20, 200
# a chunk is so many seconds of sound, or rows of a series
SECONDS, ROWS = 0.1, 10


def of_chunks(listen: Callable[[], Listening], reading: ItemEncoding, corpus: Corpus) -> Delay:
    """How long each chunk of some recordings is worked on, read one after the other."""
    spent: list[float] = []
    for item in range(min(len(corpus), _RECORDINGS)):
        listening = listen()
        for chunk in _chunks(reading, corpus, item):
            begun = time.perf_counter()
            listening.read(chunk)
            spent.append(time.perf_counter() - begun)
            if len(spent) == _CHUNKS:
                break
        if len(spent) == _CHUNKS:
            break
    sound = isinstance(reading, SoundReading)
    return _told("chunk", spent, SECONDS if sound else None)


def of_recordings(
    transcripts: Callable[[Corpus], object], reading: ItemEncoding, corpus: Corpus
) -> Delay:
    """How long some recordings are worked on once they have ended, each by itself."""
    spent, count = list[float](), min(len(corpus), _RECORDINGS)
    for item in range(count):
        one = corpus.select([item])
        begun = time.perf_counter()
        transcripts(one)
        spent.append(time.perf_counter() - begun)
    unit = getattr(reading, "seconds", None)
    lengths = reading.lengths(corpus.select(range(count)))
    return _told("recording", spent, None if unit is None else float(np.median(lengths)) * unit)


def _chunks(reading: ItemEncoding, corpus: Corpus, item: int) -> Iterator[NDArray[np.float64]]:
    if isinstance(reading, SoundReading):
        assert corpus.sound is not None
        whole = load(corpus.sound[item], reading.rate).astype(np.float64)
        size = round(SECONDS * reading.rate)
    else:
        assert corpus.series is not None
        whole, size = corpus.series.values[corpus.series.rows(item)], ROWS
    for start in range(0, len(whole), size):
        yield whole[start : start + size]


def _told(piece: Literal["chunk", "recording"], spent: list[float], length: float | None) -> Delay:
    middle, most = np.quantile(spent, [0.5, 0.95]).tolist() if spent else (0.0, 0.0)
    return Delay(piece, 1000 * middle, 1000 * most, len(spent), length)

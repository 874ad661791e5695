"""A recording as it is drawn: how loud each band is at each moment."""

from __future__ import annotations

import torch

from longshort.data.codecs.sound import Filters, padded
from longshort.data.corpus import Recorded
from longshort.data.sources.audio import load
from longshort.records import LEVELS, Spectrogram

# bands, columns at most, and milliseconds from one to the next of a short recording
_BANDS, _COLUMNS, _HOP = 24, 200, 5.0
# from the loudest band down, in nats of power
_RANGE = 14.0


def columns(recorded: Recorded) -> int:
    """How many columns a recording is drawn with."""
    frames = int(_filters(recorded).count(torch.tensor([recorded.length])))
    return -(-frames // _every(frames))


def spectrogram(recorded: Recorded) -> Spectrogram:
    """The levels of a recording's bands, by the greatest of each column's frames.

    Raises:
        DataError: it cannot be read.
    """
    heard = _filters(recorded).logs(*padded([torch.from_numpy(load(recorded))]))
    logs = heard.frames[0]
    every = _every(len(logs))
    rows = [logs[at : at + every].amax(0) for at in range(0, len(logs), every)]
    table = torch.stack(rows, 1) if rows else torch.zeros(_BANDS, 0)
    top = float(table.max()) if rows else 0.0
    level = ((table - top) / _RANGE + 1).clamp(0, 1) * (LEVELS - 1)
    told = tuple("".join(map(str, row)) for row in level.round().long().tolist())
    return Spectrogram(told, recorded.seconds)


def _filters(recorded: Recorded) -> Filters:
    return Filters(recorded.rate, bands=_BANDS, hop=_HOP)


def _every(frames: int) -> int:
    return max(1, -(-frames // _COLUMNS))

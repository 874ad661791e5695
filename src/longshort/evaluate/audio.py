"""The beginning of a recording as a page plays it."""

from __future__ import annotations

import base64
import io
import wave

import numpy as np

from longshort.data.corpus import Recorded
from longshort.data.sources.audio import load

# what is heard of a recording: seconds, and samples a second
_SECONDS, _RATE = 8.0, 8000


def audio(recorded: Recorded) -> str:
    """A WAV file inside of a data URI.

    Raises:
        DataError: the recording cannot be read.
    """
    samples = load(recorded, _RATE)[: int(_SECONDS * _RATE)]
    # what is too loud to be written is made less loud as a whole
    peak = max(float(np.abs(samples).max(initial=0.0)), 1.0)
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(_RATE)
        written.writeframes((samples / peak * 32767).astype("<i2").tobytes())
    return "data:audio/wav;base64," + base64.b64encode(file.getvalue()).decode()

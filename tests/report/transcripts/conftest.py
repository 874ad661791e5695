"""A record of transcripts with a recording of every kind: sound, series, pen strokes, a picture."""

from __future__ import annotations

import base64

import numpy as np
import pytest

from longshort.data.sources.pictures import as_uri
from longshort.records import (
    Confusion,
    Curve,
    Delay,
    Difference,
    Epoch,
    Heard,
    History,
    Image,
    Mark,
    Measured,
    Picture,
    Sketch,
    Timed,
    TranscriptData,
    TranscriptEvaluation,
    TranscriptPart,
    TranscriptScore,
    Wrongs,
)


def score(method: str, kind: str, rate: float) -> TranscriptScore:
    names = ("cer", "wer", "ser", "wrong")
    return TranscriptScore(
        method,
        kind,  # type: ignore[arg-type]
        {name: Measured(rate, rate - 0.02, rate + 0.02) for name in names},
        {name: Wrongs(80, 12, 5, 3) for name in names[:3]},
        valid=rate + 0.01,
        seconds=61.0,
        real_time=0.031,
    )


def timed(text: str, step: float) -> tuple[Timed, ...]:
    """A symbol each ``step``, half a step long."""
    return tuple(
        Timed(sign, step * at, step * (at + 0.5), 0.5 + 0.1 * at) for at, sign in enumerate(text)
    )


def transcript_record() -> TranscriptEvaluation:
    wave = "data:audio/wav;base64," + base64.b64encode(b"RIFF").decode()
    strokes = (((-1.0, 0.0), (-0.5, 0.2), (0.0, 0.0)), ((0.5, -0.2), (1.0, 0.2)))
    heard = (
        Heard("calls.tsv: 'a.wav'", "<b>cat", "<b>cut", (("<b>c", "<b>c"), ("a", "u"), ("t", "t")),
              0.61, (Timed("<b>cut", 0.0, 0.9, 0.6),), timed("cut", 0.3),
              Picture(("019", "900"), 0.9), sound=wave),
        Heard("pens.inkml", "iv", "v", (("i", ""), ("v", "v")), 0.4, (), timed("iv", 2),
              sketch=Sketch(strokes), marks=(Mark(0, 2, 0.5), Mark(3, 5, 0.75))),
        Heard("line.png", "go", "go", (("g", "g"), ("o", "o")), 0.9, (), timed("go", 12),
              Picture((), 24.0),
              image=Image(as_uri(np.full((8, 24), 200, np.uint8)), 24, 8)),
        Heard("walk 3", "ab", "ab", (("a", "a"), ("b", "b")), 1.0, (), timed("ab", 2),
              curves=(Curve("x", (0.0, None, 1.0, 0.5)),)),
    )  # fmt: skip
    return TranscriptEvaluation(
        task="transcribe",
        metric="cer",
        items=40,
        scores=(
            score("LSTM", "lstm", 0.1),
            score("LSTM alone", "lstm", 0.13),
            score("HMM loop", "classical", 0.31),
            score("most frequent transcript", "naive", 0.9),
        ),
        verdict="The LSTM earned its keep: its character error rate, 10.0 %, is 21 points below.",
        data=TranscriptData(
            "calls.tsv", "sound", "characters", 27, "in lower case", 0.03,
            (TranscriptPart("train", 300, 9, 9000, 1800, 40_000, 130, 400),
             TranscriptPart("test", 40, 2, 1200, 240, 5_200, 128, 390)),
        ),
        history=History((Epoch(0, 0, 2.0, 1.5, 1.0, 1e-3, 1.0, True),), ("epochs",), "nats"),
        groups=2,
        reference="HMM loop",
        naive="most frequent transcript",
        differences=(Difference("cer", "LSTM", "HMM loop", -0.21, -0.25, -0.16),
                     Difference("cer", "LSTM", "LSTM alone", -0.03, -0.07, 0.01)),
        confusions=(Confusion("a", "u", 4), Confusion("i", "", 2), Confusion("", "e", 1)),
        heard=heard,
        wrong=12,
        latency="The network reads forwards: it answers while a recording goes on.",
        delay=Delay("chunk", 3.14, 5.6, 200, 0.1),
        settings={"recurrent": "size 128"},
        environment={"python": "3.11"},
        notes=("Transcripts are compared in lower case.",),
    )  # fmt: skip


@pytest.fixture(scope="session")
def calls() -> TranscriptEvaluation:
    return transcript_record()

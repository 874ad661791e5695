"""Partial transcripts as chunks arrive, and in the end those of the whole recording."""

from __future__ import annotations

import numpy as np
import pytest

from longshort import Recurrent, Session
from longshort.contracts import State
from longshort.data.corpus import Corpus, Recorded
from longshort.data.readings.signals import Signal
from longshort.data.readings.sound import Sound
from longshort.errors import ArgumentError, DataError
from longshort.heads.ctc import Ctc
from longshort.tasks.transcribe import Transcriber
from tests.tasks.test_transcribe import signs, small

FORWARD = Recurrent(24, bidirectional=False, dropout=0.0, stem=3)


@pytest.fixture(scope="module")
def fitted() -> Transcriber:
    return small(recurrent=FORWARD).fit(signs(150, 0))


@pytest.mark.parametrize("size", [1, 4, 50])
def test_a_stream_of_rows_ends_with_the_whole(fitted: Transcriber, size: int) -> None:
    corpus = signs(4, 1)
    assert corpus.series is not None
    for item, (whole, *_) in enumerate(fitted.predict_n_best(corpus, 4)):
        rows = corpus.series.values[corpus.series.rows(item)]
        listening = fitted.stream()
        partial = [listening.read(rows[at : at + size]).text for at in range(0, len(rows), size)]
        found = listening.end()
        assert found.text == whole.text
        assert found.log_p == pytest.approx(whole.log_p, abs=1e-4)
        assert [w.text for w in found.words] == [w.text for w in whole.words]
        times = [(piece.text, piece.start, piece.end) for piece in whole.symbols]
        assert [(piece.text, piece.start, piece.end) for piece in found.symbols] == times
        if size == 1:
            assert partial[0] in ("", *"abcd")
            # what is told grows while the recording goes on
            assert len(set(map(len, partial))) > 1
        with pytest.raises(ArgumentError, match="has ended"):
            listening.read(rows[:1])


@pytest.mark.parametrize("scale", ["channel", "running", "none"])
def test_a_stream_of_sound_ends_with_the_whole(scale: str) -> None:
    rng = np.random.default_rng(0)
    sound = tuple(
        Recorded(samples=0.1 * rng.normal(size=n).astype(np.float32), rate=8000)
        for n in rng.integers(2000, 6000, 12)
    )
    texts = tuple(str(rng.choice(["ab", "b", "ba"])) for _ in sound)
    corpus = Corpus("noise", sound=sound, transcripts=texts)
    model = Transcriber(
        sound=Sound("mel", scale, deltas=1, stack=2),  # type: ignore[arg-type]
        head=Ctc(width=4),
        recurrent=FORWARD,
        training=small().training.set_params(epochs=1),
    ).fit(corpus)
    whole = model.predict_n_best(corpus.select([0]), 4)[0][0]
    samples = sound[0].samples
    assert samples is not None
    listening = model.stream()
    for at in range(0, len(samples), 500):
        listening.read(samples[at : at + 500])
    found = listening.end()
    assert found.text == whole.text
    assert found.log_p == pytest.approx(whole.log_p, abs=1e-3)
    with pytest.raises(DataError, match="one channel"):
        model.stream().read(np.zeros((4, 2)))


def test_what_cannot_be_streamed_says_so(fitted: Transcriber) -> None:
    corpus = signs(30, 2)
    training = small().training.set_params(epochs=1)
    with pytest.raises(ArgumentError, match="bidirectional=True"):
        small(training=training).fit(corpus).stream()
    whole = small(training=training, recurrent=FORWARD, signal=Signal(scale="item"))
    with pytest.raises(ArgumentError, match="to its end"):
        whole.fit(corpus).stream()
    with pytest.raises(DataError, match=r"give \(T, 4\)"):
        fitted.stream().read(np.zeros((3, 2)))
    with pytest.raises(DataError, match="no number"):
        fitted.stream().read(np.full((3, 4), np.nan))
    assert fitted.stream().end().text == ""


@pytest.mark.parametrize("language", ["none", "ngrams"])
def test_sessions_are_the_stream_through_snapshots(language: str) -> None:
    corpus = signs(150, 0)
    fitted = small(recurrent=FORWARD, head=Ctc(4, language)).fit(corpus)  # type: ignore[arg-type]
    assert corpus.series is not None
    recordings = [corpus.series.values[corpus.series.rows(item)] for item in range(3)]
    session, streams = Session(fitted, 3), [fitted.stream() for _ in recordings]
    rng = np.random.default_rng(0)
    places = [0, 0, 0]
    while any(places[item] < len(recordings[item]) for item in range(3)):
        item = int(rng.integers(3))
        size = int(rng.integers(1, 6))
        chunk = recordings[item][places[item] : places[item] + size]
        places[item] += size
        told, wanted = session.push(chunk, item), streams[item].read(chunk)
        assert (told.text, told.log_p) == (wanted.text, pytest.approx(wanted.log_p, abs=1e-6))
        session = Session.restore(fitted, session.snapshot())
    ends = session.push_many([None] * 3)
    assert ends.text.tolist() == [stream.end().text for stream in streams]
    assert session.push(recordings[0], 0).text == fitted.stream().read(recordings[0]).text
    state = session.state
    search = {n: t for n, t in state.flatten().items() if n.endswith("search.parents")}
    with pytest.raises(ValueError, match="no trie"):
        session.load(State.unflatten(state.flatten() | {n: t + 1 for n, t in search.items()}))

"""Odd and bad recordings given to a fitted transcriber: read, or refused by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import soundfile
from numpy.typing import NDArray

from longshort import Partition, Recurrent, Roles, Transcriber
from longshort.data.codecs.ink import joined
from longshort.data.corpus import Corpus
from longshort.data.readings.pictures import Pictures
from longshort.data.readings.sound import Sound
from longshort.errors import DataError
from longshort.tasks.labels.reading import read_corpus

RATE = 8000


def tones(text: str, rate: int = RATE) -> NDArray[np.float64]:
    """Low for a, high for b, and a little noise all the time."""
    moments = np.arange(int(0.15 * rate)) / rate
    parts = [np.zeros(rate // 20)]
    for letter in text:
        pitch = 400 if letter == "a" else 1400
        parts += [0.4 * np.sin(2 * np.pi * pitch * moments), np.zeros(rate // 10)]
    whole = np.concatenate(parts)
    return whole + 0.01 * np.random.default_rng(len(text)).normal(size=len(whole))


def table(folder: Path, sounds: dict[str, NDArray[np.float64]], rate: int = RATE) -> Path:
    """Files, and a table that names them with the text their names begin with."""
    for name, samples in sounds.items():
        soundfile.write(folder / f"{name}.wav", samples, rate, subtype="FLOAT")
    rows = {"path": [f"{name}.wav" for name in sounds], "text": [n.split("_")[0] for n in sounds]}
    pl.DataFrame(rows).write_csv(folder / "table.csv")
    return folder / "table.csv"


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Transcriber:
    random = np.random.default_rng(0)
    sounds = {}
    for at in range(60):
        text = "".join(random.choice(list("ab"), random.integers(1, 4)))
        sounds[f"{text}_{at}"] = tones(text) * random.uniform(0.7, 1.3)
    model = Transcriber(
        sound=Sound("mel", "channel", bands=16, deltas=0, stack=3, longest=20),
        recurrent=Recurrent(24, 1, bidirectional=False, dropout=0.0),
        training=Transcriber().training.set_params(epochs=8, rate=2e-2, batch=8),
        partition=Partition(valid=0.1, test=None),
    )
    return model.fit(table(tmp_path_factory.mktemp("tones"), sounds))


def test_sound_is_learnt_in_a_few_seconds(fitted: Transcriber, tmp_path: Path) -> None:
    data = table(tmp_path, {f"{text}_x": tones(text) for text in ("a", "ab", "bba", "aba")})
    told = fitted.predict(data)
    assert told["transcript"].to_list() == ["a", "ab", "bba", "aba"]
    assert (told["confidence"] > 0.3).all()
    record = fitted.evaluate(data, yardsticks="none")
    assert record.delay is not None
    assert (record.delay.piece, record.delay.length) == ("chunk", 0.1)
    assert 0 < record.delay.middle <= record.delay.most
    assert "forwards" in record.latency


@pytest.mark.parametrize("rate", [44_100, 16_000])
def test_other_rates_and_two_channels_say_the_same(
    fitted: Transcriber, tmp_path: Path, rate: int
) -> None:
    mono = tones("aba", rate)
    data = table(tmp_path, {"aba_two": np.stack([mono, 0.8 * mono], 1)}, rate)
    assert fitted.known_.reading.rate == RATE  # type: ignore[attr-defined]
    assert fitted.predict(data)["transcript"].to_list() == ["aba"]
    notes = fitted.evaluate(data, yardsticks="none").notes
    assert any("another rate" in note for note in notes)
    assert any("several channels" in note for note in notes)


def test_silence_noise_that_is_clipped_and_nothing_at_all_are_read(
    fitted: Transcriber, tmp_path: Path
) -> None:
    sounds = {
        "a_silent": np.zeros(4000),
        "ab_clipped": np.clip(20 * tones("ab"), -1, 1),
        "b_nothing": np.zeros(0),
        "b_one": np.full(1, 0.5),
    }
    data = table(tmp_path, sounds)
    told = fitted.predict(data)
    assert told.height == 4
    assert told["transcript"][2] == ""
    assert told["confidence"].is_between(0, 1).all()
    record = fitted.evaluate(data, yardsticks="none")
    assert np.isfinite(record.scores[0].measures["cer"].value or 0.0)
    assert fitted.stream().read(np.zeros(0)).text == ""


def test_an_hour_is_refused_by_name_before_it_is_read(fitted: Transcriber, tmp_path: Path) -> None:
    path = tmp_path / "hour.wav"
    with soundfile.SoundFile(path, "w", RATE, 1, subtype="PCM_U8") as file:
        for _ in range(60):
            file.write(np.zeros(60 * RATE))
    with pytest.raises(DataError, match=r"hour\.wav.*3,?600.*longest"):
        fitted.predict(path)


def test_samples_that_are_no_numbers_are_named(fitted: Transcriber, tmp_path: Path) -> None:
    wrong = tones("ab")
    wrong[[700, 900]] = np.nan
    data = table(tmp_path, {"ab_good": tones("ab"), "ab_wrong": wrong})
    with pytest.raises(DataError, match=r"ab_wrong\.wav: sample 701 is nan, and 2 are no numbers"):
        fitted.predict(data)
    again = fitted.set_copy(roles=Roles(skip_bad=True))
    found = read_corpus(data, again.roles, labelled=False)
    assert len(found) == 1


def test_signs_that_were_never_seen_are_told_when_it_is_judged(
    fitted: Transcriber, tmp_path: Path
) -> None:
    data = table(tmp_path, {"ax_1": tones("ab")})
    record = fitted.evaluate(data, yardsticks="none")
    assert record.ours is not None
    assert record.ours.measures["cer"].value == pytest.approx(0.5)
    assert any("'x'" in note for note in record.notes)
    with pytest.raises(DataError, match=r"20 symbols need .* frames, and there are"):
        fitted.align(tmp_path / "ax_1.wav", ["ab" * 10])


@pytest.mark.filterwarnings("ignore::longshort.errors.LongshortWarning")
def test_strokes_of_one_point_and_drawings_of_nothing_are_read() -> None:
    random = np.random.default_rng(0)
    line = np.array([[0.0, 0], [1, 1]])
    good = [joined([line + random.normal(0, 0.1, (2, 2))]) for _ in range(20)]
    odd = [joined([np.ones((1, 2))]), joined([]), joined([np.ones((1, 2)), line])]
    data = Corpus("pens", ink=(*good, *odd), transcripts=("i",) * 21 + ("", "i"))
    model = Transcriber(
        recurrent=Recurrent(8, 1, bidirectional=True),
        training=Transcriber().training.set_params(epochs=1, steps=5),
    ).fit(data)
    assert len(model.predict(data)) == 23
    record = model.evaluate(Corpus("odd", ink=tuple(odd), transcripts=("i", "i", "o")),
                            yardsticks="none")  # fmt: skip
    assert type(record).from_json(record.to_json()) == record


@pytest.mark.filterwarnings("ignore::longshort.errors.LongshortWarning")
def test_inverted_and_empty_pictures_are_told() -> None:
    random = np.random.default_rng(0)
    made = []
    for at in range(20):
        shades = np.full((16, 24), 240, np.uint8)
        shades[4:12, 4 : 8 + random.integers(1, 9)] = 20
        made.append(255 - shades if at < 3 else shades)
    made.append(np.full((16, 24), 255, np.uint8))
    data = Corpus("bars", pictures=tuple(made), transcripts=("l",) * 20 + ("",))
    model = Transcriber(
        pictures=Pictures(height=8),
        recurrent=Recurrent(8, 1, bidirectional=True),
        training=Transcriber().training.set_params(epochs=1, steps=5),
    ).fit(data)
    assert any("3 of 21 pictures have light ink" in note for note in model.known_.notes)
    assert any("1 of 21 pictures show nothing" in note for note in model.known_.notes)
    told = model.predict(Corpus("two", pictures=(made[0], 255 - made[0], made[-1])))
    assert told[0] == told[1]
    assert told[2] == ""

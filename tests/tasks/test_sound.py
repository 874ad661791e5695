"""A Classifier reads sound: fitted, judged beside an HMM, explained, stored, gone on with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

import longshort
from longshort import Classifier, Partition, Recurrent, Roles, Training
from longshort.checkpoint import Checkpoint
from longshort.data.augment import Augment
from longshort.data.corpus import Corpus, Recorded
from longshort.data.readings.sound import Sound
from longshort.errors import DataError
from longshort.records import LabelEvaluation
from longshort.report.labels.document import label_page
from longshort.tasks.labels.reading import read_corpus

RATE = 4000
ROLES = Roles(pattern="{label}_{group}_{n}.wav")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tones that rise and tones that fall, of four voices."""
    place = tmp_path_factory.mktemp("tones")
    random = np.random.default_rng(0)
    for at in range(48):
        label, voice = ("rise", "fall")[at % 2], at % 4
        n = int(random.integers(900, 1600))
        course = np.linspace(300, 900, n) if label == "rise" else np.linspace(900, 300, n)
        phase = np.cumsum(course * (1 + voice / 10)) / RATE
        x = 0.3 * np.sin(2 * np.pi * phase) + 0.02 * random.standard_normal(n)
        soundfile.write(place / f"{label}_voice{voice}_{at}.wav", x, RATE)
    return place


def small(**more: object) -> Classifier:
    settings: dict[str, object] = {
        "roles": ROLES,
        "sound": Sound(features="mel", bands=16, deltas=0, scale="mean", stack=2),
        "augment": Augment(warp=0.1, speed=0.1, noise=0.3, bands=1, times=1),
        "partition": Partition(by="stratified", valid=0.2, test=0.25),
        "recurrent": Recurrent(8, bidirectional=True, dropout=0.1),
        "training": Training(epochs=6, rate=1e-2, batch=8, steps=20, members=1, patience=None),
    }
    return Classifier(**{**settings, **more})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def fitted(folder: Path) -> Classifier:
    return small().fit(folder)


def test_it_learns_and_is_judged_beside_an_hmm(fitted: Classifier, folder: Path) -> None:
    found = fitted.evaluate(folder, yardsticks="quick")
    assert [score.method for score in found.scores] == ["LSTM", "HMM per word", "class prior"]
    assert found.ours is not None
    accuracy = found.ours.measures["accuracy"].value
    assert accuracy is not None
    assert accuracy > 0.8
    assert found.data.content == "sound"
    again = LabelEvaluation.from_json(found.to_json(), "x")
    page = label_page(again)
    assert "recording" in page
    assert "milliseconds" in page


def test_what_it_got_wrong_is_drawn_as_a_spectrogram(fitted: Classifier, folder: Path) -> None:
    corpus = read_corpus(folder, ROLES)
    wrong = tuple(("fall" if own == ("rise",) else "rise",) for own in corpus.labels or ())
    found = fitted.evaluate(
        Corpus("turned", sound=corpus.sound, labels=wrong, names=corpus.names), yardsticks="none"
    )
    mistake = found.mistakes[0]
    assert mistake.spectrogram is not None
    assert mistake.marks
    assert max(mark.end for mark in mistake.marks) <= mistake.steps
    assert len({len(row) for row in mistake.spectrogram.levels}) == 1
    page = label_page(LabelEvaluation.from_json(found.to_json(), "x"))
    assert "Spectrogram of" in page
    assert page.count('<audio controls preload="none" src="data:audio/wav;base64,') == 12
    assert "media-src data:" in page


def test_explanations_point_at_frames(fitted: Classifier, folder: Path) -> None:
    found = fitted.explain(folder, most=2)
    for item in found.items:
        assert item.spectrogram is not None
        steps = len(item.spectrogram.levels[0])
        assert all(0 <= mark.start < mark.end <= steps for mark in item.marks)
        assert max(abs(mark.weight) for mark in item.marks) == pytest.approx(1)


def test_the_model_file_holds_all_of_it(fitted: Classifier, folder: Path, tmp_path: Path) -> None:
    fitted.save(tmp_path / "m.lstm")
    again = longshort.load(tmp_path / "m.lstm")
    np.testing.assert_array_equal(again.predict_proba(folder), fitted.predict_proba(folder))
    assert again.sound == fitted.sound
    assert again.augment == fitted.augment
    one = sorted(folder.glob("*.wav"))[0]
    np.testing.assert_allclose(
        again.predict_proba(one)[0], fitted.predict_proba(folder)[0], atol=1e-5
    )


def test_a_run_that_was_broken_off_goes_on_bit_by_bit(
    fitted: Classifier, folder: Path, tmp_path: Path
) -> None:
    class Stop(Exception):  # noqa: N818
        pass

    class Break:
        def __init__(self) -> None:
            self.epochs = 0

        def __getattr__(self, name: str) -> object:
            def told(*_: object, **__: object) -> None:
                if name == "epoch":
                    self.epochs += 1
                    if self.epochs == 3:
                        raise Stop

            return told

    checkpoint = tmp_path / "c.lstm"
    with pytest.raises(Stop):
        small().fit(folder, progress=Break(), checkpoint=Checkpoint(checkpoint, 0.0))  # type: ignore[arg-type]
    assert checkpoint.exists()
    resumed = small().fit(folder, checkpoint=checkpoint)
    for one, two in zip(
        resumed.models_[0].parameters(), fitted.models_[0].parameters(), strict=True
    ):
        assert torch.equal(one, two)


def test_odd_recordings_are_answered_or_named(fitted: Classifier) -> None:
    def one(samples: np.ndarray, rate: int = RATE) -> Corpus:
        return Corpus("odd", sound=(Recorded(samples=samples.astype(np.float32), rate=rate),))

    t = np.arange(44100) / 44100
    other = 0.3 * np.sin(2 * np.pi * (300 * t + 300 * t**2))
    for corpus in (one(np.zeros(4000)), one(np.ones(4000)), one(np.zeros(0)), one(np.ones(1)),
                   one(other, 44100)):  # fmt: skip
        told = fitted.predict_proba(corpus)
        assert np.isfinite(told).all()
        np.testing.assert_allclose(told.sum(1), 1, atol=1e-6)
    assert fitted.predict(one(other, 44100)) == "rise"
    with pytest.raises(DataError, match="sample 3 is nan"):
        fitted.predict(one(np.array([0, 0, np.nan, 0])))
    with pytest.raises(DataError, match="3,600 s of sound"):
        fitted.predict(one(np.zeros(3600 * RATE)))
    with pytest.raises(DataError, match="fitted on sound"):
        fitted.predict(["a text"])


def test_what_is_empty_or_bad_is_left_out_and_counted(folder: Path, tmp_path: Path) -> None:
    for path in sorted(folder.glob("*.wav"))[:12] + sorted(folder.glob("rise*.wav"))[:6]:
        (tmp_path / path.name).write_bytes(path.read_bytes())
    soundfile.write(tmp_path / "rise_voice9_0.wav", np.zeros(0), RATE)
    (tmp_path / "fall_voice9_1.wav").write_text("no sound")
    with pytest.raises(DataError, match=r"voice9_1.wav: cannot be read as sound"):
        small().fit(tmp_path)
    training = Training(epochs=1, batch=8, steps=2, members=1)
    roles = ROLES.set_params(skip_bad=True)
    with pytest.warns(longshort.errors.LongshortWarning):
        model = small(roles=roles, training=training).fit(tmp_path)
    notes = " ".join(model.known_.notes)
    assert "1 of 20 files could not be read" in notes
    assert "1 of 19 items are empty" in notes

"""LanguageModel of music: frames and notes are what counts, and pieces come back as MIDI."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from longshort import (
    Chunking,
    LanguageModel,
    Next,
    Notation,
    Recurrent,
    Shares,
    Tokens,
    Training,
    artifact,
    load,
)  # fmt: skip
from longshort.checkpoint import Checkpoint
from longshort.data.codecs.notation import Composition
from longshort.data.sources.midi import read_midi, write_midi
from longshort.errors import ArgumentError, DataError, LongshortWarning, ModelFileError
from longshort.records import LanguageEvaluation
from longshort.report.language.document import language_page
from longshort.search import Sampling

pytest.importorskip("symusic")
CHORDS = ((48, 55, 64, 72), (53, 57, 60, 69), (55, 59, 62, 74))
ROLLS = Notation("rolls", resolution=1)


def tune(seed: int, chords: int = 12) -> Composition:
    """Three chords in turn, each of one or two quarter notes."""
    random = np.random.default_rng(seed)
    notes, at = [], 0
    for number in range(chords):
        long = int(random.integers(1, 3))
        notes += [(at, long, key, 80) for key in CHORDS[(number + seed) % 3]]
        at += long
    return Composition(np.array(notes, float), at, 90.0)


TUNES = [tune(seed) for seed in range(12)]


def small(notation: Notation = ROLLS, **changes: Any) -> LanguageModel:
    given = {
        "recurrent": Recurrent(size=24, dropout=0.0),
        "training": Training(epochs=12, batch=4, rate=3e-2, members=1, weight_decay=0.0),
        "chunking": Chunking(25),
        "head": Next("plain", 16),
        "shares": Shares(0.15, 0.15),
    }
    return LanguageModel(notation=notation, **{**given, **changes})


@pytest.fixture(scope="module")
def fitted() -> LanguageModel:
    return small().fit(TUNES)


def test_scores_are_per_frame(fitted: LanguageModel) -> None:
    found = fitted.passages(TUNES)
    assert found.test is not None
    text = fitted.stretch(found.test)
    frames = sum(int(piece.length) for piece in TUNES[10:])
    assert found.test.counts == frames
    assert fitted.score(TUNES) == pytest.approx(-fitted.nats(text).sum() / frames)
    # a chord of one or two frames is one bit in each two signs of a frame's beginning, or so
    assert -2.5 < fitted.score(TUNES) < -0.3
    # pieces are whole
    assert len(text.begins) == 2
    assert found.train is not None
    assert fitted.codec_.decode(found.train.ids).count("|") == found.train.counts


def test_it_is_judged_beside_models_of_frames(fitted: LanguageModel, tmp_path: Path) -> None:
    record = fitted.evaluate(TUNES)
    ours = record.ours
    assert ours is not None
    assert set(ours.measures) == {
        "nats", "bits", "perplexity", "nats_per_frame", "bits_per_frame",
    }  # fmt: skip
    value = ours.measures["nats_per_frame"].value
    assert value == pytest.approx(-fitted.score(TUNES))
    assert ours.measures["bits_per_frame"].value == pytest.approx(value / math.log(2))
    names = [score.method for score in record.scores]
    assert {"logistic regression per key", "key shares", "unigram"} < set(names)
    assert {each.measure for each in record.differences} == {"nats_per_frame"}
    assert record.data.per == "frame"
    assert "nats per frame" in record.verdict
    # what is shown are note names
    assert all(set(each.symbols) <= {f"{s} " for s in fitted.codec_.known} | {""}
               for each in record.passages)  # fmt: skip
    page = language_page(record)
    assert "nats per frame" in page
    assert "bits per byte" not in page
    again = LanguageEvaluation.from_json(record.to_json())
    assert again == record


def test_a_model_file_holds_its_notation(fitted: LanguageModel, tmp_path: Path) -> None:
    path = tmp_path / "model.lstm"
    fitted.save(path)
    again = load(path)
    assert isinstance(again, LanguageModel)
    assert again.notation == ROLLS
    assert again.codec_ == fitted.codec_
    assert again.score(TUNES) == pytest.approx(fitted.score(TUNES), abs=1e-6)
    content = artifact.read(path)
    for change in ({"kind": "trolls"}, {"resolution": 0}, {"kind": "events"}):
        sections = {**content.sections, "notation": {**content.sections["notation"], **change}}
        artifact.write(path, content.kind, "0", sections, content.tensors)
        with pytest.raises(ModelFileError):
            load(path)


def test_files_without_a_notation_are_of_texts(tmp_path: Path) -> None:
    path = tmp_path / "model.lstm"
    model = small(Notation(), training=Training(epochs=1, batch=2)).fit(["abcabc" * 20] * 9)
    model.save(path)
    content = artifact.read(path)
    sections = {name: part for name, part in content.sections.items() if name != "notation"}
    artifact.write(path, content.kind, "0", sections, content.tensors)
    again = load(path)
    assert isinstance(again, LanguageModel)
    assert again.notation == Notation()


def test_a_piece_goes_on_as_midi(fitted: LanguageModel, tmp_path: Path) -> None:
    start, out = tmp_path / "start.mid", tmp_path / "sample.mid"
    write_midi(start, tune(5, 3)._replace(tempo=72))
    piece = fitted.compose(str(start), 10, Sampling(temperature=0), seed=1, out=out)
    written = read_midi(out)
    np.testing.assert_allclose(written.notes[:, :3], piece.notes[:, :3], atol=1e-2)
    assert written.tempo == pytest.approx(72, abs=1e-3)
    begun = ROLLS.write(read_midi(start))
    assert ROLLS.write(piece).startswith(begun)
    assert piece.length <= ROLLS.read(begun).length + 10
    # what is told as text is the same
    text = fitted.generate(str(start), 10, Sampling(temperature=0), seed=1)
    assert ROLLS.write(piece) == begun + text
    assert fitted.generate("", 0) == ""
    assert fitted.generate("C3 G3 E4 C5 | ", 3, seed=2).count("|") <= 3
    scores = fitted.symbol_scores(str(start))
    assert [each.text for each in scores[:2]] == [f"{sign} " for sign in begun.split()[:2]]
    (best, *_) = fitted.complete(str(start), 5, width=2)
    assert set(best.text.split()) <= set(fitted.codec_.known)
    assert fitted.compose("", 4, seed=3, tempo=60).tempo == 60


def test_prompts_that_make_no_sense(fitted: LanguageModel, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        fitted.generate("none.mid", 3)
    with pytest.warns(LongshortWarning, match="'H4'"):
        fitted.generate("C4 H4 |", 1)
    with pytest.raises(ArgumentError, match="stop"):
        fitted.generate("", 3, stop=["|"])
    with pytest.raises(ArgumentError, match="not on music"):
        small(Notation(), shares=Shares(0, 0), training=Training(epochs=1, batch=2)).fit(
            ["abcabc" * 20]
        ).compose()


def test_events_are_per_note(tmp_path: Path) -> None:
    notation = Notation("events", resolution=2, loudness=4)
    model = small(notation).fit(TUNES)
    record = model.evaluate(TUNES, yardsticks="none")
    assert record.ours is not None
    assert "nats_per_note" in record.ours.measures
    assert record.data.per == "note"
    assert model.passages(TUNES).test.counts == 96  # type: ignore[union-attr]
    piece = model.compose("", 12, seed=1, out=tmp_path / "a.mid")
    assert len(piece.notes) <= 12
    model.save(tmp_path / "model.lstm")
    assert load(tmp_path / "model.lstm").score(TUNES) == pytest.approx(model.score(TUNES))


def test_other_keys_are_learnt_from_alone() -> None:
    model = small(Notation("rolls", 1, transpose=2), training=Training(epochs=1, batch=4))
    found = model.fit(TUNES).passages(TUNES)
    plain = small(training=Training(epochs=1, batch=4)).fit(TUNES).passages(TUNES)
    assert found.train is not None
    assert plain.train is not None
    assert found.train.counts == 5 * plain.train.counts
    for one, other in zip(found[1:], plain[1:], strict=True):
        np.testing.assert_array_equal(one.ids, other.ids)  # type: ignore[union-attr]


def test_parts_of_a_file_are_kept(tmp_path: Path) -> None:
    texts = {"train": TUNES[:8], "valid": TUNES[8:10], "test": TUNES[10:]}
    chords = {
        part: [[[int(key) for key in roll] for roll in frames(piece)] for piece in pieces]
        for part, pieces in texts.items()
    }
    path = tmp_path / "tunes.json"
    path.write_text(json.dumps(chords))
    model = small(training=Training(epochs=1, batch=4)).fit(path)
    found, wanted = model.passages(path), model.passages(texts)
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(one.ids, other.ids)  # type: ignore[union-attr]


def frames(piece: Composition) -> list[list[int]]:
    found: list[list[int]] = [[] for _ in range(int(piece.length))]
    for start, long, key, _ in piece.notes.astype(int).tolist():
        for at in range(start, start + long):
            found[at].append(key)
    return found


def test_an_interrupted_fit_goes_on_exactly(
    fitted: LanguageModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from longshort.training import loop

    checkpoint = Checkpoint(tmp_path / "c.lstm", every=0, keep=True)
    step, made = loop._Run._step, []

    def killed(*arguments: Any) -> None:
        made.append(1)
        if len(made) == 20:
            raise MemoryError("killed")
        step(*arguments)

    monkeypatch.setattr(loop._Run, "_step", killed)
    with pytest.raises(MemoryError):
        small().fit(TUNES, checkpoint=checkpoint)
    monkeypatch.undo()
    again = small().fit(TUNES, checkpoint=checkpoint)
    for name, weights in fitted.models_[0].state_dict().items():
        assert weights.equal(again.models_[0].state_dict()[name]), name


def test_what_does_not_go_together(fitted: LanguageModel) -> None:
    with pytest.raises(ArgumentError, match="signs of its notation"):
        small(tokens=Tokens("words")).fit(TUNES)
    with pytest.raises(DataError, match="one piece of music is not cut"):
        small().fit(TUNES[:1])
    with pytest.raises(ArgumentError, match="of other signs"):
        small(Notation("events")).fit(TUNES, init=fitted, keep_codec=True)
    whole = small(shares=Shares(0, 0), training=Training(epochs=1, batch=2)).fit(TUNES[:1])
    with pytest.raises(DataError, match="left unseen"):
        whole.score(TUNES[:1])
    # but any other piece is a test part
    assert whole.score(TUNES[1:2]) < 0

"""A language model that reads both ways: it learns both, scores exactly, goes on, and is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from longshort import Documents, LanguageModel, Training, artifact, load
from longshort.checkpoint import Checkpoint
from longshort.contracts import Batch
from longshort.data.chunks import SYMBOLS
from longshort.data.stretch import Stretch
from longshort.errors import ArgumentError
from longshort.layers.bothways import BothWays
from longshort.training import loop

from .test_generate import TEXT, small, written


@pytest.fixture(scope="module")
def fitted() -> LanguageModel:
    return small(direction="both").fit([TEXT])


def test_part(model: LanguageModel) -> Stretch:
    found = model.passages([TEXT]).test
    assert found is not None
    return model.stretch(found)


test_part.__test__ = False  # type: ignore[attr-defined]


def test_it_learns_to_tell_both_ways(fitted: LanguageModel) -> None:
    # a word is one of four, told once in six letters, from either end: log(4) / 6 = 0.23
    for direction in ("forward", "backward"):
        nats = fitted.nats(test_part(fitted), direction)
        assert 0.2 < nats.sum() / 300 < 0.75
    assert "another one backwards" in fitted.summary()


@torch.no_grad()
def test_backwards_is_one_symbol_after_the_other_from_the_end(fitted: LanguageModel) -> None:
    model, text = fitted.models_[0], test_part(fitted)
    assert isinstance(model.encoder, BothWays)
    state, expected = None, np.zeros(len(text.symbols))
    for place in range(len(text.symbols) - 1, 0, -1):
        one = Batch({SYMBOLS: torch.tensor([[text.symbols[place]]])}, torch.tensor([1]))
        read = model.encoder.backwards(one, state)
        state = read.state
        before = torch.tensor([[text.symbols[place - 1]]])
        expected[place - 1] = float(model.head.nats(read.z, before))  # type: ignore[operator]
    np.testing.assert_allclose(fitted.nats(text, "backward"), expected, atol=1e-5)


def test_scores_depend_on_no_batch_and_no_chunk_and_outlive_a_file(
    fitted: LanguageModel, tmp_path: Path
) -> None:
    fitted.save(tmp_path / "model.lstm")
    again = load(tmp_path / "model.lstm")
    assert isinstance(again, LanguageModel)
    assert again.direction == "both"
    again.set_params(training__batch=3, chunking__steps=7)
    for way in ("forward", "backward"):
        expected = fitted.nats(test_part(fitted), way)
        np.testing.assert_allclose(again.nats(test_part(again), way), expected, atol=1e-5)
    assert again.generate("abc", 30, seed=1) == fitted.generate("abc", 30, seed=1)
    assert again.complete("abc", 3)[0] == fitted.complete("abc", 3)[0]


def test_documents_begin_anew_from_either_end() -> None:
    training = Training(epochs=6, batch=8, rate=3e-2, members=1, weight_decay=0.0)
    model = small(direction="both", documents=Documents(by="line"), training=training)
    model.fit(TEXT.split(" "))
    found = model.passages(["abcde", "abcde"]).test
    assert found is not None
    back = model.nats(model.stretch(found), "backward")
    np.testing.assert_allclose(back[:7], back[7:], atol=1e-6)
    assert back[6] == 0
    # the last letter tells the word, and where it begins is known
    assert back.sum() / 14 < 0.5


@pytest.mark.parametrize("stop_at", [5, 33])
def test_an_interrupted_fit_goes_on_exactly(
    fitted: LanguageModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop_at: int
) -> None:
    checkpoint = Checkpoint(tmp_path / "c.lstm", every=0, keep=True)
    step, made = loop._Run._step, []

    def killed(*arguments: Any) -> None:
        made.append(1)
        if len(made) == stop_at:
            raise MemoryError("killed")
        step(*arguments)

    monkeypatch.setattr(loop._Run, "_step", killed)
    with pytest.raises(MemoryError):
        small(direction="both").fit([TEXT], checkpoint=checkpoint)
    monkeypatch.undo()
    again = small(direction="both").fit([TEXT], checkpoint=checkpoint)
    for name, weights in fitted.models_[0].state_dict().items():
        assert weights.equal(again.models_[0].state_dict()[name]), name


def test_a_fit_may_begin_with_another_and_learn_from_both_parts(fitted: LanguageModel) -> None:
    still = Training(epochs=1, batch=8, members=1, rate=1e-9, weight_decay=0.0, refit=True)
    again = small(direction="both", training=still).fit([TEXT], init=fitted)
    assert again.refitted_
    for name, given in fitted.models_[0].named_parameters():
        taken = dict(again.models_[0].named_parameters())[name]
        torch.testing.assert_close(taken, given, atol=1e-4, rtol=0, msg=name)
    other = TEXT.replace("a", "z")
    with pytest.warns(UserWarning, match="of other categories"):
        again = small(direction="both", training=still).fit([other], init=fitted)
    assert "4 of" in again.start_ or "8 of" in again.start_


def test_the_other_direction_is_told_beside_the_scores(fitted: LanguageModel) -> None:
    record = fitted.evaluate([TEXT])
    text = test_part(fitted)
    nats = fitted.nats(text, "backward")[:-1].mean()
    (told,) = [note for note in record.notes if "from its end" in note]
    assert f"{nats:.4f} nats a symbol" in told
    assert record.ours is not None
    ours = record.ours.measures["nats"].value
    assert ours == pytest.approx(fitted.nats(text)[text.scored].mean())


def test_what_cannot_be_is_said(fitted: LanguageModel, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=r"direction='bth': .*both"):
        small(direction="bth").fit([TEXT])
    quick = Training(epochs=1, batch=8, members=1)
    ahead = small(training=quick).fit([written(100)])
    with pytest.raises(ArgumentError, match="--direction both"):
        ahead.nats(test_part(ahead), "backward")
    with pytest.raises(ArgumentError, match="--direction forward"):
        small(direction="both", training=quick).fit([written(100)], init=ahead)
    # files of before there was a choice read forwards
    ahead.save(tmp_path / "model.lstm")
    content = artifact.read(tmp_path / "model.lstm")
    sections = {k: v for k, v in content.sections.items() if k != "direction"}
    artifact.write(tmp_path / "old.lstm", "language", "0", sections, content.tensors)
    old = load(tmp_path / "old.lstm")
    assert isinstance(old, LanguageModel)
    assert old.direction == "forward"
    assert old.score([TEXT]) == pytest.approx(ahead.score([TEXT]))

"""LanguageModel: it learns, scores exactly, goes on where it stood, and says what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from longshort import (
    Chunking,
    Documents,
    LanguageModel,
    Next,
    Recurrent,
    Shares,
    Tokens,
    Training,
    load,
)  # fmt: skip
from longshort.checkpoint import Checkpoint
from longshort.data.chunks import Chunks
from longshort.data.codecs.tokens import BORDER
from longshort.errors import ArgumentError, DataError, ModelFileError, NotFittedError
from longshort.training import loop

# letters that follow from the one before them, but for where words end
WORDS = ("abcde", "fghab", "cdefg", "habcd")


def written(words: int, seed: int = 0) -> str:
    random = np.random.default_rng(seed)
    return " ".join(WORDS[n] for n in random.integers(0, len(WORDS), words))


TEXT = written(500)


def small(**changes: Any) -> LanguageModel:
    given = {
        "recurrent": Recurrent(size=16, dropout=0.1),
        "training": Training(epochs=6, batch=8, rate=3e-2, members=1, weight_decay=0.0),
        "chunking": Chunking(20),
        "shares": Shares(0.1, 0.1),
    }
    return LanguageModel(**{**given, **changes})


@pytest.fixture(scope="module")
def fitted() -> LanguageModel:
    return small().fit([TEXT])


def nats(model: LanguageModel, X: Any) -> Any:
    found = model.passages(X).test
    assert found is not None
    return model.nats(model.stretch(found))


def test_it_learns_what_can_be_known(fitted: LanguageModel) -> None:
    # a word is one of four, told once in six letters: log(4) / 6 = 0.23 nats of each
    assert -0.75 < fitted.score([TEXT]) < -0.2
    assert fitted.history_.unit == "nats"


def test_parts_are_cut_in_order(fitted: LanguageModel) -> None:
    found = fitted.passages([TEXT])
    parts = [part for part in found if part is not None]
    assert len(parts) == 3
    assert "".join(fitted.codec_.decode(part.ids) for part in parts) == TEXT
    assert [part.counts for part in parts] == [2399, 300, 300]
    # another text is a test part as a whole
    other = fitted.passages([written(50, 1)])
    assert other.train is other.valid is None
    assert other.test is not None
    assert other.test.counts == 299


def test_a_score_depends_on_no_batch_and_no_chunk(fitted: LanguageModel, tmp_path: Path) -> None:
    expected = nats(fitted, [TEXT])
    fitted.save(tmp_path / "model.lstm")
    again = load(tmp_path / "model.lstm")
    assert isinstance(again, LanguageModel)
    again.set_params(training__batch=3, chunking__steps=7)
    np.testing.assert_allclose(nats(again, [TEXT]), expected, atol=1e-5)
    assert again.codec_ == fitted.codec_


def test_a_state_ends_with_a_document_or_goes_on() -> None:
    lines = TEXT.split(" ")
    model = small(training=Training(epochs=1, batch=4, members=1)).fit(lines)
    found = model.passages(["abcde", "abcde"]).test
    assert found is not None
    apart = model.nats(model.stretch(found))
    assert len(apart) == 14
    np.testing.assert_allclose(apart[:7], apart[7:], atol=1e-6)
    model.set_params(chunking__borders="carry")
    on = model.nats(model.stretch(found))
    assert len(on) == 13
    np.testing.assert_allclose(on[:7], apart[:7], atol=1e-6)
    assert not np.allclose(on[7:], apart[8:], atol=1e-3)


@pytest.mark.parametrize("unit", ["bytes", "words", "subwords"])
def test_other_symbols(unit: str, tmp_path: Path) -> None:
    if unit == "subwords":
        pytest.importorskip("tokenizers")
    tokens = Tokens(unit, size=300 if unit == "subwords" else None)  # type: ignore[arg-type]
    training = Training(epochs=3, batch=4, members=2, rate=3e-2)
    model = small(tokens=tokens, training=training, head=Next("adaptive")).fit([TEXT])
    model.save(tmp_path / "model.lstm")
    again = load(tmp_path / "model.lstm")
    assert again.score([TEXT]) == pytest.approx(model.score([TEXT]), abs=1e-6)
    # bits per byte compare: the same text in other symbols
    assert -1.6 < model.score([TEXT]) < 0


def test_awd_values_train(tmp_path: Path) -> None:
    recurrent = Recurrent(size=16, depth=2, dropout=0.2, locked=True, weight_drop=0.3)
    head = Next("tied", 8, embedding_dropout=0.1, activation=2.0, slowness=1.0)
    model = small(recurrent=recurrent, head=head).fit([TEXT])
    assert model.score([TEXT]) > -1.5
    model.save(tmp_path / "model.lstm")
    assert load(tmp_path / "model.lstm").score([TEXT]) == pytest.approx(model.score([TEXT]))


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
        small().fit([TEXT], checkpoint=checkpoint)
    monkeypatch.undo()
    again = small().fit([TEXT], checkpoint=checkpoint)
    for name, weights in fitted.models_[0].state_dict().items():
        assert weights.equal(again.models_[0].state_dict()[name]), name


def test_parts_may_be_given(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text(TEXT)
    (tmp_path / "test.txt").write_text(written(60, 2))
    data = {"train": tmp_path / "train.txt", "test": tmp_path / "test.txt"}
    model = small(training=Training(epochs=1, batch=8, members=1)).fit(data)
    assert model.passages(data).valid is None
    assert model.score(data) == pytest.approx(model.score(tmp_path / "test.txt"))
    with pytest.raises(ArgumentError, match="train, valid, test; got trian"):
        small().fit({"trian": tmp_path / "train.txt"})


def test_it_may_choose_and_then_learn_from_both_parts() -> None:
    training = Training(epochs=1, batch=8, members=1, refit=True)
    model = small(training=training).fit([TEXT])
    assert model.refitted_

    def both(data: Any) -> str:
        examples = model._learn(data).both
        assert isinstance(examples, Chunks)
        return "".join("|" if n == BORDER else model.codec_.decode([n]) for n in examples.ids)

    # one text goes on where it was cut; documents and texts of their own have a border between
    assert both([TEXT]) == "|" + TEXT[:2699]
    words = TEXT.split(" ")[:100]
    assert both(words) == "|" + "|".join(words[:90]) + "|"
    assert both({"train": ["abc"], "valid": ["bca"]}) == "|abc|bca"
    assert both({"train": ["abc", "cab"], "valid": ["bca"]}) == "|abc|cab|bca"


def test_a_fit_may_begin_with_another_and_its_vocabulary(fitted: LanguageModel) -> None:
    other = "abcdefgh" * 60
    training = Training(epochs=1, batch=8, members=1, rate=1e-6)
    again = small(training=training).fit([other], init=fitted, keep_codec=True)
    assert again.codec_ == fitted.codec_
    assert again.start_.startswith("Training began with")
    with pytest.raises(ArgumentError, match="the vocabulary to keep is of characters"):
        small(tokens=Tokens("words")).fit([other], init=fitted, keep_codec=True)


def test_documents_shorter_than_a_chunk(tmp_path: Path) -> None:
    (tmp_path / "lines.txt").write_text(TEXT.replace(" ", "\n"))
    model = small(documents=Documents(by="line")).fit(tmp_path / "lines.txt")
    # the first letter tells the word, and where it ends is known
    assert -0.75 < model.score(tmp_path / "lines.txt") < -0.2


def test_bad_data_are_refused(tmp_path: Path, fitted: LanguageModel) -> None:
    for data, words in (
        ([""], "no text"),
        (["aaaaaaaaaaaaaaaaaaaaaa"], "one symbol over and over"),
        (["a"], "too few to be parted|over and over"),
        (tmp_path / "none.txt", "no such file"),
    ):
        with pytest.raises(DataError, match=words):
            small().fit(data)
    whole = small(shares=Shares(0.1, 0)).set_params(training__epochs=1).fit([TEXT])
    with pytest.raises(DataError, match="left unseen"):
        whole.score([TEXT])
    with pytest.raises(NotFittedError):
        small().score([TEXT])
    for wrong in (Recurrent(bidirectional=True), Recurrent(stem=3)):
        with pytest.raises(ArgumentError, match="leave it out"):
            small(recurrent=wrong).fit([TEXT])


def test_a_file_whose_parts_do_not_fit_is_refused(fitted: LanguageModel, tmp_path: Path) -> None:
    from longshort import artifact

    fitted.save(tmp_path / "model.lstm")
    content = artifact.read(tmp_path / "model.lstm")
    tensors = {**content.tensors, "learned.vocabulary": np.frombuffer(b'["a", "b"]', np.uint8)}
    artifact.write(tmp_path / "odd.lstm", "language", "0", content.sections, tensors)
    with pytest.raises(ModelFileError, match="does not fit together"):
        load(tmp_path / "odd.lstm")


def test_of_another_vocabulary_only_the_trunk_is_taken_over(fitted: LanguageModel) -> None:
    training = Training(epochs=1, batch=8, members=1, rate=1e-9, weight_decay=0.0)
    other = TEXT.replace("a", "z").replace("b", "y")
    with pytest.warns(UserWarning, match="of other categories"):
        again = small(training=training).fit([other], init=fitted)
    given, taken = (dict(model.models_[0].named_parameters()) for model in (fitted, again))
    for name in given:
        same = given[name].shape == taken[name].shape and bool(
            (given[name] - taken[name]).abs().max() < 1e-4
        )
        assert same == name.startswith(("encoder.stack", "head.project")), name

"""Classifiers and taggers that begin with a language model."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from sklearn.base import clone
from torch import Tensor

import longshort
from longshort import Classifier, Corpus, LanguageModel, Recurrent, Tagger, Text, Tokens, Training
from longshort.contracts import Batch
from longshort.data.items import Items
from longshort.data.readings.pretrained import Pretrained, PretrainedReading
from longshort.errors import ArgumentError, ModelFileError
from longshort.layers.bothways import one_way
from longshort.layers.pretrained import Pretrained as Mixed
from longshort.model import Model, predicting
from longshort.tasks.labels.transformer import Beside
from longshort.training.layers import layers_of

GOOD, BAD = ("fine", "lovely", "splendid"), ("awful", "dull", "gloomy")
FEW = Training(epochs=2, steps=4, members=1, rate=0.01)


def reviews(count: int = 40) -> tuple[list[str], list[int]]:
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, count).tolist()
    texts = []
    for label in labels:
        words = random.choice(("the", "film", "was", "a", "story"), 5).tolist()
        words[random.integers(5)] = str(random.choice(GOOD if label else BAD))
        texts.append(" ".join(words))
    return texts, labels


def tagged() -> tuple[list[list[str]], list[tuple[str, ...]]]:
    sentences = [text.split() for text in reviews()[0]]
    known = (*GOOD, *BAD)
    return sentences, [tuple("B-X" if w in known else "O" for w in own) for own in sentences]


def language_model(folder: Path, **changes: Any) -> Path:
    """The file of a language model of these reviews."""
    path = folder / "lm.lstm"
    given = {"recurrent": Recurrent(12, 2, dropout=0.1), "training": FEW, **changes}
    LanguageModel(**given).fit(["\n".join(reviews()[0]) + " né"]).save(path)
    return path


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return language_model(tmp_path_factory.mktemp("lm"), direction="both")


def small(pretrained: Any, *, text: Text = Text(), **changes: Any) -> Classifier:  # noqa: B008
    training = FEW.set_params(**changes)
    return Classifier(text=text, pretrained=pretrained, recurrent=Recurrent(8), training=training)


def mixed(model: Model) -> Mixed:
    found = model.encoder.embed.pretrained  # type: ignore[union-attr]
    assert isinstance(found, Mixed)
    return found


def trunk(model: Model) -> dict[str, Tensor]:
    return {n: p.detach().clone() for n, p in mixed(model).trunk.state_dict().items()}


@torch.no_grad()
def states(own: LanguageModel, symbols: list[int], direction: Any) -> list[Tensor]:
    """Every layer after the last of these symbols, of the language model itself."""
    batch = Batch({"symbols": torch.tensor([[0, *symbols]])}, torch.tensor([len(symbols) + 1]))
    return [layer[0, -1] for layer in one_way(own.models_[0].encoder, direction)(batch).layers]


def places(text: str, words: list[str]) -> Iterator[tuple[int, int]]:
    stop = 0
    for word in words:
        start = text.index(word, stop)
        stop = start + len(word)
        yield start, stop


@pytest.mark.parametrize("unit", ["characters", "bytes", "words", "subwords"])
@pytest.mark.parametrize("direction", ["forward", "both"])
def test_vectors_are_the_states_at_the_ends_of_each_word(
    tmp_path: Path, unit: Any, direction: Literal["forward", "both"]
) -> None:
    """Against the language model itself, which reads up to each word, from either end."""
    tokens = Tokens(unit, size=280 if unit == "subwords" else None)
    own = LanguageModel.from_file(language_model(tmp_path, tokens=tokens, direction=direction))
    texts, labels = reviews(6)
    texts[0] = "a né film, the né"
    model = small(tmp_path / "lm.lstm", epochs=1).fit(texts, labels)
    reading, network = model.known_.reading, mixed(model.models_[0])
    corpus = Corpus("texts", texts=tuple(texts))
    with torch.no_grad(), predicting(model.models_[0]):
        layers = network.trunk(Items(corpus, reading, None, np.arange(6)).batch(range(6)))
    assert [layer.shape[2] for layer in layers] == [12 * (1 + (direction == "both"))] * 3
    for row, text in enumerate(texts):
        words = list(reading.reading.steps(corpus, row))  # type: ignore[attr-defined]
        for step, (start, stop) in enumerate(places(text, words)):
            wanted = states(own, own.codec_.encode(text[:stop]).tolist(), "forward")
            if direction == "both":
                # a blank may be one symbol with the word after it
                blank = unit in ("words", "subwords") and text[start - 1 : start] == " "
                back = own.codec_.encode(text[start - blank :]).tolist()
                back = back[own.codec_.pieces[back[0]] == b" " :]
                after = states(own, back[::-1], "backward")
                wanted = [torch.cat(pair) for pair in zip(wanted, after, strict=True)]
            for layer, each in zip(layers, wanted, strict=True):
                torch.testing.assert_close(layer[row, step], each, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("keep", ["first", "last", "ends"])
def test_of_a_text_that_is_cut_nothing_else_is_read(keep: Any) -> None:
    from longshort.data.readings.words import TextReading

    corpus = Corpus("texts", texts=("one two &amp; three four five",))
    reading = TextReading.fit(corpus, Text(longest=4, keep=keep))
    text, found = reading.running(corpus, 0)
    steps = reading.steps(corpus, 0)
    assert [text[start:stop] for start, stop in found] == list(steps)
    kept = {"first": "one two & three", "last": "& three four five", "ends": "one two four five"}
    assert text == kept[keep]


def test_tokens_and_pieces_stand_where_they_are_read() -> None:
    from longshort.data.readings.words import TextReading

    sentences = Corpus("tokens", tokens=(("Ada", "lives", "in", "Oslo"), ()))
    reading = TextReading.fit(sentences, Text())
    text, found = reading.running(sentences, 0)
    assert (text, [text[a:b] for a, b in found]) == ("Ada lives in Oslo", text.split())
    assert reading.running(sentences, 1) == ("", [])
    texts = Corpus("texts", texts=("lovely lonely love", "lovely é"))
    reading = TextReading.fit(texts.select([0]), Text(subwords=20))
    text, found = reading.running(texts, 0)
    pieces = [piece.removeprefix("##") for piece in reading.steps(texts, 0)]
    assert [text[a:b] for a, b in found] == pieces
    # a piece that is unknown stands for its word
    text, found = reading.running(texts, 1)
    assert len(found) == len(reading.steps(texts, 1))
    assert text[slice(*found[-1])] == "é"


def test_frozen_weights_stay_and_tuned_ones_move_from_the_top(path: Path) -> None:
    texts, labels = reviews()
    given = {
        f"encoder.{n}": p
        for n, p in LanguageModel.from_file(path).models_[0].encoder.state_dict().items()
    }
    frozen = small(path).fit(texts, labels).models_[0]
    assert all(torch.equal(p, given[name]) for name, p in trunk(frozen).items())
    assert not any(p.requires_grad for p in mixed(frozen).trunk.parameters())
    for epochs, moved in ((1, set()), (2, {"l1"}), (3, {"l0", "l1"}), (4, {"ht", "l0", "l1"})):
        tuned = small(
            Pretrained(str(path), tune=True), epochs=epochs, unfreeze="gradual", patience=None
        )
        # the best epoch is kept: the last one is wanted
        tuned.set_params(partition__valid=0.0)
        now = trunk(tuned.fit(texts, labels).models_[0])
        assert {name[-2:] for name in now if not torch.equal(now[name], given[name])} == moved


def test_layers_of_a_trunk_stand_below_all_that_is_new(path: Path) -> None:
    texts, labels = reviews()
    model = small(Pretrained(str(path), tune=True), epochs=1).fit(texts, labels).models_[0]
    assert [(layer.name, layer.above) for layer in layers_of(model)] == [
        ("pretrained.0", 3), ("pretrained.1", 2), ("pretrained.2", 1),
        ("embed", 0), ("encoder.0", 0), ("head", 0),
    ]  # fmt: skip
    held = [id(p) for layer in layers_of(model) for p in layer.parameters]
    assert sorted(held) == sorted(map(id, model.parameters()))
    with pytest.raises(ArgumentError, match=r"no layer 'pretrained', only embed"):
        small(path, freeze=("pretrained",)).fit(texts, labels)


def test_a_frozen_trunk_is_never_disturbed_and_a_tuned_one_is(path: Path) -> None:
    texts, labels = reviews()
    for tune in (False, True):
        model = small(Pretrained(str(path), tune=tune), epochs=1).fit(texts, labels)
        network = mixed(model.models_[0]).train()
        batch = Items(
            Corpus("texts", texts=tuple(texts)), model.known_.reading, None, np.arange(4)
        ).batch(range(4))
        assert torch.equal(network(batch), network(batch)) != tune


def test_padding_and_neighbours_change_nothing(path: Path) -> None:
    texts, labels = reviews()
    model = small(path, epochs=1).fit(texts, labels)
    together = model.predict_proba([texts[0], " ".join(texts[:8]), "", texts[1]])
    alone = np.concatenate([model.predict_proba([text]) for text in (texts[0], texts[1])])
    np.testing.assert_allclose(together[[0, 3]], alone, rtol=1e-5)


@pytest.mark.parametrize("tune", [False, True])
@pytest.mark.parametrize("kind", [Classifier, Tagger])
def test_the_file_holds_all_that_is_needed(tmp_path: Path, kind: Any, tune: bool) -> None:
    begun = language_model(tmp_path, direction="both", recurrent=Recurrent(6, projection=4))
    texts, targets = tagged() if kind is Tagger else reviews()
    model = kind(
        pretrained=Pretrained(str(begun), tune, 0.2, "last"), recurrent=Recurrent(8), training=FEW
    ).fit(texts, targets)
    begun.unlink()
    model.save(tmp_path / "model.lstm")
    again = longshort.load(tmp_path / "model.lstm")
    assert isinstance(again, kind)
    assert again.pretrained == model.pretrained
    told, back = model.predict_proba(texts[:5]), again.predict_proba(texts[:5])
    assert all(np.array_equal(a, b) for a, b in zip(told, back, strict=True))
    copied = pickle.loads(pickle.dumps(model)).predict_proba(texts[:5])
    assert all(np.array_equal(a, b) for a, b in zip(told, copied, strict=True))
    (tmp_path / "again.lstm").unlink(missing_ok=True)
    again.save(tmp_path / "again.lstm")
    assert (tmp_path / "again.lstm").read_bytes() == (tmp_path / "model.lstm").read_bytes()


def test_a_path_is_enough_and_settings_are_scikit_learns(path: Path) -> None:
    model = small(path)
    # kept as it was given, and used as what it means
    assert model.pretrained == path
    assert model.fit(*reviews()).settings_["pretrained"] == Pretrained(str(path))
    assert small(None).fit(*reviews()).settings_["pretrained"] == Pretrained()
    model.set_params(pretrained=str(path), pretrained__tune=True)
    assert clone(model).pretrained == Pretrained(str(path), tune=True)


def test_words_are_marked(path: Path) -> None:
    texts, labels = reviews()
    model = small(path).fit(texts, labels)
    (item,) = model.explain(texts[0]).items
    assert {texts[0][mark.start : mark.end] for mark in item.marks} <= set(texts[0].split())
    assert item.gap < 0.01
    sentences, tags = tagged()
    tagger = Tagger(pretrained=path, training=FEW, recurrent=Recurrent(8)).fit(sentences, tags)
    assert tagger.explain(sentences[:2]).source


def test_a_transformer_stands_beside_without_it(path: Path) -> None:
    texts, labels = reviews()
    model = small(path, epochs=1).fit(texts, labels)
    whole = Corpus("texts", texts=tuple(texts), labels=tuple((str(y),) for y in labels))
    beside = Beside(
        model.known_.reading, model.known_.classes, model.recurrent, model.head, model.training
    )
    (method,), told = beside.fitted(whole, None, 1, 0.0)
    assert "same embedding, but for the pretrained network, and head" in told
    assert method.name


def test_another_fit_goes_on_from_a_tuned_model(path: Path, tmp_path: Path) -> None:
    texts, labels = reviews()
    first = small(Pretrained(str(path), tune=True)).fit(texts, labels)
    first.save(tmp_path / "first.lstm")
    again = small(None, freeze=("embed", "encoder")).fit(
        texts, labels, init=tmp_path / "first.lstm", keep_codec=True
    )
    before, now = trunk(first.models_[0]), trunk(again.models_[0])
    assert all(torch.equal(before[name], now[name]) for name in before)


def test_a_fit_that_was_broken_off_goes_on_bit_by_bit(path: Path, tmp_path: Path) -> None:
    texts, labels = reviews()
    begun = tmp_path / "lm.lstm"
    begun.write_bytes(path.read_bytes())
    training = {"epochs": 3, "unfreeze": "gradual", "discriminative": 0.4}
    given = Pretrained(str(begun), tune=True, dropout=0.2)
    whole = small(given, **training).fit(texts, labels)

    class Stop:
        def start(self, *told: Any) -> None: ...
        def note(self, text: str) -> None: ...
        def finish(self, history: Any) -> None: ...
        def epoch(self, epoch: Any) -> None:
            if epoch.epoch == 1:
                raise InterruptedError

    keep = longshort.checkpoint.Checkpoint(tmp_path / "checkpoint.lstm", 0.0)
    with pytest.raises(InterruptedError):
        small(given, **training).fit(texts, labels, progress=Stop(), checkpoint=keep)
    # the checkpoint is of the network that was in the file
    kept = begun.read_bytes()
    language_model(tmp_path, direction="both", random_state=1)
    with pytest.raises(ArgumentError, match=r"belongs to a fit with other .* pretrained"):
        small(given, **training).fit(texts, labels, checkpoint=tmp_path / "checkpoint.lstm")
    begun.write_bytes(kept)
    resumed = small(given, **training).fit(texts, labels, checkpoint=tmp_path / "checkpoint.lstm")
    assert np.array_equal(whole.predict_proba(texts), resumed.predict_proba(texts))


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"feed": "elmo", "fed": {"longest": 50}}, "cannot be read"),
        ({"feed": "nothing"}, "cannot be read: KeyError"),
        ({"fed": {"unit": "characters", "spelled": True}}, "does not fit what it reads"),
        ({"trunk": {"kind": "language"}}, "cannot be read: TypeError"),
        ({"trunk": {"kind": "language", "settings": {"symbols": 7}}}, "does not fit what"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused(
    path: Path, changes: dict[str, Any], match: str
) -> None:
    texts, labels = reviews()
    settings, arrays = small(path, epochs=1).fit(texts, labels).known_.reading.put_down()
    with pytest.raises(ModelFileError, match=match):
        PretrainedReading.take_up(settings | changes, arrays)


def test_what_cannot_begin_a_fit_is_refused(path: Path, tmp_path: Path) -> None:
    texts, labels = reviews()
    with pytest.raises(ModelFileError, match=r"nothing\.lstm: cannot be read"):
        small(tmp_path / "nothing.lstm").fit(texts, labels)
    other = tmp_path / "other.lstm"
    small(None, epochs=1).fit(texts, labels).save(other)
    with pytest.raises(ModelFileError, match=r"other\.lstm: .* 'classifier', and none to begin"):
        small(other).fit(texts, labels)
    broken = tmp_path / "broken.lstm"
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    broken.write_bytes(content)
    with pytest.raises(ModelFileError, match=r"broken\.lstm: .*digest"):
        small(broken).fit(texts, labels)
    series = np.random.default_rng(0).normal(size=(40, 6))
    with pytest.raises(ArgumentError, match="it reads texts, and these are no texts; leave it out"):
        small(path).fit(series, labels)
    with pytest.raises(ArgumentError, match=r"dropout=1\): must be in 0 to 1"):
        Pretrained(dropout=1)
    with pytest.raises(ArgumentError, match=r"layers='lest'\).*did you mean 'last'"):
        Pretrained(layers="lest")  # type: ignore[arg-type]
    told = small(path, epochs=1).fit(texts, labels)
    with pytest.raises(longshort.errors.DataError, match="the model was fitted on texts"):
        told.predict(series)

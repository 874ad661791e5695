"""A language model that reads words by their letters: what it learns holds for new words, too."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from longshort import (
    Chunking,
    Corpus,
    LanguageModel,
    Next,
    Recurrent,
    Shares,
    Tagger,
    Tokens,
    Training,
    load,
)  # fmt: skip
from longshort.checkpoint import Checkpoint
from longshort.contracts import Batch
from longshort.data.chunks import SPELT, SYMBOLS
from longshort.data.codecs.spelling import spell
from longshort.data.codecs.tokens import UNKNOWN
from longshort.data.items import Items
from longshort.errors import ArgumentError, LongshortWarning
from longshort.evaluate.adaptation import Adaptation
from longshort.evaluate.cache import Cache
from longshort.layers.bothways import one_way
from longshort.layers.spelled import Spelled
from longshort.tasks.text.scoring import NextSymbols

STEMS = ("walk", "talk", "jump", "look", "work", "play")


def written(words: int, seed: int = 0) -> str:
    """Words that end in -ing and -ed in turn, and now and then one that is rare."""
    random = np.random.default_rng(seed)
    rare = [f"{a}{b}" for a in "bcdfg" for b in ("aa", "ee", "oo")]
    stems = [random.choice(STEMS if random.random() < 0.9 else rare) for _ in range(words)]
    return " ".join(f"{stem}{'ed' if n % 2 else 'ing'}" for n, stem in enumerate(stems))


TEXT = written(1500)


def small(**changes: Any) -> LanguageModel:
    given: dict[str, Any] = {
        "tokens": Tokens("words", least=10),
        "head": Next("plain", 12, characters="cnn", filters=((1, 4), (3, 8), (4, 8)), highways=1),
        "recurrent": Recurrent(16, dropout=0.0),
        "training": Training(epochs=4, batch=8, rate=1e-2, members=1),
        "chunking": Chunking(20),
        "shares": Shares(0.1, 0.1),
        "direction": "both",
    }
    return LanguageModel(**{**given, **changes})


@pytest.fixture(scope="module")
def fitted() -> LanguageModel:
    return small().fit([TEXT])


def test_what_was_learnt_holds_for_words_that_were_never_seen(fitted: LanguageModel) -> None:
    def after(word: str) -> dict[str, float]:
        with pytest.warns(LongshortWarning, match="read by their letters"):
            return {
                one.text: one.log_p
                for end in ("ing", "ed")
                for one in fitted.symbol_scores(f" {word} walk{end}")[-1:]
            }

    # one ending follows the other, whatever it is the ending of
    for stem in ("snork", "bifl"):
        past, present = after(f"{stem}ed"), after(f"{stem}ing")
        assert past[" walking"] > past[" walked"] + 1
        assert present[" walked"] > present[" walking"] + 1


@torch.no_grad()
@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_scores_are_those_of_one_word_after_the_other(
    fitted: LanguageModel, direction: Any
) -> None:
    found = fitted.passages([TEXT]).test
    assert found is not None
    text = fitted.stretch(found)
    assert (text.symbols == UNKNOWN).any()
    model = fitted.models_[0]
    trunk = one_way(model.encoder, direction)
    # the part may begin within a word
    words = ["<S>", *re.findall(r" ?\w+", TEXT[-found.counts :])]
    order = list(range(len(words)))
    order = order if direction == "forward" else order[::-1]
    state, expected = None, np.zeros(len(words))
    for here, there in pairwise(order):
        inputs = {SYMBOLS: torch.tensor([[text.symbols[here]]])}
        if text.symbols[here] == UNKNOWN:
            inputs[SPELT] = torch.from_numpy(spell([[words[here]]]))
        read = trunk(Batch(inputs, torch.tensor([1])), state)
        state = read.state
        target = torch.tensor([[text.symbols[there]]])
        expected[there] = float(model.head.nats(read.z, target))  # type: ignore[operator]
    np.testing.assert_allclose(fitted.nats(text, direction), expected, atol=1e-5)


def test_it_is_kept_in_a_file(fitted: LanguageModel, tmp_path: Path) -> None:
    fitted.save(tmp_path / "model.lstm")
    again = load(tmp_path / "model.lstm")
    assert isinstance(again, LanguageModel)
    assert again.head == fitted.head
    assert again.score([TEXT]) == pytest.approx(fitted.score([TEXT]), abs=1e-6)
    assert again.generate(" walked", 5, seed=3) == fitted.generate(" walked", 5, seed=3)


def test_the_live_path_reads_unknown_words(fitted: LanguageModel) -> None:
    with pytest.warns(LongshortWarning):
        prompt = fitted._prompt(" walking snorked talking snorked")
    cached = Adaptation(cache=Cache(share=1e-9))
    found = [
        NextSymbols(fitted.models_, prompt.symbols, adapt, (), prompt.strangers).start()[0]
        for adapt in (None, cached)
    ]
    with pytest.warns(LongshortWarning):
        (told,) = fitted.symbol_scores(" walking snorked talking snorked walking")[-1:]
    symbol = fitted.codec_.encode(" walking")[0]
    for scores in found:
        assert scores[symbol] == pytest.approx(told.log_p, abs=1e-4)


def test_an_interrupted_fit_goes_on_exactly(
    fitted: LanguageModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from longshort.training import loop

    checkpoint = Checkpoint(tmp_path / "c.lstm", every=0, keep=True)
    step, made = loop._Run._step, []

    def killed(*arguments: Any) -> None:
        made.append(1)
        if len(made) == 13:
            raise MemoryError("killed")
        step(*arguments)

    monkeypatch.setattr(loop._Run, "_step", killed)
    with pytest.raises(MemoryError):
        small().fit([TEXT], checkpoint=checkpoint)
    monkeypatch.undo()
    again = small().fit([TEXT], checkpoint=checkpoint)
    for name, weights in fitted.models_[0].state_dict().items():
        assert weights.equal(again.models_[0].state_dict()[name]), name


def test_what_reads_letters_goes_over_to_another_vocabulary(fitted: LanguageModel) -> None:
    still = Training(epochs=1, batch=8, members=1, rate=1e-9, weight_decay=0.0, refit=True)
    other = TEXT.replace("walk", "stalk")
    with pytest.warns(UserWarning, match="head.readout"):
        again = small(training=still).fit([other], init=fitted)
    assert again.codec_ != fitted.codec_
    embeds = [model.encoder.lookup for model in (fitted.models_[0], again.models_[0])]
    assert all(isinstance(embed, Spelled) for embed in embeds)
    for one, two in zip(*(embed.parameters() for embed in embeds), strict=True):
        torch.testing.assert_close(one, two, atol=1e-4, rtol=0)


def test_what_cannot_be_is_said() -> None:
    with pytest.raises(ArgumentError, match="--unit words"):
        small(tokens=Tokens("characters")).fit([TEXT])
    with pytest.raises(ArgumentError, match="output='plain'"):
        Next(characters="cnn")
    with pytest.raises(ArgumentError, match=r"characters='ccn'.*did you mean 'cnn'"):
        Next("plain", characters="ccn")  # type: ignore[arg-type]
    for wrong in ((), ((0, 3),), ((2, 0),)):
        with pytest.raises(ArgumentError, match=r"Next\(filters"):
            Next("plain", characters="cnn", filters=wrong)


def test_a_tagger_reads_it_word_by_word(fitted: LanguageModel, tmp_path: Path) -> None:
    fitted.save(tmp_path / "lm.lstm")
    # one ending for each tag, on words that were never seen
    random = np.random.default_rng(0)
    ends = [random.choice(["ing", "ed"], 3).tolist() for _ in range(40)]
    sentences = [[f"{random.choice(['zup', 'quib', 'walk'])}{end}" for end in row] for row in ends]
    tags = [["X" if end == "ed" else "Y" for end in row] for row in ends]
    model = Tagger(
        pretrained=str(tmp_path / "lm.lstm"),
        recurrent=Recurrent(4),
        training=Training(epochs=1, members=1),
    ).fit(sentences, tags)
    model.save(tmp_path / "tagger.lstm")
    again = load(tmp_path / "tagger.lstm")
    assert isinstance(again, Tagger)
    assert again.predict(sentences) == model.predict(sentences)
    reading = again.told_.reading
    corpus = Corpus("tokens", tokens=tuple(map(tuple, sentences)))
    batch = Items(corpus, reading, None, np.arange(40)).batch(range(40))
    trunk: Any = again.models_[0].encoder.embed.pretrained.trunk  # type: ignore[union-attr]
    with torch.no_grad():
        layers = trunk(batch)
    assert layers[0].shape == (40, 3, trunk.width)
    own = fitted.models_[0]
    for row, words in enumerate(sentences):
        spaced = [words[0], *(f" {word}" for word in words[1:])]
        for step in range(3):
            for way, order, size in (
                ("forward", spaced[: step + 1], 0),
                ("backward", [*spaced[:step:-1], spaced[step]], 16),
            ):
                ids = [0, *(fitted.codec_.encode(word)[0] for word in order)]
                spelt = torch.from_numpy(spell([["<S>", *order]]))
                batch = Batch(
                    {SYMBOLS: torch.tensor([ids]), SPELT: spelt}, torch.tensor([len(ids)])
                )
                with torch.no_grad():
                    told = one_way(own.encoder, way)(batch).z[0, -1]  # type: ignore[arg-type]
                torch.testing.assert_close(
                    layers[-1][row, step, size : size + 16], told, rtol=1e-4, atol=1e-5
                )

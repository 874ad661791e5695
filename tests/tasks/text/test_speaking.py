"""What a language model writes, completes and scores: beside stepping, enumeration, and itself."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch

from longshort import LanguageModel, Recurrent, Shares, Tokens, Training
from longshort.contracts import Batch
from longshort.data.chunks import SYMBOLS
from longshort.data.codecs.tokens import BORDER, UNKNOWN
from longshort.errors import ArgumentError, LongshortWarning, NotFittedError
from longshort.model import predicting
from longshort.search import Sampling, Stepped, sample
from longshort.tasks.text.scoring import NextSymbols

TEXT = ["abcd " * 60, "dcba " * 60]


def fitted(**changes: Any) -> LanguageModel:
    given: dict[str, Any] = {
        "recurrent": Recurrent(size=16, depth=2, dropout=0.0),
        "training": Training(epochs=8, batch=4, rate=3e-2, members=1, refit=False),
        "shares": Shares(0.1, 0),
    }
    return LanguageModel(**{**given, **changes}).fit(TEXT)


@pytest.fixture(scope="module")
def model() -> LanguageModel:
    return fitted()


@pytest.fixture(scope="module")
def pair() -> LanguageModel:
    training = Training(epochs=2, batch=4, rate=3e-2, members=2, refit=False)
    return fitted(training=training, tokens=Tokens("bytes"))


def test_a_seed_writes_the_same_text_again(model: LanguageModel) -> None:
    texts = {seed: model.generate("", 60, Sampling(2.0), seed=seed) for seed in range(3)}
    assert texts[1] == model.generate("", 60, Sampling(2.0), seed=1)
    assert len(set(texts.values())) == 3
    # the prompt is not repeated, and nothing is written of no length
    assert model.generate("abcd ", 0) == ""
    assert len(model.generate("abcd ", 5, Sampling(temperature=0))) <= 5


def test_it_ends_before_a_stop_string_wherever_pieces_are_cut(model: LanguageModel) -> None:
    greedy = Sampling(temperature=0)
    whole = model.generate("abcd abcd ", 30, greedy)
    assert len(whole) > 6
    for stop in ([whole[3:6]], [whole[2:4], whole[3:6]], ["never"], [whole[:3]]):
        ends = [at for word in stop if (at := whole.find(word)) >= 0]
        wanted = whole[: min(ends)] if ends else whole
        assert model.generate("abcd abcd ", 30, greedy, stop=stop) == wanted


@pytest.fixture(scope="module")
def elaborate() -> LanguageModel:
    """Read both ways by stacks of projected layers with residuals."""
    recurrent = Recurrent(size=16, depth=3, dropout=0.0, projection=9, residual=True)
    training = Training(epochs=1, batch=4, rate=3e-2, members=1)
    return fitted(recurrent=recurrent, training=training, direction="both")


@pytest.mark.parametrize("network", ["model", "elaborate"])
def test_the_live_path_gives_the_numbers_of_the_model(
    network: str, request: pytest.FixtureRequest
) -> None:
    model: LanguageModel = request.getfixturevalue(network)
    symbols = torch.tensor([[BORDER, 3, 4, 5]])
    batch = Batch({SYMBOLS: symbols}, torch.tensor([4]))

    def feed(choice: torch.Tensor) -> Batch:
        return Batch({SYMBOLS: choice.unsqueeze(1)}, torch.ones_like(choice))

    (own,) = model.models_
    with predicting(own):
        slow, quick = Stepped(own, batch, feed), NextSymbols([own], symbols[0].numpy())
        np.testing.assert_allclose(quick.start(), slow.start(), atol=1e-5)
        for rows in ([0, 0, 0], [2, 0], [1]):
            for scorer in (slow, quick):
                scorer.select(np.array(rows))
            choice = np.arange(2, 2 + len(rows))
            np.testing.assert_allclose(quick.read(choice), slow.read(choice), atol=1e-5)


def test_several_networks_tell_the_mean_of_their_probabilities(pair: LanguageModel) -> None:
    prompt = np.array([BORDER, 100, 101])
    alone = [np.exp(NextSymbols([network], prompt).start()) for network in pair.models_]
    found = np.exp(NextSymbols(pair.models_, prompt).start())
    np.testing.assert_allclose(found, np.mean(alone, 0), rtol=1e-5)


def test_scores_are_those_of_reading_the_text_step_by_step(model: LanguageModel) -> None:
    text = "abcd dcba"
    found = model.symbol_scores(text)
    assert "".join(each.text for each in found) == text
    scorer = NextSymbols(model.models_, np.array([BORDER]))
    scores = scorer.start()
    for symbol, each in zip(model.codec_.encode(text), found, strict=True):
        assert each.log_p == pytest.approx(float(scores[0, symbol]), abs=1e-4)
        scores = scorer.read(np.array([symbol]))


def test_completions_are_the_likeliest_of_all(model: LanguageModel) -> None:
    size = model.codec_.size
    found = model.complete("abc", 2, width=size * size, ends=True)
    known = [model.codec_.decode([s]) for s in range(UNKNOWN + 1, size)]
    for one in found:
        if not one.ended:
            told = model.symbol_scores("abc" + one.text)[3:]
            assert one.log_p == pytest.approx(sum(each.log_p for each in told), abs=1e-3)
    whole = {"".join(pair) for pair in itertools.product(known, repeat=2)}
    assert {one.text for one in found if not one.ended} == whole
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    assert sum(math.exp(one.log_p) for one in found) < 1 + 1e-5
    going = model.complete("abc", 2, width=size * size)
    assert {one.text for one in going} == whole
    assert not any(one.ended for one in going)


def test_what_was_never_seen_is_named_and_read_as_unknown(model: LanguageModel) -> None:
    with pytest.warns(LongshortWarning, match=r"2 characters .*'€', 'é'"):
        found = model.symbol_scores("a€é")
    assert [each.known for each in found] == [True, False, False]


def test_bytes_that_are_no_character_are_marked_and_none_is_lost(pair: LanguageModel) -> None:
    pieces = list(pair.stream("é", 100, Sampling(3.0), seed=4))
    assert all(pieces)
    assert "".join(pieces) == pair.generate("é", 100, Sampling(3.0), seed=4)


def test_unknown_symbols_are_never_written(model: LanguageModel) -> None:
    scorer = NextSymbols(model.models_, np.array([BORDER]))
    drawn = [int(d.symbols[0]) for d in sample(scorer, 200, Sampling(9.0), banned=[UNKNOWN])]
    assert UNKNOWN not in drawn


def test_wrong_arguments_are_told_before_anything_is_written(model: LanguageModel) -> None:
    with pytest.raises(ArgumentError, match="length"):
        model.stream("a", -1)
    with pytest.raises(ArgumentError, match="stop"):
        model.stream("a", stop=[""])
    with pytest.raises(ArgumentError, match="width"):
        model.complete("a", width=0)
    with pytest.raises(NotFittedError):
        LanguageModel().generate("a")

"""Weights that learn from what they read: beside the rule by hand, one segment after the other."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from longshort.contracts import Batch
from longshort.data.chunks import SYMBOLS
from longshort.data.stretch import Stretch
from longshort.errors import ArgumentError
from longshort.evaluate.adaptation import Adaptation, adapted
from longshort.evaluate.dynamic import Dynamic, Learner, Scales, gradient_scales
from longshort.evaluate.surprise import surprise
from longshort.heads.next import NextHead
from longshort.model import Model
from tests.evaluate.test_surprise import network

SETTINGS = Dynamic(rate=1.0, decay=0.3, steps=4)


def stretch(*documents: list[int]) -> Stretch:
    symbols = np.concatenate([np.array(document) for document in documents])
    begins = np.cumsum([0, *(len(document) for document in documents[:-1])])
    return Stretch(symbols, begins, np.ones_like(symbols), np.ones_like(symbols))


def drawn(size: int, seed: int) -> list[int]:
    return np.random.default_rng(seed).integers(0, 9, size).tolist()


def scales_of(model: Model) -> Scales:
    made = torch.Generator().manual_seed(1)
    return {name: torch.rand(p.shape, generator=made) for name, p in model.named_parameters()}


def by_hand(model: Model, document: list[int], scales: Scales) -> list[float]:
    """Krause et al. 2018 written out, weight by weight; the network itself is used up."""
    head = model.head
    assert isinstance(head, NextHead)
    trained = {name: p.detach().clone() for name, p in model.named_parameters()}
    every = torch.cat([scale.flatten() for scale in scales.values()])
    state, found = None, []
    for start in range(0, len(document) - 1, SETTINGS.steps):
        part = torch.tensor([document[start : start + SETTINGS.steps + 1]])
        inputs = {SYMBOLS: part[:, :-1]}
        encoded = model.encoder(Batch(inputs, torch.tensor([part.shape[1] - 1])), state)
        state = encoded.state.detach()
        nats = -head.scores(encoded.z)[0].gather(1, part[0, 1:, None])[:, 0]
        found += nats.tolist()
        if part.shape[1] <= SETTINGS.steps:
            break
        model.zero_grad()
        nats.mean().backward()
        with torch.no_grad():
            for name, p in model.named_parameters():
                assert p.grad is not None
                step = SETTINGS.rate * p.grad / (scales[name] + 20 * every.mean())
                pull = torch.clamp(SETTINGS.decay * scales[name] / every.mean(), max=1)
                p.copy_(p - step + pull * (trained[name] - p))
    return found


def test_scores_are_those_of_the_rule_document_by_document() -> None:
    model, scales = network(0), scales_of(network(0))
    documents = [drawn(23, 1), drawn(3, 2), drawn(9, 3), [4]]
    found = adapted([model], stretch(*documents), Adaptation(SETTINGS), [scales])
    expected = [[0.0, *by_hand(network(0), document, scales)] for document in documents]
    np.testing.assert_allclose(found, np.concatenate(expected), atol=2e-5)
    # it does learn, and only after it has scored
    static = surprise([model], stretch(*documents))
    assert not np.allclose(found[5:20], static[5:20], atol=1e-3)
    np.testing.assert_allclose(found[:5], static[:5], atol=1e-5)


def test_what_comes_later_changes_no_score_before_it() -> None:
    model = network(0)
    first = drawn(21, 1)
    changed = [*first[:14], *drawn(7, 9)]
    a, b = (
        adapted([model], stretch(each), Adaptation(SETTINGS), [scales_of(model)])
        for each in (first, changed)
    )
    np.testing.assert_array_equal(a[:14], b[:14])


def test_the_trained_network_stays_as_it_is_also_when_reading_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = network(0).train()
    before = {name: p.clone() for name, p in model.state_dict().items()}
    text, scales = stretch(drawn(40, 1)), [scales_of(model)]
    once = adapted([model], text, Adaptation(SETTINGS), scales)
    again = adapted([model], text, Adaptation(SETTINGS), scales)
    np.testing.assert_array_equal(once, again)
    learn, calls = Learner.learn, iter(range(100))

    def fails(self: Learner, loss: torch.Tensor) -> None:
        learn(self, loss)
        if next(calls) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(Learner, "learn", fails)
    with pytest.raises(KeyboardInterrupt):
        adapted([model], text, Adaptation(SETTINGS), scales)
    assert model.training
    assert all(torch.equal(p, before[name]) for name, p in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())


def test_scales_are_the_root_mean_squares_of_gradients() -> None:
    model = network(0)
    head = model.head
    assert isinstance(head, NextHead)
    document = drawn(8, 4)
    # of segments of 4 in 8 symbols there are 4, each after what comes before it
    total = {name: torch.zeros_like(p) for name, p in model.named_parameters()}
    for at in range(4):
        part = torch.tensor([document[: at + 5]])
        encoded = model.encoder(Batch({SYMBOLS: part[:, :-1]}, torch.tensor([at + 4])))
        # gradients end where a segment begins: what led to it is read from a state without them
        state = None
        if at:
            before = Batch({SYMBOLS: part[:, :at]}, torch.tensor([at]))
            state = model.encoder(before).state.detach()
        own = Batch({SYMBOLS: part[:, at:-1]}, torch.tensor([4]))
        encoded = model.encoder(own, state)
        model.zero_grad()
        head.nats(encoded.z, part[:, at + 1 :]).mean().backward()
        for name, p in model.named_parameters():
            assert p.grad is not None
            total[name] += p.grad.square() / 4
    model.zero_grad(set_to_none=True)
    found = gradient_scales(model, stretch(document), 4)
    for name, scale in found.items():
        np.testing.assert_allclose(scale, total[name].sqrt(), atol=1e-5)
    # a text of short documents is measured all the same
    assert gradient_scales(model, stretch([1, 2], [3]), 4).keys() == found.keys()


@pytest.mark.parametrize("wrong", [{"rate": -1.0}, {"decay": math.inf}, {"steps": 0}])
def test_settings_out_of_range_are_named(wrong: dict[str, float]) -> None:
    with pytest.raises(ArgumentError, match=rf"Dynamic\({next(iter(wrong))}"):
        Dynamic(**wrong)  # type: ignore[arg-type]

"""The surprise of a text: that of reading it symbol by symbol, however it is read."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from longshort import Next, Recurrent
from longshort.contracts import Batch
from longshort.data.chunks import SYMBOLS
from longshort.data.stretch import Stretch
from longshort.evaluate import surprise as module
from longshort.evaluate.surprise import surprise
from longshort.heads.next import NextHead
from longshort.layers.encoder import RecurrentEncoder
from longshort.layers.lookup import Lookup
from longshort.model import Model


def network(seed: int, symbols: int = 9) -> Model:
    torch.manual_seed(seed)
    lookup = Lookup(symbols, 5)
    model = Model(
        RecurrentEncoder(lookup, Recurrent(size=7, depth=2)),
        NextHead(7, lookup, Next()),
        memory="carried",
    )
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.5)
    return model.eval()


@pytest.fixture
def text() -> Stretch:
    random = np.random.default_rng(0)
    sizes = [1, 30, 2, 11, 11, 1, 5]
    symbols = random.integers(0, 9, sum(sizes))
    none = np.zeros_like(symbols)
    return Stretch(symbols, np.cumsum([0, *sizes[:-1]]), none, none)


@torch.no_grad()
def by_steps(model: Model, text: Stretch) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """One symbol at a time, from an empty state at each document, by the model's own step."""
    found = np.zeros(len(text.symbols))
    one = torch.ones(1, dtype=torch.int64)
    ends = np.append(text.begins[1:], len(text.symbols))
    for start, stop in zip(text.begins, ends, strict=True):
        state = None
        for place in range(start, stop - 1):
            batch = Batch({SYMBOLS: torch.tensor([[text.symbols[place]]])}, one)
            said, state = model.start(batch) if state is None else model.step(batch, state)
            assert said.scores is not None
            found[place + 1] = -float(said.scores[0, text.symbols[place + 1]])
    return found


def test_it_is_that_of_single_steps_whatever_is_read_at_once(
    text: Stretch, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = network(0)
    expected = by_steps(model, text)
    for rows, steps in ((64, 1000), (1, 1000), (3, 4), (2, 1)):
        monkeypatch.setattr(module, "_ROWS", rows)
        monkeypatch.setattr(module, "_STEPS", steps)
        np.testing.assert_allclose(surprise([model], text), expected, atol=1e-5)


def test_several_networks_tell_their_mean(text: Stretch) -> None:
    models = [network(seed) for seed in range(3)]
    expected = -np.log(np.mean([np.exp(-by_steps(model, text)) for model in models], 0))
    np.testing.assert_allclose(surprise(models, text), expected, atol=1e-5)

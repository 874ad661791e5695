"""The neural cache: beside its formula term by term, and its probabilities sum to 1."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from longshort.errors import ArgumentError
from longshort.evaluate.cache import Cache, Pointer, alike, mixed, recalled

SYMBOLS, WINDOW, SHARPNESS = 5, 4, 0.7


@pytest.fixture
def document() -> tuple[Tensor, Tensor]:
    made = torch.Generator().manual_seed(0)
    z = torch.randn(11, 3, generator=made, dtype=torch.float64)
    return z, torch.randint(SYMBOLS, (11,), generator=made)


def by_terms(z: Tensor, symbols: Tensor, place: int, symbol: int) -> float:
    """p_cache of a symbol after z[place], by Grave et al. 2017, equation by equation."""
    pairs = range(max(0, place - WINDOW), place)
    weights = {i: math.exp(SHARPNESS * float(z[place] @ z[i])) for i in pairs}
    same = sum(weight for i, weight in weights.items() if symbols[i] == symbol)
    return same / sum(weights.values()) if weights else math.nan


def test_it_recalls_what_the_formula_says_however_it_is_cut(
    document: tuple[Tensor, Tensor],
) -> None:
    z, symbols = document
    expected = [by_terms(z, symbols, t, int(symbols[t])) for t in range(11)]
    for start in (0, 1, 6, 10):
        found = recalled(alike(z, start), symbols, WINDOW, SHARPNESS)
        np.testing.assert_allclose(found, expected[start:], atol=1e-12)


def test_probabilities_sum_to_one_where_there_is_a_cache_and_where_there_is_none(
    document: tuple[Tensor, Tensor],
) -> None:
    z, symbols = document
    network = torch.randn(11, SYMBOLS, dtype=torch.float64).log_softmax(1)
    total = torch.zeros(11, dtype=torch.float64)
    for symbol in range(SYMBOLS):
        # what came before stays as it is, and what comes now is every symbol in turn
        for place in range(11):
            told = symbols.clone()
            told[place] = symbol
            near = alike(z[: place + 1], place)
            p_cache = recalled(near, told[: place + 1], WINDOW, SHARPNESS)
            total[place] += mixed(-network[place, [symbol]], p_cache, 0.3).neg().exp().item()
    np.testing.assert_allclose(total, 1, atol=1e-12)
    # before the first pair the network is alone
    alone = mixed(-network[:1, 2], torch.tensor([math.nan]), 0.3)
    assert float(alone) == -float(network[0, 2])


def test_a_pointer_gives_all_symbols_what_is_recalled_of_each(
    document: tuple[Tensor, Tensor],
) -> None:
    z, symbols = document
    cache = Cache(WINDOW, 0.3, SHARPNESS)
    network = torch.randn(1, SYMBOLS, dtype=torch.float64).log_softmax(1)
    for prompt in (0, 2, 7):
        pointer = Pointer(cache, z[:prompt], symbols[:prompt])
        for place in range(prompt, 11):
            found = pointer.scores(z[[place]], network)
            terms = [by_terms(z, symbols, place, symbol) for symbol in range(SYMBOLS)]
            expected = network if place == 0 else 0.7 * network.exp() + 0.3 * torch.tensor([terms])
            expected = expected if place == 0 else expected.log()
            np.testing.assert_allclose(found, expected, atol=1e-12)
            pointer.add(z[[place]], symbols[[place]])


def test_rows_go_on_apart(document: tuple[Tensor, Tensor]) -> None:
    z, symbols = document
    pointer = Pointer(Cache(WINDOW, 0.3, SHARPNESS), z[:3], symbols[:3])
    pointer.select(torch.tensor([0, 0]))
    pointer.add(z[[3, 3]], torch.tensor([1, 2]))
    pointer.select(torch.tensor([1, 0, 1]))
    network = torch.zeros(3, SYMBOLS, dtype=torch.float64).log_softmax(1)
    found = pointer.scores(z[[4, 4, 4]], network)
    np.testing.assert_allclose(found.exp().sum(1), 1, atol=1e-12)
    assert torch.equal(found[0], found[2])
    other = symbols.clone()
    for row, last in ((0, 2), (1, 1)):
        other[3] = last
        terms = torch.tensor([by_terms(z, other, 4, symbol) for symbol in range(SYMBOLS)])
        np.testing.assert_allclose(found[row].exp(), 0.14 + 0.3 * terms, atol=1e-12)


@pytest.mark.parametrize(
    "wrong", [{"window": 0}, {"share": 1.0}, {"share": -0.1}, {"sharpness": math.nan}]
)
def test_settings_out_of_range_are_named(wrong: dict[str, float]) -> None:
    with pytest.raises(ArgumentError, match=rf"Cache\({next(iter(wrong))}"):
        Cache(**wrong)  # type: ignore[arg-type]

"""How a model adapts is what costs least on the validation part, of all that is tried."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from longshort.evaluate import choice
from longshort.evaluate.adaptation import Adaptation, adapted
from longshort.evaluate.cache import Cache
from longshort.evaluate.dynamic import Dynamic
from tests.evaluate.test_dynamic import drawn, stretch
from tests.evaluate.test_surprise import network


def test_the_cache_is_the_best_of_all_that_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    grid = {"WINDOWS": (2, 40), "SHARPNESSES": (0.1, 1.0), "SHARES": (0.02, 0.3)}
    for name, values in grid.items():
        monkeypatch.setattr(choice, name, values)
    monkeypatch.setattr(choice, "_STEPS", 7)
    models = [network(0), network(1)]
    text = stretch(drawn(20, 0) * 3, [3], drawn(30, 1))
    found = choice.choose(models, text, text, dynamic=False, most=80).adaptation
    some = stretch(drawn(20, 0) * 3, [3], drawn(30, 1)[:19])
    costs = {
        cache: adapted(models, some, Adaptation(cache=cache)).sum()
        for cache in (Cache(n, share, s) for n, s, share in itertools.product(*grid.values()))
    }
    assert found == Adaptation(cache=min(costs, key=lambda cache: costs[cache]))


def test_rates_are_the_best_of_those_that_are_tried() -> None:
    model, train = network(0), stretch(drawn(60, 0))
    text = stretch([1, 2, 3, 4, 5, 6, 7, 8] * 10)
    found, scales = choice.choose([model], train, text, cache=False, steps=8)
    assert found.cache is None
    assert found.dynamic is not None

    def cost(dynamic: Dynamic) -> float:
        return float(adapted([model], text, Adaptation(dynamic), scales).sum())

    tried = [Dynamic(rate, choice.DECAYS[0], 8) for rate in choice.RATES]
    tried += [Dynamic(found.dynamic.rate, decay, 8) for decay in choice.DECAYS]
    assert cost(found.dynamic) == min(map(cost, tried))
    # what is said over and over is learnt
    static = adapted([model], text, Adaptation(Dynamic(rate=0.0, decay=0.0, steps=8)), scales)
    assert cost(found.dynamic) < static.sum()
    assert np.isfinite(static).all()

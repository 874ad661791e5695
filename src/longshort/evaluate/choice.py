"""How a language model adapts, chosen on the validation part by a small search.

Weights that learn and the cache are chosen apart from each other, each beside the network as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import torch

from longshort.contracts import State
from longshort.data.stretch import Stretch
from longshort.evaluate.adaptation import Adaptation, adapted
from longshort.evaluate.cache import Cache, alike, mixed, recalled
from longshort.evaluate.dynamic import Dynamic, Scales, gradient_scales
from longshort.evaluate.surprise import averaged, follow
from longshort.metrics.measures import Floats
from longshort.model import Model, predicting

# what is tried: first each rate with the first decay, then each decay with the best rate
RATES = (5e-4, 1e-3, 2e-3, 5e-3, 1e-2)
DECAYS = (0.001, 0.0, 1e-4, 0.01)
WINDOWS = (200, 1000, 5000)
SHARPNESSES = (0.1, 0.2, 0.35, 0.5, 0.8, 1.2, 2.0, 3.0)
SHARES = (0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5)
# encodings that are compared with all before them at once
_STEPS = 256


class Chosen(NamedTuple):
    """How to adapt, and the scales of each network's gradients; none where no weights learn."""

    adaptation: Adaptation
    scales: tuple[Scales, ...]


def choose(
    models: Sequence[Model],
    train: Stretch,
    valid: Stretch,
    *,
    dynamic: bool = True,
    cache: bool = True,
    steps: int = 20,
    most: int = 20_000,
) -> Chosen:
    """The settings with the least surprise on the validation part.

    Args:
        models: trained; they stay as they are.
        train: what they were trained on, or some of it: gradients are measured there.
        valid: what chooses.
        dynamic, cache: what is chosen.
        steps: see ``Dynamic``.
        most: symbols of the validation part that are read, from its beginning on.
    """
    some = _beginning(valid, most)
    scales: tuple[Scales, ...] = ()
    own: Dynamic | None = None
    if dynamic:
        scales = tuple(gradient_scales(model, train, steps) for model in models)

        def tried(settings: Iterable[Dynamic]) -> Dynamic:
            def nats(each: Dynamic) -> float:
                # a rate that is far too high ends in numbers that are none
                found = adapted(models, some, Adaptation(each), scales).sum()
                return float(np.nan_to_num(found, nan=np.inf))

            return min(settings, key=nats)

        first = tried(Dynamic(rate, DECAYS[0], steps) for rate in RATES)
        own = tried(first(decay=decay) for decay in DECAYS)
    return Chosen(Adaptation(own, _cache(models, some) if cache else None), scales)


def _beginning(text: Stretch, most: int) -> Stretch:
    """The first symbols of a text."""
    begins = text.begins[text.begins < most]
    return Stretch(text.symbols[:most], begins, text.counts[:most], text.bytes[:most])


@torch.no_grad()
def _cache(models: Sequence[Model], text: Stretch) -> Cache:
    """The best of all windows, sharpnesses and shares."""
    tried = [Cache(n, 0.0, sharpness) for n in WINDOWS for sharpness in SHARPNESSES]
    plain = np.zeros((len(models), len(text.symbols)))
    caches = np.zeros((len(tried), *plain.shape))
    for number, model in enumerate(models):
        with predicting(model):
            _look_back(model, text, tried, plain[number], caches[:, number])
    scored, nats = text.scored, torch.from_numpy(plain)
    costs = {
        each(share=share): averaged(mixed(nats, p_cache, share).numpy())[scored].sum()
        for each, p_cache in zip(tried, torch.from_numpy(caches), strict=True)
        for share in SHARES
    }
    return min(costs, key=lambda each: costs[each])


def _look_back(
    model: Model, text: Stretch, tried: Sequence[Cache], nats: Floats, caches: Floats
) -> None:
    """-log p of each symbol without a cache, (N,), and p of each cache, (C, N)."""
    longest = max(each.window for each in tried)
    stops = np.append(text.begins[1:], len(text.symbols)) - 1
    for begin, stop in zip(text.begins.tolist(), stops.tolist(), strict=True):
        state: State | None = None
        z, symbols = torch.empty(0), torch.empty(0)
        for at in range(begin, stop, _STEPS):
            end = min(at + _STEPS, stop)
            heard = follow(model, text.symbols[at : end + 1], state, text.strangers_in(at, end + 1))
            state, known = heard.state, len(z)
            z = torch.cat([z, heard.z]) if known else heard.z
            symbols = torch.cat([symbols, heard.symbols]) if known else heard.symbols
            nats[at + 1 : end + 1] = heard.nats.cpu().numpy()
            near = alike(z, known)
            for own, each in zip(caches, tried, strict=True):
                found = recalled(near, symbols, each.window, each.sharpness)
                own[at + 1 : end + 1] = found.cpu().numpy()
            z, symbols = z[-longest:], symbols[-longest:]

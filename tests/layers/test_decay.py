"""Values that fade, against the paper's equations step by step."""

from __future__ import annotations

import numpy as np
import torch

from longshort.layers.decay import Decay


def test_values_fade_as_in_the_paper() -> None:
    rng = np.random.default_rng(0)
    steps, channels = 7, 3
    raw = rng.normal(size=(steps, channels))
    seen = rng.random((steps, channels)) < 0.4
    seen[0] = True
    times = np.cumsum(rng.random(steps))
    decay = Decay(channels)
    with torch.no_grad():
        decay.weight.copy_(torch.tensor([0.5, 2.0, -1.0]))
        decay.bias.copy_(torch.tensor([0.0, 0.3, 0.2]))
    w, b = decay.weight.detach().numpy(), decay.bias.detach().numpy()
    expected, carried, since = (np.zeros((steps, channels)) for _ in range(3))
    for c in range(channels):
        last, when = 0.0, times[0]
        for t in range(steps):
            if seen[t, c]:
                last, when = raw[t, c], times[t]
            d = times[t] - when
            gamma = np.exp(-max(0.0, w[c] * d + b[c]))
            expected[t, c] = raw[t, c] if seen[t, c] else gamma * last
            carried[t, c], since[t, c] = last, np.log1p(d)

    def tensor(array: np.ndarray) -> torch.Tensor:
        return torch.tensor(array, dtype=torch.float32)[None]

    found = decay(tensor(carried), tensor(seen), tensor(since))
    np.testing.assert_allclose(found[0].detach(), expected, atol=1e-6)


def test_rates_begin_where_they_can_be_learned() -> None:
    decay = Decay(2)
    one = torch.ones(1, 1, 2)
    decay(one, torch.zeros_like(one), one).sum().backward()
    assert (decay.weight.grad < 0).all()  # type: ignore[operator]
    assert (decay.bias.grad < 0).all()  # type: ignore[operator]

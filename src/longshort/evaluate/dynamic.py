r"""Dynamic evaluation: weights that learn from a text while it is read.

Krause, Kahembwe, Murray and Renals 2018, "Dynamic evaluation of neural sequence models", ICML. A
document is read in segments. Once one is scored, with w the weights, w_0 the trained ones, g the
gradient of its mean loss, R the root mean square of such gradients over the training part, weight
by weight, and r the mean of R over all weights,

    w <- w - rate g / (R + 20 r) + min(decay R / r, 1) (w_0 - w)

so that what training moved more moves more, and comes back sooner. Every symbol is scored before
it is learnt from. The trained network is not touched: a copy of it learns.
"""

from __future__ import annotations

import math
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from longshort.contracts import Params, State
from longshort.data.stretch import Stretch
from longshort.errors import ArgumentError
from longshort.evaluate.surprise import follow
from longshort.model import Model

# the root mean square of the gradients of each parameter, by its name
Scales = dict[str, Tensor]

# segments of the training part that gradients are measured on, and symbols read before each
_SEGMENTS, _WARM = 300, 100
# means of R below which weights count alike: rows of rare symbols hardly moved in training
_FLOOR = 20.0


@dataclass(frozen=True)
class Dynamic(Params):
    """How fast weights learn from what is read; see this module's page.

    Args:
        rate: how far a segment moves them.
        decay: how fast they come back to what they were trained to, 0 for not at all.
        steps: symbols of a segment; a document that is shorter teaches nothing.

    Raises:
        ArgumentError: a value out of range.
    """

    rate: float = 3e-3
    decay: float = 0.001
    steps: int = 20

    def __post_init__(self) -> None:
        self._whole(1, "steps")
        for name in ("rate", "decay"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ArgumentError(f"Dynamic({name}={getattr(self, name)}): must be 0 or more")


class Learner:
    """A copy of a network that learns from what it reads.

    Args:
        model: the trained network, which stays as it is.
        settings: how fast.
        scales: see ``gradient_scales``.
    """

    def __init__(self, model: Model, settings: Dynamic, scales: Scales) -> None:
        self.model = deepcopy(model).eval().requires_grad_(True)
        named = dict(self.model.named_parameters())
        self._weights = list(named.values())
        self._trained = [weight.detach().clone() for weight in self._weights]
        kept = [scales[name].to(weight) for name, weight in named.items()]
        mean = sum(float(scale.sum()) for scale in kept) / sum(scale.numel() for scale in kept)
        # a network that no gradient ever moved does not move here
        mean = max(mean, 1e-30)
        self._rates = [settings.rate / (scale + _FLOOR * mean) for scale in kept]
        self._pulls = [(scale * (settings.decay / mean)).clamp(max=1.0) for scale in kept]

    @torch.no_grad()
    def forget(self) -> None:
        """Back to the trained weights."""
        for weight, trained in zip(self._weights, self._trained, strict=True):
            weight.copy_(trained)

    def learn(self, loss: Tensor) -> None:
        """One step down the gradient of a loss, and back towards the trained weights."""
        gradients = torch.autograd.grad(loss, self._weights, allow_unused=True)
        rows = zip(self._weights, self._trained, gradients, self._rates, self._pulls, strict=True)
        with torch.no_grad():
            for weight, trained, gradient, rate, pull in rows:
                weight.lerp_(trained, pull)
                if gradient is not None:
                    weight.addcmul_(gradient, rate, value=-1.0)


def gradient_scales(model: Model, text: Stretch, steps: int) -> Scales:
    """R of every parameter, over segments at even distances of a text.

    Args:
        model: the trained network, which stays as it is.
        text: what it was trained on, or some of it.
        steps: symbols of a segment.
    """
    copied = deepcopy(model).eval().requires_grad_(True)
    named = dict(copied.named_parameters())
    weights = list(named.values())
    total = [torch.zeros_like(weight) for weight in weights]
    documents = text.documents()
    begins = text.begins[documents]
    stops = np.append(text.begins[1:], len(text.symbols))[documents]
    # all places that something follows, and of these, if there are any, those of whole segments
    left = stops - np.arange(len(stops)) - 1
    places = np.flatnonzero(left >= min(steps, int(left.max())))
    chosen = places[np.linspace(0, len(places) - 1, min(_SEGMENTS, len(places))).astype(np.int64)]
    for at in chosen.tolist():
        state: State | None = None
        first = max(int(begins[at]), at - _WARM)
        if first < at:
            with torch.no_grad():
                state = follow(
                    copied, text.symbols[first : at + 1], None, text.strangers_in(first, at + 1)
                ).state
        with torch.enable_grad():
            end = min(at + steps, int(stops[at]) - 1)
            told = text.strangers_in(at, end + 1)
            loss = follow(copied, text.symbols[at : end + 1], state, told).nats.mean()
            gradients = torch.autograd.grad(loss, weights, allow_unused=True)
        with torch.no_grad():
            for own, gradient in zip(total, gradients, strict=True):
                if gradient is not None:
                    own.addcmul_(gradient, gradient)
    return {name: (own / len(chosen)).sqrt().cpu() for name, own in zip(named, total, strict=True)}

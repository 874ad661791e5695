"""What happens to a gate's sum on its way into the nonlinearity: normalise, then clip."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor
from torch.nn import functional

from longshort.kernels.reference.tensors import Weights

# added to the variance of a layer norm
EPSILON = 1e-5


def clip(value: Tensor, bound: float | None) -> Tensor:
    """clip(v, b) = min(max(v, -b), b); its derivative is 1 where -b <= v <= b and 0 elsewhere."""
    return value if bound is None else value.clamp(-bound, bound)


def normalise(value: Tensor, gain: Tensor | None, bias: Tensor | None) -> Tensor:
    """Layer normalisation (Ba, Kiros & Hinton 2016) of value (B, H) over its H units:

        LN(v) = gain * (v - mean(v)) / sqrt(var(v) + 1e-5) + bias,   var(v) = mean((v - mean(v))^2)

    No gain, no normalisation.
    """
    if gain is None:
        return value
    return functional.layer_norm(value, (value.shape[1],), gain, bias, EPSILON)


def into(weights: Weights, names: Sequence[str], bound: float | None) -> Callable[..., Tensor]:
    """The function in(gate, sum) = clip(LN_gate(sum), bound), for gate blocks of these names."""
    count = len(names)
    gains: Sequence[Tensor | None] = [None] * count
    biases: Sequence[Tensor | None] = [None] * count
    if weights.norm_gain is not None:
        gains = weights.norm_gain.chunk(count)
    if weights.norm_bias is not None:
        biases = weights.norm_bias.chunk(count)
    norms = dict(zip(names, zip(gains, biases, strict=True), strict=True))
    if weights.norm_gain is None and bound is None:
        return lambda name, value: value
    return lambda name, value: clip(normalise(value, *norms[name]), bound)


def check_bounds(**bounds: float | None) -> None:
    """Refuse clipping bounds that leave nothing.

    Raises:
        ValueError: a bound is not above 0.
    """
    for name, bound in bounds.items():
        if bound is not None and not bound > 0:
            raise ValueError(f"{name} should be above 0 or None, got: {bound}")


def as_text(options: Any) -> str:
    """Options as JSON text: their fields by name."""
    names = [field.name for field in dataclasses.fields(options) if field.init]
    return json.dumps({name: getattr(options, name) for name in names})

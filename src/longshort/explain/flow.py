"""What a trained or untrained recurrence does with time: how far back its gradients reach."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from longshort.contracts import Batch
from longshort.errors import ArgumentError
from longshort.layers.stack import Stack
from longshort.model import Model, predicting


@dataclass(frozen=True)
class GradientFlow:
    """How much of a gradient at the last step T arrives at step t, by the lag T - t.

    With h_T the last hidden state, of the last layer, and v something at step t,

        norm(v) = sqrt(1/H * sum over units j of |d h_T,j / d v|^2)

    which is 1 where v is h_T itself: the root mean square length that gradients of random
    directions at the end have left when they arrive at v, as a share of what they were.

    Args:
        lag: 0, 1, ... steps between the last one of a row and step t.
        rows: how many rows are so long, of which each norm is the mean.
        state: norm of the whole state after step t, all layers and parts together.
        parts: norm of each part of it, by name: "h" and, in an LSTM, "c".
        inputs: norm of what was read at step t.
    """

    lag: tuple[int, ...]
    rows: tuple[int, ...]
    state: tuple[float, ...]
    parts: Mapping[str, tuple[float, ...]]
    inputs: tuple[float, ...]


def gradient_flow(model: Model | Stack[Any], data: Batch | Tensor) -> GradientFlow:
    """Measure d h_T / d s_t and d h_T / d x_t, exactly, one unit at a time.

    Regularisers are off, as when predicting; weights and their gradients are left as they are. It
    takes H times a backward pass, step by step, and the memory of one.

    Args:
        model: a model whose trunk reads forwards, or an ``LSTM``, ``GRU`` or ``RNN``.
        data: for a model a Batch, for a layer an input (B, T, F), or (T, B, F) if it is not
            ``batch_first``. Each row of a batch ends at its own length.

    Raises:
        ArgumentError: the model has no recurrent trunk, or the wrong kind of data, or no steps.
        RuntimeError: the recurrence reads both ways, so that no step is the last.
    """
    with torch.enable_grad(), predicting(model):
        layer, x, lengths = _opened(model, data)
        steps = [x_t.requires_grad_() for x_t in x.detach().clone().unbind(1)]
        states: list[tuple[Tensor, ...]] = []
        state: Any = None
        for x_t in steps:
            _, state = layer.step(x_t, state)
            states.append(state if isinstance(state, tuple) else (state,))
        # of the last layer, at each row's last step
        hidden = torch.stack([parts[0][-1] for parts in states], 1)
        last = hidden[torch.arange(len(lengths)), lengths - 1]
        squares = _squares(last, [*zip(*states, strict=True), tuple(steps)])
    return _averaged(squares / last.shape[1], lengths, layer.cell.parts)


def _opened(model: Model | Stack[Any], data: Batch | Tensor) -> tuple[Stack[Any], Tensor, Tensor]:
    """The recurrence, what it reads, (B, T, F), and the lengths, without rows of length 0."""
    if not isinstance(model, Model | Stack) or not isinstance(data, Batch | Tensor):
        raise ArgumentError(
            "gradient_flow: give a Model and a Batch, or an LSTM, GRU or RNN and a tensor; got "
            f"{type(model).__name__} and {type(data).__name__}"
        )
    if isinstance(model, Model) != isinstance(data, Batch):
        wanted = "a Batch" if isinstance(model, Model) else "a tensor"
        raise ArgumentError(
            f"gradient_flow: {type(model).__name__} reads {wanted}, got {type(data).__name__}"
        )
    if isinstance(model, Stack):
        assert isinstance(data, Tensor)
        layer, x = model, data if model.batch_first else data.transpose(0, 1)
        lengths = torch.full((x.shape[0],), x.shape[1])
    else:
        assert isinstance(data, Batch)
        found = [module for module in model.encoder.modules() if isinstance(module, Stack)]
        read = getattr(model.encoder, "inputs", None)
        if len(found) != 1 or read is None:
            raise ArgumentError(
                f"gradient_flow: {type(model.encoder).__name__} should tell its inputs and hold "
                f"one recurrence, found {len(found)}"
            )
        layer, (x, lengths) = found[0], read(data)
        lengths = lengths.cpu()
    some = lengths > 0
    if not some.any():
        raise ArgumentError("gradient_flow: no row has a step")
    return layer, x[some.to(x.device)], lengths[some]


def _squares(last: Tensor, places: list[tuple[Tensor, ...]]) -> Tensor:
    """(places, B, T) sums over units of squared lengths of gradients."""
    flat = [tensor for steps in places for tensor in steps]
    total = torch.zeros(len(places), last.shape[0], len(places[0]), dtype=torch.float64)
    for unit in range(last.shape[1]):
        # rows do not depend on each other, so the sum's gradient is each row's own
        found = torch.autograd.grad(
            last[:, unit].sum(), flat, retain_graph=True, materialize_grads=True
        )
        for place, steps in enumerate(places):
            start = place * len(steps)
            grads = torch.stack(found[start : start + len(steps)]).detach().double()
            if place < len(places) - 1:
                # (T, N, B, H), all layers together
                grads = grads.transpose(1, 2).flatten(2)
            total[place] += grads.square().sum(2).t().cpu()
    return total


def _averaged(squares: Tensor, lengths: Tensor, parts: tuple[str, ...]) -> GradientFlow:
    """Means over rows, by the lag from each row's own end."""
    longest = int(lengths.max())
    whole = squares[:-1].sum(0, keepdim=True)
    norms = torch.cat([squares, whole]).sqrt()
    lag = torch.arange(longest)
    at = lengths.unsqueeze(1) - 1 - lag
    real = at >= 0
    aligned = norms.gather(2, at.clamp(min=0).expand(len(norms), -1, -1)) * real
    rows = real.sum(0)
    means = (aligned.sum(1) / rows).tolist()
    return GradientFlow(
        lag=tuple(lag.tolist()),
        rows=tuple(rows.tolist()),
        state=tuple(means[-1]),
        parts={part: tuple(mean) for part, mean in zip(parts, means[:-2], strict=True)},
        inputs=tuple(means[-2]),
    )

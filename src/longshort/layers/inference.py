"""Reading without gradients by the shortest way: a layer bound once to the CPU engine's plan."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from longshort.kernels import cpu
from longshort.kernels.plan import Plan

# one per layer; None where the CPU engine cannot
_plans: WeakKeyDictionary[Any, Plan | None] = WeakKeyDictionary()


def ready(layer: Any, x: Tensor) -> Plan | None:
    """The CPU engine's plan by which a layer reads x (..., F) now; None if it has none."""
    if torch.compiler.is_compiling() or (layer.training and layer.disturbed):
        return None
    plan = _plans.get(layer, ...)
    if plan is None or (plan is not ... and plan.takes(x)):
        return plan
    if not cpu.memory(x) or not x.numel() or x.shape[-1] != layer.input_size:
        return None
    plan = _plans[layer] = _made(layer)
    return plan if plan is not None and plan.takes(x) else None


def step(layer: Any, x_t: Tensor, hx: Any) -> Any:
    """``layer.step``: y_t (B, P) and the new state; None where it has to go the long way."""
    if hx is None or torch.is_grad_enabled() or x_t.dim() != 2:
        return None
    plan = ready(layer, x_t)
    if plan is None:
        return None
    state = layer._open(hx)
    if not plan.fits(state, x_t.shape[0]):
        return None
    new = tuple([torch.empty_like(part) for part in state])
    return plan.step(x_t, plan.addresses(state), plan.addresses(new)), layer._close(new)


def read(layer: Any, x: Tensor, hx: Any) -> Any:
    """``layer.forward`` over full rows: the output and the last state; None as of ``step``."""
    if torch.is_grad_enabled() or x.dim() != 3 or layer.bidirectional:
        return None
    if hx is None and layer.settings["learn_state"]:
        return None
    plan = ready(layer, x)
    if plan is None:
        return None
    rows = x.shape[0 if layer.batch_first else 1]
    if hx is None:
        state = tuple([x.new_zeros(plan.depth, rows, width) for width in plan.widths])
    else:
        state = layer._open(hx)
        if not plan.fits(state, rows):
            return None
    out, last = plan.read(x, state, batch_first=layer.batch_first)
    return out, layer._close(last)


def _made(layer: Any) -> Plan | None:
    if layer.settings["engine"] not in ("auto", "cpu") or layer.bidirectional:
        return None
    weights = [layer.weights(place) for place in range(layer.num_layers)]
    kept = {id(parameter) for parameter in layer._parameters.values()}
    masks = [
        layer.regularisers.masks(None, 2 * place, w.w_ih[None], w.w_hh.shape[1], 1)
        for place, w in enumerate(weights)
    ]
    for own, reading in zip(weights, masks, strict=True):
        x = own.w_ih.new_empty(1, 1, own.w_ih.shape[1])
        present = [w for w in own if w is not None]
        # what is computed of other parameters is another tensor every time
        if x.dtype == torch.bfloat16 or any(id(w) not in kept or w.is_inference() for w in present):
            return None
        if cpu.refusal(x, (), own, layer.cell, {"masks": reading}) is not None:
            return None
    residual = layer.settings["residual"]
    return Plan(weights, layer.cell, masks, layer._parameters, residual=residual)

"""One door to the recurrence: it chooses the engine, and says which and why.

Engines are ``reference``, which computes everything everywhere, and ``torch``, torch's own fused
operators, for plain cells on CUDA. An engine that cannot compute an option is not chosen; nothing
is approximated.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Literal, NamedTuple, Unpack

import torch
from torch import Tensor

from longshort.kernels import fused, operators, reference
from longshort.kernels.memory import Memory, in_chunks
from longshort.kernels.reference import Masks, Options, Reading, State, Steps, Weights

# auto is the fastest engine that can; the others are asked for by name
Choice = Literal["auto", "reference", "torch"]


class Engine(NamedTuple):
    """The engine that runs a recurrence, and in plain words why that one."""

    name: str
    reason: str


def engine(device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32) -> Engine:
    """Say which engine runs a plain recurrence over full rows of that dtype and device, and why.

    A layer's own ``engine`` method says it for that layer's options.
    """
    where = torch.device(device)
    kind = f"{where} tensors of {str(dtype).removeprefix('torch.')}"
    if where.type == "cuda":
        return Engine("torch", f"torch's own fused operators (cuDNN) run plain cells over {kind}")
    return Engine("reference", f"the plain loop in torch: no fused engine exists yet for {kind}")


def recurrence(
    x: Tensor,
    state: State,
    weights: Weights,
    options: Options,
    *,
    engine: Choice = "auto",
    memory: Memory = "all",
    **reading: Unpack[Reading],
) -> Steps:
    """Run one layer in one direction over a batch of sequences.

    Under autocast the recurrence runs in autocast's dtype. While compiling or exporting it is an
    operator, ``torch.ops.longshort.<cell>``.

    Args:
        x: (B, T, F).
        state: before the first step that is read; parts as ``kernels.reference`` says.
        weights: of the same dtype and device as ``x``.
        options: which cell, and which of its kinds.
        engine: "auto", or the only one that may run.
        memory: what is kept for backward; see ``kernels.memory``.
        **reading: lengths, resets, initial, reverse, masks, record; see ``Reading``.

    Raises:
        ValueError: the engine that was asked for cannot compute this.
    """
    narrow = _autocast(x)
    if narrow is None:
        return _run(x, state, weights, options, engine, memory, reading)
    x, state, weights = x.to(narrow), _cast(state, narrow), Weights(*_cast(weights, narrow))
    reading = reading.copy()
    if reading.get("masks") is not None:
        reading["masks"] = Masks(*_cast(reading["masks"], narrow))
    if reading.get("initial") is not None:
        reading["initial"] = _cast(reading["initial"] or (), narrow)
    with torch.autocast(x.device.type, enabled=False):
        return _run(x, state, weights, options, engine, memory, reading)


def choose(
    x: Tensor,
    state: State,
    weights: Weights,
    options: Options,
    engine: Choice = "auto",
    **reading: Unpack[Reading],
) -> Engine:
    """Say which engine runs this, and why.

    Raises:
        ValueError: the engine that was asked for is unknown or cannot compute this.
    """
    if engine == "reference":
        return Engine("reference", "the plain loop in torch, as asked for")
    refusal = fused.refusal(x, state, weights, options, reading)
    if engine == "torch":
        if refusal is not None:
            raise ValueError(f"engine='torch': {refusal}; use engine='auto'")
        return Engine("torch", "torch's own fused operators, as asked for")
    if engine != "auto":
        raise ValueError(f"engine should be auto, reference or torch, got: {engine!r}")
    if x.device.type != "cuda":
        return Engine(
            "reference", f"the plain loop in torch: no fused engine exists yet for {x.device}"
        )
    if refusal is not None:
        return Engine("reference", f"the plain loop in torch: {refusal}")
    return Engine("torch", "torch's own fused operators (cuDNN) compute this cell")


def _run(
    x: Tensor,
    state: State,
    weights: Weights,
    options: Options,
    engine: Choice,
    memory: Memory,
    reading: Reading,
) -> Steps:
    # torch.func's transforms know no hooks on what is saved: they keep everything
    compiling = torch.compiler.is_compiling()
    wrapped = not compiling and any(map(fused.transformed, (x, *state, *weights)))
    if memory != "all" and torch.is_grad_enabled() and x.shape[1] > 1 and not wrapped:
        run = partial(_chunk, weights, options, engine)
        return in_chunks(run, x, state, memory, **reading)
    if compiling:
        return operators.call(x, state, weights, options, engine, **reading)
    return _at_once(x, state, weights, options, engine, **reading)


def _chunk(
    weights: Weights, options: Options, engine: Choice, x: Tensor, state: State, **reading: Any
) -> Steps:
    if torch.compiler.is_compiling():
        return operators.call(x, state, weights, options, engine, **reading)
    return _at_once(x, state, weights, options, engine, **reading)


def _at_once(
    x: Tensor,
    state: State,
    weights: Weights,
    options: Options,
    engine: Choice = "auto",
    **reading: Unpack[Reading],
) -> Steps:
    chosen = "reference"
    # asking costs more than a small step does
    if engine != "reference" and (engine != "auto" or x.device.type == "cuda"):
        chosen = choose(x, state, weights, options, engine, **reading).name
    if chosen == "torch":
        return fused.run(x, state, weights, options, reverse=reading.get("reverse", False))
    if isinstance(options, reference.LSTMOptions):
        return reference.lstm(x, state, weights, options, **reading)
    if isinstance(options, reference.GRUOptions):
        return reference.gru(x, state, weights, options, **reading)
    if isinstance(options, reference.RNNOptions):
        return reference.rnn(x, state, weights, options, **reading)
    return reference.slstm(x, state, weights, options, **reading)


def _autocast(x: Tensor) -> torch.dtype | None:
    """The dtype that autocast asks for, if it does; like torch, it leaves float64 alone."""
    kind = x.device.type
    if kind == "meta" or x.dtype == torch.float64 or not torch.is_autocast_enabled(kind):
        return None
    return torch.get_autocast_dtype(kind)


def _cast(tensors: tuple[Any, ...], dtype: torch.dtype) -> tuple[Any, ...]:
    return tuple(None if tensor is None else tensor.to(dtype) for tensor in tensors)


for _cell in ("lstm", "slstm", "gru", "rnn"):
    operators.register(_cell, _at_once)

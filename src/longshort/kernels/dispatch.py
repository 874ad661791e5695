"""One door to the recurrence: it chooses the engine, and says which and why.

Engines are ``reference``, which computes everything everywhere; ``cpu``, our own fused engine in
C++; and ``torch``, torch's own fused operators, for plain cells on CUDA. An engine that cannot
compute an option is not chosen; nothing is approximated.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Literal, NamedTuple, Unpack, get_args

import torch
from torch import Tensor

from longshort.kernels import cpu, fused, operators, reference
from longshort.kernels.memory import Memory, in_chunks
from longshort.kernels.reference import Masks, Options, Reading, State, Steps, Weights

# auto is the fastest engine that can; the others are asked for by name
Choice = Literal["auto", "cpu", "reference", "torch"]


NAMES = {
    "cpu": "the fused C++ engine",
    "torch": "torch's own fused operators (cuDNN on CUDA)",
}


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
    if where.type == "cpu" and dtype in cpu.DTYPES and cpu.AVAILABLE:
        return Engine(
            "cpu", f"the fused C++ engine ({cpu.isa()}) runs LSTM, GRU and RNN over {kind}"
        )
    missing = cpu.MISSING if where.type == "cpu" and dtype in cpu.DTYPES else ""
    reason = missing or f"no fused engine exists yet for {kind}"
    return Engine("reference", f"the plain loop in torch: {reason}")


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
    if engine not in get_args(Choice):
        names = f"{', '.join(get_args(Choice)[:-1])} or {get_args(Choice)[-1]}"
        raise ValueError(f"engine should be {names}, got: {engine!r}")
    if engine == "reference":
        return Engine("reference", "the plain loop in torch, as asked for")
    fast = engine if engine != "auto" else "torch" if x.device.type == "cuda" else "cpu"
    judge = fused.refusal if fast == "torch" else cpu.refusal
    refusal = judge(x, state, weights, options, reading)
    if refusal is None:
        return Engine(fast, f"{NAMES[fast]}{', as asked for' if engine != 'auto' else ''}")
    if engine != "auto":
        raise ValueError(f"engine={engine!r}: {refusal}; use engine='auto'")
    return Engine("reference", f"the plain loop in torch: {refusal}")


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
    chosen = choose(x, state, weights, options, engine, **reading).name
    if chosen == "cpu":
        return cpu.run(x, state, weights, options, **reading)
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

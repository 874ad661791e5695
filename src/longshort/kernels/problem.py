"""A recurrence as the CPU engine is told it: sizes, options, and where each tensor lies."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from longshort.kernels import reference
from longshort.kernels.reference import Masks, Options, State, Steps, Weights

try:
    from longshort.kernels import _native
except ImportError:
    _native = None  # type: ignore[assignment]

# the compiled part; None where it is not there
native: Any = _native


class Cell(NamedTuple):
    """A cell's number in the engine, and its definition."""

    number: int
    define: Callable[..., Steps]


CELLS = {
    "lstm": Cell(0, reference.lstm),
    "gru": Cell(1, reference.gru),
    "rnn": Cell(2, reference.rnn),
}
FORGETS = {"gate": 0, "coupled": 1, "none": 2}


def describe(
    x: Tensor,
    state: State,
    weights: Weights,
    options: Options,
    initial: State | None,
    reading: dict[str, Any],
) -> tuple[Any, list[Tensor]]:
    """A problem for the engine, and the tensors whose memory it names, x first."""
    wide = torch.float32 if x.dtype == torch.bfloat16 else x.dtype
    held: list[Tensor] = []

    def hold(tensor: Tensor, *, whole: bool = False) -> Tensor:
        if tensor.dtype != wide:
            tensor = tensor.detach().to(wide)
        if whole or (tensor.stride(-1) != 1 and tensor.shape[-1] > 1):
            tensor = tensor.contiguous()
        held.append(tensor)
        return tensor

    problem = native.Problem()
    x = hold(x)
    rows, steps, features = x.shape
    units = weights.w_hh.shape[0] // len(options.gates)
    problem.rows, problem.steps, problem.features, problem.units = rows, steps, features, units
    problem.outputs, problem.cell = weights.w_hh.shape[1], CELLS[options.cell].number
    problem.wide, problem.threads = wide == torch.float64, torch.get_num_threads()
    problem.reverse = reading.get("reverse", False)
    if isinstance(options, reference.LSTMOptions):
        problem.forget = FORGETS[options.forget]
        problem.cell_clip, problem.proj_clip = _bound(options.cell_clip), _bound(options.proj_clip)
    elif isinstance(options, reference.RNNOptions):
        problem.relu = options.nonlinearity == "relu"
    problem.gate_clip = _bound(options.gate_clip)
    for name, weight in zip(Weights._fields, weights, strict=True):
        if weight is not None:
            setattr(problem, name, hold(weight, whole=True).data_ptr())
    problem.x = place(x)
    for name, part in zip(("h_0", "c_0"), state, strict=False):
        setattr(problem, name, _row(hold(part)))
    if reading.get("lengths") is not None:
        held.append(reading["lengths"].to(device="cpu", dtype=torch.int64).contiguous())
        problem.lengths = held[-1].data_ptr()
    if reading.get("resets") is not None:
        held.append(reading["resets"].contiguous())
        problem.resets = held[-1].data_ptr()
        for name, part in zip(("initial_h", "initial_c"), initial or (), strict=False):
            width = units if name == "initial_c" else problem.outputs
            setattr(problem, name, _row(hold(part).expand(rows, width)))
    widths = (features, problem.outputs, units, problem.outputs, units)
    for name, mask, width in zip(
        ("mask_x", "mask_h", "mask_g", "keep_h", "keep_c"),
        reading.get("masks") or Masks(),
        widths,
        strict=True,
    ):
        if mask is not None:
            many = 1 if name in ("mask_x", "mask_h") else steps
            full = hold(mask).expand(rows, many, width)
            setattr(problem, name, place(full))
    return problem, held


def _bound(value: float | None) -> float:
    return math.inf if value is None else value


def place(tensor: Tensor) -> tuple[int, int, int, int]:
    """Where (B, T, N) values lie."""
    return (tensor.data_ptr(), tensor.stride(0), tensor.stride(1), tensor.stride(2))


def _row(tensor: Tensor) -> tuple[int, int, int, int]:
    """Where (B, N) values lie."""
    return (tensor.data_ptr(), tensor.stride(0), 0, 1)

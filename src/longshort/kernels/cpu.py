"""The fused CPU engine: LSTM, GRU and RNN with their options, forwards and backwards, in C++.

It computes what the reference computes, in float32, float64 or, for bfloat16 tensors, in float32
from bfloat16 weights. Forward passes are the same bits for any number of threads and any batch;
gradients are for a given number. Second derivatives are computed by the reference.

The compiled part is ``_native``, made from ``native/`` once per instruction set. It is not there
where no compiler was at hand when the package was installed; the reference then runs instead.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad

from longshort.kernels import reference
from longshort.kernels.problem import CELLS, describe, native, place
from longshort.kernels.reference import Options, Reading, State, Steps, Weights

AVAILABLE = native is not None and bool(native.isas())
MISSING = (
    ""
    if AVAILABLE
    else "the CPU engine is not compiled: install a C++ compiler and install longshort again"
)


DTYPES = (torch.float32, torch.float64, torch.bfloat16)
# asked at every step: torch's own names for these ask other questions first
_tracing = torch._C._get_tracing_state
_modes = torch._C._len_torch_dispatch_stack
_autocast = torch._C._is_any_autocast_enabled
_wrapped = torch._C._functorch.is_functorch_wrapped_tensor


def isa() -> str:
    """The instruction set in use: "avx512", "avx2" or "baseline"; "" without the engine."""
    return str(native.isa()) if AVAILABLE else ""


def isas() -> tuple[str, ...]:
    """The instruction sets that this build has and this machine can run, the best first."""
    return tuple(native.isas()) if AVAILABLE else ()


@contextmanager
def use(name: str) -> Iterator[None]:
    """Run on another instruction set inside, for tests and comparisons.

    Raises:
        ValueError: this build or machine has none of that name.
    """
    before = isa()
    native.use(name)
    try:
        yield
    finally:
        native.use(before)


def peak() -> float:
    """What one core can multiply and add from registers alone, in GFLOP/s of float32."""
    return float(native.peak())


def refusal(
    x: Tensor, state: State, weights: Weights, options: Options, reading: Reading
) -> str | None:
    """Why this engine cannot compute this, in plain words; None if it can."""
    if not AVAILABLE:
        return MISSING
    if x.device.type != "cpu":
        return f"the CPU engine does not run on {x.device.type}"
    if x.dtype not in DTYPES:
        return f"the CPU engine knows no {str(x.dtype).removeprefix('torch.')}"
    if options.cell not in CELLS:
        return f"the CPU engine knows no {options.cell}"
    if isinstance(options, reference.GRUOptions) and not options.reset_after:
        return "the CPU engine knows no reset before the product"
    masks = reading.get("masks") or ()
    if any(mask is not None and mask.requires_grad for mask in masks):
        return "the CPU engine gives no gradients of masks"
    if not x.numel() or not weights.w_hh.numel():
        return "the CPU engine reads 1 step of 1 row of 1 feature or more"
    if not unwatched():
        return "the CPU engine is not seen by tracing, dispatch modes and forward-mode derivatives"
    for tensor in (x, *state, *weights):
        if tensor is not None and (type(tensor) not in (Tensor, nn.Parameter) or _wrapped(tensor)):
            return "the CPU engine knows no tensor subclasses and torch.func transforms"
    if isinstance(options, reference.RNNOptions) and (masks and masks[2] is not None):
        return "an RNN has no candidate to drop"
    return None


def unwatched() -> bool:
    """Whether torch looks only at results now, and not at what is computed on the way."""
    return not _tracing() and not _modes() and forward_ad._current_level < 0


def memory(x: Tensor) -> bool:
    """Whether nothing but a tensor's memory matters now: it may be read as numbers side by side."""
    return (
        type(x) is Tensor
        and x.is_cpu
        and x.is_contiguous()
        and unwatched()
        and not _autocast()
        and not _wrapped(x)
    )


def draw(
    seed: int,
    stream: int,
    shape: Sequence[int],
    least: int,
    kept: float,
    *,
    first: int = 0,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    """A mask of ``kept`` where a stream's word is ``least`` or more, else 0; float32 or float64.

    The words are those of ``layers.masks``, which defines them, from position ``first`` on.
    """
    out = torch.empty(tuple(shape), dtype=dtype)
    wide, threads, whole = dtype == torch.float64, torch.get_num_threads(), 2**64 - 1
    native.draw(
        seed & whole, stream & whole, first, out.numel(), least, kept, wide, threads, out.data_ptr()
    )
    return out


def run(
    x: Tensor,
    state: State,
    weights: Weights,
    options: Options,
    **reading: Any,
) -> Steps:
    """As the reference, where ``refusal`` is None."""
    initial = reading.get("initial") if reading.get("resets") is not None else None
    inputs = (x, *state, *weights, *(initial or ()))
    if torch.is_grad_enabled() and any(t is not None and t.requires_grad for t in inputs):
        call = Call(options, reading, len(state), len(initial or ()))
        flat = Recurrence.apply(call, *inputs)  # type: ignore[no-untyped-call]
        return _steps(call, flat)
    steps, _ = _forward(x, state, weights, options, initial, reading, keep=False)
    return steps


class Call(NamedTuple):
    """What a recurrence was asked for, beside the tensors that have gradients."""

    options: Options
    reading: dict[str, Any]
    parts: int
    initial: int

    def split(self, flat: Sequence[Any]) -> tuple[Tensor, State, Weights, State]:
        """The inputs by kind."""
        first = 1 + self.parts
        last = first + len(Weights._fields)
        return flat[0], tuple(flat[1:first]), Weights(*flat[first:last]), tuple(flat[last:])


class Recurrence(torch.autograd.Function):
    """The engine as one node of autograd's graph."""

    @staticmethod
    def forward(ctx: Any, call: Call, *inputs: Tensor | None) -> tuple[Tensor, ...]:
        """Outputs, last states, and what is recorded beyond the outputs."""
        x, state, weights, initial = call.split(inputs)
        steps, saved = _forward(
            x, state, weights, call.options, initial or None, call.reading, keep=True
        )
        ctx.call = call
        ctx.set_materialize_grads(False)
        # outputs are kept by autograd's own means only: any other way makes a circle of references
        ctx.save_for_backward(*inputs, steps.out, saved)
        return (steps.out, *steps.state, *steps.states[1:], *steps.gates)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        """Their gradients to those of the inputs; by the reference where a graph is wanted."""
        *inputs, out, saved = ctx.saved_tensors
        if torch.is_grad_enabled():
            return (None, *_differentiable(ctx, inputs, grads))
        return (None, *_backward(ctx.call, inputs, out, saved, grads, ctx.needs_input_grad[1:]))


def _steps(call: Call, flat: tuple[Tensor, ...]) -> Steps:
    out, last = flat[0], tuple(flat[1 : 1 + call.parts])
    if not call.reading.get("record"):
        return Steps(out, last)
    rest = flat[1 + call.parts :]
    return Steps(out, last, (out, *rest[: call.parts - 1]), rest[call.parts - 1 :])


def _differentiable(
    ctx: Any, inputs: list[Tensor | None], grads: tuple[Tensor | None, ...]
) -> list[Tensor | None]:
    """The gradients as functions of everything they depend on, by the reference."""
    # of tensors of its own: the state may depend on the same weights through earlier calls, and
    # what comes that way is not this call's
    needs = ctx.needs_input_grad[1:]
    own = [
        t if t is None or not need else t.view_as(t) for t, need in zip(inputs, needs, strict=True)
    ]
    x, state, weights, initial = ctx.call.split(own)
    reading = {**ctx.call.reading, "initial": initial or None}
    steps = CELLS[ctx.call.options.cell].define(x, state, weights, ctx.call.options, **reading)
    outputs = (steps.out, *steps.state, *steps.states[1:], *steps.gates)
    pairs = [
        (o, g) for o, g in zip(outputs, grads, strict=True) if g is not None and o.requires_grad
    ]
    found = iter(
        torch.autograd.grad(
            [o for o, _ in pairs],
            [t for t, need in zip(own, needs, strict=True) if need and t is not None],
            [g for _, g in pairs],
            create_graph=True,
            allow_unused=True,
        )
    )
    return [next(found) if need else None for need in needs]


def _forward(
    x: Tensor,
    state: State,
    weights: Weights,
    options: Options,
    initial: State | None,
    reading: dict[str, Any],
    *,
    keep: bool,
) -> tuple[Steps, Tensor | None]:
    """The outputs, and what backward needs, (B, T, slots, H)."""
    dtype, record = x.dtype, reading.get("record", False)
    problem, held = describe(x, state, weights, options, initial, reading)
    x, wide = held[0], held[0].dtype
    rows, steps = x.shape[:2]
    # time first in memory where the input is, so that nobody has to turn it
    shape = (steps, rows) if x.stride(0) < x.stride(1) else (rows, steps)
    out = torch.empty(*shape, state[0].shape[1], dtype=wide)
    out = out.transpose(0, 1) if shape[0] == steps and shape != (rows, steps) else out
    last = tuple(torch.empty(part.shape, dtype=wide) for part in state)
    problem.y = place(out)
    problem.h_n = last[0].data_ptr()
    problem.c_n = last[1].data_ptr() if len(last) > 1 else 0
    saved = None
    if keep or record:
        make = torch.zeros if record and reading.get("lengths") is not None else torch.empty
        saved = make(
            rows, steps, problem.slots, weights.w_hh.shape[0] // len(options.gates), dtype=wide
        )
        problem.saved = saved.data_ptr()
    problem.narrow = dtype == torch.bfloat16 and not keep
    # training changes its weights before it reads them again
    packed = pack(problem) if keep else _packed(problem, weights, options)
    native.forward(problem, packed)
    states, gates = _recorded(options, out, saved, reading) if record else ((), ())
    if dtype != wide:
        out, last = out.to(dtype), tuple(part.to(dtype) for part in last)
        states, gates = tuple(s.to(dtype) for s in states), tuple(g.to(dtype) for g in gates)
    return Steps(out, last, states, gates), saved


def _recorded(
    options: Options, out: Tensor, saved: Tensor | None, reading: dict[str, Any]
) -> tuple[State, State]:
    assert saved is not None
    count = len(options.recorded)
    gates = tuple(saved[:, :, k].contiguous() for k in range(count))
    return (out, *([saved[:, :, 4].contiguous()] if options.cell == "lstm" else [])), gates


def _backward(
    call: Call,
    inputs: list[Tensor | None],
    out: Tensor,
    saved: Tensor,
    grads: tuple[Tensor | None, ...],
    needs: tuple[bool, ...],
) -> list[Tensor | None]:
    x, state, weights, initial = call.split(inputs)
    problem, held = describe(x, state, weights, call.options, initial or None, call.reading)
    wide = held[0].dtype
    held.append(out.to(wide))
    problem.y = place(held[-1])
    problem.saved = saved.data_ptr()

    def ready(grad: Tensor | None) -> Tensor | None:
        if grad is None:
            return None
        grad = grad.to(wide)
        held.append(grad if grad.stride(-1) == 1 else grad.contiguous())
        return held[-1]

    _incoming(problem, call, [ready(grad) for grad in grads], held)
    found: list[Tensor | None] = []
    names = ["x", "h_0", "c_0"][: 1 + call.parts] + list(Weights._fields)
    names += ["initial_h", "initial_c"][: call.initial]
    for name, tensor, need in zip(names, inputs, needs, strict=True):
        made = None
        if need and tensor is not None:
            if name.startswith("initial"):
                made = torch.zeros(x.shape[0], tensor.shape[-1], dtype=wide)
            elif name == "x" and tensor.stride(0) < tensor.stride(1):
                made = torch.empty_like(
                    tensor.transpose(0, 1), dtype=wide, memory_format=torch.contiguous_format
                ).transpose(0, 1)
            else:
                made = torch.empty(tensor.shape, dtype=wide)
            setattr(problem, f"d_{name}", place(made) if name == "x" else made.data_ptr())
        found.append(made)
    native.backward(problem)
    return [
        None if made is None else _like(made, tensor)
        for made, tensor in zip(found, inputs, strict=True)
    ]


def _like(grad: Tensor, tensor: Tensor | None) -> Tensor:
    """A gradient in the dtype and shape of its tensor: an initial state may be every row's."""
    assert tensor is not None
    return grad.sum_to_size(tensor.shape).to(tensor.dtype)


def _incoming(problem: Any, call: Call, grads: list[Tensor | None], held: list[Tensor]) -> None:
    parts, lstm = call.parts, call.options.cell == "lstm"
    if grads[0] is not None:
        problem.d_y = place(grads[0])
    for name, grad in zip(("d_h_n", "d_c_n"), grads[1 : 1 + parts], strict=False):
        if grad is not None:
            held.append(grad.contiguous())
            setattr(problem, name, held[-1].data_ptr())
    rest = grads[1 + parts :]
    if lstm and rest and rest[0] is not None:
        problem.d_cells = place(rest[0])
    gates = rest[1:] if lstm else rest
    if any(grad is not None for grad in gates):
        like = next(grad for grad in gates if grad is not None)
        none = torch.zeros((), dtype=like.dtype).expand_as(like)
        held.append(none)
        problem.d_gates = [place(none if grad is None else grad) for grad in gates]


def pack(problem: Any) -> Any:
    """A problem's weights as the engine reads them."""
    return native.Packed(problem)


def bind(problems: list[Any], packed: list[Any]) -> Any:
    """Problems that feed each other, as one that is told addresses."""
    return native.Plan(problems, packed)


def watch(named: Mapping[str, Tensor | None], weights: list[Tensor]) -> Callable[[], bool]:
    """A function that says whether the weights are what they were, by those names in ``named``."""
    return native.Watch(named, weights).same  # type: ignore[no-any-return]


class Kept(NamedTuple):
    """Weights that were packed, and what they were packed from."""

    owner: weakref.ref[nn.Parameter]
    key: tuple[Any, ...]
    packed: Any


_kept: dict[int, Kept] = {}


def _packed(problem: Any, weights: Weights, options: Options) -> Any:
    """The weights as the engine reads them, kept until one of them changes."""
    owner = weights.w_hh
    if type(owner) is not nn.Parameter:
        return pack(problem)
    if any(w is not None and w.is_inference() for w in weights):
        return pack(problem)
    key = fingerprint(weights, options, problem)
    found = _kept.get(id(owner))
    if found is None or found.owner() is not owner or found.key != key:
        number = id(owner)
        gone = weakref.ref(owner, lambda _: _kept.pop(number, None))
        found = _kept[number] = Kept(gone, key, pack(problem))
    return found.packed


def fingerprint(weights: Weights, options: Options, problem: Any) -> tuple[Any, ...]:
    """Changes whenever the packed weights would.

    Where torch's versions do not change (fused optimisers, writes through ``.data``), 32 words of
    each weight are looked at: a write to a few single elements may pass unseen.
    """
    glance = native.glance
    places = tuple(
        None if w is None else (place := w.data_ptr(), w._version, glance(place, w.nbytes))
        for w in weights
    )
    return (places, options, problem.narrow, isa())

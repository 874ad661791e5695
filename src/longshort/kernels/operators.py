"""The recurrence as torch operators: ``torch.ops.longshort.lstm``, ``slstm``, ``gru`` and ``rnn``.

torch.compile and torch.export keep each call of one as a single node of their graph and compile
what stands around it. What an operator computes is what it is registered with: the function that
``dispatch`` hands to ``register``. Its backward computes the forward pass again and differentiates
it; the backward of the backward does so once more.

An operator takes tensors and one text, which says what the tensors are: the options as JSON, the
names of the weights that are there, and how the batch is read, separated by ``|``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache, partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

from longshort.kernels import reference
from longshort.kernels.reference import Masks, Options, Reading, State, Steps, Weights

Run = Callable[..., Steps]


class Call(NamedTuple):
    """What an operator's text says."""

    options: Options
    weights: tuple[str, ...]
    reading: tuple[str, ...]
    engine: str


def call(
    x: Tensor,
    state: State,
    weights: Weights,
    options: Options,
    engine: str,
    **reading: Any,
) -> Steps:
    """Run the cell as an operator."""
    present = {name: w for name, w in zip(Weights._fields, weights, strict=True) if w is not None}
    masks = reading.get("masks", Masks())
    tensors = {n: m for n, m in zip(Masks._fields, masks, strict=True) if m is not None}
    for name in ("lengths", "resets"):
        if reading.get(name) is not None:
            tensors[name] = reading[name]
    for place, part in enumerate(reading.get("initial") or ()):
        tensors[f"initial{place}"] = part
    flags = [name for name in ("reverse", "record") if reading.get(name)]
    text = f"{options.text}|{' '.join(present)}|{' '.join([*tensors, *flags])}|{engine}"
    operator = getattr(torch.ops.longshort, options.cell)
    found = operator(x, list(state), list(present.values()), list(tensors.values()), text)
    return _steps(found, len(state), bool(reading.get("record")))


def register(cell: str, run: Run) -> None:
    """Make ``torch.ops.longshort.<cell>``, which computes what ``run`` computes."""

    def forward(
        x: Tensor,
        state: Sequence[Tensor],
        weights: Sequence[Tensor],
        reading: Sequence[Tensor],
        text: str,
    ) -> list[Tensor]:
        return _apart(_flat(_run(run, cell, x, state, weights, reading, text)))

    def backward(
        grads: Sequence[Tensor],
        x: Tensor,
        state: Sequence[Tensor],
        weights: Sequence[Tensor],
        reading: Sequence[Tensor],
        text: str,
    ) -> list[Tensor]:
        return _apart(_gradients(run, cell, grads, x, state, weights, reading, text))

    forward_op = torch.library.custom_op(f"longshort::{cell}", forward, mutates_args=())
    backward_op = torch.library.custom_op(f"longshort::{cell}_backward", backward, mutates_args=())
    forward_op.register_fake(lambda *args: _shapes(cell, *args))
    backward_op.register_fake(lambda grads, *args: [torch.empty_like(t) for t in _wanted(*args)])

    def first(ctx: Any, grads: list[Tensor | None]) -> tuple[Any, ...]:
        x, state, weights, reading = _groups(ctx)
        full = [
            torch.zeros(shape, dtype=dtype, device=device) if grad is None else grad
            for grad, (shape, dtype, device) in zip(grads, ctx.shapes, strict=True)
        ]
        found = backward_op(full, x, state, weights, reading, ctx.text)
        return (*_regroup(found, state, weights, reading), None)

    forward_op.register_autograd(first, setup_context=_save)
    backward_op.register_autograd(partial(_second, run, cell), setup_context=_save)


def _save(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
    """Keep an operator's arguments for its backward."""
    *tensors, ctx.text = inputs
    ctx.sizes = [len(group) if isinstance(group, (list, tuple)) else -1 for group in tensors]
    ctx.save_for_backward(*(t for g in tensors for t in (g if _is_list(g) else [g])))
    ctx.shapes = [(part.shape, part.dtype, part.device) for part in output]


def _second(run: Run, cell: str, ctx: Any, grads: list[Tensor | None]) -> tuple[Any, ...]:
    if torch.is_grad_enabled():
        raise RuntimeError(
            f"longshort::{cell} as an operator has two derivatives, not three: "
            "run it outside of torch.compile"
        )
    outer, x, state, weights, reading = _groups(ctx)
    with torch.enable_grad():
        outer = [t.detach().requires_grad_() for t in outer]
        wanted = [t.detach().requires_grad_() for t in _wanted(x, state, weights, reading, "")]
        groups = _split(wanted, x, state, weights, reading)
        inner = _gradients(run, cell, outer, *groups, ctx.text, create_graph=True)
        pairs = [(i, g) for i, g in zip(inner, grads, strict=True) if g is not None]
        reached = [(i, g) for i, g in pairs if i.requires_grad]
        found = torch.autograd.grad(
            [i for i, _ in reached],
            [*outer, *wanted],
            [g for _, g in reached],
            allow_unused=True,
            materialize_grads=True,
        )
    rest = _regroup(list(found[len(outer) :]), state, weights, reading)
    return (list(found[: len(outer)]), *rest, None)


@lru_cache(maxsize=256)
def _read(cell: str, text: str) -> Call:
    options, weights, reading, engine = text.split("|")
    kinds: dict[str, type[Options]] = {kind.cell: kind for kind in reference.OPTIONS}
    made = kinds[cell](**json.loads(options))
    return Call(made, tuple(weights.split()), tuple(reading.split()), engine)


def _run(
    run: Run,
    cell: str,
    x: Tensor,
    state: Sequence[Tensor],
    weights: Sequence[Tensor],
    reading: Sequence[Tensor],
    text: str,
) -> Steps:
    said = _read(cell, text)
    given = dict(zip(said.reading, reading, strict=False))
    how: Reading = {"reverse": "reverse" in said.reading, "record": "record" in said.reading}
    how["masks"] = Masks(*[given.get(name) for name in Masks._fields])
    how["lengths"], how["resets"] = given.get("lengths"), given.get("resets")
    initial = [given[name] for name in said.reading if name.startswith("initial")]
    how["initial"] = tuple(initial) or None
    named = Weights(**dict(zip(said.weights, weights, strict=True)))
    return run(x, tuple(state), named, said.options, engine=said.engine, **how)


def _gradients(
    run: Run,
    cell: str,
    grads: Sequence[Tensor],
    x: Tensor,
    state: Sequence[Tensor],
    weights: Sequence[Tensor],
    reading: Sequence[Tensor],
    text: str,
    create_graph: bool = False,
) -> list[Tensor]:
    """The forward pass again, and its gradients for x, state, weights and the real ``reading``."""
    wanted = _wanted(x, state, weights, reading, text)
    with _recording():
        if not create_graph:
            wanted = [t.detach().requires_grad_() for t in wanted]
        outputs = _flat(_run(run, cell, *_split(wanted, x, state, weights, reading), text))
        pairs = [(o, g) for o, g in zip(outputs, grads, strict=True) if o.requires_grad]
        return list(
            torch.autograd.grad(
                [o for o, _ in pairs],
                wanted,
                [g for _, g in pairs],
                create_graph=create_graph,
                allow_unused=True,
                materialize_grads=True,
            )
        )


@contextmanager
def _recording() -> Iterator[None]:
    """Record what happens for autograd, inside an operator too, where torch has turned that off."""
    included = torch._C._dispatch_tls_local_include_set()
    excluded = torch._C._dispatch_tls_local_exclude_set()
    for key in ("AutogradOther", "AutogradCPU", "AutogradCUDA"):
        excluded = excluded.remove(getattr(torch._C.DispatchKey, key))
    with torch._C._ForceDispatchKeyGuard(included, excluded), torch.enable_grad():
        yield


def _flat(steps: Steps) -> list[Tensor]:
    # the first of the states is the output again
    return [steps.out, *steps.state, *steps.states[1:], *steps.gates]


def _steps(flat: Sequence[Tensor], parts: int, record: bool) -> Steps:
    out, state, rest = flat[0], tuple(flat[1 : 1 + parts]), tuple(flat[1 + parts :])
    if not record:
        return Steps(out, state)
    return Steps(out, state, (out, *rest[: parts - 1]), rest[parts - 1 :])


def _shapes(
    cell: str,
    x: Tensor,
    state: Sequence[Tensor],
    weights: Sequence[Tensor],
    reading: Sequence[Tensor],
    text: str,
) -> list[Tensor]:
    """Empty tensors like those of ``_flat``."""
    said = _read(cell, text)
    rows, steps = x.shape[:2]
    out = x.new_empty(rows, steps, state[0].shape[1])
    last = [torch.empty_like(part) for part in state]
    if "record" not in said.reading:
        return [out, *last]
    units = weights[said.weights.index("w_hh")].shape[0] // len(said.options.gates)
    more = len(state) - 1 + len(said.options.recorded)
    return [out, *last, *(x.new_empty(rows, steps, units) for _ in range(more))]


def _is_list(group: Any) -> bool:
    return isinstance(group, (list, tuple))


def _groups(ctx: Any) -> list[Any]:
    """The saved tensors as they were handed in: single ones and lists."""
    saved = iter(ctx.saved_tensors)
    return [next(saved) if n < 0 else [next(saved) for _ in range(n)] for n in ctx.sizes]


def _wanted(
    x: Tensor,
    state: Sequence[Tensor],
    weights: Sequence[Tensor],
    reading: Sequence[Tensor],
    text: str,
) -> list[Tensor]:
    """What has a gradient: everything but lengths and resets."""
    return [x, *state, *weights, *(t for t in reading if t.is_floating_point())]


def _split(
    wanted: list[Tensor],
    x: Tensor,
    state: Sequence[Tensor],
    weights: Sequence[Tensor],
    reading: Sequence[Tensor],
) -> tuple[Tensor, list[Tensor], list[Tensor], list[Tensor]]:
    """``_wanted`` undone: its tensors in the places of the given ones."""
    rest = iter(wanted)
    first = next(rest)
    return (
        first,
        [next(rest) for _ in state],
        [next(rest) for _ in weights],
        [next(rest) if t.is_floating_point() else t for t in reading],
    )


def _regroup(
    found: list[Tensor],
    state: Sequence[Tensor],
    weights: Sequence[Tensor],
    reading: Sequence[Tensor],
) -> tuple[Tensor, list[Tensor], list[Tensor], list[Tensor | None]]:
    """Gradients of ``_wanted`` by group, None for what has none."""
    rest = iter(found)
    first = next(rest)
    return (
        first,
        [next(rest) for _ in state],
        [next(rest) for _ in weights],
        [next(rest) if t.is_floating_point() else None for t in reading],
    )


def _apart(tensors: Sequence[Tensor]) -> list[Tensor]:
    """The tensors, each with memory of its own, as operators must give them."""
    seen: set[int] = set()
    apart = []
    for tensor in tensors:
        place = tensor.untyped_storage()._cdata
        apart.append(tensor.clone() if place in seen or tensor._is_view() else tensor)
        seen.add(place)
    return apart

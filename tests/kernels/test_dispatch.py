from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from longshort.kernels import cpu, dispatch, fused, operators, reference
from longshort.kernels.reference import (
    GRUOptions,
    LSTMOptions,
    Masks,
    Options,
    RNNOptions,
    SLSTMOptions,
    Steps,
    Weights,
)

CELLS: list[Options] = [LSTMOptions(), SLSTMOptions(), GRUOptions(), RNNOptions("relu")]


def case(options: Options, rows: int = 3, steps: int = 5) -> list[Any]:
    source = torch.Generator().manual_seed(0)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=source, dtype=torch.float64)

    gates = 4 * len(options.gates)
    weights = Weights(draw(gates, 2), draw(gates, 4), draw(gates), draw(gates))
    state = tuple(draw(rows, 4).abs() for _ in options.parts)
    return [draw(rows, steps, 2), state, weights, options]


def same(mine: Steps, other: Steps, tolerance: float = 0.0) -> None:
    for name in Steps._fields:
        torch.testing.assert_close(
            getattr(mine, name), getattr(other, name), rtol=0, atol=tolerance
        )


def definition(*arguments: Any, **reading: Any) -> Steps:
    return getattr(reference, arguments[3].cell)(*arguments, **reading)


def test_the_engine_says_which_and_why() -> None:
    assert dispatch.engine().name == ("cpu" if cpu.AVAILABLE else "reference")
    assert cpu.isa() in dispatch.engine("cpu", torch.float64).reason
    assert "bfloat16" in dispatch.engine(dtype=torch.bfloat16).reason
    assert "no fused engine" in dispatch.engine(dtype=torch.float16).reason
    assert dispatch.engine("cuda:1").name == "torch"
    assert "cuda:1" in dispatch.engine("cuda:1").reason


def test_an_engine_that_cannot_is_not_chosen_but_says_so() -> None:
    x, state, weights, options = case(LSTMOptions())
    full = torch.tensor([5, 5, 5])
    assert dispatch.choose(x, state, weights, options, "torch").name == "torch"
    assert dispatch.choose(x, state, weights, options, "reference").name == "reference"
    refused: list[tuple[Any, Any, dict[str, Any], str]] = [
        (weights, LSTMOptions("coupled"), {}, "coupled"),
        (weights._replace(b_hh=None), options, {}, "both biases or none"),
        (weights._replace(norm_gain=weights.b_ih), options, {}, "norm_gain"),
        (weights._replace(peephole=weights.b_ih), options, {}, "peephole"),
        (weights, options, {"lengths": full}, "lengths"),
        (weights, options, {"resets": full}, "resets"),
        (weights, options, {"record": True}, "every step"),
        (weights, options, {"masks": Masks(h=state[0].unsqueeze(1))}, "masks"),
    ]
    for other, kind, reading, message in refused:
        with pytest.raises(ValueError, match=message):
            dispatch.choose(x, state, other, kind, "torch", **reading)
        with pytest.raises(ValueError, match=message):
            dispatch.recurrence(x, state, other, kind, engine="torch", **reading)
    with pytest.raises(ValueError, match="auto, cpu, reference or torch"):
        dispatch.recurrence(x, state, weights, options, engine="fast")  # type: ignore[arg-type]


@pytest.mark.parametrize("options", [LSTMOptions(), GRUOptions(), RNNOptions(), RNNOptions("relu")])
@pytest.mark.parametrize("reverse", [False, True])
def test_torchs_operators_compute_the_definition(options: Options, reverse: bool) -> None:
    x, state, weights, _ = case(options)
    for bias in (True, False):
        chosen = weights if bias else weights._replace(b_ih=None, b_hh=None)
        leaves = [x, *state, *[w for w in chosen if w is not None]]
        results = []
        for run in (fused.run, definition):
            for leaf in leaves:
                leaf.requires_grad_()
            steps = run(x, state, chosen, options, reverse=reverse)
            loss = (steps.out.sin()).sum() + sum((p * p).sum() for p in steps.state)
            results.append([steps.out, *steps.state, *torch.autograd.grad(loss, leaves)])
        torch.testing.assert_close(results[0], results[1], rtol=0, atol=1e-10)


def test_torchs_operators_project_too() -> None:
    x, (h, c), weights, options = case(LSTMOptions())
    w_hh, w_hr = weights.w_hh[:, :3].contiguous(), weights.w_hh[:3]
    weights = weights._replace(w_hh=w_hh, w_hr=w_hr)
    state = (h[:, :3].contiguous(), c)
    same(fused.run(x, state, weights, options), definition(x, state, weights, options), 1e-12)


READINGS: dict[str, dict[str, Any]] = {
    "plain": {},
    "ragged": {"lengths": torch.tensor([5, 0, 2]), "reverse": True, "record": True},
    "cut": {"resets": torch.tensor([[False, True, False, False, True]] * 3), "record": True},
}


@pytest.mark.parametrize("options", CELLS, ids=lambda options: options.cell)
@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize("memory", ["recompute", "chunks"])
def test_less_memory_same_numbers(options: Options, reading: str, memory: Any) -> None:
    for steps in (1, 5):
        x, state, weights, _ = case(options, steps=5)
        given = dict(READINGS[reading])
        given["masks"] = Masks(h=torch.rand(3, 1, 4).double(), keep_h=torch.rand(3, 5, 4).double())
        given["initial"] = tuple(part[0] for part in state)
        if steps == 1:
            given = {}
        leaves = [x, *state, *weights[:4]]
        results = []
        for knob in ("all", memory):
            for leaf in leaves:
                leaf.requires_grad_()
            out = dispatch.recurrence(x[:, :steps], state, weights, options, memory=knob, **given)
            parts = [out.out, *out.state, *out.states, *out.gates]
            loss = sum((part.sin()).sum() for part in parts)
            grads = torch.autograd.grad(loss, leaves, create_graph=True)
            second = torch.autograd.grad(sum((g * g).sum() for g in grads), leaves)
            results.append([*parts, *grads, *second])
        torch.testing.assert_close(results[0], results[1], rtol=1e-9, atol=1e-9)


# as operators


@pytest.mark.parametrize("options", CELLS, ids=lambda options: options.cell)
@pytest.mark.parametrize("reading", READINGS)
def test_an_operator_computes_the_definition_and_its_derivatives(
    options: Options, reading: str
) -> None:
    x, state, weights, _ = case(options, steps=5)
    given = dict(READINGS[reading])
    given["initial"] = tuple(part[0].detach().clone() for part in state)
    given["masks"] = Masks(g=torch.rand(3, 5, 4).double()) if options.cell != "rnn" else Masks()
    leaves = [x, *state, *weights[:4], *given["initial"]]
    results = []
    for run in (definition, lambda *a, **k: operators.call(*a, "auto", **k)):
        for leaf in leaves:
            leaf.requires_grad_()
        steps = run(x, state, weights, options, **given)
        parts = [steps.out, *steps.state, *steps.states, *steps.gates]
        loss = sum(((k + 1) * part.sin()).sum() for k, part in enumerate(parts))
        grads = torch.autograd.grad(
            loss, leaves, create_graph=True, allow_unused=True, materialize_grads=True
        )
        second = torch.autograd.grad(
            sum((g * g).sum() for g in grads), leaves, allow_unused=True, materialize_grads=True
        )
        results.append([*parts, *grads, *second])
    torch.testing.assert_close(results[0], results[1], rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("options", CELLS, ids=lambda options: options.cell)
def test_operators_pass_torchs_own_checks(options: Options) -> None:
    x, state, weights, _ = case(options, rows=2, steps=3)
    leaves = [x, *state, *weights[:4]]
    for leaf in leaves:
        leaf.requires_grad_()
    text = f"{options.text}|w_ih w_hh b_ih b_hh|lengths record|auto"
    arguments = (x, list(state), list(weights[:4]), [torch.tensor([3, 1])], text)
    operator = getattr(torch.ops.longshort, options.cell)
    torch.library.opcheck(operator.default, arguments)

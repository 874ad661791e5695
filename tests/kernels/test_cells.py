"""Every cell with every option: derivatives, padding, cuts, chunks, masks, against torch's too."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from longshort.kernels.reference import (
    GRUOptions,
    LSTMOptions,
    Masks,
    RNNOptions,
    SLSTMOptions,
    State,
    Steps,
    Weights,
    gru,
    lstm,
    rnn,
    slstm,
)

Options = LSTMOptions | SLSTMOptions | GRUOptions | RNNOptions
KERNELS: dict[str, Callable[..., Steps]] = {"lstm": lstm, "slstm": slstm, "gru": gru, "rnn": rnn}
# everything that weights can switch on
EXTRAS = ("bias", "projection", "peephole", "norm", "norm_c")


class Case:
    """Random weights, input, state and masks for one cell with some options."""

    def __init__(
        self, options: Options, *extras: str, rows: int = 2, steps: int = 3, units: int = 2
    ) -> None:
        self.options, self.rows, self.steps = options, rows, steps
        self.source = torch.Generator().manual_seed(3)
        self.x = self.draw(rows, steps, 2)
        self.width = 3 if "projection" in extras else units
        blocks = len(options.gates)
        peepholes = len(getattr(options, "peepholes", ()))
        self.weights = Weights(
            self.draw(blocks * units, 2),
            self.draw(blocks * units, self.width),
            *([self.draw(blocks * units), self.draw(blocks * units)] if "bias" in extras else ()),
            w_hr=self.draw(self.width, units) if "projection" in extras else None,
            peephole=self.draw(peepholes * units) if "peephole" in extras else None,
            norm_gain=self.draw(blocks * units) if "norm" in extras else None,
            norm_bias=self.draw(blocks * units) if "norm" in extras else None,
            norm_c_gain=self.draw(units) if "norm_c" in extras else None,
            norm_c_bias=self.draw(units) if "norm_c" in extras else None,
        )
        self.units = units
        self.state = self.new_state(rows)
        self.initial = tuple(part[0] for part in self.new_state(1))

    def draw(self, *shape: int) -> Tensor:
        return torch.randn(*shape, generator=self.source, dtype=torch.float64) * 0.8

    def new_state(self, rows: int) -> State:
        widths = [self.width] + [self.units] * (len(self.options.parts) - 1)
        state = [self.draw(rows, width) for width in widths]
        if self.options.cell == "slstm":
            state[2] = state[2].abs() + 0.5
        return tuple(state)

    def masks(self, *names: str) -> Masks:
        shapes = {
            "x": (self.rows, 1, 2),
            "h": (self.rows, 1, self.width),
            "g": (self.rows, self.steps, self.units),
            "keep_h": (self.rows, self.steps, self.width),
            "keep_c": (self.rows, self.steps, self.units),
        }
        return Masks(**{name: self.draw(*shapes[name]).abs().clamp(max=1) for name in names})

    def leaves(self) -> list[Tensor]:
        weights = [w for w in self.weights if w is not None]
        tensors = [self.x, *self.state, *self.initial, *weights]
        return [t.clone().requires_grad_() for t in tensors]

    def run(self, *leaves: Tensor, **reading: Any) -> Steps:
        parts = len(self.state)
        state, initial = leaves[1 : 1 + parts], leaves[1 + parts : 1 + 2 * parts]
        rest = iter(leaves[1 + 2 * parts :])
        weights = Weights(*[None if w is None else next(rest) for w in self.weights])
        kernel = KERNELS[self.options.cell]
        return kernel(leaves[0], state, weights, self.options, initial=initial, **reading)


OPTIONS: dict[str, tuple[Options, tuple[str, ...], tuple[str, ...]]] = {
    "lstm": (LSTMOptions(), ("bias",), ()),
    "lstm-coupled-peephole": (LSTMOptions("coupled"), ("bias", "peephole"), ("g",)),
    "lstm-1997": (LSTMOptions("none"), (), ()),
    "lstm-1997-peephole-norm": (LSTMOptions("none"), ("peephole", "norm"), ("keep_c",)),
    "lstm-peephole": (LSTMOptions(), ("bias", "peephole"), ()),
    "lstm-norm": (LSTMOptions(), ("bias", "norm", "norm_c"), ()),
    "lstm-projection": (LSTMOptions(), ("projection",), ("h",)),
    "lstm-clips": (
        LSTMOptions(gate_clip=0.7, cell_clip=0.4, proj_clip=0.15),
        ("bias", "projection"),
        (),
    ),
    "lstm-masks": (LSTMOptions(), ("bias",), Masks._fields),
    "lstm-everything": (
        LSTMOptions(gate_clip=0.9, cell_clip=0.8, proj_clip=0.5),
        EXTRAS,
        Masks._fields,
    ),
    "slstm": (SLSTMOptions(), ("bias",), ()),
    "slstm-exp": (SLSTMOptions("exp"), ("bias",), ()),
    "slstm-everything": (
        SLSTMOptions("exp", gate_clip=0.9, proj_clip=0.5),
        ("bias", "projection", "norm", "norm_c"),
        ("x", "h", "g", "keep_h"),
    ),
    "gru": (GRUOptions(), ("bias",), ()),
    "gru-before": (GRUOptions(reset_after=False), ("bias",), ()),
    "gru-everything": (GRUOptions(gate_clip=0.8), ("bias", "norm"), ("x", "h", "g", "keep_h")),
    "gru-before-everything": (
        GRUOptions(reset_after=False, gate_clip=0.8),
        ("bias", "norm"),
        ("x", "h", "g", "keep_h"),
    ),
    "rnn": (RNNOptions(), ("bias",), ()),
    "rnn-relu": (RNNOptions("relu"), (), ()),
    "rnn-everything": (RNNOptions(gate_clip=0.6), ("bias", "norm"), ("x", "h", "keep_h")),
}
CUTS = torch.tensor([[False, True, False], [False, False, True]])


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("name", OPTIONS)
def test_derivatives_once_and_twice(name: str, reverse: bool) -> None:
    options, extras, masks = OPTIONS[name]
    case = Case(options, *extras)
    reading = {"masks": case.masks(*masks), "reverse": reverse, "record": True}
    reading |= {"lengths": torch.tensor([3, 2]), "resets": CUTS} if reverse else {"resets": CUTS}

    def run(*leaves: Tensor) -> list[Tensor]:
        steps = case.run(*leaves, **reading)
        recorded = (*steps.states, *steps.gates)
        return [t for t in (steps.out, *steps.state, *recorded) if t.requires_grad]

    leaves = case.leaves()
    assert torch.autograd.gradcheck(run, leaves, fast_mode=not reverse)
    assert torch.autograd.gradgradcheck(run, leaves, fast_mode=True)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("name", OPTIONS)
def test_padding_reaches_nothing(name: str, reverse: bool) -> None:
    options, extras, masks = OPTIONS[name]
    case = Case(options, *extras, rows=3)
    lengths = torch.tensor([3, 0, 2])
    padding = torch.arange(3) >= lengths.unsqueeze(1)
    chosen, results = case.masks(*masks), []
    # a cut at padding counts for nothing
    cuts = torch.tensor([[False, False, True], [True, False, True], [False, False, True]])
    for poison in (0.0, math.nan, math.inf):
        leaves = case.leaves()
        with torch.no_grad():
            leaves[0][padding] = poison
        steps = case.run(
            *leaves, lengths=lengths, reverse=reverse, masks=chosen, resets=cuts, record=True
        )
        for part in (steps.out, *steps.states, *steps.gates):
            assert not part[padding].any()
        for part, first in zip(steps.state, case.state, strict=True):
            assert torch.equal(part[1], first[1])
        loss = sum((t.sin() + t).sum() for t in (*steps[0:1], *steps.state, *steps.gates))
        grads = torch.autograd.grad(loss, leaves, create_graph=True, allow_unused=True)
        kept = [g for g in grads if g is not None]
        second = torch.autograd.grad(sum((g * g).sum() for g in kept), leaves, allow_unused=True)
        assert second[0] is not None
        assert not second[0][padding].any()
        found = [steps.out, *steps.state, *kept, *[g for g in second if g is not None]]
        results.append(found)
    for other in results[1:]:
        for clean, poisoned in zip(results[0], other, strict=True):
            assert torch.equal(clean, poisoned)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("name", OPTIONS)
def test_a_cut_row_is_two_rows(name: str, reverse: bool) -> None:
    options, extras, _ = OPTIONS[name]
    case = Case(options, *extras, rows=2, steps=6)
    lengths = torch.tensor([6, 5])
    resets = torch.zeros(2, 6, dtype=torch.bool)
    resets[0, 2] = resets[1, 4] = True
    whole = case.run(*case.leaves(), lengths=lengths, resets=resets, reverse=reverse)
    fresh = tuple(part.expand(2, -1) for part in case.initial)
    kernel = KERNELS[options.cell]
    for row, (cut, end) in enumerate([(2, 6), (4, 5)]):
        one = slice(row, row + 1)
        state = tuple(part[one] for part in case.state)
        new = tuple(part[one] for part in fresh)
        head, tail = (new, state) if reverse else (state, new)
        reading = {"reverse": reverse}
        first = kernel(case.x[one, :cut], head, case.weights, options, **reading)
        second = kernel(case.x[one, cut:end], tail, case.weights, options, **reading)
        expected = torch.cat([first.out, second.out], 1)
        torch.testing.assert_close(whole.out[one, :end], expected, rtol=0, atol=1e-12)
        last = first.state if reverse else second.state
        for part, truth in zip(whole.state, last, strict=True):
            torch.testing.assert_close(part[one], truth, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", OPTIONS)
def test_whole_is_steps_and_records_them(name: str) -> None:
    options, extras, masks = OPTIONS[name]
    case = Case(options, *extras, steps=4)
    chosen = case.masks(*masks)
    whole = case.run(*case.leaves(), masks=chosen, record=True)
    assert len(whole.states) == len(options.parts)
    assert len(whole.gates) == len(options.recorded)
    state = case.state
    for t in range(4):
        at = {n: m[:, t : t + 1] if m.shape[1] > 1 else m for n, m in _given(chosen).items()}
        steps = KERNELS[options.cell](
            case.x[:, t : t + 1], state, case.weights, options, masks=Masks(**at), record=True
        )
        state = steps.state
        one = [steps.out, *steps.states, *steps.gates]
        for part, every in zip(one, [whole.out, *whole.states, *whole.gates], strict=True):
            torch.testing.assert_close(part[:, 0], every[:, t], rtol=0, atol=1e-12)
        for part, every in zip(state, whole.states, strict=True):
            torch.testing.assert_close(part, every[:, t], rtol=0, atol=1e-12)


def _given(masks: Masks) -> dict[str, Tensor]:
    return {name: mask for name, mask in masks._asdict().items() if mask is not None}


def test_gates_are_what_was_multiplied() -> None:
    for forget in ("gate", "coupled", "none"):
        case = Case(LSTMOptions(forget), "bias", steps=5)  # type: ignore[arg-type]
        steps = case.run(*case.leaves(), record=True)
        (i, f, g, o), (h, c) = steps.gates, steps.states
        before = torch.cat([case.state[1].unsqueeze(1), c[:, :-1]], 1)
        torch.testing.assert_close(f * before + i * g, c)
        torch.testing.assert_close(o * c.tanh(), h)
        if forget == "coupled":
            torch.testing.assert_close(f + i, torch.ones_like(i))
        if forget == "none":
            assert bool((f == 1).all())


@pytest.mark.parametrize("masked", [False, True])
def test_an_slstm_is_what_the_unstabilised_equations_say(masked: bool) -> None:
    for forget in ("sigmoid", "exp"):
        case = Case(SLSTMOptions(forget), "bias", steps=5)  # type: ignore[arg-type]
        masks = case.masks("g") if masked else Masks()
        steps = case.run(*case.leaves(), masks=masks)
        h, c, n, m = case.state
        c, n = c * m.exp(), n * m.exp()
        for t in range(5):
            w = case.weights
            a = case.x[:, t] @ w.w_ih.t() + h @ w.w_hh.t() + w.b_ih + w.b_hh
            i, f, z, o = a.chunk(4, 1)
            i, f = i.exp(), f.exp() if forget == "exp" else f.sigmoid()
            new = z.tanh() if masks.g is None else z.tanh() * masks.g[:, t]
            c, n = f * c + i * new, f * n + i
            h = o.sigmoid() * c / n
            torch.testing.assert_close(steps.out[:, t], h, rtol=0, atol=1e-12)


def test_an_slstm_survives_gates_that_overflow() -> None:
    weights = Weights(torch.tensor([[900.0], [800.0], [1.0], [1.0]]), torch.zeros(4, 1))
    zero = torch.zeros(2, 1)
    x = torch.tensor([[[1.0], [-1.0], [1.0]], [[-1.0], [-1.0], [-1.0]]], requires_grad=True)
    for forget in ("sigmoid", "exp"):
        options = SLSTMOptions(forget)  # type: ignore[arg-type]
        steps = slstm(x, (zero,) * 4, weights, options)
        assert bool(steps.out.isfinite().all())
        (grad,) = torch.autograd.grad(steps.out.sum(), x)
        assert bool(grad.isfinite().all())


def test_gru_and_rnn_as_torch() -> None:
    torch.manual_seed(0)
    x, h = torch.randn(3, 5, 2).double(), torch.randn(3, 4).double()
    for bias in (False, True):
        for theirs, kernel, options in (
            (nn.GRU(2, 4, bias=bias, batch_first=True), gru, GRUOptions()),
            (nn.RNN(2, 4, bias=bias, batch_first=True), rnn, RNNOptions()),
            (nn.RNN(2, 4, 1, "relu", bias, batch_first=True), rnn, RNNOptions("relu")),
        ):
            weights = Weights(*[p.detach() for p in theirs.double().parameters()])
            out, last = theirs(x, h.unsqueeze(0))
            steps = kernel(x, (h,), weights, options)  # type: ignore[operator]
            torch.testing.assert_close(steps.out, out, rtol=0, atol=1e-12)
            torch.testing.assert_close(steps.state[0], last[0], rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 0.1), (torch.float16, 2e-2)]
)
@pytest.mark.parametrize("name", OPTIONS)
def test_other_dtypes(name: str, dtype: torch.dtype, tolerance: float) -> None:
    options, extras, _ = OPTIONS[name]
    case = Case(options, *extras, rows=3, units=4)
    truth = case.run(*case.leaves())
    steps = case.run(*[leaf.detach().to(dtype) for leaf in case.leaves()])
    assert all(part.dtype == dtype for part in (steps.out, *steps.state))
    torch.testing.assert_close(steps.out.double(), truth.out, rtol=0, atol=tolerance)


@pytest.mark.parametrize("name", OPTIONS)
def test_no_rows_and_no_steps(name: str) -> None:
    options, extras, _ = OPTIONS[name]
    case = Case(options, *extras, rows=0)
    steps = case.run(*case.leaves(), lengths=torch.zeros(0, dtype=torch.int64), record=True)
    assert steps.out.shape == (0, 3, case.width)
    case = Case(options, *extras, steps=0)
    steps = case.run(*case.leaves())
    assert steps.out.shape == (2, 0, case.width)
    for part, first in zip(steps.state, case.state, strict=True):
        assert torch.equal(part, first)


def test_clips_bound_and_block() -> None:
    case = Case(LSTMOptions(cell_clip=0.1), "bias", rows=5, steps=6)
    leaves = case.leaves()
    steps = case.run(*leaves, record=True)
    c = steps.states[1].detach()
    assert float(c.abs().max()) == 0.1
    outside = c[:, -1].abs() == 0.1
    assert bool(outside.any())
    (grad,) = torch.autograd.grad(steps.state[1][outside].sum(), leaves[0])
    assert not grad.any()


def test_a_kept_state_is_kept() -> None:
    case = Case(LSTMOptions(), "bias")
    ones = torch.ones(1, 1, 1, dtype=torch.float64)
    steps = case.run(*case.leaves(), masks=Masks(keep_h=ones, keep_c=ones))
    for part, first in zip(steps.state, case.state, strict=True):
        assert torch.equal(part, first)


def test_what_a_cell_has_not_is_refused() -> None:
    for build in (
        lambda: LSTMOptions("exp"),  # type: ignore[arg-type]
        lambda: SLSTMOptions("gate"),  # type: ignore[arg-type]
        lambda: RNNOptions("sigmoid"),  # type: ignore[arg-type]
        lambda: LSTMOptions(cell_clip=0.0),
        lambda: GRUOptions(gate_clip=-1.0),
    ):
        with pytest.raises(ValueError, match="should be"):
            build()
    case = Case(RNNOptions())
    with pytest.raises(ValueError, match="no candidate"):
        case.run(*case.leaves(), masks=Case(LSTMOptions()).masks("g"))
    case = Case(SLSTMOptions())
    with pytest.raises(ValueError, match="no scale of its own"):
        case.run(*case.leaves(), masks=case.masks("keep_c"))

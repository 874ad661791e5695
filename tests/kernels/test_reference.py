from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from longshort.kernels import reference
from longshort.kernels.reference import Weights

State = tuple[Tensor, Tensor]


def lstm(x: Tensor, state: State, weights: Weights, **reading: Any) -> tuple[Tensor, State]:
    steps = reference.lstm(x, state, weights, **reading)
    return steps.out, (steps.state[0], steps.state[1])


def random_weights(features: int, units: int, *, bias: bool = True, seed: int = 0) -> Weights:
    source = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.randn(4 * units, *shape, generator=source, dtype=torch.float64) * 0.6

    return Weights(draw(features), draw(units), *((draw(), draw()) if bias else ()))


def random_case(rows: int, steps: int, features: int, units: int) -> tuple[Tensor, State]:
    source = torch.Generator().manual_seed(rows * 100 + steps)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=source, dtype=torch.float64)

    return draw(rows, steps, features), (draw(rows, units), draw(rows, units))


def sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value))


def by_hand(
    x: list[list[float]], h: list[float], c: list[float], weights: Weights, reverse: bool
) -> tuple[list[list[float]], list[float], list[float]]:
    """One row, number by number: an independent reading of the equations."""
    units = len(h)
    w_ih, w_hh = weights.w_ih.tolist(), weights.w_hh.tolist()
    b_ih = weights.b_ih.tolist() if weights.b_ih is not None else [0.0] * 4 * units
    b_hh = weights.b_hh.tolist() if weights.b_hh is not None else [0.0] * 4 * units
    out: list[list[float]] = [[0.0] * units for _ in x]
    times = range(len(x) - 1, -1, -1) if reverse else range(len(x))
    for t in times:
        new_h, new_c = [], []
        for unit in range(units):
            gate = []
            for row in (unit, units + unit, 2 * units + unit, 3 * units + unit):
                total = b_ih[row] + b_hh[row]
                for feature, value in enumerate(x[t]):
                    total += w_ih[row][feature] * value
                for other in range(units):
                    total += w_hh[row][other] * h[other]
                gate.append(total)
            cell = sigmoid(gate[1]) * c[unit] + sigmoid(gate[0]) * math.tanh(gate[2])
            new_c.append(cell)
            new_h.append(sigmoid(gate[3]) * math.tanh(cell))
        h, c = new_h, new_c
        out[t] = h
    return out, h, c


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("bias", [False, True])
def test_agrees_with_scalar_arithmetic(reverse: bool, bias: bool) -> None:
    x, (h0, c0) = random_case(4, 5, 2, 3)
    weights = random_weights(2, 3, bias=bias)
    lengths = torch.tensor([5, 3, 0, 1])
    out, (h, c) = lstm(x, (h0, c0), weights, lengths=lengths, reverse=reverse)
    for row, length in enumerate(lengths.tolist()):
        valid = x[row, :length].tolist()
        truth = by_hand(valid, h0[row].tolist(), c0[row].tolist(), weights, reverse)
        expected = truth[0] + [[0.0] * 3] * (5 - length)
        torch.testing.assert_close(out[row], out.new_tensor(expected), rtol=0, atol=1e-14)
        torch.testing.assert_close(h[row], h.new_tensor(truth[1]), rtol=0, atol=1e-14)
        torch.testing.assert_close(c[row], c.new_tensor(truth[2]), rtol=0, atol=1e-14)


def differentiable(
    lengths: list[int] | None, reverse: bool, bias: bool, steps: int, features: int
) -> tuple[Callable[..., tuple[Tensor, ...]], list[Tensor]]:
    x, state = random_case(2, steps, features, 2)
    inputs = [x, *state, *[w for w in random_weights(features, 2, bias=bias) if w is not None]]

    def run(x: Tensor, h: Tensor, c: Tensor, *weights: Tensor) -> tuple[Tensor, ...]:
        valid = None if lengths is None else torch.tensor(lengths)
        out, last = lstm(x, (h, c), Weights(*weights), lengths=valid, reverse=reverse)
        return out, *last

    return run, [tensor.requires_grad_() for tensor in inputs]


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("lengths", [None, [3, 1], [0, 2]])
@pytest.mark.parametrize("bias", [False, True])
def test_gradients(lengths: list[int] | None, reverse: bool, bias: bool) -> None:
    run, inputs = differentiable(lengths, reverse, bias, steps=3, features=2)
    assert torch.autograd.gradcheck(run, inputs)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("lengths", [None, [2, 1], [0, 2]])
def test_second_gradients(lengths: list[int] | None, reverse: bool) -> None:
    run, inputs = differentiable(lengths, reverse, bias=True, steps=2, features=1)
    assert torch.autograd.gradgradcheck(run, inputs)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("poison", [math.nan, math.inf, -math.inf])
def test_padding_reaches_no_value_and_no_gradient(reverse: bool, poison: float) -> None:
    lengths = torch.tensor([4, 2, 0, 1])
    padding = torch.arange(4) >= lengths.unsqueeze(1)
    results = []
    for fill in (0.0, poison):
        x, state = random_case(4, 4, 3, 2)
        x[padding] = fill
        leaves = [x, *state, *[w for w in random_weights(3, 2) if w is not None]]
        leaves = [leaf.requires_grad_() for leaf in leaves]
        weights = Weights(*leaves[3:])
        state = (leaves[1], leaves[2])
        out, (h, c) = lstm(leaves[0], state, weights, lengths=lengths, reverse=reverse)
        # cotangents at padded outputs too: they must go nowhere
        loss = (out.sin() + out).sum() + (h * h).sum() + c.sum()
        grads = torch.autograd.grad(loss, leaves, create_graph=True)
        second = torch.autograd.grad(sum((g * g).sum() for g in grads), leaves)
        assert bool((out[padding] == 0).all())
        assert bool((grads[0][padding] == 0).all())
        assert bool((second[0][padding] == 0).all())
        results.append([out, h, c, *grads, *second])
    for clean, poisoned in zip(*results, strict=True):
        assert torch.equal(clean, poisoned)


def test_a_row_of_length_zero_keeps_its_state() -> None:
    x, (h0, c0) = random_case(3, 4, 2, 3)
    for reverse in (False, True):
        out, (h, c) = lstm(
            x, (h0, c0), random_weights(2, 3), lengths=torch.tensor([4, 0, 2]), reverse=reverse
        )
        assert torch.equal(h[1], h0[1])
        assert torch.equal(c[1], c0[1])
        assert bool((out[1] == 0).all())


def test_no_steps_and_no_rows() -> None:
    x, state = random_case(2, 0, 3, 4)
    out, (h, c) = lstm(x, state, random_weights(3, 4), lengths=torch.zeros(2, dtype=torch.long))
    assert out.shape == (2, 0, 4)
    assert torch.equal(h, state[0])
    assert torch.equal(c, state[1])
    x, state = random_case(0, 5, 3, 4)
    out, (h, _) = lstm(x, state, random_weights(3, 4), lengths=torch.zeros(0, dtype=torch.long))
    assert out.shape == (0, 5, 4)
    assert h.shape == (0, 4)


@given(
    st.lists(st.integers(0, 7), min_size=1, max_size=4),
    st.lists(st.integers(0, 7), max_size=3).map(sorted),
    st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_whole_is_chunks(lengths: list[int], cuts: list[int], reverse: bool) -> None:
    x, state = random_case(len(lengths), 7, 2, 3)
    weights = random_weights(2, 3)
    valid = torch.tensor(lengths)
    whole, last = lstm(x, state, weights, lengths=valid, reverse=reverse)
    edges = list(zip([0, *cuts], [*cuts, 7], strict=True))
    pieces = [whole[:, :0]] * len(edges)
    for place in reversed(range(len(edges))) if reverse else range(len(edges)):
        start, stop = edges[place]
        part = (valid - start).clamp(0, stop - start)
        chunk = x[:, start:stop]
        pieces[place], state = lstm(chunk, state, weights, lengths=part, reverse=reverse)
    torch.testing.assert_close(torch.cat(pieces, dim=1), whole, rtol=0, atol=1e-12)
    torch.testing.assert_close(state, last, rtol=0, atol=1e-12)


def test_full_lengths_are_no_lengths() -> None:
    x, state = random_case(3, 4, 2, 5)
    weights = random_weights(2, 5)
    plain, last = lstm(x, state, weights)
    full, full_last = lstm(x, state, weights, lengths=torch.tensor([4, 4, 4]))
    assert torch.equal(plain, full)
    assert torch.equal(last[0], full_last[0])
    assert torch.equal(last[1], full_last[1])


def test_either_bias_alone_counts() -> None:
    x, state = random_case(2, 3, 2, 3)
    w_ih, w_hh, b_ih, *_ = random_weights(2, 3)
    assert b_ih is not None
    first, _ = lstm(x, state, Weights(w_ih, w_hh, b_ih, None))
    second, _ = lstm(x, state, Weights(w_ih, w_hh, None, b_ih))
    both, _ = lstm(x, state, Weights(w_ih, w_hh, b_ih, torch.zeros_like(b_ih)))
    assert torch.equal(first, both)
    assert torch.equal(second, both)


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float32, 1e-6), (torch.bfloat16, 0.05), (torch.float16, 5e-3)]
)
def test_other_dtypes(dtype: torch.dtype, tolerance: float) -> None:
    x, (h0, c0) = random_case(3, 6, 4, 5)
    weights = random_weights(4, 5)
    lengths = torch.tensor([6, 2, 4])
    truth, _ = lstm(x, (h0, c0), weights, lengths=lengths)
    narrow = Weights(*[w.to(dtype) for w in weights if w is not None])
    out, (h, c) = lstm(x.to(dtype), (h0.to(dtype), c0.to(dtype)), narrow, lengths=lengths)
    assert out.dtype == h.dtype == c.dtype == dtype
    torch.testing.assert_close(out.double(), truth, rtol=0, atol=tolerance)


# keras/src/layers/rnn/lstm_test.py: kernel 0.01, recurrent kernel 0.02, bias 0.03


def keras_weights(features: int, units: int, *, unit_forget_bias: bool = True) -> Weights:
    kernel = torch.full((features, 4, units), 0.01)
    recurrent = torch.full((units, 4, units), 0.02)
    bias = torch.full((4, units), 0.03)
    if unit_forget_bias:
        bias[1] = 1.0
    # keras stacks i, f, c, o along the last axis of (features, 4 * units); its c is our g
    keras, ours = "ifco", "ifgo"
    blocks = [keras.index(gate.replace("g", "c")) for gate in ours]
    return Weights(
        kernel[:, blocks].flatten(1).t(),
        recurrent[:, blocks].flatten(1).t(),
        bias[blocks].flatten(),
        torch.zeros(4 * units),
    )


def zeros(rows: int, units: int) -> State:
    return torch.zeros(rows, units), torch.zeros(rows, units)


@pytest.mark.parametrize(
    ("unit_forget_bias", "go_backwards", "expected"),
    [
        (True, False, [0.6288687, 0.86899155, 0.9460773]),
        (True, True, [0.35622165, 0.74789524, 0.8872726]),
        (False, False, [0.57019705, 0.8661914, 0.9459622]),
    ],
)
def test_keras_last_output(
    unit_forget_bias: bool, go_backwards: bool, expected: list[float]
) -> None:
    x = torch.arange(72.0).reshape(3, 6, 4)
    weights = keras_weights(4, 3, unit_forget_bias=unit_forget_bias)
    _, (h, _) = lstm(x, zeros(3, 3), weights, reverse=go_backwards)
    torch.testing.assert_close(
        h, torch.tensor(expected).unsqueeze(1).expand(3, 3), rtol=0, atol=1e-5
    )


def test_keras_without_bias() -> None:
    x = torch.arange(72.0).reshape(3, 6, 4)
    weights = keras_weights(4, 3)._replace(b_ih=None, b_hh=None)
    _, (h, _) = lstm(x, zeros(3, 3), weights)
    expected = torch.tensor([0.54986924, 0.86226785, 0.9443936])
    torch.testing.assert_close(h, expected.unsqueeze(1).expand(3, 3), rtol=0, atol=1e-5)


def test_keras_stateful_second_call() -> None:
    x = torch.arange(24.0).reshape(2, 3, 4)
    weights = keras_weights(4, 4)
    _, state = lstm(x, zeros(2, 4), weights)
    _, (h, _) = lstm(x, state, weights)
    expected = torch.tensor([0.3124785, 0.6863672])
    torch.testing.assert_close(h, expected.unsqueeze(1).expand(2, 4), rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("go_backwards", "expected"),
    [
        (False, [[0.20574439, 0.3558822], [0.64930826, 0.66276]]),
        (True, [[0.13281618, 0.2790356], [0.5839337, 0.5992567]]),
    ],
)
def test_keras_initial_state(go_backwards: bool, expected: list[list[float]]) -> None:
    x = torch.arange(24.0).reshape(2, 4, 3)
    first = torch.arange(4.0).reshape(2, 2)
    _, (h, _) = lstm(x, (first, first), keras_weights(3, 2), reverse=go_backwards)
    torch.testing.assert_close(h, torch.tensor(expected), rtol=0, atol=1e-5)


def test_keras_masking() -> None:
    x = torch.arange(24.0).reshape(2, 4, 3)
    lengths = torch.tensor([3, 2])
    weights = keras_weights(3, 2)
    out, (h, _) = lstm(x, zeros(2, 2), weights, lengths=lengths)
    sequence = torch.tensor([0.01588910, 0.05552048, 0.11755939, 0.0])
    torch.testing.assert_close(out[0], sequence.unsqueeze(1).expand(4, 2), rtol=0, atol=1e-5)
    last = torch.tensor([0.11755939, 0.28556206])
    torch.testing.assert_close(h, last.unsqueeze(1).expand(2, 2), rtol=0, atol=1e-5)
    # go_backwards with the mask in front: ours has padding behind, so the rows move to the front
    moved = torch.stack([x[0].roll(-1, dims=0), x[1].roll(-2, dims=0)])
    _, (h, _) = lstm(moved, zeros(2, 2), weights, lengths=lengths, reverse=True)
    last = torch.tensor([0.15341201, 0.3844719])
    torch.testing.assert_close(h, last.unsqueeze(1).expand(2, 2), rtol=0, atol=1e-5)

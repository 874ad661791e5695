"""Against ONNX's own cases, ONNX Runtime, Keras's published results, Keras's equations, torch."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import TensorProto, helper
from onnx.backend.test.case import node as node_cases
from torch import Tensor

from longshort.kernels import dispatch
from longshort.kernels.reference import (
    GRUOptions,
    LSTMOptions,
    Options,
    RNNOptions,
    SLSTMOptions,
    Steps,
    Weights,
)
from longshort.layers.convert import (
    Direction,
    Onnx,
    from_keras,
    from_onnx,
    from_tensorflow,
    from_torch,
    to_keras,
    to_layer,
    to_onnx,
    to_torch,
)
from longshort.layers.recurrent import GRU, LSTM

Array = NDArray[Any]
INPUTS = ("X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P")
# importing these makes their cases, inputs and outputs
for name in ("gru", "lstm", "rnn"):
    import_module(f"{node_cases.__name__}.{name}")
CASES = {case.name: case for case in node_cases._NodeTestCases}


# ONNX: the adapter


def run_onnx(op_type: str, attributes: dict[str, Any], given: dict[str, Array]) -> list[Array]:
    """Y, Y_h and, for an LSTM, Y_c of an ONNX node, computed by our kernels in float64."""
    tensors = {name: torch.as_tensor(np.array(array)) for name, array in given.items()}
    wide = {n: t.double() if t.is_floating_point() else t for n, t in tensors.items()}
    node = Onnx(op_type, wide["W"], wide["R"], wide.get("B"), wide.get("P"), attributes)
    sides, options = from_onnx(node)
    batch_first = bool(attributes.get("layout", 0))
    x = wide["X"] if batch_first else wide["X"].transpose(0, 1)
    states = []
    for name in ("initial_h", "initial_c")[: len(options.parts)]:
        zeros = x.new_zeros(len(sides), x.shape[0], node.r.shape[2])
        part = wide.get(name, zeros)
        states.append(part.transpose(0, 1) if batch_first and name in wide else part)
    found = []
    for side, weights in enumerate(sides):
        found.append(
            dispatch.recurrence(
                x,
                tuple(part[side] for part in states),
                weights,
                options,
                lengths=wide.get("sequence_lens"),
                reverse=side == 1 or attributes.get("direction") == "reverse",
            )
        )
    # (T, D, B, H) and (D, B, H), or (B, T, D, H) and (B, D, H)
    y = torch.stack([steps.out for steps in found], 2)
    last = [torch.stack(part) for part in zip(*[steps.state for steps in found], strict=True)]
    y = y if batch_first else y.permute(1, 2, 0, 3)
    last = [part.transpose(0, 1) if batch_first else part for part in last]
    return [part.numpy() for part in (y, *last)]


def run_runtime(op_type: str, attributes: dict[str, Any], given: dict[str, Array]) -> list[Array]:
    """The same by ONNX Runtime, in float32."""
    order = INPUTS if op_type == "LSTM" else INPUTS[:6]
    names = [name if name in given else "" for name in order]
    outputs = ["Y", "Y_h", "Y_c"][: 3 if op_type == "LSTM" else 2]
    narrow = {
        n: a.astype(np.float32 if a.dtype.kind == "f" else np.int32) for n, a in given.items()
    }
    graph = helper.make_graph(
        [helper.make_node(op_type, names, outputs, **attributes)],
        "one node",
        [
            helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape)
            for n, a in narrow.items()
        ],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return list(session.run(None, narrow))


def plain(value: Any) -> Any:
    if isinstance(value, list):
        return [plain(each) for each in value]
    return value.decode() if isinstance(value, bytes) else value


def test_there_are_eighteen_cases() -> None:
    assert len(CASES) == 18


@pytest.mark.parametrize("name", sorted(CASES))
def test_onnx_backend_case(name: str) -> None:
    case = CASES[name]
    (node,) = case.model.graph.node
    attributes = {a.name: plain(helper.get_attribute_value(a)) for a in node.attribute}
    for inputs, outputs in case.data_sets:
        present = [each for each in node.input if each]
        by_name = dict(zip(present, inputs, strict=True))
        places = {INPUTS[at]: by_name[each] for at, each in enumerate(node.input) if each}
        found = run_onnx(node.op_type, attributes, places)
        wanted = [at for at, each in enumerate(node.output) if each]
        for at, output in zip(wanted, outputs, strict=True):
            np.testing.assert_allclose(found[at], output, rtol=1e-5, atol=1e-7)


def draw_node(
    op_type: str, seed: int, *, sides: int = 1, steps: int = 5, peepholes: bool = False
) -> dict[str, Array]:
    rng = np.random.default_rng(seed)
    rows, features, units = 3, 2, 4
    blocks = {"LSTM": 4, "GRU": 3, "RNN": 1}[op_type]
    given = {
        "X": 2 * rng.normal(size=(steps, rows, features)),
        "W": rng.normal(size=(sides, blocks * units, features)),
        "R": rng.normal(size=(sides, blocks * units, units)),
        "B": rng.normal(size=(sides, 2 * blocks * units)),
        "initial_h": rng.normal(size=(sides, rows, units)) / 2,
    }
    if op_type == "LSTM":
        given["initial_c"] = rng.normal(size=(sides, rows, units)) / 4
        if peepholes:
            given["P"] = rng.normal(size=(sides, 3 * units))
    return given


def agree(op_type: str, attributes: dict[str, Any], given: dict[str, Array]) -> list[Array]:
    ours = run_onnx(op_type, attributes, given)
    for mine, theirs in zip(ours, run_runtime(op_type, attributes, given), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-6, atol=2e-6)
    return ours


@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize("op_type", ["LSTM", "GRU", "RNN"])
def test_short_rows_as_onnx_runtime(op_type: str, direction: str) -> None:
    sides = 2 if direction == "bidirectional" else 1
    given = draw_node(op_type, 1, sides=sides, peepholes=True)
    given["sequence_lens"] = np.array([5, 2, 3], np.int32)
    agree(op_type, {"hidden_size": 4, "direction": direction}, given)


@pytest.mark.parametrize("linear", [0, 1])
def test_both_gru_as_onnx_runtime(linear: int) -> None:
    agree("GRU", {"hidden_size": 4, "linear_before_reset": linear}, draw_node("GRU", 2))


def test_relu_as_onnx_runtime() -> None:
    attributes = {"hidden_size": 4, "activations": ["Relu", "Relu"], "direction": "bidirectional"}
    given = draw_node("RNN", 3, sides=2)
    assert float(np.abs(agree("RNN", attributes, given)[0]).max()) > 1


@pytest.mark.parametrize("peepholes", [False, True])
def test_coupled_gates_as_onnx_runtime(peepholes: bool) -> None:
    given = draw_node("LSTM", 4, peepholes=peepholes)
    agree("LSTM", {"hidden_size": 4, "input_forget": 1}, given)


@pytest.mark.parametrize("input_forget", [0, 1])
def test_clip_as_onnx_runtime(input_forget: int) -> None:
    attributes = {"hidden_size": 4, "clip": 0.9, "input_forget": input_forget}
    given = draw_node("LSTM", 5, steps=2, peepholes=True)
    assert np.abs(agree("LSTM", attributes, given)[2]).max() <= 0.9
    for op_type in ("GRU", "RNN"):
        agree(op_type, {"hidden_size": 4, "clip": 0.4}, draw_node(op_type, 6))


def test_clip_beyond_the_bound_as_onnx_runtime() -> None:
    given = draw_node("LSTM", 7, steps=12)
    given["W"], given["X"] = np.abs(given["W"]), np.abs(given["X"])
    ours = run_onnx("LSTM", {"hidden_size": 4, "clip": 0.7}, given)
    assert np.abs(ours[2]).max() > 0.7
    agree("LSTM", {"hidden_size": 4, "clip": 0.7}, given)


# Keras 3: results that stand in its own tests of LSTM, GRU and SimpleRNN, printed with 7 to 8
# digits; kernel 0.01, recurrent kernel 0.02, bias 0.03 everywhere, so all units are equal


def constant(
    options: Options,
    features: int,
    units: int,
    *,
    bias: bool = True,
    forget: float | None = 1.0,
) -> Weights:
    rows = len(options.gates) * units
    arrays = [np.full((features, rows), 0.01), np.full((units, rows), 0.02)]
    if bias:
        doubled = options == GRUOptions()
        arrays.append(np.full((2, rows) if doubled else rows, 0.03))
        if isinstance(options, LSTMOptions) and forget is not None:
            # Keras's order is i, f, c, o
            arrays[2][units : 2 * units] = forget
    return from_keras(arrays, options)


def ramp(*shape: int) -> Tensor:
    return torch.arange(float(np.prod(shape)), dtype=torch.float64).reshape(shape)


def keras(options: Options, x: Tensor, weights: Weights, *state: Tensor, **how: Any) -> Steps:
    zeros = x.new_zeros(x.shape[0], weights.w_hh.shape[1])
    return dispatch.recurrence(x, state or (zeros,) * len(options.parts), weights, options, **how)


def near(found: Tensor, expected: Any) -> None:
    truth = torch.tensor(expected, dtype=torch.float64)
    torch.testing.assert_close(found, truth.expand_as(found), rtol=0, atol=1e-6)


def column(*values: float) -> list[list[float]]:
    return [[value] for value in values]


LSTM_RESULTS: dict[str, tuple[dict[str, Any], bool, list[float]]] = {
    "default": ({}, False, [0.6288687, 0.86899155, 0.9460773]),
    "go_backwards": ({}, True, [0.35622165, 0.74789524, 0.8872726]),
    "unit_forget_bias=False": ({"forget": None}, False, [0.57019705, 0.8661914, 0.9459622]),
    "use_bias=False": ({"bias": False}, False, [0.54986924, 0.86226785, 0.9443936]),
}


@pytest.mark.parametrize("name", LSTM_RESULTS)
def test_keras_lstm(name: str) -> None:
    how, reverse, expected = LSTM_RESULTS[name]
    options = LSTMOptions()
    steps = keras(options, ramp(3, 6, 4), constant(options, 4, 3, **how), reverse=reverse)
    near(steps.state[0], column(*expected))


def test_keras_lstm_carries_state() -> None:
    options, x = LSTMOptions(), ramp(2, 3, 4)
    weights = constant(options, 4, 4)
    first = keras(options, x, weights)
    near(keras(options, x, weights, *first.state).state[0], column(0.3124785, 0.6863672))


def test_keras_lstm_begins_with_a_given_state() -> None:
    options, x, given = LSTMOptions(), ramp(2, 4, 3), ramp(2, 2)
    weights = constant(options, 3, 2)
    forward = keras(options, x, weights, given, given)
    near(forward.state[0], [[0.20574439, 0.3558822], [0.64930826, 0.66276]])
    backward = keras(options, x, weights, given, given, reverse=True)
    near(backward.state[0], [[0.13281618, 0.2790356], [0.5839337, 0.5992567]])


def test_keras_lstm_masks() -> None:
    options, x = LSTMOptions(), ramp(2, 4, 3)
    weights = constant(options, 3, 2)
    steps = keras(options, x, weights, lengths=torch.tensor([3, 2]))
    near(steps.state[0], column(0.11755939, 0.28556206))
    near(steps.out[0], column(0.01588910, 0.05552048, 0.11755939, 0))
    near(steps.out[1], column(0.14185596, 0.28556206, 0, 0))
    # a mask at the front, read backwards, is one at the end of what is read
    backward = keras(options, x.flip(1), weights, lengths=torch.tensor([3, 2]))
    near(backward.state[0], column(0.15341201, 0.3844719))


GRU_RESULTS: dict[str, tuple[bool, bool, bool, list[float]]] = {
    "default": (True, True, False, [0.5217289, 0.6371659, 0.39384964]),
    "go_backwards": (True, True, True, [0.24406259, 0.611516, 0.3928808]),
    "reset_after=False": (False, True, False, [0.51447755, 0.6426879, 0.40208298]),
    "use_bias=False": (True, False, False, [0.49988455, 0.64701194, 0.4103359]),
}


@pytest.mark.parametrize("name", GRU_RESULTS)
def test_keras_gru(name: str) -> None:
    after, bias, reverse, expected = GRU_RESULTS[name]
    options = GRUOptions(after)
    steps = keras(options, ramp(3, 6, 4), constant(options, 4, 3, bias=bias), reverse=reverse)
    near(steps.state[0], column(*expected))


def test_keras_simple_rnn() -> None:
    options = RNNOptions()
    weights = constant(options, 4, 4)
    near(keras(options, ramp(2, 3, 4), weights).state[0], column(0.405432, 0.73605347))
    backward = keras(options, ramp(2, 3, 4), weights, reverse=True)
    near(backward.state[0], column(0.11144729, 0.5528889))


# Keras's equations in its own layout, with weights that tell the gates apart


def sigmoid(value: Array) -> Array:
    return 1 / (1 + np.exp(-value))


def keras_step(options: Options, x: Array, h: Array, c: Array, arrays: list[Array]) -> Any:
    kernel, recurrent, bias = arrays
    if isinstance(options, LSTMOptions):
        i, f, g, o = np.split(x @ kernel + h @ recurrent + bias, 4, 1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        return sigmoid(o) * np.tanh(c), c
    if isinstance(options, RNNOptions):
        return np.tanh(x @ kernel + bias + h @ recurrent), c
    first, second = bias if options.reset_after else (bias, np.zeros_like(bias))
    x_z, x_r, x_h = np.split(x @ kernel + first, 3, 1)
    h_z, h_r, h_h = np.split(h @ recurrent + second, 3, 1)
    z, r = sigmoid(x_z + h_z), sigmoid(x_r + h_r)
    if not options.reset_after:
        h_h = (r * h) @ recurrent[:, -h.shape[1] :]
    candidate = np.tanh(x_h + (r * h_h if options.reset_after else h_h))
    return z * h + (1 - z) * candidate, c


KERAS_CELLS = [LSTMOptions(), GRUOptions(True), GRUOptions(False), RNNOptions()]


def draw_keras(options: Options, seed: int, features: int = 3, units: int = 2) -> list[Array]:
    rng = np.random.default_rng(seed)
    rows = len(options.gates) * units
    doubled = options == GRUOptions()
    shapes = [(features, rows), (units, rows), (2, rows) if doubled else (rows,)]
    return [rng.normal(size=shape) for shape in shapes]


@pytest.mark.parametrize("options", KERAS_CELLS, ids=str)
def test_keras_equations(options: Options) -> None:
    arrays = draw_keras(options, 8)
    x = np.random.default_rng(9).normal(size=(4, 5, 3))
    h = c = np.zeros((4, 2))
    steps = keras(options, torch.tensor(x), from_keras(arrays, options))
    for t in range(5):
        h, c = keras_step(options, x[:, t], h, c, arrays)
        np.testing.assert_allclose(steps.out[:, t].numpy(), h, rtol=0, atol=1e-12)


def test_two_biases_become_one_sum() -> None:
    for options in KERAS_CELLS:
        weights = from_keras(draw_keras(options, 10), options)
        assert weights.b_ih is not None
        weights = weights._replace(b_hh=torch.randn_like(weights.b_ih))
        x = torch.randn(2, 4, 3, dtype=torch.float64)
        again = from_keras(to_keras(weights, options), options)
        whole = keras(options, x, weights).out
        torch.testing.assert_close(keras(options, x, again).out, whole, rtol=0, atol=1e-14)


# torch


@pytest.mark.parametrize("cell", [torch.nn.LSTM, torch.nn.GRU, torch.nn.RNN])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("both", [False, True])
def test_torch(cell: Any, bias: bool, both: bool) -> None:
    torch.manual_seed(0)
    theirs = cell(3, 2, 2, bias=bias, bidirectional=both, batch_first=True).double()
    options: Options = {"LSTM": LSTMOptions(), "GRU": GRUOptions(), "RNN": RNNOptions()}[
        cell.__name__
    ]
    x = out = torch.randn(4, 5, 3, dtype=torch.float64)
    layers = from_torch(theirs.state_dict())
    for sides in layers:
        out = torch.cat(
            [keras(options, out, w, reverse=side == 1).out for side, w in enumerate(sides)], 2
        )
    torch.testing.assert_close(out, theirs(x)[0], rtol=0, atol=1e-12)
    back = to_torch(layers)
    assert list(back) == list(theirs.state_dict())
    for name, tensor in theirs.state_dict().items():
        assert torch.equal(back[name], tensor)
        assert back[name].data_ptr() != tensor.data_ptr()


def test_torch_projection() -> None:
    theirs = torch.nn.LSTM(3, 4, proj_size=2, batch_first=True).double()
    ((weights,),) = from_torch(theirs.state_dict())
    x = torch.randn(2, 5, 3, dtype=torch.float64)
    zeros = x.new_zeros(2, 2), x.new_zeros(2, 4)
    steps = dispatch.recurrence(x, zeros, weights, LSTMOptions())
    torch.testing.assert_close(steps.out, theirs(x)[0], rtol=0, atol=1e-12)
    theirs.load_state_dict(to_torch([[weights]]))


# whole layers of ours


def test_tensorflows_cell() -> None:
    """Its equations, a step at a time: gates i, j, f, o, and 1 added to the forget gate."""
    rng = np.random.default_rng(0)
    kernel, bias, down = (rng.normal(size=size) for size in ((5, 16), (16,), (4, 2)))
    weights = from_tensorflow(*map(torch.from_numpy, (kernel, bias, down)))
    layer = LSTM(3, 4, batch_first=True, proj_size=2, dtype=torch.float64)
    layer.load_state_dict(to_layer([[weights]]))
    x, h, c = rng.normal(size=(6, 3)), np.zeros(2), np.zeros(4)
    with torch.no_grad():
        found = layer(torch.from_numpy(x)[None])[0][0]
    for step, told in zip(x, found, strict=True):
        i, j, f, o = np.split(np.concatenate([step, h]) @ kernel + bias, 4)
        i, f, o = (1 / (1 + np.exp(-gate)) for gate in (i, f + 1, o))
        c = f * c + i * np.tanh(j)
        h = (o * np.tanh(c)) @ down
        np.testing.assert_allclose(told, h, atol=1e-12)


@pytest.mark.parametrize("sizes", [((2, 16), (16,), (4, 2)), ((5, 12), (16,), (4, 2))])
def test_tensorflows_cell_of_wrong_shapes(sizes: tuple[tuple[int, ...], ...]) -> None:
    with pytest.raises(ValueError, match="kernel should have shape"):
        from_tensorflow(*(torch.zeros(size) for size in sizes))


def test_an_onnx_node_is_a_layer() -> None:
    given = draw_node("LSTM", 11, sides=2, peepholes=True)
    tensors = [torch.tensor(given[name]) for name in ("W", "R", "B", "P")]
    attributes = {"hidden_size": 4, "direction": "bidirectional"}
    sides, _ = from_onnx(Onnx("LSTM", *tensors, attributes))
    layer = LSTM(2, 4, bidirectional=True, peepholes=True, dtype=torch.float64)
    layer.load_state_dict(to_layer([sides]))
    for side, weights in enumerate(sides):
        same(layer.weights(0, side), weights)
    state = tuple(torch.tensor(given[name]) for name in ("initial_h", "initial_c"))
    out, last = layer(torch.tensor(given["X"]), state)
    y, *ends = agree("LSTM", attributes, given)
    np.testing.assert_allclose(out.detach().numpy(), np.concatenate([y[:, 0], y[:, 1]], 2))
    for mine, theirs in zip(last, ends, strict=True):
        np.testing.assert_allclose(mine.detach().numpy(), theirs)


@pytest.mark.parametrize("after", [True, False])
def test_a_stack_of_keras_layers_is_a_layer(after: bool) -> None:
    options = GRUOptions(after)
    arrays = [draw_keras(options, 12), draw_keras(options, 13, features=2)]
    layer = GRU(3, 2, 2, batch_first=True, reset_after=after, dtype=torch.float64)
    layer.load_state_dict(to_layer([[from_keras(each, options)] for each in arrays]))
    x = out = torch.randn(4, 5, 3, dtype=torch.float64)
    for each in arrays:
        out = keras(options, out, from_keras(each, options)).out
    torch.testing.assert_close(layer(x)[0], out, rtol=0, atol=1e-12)


# there and back


@st.composite
def cells(draw: st.DrawFn) -> tuple[tuple[Weights, ...], Options, Direction]:
    """Any cell that ONNX has, in any direction, with or without biases and peepholes."""
    clip = draw(st.sampled_from([None, 0.5, 3.0]))
    options: Options = draw(
        st.sampled_from(
            [
                LSTMOptions("gate", clip),
                LSTMOptions("coupled", clip),
                GRUOptions(True, clip),
                GRUOptions(False, clip),
                RNNOptions("tanh", clip),
                RNNOptions("relu", clip),
            ]
        )
    )
    direction: Direction = draw(st.sampled_from(["forward", "reverse", "bidirectional"]))
    units, features = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    source = torch.Generator().manual_seed(draw(st.integers(0, 2**32)))
    dtype = draw(st.sampled_from([torch.float32, torch.float64]))
    bias = draw(st.booleans())
    peephole = draw(st.booleans()) and isinstance(options, LSTMOptions)
    rows = len(options.gates) * units

    def some(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=source, dtype=dtype)

    sides = tuple(
        Weights(
            some(rows, features),
            some(rows, units),
            *([some(rows), some(rows)] if bias else []),
            peephole=some(len(getattr(options, "peepholes", ())) * units) if peephole else None,
        )
        for _ in range(2 if direction == "bidirectional" else 1)
    )
    return sides, options, direction


def same(one: Weights, other: Weights) -> None:
    for mine, theirs in zip(one, other, strict=True):
        assert (mine is None) == (theirs is None)
        if mine is not None:
            assert mine.dtype == theirs.dtype
            assert torch.equal(mine, theirs)


@given(cells())
@settings(max_examples=60, deadline=None)
def test_onnx_and_back(cell: tuple[tuple[Weights, ...], Options, Direction]) -> None:
    sides, options, direction = cell
    node = to_onnx(sides, options, direction)
    again, same_options = from_onnx(node)
    assert same_options == options
    for one, other in zip(sides, again, strict=True):
        same(one, other)
    back = to_onnx(again, same_options, direction)
    assert back.attributes == node.attributes
    for mine, theirs in zip(node[1:5], back[1:5], strict=True):
        assert (mine is None) == (theirs is None)
        assert mine is None or torch.equal(mine, theirs)
    given = {"W": node.w, "R": node.r, "B": node.b, "P": node.p}
    arrays = {name: tensor.numpy() for name, tensor in given.items() if tensor is not None}
    x = np.random.default_rng(0).normal(size=(2, 3, node.w.shape[2]))
    # the clip of an LSTM is looked at by itself, above
    if not (isinstance(options, LSTMOptions) and options.gate_clip):
        agree(node.op_type, node.attributes, {"X": x, **arrays})


@given(cells())
@settings(max_examples=40, deadline=None)
def test_torch_and_back(cell: tuple[tuple[Weights, ...], Options, Direction]) -> None:
    sides = [weights._replace(peephole=None) for weights in cell[0]]
    (again,) = from_torch(to_torch([sides]))
    for one, other in zip(sides, again, strict=True):
        same(one, other)


@given(st.sampled_from(KERAS_CELLS), st.integers(0, 999), st.integers(1, 4), st.integers(1, 4))
@settings(max_examples=40, deadline=None)
def test_keras_and_back(options: Options, seed: int, features: int, units: int) -> None:
    arrays = draw_keras(options, seed, features, units)
    back = to_keras(from_keras(arrays, options), options)
    for one, other in zip(arrays, back, strict=True):
        np.testing.assert_array_equal(one, other.numpy())
    bare = to_keras(from_keras(arrays[:2], options), options)
    assert len(bare) == 2
    if options == GRUOptions():
        weights = from_keras(arrays, options)
        same(weights, from_keras(to_keras(weights, options), options))


# refusals


def test_what_another_format_cannot_express_is_refused() -> None:
    plain_lstm = from_keras(draw_keras(LSTMOptions(), 0), LSTMOptions())
    units = torch.ones(2, dtype=torch.float64)
    normed = plain_lstm._replace(norm_c_gain=units)
    peeped = plain_lstm._replace(peephole=torch.ones(6))
    refused: list[Any] = [
        lambda: to_torch([[normed]]),
        lambda: to_torch([[peeped]]),
        lambda: to_keras(peeped, LSTMOptions()),
        lambda: to_keras(plain_lstm, LSTMOptions("coupled")),
        lambda: to_keras(plain_lstm, SLSTMOptions()),
        lambda: to_onnx([normed], LSTMOptions()),
        lambda: to_onnx([plain_lstm], SLSTMOptions()),
        lambda: to_onnx([plain_lstm], LSTMOptions("none")),
        lambda: to_onnx([plain_lstm], LSTMOptions(cell_clip=1.0)),
        lambda: to_onnx([plain_lstm], LSTMOptions(), "bidirectional"),
        lambda: to_onnx([plain_lstm, peeped], LSTMOptions(), "bidirectional"),
    ]
    for convert in refused:
        with pytest.raises(ValueError, match=r"has no |does not go with|or none has"):
            convert()


def test_what_does_not_fit_is_refused() -> None:
    arrays = draw_keras(GRUOptions(), 0)
    node = to_onnx([from_keras(arrays, GRUOptions())], GRUOptions())
    refused: list[tuple[str, Any]] = [
        ("kernel should have shape", lambda: from_keras(arrays, LSTMOptions())),
        ("bias should have shape", lambda: from_keras(arrays, GRUOptions(False))),
        ("2 or 3 arrays", lambda: from_keras(arrays * 2, GRUOptions())),
        ("op_type", lambda: from_onnx(node._replace(op_type="Conv"))),
        ("W should have shape", lambda: from_onnx(node._replace(w=node.w[:, 1:]))),
        ("R should have shape", lambda: from_onnx(node._replace(r=node.r[:, 1:]))),
        ("B should have shape", lambda: from_onnx(node._replace(b=node.r[0]))),
        ("activations", lambda: from_onnx(node._replace(attributes={"activations": ["Elu"] * 2}))),
        ("not the weights", lambda: from_torch({"weight": node.w})),
        ("one is missing", lambda: from_torch({"weight_ih_l0": node.w[0]})),
    ]
    for message, convert in refused:
        with pytest.raises(ValueError, match=message):
            convert()

"""Who runs against whom: ours, torch.nn, a loop over torch.nn's cell, and ONNX Runtime.

All read the same numbers with the same weights. A call gives what is compared: in inference the
outputs and the last state, in training the outputs and the gradients, through autograd.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from recurrence.timing import Call, Entrant
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import longshort
from longshort.layers.convert import to_onnx

INFERENCE, TRAINING, TRAINING_DX = "inference", "training", "training with dx"
GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}


class Shape(NamedTuple):
    """Rows, time steps, features, units."""

    b: int
    t: int
    i: int
    h: int

    def __str__(self) -> str:
        return ",".join(map(str, self))

    @property
    def spaced(self) -> str:
        """As it stands in a table."""
        return ", ".join(map(str, self))


class Case(NamedTuple):
    """What is computed: a cell over a shape, in one of the three modes."""

    shape: Shape
    mode: str
    cell: str = "LSTM"
    ragged: bool = False
    bidirectional: bool = False

    @property
    def lengths(self) -> Tensor | None:
        """From T down to T/4, the longest first: the order that is cheapest for torch."""
        b, t = self.shape[:2]
        return torch.linspace(t, t // 4, b).round().long() if self.ragged else None

    @property
    def flops(self) -> float:
        """Operations of the matrix products alone; two to a multiply-add."""
        b, t, i, h = self.shape
        steps = b * t if self.lengths is None else int(self.lengths.sum())
        sides = 2 if self.bidirectional else 1
        wide = {INFERENCE: i + h, TRAINING: 2 * i + 3 * h, TRAINING_DX: 3 * (i + h)}[self.mode]
        return 2.0 * steps * GATES[self.cell] * h * wide * sides


def entrants(case: Case, threads: int) -> dict[str, Entrant]:
    """Ours, then torch.nn, then whoever else computes this; all held to torch.nn."""
    b, t, i, h = case.shape
    settings = {"batch_first": True, "bidirectional": case.bidirectional}
    peer = getattr(nn, case.cell)(i, h, **settings).train(case.mode != INFERENCE)
    ours = getattr(longshort, case.cell)(i, h, **settings).train(case.mode != INFERENCE)
    ours.load_state_dict(peer.state_dict())
    x = torch.randn(b, t, i, requires_grad=case.mode == TRAINING_DX)
    dy = torch.randn(b, t, h * (2 if case.bidirectional else 1))
    lengths = case.lengths

    def read_ours() -> list[Tensor]:
        out, state = ours(x, lengths=lengths)
        return flat(out, state)

    def read_peer() -> list[Tensor]:
        if lengths is None:
            out, state = peer(x)
            return flat(out, state)
        packed, state = peer(pack_padded_sequence(x, lengths, batch_first=True))
        out, _ = pad_packed_sequence(packed, batch_first=True, total_length=t)
        return flat(out, state)

    truth = in_mode(case.mode, read_peer, peer, x, dy)
    found = {
        "ours": Entrant(in_mode(case.mode, read_ours, ours, x, dy), truth),
        "torch.nn": Entrant(truth),
    }
    plain = not case.ragged and not case.bidirectional
    if plain and case.cell == "LSTM":
        cell = _cell_of(peer)
        loop = in_mode(case.mode, lambda: _loop(cell, x), cell, x, dy)
        found["LSTMCell loop"] = Entrant(loop, truth)
    if plain and case.mode == INFERENCE:
        session = _session(ours, threads)
        feed = _feed(x, ours)
        found["ONNX Runtime"] = Entrant(lambda: session.run(None, feed), truth, _from_onnx)
    return found


def streaming(shape: Shape, way: str, threads: int) -> dict[str, Entrant]:
    """One step a call, the state carried from call to call; ours as "stream" or "step"."""
    b, _, i, h = shape
    peer = nn.LSTM(i, h, batch_first=True).eval()
    ours = longshort.LSTM(i, h, batch_first=True).eval()
    ours.load_state_dict(peer.state_dict())
    cell = _cell_of(peer)
    x_t = torch.randn(b, i)
    x = x_t.unsqueeze(1)
    session, feed = _session(ours, threads), _feed(x, ours)

    def step_cell(state: Any) -> tuple[Tensor, Any]:
        state = cell(x_t, state)
        return state[0], state

    def step_onnx(state: Any) -> tuple[Any, Any]:
        if state is not None:
            feed["h0"], feed["c0"] = state
        y, *state = session.run(None, feed)
        return y, state

    def from_onnx(result: Any) -> list[Tensor]:
        return [torch.from_numpy(result[0]).reshape(b, 1, h)]

    def one_step(result: Any) -> list[Tensor]:
        return [result[0].unsqueeze(1)]

    def read_peer() -> Call:
        return _carried(lambda state: peer(x, state))

    stream = ours.stream(b)
    step = _carried(lambda state: ours.step(x_t, state))
    return {
        "ours": Entrant(step if way == "step" else lambda: [stream(x_t)], read_peer(), one_step),
        "torch.nn": Entrant(read_peer()),
        "LSTMCell loop": Entrant(_carried(step_cell), read_peer(), one_step),
        "ONNX Runtime": Entrant(_carried(step_onnx), read_peer(), from_onnx),
    }


def flat(output: Tensor, state: Any) -> list[Tensor]:
    """Outputs and the last state's parts in one list."""
    return [output, *([state] if isinstance(state, Tensor) else state)]


def in_mode(
    mode: str, read: Callable[[], Sequence[Tensor]], layer: nn.Module, x: Tensor, dy: Tensor
) -> Call:
    """``read`` itself, or with the gradients of everything that learns, by name, and of x."""
    if mode == INFERENCE:
        return read
    wanted = [weight for _, weight in sorted(layer.named_parameters())]
    wanted += [x] if mode == TRAINING_DX else []

    def learn() -> list[Tensor]:
        out = read()[0]
        return [out, *torch.autograd.grad(out, wanted, dy[..., : out.shape[2]])]

    return learn


def _carried(step: Callable[[Any], tuple[Any, Any]]) -> Call:
    """A call that hands the state that came back to the next one, and gives the output."""
    state: Any = None

    def call() -> list[Any]:
        nonlocal state
        out, state = step(state)
        return [out]

    return call


def _cell_of(layer: nn.LSTM) -> nn.LSTMCell:
    cell = nn.LSTMCell(layer.input_size, layer.hidden_size)
    cell.load_state_dict({n.removesuffix("_l0"): w for n, w in layer.state_dict().items()})
    return cell.train(layer.training)


def _loop(cell: nn.LSTMCell, x: Tensor) -> list[Tensor]:
    state, outputs = None, []
    for x_t in x.unbind(1):
        state = cell(x_t, state)
        outputs.append(state[0])
    assert state is not None
    return [torch.stack(outputs, 1), *(part.unsqueeze(0) for part in state)]


def _session(layer: Any, threads: int) -> onnxruntime.InferenceSession:
    """One node, time first as ONNX Runtime wants it, with states in and out."""
    node = to_onnx([layer.weights(0)], layer.cell)
    parts = layer.cell.parts
    inputs = ["x", "w", "r", "b", "", *(f"{part}0" for part in parts)]
    outputs = ["y", *(f"{part}1" for part in parts)]

    def value(name: str) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, None)

    graph = helper.make_graph(
        [helper.make_node(node.op_type, inputs, outputs, **node.attributes)],
        "recurrence",
        [value("x"), *(value(f"{part}0") for part in parts)],
        [value(name) for name in outputs],
        [
            numpy_helper.from_array(weight.numpy(), name)
            for name, weight in zip("wrb", (node.w, node.r, node.b), strict=True)
        ],
    )
    # opset 21 is known to every ONNX Runtime since 1.20
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads, settings.inter_op_num_threads = threads, 1
    # a pool that spins takes the cores from whoever is measured next
    settings.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(
        model.SerializeToString(), settings, providers=["CPUExecutionProvider"]
    )


def _feed(x: Tensor, layer: Any) -> dict[str, Any]:
    """What the session reads from a state of zeros."""
    zeros = x.new_zeros(1, x.shape[0], layer.hidden_size).numpy()
    turned = x.detach().transpose(0, 1).contiguous().numpy()
    return {"x": turned, **{f"{part}0": zeros for part in layer.cell.parts}}


def _from_onnx(result: Sequence[Any]) -> list[Tensor]:
    """Outputs (T, 1, B, H) as ours."""
    out, *state = map(torch.from_numpy, result)
    return [out.squeeze(1).transpose(0, 1), *state]

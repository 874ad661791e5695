"""Weights to and from torch, Keras 3 and ONNX, and from TensorFlow 1. Orders of gates stand here.

In ours, in theirs (by our names; Keras and ONNX write c for g and h for n):

            ours and torch    Keras      ONNX       ONNX peepholes  TensorFlow 1
    LSTM    i, f, g, o        i, f, g, o i, o, f, g i, o, f         i, g, f, o
    GRU     r, z, n           z, r, n    z, r, n
    RNN     n                 n          n

All three keep the old state with z and not with 1 - z, as ours does.

Nothing is rounded, but for one case: where Keras has one bias and ours has two, they are added on
the way there, which rounds once; on the way back, ``b_hh`` is zero. What another format cannot
express is refused as far as the weights show it: options without weights of their own (a clip, the
reset before the product, exponential gates) are for the caller to know. Tensors that are given back
share no memory with those that came in, and are not part of a graph.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

from longshort.kernels.reference import (
    GRUOptions,
    LSTMOptions,
    Options,
    RNNOptions,
    SLSTMOptions,
    Weights,
)
from longshort.layers.parameters import NAMES

Direction = Literal["forward", "reverse", "bidirectional"]

KERAS = {"lstm": ("i", "f", "g", "o"), "gru": ("z", "r", "n"), "rnn": ("n",)}
ONNX = {"lstm": ("i", "o", "f", "g"), "gru": ("z", "r", "n"), "rnn": ("n",)}
ONNX_PEEPHOLES = ("i", "o", "f")
TENSORFLOW = ("i", "g", "f", "o")
# what an ONNX node applies unless it says otherwise, one direction's worth
_ACTIVATIONS = {"lstm": ("Sigmoid", "Tanh", "Tanh"), "gru": ("Sigmoid", "Tanh"), "rnn": ("Tanh",)}
_TORCH = [NAMES[field] for field in ("w_ih", "w_hh", "b_ih", "b_hh", "w_hr")]


class Onnx(NamedTuple):
    """The weights of an ONNX ``LSTM``, ``GRU`` or ``RNN`` node (opset 7 and later).

    With D = 2 for direction "bidirectional" and else 1: ``w`` (D, G*H, F), ``r`` (D, G*H, H),
    ``b`` (D, 2*G*H) and, for an LSTM, ``p`` (D, 3*H) are the node's inputs of those names;
    ``attributes`` are its attributes. None is an input that is left out.
    """

    op_type: str
    w: Tensor
    r: Tensor
    b: Tensor | None
    p: Tensor | None
    attributes: dict[str, Any]


def from_torch(state: Mapping[str, Tensor]) -> list[list[Weights]]:
    """The weights in a ``state_dict()`` of torch.nn.LSTM, GRU or RNN, by layer and direction.

    Raises:
        ValueError: a name is missing or is none of theirs.
    """
    left = {name: tensor.detach().clone() for name, tensor in state.items()}
    layers: list[list[Weights]] = []
    while f"weight_ih_l{len(layers)}" in left:
        sides: list[Weights] = []
        for end in ("", "_reverse"):
            names = [f"{name}_l{len(layers)}{end}" for name in _TORCH]
            if names[0] not in left and end:
                break
            if names[0] not in left or names[1] not in left:
                raise ValueError(f"{names[0]} and {names[1]} belong together: one is missing")
            sides.append(Weights(*[left.pop(name, None) for name in names]))  # type: ignore[arg-type]
        layers.append(sides)
    if left or not layers:
        raise ValueError(f"not the weights of a torch.nn.LSTM, GRU or RNN: {sorted(left)}")
    return layers


def to_torch(layers: Sequence[Sequence[Weights]]) -> dict[str, Tensor]:
    """The ``state_dict()`` of torch.nn.LSTM, GRU or RNN with these weights; see ``from_torch``.

    A single bias becomes two, one of them zero.

    Raises:
        ValueError: there are weights that torch has no place for.
    """
    for weights in itertools.chain(*layers):
        _refuse(weights, "torch", "peephole", *_NORMS)
    return to_layer(layers)


def to_layer(layers: Sequence[Sequence[Weights]]) -> dict[str, Tensor]:
    """The ``state_dict()`` of our LSTM, GRU or RNN with these weights, by layer and direction.

    A single bias becomes two, one of them zero. ``layer.weights(number, direction)`` goes back.

        layer = LSTM(features, units, peepholes=True)
        layer.load_state_dict(to_layer([from_onnx(node)[0]]))
    """
    state: dict[str, Tensor] = {}
    for depth, sides in enumerate(layers):
        for weights, end in zip(sides, ("", "_reverse"), strict=False):
            b_ih, b_hh = _two_biases(weights)
            found = weights._replace(b_ih=b_ih, b_hh=b_hh)._asdict()
            for field, tensor in found.items():
                if tensor is not None:
                    state[f"{NAMES[field]}_l{depth}{end}"] = tensor.detach().clone()
    return state


def from_keras(arrays: Sequence[Any], options: Options) -> Weights:
    """The weights in ``get_weights()`` of a Keras 3 LSTM, GRU or SimpleRNN layer.

    Args:
        arrays: kernel (F, G*H), recurrent kernel (H, G*H) and, with ``use_bias``, bias (G*H,), or
            (2, G*H) of a GRU with ``reset_after``. Of a Bidirectional layer, the first half is
            the forward direction's and the second half the backward one's.
        options: the cell, plain but for ``reset_after`` and the RNN's nonlinearity.

    Raises:
        ValueError: the arrays do not fit each other or the cell, or Keras has no such cell.
    """
    _plain(options)
    if len(arrays) not in (2, 3):
        raise ValueError(f"a Keras layer has 2 or 3 arrays of weights, got {len(arrays)}")
    kernel, recurrent, *rest = (torch.as_tensor(array).detach() for array in arrays)
    units = recurrent.shape[0]
    rows = units * len(options.gates)
    doubled = _doubled(options)
    _check("kernel", kernel, (kernel.shape[0], rows))
    _check("recurrent kernel", recurrent, (units, rows))

    def ours(tensor: Tensor) -> Tensor:
        return _reorder(tensor, KERAS[options.cell], options.gates)

    if not rest:
        return Weights(ours(kernel.t()), ours(recurrent.t()))
    _check("bias", rest[0], (2, rows) if doubled else (rows,))
    b_ih, b_hh = rest[0] if doubled else (rest[0], torch.zeros_like(rest[0]))
    return Weights(ours(kernel.t()), ours(recurrent.t()), ours(b_ih), ours(b_hh))


def to_keras(weights: Weights, options: Options) -> list[Tensor]:
    """What ``set_weights()`` of the Keras 3 layer takes; see ``from_keras``.

    Raises:
        ValueError: Keras has no such cell, or no place for some of the weights.
    """
    _plain(options)
    _refuse(weights, "Keras", "w_hr", "peephole", *_NORMS)

    def theirs(tensor: Tensor) -> Tensor:
        return _reorder(tensor.detach(), options.gates, KERAS[options.cell])

    arrays = [theirs(weights.w_ih).t().contiguous(), theirs(weights.w_hh).t().contiguous()]
    b_ih, b_hh = _two_biases(weights)
    if b_ih is not None and b_hh is not None:
        both = [theirs(b_ih), theirs(b_hh)]
        arrays.append(torch.stack(both) if _doubled(options) else both[0] + both[1])
    return arrays


def from_tensorflow(
    kernel: Tensor, bias: Tensor, projection: Tensor, forget_bias: float = 1.0
) -> Weights:
    """The weights of a ``LSTMCell`` of TensorFlow 1 with a projection.

    Args:
        kernel: (F + P, 4*H), of the input and below it of the projected state.
        bias: (4*H,).
        projection: (H, P).
        forget_bias: what that cell adds to its forget gate's sum; here it is ``b_hh``.

    Raises:
        ValueError: the tensors do not fit each other.
    """
    units, hidden = projection.shape
    features = kernel.shape[0] - hidden
    _check("kernel", kernel, (max(features, 1) + hidden, 4 * units))
    _check("bias", bias, (4 * units,))
    order, gates = TENSORFLOW, LSTMOptions().gates
    w, b = (_reorder(tensor, order, gates) for tensor in (kernel.detach().t(), bias.detach()))
    added = torch.zeros_like(b)
    added[gates.index("f") * units :][:units] = forget_bias
    return Weights(w[:, :features], w[:, features:], b, added, projection.detach().t())


def from_onnx(node: Onnx) -> tuple[tuple[Weights, ...], Options]:
    """The weights of an ONNX node, one for each direction, and the cell that it is.

    A node of direction "reverse" reads backwards with the one it has. The forget gate's weights of
    a node with ``input_forget`` are never used; they are dropped. ``layout`` tells how X and Y are
    laid out, and says nothing of weights.

    Raises:
        ValueError: the node is no recurrence, its tensors do not fit each other, or it uses an
            activation that the cells do not have.
    """
    cell = node.op_type.lower()
    if cell not in ONNX:
        raise ValueError(f"op_type should be LSTM, GRU or RNN, got: {node.op_type!r}")
    options = _options(cell, node.attributes, node.w.shape[0])
    units = node.r.shape[2]
    order = ONNX[cell]
    rows = units * len(order)
    sides = 2 if node.attributes.get("direction") == "bidirectional" else 1
    _check("W", node.w, (sides, rows, node.w.shape[2]))
    _check("R", node.r, (sides, rows, units))
    if node.b is not None:
        _check("B", node.b, (sides, 2 * rows))
    if node.p is not None:
        _check("P", node.p, (sides, 3 * units))
    found = []
    for side in range(sides):
        blocks = [node.w[side], node.r[side]]
        if node.b is not None:
            blocks += [node.b[side, :rows], node.b[side, rows:]]
        weights = Weights(*[_reorder(block.detach(), order, options.gates) for block in blocks])
        if node.p is not None and isinstance(options, LSTMOptions):
            p = _reorder(node.p[side].detach(), ONNX_PEEPHOLES, options.peepholes)
            weights = weights._replace(peephole=p)
        found.append(weights)
    return tuple(found), options


def to_onnx(sides: Sequence[Weights], options: Options, direction: Direction = "forward") -> Onnx:
    """The ONNX node that computes this cell; see ``from_onnx``. ``layout`` is left at 0.

    With coupled gates the forget gate's blocks, which are not used, are zero.

    Args:
        sides: the weights of the one direction, or of forward and backward.
        options: the cell.
        direction: which way the node reads.

    Raises:
        ValueError: ONNX has no such cell, no place for some of the weights, or the number of
            sides is not the direction's.
    """
    if isinstance(options, SLSTMOptions):
        raise ValueError("ONNX has no sLSTM node")
    if isinstance(options, LSTMOptions):
        if options.forget == "none":
            raise ValueError("ONNX has no LSTM without a forget gate: forget='none'")
        if options.cell_clip is not None or options.proj_clip is not None:
            raise ValueError("ONNX has no cell_clip and no proj_clip; its clip is gate_clip")
    if len(sides) != (2 if direction == "bidirectional" else 1):
        raise ValueError(f"direction={direction!r} does not go with {len(sides)} sets of weights")
    for weights in sides:
        _refuse(weights, "ONNX", "w_hr", *_NORMS)

    def stacked(tensors: Sequence[Tensor]) -> Tensor:
        order = ONNX[options.cell]
        return torch.stack([_reorder(t.detach(), options.gates, order) for t in tensors])

    pairs = [_two_biases(weights) for weights in sides]
    b_ih = [b for b, _ in pairs if b is not None]
    b_hh = [b for _, b in pairs if b is not None]
    p = [
        _reorder(weights.peephole.detach(), options.peepholes, ONNX_PEEPHOLES)
        for weights in sides
        if weights.peephole is not None and isinstance(options, LSTMOptions)
    ]
    for name, some in (("biases", b_ih), ("peepholes", p)):
        if some and len(some) < len(sides):
            raise ValueError(f"both directions have {name} in ONNX, or none has")
    return Onnx(
        options.cell.upper(),
        stacked([weights.w_ih for weights in sides]),
        stacked([weights.w_hh for weights in sides]),
        torch.cat([stacked(b_ih), stacked(b_hh)], 1) if b_ih else None,
        torch.stack(p) if p else None,
        _attributes(options, sides[0].w_hh.shape[1], direction),
    )


_KERAS_CELLS = (
    LSTMOptions(),
    GRUOptions(reset_after=True),
    GRUOptions(reset_after=False),
    RNNOptions("tanh"),
    RNNOptions("relu"),
)
_NORMS = ("norm_gain", "norm_bias", "norm_c_gain", "norm_c_bias")


def _reorder(tensor: Tensor, order: Sequence[str], to: Sequence[str]) -> Tensor:
    """Stack the blocks of axis 0 in another order; a block that there is none of is zero."""
    blocks = dict(zip(order, tensor.chunk(len(order)), strict=True))
    nothing = torch.zeros_like(next(iter(blocks.values())))
    return torch.cat([blocks.get(name, nothing) for name in to])


def _two_biases(weights: Weights) -> tuple[Tensor | None, Tensor | None]:
    """Both biases or none."""
    b_ih, b_hh = weights.b_ih, weights.b_hh
    if b_ih is None and b_hh is not None:
        return torch.zeros_like(b_hh), b_hh
    if b_hh is None and b_ih is not None:
        return b_ih, torch.zeros_like(b_ih)
    return b_ih, b_hh


def _doubled(options: Options) -> bool:
    """Whether Keras keeps both biases, in one array of two rows."""
    return isinstance(options, GRUOptions) and options.reset_after


def _plain(options: Options) -> None:
    if isinstance(options, SLSTMOptions) or options not in _KERAS_CELLS:
        raise ValueError(f"Keras has no such cell: {options}")


def _refuse(weights: Weights, place: str, *names: str) -> None:
    for name in names:
        if getattr(weights, name) is not None:
            raise ValueError(f"{place} has no place for {name}")


def _check(name: str, tensor: Tensor, shape: tuple[int, ...]) -> None:
    if tensor.shape != shape:
        raise ValueError(f"{name} should have shape {shape}, got {tuple(tensor.shape)}")


def _options(cell: str, attributes: Mapping[str, Any], sides: int) -> Options:
    """The cell that a node's attributes describe."""
    named = [str(name) for name in attributes.get("activations") or _ACTIVATIONS[cell] * sides]
    usual = [name.lower() for name in _ACTIVATIONS[cell] * sides]
    given = [name.lower() for name in named]
    relu = cell == "rnn" and given == ["relu"] * sides
    if given != usual and not relu:
        raise ValueError(f"activations of a {cell.upper()} should be {usual}, got: {named}")
    bound = attributes.get("clip")
    clip = None if bound is None else float(bound)
    if cell == "lstm":
        coupled = bool(attributes.get("input_forget", 0))
        return LSTMOptions("coupled" if coupled else "gate", gate_clip=clip)
    if cell == "gru":
        return GRUOptions(bool(attributes.get("linear_before_reset", 0)), clip)
    return RNNOptions("relu" if relu else "tanh", clip)


def _attributes(options: Options, units: int, direction: Direction) -> dict[str, Any]:
    attributes: dict[str, Any] = {"hidden_size": units, "direction": direction}
    if options.gate_clip is not None:
        attributes["clip"] = options.gate_clip
    if isinstance(options, LSTMOptions) and options.forget == "coupled":
        attributes["input_forget"] = 1
    if isinstance(options, GRUOptions):
        attributes["linear_before_reset"] = int(options.reset_after)
    if isinstance(options, RNNOptions) and options.nonlinearity == "relu":
        attributes["activations"] = ["Relu"] * (2 if direction == "bidirectional" else 1)
    return attributes

"""Each option of our LSTM beside our plain one, held to the definition of the recurrence."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import torch
from recurrence.peers import INFERENCE, TRAINING_DX, Case, Shape, flat, in_mode
from recurrence.timing import Call, Entrant

import longshort
from longshort.kernels import dispatch
from longshort.kernels.reference import Masks


class Option(NamedTuple):
    """What the layer is made with and what it is called with."""

    layer: Mapping[str, Any] = MappingProxyType({})
    call: Mapping[str, Any] = MappingProxyType({})


def options(shape: Shape) -> dict[str, Option]:
    """Every option at a strength that is usual, by name."""
    b, t, _, h = shape
    return {
        "peepholes": Option({"peepholes": True}),
        "coupled gates": Option({"forget": "coupled"}),
        "layer norm": Option({"layer_norm": True}),
        "projection to H/2": Option({"proj_size": h // 2}),
        "clips": Option({"gate_clip": 3.0, "cell_clip": 3.0}),
        "lengths": Option(call={"lengths": Case(shape, INFERENCE, ragged=True).lengths}),
        "resets": Option(call={"resets": torch.rand(b, t) < 0.05}),
        "return_gates": Option(call={"return_gates": True}),
        "recurrent dropout": Option({"recurrent_dropout": 0.2}),
        "variational dropout": Option({"variational_input": 0.2, "variational_hidden": 0.2}),
        "zoneout": Option({"zoneout_hidden": 0.1, "zoneout_cell": 0.1}),
    }


NAMES = tuple(options(Shape(1, 4, 1, 2)))
# what is random while training: drawn in the layer, or given to the recurrence
RANDOM = ("recurrent dropout", "variational dropout", "zoneout")
ONLY_TRAINING = ("recurrent dropout", "variational dropout")


def whole_layer(name: str, shape: Shape, mode: str) -> dict[str, Entrant]:
    """Our LSTM with the option and our plain LSTM; the option's masks are drawn in the call."""
    chosen = options(shape)[name]
    made, truth, plain, x, dy = _layers(chosen, shape, mode)

    def reading(layer: Any, call: Mapping[str, Any]) -> Call:
        def read() -> list[torch.Tensor]:
            output, state, *trace = layer(x, **call)
            return [*flat(output, state), *(part for found in trace for part in found.values())]

        return in_mode(mode, read, layer, x, dy)

    return {
        "ours": Entrant(reading(made, chosen.call), reading(truth, chosen.call)),
        "plain": Entrant(reading(plain, {})),
    }


def recurrence_alone(name: str, shape: Shape, mode: str) -> dict[str, Entrant]:
    """The kernels' call with masks that were drawn before, and the same call without."""
    b, _, _, h = shape
    chosen = options(shape)[name]
    made, truth, plain, x, dy = _layers(chosen, shape, mode)
    state = (torch.zeros(b, h), torch.zeros(b, h))

    def reading(layer: Any, masks: Masks) -> Call:
        def read() -> list[torch.Tensor]:
            engine, weights = layer.settings["engine"], layer.weights(0)
            steps = dispatch.recurrence(x, state, weights, layer.cell, engine=engine, masks=masks)
            return flat(steps.out, steps.state)

        return in_mode(mode, read, layer, x, dy)

    masks = made.regularisers.masks(0, 0, x.detach(), h, h)
    return {
        "ours": Entrant(reading(made, masks), reading(truth, masks)),
        "plain": Entrant(reading(plain, Masks())),
    }


def _layers(chosen: Option, shape: Shape, mode: str) -> tuple[Any, ...]:
    """With the option, the same as its definition runs it, and plain; inputs and gradients."""
    b, t, i, h = shape
    training = mode != INFERENCE
    made = longshort.LSTM(i, h, batch_first=True, **chosen.layer).train(training)
    truth = longshort.LSTM(i, h, batch_first=True, engine="reference", **chosen.layer)
    truth.train(training).load_state_dict(made.state_dict())
    plain = longshort.LSTM(i, h, batch_first=True).train(training)
    x = torch.randn(b, t, i, requires_grad=mode == TRAINING_DX)
    return made, truth, plain, x, torch.randn(b, t, h)

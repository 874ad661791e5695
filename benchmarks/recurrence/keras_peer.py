"""Keras 3's LSTM beside torch.nn's in a process of its own: one backend, one core.

    KERAS_BACKEND=jax python -m recurrence.keras_peer SECONDS 'inference 32,48,8,64' ... FILE

Needs keras, torch and the backend, and nothing of ours. JAX is measured compiled.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from recurrence.timing import Call, DiffersError, Entrant, gate, race
from torch import Tensor, nn


def entrants(mode: str, shape: Sequence[int]) -> dict[str, Entrant]:
    """Keras, and the torch.nn.LSTM that it is held to; outputs, then gradients while training."""
    import keras

    b, t, i, h = shape
    training = mode != "inference"
    peer = nn.LSTM(i, h, batch_first=True).train(training)
    layer = keras.layers.LSTM(h, return_sequences=True)
    layer.build((b, t, i))
    w_ih, w_hh, b_ih, b_hh = (weight.detach() for weight in peer.parameters())
    layer.set_weights([w_ih.t().numpy(), w_hh.t().numpy(), (b_ih + b_hh).numpy()])
    x, dy = torch.randn(b, t, i, requires_grad=training), torch.randn(b, t, h)

    def read_peer() -> list[Tensor]:
        out = peer(x)[0]
        return [out, *torch.autograd.grad(out, [*peer.parameters(), x], dy)] if training else [out]

    def truth() -> list[Tensor]:
        out, *grads = read_peer()
        if not grads:
            return [out]
        dw_ih, dw_hh, db, _, dx = grads
        return [out, dw_ih.t(), dw_hh.t(), db, dx]

    make = _with_jax if keras.backend.backend() == "jax" else _with_torch
    found = make(layer, x, dy, training)
    return {"Keras": Entrant(found, truth, _as_tensors), "torch.nn": Entrant(read_peer)}


def _with_torch(layer: Any, x: Tensor, dy: Tensor, training: bool) -> Call:
    wanted = [weight.value for weight in layer.trainable_variables] + [x]

    def call() -> list[Tensor]:
        out = layer(x)
        return [out, *torch.autograd.grad(out, wanted, dy)] if training else [out]

    return call


def _with_jax(layer: Any, x: Tensor, dy: Tensor, training: bool) -> Call:
    import jax

    there = [jax.numpy.asarray(tensor.detach().numpy()) for tensor in (x, dy)]
    weights, fixed = (
        [weight.value for weight in found]
        for found in (layer.trainable_variables, layer.non_trainable_variables)
    )

    def infer(weights: Any, x: Any) -> Any:
        return layer.stateless_call(weights, fixed, x)[0]

    def learn(weights: Any, x: Any, dy: Any) -> list[Any]:
        out, pull = jax.vjp(infer, weights, x)
        in_weights, in_x = pull(dy)
        return [out, *in_weights, in_x]

    compiled: Callable[..., Any] = jax.jit(learn if training else infer)
    given = there if training else there[:1]

    def call() -> Any:
        found = jax.block_until_ready(compiled(weights, *given))
        return found if training else [found]

    return call


def _as_tensors(found: Sequence[Any]) -> list[Tensor]:
    import numpy

    return [
        each if isinstance(each, Tensor) else torch.from_numpy(numpy.array(each)) for each in found
    ]


def main() -> None:
    seconds, *names, path = sys.argv[1:]
    # a pool of threads that sees one core is one thread
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    torch.set_num_threads(1)
    backend = os.environ["KERAS_BACKEND"]
    try:
        import keras

        backing = torch if backend == "torch" else __import__(backend)
    except ImportError as error:
        Path(path).write_text(json.dumps({"missing": error.name}))
        return
    times, refused = {}, []
    for name in names:
        mode, _, shape = name.rpartition(" ")
        torch.manual_seed(0)
        running = entrants(mode, [int(size) for size in shape.split(",")])
        with torch.inference_mode(mode == "inference"):
            try:
                gate(running)
            except DiffersError as error:
                refused.append(f"Keras, {backend}, {name}: {error}")
                continue
            times[name] = race(running, 1, float(seconds))
        print(f"Keras, {backend}, {name}: {times[name]}", flush=True)
    versions = f"Keras {keras.__version__} on {backend} {backing.__version__}"
    Path(path).write_text(json.dumps({"times": times, "refused": refused, "versions": versions}))


if __name__ == "__main__":
    main()

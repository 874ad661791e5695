"""Keras 3 learning to tell the next character, in a process of its own: one backend, one core.

    KERAS_BACKEND=jax python benchmarks/texts/keras_peer.py '{"units": 384, ...}' FILE

Needs keras and the backend, and nothing of ours. JAX is measured compiled.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np


def network(given: dict[str, Any]) -> Any:
    """The network of the benchmark as Keras has it; with JAX its state is carried on, too."""
    import keras

    layers, compiled = keras.layers, keras.backend.backend() == "jax"
    ahead, behind = given["dropouts"]
    model = keras.Sequential(
        [
            layers.Input(batch_shape=(given["batch"], given["steps"]), dtype="int32"),
            layers.Embedding(given["symbols"], given["embedding"]),
            layers.Dropout(ahead),
            # on torch, gradients of a stateful one fail: it begins anew with every batch
            layers.LSTM(given["units"], return_sequences=True, stateful=compiled),
            layers.Dropout(behind),
            layers.Dense(given["symbols"]),
        ]
    )
    kinds = {"adam": keras.optimizers.Adam, "adamw": keras.optimizers.AdamW}
    kind = kinds.get(given["optimizer"], keras.optimizers.Adam)
    settings = {"learning_rate": given["rate"], "global_clipnorm": given["clip"]}
    if given["weight_decay"]:
        settings["weight_decay"] = given["weight_decay"]
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(kind(**settings), loss, jit_compile=compiled)
    return model


def main() -> None:
    given, path = json.loads(sys.argv[1]), Path(sys.argv[2])
    # a pool of threads that sees one core is one thread
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    import keras

    backend = keras.backend.backend()
    if backend == "torch":
        import torch

        torch.set_num_threads(1)
    model, drawn = network(given), np.random.default_rng(0)
    shape = given["batch"], given["steps"]
    seconds = []
    for _ in range(2 + given["timed"] * given["turns"]):
        symbols, targets = (drawn.integers(0, given["symbols"], shape, np.int32) for _ in "ab")
        begun = time.process_time()
        model.train_on_batch(symbols, targets)
        seconds.append(time.process_time() - begun)
    backing = __import__(backend).__version__
    versions = f"Keras {keras.__version__} on {backend} {backing}."
    path.write_text(json.dumps({"seconds": min(seconds[2:]), "versions": versions}))


if __name__ == "__main__":
    main()

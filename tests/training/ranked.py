"""What processes learn together: run by each of them, with RANK, WORLD_SIZE and so on set.

The first argument is a file: each process writes what it has learnt to it and its rank. The second
is a folder for a checkpoint and the third a step at which the last process kills itself, if any.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from longshort.checkpoint import Checkpoint
from longshort.contracts import Examples
from longshort.model import Model
from longshort.training import Training, fit, loop
from longshort.training.ranks import Ranks, joined

sys.path.insert(0, str(Path(__file__).parent))
import lines


def learnt(model: Model, train: Examples, valid: Examples | None, **given: Any) -> dict[str, Any]:
    """The weights, the epochs and the end of one run."""
    usual = {"epochs": 3, "batch": 16, "patience": None, "rate": 0.02}
    going = fit(model, train, valid, Training(**{**usual, **given}), seed=3)
    epochs = []
    while True:
        try:
            epochs.append(dataclasses.asdict(next(going)) | {"seconds": 0.0})
        except StopIteration as end:
            return {"weights": weights([model]), "epochs": epochs, "stop": end.value}


def weights(models: list[Model]) -> list[float]:
    """All of them, in a row."""
    flat = [tensor.flatten() for model in models for tensor in model.state_dict().values()]
    found: list[float] = torch.cat(flat).tolist()
    return found


def uneven() -> dict[str, Any]:
    """A last batch of one row: some process has none."""
    data = lines.series()
    return learnt(lines.recurrent(), lines.Points(data.x[:36], data.y[:36]), data, batch=5)


def masked() -> dict[str, Any]:
    """Targets that are missing on one side of the batch more than on the other."""
    data = lines.series()
    data.mask = torch.rand(data.y.shape, generator=torch.Generator().manual_seed(0)) < 0.3
    data.mask[:20] = True
    return learnt(lines.recurrent(), data, data)


def carried() -> dict[str, Any]:
    data = lines.series()
    chunks = lines.Points(data.x[:30], data.y[:30], streams=5)
    model = lines.recurrent()
    model.memory = "carried"
    return learnt(model, chunks, chunks)


def early() -> dict[str, Any]:
    given = {"epochs": 60, "rate": 0.05, "patience": 4, "weight_decay": 0.0}
    return learnt(lines.line(), *lines.overshooting(), **given)


def astray() -> dict[str, Any]:
    """A bad batch, read by all processes and scored by one."""
    data = lines.series()
    clean = data.y.clone()

    def watch(asked: int) -> None:
        data.y = clean.clone()
        # the second batch of the second epoch
        if asked == 5:
            data.y[:20] = math.nan

    data.watch = watch
    return learnt(lines.recurrent(), data, lines.series())


def scarce() -> dict[str, Any]:
    """Memory for three rows at once, on the first process alone."""
    model = lines.recurrent()
    plenty = model.loss

    def loss(given: Any, state: Any = None) -> Any:
        if given.rows > 3 and model.training and Ranks.here().lead:
            raise MemoryError
        return plenty(given, state)

    model.loss = loss  # type: ignore[method-assign]
    found = learnt(model, lines.series(), None)
    return found | {"epochs": []}


CASES: dict[str, Callable[[], dict[str, Any]]] = {
    "whole": lambda: learnt(lines.recurrent(), lines.series(), lines.series()),
    "uneven": uneven,
    "masked": masked,
    "carried": carried,
    "early": early,
    "astray": astray,
    "scarce": scarce,
}


def forecaster(checkpoint: Checkpoint | None = None) -> dict[str, Any]:
    """Two members with a refit, from an estimator."""
    from longshort import Forecaster, Recurrent, Window

    steps = np.arange(90)
    data = np.sin(steps / 7) + 0.3 * np.random.default_rng(0).normal(size=(2, 90))
    model = Forecaster(
        window=Window(context=6),
        recurrent=Recurrent(size=4, dropout=0.3),
        training=Training(epochs=2, members=2, refit=True, batch=31),
    ).fit(data[..., None], checkpoint=checkpoint)
    history = dataclasses.asdict(model.history_)
    for epoch in history["epochs"]:
        epoch["seconds"] = 0.0
    epochs, stops = history["epochs"], history["stops"]
    return {"weights": weights(model.models_), "epochs": epochs, "stop": stops}


def main() -> None:
    out, folder, kill = sys.argv[1], sys.argv[2:3], sys.argv[3:4]
    torch.set_num_threads(1)
    with joined() as ranks:
        steps = iter(range(10_000))
        clip = loop.clip

        def dying(*given: Any) -> float:
            if next(steps) == int(kill[0]) and ranks.rank == ranks.size - 1:
                os.kill(os.getpid(), signal.SIGKILL)
            return clip(*given)

        if kill:
            loop.clip = dying
        if folder:
            at = Checkpoint(Path(folder[0]) / "checkpoint.lstm", every=0)
            found: dict[str, Any] = {"forecaster": forecaster(at)}
        else:
            found = {name: case() for name, case in CASES.items()}
    Path(f"{out}.{ranks.rank}").write_text(json.dumps(found))


if __name__ == "__main__":
    main()

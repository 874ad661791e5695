"""Fit in a child, again and again, for whoever writes a line to this process.

A line holds a folder and a number. The child fits with a checkpoint at every step in the folder,
and saves its model there; at the call of that number which writes, synchronises or renames it kills
itself. This process prints the child's number, then how it ended.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from longshort import Forecaster, Recurrent, Training, Window
from longshort.checkpoint import Checkpoint


def fit(folder: Path | None = None) -> Forecaster:
    """Two members, each chosen and fitted again, with dropout; a second or so."""
    steps = np.arange(120)
    data = np.sin(steps / 7) + 0.3 * np.random.default_rng(0).normal(size=(3, 120))
    checkpoint = None if folder is None else Checkpoint(folder / "checkpoint.lstm", every=0)
    model = Forecaster(
        horizon=2,
        window=Window(context=6),
        recurrent=Recurrent(size=4, depth=2, dropout=0.3),
        training=Training(epochs=3, members=2, refit=True, schedule="cosine", batch=64),
        output="mse",
    )
    return model.fit(data[..., None], checkpoint=checkpoint)


def dying(real: Callable[..., Any], calls: list[int]) -> Callable[..., Any]:
    """The same, but the last of so many calls kills."""

    def call(*given: Any, **more: Any) -> Any:
        calls[0] -= 1
        if calls[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*given, **more)

    return call


def main() -> None:
    # children of a process with threads would wait for them; what is loaded once is loaded for all
    torch.set_num_threads(1)
    fit()
    for line in sys.stdin:
        folder, moment = Path(line.split()[0]), int(line.split()[1])
        child = os.fork()
        if child == 0:
            calls = [moment]
            for name in ("fsync", "replace", "fdopen", "chmod"):
                setattr(os, name, dying(getattr(os, name), calls))
            fit(folder).save(folder / "model.lstm")
            os._exit(0)
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main()

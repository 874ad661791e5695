"""How fast characters are learnt and written, beside torch.nn.LSTM and Keras, on one thread.

Everything is told in processor seconds, which other work on the machine does not count; still,
measure on a machine that has nothing else to do.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from longshort import LanguageModel
from longshort.data.codecs.tokens import BORDER
from longshort.data.sources.prose import Prose
from longshort.evaluate.forecast import environment
from longshort.model import Model
from longshort.training.parts import clip, gradient
from longshort.training.ranks import Ranks
from longshort.training.settings import Training, make_optimizer

OURS, TORCH = "Longshort", "torch.nn.LSTM"
# how often each is measured, in turns; steps of training and characters of each time
TURNS, TIMED, WRITTEN = 3, 12, 5000
# units of the network that writes
UNITS = 256
BACKENDS = ("jax", "torch")
_KERAS = (
    "Keras runs in a process of its own, on one core: Embedding, Dropout, LSTM, Dropout and Dense "
    "with the same sizes, optimiser and clipping by `train_on_batch`, compiled with JAX and eager "
    "with torch, where no state is carried from batch to batch."
)


def speeds(model: LanguageModel, text: Prose, path: Path, keras: Path | None) -> None:
    """Measure everything and write it down.

    Args:
        model: the recipe; weight drop, which the others do not have, is left out.
        text: what is learnt.
        path: the record.
        keras: a Python that has Keras and its backends; None leaves them out.
    """
    torch.set_num_threads(1)
    plain = model.set_copy(recurrent__weight_drop=0.0)
    parts = plain._learn(text)
    training, told = best(learning(plain, parts.train)), []
    size = plain.training.batch * plain.chunking.steps
    rates = {name: size / seconds for name, seconds in training.items()}
    if keras is not None:
        for backend in BACKENDS:
            seconds, version = beside_keras(plain, keras, backend)
            rates[f"Keras, {backend}"] = size / seconds
            told.append(version)
    writer = model.set_copy(recurrent__weight_drop=0.0, recurrent__size=UNITS)
    writing = {name: WRITTEN / seconds for name, seconds in best(authors(writer, text)).items()}
    batches = f"batches of {plain.training.batch} x {plain.chunking.steps} characters"
    found = {
        "network": f"{network(plain)}, {batches}",
        "turns": TURNS,
        "training": {name: round(rate) for name, rate in rates.items()},
        "writer": network(writer),
        "writing": {name: round(rate) for name, rate in writing.items()},
        "told": [*told, _KERAS] if told else [],
        "environment": environment(),
    }  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=1))


def network(model: LanguageModel) -> str:
    """A model in words."""
    own, head = model.recurrent, model.head
    return (
        f"{own.name} of {own.depth} x {own.size} units, embeddings of {head.embedding}, "
        f"{head.output} output"
    )


def best(runs: dict[str, Callable[[], float]]) -> dict[str, float]:
    """The least seconds of each, in turns, so that all meet the same machine."""
    found = dict.fromkeys(runs, float("inf"))
    for _ in range(TURNS):
        for name, run in runs.items():
            found[name] = min(found[name], run())
    return found


# learning


class Torch(nn.Module):
    """torch.nn.LSTM in the place of a stack of ours."""

    bidirectional = False

    def __init__(self, stack: Any) -> None:
        super().__init__()
        self.cell = stack.cell
        self.lstm = nn.LSTM(stack.input_size, stack.hidden_size, batch_first=True)

    def layers(self, x: Tensor, hx: Any = None, **_: Any) -> tuple[list[Tensor], Any]:
        """Its one layer's output, and the state after it."""
        out, state = self.lstm(x, hx)
        return [out], state


def learning(plain: LanguageModel, train: Any) -> dict[str, Callable[[], float]]:
    """A step of training, of the same network on either engine."""
    models = {OURS: plain._new(0), TORCH: plain._new(0)}
    models[TORCH].encoder.stack = Torch(models[TORCH].encoder.stack)
    return {
        name: lambda model=model: learned(model, train, plain.training)
        for name, model in models.items()
    }


def learned(model: Model, train: Any, training: Training) -> float:
    """Processor seconds of one step: loss, gradient, clipping, optimiser."""
    model.train()
    optimizer = make_optimizer(model, training)
    state, seconds = None, []
    for step in range(TIMED):
        batch = train.batch(range(step * training.batch, (step + 1) * training.batch))
        begun = time.process_time()
        state = gradient(model, batch, state, training.batch, Ranks(), carried=True).state
        clip(model, training)
        optimizer.step()
        seconds.append(time.process_time() - begun)
    return min(seconds[2:])


def beside_keras(plain: LanguageModel, python: Path, backend: str) -> tuple[float, str]:
    """Processor seconds of one step of Keras, and what it is."""
    own, training = plain.recurrent, plain.training
    # of inputs, and of outputs
    dropouts = own.dropout if own.input_dropout is None else own.input_dropout, own.dropout
    given = {
        "symbols": plain.codec_.size, "embedding": plain.head.embedding, "units": own.size,
        "batch": training.batch, "steps": plain.chunking.steps, "dropouts": dropouts,
        "rate": training.rate, "weight_decay": training.weight_decay, "clip": training.clip,
        "optimizer": training.optimizer, "timed": TIMED, "turns": TURNS,
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "found.json"
        command = [str(python), str(Path(__file__).with_name("keras_peer.py"))]
        # one thread, whatever the backend makes of it
        alone = {"KERAS_BACKEND": backend, "OMP_NUM_THREADS": "1", "PYTHONPATH": ""}
        subprocess.run(
            [*command, json.dumps(given), str(path)], check=True, env={**os.environ, **alone}
        )
        found = json.loads(path.read_text(encoding="utf-8"))
    return found["seconds"], found["versions"]


# writing


def authors(model: LanguageModel, text: Prose) -> dict[str, Callable[[], float]]:
    """Texts of ``WRITTEN`` characters, by our own stream and by the usual loop around torch's."""
    model._learn(text)
    model.models_ = [model._new(0).eval()]
    for name, bias in model.models_[0].head.named_parameters():
        if name.endswith("bias"):
            # a text that never ends
            with torch.no_grad():
                bias[BORDER] = -1e4
    peer = Loop(model.codec_.size, model.head.embedding or 64, model.recurrent.size)

    def ours() -> float:
        begun = time.process_time()
        assert len(model.generate("", WRITTEN)) == WRITTEN
        return time.process_time() - begun

    def theirs() -> float:
        begun = time.process_time()
        peer.write(WRITTEN)
        return time.process_time() - begun

    return {OURS: ours, TORCH: theirs}


class Loop(nn.Module):
    """The usual loop: torch.nn.LSTM reads its own last choice, one step at a time."""

    def __init__(self, symbols: int, embedding: int, units: int) -> None:
        super().__init__()
        self.table = nn.Embedding(symbols, embedding)
        self.lstm = nn.LSTM(embedding, units, batch_first=True)
        self.readout = nn.Linear(units, symbols)

    @torch.inference_mode()
    def write(self, length: int) -> list[int]:
        """Symbols, each drawn from what the network says."""
        symbol, state, found = torch.zeros(1, 1, dtype=torch.int64), None, []
        for _ in range(length):
            out, state = self.lstm(self.table(symbol), state)
            symbol = torch.multinomial(self.readout(out[:, -1]).softmax(1), 1)
            found.append(int(symbol))
        return found

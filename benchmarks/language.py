"""The language benchmark: an LSTM that tells the next character, beside Kneser-Ney's n-grams.

    python benchmarks/language.py tinyshakespeare.txt --valid     choose: the last 10 % stays shut
    python benchmarks/language.py tinyshakespeare.txt --fit       fit alone, or the rest of it
    python benchmarks/language.py tinyshakespeare.txt             fit, then open the last 10 % once
    python benchmarks/language.py tinyshakespeare.txt --speed     training beside torch.nn.LSTM
    python benchmarks/language.py --page                          the page, from what is on record

The text is Karpathy's tinyshakespeare, 1,115,394 characters of Shakespeare's plays, in the public
domain. Characters 1 to 1,003,854 are the training part, its last twentieth chooses the epoch. A fit
that was broken off goes on with the same command. What was measured is kept in
``benchmarks/records/language``, and ``docs/benchmarks/language.md`` is made of that alone.
``--reason`` says why the test part is opened again.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import torch
from record import ROOT, opening
from torch import Tensor, nn

from longshort import Chunking, LanguageModel, Next, Recurrent, Shares, Tokens, Training
from longshort.checkpoint import Checkpoint
from longshort.data.sources.prose import Prose, read_prose
from longshort.evaluate.forecast import environment
from longshort.model import Model
from longshort.records import Epoch, History, LanguageEvaluation
from longshort.training.parts import clip, gradient
from longshort.training.ranks import Ranks
from longshort.training.settings import make_optimizer

RECORDS = ROOT / "benchmarks" / "records" / "language"
PAGE = ROOT / "docs" / "benchmarks" / "language.md"
# fits in progress, and their models
WORK = ROOT / "build" / "language"
NAME = "tinyshakespeare"
GOAL = "at most 1.49 nats per character, aim 1.45; n-grams of order 7: 1.517"
# batches that are timed
TIMED = 12


def recipe(**changes: Any) -> LanguageModel:
    given: dict[str, Any] = {
        "shares": Shares(valid=0.05, test=0.1),
        "chunking": Chunking(steps=64),
        "head": Next("plain", embedding=64),
        "recurrent": Recurrent(384, dropout=0.3, input_dropout=0.1, weight_drop=0.15),
        "training": Training(
            epochs=14, rate=5e-3, weight_decay=0.01, schedule="cosine", patience=None, members=1
        ),
    }
    return LanguageModel(Tokens("characters"), **{**given, **changes})


class Told:
    """Progress, a line for each epoch."""

    def start(self, summary: str, seconds: float, epochs: int) -> None:
        """What is trained."""
        print(f"{summary}; at most about {seconds:.0f} s")

    def note(self, text: str) -> None:
        """Where it goes on."""
        print(text)

    def epoch(self, epoch: Epoch) -> None:
        """An epoch is done."""
        print(
            f"epoch {epoch.epoch + 1}: train {epoch.train_loss:.4f}, valid {epoch.valid_loss:.4f}, "
            f"{epoch.seconds:.0f} s",
            flush=True,
        )

    def finish(self, history: History) -> None:
        """All are."""
        print(f"{history.seconds:.0f} s in all")


def fitted(text: Prose, name: str) -> LanguageModel:
    """A fit of the recipe, or the rest of one that was broken off, or what came of it before."""
    WORK.mkdir(parents=True, exist_ok=True)
    path, model = WORK / f"{name}.lstm", recipe()
    if not path.exists():
        checkpoint = Checkpoint(WORK / f"{name}.checkpoint.lstm", 20.0, keep=True)
        model.fit(text, progress=Told(), checkpoint=checkpoint)
        model.save(path)
        checkpoint.remove()
    return LanguageModel.from_file(path)


def choose(text: Prose) -> None:
    """Score the last tenth of the first nine tenths, by a network that has not seen it."""
    first = text.between(0, recipe().shares.cuts(text.extent())[1])
    print(table(fitted(first, f"{NAME}-valid").evaluate(first)))


def judge(text: Prose, reason: str) -> None:
    model = fitted(text, NAME)
    frozen = {name: str(value) for name, value in model.get_params(deep=False).items()}
    with opening(NAME, "last 10 %", frozen, reason=reason, goal=GOAL) as scored:
        found = model.evaluate(text)
        for score in found.scores:
            measure = score.measures["nats_per_character"]
            scored[score.method] = round(measure.value, 4)
    RECORDS.mkdir(parents=True, exist_ok=True)
    (RECORDS / f"{NAME}.json").write_text(found.to_json(), encoding="utf-8")
    print(table(found))


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


def speed(text: Prose) -> None:
    """Characters per second of training, of the same network on either engine, in turns."""
    plain = recipe(recurrent=recipe().recurrent.set_params(weight_drop=0.0))
    parts = plain._learn(text)
    models = {"Longshort": plain._new(0), "torch.nn.LSTM": plain._new(0)}
    models["torch.nn.LSTM"].encoder.stack = Torch(models["torch.nn.LSTM"].encoder.stack)
    best: dict[str, float] = dict.fromkeys(models, float("inf"))
    for _ in range(3):
        for name, model in models.items():
            best[name] = min(best[name], timed(model, parts.train, plain.training))
    size = plain.training.batch * plain.chunking.steps
    told = {name: round(size / seconds) for name, seconds in best.items()}
    found = {"characters_per_second": told, "threads": torch.get_num_threads()}
    RECORDS.mkdir(parents=True, exist_ok=True)
    (RECORDS / "speed.json").write_text(
        json.dumps({**found, "environment": environment()}, indent=1) + "\n", encoding="utf-8"
    )
    print(found)


def timed(model: Model, train: Any, training: Training) -> float:
    """Processor seconds of a step on one thread, which other work on the machine does not count."""
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


def table(found: LanguageEvaluation) -> str:
    lines = ["| method | nats per character | bits per character | bits per byte |"]
    lines.append("|---|---:|---:|---:|")
    for score in found.scores:
        name = f"**{score.method}**" if score.kind == "lstm" else score.method
        nats, *others = (
            score.measures[measure]
            for measure in ("nats_per_character", "bits_per_character", "bits_per_byte")
        )
        spread = f" ({nats.low:.3f} to {nats.high:.3f})" if nats.low is not None else ""
        cells = [f"{nats.value:.4f}{spread}", *(f"{other.value:.3f}" for other in others)]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def page() -> str:
    """What is on record, as a page."""
    path = RECORDS / f"{NAME}.json"
    lines = ["# The next character", "", "Written by `python benchmarks/language.py --page`.", ""]
    if path.exists():
        found = LanguageEvaluation.from_json(path.read_bytes(), str(path))
        history, own = found.history, found.environment
        lines += [
            f"tinyshakespeare, fitted on the first 90 % (its last twentieth chose the epoch), "
            f"scored on all {found.symbols:,} characters of the last 10 %, each after all before "
            "it. Intervals are 95 % block bootstraps.", "", table(found), "", f"> {found.verdict}",
            "", f"{found.settings['model']}. Training took {history.seconds:.0f} s, "
            f"{len(history.epochs)} epochs, on {own['threads']} thread(s), "
            f"{own['engine'].split(':')[0]} engine.", "",
        ]  # fmt: skip
        for sample in found.samples[:1]:
            lines += [
                f"It writes ({sample.how}):",
                "",
                "```",
                sample.prompt + sample.text,
                "```",
                "",
            ]
    else:
        lines += [f"The test part of {NAME} has not been opened yet ({GOAL}).", ""]
    if (path := RECORDS / "speed.json").exists():
        rates = json.loads(path.read_text(encoding="utf-8"))
        told = rates["characters_per_second"]
        lines += [
            "## Speed of training", "",
            "Characters per second of processor time on one thread, with the optimiser's step: the "
            "same network, without weight drop, with Longshort's recurrence and torch.nn.LSTM.",
            "", "| recurrence | characters per second |", "|---|---:|",
            *(f"| {name} | {rate:,} |" for name, rate in told.items()), "",
        ]  # fmt: skip
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", nargs="?", type=Path)
    for name in ("valid", "fit", "speed", "page"):
        parser.add_argument(f"--{name}", action="store_true")
    parser.add_argument("--reason", default="")
    given = parser.parse_args()
    if given.page:
        PAGE.write_text(page(), encoding="utf-8")
        return
    if given.data is None:
        parser.error("the file tinyshakespeare.txt is needed")
    text = read_prose(given.data)
    if given.speed:
        speed(text)
    elif given.valid:
        choose(text)
    elif given.fit:
        fitted(text, NAME)
    else:
        judge(text, given.reason)


if __name__ == "__main__":
    main()

"""The benchmark of labelled sequences: Classifier and Tagger beside every yardstick.

    python benchmarks/labels.py --only tweets --valid          score the validation part alone
    python benchmarks/labels.py --only tweets,gunpoint         open the test parts of these sets
    python benchmarks/labels.py --page                         write the page from the records

Each set is a file in ``benchmarks/labelled`` and keeps what was measured in
``benchmarks/records/labels``; the page, ``docs/benchmarks/labels.md``, is made of these records
alone. Every recipe was chosen on the validation part. ``--rows`` measures some networks alone,
``--seeds`` fewer of each (with ``--valid``), and ``--reason`` says why a test part is opened again.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from labelled.base import Set, parted
from labelled.page import page
from labelled.peers import TRANSFORMER, transformed
from labelled.sets import SETS
from record import ROOT, opening

from longshort.data.corpus import Corpus
from longshort.evaluate.labels import LabelParts, evaluate_labels
from longshort.layers.encoder import parameter_count
from longshort.records import LabelEvaluation, Measured
from longshort.yardsticks.labels.base import LabelMethod, TagMethod
from longshort.yardsticks.labels.roster import Choice

RECORDS = ROOT / "benchmarks" / "records" / "labels"
PAGE = ROOT / "docs" / "benchmarks" / "labels.md"


def rows_of(task: Set) -> list[str]:
    """Every network of a set: its own, and a Transformer in the place of the first one's LSTM."""
    return [*task.rows, TRANSFORMER] if task.task == "classify" else list(task.rows)


def made(task: Set, row: str, seed: int) -> Any:
    """An unfitted network."""
    if row == TRANSFORMER and row not in task.rows:
        return transformed(task.make(task.rows[0], seed))
    return task.make(row, seed)


def fitted(task: Set, row: str, seed: int, corpus: Corpus) -> tuple[Any, dict[str, float]]:
    """One network fitted on everything but the test part, and what it cost."""
    known = [at for at, part in enumerate(corpus.parts or ()) if part != "test"]
    model = made(task, row, seed)
    begun = time.process_time()
    model.fit(corpus.select(known))
    spent = time.process_time() - begun
    return model, {
        "parameters": sum(parameter_count(network) for network in model.models_),
        "seconds": spent,
        "epochs": max(epoch.epoch for epoch in model.history_.epochs) + 1,
    }


def judged(
    task: Set, row: str, model: Any, parts: LabelParts, yardsticks: Choice
) -> LabelEvaluation:
    """One network on a part, with or without the yardsticks."""
    told: dict[str, Any] = {"yardsticks": yardsticks, "history": model.history_, "settings": {}}
    if task.task == "tag":
        from longshort.evaluate.tags import evaluate_tags

        return evaluate_tags(TagMethod(row, "lstm", model._tags), parts, model.entities, **told)
    classes = model.known_.classes
    method = LabelMethod(row, "lstm", model.probabilities)
    return evaluate_labels(
        method, parts, classes.names, kind=classes.kind, metric=task.metric, **told
    )


def scores(found: dict[str, Measured]) -> dict[str, float | None]:
    return {name: measured.value for name, measured in found.items()}


def valid(task: Set, rows: list[str], seeds: int, yardsticks: Choice) -> None:
    """Every network on the validation part; the test part is not read."""
    for split in range(task.splits):
        whole = task.read(split)
        parts = parted(whole)
        if not len(parts["valid"]):
            print(f"{task.name}: no validation part is given; its recipe is fixed in advance")
            return
        told = LabelParts(parts["train"], None, parts["valid"])
        for row in rows:
            for seed in range(seeds):
                model, cost = fitted(task, row, seed, whole)
                own = judged(task, row, model, told, yardsticks if not seed else "none")
                for each in own.scores:
                    shown = {k: round(v or 0, 4) for k, v in scores(each.measures).items()}
                    shown = {name: shown[name] for name in task.measures if name in shown}
                    print(f"{task.name}, split {split}, seed {seed}, {each.method}: {shown}")
                print(f"    {cost}", flush=True)


def measured(
    task: Set, rows: list[str], kept: dict[str, Any], reason: str, keep: Callable[[], None]
) -> None:
    """Fit every row on each split and score it on the test part; ``keep`` is called after each."""
    frozen: dict[str, Any] = {
        row: {name: str(v) for name, v in made(task, row, 0).get_params(deep=False).items()}
        for row in rows
    }
    frozen |= {"seeds": task.seeds, "splits": task.splits}
    goals = {goal.measure: f"at least {goal.must}" for goal in task.goals}
    with opening(
        f"labels, {task.name}",
        task.part,
        frozen,
        reason=reason,
        threads=str(torch.get_num_threads()),
        goals=goals,
    ) as opened:
        kept.setdefault("splits", [{} for _ in range(task.splits)])
        for split in range(task.splits):
            corpus, found = task.read(split), kept["splits"][split]
            for row in rows:
                found.setdefault("networks", {})[row] = networks(task, row, corpus, found)
                opened[f"{row}, split {split}"] = [one["scores"] for one in found["networks"][row]]
                print(task.name, split, row, *found["networks"][row], sep="\n  ", flush=True)
                keep()


def networks(task: Set, row: str, corpus: Corpus, found: dict[str, Any]) -> list[dict[str, Any]]:
    """A row's networks on one split; the first of all is judged beside the yardsticks."""
    parts = parted(corpus)
    valid = parts["valid"] if len(parts["valid"]) else None
    told = LabelParts(parts["train"], valid, parts["test"])
    models = [fitted(task, row, seed, corpus) for seed in range(task.seeds)]
    measured = []
    for seed, (model, cost) in enumerate(models):
        first = row == task.rows[0] and seed == 0
        own = judged(task, row, model, told, task.yardsticks if first else "none")
        if first:
            found |= beside(own)
        assert own.ours is not None
        measured.append(cost | {"scores": scores(own.ours.measures), "valid": own.ours.valid})
    return measured


def beside(own: LabelEvaluation) -> dict[str, Any]:
    """What a record keeps of the first network's evaluation: the yardsticks, and the verdict."""
    told = json.loads(own.to_json())
    return {
        "methods": {
            each["method"]: each
            for each, score in zip(told["scores"], own.scores, strict=True)
            if score.kind != "lstm"
        },
        "first": told["scores"][0]["measures"],
        **{
            name: told[name]
            for name in ("items", "groups", "classes", "differences", "reference", "verdict",
                         "notes", "data", "environment", "per_class")
        },
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default=",".join(SETS), help="sets: " + ", ".join(SETS))
    parser.add_argument("--rows", default="", help="networks, by default every one of a set")
    parser.add_argument("--valid", action="store_true", help="score validation; open no test part")
    parser.add_argument("--seeds", type=int, default=1, help="networks of a row, with --valid")
    parser.add_argument("--yardsticks", default="none", help="with --valid: none, quick or all")
    parser.add_argument("--page", action="store_true", help="write the page from the records alone")
    parser.add_argument("--reason", default="", help="why a test part is opened again")
    given = parser.parse_args()
    for name in [] if given.page else given.only.split(","):
        task = SETS[name]
        rows = given.rows.split(",") if given.rows else rows_of(task)
        if given.valid:
            valid(task, rows, given.seeds, given.yardsticks)
            continue
        path = RECORDS / f"{name}.json"
        kept = json.loads(path.read_text()) if path.exists() else {}
        path.parent.mkdir(parents=True, exist_ok=True)

        def keep(path: Path = path, kept: dict[str, Any] = kept) -> None:
            path.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n")

        measured(task, rows, kept, given.reason, keep)
    if not given.valid:
        files = {name: RECORDS / f"{name}.json" for name in SETS}
        known = {n: json.loads(p.read_text()) for n, p in files.items() if p.exists()}
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        PAGE.write_text(page(known, SETS))


if __name__ == "__main__":
    main()

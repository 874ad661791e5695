"""What recordings without labels give a classifier that has few of them.

    python benchmarks/series.py --valid --only physionet    score validation parts alone
    python benchmarks/series.py --only physionet            open the test part, once
    python benchmarks/series.py --page                      write the page from the record

A series model learns to tell the next values of all recordings of the training part, without
their labels; then classifiers are fitted on a few labelled ones of them, with and without it. Sets
are those of ``benchmarks/labels.py``, and so is ``LONGSHORT_DATA``. What was measured stands in
``benchmarks/records/transfer/series.json``, and ``docs/benchmarks/series.md`` is made of it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from labelled import gunpoint, italypower, physionet
from labelled.base import parted
from record import ROOT, opening
from sklearn.metrics import accuracy_score, roc_auc_score

from longshort import Classifier, Partition, Recurrent, SeriesModel, Signal, Training
from longshort.data.corpus import Corpus
from longshort.data.readings.pretrained import Pretrained
from longshort.heads.category import Category
from longshort.heads.sequel import Sequel
from longshort.yardsticks.labels.features import Features

RECORD = ROOT / "benchmarks" / "records" / "transfer" / "series.json"
PAGE = ROOT / "docs" / "benchmarks" / "series.md"
WORK = ROOT / "build" / "transfer"
WITHOUT, FROZEN, TUNED = "LSTM", "LSTM with a series model", "LSTM with a tuned series model"
# the same network, whose trunk has learnt nothing before
UNTRAINED = "LSTM with an untrained one"
SIMPLE = "logistic regression on simple features"
PARTS = {
    "test": "Scored on the test part.",
    "valid": "Scored on the validation part; the test part was not opened.",
}
ROWS = (WITHOUT, UNTRAINED, FROZEN, TUNED, SIMPLE)


@dataclass(frozen=True)
class Task:
    """One set.

    title, told: for the page. read: the corpus of a split, with its parts. series: an unfitted
    series model. make: an unfitted classifier, given a seed. counts: how many labelled recordings
    are learnt from. metric: "auroc" or "accuracy". splits, draws: how often the items are split,
    and labelled ones drawn of each split.
    """

    title: str
    told: str
    read: Callable[[int], Corpus]
    series: SeriesModel
    make: Callable[[int], Classifier]
    counts: tuple[int, ...]
    metric: str
    splits: int = 1
    draws: int = 5


def stays(seed: int) -> Classifier:
    """The recipe of the labelled set, for a fixed number of epochs."""
    return physionet.make("LSTM", seed).set_params(
        training=Training(
            epochs=12, rate=2e-3, weight_decay=0.01, batch=32, patience=None, members=1, clip=1.0
        ),
        partition=Partition(by="stratified", valid=0.0),
    )


def short(recurrent: Recurrent, epochs: int) -> Callable[[int], Classifier]:
    """A recipe for short series."""

    def make(seed: int) -> Classifier:
        return Classifier(
            head=Category(pooling="mean+max", dropout=0.3),
            recurrent=recurrent,
            training=Training(
                epochs=epochs, rate=3e-3, schedule="onecycle", weight_decay=0.01, batch=16,
                patience=None, members=1,
            ),
            partition=Partition(by="stratified", valid=0.0),
            random_state=seed,
        )  # fmt: skip

    return make


def learner(epochs: int, size: int, batch: int = 64, **given: Any) -> SeriesModel:
    return SeriesModel(
        recurrent=Recurrent(size, dropout=0.1),
        partition=Partition(by="stratified", valid=0.1),
        training=Training(
            epochs=epochs, batch=batch, rate=3e-3, weight_decay=0.01, schedule="cosine",
            patience=None, members=1,
        ),
        **given,
    )  # fmt: skip


TASKS = {
    "physionet": Task(
        "PhysioNet 2012, death in hospital",
        "3,996 stays in intensive care; the series model reads the 2,797 of the training part, "
        "hour by hour.",
        physionet.read,
        learner(8, 48, signal=Signal(scale="ranks", every="1h")),
        stays,
        (100, 300),
        "auroc",
        splits=3,
        draws=2,
    ),
    "italypowerdemand": Task(
        "ItalyPowerDemand",
        "a day's demand for electricity, winter or summer; the series model reads the 67 days of "
        "the training part.",
        italypower.read,
        learner(60, 32, 16),
        short(Recurrent(32, bidirectional=True, dropout=0.2), 12),
        (6, 12, 24),
        "accuracy",
    ),
    "gunpoint": Task(
        "GunPoint",
        "the hand of somebody who draws a gun or points a finger; the series model reads the 50 "
        "of the training part.",
        gunpoint.read,
        learner(60, 32, 16, head=Sequel(steps=10)),
        short(Recurrent(32, bidirectional=True, dropout=0.2), 24),
        (6, 12, 24),
        "accuracy",
    ),
}


def some(corpus: Corpus, count: int, seed: int) -> tuple[Corpus, Corpus]:
    """So many items of a corpus, each label in its share but once at least, and all others."""
    random = np.random.default_rng([seed, count])
    labels = np.array([label for (label,) in corpus.labels or ()])
    order = random.permutation(len(labels))
    chosen = [int(order[labels[order] == label][0]) for label in np.unique(labels)]
    shares = {label: count * float((labels == label).mean()) for label in np.unique(labels)}
    have = {labels[at]: 1 for at in chosen}
    for at in order.tolist():
        if len(chosen) < count and at not in chosen and have[labels[at]] < shares[labels[at]]:
            chosen.append(at)
            have[labels[at]] += 1
    rest = sorted(set(range(len(labels))) - set(chosen))
    return replace(corpus.select(sorted(chosen)), parts=None), replace(
        corpus.select(rest), parts=None
    )


def scored(task: Task, told: np.ndarray[Any, Any], classes: list[str], corpus: Corpus) -> float:
    """A score of probabilities (N, K)."""
    truth = [label for (label,) in corpus.labels or ()]
    if task.metric == "auroc":
        return float(roc_auc_score([classes.index(t) for t in truth], told[:, 1]))
    return float(accuracy_score(truth, [classes[at] for at in told.argmax(1)]))


def fitted(task: Task, row: str, few: Corpus, path: str, seed: int) -> tuple[Any, list[str]]:
    """(corpus) -> probabilities, fitted on a few labelled items, and its classes."""
    if row == SIMPLE:
        classes = list(few.classes)
        metric = "auroc" if task.metric == "auroc" else "accuracy"
        method = Features("logistic regression", metric).fit(few, None, classes, seed)
        return method.probabilities, classes
    model = task.make(seed)
    if row != WITHOUT:
        path = f"{path}.untrained" if row == UNTRAINED else path
        model.set_params(pretrained=Pretrained(path, tune=row != FROZEN))
    if row == TUNED:
        model.set_params(training__unfreeze="gradual", training__discriminative=0.4)
    model.fit(few)
    return model.probabilities, list(map(str, model.known_.classes.names))


def pretrained(name: str, task: Task, split: int, corpus: Corpus) -> tuple[str, dict[str, Any]]:
    """The file of the series model of a split, and what it is."""
    WORK.mkdir(parents=True, exist_ok=True)
    path = WORK / f"{name}-{split}.lstm"
    begun = time.process_time()
    model = task.series.set_copy().fit(corpus.bare())
    spent = time.process_time() - begun
    model.save(path)
    still = {"training__epochs": 1, "training__steps": 1, "training__rate": 1e-9}
    task.series.set_copy(**still).fit(corpus.bare()).save(f"{path}.untrained")
    best = model.history_.best(0)
    assert best is not None
    told = {"seconds": spent, "nats": best.valid_loss, "model": model._settings()["model"]}
    print(name, split, told, flush=True)
    return str(path), told


def measured(name: str, task: Task, rows: list[str], test: bool, counts: list[int]) -> Any:
    """Every row at every count; on the test part, or on the validation part or other items."""
    found: dict[str, Any] = {"series": [], "scores": {}}
    for split in range(task.splits):
        parts = parted(task.read(split))
        plain = replace(parts["train"], parts=None)
        path, told = pretrained(name, task, split, plain)
        found["series"].append(told)
        for draw in range(task.draws):
            for count in counts:
                few, rest = some(plain, count, 100 * split + draw)
                held = parts["test"] if test else parts["valid"] if len(parts["valid"]) else rest
                held = replace(held, parts=None)
                for row in rows:
                    predict, classes = fitted(task, row, few, path, draw)
                    score = scored(task, predict(held.bare()), classes, held)
                    found["scores"].setdefault(str(count), {}).setdefault(row, []).append(score)
                    print(f"{name}, split {split}, draw {draw}, {count}, {row}: {score:.4f}",
                          flush=True)  # fmt: skip
    for count, own in found["scores"].items():
        for row, each in own.items():
            print(f"{name}, {count} labelled, {row}: {mean(each)}", flush=True)
    return found


def mean(scores: list[float]) -> str:
    """The mean, and its standard error."""
    error = statistics.stdev(scores) / len(scores) ** 0.5 if len(scores) > 1 else 0.0
    return f"{statistics.mean(scores):.3f} ± {error:.3f}"


def page(record: dict[str, Any]) -> str:
    """The page."""
    lines = [
        "# What recordings without labels give",
        "",
        "A series model (`longshort fit series`) learnt to tell the next values of all recordings "
        "of the training part without their labels; then classifiers learnt from a few labelled "
        "recordings of that part, drawn anew for each score. Means over draws and splits, "
        "± their standard error, and what a tuned series model adds on the same draws. "
        "The untrained one is the same network, all of whose weights learn from labels alone. "
        "`python benchmarks/series.py` writes this page.",
    ]
    judged = record.get("test", {})
    for name, task in sorted(TASKS.items(), key=lambda each: each[0] not in judged):
        part = "test" if name in judged else "valid"
        found = record.get(part, {}).get(name)
        if found is None:
            continue
        lines += [
            "",
            f"## {task.title}",
            "",
            f"{task.told[0].upper()}{task.told[1:]} {PARTS[part]}",
            "",
        ]
        lines += [f"| labelled | {' | '.join(f'{row} ({task.metric})' for row in ROWS)} | gain |"]
        lines += ["|---|" + "---|" * (len(ROWS) + 1)]
        for count, own in found["scores"].items():
            gains = [a - b for a, b in zip(own[TUNED], own[WITHOUT], strict=True)]
            told = [mean(own[row]) for row in ROWS]
            lines.append(f"| {count} | {' | '.join(told)} | {mean(gains)} |")
        series = found["series"]
        seconds = statistics.mean(each["seconds"] for each in series)
        lines += [
            "",
            f"Means of {len(own[WITHOUT])} draws. The series model: {series[0]['model']}; "
            f"{seconds:.0f} s of one core. It tells a scaled value it has not seen at "
            f"{series[0]['nats']:.2f} nats.",
        ]
    return "\n".join([*lines, ""])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default=",".join(TASKS), help="sets: " + ", ".join(TASKS))
    parser.add_argument("--rows", default=",".join(ROWS), help="methods, with --valid")
    parser.add_argument("--counts", default="", help="labelled items, with --valid")
    parser.add_argument("--valid", action="store_true", help="score validation; open no test part")
    parser.add_argument("--page", action="store_true", help="write the page from the record")
    parser.add_argument("--reason", default="", help="why a test part is opened again")
    given = parser.parse_args()
    record = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    for name in [] if given.page else given.only.split(","):
        task = TASKS[name]
        if given.valid:
            counts = [int(each) for each in given.counts.split(",") if each] or list(task.counts)
            found = measured(name, task, given.rows.split(","), False, counts)
            if set(found["scores"][str(counts[0])]) == set(ROWS):
                keep(record, "valid", name, found)
            continue
        frozen = {
            "series": {k: str(v) for k, v in task.series.get_params(deep=False).items()},
            "classifier": {k: str(v) for k, v in task.make(0).get_params(deep=False).items()},
            "counts": list(task.counts), "splits": task.splits, "draws": task.draws,
        }  # fmt: skip
        threads = str(torch.get_num_threads())
        told = {"reason": given.reason, "threads": threads}
        with opening(f"transfer, {name}", "test", frozen, **told) as opened:
            found = measured(name, task, list(ROWS), True, list(task.counts))
            opened |= found["scores"]
        keep(record, "test", name, found)
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page(record), encoding="utf-8")


def keep(record: dict[str, Any], part: str, name: str, found: Any) -> None:
    """Write down what was measured of a set."""
    record.setdefault(part, {})[name] = found
    RECORD.parent.mkdir(parents=True, exist_ok=True)
    RECORD.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()

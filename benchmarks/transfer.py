"""What a language model that was trained before gives: fewer labels, with and without one.

    python benchmarks/transfer.py --pretrain           train the language model, or the rest of it
    python benchmarks/transfer.py --valid wnut         score the validation part alone
    python benchmarks/transfer.py --fit                fit alone; a fit that is done is kept
    python benchmarks/transfer.py                      open the test parts, once
    python benchmarks/transfer.py --page               write the page from the records

The sets are two of ``benchmarks/labels.py``, with their recipes: entities in posts (WNUT-17) and
the polarity of sentences, fitted on all labels of the training part and on shares of them. The
language model has read film reviews and the texts of both training parts, without labels, and
nothing of any validation or test part. ``LONGSHORT_DATA`` is the folder of ``benchmarks/labels.py``
with ``text/movie_reviews.zip``.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import time
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from labelled.base import Set, parted
from labelled.names import BOTH
from labelled.sets import SETS
from labelled.texts import given
from labels import judged, scores
from record import ROOT, opening

import longshort
from longshort import Chunking, LanguageModel, Next, Recurrent, Tokens, Training
from longshort.checkpoint import Checkpoint
from longshort.data.corpus import Corpus
from longshort.data.readings.pretrained import Pretrained
from longshort.evaluate.labels import LabelParts

RECORDS = ROOT / "benchmarks" / "records" / "transfer"
PAGE = ROOT / "docs" / "benchmarks" / "transfer.md"
WORK = ROOT / "build" / "transfer"
MODEL = WORK / "reviews.lstm"
NAMES = ("wnut", "polarity")
WITHOUT, WITH = "LSTM", "LSTM with a language model"
SHARES = (1.0, 0.3, 0.1)
SEEDS = 3
# words in a row that a document may not share with a sentence of another part
RUN = 8
# epochs by share, and what else is not as in the set's own recipe; chosen on the validation parts
RECIPES: dict[str, dict[str, dict[str, Any]]] = {
    "wnut": {
        WITHOUT: {"epochs": {1.0: 3, 0.3: 3, 0.1: 4}},
        WITH: {"epochs": {1.0: 3, 0.3: 3, 0.1: 4}},
    },
    "polarity": {
        WITHOUT: {"epochs": {1.0: 3, 0.3: 5, 0.1: 8}},
        WITH: {"epochs": {1.0: 3, 0.3: 5, 0.1: 8}},
    },
}
# documents that tell how well the language model does
HELD = 40


# the language model


def reviews() -> dict[str, str]:
    """The film reviews by name (Pang and Lee 2004)."""
    with zipfile.ZipFile(given("movie_reviews.zip")) as file:
        names = sorted(name for name in file.namelist() if name.endswith(".txt"))
        return {name: file.read(name).decode("latin-1") for name in names}


def alike(documents: dict[str, str], sentences: list[str]) -> set[str]:
    """Documents that hold one of the sentences, or ``RUN`` words in a row of one."""
    wanted = [f" {' '.join(sentence.split())} " for sentence in sentences]
    runs = {run for sentence in wanted for run in _runs(sentence)}
    # the others have runs
    short = [sentence for sentence in wanted if not any(_runs(sentence))]
    plain = {name: f" {' '.join(text.split())} " for name, text in documents.items()}
    return {
        name
        for name, text in plain.items()
        if any(run in runs for run in _runs(text)) or any(sentence in text for sentence in short)
    }


def _runs(text: str) -> Iterator[str]:
    words = re.findall(r"[a-z0-9]+", text.lower())
    return (" ".join(words[at : at + RUN]) for at in range(len(words) - RUN + 1))


def texts() -> tuple[dict[str, list[str]], dict[str, int]]:
    """What the language model reads, and how many documents of each kind; no test text."""
    found = reviews()
    sets = {name: parted(SETS[name].read(0)) for name in NAMES}
    shut = [text for part in ("valid", "test") for text in said(sets["polarity"][part])]
    out = alike(found, shut)
    kept = [text for name, text in found.items() if name not in out]
    random.Random(0).shuffle(kept)
    posts, sentences = said(sets["wnut"]["train"]), said(sets["polarity"]["train"])
    train = [*kept[HELD:], *posts, *sentences]
    random.Random(1).shuffle(train)
    counts = {"reviews": len(kept), "left out": len(out), "posts": len(posts)}
    counts |= {"sentences": len(sentences), "held": HELD, "characters": sum(map(len, train))}
    return {"train": train, "valid": kept[:HELD]}, counts


def said(corpus: Corpus) -> list[str]:
    """Texts, or sentences of tokens as texts."""
    if corpus.tokens is not None:
        return [" ".join(tokens) for tokens in corpus.tokens]
    assert corpus.texts is not None
    return list(corpus.texts)


def language_model() -> LanguageModel:
    return LanguageModel(
        Tokens("subwords", size=4000),
        chunking=Chunking(steps=50),
        head=Next("tied", embedding=128),
        recurrent=Recurrent(256, dropout=0.1),
        training=Training(
            epochs=3, batch=32, rate=4e-3, weight_decay=0.01, schedule="cosine", patience=None,
            members=1,
        ),
        direction="both",
    )  # fmt: skip


class Told:
    """Progress, a line for each epoch."""

    def start(self, summary: str, seconds: float, epochs: int) -> None:
        """What is trained."""
        print(f"{summary}; at most about {seconds:.0f} s", flush=True)

    def note(self, text: str) -> None:
        """Where it goes on."""
        print(text, flush=True)

    def epoch(self, epoch: Any) -> None:
        """An epoch is done."""
        told = f"train {epoch.train_loss:.4f}, valid {epoch.valid_loss:.4f}"
        print(f"epoch {epoch.epoch + 1}: {told}, {epoch.seconds:.0f} s", flush=True)

    def finish(self, history: Any) -> None:
        """All are."""
        print(f"{history.seconds:.0f} s in all", flush=True)


def pretrain() -> None:
    """Train the language model, or the rest of it, and keep what it is and cost."""
    WORK.mkdir(parents=True, exist_ok=True)
    read, counts = texts()
    print(counts, flush=True)
    model, begun = language_model(), time.process_time()
    model.fit(read, progress=Told(), checkpoint=Checkpoint(WORK / "reviews.checkpoint.lstm", 60.0))
    spent = time.process_time() - begun
    model.save(MODEL)
    held = model.passages({"train": read["train"][:1], "test": read["valid"]}).test
    assert held is not None
    told = model.stretch(held)
    nats = {
        "forwards": float(model.nats(told).sum()) / held.characters,
        "backwards": float(model.nats(told, "backward").sum()) / held.characters,
    }
    write("language_model", {
        "counts": counts, "symbols": model.codec_.size, "nats_per_character": nats,
        "seconds": spent, "model": model._settings()["model"],
        "epochs": [[e.train_loss, e.valid_loss] for e in model.history_.epochs],
        "planned": model.training.epochs,
        "threads": torch.get_num_threads(),
    })  # fmt: skip
    print(nats)


def write(name: str, told: dict[str, Any]) -> None:
    RECORDS.mkdir(parents=True, exist_ok=True)
    path = RECORDS / f"{name}.json"
    path.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


# the sets


def make(task: Set, row: str, seed: int, share: float, changes: dict[str, Any]) -> Any:
    """An unfitted network of a row: the set's own recipe, one network, with its epochs."""
    model = task.make(BOTH, seed)
    chosen = {**RECIPES[task.name][row], **changes}
    epochs = chosen.pop("epochs")
    epochs = epochs if isinstance(epochs, int) else epochs[share]
    model.set_params(training__members=1, training__epochs=epochs)
    if row == WITH:
        # from the root, so that records name no folder of anybody's
        path = str(MODEL.relative_to(ROOT))
        model.set_params(pretrained=Pretrained(path, **chosen.pop("pretrained", {})))
    return model.set_params(**chosen)


def cut(corpus: Corpus, share: float, seed: int) -> Corpus:
    """The corpus with a share of its training part, drawn at random, and no test part."""
    parts = np.array(corpus.parts)
    train = np.flatnonzero(parts == "train")
    count = round(share * len(train))
    kept = np.random.default_rng([seed, count]).permutation(train)[:count]
    return corpus.select(np.sort(np.concatenate([kept, np.flatnonzero(parts == "valid")])))


def fitted(
    task: Set, row: str, seed: int, share: float, changes: dict[str, Any]
) -> tuple[Any, float]:
    """A fitted network, and the seconds of processor time that it took."""
    model = make(task, row, seed, share, changes)
    begun = time.process_time()
    model.fit(cut(task.read(0), share, seed))
    return model, time.process_time() - begun


def scored(task: Set, row: str, model: Any, part: str) -> dict[str, float | None]:
    """Its scores on a part."""
    told = parted(task.read(0))
    own = judged(task, row, model, LabelParts(told["train"], None, told[part]), "none").ours
    assert own is not None
    return scores(own.measures)


def kept(task: Set, row: str, seed: int, share: float) -> tuple[Any, float]:
    """A fit by the recipe, or what came of it before: a set's fits are many."""
    path = WORK / f"{task.name}-{'with' if row == WITH else 'without'}-{share:g}-{seed}.lstm"
    told = path.with_suffix(".json")
    if not told.exists():
        model, spent = fitted(task, row, seed, share, {})
        model.save(path)
        told.write_text(json.dumps({"seconds": spent}), encoding="utf-8")
        print(task.name, row, share, seed, f"{spent:.0f} s", flush=True)
    return longshort.load(path), json.loads(told.read_text(encoding="utf-8"))["seconds"]


def every(rows: list[str]) -> Iterator[tuple[str, float, int]]:
    """Row, share and seed of each fit; a seed is done before the next one."""
    return ((row, share, seed) for seed in range(SEEDS) for share in SHARES[::-1] for row in rows)


def valid(
    names: list[str], rows: list[str], shares: list[float], seeds: int, changes: dict[str, Any]
) -> None:
    """Score the validation part; the test part is not read."""
    for name in names:
        for share in shares:
            for row in rows:
                for seed in range(seeds):
                    model, spent = fitted(SETS[name], row, seed, share, changes)
                    found = scored(SETS[name], row, model, "valid")
                    shown = {m: round(found[m] or 0, 4) for m in SETS[name].measures[:3]}
                    print(name, share, row, seed, changes, shown, f"{spent:.0f} s", flush=True)


def measure(name: str, reason: str) -> None:
    """Fit every row on every share and score it on the test part, opened once."""
    task, found = SETS[name], dict[str, Any]()
    frozen = {
        f"{row}, {share:g}": {
            setting: str(value)
            for setting, value in make(task, row, 0, share, {}).get_params(False).items()
        }
        for row in (WITHOUT, WITH)
        for share in SHARES
    }
    models = {each: kept(task, each[0], each[2], each[1]) for each in every([WITHOUT, WITH])}
    with opening(f"transfer, {name}", "test", frozen, reason=reason, seeds=SEEDS) as opened:
        for (row, share, seed), (model, spent) in models.items():
            own = {"seed": seed, "seconds": spent, "scores": scored(task, row, model, "test")}
            found.setdefault(row, {}).setdefault(f"{share:g}", []).append(own)
            print(name, row, share, seed, own["scores"], flush=True)
        opened.update({
            f"{row}, {share}": [each["scores"][task.measures[0]] for each in own]
            for row, shares in found.items()
            for share, own in shares.items()
        })  # fmt: skip
    write(name, {"rows": found, "frozen": frozen})


# the page


def page() -> str:
    """What is on record, as a page."""
    lines = ["# Fewer labels, with and without a language model", "",
             "Written by `python benchmarks/transfer.py --page`.", ""]  # fmt: skip
    path = RECORDS / "language_model.json"
    if path.exists():
        lines += begun(json.loads(path.read_text(encoding="utf-8")))
    for name in NAMES:
        path = RECORDS / f"{name}.json"
        if path.exists():
            lines += table(SETS[name], json.loads(path.read_text(encoding="utf-8")))
        else:
            lines += [f"## {SETS[name].title}", "", "The test part has not been opened yet.", ""]
    return "\n".join(lines)


def begun(told: dict[str, Any]) -> list[str]:
    """The language model in words."""
    counts, nats = told["counts"], told["nats_per_character"]
    return [
        "## The language model", "",
        f"It has read {counts['reviews'] - counts['held']:,} film reviews (Pang and Lee 2004), the "
        f"{counts['posts']:,} posts of WNUT-17's training part and the {counts['sentences']:,} "
        "sentences of sentence polarity's, without their labels: "
        f"{counts['characters']:,} characters, as {told['symbols']:,} subwords, "
        f"{times(len(told['epochs']), told['planned'])}. {counts['left out']} reviews were left "
        f"out before: they hold a sentence of sentence polarity's validation or test part, or "
        f"{RUN} words in a row of one. Nothing of any validation or test part was read.", "",
        f"{told['model']}. On {counts['held']} other reviews it needs "
        f"{nats['forwards']:.3f} nats per character forwards and {nats['backwards']:.3f} "
        f"backwards; training took {told['seconds'] / 60:.0f} minutes of one core.", "",
    ]  # fmt: skip


def times(read: int, planned: int) -> str:
    """How often the text was read."""
    stopped = f", where training was stopped before all {planned} planned passes"
    return f"{read} times{stopped if read < planned else ''}"


def table(task: Set, told: dict[str, Any]) -> list[str]:
    """What it gave on one set."""
    measure, rows = task.measures[0], told["rows"]
    train = len(parted(task.read(0))["train"])
    lines = [
        f"## {task.title}", "", f"{measure} on the test part, the mean over {SEEDS} networks and "
        "the least and the greatest of them; each draws its own share of the training part, the "
        "same with and without the language model. The gain is the mean of the differences. The "
        "validation part, which chooses the epoch, is not cut with the labels.", "",
        f"| labels | {WITHOUT} | {WITH} | gain | seconds |", "|---|---:|---:|---:|---:|",
    ]  # fmt: skip
    gains = {}
    for share in SHARES:
        plain, begun = (
            np.array([each["scores"][measure] for each in rows[row][f"{share:g}"]])
            for row in (WITHOUT, WITH)
        )
        gains[share] = begun - plain
        cells = [f"{x.mean():.3f} ({x.min():.3f} to {x.max():.3f})" for x in (plain, begun)]
        spent = [
            np.mean([each["seconds"] for each in rows[row][f"{share:g}"]])
            for row in (WITHOUT, WITH)
        ]
        lines.append(
            f"| {share:.0%}, {round(share * train):,} items | {cells[0]} | {cells[1]} | "
            f"{gains[share].mean():+.3f} | {spent[0]:.0f}, {spent[1]:.0f} |"
        )
    return [*lines, "", f"> {verdict(measure, gains)}", ""]


def verdict(measure: str, gains: dict[float, Any]) -> str:
    """What it gave, in a sentence for each share."""
    found = []
    for share, gain in gains.items():
        if (gain > 0).all():
            said = f"raises {measure} with every seed"
        elif (gain < 0).all():
            said = f"lowers {measure} with every seed"
        else:
            better = int((gain > 0).sum())
            said = f"shows no clear gain in {measure}: {better} of {SEEDS} seeds are better"
        found.append(f"With {share:.0%} of the labels the language model {said}.")
    return " ".join(found)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", nargs="*", help="by default all")
    parser.add_argument("--pretrain", action="store_true", help="train the language model")
    parser.add_argument("--valid", action="store_true", help="score validation; open no test part")
    parser.add_argument("--fit", action="store_true", help="fit alone; open no test part")
    parser.add_argument("--rows", default=f"{WITHOUT},{WITH}", help="with --valid and --fit")
    parser.add_argument("--shares", default="1,0.1", help="of labels, with --valid")
    parser.add_argument("--seeds", type=int, default=1, help="with --valid")
    parser.add_argument("--changes", default="{}", help="of the recipe, with --valid: JSON")
    parser.add_argument("--page", action="store_true", help="write the page from the records alone")
    parser.add_argument("--reason", default="", help="why a test part is opened again")
    asked = parser.parse_args()
    names = asked.sets or list(NAMES)
    os.chdir(ROOT)
    if asked.pretrain:
        pretrain()
    elif asked.valid:
        shares = [float(share) for share in asked.shares.split(",")]
        valid(names, asked.rows.split(","), shares, asked.seeds, json.loads(asked.changes))
    elif asked.fit:
        for name in names:
            for row, share, seed in every(asked.rows.split(",")):
                kept(SETS[name], row, seed, share)
    else:
        for name in [] if asked.page else names:
            measure(name, asked.reason)
        PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()

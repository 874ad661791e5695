"""Texts of the benchmark, and the one way in which both sets of them are split."""

from __future__ import annotations

import csv
import io
import os
import random
import zipfile
from pathlib import Path

from longshort import Category, Classifier, Recurrent, Training
from longshort.data.catalog.entries import find
from longshort.data.catalog.fetch import fetch
from longshort.data.corpus import Corpus, PartName


def polarity(split: int) -> Corpus:
    """Sentences of film reviews, negative and positive (Pang and Lee 2005)."""
    found = []
    with zipfile.ZipFile(given("sentence_polarity.zip")) as file:
        for label, name in (("negative", "neg"), ("positive", "pos")):
            text = file.read(f"sentence_polarity/rt-polarity.{name}").decode("latin-1")
            found += [(line.strip(), label) for line in text.split("\n") if line.strip()]
    return _split("sentence polarity", found)


def tweets(split: int) -> Corpus:
    """Tweets of three classes by the mean rating of people (Hutto and Gilbert 2014)."""
    entry = find("tweets")
    files = fetch(entry, given("vaderSentiment-3.3.2.tar.gz"))
    (table,) = entry.make(files).values()
    rows = csv.DictReader(io.StringIO(table.decode()))
    return _split("tweets", [(row["text"], row["label"]) for row in rows])


def classifier(head: Category, epochs: int, seed: int) -> Classifier:
    """The recipe of both sets: few epochs at a falling rate, three networks averaged."""
    return Classifier(
        head=head,
        recurrent=Recurrent(100, bidirectional=True),
        training=Training(
            epochs=epochs,
            batch=64,
            optimizer="adam",
            rate=3e-3,
            weight_decay=0.0,
            schedule="linear",
            clip=5.0,
            patience=None,
            members=3,
        ),
        random_state=seed,
    )


def given(name: str) -> Path:
    folder = os.environ.get("LONGSHORT_DATA")
    if folder is None or not (path := Path(folder) / "text" / name).exists():
        raise SystemExit(f"set LONGSHORT_DATA to a folder with text/{name}")
    return path


def _split(source: str, found: list[tuple[str, str]]) -> Corpus:
    """80 % training, 10 % validation, 10 % test, drawn by Python's generator from seed 0."""
    random.Random(0).shuffle(found)
    train, valid = int(0.8 * len(found)), int(0.1 * len(found))
    parts: list[PartName] = ["train"] * train + ["valid"] * valid
    parts += ["test"] * (len(found) - len(parts))
    return Corpus(
        source,
        texts=tuple(text for text, _ in found),
        labels=tuple((label,) for _, label in found),
        parts=tuple(parts),
    )

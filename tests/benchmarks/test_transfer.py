"""The transfer benchmark: what its language model reads, what its fits do, what its page says."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from longshort import Corpus

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import transfer


def test_documents_that_hold_a_sentence_of_another_part_are_found() -> None:
    documents = {
        "short": "it is long .\na fine film .\nthat is all",
        "run": "he says that one two three four five six seven eight nine are numbers",
        "neither": "a fine film . one two three four five six seven , nine",
    }
    sentences = ["a fine film .", "Zero, one two three four five six seven eight!"]
    assert transfer.alike(documents, sentences) == {"short", "run", "neither"}
    assert transfer.alike(documents, sentences[1:]) == {"run"}
    assert transfer.alike(documents, ["fine fil"]) == set()


def test_a_share_is_of_the_training_part_alone() -> None:
    parts = ("train",) * 20 + ("valid",) * 5 + ("test",) * 5
    corpus = Corpus("texts", texts=tuple(map(str, range(30))), parts=parts)
    found = transfer.cut(corpus, 0.3, 1)
    assert found.parts == ("train",) * 6 + ("valid",) * 5
    assert found.texts != transfer.cut(corpus, 0.3, 2).texts
    assert found.texts == transfer.cut(corpus, 0.3, 1).texts


def test_the_verdict_is_of_every_seed() -> None:
    gains = {1.0: np.array([0.1, 0.2]), 0.1: np.array([-0.1, 0.2]), 0.3: np.array([-0.1, -0.2])}
    said = transfer.verdict("f1", gains)
    assert "100% of the labels the language model raises f1 with every seed" in said
    assert "10% of the labels the language model shows no clear gain in f1" in said
    assert "30% of the labels the language model lowers f1 with every seed" in said

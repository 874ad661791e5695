"""Sets of pairs are chosen on the validation part, measured in parts, and told as a page."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from longshort.evaluate.labels import LabelParts
from tests.evaluate.test_translations import pairs, spoken

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from transcribed.base import Goal, page
from translated import base, debian, speed


class Spoken:
    """A network that knows all words but one; a beam of 1 forgets the last word, too."""

    def predict(self, corpus: Any, search: int) -> list[str]:
        told = spoken(corpus)
        return told if search > 1 else [text.rpartition(" ")[0] for text in told]


PARTS = LabelParts(pairs(0, 60), pairs(1, 20), pairs(2, 30))
SHORT = "sources of four words or fewer"
SET = base.Pairs(
    name="numbers",
    title="Numbers",
    told="Words of numbers.",
    parts=lambda: PARTS,
    recipes={"one": lambda: Spoken()},  # type: ignore[dict-item, return-value]
    searches={"greedy": lambda: 1, "beam": lambda: 5},  # type: ignore[dict-item, return-value]
    measures=("bleu", "exact"),
    rows=("nearest source", "copy of the source"),
    tokenize="13a",
    subsets={SHORT: lambda given: np.array([len(t.split()) <= 4 for t in given.test.texts or ()])},
    goals=(Goal(base.goal("bleu"), 0.5, 0.99),),
)


@pytest.fixture
def record(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    fit = {"seconds": 3.0, "epochs": 1, "parameters": 7}
    monkeypatch.setattr(base.Pairs, "fitted", lambda self, recipe: (Spoken(), fit))
    monkeypatch.setattr(base.Pairs, "frozen", lambda self, row, found: self.choice(row, found))
    found: dict[str, Any] = {}
    task = SET.made()
    task.valid(task.rows, found, lambda: None)
    opened: dict[str, Any] = {}
    task.measure(task.rows, found, opened, lambda: None)
    return found | {"opened": opened}


def test_the_search_is_chosen_on_the_validation_part(record: dict[str, Any]) -> None:
    assert SET.choice(base.LSTM, record) == "one; beam"
    assert SET.choice("nearest source", record) == "nearest source"


def test_every_row_and_part_is_measured(record: dict[str, Any]) -> None:
    test = record["test"]
    assert list(test) == ["LSTM", "nearest source", "copy of the source"]
    value, low, high = test["LSTM"]["all"]["bleu"]
    assert low < value < high
    change, least, _ = test["copy of the source"]["all"]["difference"]
    assert change == pytest.approx(value)
    assert least > 0
    assert set(test["LSTM"]) >= {"all", SHORT, "examples"}
    assert record["opened"]["LSTM"] == round(value, 4)
    assert f"LSTM, {SHORT}" in record["opened"]
    assert SET.reached(record)["BLEU"] == value


def test_the_page(record: dict[str, Any]) -> None:
    text = page({"numbers": record}, {"numbers": SET.made()}, base.TEXT)
    assert text.startswith("# Translations, summaries and captions, measured")
    assert "| Numbers: BLEU |" in text
    assert f"Of these, {SHORT}:" in text
    assert "Chosen on the validation part: LSTM: one; beam." in text
    assert "| source | what people wrote | what the network told |" in text
    same = {"tokens": 100.0, "parameters": 5}
    found = {"ours": {**same, "tokens": 150.0}, "torch": same,
             "search": {"sentences": 500, "words": 7.5, "1": 1.0, "5": 4.25}}  # fmt: skip
    told = speed.section(found)
    assert "| 150 | 5 | 1.50 |" in told
    assert "with a beam of 5 4.2 s" in told
    assert speed.section({}) == ""


def test_descriptions_of_packages() -> None:
    text = (
        "Package: a\nDescription-md5: 1\nDescription-en: A tool\n First line\n goes on.\n .\n"
        " Second.\n\nPackage: b\nSource: llvm-14 (1:2)\n"
    )
    first, second = debian.stanzas(text)
    assert first["Description-en"] == "A tool\nFirst line\ngoes on.\n.\nSecond."
    assert second == {"Package": "b", "Source": "llvm-14 (1:2)"}
    names = ["llvm-toolchain-14", "linux-6.1", "gcc-12-cross", "0ad", "python3.11", "2048"]
    told = [debian.family(name) for name in names]
    assert told == ["llvm-toolchain", "linux", "gcc-cross", "0ad", "python", "2048"]


def test_the_reference_is_the_same_network() -> None:
    """One of our own with the same sizes has as many parameters."""
    from longshort import Recurrent, Tokens, Translator
    from longshort.heads.translation import Translation

    words = Tokens("spaced")
    ours = Translator(
        source=words, target=words, head=Translation(embedding=12, size=16, dropout=0.0),
        recurrent=Recurrent(8, 2, bidirectional=True, dropout=0.0, residual=True),
    )  # fmt: skip
    ours._learn(ours._given(PARTS.train, None))
    network = ours._new(0)
    known = ours.known_
    theirs = speed.Reference(
        known.reading.codec.classes, known.codec.classes, 12, 8, 16  # type: ignore[union-attr]
    )  # fmt: skip
    count = [sum(p.numel() for p in net.parameters()) for net in (network, theirs)]
    assert count[0] == count[1]

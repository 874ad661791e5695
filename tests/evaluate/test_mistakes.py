from __future__ import annotations

import numpy as np

from longshort.data.corpus import Corpus
from longshort.data.sequences import Field, Sequences
from longshort.evaluate.mistakes import mistakes
from longshort.metrics.labels import Answers
from longshort.records import Mark

TRUTH = np.array([[1, 0], [0, 1], [0, 1]], bool)
WRONG = Answers(TRUTH, np.array([[0.9, 0.1], [0.6, 0.4], [0.8, 0.2]]))


def test_the_surest_come_first() -> None:
    corpus = Corpus("three", texts=("a", "b", "c"), labels=(("x",), ("y",), ("y",)))
    wrong, found = mistakes(WRONG, corpus, ["x", "y"], None)
    assert wrong == 2
    assert [each.text for each in found] == ["c", "b"]
    assert found[0].predicted == ("x",)
    assert found[0].truth == ("y",)
    assert (found[0].probability, found[0].truth_probability) == (0.8, 0.2)


def test_marks_of_tokens_become_places_in_the_text() -> None:
    tokens = (("a",), ("two", "words"), ("one", "long", "sentence"))
    corpus = Corpus("tokens", tokens=tokens, labels=(("x",), ("y",), ("y",)))

    def marks(items: Corpus) -> list[list[Mark]]:
        assert items.tokens == (tokens[2], tokens[1])
        return [[Mark(1, 3, 4.0)], [Mark(0, 1, -1.0), Mark(1, 2, 0.0)]]

    _, found = mistakes(WRONG, corpus, ["x", "y"], marks)
    assert [found[0].text[m.start : m.end] for m in found[0].marks] == ["long sentence"]
    assert [(found[1].text[m.start : m.end], m.weight) for m in found[1].marks] == [("two", -1.0)]


def test_long_curves_are_thinned_and_empty_channels_left_out() -> None:
    values = np.stack([np.arange(3000.0), np.full(3000, np.nan)], 1)
    series = Sequences(
        (Field("x", "past"), Field("none", "past")), ("a", "b", "c"),
        np.array([0, 1000, 2000, 3000]), None, None, values, "s",
    )  # fmt: skip
    corpus = Corpus("s", series=series, labels=(("x",), ("y",), ("y",)))
    _, found = mistakes(WRONG, corpus, ["x", "y"], lambda items: [[Mark(990, 1200, 1.0)]] * 2)
    (curve,) = found[0].curves
    assert (curve.name, curve.every) == ("x", 3)
    assert curve.values[:2] == (2000.0, 2003.0)
    assert len(curve.values) == 334
    assert found[0].marks == (Mark(990, 1002, 1.0),)


def test_of_several_labels_the_surest_wrong_one_counts() -> None:
    truth = np.array([[1, 1], [0, 0]], bool)
    own = Answers(truth, np.array([[0.9, 0.2], [0.7, 0.1]]), "many")
    corpus = Corpus("two", texts=("a", "b"), labels=(("x", "y"), ()))
    wrong, found = mistakes(own, corpus, ["x", "y"], None)
    assert wrong == 2
    assert [(each.text, each.probability) for each in found] == [("a", 0.8), ("b", 0.7)]
    assert found[0].predicted == ("x",)
    assert found[1].truth == ()

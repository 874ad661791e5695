"""A tagger beside its yardsticks: counts by hand, faults of every kind."""

from __future__ import annotations

import pytest

from longshort.data.corpus import Corpus
from longshort.errors import DataError
from longshort.evaluate.labels import LabelParts
from longshort.evaluate.tags import evaluate_tags
from longshort.records import History
from longshort.yardsticks.labels.base import TagMethod

TOKENS = (("Ada", "Stone", "met", "Bob", "in", "Oslo"), ("Rome", "is", "big", "."))
TRUTH = (("B-PER", "I-PER", "O", "B-PER", "O", "B-LOC"), ("B-LOC", "O", "O", "O"))
# the wrong end, the wrong type, one missed and one invented
FOUND = [("B-PER", "O", "O", "B-LOC", "O", "B-LOC"), ("O", "O", "B-PER", "O")]


def corpus(times: int = 1) -> Corpus:
    return Corpus("made up", tokens=TOKENS * times, tags=TRUTH * times)


def ours(times: int = 1) -> TagMethod:
    return TagMethod("LSTM", "lstm", lambda c: FOUND * (len(c) // 2))


def judged(times: int, choice: str = "quick", entities: bool = True):  # type: ignore[no-untyped-def]
    parts = LabelParts(corpus(20), corpus(4), corpus(times))
    return evaluate_tags(
        ours(), parts, entities, yardsticks=choice, history=History((), (), "nats"), settings={}
    )  # type: ignore[arg-type]


def test_scores_and_faults_by_hand() -> None:
    found = judged(10)
    measures = {name: each.value for name, each in found.ours.measures.items()}
    # 1 of 4 found is right, of 4 that are there
    assert measures["precision"] == pytest.approx(1 / 4)
    assert measures["recall"] == pytest.approx(1 / 4)
    assert measures["f1"] == pytest.approx(1 / 4)
    assert measures["token_accuracy"] == pytest.approx(6 / 10)
    assert found.faults == {"extent": 10, "type": 10, "invented": 10, "missed": 10}
    assert {error.fault for error in found.errors} == {"extent", "type", "invented", "missed"}
    error = next(error for error in found.errors if error.fault == "extent")
    assert error.tokens == TOKENS[0]
    assert [(s.start, s.end, s.label) for s in error.truth] == [(0, 2, "PER")]
    assert [(s.start, s.end, s.label) for s in error.predicted] == [(0, 1, "PER")]
    # what was learnt by heart is always right
    assert found.reference == "most frequent tag"
    assert found.score("most frequent tag").measures["f1"].value == 1.0
    (difference,) = found.differences
    assert difference.change == pytest.approx(-3 / 4)
    assert "did not earn its keep" in found.verdict
    assert [(row.label, row.support) for row in found.per_class if row.method == "LSTM"] == [
        ("LOC", 20), ("PER", 20),
    ]  # fmt: skip
    assert found.data.parts[-1].labels == {"LOC": 20, "PER": 20}
    assert type(found).from_json(found.to_json()) == found


def test_plain_tags_have_a_table_of_confusion() -> None:
    found = judged(10, entities=False)
    assert found.metric == "token_accuracy"
    assert found.errors == ()
    place = {name: at for at, name in enumerate(found.classes)}
    assert found.confusion[place["B-PER"]][place["B-LOC"]] == 10
    assert sum(map(sum, found.confusion)) == 100


def test_without_a_training_part_there_are_no_yardsticks() -> None:
    nothing = corpus().select([])
    parts = LabelParts(nothing, None, corpus(5))
    found = evaluate_tags(ours(), parts, True, history=History((), (), "nats"), settings={})
    assert [score.method for score in found.scores] == ["LSTM"]
    assert any("no yardsticks" in note for note in found.notes)
    with pytest.raises(DataError, match="holds no tags"):
        evaluate_tags(
            ours(), LabelParts(nothing, None, corpus().bare()), True,
            history=History((), (), "nats"), settings={},
        )  # fmt: skip

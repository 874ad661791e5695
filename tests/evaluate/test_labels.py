from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from longshort.data.corpus import Corpus
from longshort.errors import ArgumentError, DataError
from longshort.evaluate.labels import LabelParts, evaluate_labels
from longshort.records import Evaluation, History, LabelEvaluation, Mark
from longshort.yardsticks.labels.base import LabelMethod

GOOD = {"good", "great"}


def reviews(items: int, seed: int, lines: bool = True) -> Corpus:
    random = np.random.default_rng(seed)
    texts, labels = [], []
    for item in range(items):
        words = [f"word{random.integers(9)}" for _ in range(5)]
        word = str(random.choice(["good", "great"] if item % 2 else ["bad", "poor"]))
        texts.append(" ".join([*words[:2], word, *words[2:]]))
        labels.append("pos" if item % 2 else "neg")
    return Corpus("reviews.csv", texts=tuple(texts), labels=tuple((each,) for each in labels),
                  lines=np.arange(items) + 2)  # fmt: skip


def knowing(sure: float) -> LabelMethod:
    """Reads the one word that tells; wrong on what says "word1" twice."""

    def probabilities(items: Corpus) -> np.ndarray:
        told = np.array([bool(GOOD & set(text.split())) for text in items.texts or ()])
        told ^= np.array([text.count("word1") > 1 for text in items.texts or ()])
        p = np.where(told, sure, 1 - sure)
        return np.stack([1 - p, p], 1)

    return LabelMethod("LSTM", "lstm", probabilities)


@pytest.fixture(scope="module")
def parts() -> LabelParts:
    return LabelParts(reviews(120, 0), reviews(60, 1), reviews(200, 2))


@pytest.fixture(scope="module")
def judged(parts: LabelParts) -> LabelEvaluation:
    def marks(items: Corpus) -> list[list[Mark]]:
        return [[Mark(0, 4, 2.0), Mark(5, 9, -1.0)] for _ in range(len(items))]

    return evaluate_labels(
        knowing(0.9), parts, ["neg", "pos"], metric="accuracy", marks=marks,
        history=History(), settings={"size": "32"}, notes=("A note.",),
    )  # fmt: skip


def test_every_method_is_judged_on_the_same_items(judged: LabelEvaluation) -> None:
    names = [score.method for score in judged.scores]
    assert names[:2] == ["LSTM", "class prior"]
    assert judged.naive == "class prior"
    assert judged.reference.startswith("TF-IDF")
    assert [each.theirs for each in judged.differences] == names[1:]
    for score in judged.scores:
        assert score.valid is not None
        found = score.measures["accuracy"]
        assert found.value is not None
        assert found.low is not None
        assert found.low <= found.value <= (found.high or 0)
        assert score.measures["calibration_error"].low is None
    prior = judged.score("class prior")
    assert prior is not None
    assert prior.measures["accuracy"].value == 0.5
    assert judged.data.parts[2].labels == {"neg": 100, "pos": 100}


def test_the_table_of_classes_agrees_with_confusion(judged: LabelEvaluation) -> None:
    rows = [row for row in judged.per_class if row.method == "LSTM"]
    assert [row.support for row in rows] == [sum(line) for line in judged.confusion]
    ours = judged.ours
    assert ours is not None
    right = sum(judged.confusion[k][k] for k in range(2))
    assert ours.measures["accuracy"].value == pytest.approx(right / 200)
    assert judged.wrong == 200 - right


def test_mistakes_show_the_text_and_what_weighed(judged: LabelEvaluation) -> None:
    assert 0 < len(judged.mistakes) <= judged.wrong
    first = judged.mistakes[0]
    assert first.where.startswith("reviews.csv, line ")
    assert first.truth != first.predicted
    assert first.probability == pytest.approx(0.9)
    assert [mark.weight for mark in first.marks] == [1.0, -0.5]


def test_the_verdict_is_spoken_by_the_metric(judged: LabelEvaluation) -> None:
    assert judged.verdict.startswith("The LSTM did not earn its keep: its accuracy, ")
    assert "below the best other method (TF-IDF of " in judged.verdict


def test_a_record_comes_back_as_it_was(judged: LabelEvaluation) -> None:
    text = judged.to_json()
    assert LabelEvaluation.from_json(text) == judged
    for altered, told in (
        (replace(judged, confusion=((1,),)), "confusion: not 2 rows"),
        (
            replace(judged, mistakes=(replace(judged.mistakes[0], marks=(Mark(0, 999, 1.0),)),)),
            "mistakes.0: a mark lies outside",
        ),
    ):
        with pytest.raises(DataError, match=told):
            LabelEvaluation.from_json(altered.to_json())
    with pytest.raises(DataError, match=r"old.json: not an evaluation record: classes"):
        LabelEvaluation.from_json(text.replace('"classes"', '"clases"'), "old.json")
    with pytest.raises(DataError, match="not an evaluation record"):
        Evaluation.from_json(text)


def test_groups_are_resampled_whole(parts: LabelParts) -> None:
    train, _, test = parts
    grouped = replace(test, groups=tuple(f"p{i // 4}" for i in range(len(test))))
    found = evaluate_labels(
        knowing(0.9), LabelParts(train, None, grouped), ["neg", "pos"], metric="accuracy",
        yardsticks="quick", history=History(), settings={},
    )  # fmt: skip
    assert found.groups == 50
    assert any("no validation part" in note for note in found.notes)
    assert all(score.valid is None for score in found.scores)


def test_what_cannot_be_judged(parts: LabelParts) -> None:
    train, valid, test = parts

    def judge(corpus: Corpus, **given: object) -> None:
        evaluate_labels(
            knowing(0.9), LabelParts(train, valid, corpus), ["neg", "pos"], history=History(),
            settings={}, yardsticks="none", **given,  # type: ignore[arg-type]
        )  # fmt: skip

    strange = replace(test, labels=(("new",), *(test.labels or ())[1:]))
    with pytest.raises(DataError, match="line 2: the label 'new' was not among those"):
        judge(strange)
    bare = replace(test, labels=((), *(test.labels or ())[1:]))
    with pytest.raises(DataError, match="line 2: 0 labels, where one is needed"):
        judge(bare)
    with pytest.raises(DataError, match="the test part holds no item"):
        judge(test.select([]))
    with pytest.raises(ArgumentError, match="did you mean 'accuracy'"):
        judge(test, metric="acuracy")


@pytest.mark.parametrize(("kind", "metric"), [("ordered", "class_distance"), ("many", "macro_f1")])
def test_labels_of_an_order_and_several_labels(parts: LabelParts, kind: str, metric: str) -> None:
    own = knowing(0.9)
    found = evaluate_labels(
        own, parts, ["neg", "pos"], kind=kind, metric=metric, yardsticks="quick",  # type: ignore[arg-type]
        history=History(), settings={},
    )  # fmt: skip
    assert LabelEvaluation.from_json(found.to_json()) == found
    assert found.kind == kind
    assert (found.confusion == ()) == (kind == "many")
    assert all(metric in score.measures for score in found.scores)
    if kind == "ordered":
        assert "below the best rule (class prior" in found.verdict
    else:
        assert found.positive is None

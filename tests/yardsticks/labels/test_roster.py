from __future__ import annotations

import numpy as np
import pytest

from longshort.data.corpus import Corpus
from longshort.data.sequences import Field, Sequences
from longshort.errors import ArgumentError, DataError
from longshort.metrics.labels import Answers
from longshort.yardsticks.labels.choice import chosen, folds, indicator
from longshort.yardsticks.labels.features import summary
from longshort.yardsticks.labels.markov import Markov
from longshort.yardsticks.labels.prior import ClassPrior
from longshort.yardsticks.labels.roster import roster

Parts = tuple[Corpus, Corpus, Corpus]


def accuracy(corpus: Corpus, found: np.ndarray, classes: tuple[str, ...]) -> float:
    answers = Answers(indicator(corpus, classes), found)
    return float((answers.truth == answers.predicted).all(1).mean())


@pytest.mark.parametrize("held", [True, False])
def test_every_yardstick_of_texts_tells_them(review_parts: Parts, held: bool) -> None:
    train, valid, test = review_parts
    called = roster(train, "macro_f1")
    assert [each.kind for each in called.yardsticks] == ["naive", "classical", "classical"]
    for each in called.yardsticks:
        method = each.fit(train, valid if held else None, train.classes, 0)
        found = method.probabilities(test)
        np.testing.assert_allclose(found.sum(1), 1)
        if each.kind == "classical":
            assert accuracy(test, found, train.classes) > 0.9, each.name


def test_every_yardstick_of_series_tells_them(gesture_parts: Parts) -> None:
    train, valid, test = gesture_parts
    called = roster(train, "accuracy")
    names = [each.name for each in called.yardsticks]
    assert "1-NN DTW" in names
    for each in called.yardsticks:
        method = each.fit(train, valid, train.classes, 0)
        found = method.probabilities(test)
        np.testing.assert_allclose(found.sum(1), 1)
        # states that may follow each other in any order hardly know early from late
        if each.kind == "classical" and not isinstance(each, Markov):
            assert accuracy(test, found, train.classes) > 0.85, each.name


def test_hidden_states_tell_fast_from_slow() -> None:
    random = np.random.default_rng(0)

    def made(items: int) -> Corpus:
        half = [np.repeat([[1.0], [-1.0]], 1 if i % 2 else 5, 0) for i in range(items)]
        values = [np.tile(h, (60 // len(h), 1)) + random.normal(0, 0.3, (60, 1)) for h in half]
        return recordings(values, ["fast" if i % 2 else "slow" for i in range(items)])

    train, test = made(20), made(20)
    method = Markov("log_loss").fit(train, None, train.classes, 0)
    assert accuracy(test, method.probabilities(test), train.classes) == 1


def test_several_labels(review_parts: Parts) -> None:
    train, _, test = review_parts
    labels = tuple((*label, "long") if i % 3 == 0 else label for i, label in
                   enumerate(train.labels or ()))  # fmt: skip
    several = Corpus("several", texts=train.texts, labels=labels)
    for each in roster(several, "macro_f1").yardsticks:
        found = each.fit(several, None, several.classes, 0, True).probabilities(test)
        assert found.shape == (120, 3)
        assert ((found >= 0) & (found <= 1)).all()
    assert "several labels" in Markov().refuses(
        Corpus("s", series=_series(), labels=(("a", "b"), ("a",)))
    )


def recordings(values: list[np.ndarray], labels: list[str]) -> Corpus:
    rows = np.concatenate([[0], np.cumsum([len(each) for each in values])])
    series = Sequences((Field("x", "past"),), tuple(map(str, range(len(values)))), rows, None,
                       None, np.concatenate(values), "made")  # fmt: skip
    return Corpus("made", series=series, labels=tuple((each,) for each in labels))


def _series() -> Sequences:
    values = np.array([[1.0, 5.0], [2.0, 5.0], [np.nan, 5.0], [4.0, 6.0], [4.0, 6.0]])
    fields = (Field("x", "past"), Field("age", "static"))
    return Sequences(fields, ("a", "b"), np.array([0, 3, 5]), None, None, values, "two")


def test_simple_features_are_what_they_say() -> None:
    simple, _ = summary(Corpus("two", series=_series(), labels=(("a",), ("b",))))
    # static, then last, first, mean, least, greatest, spread, slope, how many
    np.testing.assert_allclose(simple[0], [5, 2, 1, 1.5, 1, 2, 0.5, 1, 2])
    np.testing.assert_allclose(simple[1], [6, 4, 4, 4, 4, 4, 0, 0, 2])


def test_the_prior_is_the_share_of_each_label(review_parts: Parts) -> None:
    train = review_parts[0].select(range(150))
    found = ClassPrior().fit(train, None, train.classes, 0).probabilities(review_parts[2])
    np.testing.assert_allclose(found, 0.5)


def test_folds_keep_groups_whole_and_labels_even(review_parts: Parts) -> None:
    train = review_parts[0]
    grouped = Corpus("g", texts=train.texts, labels=train.labels,
                     groups=tuple(f"g{i // 4}" for i in range(len(train))))  # fmt: skip
    truth = indicator(grouped, grouped.classes)
    seen = []
    for rest, part in folds(grouped, truth):
        names = np.array(grouped.groups)
        assert not set(names[rest]) & set(names[part])
        assert truth[part].mean(0) == pytest.approx([0.5, 0.5])
        seen += part.tolist()
    assert sorted(seen) == list(range(200))


def test_the_best_setting_on_the_validation_part_is_taken(review_parts: Parts) -> None:
    train, valid, _ = review_parts
    classes = train.classes
    right = indicator(valid, classes).astype(float)

    def fit(good: bool, part: Corpus):  # type: ignore[no-untyped-def]
        return lambda items: right if good else 1 - right

    for settings in ([False, True], [True, False]):
        assert (chosen(settings, fit, train, valid, classes, "log_loss")(valid) == right).all()


def test_what_is_unknown(review_parts: Parts) -> None:
    train = review_parts[0]
    with pytest.raises(ArgumentError, match="did you mean 'quick'"):
        roster(train, "accuracy", "quik")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="item 2: the label 'pos' was not among those"):
        indicator(train, ["neg"])
    assert roster(train, "accuracy", "none").yardsticks == []

"""Parts of labelled sequences: shares, strata, groups, time, and what was given."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from longshort.data.corpus import Corpus, join
from longshort.data.partition import Partition, partition
from longshort.errors import ArgumentError, DataError


def corpus(labels: list[str], **more: object) -> Corpus:
    texts = tuple(f"text {at}" for at in range(len(labels)))
    return Corpus("a list", texts=texts, labels=tuple((label,) for label in labels), **more)


def test_every_label_has_its_share_of_each_part() -> None:
    labels = ["a"] * 600 + ["b"] * 300 + ["c"] * 100
    found = partition(corpus(labels), Partition(valid=0.2, test=0.1))
    assert sorted(np.concatenate(found[:3]).tolist()) == list(range(1000))
    assert Counter(labels[at] for at in found.test) == {"a": 60, "b": 30, "c": 10}
    assert Counter(labels[at] for at in found.valid) == {"a": 120, "b": 60, "c": 20}
    again = partition(corpus(labels), Partition(valid=0.2, test=0.1))
    other = partition(corpus(labels), Partition(valid=0.2, test=0.1, seed=1))
    assert np.array_equal(found.test, again.test)
    assert not np.array_equal(found.test, other.test)


def test_a_label_of_one_item_is_learnt_from() -> None:
    labels = ["a"] * 20 + ["lonely"] + ["b"] * 20
    for seed in range(10):
        assert 20 in partition(corpus(labels), Partition(test=0.3, valid=0.3, seed=seed)).train


def test_no_group_stands_on_two_sides() -> None:
    random = np.random.default_rng(0)
    groups = tuple(f"g{at}" for at in random.integers(0, 30, 500))
    labels = random.choice(["a", "b"], 500).tolist()
    found = partition(corpus(labels, groups=groups), Partition(test=0.2, valid=0.1))
    sides = [{groups[at] for at in part} for part in found[:3]]
    assert not sides[0] & (sides[1] | sides[2])
    assert not sides[1] & sides[2]
    assert len(found.test) == pytest.approx(100, abs=15)
    assert len(found.valid) == pytest.approx(50, abs=15)


def test_too_few_groups_are_said() -> None:
    one = corpus(["a", "b"] * 5, groups=("only",) * 10)
    with pytest.raises(DataError, match="1 group cannot be parted into 2 parts"):
        partition(one, Partition())


def test_the_last_items_are_the_test_part_by_time() -> None:
    moments = np.array([5, 1, 4, 4, 2, 3, 9, 8, 7, 6])
    found = partition(
        corpus(["a", "b"] * 5, moments=moments), Partition("time", valid=0.2, test=0.3)
    )
    assert moments[found.test].min() > moments[found.valid].max()
    assert moments[found.valid].min() > moments[found.train].max()


def test_a_given_split_stands_and_its_validation_part_is_cut_from_training() -> None:
    parts = join([("train", corpus(["a", "b"] * 50)), ("test", corpus(["a", "b"] * 10))])
    found = partition(parts, Partition(test=0.5))
    assert found.test.tolist() == list(range(100, 120))
    assert len(found.valid) == 12
    # the same texts were in both files
    assert "items of the test part have the same content" in " ".join(found.notes)


def test_a_given_split_with_a_group_on_two_sides_is_refused() -> None:
    wrong = corpus(["a", "b", "a", "b"], groups=("x", "y", "x", "z"))
    wrong = replace(wrong, parts=("train", "train", "test", "test"))
    with pytest.raises(DataError, match="group 'x' is in the training part and in the test part"):
        partition(wrong, Partition())


@pytest.mark.parametrize(
    ("settings", "says"),
    [({"by": "luck"}, "by='luck'"), ({"valid": 0.6, "test": 0.5}, "nothing is left"),
     ({"valid": -1}, "valid=-1"), ({"seed": -1}, "seed")],
)  # fmt: skip
def test_what_cannot_be_is_refused(settings: dict[str, object], says: str) -> None:
    with pytest.raises(ArgumentError, match=says):
        Partition(**settings)  # type: ignore[arg-type]


def test_what_the_data_do_not_tell_is_said() -> None:
    with pytest.raises(ArgumentError, match="tells no groups"):
        partition(corpus(["a", "b"]), Partition("group"))

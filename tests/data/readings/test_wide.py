"""Features beside what else is read of tokens."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from longshort.data.corpus import Corpus
from longshort.data.readings.features import buckets, features
from longshort.data.readings.wide import FEATURES, Wide, WideReading
from longshort.data.readings.words import Text, TextReading
from longshort.errors import ArgumentError

CORPUS = Corpus("made up", tokens=(("Ada", "met", "Bob"), ("Oslo",), (), ("a", "b")))


@pytest.fixture
def reading() -> WideReading:
    return WideReading(TextReading.fit(CORPUS, Text(ngrams=None)), 512)


def test_each_token_has_its_features(reading: WideReading) -> None:
    found = reading.read(CORPUS, [3, 0, 2])
    x = found.inputs[FEATURES]
    assert found.lengths.tolist() == [2, 3, 0]
    assert x.shape[:2] == (3, 3)
    for row, item in enumerate((3, 0)):
        for step, names in enumerate(features(CORPUS.tokens[item])):
            wanted = set(buckets(names, 512).tolist())
            assert {m for m in x[row, step].tolist() if m} == wanted
    assert x[0, 2].eq(0).all()
    assert x[2].eq(0).all()
    assert torch.equal(
        found.inputs["words"], reading.reading.read(CORPUS, [3, 0, 2]).inputs["words"]
    )
    np.testing.assert_array_equal(reading.lengths(CORPUS), [3, 1, 0, 2])


def test_settings_are_checked() -> None:
    assert Wide(buckets=0).buckets == 0
    with pytest.raises(ArgumentError, match="dropout"):
        Wide(dropout=1.0)

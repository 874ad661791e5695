from __future__ import annotations

import jiwer
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from longshort.metrics.transcripts import (
    Edit,
    Errors,
    alignment,
    confused,
    counted,
    distances,
    errors,
    rate,
    real_time_factor,
    resampled,
    units,
    wrong_share,
)

WORDS = st.lists(st.sampled_from(["a", "b", "c", "dd"]), max_size=7)


@given(WORDS, WORDS)
def test_edits_are_as_few_as_another_implementation_finds(
    truth: list[str], told: list[str]
) -> None:
    edits = alignment(truth, told)
    assert [edit.truth for edit in edits if edit.truth is not None] == truth
    assert [edit.told for edit in edits if edit.told is not None] == told
    found = errors(edits)
    assert found.wrong == distances(truth, told)[-1, -1]
    if truth:
        theirs = jiwer.process_words(" ".join(truth), " ".join(told))
        assert found.rate == pytest.approx(theirs.wer)
        assert found.symbols == theirs.hits + theirs.substitutions + theirs.deletions


def test_rates_are_those_of_jiwer() -> None:
    truth = ["the cat sat", "on the mat", "", "and slept all day long"]
    told = ["the cat sat", "on mat", "oh", "and slip all the day long"]
    words = counted([units(t, "words") for t in truth], [units(t, "words") for t in told])
    letters = counted(
        [units(t, "characters") for t in truth], [units(t, "characters") for t in told]
    )
    # another implementation takes no empty truth: its insertion is counted beside
    kept = [0, 1, 3]
    theirs = jiwer.process_words([truth[k] for k in kept], [told[k] for k in kept])
    assert rate(words[kept]) == pytest.approx(theirs.wer)
    assert rate(letters[kept]) == pytest.approx(
        jiwer.cer([truth[k] for k in kept], [told[k] for k in kept])
    )
    assert words[2].tolist() == [0, 0, 0, 1]
    assert wrong_share(words) == 3 / 4


def test_kinds_of_errors() -> None:
    edits = alignment("abcdf", "xbdfe")
    assert edits == [
        Edit("a", "x"), Edit("b", "b"), Edit("c", None), Edit("d", "d"), Edit("f", "f"),
        Edit(None, "e"),
    ]  # fmt: skip
    assert errors(edits) == Errors(hits=3, substitutions=1, deletions=1, insertions=1)
    assert confused([edits, edits[:1]]) == [("a", "x", 2), ("", "e", 1), ("c", "", 1)]
    assert units("1 2 3", "symbols") == "123"


def test_nothing_to_tell_is_not_a_number() -> None:
    assert np.isnan(rate(np.zeros((0, 4), np.int64)))
    assert np.isnan(Errors(0, 0, 0, 3).rate)
    assert np.isnan(real_time_factor(1.0, 0.0))
    assert real_time_factor(1.0, 4.0) == 0.25


def test_resampled_rates_lie_around_the_rate() -> None:
    drawn = np.random.default_rng(0)
    counts = drawn.integers(0, 5, (50, 4))
    found = resampled(counts, seed=1)
    assert found is not None
    low, high = np.quantile(found, [0.025, 0.975])
    assert low < rate(counts) < high
    assert resampled(counts[:4]) is None
    speakers = [str(at % 10) for at in range(50)]
    grouped = resampled(counts, speakers, whole=True)
    assert grouped is not None
    assert abs(grouped.mean() - wrong_share(counts)) < 0.05

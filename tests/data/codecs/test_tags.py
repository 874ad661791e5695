"""Tagging schemes against enumeration of every short sequence, and seqscore's conventions."""

from __future__ import annotations

from itertools import pairwise, product
from typing import get_args

import numpy as np
import pytest

from longshort.data.codecs.tags import (
    LETTERS,
    Scheme,
    Span,
    convert,
    faults,
    guess,
    known,
    spans,
    tagged,
    transitions,
)

SCHEMES: tuple[Scheme, ...] = get_args(Scheme)
EXAMPLE = [Span("PER", 0, 2), Span("PER", 3, 5), Span("LOC", 5, 6), Span("LOC", 6, 9)]
WRITTEN = {
    "bio": "B-PER I-PER O B-PER I-PER B-LOC B-LOC I-LOC I-LOC",
    "iob1": "I-PER I-PER O I-PER I-PER I-LOC B-LOC I-LOC I-LOC",
    "iobes": "B-PER E-PER O B-PER E-PER S-LOC B-LOC I-LOC E-LOC",
    "bilou": "B-PER L-PER O B-PER L-PER U-LOC B-LOC I-LOC L-LOC",
}


def sets_of_spans(length: int) -> list[list[Span]]:
    """Every way to put entities of two types among some tokens."""

    def after(start: int) -> list[list[Span]]:
        if start == length:
            return [[]]
        found = list(after(start + 1))
        for stop in range(start + 1, length + 1):
            for kind in "XY":
                found += [[Span(kind, start, stop), *rest] for rest in after(stop)]
        return found

    return after(0)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_example_is_written_as_the_schemes_are_defined(scheme: Scheme) -> None:
    assert tagged(EXAMPLE, 9, scheme) == WRITTEN[scheme].split()
    assert spans(WRITTEN[scheme].split()) == EXAMPLE


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_entity_comes_back(scheme: Scheme) -> None:
    for length in range(5):
        for entities in sets_of_spans(length):
            tags = tagged(entities, length, scheme)
            assert not faults(tags, scheme)
            assert spans(tags) == entities
            for other in SCHEMES:
                assert convert(tags, other) == tagged(entities, length, other)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_sequence_has_no_fault_if_it_is_what_its_entities_are_written_as(scheme: Scheme) -> None:
    letters = dict.fromkeys(["B", *LETTERS[scheme]])
    tags = ["O", *[f"{letter}-{kind}" for letter in letters for kind in "XY"]]
    first, pairs, last = transitions(tags, scheme)
    for length in range(1, 4):
        for chosen in product(range(len(tags)), repeat=length):
            sequence = [tags[k] for k in chosen]
            right = tagged(spans(sequence), length, scheme) == sequence
            assert right is not bool(faults(sequence, scheme)), sequence
            steps = all(pairs[one, other] for one, other in pairwise(chosen))
            assert right is bool(first[chosen[0]] and last[chosen[-1]] and steps)


def test_what_breaks_a_scheme_is_read_as_conlleval_reads_it() -> None:
    broken = ["I-X", "I-X", "O", "I-Y", "I-X"]
    assert spans(broken) == [Span("X", 0, 2), Span("Y", 3, 4), Span("X", 4, 5)]
    assert spans(["B-X", "I-Y"]) == [Span("X", 0, 1), Span("Y", 1, 2)]


def test_faults_say_where_and_why() -> None:
    (fault,) = faults(["O", "I-X"], "bio")
    assert fault.at == 1
    assert "I-X begins nothing" in fault.why
    (fault,) = faults(["O", "B-X"], "iobes")
    assert fault.at == 1
    assert "the end" in fault.why
    for tag in ("", "B", "B-", "Q-X", "b-X", "O-X", "BI-X"):
        assert not known("bio", tag)
        (fault,) = faults(["O", tag], "bio")
        assert fault.at == 1
        assert repr(tag) in fault.why


def test_the_scheme_is_guessed() -> None:
    for scheme in SCHEMES:
        assert guess([WRITTEN[scheme].split()]) == scheme
    assert guess([["O", "O"]]) == "bio"
    assert guess([["Z-X"]]) is None


def test_overlapping_entities_are_refused() -> None:
    with pytest.raises(ValueError, match="overlaps"):
        tagged([Span("X", 0, 2), Span("X", 1, 3)], 3, "bio")
    with pytest.raises(ValueError, match="among 3 tokens"):
        tagged([Span("X", 2, 4)], 3, "bio")
    assert np.array_equal(transitions(["O"], "bio")[1], [[True]])

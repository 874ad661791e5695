"""Music as text and back: nothing is lost that the grid can hold, and nothing is made up."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from longshort import Notation
from longshort.data.codecs.notation import (
    KEYS,
    LOWEST,
    Composition,
    Signs,
    pitch_name,
    roll_piece,
)
from longshort.errors import ArgumentError, DataError

ROLLS = Notation("rolls", resolution=2)
EVENTS = Notation("events", resolution=4)


def piece(*notes: tuple[float, ...], length: float = 0.0) -> Composition:
    rows = [(start, long, key, *(loud or (80,))) for start, long, key, *loud in notes]
    return Composition(np.array(rows, float).reshape(-1, 4), length, 100.0)


def test_keys_have_their_names() -> None:
    # scientific pitch notation: A0 is the lowest key of a piano, C4 the middle C, A4 has 440 Hz
    names = {21: "A0", 60: "C4", 69: "A4", 70: "A#4", 108: "C8", 0: "C-1", 127: "G9"}
    assert {key: pitch_name(key) for key in names} == names
    codec = Signs.of(ROLLS)
    assert codec.size == 2 + KEYS + 1
    assert codec.decode(codec.encode("Bb3 |\nC4")) == "A#3 | C4 "
    assert codec.unseen("C4 H4 | Db4 +1") == ["H4", "+1"]


def test_rolls_are_frames_of_keys() -> None:
    given_ = piece((0, 1, 60), (0, 0.5, 48), (0.5, 0.5, 64), (2, 0.01, 60), length=3)
    text = "C3 C4 | C4 E4 | | | C4 | | "
    assert ROLLS.write(given_) == text
    back = ROLLS.read(text)
    assert back.length == 3
    assert back.notes[:, :3].tolist() == [[0, 0.5, 48], [0, 1, 60], [0.5, 0.5, 64], [2, 0.5, 60]]
    # the last frame may be open, and signs of another notation say nothing
    assert ROLLS.read("+3 C4 | C4").notes[:, :3].tolist() == [[0, 1, 60]]


def test_events_are_notes_with_their_times() -> None:
    given_ = piece((0, 1, 60), (0, 1, 64), (1.5, 9, 48), (11.5, 0.25, 50))
    text = "C4 =4 E4 =4 +6 C3 =32 =4 +32 +8 D3 =1 "
    assert EVENTS.write(given_) == text
    np.testing.assert_array_equal(EVENTS.read(text).notes, given_.notes)
    assert EVENTS.read(text, 72).tempo == 72
    # a note that never says how long it is has one step
    assert EVENTS.read("C4 E4 =2").notes[:, 1].tolist() == [0.25, 0.5]
    loud = Notation("events", loudness=4)
    text = loud.write(piece((0, 1, 60, 10), (1, 1, 60, 20), (2, 1, 60, 127)))
    assert text == "v1 C4 =4 +4 C4 =4 +4 v4 C4 =4 "
    assert loud.read(text).notes[:, 3].tolist() == [16, 16, 112]


@given(
    st.lists(st.frozensets(st.integers(0, KEYS - 1), max_size=6), min_size=1, max_size=12),
    st.sampled_from([1, 3, 4]),
)
def test_rolls_come_back_as_they_were(frames: list[frozenset[int]], resolution: int) -> None:
    roll = np.zeros((len(frames), KEYS), bool)
    for at, keys in enumerate(frames):
        roll[at, list(keys)] = True
    notation = Notation("rolls", resolution)
    made = roll_piece(roll, resolution, 90)
    text = notation.write(made)
    assert [frame.split() for frame in text.split("| ")[:-1]] == [
        [pitch_name(LOWEST + key) for key in sorted(keys)] for keys in frames
    ]
    back = notation.read(text, 90)
    np.testing.assert_allclose(back.notes, made.notes)
    assert (back.length, back.tempo) == pytest.approx((made.length, made.tempo))


@given(
    st.lists(
        st.tuples(st.integers(0, 300), st.integers(1, 90), st.integers(21, 108)),
        min_size=1,
        max_size=9,
        unique=True,
    )
)
def test_events_come_back_as_they_were(notes: list[tuple[int, int, int]]) -> None:
    made = piece(*((start / 4, long / 4, key) for start, long, key in notes))
    order = np.lexsort((made.notes[:, 1], made.notes[:, 2], made.notes[:, 0]))
    np.testing.assert_array_equal(EVENTS.read(EVENTS.write(made)).notes, made.notes[order])


def test_what_the_grid_moves_is_told() -> None:
    begins, lengths = ROLLS.moved(piece((0.1, 1, 60), (1, 0.5, 60), (2, 0.125, 60)))
    np.testing.assert_allclose(begins, [0.1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(lengths, [0, 0, 0.375], atol=1e-12)


def test_other_keys_are_the_same_tune() -> None:
    text = "C3 E4 | | B4 | "
    assert ROLLS.transposed(text, 1) == "C#3 F4 | | C5 | "
    assert ROLLS.transposed(ROLLS.transposed(text, 5) or "", -5) == text
    assert ROLLS.transposed("A0 | ", -1) is None
    assert EVENTS.transposed("A4 =4 +2 C8 =1 ", 0) == "A4 =4 +2 C8 =1 "
    assert EVENTS.transposed("A4 =4 +2 C8 =1 ", 1) is None


def test_what_a_sign_counts() -> None:
    rolls, events = Signs.of(ROLLS), Signs.of(EVENTS)
    assert (rolls.per, rolls.measure, events.per) == ("frame", "nats_per_frame", "note")
    assert rolls.extent("C4 E4 | | C4 ") == (2, 0)
    assert events.extent("C4 =4 +2 E4 =32 =2 ") == (2, 0)
    assert events.unknown is None
    # what is done with a piece once it is written says nothing of the signs
    assert Signs.of(Notation("rolls", 2, transpose=5, tempo=60)) == rolls


@pytest.mark.parametrize(
    "settings",
    [
        ("midi",),
        ("rolls", 0),
        ("rolls", 97),
        ("rolls", 4, -1),
        ("rolls", 4, 13),
        ("events", 4, 0, 0),
    ],
)
def test_settings_out_of_range_are_named(settings: tuple[object, ...]) -> None:
    with pytest.raises(ArgumentError, match="Notation"):
        Notation(*settings)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="tempo=0"):
        Notation("rolls", tempo=0)


def test_a_piece_has_a_length_that_can_be() -> None:
    with pytest.raises(DataError, match="no note in it lasts"):
        ROLLS.write(piece())
    with pytest.raises(DataError, match="may have 4,194,304"):
        ROLLS.write(piece((1e8, 1, 60)))

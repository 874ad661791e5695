"""Words that no symbol stands for, through everything that is done to a run of symbols."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from longshort.data.chunks import REVERSED, SPELT, SYMBOLS, Chunking, Chunks, as_stretch, passage
from longshort.data.chunks import ways as ways_of
from longshort.data.codecs.spelling import spell, spelt
from longshort.data.codecs.tokens import BORDER, UNKNOWN, TokenCodec, Tokens
from longshort.data.sources.prose import read_prose
from longshort.data.stretch import Ints, Strangers

N = 12


@pytest.fixture
def strangers() -> Strangers:
    words = ["one", "seventeen", "\u00e9t\u00e9"]
    return spelt(words, [np.array([1, 4]), np.array([5, 9])], [np.array([0, 2]), np.array([0, 1])])


def told(strangers: Strangers, size: int) -> NDArray[np.int64]:
    """(size, C) of the whole run, as ``at`` is defined."""
    found = np.zeros((size, strangers.letters.shape[1]), np.int64)
    for place, number in zip(strangers.places, strangers.numbers, strict=True):
        found[place] = strangers.letters[number]
    return found


def same(found: NDArray[np.int64], expected: NDArray[np.int64]) -> None:
    wide = max(found.shape[-1], expected.shape[-1])
    padded = [
        np.pad(one, [(0, 0)] * (one.ndim - 1) + [(0, wide - one.shape[-1])])
        for one in (found, expected)
    ]
    np.testing.assert_array_equal(*padded)


def test_they_are_written_where_they_stand(strangers: Strangers) -> None:
    whole = told(strangers, N)
    np.testing.assert_array_equal(whole[9, :11], spell([["seventeen"]])[0, 0])
    places: Ints = np.array([[0, 1, 2], [9, 4, -1]])
    found = strangers.at(places)
    assert found is not None
    same(found, np.where(places[..., None] < 0, 0, whole[places]))
    assert strangers.at(np.array([[0, 2, 3], [-1, 6, 11]])) is None
    assert strangers.cut(6, 9).at(np.array([[0]])) is None


def test_they_move_with_the_run(strangers: Strangers) -> None:
    whole = told(strangers, N)
    same(told(strangers.cut(2, 8), 6), whole[2:8])
    same(told(strangers.turned(N), N), whole[::-1])
    inserted = np.array([0, 4, 4, 10])
    same(told(strangers.spread(inserted), N + 4), np.insert(whole, inserted, 0, axis=0))
    other = spelt(["a", "longer than any"], [np.array([2])], [np.array([1])])
    both = strangers.followed(N, other)
    same(told(both, N + 3)[:N], whole)
    same(told(both, N + 3)[N:], told(other, 3))


def test_a_text_tells_its_unknown_words() -> None:
    codec = TokenCodec.fit(["to be or not to be"], Tokens("words", least=2))
    prose = read_prose(["to be known", "well known to be"])
    found = passage(prose, codec, closed=True, spelled=True)
    assert found.strangers is not None
    same(
        told(found.strangers, len(found.ids))[found.ids == UNKNOWN],
        spell([["to", " known", "well", " known", " to"]])[0],
    )
    # each once, however often it stands there
    assert len(found.strangers.letters) == 4
    assert passage(prose, codec, closed=True).strangers is None
    apart = as_stretch(found, codec, apart=True)
    assert apart.strangers is not None
    np.testing.assert_array_equal(np.flatnonzero(apart.symbols == UNKNOWN), apart.strangers.places)
    back = apart.backwards()
    assert back.strangers is not None
    np.testing.assert_array_equal(np.flatnonzero(back.symbols == UNKNOWN), back.strangers.places)
    last = found.last(4)
    assert last.strangers is not None
    np.testing.assert_array_equal(np.flatnonzero(last.ids == UNKNOWN), last.strangers.places)
    joined = found.followed(found, 1)
    assert joined.strangers is not None
    np.testing.assert_array_equal(np.flatnonzero(joined.ids == UNKNOWN), joined.strangers.places)


@pytest.mark.parametrize("streams", [1, 3])
def test_chunks_tell_them_both_ways(streams: int) -> None:
    random = np.random.default_rng(0)
    ids = random.integers(0, 4, 50)
    ids[0] = BORDER
    places = np.flatnonzero(ids == UNKNOWN)
    words = [str(number) for number in range(len(places))]
    given = spelt(words, [places], [np.arange(len(places))])
    chunks = Chunks(ids, streams, Chunking(5), both=True, strangers=given)
    for name, run in ((SYMBOLS, told(given, 50)), (REVERSED, told(given, 50)[::-1])):
        each = -(-49 // streams)
        for number in range(0, len(chunks), streams):
            batch = chunks.batch(range(number, number + streams))
            (part,) = (p for p in ways_of(batch) if p.inputs[SYMBOLS].equal(batch.inputs[name]))
            for row in range(streams):
                start = min(row * each + number // streams * 5, 49)
                size = int(part.lengths[row])
                expected = run[start : start + size]
                if SPELT in part.inputs:
                    same(part.inputs[SPELT][row, :size].numpy(), expected)
                else:
                    assert not expected.any()
    assert chunks.digest() != Chunks(ids, streams, Chunking(5), both=True).digest()

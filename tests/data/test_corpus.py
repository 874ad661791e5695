"""A corpus of recordings: items are selected, told apart and joined like those of any content."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from longshort.data.corpus import Corpus, Recorded, Roles, join
from longshort.errors import ArgumentError


def sound(*lengths: int) -> tuple[Recorded, ...]:
    return tuple(Recorded(samples=np.ones(length, np.float32), rate=8000) for length in lengths)


def corpora(folder: Path) -> list[Corpus]:
    picture = folder / "line.png"
    picture.write_bytes(b"a picture")
    strokes = tuple(np.full((2 + at, 4), at, np.float32) for at in range(3))
    drawn: tuple[np.ndarray | Path, ...] = (
        np.zeros((4, 9), np.uint8),
        picture,
        np.ones((4, 9), np.uint8),
    )
    known = {"labels": (("a",), ("b",), ("a",)), "transcripts": ("one", "two", "three")}
    return [
        Corpus("here", sound=sound(5, 6, 7), **known),
        Corpus("here", ink=strokes, **known),
        Corpus("here", pictures=drawn, **known),
    ]


@pytest.mark.parametrize("at", range(3))
def test_signals_are_items_like_any_other(at: int, tmp_path: Path) -> None:
    corpus = corpora(tmp_path)[at]
    assert corpus.content == ("sound", "ink", "pictures")[at]
    assert len(corpus) == len(corpus.signals) == 3
    assert len(set(corpus.prints().tolist())) == 3
    chosen = corpus.select([2, 0])
    assert chosen.signals[0] is corpus.signals[2]
    assert chosen.transcripts == ("three", "one")
    assert chosen.prints().tolist() == corpus.prints()[[2, 0]].tolist()
    assert chosen.digest() != corpus.digest()
    assert corpus.bare().transcripts is None
    other = Corpus("there", **{corpus.content: corpus.signals}, labels=corpus.labels,
                   transcripts=("one", "two", "four"))  # fmt: skip
    assert other.digest() != corpus.digest()


def test_notes_are_of_the_whole_and_stay() -> None:
    one = Corpus("one", sound=sound(5, 6), notes=("1 of 3 files could not be read.",))
    two = Corpus("two", sound=sound(7))
    assert one.select([1]).notes == one.notes
    both = join([("train", one), ("test", two)])
    assert both.notes == one.notes
    assert both.parts == ("train", "train", "test")
    assert [each.length for each in both.sound or ()] == [5, 6, 7]


def test_a_file_is_told_by_its_bytes(tmp_path: Path) -> None:
    one, two = tmp_path / "one.wav", tmp_path / "two.wav"
    one.write_bytes(b"sound")
    two.write_bytes(b"sound")
    found = [Recorded(path, rate=8000, length=4).raw for path in (one, two)]
    assert found[0] == found[1]
    assert Recorded(one, rate=8000, length=2, begin=2).raw != found[0]


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ArgumentError, match="give one of texts, tokens, series, sound, ink"):
        Corpus("here", texts=("a",), sound=sound(3))
    with pytest.raises(ArgumentError, match="2 transcripts for 1 items"):
        Corpus("here", sound=sound(3), transcripts=("a", "b"))
    with pytest.raises(ArgumentError, match="give a path, or samples"):
        Recorded(rate=8000)
    with pytest.raises(ArgumentError, match="rate=0"):
        Recorded(samples=np.zeros(3, np.float32))
    with pytest.raises(ArgumentError, match="given twice"):
        Roles(path="file", transcript="file")

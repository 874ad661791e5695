"""Sources as symbols: what is read, what is cut, and what each is written as where it is copied."""

from __future__ import annotations

import numpy as np
import pytest

from longshort.data.codecs.tokens import Tokens
from longshort.data.codecs.transcripts import Spelling, TranscriptCodec
from longshort.data.corpus import Corpus
from longshort.data.readings.sources import COPIED, SOURCE, SourceReading
from longshort.errors import DataError, ModelFileError

TEXTS = ("the red cat saw red Oslo", "a cat", "")
CORPUS = Corpus("texts", texts=TEXTS)


def made(longest: int = 9, *, copy: bool = True) -> SourceReading:
    words, spelling = Tokens("words"), Spelling()
    source = TranscriptCodec.fit(["the cat saw a red"], words, spelling)
    target = TranscriptCodec.fit(["a cat sat"], words, spelling)
    return SourceReading(source, target if copy else None, 4, longest)


def test_every_text_is_closed_and_padded() -> None:
    reading = made()
    inputs, lengths, _ = reading.read(CORPUS, [1, 0, 2])
    assert lengths.tolist() == reading.lengths(CORPUS)[[1, 0, 2]].tolist() == [3, 7, 1]
    told = [reading.codec.decode([n for n in row if n]) for row in inputs[SOURCE].tolist()]
    assert told == ["a cat", "the red cat saw red\N{REPLACEMENT CHARACTER}", ""]
    assert (inputs[SOURCE][0, 2:] == 0).all()
    assert COPIED not in made(copy=False).read(CORPUS, [0]).inputs


def test_what_the_target_does_not_hold_is_numbered_within_each_text() -> None:
    reading = made()
    assert reading.target is not None
    first, cat, a = reading.target.classes, reading.target.encode("cat")[0], 0
    assert reading.strangers(CORPUS, 0) == [" the", " red", " saw", " Oslo"]
    assert reading.strangers(CORPUS, 1) == []
    found = reading.read(CORPUS, [0, 1]).inputs[COPIED].tolist()
    assert found[0] == [first, first + 1, cat, first + 2, first + 1, first + 3, 0]
    a = int(reading.target.encode("a")[0])
    assert found[1] == [a, cat, 0, 0, 0, 0, 0]


def test_targets_are_told_by_what_can_be_copied() -> None:
    reading = made()
    assert reading.target is not None
    first = reading.target.classes
    own = reading.wanted(CORPUS, 0, "a red Oslo dog")
    assert own.tolist() == [int(reading.target.encode("a")[0]), first + 1, first + 3, 1, 0]


def test_what_is_too_long_is_cut_and_named() -> None:
    reading = made(longest=2)
    assert reading.cut(CORPUS).tolist() == [0]
    assert reading.lengths(CORPUS).tolist() == [3, 3, 1]
    assert reading.parts(CORPUS, 0) == [" the", " red"]
    assert reading.strangers(CORPUS, 0) == [" the", " red"]


def test_it_is_written_and_read() -> None:
    for reading in (made(), made(copy=False)):
        told, arrays = reading.put_down()
        again = SourceReading.take_up(told, arrays)
        assert again.codec == reading.codec
        assert again.target == reading.target
        assert again.widths.symbols == reading.widths.symbols
        assert again.longest == reading.longest
    with pytest.raises(ModelFileError, match="how sources are read"):
        SourceReading.take_up({**told, "longest": 0}, arrays)
    with pytest.raises(ModelFileError):
        SourceReading.take_up({}, {})


def test_other_content_is_refused() -> None:
    pictures = Corpus("signs", pictures=(np.zeros((2, 2), np.uint8),))
    with pytest.raises(DataError, match="there are pictures, and no texts"):
        made().lengths(pictures)

"""Runs of symbols as chunks of streams: each is told once, in order, after the right one."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from longshort.data import chunks as module
from longshort.data.chunks import (
    SYMBOLS,
    Chunking,
    Chunks,
    Passage,
    Shares,
    as_stretch,
    passage,
    ways,
)  # fmt: skip
from longshort.data.codecs.tokens import BORDER, UNKNOWN, TokenCodec, Tokens
from longshort.data.sources.prose import Extent, read_prose
from longshort.errors import ArgumentError, DataError


@pytest.mark.parametrize(
    ("length", "streams", "steps"), [(101, 4, 7), (5, 8, 3), (2, 1, 9), (64, 3, 64)]
)
@pytest.mark.parametrize("warm", [0, 5])
def test_every_symbol_is_told_once_after_the_one_before_it(
    length: int, streams: int, steps: int, warm: int
) -> None:
    ids = np.arange(length) + 2
    chunks = Chunks(ids, streams, Chunking(steps), warm)
    told = []
    held: dict[int, int] = {}
    for start in range(0, len(chunks), chunks.streams):
        batch = chunks.batch(range(start, start + chunks.streams))
        for row in range(batch.rows):
            size = int(batch.lengths[row])
            symbols = batch.inputs[SYMBOLS][row, :size].tolist()
            targets = batch.target()[row, :size].tolist()
            assert targets == [symbol + 1 for symbol in symbols]
            if symbols:
                # each row goes on where it stood in the batch before
                assert held.get(row, symbols[0]) == symbols[0]
                held[row] = targets[-1]
            mask = batch.target_mask
            scored = [True] * size if mask is None else mask[row, :size].tolist()
            told += [target for target, is_scored in zip(targets, scored, strict=True) if is_scored]
            assert mask is None or not mask[row, size:].any()
    assert sorted(told) == list(range(3, length + 2))


@pytest.mark.parametrize("warm", [0, 5])
@pytest.mark.parametrize("borders", ["reset", "carry"])
def test_a_run_is_read_from_its_end_as_its_turned_self_is(warm: int, borders: str) -> None:
    ids = np.random.default_rng(0).integers(0, 5, 101)
    chunking = Chunking(7, borders)  # type: ignore[arg-type]
    both = Chunks(ids, 4, chunking, warm, both=True)
    ahead, turned = (Chunks(run, 4, chunking, warm) for run in (ids, ids[::-1].copy()))
    assert len(both) == len(ahead)
    for start in range(0, len(both), both.streams):
        index = range(start, start + both.streams)
        found = ways(both.batch(index))
        for part, alone in zip(found, (ahead.batch(index), turned.batch(index)), strict=True):
            assert part.inputs[SYMBOLS].equal(alone.inputs[SYMBOLS])
            assert part.target().equal(alone.target())
            assert part.lengths.equal(alone.lengths)
            assert part.fresh is not None
            assert alone.fresh is not None
            assert part.fresh.equal(alone.fresh)
            assert (part.target_mask is None) == (alone.target_mask is None)
    assert both.digest() != ahead.digest()
    alone = ahead.batch([0])
    assert ways(alone)[0] is alone


def test_a_state_begins_anew_with_a_stream_and_a_document() -> None:
    ids = np.array([0, 5, 6, 0, 7, 8, 9, 0, 5, 6, 7, 8, 0])
    first, second = (Chunks(ids, 2, Chunking(3)).batch([at, at + 1]) for at in (0, 2))
    assert first.fresh is not None
    assert second.fresh is not None
    assert first.fresh.tolist() == [[True, False, False], [True, True, False]]
    assert second.fresh.tolist() == [True, False]
    carried = Chunks(ids, 2, Chunking(3, borders="carry"))
    assert [carried.batch([at, at + 1]).fresh.tolist() for at in (0, 2)] == [  # type: ignore[union-attr]
        [True, True],
        [False, False],
    ]


def test_chunks_tell_themselves_apart() -> None:
    ids = np.arange(50)
    same = [Chunks(ids, 4, Chunking(5)), Chunks(ids.copy(), 4, Chunking(5))]
    others = [
        Chunks(ids + 1, 4, Chunking(5)),
        Chunks(ids, 5, Chunking(5)),
        Chunks(ids, 4, Chunking(6)),
    ]
    assert len({each.digest() for each in same}) == 1
    assert len({each.digest() for each in (same[0], *others)}) == 4
    assert same[0].label(1) == "text, from symbol 13"


def test_shares_cut_at_a_border_that_is_near_and_else_within_a_document() -> None:
    whole = Extent(1000, np.array([0]))
    assert Shares(0.1, 0.1).cuts(whole) == (800, 900)
    assert Shares(0, 0.1).cuts(whole) == (900, 900)
    assert Shares(0.1, 0).cuts(whole) == (900, 1000)
    many = Extent(1000, np.arange(0, 1000, 7))
    assert Shares(0.1, 0.1).cuts(many) == (798, 903)
    few = Extent(1000, np.array([0, 500, 910]))
    assert Shares(0.1, 0.1).cuts(few) == (800, 910)
    assert Shares(0.05, 0.1).cuts(Extent(1115394, np.array([0])))[1] == 1003854
    with pytest.raises(ArgumentError):
        Shares(0.5, 0.5)


def test_passages_have_a_border_between_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    prose = read_prose(["ab\u00e4", "b"])
    codec = TokenCodec.fit(["ab\u00e4b"], Tokens())
    b, a, umlaut = (codec.encode(text)[0] for text in "ba\u00e4")
    for most in (2**26, 0):
        # in memory, and in a temporary file
        monkeypatch.setattr(module, "_IN_MEMORY", most)
        found = passage(prose, codec, closed=True)
        assert found.ids.tolist() == [BORDER, a, b, umlaut, BORDER, b, BORDER]
        assert found.ids.dtype == np.uint8
        assert (found.counts, found.bytes, len(found)) == (4, 5, 6)
    assert passage(prose, codec, closed=False).ids.tolist()[-1] == b
    with pytest.raises(DataError, match="empty"):
        passage(prose.between(1, 1), codec, closed=False)


@pytest.mark.parametrize("unit", ["characters", "bytes", "words", "subwords"])
def test_a_stretch_adds_up_to_the_text(unit: str) -> None:
    if unit == "subwords":
        pytest.importorskip("tokenizers")
    texts = ["Die Sonne schien \u2013 hell!", "\u4e2d\u6587 und \U0001f600\nDas Ende", "x"]
    codec = TokenCodec.fit(texts[:1], Tokens(unit, size=270 if unit == "subwords" else None))  # type: ignore[arg-type]
    found = passage(read_prose(texts), codec, closed=True)
    for apart in (True, False):
        stretch = as_stretch(found, codec, apart=apart)
        assert stretch.counts.sum() == found.counts == sum(map(len, texts))
        assert stretch.bytes.sum() == found.bytes == sum(len(text.encode()) for text in texts)
        assert (stretch.counts[stretch.symbols == BORDER] == 0).all()
        # as many symbols are scored however documents are kept apart
        assert int(stretch.scored.sum()) == len(found)
    apart = as_stretch(found, codec, apart=True)
    ends = np.append(apart.begins[1:], len(apart.symbols))
    for text, start, stop in zip(texts, apart.begins, ends, strict=True):
        own = apart.symbols[start:stop]
        assert own[0] == own[-1] == BORDER
        if UNKNOWN not in own:
            assert codec.decode(own) == text
    assert all(a < b for a, b in pairwise(apart.begins))


def test_the_end_of_a_passage_tells_as_many_symbols() -> None:
    text = Passage(np.arange(101) + 2, 100, 200, "letters")
    assert text.last(100) is text
    end = text.last(25)
    assert end.ids.tolist() == list(range(77, 103))
    assert (len(end), end.counts, end.bytes) == (25, 25, 50)

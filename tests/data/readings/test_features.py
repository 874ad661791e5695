"""Features of words: shapes, neighbours, buckets."""

from __future__ import annotations

from longshort.data.readings.features import buckets, features, shape, squeezed


def test_shapes() -> None:
    assert shape("O'Neill2") == "X'Xxxxxd"
    assert squeezed(shape("O'Neill2")) == "X'Xxd"
    assert shape("東京") == "xx"
    assert squeezed("") == ""


def test_a_word_is_told_by_itself_and_its_neighbours() -> None:
    found = features(["Ada", "met", "@bob"])
    assert len(found) == 3
    for names in found:
        assert len(names) == len(set(names))
    assert {"0:word=met", "0:shape=xxx", "-1:word=ada", "-1:is=title", "1:is=@"} <= set(found[1])
    assert {"-1:edge", "0:is=title", "0,1:ada|met", "-1,0:<|ada"} <= set(found[0])
    assert features([]) == []


def test_buckets_are_the_same_everywhere() -> None:
    found = buckets(["0:word=ada", "0:word=bob"], 64)
    assert found.tolist() == buckets(["0:word=ada", "0:word=bob"], 64).tolist()
    assert all(1 <= bucket <= 64 for bucket in found)
    # crc32, as zlib has it
    assert buckets(["123456789"], 2**32).tolist() == [1 + 0xCBF43926]

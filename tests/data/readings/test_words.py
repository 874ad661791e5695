"""Texts and tokens as steps: what is known, what is cut, what padding and files leave unchanged."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from longshort.data.corpus import Corpus
from longshort.data.items import Inputs
from longshort.data.readings.ngrams import _LONGEST, buckets_of, ngrams
from longshort.data.readings.shapes import SHAPES, shape
from longshort.data.readings.tokenise import key
from longshort.data.readings.vectors import read_vectors
from longshort.data.readings.vocabulary import Symbols
from longshort.data.readings.words import Text, TextReading
from longshort.errors import ArgumentError, DataError, ModelFileError
from longshort.layers.embed import Embed

TEXTS = ("A good film, good fun :-)", "", "a bad film", "Good GOOD GOOOOD acting, bad end")
CORPUS = Corpus("reviews", texts=TEXTS)
TOKENS = Corpus("sentences", tokens=(("New York", "is", "big"), (), ("is", "it", "?")))


def reading(corpus: Corpus = CORPUS, **settings: object) -> TextReading:
    return TextReading.fit(corpus, Text(**settings))  # type: ignore[arg-type]


def test_the_vocabulary_is_what_is_frequent_enough() -> None:
    # "GOOOOD" is looked up as "goood"
    assert reading().words.names == ("good", ",", "a", "bad", "film")
    assert reading().words.counts.tolist() == [4, 2, 2, 2, 2]
    assert reading(vocabulary=2).words.names == ("good", ",")
    every = {"a", "good", "film", ",", "fun", ":-)", "bad", "goood", "acting", "end"}
    assert set(reading(min_count=1).words.names) == every


def test_steps_are_words_and_rare_ones_are_row_0() -> None:
    found = reading()
    assert found.lengths(CORPUS).tolist() == [7, 0, 3, 7]
    inputs, lengths, _ = found.read(CORPUS, [2, 0])
    assert lengths.tolist() == [3, 7]
    assert inputs["words"].tolist() == [[3, 4, 5, 0, 0, 0, 0], [3, 1, 5, 2, 1, 0, 0]]
    assert found.steps(CORPUS, 2) == ("a", "bad", "film")
    elsewhere = Corpus("new", texts=("bad 电影 film",))
    assert found.read(elsewhere, [0]).inputs["words"].tolist() == [[4, 0, 0, 5]]


def test_given_tokens_are_never_split_or_cut() -> None:
    found = reading(TOKENS, min_count=1, longest=2)
    assert found.lengths(TOKENS).tolist() == [3, 0, 3]
    assert found.steps(TOKENS, 0) == ("New York", "is", "big")
    assert "new york" in found.words.names
    with pytest.raises(ArgumentError, match="tokens of sentences are given"):
        reading(TOKENS, subwords=10)


def test_no_step_at_all_is_one_of_padding() -> None:
    found = reading(characters="cnn")
    inputs, lengths, _ = found.read(CORPUS, [1])
    assert lengths.tolist() == [0]
    assert {name: tuple(value.shape) for name, value in inputs.items()} == {
        "words": (1, 1), "shapes": (1, 1, SHAPES), "ngrams": (1, 1, 1), "characters": (1, 1, 1),
    }  # fmt: skip
    assert all(not value.any() for value in inputs.values())
    nothing = Corpus("nothing", texts=("", " "))
    assert reading(nothing).read(nothing, [0, 1]).lengths.tolist() == [0, 0]


@pytest.mark.parametrize(
    ("keep", "words"), [("first", "0 1 2 3 4"), ("last", "5 6 7 8 9"), ("ends", "0 1 2 8 9")]
)
def test_a_long_text_is_cut_as_asked(keep: str, words: str) -> None:
    corpus = Corpus("digits", texts=("0 1 2 3 4 5 6 7 8 9", "0 1"))
    found = reading(corpus, longest=5, keep=keep)
    assert " ".join(found.steps(corpus, 0)) == words
    (note,) = found.notes(corpus)
    assert note.startswith("1 of 2 texts are longer")
    assert not reading(corpus).notes(corpus)


def test_a_text_of_100_000_words_is_read() -> None:
    corpus = Corpus("long", texts=("word and " * 50_000,))
    found = reading(corpus)
    assert found.read(corpus, [0]).inputs["words"].shape == (1, 1000)
    assert reading(corpus, longest=200_000).lengths(corpus).tolist() == [100_000]


def test_shapes_say_how_a_word_is_written() -> None:
    flags = {w: "".join(str(int(f)) for f in shape(w)) for w in ("Bob", "NATO", "iPhone", "7/10")}
    assert flags == {
        "Bob": "10000000",
        "NATO": "11000000",
        "iPhone": "00100000",
        "7/10": "00011000",
    }
    assert all(len(shape(word)) == SHAPES for word in ("", "!!!", "@bob", "www.x", "soooo"))


def test_parts_of_words_are_those_of_the_paper() -> None:
    # Bojanowski et al. 2017, section 3.2
    assert ngrams("where", 3, 3) == ["<wh", "whe", "her", "ere", "re>"]
    assert len(ngrams("x" * 1000, 3, 5)) == sum(_LONGEST + 3 - size for size in (3, 4, 5))
    assert ngrams("", 3, 5) == []
    found = buckets_of("where", 3, 5, 100)
    assert found == buckets_of("where", 3, 5, 100)
    assert 1 <= min(found) <= max(found) <= 100


def told(inputs: Inputs, row: int) -> dict[str, list[object]]:
    """What a row holds up to its end, its padding taken away."""
    steps = int(inputs.lengths[row])
    return {
        name: [[v for v in step if v] if isinstance(step, list) else step for step in
               value[row, :steps].tolist()]
        for name, value in inputs.inputs.items() if name != "shapes"
    }  # fmt: skip


@pytest.mark.parametrize("corpus", [CORPUS, TOKENS], ids=["texts", "tokens"])
def test_an_item_is_read_the_same_in_any_batch(corpus: Corpus) -> None:
    found = reading(corpus, characters="cnn", min_count=1)
    together = found.read(corpus, range(len(corpus)))
    for item in range(len(corpus)):
        alone = found.read(corpus, [item])
        assert told(together, item) == told(alone, 0)
        steps = int(alone.lengths[0])
        shapes = alone.inputs["shapes"][0, :steps]
        assert torch.equal(together.inputs["shapes"][item, :steps], shapes)


@pytest.mark.parametrize(
    "settings",
    [{}, {"ngrams": None, "shapes": False}, {"characters": "lstm", "min_count": 1},
     {"subwords": 30, "longest": 3, "keep": "ends"}],
)  # fmt: skip
def test_a_reading_comes_back_from_a_file(settings: dict[str, object]) -> None:
    if "subwords" in settings:
        pytest.importorskip("tokenizers")
    found = reading(**settings)
    kept, arrays = found.put_down()
    again = TextReading.take_up(json.loads(json.dumps(kept)), arrays)
    assert again.text == found.text
    assert again.words.counts.dtype == np.int64
    new = Corpus("new", texts=("Good acting, a 新 end <3", *TEXTS))
    first, second = found.read(new, range(5)), again.read(new, range(5))
    assert first.inputs.keys() == second.inputs.keys()
    assert all(torch.equal(first.inputs[name], second.inputs[name]) for name in first.inputs)
    assert Embed.of(found.widths).width == Embed.of(again.widths).width


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"words": np.frombuffer(b'["a", "a"]', np.uint8)}, "twice"),
        ({"words": np.frombuffer(b'["a", 3]', np.uint8)}, "no list of text"),
        ({"words": np.frombuffer(b"[" * 9999, np.uint8)}, "cannot be read"),
        ({"words": np.frombuffer(b"\xff", np.uint8)}, "cannot be read"),
        ({"words.counts": np.zeros(3, np.int64)}, "counts"),
        ({"characters": None}, "characters cannot be read"),
    ],
)
def test_a_damaged_file_is_refused(change: dict[str, object], told: str) -> None:
    kept, arrays = reading(characters="cnn").put_down()
    damaged = {name: value for name, value in (arrays | change).items() if value is not None}
    with pytest.raises(ModelFileError, match=told):
        TextReading.take_up(kept, damaged)
    with pytest.raises(ModelFileError, match="settings of texts"):
        TextReading.take_up({"widht": 3}, arrays)


def test_subwords_are_pieces_of_the_words() -> None:
    pytest.importorskip("tokenizers")
    found = reading(subwords=40)
    pieces = found.steps(CORPUS, 2)
    assert "".join(piece.removeprefix("##") for piece in pieces) == "abadfilm"
    assert found.lengths(CORPUS).tolist()[1] == 0
    new = Corpus("new", texts=("电 film",))
    assert found.steps(new, 0)[0] == "[UNK]"


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"ngrams": (5, 3)}, "shortest and a longest"),
        ({"characters": "cn"}, "did you mean 'cnn'"),
        ({"dropout": 1.0}, "must be in 0 to 1"),
        ({"min_count": 0}, "1 or more"),
        ({"freeze": True}, "no vectors to freeze"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, object], told: str) -> None:
    with pytest.raises(ArgumentError, match=told):
        Text(**settings)  # type: ignore[arg-type]


def test_rows_of_symbols_follow_their_counts() -> None:
    counted = Counter({"b": 3, "a": 3, "c": 1, "d": 9})
    found = Symbols.fit(counted, 2, 10, reserved=2)
    assert found.names == ("d", "a", "b")
    assert found.rows("abcd") == [3, 4, 1, 2]
    assert Symbols.fit(counted, 2, 4, more=["z", "c", "y"]).names == ("d", "a", "b", "c")
    assert Symbols.fit(counted, 4, 3, more=["z", "a"]).names == ("d", "a", "z")


VECTORS = "the 1 0\nGood 2 0\ngood 9 9\nnew york 3 1\nfilm 4 0\nbad 5 0\n"


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("header", ["", "6 2\n"])
def test_vectors_are_read_from_text_files(tmp_path: Path, header: str, packed: bool) -> None:
    path = tmp_path / ("vectors.vec" + ".gz" * packed)
    text = (header + VECTORS).encode()
    path.write_bytes(gzip.compress(text) if packed else text)
    found = read_vectors(path, {"film"}, 3, key)
    assert {word: value.tolist() for word, value in found.items()} == {
        "the": [1, 0], "good": [2, 0], "new york": [3, 1], "film": [4, 0],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"a 1 2\nb 1\n", "line 2: 1 numbers where the first line has 2"),
        (b"a 1 2\nb 1 x\n", "line 2: .* expected 2 numbers"),
        (b"a 1 2\nb 1 nan\n", "line 2: a number is not finite"),
        (b"a 1 2\n\xff\xfe 1 2\n", "line 2: byte 1 of the line is no UTF-8"),
        (b"", "no word vectors"),
    ],
)
def test_vectors_that_cannot_be_read_are_refused(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "vectors.txt"
    path.write_bytes(content)
    with pytest.raises(DataError, match=told):
        read_vectors(path, (), 10, key)
    with pytest.raises(DataError, match="cannot be read"):
        read_vectors(tmp_path / "none.txt", (), 10, key)


@pytest.mark.parametrize("freeze", [False, True])
def test_a_network_begins_with_the_vectors(tmp_path: Path, freeze: bool) -> None:
    path = tmp_path / "vectors.txt"
    path.write_text(VECTORS)
    found = reading(vectors=str(path), freeze=freeze, vocabulary=8)
    # words of the training part first, then those of the file, while there is room
    assert found.words.names == ("good", ",", "a", "bad", "film", "the", "new york")
    assert found.text.width == 2
    table = Embed.of(found.widths).weight("words")
    assert table.requires_grad == (not freeze)
    table = table.detach()
    assert table[1].tolist() == [2, 0]
    assert table[6:].tolist() == [[1, 0], [3, 1]]
    # no vector: drawn
    assert 0 < float(table[2].abs().max()) < 1
    # the file of vectors is not needed again
    path.unlink()
    again = TextReading.take_up(*found.put_down())
    assert again.widths.symbols == found.widths.symbols

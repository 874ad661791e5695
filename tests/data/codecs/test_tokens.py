"""Vocabularies: every text comes back from its symbols, and every symbol knows its bytes."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longshort.data.codecs.tokens import BORDER, UNKNOWN, TokenCodec, Tokens, Unit
from longshort.errors import ArgumentError, ModelFileError

TEXT = (
    "It was the best of times, it was the worst of times;\n\tdon't -- \u00e4\u00f6 \u4e2d\u6587 "
    "\U0001f600 ok  ok_ay"
)
UNITS: tuple[Unit, ...] = ("characters", "bytes", "words", "spaced", "subwords", "unigram")


def fitted(unit: Unit, **settings: int) -> TokenCodec:
    if unit in ("subwords", "unigram"):
        pytest.importorskip("tokenizers")
        settings = {"size": 300, **settings}
    return TokenCodec.fit([TEXT], Tokens(unit, **settings))


@pytest.mark.parametrize("unit", UNITS)
def test_a_text_comes_back(unit: Unit) -> None:
    codec = fitted(unit)
    ids = codec.encode(TEXT)
    assert codec.decode(ids) == TEXT
    assert ids.min() > UNKNOWN
    assert ids.max() < codec.size == len(codec.pieces)
    assert b"".join(codec.pieces[n] for n in ids) == TEXT.encode()
    assert codec.pieces[BORDER] == codec.pieces[UNKNOWN] == b""


@settings(deadline=None, max_examples=60)
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_bytes_and_subwords_encode_every_text(text: str) -> None:
    for unit in ("bytes", "subwords", "unigram"):
        codec = CODECS.setdefault(unit, fitted(unit))
        assert codec.decode(codec.encode(text)) == text
        assert codec.unknown is None


CODECS: dict[str, TokenCodec] = {}


@settings(deadline=None, max_examples=60)
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_words_of_any_text_put_together_are_the_text(text: str) -> None:
    for unit in ("words", "spaced"):
        codec = TokenCodec.fit([text], Tokens(unit))
        assert codec.decode(codec.encode(text)) == text
        assert "".join(codec.parts(text)) == text


def test_symbols_stand_in_the_order_of_their_frequency() -> None:
    codec = fitted("characters")
    counts = Counter(TEXT)
    found = [counts[character] for character in codec.known]
    assert found == sorted(found, reverse=True)
    assert set(codec.known) == set(TEXT)


def test_tokens_are_whatever_stands_between_blanks() -> None:
    codec = TokenCodec.fit(["can 't\tsee  it"], Tokens("spaced"))
    assert codec.parts("can 't\tsee  it") == ["can", " 't", "\t", "see", " ", " it"]
    assert codec.unseen("can 't go") == [" go"]


def test_words_keep_the_blank_before_them() -> None:
    codec = TokenCodec.fit(["the cat, the dog don't"], Tokens("words"))
    assert set(codec.known) == {"the", " cat", ",", " the", " dog", " don't"}


def test_what_is_rare_or_never_seen_is_unknown() -> None:
    codec = TokenCodec.fit(["aaabbc"], Tokens(least=2))
    assert codec.known == ("a", "b")
    assert codec.encode("abcd").tolist() == [2, 3, UNKNOWN, UNKNOWN]
    assert codec.decode([2, UNKNOWN, BORDER]) == "a\N{REPLACEMENT CHARACTER}"
    assert codec.unseen("abcdc") == ["c", "d"]
    assert TokenCodec.fit(["aaabbc"], Tokens(size=3)).known == ("a",)
    assert fitted("bytes").unseen("\u03a9") == []


@pytest.mark.parametrize("unit", UNITS)
def test_a_vocabulary_is_written_and_read(unit: Unit) -> None:
    codec = fitted(unit)
    told, arrays = codec.put_down()
    again = TokenCodec.take_up(json.loads(json.dumps(told)), arrays)
    assert again == codec
    assert again.encode(TEXT).tolist() == codec.encode(TEXT).tolist()


@pytest.mark.parametrize(
    ("unit", "text"),
    [
        ("lines", "[]"), ("characters", "{}"), ("characters", '["a", "a"]'),
        ("characters", '["ab"]'), ("words", "[1]"), ("bytes", '["a"]'), ("words", '[""]'),
        ("subwords", "{}"),
    ],
)  # fmt: skip
def test_a_vocabulary_that_is_none_is_refused(unit: str, text: str) -> None:
    if unit in ("subwords", "unigram"):
        pytest.importorskip("tokenizers")
    arrays = {"vocabulary": np.frombuffer(text.encode(), np.uint8)}
    with pytest.raises(ModelFileError):
        TokenCodec.take_up({"unit": unit}, arrays)


def test_settings_out_of_range_are_refused() -> None:
    for wrong in ({"unit": "word"}, {"least": 0}, {"size": 2}, {"unit": "subwords", "size": 100}):
        with pytest.raises(ArgumentError):
            Tokens(**wrong)  # type: ignore[arg-type]

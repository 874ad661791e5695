"""Words as a reader of tweets and reviews would cut them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longshort.data.readings.tokenise import key, tokenise


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("I can't believe it's 7/10!", "I|can't|believe|it's|7/10|!"),
        ("soooo goood :-) :( ;D <3 ^_^", "soooo|goood|:-)|:(|;D|<3|^_^"),
        ("@bob #win!!! http://a.b/c?d=1", "@bob|#win|!!!|http://a.b/c?d=1"),
        ("a well-known e-mail: a@b.co", "a|well-known|e-mail|:|a@b.co"),
        ("&amp;lt;3 fish &amp; chips &quot;x&quot;", '<3|fish|&|chips|"|x|"'),
        ("one<br />two <b>three</b>", "one|two|three"),
        ("x=3 (8) the.end", "x|=|3|(|8|)|the.end"),
        ("£5.50 50%", "£|5.50|50|%"),
        ("我喜欢。とて", "我|喜|欢|。|と|て"),
        ("नमस्ते दुनिया", "नमस्ते|दुनिया"),
        ("e\u0301te\u0301", "été"),
        ("👍🏽❤️ ok", "👍🏽|❤️|ok"),
        ("  \n ", ""),
    ],
)
def test_words_stay_whole(text: str, words: str) -> None:
    assert tokenise(text) == [word for word in words.split("|") if word]


@pytest.mark.parametrize(
    ("word", "found"),
    [("GOOOOOD", "goood"), ("1,999", "0,000"), ("www.x.y", "http://"), ("@Bob", "@"),
     ("don’t", "don't"), ("@", "@"), ("!!!!!!", "!!!")],
)  # fmt: skip
def test_a_word_is_looked_up_in_one_form(word: str, found: str) -> None:
    assert key(word) == found


@given(st.text())
def test_any_text_is_cut_into_words_without_spaces(text: str) -> None:
    words = tokenise(text)
    assert all(words)
    assert all(key(word) for word in words)


@given(st.text(alphabet="abc dé!?", max_size=60))
def test_nothing_but_spaces_is_lost(text: str) -> None:
    assert "".join(tokenise(text)) == "".join(text.split())


@pytest.mark.parametrize(
    "piece", ["(", "<a ", "a-", "http://", "@", ":-", "&amp;", "\u0301", "1.", "<!--", "a.b@"]
)
def test_a_long_text_is_read_in_one_pass(piece: str) -> None:
    """A pattern that backed up for every character would not come to an end."""
    found = tokenise(piece * 20_000)
    assert len(found) <= len(piece) * 20_000

"""How a word is written: capitals, digits and signs, as flags."""

from __future__ import annotations

# how many flags a word has
SHAPES = 8


def shape(word: str) -> tuple[bool, ...]:
    """Eight flags of a word (after Collobert et al. 2011, with what tweets and names need).

    It begins with a capital; is of capitals alone; has one later on, but not those alone; has a
    digit; is of digits (and signs) alone; has no letter and no digit; has one character of three
    or more in a row; is a mention, hashtag or address.
    """
    letters = [c for c in word if c.isalpha()]
    digits = sum(c.isdigit() for c in word)
    capitals = sum(c.isupper() for c in letters)
    whole = len(letters) > 1 and capitals == len(letters)
    return (
        bool(word) and word[0].isupper(),
        whole,
        not whole and any(c.isupper() for c in word[1:]),
        digits > 0,
        digits > 0 and not letters,
        not letters and not digits,
        any(a == b == c for a, b, c in zip(word, word[1:], word[2:], strict=False)),
        (len(word) > 1 and word[0] in "@#") or word.startswith(("http:", "https:", "www.")),
    )

"""A text as words, and the form in which a word is looked up.

Words are kept as they stand: emoticons, hashtags, mentions and addresses in one piece, a run of
punctuation as one word. Scripts that are written without spaces (Chinese, Japanese, Thai, Khmer,
Lao, Burmese) become a word per character.
"""

from __future__ import annotations

import html
import re
import unicodedata
from functools import cache

# characters of scripts without spaces between words, as ranges of a regular expression
_SPACELESS = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
)
# every part that is told from running text before words are; the first that fits is taken
_PARTS = r"""
    (?:https?://|www\.)[^\s<>"]+                      # an address
  | [\w.+-]+@[\w-]+\.[\w.-]*\w                        # a mail address
  | (?<!\w)[<>]?[:;=][\-o*']?[)\](\[dDpP/\\:}}{{@|3<>*]+(?!\w)   # an emoticon, :-)
  | (?<!\w)[xX:=;]-?D+(?!\w)
  | [)\](\[/\\}}{{|][\-o*']?[:;=](?![\w/])              # the other way round, (-:
  | <+/?3+ | \^[_.o]?\^ | -[_.]+- | \b[oO][_.][oO]\b  # <3, ^_^, -_-, o_O
  | [@\#]\w[\w{marks}]*                               # a mention or hashtag
  | \d+(?:[.,:/]\d+)+                                 # 3.5, 10,000, 7/10
  | [{spaceless}][{marks}]*                           # a character of a script without spaces
  | (?:(?![{spaceless}])[\w{marks}])+(?:['’.&*-](?:(?![{spaceless}])[\w{marks}])+)*   # a word
  | [^\w\s\x00-\x7f](?:[{marks}\U0001f3fb-\U0001f3ff]|\u200d\S)+  # an emoji of several parts
  | ([^\w\s])\1*                                      # a sign, or several of the same
"""
_MARKUP = re.compile(r"<(?:/?[a-zA-Z][^<>]{0,200}|!--.{0,500}?--)>", re.DOTALL)
_LONG_RUN = re.compile(r"(.)\1{3,}", re.DOTALL)
_DIGIT = re.compile(r"\d")


def tokenise(text: str) -> list[str]:
    """The words of a text, in order."""
    return [found[0] for found in _pattern().finditer(cleaned(text))]


def places(text: str) -> list[tuple[int, int]]:
    """Where in a cleaned text each of its words begins and ends."""
    return [found.span() for found in _pattern().finditer(text)]


def cleaned(text: str) -> str:
    """What words are looked for in.

    Entities of HTML are read (twice, as ``&amp;amp;`` is common), tags are spaces, and letters
    with their marks are brought to Unicode's composed form.
    """
    if "&" in text:
        text = html.unescape(html.unescape(text))
    if "<" in text:
        text = _MARKUP.sub(" ", text)
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    return text


def key(word: str) -> str:
    """The form in which a word is looked up.

    Lower case, digits as 0, at most three of the same character in a row, every address as
    ``http://`` and every mention as ``@``.
    """
    if word.startswith(("http://", "https://", "www.")):
        return "http://"
    if len(word) > 1 and word[0] == "@":
        return "@"
    plain = word.lower().replace("’", "'")
    return _LONG_RUN.sub(r"\1\1\1", _DIGIT.sub("0", plain))


@cache
def _pattern() -> re.Pattern[str]:
    """The pattern of one word; marks are what ``\\w`` leaves out of letters with accents."""
    marks = [chr(at) for at in range(0x300, 0x20000) if unicodedata.category(chr(at))[0] == "M"]
    # joiners and variants hold an emoji together
    ranges = _ranges(["\u200c", "\u200d", *marks])
    return re.compile(_PARTS.format(marks=ranges, spaceless=_SPACELESS), re.VERBOSE)


def _ranges(characters: list[str]) -> str:
    """Characters as the inside of [] in a pattern."""
    found: list[list[int]] = []
    for code in map(ord, characters):
        if found and found[-1][1] == code - 1:
            found[-1][1] = code
        else:
            found.append([code, code])
    return "".join(f"{chr(low)}-{chr(high)}" for low, high in found)

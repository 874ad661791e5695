"""What a classical tagger reads of a word and its neighbours: names of features that are there.

Word forms, affixes, shapes and neighbours as in conditional random fields for entities (Finkel,
Grenager & Manning 2005; Ritter et al. 2011 for tweets). Each feature is a text such as
``"-1:shape=Xx"``; the linear-chain yardstick takes them as they are, and a network's head takes
them hashed into buckets (Weinberger et al. 2009).
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from longshort.data.steps import Ints

# what a word's letters become in its shape
_SHAPES = ((re.compile(r"[^\W\d_]"), None), (re.compile(r"\d"), "d"))
# places beside a word that are read, too
NEIGHBOURS = (-2, -1, 1, 2)


def features(tokens: Sequence[str]) -> list[list[str]]:
    """The names of the features of each token, in a fixed order, all different."""
    own = [_own(token) for token in tokens]
    found = []
    for at, token in enumerate(tokens):
        names = ["bias", *(f"0:{name}" for name in own[at][0])]
        for offset in NEIGHBOURS:
            place = at + offset
            if not 0 <= place < len(tokens):
                names.append(f"{offset}:edge")
                continue
            short = own[place][1] if abs(offset) == 1 else own[place][1][:2]
            names += [f"{offset}:{name}" for name in short]
        before = tokens[at - 1].lower() if at else "<"
        after = tokens[at + 1].lower() if at + 1 < len(tokens) else ">"
        names += [f"-1,0:{before}|{token.lower()}", f"0,1:{token.lower()}|{after}"]
        found.append(list(dict.fromkeys(names)))
    return found


@lru_cache(maxsize=2**16)
def _own(token: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What is read of a word itself, and what of it as a neighbour."""
    lower, form = token.lower(), shape(token)
    short = squeezed(form)
    names = [f"word={lower}", f"form={token}", f"shape={form}", f"short={short}"]
    names += [f"prefix={lower[:n]}" for n in range(1, 5) if n <= len(lower)]
    names += [f"suffix={lower[-n:]}" for n in range(1, 5) if n <= len(lower)]
    names += [f"is={kind}" for kind in _kinds(token)]
    return tuple(names), (f"word={lower}", f"short={short}", *names[-len(_kinds(token)) :])


def shape(token: str) -> str:
    """A word's letters as X (upper case) and x, digits as d, all else as it is.

    >>> shape("O'Neill2")
    "X'Xxxxxd"
    """
    return "".join(
        "X" if c.isupper() else "x" if c.isalpha() else "d" if c.isdigit() else c for c in token
    )


def squeezed(form: str) -> str:
    """A shape in which what repeats stands once.

    >>> squeezed("X'Xxxxxd")
    "X'Xxd"
    """
    return "".join(c for at, c in enumerate(form) if not at or form[at - 1] != c)


def _kinds(token: str) -> tuple[str, ...]:
    """What a word is at a glance; one at least."""
    found = []
    if token.istitle():
        found.append("title")
    if token.isupper():
        found.append("upper")
    if token.isdigit():
        found.append("digits")
    if token[:1] in ("#", "@"):
        found.append(token[0])
    if token.startswith(("http", "www.")):
        found.append("address")
    if not any(c.isalnum() for c in token):
        found.append("marks")
    return tuple(found or ["plain"])


def buckets(names: Sequence[str], count: int) -> Ints:
    """The bucket of each feature, (M,) of 1 to ``count``; 0 is left for padding."""
    return np.array([1 + zlib.crc32(name.encode()) % count for name in names], np.int64)

"""Tagging schemes: spans of entities as one tag for every token, and back.

    tokens   Ada    Lovelace  met  Charles  Babbage  London
    BIO      B-PER  I-PER     O    B-PER    I-PER    B-LOC
    IOB1     I-PER  I-PER     O    I-PER    I-PER    I-LOC
    IOBES    B-PER  E-PER     O    B-PER    E-PER    S-LOC
    BILOU    B-PER  L-PER     O    B-PER    L-PER    U-LOC

IOB1 (Ramshaw & Marcus 1995; the tags of CoNLL-2003 as published) writes B only where an entity
follows another one of its type without a gap. BIO is also called IOB2, IOBES BIOES or BMEWO.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Scheme = Literal["bio", "iob1", "iobes", "bilou"]
OUTSIDE = "O"
# the letters of each scheme for a begin, an inside, an end and a single token
LETTERS: dict[Scheme, tuple[str, str, str, str]] = {
    "bio": ("B", "I", "I", "B"),
    "iob1": ("I", "I", "I", "I"),
    "iobes": ("B", "I", "E", "S"),
    "bilou": ("B", "I", "L", "U"),
}


class Span(NamedTuple):
    """An entity: its type, its first token, and the one after its last."""

    type: str
    start: int
    stop: int


class Fault(NamedTuple):
    """A tag that the scheme does not know there: which token's, and why."""

    at: int
    why: str


def part(tag: str) -> tuple[str, str]:
    """A tag's letter and type; ("O", "") outside."""
    letter, dash, kind = tag.partition("-")
    return (OUTSIDE, "") if tag == OUTSIDE else (letter, kind if dash else "")


def follows(scheme: Scheme, before: str | None, tag: str | None) -> str:
    """Why a tag cannot follow another one, "" if it can; None is the beginning or the end."""
    letters = LETTERS[scheme]
    left, kind_left = part(before or OUTSIDE)
    right, kind = part(tag or OUTSIDE)
    same = left != OUTSIDE and kind_left == kind
    going_on = same and left not in "ESLU"
    if scheme == "iob1":
        if right == "B" and not same:
            return f"{tag} is only for an entity that follows another one of its type"
        return ""
    inside, end = letters[1], letters[2]
    if right in (inside, end) and not going_on:
        return f"{tag} begins nothing: it must follow B-{kind} or {inside}-{kind}"
    if scheme != "bio" and left in ("B", "I") and not (right in (inside, end) and same):
        wanted = f"{inside}-{kind_left} or {end}-{kind_left}"
        return f"{before} must go on as {wanted}, and is followed by {tag or 'the end'}"
    return ""


def known(scheme: Scheme, tag: str) -> bool:
    """Whether a tag is one of the scheme's."""
    if tag == OUTSIDE:
        return True
    letter, kind = part(tag)
    return len(letter) == 1 and letter in {*LETTERS[scheme], "B"} and bool(kind)


def faults(tags: Sequence[str], scheme: Scheme) -> list[Fault]:
    """Every tag that breaks the scheme."""
    letters = dict.fromkeys(["B", *LETTERS[scheme]])
    found = [
        Fault(at, f"{tag!r} is no tag of {scheme.upper()} (O, or {'/'.join(letters)}-TYPE)")
        for at, tag in enumerate(tags)
        if not known(scheme, tag)
    ]
    if found:
        return found
    whole = [None, *tags, None]
    for at, (before, tag) in enumerate(itertools.pairwise(whole)):
        if why := follows(scheme, before, tag):
            found.append(Fault(min(at, len(tags) - 1), why))
    return found


def spans(tags: Sequence[str]) -> list[Span]:
    """The entities of tags in any of the schemes.

    Tags that break their scheme are read as conlleval (Tjong Kim Sang 2000) reads them: what goes
    on with nothing begins an entity.
    """
    found: list[Span] = []
    # the letter and type of the open entity's last token
    letter, open_kind, start = OUTSIDE, "", 0
    for at, tag in enumerate([*tags, OUTSIDE]):
        right, kind = part(tag)
        inside = letter != OUTSIDE
        goes_on = inside and right in "IEL" and kind == open_kind and letter not in "ESLU"
        if inside and not goes_on:
            found.append(Span(open_kind, start, at))
        if not goes_on:
            start = at
        letter, open_kind = right, kind
    return found


def tagged(entities: Sequence[Span], length: int, scheme: Scheme) -> list[str]:
    """Entities, which do not overlap, as the tags of ``length`` tokens.

    Raises:
        ValueError: an entity is empty, reaches beyond the tokens or overlaps another one.
    """
    tags = [OUTSIDE] * length
    begin, inside, end, single = LETTERS[scheme]
    before = Span("", 0, 0)
    for span in sorted(entities, key=lambda span: span.start):
        if not before.stop <= span.start < span.stop <= length:
            raise ValueError(f"{span} overlaps {before} or is not among {length} tokens")
        letters = [begin, *[inside] * (span.stop - span.start - 2), end]
        letters = [single] if span.stop - span.start == 1 else letters
        if scheme == "iob1" and before.type == span.type and before.stop == span.start > 0:
            letters[0] = "B"
        tags[span.start : span.stop] = [f"{letter}-{span.type}" for letter in letters]
        before = span
    return tags


def convert(tags: Sequence[str], scheme: Scheme) -> list[str]:
    """The same entities in another scheme."""
    return tagged(spans(tags), len(tags), scheme)


def transitions(
    tags: Sequence[str], scheme: Scheme
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    """What may begin (K,), follow (K, K) and end (K,) a sequence of the given tags."""
    return (
        np.array([not follows(scheme, None, tag) for tag in tags]),
        np.array([[not follows(scheme, one, other) for other in tags] for one in tags]),
        np.array([not follows(scheme, tag, None) for tag in tags]),
    )


def guess(sequences: Sequence[Sequence[str]]) -> Scheme | None:
    """The scheme that all sequences keep to, None if there is none.

    Tags that keep to several are read alike by them: BIO is preferred, and IOB1 the last.
    """
    order: tuple[Scheme, ...] = ("bio", "iobes", "bilou", "iob1")
    for scheme in order:
        if not any(faults(tags, scheme) for tags in sequences):
            return scheme
    return None

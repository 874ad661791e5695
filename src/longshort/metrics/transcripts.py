"""How well transcripts are told: the fewest edits that make the answer of the truth.

Levenshtein 1966. An edit writes one symbol for another (a substitution), leaves one out (a
deletion) or adds one (an insertion). Over all transcripts together,

    error rate = (substitutions + deletions + insertions) / symbols of the truth

of words (WER), of characters (CER), or of the symbols that a model writes (phonemes, digits). It
may exceed 1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from longshort.metrics.bootstrap import drawn_weights

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

Unit = Literal["words", "characters", "symbols"]


class Edit(NamedTuple):
    """One step of an alignment: what is true, and what was told; None where there is nothing."""

    truth: Any
    told: Any


class Errors(NamedTuple):
    """What was right and wrong of one transcript, or of many, in symbols."""

    hits: int
    substitutions: int
    deletions: int
    insertions: int

    @property
    def symbols(self) -> int:
        """Symbols of the truth."""
        return self.hits + self.substitutions + self.deletions

    @property
    def wrong(self) -> int:
        """All edits."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def rate(self) -> float:
        """The error rate; NaN where the truth holds no symbol."""
        return self.wrong / self.symbols if self.symbols else float("nan")


def distances(truth: Sequence[Hashable], told: Sequence[Hashable]) -> Ints:
    """(U + 1, V + 1), the fewest edits between the first u and v symbols of both."""
    number = {symbol: at for at, symbol in enumerate(dict.fromkeys([*truth, *told]))}
    first = np.array([number[each] for each in truth], np.int64)
    second = np.array([number[each] for each in told], np.int64)
    across = np.arange(len(second) + 1)
    found = np.empty((len(first) + 1, len(second) + 1), np.int64)
    found[0] = across
    for at, symbol in enumerate(first, 1):
        row = found[at - 1] + 1
        row[1:] = np.minimum(row[1:], found[at - 1, :-1] + (second != symbol))
        # insertions go on along the row: each costs one more than the place that it begins at
        found[at] = np.minimum.accumulate(row - across) + across
    return found


def alignment(truth: Sequence[Hashable], told: Sequence[Hashable]) -> list[Edit]:
    """The fewest edits, in order, hits among them; of equal ways substitutions first."""
    cost, found = distances(truth, told), []
    u, v = len(truth), len(told)
    while u or v:
        same = u > 0 and v > 0 and truth[u - 1] == told[v - 1]
        if u and v and cost[u, v] == cost[u - 1, v - 1] + (not same):
            u, v = u - 1, v - 1
            found.append(Edit(truth[u], told[v]))
        elif u and cost[u, v] == cost[u - 1, v] + 1:
            u -= 1
            found.append(Edit(truth[u], None))
        else:
            v -= 1
            found.append(Edit(None, told[v]))
    return found[::-1]


def errors(edits: Sequence[Edit]) -> Errors:
    """How many of them are of each kind."""
    hits = sum(edit.truth == edit.told for edit in edits)
    deletions = sum(edit.told is None for edit in edits)
    insertions = sum(edit.truth is None for edit in edits)
    return Errors(hits, len(edits) - hits - deletions - insertions, deletions, insertions)


def units(text: str, unit: Unit) -> Sequence[str]:
    """A transcript as its words or characters; symbols are characters other than blanks."""
    if unit == "words":
        return text.split()
    return text if unit == "characters" else "".join(text.split())


def counted(
    truth: Sequence[Sequence[Hashable]], told: Sequence[Sequence[Hashable]]
) -> NDArray[np.int64]:
    """(N, 4) hits, substitutions, deletions and insertions of each of N transcripts."""
    pairs = zip(truth, told, strict=True)
    return np.array([errors(alignment(*pair)) for pair in pairs], np.int64).reshape(-1, 4)


def rate(counts: Ints, weights: Floats | None = None) -> Floats:
    """Error rate of (N, 4) counts; with weights (R, N) how often each counts, (R,)."""
    counts = np.asarray(counts, np.float64)
    total = counts.sum(0) if weights is None else weights @ counts
    wrong, symbols = total[..., 1:].sum(-1), total[..., :3].sum(-1)
    return np.where(symbols > 0, wrong / np.maximum(symbols, 1), np.nan)


def wrong_share(counts: Ints, weights: Floats | None = None) -> Floats:
    """Share of transcripts that are not right as a whole (sentence error rate)."""
    missed = (np.asarray(counts)[:, 1:].sum(1) > 0).astype(np.float64)
    if weights is None:
        return np.asarray(missed.mean() if len(missed) else np.nan)
    return np.asarray((weights @ missed) / weights.sum(1))


def resampled(
    counts: Ints,
    groups: Sequence[str] | None = None,
    *,
    whole: bool = False,
    resamples: int = 1000,
    seed: int = 0,
) -> Floats | None:
    """(R,) the rate over resampled transcripts or groups of them; None where they are too few.

    Args:
        counts: (N, 4).
        groups: N names; whole groups (speakers) are drawn.
        whole: the share of transcripts that are wrong, and not the error rate.
        resamples: R.
        seed: the same one draws the same transcripts.
    """
    parts = drawn_weights(len(counts), groups, resamples=resamples, seed=seed)
    if parts is None:
        return None
    of = wrong_share if whole else rate
    return np.concatenate([of(counts, weights) for weights in parts])


def confused(edits: Sequence[Sequence[Edit]]) -> list[tuple[str, str, int]]:
    """What was told instead of what, and how often, the most frequent first; "" is nothing."""
    found = Counter(
        (edit.truth or "", edit.told or "")
        for own in edits
        for edit in own
        if edit.truth != edit.told
    )
    ranked = sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))
    return [(truth, told, count) for (truth, told), count in ranked]


def real_time_factor(spent: float, seconds: float) -> float:
    """Seconds of work for a second of sound; NaN where there is no sound."""
    return spent / seconds if seconds > 0 else float("nan")

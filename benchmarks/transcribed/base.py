"""What a set of the benchmark is, and the page that is made of what was measured."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from longshort.metrics.bootstrap import interval

Record = Mapping[str, Any]

TEXT = """# Sound, pen and line images, measured

`benchmarks/transcribe.py` writes this page from what it measured (`benchmarks/records/transcribe`).
Recipes are chosen on validation parts, frozen, and then the test part is opened once; every opening
is in `benchmarks/ledger.json`. Every method is fitted on the same items of the same split; what it
reads of them stands with each set. Losses are included. Intervals are those of a bootstrap, 95 %.
Seconds are those of one core.
"""


class Goal(NamedTuple):
    """What must be reached on a test part, at least (or at most), and what is aimed at.

    ``what`` is the name under which a set's ``reached`` tells the figure, in words; ``unit`` what a
    hundredth of it is called.
    """

    what: str
    must: float
    aim: float | None = None
    less: bool = False
    unit: str = "%"


@dataclass(frozen=True)
class Set:
    """One set.

    Args:
        name: short, as ``--only`` takes it.
        title: what it is called on the page.
        told: what it is, where it comes from, its licence, and how it is split; a paragraph.
        rows: methods that are measured, the first of them the one that goals are about.
        frozen: every setting of a row in words, for the ledger; what was measured on validation
            parts may have chosen some.
        valid: measures rows on validation parts into the record, and calls the last argument to
            write it down.
        measure: measures rows on the test part, into the record and, as short scores, into what
            the ledger keeps; calls the last argument to write the record down.
        reached: the figure of each goal by its name.
        section: the lines of the page below ``told``.
        goals: see ``Goal``.
        part: what the ledger calls the test part.
    """

    name: str
    title: str
    told: str
    rows: tuple[str, ...]
    frozen: Callable[[str, Record], Any]
    valid: Callable[[Sequence[str], dict[str, Any], Callable[[], None]], None]
    measure: Callable[[Sequence[str], dict[str, Any], dict[str, Any], Callable[[], None]], None]
    reached: Callable[[Record], Mapping[str, float]]
    section: Callable[[Record], Sequence[str]]
    goals: tuple[Goal, ...] = ()
    part: str = "test"


def data(*parts: str) -> Path:
    """A file or folder of the data, which the user has.

    Raises:
        SystemExit: it is not there.
    """
    folder = os.environ.get("LONGSHORT_DATA")
    path = Path(folder or "").joinpath(*parts)
    if folder is None or not path.exists():
        raise SystemExit(f"set LONGSHORT_DATA to a folder with {'/'.join(parts)}")
    return path


def page(records: Mapping[str, Record], sets: Mapping[str, Set], text: str = TEXT) -> str:
    """All of it below a text, for the sets that have a record."""
    known = {name: found for name, found in records.items() if found}
    lines: list[tuple[str, ...]] = []
    for name, found in known.items():
        reached = sets[name].reached(found)
        lines += [
            _goal(sets[name].title, goal, reached[goal.what])
            for goal in sets[name].goals
            if goal.what in reached
        ]
    parts = [text.rstrip()]
    if lines:
        head = ("what", "reached", "goal", "met")
        parts.append("\n".join(["## Goals", "", *table(head, lines)]))
    for name, found in known.items():
        own = [f"## {sets[name].title}", "", sets[name].told, "", *sets[name].section(found)]
        parts.append("\n".join(own).rstrip())
    return "\n\n".join(parts) + "\n"


def _goal(title: str, goal: Goal, value: float) -> tuple[str, ...]:
    def reaches(bar: float) -> bool:
        return value <= bar if goal.less else value >= bar

    met = "yes" if reaches(goal.must) else "**no**"
    if goal.aim is not None and reaches(goal.aim):
        met = "aim"

    def told(figure: float) -> str:
        return f"{100 * figure:.1f} {goal.unit}"

    aim = "" if goal.aim is None else f" (aim {told(goal.aim)})"
    side = "at most" if goal.less else "at least"
    return (f"{title}: {goal.what}", told(value), f"{side} {told(goal.must)}{aim}", met)


def fewer(wrong: NDArray[np.int64]) -> str:
    """How many errors less one method makes than another, in words, with a bootstrap's interval.

    Args:
        wrong: (2, N) errors, ours and the other's, in each of N things that are drawn together:
            recordings, strings, or speakers with all they said.
    """
    random = np.random.default_rng(0)
    count = wrong.shape[1]
    ours, theirs = wrong[:, random.integers(0, count, (2000, count))].sum(2)
    low, high = interval(1 - ours / np.maximum(theirs, 1)) or (float("nan"), float("nan"))
    mine, other = wrong.sum(1).tolist()
    return (
        f"errors of the LSTM {mine:,}, of the HMM {other:,}: {100 * (1 - mine / max(other, 1)):.0f}"
        f" % fewer [{100 * low:.0f}, {100 * high:.0f}]"
    )


def percent(value: float) -> str:
    """A share in percent."""
    return f"{100 * value:.1f} %"


def table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> list[str]:
    """Markdown."""
    marks = ["---" if at == 0 else "---:" for at in range(len(head))]
    return [f"| {' | '.join(cells)} |" for cells in (head, marks, *lines)]

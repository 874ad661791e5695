"""What a set of the benchmark is: its data, its recipe, its goals and what others have reached."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from longshort.data.corpus import Corpus


class Goal(NamedTuple):
    """What the network must reach on the test part, at least, and what it aims at."""

    measure: str
    must: float
    aim: float | None = None


class Figure(NamedTuple):
    """A published or earlier figure: of which method, which measure, how much, and from where."""

    method: str
    measure: str
    value: float
    source: str


@dataclass(frozen=True)
class Set:
    """One set of labelled sequences.

    Args:
        name: short, as ``--only`` takes it.
        title: what it is called on the page.
        told: what it is, where it comes from, its licence, and how it is split; a paragraph.
        read: the corpus of a split (0 to ``splits`` - 1) whose ``parts`` say "train", "valid" (if
            there is one) and "test".
        make: an unfitted ``Classifier`` or ``Tagger``, given a row's name and a seed. It is fitted
            on a corpus of the training and validation part alone.
        metric: what choices are made by, and the verdict is spoken by.
        measures: columns of the table, the first of them first; names as in ``metrics.labels`` or
            ``metrics.entities``.
        rows: networks, the first of them the one that goals are about.
        goals: see ``Goal``; the mean over seeds (and splits) is held against them.
        literature: see ``Figure``.
        splits: how many ways the items are split at random.
        task: "classify" or "tag".
        yardsticks: as for ``Classifier.evaluate``.
        seeds: networks of each row.
        part: what the ledger calls the test part.
    """

    name: str
    title: str
    told: str
    read: Callable[[int], Corpus]
    make: Callable[[str, int], Any]
    metric: str
    measures: tuple[str, ...]
    rows: tuple[str, ...] = ("LSTM",)
    goals: tuple[Goal, ...] = ()
    literature: tuple[Figure, ...] = ()
    splits: int = 1
    task: Literal["classify", "tag"] = "classify"
    yardsticks: Literal["all", "quick", "none"] = "all"
    seeds: int = 3
    part: str = "test"


def parted(corpus: Corpus) -> dict[str, Corpus]:
    """The parts of a corpus by name."""
    names = corpus.parts or ()
    return {
        name: corpus.select([at for at, each in enumerate(names) if each == name])
        for name in ("train", "valid", "test")
    }


Record = Mapping[str, Any]

"""Which labelled sequences are learnt from, which choose, and which are left for the test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from longshort.contracts import Params
from longshort.data.corpus import Corpus
from longshort.data.steps import Ints
from longshort.errors import ArgumentError, DataError, suggest

By = Literal["auto", "stratified", "group", "time", "given"]

# divisions of the groups that are drawn; the one nearest to the shares is taken
_DRAWS = 200


@dataclass(frozen=True)
class Partition(Params):
    """How labelled sequences are parted into training, validation and test part.

    Args:
        by: "stratified", every label in the same proportion in each part; "group", no group on two
            sides; "time", the test part last and the validation part before it; "given", as the
            data say. "auto" takes what the data say, else groups if they have any, else stratified.
        valid: the validation part's share of all items, 0 to 1 (1 excluded); 0 for none.
        test: the share that is left for ``evaluate``; None for none.
        seed: of what is drawn.

    Where only a part of the split is given, the validation part is cut from the training part.

    Raises:
        ArgumentError: an unknown way, or shares that leave nothing to learn from.
    """

    by: By = "auto"
    valid: float = 0.1
    test: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.by not in get_args(By):
            raise ArgumentError(f"Partition(by={self.by!r}): {suggest(self.by, get_args(By))}")
        for name in ("valid", "test"):
            value = getattr(self, name)
            if value is None and name == "test":
                continue
            if not (isinstance(value, int | float) and 0 <= value < 1):
                raise ArgumentError(f"Partition({name}={value!r}): a share from 0, below 1")
            object.__setattr__(self, name, float(value))
        if self.test == 0:
            object.__setattr__(self, "test", None)
        if self.valid + (self.test or 0) >= 1:
            raise ArgumentError(
                f"Partition(valid={self.valid}, test={self.test}): nothing is left to learn from"
            )
        self._whole(0, "seed")


class Parted(NamedTuple):
    """Numbers of the items of each part, rising, and what a reader should know of the split."""

    train: Ints
    valid: Ints
    test: Ints
    notes: tuple[str, ...] = ()


def partition(corpus: Corpus, settings: Partition) -> Parted:
    """Part a corpus; the same corpus and settings give the same parts.

    Raises:
        ArgumentError: the corpus does not have what the split is made by.
        DataError: a part would be empty, or a given split has a group on two sides.
    """
    by = settings.by
    if by == "auto":
        by = "given" if corpus.parts is not None else "stratified"
        by = "group" if by == "stratified" and corpus.groups is not None else by
    needed = {"given": corpus.parts, "group": corpus.groups, "time": corpus.moments}
    if by in needed and needed[by] is None:
        what = {"given": "parts", "group": "groups", "time": "times of items"}[by]
        raise ArgumentError(
            f"Partition(by={by!r}): {corpus.source} tells no {what}; name their column, or part "
            "the items another way"
        )
    sizes = [0, 0, 0] if by == "given" else _sizes(len(corpus), settings)
    everything = np.arange(len(corpus))
    if by == "given":
        found = _given(corpus, settings)
    elif by == "group":
        found = _by_group(corpus, everything, sizes, settings.seed)
    elif by == "time":
        found = _by_time(corpus, sizes)
    else:
        found = _stratified(corpus, everything, sizes, settings.seed)
    train, valid, test = (np.sort(part).astype(np.int64) for part in found)
    if not len(train):
        raise DataError(f"{corpus.source}: no item is left to learn from; give more items")
    return Parted(train, valid, test, tuple(_shared(corpus, train, valid, test)))


def _sizes(items: int, settings: Partition) -> list[int]:
    """Items of the training, validation and test part."""
    valid, test = round(items * settings.valid), round(items * (settings.test or 0))
    if settings.test and not test:
        raise DataError(
            f"{items} item{'s' * (items > 1)} and test={settings.test}: the test part would be "
            "empty; give more items, or a larger share"
        )
    return [items - valid - test, valid, test]


def _given(corpus: Corpus, settings: Partition) -> list[Ints]:
    """What the data say; the validation part from the training part where there is none."""
    parts = np.array(corpus.parts)
    train, valid, test = (np.flatnonzero(parts == name) for name in ("train", "valid", "test"))
    if not len(train):
        raise DataError(f"{corpus.source}: no item is of the training part; name one 'train'")
    if corpus.groups is not None:
        _refuse_shared_groups(corpus, (train, valid, test))
    if not len(valid) and settings.valid:
        share = settings.valid * (len(train) + len(test)) / len(train)
        count = round(len(train) * min(share, 0.5))
        sizes = [len(train) - count, count, 0]
        cut = _stratified if corpus.groups is None else _by_group
        train, valid, _ = cut(corpus, train, sizes, settings.seed)
    return [train, valid, test]


def _refuse_shared_groups(corpus: Corpus, parts: tuple[Ints, ...]) -> None:
    assert corpus.groups is not None
    groups = np.array(corpus.groups)
    seen: dict[str, str] = {}
    for name, part in zip(("training", "validation", "test"), parts, strict=True):
        for group in np.unique(groups[part]).tolist():
            if group in seen:
                raise DataError(
                    f"{corpus.source}: group {group!r} is in the {seen[group]} part and in the "
                    f"{name} part of the split that was given; keep it on one side, or leave the "
                    "column of groups out"
                )
            seen[group] = name


def _labels(corpus: Corpus, items: Ints) -> Ints:
    """A number for each distinct tuple of labels."""
    if corpus.labels is None:
        return np.zeros(len(items), np.int64)
    told = ["\0".join(corpus.labels[item]) for item in items.tolist()]
    return np.unique(told, return_inverse=True)[1].astype(np.int64)


def _stratified(corpus: Corpus, items: Ints, sizes: list[int], seed: int) -> list[Ints]:
    """Each label in the parts' proportions; what does not divide goes where most is missing.

    Items in an order of label, drawn at random within each, are dealt to the parts like cards: the
    n-th item goes to the part that is furthest behind its share of n.
    """
    random = np.random.default_rng(seed)
    drawn = random.permutation(len(items))
    labels = _labels(corpus, items)[drawn]
    order = drawn[np.argsort(labels, kind="stable")]
    _, counts = np.unique(labels, return_counts=True)
    # a label of one item is learnt from
    lonely = np.repeat(counts == 1, counts)
    share = np.array(sizes) / len(items)
    dealt = np.zeros(len(items), np.int64)
    given = np.zeros(3)
    most = np.array(sizes)
    for place in range(len(items)):
        behind = (place + 1) * share - given
        behind[given >= most] = -np.inf
        to = 0 if lonely[place] and given[0] < most[0] else int(behind.argmax())
        dealt[order[place]] = to
        given[to] += 1
    return [items[dealt == part] for part in range(3)]


def _by_group(corpus: Corpus, items: Ints, sizes: list[int], seed: int) -> list[Ints]:
    """Whole groups to each part: of many divisions the one nearest to the shares, of labels too."""
    assert corpus.groups is not None
    names, groups = np.unique(np.array(corpus.groups)[items], return_inverse=True)
    wanted = np.array(sizes)
    if len(names) < np.count_nonzero(wanted):
        raise DataError(
            f"{corpus.source}: {len(names)} group{'' if len(names) == 1 else 's'} cannot be parted "
            f"into {np.count_nonzero(wanted)} parts; give more groups, or leave a part out"
        )
    labels = _labels(corpus, items)
    # (groups, labels): how many items
    table = np.zeros((len(names), labels.max() + 1))
    np.add.at(table, (groups, labels), 1)
    ideal = wanted[:, None] * table.sum(0) / len(items)
    random = np.random.default_rng(seed)
    best, least = np.zeros(len(names), np.int64), np.inf
    for _ in range(_DRAWS):
        dealt = _deal(table.sum(1), wanted, random.permutation(len(names)))
        have = np.stack([table[dealt == part].sum(0) for part in range(3)])
        off = float(np.abs(have - ideal).sum()) + float(np.abs(have.sum(1) - wanted).sum())
        # a part without an item is no part
        off += float(np.inf) if ((have.sum(1) == 0) & (wanted > 0)).any() else 0.0
        if off < least:
            best, least = dealt, off
    if not np.isfinite(least):
        raise DataError(
            f"{corpus.source}: {len(names)} groups of very different sizes leave a part empty; "
            "give more groups, or another share"
        )
    return [items[best[groups] == part] for part in range(3)]


def _deal(counts: NDArray[np.float64], wanted: Ints, order: Ints) -> Ints:
    """Groups in an order to test, validation and training part, each until it is full."""
    dealt, have = np.zeros(len(counts), np.int64), np.zeros(3)
    for group in order.tolist():
        for part in (2, 1):
            room = wanted[part] - have[part]
            # at least half of it fits, or nothing is there yet
            if wanted[part] and (room >= counts[group] / 2 and room > 0):
                dealt[group] = part
                have[part] += counts[group]
                break
    return dealt


def _by_time(corpus: Corpus, sizes: list[int]) -> list[Ints]:
    """The last items to the test part; items of one moment stay together."""
    assert corpus.moments is not None
    moments = np.asarray(corpus.moments)
    order = np.argsort(moments, kind="stable")
    cuts = [sizes[0], sizes[0] + sizes[1]]
    for at, cut in enumerate(cuts):
        while 0 < cut < len(order) and moments[order[cut]] == moments[order[cut - 1]]:
            cut += 1
        cuts[at] = cut
    parts = np.split(order, [cuts[0], max(cuts)])
    if corpus.groups is not None:
        found = tuple(np.sort(part) for part in parts)
        _refuse_shared_groups(corpus, found)
    for part, size in zip(parts, sizes, strict=True):
        if size and not len(part):
            raise DataError(
                f"{corpus.source}: too many items lie at one time to part them by time; part them "
                "another way"
            )
    return parts


def _shared(corpus: Corpus, train: Ints, valid: Ints, test: Ints) -> list[str]:
    """Items of other parts that are also learnt from, in words."""
    prints = corpus.prints()
    notes = []
    for name, part in (("validation", valid), ("test", test)):
        same = int(np.isin(prints[part], prints[train]).sum())
        if same:
            notes.append(
                f"{same} of {len(part)} items of the {name} part have the same content as one of "
                "the training part."
            )
    return notes

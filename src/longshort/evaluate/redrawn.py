"""Scores of anomalies over series, or blocks of rows, that are drawn again and again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from longshort.data.sequences import Floats
from longshort.data.steps import Ints
from longshort.evaluate.alarms import COUNTED, MEANS, Judged, Tally, Test
from longshort.metrics.anomalies import PROFILES, auc_pr, auc_roc, runs, vus
from longshort.metrics.anomalies.runs import Bools
from longshort.metrics.bootstrap import drawn_weights

# labelled series from which on whole series are drawn; blocks and events of fewer that are needed
_SERIES, _BLOCKS, _EVENTS = 8, 8, 4
# times that blocks are drawn, and buffers of VUS that are looked at then
_DRAWS, _BUFFERS = 200, 5

Drawn = dict[str, Floats]


class Redrawn(NamedTuple):
    """Resampled scores (R,) of each method by measure, and what was drawn, in words."""

    scores: list[Drawn]
    told: str


def redrawn(methods: Sequence[Judged], tallies: Sequence[Tally], test: Test, seed: int) -> Redrawn:
    """The same draws for every method; nothing where there is too little to draw from."""
    nothing = Redrawn([{} for _ in methods], "")
    labels = test.labels
    if labels is None:
        return nothing
    labelled = [at for at, own in enumerate(labels) if own.any() and not own.all()]
    if len(labelled) >= _SERIES:
        parts = drawn_weights(len(labels), seed=seed)
        weights = np.concatenate(list(parts or ()))
        # a draw without any labelled series has no score
        weights = weights[weights[:, labelled].sum(1) > 0]
        names = [*MEANS, *COUNTED, *(f"nab_{name}" for name in PROFILES)]
        found = [{name: tally.value(name, weights) for name in names} for tally in tallies]
        return Redrawn(found, f"{len(labels)} series")
    blocks = [_blocks(own) for own in (labels[at] for at in labelled)]
    amount, marked = sum(map(len, blocks)), sum(len(runs(labels[at])) for at in labelled)
    if amount < _BLOCKS or marked < _EVENTS:
        return nothing
    random = np.random.Generator(np.random.Philox(seed))
    draws = _draws(random, [labels[at] for at in labelled], blocks)
    found = [
        _over_blocks([method.scores[at] for at in labelled], [labels[at] for at in labelled], draws,
                     test.buffer)
        for method in methods
    ]  # fmt: skip
    return Redrawn(found, f"{amount} blocks of rows")


def _blocks(labels: Bools) -> Ints:
    """(B, 2) about T^(1/3) blocks, at least eight, each end moved behind the event it would cut."""
    rows = len(labels)
    edges = np.linspace(0, rows, max(_BLOCKS, round(rows ** (1 / 3))) + 1).round().astype(np.int64)
    for start, end in runs(labels).tolist():
        edges[(edges > start) & (edges < end)] = end
    edges = np.unique(edges)
    return np.stack([edges[:-1], edges[1:]], 1)


def _draws(
    random: np.random.Generator, labels: Sequence[Bools], blocks: Sequence[Ints]
) -> list[list[Ints]]:
    """Of each draw the rows of every series; draws in which one has no event are left out."""
    found = []
    for _ in range(_DRAWS):
        rows = []
        for own, truth in zip(blocks, labels, strict=True):
            chosen = own[random.integers(len(own), size=len(own))]
            rows.append(np.concatenate([np.arange(a, b) for a, b in chosen.tolist()]))
            if not 0 < truth[rows[-1]].sum() < len(rows[-1]):
                break
        else:
            found.append(rows)
    return found


def _over_blocks(
    scores: Sequence[Floats], labels: Sequence[Bools], draws: Sequence[Sequence[Ints]], buffer: int
) -> Drawn:
    """Scores of rows alone: means over the series of each draw."""
    every = [
        np.mean([_areas(scores[at][rows], labels[at][rows], buffer)
                 for at, rows in enumerate(draw)], axis=0)
        for draw in draws
    ]  # fmt: skip
    names = ("vus_pr", "vus_roc", "auc_pr", "auc_roc")
    return dict(zip(names, np.array(every).reshape(-1, 4).T, strict=True))


def _areas(scores: Floats, labels: Bools, buffer: int) -> tuple[float, float, float, float]:
    """VUS by a few buffers of them all."""
    area = vus(scores, labels, buffer, most=_BUFFERS)
    return area.pr, area.roc, auc_pr(scores, labels), auc_roc(scores, labels)

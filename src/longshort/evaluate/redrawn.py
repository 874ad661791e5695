"""Scores of anomalies over series, or blocks of rows, that are drawn again and again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from longshort.data.sequences import Floats
from longshort.data.steps import Ints
from longshort.evaluate.alarms import COUNTED, MEANS, Judged, Tally, Test, counted
from longshort.metrics.anomalies import (
    PROFILES,
    areas_drawn,
    mask,
    overlapped,
    runs,
)
from longshort.metrics.anomalies.runs import Bools
from longshort.metrics.bootstrap import drawn_weights

# labelled series from which on whole series are drawn; blocks and events of fewer that are needed
_SERIES, _BLOCKS, _EVENTS = 8, 8, 4
# times that blocks are drawn, and buffers of VUS that are looked at then
_DRAWS, _BUFFERS = 500, 5

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
    blocks = [_blocks(own) for own in labels]
    marked = sum(len(runs(own)) for own in labels)
    amount = sum(map(len, blocks))
    if amount < _BLOCKS or marked < _EVENTS:
        return nothing
    random = np.random.Generator(np.random.Philox(seed))
    drawn = [_draws(random, len(own)) for own in blocks]
    # what one draw of a series without labelled rows would say nothing of
    kept = np.all([_labelled(labels[at], blocks[at], drawn[at]) for at in labelled], axis=0)
    drawn = [counts[kept] for counts in drawn]
    if not kept.any():
        return nothing
    found = [_over_blocks(method, test, labelled, blocks, drawn) for method in methods]
    return Redrawn(found, f"{amount} blocks of rows")


def _blocks(labels: Bools) -> Ints:
    """(B, 2) about T^(1/3) blocks, at least eight, each end moved behind the event it would cut."""
    rows = len(labels)
    edges = np.linspace(0, rows, max(_BLOCKS, round(rows ** (1 / 3))) + 1).round().astype(np.int64)
    for start, end in runs(labels).tolist():
        edges[(edges > start) & (edges < end)] = end
    edges = np.unique(edges)
    return np.stack([edges[:-1], edges[1:]], 1)


def _draws(random: np.random.Generator, blocks: int) -> Floats:
    """(R, B) how often each block is drawn."""
    return random.multinomial(blocks, np.full(blocks, 1 / blocks), _DRAWS).astype(np.float64)


def _labelled(labels: Bools, blocks: Ints, counts: Floats) -> Bools:
    """(R,) whether a draw holds labelled rows and others."""
    inside = np.array([[labels[a:b].sum(), (~labels[a:b]).sum()] for a, b in blocks.tolist()])
    return np.asarray((counts @ inside > 0).all(1))


def _over_blocks(
    method: Judged,
    test: Test,
    labelled: Sequence[int],
    blocks: Sequence[Ints],
    drawn: Sequence[Floats],
) -> Drawn:
    """Scores of rows as means over labelled series, and counts over all series, of each draw."""
    assert test.labels is not None
    areas = [
        areas_drawn(
            method.scores[at],
            test.labels[at],
            test.buffer,
            np.repeat(np.arange(len(blocks[at])), blocks[at][:, 1] - blocks[at][:, 0]),
            drawn[at],
            most=_BUFFERS,
        )
        for at in labelled
    ]
    names = ("vus_pr", "vus_roc", "auc_pr", "auc_roc")
    found = dict(zip(names, np.mean(areas, axis=0).T, strict=True))
    counts = sum(
        counts @ _counts(method.alarms[at], test.labels[at], blocks[at])
        for at, counts in enumerate(drawn)
    )
    return found | {name: counted(name, np.asarray(counts), test.unit) for name in COUNTED}


def _counts(alarms: Ints, labels: Bools, blocks: Ints) -> Floats:
    """(B, 6) of each block, as in a tally: events and alarms count where they begin."""
    true = runs(labels)
    met, told = overlapped(true, alarms), overlapped(alarms, true)
    begun = [true[met, 0], true[~met, 0], alarms[~told, 0], alarms[:, 0]]
    edges = [*blocks[:, 0], blocks[-1, 1]]
    counts = [np.histogram(rows, edges)[0] for rows in begun]
    counts.append(np.histogram(np.flatnonzero(mask(alarms, len(labels))), edges)[0])
    return np.stack([*counts, blocks[:, 1] - blocks[:, 0]], 1).astype(np.float64)

"""Every row that is measured, and the goals: how many times as fast as torch.nn ours is to be."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from recurrence import options
from recurrence.peers import INFERENCE, TRAINING, TRAINING_DX, Case, Shape, entrants, streaming
from recurrence.timing import Entrant

STEPS = (Shape(1, 1, 8, 64), Shape(1, 1, 64, 256))
SINGLE = Shape(1, 100, 8, 64)
SMALL, MIDDLE, LARGE = Shape(32, 48, 8, 64), Shape(64, 100, 64, 128), Shape(32, 100, 256, 256)
H512, H200, H650 = Shape(32, 100, 512, 512), Shape(128, 35, 200, 200), Shape(20, 35, 650, 650)
BATCHES = (SMALL, MIDDLE, LARGE, H512, H200, H650)
SHAPES = (*STEPS, SINGLE, *BATCHES)


class Goal(NamedTuple):
    """Of a ratio: what it must be and what it should be."""

    must: float | None = None
    aim: float | None = None


STREAM = {STEPS[0]: Goal(20, 30), STEPS[1]: Goal(12, 16)}
STEP = {STEPS[0]: Goal(6, 8), STEPS[1]: Goal(8)}
INFER = {
    SINGLE: Goal(3, 5),
    SMALL: Goal(1.4, 1.65),
    MIDDLE: Goal(1.2, 1.4),
    LARGE: Goal(1.08, 1.2),
    H200: Goal(1.1, 1.25),
    H512: Goal(1.0, 1.1),
    H650: Goal(1.0, 1.1),
}
TRAIN = {
    SINGLE: Goal(3, 5),
    SMALL: Goal(1.6, 2.2),
    MIDDLE: Goal(1.7, 2.5),
    LARGE: Goal(1.25, 1.6),
    H200: Goal(1.35, 1.7),
    H512: Goal(1.05, 1.2),
    H650: Goal(0.9, 1.05),
}
RAGGED = {shape: Goal(3.5 if shape.h <= 128 else 2.5) for shape in BATCHES}
RAGGED_TRAIN = {shape: Goal(5.0 if shape.h <= 128 else 3.0) for shape in BATCHES}
# "2.5 to 30": what torch does not fuse gains most where a step is small
LOOPS = {shape: Goal(2.1, 2.5) for shape in SHAPES} | {SINGLE: Goal(2.1, 30), SMALL: Goal(2.1, 4)}
OPTION = Goal(1.25, 1.1)


class Row(NamedTuple):
    """One line of a table: who runs there, the goal, and where else than on one thread it is run.

    The ratio is torch.nn's time by ours; of an option, our time by that of our plain LSTM.
    """

    table: str
    label: str
    shape: Shape
    build: Callable[[int], dict[str, Entrant]]
    goal: Goal = Goal()
    # of the matrix products, where they are known
    flops: float = 0.0
    training: bool = False
    two: bool = False
    tuned: bool = False

    @property
    def name(self) -> str:
        """What ``--only`` searches."""
        return " ".join(filter(None, (self.table, self.label, str(self.shape))))

    @property
    def keras(self) -> bool:
        """Whether Keras runs it too."""
        known = (f"LSTM, {INFERENCE}", f"LSTM, {TRAINING_DX}")
        return self.table in known and self.shape in (SMALL, MIDDLE, LARGE)

    @property
    def of_options(self) -> bool:
        """Whether less is better."""
        return self.table.startswith("option")

    def ratio(self, times: dict[str, float]) -> float:
        """Of the first two entrants, to the two digits that are shown."""
        ours, other = list(times.values())[:2]
        return round(ours / other if self.of_options else other / ours, 2)

    def holds(self, ratio: float, bound: float | None) -> bool:
        """Whether a ratio is as good as a bound."""
        return bound is not None and (ratio <= bound if self.of_options else ratio >= bound)


def rows() -> list[Row]:
    """All of them, in the order of the page."""
    found = []
    for way, goals in (("stream", STREAM), ("step", STEP)):
        for shape in STEPS:
            build = partial(streaming, shape, way)
            found.append(Row("one step,", way, shape, build, goals[shape]))
    for mode, goals in ((INFERENCE, INFER), (TRAINING, {}), (TRAINING_DX, TRAIN)):
        found += [_row(Case(shape, mode), goals, two=True) for shape in SHAPES]
    for mode, goals in ((INFERENCE, RAGGED), (TRAINING_DX, RAGGED_TRAIN)):
        found += [_row(Case(shape, mode, ragged=True), goals, two=True) for shape in BATCHES]
    for mode in (INFERENCE, TRAINING_DX):
        both = [Case(shape, mode, bidirectional=True) for shape in (SMALL, LARGE)]
        found += [_row(case, {}, two=True) for case in both]
    for cell in ("GRU", "RNN"):
        for mode in (INFERENCE, TRAINING_DX):
            found += [_row(Case(shape, mode, cell), LOOPS, two=False) for shape in SHAPES]
    for mode in (INFERENCE, TRAINING_DX):
        for name in options.NAMES:
            if mode != INFERENCE or name not in options.ONLY_TRAINING:
                found += [_option(name, shape, mode) for shape in (SMALL, MIDDLE, LARGE)]
            if name in options.RANDOM:
                found += [
                    _option(name, shape, mode, alone=True) for shape in (SMALL, MIDDLE, LARGE)
                ]
    return found


def _row(case: Case, goals: dict[Shape, Goal], *, two: bool) -> Row:
    kind = "ragged " if case.ragged else "bidirectional " if case.bidirectional else ""
    goal, build = goals.get(case.shape, Goal()), partial(entrants, case)
    table, training = f"{kind}{case.cell}, {case.mode}", case.mode != INFERENCE
    return Row(table, "", case.shape, build, goal, case.flops, training, two, True)


def _option(name: str, shape: Shape, mode: str, *, alone: bool = False) -> Row:
    def build(threads: int) -> dict[str, Entrant]:
        make = options.recurrence_alone if alone else options.whole_layer
        return make(name, shape, mode)

    label = f"{name}, masks given" if alone else name
    training = mode != INFERENCE
    return Row(f"options, {mode},", label, shape, build, OPTION, training=training)

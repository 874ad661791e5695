"""Pen strokes as a network reads them: points at equal arc length, or Bezier curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Self, get_args
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray

from longshort.contracts import Params
from longshort.data.augment import Augment
from longshort.data.codecs.ink import (
    CURVE,
    PIECES,
    POINT,
    Points,
    Size,
    Strokes,
    bent,
    curves,
    drawn,
    levelled,
    points,
    split,
)
from longshort.data.corpus import Corpus
from longshort.data.items import Inputs, Widths
from longshort.data.sequences import Field, Sequences
from longshort.data.steps import Ints
from longshort.errors import ArgumentError, DataError, ModelFileError, suggest

Form = Literal["points", "curves"]

# points of a drawing from which the points that a series has are picked
_DENSE = 400


@dataclass(frozen=True)
class Ink(Params):
    """How pen strokes are read.

    Args:
        form: "points" at equal arc length; "curves", cubic Bezier segments, which are fewer.
        size: what is 2 units long: "box", the longer side of a drawing's box, for characters and
            sketches; "height", for lines of text; "none" leaves drawings in their own units.
        upright: take the slant out of handwriting.
        spacing: units from one point to the next.
        error: units that a point may lie off its curve.
        position: tell where each step is, beside where it came from.
        longest: steps of the longest drawing; longer ones are refused by name.

    Raises:
        ArgumentError: a value that is not possible.
    """

    form: Form = "points"
    size: Size = "box"
    upright: bool = False
    spacing: float = 0.1
    error: float = 0.03
    position: bool = True
    longest: int = 5000

    def __post_init__(self) -> None:
        for name, known in (("form", get_args(Form)), ("size", get_args(Size))):
            value = getattr(self, name)
            if value not in known:
                raise ArgumentError(f"Ink({name}={value!r}): {suggest(str(value), known)}")
        for name in ("spacing", "error"):
            value = getattr(self, name)
            if not (isinstance(value, int | float) and 0 < value < float("inf")):
                raise ArgumentError(f"Ink({name}={value!r}): must be a number above 0")
        self._whole(1, "longest")


@dataclass(frozen=True, eq=False)
class InkReading:
    """Ink as a network reads it, ``pen`` (B, T, F); see ``data.codecs.ink`` for its numbers.

    Args:
        ink: the settings.
    """

    name: ClassVar[str] = "ink"

    ink: Ink
    _kept: WeakKeyDictionary[Corpus, dict[int, NDArray[np.float32]]] = field(
        default_factory=WeakKeyDictionary, repr=False
    )

    @classmethod
    def fit(cls, corpus: Corpus, ink: Ink | None = None) -> Self:
        """Nothing is learnt; the settings are enough.

        Raises:
            DataError: there is no ink, or a drawing is too long.
        """
        made = cls(ink or Ink())
        made.lengths(corpus)
        return made

    @property
    def widths(self) -> Widths:
        """One group of numbers, ``pen``."""
        width = (POINT if self.ink.form == "points" else CURVE) + 2 * self.ink.position
        return Widths(numbers={"pen": width})

    def lengths(self, corpus: Corpus) -> Ints:
        """(N,) steps of each drawing.

        Raises:
            DataError: one has more than the settings allow.
        """
        found = np.array([len(self._steps(corpus, item)) for item in range(len(corpus))], np.int64)
        for item in np.flatnonzero(found > self.ink.longest)[:1].tolist():
            raise DataError(
                f"{corpus.where(item)}: a drawing of {found[item]:,} steps, and at most "
                f"{self.ink.longest:,} are read; cut it into pieces, leave it out, or allow more "
                "with Ink(longest=), or fewer steps with Ink(spacing=) or Ink(form='curves')"
            )
        return found

    def read(self, corpus: Corpus, items: Sequence[int]) -> Inputs:
        """What a network reads of these drawings, padded with zeros."""
        return self._inputs([self._steps(corpus, item) for item in items])

    def each(self, corpus: Corpus) -> list[NDArray[np.float32]]:
        """The steps (T, F) of every drawing, for methods that read them one by one."""
        return [self._cut(self._steps(corpus, item)) for item in range(len(corpus))]

    def changes(self, augment: Augment) -> bool:
        """Whether such settings change ink."""
        return any((augment.rotate, augment.shear, augment.stretch, augment.jitter,
                    augment.reorder, augment.reverse))  # fmt: skip

    def changed(
        self,
        corpus: Corpus,
        items: Sequence[int],
        augment: Augment,
        draws: Sequence[np.random.Generator],
    ) -> Inputs:
        """What a network reads of these drawings, each changed by what its generator draws."""
        found = []
        for item, draw in zip(items, draws, strict=True):
            level = levelled(split(_ink(corpus)[item]))
            # drawings that are read in their own units go back to them
            unit = level.unit if self.ink.size == "none" else 1.0
            strokes = [unit * own for own in varied(level.strokes, augment, draw)]
            found.append(self._told(strokes))
        return self._inputs(found)

    def spans(self, corpus: Corpus, item: int) -> list[Points]:
        """What each step of a drawing stands for, as a line (n, 2) in the drawing's own units.

        A step through the air stands for the point that it comes to.
        """
        level = levelled(split(_ink(corpus)[item]), self.ink.size, self.ink.upright)
        lines = split(self.strokes(self._steps(corpus, item)))
        told = _around if self.ink.form == "points" else _pieces
        return [level.back(piece) for own in lines for piece in told(own)]

    def strokes(self, steps: NDArray[np.float32]) -> Strokes:
        """A drawing (P, 4) in the network's units from steps (T, F), by their moves."""
        return drawn(steps) if self.ink.form == "points" else bent(steps)

    def _steps(self, corpus: Corpus, item: int) -> NDArray[np.float32]:
        """(T, F + 2) of one drawing, with its places."""
        kept = self._kept.setdefault(corpus, {})
        if item not in kept:
            kept[item] = self._told(split(_ink(corpus)[item]))
        return kept[item]

    def _told(self, strokes: Sequence[Points]) -> NDArray[np.float32]:
        ink = self.ink
        level = levelled(strokes, ink.size, ink.upright).strokes
        return points(level, ink.spacing) if ink.form == "points" else curves(level, ink.error)

    def _cut(self, steps: NDArray[np.float32]) -> NDArray[np.float32]:
        return steps if self.ink.position else steps[:, :-2]

    def _inputs(self, found: Sequence[NDArray[np.float32]]) -> Inputs:
        lengths = [len(steps) for steps in found]
        width = self.widths.numbers["pen"]
        pen = np.zeros((len(found), max(1, *lengths) if lengths else 1, width), np.float32)
        for row, steps in enumerate(found):
            pen[row, : len(steps)] = self._cut(steps)
        return Inputs({"pen": torch.from_numpy(pen)}, torch.tensor(lengths, dtype=torch.int64))

    # the model file

    def put_down(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """What the model file keeps; ``take_up`` goes back."""
        return {"ink": self.ink.get_params()}, {}

    @classmethod
    def take_up(cls, settings: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The reading whose ``put_down()`` these are.

        Raises:
            ModelFileError: a part is missing or does not fit the others.
        """
        try:
            return cls(Ink(**settings["ink"]))
        except (KeyError, TypeError, ValueError) as error:
            raise ModelFileError(f"how ink is read cannot be told: {error!r}") from None


def varied(
    strokes: Sequence[Points], augment: Augment, random: np.random.Generator
) -> list[Points]:
    """Strokes around (0, 0), in a box 2 wide or high, as another hand may have drawn them."""
    turn = np.deg2rad(random.uniform(-augment.rotate, augment.rotate))
    lean = random.uniform(-augment.shear, augment.shear)
    wide, high = np.exp(random.uniform(-1, 1, 2) * np.log1p(augment.stretch))
    whole = _turn(turn) @ np.array([[wide, lean * high], [0.0, high]])
    found = []
    for own in strokes:
        back, own = random.uniform() < augment.reverse, own @ whole.T
        found.append(_wavered(own[::-1] if back else own, augment.jitter, random))
    if random.uniform() < augment.reorder:
        found = [found[at] for at in random.permutation(len(found))]
    return found


def _wavered(stroke: Points, by: float, random: np.random.Generator) -> Points:
    """A stroke that is moved, bent, turned and stretched by itself; draws the same for any."""
    drawn_ = random.standard_normal(7) * by
    if not by:
        return stroke
    moved, bow, turn, stretch = drawn_[:2], drawn_[2:4], drawn_[4], drawn_[5:]
    middle = stroke.mean(0)
    along = np.sin(np.pi * np.linspace(0, 1, len(stroke)))[:, None]
    own = (stroke - middle) * np.exp(stretch) @ _turn(turn).T
    return np.asarray(own + middle + moved + along * bow)


def _turn(angle: float) -> Points:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s], [s, c]])


def _around(line: Points) -> list[Points]:
    """For each point of a line, the line from half the way before it to half the way after it."""
    middles = (line[1:] + line[:-1]) / 2
    before, after = np.concatenate([line[:1], middles]), np.concatenate([middles, line[-1:]])
    return [np.stack(three) for three in zip(before, line, after, strict=True)]


def _pieces(line: Points) -> list[Points]:
    """Where a stroke begins, and then its curves, of as many straight lines as ``bent`` draws."""
    return [line[:1], *(line[at : at + PIECES + 1] for at in range(0, len(line) - 1, PIECES))]


def as_series(corpus: Corpus, count: int = 40) -> Corpus:
    """Drawings as series of so many points at equal arc length, for methods that read series.

    The channels are x and y, and the cosine and sine of the direction, each drawing in a box 2 wide
    or high; the way of the pen through the air is left out.
    """
    rows = []
    for drawing in _ink(corpus):
        strokes = levelled(split(drawing)).strokes
        whole = sum(float(np.hypot(*np.diff(own, axis=0).T).sum()) for own in strokes)
        steps = points(strokes, max(whole / _DENSE, 1e-9))
        at = np.linspace(0, max(len(steps) - 1, 0), count).round().astype(int)
        rows.append(steps[at][:, [5, 6, 2, 3]] if len(steps) else np.zeros((count, 4)))
    series = Sequences(
        tuple(Field(name, "past") for name in ("x", "y", "cos", "sin")),
        tuple(map(str, range(len(rows)))),
        count * np.arange(len(rows) + 1),
        None,
        None,
        np.concatenate([np.zeros((0, 4)), *rows]).astype(np.float64),
        corpus.source,
    )
    known = {
        name: getattr(corpus, name)
        for name in ("labels", "transcripts", "groups", "parts", "moments", "lines", "names")
    }
    return Corpus(corpus.source, series=series, **known)


def _ink(corpus: Corpus) -> tuple[Strokes, ...]:
    if corpus.ink is None:
        raise DataError(f"{corpus.source}: there are {corpus.content}, and no ink, to read")
    return corpus.ink

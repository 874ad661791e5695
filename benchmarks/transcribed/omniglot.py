"""Characters drawn with a pen (Omniglot): writers whose hand was never seen."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort import Classifier, Partition, Recurrent, Roles, Training
from longshort.data.augment import Augment
from longshort.data.corpus import Corpus
from longshort.data.readings.ink import Ink, as_series
from longshort.data.sources.ink import read_ink
from longshort.heads.category import Category
from longshort.metrics.bootstrap import interval
from longshort.yardsticks.labels.neighbours import Nearest
from transcribed.base import Goal, Record, Set, data, percent, table

LSTM, DTW = "LSTM", "1-NN DTW"
# writers who are learnt from, who choose, and who are left for the test
TRAIN, VALID, TEST = range(1, 14), range(14, 16), range(16, 21)
SOME = Augment(rotate=15, shear=0.2, stretch=0.2, jitter=0.05)
MORE = Augment(rotate=20, shear=0.3, stretch=0.3, jitter=0.1, reorder=0.15, reverse=0.1)
NARROW = Recurrent(64, 2, bidirectional=True, dropout=0.3, input_dropout=0.0, stem=5, stride=2,
                   convolutions=2)  # fmt: skip
RECIPES: dict[str, dict[str, dict[str, Any]]] = {
    LSTM: {
        "points": {"ink": Ink(), "augment": Augment(), "recurrent": NARROW},
        "points, changed": {"ink": Ink(), "augment": SOME, "recurrent": NARROW},
        "points, changed more": {"ink": Ink(), "augment": MORE, "recurrent": NARROW},
        "without places, changed": {
            "ink": Ink(position=False), "augment": SOME, "recurrent": NARROW,
        },
        "curves, changed": {
            "ink": Ink(form="curves"), "augment": SOME,
            "recurrent": NARROW.set_params(stride=1, stem=3),
        },
    },
    # how far forty points may be warped, as a share
    DTW: {f"window {share:g}": {"window": share} for share in (0.1, 0.15)},
}  # fmt: skip
# passes over the training part, to choose by and in the end, and networks averaged in the end
EPOCHS, LAST, MEMBERS = 24, 40, 3


@cache
def characters() -> Corpus:
    """The 2,720 drawings, with their writers as groups."""
    return read_ink(data("ink", "omniglot_strokes_small1.zip"), Roles())


def by(writers: Sequence[int]) -> Corpus:
    """The drawings of some writers."""
    own = np.array([int(group) for group in characters().groups or ()])
    return characters().select(np.flatnonzero(np.isin(own, list(writers))))


def make(recipe: str, epochs: int, members: int) -> Classifier:
    """An unfitted network of a recipe."""
    return Classifier(
        **RECIPES[LSTM][recipe],
        head=Category(dropout=0.3, smoothing=0.1),
        partition=Partition(valid=0.0),
        training=Training(
            epochs=epochs, rate=4e-3, schedule="onecycle", batch=32, patience=None, clip=5.0,
            weight_decay=0.01, members=members,
        ),
    )  # fmt: skip


def fitted(
    row: str, recipe: str, train: Corpus, test: Corpus, epochs: int = EPOCHS, members: int = 1
) -> dict[str, Any]:
    """A method fitted on a part, and which drawings of another it tells right."""
    begun = time.process_time()
    if row == LSTM:
        told = make(recipe, epochs, members).fit(train).predict_proba(test)
    else:
        nearest = Nearest(**RECIPES[DTW][recipe])
        method = nearest.fit(as_series(train), None, characters().classes, 0)
        told = method.probabilities(as_series(test))
    names = np.array(characters().classes)[told.argmax(1)]
    right: NDArray[np.bool_] = names == np.array([own[0] for own in test.labels or ()])
    return {"right": right.tolist(), "seconds": time.process_time() - begun}


def valid(rows: Sequence[str], found: dict[str, Any], keep: Callable[[], None]) -> None:
    """Every recipe on the writers who choose."""
    for row in rows:
        inner = found.setdefault("inner", {}).setdefault(row, {})
        for recipe in RECIPES[row]:
            if recipe in inner:
                continue
            told = fitted(row, recipe, by(TRAIN), by(VALID))
            inner[recipe] = {"accuracy": float(np.mean(told["right"])), "seconds": told["seconds"]}
            print(row, recipe, inner[recipe], flush=True)
            keep()


def choice(row: str, found: Record) -> str:
    """The recipe that was best on the writers who choose."""
    inner = found["inner"][row]
    return max(inner, key=lambda recipe: float(inner[recipe]["accuracy"]))


def frozen(row: str, found: Record) -> Any:
    """The settings of a row."""
    chosen = choice(row, found)
    if row == DTW:
        return {"chosen": chosen, **RECIPES[DTW][chosen]}
    return {"chosen": chosen, "settings": str(make(chosen, LAST, MEMBERS).get_params(deep=False))}


def measure(
    rows: Sequence[str], found: dict[str, Any], opened: dict[str, Any], keep: Callable[[], None]
) -> None:
    """Fitted anew on the writers who were learnt from or chose; the others are the test."""
    for row in rows:
        told = fitted(
            row, choice(row, found), by([*TRAIN, *VALID]), by(TEST), epochs=LAST, members=MEMBERS
        )
        found.setdefault("test", {})[row] = told
        opened[row] = float(np.mean(told["right"]))
        print(row, opened[row], round(told["seconds"]), flush=True)
        keep()


def reached(found: Record) -> Mapping[str, float]:
    """Accuracy on unseen writers."""
    if LSTM not in found.get("test", {}):
        return {}
    return {GOALS[0].what: float(np.mean(found["test"][LSTM]["right"]))}


def section(found: Record) -> list[str]:
    """Tables of what was measured."""
    lines: list[str] = []
    if found.get("test"):
        body = []
        for row, own in found["test"].items():
            right = np.array(own["right"])
            drawn = np.random.default_rng(0).integers(0, len(right), (2000, len(right)))
            low, high = interval(right[drawn].mean(1)) or (float("nan"), float("nan"))
            body.append(
                (row, choice(row, found), percent(right.mean()),
                 f"{100 * low:.1f} to {100 * high:.1f}", f"{own['seconds']:.0f}")
            )  # fmt: skip
        head = ("method", "recipe", "unseen writers", "interval", "seconds")
        lines += [*table(head, body), ""]
    if found.get("inner"):
        lines += [
            f"In the end {MEMBERS} networks of {LAST} passes are averaged. The interval draws "
            "drawings, not writers, of whom there are five. Recipes were chosen on writers 14 and "
            f"15, learning from 1 to 13, with one network of {EPOCHS} passes:",
            "",
            *table(
                ("method", "recipe", "writers 14 and 15", "seconds"),
                [
                    (row, recipe, percent(own["accuracy"]), f"{own['seconds']:.0f}")
                    for row, recipes in found["inner"].items()
                    for recipe, own in recipes.items()
                ],
            ),
        ]
    return lines


GOALS = (Goal("accuracy, unseen writers", 0.82, 0.88),)

SET = Set(
    name="omniglot",
    title="Characters drawn with a pen",
    told=(
        "136 characters of five alphabets, drawn once each by twenty people (Omniglot's small "
        "background set 1, Lake et al. 2015, MIT licence), as the pen moved. Writers 1 to 15 are "
        "learnt from, 16 to 20 are the test: nobody's hand is on both sides. The nearest "
        "neighbour reads forty points of each drawing, their places and directions. The LSTM "
        'reads "points" at equal distances along the strokes, or "curves" fitted to them; '
        '"changed", each drawing is turned, sheared and stretched as a whole and stroke by stroke '
        'each time it is read, and "more", its strokes are also drawn in another order, or '
        "backwards."
    ),
    rows=(LSTM, DTW),
    frozen=frozen,
    valid=valid,
    measure=measure,
    reached=reached,
    section=section,
    goals=GOALS,
    part="writers 16 to 20",
)

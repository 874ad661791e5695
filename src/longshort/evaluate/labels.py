"""From a fitted classifier and its parts to one ``LabelEvaluation``: what it is judged by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from longshort.data.corpus import Corpus
from longshort.records import History, LabelEvaluation, LabelKind, Mark
from longshort.yardsticks.labels.base import LabelMethod

# "all": whatever takes minutes at most; "quick": what takes seconds; "none": our method alone
Choice = Literal["all", "quick", "none"]
# what weighed in each of some items, see ``records.Mark``: places count characters of a text,
# tokens of a sentence or rows of a series
Marks = Callable[[Corpus], Sequence[Sequence[Mark]]]


class LabelParts(NamedTuple):
    """The parts of a split, each with labels; ``valid`` is None where there is none."""

    train: Corpus
    valid: Corpus | None
    test: Corpus


def evaluate_labels(
    lstm: LabelMethod,
    parts: LabelParts,
    classes: Sequence[str],
    *,
    kind: LabelKind = "one",
    metric: str = "macro_f1",
    yardsticks: Choice = "all",
    extra: Sequence[LabelMethod] = (),
    marks: Marks | None = None,
    history: History,
    settings: dict[str, str],
    notes: Sequence[str] = (),
    seed: int = 0,
) -> LabelEvaluation:
    """Fit every yardstick on the training part, and judge all methods on the test part.

    Args:
        lstm: the fitted network as a method.
        parts: what it was fitted and chosen on, and the items to judge by.
        classes: K labels, in the order of the probabilities.
        kind: how labels go together.
        metric: by which yardsticks are chosen and the verdict is spoken, see ``metrics.labels``.
        yardsticks: see ``Choice``.
        extra: further fitted methods to be judged beside them.
        marks: tells what weighed in the mistakes that are shown.
        history, settings, notes: what the record keeps of the fit.
        seed: of the bootstrap and the yardsticks.

    Raises:
        DataError: an item of the test part has no label, or one that is not among the classes.
    """
    raise NotImplementedError

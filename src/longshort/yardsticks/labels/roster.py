"""All yardsticks for labels, and what is left out because it cannot serve or takes too long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

from longshort.data.corpus import Corpus
from longshort.data.readings.ink import as_series
from longshort.errors import ArgumentError, suggest
from longshort.records import Kind
from longshort.yardsticks.labels.base import LabelMethod, LabelYardstick
from longshort.yardsticks.labels.features import Features
from longshort.yardsticks.labels.markov import Markov
from longshort.yardsticks.labels.neighbours import Nearest
from longshort.yardsticks.labels.prior import ClassPrior
from longshort.yardsticks.labels.rocket import Rocket
from longshort.yardsticks.labels.words import Bag

# "all": whatever takes minutes at most; "quick": what takes seconds; "none": our method alone
Choice = Literal["all", "quick", "none"]


@dataclass(frozen=True)
class OfDrawings:
    """A yardstick of series that reads drawings, each as forty points at equal arc length."""

    yardstick: LabelYardstick

    @property
    def name(self) -> str:
        """That of the yardstick."""
        return self.yardstick.name

    @property
    def kind(self) -> Kind:
        """That of the yardstick."""
        return self.yardstick.kind

    def refuses(self, train: Corpus) -> str:
        """What the yardstick says of series."""
        return self.yardstick.refuses(as_series(train))

    def fit(
        self,
        train: Corpus,
        valid: Corpus | None,
        classes: Sequence[str],
        seed: int,
        several: bool = False,
    ) -> LabelMethod:
        """Learn from the series of the training part."""
        own = None if valid is None else as_series(valid)
        found = self.yardstick.fit(as_series(train), own, classes, seed, several)
        return found._replace(probabilities=lambda items: found.probabilities(as_series(items)))


class Roster(NamedTuple):
    """Yardsticks, unfitted, and a sentence for each that is left out."""

    yardsticks: list[LabelYardstick]
    left_out: tuple[str, ...]


def roster(train: Corpus, metric: str, choice: Choice = "all") -> Roster:
    """What serves for these items, choosing its settings by ``metric``.

    Raises:
        ArgumentError: the choice is unknown.
    """
    if choice not in get_args(Choice):
        raise ArgumentError(f"yardsticks={choice!r}: {suggest(choice, get_args(Choice))}")
    if choice == "none":
        return Roster([], ())
    known: list[LabelYardstick] = [ClassPrior()]
    if train.content in ("texts", "tokens"):
        known = [ClassPrior(), Bag("words", metric)]
    if train.content == "series":
        known = [ClassPrior(), Features("logistic regression", metric), Features("ridge", metric)]
    if train.content == "ink":
        known += [OfDrawings(Features("logistic regression", metric))]
        # a fixed window: six of forty points
        known += [OfDrawings(Nearest(0.15)), OfDrawings(Rocket(metric))] if choice == "all" else []
    if choice == "all" and train.content == "series":
        known += [Features("gradient boosting", metric), Nearest(), Markov(metric), Rocket(metric)]
    elif choice == "all" and train.content in ("texts", "tokens"):
        known += [Bag("characters", metric)]
    why = [(each, each.refuses(train)) for each in known]
    return Roster(
        [each for each, reason in why if not reason],
        tuple(f"{each.name} was left out: {reason}." for each, reason in why if reason),
    )

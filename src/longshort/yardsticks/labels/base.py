"""What classifies and what tags, and what a yardstick for labels is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from longshort.data.corpus import Corpus
from longshort.data.sequences import Floats
from longshort.records import Kind


class LabelMethod(NamedTuple):
    """Whatever classifies: a name, what kind it is, and what it makes of items.

    ``probabilities`` gives (N, K) over the classes, in their order; where an item may have several
    labels, each is the probability of that label by itself.
    """

    name: str
    kind: Kind
    probabilities: Callable[[Corpus], Floats]


class TagMethod(NamedTuple):
    """Whatever tags: ``tags`` gives each item a tuple of as many tags as it has steps."""

    name: str
    kind: Kind
    tags: Callable[[Corpus], list[tuple[str, ...]]]


class LabelYardstick(Protocol):
    """A rule or a classical method that learns from labelled items."""

    @property
    def name(self) -> str:
        """How it is called in tables."""
        ...

    @property
    def kind(self) -> Kind:
        """ "naive" for a rule that does not look at the items, "classical" for a model."""
        ...

    def refuses(self, train: Corpus) -> str:
        """A sentence on why it cannot be fitted on such items, or not in minutes; "" if it can."""
        ...

    def fit(
        self,
        train: Corpus,
        valid: Corpus | None,
        classes: Sequence[str],
        seed: int,
        several: bool = False,
    ) -> LabelMethod:
        """Learn from the training part; settings, if any, are chosen on the validation part.

        Args:
            train, valid: items with labels; ``valid`` is None where there is none.
            classes: K labels, in the order of the answers.
            seed: of whatever is random.
            several: an item may have several labels, or none.
        """
        ...

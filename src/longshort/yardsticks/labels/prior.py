"""The rule that does not look: how often each label is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from longshort.data.corpus import Corpus
from longshort.records import Kind
from longshort.yardsticks.labels.base import LabelMethod
from longshort.yardsticks.labels.choice import indicator


@dataclass(frozen=True)
class ClassPrior:
    """The training part's share of each label, for every item: the most frequent one is told."""

    name: str = "class prior"
    kind: Kind = "naive"

    def refuses(self, train: Corpus) -> str:
        """Never."""
        return ""

    def fit(
        self,
        train: Corpus,
        valid: Corpus | None,
        classes: Sequence[str],
        seed: int,
        several: bool = False,
    ) -> LabelMethod:
        """Count the labels."""
        share = indicator(train, classes).mean(0)
        return LabelMethod(self.name, self.kind, lambda items: np.tile(share, (len(items), 1)))

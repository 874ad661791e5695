"""MiniRocket: thousands of fixed convolutions, and a line through how often each is above a level.

Dempster, Schmidt and Webb 2021, "MiniRocket: a very fast (almost) deterministic transform for time
series classification"; aeon's own, where it is installed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from longshort.data.corpus import Corpus
from longshort.data.sequences import Floats
from longshort.records import Kind
from longshort.yardsticks.labels.base import LabelMethod
from longshort.yardsticks.labels.choice import Predict, chosen, indicator, not_single, one_each
from longshort.yardsticks.labels.features import Ridge
from longshort.yardsticks.labels.neighbours import padded, scales

# penalties that are tried, the shortest series, and numbers that are read in about a minute
_PENALTIES, _SHORTEST, _NUMBERS = (0.1, 1.0, 10.0, 100.0, 1000.0), 9, 20_000_000


def installed() -> bool:
    """Whether aeon is there."""
    return find_spec("aeon") is not None


@dataclass(frozen=True)
class Rocket:
    """MiniRocket and ridge regression; its penalty is chosen by ``metric``."""

    metric: str = "macro_f1"
    name: str = "MiniRocket"
    kind: Kind = "classical"

    def refuses(self, train: Corpus) -> str:
        """Where there is no series, or no aeon."""
        if why := not_single(train):
            return why
        assert train.series is not None
        if not installed():
            return "it needs aeon (pip install aeon)"
        width = len(scales(train))
        if not width or int(train.series.lengths.max(initial=0)) < _SHORTEST:
            return f"the series have no channel of {_SHORTEST} rows"
        numbers = len(train) * int(train.series.lengths.max()) * width
        if numbers > _NUMBERS:
            return f"{numbers:,} numbers are more than the {_NUMBERS:,} that it is asked to read"
        return ""

    def fit(
        self,
        train: Corpus,
        valid: Corpus | None,
        classes: Sequence[str],
        seed: int,
        several: bool = False,
    ) -> LabelMethod:
        """Learn from the training part."""
        longest = int(train.series.lengths.max()) if train.series is not None else 0

        read: WeakKeyDictionary[Corpus, tuple[Floats, Any, Floats]] = WeakKeyDictionary()

        def fitted(penalty: float, part: Corpus) -> Predict:
            # the convolutions of a part do not depend on the penalty
            if part not in read:
                read[part] = self._read(part, longest, seed)
            spread, transform, inputs = read[part]
            found = one_each(lambda: Ridge(penalty), inputs, indicator(part, classes), several)

            def predict(items: Corpus) -> Floats:
                return found(np.asarray(transform.transform(_same(items, spread, longest))))

            return predict

        predict = chosen(_PENALTIES, fitted, train, valid, classes, self.metric, several)
        return LabelMethod(self.name, self.kind, predict)

    def _read(self, part: Corpus, longest: int, seed: int) -> tuple[Floats, Any, Floats]:
        from aeon.transformations.collection.convolution_based import MiniRocket

        spread = scales(part)
        transform: Any = MiniRocket(random_state=seed)
        return spread, transform, np.asarray(transform.fit_transform(_same(part, spread, longest)))


def _same(corpus: Corpus, spread: Floats, length: int) -> Floats:
    """(N, F, T): shorter series go on with their last value, longer ones are cut."""
    x, ends = padded(corpus, spread)
    place = np.minimum(np.arange(length)[None], ends[:, None] - 1)
    return np.take_along_axis(x, place[..., None], 1).transpose(0, 2, 1).astype(np.float32)

"""Tokens as a network reads them, with the features of a classical tagger beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray

from longshort.contracts import Params
from longshort.data.corpus import Corpus
from longshort.data.items import Inputs, ItemEncoding, Widths
from longshort.data.readings.features import buckets, features
from longshort.data.readings.ragged import Ragged
from longshort.data.steps import Ints
from longshort.errors import ArgumentError

# what the group of features is called in a batch: (B, T, M) of int32, 0 for nothing
FEATURES = "features"


@dataclass(frozen=True)
class Wide(Params):
    """Sparse features whose weights are added to what the network says of each tag.

    The features are those of ``data.readings.features``; every one has a weight for every tag, as
    in a conditional random field without a network (Cheng et al. 2016 call it wide and deep).

    Args:
        buckets: different features that are told apart, by their hashes; 0 for none.
        dropout: share of them that training leaves out.

    Raises:
        ArgumentError: a value out of range.
    """

    buckets: int = 65_536
    dropout: float = 0.3

    def __post_init__(self) -> None:
        self._whole(0, "buckets")
        if not 0 <= self.dropout < 1:
            raise ArgumentError(f"Wide(dropout={self.dropout}): must be in 0 to 1, 1 excluded")


@dataclass(frozen=True, eq=False)
class WideReading:
    """Another reading of given tokens, with their features beside it; an ``ItemEncoding``.

    Args:
        reading: what else is read of the tokens.
        buckets: different features that are told apart.
    """

    reading: ItemEncoding
    buckets: int
    _seen: WeakKeyDictionary[Corpus, tuple[Ragged, Ints]] = field(
        default_factory=WeakKeyDictionary, repr=False, init=False
    )

    @property
    def widths(self) -> Widths:
        """Those of the other reading: features are the head's."""
        return self.reading.widths

    def lengths(self, corpus: Corpus) -> Ints:
        """(N,) tokens of each item."""
        return self.reading.lengths(corpus)

    def read(self, corpus: Corpus, items: Sequence[int]) -> Inputs:
        """What the other reading gives, and ``FEATURES``."""
        found = self.reading.read(corpus, items)
        rows, starts = self._of(corpus)
        chosen = np.asarray(items, np.int64)
        steps = max(int(found.lengths.max()), 1) if len(items) else 1
        at = starts[chosen][:, None] + np.arange(steps)
        at = np.where(np.arange(steps) < found.lengths.numpy()[:, None], at, -1)
        more: Mapping[str, torch.Tensor] = {FEATURES: torch.from_numpy(rows.padded(at, least=1))}
        return found._replace(inputs={**found.inputs, **more})

    def put_down(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """What the model file keeps of the other reading; ``buckets`` is a setting."""
        return self.reading.put_down()

    def _of(self, corpus: Corpus) -> tuple[Ragged, Ints]:
        """The features of each token, and where each item's tokens begin; found once."""
        if corpus not in self._seen:
            sentences = corpus.tokens or ()
            number: dict[str, int] = {}

            def bucket(names: Sequence[str]) -> list[int]:
                # a feature's hash is found once
                for name in names:
                    if name not in number:
                        number[name] = int(buckets([name], self.buckets)[0])
                return list(dict.fromkeys(number[name] for name in names))

            rows = Ragged.of(bucket(names) for tokens in sentences for names in features(tokens))
            lengths = np.array([len(tokens) for tokens in sentences], np.int64)
            self._seen[corpus] = rows, np.cumsum(lengths) - lengths
        return self._seen[corpus]

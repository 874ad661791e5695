"""The yardstick that is nearest to our own method: the same network with another trunk.

A small Transformer encoder of about as many weights as the recurrent stack, between the same
embedding and the same head, trained by the same loop on the same items. It gets no more time than
the fit took, and one network, not several.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import overload

import numpy as np
import torch

from longshort.data.augment import Augment
from longshort.data.corpus import Corpus
from longshort.data.items import ItemEncoding, Items
from longshort.data.readings.pretrained import plain
from longshort.heads.category import Category
from longshort.layers.embed import Embed
from longshort.layers.encoder import Recurrent, RecurrentEncoder, parameter_count
from longshort.layers.transformer import Attention, TransformerEncoder
from longshort.model import Model
from longshort.report.numerals import count
from longshort.tasks.labels.calibration import LEAST, calibrate, probabilities
from longshort.tasks.labels.labels import Classes
from longshort.tasks.labels.network import build, make_head
from longshort.training.loop import fit
from longshort.training.seeds import seeded
from longshort.training.settings import Training
from longshort.yardsticks.labels.base import LabelMethod

# attention looks from each step at each other one: longer sequences take too long
LONGEST = 1000
# more is too fast for attention, however fast the recurrence learns
_RATE = 1e-3
_HEADS, _DEPTH, _WIDEST = 4, 2, 512
# it may take at least
_SECONDS = 10.0


@dataclass(frozen=True)
class Beside:
    """What a Transformer is made and trained for: all as it is for the recurrent network."""

    reading: ItemEncoding
    classes: Classes
    recurrent: Recurrent
    category: Category
    training: Training
    seed: int = 0
    device: torch.device | str = "cpu"
    changed: Augment | None = None

    @property
    def _plain(self) -> ItemEncoding:
        """How items are read by the Transformer: a pretrained network is ours alone."""
        return plain(self.reading)

    def fitted(
        self, train: Corpus, valid: Corpus | None, times: int, seconds: float
    ) -> tuple[list[LabelMethod], str]:
        """The fitted Transformer, and a sentence on how it came about, or why it did not.

        Args:
            train, valid: what our own network was fitted on, and chosen by.
            times: how often one epoch reads the training part.
            seconds: that it may take.
        """
        examples, chosen = self._items(train, times, self.changed), self._items(valid)
        if int(examples.steps.max(initial=0)) > LONGEST:
            return [], f"A Transformer was left out: sequences are longer than {LONGEST} steps."
        with seeded(self.seed):
            model = self._made(self._size(), self._weights(train)).to(self.device)
        settings = self.training.set_params(
            rate=min(self.training.rate, _RATE), members=1, freeze=(), unfreeze="all",
            discriminative=1.0,
        )  # fmt: skip
        begun, epochs, cut = time.perf_counter(), 0, ""
        running = fit(model, examples, chosen, settings, seed=self.seed)
        for _ in running:
            epochs += 1
            if time.perf_counter() - begun > max(seconds, _SECONDS):
                # closing it brings the best weights back
                running.close()
                cut = " when its time was up"
                break
        model.eval()
        if chosen is not None and self.category.calibrate and len(chosen) >= LEAST:
            calibrate([model], chosen)
        told = (
            f"The Transformer has {_apart(model):,} weights beside its embedding and stopped after "
            f"{count(epochs, 'epoch')}{cut}; it is one network, with the same embedding"
            f"{', but for the pretrained network,' if self._plain is not self.reading else ''} and "
            "head."
        )
        answers = partial(probabilities, [model], self._plain)
        return [LabelMethod("Transformer encoder", "classical", answers)], told

    @overload
    def _items(self, corpus: Corpus, times: int = 1, changed: Augment | None = None) -> Items: ...
    @overload
    def _items(self, corpus: None, times: int = 1, changed: Augment | None = None) -> None: ...
    def _items(
        self, corpus: Corpus | None, times: int = 1, changed: Augment | None = None
    ) -> Items | None:
        if corpus is None:
            return None
        targets = self.classes.targets(corpus)
        chosen = np.tile(np.arange(len(corpus)), times)
        return Items(corpus, self._plain, targets, chosen, changed)

    def _weights(self, train: Corpus) -> list[float] | None:
        balanced = self.category.weights == "balanced"
        return self.classes.weights(self.classes.targets(train)) if balanced else None

    def _made(self, size: int, weights: Sequence[float] | None = None) -> Model:
        attention = Attention(size, _DEPTH, _HEADS, min(self.recurrent.dropout, 0.2))
        encoder = TransformerEncoder(Embed.of(self._plain.widths), attention)
        return Model(encoder, make_head(self.category, size, len(self.classes.names), weights))

    def _size(self) -> int:
        """The width at which both networks have about as many weights."""
        with torch.device("meta"):
            widths, classes = self._plain.widths, len(self.classes.names)
            wanted = _apart(build(widths, self.recurrent, self.category, classes))
            sizes = range(2 * _HEADS, _WIDEST + 1, 2 * _HEADS)
            return min(sizes, key=lambda size: abs(_apart(self._made(size)) - wanted))


def _apart(model: Model) -> int:
    """Weights beside those of the embedding, which both networks share."""
    assert isinstance(model.encoder, RecurrentEncoder | TransformerEncoder)
    return parameter_count(model) - parameter_count(model.encoder.embed)

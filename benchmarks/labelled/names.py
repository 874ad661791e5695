"""What both sets of entities share: the files, and the recipe."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from longshort import Tagger
from longshort.data.corpus import Corpus, PartName, join
from longshort.data.sources.conll import read_conll
from longshort.layers.encoder import Recurrent
from longshort.tasks.tag import TOKENS, TRAINING

BOTH, FORWARD = "LSTM both ways", "LSTM forward only"


def read(parts: dict[PartName, list[str]]) -> Callable[[int], Corpus]:
    """The corpus of files of the folder ``ner`` in $LONGSHORT_DATA."""

    def corpus(split: int) -> Corpus:
        folder = Path(os.environ.get("LONGSHORT_DATA", "")) / "ner"
        for name in (name for names in parts.values() for name in names):
            if not (folder / name).exists():
                raise SystemExit(f"set LONGSHORT_DATA to a folder with ner/{name}")
        files = [(part, name) for part, names in parts.items() for name in names]
        return join([(part, read_conll(folder / name).corpus) for part, name in files])

    return corpus


def make(epochs: int, rarest: int) -> Callable[[str, int], Any]:
    """A tagger of a row: one network, with the recipe that was chosen on the validation parts.

    Forward only, it has as many units as both directions have together.

    Args:
        epochs: passes over the training part.
        rarest: words that are rarer in it are the unknown word.
    """

    def tagger(row: str, seed: int) -> Tagger:
        both = row == BOTH
        return Tagger(
            text=TOKENS.set_params(min_count=rarest),
            recurrent=Recurrent(120 if both else 240, bidirectional=both, dropout=0.4),
            training=TRAINING.set_params(epochs=epochs, members=1),
            random_state=seed,
        )

    return tagger

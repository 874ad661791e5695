"""Sets of the UCR and UEA archives, out of the catalogue, with the archive's own two parts.

They have no validation part and too few series to give one up: settings were chosen by
cross-validation within the training part, epochs are fixed, and all of it is learnt from.
"""

from __future__ import annotations

from typing import Any

from longshort import Recurrent, Training
from longshort.data.catalog.entries import find
from longshort.data.catalog.fetch import cache_folder, fetch, write
from longshort.data.corpus import Corpus
from longshort.data.partition import Partition
from longshort.data.sources.ucr import read_ucr
from longshort.heads.category import Category
from longshort.tasks.classify import Classifier


def archived(name: str) -> Corpus:
    """A set with the parts "train" and "test"."""
    entry = find(name)
    folder = cache_folder() / "archive"
    if not (folder / name).exists():
        write(entry, fetch(entry), folder)
    return read_ucr(folder / name)


def fixed(recurrent: Recurrent, training: Training, head: Category, seed: int) -> Classifier:
    """A classifier that learns for as many epochs as it is told, from all that it is given."""
    settings: dict[str, Any] = {
        "partition": Partition(by="stratified", valid=0.0),
        "training": training.set_params(patience=None),
    }
    return Classifier(head=head, recurrent=recurrent, random_state=seed, **settings)

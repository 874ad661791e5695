"""What a text of the benchmark is: where it comes from, its network, its goal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from longshort import LanguageModel
from longshort.data.sources.prose import Prose


@dataclass(frozen=True)
class Set:
    """One text, cut in order.

    Args:
        name: short, as ``--set`` takes it.
        title: what it is called on the page.
        told: what it is, where it comes from and how it is cut; a paragraph.
        read: the text of a file.
        make: an unfitted model, some of its settings changed.
        measure: what it is judged by, as in a record of language.
        goal: in words.
        part: what the ledger calls the test part.
        measures: columns of the table, by their titles.
        adapt: what the model does with the text while it reads it: rows of their own; arguments of
            ``LanguageModel.adapt``.
        orders: n-grams of these orders have rows beside the one that is chosen.
    """

    name: str
    title: str
    told: str
    read: Callable[[Path], Prose]
    make: Callable[..., LanguageModel]
    measure: str
    goal: str
    part: str
    measures: dict[str, str]
    adapt: dict[str, Any]
    orders: tuple[int, ...] = ()

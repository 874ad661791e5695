"""What gives symbols of a text probabilities, and what a yardstick for language is."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from longshort.data.sequences import Floats
from longshort.data.steps import Ints
from longshort.records import Kind


class LanguageMethod(NamedTuple):
    """Whatever tells how probable a text is: a name, what kind it is, and its surprise.

    ``nats`` reads symbols (N,), the first of which is given, and tells (N - 1,), -log p of each of
    the others given what came before it in its document.
    """

    name: str
    kind: Kind
    nats: Callable[[Ints], Floats]


class LanguageYardstick(Protocol):
    """A classical method that learns from a text."""

    @property
    def name(self) -> str:
        """How it is called in tables."""
        ...

    @property
    def kind(self) -> Kind:
        """ "naive" for a rule that does not read what came before, "classical" for a model."""
        ...

    def fit(
        self, train: Ints, valid: Ints | None, symbols: int, *, border: int | None, both: bool
    ) -> LanguageMethod:
        """Learn from the training part; settings, if any, are chosen on the validation part.

        Args:
            train, valid: symbols of parts of a text, (N,) each; ``valid`` is None where there is
                none.
            symbols: K.
            border: the symbol that documents begin with; None where a text is read as one.
            both: once settings are chosen, learn from both parts.
        """
        ...

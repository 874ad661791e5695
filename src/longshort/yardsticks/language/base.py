"""What gives symbols of a text probabilities, and what a yardstick for language is."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from longshort.data.sequences import Floats
from longshort.data.stretch import Stretch
from longshort.records import Kind


class LanguageMethod(NamedTuple):
    """Whatever tells how probable a text is: a name, what kind it is, and its surprise.

    ``nats`` gives (N,), -log p of each symbol given those before it in its document, and 0 at a
    document's first symbol, which is given.
    """

    name: str
    kind: Kind
    nats: Callable[[Stretch], Floats]


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
        self, train: Stretch, valid: Stretch | None, symbols: int, both: bool = False
    ) -> LanguageMethod:
        """Learn from the training part; settings, if any, are chosen on the validation part.

        Args:
            train, valid: parts of the text; ``valid`` is None where there is none.
            symbols: K.
            both: once settings are chosen, learn from both parts.
        """
        ...

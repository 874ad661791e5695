"""What a network that was trained before reads of items, beside another reading of their steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol, Self, get_args
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from longshort.contracts import Params
from longshort.data.codecs.spelling import spell
from longshort.data.codecs.tokens import UNKNOWN, TokenCodec
from longshort.data.corpus import Corpus
from longshort.data.items import Inputs, ItemEncoding, Trunk, Widths
from longshort.data.readings.elmo import ElmoFeed
from longshort.data.readings.onward import SeriesFeed
from longshort.data.readings.ragged import Ragged
from longshort.data.readings.signals import SignalReading
from longshort.data.readings.words import TextReading
from longshort.data.steps import Ints
from longshort.errors import ArgumentError, ModelFileError, suggest

Said = Literal["mix", "last"]
Plain = TextReading | SignalReading

# what a language model's trunk reads: symbols (B, S), -1 after their end, and the numbers (B, T, 2)
# of the first and the last symbol of each step
SYMBOLS, PLACES = "pretrained", "pretrained_places"
# and how they are written, (B, S, C), see ``data.codecs.spelling``
SPELT = "pretrained_spelt"


@dataclass(frozen=True)
class Pretrained(Params):
    """A network to begin with, that was trained on something else.

    Its layers' vectors of each step stand beside what else is read of it.

    Args:
        path: of the model file of a language model or of a series model; or the options.json of a
            published ELMo model with its weights beside it, or their folder. None for nothing.
        tune: its weights learn with all others, and its own dropout disturbs it as it did before;
            else they stay as they are, and nothing does. ``Training(unfreeze="gradual",
            discriminative=0.4)`` lets one of its layers more learn in each epoch, from the top, and
            lower layers slower (Howard and Ruder 2018).
        dropout: share of its vectors that training sets to zero.
        layers: what is said of a step: the "mix" of all layers, with learnt weights (Peters et al.
            2018), or the "last" one's vector.

    Raises:
        ArgumentError: a value out of range.
    """

    path: str | None = None
    tune: bool = False
    dropout: float = 0.0
    layers: Said = "mix"

    def __post_init__(self) -> None:
        if self.path is not None:
            object.__setattr__(self, "path", str(self.path))
        if not 0 <= self.dropout < 1:
            raise ArgumentError(
                f"Pretrained(dropout={self.dropout}): must be in 0 to 1, 1 excluded"
            )
        if self.layers not in get_args(Said):
            known = suggest(str(self.layers), get_args(Said))
            raise ArgumentError(f"Pretrained(layers={self.layers!r}): {known}")

    @classmethod
    def of(cls, given: Pretrained | str | Path | None) -> Pretrained:
        """These settings, or those of a path alone."""
        return (
            given if isinstance(given, Pretrained) else cls(None if given is None else str(given))
        )


class Feed(Protocol):
    """What a trunk reads of items; it is kept in the model file."""

    kind: ClassVar[str]

    def read(self, reading: Any, corpus: Corpus, items: Sequence[int]) -> Mapping[str, Tensor]:
        """What becomes part of a batch's inputs; ``reading`` is what else is read of the items."""
        ...

    def put_down(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """What the model file keeps, as JSON values and arrays."""
        ...

    @classmethod
    def take_up(cls, settings: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Feed:
        """The feed whose ``put_down()`` these are; ModelFileError where they are not."""
        ...


@dataclass(frozen=True, eq=False)
class LanguageFeed:
    """The symbols of running text, and where the steps of a reading of words stand among them.

    Args:
        codec: the language model's vocabulary.
        spelled: the language model reads words by their letters.
    """

    codec: TokenCodec
    spelled: bool = False
    kind: ClassVar[str] = "language"
    _seen: WeakKeyDictionary[Corpus, tuple[Ragged, Ragged, NDArray[np.int64]]] = field(
        default_factory=WeakKeyDictionary, repr=False, init=False
    )

    def read(self, reading: Any, corpus: Corpus, items: Sequence[int]) -> Mapping[str, Tensor]:
        """``SYMBOLS`` (B, S), S being 1 or more, and ``PLACES`` (B, T, 2).

        And ``SPELT`` (B, S, C), where the language model reads that.
        """
        if corpus not in self._seen:
            self._seen[corpus] = self._encode(reading, corpus)
        symbols, places, letters = self._seen[corpus]
        chosen = np.asarray(items, np.int64)
        found = symbols.padded(chosen, least=1).astype(np.int64)
        padding = np.arange(found.shape[1]) >= symbols.lengths[chosen][:, None]
        at = places.padded(chosen, least=2).astype(np.int64).reshape(len(chosen), -1, 2)
        told = {PLACES: torch.from_numpy(at)}
        if self.spelled:
            written = np.where(padding[..., None], 0, letters[found])
            told[SPELT] = torch.from_numpy(written)
            found[found >= self.codec.size] = UNKNOWN
        found[padding] = -1
        return {SYMBOLS: torch.from_numpy(found), **told}

    def _encode(
        self, reading: TextReading, corpus: Corpus
    ) -> tuple[Ragged, Ragged, NDArray[np.int64]]:
        """Symbols, places and letters; unknown words are symbols of their own behind the others."""
        rows, places = [], []
        words: dict[str, int] = {}
        for item in range(len(corpus)):
            text, stretches = reading.running(corpus, item)
            own, at = self.codec.holding(text, stretches)
            if self.spelled:
                where, which = self.codec.strangers(text, words)
                own[where] = self.codec.size + which
            rows.append(own)
            places.append(at.ravel())
        letters = np.zeros((0, 1), np.int64)
        if self.spelled:
            letters = spell([["<S>", "", *self.codec.known, *words]])[0]
        return Ragged.joined(rows), Ragged.joined(places), letters

    def put_down(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """See ``Feed``."""
        told, arrays = self.codec.put_down()
        return told | ({"spelled": True} if self.spelled else {}), arrays

    @classmethod
    def take_up(cls, settings: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """See ``Feed``."""
        return cls(TokenCodec.take_up(settings, arrays), bool(settings.get("spelled", False)))


# feeds, and what else is read beside them, by the names that a model file has
FEEDS: dict[str, type[Feed]] = {each.kind: each for each in (LanguageFeed, ElmoFeed, SeriesFeed)}
BESIDE: dict[str, type[Plain]] = {"text": TextReading, "signal": SignalReading}
READS = {"language": "text", "elmo": "text", "series": "signal"}


@dataclass(frozen=True, eq=False)
class PretrainedReading:
    """Another reading of items, with what a pretrained network reads of them beside it.

    An ``ItemEncoding``.

    Args:
        reading: what else is read of each step.
        feed: what the pretrained network reads.
        trunk: the pretrained network.
    """

    reading: Plain
    feed: Feed
    trunk: Trunk

    @property
    def widths(self) -> Widths:
        """Those of the other reading, with the trunk."""
        return replace(self.reading.widths, trunk=self.trunk)

    def lengths(self, corpus: Corpus) -> Ints:
        """(N,) steps that a network reads of each item."""
        return self.reading.lengths(corpus)

    def read(self, corpus: Corpus, items: Sequence[int]) -> Inputs:
        """What the other reading gives, and what the feed does."""
        found = self.reading.read(corpus, items)
        more = self.feed.read(self.reading, corpus, items)
        return found._replace(inputs={**found.inputs, **more})

    def put_down(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """What the model file keeps; ``take_up`` goes back."""
        own, arrays = self.reading.put_down()
        fed, more = self.feed.put_down()
        trunk = self.trunk
        settings = {
            "beside": next(name for name, kind in BESIDE.items() if isinstance(self.reading, kind)),
            "reading": own,
            "feed": self.feed.kind,
            "fed": fed,
            "trunk": {
                "kind": trunk.kind,
                "settings": dict(trunk.settings),
                "tune": trunk.tune,
                "dropout": trunk.dropout,
                "layers": trunk.layers,
            },
        }
        return settings, {**arrays, **{f"pretrained.{name}": a for name, a in more.items()}}

    @classmethod
    def take_up(cls, settings: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The reading whose ``put_down()`` these are.

        Raises:
            ModelFileError: something is missing or does not fit.
        """
        start = "pretrained."
        more = {n.removeprefix(start): a for n, a in arrays.items() if n.startswith(start)}
        own = {name: array for name, array in arrays.items() if not name.startswith(start)}
        try:
            reading = BESIDE[settings["beside"]].take_up(settings["reading"], own)
            feed = FEEDS[settings["feed"]].take_up(settings["fed"], more)
            trunk = Trunk(**settings["trunk"])
            # what is out of range is told as of a user's settings
            Pretrained(None, trunk.tune, trunk.dropout, trunk.layers)  # type: ignore[arg-type]
            same = feed.kind == trunk.kind and READS[feed.kind] == settings["beside"]
            if isinstance(feed, LanguageFeed):
                same = same and feed.codec.size == trunk.settings["symbols"]
                same = same and feed.spelled == ("spelled" in trunk.settings)
        except (KeyError, TypeError, ArgumentError) as error:
            raise ModelFileError(f"the pretrained network cannot be read: {error!r}") from None
        if not same:
            raise ModelFileError(
                f"the pretrained network {trunk.kind!r} does not fit what it reads"
            )
        return cls(reading, feed, trunk)


def plain(reading: ItemEncoding) -> ItemEncoding:
    """What is read of steps without a pretrained network."""
    return reading.reading if isinstance(reading, PretrainedReading) else reading

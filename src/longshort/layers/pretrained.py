r"""A network that was trained before, as a part of what another one reads of each step.

With h_{t,j} the vectors that the layers j of the pretrained network (its trunk) have for step t,

    v_t = gamma * sum_j s_j h_{t,j},   s = softmax(w)         Peters et al. 2018, equation 1

where w and gamma are learnt with the new network. Of a language model over characters, bytes,
subwords or words alike, h_t is the state of the stack that reads forwards after the last symbol of
the step, and that of the stack that reads backwards after its first (contextual string embeddings,
Akbik, Blythe and Vollgraf 2018); h_{t,0} are the vectors of these two symbols themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from longshort.contracts import Batch
from longshort.data import chunks
from longshort.data.codecs.spelling import spell
from longshort.data.codecs.tokens import BORDER
from longshort.data.items import Trunk, Widths
from longshort.data.readings.onward import fed
from longshort.data.readings.pretrained import PLACES, SPELT, SYMBOLS
from longshort.errors import ModelFileError, suggest
from longshort.layers.bothways import BothWays, Direction, one_way
from longshort.layers.elmo import Elmo
from longshort.layers.embed import Embed
from longshort.layers.encoder import Recurrent, RecurrentEncoder
from longshort.layers.lookup import Lookup
from longshort.layers.masks import dropped
from longshort.layers.spelled import Spelled

# symbols of all rows that a frozen trunk reads at once
_AT_ONCE = 2**15
# the stream of the masks over its vectors
_DROPOUT = -6


class Layers(Protocol):
    """A trunk, a module: ``width`` of a vector, and ``depth`` layers.

    It is built from the settings of a ``data.items.Trunk`` by an entry of ``TRUNKS``.
    """

    width: int
    depth: int

    def __call__(self, batch: Batch) -> list[Tensor]:
        """``depth`` tensors (B, T, width): what each layer says of each step."""
        ...


class LanguageTrunk(nn.Module):
    """The stacks of a language model, at the symbols where steps end and begin.

    Args:
        encoder: the language model's own.
    """

    def __init__(self, encoder: RecurrentEncoder | BothWays) -> None:
        super().__init__()
        self.encoder = encoder
        self._ways = 1 + isinstance(encoder, BothWays)
        forwards = one_way(encoder)
        each = forwards.stack.proj_size or forwards.stack.hidden_size
        self.width = self._ways * each
        # the table is a layer if its vectors are as wide as the others
        self._table = forwards.embed.width == each
        self.depth = forwards.stack.num_layers + self._table

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Self:
        """From "symbols", their "width", the arguments of ``Recurrent``, and whether it is "both".

        "both": it reads both ways. "spelled": of words that are read by their letters, "filters"
        and "highways".
        """
        lookup: Lookup | Spelled = Lookup(settings["symbols"], settings["width"])
        if "spelled" in settings:
            # batches say of every word how it is written
            lookup = Spelled(np.zeros((0, 1), np.int64), settings["width"], **settings["spelled"])
        recurrent = Recurrent(**settings["recurrent"])
        return cls((BothWays if settings["both"] else RecurrentEncoder)(lookup, recurrent))

    def forward(self, batch: Batch) -> list[Tensor]:
        """Of each layer (B, T, width)."""
        found = []
        for rows in self._parts(batch.inputs[SYMBOLS]):
            symbols, places = batch.inputs[SYMBOLS][rows], batch.inputs[PLACES][rows]
            spelt = batch.inputs[SPELT][rows] if SPELT in batch.inputs else None
            found.append(self._read(symbols, places, spelt, batch.row + rows.start))
        return [torch.cat(parts) for parts in zip(*found, strict=True)]

    def _parts(self, symbols: Tensor) -> Iterator[slice]:
        """All rows, or without gradients some after the other."""
        rows = len(symbols)
        most = rows if torch.is_grad_enabled() else max(1, _AT_ONCE // (symbols.shape[1] + 1))
        for start in range(0, max(rows, 1), max(most, 1)):
            yield slice(start, min(start + most, rows))

    def _read(
        self, symbols: Tensor, places: Tensor, spelt: Tensor | None, row: int
    ) -> list[Tensor]:
        """Symbols (B, S), -1 after their end, and the first and last of each step, (B, T, 2)."""
        count = (symbols >= 0).sum(1)
        symbols = symbols[:, : max(int(count.max()), 1)]
        first, last = places.unbind(2)
        # a border is read before a text and after it: at number n + 1 symbol n has been read
        found = [self._way("forward", symbols, spelt, count, last + 1, row)]
        if self._ways == 2:
            steps = torch.arange(symbols.shape[1], device=symbols.device)
            turned = (count.unsqueeze(1) - 1 - steps).clamp(min=0)
            if spelt is not None:
                order = turned.unsqueeze(2).expand(-1, -1, spelt.shape[2])
                spelt = spelt[:, : symbols.shape[1]].gather(1, order)
            at = count.unsqueeze(1) - first
            found.append(self._way("backward", symbols.gather(1, turned), spelt, count, at, row))
        return [torch.cat(ways, 2) for ways in zip(*found, strict=True)]

    def _way(
        self,
        direction: Direction,
        symbols: Tensor,
        spelt: Tensor | None,
        count: Tensor,
        at: Tensor,
        row: int,
    ) -> list[Tensor]:
        """What the layers of one direction say at numbers (B, T) of symbols in its order."""
        inputs = {chunks.SYMBOLS: _bordered(symbols.clamp(min=0))}
        if spelt is not None:
            inputs[chunks.SPELT] = _marked(spelt[:, : symbols.shape[1]])
        encoded = one_way(self.encoder, direction)(Batch(inputs, count + 1, row=row))
        return [_at(layer, at) for layer in encoded.layers[1 - self._table :]]


class SeriesTrunk(nn.Module):
    """The stack of a series model, each of its layers.

    Args:
        encoder: the series model's own.
    """

    def __init__(self, encoder: RecurrentEncoder) -> None:
        super().__init__()
        self.encoder = encoder
        stack = encoder.stack
        self.width = (stack.proj_size or stack.hidden_size) * (1 + stack.bidirectional)
        self.depth = stack.num_layers

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Self:
        """From the "widths" of what it reads and the arguments of ``Recurrent``."""
        told = settings["widths"]
        widths = Widths(
            told["numbers"],
            {name: (int(size), int(width)) for name, (size, width) in told["symbols"].items()},
            told["static"],
            {name: (int(size), int(width)) for name, (size, width) in told["labels"].items()},
            fading={name: (seen, since) for name, (seen, since) in told["fading"].items()},
        )
        return cls(RecurrentEncoder(Embed.of(widths), Recurrent(**settings["recurrent"])))

    def forward(self, batch: Batch) -> list[Tensor]:
        """Of each layer (B, T, width)."""
        return list(self.encoder(fed(batch)).layers[1:])


def _at(values: Tensor, numbers: Tensor) -> Tensor:
    """The vectors of (B, S, W) at numbers (B, T); what is padded is at any."""
    at = numbers.clamp(0, values.shape[1] - 1).unsqueeze(2)
    return values.gather(1, at.expand(-1, -1, values.shape[2]))


def _marked(letters: Tensor) -> Tensor:
    """How the border and each word are written, (B, S + 1, C); padding is written like a border."""
    border = torch.from_numpy(spell([["<S>"]])).to(letters.device)
    wide = max(letters.shape[2], border.shape[2])
    border, letters = (functional.pad(x, (0, wide - x.shape[2])) for x in (border, letters))
    found = torch.cat([border.expand(len(letters), -1, -1), letters], 1)
    return torch.where(found[..., :1] > 0, found, border)


def _bordered(symbols: Tensor) -> Tensor:
    return torch.cat([symbols.new_full((len(symbols), 1), BORDER), symbols], 1)


class Pretrained(nn.Module):
    """What a trunk says of each step: (B, T, width).

    Args:
        trunk: see ``Layers``.
        layers: "mix", or "last" for its last layer alone.
        tune: whether its weights learn; else it is never disturbed.
        dropout: share of what it says that training sets to zero.
    """

    def __init__(
        self, trunk: nn.Module, layers: str = "mix", tune: bool = False, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.trunk, self.tune, self.dropout = trunk.requires_grad_(tune), tune, dropout
        self.width = int(trunk.width)  # type: ignore[arg-type]
        self.weights: nn.Parameter | None = None
        if layers == "mix":
            # of one layer the softmax is 1, and nothing is to be learnt
            self.weights = nn.Parameter(torch.zeros(int(trunk.depth)))  # type: ignore[arg-type]
        self.gamma = nn.Parameter(torch.ones(()))
        self.train(self.training)

    def train(self, mode: bool = True) -> Self:
        """The trunk stays in eval mode where it does not learn."""
        super().train(mode)
        self.trunk.train(mode and self.tune)
        return self

    def forward(self, batch: Batch) -> Tensor:
        """(B, T, width)."""
        with torch.set_grad_enabled(self.tune and torch.is_grad_enabled()):
            layers: list[Tensor] = self.trunk(batch)
        if self.weights is None:
            found = self.gamma * layers[-1]
        else:
            shares = self.gamma * self.weights.softmax(0)
            found = torch.stack([s * h for s, h in zip(shares, layers, strict=True)]).sum(0)
        if self.training and self.dropout > 0:
            # one draw a call from torch's default generator, as torch's own dropout would
            seed = int(torch.randint(2**62, ()))
            found = dropped(found, seed, _DROPOUT, self.dropout, batch.row)
        return found


# trunks by the names that a model file has
TRUNKS: dict[str, Callable[[Mapping[str, Any]], nn.Module]] = {
    "language": LanguageTrunk.of,
    "elmo": Elmo.of,
    "series": SeriesTrunk.of,
}


def embedding(widths: Widths) -> Embed:
    """What reads batches of an encoding, with the pretrained network of it, if there is one.

    Raises:
        ModelFileError: its settings are wrong.
    """
    embed = Embed.of(widths)
    if widths.trunk is not None:
        embed.add(_made(widths.trunk))
    return embed


def _made(given: Trunk) -> Pretrained:
    if given.kind not in TRUNKS:
        raise ModelFileError(f"pretrained network {given.kind!r}: {suggest(given.kind, TRUNKS)}")
    try:
        trunk = TRUNKS[given.kind](given.settings)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ModelFileError(f"the pretrained network cannot be built: {error!r}") from None
    if given.first:
        with torch.no_grad():
            for name, tensor in trunk.state_dict().items():
                tensor.copy_(torch.from_numpy(given.first[name]))
    return Pretrained(trunk, given.layers, given.tune, given.dropout)

"""Fields of a batch become one (B, T, F) tensor that a recurrence can read."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from longshort.contracts import Batch
from longshort.layers.characters import NETWORKS, each_word
from longshort.layers.decay import Decay
from longshort.layers.masks import dropped, uniform

if TYPE_CHECKING:
    from longshort.data.items import Characters, Widths


class Embed(nn.Module):
    """Concatenate number groups, look up symbols, read characters, repeat static groups over time.

    Args:
        numbers: width of each group of numbers in ``batch.inputs``, by name.
        symbols: (vocabulary size, embedding width) of each group of symbols, by name; symbols are
            int64 in 0 .. size - 1.
        static: width of each group of numbers in ``batch.static``, by name.
        labels: like ``symbols``, of groups in ``batch.static``, each (B,).
        characters: the network over each group of characters, (B, T, C) of int64.
        bags: of each group of bags (B, T, G) of int32, 0 for nothing, the group of symbols to whose
            vectors the mean of the bag's is added (Bojanowski et al. 2017), and its own symbols.
        dropout: share of all values that training sets to zero.
        scale: standard deviation of the tables' first values.
        fading: by group of numbers that fade (see ``layers.decay``), those that tell which were
            seen, and the log(1 + time) since.
    """

    def __init__(
        self,
        numbers: Mapping[str, int] | None = None,
        symbols: Mapping[str, tuple[int, int]] | None = None,
        static: Mapping[str, int] | None = None,
        labels: Mapping[str, tuple[int, int]] | None = None,
        characters: Mapping[str, Characters] | None = None,
        bags: Mapping[str, tuple[str, int]] | None = None,
        dropout: float = 0.0,
        scale: float = 1.0,
        fading: Mapping[str, tuple[str, str]] | None = None,
    ) -> None:
        super().__init__()
        self.numbers = dict(numbers or {})
        self.static = dict(static or {})
        self.symbols, self.labels = dict(symbols or {}), dict(labels or {})
        self.characters, self.bags, self.dropout = dict(characters or {}), dict(bags or {}), dropout
        looked_up = {**self.symbols, **self.labels}
        tables = looked_up | {
            name: (size, self.symbols[group][1]) for name, (group, size) in self.bags.items()
        }
        self.tables = nn.ModuleDict(
            {name: nn.Embedding(size, width) for name, (size, width) in tables.items()}
        )
        if scale != 1:
            for name in tables:
                nn.init.normal_(self.weight(name), std=scale)
        self.networks = nn.ModuleDict(
            {
                name: NETWORKS[own.kind](own.symbols, own.width, own.size)
                for name, own in self.characters.items()
            }
        )
        self.fading = dict(fading or {})
        self.decays = nn.ModuleDict({name: Decay(self.numbers[name]) for name in self.fading})
        # chances that training forgets a symbol; no weights, and known from the encoding
        self.forget: dict[str, Tensor] = {}
        widths = [*self.numbers.values(), *self.static.values()]
        self.width = sum(widths) + sum(width for _, width in looked_up.values())
        self.width += sum(own.size for own in self.characters.values())
        self.pretrained: nn.Module | None = None

    @classmethod
    def of(cls, widths: Widths) -> Self:
        """What reads batches of an encoding."""
        made = cls(
            widths.numbers, widths.symbols, widths.static, widths.labels, widths.characters,
            widths.bags, widths.dropout, widths.scale, widths.fading,
        )  # fmt: skip
        for name, values in widths.first.items():
            weight = made.weight(name)
            known = torch.from_numpy(values).to(weight.device)
            with torch.no_grad():
                weight.copy_(torch.where(known.isnan(), weight, known))
        for name in widths.frozen:
            made.weight(name).requires_grad_(False)
        made.forget = {name: torch.from_numpy(share) for name, share in widths.forget.items()}
        return made

    def add(self, pretrained: nn.Module) -> None:
        """Put what ``pretrained``, Batch -> (B, T, width), says of each step beside all else."""
        self.pretrained = pretrained
        self.width += int(pretrained.width)  # type: ignore[arg-type]

    def _read(self, name: str, batch: Batch) -> Tensor:
        """A group of numbers, (B, T, F)."""
        values = batch.inputs[name]
        if name not in self.fading:
            return values
        faded: Tensor = self.decays[name](values, *(batch.inputs[n] for n in self.fading[name]))
        return faded

    def weight(self, name: str) -> Tensor:
        """The table (size, width) of a group."""
        weight: Tensor = self.tables[name].weight  # type: ignore[assignment]
        return weight

    def forward(self, batch: Batch) -> Tensor:
        """(B, T, width) in the order numbers, symbols, characters, pretrained, static, labels."""
        # one draw a call from torch's default generator, as torch's own dropout would
        disturbed = self.training and (self.dropout > 0 or bool(self.forget))
        seed = int(torch.randint(2**62, ())) if disturbed else 0
        parts = [self._read(name, batch) for name in self.numbers]
        parts += [self._look_up(name, batch, seed) for name in self.symbols]
        parts += [
            each_word(self.networks[name], batch.inputs[name], own.size)
            for name, own in self.characters.items()
        ]
        if self.pretrained is not None:
            parts.append(self.pretrained(batch))
        still = [batch.static[name] for name in self.static]
        still += [self.tables[name](batch.static[name]) for name in self.labels]
        steps = parts[0].shape[1]
        parts += [values.unsqueeze(1).expand(-1, steps, -1) for values in still]
        x = parts[0] if len(parts) == 1 else torch.cat(parts, -1)
        if self.training and self.dropout > 0:
            x = dropped(x, seed, _DROPOUT, self.dropout, batch.row)
        return x

    def _look_up(self, name: str, batch: Batch, seed: int) -> Tensor:
        """The vectors (B, T, W) of a group of symbols, with what its bags add."""
        x = batch.inputs[name]
        if self.training and name in self.forget:
            share = self.forget[name].to(x.device)[x]
            before = batch.row * x.shape[1]
            drawn = uniform(seed, zlib.crc32(name.encode()), before + x.numel(), x.device)[before:]
            x = torch.where(drawn.view(x.shape) < share, 0, x)
        found: Tensor = self.tables[name](x)
        for bag, (group, _) in self.bags.items():
            if group == name:
                found = found + bag_means(self.weight(bag), batch.inputs[bag])
        return found


def bag_means(table: Tensor, x: Tensor) -> Tensor:
    """The mean of the rows (R, W) of a table that each bag of (B, T, G) holds: (B, T, W).

    Symbol 0 is nothing; the mean of nothing is 0.
    """
    there = x > 0
    starts = there.flatten(0, 1).sum(1).cumsum(0).roll(1)
    if len(starts):
        starts[0] = 0
    means = functional.embedding_bag(x[there].long(), table, starts, mode="mean")
    return means.view(*x.shape[:2], table.shape[1])


# the stream of the masks over all values; those of the groups are their names'
_DROPOUT = -4

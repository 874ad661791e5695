"""Fields of a batch become one (B, T, F) tensor that a recurrence can read."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from longshort.contracts import Batch


class Embed(nn.Module):
    """Concatenate number groups, look up symbols, repeat static groups over time.

    Args:
        numbers: width of each group of numbers in ``batch.inputs``, by name.
        symbols: (vocabulary size, embedding width) of each group of symbols, by name; symbols are
            int64 in 0 .. size - 1.
        static: width of each group of numbers in ``batch.static``, by name.
        labels: like ``symbols``, of groups in ``batch.static``, each (B,).
    """

    def __init__(
        self,
        numbers: Mapping[str, int] | None = None,
        symbols: Mapping[str, tuple[int, int]] | None = None,
        static: Mapping[str, int] | None = None,
        labels: Mapping[str, tuple[int, int]] | None = None,
    ) -> None:
        super().__init__()
        self.numbers = dict(numbers or {})
        self.static = dict(static or {})
        self.symbols, self.labels = dict(symbols or {}), dict(labels or {})
        looked_up = {**self.symbols, **self.labels}
        self.tables = nn.ModuleDict(
            {name: nn.Embedding(size, width) for name, (size, width) in looked_up.items()}
        )
        widths = [*self.numbers.values(), *self.static.values()]
        self.width = sum(widths) + sum(width for _, width in looked_up.values())

    def forward(self, batch: Batch) -> Tensor:
        """(B, T, width) in the order numbers, symbols, static, labels."""
        parts = [batch.inputs[name] for name in self.numbers]
        parts += [self.tables[name](batch.inputs[name]) for name in self.symbols]
        still = [batch.static[name] for name in self.static]
        still += [self.tables[name](batch.static[name]) for name in self.labels]
        steps = parts[0].shape[1]
        parts += [values.unsqueeze(1).expand(-1, steps, -1) for values in still]
        return parts[0] if len(parts) == 1 else torch.cat(parts, -1)

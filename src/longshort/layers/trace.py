"""What the layers of a stack gave, put together for who asked for it."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from longshort.kernels.reference import Options, State, Steps
from longshort.layers.settings import Merge


class Trace(NamedTuple):
    """What a layer gives for ``return_gates=True``.

    ``output`` and ``state`` are what it gives without. ``states`` holds each part of the state
    after every step, by name ("h", "c", ...), and ``gates`` each gate at every step ("i", "f", "g",
    "o" of an LSTM; "r", "z", "n" of a GRU), as ``kernels.reference`` defines them: (N, B, T, .) if
    ``batch_first``, else (N, T, B, .), and (N, T, .) for unbatched input. Zero at padding.
    """

    output: Any
    state: Any
    states: dict[str, Tensor]
    gates: dict[str, Tensor]


class Runs(NamedTuple):
    """Each layer's output, the last state, and what each layer and direction gave."""

    outputs: list[Tensor]
    state: State
    runs: list[Steps]

    def trace(
        self, cell: Options, batched: bool, batch_first: bool
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """States and gates by name, as ``Trace`` says."""

        def named(names: tuple[str, ...], kind: str) -> dict[str, Tensor]:
            found = {}
            for at, name in enumerate(names):
                whole = torch.stack([getattr(run, kind)[at] for run in self.runs])
                if not batched:
                    whole = whole.squeeze(1)
                elif not batch_first:
                    whole = whole.transpose(1, 2)
                found[name] = whole
            return found

        return named(cell.parts, "states"), named(cell.recorded, "gates")


def merge(sides: list[Tensor], how: Merge) -> Tensor:
    """Both directions as one."""
    if len(sides) == 1:
        return sides[0]
    if how == "concat":
        return torch.cat(sides, dim=2)
    if how == "product":
        return sides[0] * sides[1]
    total = sides[0] + sides[1]
    return total / 2 if how == "mean" else total

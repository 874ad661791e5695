"""What a stack costs, with the other cells of the same size beside it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from longshort.kernels.reference import GRUOptions, LSTMOptions, RNNOptions
from longshort.layers.parameters import shapes


class Cost(NamedTuple):
    """One stack of one cell.

    ``parameters`` are the numbers that training adjusts; ``products`` the multiplications with
    weights that one row costs per time step; ``state`` the numbers that are remembered per row.
    """

    cell: str
    parameters: int
    products: int
    state: int


@dataclass(frozen=True)
class Summary:
    """Costs side by side, the layer's own first; as text, a table."""

    rows: tuple[Cost, ...]

    def __str__(self) -> str:
        table = [("", "parameters", "products per step", "state per row")]
        table += [
            (c.cell, f"{c.parameters:,}", f"{c.products:,}", f"{c.state:,}") for c in self.rows
        ]
        widths = [max(len(line[at]) for line in table) for at in range(4)]
        return "\n".join(
            "  ".join(
                [line[0].ljust(widths[0])]
                + [word.rjust(wide) for word, wide in zip(line[1:], widths[1:], strict=True)]
            )
            for line in table
        )


def cost(
    cell: str, weights: Sequence[dict[str, tuple[int, ...]]], learned: int, state: int
) -> Cost:
    """The cost of a stack with parameters of these shapes, one dictionary per layer and direction.

    Args:
        cell: its name.
        weights: shapes of the weights by the kernels' names.
        learned: numbers of the state to begin with that are learned.
        state: numbers of the state.
    """
    every = [(name, shape) for one in weights for name, shape in one.items()]
    # norms and peepholes multiply too; biases only add
    weighing = [shape for name, shape in every if not name.startswith("b_") and "bias" not in name]
    parameters = sum(math.prod(shape) for _, shape in every) + learned
    return Cost(cell, parameters, sum(math.prod(shape) for shape in weighing), state)


def plain_costs(
    but: str, features: int, units: int, depth: int, directions: int, *, bias: bool
) -> list[Cost]:
    """The costs of plain stacks of that size, of every cell but one."""
    found = []
    places = depth * directions
    for cell in (LSTMOptions(), GRUOptions(), RNNOptions()):
        if cell.cell != but:
            widths = [features if p < directions else units * directions for p in range(places)]
            weights = [shapes(cell, width, units, bias=bias) for width in widths]
            found.append(cost(cell.cell, weights, 0, places * units * len(cell.parts)))
    return found

"""What forecasts lean on."""

from __future__ import annotations

from dataclasses import dataclass

from longshort.records.written import Written


@dataclass(frozen=True)
class Leaning:
    """How much the forecasts of one step lean on one column: shares of all that they lean on.

    ``past`` is by lag, 1 the last row that was read; ``ahead`` by step ahead, where the column is
    known in advance; ``still`` is of what does not change in time.
    """

    target: str
    step: int
    column: str
    past: tuple[float, ...] = ()
    ahead: tuple[float, ...] = ()
    still: float = 0.0

    @property
    def share(self) -> float:
        """Of the column as a whole, 0 to 1."""
        return sum(self.past) + sum(self.ahead) + self.still


@dataclass(frozen=True)
class Permutation:
    """How much worse the forecasts of one step are when a column is exchanged among windows.

    ``rise`` is the mean absolute error then over the error as it is, less 1; ``low`` and ``high``
    are the least and the greatest of several exchanges.
    """

    target: str
    step: int
    column: str
    rise: float
    low: float
    high: float


@dataclass(frozen=True)
class Explanation(Written):
    """What forecasts lean on, over windows of the validation part.

    ``leanings`` are mean sizes of integrated gradients, from the training part's mean to each of
    ``windows`` windows; ``gap`` is the most that they fail to add up to, as a share of the mean
    difference between a forecast and that of the baseline. ``permutations`` are measured on
    ``exchanged`` windows. Both cover a few ``steps`` ahead, the first and the last among them.
    """

    source: str
    targets: tuple[str, ...]
    columns: tuple[str, ...]
    steps: tuple[int, ...]
    horizon: int
    time_step: str
    windows: int
    exchanged: int
    gap: float
    leanings: tuple[Leaning, ...]
    permutations: tuple[Permutation, ...]

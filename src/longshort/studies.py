"""Plain records of how a model's settings were chosen, and of what its forecasts lean on."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Literal

# How a trial of settings ended: "early" because others were better by then.
Outcome = Literal["done", "early", "failed"]


@dataclass(frozen=True)
class Trial:
    """One choice of settings that was tried, by the names that ``set_params`` takes.

    ``loss`` is the best validation loss of its one network, also of a trial that was given up
    before its end because others were better by then; None where training failed.
    """

    number: int
    settings: dict[str, str | int | float | bool]
    loss: float | None
    outcome: Outcome
    epochs: int
    seconds: float


@dataclass(frozen=True)
class Tuning:
    """A search for settings on the validation part.

    ``best`` is the number of the trial whose settings were taken; trial 0 has the settings that the
    search was given. ``importance`` is each setting's share of what the losses of all finished
    trials vary by (functional ANOVA, Hutter, Hoos and Leyton-Brown 2014); empty where there are too
    few to say. ``unit`` is the loss's.
    """

    trials: tuple[Trial, ...]
    best: int
    importance: dict[str, float] = field(default_factory=dict)
    unit: str = ""


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
class Explanation:
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

    def to_json(self) -> str:
        """This record as JSON text."""
        return json.dumps(asdict(self), ensure_ascii=False, allow_nan=False, indent=1)

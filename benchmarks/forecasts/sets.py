"""Every set of the forecasting benchmark: data, cut, recipe and goals, all chosen on validation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from forecasts import data
from longshort import Columns, Decoder, Recurrent, Scaling, Split, Training, Window
from longshort.yardsticks.roster import Choice


@dataclass(frozen=True)
class Goal:
    """What a measure must be at most, and should be."""

    measure: str
    must: float
    aim: float | None = None


@dataclass(frozen=True)
class Set:
    """One task.

    Args:
        title: of its part of the page.
        told: what it is, and how it is cut, in a sentence or two.
        read: the table.
        columns, horizon, split: the task; ``split`` names the first times of validation and test.
        recipe: arguments of ``Forecaster``.
        measures: what is shown, by name; see ``score``.
        goals: on the LSTM's row.
        yardsticks: those of ``evaluate``.
        part: what is opened, in the ledger's words.
        benchmark: under which name; by default the set's own.
        fixed: errors are divided by the standard deviations of so many first rows; 0 for none.
        curve: the learning curve's shares of the training part, one over each of these.
    """

    name: str
    title: str
    told: str
    read: Callable[[], pl.DataFrame]
    columns: Columns
    horizon: int
    split: Split
    recipe: dict[str, Any]
    measures: tuple[str, ...]
    goals: tuple[Goal, ...] = ()
    yardsticks: Choice = "quick"
    part: str = "test"
    benchmark: str = ""
    fixed: int = 0
    curve: tuple[int, ...] = ()

    def without_test(self) -> Set:
        """The same task where no test part is kept."""
        return replace(self, split=Split(self.split.valid, None))


def _ett(horizon: int, targets: tuple[str, ...], goal: Goal, name: str, **recipe: Any) -> Set:
    alone = len(targets) == 1
    which = "oil temperature alone" if alone else "all seven columns"
    # Zeng et al. 2023, table 2
    published = {96: 0.375}
    more = "" if alone or horizon not in published else f" Published: DLinear {published[horizon]}."
    return Set(
        name,
        f"ETTh1, {which}, {horizon} hours ahead",
        "Load and oil temperature of a transformer by the hour; 12 months to learn from, 4 to "
        "choose, 4 to test. Errors are in standard deviations of the first 12 months, as usual."
        + more,
        data.etth1,
        Columns("date", target=targets, past=()),
        horizon,
        Split("2017-06-26 00:00:00", "2017-10-24 00:00:00"),
        {**SEGMENTS, **recipe},
        ("MSE", "MAE"),
        (goal,),
        fixed=12 * 30 * 24,
        part="last 4 of 20 months",
    )


# segments of a day, one column at a time, relative to its last value, with a line through it all
SEGMENTS: dict[str, Any] = {
    "window": Window(336, season=24, calendar=False),
    "recurrent": Recurrent(64, dropout=0.0),
    "decoder": Decoder("context", 24, "shared", centred=True),
    "output": "mae",
    "training": Training(
        epochs=10, batch=64, rate=1e-3, weight_decay=0.01, schedule="linear", patience=3
    ),
}
# one column alone has little to learn from
FEW: dict[str, Any] = {"recurrent": Recurrent(16, dropout=0.3)}
WEATHER = Set(
    "seattle",
    "Seattle's weather, 1 to 7 days ahead",
    "Highest and lowest temperature of the day, degrees C; 2012 and 2013 to learn from, 2014 to "
    "choose, 2015 to test; once all is chosen, networks and yardsticks learn from 2014, too.",
    data.seattle,
    Columns("date", target=("temp_max", "temp_min")),
    7,
    Split("2014-01-01", "2015-01-01"),
    {"training": Training(refit=True)},
    ("temp_max day 1", "temp_max days 1-7", "temp_min day 1", "temp_min days 1-7"),
    (
        Goal("temp_max day 1", 2.12),
        Goal("temp_max days 1-7", 2.70),
        Goal("temp_min day 1", 1.37),
    ),
    "all",
    "2015",
    "seattle",
)
LOAD = Set(
    "taylor",
    "Electricity demand of England and Wales, 48 half-hours ahead",
    "12 weeks of half-hours: 8 to learn from, 2 to choose, 2 to test; once all is chosen, networks "
    "and yardsticks learn from the first 10.",
    data.taylor,
    Columns("time", target="demand"),
    48,
    Split("2000-07-31T00:00", "2000-08-14T00:00"),
    {
        "window": Window(48, "season", 336, calendar=False, differences=True),
        "recurrent": Recurrent(16, dropout=0.3),
        "decoder": Decoder("context"),
        "output": "mae",
        "training": Training(epochs=20, rate=5e-4, schedule="cosine", patience=6, refit=True),
    },
    ("MAPE %",),
    (Goal("MAPE %", 1.25, 1.15),),
    part="last 2 of 12 weeks",
    curve=(1, 2, 4),
)
MONEY = Set(
    "exchange",
    "Exchange rates, 1 to 24 days ahead",
    "Eight currencies in dollars; 70 % of the days to learn from, 10 % to choose, 20 % to test. "
    "The last value is expected to win.",
    data.exchange,
    Columns(None, target=data.CURRENCIES, past=()),
    24,
    Split(0.1, 0.2),
    {
        "window": Window(96, season=1),
        "recurrent": Recurrent(32, dropout=0.0),
        "decoder": Decoder("none", 8, "shared", centred=True),
        "output": "mae",
        "training": Training(epochs=4, batch=64, rate=1e-3, schedule="linear", patience=2),
    },
    ("MSE", "MAE"),
    fixed=5311,
    part="last 20 %",
)
FLIGHTS = Set(
    "passengers",
    "AirPassengers, 12 months ahead",
    "144 months: 96 to learn from, 24 to choose, 24 to test; 13 origins say little, and their "
    "intervals say how little.",
    data.passengers,
    Columns("month", target="passengers"),
    12,
    Split("1957-01-01", "1959-01-01"),
    {
        "window": Window(24, "season", 12),
        "scaling": Scaling(log=True),
        "recurrent": Recurrent(16, dropout=0.0),
        "output": "mae",
        "training": Training(epochs=60, batch=8, rate=3e-3, refit=True),
    },
    ("MAE", "MAPE %"),
    yardsticks="all",
    part="last 2 of 12 years",
)
EPIDEMIC = Set(
    "covid",
    "Covid3Month, 7 days ahead in 201 countries",
    "Confirmed cases by the day; 56 days to learn from, 14 to choose, the last 14 to test: an "
    "outbreak, so that nothing that was learnt from is as large as what is tested.",
    data.covid,
    Columns("day", ("country",), target="cases"),
    7,
    Split("2020-03-05", "2020-03-19"),
    {
        "window": Window(14, season=7, calendar=False),
        "scaling": Scaling(log=True),
        "recurrent": Recurrent(32, dropout=0.0),
        "decoder": Decoder(centred=True),
        "training": Training(epochs=20, batch=64, patience=4, refit=True),
    },
    ("MAE", "CRPS"),
    part="last 14 of 84 days",
)
SETS = {
    found.name: found
    for found in (
        WEATHER,
        _ett(96, data.ETT, Goal("MSE", 0.375, 0.36), "etth1-96"),
        _ett(24, data.ETT, Goal("MSE", 0.32), "etth1-24"),
        _ett(96, ("OT",), Goal("MSE", 0.058), "etth1-96-ot", **FEW),
        _ett(24, ("OT",), Goal("MSE", 0.0275), "etth1-24-ot", **FEW),
        LOAD,
        MONEY,
        FLIGHTS,
        EPIDEMIC,
    )
}

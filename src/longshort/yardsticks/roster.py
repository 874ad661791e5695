"""All yardsticks there are, and what is left out because it would take too long."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

from longshort.data.windows import Windows
from longshort.errors import ArgumentError, suggest
from longshort.yardsticks import statistical
from longshort.yardsticks.base import Yardstick
from longshort.yardsticks.boosting import Boosting
from longshort.yardsticks.ridge import RidgeAR
from longshort.yardsticks.series import Climatology, Drift, Mean, Persistence, SeasonalNaive
from longshort.yardsticks.statistical import Statistical

# "all": also those that take seconds to minutes; "quick": rules and ridge autoregression
Choice = Literal["all", "quick"]

# forecasts of one series and target, from one origin, that a model rolls forward in about 30 s;
# ARIMA takes all origins at once
_MOST = {"AutoETS": 100_000, "Theta": 40_000}
# numbers that trees answer in about a minute
_ANSWERS = 5_000_000


class Roster(NamedTuple):
    """Yardsticks, unfitted, and a sentence for each that is left out."""

    yardsticks: list[Yardstick]
    left_out: tuple[str, ...]


def all_yardsticks(season: int | None) -> list[Yardstick]:
    """The quick ones; the seasonal naive only where ``season`` is more than one row."""
    found: list[Yardstick] = [Persistence()]
    if season is not None and season > 1:
        found.append(SeasonalNaive(season))
    return [*found, Drift(), Mean(), Climatology(), RidgeAR()]


def roster(
    windows: list[Windows], season: int | None, fitted_season: int, choice: Choice = "all"
) -> Roster:
    """What can be afforded for these windows.

    Args:
        windows: all that will be forecast.
        season: of the seasonal naive, None for none.
        fitted_season: of the statistical models, 1 for none.
        choice: see ``Choice``.

    Raises:
        ArgumentError: the choice is unknown.
    """
    if choice not in get_args(Choice):
        raise ArgumentError(f"yardsticks={choice!r}: {suggest(choice, get_args(Choice))}")
    found = all_yardsticks(season)
    if choice == "quick":
        return Roster(found, ())
    targets, used = len(windows[0].targets), windows[0].last > windows[0].first
    # models that are shared are tried on every series first
    others = max(0, int(used.sum()) - statistical.FITS // targets)
    forecasts = sum(len(part) * targets for part in windows)
    forecasts += others * targets * statistical.TRIED * statistical.ASKED
    answers = sum(len(part) * len(part.targets) * part.horizon for part in windows)
    left_out = []
    if answers <= _ANSWERS:
        found.append(Boosting())
    else:
        left_out.append(
            f"Gradient boosting was left out: {answers:,} answers are more than the {_ANSWERS:,} "
            "that it is asked for."
        )
    if not statistical.installed():
        left_out.append(
            "AutoETS, AutoARIMA and Theta were left out: they need statsforecast "
            "(pip install 'longshort[yardsticks]')."
        )
        return Roster(found, tuple(left_out))
    for name, make in (
        ("AutoETS", statistical.ets),
        ("AutoARIMA", statistical.arima),
        ("Theta", statistical.theta),
    ):
        if forecasts <= _MOST.get(name, forecasts):
            found.append(Statistical(name, make, fitted_season))
        else:
            left_out.append(
                f"{name} was left out: {forecasts:,} forecasts are more than the {_MOST[name]:,} "
                "that it is rolled forward to."
            )
    return Roster(found, tuple(left_out))

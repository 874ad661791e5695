"""Where the series of the forecasting benchmark come from, as tables.

``LONGSHORT_DATA`` is a folder with ``series/ETTh1.csv`` and ``series/exchange_rate.csv`` as their
authors give them. The others come out of installed packages: Seattle's weather is in ``examples``,
the load and AirPassengers in pmdarima, Covid3Month in sktime; neither package is imported.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import polars as pl
from record import ROOT

ETT = ("HUFL", "HULL", "MUFL", "MULL", "LUFL", "LULL", "OT")
CURRENCIES = ("AUD", "GBP", "CAD", "CHF", "CNY", "JPY", "NZD", "SGD")
HOUR, HALF_HOUR, DAY = (np.timedelta64(n, "m") for n in (60, 30, 1440))


def seattle() -> pl.DataFrame:
    """Daily weather of Seattle, 2012 to 2015."""
    return pl.read_csv(ROOT / "examples" / "seattle-weather.csv", try_parse_dates=True)


def etth1() -> pl.DataFrame:
    """An electricity transformer by the hour: 12, 4 and 4 months of 30 days (Zhou et al. 2021)."""
    rows = 20 * 30 * 24
    return pl.read_csv(_given("ETTh1.csv"), try_parse_dates=True)[:rows]


def exchange() -> pl.DataFrame:
    """Eight currencies in dollars by the working day, 1990 to 2010 (Lai et al. 2018)."""
    rates = pl.read_csv(_given("exchange_rate.csv"), new_columns=CURRENCIES)
    return rates.select(pl.int_range(pl.len()).alias("day"), pl.all())


def taylor() -> pl.DataFrame:
    """Electricity demand of England and Wales by the half-hour, 12 weeks (Taylor 2003)."""
    demand = _numbers(_package("pmdarima") / "datasets" / "taylor.py")
    times = np.datetime64("2000-06-05T00:00", "us") + np.arange(len(demand)) * HALF_HOUR
    return pl.DataFrame({"time": times, "demand": demand})


def passengers() -> pl.DataFrame:
    """Airline passengers by the month, 1949 to 1960, in thousands (Box and Jenkins 1970)."""
    counts = _numbers(_package("pmdarima") / "datasets" / "airpassengers.py")
    months = np.datetime64("1949-01") + np.arange(len(counts))
    return pl.DataFrame({"month": months.astype("datetime64[D]"), "passengers": counts})


def covid() -> pl.DataFrame:
    """Confirmed cases of 201 countries by the day, 84 days to 1 April 2020 (UEA archive)."""
    folder = _package("sktime") / "datasets" / "data" / "Covid3Month"
    lines = [line for part in ("TRAIN", "TEST") for line in _rows(folder, part)]
    cases = [np.array(line.split(":")[0].split(","), np.float64) for line in lines]
    days = np.datetime64("2020-01-09") + np.arange(len(cases[0]))
    return pl.DataFrame(
        {
            "country": np.repeat([f"{n:03d}" for n in range(len(cases))], len(days)),
            "day": np.tile(days, len(cases)),
            "cases": np.concatenate(cases),
        }
    )


def _rows(folder: Path, part: str) -> Iterator[str]:
    lines = (folder / f"Covid3Month_{part}.ts").read_text().splitlines()
    return (line for line in lines if line and line[0] not in "#@")


def _given(name: str) -> Path:
    folder = os.environ.get("LONGSHORT_DATA")
    if folder is None or not (path := Path(folder) / "series" / name).exists():
        raise SystemExit(f"set LONGSHORT_DATA to a folder with series/{name}")
    return path


def _package(name: str) -> Path:
    found = find_spec(name)
    if found is None or not found.submodule_search_locations:
        raise SystemExit(f"{name} is not installed, and its data are read: pip install {name}")
    return Path(next(iter(found.submodule_search_locations)))


def _numbers(path: Path) -> np.ndarray:
    """The longest list of numbers in a source file."""
    lists = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.List)]
    longest = max(lists, key=lambda node: len(node.elts))
    return np.array(ast.literal_eval(longest), np.float64)

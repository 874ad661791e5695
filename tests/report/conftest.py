from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from longshort.records import (
    Comparison,
    Contender,
    DataSummary,
    Epoch,
    Evaluation,
    Event,
    Explanation,
    FieldSummary,
    ForecastPoint,
    History,
    Leaning,
    Pair,
    Part,
    Permutation,
    Reliability,
    Score,
    StepScore,
    Trial,
    Tuning,
)

TARGETS = {"temp_max": "°C", "wind": "m/s"}
METHODS = {
    "LSTM": ("lstm", 1.0),
    "last value": ("naive", 1.16),
    "seasonal naive": ("naive", 1.42),
    "AutoETS": ("classical", 1.06),
    "linear regression": ("classical", 1.02),
}
LEVELS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
DAYS, HORIZON = 365, 7


@pytest.fixture(scope="session")
def weather_of() -> Callable[[int], Evaluation]:
    """The same record over any number of days."""
    return weather


@pytest.fixture(scope="session")
def evaluation() -> Evaluation:
    """A year of daily weather, forecast a week ahead, as an evaluation would record it."""
    return weather()


@pytest.fixture(scope="session")
def comparison(evaluation: Evaluation) -> Comparison:
    """Two configurations beside the weather's yardsticks."""
    return contest(evaluation)


def contest(evaluation: Evaluation) -> Comparison:
    shared = {
        name: getattr(evaluation, name)
        for name in (
            "targets", "units", "horizon", "level", "season", "mase_season", "origins",
            "reference", "data", "settings", "environment", "notes",
        )
    }  # fmt: skip
    both = ("small", "wide")
    ours = [s for s in evaluation.scores if s.kind == "lstm"]
    rest = [s for s in evaluation.scores if s.kind != "lstm"]
    scores = [replace(s, method=name) for name in both for s in ours] + rest
    methods = dict.fromkeys(s.method for s in scores)
    errors = dict.fromkeys(evaluation.targets, (1.5, 1.25))
    return Comparison(
        **shared,
        contenders=(
            Contender("small", {}, 1234, 75.0, (0, 1), 0.912, errors),
            Contender("wide", {"size": "64", "cell": "gru"}, 56789, 150.0, (0, 1), 0.923, errors),
        ),
        chosen="small",
        rival=dict.fromkeys(evaluation.targets, "AutoETS"),
        scores=tuple(scores),
        pairs=tuple(
            Pair(target, "small", other, -0.042, -0.06, -0.021, 0.0004 if i else 0.0317)
            for target in evaluation.targets
            for i, other in enumerate(m for m in methods if m != "small")
        ),
        verdict="Of 2 configurations, 'small' had the least error on the validation part.",
    )


def weather(days: int = DAYS) -> Evaluation:
    rng = np.random.default_rng(20150101)
    return Evaluation(
        task="forecast",
        targets=tuple(TARGETS),
        units=tuple(TARGETS.values()),
        horizon=HORIZON,
        level=0.8,
        season=365,
        mase_season=1,
        origins=days - HORIZON + 1,
        reference=dict.fromkeys(TARGETS, "last value"),
        scores=scores(),
        steps=steps(),
        reliability=reliability(rng),
        forecasts=forecasts(rng, days),
        verdict=(
            "The LSTM earned its keep on temp_max: its error is 13.8 % below the best naive "
            "method's (95 % interval 10.3 to 17.1). On wind it did not: 2.6 % below (-0.9 to 5.9), "
            "which chance may explain."
        ),
        data=summary(days),
        history=history(rng),
        settings={
            "context": "60",
            "recurrent": "LSTM, 64 units, depth 1",
            "training": "Adam, rate 0.003, batch 64, clip 1.0, patience 8",
            "members": "3",
            "seed": "0",
        },
        environment={"longshort": "0.1.0", "torch": "2.10.0", "python": "3.11", "device": "cpu"},
        notes=(
            "The weather station reports wind as a daily mean; 2 of its days are missing.",
            "Every method forecasts from the same 359 origins.",
        ),
    )


def scores() -> tuple[Score, ...]:
    rows = []
    for target, size in (("temp_max", 2.412), ("wind", 0.9123)):
        for method, (kind, factor) in METHODS.items():
            factor = factor if target == "temp_max" else 1 + (factor - 1) / 6
            naive = 1.16 if target == "temp_max" else 1 + 0.16 / 6
            skill = None if method == "last value" else 1 - factor / naive
            rows.append(
                Score(
                    method=method,
                    kind=kind,  # type: ignore[arg-type]
                    target=target,
                    mae=size * factor,
                    rmse=size * factor * 1.29,
                    mase=0.913 * factor,
                    crps=size * factor * 0.74,
                    coverage=0.812 - 0.05 * (factor - 1),
                    width=size * factor * 3.1,
                    skill=skill,
                    skill_low=None if skill is None else skill - 0.035,
                    skill_high=None if skill is None else skill + 0.033,
                )
            )
    return tuple(rows)


def steps() -> tuple[StepScore, ...]:
    return tuple(
        StepScore(
            method,
            target,
            step,
            size * factor * (1 - 0.45 * math.exp(-(step - 1) / 1.7)),
            0.81 - 0.004 * step * factor,
        )
        for target, size in (("temp_max", 2.7), ("wind", 0.96))
        for method, (_, factor) in METHODS.items()
        for step in range(1, HORIZON + 1)
    )


def reliability(rng: np.random.Generator) -> tuple[Reliability, ...]:
    return tuple(
        Reliability(
            method,
            target,
            level,
            float(
                np.clip(level + (factor - 0.98) * 0.3 * (0.5 - level) + rng.normal(0, 0.008), 0, 1)
            ),
        )
        for target in TARGETS
        for method, (_, factor) in METHODS.items()
        for level in LEVELS
    )


def forecasts(rng: np.random.Generator, days: int) -> tuple[ForecastPoint, ...]:
    start = date(2015, 1, 1)
    points = []
    for target, centre, swing, noise in (("temp_max", 16.0, 9.5, 2.4), ("wind", 3.2, -0.7, 0.9)):
        season = centre - swing * np.cos(2 * np.pi * (np.arange(days) - 20) / 365.25)
        shocks = np.zeros(days)
        for day in range(1, days):
            shocks[day] = 0.72 * shocks[day - 1] + rng.normal(0, noise)
        actual = season + shocks
        for origin in range(days):
            # one step ahead everywhere, the whole horizon from every tenth origin
            ahead = HORIZON if origin % 10 == 0 and origin + HORIZON <= days else 1
            known = shocks[origin - 1] if origin else 0.0
            for step in range(1, ahead + 1):
                day = origin + step - 1
                point = float(season[day] + known * 0.72**step)
                half = 1.28 * noise * math.sqrt(sum(0.72 ** (2 * i) for i in range(step)))
                missing = target == "wind" and day in (40, 41)
                points.append(
                    ForecastPoint(
                        series="",
                        target=target,
                        time=(start + timedelta(days=day)).isoformat(),
                        step=step,
                        actual=None if missing else float(actual[day]),
                        point=point,
                        low=point - half,
                        high=point + half,
                    )
                )
    return tuple(points)


def summary(days: int) -> DataSummary:
    return DataSummary(
        source="seattle-weather.csv",
        series=1,
        rows=1096 + days,
        step="1 day",
        fill="none",
        fields=(
            FieldSummary("temp_max", "target", "°C", 0, -1.6, 16.44, 35.6),
            FieldSummary("wind", "target", "m/s", 2, 0.4, 3.241, 9.5),
            FieldSummary("precipitation", "past", "mm", 0, 0.0, 3.029, 55.9),
            FieldSummary("temp_min", "past", "°C", 0, -7.1, 8.235, 18.3),
        ),
        parts=(
            Part("train", "2012-01-01", "2013-12-31", 731, 665),
            Part("valid", "2014-01-01", "2014-12-31", 365, 359),
            Part("test", "2015-01-01", "2015-12-31", days, days - HORIZON + 1),
        ),
    )


def history(rng: np.random.Generator) -> History:
    epochs = []
    for member in range(3):
        best = math.inf
        for epoch in range(19 + 3 * member):
            train = 0.62 + 0.75 * math.exp(-epoch / 4) - 0.004 * epoch + rng.normal(0, 0.006)
            valid = 0.66 + 0.62 * math.exp(-epoch / 3.4) + 0.003 * epoch + rng.normal(0, 0.011)
            better, best = valid < best, min(best, valid)
            epochs.append(Epoch(member, epoch, float(train), float(valid), 0.8, 0.003, 1.7, better))
    return History(tuple(epochs), ("early", "early", "epochs"), "nats")


@pytest.fixture(scope="session")
def explanation() -> Explanation:
    """Temperature leans on itself a day ago and on the rain of three days ago."""
    shares = {
        "temp_max": ((0.5, 0.05, 0.0), (), 0.0), "precipitation": ((0.0, 0.0, 0.25), (), 0.0),
        "holiday": ((0.0, 0.0, 0.02), (0.1, 0.0, 0.0, 0.0, 0.0, 0.0, 0.03), 0.0),
        "height": ((), (), 0.05),
    }  # fmt: skip
    steps, targets = (1, 4, 7), ("temp_max", "wind")
    every = [(target, step, name) for target in targets for step in steps for name in shares]
    return Explanation(
        source="seattle-weather.csv",
        targets=targets,
        columns=tuple(shares),
        steps=steps,
        horizon=HORIZON,
        time_step="1 day",
        windows=128,
        exchanged=359,
        gap=0.0004,
        leanings=tuple(Leaning(t, step, name, *shares[name]) for t, step, name in every),
        permutations=tuple(
            Permutation(t, step, name, 2 * sum(shares[name][0]), 0.0, 1.0)
            for t, step, name in every
        ),
    )


@pytest.fixture(scope="session")
def tuning() -> Tuning:
    """Four trials, the second the best."""
    return Tuning(
        (
            trial(0, 32, 0.003, 0.71, "done"),
            trial(1, 64, 0.0121, 0.62, "done"),
            trial(2, 16, 0.0005, 0.9, "early"),
            trial(3, 128, 0.03, None, "failed"),
        ),
        best=1,
        importance={"training__rate": 0.7, "recurrent__size": 0.3},
        unit="pinball",
    )


def trial(number: int, size: int, rate: float, loss: float | None, outcome: Any) -> Trial:
    settings = {"recurrent__size": size, "training__rate": rate, "window__relative": "last"}
    return Trial(number, settings, loss, outcome, 12, 3.5)


@pytest.fixture(scope="session")
def eventful(evaluation: Evaluation, explanation: Explanation, tuning: Tuning) -> Evaluation:
    """The record with all that a record can hold: what happened, what was tried, what it means."""
    told = "the loss is nan at epoch 4, batch 5: back to batch 0 with half the rate, 0.0015"
    first, *others = evaluation.history.epochs
    events = (Event("recovery", 5, told), Event("memory", 7, "not enough memory for 64 rows"))
    epochs = (first, *others[:2], replace(others[2], events=events), *others[3:])
    history = replace(evaluation.history, epochs=epochs)
    return replace(evaluation, history=history, explanation=explanation, tuning=tuning)

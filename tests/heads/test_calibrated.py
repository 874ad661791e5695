"""Trained on processes whose distribution is known, heads say that distribution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from scipy import stats

from longshort import Columns, Forecaster, Recurrent, Split, Training, Window
from longshort.data.windows import Windows

DECAY, SPREAD, LEVEL, DISPERSION = 0.7, 3.0, 50.0, 0.2
OUTPUTS = {
    "gaussian": "gaussian",
    "student-t": "student-t",
    "counts": "negative-binomial",
    "rare": "negative-binomial",
}


@dataclass(frozen=True)
class World:
    """Values and, for each, SciPy's distribution of it given what came before."""

    values: np.ndarray
    truth: Any


def world(kind: str, rows: int, seed: int = 0) -> World:
    """An autoregression with Gauss's or Student's noise (4 degrees), or counts of a weekly mean."""
    rng = np.random.default_rng(seed)
    if kind in ("gaussian", "student-t"):
        noise = stats.norm() if kind == "gaussian" else stats.t(4)
        y, values = 0.0, np.zeros(rows)
        for row, draw in enumerate(noise.rvs(rows, random_state=rng)):
            y = DECAY * y + draw
            values[row] = LEVEL + SPREAD * y
        before = np.concatenate([[LEVEL], values[:-1]])
        place = LEVEL + DECAY * (before - LEVEL)
        family = stats.norm(place, SPREAD) if kind == "gaussian" else stats.t(4, place, SPREAD)
        return World(values, family)
    phase = np.sin(2 * np.pi * np.arange(rows) / 7)
    if kind == "rare":
        poisson = stats.poisson(0.8 + 0.6 * phase)
        return World(poisson.rvs(random_state=rng).astype(float), poisson)
    mean = 12 + 10 * phase
    chance = 1 / (1 + DISPERSION * mean)
    counts = stats.nbinom(1 / DISPERSION, chance)
    return World(counts.rvs(random_state=rng).astype(float), counts)


def log_chance(truth: Any, values: np.ndarray) -> np.ndarray:
    discrete = hasattr(truth.dist, "logpmf")
    return truth.logpmf(values) if discrete else truth.logpdf(values)


def told(parameters: np.ndarray, output: str, scale: float) -> Any:
    """What the head says, as SciPy's distribution of raw values minus the codec's centre."""
    if output == "gaussian":
        return stats.norm(parameters[:, 0] * scale, parameters[:, 1] * scale)
    if output == "student-t":
        return stats.t(parameters[:, 2], parameters[:, 0] * scale, parameters[:, 1] * scale)
    mean, dispersion = np.exp(parameters[:, 0]), np.exp(parameters[:, 1])
    return stats.nbinom(1 / dispersion, 1 / (1 + dispersion * mean))


CASES = [
    ("student-t", 2500),
    ("counts", 2500),
    *[pytest.param(kind, 6000, marks=pytest.mark.slow) for kind in OUTPUTS],
]


@pytest.mark.parametrize(("kind", "rows"), CASES)
def test_a_known_process_is_told_as_it_is(kind: str, rows: int) -> None:
    output, process = OUTPUTS[kind], world(kind, rows)
    days = np.datetime64("2010-01-01") + np.arange(rows)
    model = Forecaster(
        Columns("day", target="y"),
        output=output,
        window=Window(context=14),
        split=Split(valid=0.15, test=0.4),
        recurrent=Recurrent(size=16, dropout=0.0),
        training=Training(members=1, epochs=15, patience=5),
    ).fit(pl.DataFrame({"day": days, "y": process.values}))
    series = model._read_again(pl.DataFrame({"day": days, "y": process.values}))
    test = Windows(series, model.encoding_, np.array([int(0.6 * rows)]), np.array([rows]))
    (net,) = model.models_
    batch = test.batch(range(len(test)))
    with torch.no_grad():
        encoded = net.encoder(batch)
        nats = net.head.loss(encoded, batch).mean.item()
        parameters = net.head._answer(encoded, batch)[:, 0, 0].double().numpy()
    centre, scale = float(model.encoding_.codec.centre[0]), float(model.encoding_.codec.spread[0])
    values = process.values[-len(test) :]
    least = -log_chance(process.truth, process.values)[-len(test) :].mean()
    # densities are of encoded values
    nats += 0.0 if output == "negative-binomial" else np.log(scale)
    # -log p of the truth is the least that can be reached but for chance
    assert -0.01 < nats - least < 0.03
    said = told(parameters, output, scale)
    place = said.cdf(values - centre)
    if output == "negative-binomial":
        # a count is a jump: anywhere along it
        inside = np.random.default_rng(1).random(len(values)) * said.pmf(values)
        place = said.cdf(values - 1) + inside
    # Kolmogorov and Smirnov's distance, three times what chance alone allows half of the time
    assert stats.kstest(place, "uniform").statistic < 2.5 / np.sqrt(len(values))
    assert abs(np.mean((place > 0.1) & (place < 0.9)) - 0.8) < 0.03

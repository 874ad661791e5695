"""Sessions: the streaming law, what arrives when, and states that are kept."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from longshort import Arrival, Partition, Recurrent, SeriesModel, Session, Signal, Training
from longshort.errors import ArgumentError, DataError, ModelFileError
from longshort.heads.sequel import Sequel

QUICK: dict[str, Any] = {
    "recurrent": Recurrent(8, depth=2, dropout=0.0),
    "training": Training(epochs=2, members=2, rate=1e-2),
    "partition": Partition(test=0.2),
}


def waves(items: int = 20, rows: int = 24, missing: float = 0.1) -> Any:
    rng = np.random.default_rng(0)
    phase = rng.uniform(0, 6, (items, 1))
    wave = 5 + 3 * np.sin(0.5 * np.arange(rows) + phase) + rng.normal(0, 0.1, (items, rows))
    walk = rng.normal(size=(items, rows)).cumsum(1)
    found = np.stack([wave, walk], 2)
    found[rng.random(found.shape) < missing] = np.nan
    return found


@pytest.fixture(scope="module")
def series() -> SeriesModel:
    return SeriesModel(head=Sequel(steps=2), **QUICK).fit(waves())


@pytest.mark.parametrize(
    "model",
    [
        {},
        {"signal": Signal(gaps="decay")},
        {"signal": Signal(scale="ranks", gaps="mean")},
        {"recurrent": Recurrent(8, dropout=0.0, stem=3)},
        {"recurrent": Recurrent(8, dropout=0.0, cell="gru")},
    ],
)
def test_a_series_model_tells_each_row_as_of_the_whole(model: dict[str, Any]) -> None:
    values = waves()
    fitted = SeriesModel(**QUICK | model).fit(values)
    whole = fitted.losses(values)
    session = Session(fitted, len(values))
    for row in range(values.shape[1]):
        told = session.push_many(values[:, row])
        wanted = np.stack([own[row] for own in whole])
        np.testing.assert_allclose(told.surprise, wanted, rtol=1e-4, atol=1e-5)
    assert session.memory == "carried"


def test_sessions_in_any_order_with_snapshots_between(series: SeriesModel) -> None:
    values = waves()
    whole = series.losses(values)
    rng = np.random.default_rng(1)
    session = Session(series, len(values))
    seen = np.zeros(len(values), int)
    while (seen < values.shape[1]).any():
        left = np.flatnonzero(seen < values.shape[1])
        some = rng.choice(left, rng.integers(1, 2 * len(left)))
        count = np.array([seen[n] + (some[:at] == n).sum() for at, n in enumerate(some)])
        some, count = (part[count < values.shape[1]] for part in (some, count))
        told = session.push_many(values[some, count], some)
        wanted = np.stack([whole[n][row] for n, row in zip(some, count, strict=True)])
        np.testing.assert_allclose(told.surprise, wanted, rtol=1e-4, atol=1e-5)
        np.add.at(seen, some, 1)
        if rng.random() < 0.3:
            session = Session.restore(series, session.snapshot())


def test_a_snapshot_is_of_one_model(series: SeriesModel) -> None:
    session = Session(series, 3)
    session.push_many(np.ones((3, 2)))
    kept = session.snapshot()
    again = Session.restore(series, kept)
    assert again.snapshot() == kept
    other = SeriesModel(**QUICK).fit(waves(missing=0.2))
    with pytest.raises(ModelFileError, match="another model"):
        Session.restore(other, kept)
    with pytest.raises(ModelFileError, match="damaged or altered"):
        Session.restore(series, kept[:-3] + bytes(3))
    with pytest.raises(ModelFileError, match="cut short"):
        Session.restore(series, kept[:20])


def test_what_reads_both_ways_says_what_to_fit(series: SeriesModel) -> None:
    both = {**QUICK, "recurrent": Recurrent(4, bidirectional=True)}
    with pytest.raises(ArgumentError, match="bidirectional=False"):
        Session(SeriesModel(**both).fit(waves()))
    with pytest.raises(ArgumentError, match="session 3: they are 0 to 2"):
        Session(series, 3).push(np.ones(2), 3)
    with pytest.raises(DataError, match="give 2 values for each"):
        Session(series).push(np.ones(3))
    with pytest.raises(ArgumentError, match="did you mean 'fill'"):
        Arrival(missing="fil")  # type: ignore[arg-type]

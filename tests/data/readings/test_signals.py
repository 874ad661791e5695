"""Recordings as numbers, against scales and gaps worked out by hand and by pandas."""

from __future__ import annotations

import pickle
from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest
import torch

from longshort.data.clock import Clock
from longshort.data.corpus import Corpus
from longshort.data.items import Items
from longshort.data.readings.grid import duration, lay
from longshort.data.readings.signals import Gaps, Signal, SignalReading
from longshort.data.sequences import Field, Sequences
from longshort.errors import ArgumentError, DataError, ModelFileError
from longshort.heads.category import CategoryHead
from longshort.layers.embed import Embed
from longshort.layers.encoder import Recurrent, RecurrentEncoder

NAN = np.nan


def recordings(
    *items: list[list[float]],
    minutes: list[list[int]] | None = None,
    fields: tuple[Field, ...] | None = None,
) -> Corpus:
    """Items as rows of channels x0, x1, ..., at times in minutes where they are given."""
    width = len(next(row for item in items for row in item))
    fields = fields or tuple(Field(f"x{at}", "past") for at in range(width))
    times = None
    if minutes is not None:
        flat = np.array([m for item in minutes for m in item], "timedelta64[m]")
        times = np.datetime64("1970-01-01", "us") + flat
    series = Sequences(
        fields,
        tuple(str(at) for at in range(len(items))),
        np.concatenate([[0], np.cumsum([len(item) for item in items])]),
        times,
        None,
        np.array([row for item in items for row in item], float).reshape(-1, width),
        "recordings.csv",
    )
    return Corpus("recordings.csv", series=series)


def test_channels_are_scaled_by_the_training_part_and_padded_with_zeros() -> None:
    train = recordings([[1.0, 10], [2, 20]], [[3, 30]])
    reading = SignalReading.fit(train)
    found = reading.read(train, [1, 0])
    values = found.inputs["channels"].numpy()
    spread = np.std([1, 2, 3])
    assert found.lengths.tolist() == [1, 2]
    np.testing.assert_allclose(values[1], [[-1 / spread] * 2, [0, 0]], atol=1e-6)
    np.testing.assert_allclose(values[0], [[1 / spread] * 2, [0, 0]], atol=1e-6)
    assert list(found.inputs) == ["channels"] == list(reading.widths.numbers)
    other = reading.read(recordings([[5.0, 50]]), [0]).inputs["channels"]
    np.testing.assert_allclose(other.numpy()[0, 0], [3 / spread] * 2, rtol=1e-6)


def test_each_item_can_have_its_own_scale() -> None:
    corpus = recordings([[1.0], [2], [6]], [[100], [NAN], [300]], [[7], [7]])
    found = SignalReading.fit(corpus, Signal(scale="item")).read(corpus, [0, 1, 2])
    values = found.inputs["channels"][:, :, 0].numpy()
    own = np.array([1, 2, 6.0])
    np.testing.assert_allclose(values[0], (own - own.mean()) / own.std(), rtol=1e-6)
    np.testing.assert_allclose(values[1], [-1, -1, 1], rtol=1e-6)
    np.testing.assert_allclose(values[2], 0)


def test_ranks_are_normal_deviates_of_the_training_part() -> None:
    rng = np.random.default_rng(0)
    wild = np.exp(3 * rng.normal(size=5000))
    corpus = recordings([[x] for x in wild])
    reading = SignalReading.fit(corpus, Signal(scale="ranks"))
    values = reading.read(corpus, [0]).inputs["channels"].numpy().ravel()
    assert abs(values.mean()) < 0.01
    assert abs(values.std() - 1) < 0.03
    assert (np.argsort(values, kind="stable") == np.argsort(wild, kind="stable")).mean() > 0.9
    far = reading.read(recordings([[1e9], [-1e9]]), [0]).inputs["channels"].numpy().ravel()
    np.testing.assert_allclose(far, [values.max(), values.min()], rtol=1e-6)


def test_gaps_are_carried_forward_and_told() -> None:
    corpus = recordings([[NAN, 1.0], [4, 2], [NAN, 3], [NAN, 4]], [[6, 5.0]])
    reading = SignalReading.fit(corpus, Signal(scale="none"))
    found = reading.read(corpus, [0])
    frame = pd.DataFrame({"x0": [NAN, 4, NAN, NAN]})
    np.testing.assert_allclose(found.inputs["channels"][0, :, 0], frame["x0"].ffill().fillna(0))
    np.testing.assert_allclose(found.inputs["observed"][0, :, 0], [0, 1, 0, 0])
    np.testing.assert_allclose(found.inputs["since"][0, :, 0], np.log1p([0, 0, 1, 2]), rtol=1e-6)
    assert reading.names["observed"] == ("x0 was seen",)
    plain = SignalReading.fit(corpus, Signal(scale="none", gaps="mean", missing=False))
    np.testing.assert_allclose(plain.read(corpus, [0]).inputs["channels"][0, :, 0], [0, 4, 0, 0])
    assert set(plain.names) == {"channels"}


def test_time_since_goes_by_the_clock() -> None:
    minutes = [[0, 10, 40, 50], [0, 20]]
    corpus = recordings([[1.0], [NAN], [NAN], [2]], [[3.0], [NAN]], minutes=minutes)
    found = SignalReading.fit(corpus).read(corpus, [0, 1])
    # rows are 10, 30, 10 and 20 minutes apart: 15 is usual
    np.testing.assert_allclose(
        found.inputs["since"][:, :, 0],
        np.log1p(np.array([[0, 10, 40, 0], [0, 20, 0, 0]]) / 15),
        rtol=1e-6,
    )
    np.testing.assert_allclose(
        found.inputs["apart"][:, :, 0],
        np.log1p(np.array([[0, 10, 30, 10], [0, 20, 0, 0]]) / 15),
        rtol=1e-6,
    )
    even = recordings([[1.0], [2], [3]], minutes=[[0, 5, 10]])
    assert set(SignalReading.fit(even).names) == {"channels"}


def test_a_grid_is_what_pandas_makes_of_it() -> None:
    rng = np.random.default_rng(1)
    minutes = [sorted(rng.choice(600, 40, replace=False).tolist()) for _ in range(3)]
    rows = [rng.normal(size=(40, 2)) for _ in minutes]
    rows[1][rng.random((40, 2)) < 0.5] = NAN
    corpus = recordings(*(own.tolist() for own in rows), minutes=minutes)
    assert corpus.series is not None
    laid = lay(corpus.series, "1h")
    for item, (own, values) in enumerate(zip(minutes, rows, strict=True)):
        index = pd.to_datetime(own, unit="m")
        expected = pd.DataFrame(values, index=index).resample("1h").mean()
        np.testing.assert_allclose(laid.values[laid.rows(item)], expected.to_numpy())
        assert laid.times is not None
        assert (laid.times[laid.rows(item)] == expected.index.to_numpy("datetime64[us]")).all()


def test_a_grid_keeps_items_without_rows_and_what_does_not_change() -> None:
    fields = (Field("x", "past"), Field("age", "static"))
    corpus = recordings([], [[1.0, NAN], [2, 70]], [], minutes=[[], [10, 200], []], fields=fields)
    reading = SignalReading.fit(corpus, Signal(every="1h"))
    assert reading.lengths(corpus).tolist() == [0, 4, 0]
    found = reading.read(corpus, [0, 1])
    assert found.lengths.tolist() == [0, 4]
    assert found.inputs["observed"][1, :, 0].tolist() == [1, 0, 0, 1]
    assert reading.names["static"] == ("age", "age is known")
    assert found.static["static"].tolist() == [[0, 0], [0, 1]]
    alone = reading.read(corpus, [2])
    assert alone.inputs["channels"].shape == (1, 1, 1)
    assert alone.lengths.tolist() == [0]


def test_a_number_alone_is_in_the_unit_of_times_that_are_numbers() -> None:
    corpus = recordings([[1.0], [2], [3]], minutes=[[0, 1, 3]])
    assert corpus.series is not None
    assert lay(corpus.series, "60").lengths.tolist() == [4]
    times = np.array([0, 1, 3], "datetime64[us]")
    counted = replace(corpus.series, times=times, clock=Clock("count"))
    assert lay(counted, "2").lengths.tolist() == [2]
    with pytest.raises(DataError, match="write a number alone"):
        lay(counted, "1h")


def test_categories_are_one_hot_and_unknown_ones_are_none() -> None:
    fields = (
        Field("x", "past"),
        Field("mode", "past", labels=("a", "b")),
        Field("unit", "static", labels=("icu", "ward")),
    )
    corpus = recordings([[1.0, 0, 0], [2, 1, 0]], [[3.0, 1, 1]], fields=fields)
    reading = SignalReading.fit(corpus)
    found = reading.read(corpus, [0, 1])
    assert found.inputs["labels"].tolist() == [[[1, 0], [0, 1]], [[0, 1], [0, 0]]]
    assert found.static["static"].tolist() == [[1, 0], [0, 1]]
    assert reading.names["static"] == ("unit = icu", "unit = ward")
    new = (fields[0], replace(fields[1], labels=("b", "c")), replace(fields[2], labels=("spa",)))
    other = recordings([[1.0, 0, 0], [2, 1, 0]], fields=new)
    found = reading.read(other, [0])
    assert found.inputs["labels"].tolist() == [[[0, 1], [0, 0]]]
    assert found.static["static"].tolist() == [[0, 0]]


def test_many_categories_are_looked_up() -> None:
    labels = tuple(f"code{n:02d}" for n in range(40))
    fields = (Field("code", "past", labels=labels), Field("site", "static", labels=labels))
    corpus = recordings([[float(n), 3] for n in range(40)], [[1.0, 4]], fields=fields)
    reading = SignalReading.fit(corpus)
    assert list(reading.widths.symbols) == ["category0"]
    assert reading.widths.symbols["category0"][0] == 41
    found = reading.read(corpus, [0, 1])
    assert found.inputs["category0"][0].tolist() == list(range(1, 41))
    assert found.inputs["category0"][1, :2].tolist() == [2, 0]
    # two sites were seen: one-hot
    assert found.static["static"].tolist() == [[1, 0], [0, 1]]


def test_summaries_are_what_numpy_says() -> None:
    corpus = recordings([[NAN], [1.0], [4], [NAN], [2]], [[NAN], [NAN]])
    reading = SignalReading.fit(corpus, Signal(scale="none", summaries=True))
    found = reading.read(corpus, [0, 1]).static["static"].numpy()
    own = np.array([1.0, 4, 2])
    expected = [own.mean(), own.std(), 1, 4, 1, 2, 3 / 5]
    np.testing.assert_allclose(found, [expected, [0] * 7], rtol=1e-6)
    assert reading.names["static"][-1] == "x0: share seen"


@pytest.mark.parametrize("signal", [Signal(), Signal(scale="ranks", every="30min")])
def test_a_reading_comes_back_from_its_parts(signal: Signal) -> None:
    fields = (Field("x", "past"), Field("age", "static"), Field("m", "past", labels=("a", "b")))
    items = [[1.0, 5, 0], [NAN, 5, 1]], [[3.0, 7, 1], [4, 7, 0]]
    corpus = recordings(*items, minutes=[[0, 31], [3, 90]], fields=fields)
    reading = SignalReading.fit(corpus, signal)
    for again in (
        SignalReading.take_up(*reading.put_down()),
        pickle.loads(pickle.dumps(reading)),
    ):
        one, two = reading.read(corpus, [0, 1]), again.read(corpus, [0, 1])
        assert asdict(again.widths) == asdict(reading.widths)
        for name in one.inputs:
            assert one.inputs[name].equal(two.inputs[name])
        assert one.static["static"].equal(two.static["static"])


def test_parts_that_do_not_fit_are_refused() -> None:
    corpus = recordings([[1.0], [2]])
    settings, arrays = SignalReading.fit(corpus).put_down()
    for change in ({"gappy": [[3], []]}, {"gappy": [[]]}, {"signal": {"scale": "x"}}):
        with pytest.raises(ModelFileError):
            SignalReading.take_up({**settings, **change}, arrays)
    with pytest.raises(ModelFileError, match="spread"):
        SignalReading.take_up(settings, {"centre": arrays["centre"]})
    with pytest.raises(ModelFileError, match="shapes"):
        SignalReading.take_up(settings, {**arrays, "centre": np.zeros(3)})


def test_what_cannot_be_read_is_said() -> None:
    corpus = recordings([[1.0], [2]])
    with pytest.raises(DataError, match="no times that a grid of 1h"):
        SignalReading.fit(corpus, Signal(every="1h"))
    with pytest.raises(ArgumentError, match="every='soon'"):
        Signal(every="soon")
    with pytest.raises(ArgumentError, match="did you mean 'item'"):
        Signal(scale="items")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="missing=True"):
        Signal(gaps="decay", missing=False)
    other = recordings([[1.0]], fields=(Field("y0", "past"),))
    with pytest.raises(DataError, match="no column 'x0'"):
        SignalReading.fit(corpus).read(other, [0])
    with pytest.raises(DataError, match="1,000,001 cells"):
        lay(recordings([[1.0], [2]], minutes=[[0, 60_000_000]]).series, "1h")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="there are texts"):
        SignalReading.fit(Corpus("a", texts=("b",)))
    assert duration("1h") == 3_600_000_000
    assert duration("0.5 min") == 30_000_000


@pytest.mark.parametrize("gaps", ["carry", "decay", "mean"])
def test_a_network_reads_items_of_any_length_and_padding_changes_nothing(gaps: Gaps) -> None:
    fields = (Field("x", "past"), Field("y", "past"), Field("age", "static"))
    items = [[1.0, NAN, 5], [NAN, 2, 5], [2, 3, 5]], [[3.0, 7, 1]], []
    corpus = recordings(*items, minutes=[[0, 31, 40], [3], []], fields=fields)
    reading = SignalReading.fit(corpus, Signal(gaps=gaps, summaries=True))
    torch.manual_seed(0)
    trunk = RecurrentEncoder(Embed.of(reading.widths), Recurrent(size=4, stem=2)).eval()
    head = CategoryHead(4, 2, pooling="last+mean").eval()
    examples = Items(corpus, reading, None, np.arange(3))
    with torch.no_grad():
        together = head.scores(trunk(examples.batch([0, 1, 2])))
        alone = torch.cat([head.scores(trunk(examples.batch([item]))) for item in range(3)])
    assert together.isfinite().all()
    torch.testing.assert_close(together, alone)

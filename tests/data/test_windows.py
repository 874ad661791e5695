"""Windows against brute force: every number of every window, found again by slicing."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longshort.data.clock import Clock
from longshort.data.codecs.calendar import encode_calendar
from longshort.data.codecs.numbers import NumberCodec, Scaling
from longshort.data.encoding import Encoding, Relative
from longshort.data.sampler import Sampler
from longshort.data.sequences import Field, Sequences, carry_forward
from longshort.data.steps import Step
from longshort.data.window import Window, choose_cycles
from longshort.data.windows import Windows, extend
from longshort.errors import ArgumentError, DataError

FIELDS = (
    Field("a", "target"),
    Field("b", "target"),
    Field("p", "past"),
    Field("k", "future"),
    Field("s", "static"),
)


def make(lengths: list[int], *, missing: float = 0.0, seed: int = 0) -> Sequences:
    rng = np.random.default_rng(seed)
    total = sum(lengths)
    values = rng.normal(size=(total, len(FIELDS))).cumsum(0)
    values[rng.random(values.shape) < missing] = np.nan
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    values[:, 4] = np.repeat(np.arange(len(lengths)), lengths)
    start = np.datetime64("2020-02-20", "us")
    times = np.concatenate([start + np.arange(n) * np.timedelta64(1, "D") for n in lengths])
    keys = tuple(f"s{n}" for n in range(len(lengths)))
    return Sequences(FIELDS, keys, offsets, times, Step(1, "d"), values, "a table")


def encoding(
    series: Sequences,
    *,
    context: int = 4,
    horizon: int = 3,
    relative: Relative = "last",
    season: int = 1,
    masked: tuple[str, ...] = ("a",),
    scaling: Scaling | None = None,
) -> Encoding:
    codec = NumberCodec.fit(series, series.lengths, scaling or Scaling())
    cycles = choose_cycles(series, Window())
    return Encoding(codec, context, horizon, relative, season, cycles, masked)


def every(series: Sequences, how: Encoding) -> Windows:
    first = np.full(len(series), how.context)
    return Windows(series, how, first, series.lengths - how.horizon + 1)


def filled(values: np.ndarray) -> np.ndarray:
    """Forward fill written the long way."""
    out = values.copy()
    for row in range(1, len(out)):
        gap = np.isnan(out[row])
        out[row, gap] = out[row - 1, gap]
    return out


@pytest.mark.parametrize("relative", ["last", "season", "none"])
def test_stepwise_windows_are_what_slicing_gives(relative: Relative) -> None:
    """Each step reads what is known of the next one, and nothing of the past beyond the origin."""
    series = make([9, 14], missing=0.2)
    how = encoding(series, context=4, horizon=3, relative=relative, season=3, masked=("a",))
    windows = every(series, how.to_run_on(series.fields))
    codec, steps = how.codec, 4 + 3 - 1
    batch = windows.batch(range(len(windows)))
    assert batch.inputs["numbers"].shape == (len(windows), steps, 2 + 1 + 2 + 1 + 4)
    assert batch.lengths.tolist() == [steps] * len(windows)
    for number in range(len(windows)):
        (s,), (origin,) = windows.where([number])
        own = series.rows(s)
        raw, times = series.values[own], series.times[own]
        full = np.nan_to_num((filled(raw) - codec.centre) / codec.spread)
        seen = np.where(np.isnan(raw), np.nan, (raw - codec.centre) / codec.spread)
        calendar = encode_calendar(times, how.cycles)
        for step in range(steps):
            row = origin - 4 + step
            past = full[min(row, origin - 1), 2]
            masks = [np.isfinite(raw[row, 0]), np.isfinite(raw[row, 2]) and row < origin]
            wanted = [*full[row, :2], past, *masks, full[row + 1, 3], *calendar[row + 1]]
            np.testing.assert_allclose(batch.inputs["numbers"][number, step], wanted, atol=1e-5)
            target = batch.targets[number, step].numpy()
            np.testing.assert_allclose(target, np.nan_to_num(seen[row + 1, :2]), atol=1e-5)
            mask = batch.target_mask[number, step].numpy()
            np.testing.assert_array_equal(mask, np.isfinite(raw[row + 1, :2]))
            for k in range(2):
                told = full[row, k]
                if relative == "none":
                    told = 0.0
                elif relative == "season":
                    # the latest one at the phase; from the origin on the latest one before it
                    start = row + 1 - 3
                    while start >= origin:
                        start -= 3
                    rows = [r for r in range(start, -1, -3) if np.isfinite(raw[r, k])]
                    fallback = row if row + 1 < origin else origin - 1
                    told = seen[rows[0], k] if rows else full[fallback, k]
                found = float(batch.reference[number, step, k])
                assert found == pytest.approx(told, abs=1e-5), (number, step, k)


def test_every_window_is_what_slicing_gives() -> None:
    series = make([12, 7, 9], missing=0.2)
    how = encoding(series)
    windows = every(series, how)
    batch = windows.batch(range(len(windows)))
    number = 0
    for s in range(3):
        rows = series.rows(s)
        raw, times = series.values[rows], series.times[rows]
        coded = (raw - how.codec.centre) / how.codec.spread
        full = np.nan_to_num(filled(coded))
        calendar = encode_calendar(times, how.cycles)
        for origin in range(how.context, len(raw) - how.horizon + 1):
            past, ahead = slice(origin - 4, origin), slice(origin, origin + 3)
            mask = np.isfinite(raw[past, :1])
            wanted = [full[past, :3], mask, full[past, 3:4], calendar[past]]
            seen = batch.inputs["numbers"][number].numpy()
            assert np.allclose(seen, np.concatenate(wanted, 1), atol=1e-6)
            known = np.concatenate([full[ahead, 3:4], calendar[ahead]], 1)
            assert np.allclose(batch.future["numbers"][number], known, atol=1e-6)
            assert np.allclose(batch.reference[number], full[origin - 1, :2], atol=1e-6)
            assert np.array_equal(batch.target_mask[number], np.isfinite(raw[ahead, :2]))
            target = np.where(np.isfinite(raw[ahead, :2]), coded[ahead, :2], 0)
            assert np.allclose(batch.targets[number], target, atol=1e-6)
            assert np.allclose(batch.static["numbers"][number], full[origin, 4:], atol=1e-6)
            assert np.array_equal(windows.actual([number])[0], raw[ahead, :2], equal_nan=True)
            assert np.array_equal(windows.times([number])[0], times[ahead])
            number += 1
    assert number == len(windows)


@settings(max_examples=30, deadline=None)
@given(season=st.integers(1, 5), seed=st.integers(0, 99))
def test_the_seasonal_value_is_the_latest_one_known_at_that_phase(season: int, seed: int) -> None:
    series = make([17, 14], missing=0.3, seed=seed)
    how = encoding(series, context=6, horizon=4)
    windows = every(series, how)
    index = np.arange(len(windows))
    found = windows.seasonal(index, season)
    for number, (s, origin) in enumerate(zip(*windows.where(index), strict=True)):
        raw = series.values[series.rows(s)]
        for step in range(4):
            for k in range(2):
                rows = [r for r in range(origin) if (origin + step - r) % season == 0]
                known = [raw[r, k] for r in rows if np.isfinite(raw[r, k])]
                expected = known[-1] if known else np.nan
                assert np.array_equal(found[number, step, k], expected, equal_nan=True)


@pytest.mark.parametrize("relative", ["last", "season", "none"])
@pytest.mark.parametrize(
    "scaling", [Scaling(), Scaling("robust"), Scaling("minmax", per_series=True)]
)
def test_decoding_brings_targets_back(relative: Relative, scaling: Scaling) -> None:
    series = make([20, 15])
    windows = every(series, encoding(series, relative=relative, season=2, scaling=scaling))
    index = np.arange(len(windows))
    batch = windows.batch(index.tolist())
    back = windows.decode(batch.targets.double().numpy(), index)
    assert np.allclose(back, windows.actual(index), rtol=1e-5, atol=1e-5)


def test_nothing_after_the_origin_reaches_what_is_read() -> None:
    series = make([30], missing=0.1)
    how = encoding(series)
    changed = series.values.copy()
    changed[20:, :3] = 1e6
    other = Sequences(FIELDS, series.keys, series.offsets, series.times, series.step, changed, "x")
    for which in (series, other):
        assert len(every(which, how)) == 24
    number = [16]  # its origin is row 20
    one, two = (every(which, how).batch(number) for which in (series, other))
    assert np.array_equal(one.inputs["numbers"], two.inputs["numbers"])
    assert np.array_equal(one.reference, two.reference)
    assert np.array_equal(one.future["numbers"], two.future["numbers"])


def test_an_unseen_series_is_scaled_by_its_past_alone() -> None:
    how = encoding(make([30]), scaling=Scaling(per_series=True))
    fresh = make([30], seed=5)
    later = fresh.values.copy()
    later[4:] *= 100
    scales = []
    for values in (fresh.values, later):
        series = Sequences(FIELDS, ("new",), fresh.offsets, fresh.times, fresh.step, values, "x")
        scales.append(every(series, how).statistics([0]))
    assert np.array_equal(scales[0], scales[1])


def test_ahead_starts_after_the_last_observed_target_and_keeps_known_futures() -> None:
    series = make([12, 12])
    values = series.values.copy()
    values[10:12, :3] = np.nan
    values[21:, :3] = np.nan
    told = Sequences(FIELDS, series.keys, series.offsets, series.times, series.step, values, "x")
    windows = Windows.ahead(told, encoding(series))
    assert len(windows) == 2
    series_of, origin = windows.where([0, 1])
    assert (series_of.tolist(), origin.tolist()) == ([0, 1], [10, 9])
    assert np.array_equal(
        windows.times([0])[0], told.times[9] + np.arange(1, 4) * np.timedelta64(1, "D")
    )
    known = windows.batch([0]).future["numbers"][0, :2, 0].double().numpy()
    coded = (values[10:12, 3] - windows.codec.centre[3]) / windows.codec.spread[3]
    assert np.allclose(known, coded, atol=1e-6)


def test_ahead_without_any_observed_target_is_refused() -> None:
    series = make([12])
    values = series.values.copy()
    values[:, :2] = np.nan
    told = Sequences(FIELDS, ("x",), series.offsets, series.times, series.step, values, "f.csv")
    with pytest.raises(DataError, match=r"f\.csv: series 'x': no target value is observed"):
        Windows.ahead(told, encoding(series))


def test_a_series_shorter_than_the_context_is_refused_by_name() -> None:
    series = make([12, 6])
    values = series.values.copy()
    values[15:, :3] = np.nan
    told = Sequences(FIELDS, series.keys, series.offsets, series.times, series.step, values, "x")
    with pytest.raises(DataError, match=r"series 's1': 3 rows before .* a context of 4"):
        Windows.ahead(told.select([1]), encoding(make([12, 9])))


def test_a_future_that_is_not_told_is_refused() -> None:
    series = make([12])
    with pytest.raises(DataError, match=r"column 'k' is known in advance.*from 2020-03-03 is here"):
        Windows.ahead(series, encoding(series))


def test_extend_goes_on_by_the_calendar() -> None:
    times = np.array(["2020-01-31", "2020-02-29"], "datetime64[us]")
    series = Sequences(
        (Field("a", "target"),),
        ("",),
        np.array([0, 2]),
        times,
        Step(1, "mo", 31),
        np.ones((2, 1)),
        "x",
    )
    longer = extend(series, np.array([4]))
    assert [str(t)[:10] for t in longer.times] == [
        "2020-01-31",
        "2020-02-29",
        "2020-03-31",
        "2020-04-30",
    ]
    assert np.isnan(longer.values[2:]).all()


@given(
    st.lists(st.lists(st.sampled_from([1.0, 2.0, np.nan]), min_size=1, max_size=9), min_size=1),
    st.integers(1, 4),
)
def test_carry_forward_by_brute_force(rows: list[list[float]], season: int) -> None:
    values = np.array([value for series in rows for value in series])[:, None]
    offsets = np.concatenate([[0], np.cumsum([len(series) for series in rows])])
    found = carry_forward(values, offsets, season)
    expected = values.copy()
    for start, stop in itertools.pairwise(offsets):
        for row in range(start + season, stop):
            if np.isnan(expected[row, 0]):
                expected[row] = expected[row - season]
    assert np.array_equal(found, expected, equal_nan=True)


def test_windows_hold_the_series_once_however_many_there_are() -> None:
    series = make([5000])
    windows = every(series, encoding(series, context=500, horizon=100))
    held = sum(value.nbytes for value in vars(windows).values() if isinstance(value, np.ndarray))
    assert len(windows) > 4000
    assert held < 3 * series.values.nbytes


@given(st.integers(1, 200), st.integers(1, 40), st.integers(0, 2**62), st.integers(0, 5))
def test_a_pass_is_every_example_once_and_goes_on_where_it_stopped(
    size: int, rows: int, seed: int, epoch: int
) -> None:
    whole = list(Sampler(size, rows, seed=seed, epoch=epoch).batches())
    assert sorted(n for _, batch in whole for n in batch) == list(range(size))
    position = len(whole) // 2
    rest = list(Sampler(size, rows, seed=seed, epoch=epoch, position=position).batches())
    assert rest == whole[position:]


def test_window_settings_are_checked() -> None:
    def rows(horizon: int, *lengths: int, **window: object) -> int:
        return Window(**window).rows(horizon, np.array(lengths))

    assert [rows(horizon, 9999) for horizon in (1, 7, 24, 200)] == [14, 28, 96, 200]
    assert [rows(24, 500, shortest) for shortest in (500, 100, 26, 3)] == [96, 38, 1, 1]
    assert rows(24, 3, context=5) == 5
    # of ten series or more, the shortest tenth has no say, unless it is refused
    assert rows(24, 3, *[100] * 9) == 38
    assert rows(24, 3, 3, *[100] * 9) == 1
    assert rows(24, 3, *[100] * 9, short="refuse") == 1
    with pytest.raises(ArgumentError, match="did you mean 'season'"):
        Window(relative="seasn")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match=r"Window\(context\)=0"):
        Window(context=0)


def test_numbers_of_rows_and_windows_beyond_two_to_the_31() -> None:
    """Three billion rows that are all one: views of a single row, and no memory."""
    rows = 3 * 2**30
    offsets = np.array([0, 2**31 + 5, rows])
    series = object.__new__(Sequences)
    parts = {
        "fields": (Field("y", "target"), Field("z", "past")),
        "keys": ("a", "b"),
        "offsets": offsets,
        "times": np.broadcast_to(np.datetime64("2024-01-01", "us"), (rows,)),
        "step": Step(1, "d"),
        "values": np.broadcast_to(np.array([3.0, 7.0]), (rows, 2)),
        "source": "x",
        "fill": "none",
        "clock": Clock(),
        "groups": None,
    }
    parts["filled"] = parts["values"]
    parts["extremes"] = (np.array([3.0, 7.0]), np.array([3.0, 7.0]))
    parts["_phased"] = {1: parts["values"][:, :1]}
    series.__dict__.update(parts)
    zero, one = np.zeros(2), np.ones(2)
    codec = NumberCodec(
        Scaling("none"), ("y", "z"), ("target", "past"), (), zero, one, np.stack([zero, one])
    )
    how = Encoding(codec, 4, 3, "last", 1, ("year", "week"), ())
    first = np.full(2, how.context)
    windows = Windows(series, how, first, series.lengths - how.horizon + 1)
    assert len(windows) == rows - 2 * (how.context + how.horizon - 1)
    last = len(windows) - 1
    found = windows.where([0, 2**31, last])
    assert found[0].tolist() == [0, 1, 1]
    in_a = 2**31 + 5 - how.context - how.horizon + 1
    assert found[1].tolist() == [
        how.context,
        how.context + 2**31 - in_a,
        rows - 2**31 - 5 - how.horizon,
    ]
    batch = windows.batch([0, 2**31, last])
    assert (batch.inputs["numbers"][..., 0] == 3).all()
    assert (batch.targets == 3).all()
    assert batch.source.tolist() == [0, 2**31, last]
    rest = Sampler(len(windows), 32, seed=5, most=3)
    drawn = np.concatenate([index for _, index in rest.batches()])
    assert len(set(drawn.tolist())) == 96
    assert drawn.max() > 2**31
    assert windows.label(last).startswith("x: series 'b', from 2024-01-01")


def test_a_short_pass_draws_other_examples_in_each_epoch() -> None:
    passes = [
        np.concatenate([index for _, index in Sampler(1000, 10, epoch=epoch, most=7).batches()])
        for epoch in range(3)
    ]
    for drawn in passes:
        assert len(set(drawn.tolist())) == 70
        assert drawn.min() >= 0
        assert drawn.max() < 1000
    assert not np.array_equal(passes[0], passes[1])
    again = np.concatenate([i for _, i in Sampler(1000, 10, epoch=1, most=7, position=3).batches()])
    assert np.array_equal(again, passes[1][30:])
    spread = np.concatenate([i for _, i in Sampler(1000, 10, False, most=5).batches()])
    assert spread.tolist() == np.linspace(0, 999, 50).round().tolist()
    # a pass that is long enough is a whole one
    assert Sampler(30, 10, most=9).order().tolist() == Sampler(30, 10).order().tolist()


def test_windows_tell_themselves_from_others() -> None:
    series = make([12, 9])
    how = encoding(series)
    seen = {every(series, how).digest()}
    assert every(make([12, 9]), how).digest() in seen
    changed = series.values.copy()
    changed[-1, 0] += 1e-9
    others = [
        every(replace(series, values=changed), how),
        every(replace(series, keys=("p", "q")), how),
        every(replace(series, times=series.times + np.timedelta64(1, "D")), how),
        every(series, replace(how, relative="none")),
        Windows(series, how, np.full(2, 5), series.lengths - how.horizon + 1),
    ]
    for other in others:
        assert other.digest() not in seen
        seen.add(other.digest())


def test_thinned_windows_are_every_third_of_each_series() -> None:
    series = make([20, 12, 4, 15])
    whole = every(series, encoding(series))
    thin = whole.thinned(3)
    chosen = np.concatenate(
        [
            np.arange(end - count, end)[::3]
            for end, count in zip(whole.ends, whole.counts, strict=True)
        ]
    )
    assert len(thin) == len(chosen)
    np.testing.assert_array_equal(
        np.stack(thin.where(range(len(thin)))), np.stack(whole.where(chosen))
    )
    np.testing.assert_array_equal(thin.actual(range(len(thin))), whole.actual(chosen))
    assert thin.digest() != whole.digest()
    assert thin.thinned(1).digest() == whole.digest()

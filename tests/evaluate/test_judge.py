from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest

from longshort.data.codecs.numbers import NumberCodec
from longshort.data.encoding import Encoding
from longshort.data.sequences import Field, Sequences
from longshort.data.steps import Step
from longshort.data.windows import Windows
from longshort.errors import ArgumentError, DataError
from longshort.evaluate.judge import Rivals, choose, interval_ends, judge, naive_scales
from longshort.evaluate.points import forecast_points
from longshort.evaluate.tally import Scales
from longshort.metrics import real
from longshort.metrics.bootstrap import block_sums, skill_interval
from longshort.yardsticks import base
from longshort.yardsticks.base import Forecasts, Method, with_quantiles
from longshort.yardsticks.roster import all_yardsticks

LEVELS = [round(0.05 * k, 2) for k in range(1, 20)]
DAY = Step(1, "d")


def sequences(*series, step=DAY, units=()):
    lengths = [len(values) for values in series]
    times = None
    if step is not None:
        first = np.datetime64("2020-01-01", "us")
        times = np.concatenate([step.advance(first, np.arange(n)) for n in lengths])
    count = series[0].shape[1]
    names = ("sun", "rain", "wind")[:count]
    units = units or ("",) * count
    return Sequences(
        tuple(Field(n, "target", unit) for n, unit in zip(names, units, strict=True)),
        tuple(f"s{number}" for number in range(len(series))),
        np.concatenate([[0], np.cumsum(lengths)]),
        times,
        step,
        np.concatenate(series),
        "a test",
    )


def windows(data, first, last, *, context=4, horizon=3):
    codec = NumberCodec.fit(data, data.lengths)
    encoding = Encoding(codec, context, horizon, "last", 1, (), ())
    first, last = (np.broadcast_to(part, len(data)) for part in (first, last))
    return Windows(data, encoding, first, last)


def walks(*lengths, targets=2, gaps=0.0, seed=0):
    rng = np.random.default_rng(seed)
    series = [rng.normal(size=(n, targets)).cumsum(0) for n in lengths]
    for values in series:
        values[rng.uniform(size=values.shape) < gaps] = np.nan
    return series


def constant(name, kind, values):
    """A method that says the same at every step: one value per target, quantiles around it."""

    def forecast(view, index):
        point = np.tile(np.asarray(values, float), (len(index), view.horizon, 1))
        spread = np.linspace(-1, 1, len(LEVELS))
        return Forecasts(point, point[..., None] + spread)

    return Method(name, kind, forecast)


def noisy(name, kind, size, seed=0):
    """The truth with noise, the same in each call."""

    def forecast(view, index):
        truth = np.nan_to_num(view.actual(np.arange(len(view))))
        noise = np.random.default_rng(seed).normal(size=truth.shape) * size
        point = (truth + noise)[index]
        return Forecasts(point, point[..., None] + np.linspace(-2, 2, len(LEVELS)) * size)

    return Method(name, kind, forecast)


def parts(gaps=0.0, lengths=(140, 110)):
    data = sequences(*walks(*lengths, gaps=gaps))
    return windows(data, 4, 48), windows(data, 50, 68), windows(data, 70, 105)


def standard(train, valid):
    methods = [with_quantiles(y.fit(train, valid), valid, LEVELS) for y in all_yardsticks(7)]
    return [noisy("LSTM", "lstm", 0.8), *methods]


def judged(methods, test, valid=None, **changes):
    scales = naive_scales(test.sequences.crop(0, 50), 1)
    settings = {"levels": LEVELS, "scales": scales, "resamples": 200} | changes
    return judge(methods, test, valid, **settings)


@pytest.mark.parametrize("numbers", [10_000_000, 5000])
def test_scores_are_the_metrics_of_all_forecasts_together(numbers, monkeypatch):
    train, valid, test = parts(gaps=0.1)
    methods = standard(train, valid)
    monkeypatch.setattr(base, "_NUMBERS", numbers)
    found = judged(methods, test, valid)
    index = np.arange(len(test))
    actual = test.actual(index)
    assert np.isnan(actual).any()
    scale, root = (
        part[test.where(index)[0]][:, None] for part in naive_scales(test.sequences.crop(0, 50), 1)
    )
    last = test.seasonal(index, 1)
    by_method = {(score.method, score.target): score for score in found.scores}
    assert len(by_method) == len(found.scores) == 2 * len(methods)
    for method in methods:
        point, quantiles = method(test, index)
        for k, target in enumerate(("sun", "rain")):
            y, f, q = actual[..., k], point[..., k], quantiles[..., k, :]
            score = by_method[method.name, target]
            assert score.kind == method.kind
            assert score.mae == pytest.approx(real.mae(y, f))
            assert score.rmse == pytest.approx(real.rmse(y, f))
            assert score.mase == pytest.approx(real.mase(y, f, scale[..., k]))
            assert score.rmsse == pytest.approx(real.rmsse(y, f, root[..., k]))
            assert score.smape == pytest.approx(real.smape(y, f))
            assert score.mape == pytest.approx(real.mape(y, f))
            assert score.wape == pytest.approx(real.wape(y, f))
            assert score.wql == pytest.approx(real.wql(y, q, LEVELS))
            direction = real.directional_accuracy(y, f, last[..., k])
            assert score.direction == pytest.approx(direction)
            parts_ = real.weighted_interval_score(y, q, LEVELS)
            assert score.dispersion == pytest.approx(parts_.dispersion)
            assert score.overprediction == pytest.approx(parts_.overprediction)
            assert score.underprediction == pytest.approx(parts_.underprediction)
            assert score.crps == pytest.approx(real.crps_from_quantiles(y, q, LEVELS))
            assert score.coverage == pytest.approx(real.coverage(y, q[..., 1], q[..., -2]))
            seen = np.isfinite(y)
            assert score.width == pytest.approx(real.width(q[seen][:, 1], q[seen][:, -2]))
    assert found.origins == len(test) == 70


def test_steps_and_reliability_agree_with_a_plain_count():
    train, valid, test = parts(gaps=0.1)
    methods = standard(train, valid)
    found = judged(methods, test, valid, level=0.5)
    index = np.arange(len(test))
    actual = test.actual(index)
    point, quantiles = methods[2](test, index)
    steps = [s for s in found.steps if (s.method, s.target) == (methods[2].name, "rain")]
    assert [s.step for s in steps] == [1, 2, 3]
    for step in steps:
        y, f, q = (
            actual[:, step.step - 1, 1],
            point[:, step.step - 1, 1],
            quantiles[:, step.step - 1, 1],
        )
        assert step.mae == pytest.approx(real.mae(y, f))
        assert step.coverage == pytest.approx(real.coverage(y, q[:, 4], q[:, 14]))
    for row in found.reliability:
        if (row.method, row.target) == (methods[2].name, "sun"):
            q = quantiles[:, :, 0, LEVELS.index(row.level)]
            y = actual[:, :, 0]
            assert row.observed == pytest.approx((y[np.isfinite(y)] <= q[np.isfinite(y)]).mean())
    assert len(found.reliability) == len(methods) * 2 * 19


def test_a_value_is_scored_where_every_method_has_a_forecast():
    _, _, test = parts()

    def late(view, index):
        point, quantiles = constant("", "naive", [0, 0])(view, index)
        point = np.where((view.where(index)[1] < 80)[:, None, None], np.nan, point)
        return Forecasts(point, quantiles)

    found = judged([Method("late", "naive", late), constant("zero", "naive", [0, 0])], test)
    kept = np.flatnonzero(test.where(np.arange(len(test)))[1] >= 80)
    expected = np.abs(test.actual(kept)).mean((0, 1))
    for score in found.scores:
        assert score.mae == pytest.approx(expected[("sun", "rain").index(score.target)])


def test_the_reference_is_chosen_on_the_validation_part():
    values = np.zeros((120, 2))
    values[:60] = [1.0, 5.0]
    values[60:] = [5.0, 1.0]
    data = sequences(values + 0.01 * np.random.default_rng(0).normal(size=values.shape))
    valid, test = windows(data, 10, 50), windows(data, 65, 110)
    methods = [
        constant("one", "naive", [1, 1]),
        constant("five", "naive", [5, 5]),
        constant("six", "classical", [6, 6]),
        constant("zero", "classical", [0, 0]),
        constant("lstm", "lstm", [3, 3]),
    ]
    scale = Scales(np.ones((1, 2)), np.ones((1, 2)))
    found = judge(methods, test, valid, levels=LEVELS, scales=scale)
    assert found.reference == {"sun": "one", "rain": "five"}
    assert choose(methods, valid) == Rivals(found.reference, {"sun": "zero", "rain": "six"})
    skills = {(s.method, s.target): s.skill for s in found.scores}
    assert skills["one", "sun"] is None
    assert skills["five", "rain"] is None
    assert skills["five", "sun"] == pytest.approx(1, abs=0.01)
    assert skills["lstm", "sun"] == pytest.approx(0.5, abs=0.01)
    blind = judge(methods, test, None, levels=LEVELS, scales=scale)
    assert blind.reference == {"sun": "one", "rain": "one"}
    told = Rivals({"sun": "five", "rain": "one"}, {})
    given = judge(methods, test, valid, levels=LEVELS, scales=scale, rivals=told)
    assert given.reference == told.naive


def test_skill_and_its_interval_are_those_of_the_losses_per_origin():
    train, valid, test = parts(gaps=0.1)
    methods = standard(train, valid)
    found = judged(methods, test, valid, seed=3, resamples=300)
    index = np.arange(len(test))
    reference = next(m for m in methods if m.name == found.reference["rain"])
    losses = np.stack(
        [
            np.nansum(np.abs(test.actual(index) - m(test, index).point)[..., 1], 1)
            for m in (methods[0], reference)
        ],
        1,
    )
    ours = next(s for s in found.scores if (s.method, s.target) == ("LSTM", "rain"))
    sums = block_sums(losses, test.where(index)[0], 3, resamples=300, seed=3)
    assert (ours.skill_low, ours.skill_high) == pytest.approx(
        skill_interval(sums[:, 0], sums[:, 1])
    )
    assert ours.skill == pytest.approx(1 - losses[:, 0].sum() / losses[:, 1].sum())
    assert ours.skill_low < ours.skill < ours.skill_high


def test_a_copy_of_the_reference_has_skill_zero():
    _, _, test = parts()
    methods = [constant("rule", "naive", [1, 2]), constant("copy", "lstm", [1, 2])]
    found = judged(methods, test)
    copies = [s for s in found.scores if s.method == "copy"]
    assert [(s.skill, s.skill_low, s.skill_high) for s in copies] == [(0, 0, 0)] * 2
    assert "cannot be told apart" in found.verdict


def test_a_reference_without_error_leaves_skill_open():
    data = sequences(np.ones((60, 1)))
    test = windows(data, 10, 50)
    methods = [constant("rule", "naive", [1]), constant("net", "lstm", [2])]
    found = judge(
        methods, test, None, levels=LEVELS, scales=Scales(np.ones((1, 1)), np.ones((1, 1)))
    )
    assert all(s.skill is None and s.skill_low is None for s in found.scores)
    assert found.verdict == (
        "sun: the net did not earn its keep: the best naive rule (rule) makes no error at all."
    )


def test_few_origins_give_no_interval():
    data = sequences(*walks(60))
    test = windows(data, 50, 58)
    found = judged([constant("rule", "naive", [0, 0]), noisy("net", "lstm", 0.1)], test)
    ours = next(s for s in found.scores if s.method == "net")
    assert ours.skill > 0
    assert ours.skill_low is None
    assert "8 test forecasts are too few" in found.verdict


def test_the_verdict_speaks_of_every_target():
    train, valid, test = parts()
    found = judged(standard(train, valid), test, valid)
    assert found.verdict.startswith("sun: the LSTM ")
    assert " rain: the LSTM " in found.verdict
    without = judged(standard(train, valid)[1:], test, valid)
    assert without.verdict == ""


def test_the_same_seed_gives_the_same_judgement():
    train, valid, test = parts()
    methods = standard(train, valid)
    assert judged(methods, test, valid) == judged(methods, test, valid)
    assert judged(methods, test, valid) != judged(methods, test, valid, seed=1)


def test_methods_must_be_comparable():
    _, _, test = parts()
    zero = constant("zero", "naive", [0, 0])
    with pytest.raises(ArgumentError, match="same name"):
        judged([zero, zero], test)
    with pytest.raises(ArgumentError, match="naive method"):
        judged([constant("net", "lstm", [0, 0])], test)
    with pytest.raises(ArgumentError, match=r"level=0.77: .* 0.1, 0.2, .* 0.9"):
        judged([zero], test, level=0.77)
    with pytest.raises(ArgumentError, match="equal steps"):
        judged([zero], test, levels=[0.1, 0.5, 0.8])


def test_a_target_without_outcomes_or_scale_is_refused():
    values = walks(80)[0]
    values[40:, 1] = np.nan
    test = windows(sequences(values), 50, 70)
    zero = constant("zero", "naive", [0, 0])
    with pytest.raises(DataError, match="'rain': none of the 20 test forecasts"):
        judged([zero], test)
    _, _, test = parts()
    with pytest.raises(DataError, match="'sun' is constant"):
        judged([zero], test, scales=Scales(*2 * [np.array([[0, 1], [np.nan, 1]])]))


def test_interval_ends():
    assert interval_ends(LEVELS, 0.8) == (1, 17)
    assert interval_ends(LEVELS, 0.9) == (0, 18)
    with pytest.raises(ArgumentError):
        interval_ends(LEVELS, 0.95)
    with pytest.raises(ArgumentError):
        interval_ends(LEVELS, 0.0)


def test_scales_are_those_of_each_series_training_rows():
    long, short = walks(40, 6)
    data = sequences(long, short, np.ones((20, 2)))
    for power, found in enumerate(naive_scales(data, 7), 1):
        np.testing.assert_allclose(found[0], real.naive_scale(long, 7, power))
        np.testing.assert_allclose(found[1], real.naive_scale(short, 1, power))
        assert (found[2] == 0).all()


def test_coverage_has_an_interval_over_all_and_at_each_step():
    train, valid, test = parts(gaps=0.1)
    methods = standard(train, valid)
    found = judged(methods, test, valid, seed=3, resamples=300)
    index = np.arange(len(test))
    y, series = test.actual(index)[..., 1], test.where(index)[0]
    for at, method in enumerate(methods):
        quantiles = method(test, index).quantiles[..., 1, :]
        seen = np.isfinite(y)
        inside = seen & (quantiles[..., 1] <= y) & (y <= quantiles[..., -2])
        sums = block_sums(
            np.stack([inside.sum(1), seen.sum(1)], 1), series, 3, seed=3, resamples=300
        )
        expected = np.quantile(sums[:, 0] / sums[:, 1], [0.025, 0.975])
        score = next(s for s in found.scores if (s.method, s.target) == (method.name, "rain"))
        assert (score.coverage_low, score.coverage_high) == pytest.approx(tuple(expected))
        assert score.coverage_low <= score.coverage <= score.coverage_high
        steps = [s for s in found.steps if (s.method, s.target) == (method.name, "rain")]
        for step, told in enumerate(steps):
            if at:
                assert told.coverage_low is None
                continue
            both = np.stack([inside[:, step], seen[:, step]], 1)
            sums = block_sums(both, series, 3, seed=3, resamples=300)
            expected = np.quantile(sums[:, 0] / sums[:, 1], [0.025, 0.975])
            assert (told.coverage_low, told.coverage_high) == pytest.approx(tuple(expected))
            assert told.crps > 0


def test_percentages_of_nothing_are_left_open():
    values = walks(120)[0]
    values[50:, 1] = 0.0
    test = windows(sequences(values), 60, 100)
    found = judged([constant("zero", "naive", [0, 0])], test)
    rain = next(score for score in found.scores if score.target == "rain")
    assert (rain.mape, rain.wape, rain.wql, rain.direction) == (None,) * 4
    assert rain.smape == 0
    json.dumps(asdict(rain), allow_nan=False)


def grouped(points):
    found = {}
    for point in points:
        found.setdefault((point.series, point.target), []).append(point)
    return found


@pytest.mark.parametrize(("lengths", "horizon"), [((300,), 3), ((200, 90, 150, 80, 99), 7)])
def test_forecast_points_are_a_line_without_gaps_and_whole_fans(lengths, horizon):
    data = sequences(*walks(*lengths, gaps=0.1))
    test = windows(data, 20, data.lengths - horizon + 1, horizon=horizon)
    method = noisy("net", "lstm", 0.5)
    points = forecast_points(method, test, (1, 17))
    assert len(points) <= 1500
    groups = grouped(points)
    assert len(groups) == 2 * min(3, len(lengths))
    index = np.arange(len(test))
    series, origin = test.where(index)
    point, quantiles = method(test, index)
    for (key, target), group in groups.items():
        number, k = data.keys.index(key), ("sun", "rain").index(target)
        labels = [data.time_label(row) for row in range(*data.offsets[number : number + 2])]
        rows = [labels.index(p.time) for p in group]
        line = [row for row, p in zip(rows, group, strict=True) if p.step == 1]
        assert line == list(range(line[0], lengths[number] - horizon + 1))
        assert line[0] == 20 or len(points) > 1000
        starts = {row - p.step + 1 for row, p in zip(rows, group, strict=True) if p.step > 1}
        assert len(starts) == 4
        # the first fan has rows of the same line before it
        lead = min(max(14, 2 * horizon), len(line) // 2)
        assert {min(starts), max(starts)} == {line[lead], line[-1]}
        assert len(group) == len(line) + 4 * (horizon - 1)
        for row, p in zip(rows, group, strict=True):
            at = np.flatnonzero((series == number) & (origin == row - p.step + 1))[0]
            assert p.point == point[at, p.step - 1, k]
            assert (p.low, p.high) == tuple(quantiles[at, p.step - 1, k, [1, 17]])
            actual = test.actual([at])[0, p.step - 1, k]
            assert p.actual == (None if np.isnan(actual) else actual)


def test_forecast_points_of_one_step_without_times():
    data = sequences(*walks(50), step=None)
    test = windows(data, 20, 50, horizon=1)
    points = forecast_points(constant("zero", "lstm", [0, 0]), test, (1, 17))
    assert [p.time for p in points if p.target == "sun"] == [str(row) for row in range(20, 50)]
    assert {p.step for p in points} == {1}


def test_many_long_forecasts_stay_few_points():
    data = sequences(*walks(900, 900, 900, targets=3))
    test = windows(data, 100, 700, horizon=96)
    points = forecast_points(constant("zero", "lstm", [0, 0, 0]), test, (1, 17))
    assert len(points) <= 1500
    assert {p.step for p in points} == set(range(1, 97))


def test_a_judgement_is_plain_data():
    train, valid, test = parts(gaps=0.1)
    found = judged(standard(train, valid), test, valid)
    for records in (found.scores, found.steps, found.reliability, found.forecasts):
        json.dumps([asdict(record) for record in records], allow_nan=False)

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from longshort.errors import DataError
from longshort.records import DataSummary, Evaluation, ForecastPoint, History
from longshort.report.timeline import one_step_panels, origin_panels, read_times, thin


def test_times_are_rows_or_moments_in_utc() -> None:
    assert read_times(["0", "17"]) == {"0": 0, "17": 17}
    moments = read_times(["2015-06-30", "2015-06-30T14:30:00+02:00"])
    assert moments["2015-06-30"] == datetime(2015, 6, 30, tzinfo=UTC)
    assert moments["2015-06-30T14:30:00+02:00"] == datetime(2015, 6, 30, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize("times", [["2015-06-30", "3"], ["noon"], [""]])
def test_other_times_are_named(times: list[str]) -> None:
    with pytest.raises(DataError, match=repr(times[-1]) if times[-1] != "3" else "'3'"):
        read_times(times)


def test_thinning_keeps_order_ends_and_the_share_inside(evaluation: Evaluation) -> None:
    points = [p for p in evaluation.forecasts if p.target == "temp_max" and p.step == 1]
    points = [replace(p, time=str(i)) for i, p in enumerate(points * 40)]
    few = thin(points, 1000)
    rows = [int(p.time) for p in few]
    assert len(few) == 1000
    assert rows == sorted(set(rows))
    # one from each stretch: no gap is longer than two stretches
    longest = 2 * len(points) / 1000 + 1
    assert max(b - a for a, b in zip([0, *rows], [*rows, len(points)], strict=True)) <= longest

    def inside(some: list[ForecastPoint]) -> float:
        return sum(p.low <= (p.actual or 0) <= p.high for p in some) / len(some)

    assert inside(list(few)) == pytest.approx(inside(points), abs=0.03)
    assert thin(points[:10], 10) == tuple(points[:10])


def test_one_step_panels_hold_the_whole_test_part_in_order(evaluation: Evaluation) -> None:
    shuffled = list(evaluation.forecasts)
    random.Random(0).shuffle(shuffled)
    panels = one_step_panels(replace(evaluation, forecasts=tuple(shuffled)))
    assert [panel.target for panel in panels] == list(evaluation.targets)
    for panel in panels:
        times = [p.time for p in panel.points]
        assert times == sorted(times)
        assert len(times) == panel.total == 365


def test_fans_are_found_in_any_order(evaluation: Evaluation) -> None:
    panels = origin_panels(evaluation)
    shuffled = list(evaluation.forecasts)
    random.Random(1).shuffle(shuffled)
    assert origin_panels(replace(evaluation, forecasts=tuple(shuffled))) == panels
    assert len(panels) == 6
    for panel in panels:
        days = [datetime.fromisoformat(p.time).toordinal() for p in panel.points]
        assert [p.step for p in panel.points] == [1, 2, 3, 4, 5, 6, 7]
        assert days == list(range(days[0], days[0] + 7))
        # the record holds whole fans from every tenth day only
        assert (days[0] - datetime(2015, 1, 1).toordinal()) % 10 == 0
        known = [datetime.fromisoformat(time).toordinal() for time, _ in panel.before]
        assert known == list(range(days[0] - 14, days[0]))


def test_rows_are_ordered_as_numbers() -> None:
    points = tuple(ForecastPoint("", "y", str(t), 1, 0.0, 0.0, -1.0, 1.0) for t in (10, 9, 100))
    record = _record(points, horizon=1)
    (panel,) = one_step_panels(record)
    assert [p.time for p in panel.points] == ["9", "10", "100"]
    assert origin_panels(record) == []


def test_many_series_show_the_first_few() -> None:
    points = tuple(
        ForecastPoint(f"s{s}", "y", str(t), 1, 0.0, 0.0, -1.0, 1.0)
        for s in range(40)
        for t in range(100)
    )
    panels = one_step_panels(_record(points, horizon=1), most_points=150)
    assert [panel.series for panel in panels] == ["s0", "s1", "s2"]
    assert [len(panel.points) for panel in panels] == [50, 50, 50]
    assert [panel.total for panel in panels] == [100, 100, 100]


def _record(points: tuple[ForecastPoint, ...], horizon: int) -> Evaluation:
    return Evaluation(
        task="forecast",
        targets=("y",),
        units=("",),
        horizon=horizon,
        level=0.8,
        season=1,
        mase_season=1,
        origins=1,
        reference={},
        scores=(),
        steps=(),
        reliability=(),
        forecasts=points,
        verdict="",
        data=DataSummary("an array", 1, 1, "", "none"),
        history=History(),
    )

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import altair as alt
import pytest

from longshort.errors import ArgumentError, DataError
from longshort.records import Epoch, Evaluation, ForecastPoint, History
from longshort.report.charts import forecast_chart, one_step_chart, origins_chart
from longshort.report.curves import calibration_chart, horizon_chart, training_chart
from longshort.report.drawing import svg


def layers_of(chart: alt.ConcatChart) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Mark and rows of every layer, as Vega-Lite will read them."""
    spec = chart.to_dict()
    for panel in spec["concat"]:
        for layer in panel["layer"]:
            data = layer.get("data", panel.get("data"))
            yield layer["mark"]["type"], json.loads(spec["datasets"][data["name"]])


def titles_of(chart: alt.ConcatChart) -> list[str]:
    return [panel["title"] for panel in chart.to_dict()["concat"]]


def test_one_step_chart_draws_the_record(evaluation: Evaluation) -> None:
    chart = one_step_chart(evaluation)
    drawn = [rows for mark, rows in layers_of(chart) if mark == "line"]
    for target, rows in zip(evaluation.targets, drawn, strict=True):
        wanted = [p for p in evaluation.forecasts if p.target == target and p.step == 1]
        assert [row["point"] for row in rows] == [p.point for p in wanted]
        assert [(row["low"], row["high"]) for row in rows] == [(p.low, p.high) for p in wanted]
    dots = [rows for mark, rows in layers_of(chart) if mark == "point"]
    # two days of wind are missing
    assert [len(rows) for rows in dots] == [365, 363]


def test_thinned_points_are_said(evaluation: Evaluation) -> None:
    chart = one_step_chart(evaluation, most_points=100)
    assert titles_of(chart) == [f"{t} · 50 of 365 points drawn" for t in evaluation.targets]
    assert {len(rows) for mark, rows in layers_of(chart) if mark == "area"} == {50}


@pytest.mark.parametrize(
    "draw",
    [one_step_chart, origins_chart, horizon_chart, calibration_chart],
)
@pytest.mark.parametrize("width", [926, 344])
def test_charts_are_valid_titled_described_and_have_axes_with_units(
    evaluation: Evaluation, draw: Any, width: int
) -> None:
    # Altair checks the specification against Vega-Lite's schema
    spec = draw(evaluation, width=width).to_dict()
    assert spec["title"]["text"]
    assert all(target in spec["description"] for target in evaluation.targets)
    text = json.dumps(spec, ensure_ascii=False)
    if draw is not calibration_chart:
        assert "°C" in text
        assert "m/s" in text


def test_horizon_chart_draws_every_method_and_step(evaluation: Evaluation) -> None:
    for measure in ("mae", "coverage"):
        rows = [
            r
            for m, rows in layers_of(horizon_chart(evaluation, measure=measure))
            if m == "line"
            for r in rows
        ]
        drawn = sorted((r["method"], r["step"], r["value"]) for r in rows)
        assert drawn == sorted((s.method, s.step, getattr(s, measure)) for s in evaluation.steps)


def test_calibration_chart_draws_every_level(evaluation: Evaluation) -> None:
    layers = layers_of(calibration_chart(evaluation))
    rows = [row for mark, rows in layers if mark == "point" for row in rows]
    drawn = sorted((r["method"], r["level"], r["value"]) for r in rows)
    assert drawn == sorted((r.method, r.level, r.observed) for r in evaluation.reliability)


def test_training_chart_marks_the_kept_epochs(evaluation: Evaluation) -> None:
    layers = list(layers_of(training_chart(evaluation.history)))
    (kept,) = [rows for mark, rows in layers if mark == "point"]
    best = [evaluation.history.best(member) for member in range(3)]
    assert [row["loss"] for row in kept] == [epoch.valid_loss for epoch in best if epoch]
    assert [row["epoch"] for row in kept] == [epoch.epoch + 1 for epoch in best if epoch]


def test_training_again_on_all_rows_is_a_run_of_its_own() -> None:
    first = [Epoch(0, e, 1.0, 1.0 - e, 0.1, 0.1, 1.0, True) for e in range(3)]
    again = [Epoch(0, e, 0.9 - e, None, 0.1, 0.1, 1.0, e == 1) for e in range(2)]
    chart = training_chart(History((*first, *again)))
    (kept,) = [rows for mark, rows in layers_of(chart) if mark == "point"]
    assert [(row["part"], row["loss"]) for row in kept] == [
        ("validation part", -1.0),
        ("training part", pytest.approx(-0.1)),
    ]


def test_nothing_to_draw_is_said(evaluation: Evaluation) -> None:
    empty = replace(evaluation, forecasts=(), steps=(), reliability=())
    for draw in (one_step_chart, origins_chart, horizon_chart, calibration_chart):
        with pytest.raises(ArgumentError, match="the record holds none"):
            draw(empty)
    with pytest.raises(ArgumentError, match="epochs"):
        training_chart(History())
    with pytest.raises(ArgumentError, match="'mae' and 'coverage'"):
        horizon_chart(evaluation, measure="rmse")


def next_week(target: str = "y", series: str = "", start: int = 5) -> list[ForecastPoint]:
    return [
        ForecastPoint(series, target, f"2020-01-{start + s:02}", s, None, 2.0 + s, 1.0, 4.0 + s)
        for s in range(1, 4)
    ]


def test_forecast_chart_joins_history_and_forecast() -> None:
    history = [("", "y", f"2020-01-0{day}", float(day)) for day in range(1, 6)]
    chart = forecast_chart(history, next_week(), units={"y": "kW"}, level=0.9, recent=3)
    layers = dict(layers_of(chart))
    assert [row["high"] for row in layers["area"]] == [5.0, 6.0, 7.0]
    assert [row["actual"] for row in layers["point"]] == [3.0, 4.0, 5.0]
    # the rule stands at the last value that was known
    assert [row["t"] for row in layers["rule"]] == ["2020-01-05T00:00:00.000000Z"]
    text = chart.to_json()
    assert "y (kW)" in text
    assert "90 % interval" in text


def test_forecast_chart_without_history_with_rows_and_one_step() -> None:
    point = ForecastPoint("a", "y", "12", 1, 3.0, 2.5, 2.0, float("nan"))
    chart = forecast_chart([], [point], recent=0)
    assert titles_of(chart) == ["y · a"]
    assert "row of the series" in chart.to_json()
    layers = dict(layers_of(chart))
    assert layers["bar"][0]["high"] is None
    assert "rule" not in layers
    svg(chart)


def test_forecast_chart_has_a_row_per_target_and_series() -> None:
    points = [p for t in ("u", "v") for s in "abc" for p in next_week(t, s)]
    assert titles_of(forecast_chart([], points)) == [
        f"{target} · {series}" for target in "uv" for series in "abc"
    ]
    few = forecast_chart([], points, most_panels=2)
    assert len(titles_of(few)) == 2
    assert "2 of 6 panels" in few.to_dict()["description"]


def test_forecast_chart_refuses_what_it_cannot_draw() -> None:
    with pytest.raises(ArgumentError, match="forecast points"):
        forecast_chart([], [])
    with pytest.raises(ArgumentError, match=r"two forecasts of 'y' of series 's' for 2020-01-07"):
        forecast_chart([], [*next_week(series="s"), *next_week(series="s", start=6)])
    with pytest.raises(DataError, match="'today'"):
        forecast_chart([("", "y", "today", 1.0)], next_week())


def test_svg_is_one_labelled_element_with_text_as_text() -> None:
    name = 'a <script>alert("1")</script> & "b"\x01'
    chart = forecast_chart([], next_week(name), title=name)
    text = svg(chart, "one")
    root = ElementTree.fromstring(text)
    assert root.tag == "svg"
    assert root.get("role") == "img"
    assert 'a <script>alert("1")</script> & "b"' in str(root.get("aria-label"))
    shown = ["".join(element.itertext()) for element in root.iter("text")]
    assert any(name[:-1] in words for words in shown)
    assert {element.tag for element in root.iter()} <= {
        "svg",
        "g",
        "path",
        "rect",
        "line",
        "text",
        "tspan",
        "defs",
        "clipPath",
    }
    assert "http" not in text


def test_svg_is_the_same_each_time_and_ids_have_the_name(evaluation: Evaluation) -> None:
    chart = training_chart(evaluation.history)
    first, second = svg(chart, "a"), svg(chart, "a")
    assert first == second
    ids = [e.get("id") for e in ElementTree.fromstring(svg(chart, "b")).iter() if e.get("id")]
    assert all(str(found).startswith("b-") for found in ids)


def test_notebook_display_is_left_alone(evaluation: Evaluation) -> None:
    before = alt.theme.active
    horizon_chart(evaluation)
    assert alt.theme.active == before

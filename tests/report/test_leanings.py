"""What forecasts lean on, what was tried and what happened in training, as the page shows it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from longshort.errors import ArgumentError
from longshort.records import Evaluation, Explanation, Tuning
from longshort.report import explained_page, page
from longshort.report.drawing import svg
from longshort.report.leanings import (
    columns_chart,
    exchange_chart,
    places_chart,
    strongest,
    summary,
)
from longshort.report.trials import importance_rows, trial_rows

from .test_charts import layers_of, titles_of
from .test_document import EVIL, Reader, loads_nothing, small


@pytest.fixture(scope="module")
def text(eventful: Evaluation) -> str:
    return page(eventful)


CHARTS = [columns_chart, places_chart, exchange_chart]


@pytest.mark.parametrize("draw", CHARTS)
@pytest.mark.parametrize("width", [926, 344])
def test_charts_are_valid_titled_and_described(
    explanation: Explanation, draw: Any, width: int
) -> None:
    chart = draw(explanation, width=width)
    # Altair checks the specification against Vega-Lite's schema
    spec = chart.to_dict()
    assert spec["title"]["text"]
    assert "temp_max" in spec["description"]
    assert svg(chart, "x").startswith("<svg")


def test_every_share_is_drawn_at_its_place(explanation: Explanation) -> None:
    chart = places_chart(explanation)
    assert titles_of(chart) == [
        f"{target}, {step}" for target in explanation.targets
        for step in ("1 step ahead", "4 steps ahead", "7 steps ahead")
    ]  # fmt: skip
    drawn = next(rows for mark, rows in layers_of(chart) if mark == "rect")
    found = {(row["column"], row["low"] + 0.5): row["share"] for row in drawn}
    assert found["precipitation", -3] == 0.25
    assert found["temp_max", -1] == 0.5
    assert found["holiday", 7] == 0.03
    assert not any(column == "height" for column, _ in found)
    dots = next(rows for mark, rows in layers_of(columns_chart(explanation)) if mark == "point")
    shares = {row["column"]: row["value"] for row in dots if row["step"] == 1}
    assert shares == pytest.approx(
        {"temp_max": 0.55, "precipitation": 0.25, "holiday": 0.15, "height": 0.05}
    )
    rises = next(rows for mark, rows in layers_of(exchange_chart(explanation)) if mark == "point")
    assert {r["value"] for r in rises if r["column"] == "temp_max"} == {1.1}


def test_what_weighs_most_is_said_and_listed(explanation: Explanation) -> None:
    told = "temp_max (55 %), precipitation (25 %) and holiday (15 %)"
    assert summary(explanation)[0] == (
        f"Forecasts of temp_max lean 1 step ahead on {told}; 7 steps ahead on {told}."
    )
    assert strongest(explanation, "wind", 4)[:3] == [
        ("temp_max", "1 row before", 0.5),
        ("precipitation", "3 rows before", 0.25),
        ("holiday", "1 row ahead", 0.1),
    ]
    assert ("height", "always", 0.05) in strongest(explanation, "wind", 4)
    rows = Reader(explained_page(explanation)).rows
    assert ["wind", "precipitation", "3 rows before", "4", "25.0 %"] in rows


def test_many_columns_and_targets_are_thinned_and_said(explanation: Explanation) -> None:
    names = tuple(f"sensor {i}" for i in range(40))
    leanings = tuple(
        replace(x, target=target, column=f"sensor {i}")
        for target in names[:6] for i in range(40)
        for x in explanation.leanings if (x.target, x.column, x.step) == ("wind", "temp_max", 1)
    )  # fmt: skip
    many = replace(explanation, targets=names[:6], columns=names, steps=(1,), leanings=leanings)
    spec = columns_chart(many).to_dict()
    assert " ".join(spec["title"]["text"]).endswith("(4 of 6 targets, 12 of 40 columns)")
    assert len(places_chart(many).to_dict()["concat"]) == 4


def test_nothing_to_draw_is_said(explanation: Explanation) -> None:
    empty = replace(explanation, leanings=(), permutations=())
    for draw in CHARTS:
        with pytest.raises(ArgumentError, match="there are no"):
            draw(empty)
    shown = "".join(Reader(explained_page(empty)).words)
    assert "There are no shares to draw" in shown


def test_the_page_holds_it_and_loads_nothing(eventful: Evaluation, text: str) -> None:
    reader = Reader(text)
    loads_nothing(reader)
    assert {"leaning", "tuning"} <= set(reader.ids)
    assert {"#leaning", "#tuning"} <= set(reader.links)
    assert reader.tags.count("figure") == 9
    assert page(Evaluation.from_json(eventful.to_json())) == text


def test_without_it_the_page_is_as_before(evaluation: Evaluation) -> None:
    reader = Reader(page(small(evaluation)))
    assert not {"leaning", "tuning"} & set(reader.ids)
    assert not {"#leaning", "#tuning"} & set(reader.links)


def test_whatever_is_in_a_name_is_only_text(explanation: Explanation) -> None:
    evil = replace(
        explanation, source=EVIL, targets=(EVIL,), columns=(EVIL,), time_step=EVIL,
        leanings=tuple(replace(x, target=EVIL, column=EVIL) for x in explanation.leanings[:1]),
        permutations=tuple(
            replace(x, target=EVIL, column=EVIL) for x in explanation.permutations[:1]
        ),
    )  # fmt: skip
    reader = Reader(explained_page(evil))
    loads_nothing(reader)
    assert EVIL in "".join(reader.words)


def test_what_training_got_over_is_told_where_it_happened(text: str) -> None:
    rows = Reader(text).rows
    told = "the loss is nan at epoch 4, batch 5: back to batch 0 with half the rate, 0.0015"
    assert ["network 1", "taken back", told, "4", "5"] in rows
    assert ["network 1", "smaller batches", "not enough memory for 64 rows", "4", "7"] in rows
    assert "with 2 incidents" in text


def test_trials_stand_best_first_with_what_mattered(tuning: Tuning, text: str) -> None:
    rows = trial_rows(tuning)
    assert [row[0] for row in rows] == ["2", "1", "3", "4"]
    words = "size 64, rate 0.0121, relative last"
    assert rows[0] == ("2", words, "to its end", "0.620", "12", "3.5 s")
    assert rows[3][2:4] == ("failed", "–")
    assert importance_rows(tuning) == [("rate", "0.0121", "70 %"), ("size", "64", "30 %")]
    shown = Reader(text).rows
    assert list(rows[0]) in shown
    assert ["rate", "0.0121", "70 %"] in shown


def test_records_are_plain_json(explanation: Explanation) -> None:
    assert json.loads(explanation.to_json())["leanings"][0]["past"] == [0.5, 0.05, 0.0]
    assert explanation.leanings[2].share == pytest.approx(0.15)

from __future__ import annotations

import json
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from longshort.errors import ArgumentError
from longshort.records import Comparison, Pair
from longshort.report import comparison_page, score_table
from longshort.report.contest import pairs_chart

EVIL = '<script>alert("x")</script>'


def test_the_page_tells_everything_once(comparison):
    page = comparison_page(comparison)
    HTMLParser().feed(page)
    for name in ("scores", "pairs", "contenders", "data", "settings", "notes", "reading"):
        assert page.count(f'id="{name}"') == 1
        assert f'href="#{name}"' in page
    assert comparison.verdict.replace("'", "&#x27;") in page
    assert "−4.2" in page
    assert "&lt; 0.001" in page
    assert "0.032" in page
    assert "size 64, cell gru" in page
    assert "56,789" in page
    assert "small (chosen)" in page
    assert "1.25 to 1.50" in page
    assert "Diebold and Mariano" in page
    assert "http" not in page.split("<body>")[1]


def test_the_same_record_gives_the_same_page(comparison):
    again = Comparison.from_json(comparison.to_json())
    assert comparison_page(again) == comparison_page(comparison)


def test_whatever_a_record_holds_stays_text(comparison):
    one = replace(comparison.contenders[0], name=EVIL, settings={EVIL: EVIL})
    page = comparison_page(replace(comparison, contenders=(one,), verdict=EVIL, chosen=EVIL))
    assert "<script>" not in page


def test_configurations_stand_before_yardsticks(comparison):
    rows = score_table(comparison).rows
    assert [row.method for row in rows[:2]] == ["small", "wide"]


def test_what_too_few_origins_cannot_tell_is_a_dash(comparison):
    pair = Pair("temp_max", "small", "wide", 0.01)
    page = comparison_page(replace(comparison, pairs=(pair,)))
    assert "+1.0" in page
    assert ">–<" in page


def test_differences_are_drawn_with_their_intervals(comparison):
    chart = pairs_chart(comparison)
    told = chart.to_dict()
    lines = told["datasets"][told["concat"][0]["layer"][1]["data"]["name"]]
    row = json.loads(lines)[0]
    assert (row["method"], row["low"], row["change"], row["high"]) == (
        "wide",
        -0.06,
        -0.042,
        -0.021,
    )
    assert {row["kind"] for row in json.loads(lines)} == {"configuration", "yardstick"}
    assert "wide -4.2 % [-6.0, -2.1]" in told["description"]
    with pytest.raises(ArgumentError, match="no differences"):
        pairs_chart(replace(comparison, pairs=()))

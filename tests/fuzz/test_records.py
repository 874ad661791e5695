"""Records of any content: drawn as a page, or refused in words."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longshort.errors import LongshortError
from longshort.records import (
    AnomalyEvaluation,
    Comparison,
    Evaluation,
    History,
    LabelEvaluation,
)
from longshort.report import comparison_page, page, score_table
from longshort.report.anomalies.document import anomaly_page
from longshort.report.labels.document import label_page

from ..report.anomalies.conftest import labelled_record, stretch  # noqa: TID252
from ..report.conftest import contest, weather  # noqa: TID252
from ..report.labels.conftest import entity_record, gesture_record, review_record  # noqa: TID252
from .conftest import TRIED
from .test_model_file import NUMBERS, places, values

pytestmark = pytest.mark.slow

WORDS = ["", "NaN", "2015-01-01", "2015-13-45", "10000-01-01", "7", "-1", "<b>", "\x00", "\ud800"]


def small() -> dict[str, Any]:
    """A record whose charts take little time to draw."""
    whole = weather(12)
    few = tuple(p for p in whole.forecasts if p.step == 1 or p.time < "2015-01-08")
    record = replace(whole, forecasts=few, steps=whole.steps[:4], reliability=whole.reliability[:4])
    content: dict[str, Any] = json.loads(record.to_json())
    return content


RECORD = json.dumps(small())
COMPARISON = contest(weather(12)).to_json()
LABELS = [
    replace(made(), mistakes=made().mistakes[:2]).to_json()
    for made in (review_record, gesture_record, entity_record)
]
ANOMALIES = replace(labelled_record(), watched=(), shown=labelled_record().shown[:1]).to_json()
WATCHED = replace(
    labelled_record(), watched=(stretch(46),), shown=(), rates=(), history=History()
).to_json()
PAGES = {
    Evaluation: page,
    Comparison: comparison_page,
    LabelEvaluation: label_page,
    AnomalyEvaluation: anomaly_page,
}
Kind = type[Evaluation | Comparison | LabelEvaluation | AnomalyEvaluation]


@st.composite
def changed(draw: st.DrawFn, text: str) -> str:
    """The record with one to three values replaced, left out or doubled."""
    record = json.loads(text)
    for _ in range(draw(st.integers(1, 3))):
        way = draw(st.sampled_from(list(places(record))))
        place: Any = record
        for step in way[:-1]:
            place = place[step]
        kind = draw(st.sampled_from(["replace", "replace", "replace", "drop", "double"]))
        if kind == "drop":
            del place[way[-1]]
        elif kind == "double" and isinstance(place, list):
            place.append(place[way[-1]])
        else:
            place[way[-1]] = draw(st.sampled_from([*NUMBERS, *WORDS, None, [], {}]) | values)
    return json.dumps(record)


def holds(text: str | bytes, kind: Kind = Evaluation) -> None:
    """The property: words that name the file, or a page that loads nothing."""
    TRIED["test_records.py"] += 1
    try:
        record = kind.from_json(text, "evaluation.json")
    except LongshortError as refusal:
        said = str(refusal)
        assert "evaluation.json" in said
        assert len(said) < 2000
        return
    try:
        if not isinstance(record, LabelEvaluation | AnomalyEvaluation):
            score_table(record)
        shown = PAGES[kind](record)
    except LongshortError:
        return
    shown.encode()
    assert "<script" not in shown


@settings(max_examples=120)
@given(text=changed(RECORD))
def test_changed_records(text: str) -> None:
    holds(text)


@settings(max_examples=120)
@given(text=changed(COMPARISON))
def test_changed_comparisons(text: str) -> None:
    holds(text, Comparison)


@settings(max_examples=120)
@given(text=st.sampled_from(LABELS).flatmap(changed))
def test_changed_labels(text: str) -> None:
    holds(text, LabelEvaluation)


@settings(max_examples=60)
@given(text=st.sampled_from([ANOMALIES, WATCHED]).flatmap(changed))
def test_changed_anomalies(text: str) -> None:
    holds(text, AnomalyEvaluation)


@settings(max_examples=500)
@given(text=st.binary(max_size=99) | st.text() | values.map(json.dumps))
def test_any_text(text: str | bytes) -> None:
    holds(text)


def test_nested_text() -> None:
    holds("[" * 10**6)
    holds('{"a":' * 10**5)

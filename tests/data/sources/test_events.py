"""Long tables of events with a table of outcomes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from longshort.data.corpus import Roles
from longshort.data.readings.signals import Signal, SignalReading
from longshort.data.sources.events import read_events
from longshort.errors import ArgumentError, DataError, LongshortWarning

EVENTS = """patient,time,code,value
2,00:07,HR,70
1,01:30,HR,90
1,00:10,HR,80
1,00:10,HR,82
1,00:10,Age,55
1,01:30,Temp,
2,00:07,Temp,37.5
"""
OUTCOMES = "patient,died,ward,unit\n1,0,A,icu\n2,1,B,ccu\n3,0,A,icu\n"
ROLES = Roles(
    item="patient", time="time", code="code", value="value", label=("died",), group="ward",
    static=("Age", "unit"),
)  # fmt: skip


def written(folder: Path, text: str = EVENTS, name: str = "events.csv") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_events_become_a_row_for_every_time(tmp_path: Path) -> None:
    outcomes = written(tmp_path, OUTCOMES, "outcomes.csv")
    corpus = read_events(written(tmp_path), outcomes, ROLES)
    assert corpus.names == ("1", "2", "3")
    assert corpus.labels == (("0",), ("1",), ("0",))
    assert corpus.groups == ("A", "B", "A")
    assert corpus.lines is not None
    assert corpus.lines.tolist() == [2, 3, 4]
    series, nan = corpus.series, np.nan
    assert series is not None
    assert series.lengths.tolist() == [2, 1, 0]
    assert [(f.name, f.role) for f in series.fields] == [
        ("HR", "past"), ("Temp", "past"), ("Age", "static"), ("unit", "static"),
    ]  # fmt: skip
    np.testing.assert_array_equal(
        series.values, [[81, nan, 55, 0], [90, nan, 55, 0], [70, 37.5, nan, 1]]
    )
    assert series.times is not None
    assert np.diff(series.times[:2]) == np.timedelta64(80, "m")
    assert corpus.where(1) == "events.csv: '2'"


def test_new_events_need_neither_outcomes_nor_every_code(tmp_path: Path) -> None:
    path = written(tmp_path)
    roles = ROLES.set_params(static=("Age",))
    reading = SignalReading.fit(
        read_events(path, written(tmp_path, OUTCOMES, "outcomes.csv"), roles), Signal(every="1h")
    )
    new = pl.DataFrame({"patient": [9], "time": ["05:00"], "code": ["HR"], "value": [81.0]})
    corpus = read_events(new, None, roles, labelled=False)
    found = reading.read(corpus, [0])
    assert corpus.labels is None
    assert found.inputs["observed"].tolist() == [[[0]]]
    assert found.static["static"].tolist() == [[0, 0]]


def test_events_without_numbers_are_counted_as_there(tmp_path: Path) -> None:
    outcomes = written(tmp_path, OUTCOMES, "outcomes.csv")
    roles = ROLES.set_params(value=None, static=())
    series = read_events(written(tmp_path), outcomes, roles).series
    assert series is not None
    assert series.names == ("HR", "Age", "Temp")
    assert np.nanmax(series.values) == np.nanmin(series.values) == 1


def test_items_without_an_outcome_are_told(tmp_path: Path) -> None:
    outcomes = written(tmp_path, OUTCOMES.replace("2,1,B,ccu\n", ""), "outcomes.csv")
    with pytest.warns(LongshortWarning, match="1 of 2 items have no row"):
        corpus = read_events(written(tmp_path), outcomes, ROLES)
    assert corpus.names == ("1", "3")
    assert corpus.series is not None
    assert corpus.series.lengths.tolist() == [2, 0]


@pytest.mark.parametrize(
    ("events", "outcomes", "told"),
    [
        (EVENTS.replace("HR,90", "HR,high"), OUTCOMES, "line 3, column 'value': 'high'"),
        (EVENTS.replace("HR,90", ",90"), OUTCOMES, "line 3, column 'code': the event has no code"),
        (EVENTS.replace("01:30,HR", "late,HR"), OUTCOMES, "column 'time'"),
        (EVENTS, OUTCOMES + "2,1,B,x\n", "line 5, column 'patient': '2' is there twice"),
        (EVENTS, OUTCOMES.replace("died", "dead"), "no column 'died' for label"),
        (EVENTS, OUTCOMES.replace("unit", "place"), "no column 'unit' for static"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, events: str, outcomes: str, told: str) -> None:
    table = written(tmp_path, outcomes, "outcomes.csv")
    with pytest.raises(DataError, match=told):
        read_events(written(tmp_path, events), table, ROLES)


def test_names_are_needed(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="column of its code"):
        read_events(written(tmp_path), None, ROLES.set_params(code=None))
    with pytest.raises(DataError, match="no column 'died' for label"):
        read_events(written(tmp_path), None, ROLES)


def test_outcomes_may_stand_beside_the_events(tmp_path: Path) -> None:
    events = pl.read_csv(written(tmp_path).read_bytes(), infer_schema_length=None)
    events = events.with_columns(died=pl.col("patient") - 1, ward=pl.lit("A"))
    roles = ROLES.set_params(static=("Age",))
    corpus = read_events(events, None, roles)
    assert corpus.names == ("2", "1")
    assert corpus.labels == (("1",), ("0",))
    assert corpus.groups == ("A", "A")
    wrong = events.with_columns(died=pl.Series([0, 1, 0, 0, 0, 0, 0]))
    with pytest.raises(DataError, match="row 2: the died is '0' here and '1' elsewhere"):
        read_events(wrong, None, roles)

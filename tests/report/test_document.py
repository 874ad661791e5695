from __future__ import annotations

import math
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from longshort.records import Evaluation, FieldSummary, ForecastPoint, History
from longshort.report import page, score_table

EVIL = '<script>alert("x")</script><img src=http://evil.example/a.png onerror=alert(1)>'
VOID = {"meta", "link", "img", "br", "hr", "input", "wbr"}
SECTIONS = (
    "scores",
    "forecasts",
    "horizon",
    "calibration",
    "training",
    "data",
    "settings",
    "environment",
    "notes",
    "reading",
)


class Reader(HTMLParser):
    """Elements, attributes and the text of table cells; complains about unbalanced tags."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.rows: list[list[str]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        self.ids += [value or "" for name, value in attrs if name == "id"]
        self.links += [value or "" for name, value in attrs if name == "href"]
        if tag not in VOID:
            self._open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th") and self.rows:
            self.rows[-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] != "style":
            self.words.append(data)
        if {"td", "th"} & set(self._open):
            self.rows[-1][-1] += data


@pytest.fixture(scope="module")
def text(evaluation: Evaluation) -> str:
    return page(evaluation)


@pytest.fixture(scope="module")
def reader(text: str) -> Reader:
    return Reader(text)


def loads_nothing(reader: Reader) -> None:
    assert not set(reader.tags) & {"script", "link", "img", "iframe", "object", "embed", "image"}
    for tag, name, value in reader.attributes:
        assert name not in ("src", "srcset", "data", "action", "xlink:href"), (tag, name)
        assert not name.startswith("on"), (tag, name)
        if name == "href":
            assert value.startswith("#")
        if name != "aria-label":
            assert "//" not in value, (tag, name, value)


def test_it_loads_nothing(reader: Reader, text: str) -> None:
    loads_nothing(reader)
    style = text[text.index("<style>") : text.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style
    assert "default-src 'none'" in text


def test_sections_stand_in_order_and_links_lead_to_them(reader: Reader) -> None:
    places = [reader.ids.index(name) for name in SECTIONS]
    assert places == sorted(places)
    assert len(reader.ids) == len(set(reader.ids))
    assert [link.removeprefix("#") for link in reader.links] == list(SECTIONS)
    assert reader.tags.count("h1") == 1


def test_the_head_says_what_was_found(reader: Reader, evaluation: Evaluation) -> None:
    shown = "".join(reader.words).replace("\u00a0", " ")
    assert evaluation.verdict in shown
    assert "seattle-weather.csv" in shown
    assert shown.index(evaluation.verdict) < shown.index("Means over 359 origins")
    for note in evaluation.notes:
        assert note in shown


def test_the_table_has_the_records_numbers(reader: Reader, evaluation: Evaluation) -> None:
    shown = [[cell.replace("−", "-") for cell in row] for row in reader.rows]
    for row in score_table(evaluation).rows:
        wanted = [row.method]
        wanted += [f"{c.text} (best)" if c.best else c.text for c in row.cells]
        # the mark stands between a value and its interval
        moved = [re.sub(r"^(.*?)( \[.*\]) \(best\)$", r"\1 (best)\2", cell) for cell in wanted]
        assert moved in shown


def test_data_and_parts_are_listed(reader: Reader) -> None:
    assert ["training", "2012-01-01", "2013-12-31", "731", "665"] in reader.rows
    assert ["temp_max", "target", "°C", "0", "−1.60", "16.4", "35.6"] in reader.rows
    assert any(row[:4] == ["network 1", "stopped early", "19", "12"] for row in reader.rows)


def test_every_chart_is_labelled_and_drawn_for_screen_and_phone(reader: Reader) -> None:
    labels = [v for tag, name, v in reader.attributes if tag == "svg" and name == "aria-label"]
    assert reader.tags.count("figure") == 6
    assert len(labels) == 12
    assert all(len(label) > 40 for label in labels)


def test_other_scores_and_coverage_by_step_are_folded_away(evaluation: Evaluation) -> None:
    scores = tuple(
        replace(s, wql=0.25, coverage_low=s.coverage - 0.04, coverage_high=s.coverage + 0.03)
        for s in evaluation.scores
    )
    steps = tuple(
        replace(s, coverage_low=0.7, coverage_high=0.9) if s.method == "LSTM" else s
        for s in evaluation.steps
    )
    read = Reader(page(replace(evaluation, scores=scores, steps=steps)))
    assert read.tags.count("details") == 2
    assert any(cell.startswith("0.250") for row in read.rows for cell in row)
    by_step = [row for row in read.rows if row[-1].endswith("[70.0, 90.0]")]
    assert len(by_step) == sum(step.method == "LSTM" for step in steps)
    told = " ".join(read.words)
    assert re.search(r"temp_max 81\.2\s% \[77\.2, 84\.2\]", told)


def test_the_same_record_gives_the_same_bytes(text: str, evaluation: Evaluation) -> None:
    assert page(Evaluation.from_json(evaluation.to_json())) == text


def small(evaluation: Evaluation) -> Evaluation:
    """The record without its fans, which take the longest to draw."""
    few = tuple(p for p in evaluation.forecasts if p.step == 1 and p.time < "2015-01-21")
    return replace(evaluation, forecasts=few, steps=(), reliability=(), history=History())


def test_whatever_is_in_a_name_is_only_text(evaluation: Evaluation) -> None:
    def dirty(name: str) -> str:
        return EVIL if name == "wind" else name

    base = small(evaluation)
    record = replace(
        base,
        task=EVIL,
        targets=tuple(map(dirty, base.targets)),
        units=(EVIL, EVIL),
        scores=tuple(
            replace(s, target=dirty(s.target), method=s.method + EVIL) for s in base.scores
        ),
        forecasts=tuple(replace(p, target=dirty(p.target), series=EVIL) for p in base.forecasts),
        reference={"temp_max": "last value", EVIL: EVIL},
        verdict=EVIL,
        settings={EVIL: EVIL},
        environment={EVIL: EVIL + "\x00"},
        notes=(EVIL,),
        data=replace(
            base.data,
            source=EVIL,
            step=EVIL,
            fill=EVIL,
            fields=(FieldSummary(EVIL, EVIL, EVIL, 1, None, None, None),),
        ),
    )
    reader = Reader(page(record))
    loads_nothing(reader)
    assert EVIL in "".join(reader.words)


def test_empty_parts_are_said(evaluation: Evaluation) -> None:
    record = replace(
        small(evaluation),
        forecasts=(),
        scores=(),
        settings={},
        environment={},
        notes=(),
        verdict="",
    )
    reader = Reader(page(record))
    loads_nothing(reader)
    shown = "".join(reader.words)
    assert "There are no epochs to draw" in shown
    assert "The record holds no scores." in shown
    assert set(SECTIONS) <= set(reader.ids)


def test_rows_instead_of_times_one_step_and_missing_values(evaluation: Evaluation) -> None:
    points = tuple(
        ForecastPoint("", t, str(i), 1, None if i % 3 else 1.0 * i, math.nan, 0.0, math.inf)
        for t in evaluation.targets
        for i in range(20)
    )
    record = replace(
        small(evaluation),
        forecasts=points,
        horizon=1,
        data=replace(evaluation.data, step="", fields=(), parts=()),
    )
    reader = Reader(page(record))
    assert "row of the series" in reader.words
    assert "horizon" not in reader.ids
    assert "#horizon" not in reader.links


def test_a_long_test_part_stays_small_and_says_so(
    weather_of: Callable[[int], Evaluation],
) -> None:
    # everything else is drawn in the other tests
    record = replace(weather_of(9000), steps=(), reliability=(), history=History())
    text = page(record)
    assert len(text.encode()) < 2_000_000
    assert "Drawn are 2,000 of 18,000 points" in text


def test_many_targets_stay_small(evaluation: Evaluation) -> None:
    names = tuple(f"sensor {i}" for i in range(30))
    base = small(evaluation)
    scores = tuple(replace(s, target=n) for n in names for s in base.scores if s.target == "wind")
    steps = tuple(
        replace(s, target=n) for n in names for s in evaluation.steps if s.target == "wind"
    )
    record = replace(
        base,
        targets=names,
        units=("",) * 30,
        scores=scores,
        steps=steps,
        forecasts=(),
        reference=dict.fromkeys(names, "last value"),
    )
    text = page(record)
    assert len(text.encode()) < 2_000_000
    assert "8 of 30 targets" in text
    assert "sensor 29" in text


def test_the_table_needs_neither_charts_nor_torch() -> None:
    code = (
        "import sys; from longshort.report import score_table; "
        "print(sorted({'torch', 'altair', 'vl_convert'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
    code = "import sys, longshort.report.document; print('torch' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"

from __future__ import annotations

import html
import re
from dataclasses import replace
from pathlib import Path

import pytest

from longshort.cli.records import drawn, read_record, show_record, write_record
from longshort.errors import ArgumentError
from longshort.records import AnomalyEvaluation, History, Measured
from longshort.report import rates_chart, watch_chart
from longshort.report.anomalies.charts import stretch_chart
from longshort.report.anomalies.document import anomaly_page
from longshort.report.anomalies.scores import anomaly_table, difference_rows, late, shown

from ..labels.test_page import Reader  # noqa: TID252
from .conftest import NAME, stretch


@pytest.fixture(scope="module")
def text(labelled: AnomalyEvaluation) -> str:
    return anomaly_page(labelled)


def test_sections_stand_in_order_and_links_lead_to_them(text: str) -> None:
    reader = Reader(text)
    assert reader.loaded == []
    assert reader.sections == [
        "scores", "watched", "shown", "rates", "training", "data", "settings", "environment",
        "notes", "reading",
    ]  # fmt: skip
    assert reader.links == reader.sections
    assert "default-src 'none'" in text


def test_the_sentence_and_the_numbers_come_first(text: str) -> None:
    assert text.index("earned its keep") < text.index("<table")
    row = text[text.index('<tr class="ours">') :]
    assert row.index("LSTM") < row.index("0.523")
    assert "[0.473, 0.573]" in row
    assert "1 h 30 min" in row
    assert "with 95 % intervals over 12 blocks of rows" in html.unescape(text).replace("\xa0", " ")
    for name in (
        "Differences",
        "Alarms as events",
        "Alarms by nearness",
        "Alarms by extent",
        "NAB score",
    ):
        assert f"<summary>{name}</summary>" in text


def test_names_are_text_and_never_tags(text: str) -> None:
    assert "<A>" not in text
    assert html.escape(NAME) in text


def test_a_series_is_seen_whole_and_closer_without_a_script(text: str) -> None:
    part = text[text.index('id="watched"') : text.index('id="shown"')]
    assert part.count('type="radio"') == 2
    for kind in ("far wide", "far narrow", "near wide", "near narrow"):
        assert part.count(f'<div class="{kind}">') == 1
    assert "<script" not in text
    assert "2 alarms" in part
    assert "flow 75 %, bytes 25 %" in html.unescape(part).replace("\xa0", " ")


def test_misses_and_false_alarms_are_shown_apart(text: str) -> None:
    part = text[text.index('id="shown"') : text.index('id="rates"')]
    assert part.index("<h3>Missed</h3>") < part.index("<h3>False alarms</h3>")
    assert "Greatest score 2.00, where the threshold is 3.50." in part


def test_the_page_says_which_scores_it_leaves_out_and_why(text: str) -> None:
    part = html.unescape(text[text.index('id="reading"') :])
    assert "F1 after point adjustment" in part
    assert "Kim et al. 2022" in part
    assert "chosen on the labels it is judged by" in part
    assert "extreme values of the validation part" in part


def test_without_labels_nothing_is_judged(unlabelled: AnomalyEvaluation) -> None:
    text = anomaly_page(unlabelled)
    reader = Reader(text)
    assert "shown" not in reader.sections
    assert "rates" in reader.sections
    plain = html.unescape(re.sub(r"<[^>]*>", " ", text))
    assert "VUS" not in plain
    assert "labelled anomal" not in plain
    assert "true alarm" not in plain
    table = anomaly_table(unlabelled)
    assert table.header == ("method", "alarms per day", "rows alarmed")
    # neither way is better, so nobody is best
    assert not any(cell.best for row in table.rows for cell in row.cells)


def test_an_empty_record_is_a_page_too(unlabelled: AnomalyEvaluation) -> None:
    text = anomaly_page(
        replace(unlabelled, scores=(), watched=(), rates=(), by_series=(), expected=None, rule="")
    )
    assert "The record holds no scores." in text


def test_tables_of_terminal_and_page_hold_the_same(labelled: AnomalyEvaluation) -> None:
    table = anomaly_table(labelled)
    assert table.header == (
        "method", "VUS-PR", "AUC-PR", "event F1", "false alarms per day", "delay"
    )  # fmt: skip
    first = table.rows[0].cells
    assert [cell.text for cell in first[:3]] == [
        "0.523 [0.473, 0.573]", "0.400 [0.350, 0.450]", "40.0 % [35.0, 45.0]",
    ]  # fmt: skip
    # who finds nothing is not praised for having no false alarms
    best = {row.method for row in table.rows if row.cells[3].best}
    assert best == {"LSTM", "PCA on windows (20)"}
    assert difference_rows(labelled) == [
        ("random", "+0.423 [+0.310, +0.520]", "better"),
        ("PCA on windows (20)", "+0.123 [-0.020, +0.250]", "cannot be told apart"),
    ]
    assert shown("nab_standard", Measured(41.25), labelled) == "41.2"
    assert shown("delay", Measured(None), labelled) == "–"
    rows = replace(labelled, data=replace(labelled.data, step=None, unit="1,000 rows"))
    assert late(12.0, rows) == "12 rows"
    assert anomaly_table(rows).header[4] == "false alarms per 1,000 rows"


def test_charts_say_in_words_what_they_show(labelled: AnomalyEvaluation) -> None:
    spec = watch_chart(labelled).to_dict()
    assert spec["description"].startswith(
        f"{NAME} · least and greatest of every 2 rows. Scores from"
    )
    assert "2 labelled anomalies, 1 met. 2 alarms." in spec["description"]
    # two channels and a score, which zoom along time together in a notebook
    assert len(spec["concat"]) == 3
    assert [param["bind"] for param in spec["params"]] == ["scales"]
    with pytest.raises(ArgumentError, match="the record draws 'pump <A> & co'"):
        watch_chart(labelled, "pump Z")
    told = rates_chart(labelled).to_dict()["description"]
    assert "0.100 at a threshold of 4.20 with 25 % found." in told
    with pytest.raises(ArgumentError, match="no rates of alarms"):
        rates_chart(replace(labelled, rates=()))


def test_parts_of_a_series_hold_their_own_marks_and_all_rows() -> None:
    spec = stretch_chart(stretch(timed=False), parts=4, width=344).to_dict()
    assert len(spec["concat"]) == 4 * 3
    domains = [panel["layer"][-1]["encoding"]["x"]["scale"]["domain"] for panel in spec["concat"]]
    assert domains[0] == [0, 30]
    assert domains[3] == [30, 60]
    assert domains[-1][1] == 118
    # few pixels get fewer bins, with the extremes of each
    many = stretch(600, every=1)
    narrow = stretch_chart(many, width=150).to_dict()["description"]
    assert "every 4 rows" in narrow


def test_the_commands_know_the_record(
    labelled: AnomalyEvaluation, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    short = replace(labelled, watched=(), shown=(), history=History())
    write_record(short, tmp_path)
    found = read_record(tmp_path / "evaluation.json")
    assert found == short
    # the same record gives the same bytes
    assert drawn(found) == (tmp_path / "report.html").read_text()
    show_record(found)
    out = capsys.readouterr().out
    assert "1,080 rows of the test part" in out
    assert "false alarms per day" in out
    assert "The LSTM earned its keep" in out

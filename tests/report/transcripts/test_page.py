"""The report of a transcriber: what it says, in which order, and how recordings are drawn."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from longshort.records import Heard, TranscriptEvaluation
from longshort.report.transcripts.document import transcript_page
from longshort.report.transcripts.items import drawing, recording
from longshort.report.transcripts.scores import cost_rows, delayed, kinds_rows, transcript_table

SECTIONS = ["scores", "heard", "confusions", "training", "data", "settings", "environment",
            "notes", "reading"]  # fmt: skip


def labels(drawn: str) -> list[tuple[str, float]]:
    """The symbols below a picture, and where they stand."""
    found = re.findall(r'<text x="([\d.]+)"[^>]*>([^<]*)</text>', drawn)
    return [(text, float(x)) for x, text in found]


def test_sections_stand_in_order_and_links_lead_to_them(calls: TranscriptEvaluation) -> None:
    page = transcript_page(calls)
    assert re.findall(r'<section id="(\w+)"', page) == SECTIONS
    assert re.findall(r'<a href="#(\w+)"', page) == SECTIONS
    assert page.index("earned its keep") < page.index("<table")
    assert page == transcript_page(calls)


def test_nothing_is_loaded_and_nothing_of_a_record_is_a_tag(calls: TranscriptEvaluation) -> None:
    page = transcript_page(calls)
    policy = page[page.index("Content-Security-Policy") :].split(">")[0]
    for told in ("default-src 'none'", "img-src data:", "media-src data:"):
        assert told in policy
    sources = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert {source.partition(":")[0] for source in sources if source[0] != "#"} == {"data"}
    assert "<b>c" not in page
    assert "&lt;b&gt;c" in page


def test_numbers_are_those_of_the_record(calls: TranscriptEvaluation) -> None:
    page = transcript_page(calls)
    row = page[page.index('<tr class="ours">') :]
    assert row.index("LSTM") < row.index("10.0 %") < row.index("[8.0, 12.0]")
    assert "12 of 40 recordings hold an error" in page
    assert "It works 3.1 ms on a chunk of 100 ms, 5.6 ms at the 95th percentile of 200." in page
    assert kinds_rows(calls)[0] == ("LSTM", "80", "12", "5", "3")
    assert cost_rows(calls)[0][-1] == "0.031"
    assert transcript_table(calls).rows[0].method == "LSTM"
    told = page[page.index("Differences") :]
    assert told.index("better") < told.index("cannot be told apart")
    matrix = page[page.index('class="matrix"') :]
    assert re.findall(r'--w:1.00">(\d)</td>', matrix) == ["4"]
    assert delayed(None, "recording") == ""


def test_truth_and_answer_are_marked_where_they_differ(calls: TranscriptEvaluation) -> None:
    page = recording(calls.heard[0], 0.03)
    assert '<mark class="for" style="--w:0.6">a</mark>' in page
    assert '<mark class="against" style="--w:0.6">u</mark>' in page
    assert "1 edit, sure 61 %" in page
    assert 'src="data:audio/wav;base64,' in page
    assert "<audio" not in recording(calls.heard[1], None)
    assert ">right, sure" in recording(calls.heard[2], None)


def test_symbols_stand_below_where_they_were_told(calls: TranscriptEvaluation) -> None:
    sound, pen, line, series = (drawing(each, 0.03) for each in calls.heard)
    # a third of 0.9 s each, told in its first half
    assert labels(sound) == [("c", 76.7), ("u", 383.3), ("t", 690.0)]
    # the points of each stroke, drawn as high as wide
    (i, first), (v, second) = labels(pen)
    assert (i, v) == ("i", "v")
    # at most 230 to a unit
    assert (first, second) == pytest.approx((8 + 230 * 0.25, 8 + 230 * 1.75), abs=0.1)
    assert pen.count("<polyline") == 4
    # columns of the picture, which is as wide as its height allows
    wide = float(re.findall(r'<image [^>]*width="([\d.]+)"', line)[0])
    assert [x for _, x in labels(line)] == pytest.approx([wide / 8, wide * 5 / 8], abs=0.1)
    assert 'class="line c0"' in series
    assert series.count("M") == 2


def test_what_is_not_there_is_not_drawn(calls: TranscriptEvaluation) -> None:
    nothing = Heard("x", "", "", (), 1.0)
    assert drawing(nothing, None) == ""
    assert "<i>nothing</i>" in recording(nothing, None)
    bare = replace(calls, scores=(), heard=(), confusions=(), differences=(), delay=None, notes=())
    page = transcript_page(bare)
    assert "The record holds no scores." in page
    assert "heard" not in re.findall(r'<section id="(\w+)"', page)

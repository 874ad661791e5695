from __future__ import annotations

import html
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from longshort.records import LabelEvaluation, Mark, Measured
from longshort.report.labels.charts import mistakes_chart, reliability_chart
from longshort.report.labels.document import label_page
from longshort.report.labels.scores import difference_rows, label_table, shown

ALWAYS = ["scores", "classes", "training", "data", "settings", "environment", "notes", "reading"]


class Reader(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.sections: list[str] = []
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if tag == "section":
            self.sections.append(told["id"] or "")
        if tag == "a":
            self.links.append((told["href"] or "")[1:])
        if tag in ("script", "img", "link", "iframe") or "src" in told:
            self.loaded.append(tag)


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("reviews", ["confusion", "calibration", "mistakes"]),
        ("gestures", ["confusion", "calibration", "mistakes"]),
        ("entities", ["errors"]),
    ],
)
def test_sections_stand_in_order_and_links_lead_to_them(
    name: str, own: list[str], request: pytest.FixtureRequest
) -> None:
    text = label_page(request.getfixturevalue(name))
    reader = Reader(text)
    assert reader.loaded == []
    assert sorted(reader.sections) == sorted([*ALWAYS, *own])
    assert reader.links == reader.sections
    assert "default-src 'none'" in text
    assert text == label_page(request.getfixturevalue(name))


def test_the_sentence_and_the_numbers_come_first(reviews: LabelEvaluation) -> None:
    text = label_page(reviews)
    assert text.index("earned its keep") < text.index("<table")
    assert "200 texts in the test part" in text
    row = text[text.index('<tr class="ours">') :]
    assert row.index("LSTM") < row.index("78.1 %")
    assert "[73.1, 83.1]" in row
    assert "+2.1 points [−1.0, +5.0]".replace("−", "-") in text
    assert "cannot be told apart" in text


def test_texts_are_marked_and_nothing_in_them_is_a_tag(reviews: LabelEvaluation) -> None:
    text = label_page(reviews)
    part = text[text.index('id="mistakes"') : text.index('id="training"')]
    assert '<mark class="for" style="--w:1.00">Not</mark>' in part
    assert '<mark class="against" style="--w:0.50">bad</mark>' in part
    assert part.count("<mark") == 2
    assert "<b>bad</b>" not in part
    plain = html.unescape(re.sub(r"<[^>]*>", "", part))
    assert "Not <b>bad</b> at all & rather good" in plain
    assert "1,100 more characters" in part
    assert "12 of 200 texts are told wrong" in plain


def test_entities_are_shown_as_they_are_and_as_they_were_told(entities: LabelEvaluation) -> None:
    text = label_page(entities)
    part = text[text.index('id="errors"') :]
    assert "63 entities told wrong: other ends 3 and missed 60." in part
    assert '<span class="entity">Ada Lovelace <small>PER</small></span>' in part
    assert '<span class="entity">Ada <small>PER</small></span> Lovelace' in part
    assert '<span class="entity">&lt;Oslo&gt; <small>LOC</small></span>' in part


def test_confusion_counts_are_those_of_the_record(gestures: LabelEvaluation) -> None:
    text = label_page(gestures)
    part = text[text.index('class="matrix"') : text.index('id="calibration"')]
    cells = re.findall(r'<td class="(\w+)" style="--w:([\d.]+)">(.)</td>', part)
    assert [cell[2] for cell in cells] == ["5", "1", "·", "·", "6", "·", "·", "·", "7"]
    assert cells[0] == ("for", "0.83", "5")
    assert cells[1] == ("against", "0.17", "1")


def test_charts_hold_what_the_record_holds(gestures: LabelEvaluation) -> None:
    drawn = mistakes_chart(gestures, width=920).to_dict(validate=False)
    assert len(drawn["concat"]) == 8
    assert "said b (80 %), is a (20 %)" in drawn["description"]
    narrow = mistakes_chart(gestures, width=344).to_dict(validate=False)
    assert len(narrow["concat"]) == 4
    told = reliability_chart(gestures, width=920).to_dict(validate=False)["description"]
    assert "LSTM: 10 % came true 9 %, 50 % came true 45 %, 90 % came true 81 %." in told


def test_the_table_of_the_terminal(reviews: LabelEvaluation) -> None:
    table = label_table(reviews, intervals=False)
    assert table.header == ("method", "macro-F1", "accuracy", "log-loss")
    assert table.texts()[0] == ("LSTM", "78.1 %", "79.0 %", "0.500")
    best = {row.method: [cell.best for cell in row.cells] for row in table.rows}
    assert best == {
        "LSTM": [True, True, False],
        "class prior": [False] * 3,
        "TF-IDF": [False, True, True],
    }
    assert [row[2] for row in difference_rows(reviews)] == ["better", "cannot be told apart"]
    assert shown("accuracy", Measured(None)) == "–"
    assert shown("log_loss", Measured(0.5123, 0.4, 0.6)) == "0.512 [0.400, 0.600]"


def test_what_is_empty_is_said(reviews: LabelEvaluation) -> None:
    bare = replace(
        reviews, scores=(), differences=(), per_class=(), confusion=(), reliability=(),
        mistakes=(), wrong=0, settings={}, notes=(), verdict="",
    )  # fmt: skip
    text = label_page(bare)
    assert "The record holds no scores." in text
    assert Reader(text).links == Reader(text).sections
    empty = replace(reviews, mistakes=(replace(reviews.mistakes[0], text="", marks=()),))
    assert "<i>empty</i>" in label_page(empty)


def test_overlapping_marks_keep_the_text(reviews: LabelEvaluation) -> None:
    marks = (Mark(0, 8, 0.5), Mark(4, 12, 1.0), Mark(4, 6, -1.0))
    found = replace(reviews, mistakes=(replace(reviews.mistakes[0], marks=marks),))
    part = label_page(found)
    part = part[part.index('id="mistakes"') :]
    plain = html.unescape(re.sub(r"<[^>]*>", "", part))
    assert "Not <b>bad</b> at all & rather good" in plain


def test_the_table_needs_neither_charts_nor_torch() -> None:
    code = "import longshort.report.labels.scores, sys; print('altair' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"

"""The report of a language model: what it says, in which order, and what of it is only text."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from longshort.records import (
    Epoch,
    History,
    LanguageData,
    LanguageEvaluation,
    LanguagePart,
    LanguagePassage,
    LanguageScore,
    Measured,
    Sample,
    Stage,
)
from longshort.report.language.document import language_page
from longshort.report.language.scores import language_table

NATS = {"LSTM": 1.25, "Kneser-Ney 5-grams": 1.5}


@pytest.fixture(scope="module")
def novel() -> LanguageEvaluation:
    scores = tuple(
        LanguageScore(
            method,
            "lstm" if method == "LSTM" else "classical",
            {
                "nats": Measured(nats, nats - 0.1, nats + 0.1),
                "bits_per_character": Measured(nats / 0.6931, None, None),
                "perplexity": Measured(2.718281828**nats),
            },
            valid=nats,
            seconds=12.0,
        )
        for method, nats in NATS.items()
    )
    return LanguageEvaluation(
        task="language",
        symbols=1000,
        block=100,
        scores=scores,
        verdict="The LSTM earned its keep: 0.25 nats below.",
        data=LanguageData(
            "novel.txt", "characters", 60,
            (LanguagePart("train", 3, 9000, 9000, 9100, 0),
             LanguagePart("test", 1, 1000, 1000, 1010, 2)),
        ),
        history=History((Epoch(0, 0, 2.0, 1.5, 1.0, 1e-3, 1.0, True),), ("epochs",), "nats"),
        reference="Kneser-Ney 5-grams",
        course=tuple(
            Stage(method, at, at + 100, nats) for method, nats in NATS.items()
            for at in range(0, 1000, 100)
        ),
        passages=(
            LanguagePassage("surprising", 40, "it was a ", ("<", "i", ">"), (6.0, 5.0, 4.0), 5.0),
            LanguagePassage("expected", 90, "and so ", ("o", "n"), (0.1, 0.2), 0.15),
        ),
        samples=(Sample("Once ", "upon <script>alert(1)</script>", "temperature 0.8"),),
        settings={"recurrent": "size 128"},
        environment={"python": "3.11"},
        notes=("2 of 1,000 test symbols are unknown.",),
    )  # fmt: skip


def test_sections_stand_in_order_and_links_lead_to_them(novel: LanguageEvaluation) -> None:
    page = language_page(novel)
    sections = re.findall(r'<section id="(\w+)"', page)
    assert sections[:5] == ["scores", "course", "samples", "passages", "training"]
    assert sections[-2:] == ["notes", "reading"]
    assert re.findall(r'<a href="#(\w+)"', page) == sections
    assert page.index("earned its keep") < page.index("<table")
    assert page == language_page(novel)


def test_numbers_are_those_of_the_record(novel: LanguageEvaluation) -> None:
    page = language_page(novel)
    table = language_table(novel)
    assert [row.method for row in table.rows] == list(NATS)
    for row in table.rows:
        for cell in row.cells:
            assert cell.text.split(" [")[0] in page
    assert "1,000 characters tested" in page
    assert "2 of 1,000 test symbols are unknown." in page


def test_what_it_wrote_and_read_is_text_and_no_tag(novel: LanguageEvaluation) -> None:
    page = language_page(novel)
    assert "<script" not in page
    assert "upon &lt;script&gt;" in page
    assert page.index("&lt;") > page.index('id="samples"')
    assert "default-src 'none'" in page


def test_what_is_empty_is_left_out(novel: LanguageEvaluation) -> None:
    bare = replace(novel, scores=(), course=(), samples=(), passages=(), settings={}, notes=())
    page = language_page(bare)
    assert "The record holds no scores." in page
    assert not {"course", "samples", "passages"} & set(re.findall(r'<section id="(\w+)"', page))

"""The page of translations: what it holds, and that nothing of a text becomes markup."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree.ElementTree import fromstring

from longshort.records import (
    Aligned,
    Difference,
    Example,
    History,
    Measured,
    Stretch,
    TranslationData,
    TranslationEvaluation,
    TranslationPart,
    TranslationScore,
)
from longshort.report.translations.document import attention_page, translation_page
from longshort.report.translations.items import heat
from longshort.report.translations.scores import difference_rows, points, translation_table

LOOKED = Aligned(("le", "chat", "</s>"), ("the", "<cat>"), ((0.9, 0.1, 0.0), (0.01, 0.75, 0.24)))
FOUND = TranslationEvaluation(
    task="translate", what="translations", metric="ter", each="chrf", items=9, references=10,
    scores=(
        TranslationScore("LSTM", "lstm", {"ter": Measured(0.5, 0.4, 0.6), "bleu": Measured(0.255),
                                          "repeated": Measured(0.1)}, 0.97, 0.48, None, 0.02),
        TranslationScore("nearest source", "classical",
                         {"ter": Measured(0.7), "bleu": Measured(0.25)}, 1.1, 0.71, 0.3, 0.001),
    ),
    verdict="The LSTM earned its keep.",
    data=TranslationData("a.fr and a.en", "texts", "13a",
                         (TranslationPart("test", 10, 9, 90, 80, (9, 8), (12, 30)),)),
    history=History(), signatures={"ter": "nrefs:var|case:lc"},
    differences=(Difference("ter", "LSTM", "nearest source", -0.2, -0.3, -0.1),),
    worst=(Example("line 3", "le <chat>", ("the cat", "a cat"), "the <cat>", 0.25, "a dog",
                   LOOKED),),
    best=(Example("line 4", "x", ("y",), "", 0.0),),
    lengths=(Stretch(1, 4, 5, {"LSTM": 0.5}), Stretch(5, 5, 4, {"LSTM": 0.25,
                                                                "nearest source": 0.1})),
)  # fmt: skip


def test_the_table() -> None:
    found = translation_table(FOUND)
    assert found.header == ("method", "TER", "BLEU", "repeated 3-grams")
    assert found.texts()[0] == ("LSTM", "50.0 [40.0, 60.0]", "25.5", "10.0")
    best = [[cell.best for cell in row.cells] for row in found.rows]
    # less of TER is better, and repetition is neither
    assert best == [[True, True, False], [False, False, False]]
    assert [column.hint for column in found.columns] == ["lower is better", "higher is better", ""]
    assert difference_rows(FOUND) == [("nearest source", "-20.0 [-30.0, -10.0]", "better")]
    assert points(Measured(None)) == "–"


def test_the_page_holds_everything_and_escapes_it() -> None:
    page = translation_page(FOUND)
    for section in ("scores", "lengths", "worst", "best", "data", "settings", "notes", "reading"):
        assert f'<section id="{section}"' in page
    assert "le &lt;chat&gt;" in page
    assert "<cat>" not in page
    assert "nrefs:var|case:lc" in page
    assert "1 to 4" in page
    assert "<i>nothing</i>" in page
    assert page.count('class="looked"') == 1
    assert "TER, Snover et al. 2006" in page
    assert re.search(r"<h1>Translations</h1>", page)
    assert not re.search(r'(?:src|href)="(?!#|data:)', page)
    bare = translation_page(replace(FOUND, worst=(), best=(), lengths=(), scores=()))
    assert 'id="worst"' not in bare
    assert "#worst" not in bare


def test_the_drawing_has_a_cell_for_each_weight_that_is_seen() -> None:
    drawn = heat(LOOKED)
    svg = fromstring(drawn[drawn.index("<svg") : drawn.index("</svg>") + 6])
    cells = svg.findall("rect")
    # 0 and 0.01 are not seen
    assert [cell.get("style") for cell in cells] == ["--w:0.90", "--w:0.10", "--w:0.75", "--w:0.24"]
    # a row for each symbol told, a column for each of the source
    assert len({cell.get("y") for cell in cells}) == 2
    assert len({cell.get("x") for cell in cells}) == 3
    assert [each.text for each in svg.findall("text")] == ["le", "chat", "</s>", "the", "<cat>"]
    assert cells[2].find("title").text == "<cat> ← chat: 0.75"  # type: ignore[union-attr]


def test_a_page_of_drawings_alone() -> None:
    page = attention_page([LOOKED, LOOKED], "two sentences")
    assert page.count('class="looked"') == 2
    assert "le chat &lt;/s&gt; → the &lt;cat&gt;" in page

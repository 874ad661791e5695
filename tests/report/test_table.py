from __future__ import annotations

import math
import re
from dataclasses import fields, replace

import pytest

from longshort.errors import ArgumentError
from longshort.metrics.measures import MEASURES as MEASURES_THERE
from longshort.records import Evaluation, Score
from longshort.report.table import MAIN, REST, ScoreRow, ScoreTable, score_table

MEASURES = ("mae", "rmse", "mase", "crps", "coverage", "width", "skill")


def row_of(table: ScoreTable, target: str, method: str) -> ScoreRow:
    (row,) = [row for row in table.rows if (row.target, row.method) == (target, method)]
    return row


def values_of(text: str) -> list[float]:
    return [float(v) for v in re.findall(r"[-+]?[\d.]+(?:e[-+]\d+)?", text.replace(",", " "))]


def test_every_number_is_the_record(evaluation: Evaluation) -> None:
    table = score_table(evaluation)
    assert len(table.rows) == len(evaluation.scores)
    for score in evaluation.scores:
        row = row_of(table, score.target, score.method)
        for name, cell in zip(MEASURES, row.cells, strict=True):
            value = getattr(score, name)
            if value is None:
                assert cell.text == "reference"
            elif name == "skill":
                wanted = [100 * v for v in (value, score.skill_low, score.skill_high)]
                assert values_of(cell.text) == pytest.approx(wanted, abs=0.0501)
            elif name == "coverage":
                assert values_of(cell.text) == pytest.approx([100 * value], abs=0.0501)
            else:
                assert values_of(cell.text) == pytest.approx([value], rel=5e-3)


def test_plain_texts_are_the_cells(evaluation: Evaluation) -> None:
    table = score_table(evaluation)
    assert table.header[:3] == ("target", "method", "MAE")
    for row, texts in zip(table.rows, table.texts(), strict=True):
        assert texts == (row.target, row.method, *(cell.text for cell in row.cells))
        assert len(texts) == len(table.header)


def test_lstm_comes_first_whatever_the_order(evaluation: Evaluation) -> None:
    turned = replace(evaluation, scores=evaluation.scores[::-1])
    kinds = [row.kind for row in score_table(turned).rows]
    assert kinds[0] == kinds[5] == "lstm"


def test_best_is_lowest_nearest_or_highest(evaluation: Evaluation) -> None:
    table = score_table(evaluation)
    for target in evaluation.targets:
        scores = [s for s in evaluation.scores if s.target == target]
        rules = {
            "mae": min(scores, key=lambda s: s.mae),
            "crps": min(scores, key=lambda s: s.crps),
            "coverage": min(scores, key=lambda s: abs(s.coverage - evaluation.level)),
            "skill": max(scores, key=lambda s: -math.inf if s.skill is None else s.skill),
        }
        for name, winner in rules.items():
            cell = row_of(table, target, winner.method).cells[MEASURES.index(name)]
            assert cell.best, (target, name)
    assert not any(row.cells[MEASURES.index("width")].best for row in table.rows)


def test_equal_as_printed_is_equally_best(evaluation: Evaluation) -> None:
    two = [replace(evaluation.scores[i], target="temp_max") for i in (0, 1)]
    near = (replace(two[0], mae=1.2001), replace(two[1], mae=1.2002))
    table = score_table(replace(evaluation, scores=near))
    assert [row.cells[0].best for row in table.rows] == [True, True]


def test_what_is_not_a_number_is_a_dash_and_never_best(evaluation: Evaluation) -> None:
    nan = math.nan
    scores = (
        Score("LSTM", "lstm", "wind", nan, 1.0, nan, 1.0, nan, 1.0),
        Score("last value", "naive", "wind", 2.0, nan, nan, 2.0, 0.8, 1.0),
    )
    table = score_table(replace(evaluation, scores=scores, reference={"wind": "last value"}))
    ours, naive = table.rows
    assert [ours.cells[i].text for i in (0, 2, 4, 6)] == ["–"] * 4
    assert naive.cells[6].text == "reference"
    assert not any(cell.best for cell in ours.cells[:3])


def test_other_scores_are_shown_when_asked_for(evaluation: Evaluation) -> None:
    ours = replace(evaluation.scores[0], wql=0.123, direction=0.61, underprediction=1.4)
    peer = replace(evaluation.scores[1], wql=0.456, direction=0.5, underprediction=None)
    chosen = ("wql", "direction", "underprediction", "mae")
    table = score_table(replace(evaluation, scores=(ours, peer)), chosen)
    assert table.header[2:] == ("WQL", "direction", "underprediction", "MAE")
    first, second = ([cell.text for cell in row.cells[:3]] for row in table.rows)
    assert first == ["0.123", "61.0 %", "1.40"]
    assert second == ["0.456", "50.0 %", "–"]
    assert [cell.best for cell in table.rows[0].cells[:3]] == [True, True, False]
    assert not {*MAIN} & {*REST}
    with pytest.raises(ArgumentError, match="did you mean 'crps'"):
        score_table(evaluation, ["crp"])


def test_every_score_of_the_record_has_a_column(evaluation: Evaluation) -> None:
    known = {field.name for field in fields(Score)}
    ends = {f"{name}_{end}" for name in ("skill", "coverage") for end in ("low", "high")}
    assert {*MAIN, *REST} == known - ends - {"method", "kind", "target"}
    assert {measure.name for measure in MEASURES_THERE} <= {*MAIN, *REST}


def test_no_scores_no_rows(evaluation: Evaluation) -> None:
    assert score_table(replace(evaluation, scores=())).rows == ()

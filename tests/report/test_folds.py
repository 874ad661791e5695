from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

import pytest

from longshort.records import Evaluation, Fold, FoldScore, History
from longshort.report import page
from longshort.report.folds import fold_table


@pytest.fixture
def rolled(evaluation: Evaluation) -> Evaluation:
    """Two folds: in the second, one method is twice as far off and the wind is missing."""

    def fold(start: str, end: str, times: float, targets: tuple[str, ...]) -> Fold:
        scores = tuple(
            FoldScore(s.method, s.kind, s.target, times * s.mae, s.coverage, 0.5)
            for s in evaluation.scores
            if s.target in targets
        )
        return Fold(start, end, 1000, 180, scores)

    first = fold("2015-01-01", "2015-06-29", 1, ("temp_max", "wind"))
    second = fold("2015-06-30", "2015-12-25", 2, ("temp_max",))
    return replace(evaluation, folds=(first, second))


def test_a_table_has_a_row_per_method_and_a_column_per_fold(rolled):
    header, rows = fold_table(rolled, "temp_max")
    assert header == ("method", "2015-01-01", "2015-06-30")
    assert rows[0][0] == "LSTM"
    whole = next(s for s in rolled.scores if s.target == "temp_max" and s.kind == "lstm")
    assert float(rows[0][1]) == pytest.approx(whole.mae, rel=0.01)
    assert float(rows[0][2]) == pytest.approx(2 * whole.mae, rel=0.01)
    # nothing was observed there
    assert all(row[2] == "–" for row in fold_table(rolled, "wind")[1])


def test_the_page_tells_the_folds_and_links_them_only_where_there_are_some(rolled, evaluation):
    nothing = {"forecasts": (), "steps": (), "reliability": (), "history": History()}
    told, plain = (page(replace(record, **nothing)) for record in (rolled, evaluation))
    HTMLParser().feed(told)
    assert 'id="folds"' in told
    assert "2015-06-29" in told
    assert 'href="#folds"' in told
    assert "folds" not in plain

"""Judging language models: against sums by hand, and methods whose surprise is known."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from longshort.data.codecs.tokens import TokenCodec
from longshort.data.stretch import Stretch
from longshort.errors import ArgumentError, DataError
from longshort.evaluate.language import LanguageParts, evaluate_language, passages
from longshort.records import History, LanguageEvaluation, Sample
from longshort.report.language.document import language_page
from longshort.report.language.scores import language_table
from longshort.yardsticks.language.base import LanguageMethod

CODEC = TokenCodec("characters", ("a", "b", "é"))


def stretch(*documents: str) -> Stretch:
    codes = [np.append(0, CODEC.encode(document)) for document in documents]
    begins = np.cumsum([0, *(len(code) for code in codes[:-1])])
    text = [c for document in documents for c in ("", *document)]
    sizes = np.array([len(c.encode()) for c in text])
    return Stretch(np.concatenate(codes), begins, np.array([len(c) for c in text]), sizes)


def flat(nats: float) -> LanguageMethod:
    return LanguageMethod("LSTM", "lstm", lambda text: np.where(text.scored, nats, 0.0))


def judged(method: LanguageMethod, parts: LanguageParts, **more: Any) -> LanguageEvaluation:
    return evaluate_language(
        method, parts, CODEC, source="plays.txt", history=History(), settings={}, **more
    )


def written(seed: int, size: int = 1500) -> str:
    return "".join(np.random.default_rng(seed).choice(["a", "b", "é"], size))


PARTS = LanguageParts(stretch(written(0)), stretch(written(1)), stretch(written(2), "abx"))


@pytest.fixture(scope="module")
def evaluation() -> LanguageEvaluation:
    sample = Sample("", "<b>ab", "as it is")
    return judged(flat(1.0), PARTS, samples=[sample], notes=["A note."])


def test_measures_are_sums_over_what_they_say(evaluation: LanguageEvaluation) -> None:
    assert evaluation.ours is not None
    measures = {name: each.value for name, each in evaluation.ours.measures.items()}
    text = written(2) + "abx"
    assert evaluation.symbols == len(text)
    assert measures["nats"] == pytest.approx(1)
    assert measures["bits"] == pytest.approx(1 / math.log(2))
    assert measures["perplexity"] == pytest.approx(math.e)
    assert measures["bits_per_character"] == pytest.approx(1 / math.log(2))
    # the unknown x is spelt with 8 more bits
    bits = len(text) / math.log(2) + 8
    assert measures["bits_per_byte"] == pytest.approx(bits / len(text.encode()))
    assert measures["known_perplexity"] == pytest.approx(math.e)
    unigram = evaluation.score("unigram")
    assert unigram is not None
    value = unigram.measures["nats"]
    assert value.value == pytest.approx(math.log(3), abs=0.02)
    assert value.low is not None
    assert value.high is not None
    assert value.low < value.value < value.high


def test_the_verdict_is_of_the_best_yardsticks(evaluation: LanguageEvaluation) -> None:
    assert "earned its keep: its surprise in nats per character, 1.00" in evaluation.verdict
    assert evaluation.reference.startswith("Kneser-Ney")
    worse = judged(flat(2.0), PARTS)
    assert "did not earn its keep" in worse.verdict
    assert all(each.low is not None and each.low > 0 for each in worse.differences)


def test_unknowns_and_their_treatment_are_told(evaluation: LanguageEvaluation) -> None:
    test = evaluation.data.parts[-1]
    assert (test.documents, test.unknown) == (2, 1)
    assert any("1 of 1,503 test symbols are unknown" in note for note in evaluation.notes)


def test_a_record_is_read_again_as_it_was_written(evaluation: LanguageEvaluation) -> None:
    assert LanguageEvaluation.from_json(evaluation.to_json()) == evaluation
    broken = json.loads(evaluation.to_json())
    broken["passages"][0]["nats"].pop()
    with pytest.raises(DataError, match=r"e\.json: .*passages\.0"):
        LanguageEvaluation.from_json(json.dumps(broken), "e.json")
    with pytest.raises(DataError, match="not an evaluation record"):
        LanguageEvaluation.from_json("{}")


def test_the_page_and_the_table_say_the_same(evaluation: LanguageEvaluation) -> None:
    page = language_page(evaluation)
    table = language_table(evaluation)
    assert table.rows[0].method == "LSTM"
    for row in table.rows:
        assert row.cells[0].text.split(" [")[0] in page
    # what a model writes is no part of the page's own code
    assert "&lt;b&gt;ab" in page
    assert "<b>ab" not in page


def test_the_course_covers_the_test_part_once(evaluation: LanguageEvaluation) -> None:
    for score in evaluation.scores:
        own = [stage for stage in evaluation.course if stage.method == score.method]
        assert [stage.start for stage in own[1:]] == [stage.end for stage in own[:-1]]
        assert (own[0].start, own[-1].end) == (0, evaluation.symbols)
        mean = sum(s.nats * (s.end - s.start) for s in own) / evaluation.symbols
        assert mean == pytest.approx(score.measures["nats"].value)


def test_passages_are_the_extremes_and_keep_apart() -> None:
    text = stretch("ab" * 200, "ba" * 100)
    nats = np.where(text.scored, 1.0, 0.0)
    nats[100:160], nats[300:360] = 3.0, 0.25
    found = list(passages(text, nats, CODEC))
    first = {each.kind: each for each in reversed(found)}
    assert (first["surprising"].place, first["surprising"].mean) == (99, 3.0)
    assert (first["expected"].place, first["expected"].mean) == (299, 0.25)
    assert first["surprising"].before + "".join(first["surprising"].symbols) in "ab" * 200
    assert min(np.diff(sorted(each.place for each in found))) >= 60


def test_other_texts_stand_without_yardsticks() -> None:
    found = judged(flat(1.0), LanguageParts(None, None, PARTS.test))
    assert [score.method for score in found.scores] == ["LSTM"]
    assert any("fitted on another text" in note for note in found.notes)
    assert language_page(found)


def test_what_cannot_be_scored_is_refused() -> None:
    with pytest.raises(DataError, match=r"plays\.txt, test part: 1 symbols"):
        judged(flat(1.0), LanguageParts(None, None, stretch("")))
    with pytest.raises(ArgumentError, match="not all -log p"):
        judged(flat(-1.0), PARTS)
    few = judged(flat(1.0), LanguageParts(PARTS.train, PARTS.valid, stretch("ab")))
    assert "too few" in few.verdict


def test_yardsticks_are_fitted_on_both_parts_where_ours_was(
    evaluation: LanguageEvaluation,
) -> None:
    both = judged(flat(1.0), PARTS, refitted=True)
    assert both.scores[0].valid is None
    first, second = evaluation.score("unigram"), both.score("unigram")
    assert first is not None
    assert second is not None
    assert first.valid == second.valid
    assert first.measures["nats"].value != second.measures["nats"].value

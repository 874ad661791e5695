"""Scores of translations against sacrebleu, rouge-score and what can be worked out by hand."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest
import sacrebleu
from rouge_score.rouge_scorer import RougeScorer

from longshort.errors import ArgumentError, MissingDependencyError
from longshort.metrics.cider import cider_d
from longshort.metrics.translations import (
    MEASURES,
    counted,
    each,
    resampled,
    score,
    tokenization,
    words,
)

ANSWERS = [
    "the cat sat on the mat .",
    "he reads an old book",
    "no",
    "rain is falling on a town",
] * 3
TRUTH = ["the cat is on the mat .", "he is reading a book", "no !", "it rains on the town"] * 3
SOURCES = ["die Katze", "er liest", "nein", "es regnet auf die Stadt"] * 3


def test_sacrebleu_has_the_same_figures() -> None:
    # the same number of references for every item, and different numbers of them
    second = ["a cat sat on the mat .", "he reads books", "nope", "rain falls on town"] * 3
    both = [
        [one, two] if at % 2 else [one]
        for at, (one, two) in enumerate(zip(TRUTH, second, strict=True))
    ]
    streams = [TRUTH, [two if at % 2 else None for at, two in enumerate(second)]]
    found = counted(["bleu", "chrf", "ter"], ANSWERS, both, tokenize="13a")
    bleu = sacrebleu.BLEU(tokenize="13a", force=True)
    assert float(score(found["bleu"])) == pytest.approx(
        bleu.corpus_score(ANSWERS, streams).score / 100, abs=1e-12
    )
    chrf, ter = sacrebleu.CHRF(), sacrebleu.TER()
    assert float(score(found["chrf"])) == pytest.approx(
        chrf.corpus_score(ANSWERS, streams).score / 100, abs=1e-12
    )
    assert float(score(found["ter"])) == pytest.approx(
        ter.corpus_score(ANSWERS, streams).score / 100, abs=1e-12
    )
    assert found["bleu"].signature == str(bleu.get_signature())
    assert "tok:13a" in found["bleu"].signature
    alone = [
        sacrebleu.sentence_chrf(one, own).score / 100
        for one, own in zip(ANSWERS, both, strict=True)
    ]
    np.testing.assert_allclose(each(found["chrf"]), alone)


def test_rouge_score_has_the_same_figures() -> None:
    found = counted(["rougeL", "rouge2"], ANSWERS, [[text] for text in TRUTH])
    assert list(found) == ["rougeL", "rouge2"]
    scorer = RougeScorer(["rouge2", "rougeL"])
    for name, own in found.items():
        told = [scorer.score(t, a)[name].fmeasure for a, t in zip(ANSWERS, TRUTH, strict=True)]
        assert float(score(own)) == pytest.approx(np.mean(told))
    # of other alphabets rouge-score itself keeps nothing
    other = counted(["rouge1"], ["он читает книгу"], [["он читает старую книгу"]])
    assert float(score(other["rouge1"])) == pytest.approx(2 * 1 * 0.75 / 1.75)


def test_cider_worked_by_hand() -> None:
    """Two pictures: every n-gram of the first weighs log 2, whatever n."""
    references = [[["a", "b"]], [["c", "d"]]]
    same = cider_d([["a", "b"], ["c", "d"]], references)
    # 1 for words and pairs, 0 for the longer ones that are not there
    np.testing.assert_allclose(same, 10 * 2 / 4)
    short, repeated = (
        cider_d([own, ["c", "d"]], references)[0] for own in (["a"], ["a", "a", "b"])
    )
    penalty = math.exp(-1 / 72)
    assert short == pytest.approx(10 / 4 * penalty / math.sqrt(2))
    # a twice counts once: (1 + 1) / (sqrt 5 sqrt 2); "a a" is as rare as what nobody says
    assert repeated == pytest.approx(10 / 4 * penalty * (2 / math.sqrt(10) + 1 / math.sqrt(2)))
    # what is said of every picture tells nothing
    common = cider_d([["x"], ["x"]], [[["x"]], [["x"]]])
    np.testing.assert_allclose(common, 0)
    # the mean over references
    two = cider_d([["a", "b"], ["c", "d"]], [[["a", "b"], ["e", "f"]], [["c", "d"]]])
    np.testing.assert_allclose(two, [2.5, 5.0])
    assert cider_d([[], ["c", "d"]], references)[0] == 0


def test_repeated_novel_and_exact() -> None:
    told = ["a b c a b c d", "Go home .", "x y"]
    found = counted(
        ["repeated", "novel", "exact"],
        told,
        [["?"], ["stay", "Go  home ."], ["y x"]],
        ["a b x c a", "go home now", "x y z"],
        tokenize="13a",
    )
    # of the 5 3-grams of the first, "a b c" comes again
    assert found["repeated"].counts.tolist() == [[1, 5], [0, 0], [0, 0]]
    assert float(score(found["repeated"])) == pytest.approx(1 / 5)
    # a b and c a are in the source; b c, c d (and b c, a b again) count as often as they are said
    assert found["novel"].counts.tolist() == [[3, 6], [0, 1], [0, 1]]
    assert float(score(found["exact"])) == pytest.approx(1 / 3)
    assert math.isnan(float(score(counted(["repeated"], ["a"], [["a"]])["repeated"])))


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("The cat sat.", "13a"),
        ("彼 ら は つい に それ が 真実 だ と 認め た 。", "none"),
        ("彼らはついにそれが真実だと認めた。", "char"),
        ("Он читает", "13a"),
        ("한국어 문장", "13a"),
        ("", "13a"),
    ],
)
def test_text_is_cut_by_what_it_looks_like(text: str, cut: str) -> None:
    assert tokenization([text]) == cut


def test_words() -> None:
    assert words("Don't go, Zoë!", "13a") == ["don't", "go", "zoë"]
    assert words("彼 ら 、 は", "none") == ["彼", "ら", "は"]
    assert words("彼ら。", "char") == ["彼", "ら"]


def test_resampled_scores_are_those_of_drawn_items() -> None:
    found = counted(["bleu", "exact"], ANSWERS, [[text] for text in TRUTH])
    twice = np.zeros((1, 12))
    twice[0, :4] = 2
    again = counted(["bleu"], ANSWERS[:4] * 2, [[text] for text in TRUTH[:4] * 2])
    assert score(found["bleu"], twice)[0] == pytest.approx(float(score(again["bleu"])))
    drawn = resampled(found["bleu"], resamples=50)
    assert drawn is not None
    assert drawn.shape == (50,)
    assert resampled(counted(["exact"], ["a"], [["a"]])["exact"]) is None


def test_unknown_measures_and_missing_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(counted(MEASURES, ANSWERS, [[t] for t in TRUTH], SOURCES)) == set(MEASURES)
    with pytest.raises(ArgumentError, match="measure 'blue'"):
        counted(["blue"], ["a"], [["a"]])
    with pytest.raises(ArgumentError, match="needs sources"):
        counted(["novel"], ["a"], [["a"]])
    monkeypatch.setitem(sys.modules, "sacrebleu", None)
    with pytest.raises(MissingDependencyError, match=r"longshort\[text\]"):
        counted(["bleu"], ["a"], [["a"]])
    monkeypatch.setitem(sys.modules, "rouge_score.rouge_scorer", None)
    with pytest.raises(MissingDependencyError, match="rouge-score"):
        counted(["rougeL"], ["a"], [["a"]])

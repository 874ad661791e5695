"""One record of a test part of pairs, from methods that are known."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from longshort.data.corpus import Corpus
from longshort.errors import ArgumentError, DataError
from longshort.evaluate.labels import LabelParts
from longshort.evaluate.translations import evaluate_translations
from longshort.records import History, TranslationEvaluation
from longshort.yardsticks.translations.base import TranslationMethod

NUMBERS = ("eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun")
WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


HISTORY = History(unit="nats per symbol")


class Alignment(NamedTuple):
    source: tuple[str, ...]
    target: tuple[str, ...]
    weights: np.ndarray


def pairs(seed: int, count: int) -> Corpus:
    random = np.random.default_rng(seed)
    drawn = [random.integers(0, 9, random.integers(3, 9)) for _ in range(count)]
    return Corpus(
        "numbers",
        texts=tuple(" ".join(WORDS[at] for at in own) for own in drawn),
        transcripts=tuple(" ".join(NUMBERS[at] for at in own) for own in drawn),
    )


def spoken(corpus: Corpus) -> list[str]:
    """Right, but for a word that it does not know."""
    table = dict(zip(WORDS, NUMBERS, strict=True)) | {"nine": "acht"}
    return [" ".join(table[word] for word in text.split()) for text in corpus.texts or ()]


def looked(source: str) -> Alignment:
    symbols = tuple(source.split())
    return Alignment(symbols, (*symbols, "</s>"), np.eye(len(symbols) + 1)[:, :-1])


def judged(**options: object) -> TranslationEvaluation:
    parts = LabelParts(pairs(0, 80), pairs(1, 20), pairs(2, 40))
    return evaluate_translations(
        TranslationMethod("LSTM", "lstm", spoken), parts, history=HISTORY,
        settings={"size": "3"}, **options,  # type: ignore[arg-type]
    )  # fmt: skip


def test_a_record_of_translations(tmp_path: Path) -> None:
    found = judged(attention=looked)
    assert found.what == "translations"
    assert (found.metric, found.each, found.items) == ("bleu", "chrf", 40)
    assert found.signatures["bleu"].startswith("nrefs:1|case:mixed|eff:no|tok:13a")
    methods = [score.method for score in found.scores]
    assert methods == ["LSTM", "copy of the source", "most frequent target", "nearest source"]
    assert found.reference == "nearest source"
    assert found.verdict.startswith("The LSTM earned its keep: its BLEU, ")
    ours = found.ours
    assert ours is not None
    assert ours.measures["bleu"].low is not None
    assert ours.length == pytest.approx(1.0)
    beside = {each.theirs: each for each in found.differences}
    assert beside["nearest source"].low > 0  # type: ignore[operator]
    worst = found.worst[0]
    assert "acht" in worst.told
    assert worst.score <= found.worst[-1].score < found.best[-1].score == 1.0
    assert worst.aligned is not None
    assert worst.aligned.weights[0][0] == 1.0
    assert sum(part.items for part in found.lengths) == 40
    assert set(found.lengths[0].scores) == set(methods)
    assert TranslationEvaluation.from_json(found.to_json()) == found
    crooked = found.to_json().replace('"</s>"', '"</s>", "more"', 1)
    with pytest.raises(DataError, match=r"worst\.0: its weights have no row"):
        TranslationEvaluation.from_json(crooked)


def test_several_references_and_other_data() -> None:
    test = Corpus(
        "more", texts=("one two", "nine", "one two"), transcripts=("eins zwei", "neun", "EINS zwei")
    )
    found = evaluate_translations(
        TranslationMethod("LSTM", "lstm", spoken),
        LabelParts(test.select([]), None, test),
        metric="chrf",
        history=HISTORY,
        settings={},
    )
    assert (found.items, found.references) == (2, 3)
    assert found.metric == "chrf"
    assert found.ours.measures["exact"].value == 0.5  # type: ignore[union-attr]
    assert found.verdict.startswith("The LSTM stands beside no yardstick")


def test_captions_are_judged_by_cider(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    paths = []
    for at in range(12):
        paths.append(tmp_path / f"{at}.png")
        image.new("RGB", (8, 8), (20 * at, 0, 0)).save(paths[-1])
    told = tuple(f"{NUMBERS[at % 4]} {NUMBERS[at % 3]}" for at in range(12))
    corpus = Corpus("pictures", pictures=tuple(paths), transcripts=told)
    found = evaluate_translations(
        TranslationMethod("LSTM", "lstm", lambda own: ["eins zwei"] * len(own)),
        LabelParts(corpus, None, corpus),
        history=HISTORY,
        settings={},
    )
    assert (found.what, found.metric) == ("captions", "cider")
    assert found.worst[0].picture.startswith("data:image/png;base64,")
    assert [score.method for score in found.scores[1:]] == [
        "most frequent target", "nearest picture",
    ]  # fmt: skip
    bad = found.to_json().replace("data:image/png", "https://example.org", 1)
    with pytest.raises(DataError, match="no data URI of a picture"):
        TranslationEvaluation.from_json(bad)


def test_measures_that_cannot_lead() -> None:
    with pytest.raises(ArgumentError, match="metric='blue'"):
        judged(metric="blue")
    with pytest.raises(ArgumentError, match="neither better nor worse"):
        judged(metric="repeated")

"""What language models and expected words add to a search, against sums made by hand."""

from __future__ import annotations

import gzip
import math
from pathlib import Path

import numpy as np
import pytest

from longshort import Documents, LanguageModel, Next, Recurrent, Shares, Training
from longshort.data.codecs.tokens import TokenCodec, Tokens
from longshort.data.codecs.transcripts import Spelling, TranscriptCodec
from longshort.data.sources.arpa import Arpa, read_arpa
from longshort.data.steps import Ints
from longshort.data.stretch import Stretch
from longshort.errors import ArgumentError, DataError
from longshort.heads.prefixes import Prior, search
from longshort.tasks.transcripts.hotwords import HotWords
from longshort.tasks.transcripts.ngrams import Counted, SymbolPrior
from longshort.tasks.transcripts.spoken import SpokenSymbols, SpokenWords, shared
from longshort.tasks.transcripts.words import (
    ArpaSymbols,
    ArpaWords,
    Remembered,
    WordPrior,
    symbols_of,
)
from longshort.yardsticks.language.kneser_ney import KneserNey

TEXTS = ["ab ba", "ab ab", "b", "ba ba ab", "a b", "ab ba ba"]
ARPA = """\\data\\
ngram 1=5
ngram 2=3

\\1-grams:
-1.0\t<unk>
-99\t<s>\t-0.3
-0.5\tab\t-0.2
-0.7\tba
-0.9\t</s>

\\2-grams:
-0.1\t<s> ab
-0.4\tab ba
-0.2\tba </s>

\\end\\
"""


@pytest.fixture
def codec() -> TranscriptCodec:
    return TranscriptCodec.fit(TEXTS, Tokens(), Spelling())


@pytest.fixture
def arpa(tmp_path: Path) -> Arpa:
    path = tmp_path / "words.arpa"
    path.write_text(ARPA)
    return read_arpa(path)


def of(prior: Prior, symbols: Ints, classes: int) -> float:
    """All that a prior adds to one transcript: frames that can be nothing else."""
    steps = 2 * len(symbols) + 1
    scores = np.full((1, steps, classes), -1e5)
    scores[0, :, 0] = -1e4
    for at, symbol in enumerate(symbols):
        scores[0, 2 * at + 1, symbol] = 0.0
        scores[0, 2 * at, 0] = 0.0
    scores[0, -1, 0] = 0.0
    ((best,),) = search(scores, np.array([steps]), 4, 1, prior)
    assert best.symbols == tuple(symbols)
    return best.prior


def test_counted_ngrams_are_those_of_the_yardstick(codec: TranscriptCodec) -> None:
    said = [codec.encode(text) for text in TEXTS]
    flat = np.concatenate([[0, *own, 0] for own in said])
    begins = np.cumsum([0, *(len(own) + 2 for own in said)])[:-1]
    counts = KneserNey(Stretch(flat, begins, flat, flat), 3, codec.classes)
    after = Counted(said, 3, codec.classes)
    for text in ("ab", "ba ab", "", "aab"):
        own = codec.encode(text)
        whole = np.array([0, *own, 0])
        nats = counts.nats(Stretch(whole, np.array([0]), whole, whole)).sum()
        found = of(SymbolPrior(after, 0.7, 0.3), own, codec.classes)
        assert found == pytest.approx(-0.7 * nats + 0.3 * len(own))


def test_arpa_files_back_off(arpa: Arpa) -> None:
    ten = math.log(10)
    assert arpa.order == 2
    assert arpa.words == {"ab", "ba"}
    assert arpa.log_p(("<s>",), "ab") == pytest.approx(-0.1 * ten)
    assert arpa.log_p(("<s>",), "ba") == pytest.approx((-0.3 - 0.7) * ten)
    assert arpa.log_p(("x", "ab"), "ba") == pytest.approx(-0.4 * ten)
    assert arpa.log_p(("ab",), "none") == pytest.approx((-0.2 - 1.0) * ten)
    # a word without a back-off leaves all to the shorter history
    assert arpa.log_p(("ba",), "ab") == pytest.approx(-0.5 * ten)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (ARPA.replace("-0.4\tab ba", "-0.4\tab"), r"line 14: '-0.4\\tab' is no 2-gram"),
        (ARPA.replace("-0.5", "half"), r"line 8: 'half\\tab"),
        (ARPA.replace("\\end\\\n", ""), "the file is cut off"),
        (ARPA.replace("-0.2\tba </s>\n", ""), "2 of 3 2-grams"),
        ("nothing\n", "holds no n-grams"),
    ],
)
def test_files_that_are_none_are_refused(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "wrong.arpa"
    path.write_text(text)
    with pytest.raises(DataError, match=told):
        read_arpa(path)


def test_packed_files_are_read(tmp_path: Path, arpa: Arpa) -> None:
    path = tmp_path / "words.arpa.gz"
    path.write_bytes(gzip.compress(ARPA.encode()))
    assert read_arpa(path).grams == arpa.grams


def test_words_are_told_when_they_end(codec: TranscriptCodec, arpa: Arpa) -> None:
    assert symbols_of(arpa, codec) is None
    ten = math.log(10)
    prior = WordPrior(Remembered(ArpaWords(arpa)), codec, 0.5, 0.25)
    expected = (-0.1 - 0.4 - 0.2) * ten * 0.5 + 2 * 0.25
    assert of(prior, codec.encode("ab ba"), codec.classes) == pytest.approx(expected)
    # "b" is no word of the file
    expected = (-0.3 - 1.0 - 0.9) * ten * 0.5 + 0.25
    assert of(prior, codec.encode("b"), codec.classes) == pytest.approx(expected)
    assert of(prior, codec.encode(""), codec.classes) == pytest.approx((-0.3 - 0.9) * ten * 0.5)


def test_symbols_may_be_the_words_of_a_file(arpa: Arpa) -> None:
    words = TranscriptCodec.fit(["ab ba"], Tokens("words"), Spelling())
    named = symbols_of(arpa, words)
    assert named == ["</s>", "<unk>", "ab", "ba"]
    prior = SymbolPrior(ArpaSymbols(arpa, named), 1.0, 0.0)
    found = of(prior, words.encode("ab ba"), words.classes)
    assert found == pytest.approx((-0.1 - 0.4 - 0.2) * math.log(10))


@pytest.fixture(scope="module")
def models() -> dict[str, LanguageModel]:
    text = "\n".join(TEXTS * 30)
    return {
        unit: LanguageModel(
            Tokens(unit),  # type: ignore[arg-type]
            documents=Documents("line"),
            shares=Shares(valid=0.1, test=0.0),
            head=Next(),
            recurrent=Recurrent(12, dropout=0.0),
            training=Training(epochs=1, batch=4, members=2),
        ).fit(text.splitlines())
        for unit in ("characters", "words")
    }


def test_our_own_language_model_adds_what_it_tells(
    codec: TranscriptCodec, models: dict[str, LanguageModel]
) -> None:
    model = models["characters"]
    table = shared(model, codec)
    assert table is not None
    for text in ("ab", "ba ab"):
        own = codec.encode(text)
        symbols = np.array([0, *table[own], 0])
        expected = -float(model.nats(Stretch(symbols, np.array([0]), symbols, symbols)).sum())
        found = of(SpokenSymbols(model, table, 0.5, 0.1), own, codec.classes)
        assert found == pytest.approx(0.5 * expected + 0.1 * len(own), rel=1e-4)


def test_our_own_language_model_of_words(
    codec: TranscriptCodec, models: dict[str, LanguageModel]
) -> None:
    model = models["words"]
    assert shared(model, codec) is None
    prior = WordPrior(Remembered(SpokenWords(model)), codec, 1.0, 0.0)
    symbols = np.array([0, *model.codec_.encode("ab ba"), 0])
    assert len(symbols) == 4
    expected = -float(model.nats(Stretch(symbols, np.array([0]), symbols, symbols)).sum())
    found = of(prior, codec.encode("ab ba"), codec.classes)
    assert found == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    ("text", "symbols"),
    [("ab", 2), ("ab ab", 4), ("aba", 0), ("bab", 0), ("b ab", 2), ("ba ba", 0), ("ab ba", 7),
     ("ba ab b", 2), ("", 0), ("b", 0), ("ab b", 2)],
)  # fmt: skip
def test_expected_words_count_where_they_are_whole(
    codec: TranscriptCodec, text: str, symbols: int
) -> None:
    # a phrase is worth its symbols, the blank among them, beside the word that it begins with
    words = HotWords(["ab", "ab ba"], 1.5, codec)
    expected = {"ab ba": 5}.get(text, symbols)
    assert of(words.prior(), codec.encode(text), codec.classes) == pytest.approx(1.5 * expected)


def test_words_that_cannot_be_written_are_refused(codec: TranscriptCodec) -> None:
    with pytest.raises(ArgumentError, match="hot word 'xa' holds 'x'"):
        HotWords(["xa"], 1.0, codec)
    with pytest.raises(ArgumentError, match="is empty"):
        HotWords([" "], 1.0, codec)
    with pytest.raises(ArgumentError, match="give a list"):
        HotWords("ab", 1.0, codec)


def test_where_words_are(codec: TranscriptCodec) -> None:
    assert codec.words(codec.encode("ab b").tolist()) == [(0, 2), (3, 4)]
    assert codec.words([]) == []
    blank = codec.encode("a b")[1]
    assert codec.words([blank, blank, codec.encode("a")[0]]) == [(2, 3)]
    words = TranscriptCodec.fit(["one two, three"], Tokens("words"), Spelling(punctuation="drop"))
    assert words.words(words.encode("one three").tolist()) == [(0, 1), (1, 2)]
    assert words.decode(words.encode("three one")) == "three one"
    assert words.unseen("one four") == ["four"]
    assert words.spoken("one, four") == ["one", "four"]


def test_spelling_is_stated() -> None:
    plain = Spelling("lower", "drop")
    assert plain.spelt("  Don\u2019t STOP\tnow - 'ok'... ") == "don't stop now ok"
    assert plain.spelt("e\u0301") == "\u00e9"
    assert str(plain) == "in lower case, without punctuation, runs of blanks as one"
    assert Spelling().spelt("A,  b") == "A, b"
    with pytest.raises(ArgumentError, match="Spelling"):
        Spelling("small")  # type: ignore[arg-type]


def test_the_same_alphabet_has_the_same_classes() -> None:
    one = TranscriptCodec.fit(["aab"], Tokens(), Spelling())
    two = TranscriptCodec.fit(["bba"], Tokens(), Spelling())
    assert one == two
    assert isinstance(one.tokens, TokenCodec)

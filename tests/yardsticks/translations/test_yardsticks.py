"""Rules that do not translate, and translation by looking it up."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from longshort.data.corpus import Corpus
from longshort.metrics.translations import counted, score
from longshort.yardsticks.translations.base import gathered, what_of
from longshort.yardsticks.translations.nearest import Nearest
from longshort.yardsticks.translations.roster import roster
from longshort.yardsticks.translations.rules import Copy, Lead, MostFrequent

ARTICLES = tuple(
    f"{word} was seen in the town on monday and people told us of it for many days"
    for word in ("a bear", "one wolf", "the king", "no rain")
)
SUMMARIES = ("a bear was seen", "one wolf was seen", "the king was seen", "no rain was seen")
NEWS = Corpus("news", texts=ARTICLES, transcripts=SUMMARIES)
LINES = Corpus(
    "lines",
    texts=("the old house", "a green tree", "an old tree", "a tree"),
    transcripts=("das alte Haus", "ein Baum", "ein alter Baum", "ein Baum"),
)


def judge(answers: Sequence[str], corpus: Corpus) -> float:
    found = counted(["rougeL"], answers, [(text,) for text in corpus.transcripts or ()])
    return float(score(found["rougeL"]))


def test_what_targets_are() -> None:
    assert what_of(NEWS) == "summaries"
    assert what_of(LINES) == "translations"
    pictures = Corpus("p", pictures=(Path("a.png"),), transcripts=("a cat",))
    assert what_of(pictures) == "captions"
    # short, but in words of another language
    short = Corpus("x", texts=ARTICLES, transcripts=("ein Bär",) * 4)
    assert what_of(short) == "translations"


def test_rules() -> None:
    asked = Corpus("new", texts=("the door", "x"))
    copied = Copy().fit(LINES, None, judge, 0)
    assert copied.answers(asked) == ["the door", "x"]
    most = MostFrequent().fit(LINES, None, judge, 0)
    assert most.answers(asked) == ["ein Baum", "ein Baum"]
    # where none comes twice, it is the one that the others resemble most
    once = Corpus("o", texts=("1", "2", "3"), transcripts=("a b c", "a b d", "x"))
    assert MostFrequent().fit(once, None, judge, 0).answers(asked)[0] in ("a b c", "a b d")


def test_the_number_of_first_words_is_chosen_on_the_validation_part() -> None:
    lead = Lead().fit(NEWS, NEWS, judge, 0)
    assert lead.name == "first 4 words"
    assert lead.answers(NEWS) == list(SUMMARIES)
    longer = Corpus("v", texts=ARTICLES, transcripts=tuple(t[:24] for t in ARTICLES))
    both = Corpus("t", texts=ARTICLES * 2, transcripts=SUMMARIES + longer.transcripts)  # type: ignore[operator]
    assert Lead().fit(both, longer, judge, 0).name == "first 6 words"


def test_the_nearest_source() -> None:
    near = Nearest().fit(LINES, None, judge, 0)
    asked = Corpus("new", texts=("this old house", "a very green thing", "nothing known"))
    assert near.answers(asked) == ["das alte Haus", "ein Baum", "das alte Haus"]
    signs = Corpus("j", texts=("犬がいる", "空が青い"), transcripts=("a dog", "blue sky"))
    assert Nearest().fit(signs, None, judge, 0).answers(Corpus("n", texts=("青い空",))) == [
        "blue sky"
    ]


def test_the_nearest_picture_and_the_nearest_features(tmp_path: Path) -> None:
    pytest.importorskip("PIL.Image")
    rise = np.tile(np.arange(32, dtype=np.uint8) * 8, (32, 1))
    known = Corpus("p", pictures=(rise, rise.T), transcripts=("across", "down"))
    noisy = np.clip(rise.T + 9.0, 0, 255).astype(np.uint8)
    method = Nearest().fit(known, None, judge, 0)
    assert method.name == "nearest picture"
    assert method.answers(Corpus("q", pictures=(noisy,))) == ["down"]
    for name, values in (("a", [0, 1, 5]), ("b", [5, 1, 0]), ("c", [1, 1, 4])):
        np.save(tmp_path / f"{name}.npy", np.tile(np.array(values, np.float32), (4, 1)))
    known = Corpus(
        "f", pictures=(tmp_path / "a.npy", tmp_path / "b.npy"), transcripts=("up", "under")
    )
    found = (
        Nearest().fit(known, None, judge, 0).answers(Corpus("q", pictures=(tmp_path / "c.npy",)))
    )
    assert found == ["up"]


def test_one_source_with_several_targets_is_one_item() -> None:
    twice = Corpus("t", texts=("a", "b", "a", "a"), transcripts=("x", "y", "z", "x"))
    found = gathered(twice)
    assert found.corpus.texts == ("a", "b")
    assert found.references == [("x", "z"), ("y",)]
    pictures = Corpus("p", pictures=(Path("a"), Path("a")), transcripts=("x", "y"))
    assert gathered(pictures).references == [("x", "y")]


def test_who_is_asked() -> None:
    names = [type(each).__name__ for each in roster(LINES, "translations", "all").yardsticks]
    assert names == ["Copy", "MostFrequent", "Nearest"]
    told = roster(NEWS, "captions", "quick")
    assert [type(each).__name__ for each in told.yardsticks] == ["MostFrequent"]
    assert told.left_out[0] == "copy of the source was left out: pictures are no text."
    assert not roster(LINES, "translations", "none").yardsticks

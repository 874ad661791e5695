"""A tagger on a language whose tags are known: learnt, kept in a file, judged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from longshort import load
from longshort.data.corpus import Corpus, join
from longshort.data.readings.wide import Wide
from longshort.data.sources.conll import read_conll
from longshort.errors import ArgumentError, DataError, LongshortWarning, NotFittedError
from longshort.layers.encoder import Recurrent
from longshort.tasks.tag import TOKENS, TRAINING, Tagger

FIRST, LAST = ["ada", "bob", "cleo"], ["stone", "rivers", "moss"]
TOWNS, PLAIN = ["oslo", "rome"], ["met", "saw", "in", "the", "and"]


def sentences(count: int, seed: int) -> Corpus:
    """A first name and last names after it are a person; "in" makes a town of a first name."""
    rng = np.random.default_rng(seed)
    tokens, tags = [], []
    for _ in range(count):
        words: list[str] = []
        marks: list[str] = []
        while len(words) < rng.integers(3, 12):
            kind = rng.integers(4)
            if kind == 0:
                lasts = rng.integers(0, 3)
                words += [str(rng.choice(FIRST)), *(str(rng.choice(LAST)) for _ in range(lasts))]
                marks += ["B-PER", *["I-PER"] * lasts]
            elif kind == 1:
                # the same word is a person or a town by what stands before
                words += ["in", str(rng.choice([*TOWNS, *FIRST]))]
                marks += ["O", "B-LOC"]
            else:
                words.append(str(rng.choice([word for word in PLAIN if word != "in"])))
                marks.append("O")
        tokens.append(tuple(words))
        tags.append(tuple(marks))
    return Corpus("made up", tokens=tuple(tokens), tags=tuple(tags))


def small(**changes: object) -> Tagger:
    settings = {
        "text": TOKENS.set_params(width=16, character_size=8),
        "recurrent": Recurrent(16, bidirectional=True, dropout=0.1),
        "wide": Wide(512),
        "training": TRAINING.set_params(epochs=2, rate=2e-2, members=2),
        **changes,
    }
    return Tagger(**settings)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def data() -> Corpus:
    return join(
        [("train", sentences(150, 1)), ("valid", sentences(40, 2)), ("test", sentences(40, 3))]
    )


@pytest.fixture(scope="module")
def tagger(data: Corpus) -> Tagger:
    return small().fit(data)


def test_a_language_with_a_rule_is_learnt_wholly(tagger: Tagger) -> None:
    fresh = sentences(100, 9)
    assert tagger.predict(fresh.bare()) == list(fresh.tags or ())
    assert tagger.score(fresh) == 1.0
    found = tagger.spans([["ada", "stone", "saw", "rome", "in", "bob"]])
    assert [(s.type, s.start, s.stop) for s in found[0]][-1] == ("LOC", 5, 6)


def test_answers_do_not_depend_on_neighbours(tagger: Tagger) -> None:
    fresh = sentences(30, 5)
    together = tagger.predict_proba(fresh)
    for item in (0, 7, 29):
        (alone,) = tagger.predict_proba(fresh.select([item]))
        np.testing.assert_allclose(together[item], alone, atol=1e-6)
        np.testing.assert_allclose(alone.sum(1), 1, atol=1e-6)


def test_odd_sentences_are_tagged(tagger: Tagger) -> None:
    odd = [[], [""], ["\x00", "\U0001f600", "東京"], ["x" * 5000], ["ada"] * 3000]
    assert [len(own) for own in tagger.predict(odd)] == [0, 1, 3, 1, 3000]
    assert tagger.predict([[]]) == [()]
    assert tagger.spans([[]]) == [[]]


def test_n_best_begins_with_the_best(tagger: Tagger) -> None:
    fresh = sentences(10, 6)
    ways = tagger.n_best(fresh, 3)
    assert [own[0] for own in ways] == tagger.predict(fresh)
    assert all(len(set(own)) == len(own) <= 3 for own in ways)
    assert tagger.n_best([["ada"]], 50)[0][0] == ("B-PER",)


def test_a_file_keeps_all_of_it(tagger: Tagger, tmp_path: Path) -> None:
    path = tmp_path / "model.lstm"
    tagger.save(path)
    again = load(path)
    assert isinstance(again, Tagger)
    fresh = sentences(20, 7)
    for one, other in zip(tagger.predict_proba(fresh), again.predict_proba(fresh), strict=True):
        np.testing.assert_array_equal(one, other)
    assert again.lean_ == tagger.lean_
    assert again.tags_ == tagger.tags_
    for mine, theirs in zip(tagger.models_, again.models_, strict=True):
        assert mine.head.shift.tolist() == theirs.head.shift.tolist()  # type: ignore[union-attr]


def test_the_test_part_is_opened_with_its_yardsticks(tagger: Tagger, data: Corpus) -> None:
    found = tagger.evaluate(data)
    assert found.task == "tag"
    assert found.metric == "f1"
    assert found.items == 40
    assert [score.method for score in found.scores] == [
        "LSTM", "most frequent tag", "linear-chain CRF", "linear-chain CRF, shifted",
    ]  # fmt: skip
    ours = found.score("LSTM")
    assert ours is not None
    assert ours.measures["f1"].value == 1.0
    assert found.errors == ()
    assert {row.label for row in found.per_class} == {"LOC", "PER"}
    assert type(found).from_json(found.to_json()) == found
    # other data are all test part, and what was fitted on is counted
    some = sentences(30, 2).select(range(20))
    other = tagger.evaluate(join([("test", sentences(30, 8)), ("test", some)]))
    assert other.items == 50
    assert "20 of 50 items were also fitted on." in other.notes
    strange = Corpus("strange", tokens=(("ada", "x"),) * 9, tags=(("B-DOG", "O"),) * 9)
    judged = tagger.evaluate(strange)
    assert any(note.startswith("9 tags are not those") for note in judged.notes)
    assert judged.score("LSTM").measures["recall"].value == 0  # type: ignore[union-attr]
    with pytest.raises(DataError, match="every item was fitted on"):
        tagger.evaluate(some)


def test_what_decided_an_entity_is_told(tagger: Tagger) -> None:
    found = tagger.explain([["the", "in", "bob", "met", "and"], ["met"]]).items
    assert [item.label for item in found] == ["LOC: bob"]
    (item,) = found
    assert item.text == "the in bob met and"
    # "in" makes a town of a first name
    heavy = max(item.marks, key=lambda mark: mark.weight)
    assert item.text[heavy.start : heavy.end] in ("in", "bob")
    assert {item.text[m.start : m.end] for m in item.marks} >= {"in", "bob"}
    assert item.probability > 0.9


@pytest.mark.parametrize("head", ["crf", "category"])
def test_plain_tags_stand_for_themselves(head: str, tmp_path: Path) -> None:
    given = sentences(80, 1)
    y = [["NAME" if tag != "O" else "WORD" for tag in own] for own in given.tags or ()]
    model = small(head=head, training=TRAINING.set_params(epochs=1, rate=1e-2, members=1))
    model.fit([list(own) for own in given.tokens or ()], y)
    assert model.tags_.names == ("NAME", "WORD")
    assert model.score(list(given.tokens or ()), y) > 0.9
    with pytest.raises(ArgumentError, match="no entities"):
        model.spans(given.bare())
    chain = model.models_[0].head.chain  # type: ignore[union-attr]
    assert bool(chain.transitions.eq(0).all()) == (head == "category")  # type: ignore[union-attr]


def test_files_are_answered_as_they_are_spelt(tmp_path: Path) -> None:
    train = tmp_path / "train.conll"
    train.write_text("ada B-PER\nstone E-PER\nmet O\nbob S-PER\n\n" * 12)
    model = small(training=TRAINING.set_params(epochs=2, rate=1e-2, members=1), scheme="iobes")
    model.fit(train)
    assert model.told_.scheme == "iobes"
    assert model.predict([["ada", "stone", "met", "bob"]]) == [("B-PER", "E-PER", "O", "S-PER")]
    plain = tmp_path / "plain.conll"
    plain.write_text("ada\nmet\n\nbob\n")
    frame = model.predict(plain)
    assert frame.columns == ["sentence", "token", "tag", "probability"]
    assert frame["sentence"].to_list() == [1, 1, 2]
    assert {tag[0] for tag in frame["tag"]} <= set("BIESO")
    assert frame["probability"].is_between(0, 1).all()
    written = tmp_path / "tagged.conll"
    model.write(train, written)
    assert written.read_text().startswith("ada\tB-PER\nstone\tE-PER\nmet\tO\nbob\tS-PER\n\n")
    assert read_conll(written).corpus.tokens == read_conll(train).corpus.tokens


def test_a_fit_begins_with_another_one(tagger: Tagger, data: Corpus) -> None:
    brief = TRAINING.set_params(epochs=1, rate=1e-4, members=1)
    again = small(training=brief).fit(data, init=tagger)
    assert again.start_
    assert again.score(sentences(30, 4)) > 0.9
    # other tags have a head of their own
    plain = [["T" if tag == "O" else "E" for tag in own] for own in data.tags or ()]
    with pytest.warns(LongshortWarning, match="of other categories"):
        other = small(training=brief).fit(list(data.tokens or ()), plain, init=tagger)
    assert other.tags_.names == ("E", "T")


def test_refitted_networks_keep_their_shift(data: Corpus) -> None:
    brief = TRAINING.set_params(epochs=1, rate=2e-2, members=1, refit=True)
    model = small(training=brief).fit(data)
    assert model.refitted_
    assert model.lean_ == float(model.models_[0].head.shift[1])  # type: ignore[union-attr, index]
    assert model.score(sentences(40, 4)) > 0.8


def test_what_cannot_be_done_is_said(data: Corpus) -> None:
    with pytest.raises(NotFittedError):
        small().predict([["a"]])
    with pytest.raises(DataError, match="no tags to learn from"):
        small().fit(data.bare())
    with pytest.raises(DataError, match="the only tag is 'O'"):
        small().fit([["a", "b"]] * 20, [["O", "O"]] * 20)
    with pytest.raises(DataError, match="1 tags for 2 steps"):
        small().fit([["a", "b"]] * 20, [["B-X"]] * 20)
    with pytest.raises(ArgumentError, match="every step has its own tag"):
        small(recurrent=Recurrent(8, stem=4, stride=2)).fit(data)
    with pytest.raises(DataError, match=r"--item"):
        small().fit("some.csv")
    with pytest.raises(DataError, match=r"sentence 1, token 2: I-LOC begins nothing"):
        small().fit([["a", "b"]] * 20, [["B-PER", "I-LOC"]] * 20)

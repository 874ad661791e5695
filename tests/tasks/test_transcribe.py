"""A transcriber of drawn signs whose truth is known: learnt, sought, timed, kept in a file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from longshort import Partition, Recurrent, Roles, Training, load
from longshort.checkpoint import Checkpoint
from longshort.data.augment import Augment
from longshort.data.codecs.ink import joined
from longshort.data.codecs.tokens import Tokens
from longshort.data.codecs.transcripts import Spelling
from longshort.data.corpus import Corpus
from longshort.errors import ArgumentError, DataError, LongshortWarning, NotFittedError
from longshort.heads.ctc import Ctc
from longshort.records import Epoch, History
from longshort.tasks.labels.reading import from_array
from longshort.tasks.transcribe import Transcriber

SIGNS = "abcd "
SHAPES = np.random.default_rng(7).normal(size=(len(SIGNS), 3, 4))


def drawn(text: str, rng: np.random.Generator) -> NDArray[np.float64]:
    """A sign takes three to six steps, with nothing for one or two steps after it."""
    parts = [np.zeros((1, 4))]
    for sign in text:
        parts.append(np.repeat(SHAPES[SIGNS.index(sign)], rng.integers(1, 3), 0))
        parts.append(np.zeros((rng.integers(1, 3), 4)))
    whole = np.concatenate(parts)
    return whole + 0.1 * rng.normal(size=whole.shape)


def signs(count: int, seed: int) -> Corpus:
    rng = np.random.default_rng(seed)
    texts = []
    for _ in range(count):
        words = ["".join(rng.choice(list("abcd"), rng.integers(1, 4))) for _ in range(2)]
        texts.append(" ".join(words))
    corpus = from_array([drawn(text, rng) for text in texts])
    return replace(corpus, transcripts=tuple(texts))


def small(**changes: object) -> Transcriber:
    settings = {
        "recurrent": Recurrent(24, bidirectional=True, dropout=0.0),
        "training": Transcriber().training.set_params(epochs=8, rate=2e-2),
        "head": Ctc(width=4, language="ngrams", order=2),
        **changes,
    }
    return Transcriber(**settings)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def fitted() -> Transcriber:
    return small().fit(signs(150, 0))


@pytest.fixture(scope="module")
def unseen() -> Corpus:
    return signs(30, 1)


def test_it_writes_what_was_drawn(fitted: Transcriber, unseen: Corpus) -> None:
    assert fitted.score(unseen) > 0.97
    assert fitted.predict(unseen.bare())[:5] == list((unseen.transcripts or ())[:5])
    assert fitted.codec_.classes == 2 + len(SIGNS)
    assert 0 < fitted.known_.weight <= 1.5


def test_a_file_writes_the_same(fitted: Transcriber, unseen: Corpus, tmp_path: Path) -> None:
    path = tmp_path / "signs.lstm"
    fitted.save(path)
    again = load(path)
    assert isinstance(again, Transcriber)
    assert again.predict_n_best(unseen, 2) == fitted.predict_n_best(unseen, 2)
    again.save(tmp_path / "again.lstm")
    assert (tmp_path / "again.lstm").read_bytes() == path.read_bytes()


def test_the_best_come_first_and_are_timed(fitted: Transcriber, unseen: Corpus) -> None:
    assert unseen.series is not None
    for item, found in enumerate(fitted.predict_n_best(unseen, 3)):
        scores = [one.score for one in found]
        assert scores == sorted(scores, reverse=True)
        best = found[0]
        assert [word.text for word in best.words] == best.text.split()
        assert "".join(each.text for each in best.symbols) == best.text.replace(" ", "")
        ends = [time for each in best.symbols for time in (each.start, each.end)]
        assert ends == sorted(ends)
        assert 0 <= ends[0] < ends[-1] <= unseen.series.lengths[item]
        assert all(0 < each.confidence <= 1 for each in best.symbols)


def test_signs_are_aligned_where_they_were_drawn(fitted: Transcriber) -> None:
    rng = np.random.default_rng(3)
    first, second = drawn("ab", rng), drawn("cd", rng)
    (found,) = fitted.align([np.concatenate([first, second])], ["abcd"])
    places = {each.text: each for each in found.symbols}
    assert places["b"].start < len(first) <= places["c"].end
    assert places["c"].start >= len(first) - 1
    assert found.text == "abcd"
    assert found.log_p < 0


def test_an_alignment_that_cannot_be_is_named(fitted: Transcriber) -> None:
    with pytest.raises(DataError, match=r"4 symbols need 7 frames, and there are 6"):
        fitted.align([np.zeros((6, 4))], ["aaaa"])


def test_too_long_transcripts_are_named_and_left_out() -> None:
    corpus = signs(40, 2)
    assert corpus.transcripts is not None
    texts = list(corpus.transcripts)
    texts[3] = "ab " * 40
    wrong = replace(corpus, transcripts=tuple(texts))
    model = small(training=small().training.set_params(epochs=1))
    told = r"1 of \d+ transcripts need more frames .*'?4'?: 119 symbols need 119 frames.*left out"
    with pytest.warns(LongshortWarning, match=told):
        model.fit(replace(wrong, parts=("train",) * 36 + ("valid",) * 4))
    assert np.isfinite([epoch.train_loss for epoch in model.history_.epochs]).all()
    every = replace(corpus, transcripts=("ab " * 40,) * 40)
    with pytest.raises(DataError, match="smaller stride"):
        model.fit(every)


def test_what_training_has_not_seen_is_told() -> None:
    corpus = signs(40, 4)
    assert corpus.transcripts is not None
    texts = (*corpus.transcripts[:39], "xa")
    model = small(training=small().training.set_params(epochs=1))
    with pytest.warns(LongshortWarning, match=r"1 characters of the validation part .*'x'"):
        model.fit(replace(corpus, transcripts=texts, parts=("train",) * 35 + ("valid",) * 5))
    assert "'x'" in model.known_.notes[-1]


def test_bad_data_are_told(fitted: Transcriber) -> None:
    corpus = signs(10, 5)
    with pytest.raises(NotFittedError):
        Transcriber().predict(corpus)
    with pytest.raises(DataError, match="has no transcripts"):
        small().fit(corpus.bare())
    with pytest.raises(DataError, match="9 transcripts for 10 recordings"):
        small().fit(corpus, ["a"] * 9)
    with pytest.raises(DataError, match="the transcript is 3, and no text"):
        small().fit(corpus, [3] * 10)
    with pytest.raises(DataError, match="what is transcribed is a recording"):
        small().fit(["a text"], ["a text"])
    with pytest.raises(DataError, match="every transcript of the training part is empty"):
        small().fit(corpus, [""] * 10)
    with pytest.raises(DataError, match="there is no column"):
        fitted.predict([np.zeros((5, 2))])
    assert fitted.predict([np.zeros((1, 4))]) is not None


def test_words_that_are_expected_are_preferred(fitted: Transcriber) -> None:
    rng = np.random.default_rng(6)
    # halfway between two signs
    mixed = (drawn("ab", np.random.default_rng(6)), drawn("ac", np.random.default_rng(6)))
    both = 0.5 * (mixed[0] + mixed[1])
    assert fitted.predict([both], hot_words=["ab"], hot_weight=4.0) == ["ab"]
    assert fitted.predict([both], hot_words=["ac"], hot_weight=4.0) == ["ac"]
    with pytest.raises(ArgumentError, match="hot word 'xy' holds 'x'"):
        fitted.predict([drawn("a", rng)], hot_words=["xy"])


def test_a_table_has_a_row_for_each_recording(fitted: Transcriber, tmp_path: Path) -> None:
    corpus = signs(12, 8)
    assert corpus.series is not None
    assert corpus.transcripts is not None
    rows = [
        {"id": f"r{item}", "said": text, **dict(zip("wxyz", row.tolist(), strict=True))}
        for item, text in enumerate(corpus.transcripts)
        for row in corpus.series.values[corpus.series.rows(item)]
    ]
    path = tmp_path / "signs.csv"
    pl.DataFrame(rows).write_csv(path)
    model = small(
        roles=Roles(item="id", transcript="said"),
        training=small().training.set_params(epochs=2),
    )
    found = model.fit(path).predict(path)
    assert found.columns == ["item", "transcript", "confidence"]
    assert found["item"].to_list() == [f"r{item}" for item in range(12)]
    assert model.predict(pl.DataFrame(rows).drop("said")).equals(found)
    with pytest.raises(DataError, match="the transcript is 'a' here and"):
        model.fit(pl.DataFrame([*rows[:1], {**rows[1], "said": "a"}, *rows[2:]]))


def test_several_networks_and_words_as_symbols(tmp_path: Path) -> None:
    corpus = signs(60, 9)
    assert corpus.transcripts is not None
    # four words that are one sign each, written large
    texts = tuple(
        " ".join(text.replace(" ", "")).replace("a", "Alpha,") for text in corpus.transcripts
    )
    model = small(
        tokens=Tokens("words"),
        spelling=Spelling("lower", "drop"),
        head=Ctc(width=4),
        training=Training(
            epochs=6, rate=2e-2, batch=16, weight_decay=0.0, members=2, clip=5.0,
            schedule="onecycle",
        ),
        partition=Partition(valid=0.2),
    ).fit(replace(corpus, transcripts=texts))  # fmt: skip
    assert set(model.codec_.tokens.known) == {" alpha", " b", " c", " d"}
    assert model.score(replace(corpus, transcripts=texts)) > 0.9
    model.save(tmp_path / "two.lstm")
    assert load(tmp_path / "two.lstm").predict(corpus) == model.predict(corpus)


class Stop:
    """Ctrl-C while the second epoch is told."""

    def start(self, summary: str, seconds: float, epochs: int) -> None: ...
    def note(self, text: str) -> None: ...
    def epoch(self, epoch: Epoch) -> None:
        if epoch.epoch == 1:
            raise KeyboardInterrupt

    def finish(self, history: History) -> None: ...


def broken_off(settings: Transcriber, corpus: Corpus, folder: Path) -> None:
    """A fit that was broken off ends as one that was not."""
    whole = settings.set_copy().fit(corpus)
    path = folder / "checkpoint.lstm"
    settings.set_copy().fit(corpus, checkpoint=Checkpoint(path, 0.0), progress=Stop())
    assert path.exists()
    again = settings.set_copy().fit(corpus, checkpoint=path)
    for name, weight in whole.models_[0].state_dict().items():
        assert weight.equal(again.models_[0].state_dict()[name])
    assert again.known_.weight == whole.known_.weight


def test_a_fit_that_was_broken_off_goes_on_as_if_it_was_not(tmp_path: Path) -> None:
    settings = small(training=small().training.set_params(epochs=3))
    broken_off(settings, signs(40, 10), tmp_path)


def test_changed_pen_strokes_go_on_as_they_were_drawn(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    shapes = {"l": [[0, 0], [0, 1]], "v": [[0, 1], [1, 0], [2, 1]], "z": [[0, 1], [1, 1], [0, 0]]}
    texts = tuple("".join(random.choice(list("lvz"), 2)) for _ in range(24))
    ink = tuple(
        joined([np.add(shapes[sign], [3 * at, 0]) for at, sign in enumerate(text)])
        for text in texts
    )
    corpus = Corpus("pens", ink=ink, transcripts=texts)
    settings = small(
        training=small().training.set_params(epochs=3, steps=6, batch=4),
        augment=Augment(rotate=10, shear=0.2, stretch=0.2, jitter=0.05, reorder=0.5, reverse=0.5),
    )
    broken_off(settings, corpus, tmp_path)
    # what is changed matters at all
    plain = settings.set_copy(augment=Augment()).fit(corpus)
    changed = settings.set_copy().fit(corpus)
    assert plain.history_.epochs[-1].train_loss != changed.history_.epochs[-1].train_loss


def spoken(count: int, seed: int) -> Corpus:
    """Two words of four."""
    rng = np.random.default_rng(seed)
    texts = [" ".join(rng.choice(["abba", "cad", "bad", "dab"], 2)) for _ in range(count)]
    return replace(from_array([drawn(text, rng) for text in texts]), transcripts=tuple(texts))


def of_pieces(epochs: int, count: int) -> Transcriber:
    """Fitted with byte-pair encoding."""
    model = small(
        tokens=Tokens("subwords", size=270),
        head=Ctc(width=2),
        training=small().training.set_params(epochs=epochs, batch=8, steps=None),
    )
    return model.fit(spoken(count, 13))


def test_pieces_of_words_are_symbols_too(tmp_path: Path) -> None:
    """Fewer symbols than characters; texts come back as they are."""
    model, unseen = of_pieces(2, 30), spoken(10, 14)
    for text in unseen.transcripts or ():
        symbols = model.codec_.encode(text)
        assert len(symbols) == 2
        assert model.codec_.decode(symbols.tolist()) == text
    for found in model.align(unseen):
        assert [word.text for word in found.words] == found.text.split()
    model.save(tmp_path / "pieces.lstm")
    assert load(tmp_path / "pieces.lstm").predict(unseen) == model.predict(unseen)


@pytest.mark.slow
def test_pieces_of_words_are_learnt() -> None:
    assert of_pieces(20, 150).score(spoken(30, 14)) > 0.9


def test_another_fit_begins_with_the_weights_of_one(fitted: Transcriber) -> None:
    model = small(training=small().training.set_params(epochs=1, rate=1e-4))
    model.fit(signs(40, 11), init=fitted)
    assert model.score(signs(20, 12)) > 0.9

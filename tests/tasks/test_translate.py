"""Translators of sequences whose answer is known: learnt, searched, shown, kept in a file."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from longshort import Beam, Partition, Recurrent, Scenes, Translation, Translator, load
from longshort.checkpoint import Checkpoint
from longshort.data.codecs.tokens import Tokens
from longshort.data.codecs.transcripts import Spelling
from longshort.data.corpus import Corpus
from longshort.errors import ArgumentError, DataError, LongshortWarning, NotFittedError
from longshort.records import Epoch, History
from longshort.search import Sampling
from longshort.tasks.translate import TRAINING

pytestmark = pytest.mark.filterwarnings("ignore:.*same content as one of the training part")
ONES = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
]  # fmt: skip
TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
Pair = tuple[str, str]


def reverse(rng: random.Random) -> Pair:
    text = "".join(rng.choice("abcdef") for _ in range(rng.randint(1, 5)))
    return text, text[::-1]


def in_order(rng: random.Random) -> Pair:
    text = "".join(rng.choice("abcdef") for _ in range(rng.randint(1, 6)))
    return text, "".join(sorted(text))


def said(number: int) -> str:
    if number < 20:
        return ONES[number]
    if number < 100:
        return " ".join([TENS[number // 10 - 2], *([ONES[number % 10]] if number % 10 else [])])
    rest = [said(number % 100)] if number % 100 else []
    return " ".join([ONES[number // 100], "hundred", *rest])


def numbers(rng: random.Random) -> Pair:
    number = rng.randrange(rng.choice((20, 100, 1000)))
    return str(number), said(number)


def copied(rng: random.Random) -> Pair:
    """The second word of three, most of which nobody has seen before."""
    told = ["".join(rng.choice("abcdefgh") for _ in range(4)) for _ in range(3)]
    return " ".join(told), f"it is {told[1]}"


def drawn(of: Callable[[random.Random], Pair], count: int, seed: int) -> list[Pair]:
    rng = random.Random(seed)
    return [of(rng) for _ in range(count)]


def small(**changes: Any) -> Translator:
    settings = {
        "source": Tokens(),
        "target": Tokens(),
        "head": Translation(embedding=16, smoothing=0.0),
        "recurrent": Recurrent(32, 1, bidirectional=True, dropout=0.0),
        "training": TRAINING(epochs=8, rate=3e-2),
        "partition": Partition(valid=0.05),
        **changes,
    }
    return Translator(**settings)


def right(model: Translator, pairs: list[Pair], **how: Any) -> float:
    told = model.predict([source for source, _ in pairs], **how)
    return sum(own == target for own, (_, target) in zip(told, pairs, strict=True)) / len(pairs)


@pytest.fixture(scope="module")
def fitted() -> Translator:
    return small().fit(drawn(reverse, 1200, 0))


@pytest.fixture(scope="module")
def unseen() -> list[Pair]:
    return drawn(reverse, 200, 1)


def test_targets_may_be_as_much_longer_than_sources_as_in_training() -> None:
    pairs = drawn(numbers, 60, 0)
    model = small(training=TRAINING(epochs=1, rate=1e-9)).fit(pairs)
    # a network that knows nothing of the end writes all that it may: a letter for each symbol
    with torch.no_grad():
        bias = model.models_[0].head.get_parameter("bias")
        bias.fill_(-50.0)
        bias[model.codec_.encode("n")[0]] = 50.0
    ratio = max((len(told) + 1) / (len(source) + 1) for source, told in pairs)
    told = model.predict(["347"])[0]
    assert 2 * 4 + 10 < len(told) <= np.ceil(ratio) * 4 + 10


def test_it_learns_to_reverse(fitted: Translator, unseen: list[Pair]) -> None:
    assert right(fitted, unseen) == 1.0
    assert fitted.score(unseen) > -0.05
    assert fitted.predict("abc") == ["cba"]


def test_a_file_writes_the_same(fitted: Translator, unseen: list[Pair], tmp_path: Path) -> None:
    path = tmp_path / "reverse.lstm"
    fitted.save(path)
    again = load(path)
    assert isinstance(again, Translator)
    sources = [source for source, _ in unseen]
    assert again.hypotheses(sources, 2) == fitted.hypotheses(sources, 2)
    again.save(tmp_path / "again.lstm")
    assert (tmp_path / "again.lstm").read_bytes() == path.read_bytes()


def test_sources_of_a_batch_are_those_sources_alone(fitted: Translator) -> None:
    sources = ["abcde", "f", "ba", "fedc"]
    for one, own in zip(sources, fitted.hypotheses(sources, 3), strict=True):
        (alone,) = fitted.hypotheses([one], 3)
        assert [each.text for each in own] == [each.text for each in alone]
        scores = [each.score for each in alone]
        assert [each.score for each in own] == pytest.approx(scores, abs=1e-5)
        assert scores == sorted(scores, reverse=True)


def test_a_hypothesis_is_as_probable_as_its_target(fitted: Translator) -> None:
    for one in fitted.hypotheses("abcde", 4)[0]:
        mean = fitted.score([("abcde", one.text)])
        assert one.log_p == pytest.approx(mean * (len(one.text) + 1), abs=1e-4)
        assert one.score == pytest.approx(one.log_p / (len(one.text) + 1), abs=1e-6)


def test_attention_sums_to_one_and_runs_backwards(fitted: Translator) -> None:
    found = fitted.attention("abcde")
    assert found.source == ("a", "b", "c", "d", "e", "</s>")
    assert found.target == ("e", "d", "c", "b", "a", "</s>")
    np.testing.assert_allclose(found.weights.sum(1), 1, rtol=1e-5)
    other = fitted.attention("abcde", "fff")
    assert other.target == ("f", "f", "f", "</s>")
    assert other.weights.shape == (4, 6)


def test_targets_begin_with_what_is_asked_for_and_are_as_long(fitted: Translator) -> None:
    assert fitted.predict(["abcd"], prefix="f")[0].startswith("f")
    told = fitted.predict(["abcd", "ab"], prefix=["dcb", ""])
    assert told == ["dcba", "ba"]
    with pytest.raises(ArgumentError, match=r"prefix 'é': the vocabulary does not hold 'é'"):
        fitted.predict(["abcd"], prefix="é")
    with pytest.raises(ArgumentError, match="1 prefixes for 2 sources"):
        fitted.predict(["ab", "cd"], prefix=["a"])
    assert len(fitted.predict(["abcd"], search=Beam(least=6))[0]) >= 6
    assert len(fitted.predict(["abcd"], search=Beam(most=2))[0]) <= 2
    once = fitted.predict(["aabb"], search=Beam(block=1))[0]
    assert len({*once}) == len(once) > 0
    # what is asked for may be long, or say a thing twice; where nothing is allowed there is nothing
    long = "abcd" * 8
    assert fitted.predict(["ab"], prefix=long)[0].startswith(long)
    assert fitted.predict(["ab"], prefix="abab", search=Beam(block=2))[0].startswith("abab")
    (nothing,) = fitted.hypotheses(["ab"], search=Beam(block=1, least=99))
    assert nothing == [("", -math.inf, -math.inf)]


def test_targets_are_drawn_as_they_are_probable(fitted: Translator) -> None:
    one, two = (fitted.sample(["abcde"] * 3, seed=seed) for seed in (3, 3))
    assert one == two
    assert fitted.sample(["abcde"], Sampling(temperature=0))[0].text == "edcba"


def test_several_networks_tell_the_mean_of_their_probabilities() -> None:
    pairs = drawn(reverse, 60, 2)
    both = small(training=TRAINING(epochs=1, members=2, batch=16)).fit(pairs)
    alone = []
    for network in both.models_:
        one = small().set_params()
        one.__dict__.update({**both.__dict__, "models_": [network]})
        alone.append(one)
    # of targets of one symbol
    p, one, two = (
        {each.text: np.exp(each.log_p) for each in own.hypotheses("ab", 7, search=Beam(most=1))[0]}
        for own in (both, *alone)
    )
    assert len(p) == 7
    for text, value in p.items():
        assert value == pytest.approx((one[text] + two[text]) / 2, rel=1e-5)


def test_words_that_were_never_seen_are_copied() -> None:
    words = Tokens("words", least=20)
    model = small(
        source=words,
        target=words,
        head=Translation(embedding=16, smoothing=0.0, copy=True),
        training=TRAINING(epochs=6, rate=2e-2),
    ).fit(drawn(copied, 1000, 0))
    assert model.codec_.classes < 10
    assert right(model, drawn(copied, 50, 1)) > 0.95
    # more targets than there are symbols: none of another source's
    for own in model.hypotheses(["ab cd ef", "gh"], 30, search=Beam(most=2)):
        assert len({one.text for one in own}) > 8


def test_an_unknown_word_is_replaced_by_what_was_looked_at() -> None:
    pairs = [(f"{a} {b}", f"{b} {a}") for a, b in itertools.product("xyz", "uvw")] * 20
    pairs += [(f"{a} q{n}", f"q{n} {a}") for n, a in enumerate("xyz" * 20)]
    words = Tokens("words", least=2)
    how = {"source": words, "target": words, "training": TRAINING(epochs=5, rate=3e-2)}
    model = small(**how, unknown="source").fit(pairs)
    assert model.predict(["x never"]) == ["never x"]
    model.settings_["unknown"] = "never"
    assert "\N{REPLACEMENT CHARACTER}" not in model.predict(["x never"])[0]


def test_empty_and_long_sources_are_told(fitted: Translator) -> None:
    with pytest.warns(LongshortWarning, match=r"1 of 2 sources are empty.*item 2"):
        assert fitted.predict(["ab", " "]) == ["ba", ""]
    short = small(longest=4, training=TRAINING(epochs=1))
    pairs = [("ab", "ba"), ("abcdef", "ba"), ("abc", "cbaaaaaaa"), ("c", "c")] * 5
    with pytest.warns(LongshortWarning) as told:
        short.fit(pairs)
    texts = [str(each.message) for each in told]
    assert any("5 of 20 sources have more than 4 symbols" in text for text in texts)
    assert any("5 of 20 targets have more than 4 symbols" in text for text in texts)
    assert any("more than 4 symbols" in note for note in short.known_.notes)
    with pytest.warns(LongshortWarning, match="1 of 1 sources have more than 4 symbols"):
        short.predict(["abcdefg"])


def test_sources_of_another_script_are_told(fitted: Translator, unseen: list[Pair]) -> None:
    known = unseen[0][0]
    with pytest.warns(LongshortWarning, match=r"1 of 2 sources are mostly of symbols .* item 2"):
        found = fitted.predict([known, "пожар на мосту"])
    assert found[0] == fitted.predict([known])[0]


def test_frames_and_files_have_a_row_for_each_source(fitted: Translator, tmp_path: Path) -> None:
    frame = pl.DataFrame({"source": ["abc", "fe"], "target": ["", ""]})
    found = fitted.predict(frame)
    assert found["target"].to_list() == ["cba", "ef"]
    path = tmp_path / "sources.txt"
    path.write_text("abc\nfe\n")
    assert fitted.predict(path)["target"].to_list() == ["cba", "ef"]
    with pytest.raises(DataError, match=r"missing\.tsv"):
        fitted.predict("missing.tsv")


def test_an_interrupted_fit_goes_on_bit_by_bit(tmp_path: Path) -> None:
    pairs = drawn(reverse, 80, 4)
    model = small(
        head=Translation(embedding=8, dropout=0.2, sampled=0.3),
        training=TRAINING(epochs=3, batch=16, steps=4),
    )

    class Stop:
        def start(self, summary: str, seconds: float, epochs: int) -> None: ...

        def note(self, text: str) -> None: ...

        def epoch(self, epoch: Epoch) -> None:
            if epoch.epoch == 1:
                raise RuntimeError

        def finish(self, history: History) -> None: ...

    checkpoint = Checkpoint(tmp_path / "fit.checkpoint", every=0)
    with pytest.raises(RuntimeError):
        model.fit(pairs, progress=Stop(), checkpoint=checkpoint)
    again = model.fit(pairs, checkpoint=checkpoint)
    whole = small(**model.get_params(deep=False)).fit(pairs)
    assert again.score(pairs) == whole.score(pairs)


@pytest.mark.parametrize("unit", ["words", "spaced", "bytes", "subwords", "unigram"])
def test_one_vocabulary_of_any_symbols_has_one_table(unit: Any, tmp_path: Path) -> None:
    tokens = Tokens(unit, size=300 if unit in ("subwords", "unigram") else None)
    pairs = [("der Hund bellt .", "the dog barks ."), ("die Katze schläft .", "the cat sleeps .")]
    model = small(
        source=tokens, target=tokens, joint=True, training=TRAINING(epochs=1, batch=4),
        head=Translation(embedding=8, copy=True), recurrent=Recurrent(8, bidirectional=True),
        source_spelling=Spelling("lower"), target_spelling=Spelling("lower"),
    ).fit(pairs * 5)  # fmt: skip
    names = [name for name, _ in model.models_[0].named_parameters()]
    assert sum("embed" in name for name in names) == 1
    path = tmp_path / "joint.lstm"
    model.save(path)
    again = load(path)
    assert isinstance(again, Translator)
    assert again.predict(["Die Katze bellt ."]) == model.predict(["die Katze bellt ."])
    assert model.codec_.decode(model.codec_.encode("The dog .")) == "the dog ."


def test_what_does_not_go_together_is_named() -> None:
    pairs = [("a", "b"), ("b", "a")] * 5
    with pytest.raises(NotFittedError):
        small().predict(["a"])
    with pytest.raises(ArgumentError, match="joint=True: one vocabulary has one kind"):
        small(joint=True, source=Tokens("words")).fit(pairs)
    with pytest.raises(ArgumentError, match=r"copy=True.*words.*characters"):
        small(head=Translation(copy=True), source=Tokens("words")).fit(pairs)
    with pytest.raises(ArgumentError, match="unknown='nver'"):
        small(unknown="nver").fit(pairs)
    with pytest.raises(ArgumentError, match="longest=0"):
        small(longest=0).fit(pairs)
    with pytest.raises(DataError, match="no targets"):
        small().fit(["a", "b"])


def captioned(count: int, seed: int) -> Corpus:
    """Light or dark squares on the left or right."""
    rng, pictures, captions = np.random.default_rng(seed), [], []
    for _ in range(count):
        dark, left = rng.integers(2, size=2)
        picture = np.full((16, 16), 128, np.uint8) + rng.integers(0, 9, (16, 16)).astype(np.uint8)
        picture[4:12, 1:7] = picture[4:12, 1:7] if not left else 250 * (1 - dark)
        picture[4:12, 9:15] = picture[4:12, 9:15] if left else 250 * (1 - dark)
        pictures.append(picture)
        captions.append(
            f"a {'dark' if dark else 'light'} square on the {'left' if left else 'right'}"
        )
    return Corpus("squares", pictures=tuple(pictures), transcripts=tuple(captions))


def test_pictures_are_described(tmp_path: Path) -> None:
    model = small(
        target=Tokens("words"), scenes=Scenes(size=16, width=24, channels=4, flip=False),
        head=Translation(attention="additive", embedding=16, size=24, smoothing=0.0),
        training=TRAINING(epochs=7, rate=2e-2, batch=16),
    ).fit(captioned(200, 0))  # fmt: skip
    unseen = captioned(60, 1)
    told = model.texts(unseen)
    assert (
        np.mean([one == two for one, two in zip(told, unseen.transcripts or (), strict=True)]) > 0.9
    )
    path = tmp_path / "squares.lstm"
    model.save(path)
    again = load(path)
    assert isinstance(again, Translator)
    assert again.texts(unseen) == told
    found = model.attention(unseen.select([0]))
    assert found.weights.shape[1] == len(found.source) == 1


def test_features_of_a_network_of_ones_own_are_described(tmp_path: Path) -> None:
    rng, paths, captions = np.random.default_rng(0), list[Path](), list[str]()
    for at in range(60):
        kind = at % 3
        values = rng.normal(size=(2 + at % 2, 5)).astype(np.float32)
        values[:, kind] += 4
        paths.append(tmp_path / f"{at}.npy")
        np.save(paths[-1], values)
        captions.append(("a tree", "a car", "two birds")[kind])
    corpus = Corpus("features", pictures=tuple(paths), transcripts=tuple(captions))
    model = small(
        target=Tokens("words"), head=Translation(embedding=8, size=16, smoothing=0.0),
        training=TRAINING(epochs=5, rate=2e-2, batch=16),
    ).fit(corpus)  # fmt: skip
    assert model.texts(corpus) == captions
    np.save(paths[0], np.zeros((2, 7), np.float32))
    with pytest.raises(DataError, match=r"has 7 features, and the model reads 5"):
        model.texts(replace(corpus, source="others"))
    np.save(paths[0], np.full((2, 5), np.nan, np.float32))
    with pytest.raises(DataError, match=r"0\.npy: holds values that are not finite"):
        model.texts(replace(corpus, source="others"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("of", "tokens", "head", "training"),
    [
        (in_order, "characters", {}, {"epochs": 20, "rate": 2e-2}),
        (numbers, "words", {}, {"epochs": 20, "batch": 32, "rate": 1.5e-2}),
        (reverse, "characters", {"attention": "additive"}, {}),
        (reverse, "characters", {"input_feeding": True}, {}),
        (
            reverse,
            "characters",
            {"attention": "additive", "copy": True, "coverage": True},
            {"epochs": 12, "rate": 1e-2},
        ),
    ],
)
def test_tasks_with_a_known_answer_are_learnt(
    of: Callable[[random.Random], Pair],
    tokens: Any,
    head: dict[str, Any],
    training: dict[str, Any],
) -> None:
    model = small(
        target=Tokens(tokens),
        head=Translation(embedding=16, smoothing=0.0, **head),
        training=TRAINING(**{"epochs": 8, "rate": 3e-2, **training}),
    ).fit(drawn(of, 2000, 0))
    assert right(model, drawn(of, 300, 1)) == 1.0

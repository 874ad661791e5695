"""Classifier: fitted, kept, judged and explained, on problems whose answer is known."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from longshort import Category, Classifier, Partition, Recurrent, Roles, Training, artifact, load
from longshort.checkpoint import Checkpoint
from longshort.data.partition import partition
from longshort.data.readings.words import Text
from longshort.errors import ArgumentError, DataError, LongshortWarning, ModelFileError
from longshort.tasks.labels.calibration import LEAST
from longshort.tasks.labels.explanation import spans

GOOD, BAD = ["good", "great", "fine", "lovely"], ["bad", "awful", "poor", "dull"]
OTHER = ["the", "a", "film", "movie", "was", "it", "and", "this", "plot"]
WORDS = Text(ngrams=None, width=16, dropout=0.0, word_dropout=0.0)


def make(**changes: Any) -> Classifier:
    """A classifier that is fitted in a second."""
    settings: dict[str, Any] = {
        "text": WORDS,
        "head": Category(dropout=0.1),
        "recurrent": Recurrent(8, bidirectional=True, dropout=0.0),
        "training": Training(epochs=6, members=1, rate=0.02, batch=16, patience=None),
    }
    return Classifier(**(settings | changes))


def reviews(count: int, seed: int = 0) -> tuple[list[str], list[str]]:
    """Texts of any words and two that say which label they have."""
    random = np.random.default_rng(seed)
    texts, labels = [], []
    for _ in range(count):
        label = ["neg", "pos"][int(random.integers(2))]
        words = [*random.choice(OTHER, 5), *random.choice(GOOD if label == "pos" else BAD, 2)]
        texts.append(" ".join(random.permutation(words)))
        labels.append(label)
    return texts, labels


@pytest.fixture(scope="module")
def fitted() -> Classifier:
    return make(training=Training(epochs=6, members=2, rate=0.02, batch=16)).fit(*reviews(200))


def test_words_are_learnt(fitted: Classifier) -> None:
    texts, labels = reviews(100, seed=1)
    assert fitted.classes_.tolist() == ["neg", "pos"]
    assert fitted.score(texts, labels) == 1
    told = fitted.predict_proba(texts)
    assert np.allclose(told.sum(1), 1)
    assert fitted.predict(texts).tolist() == labels


def test_members_are_averaged_in_probability(fitted: Classifier) -> None:
    texts, _ = reviews(20, seed=2)
    together, both = fitted.predict_proba(texts), fitted.models_
    alone = []
    for model in both:
        fitted.models_ = [model]
        alone.append(fitted.predict_proba(texts))
    fitted.models_ = both
    assert np.allclose(np.mean(alone, 0), together, atol=1e-6)


def test_padding_never_changes_an_answer(fitted: Classifier) -> None:
    texts = ["good", "bad film and it was " * 30, "", "the " * 7]
    together = fitted.predict_proba(texts)
    alone = np.concatenate([fitted.predict_proba([text]) for text in texts])
    assert np.allclose(together, alone, atol=1e-6)


def test_the_model_file_and_the_pickle_answer_the_same(fitted: Classifier, tmp_path: Path) -> None:
    texts, _ = reviews(20, seed=3)
    fitted.save(tmp_path / "model.lstm")
    told = fitted.predict_proba(texts)
    assert np.array_equal(load(tmp_path / "model.lstm").predict_proba(texts), told)
    again = pickle.loads(pickle.dumps(fitted))
    assert np.array_equal(again.predict_proba(texts), told)
    assert again.get_params(deep=False) == fitted.get_params(deep=False)
    state = fitted.__getstate__()
    state["file"] = state["file"][:-9] + b"123456789"
    with pytest.raises(ModelFileError, match="digest"):
        Classifier().__setstate__(state)


def test_labels_keep_their_type(tmp_path: Path) -> None:
    texts, labels = reviews(40)
    short = make(training=Training(epochs=1, members=1, steps=1))
    for own in ([label == "pos" for label in labels], [9 if x == "pos" else -1 for x in labels]):
        model = short.fit(texts, own)
        model.save(tmp_path / "model.lstm")
        for each in (model, load(tmp_path / "model.lstm")):
            assert each.classes_.dtype == np.array(own).dtype
            assert each.classes_.tolist() == sorted(set(own))


def test_long_and_empty_texts_are_read() -> None:
    texts, labels = reviews(30)
    texts[3] = "good " * 100_000
    texts[4] = "  "
    with pytest.warns(LongshortWarning, match="1 of 30 items are empty, the first at a list: item"):
        model = make(training=Training(epochs=1, members=1, steps=1)).fit(texts, labels)
    assert len(model.predict(["", "word " * 100_000])) == 2


def test_a_label_with_one_example_is_said() -> None:
    texts, labels = reviews(30)
    labels[7] = "odd"
    with pytest.warns(LongshortWarning, match="Label 'odd' has one example .a list: item 8"):
        make(training=Training(epochs=1, members=1, steps=1)).fit(texts, labels)


def test_what_is_no_label_is_refused(fitted: Classifier) -> None:
    texts, labels = reviews(10)
    with pytest.raises(DataError, match="item 3: unknown label 'psitive': The names are: neg, pos"):
        fitted.score(texts, [*labels[:2], "psitive", *labels[3:]])
    with pytest.raises(DataError, match="there is one class, 'pos'"):
        make().fit(texts, ["pos"] * 10)
    with pytest.raises(DataError, match="10 items and 9 labels"):
        make().fit(texts, labels[:9])
    with pytest.raises(DataError, match="has no labels"):
        make().fit(texts)
    with pytest.raises(DataError, match="model was fitted on texts"):
        fitted.predict(np.zeros((3, 4)))


def test_the_test_part_is_that_of_the_same_split() -> None:
    texts, labels = reviews(100)
    table = pl.DataFrame({"text": texts, "label": labels})
    model = make(roles=Roles(text="text"), partition=Partition(valid=0.2, test=0.3)).fit(table)
    found = model.evaluate(table, yardsticks="none")
    assert (found.task, found.items, found.classes) == ("classify", 30, ("neg", "pos"))
    assert found.ours is not None
    assert found.ours.measures["accuracy"].value == 1
    # other data are judged as a whole, and what was fitted on is counted
    texts, labels = reviews(5, seed=9)
    more = pl.concat([table[:10], pl.DataFrame({"text": texts, "label": labels})])
    found = model.evaluate(more, yardsticks="none")
    assert found.items == 15
    assert any("of 15 items have the content of one that was fitted on" in n for n in found.notes)
    short = Training(epochs=1, members=1, steps=1)
    bare = make(training=short, roles=Roles(text="text")).fit(table)
    with pytest.raises(ArgumentError, match="left no test part"):
        bare.evaluate(table)


def test_a_split_may_be_given_as_parts() -> None:
    tables = {}
    for name, count in (("train", 80), ("valid", 20), ("test", 20)):
        texts, labels = reviews(count, seed=count)
        tables[name] = pl.DataFrame({"text": texts, "label": labels})
    found = make(roles=Roles(text="text")).fit(tables).evaluate(tables, yardsticks="none")
    assert [part.items for part in found.data.parts] == [80, 20, 20]


def test_a_table_comes_back_with_labels(fitted: Classifier) -> None:
    texts, _ = reviews(4, seed=5)
    frame = pl.DataFrame({"text": texts, "id": [1, 2, 3, 4], "predicted": ["x"] * 4})
    found = fitted.predict_table(frame)
    assert found.columns == ["text", "id", "predicted", "predicted_", "p_neg", "p_pos"]
    assert found["predicted_"].to_list() == fitted.predict(texts).tolist()


def test_several_labels_and_labels_of_an_order() -> None:
    random = np.random.default_rng(0)
    series = random.normal(size=(160, 12))
    flags = np.stack([series.mean(1) > 0, series[:, -1] > 0], 1).astype(int)
    long = Training(epochs=12, members=1, rate=0.03, batch=16, patience=None)
    many = make(head=Category("many", "last+mean", dropout=0.0), training=long).fit(series, flags)
    assert many.predict(series).shape == (160, 2)
    assert many.score(series, flags) > 0.75
    steps = np.digitize(series.mean(1), [-0.25, 0.25]) * 10
    ordered = make(head=Category("ordered", "mean", dropout=0.0), training=long)
    assert ordered.fit(series, steps).score(series, steps) > 0.75
    assert ordered.classes_.tolist() == [0, 10, 20]
    texts, labels = reviews(20)
    with pytest.raises(ArgumentError, match="say their order"):
        make(head=Category("ordered")).fit(texts, labels)
    with pytest.raises(ArgumentError, match="label 'neg' has no place in order="):
        make(head=Category("ordered", order=("low", "pos"))).fit(texts, labels)


def test_rare_labels_count_as_much_where_asked() -> None:
    series, labels = np.random.default_rng(0).normal(size=(100, 5)), np.array([0] * 90 + [1] * 10)
    model = make(head=Category(weights="balanced"), partition=Partition(valid=0.0),
                 training=Training(epochs=1, members=1, steps=1)).fit(series, labels)  # fmt: skip
    weights = model.models_[0].head.weights
    assert torch.allclose(weights, torch.tensor([100 / 180, 100 / 20]))


def test_the_temperature_is_the_least_surprised_one() -> None:
    random = np.random.default_rng(0)
    series = random.normal(size=(400, 8))
    # a third of the labels are random: a network that is too sure of them is wrong
    labels = np.where(
        random.uniform(size=400) < 0.33, random.integers(0, 2, 400), series.mean(1) > 0
    )
    model = make(partition=Partition(valid=0.5), head=Category(dropout=0.0),
                 training=Training(epochs=12, members=2, rate=0.03, patience=None, weight_decay=0.0)
                 ).fit(series, labels)  # fmt: skip
    assert LEAST <= 200
    chosen = float(model.models_[0].head.temperature)
    corpus = model._given(series, labels).corpus
    valid = corpus.select(partition(corpus, model.partition).valid)
    truth = model.known_.classes.targets(valid)

    def surprise(temperature: float) -> float:
        for each in model.models_:
            each.head.calibrate(temperature)
        return float(-np.log(model.probabilities(valid)[np.arange(len(valid)), truth]).mean())

    least = surprise(chosen)
    assert all(least <= surprise(chosen * factor) + 1e-9 for factor in (0.8, 0.95, 1.05, 1.25))


def test_explanations_add_up_and_name_the_words(fitted: Classifier) -> None:
    texts, _ = reviews(8, seed=7)
    texts.append("good")
    found = fitted.explain(texts)
    for text, item in zip(texts, found.items, strict=True):
        assert item.gap < 0.01
        best = max(item.marks, key=lambda mark: mark.weight)
        assert text[best.start : best.end] in GOOD + BAD
        assert best.weight == 1
    # a short one beside long ones is explained as it is alone
    alone = fitted.explain("good").items[0]
    assert alone.scale == pytest.approx(found.items[-1].scale, abs=1e-4)
    against = fitted.explain("good", label="neg").items[0]
    assert (against.label, against.marks[0].weight) == ("neg", -1)
    with pytest.raises(ArgumentError, match="label 'so'"):
        fitted.explain("good", label="so")


def test_attention_shows_its_weights() -> None:
    random = np.random.default_rng(0)
    series = random.normal(size=(60, 9))
    model = make(head=Category(pooling="attention", dropout=0.0)).fit(series, series[:, 4] > 0)
    item = model.explain(series[:3]).items[0]
    assert item.gap < 0.01
    assert max(mark.weight for mark in item.attention) == 1
    assert {(mark.start, mark.end) for mark in item.attention} <= {(t, t + 1) for t in range(9)}
    assert len(item.curves) == 1


def test_words_are_found_where_they_stand() -> None:
    text = "A &amp; B, a b"
    assert [text[a:b] for a, b in spans(text, ["A", "&", "B", ",", "a", "b"])] == [
        "A", "&amp;", "B", ",", "a", "b"]  # fmt: skip
    assert spans("abc", ["x", "c"]) == [(0, 0), (2, 3)]


def test_series_of_any_length_and_with_gaps() -> None:
    random = np.random.default_rng(0)
    items = [random.normal(size=(int(n), 2)) for n in random.integers(1, 20, 60)]
    items[0][:] = np.nan
    labels = ["up" if np.nansum(each[:, 0]) > 0 else "down" for each in items]
    model = make().fit(items, labels)
    assert model.score(items[1:], labels[1:]) > 0.8
    alone = np.concatenate([model.predict_proba([each]) for each in items[:5]])
    assert np.allclose(alone, model.predict_proba(items[:5]), atol=1e-6)


def test_a_fit_goes_on_bit_by_bit(tmp_path: Path) -> None:
    texts, labels = reviews(60)
    settings = Training(epochs=3, members=2, rate=0.02, batch=16, steps=6)
    whole = make(training=settings).fit(texts, labels)

    class Stop:
        """Ctrl-C after the fourth epoch."""

        seen = 0

        def start(self, *_: object) -> None: ...
        def note(self, *_: object) -> None: ...
        def finish(self, *_: object) -> None: ...

        def epoch(self, *_: object) -> None:
            self.seen += 1
            if self.seen == 4:
                raise KeyboardInterrupt

    path = tmp_path / "checkpoint.lstm"
    stopped = make(training=settings)
    stopped.fit(texts, labels, progress=Stop(), checkpoint=Checkpoint(path, 0.0))
    assert "interrupted" in stopped.history_.stops
    again = make(training=settings).fit(texts, labels, checkpoint=path)
    assert np.array_equal(again.predict_proba(texts), whole.predict_proba(texts))
    labels[0] = "pos" if labels[0] == "neg" else "neg"
    stopped.fit(texts, labels, progress=Stop(), checkpoint=Checkpoint(path, 0.0))
    labels[1] = "pos" if labels[1] == "neg" else "neg"
    with pytest.raises(ArgumentError, match="data"):
        make(training=settings).fit(texts, labels, checkpoint=path)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("learned", "classes"), ["pos"]),
        (("learned", "classes"), ["pos", "pos"]),
        (("learned", "types"), "M8[us]"),
        (("learned", "kind"), "some"),
        (("learned", "reader"), "eval"),
        (("learned", "reading"), {}),
        (("learned", "digest"), "zz"),
        (("learned", "features"), 0),
        (("head", "pooling"), "last"),
        (("head", "kind"), "ordered"),
        (("recurrent", "size"), 10**9),
        (("text", "width"), "wide"),
        (("partition", "by"), "luck"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused(
    fitted: Classifier, tmp_path: Path, place: tuple[str, str], value: Any
) -> None:
    fitted.save(tmp_path / "model.lstm")
    found = artifact.read(tmp_path / "model.lstm")
    section, name = place
    found.sections[section][name] = value
    artifact.write(tmp_path / "odd.lstm", found.kind, found.version, found.sections, found.tensors)
    with pytest.raises(ModelFileError, match=r"odd\.lstm"):
        load(tmp_path / "odd.lstm")


def test_a_summary_tells_how_long_it_takes(fitted: Classifier) -> None:
    texts, labels = reviews(30)
    table = pl.DataFrame({"text": texts, "label": labels})
    model = make(roles=Roles(text="text"))
    assert "training takes at most about" in model.summary(table)
    assert not hasattr(model, "models_")
    assert "trained in" in fitted.summary()


def test_a_fit_may_begin_with_another(fitted: Classifier, tmp_path: Path) -> None:
    texts, labels = reviews(60, seed=4)
    short = Training(epochs=1, members=1, steps=1, rate=1e-5)
    kept = make(training=short).fit(texts, labels, init=fitted, keep_codec=True)
    assert kept.start_.startswith("Training began with 11 of 11 weights")
    assert kept.score(texts, labels) == 1
    with pytest.warns(LongshortWarning, match="words.weight is of other categories"):
        make(training=short).fit(texts, labels, init=fitted)
    # a table that begins with vectors of a file is laid out without memory, too
    vectors = tmp_path / "vectors.txt"
    vectors.write_text("\n".join(f"{word} {' '.join(['0.1'] * 16)}" for word in GOOD))
    own = make(text=WORDS.set_params(vectors=str(vectors)), training=short)
    with pytest.warns(LongshortWarning, match="10 of 11 weights"):
        own.fit(texts, labels, init=fitted)

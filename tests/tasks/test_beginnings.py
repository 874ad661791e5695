"""Classifiers and taggers that begin with a series model, or with a published ELMo model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

import longshort
from longshort import (
    Classifier,
    Corpus,
    Recurrent,
    Roles,
    SeriesModel,
    Signal,
    Tagger,
    Text,
    Training,
)
from longshort.cli.app import main
from longshort.data.items import Items
from longshort.data.readings.onward import Onward
from longshort.data.readings.pretrained import Pretrained
from longshort.errors import ArgumentError, DataError, ModelFileError
from tests.data.sources import published

FEW = Training(epochs=2, members=1, rate=0.01)
SENTENCES = [["Anna", "sees", "Rome", "."], ["Rome", "is", "old"], ["Bob", "met", "Anna"]] * 6
TAGS = [["PER", "O", "LOC", "O"], ["LOC", "O", "O"], ["PER", "O", "PER"]] * 6


def recordings(items: int = 24) -> tuple[list[np.ndarray[Any, Any]], list[str]]:
    rng = np.random.default_rng(0)
    found = []
    for item in range(items):
        rows = int(rng.integers(8, 15))
        speed = 0.3 if item % 2 else 0.9
        wave = 4 + np.sin(speed * np.arange(rows) + rng.uniform(0, 6))
        found.append(np.stack([wave, rng.normal(size=rows)], 1))
    found[0][3, 0] = np.nan
    return found, ["slow" if item % 2 else "fast" for item in range(items)]


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("series") / "series.lstm"
    model = SeriesModel(recurrent=Recurrent(6, 2, dropout=0.1), training=FEW)
    model.fit(recordings()[0]).save(path)
    return path


def test_a_classifier_reads_what_the_series_model_does(begun: Path) -> None:
    values, labels = recordings()
    model = Classifier(pretrained=str(begun), recurrent=Recurrent(5), training=FEW)
    model.fit(values, labels)
    own = SeriesModel.from_file(begun)
    # an array's channels are told apart by their places
    corpus = model._read_again(values)
    batch = Items(corpus, model.known_.reading, None, np.arange(6)).batch(range(6))
    plain = Onward(corpus, own.reading_, None, np.arange(6)).batch(range(6))
    with torch.no_grad():
        layers = model.models_[0].encoder.embed.pretrained.trunk(batch)
        wanted = own.models_[0].eval().encoder(plain).layers[1:]
    assert len(layers) == 2
    for layer, each in zip(layers, wanted, strict=True):
        assert torch.equal(layer, each)


@pytest.mark.parametrize("tune", [False, True])
def test_nothing_but_its_own_file_is_needed(begun: Path, tmp_path: Path, tune: bool) -> None:
    values, labels = recordings()
    there = tmp_path / "there.lstm"
    there.write_bytes(begun.read_bytes())
    model = Classifier(
        pretrained=Pretrained(str(there), tune=tune), recurrent=Recurrent(5), training=FEW
    ).fit(values, labels)
    before = SeriesModel.from_file(begun).models_[0].state_dict()
    after = model.models_[0].encoder.embed.pretrained.trunk.state_dict()
    moved = [n for n, t in after.items() if not torch.equal(t, before[f"encoder.{n[8:]}"])]
    assert bool(moved) == tune
    model.save(tmp_path / "model.lstm")
    there.unlink()
    again = longshort.load(tmp_path / "model.lstm")
    assert isinstance(again, Classifier)
    assert np.array_equal(again.predict_proba(values), model.predict_proba(values))


def test_steps_are_tagged_with_it(begun: Path, tmp_path: Path) -> None:
    values, _ = recordings()
    rows = np.concatenate(values)
    table = pl.DataFrame({
        "run": np.repeat([f"r{n}" for n in range(len(values))], [len(v) for v in values]),
        "x0": rows[:, 0], "x1": rows[:, 1],
        "label": np.where(rows[:, 1] > 0, "up", "down"),
    }).fill_nan(None)  # fmt: skip
    roles = Roles(item="run")
    model = Tagger(roles=roles, pretrained=str(begun), recurrent=Recurrent(5), training=FEW)
    model.fit(table).save(tmp_path / "model.lstm")
    again = longshort.load(tmp_path / "model.lstm")
    assert isinstance(again, Tagger)
    assert again.predict(table).equals(model.predict(table))


@pytest.mark.parametrize("gaps", ["carry", "decay", "mean"])
def test_gaps_categories_and_what_stands_still_come_along(tmp_path: Path, gaps: Any) -> None:
    rng = np.random.default_rng(0)
    count = 400
    table = pl.DataFrame({
        "run": [f"r{n // 8}" for n in range(count)],
        "t": np.arange(count) + np.where(np.arange(count) % 3 == 0, 0.5, 0.0),
        "x": np.where(rng.random(count) < 0.2, np.nan, rng.normal(size=count)),
        "mode": rng.choice(["on", "off"], count),
        "code": [f"c{n}" for n in rng.integers(0, 40, count)],
        "age": [float(n // 8) for n in range(count)],
        "site": [f"s{n // 8}" for n in range(count)],
        "label": ["ab"[n // 8 % 2] for n in range(count)],
    }).fill_nan(None)  # fmt: skip
    roles = Roles(item="run", time="t", channels=("x", "mode", "code"), static=("age", "site"))
    own = SeriesModel(roles, Signal(gaps=gaps), recurrent=Recurrent(4), training=FEW).fit(table)
    assert own.reading_.widths.symbols
    assert own.reading_.widths.labels
    own.save(tmp_path / "series.lstm")
    path = str(tmp_path / "series.lstm")
    model = Classifier(roles, pretrained=path, recurrent=Recurrent(4), training=FEW).fit(table)
    corpus = model._read_again(table)
    batch = Items(corpus, model.known_.reading, None, np.arange(4)).batch(range(4))
    plain = Onward(corpus, own.reading_, None, np.arange(4)).batch(range(4))
    with torch.no_grad():
        (layer,) = model.models_[0].encoder.embed.pretrained.trunk(batch)
        wanted = own.models_[0].eval().encoder(plain).z
    assert torch.equal(layer, wanted)
    model.save(tmp_path / "model.lstm")
    again = longshort.load(tmp_path / "model.lstm")
    assert isinstance(again, Classifier)
    assert np.array_equal(again.predict_proba(table), model.predict_proba(table))


def test_what_does_not_fit_a_series_model(begun: Path, tmp_path: Path) -> None:
    values, labels = recordings()
    with pytest.raises(ArgumentError, match="it reads recordings, and these are no recordings"):
        Classifier(pretrained=str(begun)).fit(["a text", "another"] * 9, [0, 1] * 9)
    table = pl.DataFrame({"run": ["a", "a", "b", "b"] * 9, "label": ["u", "u", "v", "v"] * 9})
    table = table.with_columns(
        run=pl.col("run") + (pl.int_range(36) // 4).cast(pl.String),
        t=pl.int_range(36), x0=pl.lit(1.0), x1=pl.lit(2.0),
    )  # fmt: skip
    roles = Roles(item="run", time="t")
    with pytest.raises(ArgumentError, match=r"use Signal\(every=None\)"):
        Classifier(roles, signal=Signal(every="2"), pretrained=str(begun)).fit(table)
    with pytest.raises(DataError, match="no column 'x1'"):
        Classifier(pretrained=str(begun)).fit([each[:, :1] for each in values], labels)
    model = Classifier(recurrent=Recurrent(4), training=FEW).fit(values, labels)
    model.save(tmp_path / "other.lstm")
    with pytest.raises(ModelFileError, match=r"longshort fit\s+series"):
        Classifier(pretrained=str(tmp_path / "other.lstm")).fit(values, labels)


def test_a_tagger_begins_with_elmo(tmp_path: Path) -> None:
    folder = tmp_path / "elmo"
    folder.mkdir()
    published.write(folder, held=published.arrays(1, 0.3))
    given = Corpus("sentences", tokens=tuple(map(tuple, SENTENCES)), tags=tuple(map(tuple, TAGS)))
    model = Tagger(pretrained=str(folder), recurrent=Recurrent(6), training=FEW).fit(given)
    trunk = model.models_[0].encoder.embed.pretrained.trunk
    assert (trunk.width, trunk.depth) == (8, 3)
    batch = Items(given, model.told_.reading, None, np.arange(3)).batch(range(3))
    with torch.no_grad():
        layers = trunk(batch)
    for row, words in enumerate(SENTENCES[:3]):
        for layer, truth in zip(
            layers, published.layers(published.arrays(1, 0.3), words), strict=True
        ):
            np.testing.assert_allclose(layer[row, : len(words)], truth, atol=1e-5)
    model.save(tmp_path / "model.lstm")
    for file in folder.iterdir():
        file.unlink()
    again = longshort.load(tmp_path / "model.lstm")
    assert isinstance(again, Tagger)
    assert again.predict(given) == model.predict(given)


def test_texts_are_classified_with_elmo(tmp_path: Path) -> None:
    path = published.write(tmp_path, held=published.arrays(1, 0.3))
    texts = [" ".join(words) for words in SENTENCES]
    labels = [words[0] for words in SENTENCES]
    model = Classifier(pretrained=Pretrained(str(path), tune=True), training=FEW).fit(texts, labels)
    assert model.predict_proba(texts).shape == (18, 3)
    with pytest.raises(ArgumentError, match="no subwords"):
        Classifier(text=Text(subwords=300), pretrained=str(path)).fit(texts, labels)


def test_the_command_line_begins_with_a_series_model(begun: Path, tmp_path: Path) -> None:
    values, labels = recordings()
    rows = np.concatenate(values)
    lengths = [len(each) for each in values]
    path = tmp_path / "runs.csv"
    pl.DataFrame({
        "run": np.repeat([f"r{n}" for n in range(len(values))], lengths),
        "x0": rows[:, 0], "x1": rows[:, 1], "label": np.repeat(labels, lengths),
    }).fill_nan(None).write_csv(path)  # fmt: skip
    with pytest.raises(SystemExit) as end:
        main([
            "fit", "classify", str(path), "--item", "run", "--pretrained", str(begun), "--tune",
            "--epochs", "1", "--members", "1", "--test", "0.1", "--yardsticks", "none",
            "--out", str(tmp_path / "out"),
        ])  # fmt: skip
    assert end.value.code == 0
    model = longshort.load(tmp_path / "out" / "model.lstm")
    assert isinstance(model, Classifier)
    assert model.pretrained.tune

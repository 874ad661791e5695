"""Fits that begin with what another model has learnt."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from longshort import Columns, Forecaster, Recurrent, Scaling, Split, Training, Window, load
from longshort.checkpoint import Checkpoint
from longshort.errors import ArgumentError, LongshortWarning, ModelFileError

from .conftest import SMALL, make_series

NET = {"window": Window(context=8, relative="none", calendar=False)}
SPLIT = Split(valid=0.3, test=None)


def gated(rows: int, seed: int, level: float = 0.0) -> pl.DataFrame:
    """The next value is the product of the signs of a switch two rows ago and a push one ago.

    A line cannot say that, and no other history helps: who has learnt the gate has it all.
    """
    rng = np.random.default_rng(seed)
    switch, push = rng.choice([-1.0, 1.0], rows), rng.normal(size=rows)
    value = np.zeros(rows)
    value[2:] = switch[:-2] * push[1:-1]
    noise = 0.05 * rng.normal(size=rows)
    return pl.DataFrame({"y": level + value + noise, "switch": switch, "push": push})


def gate_model(**changes: Any) -> Forecaster:
    settings = {
        "recurrent": Recurrent(size=16, dropout=0.0),
        "training": Training(epochs=30, members=1, rate=0.02, weight_decay=0.0, patience=None),
        "split": SPLIT, "output": "mse", **NET, **changes,
    }  # fmt: skip
    return Forecaster(Columns(target="y", past=("switch", "push")), 1, **settings)


def best(model: Forecaster) -> float:
    found = model.history_.best(0)
    assert found is not None
    assert found.valid_loss is not None
    return found.valid_loss


@pytest.fixture(scope="module")
def taught() -> Forecaster:
    """A network that knows the gate, from plenty of rows."""
    return gate_model().fit(gated(1000, 0))


@pytest.fixture(scope="module")
def few() -> pl.DataFrame:
    """A little of a related series: another level, the same gate."""
    return gated(90, 1, level=50.0)


def test_transfer_beats_training_from_scratch(taught: Forecaster, few: pl.DataFrame) -> None:
    """The noise floor is 0.05^2 of a variance of 1; from 60 rows alone the gate is not found."""
    short = Training(epochs=10, members=1, rate=0.003, weight_decay=0.0, patience=None)
    anew = gate_model().fit(few)
    moved = gate_model(training=short).fit(few, init=taught)
    assert best(taught) < 0.05
    assert best(moved) < 0.2
    assert best(anew) > 0.5
    told = "Training began with 7 of 7 weights of the Forecaster given."
    assert moved.start_ == told
    assert anew.start_ == ""


def test_frozen_layers_are_those_of_the_beginning(
    taught: Forecaster, few: pl.DataFrame, tmp_path: Path
) -> None:
    training = Training(epochs=3, members=2, freeze=("embed", "encoder"))
    taught.save(tmp_path / "model.lstm")
    found = gate_model(training=training).fit(few, init=tmp_path / "model.lstm")
    for model in found.models_:
        own, given = (dict(m.named_parameters()) for m in (model, taught.models_[0]))
        same = {name for name in own if torch.equal(own[name], given[name])}
        assert {name for name in own if name.startswith("encoder.")} == same
    # it is told in the file, too
    found.save(tmp_path / "again.lstm")
    again = load(tmp_path / "again.lstm")
    assert again.start_ == found.start_
    assert str(tmp_path / "model.lstm") in again.start_


def test_scaling_is_fitted_anew_or_kept(taught: Forecaster, few: pl.DataFrame) -> None:
    training = Training(epochs=1, members=1)
    anew = gate_model(training=training).fit(few, init=taught)
    kept = gate_model(training=training).fit(few, init=taught, keep_codec=True)
    assert anew.encoding_.codec.centre[0] == pytest.approx(50, abs=1)
    assert kept.encoding_.codec is taught.encoding_.codec
    with pytest.raises(ArgumentError, match="nothing to keep without init"):
        gate_model().fit(few, keep_codec=True)
    other = Forecaster(Columns(target="push", past=("switch", "y")), 1, split=SPLIT, **NET)
    with pytest.raises(ArgumentError, match=r"is that of y \(target\).*columns are push \(target"):
        other.fit(few, init=taught, keep_codec=True)


def test_each_member_begins_with_its_own(series: pl.DataFrame, columns: Columns) -> None:
    frozen = Training(epochs=1, members=3, freeze=("encoder", "head"), unfreeze="gradual")
    source = Forecaster(columns, **SMALL).fit(series)
    with pytest.raises(ArgumentError, match="nothing is left to learn"):
        Forecaster(columns, **{**SMALL, "training": frozen}).fit(series, init=source)
    frozen = frozen.set_params(freeze=("encoder",))
    found = Forecaster(columns, **{**SMALL, "training": frozen}).fit(series, init=source)
    for number, model in enumerate(found.models_):
        wanted = source.models_[number % 2].encoder.stack.weight_hh_l0
        assert torch.equal(model.encoder.stack.weight_hh_l0, wanted)


def test_what_differs_is_named_and_strangers_are_refused(
    taught: Forecaster, few: pl.DataFrame, series: pl.DataFrame, columns: Columns
) -> None:
    training = Training(epochs=1, members=1)
    longer = gate_model(training=training).set_params(horizon=2)
    with pytest.warns(
        LongshortWarning, match=r"head.readout.weight was \[1, 16\] and is \[2, 16\]"
    ):
        longer.fit(few, init=taught)
    assert "began with 4 of 7 weights" in longer.start_
    assert "horizon was 1 and is 2" in longer.start_
    # more layers: the new one begins anew
    deeper = gate_model(training=training).set_params(recurrent__depth=2)
    with pytest.warns(LongshortWarning, match=r"stack.weight_ih_l1 was not there"):
        deeper.fit(few, init=taught)
    wider = gate_model(training=training).set_params(recurrent__size=8)
    with pytest.raises(ArgumentError, match=r"no weight of its recurrence fits.*was \[64, 3\] and"):
        wider.fit(few, init=taught)


def test_other_kinds_of_beginnings_are_refused(few: pl.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="init is a float, and must be a fitted Forecaster"):
        gate_model().fit(few, init=3.0)  # type: ignore[arg-type]
    with pytest.raises(ModelFileError, match="absent"):
        gate_model().fit(few, init=tmp_path / "absent.lstm")
    with pytest.raises(ValueError, match="not fitted"):
        gate_model().fit(few, init=gate_model())


def test_an_estimator_can_go_on_from_itself(taught: Forecaster, few: pl.DataFrame) -> None:
    training = Training(epochs=1, members=1, rate=1e-6)
    model = gate_model(training=training).fit(few, init=taught)
    before = [p.clone() for p in model.models_[0].parameters()]
    model.fit(few, init=model)
    after = list(model.models_[0].parameters())
    assert all(torch.allclose(a, b, atol=1e-4) for a, b in zip(before, after, strict=True))


def test_a_checkpoint_goes_on_with_the_same_beginning_alone(
    series: pl.DataFrame, columns: Columns, tmp_path: Path
) -> None:
    source = Forecaster(columns, **SMALL).fit(series)
    training = Training(epochs=3, members=2, unfreeze="gradual", discriminative=0.5, refit=True)
    settings = {**SMALL, "training": training, "scaling": Scaling()}
    whole = Forecaster(columns, **settings).fit(series, init=source)
    at = Checkpoint(tmp_path / "checkpoint.lstm", every=0, keep=True)

    class Stop:
        epochs = 0

        def start(self, *_: Any) -> None: ...
        def note(self, _: Any) -> None: ...
        def finish(self, _: Any) -> None: ...
        def epoch(self, _: Any) -> None:
            self.epochs += 1
            if self.epochs == 5:
                raise KeyboardInterrupt

    Forecaster(columns, **settings).fit(series, init=source, checkpoint=at, progress=Stop())
    with pytest.raises(ArgumentError, match=r"init was .* and is not there"):
        Forecaster(columns, **settings).fit(series, checkpoint=at)
    rest = Forecaster(columns, **settings).fit(series, init=source, checkpoint=at)
    for one, other in zip(whole.models_, rest.models_, strict=True):
        mine, theirs = one.state_dict(), other.state_dict()
        assert all(torch.equal(mine[name], theirs[name]) for name in mine)


def test_related_series_through_another_shape_of_data() -> None:
    """Arrays will do as well as frames."""
    data = make_series(80).select("warm", "cold").to_numpy()[None]
    model = Forecaster(Columns(target=["x0"]), 1, **{**SMALL, "training": Training(2, members=1)})
    source = model.fit(data)
    assert Forecaster(**model.get_params(deep=False)).fit(data, init=source).start_


def test_tables_of_other_categories_are_new_and_the_same_ones_are_taken() -> None:
    rng = np.random.default_rng(0)

    def frame(names: list[str]) -> pl.DataFrame:
        kinds = [names[at % len(names)] for at in range(120)]
        return pl.DataFrame({"y": rng.normal(size=120), "kind": kinds})

    columns = Columns(target="y", past="kind")
    settings = {**SMALL, "training": Training(epochs=1, members=1)}
    source = Forecaster(columns, **settings).fit(frame(["a", "b"]))
    same = Forecaster(columns, **settings).fit(frame(["b", "a"]), init=source)
    assert "new" not in same.start_
    with pytest.warns(LongshortWarning, match=r"tables.category0.weight is of other categories"):
        Forecaster(columns, **settings).fit(frame(["a", "c"]), init=source)
    kept = Forecaster(columns, **settings).fit(frame(["a", "c"]), init=source, keep_codec=True)
    assert kept.encoding_.vocabulary.labels == (("a", "b"),)
    assert "new" not in kept.start_

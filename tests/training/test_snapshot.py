"""A run goes on from any of its steps, bit by bit as if it had never stopped."""

from __future__ import annotations

import dataclasses
import math
import random
from typing import Any

import pytest
import torch
from torch import Tensor

from longshort.model import Model
from longshort.records import Epoch, Stop
from longshort.training import Training, fit, loop
from longshort.training.snapshot import Snapshot, memory_of, remember, weights_of

from .lines import Points, line, overshooting, points, recurrent, series

OPTIMIZERS = ("adam", "adamw", "rmsprop", "sgd")


class All:
    """Keeps every moment."""

    def __init__(self) -> None:
        self.kept: list[Snapshot] = []

    def due(self) -> bool:
        return True

    def keep(self, snapshot: Snapshot) -> None:
        self.kept.append(snapshot)


def plain(epochs: list[Epoch]) -> list[Epoch]:
    """Without what no two runs have in common."""
    return [dataclasses.replace(epoch, seconds=0.0) for epoch in epochs]


def through(model: Model, *parts: Any, **given: Any) -> tuple[list[Epoch], Stop, dict[str, Tensor]]:
    """A run to its end: epochs, why it stopped, and the weights it left."""
    settings = {name: given.pop(name) for name in ("start", "keeper", "only") if name in given}
    training = Training(**{"epochs": 4, "batch": 16, "patience": None, **given})
    going, epochs = fit(model, *parts, training, seed=3, **settings), []
    while True:
        try:
            epochs.append(next(going))
        except StopIteration as end:
            return plain(epochs), end.value, weights_of(model)


def check_every_moment(make: Any, *parts: Any, fewest: int, **given: Any) -> None:
    keeper = All()
    epochs, stop, weights = through(make(), *parts, keeper=keeper, **given)
    assert len(keeper.kept) >= fewest
    for snapshot in keeper.kept:
        rest, again, found = through(make(), *parts, start=snapshot, **given)
        assert again == stop
        assert [*epochs[: snapshot.course.epoch], *rest] == epochs
        assert all(torch.equal(found[name], weights[name]) for name in weights)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("schedule", ["constant", "onecycle"])
def test_every_optimiser_and_schedule_goes_on(optimizer: str, schedule: str) -> None:
    check_every_moment(
        recurrent, series(), series(), fewest=12, optimizer=optimizer, schedule=schedule, rate=0.01
    )


def test_early_stopping_goes_on() -> None:
    train, valid = overshooting()
    given = {"epochs": 60, "rate": 0.05, "patience": 4, "weight_decay": 0.0}
    check_every_moment(line, train, valid, fewest=30, **given)
    assert through(line(), train, valid, **given)[1] == "early"


def test_a_part_of_the_epochs_goes_on() -> None:
    check_every_moment(recurrent, series(), None, fewest=6, only=2, schedule="linear")


def test_a_carried_state_goes_on() -> None:
    """Six batches of four streams; the state of each reaches the next one."""
    data = series()
    data = Points(data.x[:24], data.y[:24], streams=4)
    source = random.Random(1)

    def make() -> Model:
        model = recurrent()
        model.memory = "carried"
        return model

    check_every_moment(make, data, data, fewest=24, rate=0.01)
    keeper = All()
    through(make(), data, None, keeper=keeper)
    late = source.choice([s for s in keeper.kept if s.course.position])
    assert {name: tensor.shape[0] for name, tensor in late.state.items()} == {
        "encoder.h": 4,
        "encoder.c": 4,
    }


@pytest.mark.parametrize("good_steps", [2, 1000])
def test_a_retry_goes_on(good_steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What to go back to is part of the moment; so are the retries that were made."""
    monkeypatch.setattr(loop, "GOOD_STEPS", good_steps)
    clean = points()
    training = Training(3, 10, rate=0.05, patience=None)

    def data(asked: int) -> Points:
        found = Points(clean.x, clean.y.clone(), asked=asked)

        def watch(count: int) -> None:
            found.y = clean.y * math.nan if count in (5, 9, 13) else clean.y

        found.watch = watch
        return found

    whole, keeper, kept = data(0), All(), []
    model = line()
    going = fit(model, whole, clean, training, seed=3, keeper=keeper)
    keep = keeper.keep
    keeper.keep = lambda s: (keep(s), kept.append(whole.asked))  # type: ignore[method-assign]
    epochs = plain(list(going))
    assert [len(epoch.events) for epoch in epochs] != [0, 0, 0]
    for snapshot, asked in zip(keeper.kept, kept, strict=True):
        other = line()
        rest = fit(other, data(asked), clean, training, seed=3, start=snapshot)
        assert [*epochs[: snapshot.course.epoch], *plain(list(rest))] == epochs
        assert torch.equal(other.head.linear.weight, model.head.linear.weight)
    assert any(s.good is not None for s in keeper.kept)


def test_a_snapshot_is_a_copy() -> None:
    keeper = All()
    _, _, weights = through(recurrent(), series(), series(), keeper=keeper)
    first = keeper.kept[0]
    assert all(torch.equal(first.weights[n], t) for n, t in weights_of(recurrent()).items())
    name = "encoder.stack.weight_hh_l0"
    assert not torch.equal(first.weights[name], weights[name])


def test_what_does_not_fit_is_refused() -> None:
    keeper = All()
    model = recurrent()
    through(model, series(), None, keeper=keeper)
    last = keeper.kept[-1]
    with pytest.raises(RuntimeError, match="head"):
        fit(line(), points(), None, Training(), start=last)
    optimizer = torch.optim.Adam(model.parameters())
    memory = memory_of(optimizer)
    assert memory == {}
    for name, tensor, says in (
        ("0.exp_avg", torch.zeros(2), r"\[2\], not"),
        ("99.exp_avg", torch.zeros(2), "none of them 99"),
        ("x.exp_avg", torch.zeros(2), "none of them x"),
    ):
        with pytest.raises(ValueError, match=says):
            remember(optimizer, {name: tensor})

"""Means of weights: begun when nothing improves, exact, and gone on with."""

from __future__ import annotations

import copy

import pytest
import torch

from longshort.errors import ArgumentError
from longshort.training import Training, averaging
from longshort.training.settings import make_optimizer

from .lines import line, points, recurrent, run, series, weight
from .test_snapshot import OPTIMIZERS, All, check_every_moment, through

# so fast that steps go round the best weights and never come to rest
RESTLESS = {"optimizer": "sgd", "rate": 0.08, "batch": 5, "weight_decay": 0.0, "clip": None}


def test_what_is_kept_is_the_mean_of_the_weights_since_nothing_improved() -> None:
    train, valid, keeper = points(60, noise=1.0), points(200, seed=1, noise=1.0), All()
    given = {**RESTLESS, "epochs": 25, "average": 3}
    epochs, _, weights = through(line(), train, valid, keeper=keeper, **given)
    (begun,) = [epoch.epoch for epoch in epochs if epoch.events]
    assert begun >= 3
    assert epochs[begun].events[0].kind == "averaging"
    # no better loss in three epochs, for the first time
    losses = [epoch.valid_loss for epoch in epochs]
    worse = [min(losses[: at - 2]) < min(losses[at - 2 : at + 1]) for at in range(3, begun + 1)]  # type: ignore[type-var,operator]
    assert worse[-1]
    assert not any(worse[:-1])
    # every snapshot is of the weights before a step
    best = max(epoch.epoch for epoch in epochs if epoch.best)
    assert best > begun
    after = [
        snapshot.weights["head.linear.weight"]
        for snapshot in keeper.kept
        if (begun + 1, 0) < (snapshot.course.epoch, snapshot.course.position)
        and (snapshot.course.epoch, snapshot.course.position) <= (best + 1, 0)
    ]
    torch.testing.assert_close(weights["head.linear.weight"], torch.stack(after).mean(0))
    # and it is better than any of the steps was told to be
    alone, _ = run(line(), train, valid, seed=3, patience=None, **{**given, "average": None})
    assert min(losses) < min(epoch.valid_loss for epoch in alone)  # type: ignore[type-var]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_moment_is_gone_on_with(optimizer: str) -> None:
    given = {"optimizer": optimizer, "rate": 0.3, "epochs": 8, "average": 1}
    check_every_moment(recurrent, series(), series(), fewest=20, **given)
    epochs, _, _ = through(recurrent(), series(), series(), **given)
    assert any(epoch.events for epoch in epochs[:-1])


def test_patience_begins_anew() -> None:
    train, valid = points(60, noise=1.0), points(200, seed=1, noise=1.0)
    given = {**RESTLESS, "epochs": 200}
    epochs, stop = run(line(), train, valid, average=3, **{**given, "patience": 3})
    alone, _ = run(line(), train, valid, **{**given, "patience": 3})
    assert stop == "early"
    assert len(epochs) > len(alone)


def test_weights_come_back() -> None:
    model = line()
    optimizer = make_optimizer(model, Training(optimizer="sgd"))
    model.head.linear.weight.grad = torch.ones(1, 3, dtype=torch.float64)  # type: ignore[union-attr]
    # nothing is remembered of what was never learnt, and nothing is swapped
    averaging.take(optimizer, 1)
    assert not optimizer.state
    seen = []
    for number in range(1, 4):
        optimizer.step()
        averaging.take(optimizer, number)
        seen.append(weight(model))
    before = copy.deepcopy(model.state_dict())
    with averaging.means(optimizer):
        torch.testing.assert_close(weight(model), torch.stack(seen).mean(0))
    assert all(tensor.equal(before[name]) for name, tensor in model.state_dict().items())


def test_settings_that_do_not_go_together_are_refused() -> None:
    with pytest.raises(ArgumentError, match="larger patience"):
        Training(average=11)
    with pytest.raises(ArgumentError, match="refit=True"):
        Training(average=5, refit=True)
    assert Training(average=11, patience=None).average == 11

from __future__ import annotations

import copy
import math
import random
from collections.abc import Sequence
from typing import get_args

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn, optim

from longshort.data.sampler import Sampler
from longshort.errors import ArgumentError
from longshort.model import Model
from longshort.training import (
    Optimizer,
    Schedule,
    Training,
    clip,
    estimate_seconds,
    fit,
    make_optimizer,
    mean_loss,
    rate_factor,
    seeded,
    step_seed,
)

from .lines import Line, Points, Summing, line, overshooting, points, recurrent, run, series, weight

OPTIMIZERS, SCHEDULES = get_args(Optimizer), get_args(Schedule)
RATES = {"adam": 0.1, "adamw": 0.1, "rmsprop": 0.03, "sgd": 0.03}


# against torch.optim run by hand


def by_hand(
    data: Points, optimizer: optim.Optimizer, linear: nn.Linear, training: Training, seed: int
) -> list[float]:
    """The mean loss of each epoch, as a script without this package would train."""
    losses = []
    steps = math.ceil(len(data) / training.batch)
    for epoch in range(training.epochs):
        order = torch.from_numpy(Sampler(len(data), training.batch, True, seed, epoch).order())
        total = 0.0
        for position, rows in enumerate(order.split(training.batch)):
            done = (epoch * steps + position) / (steps * training.epochs)
            factor = {
                "constant": 1.0,
                "linear": 1 - done,
                "cosine": (1 + math.cos(math.pi * done)) / 2,
                "onecycle": rate_factor("onecycle", done),
            }[training.schedule]
            for group in optimizer.param_groups:
                group["lr"] = training.rate * factor
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(linear(data.x[rows]), data.y[rows])
            loss.backward()
            if training.clip is not None:
                size = torch.sqrt(sum(p.grad.square().sum() for p in linear.parameters()))
                if size > training.clip:
                    for p in linear.parameters():
                        p.grad *= training.clip / size
            optimizer.step()
            total += loss.item() * len(rows)
        losses.append(total / len(data))
    return losses


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_training_is_torchs_optimiser_run_by_hand(optimizer: str, schedule: str) -> None:
    rate, decay = RATES[optimizer], 0.01
    training = Training(
        8, 16, optimizer, rate, weight_decay=decay, schedule=schedule, patience=None, clip=2.0
    )
    data, model = points(), line()
    linear = copy.deepcopy(model.head.linear)
    maker = {
        "adam": lambda p: optim.Adam(p, rate, weight_decay=decay),
        "adamw": lambda p: optim.AdamW(p, rate, weight_decay=decay),
        "rmsprop": lambda p: optim.RMSprop(p, rate, weight_decay=decay),
        "sgd": lambda p: optim.SGD(p, rate, momentum=0.9, weight_decay=decay),
    }[optimizer]
    expected = by_hand(data, maker(linear.parameters()), linear, training, seed=3)
    epochs = list(fit(model, data, None, training, seed=3))
    torch.testing.assert_close(weight(model), linear.weight.detach(), rtol=1e-5, atol=1e-7)
    assert [e.train_loss for e in epochs] == pytest.approx(expected, rel=1e-5)
    # and it goes down: 6.5 is the mean square of the targets
    assert epochs[0].train_loss > 0.5
    assert epochs[-1].train_loss < 0.1 * epochs[0].train_loss


def test_the_least_squares_solution_is_found() -> None:
    data, model = points(), line()
    run(model, data, epochs=300, batch=50, optimizer="sgd", rate=0.05, clip=None)
    solution = torch.linalg.lstsq(data.x[:, 0], data.y[:, 0]).solution
    torch.testing.assert_close(weight(model), solution.T, rtol=0, atol=1e-3)


def test_only_trainable_parameters_are_trained() -> None:
    model = line()
    model.head.linear.weight.requires_grad_(False)
    model.head.extra = nn.Parameter(torch.zeros(1))
    assert [len(g["params"]) for g in make_optimizer(model, Training()).param_groups] == [1]


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_schedules_have_their_ends_and_their_peak(schedule: Schedule) -> None:
    grid = np.linspace(0, 1, 1001)
    factors = np.array([rate_factor(schedule, done) for done in grid])
    assert factors.max() == pytest.approx(1)
    assert (factors >= -1e-12).all()
    if schedule == "constant":
        assert (factors == 1).all()
        return
    assert factors[-1] == pytest.approx(0, abs=1e-12)
    peak = 300 if schedule == "onecycle" else 0
    assert factors.argmax() == peak
    assert (np.diff(factors[: peak + 1]) > 0).all()
    assert (np.diff(factors[peak:]) < 0).all()
    if schedule == "onecycle":
        # torch's OneCycleLR begins at 1/25 of its highest rate
        assert factors[0] == pytest.approx(1 / 25)
    assert np.abs(np.diff(factors)).max() < 0.01


def test_each_step_has_its_rate() -> None:
    """Four steps an epoch: the last rate of each epoch is the one of its last step."""
    epochs, _ = run(line(), points(50), epochs=3, rate=0.2, schedule="linear")
    expected = [0.2 * (1 - (epoch * 4 + 3) / 12) for epoch in range(3)]
    assert [e.rate for e in epochs] == pytest.approx(expected)


# stopping


def test_early_stopping_restores_the_best_weights() -> None:
    train, valid = overshooting()
    model = line()
    epochs, stop = run(model, train, valid, epochs=60, rate=0.05, patience=4)
    losses = [e.valid_loss for e in epochs]
    best = int(np.argmin(losses))
    assert stop == "early"
    assert 2 < best < 30
    assert len(epochs) == best + 1 + 4
    assert mean_loss(model, valid) == losses[best]
    assert [e.epoch for e in epochs if e.best] == list(range(best + 1))
    assert not model.training
    again = line()
    run(again, train, epochs=best + 1, rate=0.05)
    assert torch.equal(weight(model), weight(again))


def test_a_judge_chooses_the_epoch_instead_of_the_loss() -> None:
    train, valid = points(64), points(32)
    told, weights, losses = [3.0, 1.0, 2.0, 4.0], [], []

    def judge(model: Model, examples: Points, loss: float) -> float:
        weights.append(weight(model))
        losses.append(loss)
        assert examples is valid
        assert not model.training
        return told[len(weights) - 1]

    model = line()
    training = Training(epochs=4, batch=16, weight_decay=0.0, patience=None)
    epochs = list(fit(model, train, valid, training, judge=judge))
    assert [epoch.best for epoch in epochs] == [True, True, False, False]
    assert [epoch.valid_loss for epoch in epochs] == losses
    assert torch.equal(weight(model), weights[1])


def test_without_patience_all_epochs_are_made_and_the_best_is_kept() -> None:
    train, valid = overshooting()
    model = line()
    epochs, stop = run(model, train, valid, epochs=40, rate=0.05)
    assert (stop, len(epochs)) == ("epochs", 40)
    assert mean_loss(model, valid) == min(e.valid_loss for e in epochs) < epochs[-1].valid_loss


def test_without_a_validation_part_the_last_weights_stay() -> None:
    model = line()
    epochs, stop = run(model, points(), epochs=4, patience=2)
    assert (stop, len(epochs)) == ("epochs", 4)
    assert all(e.best and e.valid_loss is None for e in epochs)
    assert epochs[-1].train_loss > mean_loss(model, points())


@pytest.mark.parametrize("part", ["train", "valid"])
def test_ctrl_c_keeps_the_best(part: str) -> None:
    train, valid = overshooting()
    free = line()
    expected, _ = run(free, train, valid, epochs=3, rate=0.05)

    def interrupt(asked: int) -> None:
        # four batches of training an epoch, one of validation; the fourth epoch is broken off
        if asked == (3 * 4 + 2 if part == "train" else 3 + 1):
            raise KeyboardInterrupt

    (train if part == "train" else valid).asked = 0
    (train if part == "train" else valid).watch = interrupt
    model = line()
    epochs, stop = run(model, train, valid, epochs=60, rate=0.05)
    assert stop == "interrupted"
    assert [e.valid_loss for e in epochs] == [e.valid_loss for e in expected]
    assert torch.equal(weight(model), weight(free))
    assert not model.training


def test_a_consumer_that_stops_asking_leaves_the_best() -> None:
    train, valid = overshooting()
    model, free = line(), line()
    best, _ = run(free, train, valid, epochs=25, rate=0.05)
    loop = fit(model, train, valid, Training(60, 16, rate=0.05, weight_decay=0.0, patience=None))
    losses = [next(loop).valid_loss for _ in range(25)]
    assert losses[-1] > min(losses)
    loop.close()
    assert losses == [e.valid_loss for e in best]
    assert torch.equal(weight(model), weight(free))


# randomness


def trained(seed: int) -> dict[str, Tensor]:
    model = recurrent()
    run(model, series(), epochs=2, seed=seed)
    return model.state_dict()


def test_the_same_seed_gives_the_same_weights_bitwise() -> None:
    one, again, other = trained(5), trained(5), trained(6)
    assert all(torch.equal(one[name], again[name]) for name in one)
    assert not torch.equal(one["head.readout.weight"], other["head.readout.weight"])
    torch.manual_seed(1234)
    assert all(torch.equal(one[name], tensor) for name, tensor in trained(5).items())


def test_masks_of_dropout_come_from_the_seed_alone() -> None:
    """One batch, so that the order of examples cannot tell seeds apart."""
    weights = []
    for seed in (1, 1, 2):
        model = recurrent()
        run(model, series(), epochs=1, batch=40, seed=seed)
        weights.append(model.state_dict()["encoder.stack.weight_hh_l0"])
        weights.append(model.state_dict()["head.readout.weight"])
    assert torch.equal(weights[1], weights[3])
    assert not torch.equal(weights[1], weights[5])


def test_no_global_generator_moves() -> None:
    states = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002
    model = recurrent()
    run(model, series(), series(), epochs=2)
    estimate_seconds(model, series(), Training())
    assert torch.equal(torch.get_rng_state(), states[0])
    assert np.array_equal(np.random.get_state()[1], states[1])  # noqa: NPY002
    assert random.getstate() == states[2]


def test_seeded_puts_the_generator_back_even_after_an_error() -> None:
    def fails() -> None:
        with seeded(1):
            torch.rand(3)
            raise ZeroDivisionError

    before = torch.get_rng_state()
    with pytest.raises(ZeroDivisionError):
        fails()
    assert torch.equal(torch.get_rng_state(), before)


@given(st.integers(0, 2**63), st.integers(0, 10**6), st.integers(0, 10**6))
def test_step_seeds_of_neighbours_differ(seed: int, epoch: int, position: int) -> None:
    near = [(seed + a, epoch + b, position + c) for a in (0, 1) for b in (0, 1) for c in (0, 1)]
    near.append((seed, position, epoch))
    found = {triple: step_seed(*triple) for triple in near}
    assert len(set(found.values())) == len(found)
    assert all(0 <= value < 2**64 for value in found.values())


# clipping


def with_gradient(values: Sequence[float]) -> nn.Linear:
    linear = nn.Linear(len(values), 1, bias=False)
    linear.weight.grad = torch.tensor([list(values)])
    return linear


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"clip": None}, [3.0, -4.0]),
        ({"clip": 10.0}, [3.0, -4.0]),
        ({"clip": 1.0}, [0.6, -0.8]),
        ({"clip": None, "clip_value": 3.5}, [3.0, -3.5]),
        ({"clip": 2.5, "clip_value": 1.6}, [1.5, -1.6]),
    ],
)
def test_gradients_are_clipped_by_norm_then_by_value(
    limits: dict[str, float], expected: list[float]
) -> None:
    linear = with_gradient([3.0, -4.0])
    assert clip(linear, Training(**limits)) == pytest.approx(5.0)
    torch.testing.assert_close(linear.weight.grad, torch.tensor([expected]))


def test_the_norm_is_told_before_clipping() -> None:
    """One step of one batch from zero weights: the gradient is -2/N X^T y."""
    data = points()
    (epoch,), _ = run(line(), data, epochs=1, batch=50, clip=0.1)
    gradient = -2 * (data.x[:, 0] * data.y[:, 0]).mean(0)
    assert epoch.gradient_norm == pytest.approx(float(gradient.norm()))
    assert epoch.train_loss == pytest.approx(float(data.y.square().mean()))


# losses


def test_mean_loss_weighs_every_scored_element_alike() -> None:
    data = points(1100)
    data.mask = torch.rand(data.y.shape, generator=torch.Generator().manual_seed(0)) < 0.5
    model = line()
    nn.init.ones_(model.head.linear.weight)
    error = (data.x.sum(-1, keepdim=True) - data.y).square()[data.mask]
    model.train()
    for rows in (16, 1000):
        assert mean_loss(model, data, rows) == pytest.approx(float(error.mean()))
    assert model.training
    (epoch,), _ = run(model, data, epochs=1, rate=1e-30)
    assert epoch.train_loss == pytest.approx(float(error.mean()))


@pytest.mark.parametrize("memory", ["window", "carried"])
def test_a_carried_model_reads_in_order_and_goes_on(memory: str) -> None:
    """Six chunks of two streams: the state of chunk n reaches chunk n + 1, row by row."""
    data = points(12, slope=torch.ones(1, 1, dtype=torch.float64), noise=0.0)
    data.streams = 2
    model = Model(Summing(), Line(1), memory=memory)
    nn.init.ones_(model.head.linear.weight)
    chunks = data.x.view(6, 2)
    read = chunks.cumsum(0) if memory == "carried" else chunks
    expected = (read - chunks).square().mean()
    assert mean_loss(model, data, 2) == pytest.approx(float(expected))
    (epoch,), _ = run(model, data, epochs=1, batch=2, rate=1e-30)
    assert epoch.train_loss == pytest.approx(float(expected))


def test_estimating_changes_nothing() -> None:
    model = recurrent()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    assert estimate_seconds(model, series(), Training()) > 0
    assert all(torch.equal(before[name], t) for name, t in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


# settings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", 0),
        ("batch", 0),
        ("members", 0),
        ("patience", 0),
        ("rate", 0.0),
        ("rate", math.inf),
        ("clip", -1.0),
        ("clip_value", math.nan),
        ("weight_decay", -0.1),
        ("optimizer", "adamx"),
        ("schedule", "cosin"),
    ],
)
def test_settings_out_of_range_are_refused(name: str, value: object) -> None:
    with pytest.raises(ArgumentError, match=name):
        Training(**{name: value})
    with pytest.raises(ArgumentError, match=name):
        Training().set_params(**{name: value})


# the order of examples

orders = st.builds(
    Sampler,
    st.integers(0, 60),
    st.integers(1, 20),
    st.booleans(),
    st.integers(0, 2**62),
    st.integers(0, 1000),
)


@given(orders)
def test_a_pass_covers_every_example_once(sampler: Sampler) -> None:
    batches = list(sampler.batches())
    assert len(batches) == len(sampler)
    assert [position for position, _ in batches] == list(range(len(sampler)))
    read = [number for _, index in batches for number in index]
    assert sorted(read) == list(range(sampler.size))
    assert all(len(index) == sampler.rows for _, index in batches[:-1])
    if not sampler.shuffle:
        assert read == sorted(read)


@given(orders, st.integers(0, 60))
def test_a_pass_goes_on_where_it_stopped(sampler: Sampler, position: int) -> None:
    rest = Sampler(
        sampler.size, sampler.rows, sampler.shuffle, sampler.seed, sampler.epoch, position
    )
    assert list(rest.batches()) == list(sampler.batches())[position:]


def test_every_epoch_and_seed_has_its_own_order() -> None:
    found = {tuple(Sampler(50, 8, seed=s, epoch=e).order()) for s in range(5) for e in range(5)}
    assert len(found) == 25


def test_a_carried_model_refuses_examples_in_no_order() -> None:
    model = Model(Summing(), Line(1), memory="carried")
    with pytest.raises(ArgumentError, match="chunks of streams"):
        mean_loss(model, points(12))

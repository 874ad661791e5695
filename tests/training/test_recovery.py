"""Numbers that go wrong: found before the step, named, and retried with half the rate."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest
import torch
from torch import Tensor

from longshort.errors import TrainingError
from longshort.training import Training, fit, loop

from .lines import Points, line, overshooting, points, recurrent, run, series, weight

STEPS = 4  # batches of 16 in 50 rows


def poisoned(data: Points, moments: set[int], poison: float, row: int = 7) -> Points:
    """Bad targets in one row while the given batches (from 0, retries count too) are read."""
    clean = data.y[row].clone()

    def watch(asked: int) -> None:
        data.y[row] = poison if asked - 1 in moments else clean

    data.watch = watch
    return data


def batch_of(row: int, epoch: int, seed: int = 0) -> int:
    order = loop.Sampler(50, 16, True, seed, epoch).order().tolist()
    return int(order.index(row)) // 16


@pytest.mark.parametrize("poison", [math.nan, math.inf, -math.inf, 1e200])
def test_a_bad_batch_is_never_stepped_on_and_named(poison: float) -> None:
    """1e200 has a finite square sum of no double: its loss is infinite."""
    at = batch_of(7, 3)
    train = poisoned(points(), {3 * STEPS + at}, poison)
    model = line()
    epochs, stop = run(model, train, epochs=5, rate=0.05)
    assert (stop, len(epochs)) == ("epochs", 5)
    assert [len(epoch.events) for epoch in epochs] == [0, 0, 0, 1, 0]
    (event,) = epochs[3].events
    assert (event.kind, event.batch) == ("recovery", at)
    assert f"at epoch 4, batch {at} (in example 7)" in event.text
    assert "half the rate, 0.025" in event.text
    assert [epoch.rate for epoch in epochs] == [0.05] * 3 + [0.025] * 2
    assert weight(model).isfinite().all()


def test_a_retry_is_the_epoch_made_anew_with_half_the_rate() -> None:
    """The same weights as of a run whose rate was halved by hand where the epoch began."""
    at = batch_of(7, 2)
    model, other = line(), line()
    run(model, poisoned(points(), {2 * STEPS + at}, math.nan), epochs=4, rate=0.05)
    control = fit(other, points(), None, Training(4, 16, rate=0.05, weight_decay=0.0))
    halved = loop.rate_factor
    for epoch in range(4):
        if epoch == 2:
            loop.rate_factor = lambda *given: 0.5 * halved(*given)
        next(control)
    loop.rate_factor = halved
    list(control)
    assert torch.equal(weight(model), weight(other))


@pytest.mark.parametrize("seed", range(6))
def test_errors_at_random_steps_are_survived(seed: int) -> None:
    """One to three bad moments anywhere, in a recurrence with dropout."""
    source = random.Random(seed)
    data = series()
    count = source.randint(1, 3)
    moments = set(source.sample(range(6 * 3), count))
    poisoned(data, moments, source.choice([math.nan, math.inf]), row=11)
    model = recurrent()
    epochs, stop = run(model, data, epochs=6, rate=0.01)
    hit = sum(len(epoch.events) for epoch in epochs)
    assert hit <= count
    assert (stop, len(epochs)) == ("epochs", 6)
    assert epochs[-1].rate == pytest.approx(0.01 / 2**hit)
    assert all(tensor.isfinite().all() for tensor in model.state_dict().values())
    assert all(math.isfinite(epoch.train_loss) for epoch in epochs)


def test_three_retries_and_no_more_and_the_best_returns() -> None:
    train, valid = overshooting()
    free = line()
    run(free, train, valid, epochs=3, rate=0.05)
    steps: list[float] = []

    def count(asked: int) -> None:
        steps.append(asked)
        if asked > 3 * STEPS + 1:
            train.y[:] = math.nan

    train.asked, train.watch = 0, count
    model = line()
    with pytest.raises(
        TrainingError,
        match=r"loss is nan at epoch 4, batch 0, and so it stayed in 3 retries.*0\.00625\).*"
        r"Training\(rate=0\.05\)",
    ):
        run(model, train, valid, epochs=60, rate=0.05)
    # the first batch was read while all was well, and three retries follow
    assert len(steps) == 3 * STEPS + 2 + 3
    assert torch.equal(weight(model), weight(free))
    assert not model.training


def test_a_rate_that_is_too_high_is_lowered_from_the_best_weights_on() -> None:
    """On squares, momentum of 0.9 diverges above a rate of 3.8 / the largest eigenvalue.

    Where the numbers end, the whole epoch lies beyond saving: the second retry begins elsewhere.
    """
    data = points(200)
    top = torch.linalg.eigvalsh(2 * data.x[:, 0].T @ data.x[:, 0] / 200)[-1]
    highest = 3.8 / float(top)
    settings: dict[str, Any] = {"optimizer": "sgd", "clip": None, "batch": 200, "epochs": 1500}
    epochs, stop = run(line(), data, points(seed=1), rate=2 * highest, **settings)
    first, second = [event.text for epoch in epochs for event in epoch.events]
    assert stop == "epochs"
    assert "back to batch 0 with half" in first
    assert "back to batch 0 and the best weights with half" in second
    assert epochs[-1].rate == pytest.approx(highest / 2)
    assert epochs[-1].train_loss < 0.02
    with pytest.raises(TrainingError, match="3 retries"):
        run(line(), data, points(seed=1), rate=1e3 * highest, **settings)


def test_a_validation_loss_that_is_not_finite_is_said_and_the_best_weights_return() -> None:
    broken = points(20)
    broken.y[3] = torch.nan
    model = line()
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    with pytest.raises(TrainingError, match="validation loss is nan after epoch 1, and so it st"):
        list(fit(model, points(), broken, Training(2, 16)))
    assert all(torch.equal(before[name], weight) for name, weight in model.state_dict().items())


def test_a_gradient_alone_can_be_wrong() -> None:
    """The square root's slope at 0 is infinite, and its value is not."""

    class Root(type(line().head)):  # type: ignore[misc]
        def loss(self, encoded: Any, batch: Any) -> Any:
            found = super().loss(encoded, batch)
            wrong = batch.source is not None and bool((batch.source == 5).any())
            root = (self.linear.weight * 0).abs().sum().sqrt() if wrong else 0.0
            return type(found)(found.total + root, found.count)

    class Known(Points):
        def batch(self, index: Any) -> Any:
            return super().batch(index).replace(source=torch.tensor(index))

        def label(self, number: int) -> str:
            return f"shop.csv, series 'b', row {number}"

    data = points()
    model = line()
    model.head = Root(3)
    with pytest.raises(TrainingError) as error:
        run(model, Known(data.x, data.y), epochs=1)
    at = batch_of(5, 0)
    assert "gradient is not finite (its norm is nan, the loss " in str(error.value)
    assert f"at epoch 1, batch {at} (in shop.csv, series 'b', row 5)" in str(error.value)


def test_weights_that_are_not_finite_after_the_last_step_are_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The epoch's last step may break them where no later loss would tell."""
    model, calls = line(), iter(range(1000))

    def step(self: Any, closure: None = None) -> None:
        # the last step of the second epoch
        if next(calls) == 2 * STEPS - 1:
            model.head.linear.weight.data[0, 0] = math.inf

    monkeypatch.setattr(torch.optim.AdamW, "step", step)
    epochs, _ = run(model, points(), epochs=3, optimizer="adamw")
    (event,) = epochs[1].events
    assert "weights (head.linear.weight) are not finite after epoch 2, batch 3" in event.text
    assert weight(model).isfinite().all()


def test_a_good_state_lies_at_most_a_thousand_steps_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "GOOD_STEPS", 10)
    data = points(100)
    asked: list[list[int]] = []
    whole = data.batch

    def note(index: Any) -> Any:
        asked.append(list(index))
        return whole(index)

    data.batch = note  # type: ignore[method-assign]
    clean: Tensor = data.y.clone()

    def watch(count: int) -> None:
        data.y = torch.full_like(clean, math.nan) if count == 26 else clean

    data.watch = watch
    (epoch,), _ = run(line(), data, epochs=1, batch=2)
    assert asked[26:32] == asked[20:26]
    assert len(asked) == 50 + 6
    assert "back to batch 20" in epoch.events[0].text

"""The one training loop: batches in, a record per epoch out, the best weights kept.

``fit`` is a generator, so that whoever asks for the next epoch decides what to show, and may stop
asking. Every random choice is a function of (seed, epoch, position): the order of the examples,
and the dropout masks of each step.
"""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor, nn, optim

from longshort.contracts import Examples, Params, State, whole
from longshort.data.windows import Sampler
from longshort.errors import ArgumentError, DataError, TrainingError, suggest
from longshort.model import Model
from longshort.records import Epoch, Stop

Optimizer = Literal["adam", "adamw", "rmsprop", "sgd"]
Schedule = Literal["constant", "cosine", "linear", "onecycle"]

# rows of one validation batch; larger than training's, since nothing is kept for a backward pass
VALID_ROWS = 512


@dataclass(frozen=True)
class Training(Params):
    """How a model is trained.

    Args:
        epochs: most passes over the training part.
        batch: rows of one step; examples that are chunks of streams have their own.
        optimizer: "adam" (Kingma and Ba 2015), "adamw" (Loshchilov and Hutter 2019), "rmsprop"
            (Tieleman and Hinton 2012) or "sgd" with momentum 0.9.
        rate: learning rate at its highest.
        weight_decay: share of each weight removed per unit of rate ("adamw" decouples it).
        schedule: "constant"; "cosine" or "linear" fall to 0 over all epochs; "onecycle" rises over
            the first 30 % and falls (Smith 2018).
        clip: largest norm of the whole gradient (Pascanu et al. 2013); None for none.
        clip_value: largest absolute value of each gradient element; None for none.
        patience: epochs without a better validation loss before training stops and the best
            weights return; None trains all epochs and still returns the best.
        members: networks trained from different seeds and averaged.
        refit: choose the number of epochs on the validation part, then train anew on training and
            validation part together for that many.

    Raises:
        ArgumentError: a value out of range.
    """

    epochs: int = 60
    batch: int = 32
    optimizer: Optimizer = "adamw"
    rate: float = 3e-3
    weight_decay: float = 0.1
    schedule: Schedule = "constant"
    clip: float | None = 1.0
    clip_value: float | None = None
    patience: int | None = 10
    members: int = 3
    refit: bool = False

    def __post_init__(self) -> None:
        for name in ("epochs", "batch", "members"):
            whole(f"Training({name})", getattr(self, name), 1)
        self._whole(1, "epochs", "batch", "members", "patience")
        for name in ("rate", "clip", "clip_value"):
            value = getattr(self, name)
            if value is not None and not (value > 0 and math.isfinite(value)):
                raise ArgumentError(f"Training({name}={value}): must be a number above 0")
        if not 0 <= self.weight_decay < math.inf:
            raise ArgumentError(f"Training(weight_decay={self.weight_decay}): must be 0 or more")
        for name, kinds in (("optimizer", get_args(Optimizer)), ("schedule", get_args(Schedule))):
            if getattr(self, name) not in kinds:
                value = getattr(self, name)
                raise ArgumentError(f"Training({name}={value!r}): {suggest(value, kinds)}")


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Torch's default generator set to ``seed`` inside, and put back as it was afterwards."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield


def step_seed(seed: int, epoch: int, position: int) -> int:
    """One seed per training step, mixed so that near triples share nothing (splitmix64)."""
    mixed = seed
    for number in (epoch, position):
        mixed = (mixed + 0x9E3779B97F4A7C15 * (number + 1)) & (2**64 - 1)
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & (2**64 - 1)
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & (2**64 - 1)
        mixed ^= mixed >> 31
    return mixed


def make_optimizer(model: nn.Module, training: Training) -> optim.Optimizer:
    """The optimiser a ``Training`` names, over all trainable parameters."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    rate, decay = training.rate, training.weight_decay
    if training.optimizer == "adam":
        return optim.Adam(parameters, lr=rate, weight_decay=decay)
    if training.optimizer == "adamw":
        return optim.AdamW(parameters, lr=rate, weight_decay=decay)
    if training.optimizer == "rmsprop":
        return optim.RMSprop(parameters, lr=rate, weight_decay=decay)
    return optim.SGD(parameters, lr=rate, momentum=0.9, weight_decay=decay)


def rate_factor(schedule: Schedule, done: float) -> float:
    """The learning rate's share of its highest when ``done`` (0 to 1) of all steps are made."""
    if schedule == "cosine":
        return 0.5 * (1 + math.cos(math.pi * done))
    if schedule == "linear":
        return 1 - done
    if schedule == "onecycle":
        rise = 0.3
        if done < rise:
            return 0.04 + 0.96 * 0.5 * (1 - math.cos(math.pi * done / rise))
        return 0.5 * (1 + math.cos(math.pi * (done - rise) / (1 - rise)))
    return 1.0


def stream_rows(model: Model, examples: Examples, rows: int) -> tuple[int, bool]:
    """Rows of a batch, and whether each batch continues the one before it.

    Raises:
        ArgumentError: the model carries its state on, and the examples are in no order.
    """
    if model.memory == "window":
        return rows, False
    if examples.streams is None:
        raise ArgumentError(
            'memory="carried": a state is carried from batch to batch, and these examples are not '
            'chunks of streams; give examples with streams, or use memory="window"'
        )
    return examples.streams, True


def mean_loss(model: Model, examples: Examples, rows: int = VALID_ROWS) -> float:
    """The model's mean loss per scored element over all examples, without dropout.

    A carried model reads them in order, from an empty state.
    """
    rows, carried = stream_rows(model, examples, rows)
    sampler = Sampler(len(examples), rows, shuffle=False)
    was_training = model.training
    model.eval()
    total, count = 0.0, 0
    state: State | None = None
    with torch.no_grad():
        for _, index in sampler.batches():
            batch = examples.batch(index).to(model.device)
            loss, state = model.loss(batch, state if carried else None)
            total += float(loss.total)
            count += int(loss.count)
    model.train(was_training)
    if not count:
        raise DataError(
            f"none of {len(examples)} examples has an observed target, so there is no loss; give "
            "a part in which the target was observed"
        )
    return total / count


def fit(
    model: Model,
    train: Examples,
    valid: Examples | None,
    training: Training,
    *,
    seed: int = 0,
    member: int = 0,
    only: int | None = None,
) -> Generator[Epoch, None, Stop]:
    """Train ``model`` in place; yield a record per epoch; return why it ended.

    ``only`` ends it after that many epochs, at the rates they have in a whole run.

    However it ends (the last epoch, early stopping, Ctrl-C, a consumer that stops asking), the
    model holds the weights of its best validation loss, or of the last whole epoch where there is
    no validation part.

    Raises:
        TrainingError: a loss or gradient is not finite; the best weights so far are restored.
    """
    optimizer = make_optimizer(model, training)
    best, best_loss, since = snapshot(model), math.inf, 0
    try:
        for epoch in range(training.epochs if only is None else only):
            begun = time.perf_counter()
            train_loss, norm = _epoch(model, train, training, optimizer, seed, epoch)
            valid_loss = None if valid is None else mean_loss(model, valid)
            if valid_loss is not None and not math.isfinite(valid_loss):
                raise TrainingError(
                    f"the validation loss is {valid_loss} after epoch {epoch}: lower "
                    f"Training(rate={training.rate}), or look for extreme values in the data"
                )
            better = valid_loss is None or valid_loss < best_loss
            if better:
                best, since = snapshot(model), 0
                best_loss = math.inf if valid_loss is None else valid_loss
            else:
                since += 1
            rate, seconds = optimizer.param_groups[0]["lr"], time.perf_counter() - begun
            yield Epoch(member, epoch, train_loss, valid_loss, norm, rate, seconds, better)
            if training.patience is not None and since >= training.patience:
                return "early"
    except KeyboardInterrupt:
        return "interrupted"
    finally:
        model.load_state_dict(best)
        model.eval()
    return "epochs"


def _epoch(
    model: Model,
    train: Examples,
    training: Training,
    optimizer: optim.Optimizer,
    seed: int,
    epoch: int,
) -> tuple[float, float]:
    """One pass; the mean loss per scored element and the mean gradient norm before clipping."""
    rows, carried = stream_rows(model, train, training.batch)
    sampler = Sampler(len(train), rows, shuffle=not carried, seed=seed, epoch=epoch)
    model.train()
    total, count, norms = 0.0, 0, 0.0
    state: State | None = None
    for position, index in sampler.batches():
        done = (epoch + position / len(sampler)) / training.epochs
        for group in optimizer.param_groups:
            group["lr"] = training.rate * rate_factor(training.schedule, done)
        with seeded(step_seed(seed, epoch, position)):
            batch = train.batch(index).to(model.device)
            loss, state = model.loss(batch, state if carried else None)
        # truncated backpropagation through time: values go on, gradients end here
        state = state.detach()
        optimizer.zero_grad(set_to_none=True)
        loss.mean.backward()  # type: ignore[no-untyped-call]
        norm = clip(model, training)
        if not math.isfinite(norm):
            raise TrainingError(
                f"the gradient is not finite at epoch {epoch}, batch {position} (loss "
                f"{float(loss.mean.detach()):.4g}): lower Training(rate={training.rate}), set "
                "Training(clip=...), or look for extreme values in the data"
            )
        optimizer.step()
        total += float(loss.total.detach())
        count += int(loss.count)
        norms += norm
    return total / max(count, 1), norms / max(len(sampler), 1)


def clip(model: nn.Module, training: Training) -> float:
    """Clip all gradients as ``training`` says; the norm of the whole gradient before that."""
    parameters = [p for p in model.parameters() if p.grad is not None]
    limit = math.inf if training.clip is None else training.clip
    norm = float(nn.utils.clip_grad_norm_(parameters, limit))
    if training.clip_value is not None:
        nn.utils.clip_grad_value_(parameters, training.clip_value)
    return norm


def snapshot(model: nn.Module) -> dict[str, Tensor]:
    """A copy of every weight and buffer."""
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}


def estimate_seconds(model: Model, train: Examples, training: Training, *, seed: int = 0) -> float:
    """Longest that one member can take, in seconds, from timing one step that changes nothing."""
    rows, _ = stream_rows(model, train, training.batch)
    index = list(range(min(rows, len(train))))
    with seeded(seed):
        model.train()
        batch = train.batch(index).to(model.device)
        best = math.inf
        for _ in range(3):
            begun = time.perf_counter()
            loss, _ = model.loss(batch)
            loss.mean.backward()  # type: ignore[no-untyped-call]
            best = min(best, time.perf_counter() - begun)
        model.zero_grad(set_to_none=True)
        model.eval()
    steps = math.ceil(len(train) / rows) * training.epochs
    return best * steps

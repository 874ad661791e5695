"""How a model is trained: the settings, the optimiser and the schedule of its rate."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

from torch import nn, optim

from longshort.contracts import Params, whole
from longshort.errors import ArgumentError, suggest

Optimizer = Literal["adam", "adamw", "rmsprop", "sgd"]
Schedule = Literal["constant", "cosine", "linear", "onecycle"]


@dataclass(frozen=True)
class Training(Params):
    """How a model is trained.

    Args:
        epochs: most passes over the training part.
        steps: most steps of one epoch; None reads the whole training part. Each epoch draws other
            examples, and as many of the validation part at most, spread evenly, choose the best
            one. Chunks of streams are always read whole.
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
    steps: int | None = None

    def __post_init__(self) -> None:
        for name in ("epochs", "batch", "members"):
            whole(f"Training({name})", getattr(self, name), 1)
        self._whole(1, "epochs", "batch", "members", "patience", "steps")
        for name in ("rate", "clip", "clip_value"):
            value = getattr(self, name)
            # more than any weight can move by; float32 ends at 3.4e38
            if value is not None and not 0 < value <= 1e30:
                raise ArgumentError(f"Training({name}={value}): must be a number above 0, to 1e30")
        if not 0 <= self.weight_decay <= 1e30:
            raise ArgumentError(f"Training(weight_decay={self.weight_decay}): must be 0 or more")
        for name, kinds in (("optimizer", get_args(Optimizer)), ("schedule", get_args(Schedule))):
            if getattr(self, name) not in kinds:
                value = getattr(self, name)
                raise ArgumentError(f"Training({name}={value!r}): {suggest(value, kinds)}")


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

"""How a model is trained: the settings, the optimiser and the schedule of its rate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from torch import nn, optim
from torch.autograd.graph import increment_version

from longshort.contracts import Params, whole
from longshort.errors import ArgumentError, suggest
from longshort.training.layers import Layer, layers_of, refuse_layers

Optimizer = Literal["adam", "adamw", "rmsprop", "sgd"]
Schedule = Literal["constant", "cosine", "linear", "onecycle"]
Unfreeze = Literal["all", "gradual"]

# parameters of a network for which the optimiser is what takes the time
_LARGE = 500_000


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
        freeze: layers that do not learn, see ``training.layers``: "embed", "encoder" or one of its
            layers, "encoder.0", "head", "pretrained".
        unfreeze: "all" layers learn from the beginning, or by "gradual" unfreezing the last one in
            the first epoch and one more, from the top, in each after it (Howard and Ruder 2018).
            Above a pretrained network all that is new is one layer.
        discriminative: each lower layer learns at this share of the rate of the one above.
        average: epochs without a better validation loss after which the weights of all further
            steps are averaged; what is judged and kept is their mean from then on (NT-ASGD, Merity
            et al. 2018, whose non-monotone trigger is told here by the best epoch alone). At most
            ``patience``, which begins anew with it; it wants a validation part, and a constant
            schedule. None for never.
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
    freeze: tuple[str, ...] = ()
    unfreeze: Unfreeze = "all"
    discriminative: float = 1.0
    average: int | None = None

    def __post_init__(self) -> None:
        for name in ("epochs", "batch", "members"):
            whole(f"Training({name})", getattr(self, name), 1)
        self._whole(1, "epochs", "batch", "members", "patience", "steps", "average")
        for name in ("rate", "clip", "clip_value"):
            value = getattr(self, name)
            # more than any weight can move by; float32 ends at 3.4e38
            if value is not None and not 0 < value <= 1e30:
                raise ArgumentError(f"Training({name}={value}): must be a number above 0, to 1e30")
        if not 0 <= self.weight_decay <= 1e30:
            raise ArgumentError(f"Training(weight_decay={self.weight_decay}): must be 0 or more")
        if not 0 < self.discriminative <= 1:
            given = self.discriminative
            raise ArgumentError(f"Training(discriminative={given}): must be above 0, to 1")
        if self.average is not None:
            told = f"Training(average={self.average}"
            if self.patience is not None and self.average > self.patience:
                raise ArgumentError(
                    f"{told}, patience={self.patience}): training would stop before; use a larger "
                    "patience, or None"
                )
            if self.refit:
                raise ArgumentError(
                    f"{told}, refit=True): without a validation part nothing says when weights "
                    "are to be averaged; leave one of them out"
                )
        if isinstance(self.freeze, str):
            object.__setattr__(self, "freeze", (self.freeze,))
        object.__setattr__(self, "freeze", tuple(self.freeze))
        refuse_layers("Training(freeze=...)", self.freeze)
        for name, kinds in (
            ("optimizer", get_args(Optimizer)),
            ("schedule", get_args(Schedule)),
            ("unfreeze", get_args(Unfreeze)),
        ):
            if getattr(self, name) not in kinds:
                value = getattr(self, name)
                raise ArgumentError(f"Training({name}={value!r}): {suggest(value, kinds)}")


def learning_layers(model: nn.Module, training: Training) -> list[Layer]:
    """The layers of a model that ``training`` does not freeze, from the input up.

    Raises:
        ArgumentError: a layer that is to be frozen is not there, or none is left to learn.
    """
    layers = layers_of(model)
    refuse_layers("Training(freeze=...)", training.freeze, [layer.name for layer in layers])
    found = [layer for layer in layers if not layer.named(training.freeze) and layer.parameters]
    if not found:
        raise ArgumentError(f"Training(freeze={training.freeze}): nothing is left to learn")
    return found


def make_optimizer(
    model: nn.Module, training: Training, layers: Sequence[Layer] | None = None
) -> optim.Optimizer:
    """The optimiser a ``Training`` names, over all parameters that learn.

    Layers that learn at the same rate are one group; its "share" is what it has of the rate.

    Args:
        layers: what ``learning_layers`` gave.
    """
    rate, decay = training.rate, training.weight_decay
    shares: dict[float, list[nn.Parameter]] = {}
    for layer in learning_layers(model, training) if layers is None else layers:
        share = training.discriminative**layer.above
        shares.setdefault(share, []).extend(layer.parameters)
    groups = [{"params": p, "lr": rate * share, "share": share} for share, p in shares.items()]
    # of tables of words in one pass over memory: a fifth of the time of a whole step
    fused = sum(p.numel() for own in shares.values() for p in own) > _LARGE
    if training.optimizer in ("adam", "adamw"):
        kind = optim.Adam if training.optimizer == "adam" else optim.AdamW
        made = kind(groups, lr=rate, weight_decay=decay, fused=fused)
        if fused:
            made.register_step_post_hook(_tell)
        return made
    if training.optimizer == "rmsprop":
        return optim.RMSprop(groups, lr=rate, weight_decay=decay)
    return optim.SGD(groups, lr=rate, momentum=0.9, weight_decay=decay)


def _tell(optimizer: optim.Optimizer, *given: Any) -> None:
    """Say that the parameters have changed: fused steps do not, and the CPU engine asks for it."""
    for group in optimizer.param_groups:
        increment_version(group["params"])


def thaw(layers: Sequence[Layer], unfreeze: Unfreeze, epoch: int) -> None:
    """Let the layers learn whose turn has come at an epoch (from 0); the others get no gradient."""
    turns = sorted({layer.above for layer in layers})
    learning = turns if unfreeze == "all" else turns[: epoch + 1]
    for layer in layers:
        for parameter in layer.parameters:
            parameter.requires_grad_(layer.above in learning)


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

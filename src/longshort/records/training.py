"""What training came to: epochs, and trials of settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

# What can happen within an epoch: numbers went wrong, memory was not enough, or after it weights
# begin to be averaged.
Happening = Literal["recovery", "memory", "averaging"]
# Why training ended.
Stop = Literal["early", "epochs", "interrupted"]
# How a trial of settings ended: "early" because others were better by then.
Outcome = Literal["done", "early", "failed"]


@dataclass(frozen=True)
class Event:
    """What happened in an epoch, at which batch (from 0), in words."""

    kind: Happening
    batch: int
    text: str


@dataclass(frozen=True)
class Epoch:
    """One pass over the training part.

    ``train_loss`` and ``valid_loss`` are means per scored element in the head's unit;
    ``gradient_norm`` is the mean norm before clipping; ``rate`` is the last learning rate.
    ``valid_loss`` is None where there is no validation part (a refit). ``events`` tell of retries.
    """

    member: int
    epoch: int
    train_loss: float
    valid_loss: float | None
    gradient_norm: float
    rate: float
    seconds: float
    best: bool
    events: tuple[Event, ...] = ()


@dataclass(frozen=True)
class History:
    """Every epoch of every ensemble member, and why each member stopped."""

    epochs: tuple[Epoch, ...] = ()
    stops: tuple[Stop, ...] = ()
    unit: str = ""

    @property
    def seconds(self) -> float:
        """Time spent in all epochs, in seconds."""
        return sum(epoch.seconds for epoch in self.epochs)

    def best(self, member: int) -> Epoch | None:
        """The epoch whose weights a member kept (the last marked best)."""
        marked = [e for e in self.epochs if e.member == member and e.best]
        return marked[-1] if marked else None


@dataclass(frozen=True)
class Trial:
    """One choice of settings that was tried, by the names that ``set_params`` takes.

    ``loss`` is the best validation loss of its one network, also of a trial that was given up
    before its end because others were better by then; None where training failed.
    """

    number: int
    settings: dict[str, str | int | float | bool]
    loss: float | None
    outcome: Outcome
    epochs: int
    seconds: float


@dataclass(frozen=True)
class Tuning:
    """A search for settings on the validation part.

    ``best`` is the number of the trial whose settings were taken; trial 0 has the settings that the
    search was given. ``importance`` is each setting's share of what the losses of all finished
    trials vary by (functional ANOVA, Hutter, Hoos and Leyton-Brown 2014); empty where there are too
    few to say. ``unit`` is the loss's.
    """

    trials: tuple[Trial, ...]
    best: int
    importance: dict[str, float] = field(default_factory=dict)
    unit: str = ""

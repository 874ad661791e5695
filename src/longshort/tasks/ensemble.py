"""Several networks from different seeds, trained one after the other and averaged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch

from longshort.contracts import Examples, Prediction
from longshort.model import Model
from longshort.records import Epoch, History, Stop
from longshort.training import Training, estimate_seconds, fit, snapshot, step_seed


class Parts(NamedTuple):
    """What a fit learns from: training examples, those that choose, and both together."""

    train: Examples
    valid: Examples | None
    both: Examples


class Progress(Protocol):
    """Whoever wants to show how a fit goes on."""

    def start(self, summary: str, seconds: float, epochs: int) -> None:
        """Before the first step: the network in words, the longest it can take, all epochs."""
        ...

    def epoch(self, epoch: Epoch) -> None:
        """After each epoch of each member."""
        ...

    def finish(self, history: History) -> None:
        """After the last one, also when interrupted."""
        ...


class Trained(NamedTuple):
    """The networks that were kept, every epoch, and whether they were fitted on both parts."""

    models: list[Model]
    history: History
    refitted: bool


@dataclass
class Ensemble:
    """How the members are made and trained.

    Args:
        new: a network whose weights are drawn from a seed.
        after: what a trained network still learns from examples, if anything.
        describe: a network in words.
        training: the settings, ``members`` and ``refit`` among them.
        random_state: of the whole ensemble.
        progress: who is told.
    """

    new: Callable[[int], Model]
    after: Callable[[Model, Examples], None]
    describe: Callable[[Model], str]
    training: Training
    random_state: int
    progress: Progress | None = None

    def train(self, parts: Parts) -> Trained:
        """Train every member.

        Ctrl-C ends it and keeps what has learnt something: finished members, and the best weights
        of the one at work. Where a refit was asked for and some members have finished theirs, only
        those are kept; else the networks as they were before it.

        Raises:
            KeyboardInterrupt: it came before any network had finished an epoch.
        """
        epochs: list[Epoch] = []
        stops: list[Stop] = []
        kept: list[tuple[Model, bool]] = []
        unit = ""
        for member in range(self.training.members):
            seed = step_seed(self.random_state, member, 0) % 2**62
            model = self.new(seed)
            unit = model.head.unit
            if member == 0:
                self._announce(model, parts)
            stop, refitted = self._member(model, parts, seed, member, epochs)
            stops.append(stop)
            if any(epoch.member == member for epoch in epochs):
                kept.append((model, refitted))
            if stop == "interrupted":
                break
        if not kept:
            raise KeyboardInterrupt
        again = [model for model, refitted in kept if refitted]
        history = History(tuple(epochs), tuple(stops), unit)
        if self.progress is not None:
            self.progress.finish(history)
        return Trained(again or [model for model, _ in kept], history, bool(again))

    def _member(
        self, model: Model, parts: Parts, seed: int, member: int, epochs: list[Epoch]
    ) -> tuple[Stop, bool]:
        """Train one member in place: why it stopped, and whether it was fitted on both parts."""
        stop = self._run(model, parts.train, parts.valid, seed, member, epochs)
        self.after(model, parts.valid or parts.train)
        if stop == "interrupted" or not self.training.refit or parts.valid is None:
            return stop, False
        chosen = snapshot(model)
        best = History(tuple(epochs)).best(member)
        count = 1 if best is None else best.epoch + 1
        model.load_state_dict(self.new(seed).state_dict())
        # what the head learnt of its errors on unseen examples stays true
        own = {f"head.{name}" for name, _ in model.head.named_buffers()}
        buffers = {name: chosen[name] for name in own}
        if self._run(model, parts.both, None, seed, member, epochs, count) == "interrupted":
            model.load_state_dict(chosen)
            return "interrupted", False
        model.load_state_dict({**snapshot(model), **buffers})
        return stop, True

    def _run(
        self,
        model: Model,
        train: Examples,
        valid: Examples | None,
        seed: int,
        member: int,
        epochs: list[Epoch],
        count: int | None = None,
    ) -> Stop:
        """One training run, each epoch written down and told."""
        loop = fit(model, train, valid, self.training, seed=seed, member=member, only=count)
        try:
            while True:
                record = next(loop)
                epochs.append(record)
                if self.progress is not None:
                    self.progress.epoch(record)
        except StopIteration as end:
            stop: Stop = end.value
            return stop
        except KeyboardInterrupt:
            # it came between two epochs: closing the loop restores the best weights
            loop.close()
            return "interrupted"

    def _announce(self, model: Model, parts: Parts) -> None:
        if self.progress is not None:
            count = self.training.members * self.training.epochs * (1 + self.training.refit)
            self.progress.start(self.describe(model), self.estimate(model, parts), count)

    def estimate(self, model: Model, parts: Parts) -> float:
        """Longest that all members can take, in seconds."""
        once = estimate_seconds(model, parts.train, self.training, seed=self.random_state)
        return once * self.training.members * (1 + self.training.refit)


def average(models: Sequence[Model], examples: Examples, index: Sequence[int]) -> Prediction:
    """The networks' mean prediction of the given examples, in the data's own units, on the CPU."""
    points, quantiles = [], []
    levels: tuple[float, ...] = ()
    with torch.no_grad():
        batch = examples.batch(index).to(models[0].device)
        for model in models:
            found = model.predict(batch)
            points.append(found.point.cpu())
            if found.quantiles is not None:
                quantiles.append(found.quantiles.cpu())
            levels = found.levels
    middle = torch.stack(quantiles).mean(0) if quantiles else None
    return Prediction(torch.stack(points).mean(0), middle, levels)

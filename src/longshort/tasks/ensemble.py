"""Several networks from different seeds, trained one after the other and averaged."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import NamedTuple, Protocol

import torch

from longshort import __version__
from longshort.checkpoint import Checkpoint, Pace
from longshort.contracts import Examples, Prediction
from longshort.errors import LongshortError, ModelFileError
from longshort.model import Model
from longshort.records import Epoch, History, Stop
from longshort.tasks.standing import Again, Standing, Turn, digest, pack, refuse_others, unpack
from longshort.training.loop import Judge, estimate_seconds, fit
from longshort.training.ranks import Ranks
from longshort.training.seeds import step_seed
from longshort.training.settings import Training
from longshort.training.snapshot import Snapshot, weights_of


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

    def note(self, text: str) -> None:
        """Where it goes on from, before ``start``."""
        ...

    def epoch(self, epoch: Epoch) -> None:
        """After each epoch of each member, also those that were done before a checkpoint."""
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
        new: a network whose weights are drawn from a seed, for the member of that number.
        after: what a trained network still learns from examples, if anything.
        describe: a network in words.
        training: the settings, ``members`` and ``refit`` among them.
        random_state: of the whole ensemble.
        progress: who is told.
        checkpoint: where to write down how far it has come, and whether to go on from there.
        prints: all settings in words, by name; a checkpoint made with others is refused.
        judge: chooses each network's epoch instead of the validation loss.
    """

    new: Callable[[int, int], Model]
    after: Callable[[Model, Examples], None]
    describe: Callable[[Model], str]
    training: Training
    random_state: int
    progress: Progress | None = None
    checkpoint: Checkpoint | None = None
    prints: Mapping[str, str] = field(default_factory=dict)
    judge: Judge | None = None

    def train(self, parts: Parts) -> Trained:
        """Train every member, together with the processes that torch has joined, if any.

        Ctrl-C ends it and keeps what has learnt something: finished members, and the best weights
        of the one at work. Where a refit was asked for and some members have finished theirs, only
        those are kept; else the networks as they were before it. A checkpoint stays, to go on from.

        Raises:
            KeyboardInterrupt: it came before any network had finished an epoch.
            ArgumentError: the checkpoint was made with other settings or data.
            ModelFileError: the checkpoint cannot be read.
            OutputError: a checkpoint cannot be written; the one before it still stands.
            TrainingError: numbers went wrong, or memory was not enough, and stayed so.
        """
        work = _Work(self, parts)
        while len(work.standing.turn.stops) < self.training.members:
            if work.member() == "interrupted":
                break
        if not work.models:
            raise KeyboardInterrupt
        turn = work.standing.turn
        history = History(tuple(work.standing.epochs), turn.stops, work.models[0].head.unit)
        if self.progress is not None:
            self.progress.finish(history)
        finished = "interrupted" not in turn.stops
        if finished and work.checkpoint is not None and not work.checkpoint.keep:
            work.checkpoint.remove()
        again = [m for m, refitted in zip(work.models, turn.refitted, strict=True) if refitted]
        return Trained(again or work.models, history, bool(again))

    def estimate(self, model: Model, parts: Parts) -> float:
        """Longest that all members can take, in seconds."""
        once = estimate_seconds(model, parts.train, self.training, seed=self.random_state)
        return once * self.training.members * (1 + self.training.refit)


class _Work:
    """One call of ``train``: what it works on, and how far it has come."""

    def __init__(self, plan: Ensemble, parts: Parts) -> None:
        self.plan, self.parts, self.ranks = plan, parts, Ranks.here()
        self.standing, self.models = Standing(), list[Model]()
        # one process of several writes
        self.checkpoint = plan.checkpoint if self.ranks.lead else None
        self.prints: dict[str, str] = {}
        self.pace = Pace(math.inf)
        self.announced = False
        if plan.checkpoint is not None:
            self._begin(plan.checkpoint)

    def _begin(self, checkpoint: Checkpoint) -> None:
        """Stand where a checkpoint was written, if there is one."""
        found = None
        if self.ranks.lead:
            data = digest((self.parts.train, self.parts.valid))
            self.prints = {**self.plan.prints, "data": data, "longshort": __version__}
            found = checkpoint.begin()
            if found is not None:
                refuse_others(found, self.prints)
        found = self.ranks.same(found)
        self.pace = Pace(checkpoint.every)
        if found is not None:
            self.standing = unpack(found)
            with self._fitting():
                for number, weights in enumerate(self.standing.done):
                    model = self.plan.new(self._seed(number), number)
                    model.load_state_dict(weights)
                    self.models.append(model.eval())
            if self.plan.progress is not None:
                lost = f" ({found.lost})" if found.lost else ""
                self.plan.progress.note(f"going on from {found.path}{lost}")

    def _seed(self, member: int) -> int:
        return step_seed(self.plan.random_state, member, 0) % 2**62

    # one member

    def member(self) -> Stop:
        """Train the member whose turn it is, or the rest of it: why it stopped."""
        plan, standing, parts = self.plan, self.standing, self.parts
        number = len(standing.turn.stops)
        model = plan.new(self._seed(number), number)
        self._announce(model)
        again = standing.turn.again
        if again is None:
            stop = self._run(model, parts.train, parts.valid, number)
            plan.after(model, parts.valid or parts.train)
            if stop == "interrupted" or not plan.training.refit or parts.valid is None:
                return self._close(model, stop, refitted=False)
            best = History(tuple(standing.epochs)).best(number)
            again = Again(stop, 1 if best is None else best.epoch + 1)
            standing.turn = replace(standing.turn, again=again)
            standing.chosen = weights_of(model)
            model.load_state_dict(plan.new(self._seed(number), number).state_dict())
        chosen = standing.chosen
        if self._run(model, parts.both, None, number, again.epochs) == "interrupted":
            model.load_state_dict(chosen)
            return self._close(model, "interrupted", refitted=False)
        # what the head learnt of its errors on unseen examples stays true
        names = [name for name, _ in model.head.named_buffers("head")]
        buffers = {name: chosen[name] for name in names if name in chosen}
        model.load_state_dict({**weights_of(model), **buffers})
        return self._close(model, again.stop, refitted=True)

    def _close(self, model: Model, stop: Stop, *, refitted: bool) -> Stop:
        """A member is done; it is kept if it has learnt anything."""
        turn, number = self.standing.turn, len(self.standing.turn.stops)
        self.standing.turn = Turn((*turn.stops, stop), turn.refitted)
        self.standing.chosen = {}
        if any(epoch.member == number for epoch in self.standing.epochs):
            self.standing.turn = Turn((*turn.stops, stop), (*turn.refitted, refitted))
            self.standing.done.append(weights_of(model))
            self.models.append(model)
        return stop

    def _run(
        self,
        model: Model,
        train: Examples,
        valid: Examples | None,
        member: int,
        count: int | None = None,
    ) -> Stop:
        """One training run, or the rest of it; each epoch is written down and told."""
        start, self.standing.run = self.standing.run, None
        if start is None:
            before = len(self.standing.epochs)
            self.standing.turn = replace(self.standing.turn, before=before)
        with self._fitting():
            loop = fit(
                model,
                train,
                valid,
                self.plan.training,
                seed=self._seed(member),
                member=member,
                only=count,
                start=start,
                keeper=None if self.checkpoint is None else self,
                ranks=self.ranks,
                judge=self.plan.judge,
            )
        try:
            while True:
                record = next(loop)
                self.standing.epochs.append(record)
                if self.plan.progress is not None:
                    self.plan.progress.epoch(record)
        except StopIteration as end:
            stop: Stop = end.value
            return stop
        except KeyboardInterrupt:
            # it came between two epochs: closing the loop restores the best weights
            loop.close()
            return "interrupted"

    def _announce(self, model: Model) -> None:
        """Tell what is trained, once, and the epochs that are done."""
        progress, plan = self.plan.progress, self.plan
        if progress is not None and not self.announced:
            count = plan.training.members * plan.training.epochs * (1 + plan.training.refit)
            progress.start(plan.describe(model), plan.estimate(model, self.parts), count)
            for epoch in self.standing.epochs:
                progress.epoch(epoch)
        self.announced = True

    # the checkpoint

    def due(self) -> bool:
        """Whether it is time to write a checkpoint."""
        return self.pace.due()

    def keep(self, snapshot: Snapshot) -> None:
        """Write one."""
        assert self.checkpoint is not None
        self.standing.run = snapshot
        with self.pace.spending():
            sections, tensors = pack(self.standing)
            self.checkpoint.write({**sections, "prints": self.prints}, tensors)
        self.standing.run = None

    @contextmanager
    def _fitting(self) -> Iterator[None]:
        """What a checkpoint that fits nothing ends in."""
        try:
            yield
        except (KeyError, ValueError, RuntimeError) as error:
            if self.plan.checkpoint is None or isinstance(error, LongshortError):
                raise
            where = self.plan.checkpoint.path
            raise ModelFileError(f"{where}: does not fit the network ({error})") from error


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

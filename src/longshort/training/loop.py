"""The one training loop: batches in, a record per epoch out, the best weights kept.

``fit`` is a generator, so that whoever asks for the next epoch decides what to show, and may stop
asking. Every random choice is a function of (seed, epoch, position): the order of the examples,
and the dropout masks of each step.
"""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Protocol

from longshort.contracts import Batch, Examples, Labelled, State
from longshort.data.sampler import Sampler
from longshort.errors import TrainingError
from longshort.model import Model, predicting
from longshort.records import Epoch, Event, Stop
from longshort.training.averaging import means, take
from longshort.training.loss import VALID_ROWS, lengths_of, mean_loss, stream_rows
from longshort.training.parts import clip, gradient, rows_of
from longshort.training.ranks import Ranks
from longshort.training.seeds import seeded, step_seed
from longshort.training.settings import (
    Training,
    learning_layers,
    make_optimizer,
    rate_factor,
    thaw,
)
from longshort.training.snapshot import (
    Course,
    Snapshot,
    memory_of,
    remember,
    state_of,
    weights_of,
)

# numbers that went wrong are retried so often, each time with half the rate
RETRIES = 3
# from the last multiple of so many steps of an epoch
GOOD_STEPS = 1000
# so many of the rows that are at fault are named
NAMED = 3


class Keeper(Protocol):
    """Whoever writes down where a run stands."""

    def due(self) -> bool:
        """Asked before each step: whether it is time."""
        ...

    def keep(self, snapshot: Snapshot) -> None:
        """Write it down."""
        ...


def fit(
    model: Model,
    train: Examples,
    valid: Examples | None,
    training: Training,
    *,
    seed: int = 0,
    member: int = 0,
    only: int | None = None,
    start: Snapshot | None = None,
    keeper: Keeper | None = None,
    ranks: Ranks | None = None,
    judge: Judge | None = None,
) -> Generator[Epoch, None, Stop]:
    """Train ``model`` in place; yield a record per epoch; return why it ended.

    However it ends (the last epoch, early stopping, Ctrl-C, a consumer that stops asking), the
    model holds the weights of its best validation loss, or of the last whole epoch where there is
    no validation part.

    A loss, gradient or weight that is not finite is found before the step is made: the run goes
    back to the last good state (the beginning of the epoch, or the last multiple of 1000 steps; the
    second time in an epoch, the best weights) and halves the rate, at most three times. Batches for
    which memory is not enough are read in parts, with the same result. ``Epoch.events`` tells it.

    Args:
        train, valid: examples to learn from, and those that choose the epoch.
        seed: of the order of examples and of what training disturbs.
        member: a number for the records.
        only: end after that many epochs, at the rates they have in a whole run.
        start: go on from there, bit by bit; made by a run with the same other arguments.
        keeper: who is handed a snapshot whenever it asks for one.
        ranks: processes that train together; those that torch has joined, by default.
        judge: chooses the epoch instead of the validation loss.

    Raises:
        TrainingError: numbers go wrong after three retries, or memory is not enough for one row;
            the best weights so far are restored.
        ValueError, RuntimeError: ``start`` does not fit the model.
    """
    run = _Run(model, train, valid, training, seed, ranks or Ranks.here(), judge)
    if start is not None:
        run.restore(start)
    return _epochs(run, member, training.epochs if only is None else only, keeper)


def _epochs(
    run: _Run, member: int, count: int, keeper: Keeper | None
) -> Generator[Epoch, None, Stop]:
    """The epochs that are left, until one is the last."""
    patience = run.training.patience
    try:
        with run.ranks.listening() as run.asked:
            while run.course.epoch < count:
                record = run.epoch(member, keeper)
                yield record
                if patience is not None and run.course.since >= patience:
                    return "early"
    except KeyboardInterrupt:
        return "interrupted"
    finally:
        run.model.load_state_dict(run.best)
        thaw(run.layers, "all", 0)
        run.model.eval()
    return "epochs"


class Judge(Protocol):
    """Whoever says how good a network is on the examples that choose."""

    def __call__(self, model: Model, examples: Examples, loss: float) -> float:
        """A number of which less is better; ``loss`` is the mean loss of the examples."""
        ...


class _AstrayError(ArithmeticError):
    """Numbers that went wrong in the batch at ``position``, in words: what, and in which rows."""

    def __init__(self, position: int, what: str, rows: str = "") -> None:
        super().__init__(f"{what}{rows}")
        self.position = position


class _Run:
    """One training run: its network and optimiser, and where it stands."""

    def __init__(
        self,
        model: Model,
        train: Examples,
        valid: Examples | None,
        training: Training,
        seed: int,
        ranks: Ranks,
        judge: Judge | None = None,
    ) -> None:
        self.model, self.train, self.valid, self.judge = model, train, valid, judge
        self.training, self.seed, self.ranks = training, seed, ranks
        self.layers = learning_layers(model, training)
        self.optimizer = make_optimizer(model, training, self.layers)
        self.course = Course()
        self.state: State | None = None
        self.best = weights_of(model)
        self.good: Snapshot | None = None
        # Ctrl-C, where other processes must hear of it
        self.asked: list[int] = []

    # where it stands

    def snapshot(self) -> Snapshot:
        """This moment, without what to go back to."""
        state = {} if self.state is None else self.state.map(lambda t: t.clone()).flatten()
        memory = memory_of(self.optimizer)
        return Snapshot(self.course, weights_of(self.model), memory, state, self.best)

    def restore(self, snapshot: Snapshot) -> None:
        """Stand where a snapshot was taken."""
        self.model.load_state_dict(snapshot.weights)
        remember(self.optimizer, snapshot.optimizer)
        device = self.model.device
        state = state_of(snapshot.state)
        self.state = None if state is None else state.map(lambda t: t.clone().to(device))
        self.course, self.best, self.good = snapshot.course, snapshot.best, snapshot.good

    # one epoch

    def epoch(self, member: int, keeper: Keeper | None) -> Epoch:
        """Make the rest of the epoch, as often as it takes, and its record."""
        thaw(self.layers, self.training.unfreeze, self.course.epoch)
        while True:
            try:
                steps = self._steps(keeper)
                with means(self.optimizer):
                    valid = self._validate()
                    chosen = self._judged(valid)
                    course = self.course
                    better = chosen is None or course.best is None or chosen < course.best
                    if better:
                        self.best = weights_of(self.model)
                break
            except _AstrayError as found:
                self._go_back(found)
        since = 0 if better else course.since + 1
        averaged = course.averaged
        if averaged is None and since == self.training.average:
            averaged, since = 0, 0
            told = f"no better validation loss in {self.training.average} epochs: weights are "
            told += "averaged from here on"
            course = replace(course, events=(*course.events, Event("averaging", steps - 1, told)))
        record = Epoch(
            member,
            course.epoch,
            course.total / max(course.count, 1),
            valid,
            course.norms / max(steps, 1),
            max(group["lr"] for group in self.optimizer.param_groups),
            course.seconds,
            better,
            course.events,
        )
        self.state, self.good = None, None
        self.course = Course(
            epoch=course.epoch + 1,
            best=chosen if better else course.best,
            since=since,
            share=course.share,
            retries=course.retries,
            rows=course.rows,
            averaged=averaged,
        )
        return record

    def _steps(self, keeper: Keeper | None) -> int:
        """The steps that are left of the epoch; how many a whole one has."""
        course = self.course
        rows, carried = stream_rows(self.model, self.train, self.training.batch)
        shuffle = not carried
        most = None if carried else self.training.steps
        place = self.seed, course.epoch, course.position
        lengths = None if carried else lengths_of(self.train)
        sampler = Sampler(len(self.train), rows, shuffle, *place, most, lengths)
        self.model.train()
        for position, index in sampler.batches():
            begun = time.perf_counter()
            if position % GOOD_STEPS == 0:
                self._refuse_weights(position)
                self.good = self.snapshot()
            if keeper is not None and keeper.due():
                at_good = self.good is not None and self.good.course == self.course
                keeper.keep(self.snapshot()._replace(good=None if at_good else self.good))
            done = (self.course.epoch + position / len(sampler)) / self.training.epochs
            rate = self.training.rate * rate_factor(self.training.schedule, done)
            for group in self.optimizer.param_groups:
                group["lr"] = rate * self.course.share * group["share"]
            self._step(position, index, carried)
            spent = self.course.seconds + time.perf_counter() - begun
            self.course = replace(self.course, seconds=spent)
        self._refuse_weights(len(sampler) - 1)
        return len(sampler)

    def _step(self, position: int, index: Sequence[int], carried: bool) -> None:
        course, model = self.course, self.model
        limit = course.rows or len(index)
        with seeded(step_seed(self.seed, course.epoch, position)):
            batch = self.train.batch(index).to(model.device)
            before = self.state if carried else None
            found = gradient(
                model,
                batch,
                before,
                limit,
                self.ranks,
                carried=carried,
                stop=bool(self.asked),
            )
            if found.stop:
                raise KeyboardInterrupt
            norm = clip(model, self.training)
            mean = found.total / max(found.scored, 1)
            if not (math.isfinite(mean) and math.isfinite(norm)):
                what = f"the loss is {mean}"
                if math.isfinite(mean):
                    what = f"the gradient is not finite (its norm is {norm}, the loss {mean:.4g})"
                what = f"{what} at epoch {course.epoch + 1}, batch {position}"
                raise _AstrayError(position, what, self._at_fault(batch, before, index))
        self.optimizer.step()
        averaged = None if course.averaged is None else course.averaged + 1
        if averaged is not None:
            take(self.optimizer, averaged)
        events, rows = course.events, course.rows
        if found.rows < limit:
            rows = found.rows
            told = f"not enough memory for {limit} rows at once: {rows} at a time from here on"
            events = (*events, Event("memory", position, told))
        self.state = found.state
        self.course = replace(
            course,
            averaged=averaged,
            position=position + 1,
            total=course.total + found.total,
            count=course.count + found.scored,
            norms=course.norms + norm,
            rows=rows,
            events=events,
        )

    def _validate(self) -> float | None:
        """The validation loss, the same on all processes."""
        if self.valid is None:
            return None
        begun = time.perf_counter()
        steps, most = self.training.steps, None
        if steps is not None:
            most = max(1, steps * self.training.batch // VALID_ROWS)
        loss = mean_loss(self.model, self.valid, most=most) if self.ranks.lead else 0.0
        loss = self.ranks.same(loss)
        spent = self.course.seconds + time.perf_counter() - begun
        self.course = replace(self.course, seconds=spent)
        if not math.isfinite(loss):
            what = f"the validation loss is {loss} after epoch {self.course.epoch + 1}"
            raise _AstrayError(self.course.position - 1, what)
        return loss

    def _judged(self, loss: float | None) -> float | None:
        """What chooses the epoch, the same on all processes."""
        if self.judge is None or self.valid is None or loss is None:
            return loss
        begun = time.perf_counter()
        with predicting(self.model):
            found = self.judge(self.model, self.valid, loss) if self.ranks.lead else 0.0
        spent = self.course.seconds + time.perf_counter() - begun
        self.course = replace(self.course, seconds=spent)
        return self.ranks.same(found)

    # numbers that go wrong

    def _go_back(self, found: _AstrayError) -> None:
        """To the last good state, or if that was none to the best weights, with half the rate."""
        course, good = self.course, self.good
        rate = self.training.rate * course.share
        if course.retries == RETRIES or good is None:
            raise TrainingError(
                f"{found}, and so it stayed in {course.retries} retries with half the rate each "
                f"(down to {rate:g}): lower Training(rate={self.training.rate:g}) (--rate), set "
                "Training(clip=...) (--clip), or look for extreme values in the data"
            )
        # an epoch that began too far astray cannot be saved by a lower rate
        deeper = any(event.kind == "recovery" for event in course.events)
        self.restore(good)
        if deeper:
            self.model.load_state_dict(self.best)
            self.optimizer.state.clear()
        whence = " and the best weights" if deeper else ""
        told = f"{found}: back to batch {good.course.position}{whence} with half the rate"
        events = (*course.events, Event("recovery", found.position, f"{told}, {rate / 2:g}"))
        self.course = replace(
            good.course,
            share=course.share / 2,
            retries=course.retries + 1,
            rows=course.rows,
            seconds=course.seconds,
            events=events,
        )

    def _refuse_weights(self, position: int) -> None:
        for name, parameter in self.model.named_parameters():
            if not bool(parameter.isfinite().all()):
                what = f"weights ({name}) are not finite after epoch {self.course.epoch + 1}"
                raise _AstrayError(position, f"{what}, batch {position}")

    def _at_fault(self, batch: Batch, state: State | None, index: Sequence[int]) -> str:
        """The rows that by themselves have no finite loss or gradient, in words; "" for all."""
        alone = Ranks()
        found = []
        for row in range(batch.rows):
            own = None if state is None else rows_of(state, row, row + 1)
            read = gradient(self.model, batch.slice(row, row + 1), own, 1, alone)
            if not math.isfinite(read.total) or not math.isfinite(clip(self.model, self.training)):
                found.append(index[row])
        if len(found) == batch.rows:
            return ""
        names = self.train.label if isinstance(self.train, Labelled) else "example {}".format
        named = [names(number) for number in found[:NAMED]]
        if len(found) > NAMED:
            named.append(f"{len(found) - NAMED} more rows")
        return f" (in {', '.join(named)})" if named else ""


def estimate_seconds(model: Model, train: Examples, training: Training, *, seed: int = 0) -> float:
    """Longest that one member can take, in seconds, from timing one step that changes nothing."""
    rows, carried = stream_rows(model, train, training.batch)
    index = list(range(min(rows, len(train))))
    if not carried and (lengths := lengths_of(train)) is not None:
        # as long as the mean of all
        near = abs(lengths - lengths.mean())
        index = near.argsort(kind="stable")[:rows].tolist()
    with seeded(seed):
        model.train()
        batch = train.batch(index).to(model.device)
        best = math.inf
        for _ in range(3):
            begun = time.perf_counter()
            gradient(model, batch, None, rows, Ranks())
            best = min(best, time.perf_counter() - begun)
        model.zero_grad(set_to_none=True)
        model.eval()
    most = None if carried else training.steps
    return best * len(Sampler(len(train), rows, most=most)) * training.epochs

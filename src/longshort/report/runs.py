"""Training runs: the epochs of a history cut where one network ends and the next begins."""

from __future__ import annotations

from dataclasses import dataclass

from longshort.records import Epoch, Event, Happening, History, Stop
from longshort.report.numerals import count, duration, number

_STOPS: dict[Stop, str] = {
    "early": "stopped early",
    "epochs": "all epochs",
    "interrupted": "interrupted",
}
# what an event is called in a table
HAPPENINGS: dict[Happening, str] = {
    "recovery": "taken back",
    "memory": "smaller batches",
    "averaging": "averaged after it",
}


@dataclass(frozen=True)
class Run:
    """One network's training. ``kept`` is the epoch whose weights stayed, counted from 1."""

    name: str
    epochs: tuple[Epoch, ...]
    kept: int | None
    stop: str

    @property
    def best(self) -> Epoch | None:
        """The epoch that was kept."""
        return None if self.kept is None else self.epochs[self.kept - 1]

    @property
    def seconds(self) -> float:
        """Time spent, in seconds."""
        return sum(epoch.seconds for epoch in self.epochs)

    @property
    def events(self) -> list[tuple[int, Event]]:
        """What happened on the way, each with its epoch, counted from 1."""
        places = enumerate(self.epochs, start=1)
        return [(place, event) for place, epoch in places for event in epoch.events]

    def words(self) -> str:
        """One sentence: how long, what happened, what was kept."""
        text = f"{self.name}: {count(len(self.epochs), 'epoch')} in {duration(self.seconds)}"
        incidents = [event for _, event in self.events if event.kind != "averaging"]
        if incidents:
            text += f" with {count(len(incidents), 'incident')}"
        best = self.best
        if best is None:
            return f"{text}."
        loss = best.train_loss if best.valid_loss is None else best.valid_loss
        part = "training" if best.valid_loss is None else "validation"
        return f"{text}, epoch {self.kept} kept at a {part} loss of {number(loss)}."


def runs_of(history: History) -> list[Run]:
    """The runs of a history, in order.

    A new run begins where the member changes or the epochs start anew: a member that is trained
    again on more data counts as a run of its own.
    """
    groups: list[list[Epoch]] = []
    for epoch in history.epochs:
        last = groups[-1][-1] if groups else None
        if last is None or last.member != epoch.member or epoch.epoch <= last.epoch:
            groups.append([])
        groups[-1].append(epoch)
    matched = len(history.stops) == len(groups)
    runs = []
    for place, group in enumerate(groups):
        marked = [i for i, epoch in enumerate(group, start=1) if epoch.best]
        again = " (again, on all rows)" if group[0].valid_loss is None else ""
        stop = _STOPS[history.stops[place]] if matched else ""
        name = f"network {group[0].member + 1}{again}"
        runs.append(Run(name, tuple(group), marked[-1] if marked else None, stop))
    return runs

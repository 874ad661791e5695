"""Recordings that are told on: how unexpected each row was, and what comes next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, cast

import numpy as np
import torch
from torch import Tensor

from longshort.contracts import Batch, Encoded, State
from longshort.data.readings.live import LiveSignal
from longshort.data.readings.signals import SignalReading
from longshort.data.sequences import Floats
from longshort.data.steps import Ints
from longshort.heads.sequel import SequelHead
from longshort.model import Model
from longshort.tasks.streams.trunk import Trunk, fill, places_of

# levels of the interval's ends
_ENDS = (0.1, 0.9)


class Onward(NamedTuple):
    """Of each row that was read: C channels, the next L values.

    surprise: (B, C) how little its values were expected, in the head's unit (nats where it tells
    distributions); NaN where nothing was to be told. point: (B, L, C) the values to come, in the
    data's own units; low, high: between these eight in ten are told to lie.
    """

    surprise: Floats
    point: Floats
    low: Floats
    high: Floats


class OnwardStream:
    """A ``data.layout.Stream`` of a series model.

    Args:
        models: the networks.
        reading: how recordings become numbers.
        layout: of group and time, as ``LiveSignal.layout`` takes them.
        sessions: S.
    """

    memory: Literal["window", "carried"] = "carried"

    def __init__(
        self,
        models: Sequence[Model],
        reading: SignalReading,
        group: tuple[str, ...],
        time: str | None,
        sessions: int,
    ) -> None:
        self.sessions = sessions
        self._live = LiveSignal(reading, sessions)
        self._reading, self.layout = reading, self._live.layout(group, time)
        self._trunk = Trunk([model.encoder for model in models], sessions)
        self._heads = [cast(SequelHead, model.head) for model in models]
        self._device = models[0].device
        first = self._heads[0]
        shape = len(models), sessions, first.channels, first.family.width
        # what each network told of the next row, and whether there was a row before
        self._expected = np.zeros(shape, np.float32)
        self._begun = np.zeros(sessions, np.bool_)
        self._levels = torch.tensor(_ENDS, dtype=torch.float64)

    @property
    def _places(self) -> dict[str, Tensor]:
        kept = {f"reading.{name}": array for name, array in self._live.arrays.items()}
        expected = self._expected.transpose(1, 0, 2, 3)
        return places_of(kept | {"expected": expected, "begun": self._begun})

    @property
    def state(self) -> State:
        """See ``data.layout.Stream``."""
        own = {name: place.clone() for name, place in self._places.items()}
        networks = self._trunk.state.flatten("networks.")
        return State.unflatten(own | networks)

    def load(self, state: State) -> None:
        """See ``data.layout.Stream``."""
        own = State({name: state[name] for name in state if name != "networks"})
        fill(self._places, own)
        self._trunk.load(state.part("networks"))

    def begin(self, sessions: Ints, keys: Sequence[tuple[str, ...]]) -> None:
        """See ``data.layout.Stream``."""
        self._live.begin(sessions)
        self._trunk.begin(sessions)
        self._begun[sessions] = False

    @torch.no_grad()
    def step(self, sessions: Ints, values: Any, times: Ints | None) -> Onward:
        """See ``data.layout.Stream``."""
        read, seen = self._live.step(sessions, values, times)
        inputs, static = (
            {n: x.to(self._device) for n, x in g.items()} for g in (read.inputs, read.static)
        )
        reference = inputs["channels"]
        surprise = self._surprise(sessions, reference, seen)
        told = []
        for at, z in enumerate(self._trunk.step(sessions, inputs, static)):
            head = self._heads[at]
            encoded = Encoded(z[:, None], (), State(), read.lengths)
            batch = Batch({}, read.lengths, reference=reference[:, None])
            parameters = head.parameters_after(encoded, batch)[:, 0]
            self._expected[at, sessions] = parameters[:, 0].cpu().numpy()
            quantiles = head.family.quantiles(parameters.double(), self._levels.to(z.device))
            middle = head.family.point(parameters.double())[..., None]
            told.append(torch.cat([middle, quantiles], -1).cpu().numpy())
        self._begun[sessions] = True
        scaled = told[0] if len(told) == 1 else np.mean(told, 0)
        return Onward(surprise, *self._reading.scales.inverse(np.moveaxis(scaled, -1, 0)))

    def _surprise(self, sessions: Ints, values: Tensor, seen: Any) -> Floats:
        """(B, C), the mean over networks of what these values cost."""
        total = np.zeros(values.shape)
        for head, expected in zip(self._heads, self._expected, strict=True):
            parameters = torch.from_numpy(expected[sessions]).to(values.device)
            # the head's own axes: of one step ahead
            lost = head.family.loss(parameters[:, None], values[:, None])[:, 0]
            total += lost.double().cpu().numpy()
        known = seen & self._begun[sessions][:, None]
        return np.where(known, total / len(self._heads), np.nan)

    def told(self, answers: tuple[Any, ...]) -> list[dict[str, Any]]:
        """See ``data.layout.Stream``: surprise by channel, and the next value of each."""
        found = Onward(*answers)
        names = self._reading.channels
        records = []
        for surprise, point in zip(found.surprise, found.point[:, 0], strict=True):
            record: dict[str, Any] = {}
            for at, name in enumerate(names):
                record[f"{name}_surprise"] = plain(surprise[at])
                record[f"{name}_next"] = plain(point[at])
            records.append(record)
        return records


def plain(value: Any) -> float | None:
    """A number as JSON has it; None where it is not known."""
    found = float(value)
    return found if np.isfinite(found) else None

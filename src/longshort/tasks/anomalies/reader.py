"""Rows of series as they come: what a next-step network reads of each, and what is told of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from longshort.contracts import Batch, Encoded, State
from longshort.data.codecs.calendar import encode_calendar
from longshort.data.codecs.categories import key
from longshort.data.encoding import Encoding
from longshort.data.sequences import Field, Floats, Role
from longshort.data.steps import Ints
from longshort.errors import ArgumentError
from longshort.heads.step import StepHead
from longshort.layers.channels import Channels
from longshort.layers.encoder import RecurrentEncoder
from longshort.model import Model
from longshort.tasks.streams.trunk import Trunk, fill, places_of

Arrays = dict[str, NDArray[Any]]


class Reader:
    """The surprise of rows of S sessions, as ``surprise.next_surprises`` tells it of whole series.

    A row's own calendar and what was known of it in advance are read with the row before it: the
    network steps when a row comes, and tells at once how little it was expected.

    Args:
        models: the networks.
        encoding: how rows are read.
        fields: the columns, in the order of a row's values.
        sessions: S.
    """

    def __init__(
        self,
        models: Sequence[Model],
        encoding: Encoding,
        fields: Sequence[Field],
        sessions: int,
    ) -> None:
        self.encoding, self.sessions = encoding, sessions
        self._heads = [_step_head(model) for model in models]
        plain = all(type(model.encoder) is RecurrentEncoder for model in models)
        encoders = [model.encoder for model in models]
        self._trunk = Trunk(encoders, sessions) if plain else None
        self._slow = [] if plain else [_Stepped(each, sessions) for each in encoders]
        self._encoders, self._device = encoders, models[0].device
        self._fields = list(fields)
        self._width = sum(field.labels is None for field in fields)
        self._targets = len(self._of("target"))
        names = [field.name for field in fields]
        self._masked = [names.index(name) for name in encoding.masked]
        # of each column of categories, the row of its table by the place in its labels
        self._rows = [np.append(p, 0) for p in encoding.vocabulary.places(fields[self._width :])]
        season = encoding.season if encoding.relative == "season" else 1
        self.arrays: Arrays = {
            # the latest value of each column, and which were there in the row before
            "filled": np.full((sessions, len(fields)), np.nan),
            "there": np.zeros((sessions, len(fields)), np.bool_),
            "season": np.full((sessions, season, self._targets), np.nan),
            "count": np.zeros(sessions, np.int64),
            "centre": np.zeros((sessions, self._width)),
            "spread": np.ones((sessions, self._width)),
        }

    def _of(self, *roles: Role) -> list[int]:
        """Places of columns of numbers of these roles."""
        return [at for at, f in enumerate(self._fields[: self._width]) if f.role in roles]

    # the state

    @property
    def state(self) -> State:
        """A copy of what all sessions remember."""
        own = {name: place.clone() for name, place in places_of(self.arrays).items()}
        return State({"rows": State(own), "networks": self._networks})

    @property
    def _networks(self) -> State:
        if self._trunk is not None:
            return self._trunk.state
        return State({f"{at}": each.copy for at, each in enumerate(self._slow)})

    def load(self, state: State) -> None:
        """Go on from such a state.

        Raises:
            ValueError: it does not fit.
        """
        own = state.part("rows")
        if bool((own.tensor("count") < 0).any()) or not bool((own.tensor("spread") > 0).all()):
            raise ValueError("a session's rows or scale are below 0")
        if self._trunk is not None:
            self._trunk.load(state.part("networks"))
        else:
            for at, each in enumerate(self._slow):
                fill(each.state.flatten(), state.part("networks").part(f"{at}"))
        fill(places_of(self.arrays), own)

    def begin(self, sessions: Ints, keys: Sequence[str]) -> None:
        """These sessions (B,) begin anew, with series of these names."""
        for name in ("filled", "season"):
            self.arrays[name][sessions] = np.nan
        self.arrays["there"][sessions] = False
        self.arrays["count"][sessions] = 0
        none = np.zeros(len(sessions) + 1, np.int64)
        stats = self.encoding.codec.row_stats(keys, np.zeros((0, self._width)), none)
        self.arrays["centre"][sessions], self.arrays["spread"][sessions] = stats
        if self._trunk is not None:
            self._trunk.begin(sessions)
        for each in self._slow:
            each.begin(sessions)

    # a row

    @torch.no_grad()
    def step(self, sessions: Ints, values: Floats, times: Ints | None) -> Floats:
        """(B, K) nats of the next row (B, F) of each session; NaN where nothing was told of it."""
        arrays = self.arrays
        before, there = arrays["filled"][sessions], arrays["there"][sessions]
        count, seen = arrays["count"][sessions], np.isfinite(values)
        now = np.where(seen, values, before)
        surprise = np.full((len(sessions), self._targets), np.nan)
        begun = np.flatnonzero(count > 0)
        if len(begun):
            surprise[begun] = self._told(
                sessions[begun], before[begun], there[begun], now[begun], count[begun],
                None if times is None else times[begun],
            )  # fmt: skip
        own = values[:, : self._targets]
        surprise[np.isnan(own)] = np.nan
        slot = count % arrays["season"].shape[1]
        kept = arrays["season"][sessions, slot]
        arrays["season"][sessions, slot] = np.where(np.isfinite(own), own, kept)
        arrays["filled"][sessions], arrays["there"][sessions] = now, seen
        arrays["count"][sessions] += 1
        return surprise

    def _told(
        self,
        sessions: Ints,
        before: Floats,
        there: NDArray[np.bool_],
        now: Floats,
        count: Ints,
        times: Ints | None,
    ) -> Floats:
        """Step over the row before, and tell how little this one was expected."""
        centre, spread = (self.arrays[name][sessions] for name in ("centre", "spread"))
        read, told = self._encoded(before, centre, spread), self._encoded(now, centre, spread)
        inputs, static = self._inputs(read, told, there, before, now, times)
        reference = self._reference(sessions, read, count, centre, spread)
        target = torch.from_numpy(told[:, None, : self._targets]).to(self._device)
        batch = Batch(
            {name: part.unsqueeze(1) for name, part in inputs.items()},
            torch.ones(len(sessions), dtype=torch.int64, device=self._device),
            static=static,
            reference=torch.from_numpy(reference[:, None]).to(self._device),
            scale=torch.from_numpy(spread[:, : self._targets]).to(self._device),
        )
        total = np.zeros((len(sessions), self._targets))
        for head, encoded in zip(
            self._heads, self._stepped(sessions, inputs, static, batch), strict=True
        ):
            parameters = head.parameters_after(encoded, batch)
            total += head.family.loss(parameters, target)[:, 0].double().cpu().numpy()
        return total / len(self._heads)

    def _stepped(
        self, sessions: Ints, inputs: dict[str, Tensor], static: dict[str, Tensor], batch: Batch
    ) -> list[Encoded]:
        if self._trunk is None:
            return [each.step(sessions, batch) for each in self._slow]
        found = []
        steps = self._trunk.step(sessions, inputs, static)
        for encoder, z in zip(self._encoders, steps, strict=True):
            embedded: Tensor = encoder.embed(batch)  # type: ignore[operator]
            found.append(Encoded(z[:, None], (embedded,), State(), batch.lengths))
        return found

    def _encoded(self, filled: Floats, centre: Floats, spread: Floats) -> NDArray[np.float32]:
        """(B, numbers) as the network reads them; 0 where nothing was seen yet."""
        raw = filled[:, : self._width]
        return np.nan_to_num(self.encoding.codec.encode(raw, centre, spread)).astype(np.float32)

    def _inputs(
        self,
        read: NDArray[np.float32],
        told: NDArray[np.float32],
        there: NDArray[np.bool_],
        before: Floats,
        now: Floats,
        times: Ints | None,
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """What one step reads: the row before, and what is known in advance of this one."""
        parts = [read[:, self._of("target", "past")], there[:, self._masked]]
        parts.append(told[:, self._of("future")])
        if times is not None and self.encoding.cycles:
            local = self.encoding.clock.local(times.view("datetime64[us]"))
            parts.append(encode_calendar(local, self.encoding.cycles))
        numbers = np.concatenate(parts, -1, dtype=np.float32)
        inputs = {**self._symbols(before, "past"), **self._symbols(now, "future")}
        static = {**self._symbols(now, "static", "group"), "numbers": told[:, self._of("static")]}
        device = self._device
        made = ({**inputs, "numbers": numbers}, static)
        first, second = ({n: torch.from_numpy(a).to(device) for n, a in g.items()} for g in made)
        return first, second

    def _symbols(self, filled: Floats, *roles: Role) -> Arrays:
        """Categories (B,) as rows of tables, by the tables' keys."""
        found: Arrays = {}
        for at, rows in enumerate(self._rows):
            if self.encoding.vocabulary.roles[at] in roles:
                raw = filled[:, self._width + at]
                place = np.nan_to_num(raw, nan=-1).astype(np.int64)
                found[key(at)] = np.where(np.isnan(raw), 0, rows[place])
        return found

    def _reference(
        self,
        sessions: Ints,
        read: NDArray[np.float32],
        count: Ints,
        centre: Floats,
        spread: Floats,
    ) -> NDArray[np.float32]:
        """(B, K) what this row's values are told relative to."""
        last = read[:, : self._targets]
        if self.encoding.relative == "none":
            return np.zeros_like(last)
        if self.encoding.relative == "last":
            return last
        season = self.arrays["season"]
        raw = season[sessions, count % season.shape[1]]
        scale = centre[:, : self._targets], spread[:, : self._targets]
        found = self.encoding.codec.encode_target(raw, *scale)
        whole = (count >= season.shape[1])[:, None]
        return np.where(whole & np.isfinite(found), found, last).astype(np.float32)


class _Stepped:
    """A trunk that reads each channel by itself, stepped as it reads whole sequences."""

    def __init__(self, encoder: nn.Module, sessions: int) -> None:
        assert isinstance(encoder, Channels)
        inner = encoder.encoder
        assert isinstance(inner, RecurrentEncoder)
        if inner.stem is not None:
            raise ArgumentError(
                "Surprise(channels='shared') with Recurrent(stem=...) reads no stream: fit with "
                "stem=None, or channels='joint'"
            )
        self._encoder = encoder
        parts = inner.stack.stream(1).state
        parts = parts if isinstance(parts, tuple) else (parts,)
        # sessions and channels, then layers and units
        wide = sessions, len(encoder.columns)
        self._begun = State({
            name: part.transpose(0, 1).unsqueeze(1).expand(*wide, *part.shape[::2]).clone()
            for name, part in zip(inner.stack.cell.parts, parts, strict=True)
        })  # fmt: skip
        self.state = self.copy_of(self._begun)

    @staticmethod
    def copy_of(state: State) -> State:
        """The same, in memory of its own."""
        return state.map(Tensor.clone)

    @property
    def copy(self) -> State:
        """The state of all sessions."""
        return self.copy_of(self.state)

    def begin(self, sessions: Ints) -> None:
        """These sessions begin anew."""
        rows, first = torch.from_numpy(sessions), self._begun.flatten()
        for name, part in self.state.flatten().items():
            part[rows] = first[name][rows]

    def step(self, sessions: Ints, batch: Batch) -> Encoded:
        """One step of these sessions."""
        rows = torch.from_numpy(sessions)
        found: Encoded = self._encoder(batch, self.state.select(rows))
        kept = self.state.flatten()
        for name, part in found.state.flatten().items():
            kept[name][rows] = part
        return found


def _step_head(model: Model) -> StepHead:
    head = model.head
    assert isinstance(head, StepHead)
    return head

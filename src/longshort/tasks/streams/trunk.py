"""The networks of a model, stepped: the state of all sessions lies in place and is read on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from longshort.contracts import Batch, State
from longshort.data.steps import Ints
from longshort.errors import ArgumentError
from longshort.layers.bothways import one_way
from longshort.layers.embed import Embed
from longshort.layers.encoder import Recurrent
from longshort.layers.stream import Stream


class Trunk:
    """The trunks of a model's networks, each with the state of S sessions.

    The numbers are those of the trunk over whole sequences, to rounding.

    Args:
        encoders: of the networks, in eval mode; they read forwards, and every step.
        sessions: S.
    """

    def __init__(self, encoders: Sequence[nn.Module], sessions: int) -> None:
        self.sessions = sessions
        self._members = [_Member(encoder, sessions) for encoder in encoders]

    @torch.no_grad()
    def step(
        self,
        sessions: Ints,
        inputs: Mapping[str, Tensor],
        static: Mapping[str, Tensor] | None = None,
    ) -> list[Tensor]:
        """Read a step of some sessions: what each network makes of it, (B, H).

        Args:
            sessions: (B,) rising numbers, each once.
            inputs: each (B, F), or (B,) of symbols: a ``Batch``'s, without the axis of time.
            static: each (B, F) or (B,).
        """
        rows = None
        if len(sessions) < self.sessions:
            rows = torch.from_numpy(sessions).to(next(iter(inputs.values())).device)
        return [member.step(rows, inputs, static or {}) for member in self._members]

    def begin(self, sessions: Ints) -> None:
        """These sessions begin anew."""
        for member in self._members:
            member.begin(torch.from_numpy(sessions))

    @property
    def state(self) -> State:
        """A copy: each network's ``h``, ``c``, .. (S, layers, H), by its number."""
        return State({f"{at}": member.state for at, member in enumerate(self._members)})

    def load(self, state: State) -> None:
        """Go on from such a state.

        Raises:
            ValueError: it does not fit.
        """
        if set(state) != {f"{at}" for at in range(len(self._members))}:
            raise ValueError(f"the state of {len(state)} networks for {len(self._members)}")
        for at, member in enumerate(self._members):
            fill(member.places, state.part(f"{at}"))


class _Member:
    """One network."""

    def __init__(self, encoder: nn.Module, sessions: int) -> None:
        self._encoder = one_way(encoder)
        stack = self._stack = self._encoder.stack
        self._parts: tuple[str, ...] = stack.cell.parts
        self._stream: Stream[Any] = stack.stream(sessions)
        # of the numbers that the stack reads as they are; None where the embedding has work to do
        self._plain = None if self._encoder.stem is not None else _plain(self._encoder.embed)
        self._before: Tensor | None = None
        if self._encoder.stem is not None:
            device = next(encoder.parameters()).device
            one = torch.ones(sessions, dtype=torch.int64, device=device)
            width = self._encoder.embed.width
            nothing = torch.zeros(sessions, 1, width, device=device)
            _, _, after = self._encoder.stem(nothing, one, None)
            self._before = torch.zeros_like(after)

    def _tensors(self) -> tuple[Tensor, ...]:
        state = self._stream.state
        return state if isinstance(state, tuple) else (state,)

    @property
    def places(self) -> dict[str, Tensor]:
        """Where the state lies, sessions first."""
        found = zip(self._parts, self._tensors(), strict=True)
        places = {name: part.transpose(0, 1) for name, part in found}
        return places if self._before is None else {**places, "stem": self._before}

    @property
    def state(self) -> State:
        return State({name: part.clone() for name, part in self.places.items()})

    def begin(self, rows: Tensor) -> None:
        chosen = torch.zeros(len(self._tensors()[0][0]), dtype=torch.bool)
        chosen[rows] = True
        self._stream.reset(chosen.to(self._tensors()[0].device))
        if self._before is not None:
            self._before[rows] = 0

    def step(
        self, rows: Tensor | None, inputs: Mapping[str, Tensor], static: Mapping[str, Tensor]
    ) -> Tensor:
        x = self._embedded(rows, inputs, static)
        if rows is None:
            return self._stream(x)
        parts = self._tensors()
        given = tuple(part.index_select(1, rows) for part in parts)
        z: Tensor
        z, after = self._stack.step(x, given if len(given) > 1 else given[0])
        for part, new in zip(parts, after if len(given) > 1 else (after,), strict=True):
            part.index_copy_(1, rows, new)
        return z

    def _embedded(
        self, rows: Tensor | None, inputs: Mapping[str, Tensor], static: Mapping[str, Tensor]
    ) -> Tensor:
        """(B, F), what the stack reads."""
        if self._plain is not None:
            own = [inputs[name] for name in self._plain]
            return own[0] if len(own) == 1 else torch.cat(own, 1)
        first = next(iter(inputs.values()))
        one = torch.ones(len(first), dtype=torch.int64, device=first.device)
        batch = Batch({n: x.unsqueeze(1) for n, x in inputs.items()}, one, static=static)
        x: Tensor = self._encoder.embed(batch)
        if self._encoder.stem is not None:
            assert self._before is not None
            before = self._before if rows is None else self._before.index_select(0, rows)
            x, _, after = self._encoder.stem(x, one, before)
            if rows is None:
                self._before.copy_(after)
            else:
                self._before.index_copy_(0, rows, after)
        return x[:, 0].contiguous()


def _plain(embed: Embed) -> list[str] | None:
    """The groups that an embedding does nothing but put side by side."""
    if type(embed) is not Embed:
        return None
    more = (embed.symbols, embed.static, embed.labels, embed.characters, embed.fading)
    return None if any(more) or embed.pretrained is not None else list(embed.numbers)


def fill(places: Mapping[str, Tensor], state: State) -> None:
    """Copy a state's tensors to where they lie.

    Raises:
        ValueError: one is missing, unknown, or of another shape or type; nothing is changed then.
    """
    given = state.flatten()
    if set(given) != set(places):
        odd = ", ".join(sorted(set(given) ^ set(places)))
        raise ValueError(f"parts of the state are missing or unknown: {odd}")
    for name, place in places.items():
        here = given[name]
        if here.shape != place.shape or here.dtype != place.dtype:
            told = f"{list(here.shape)} of {here.dtype}"
            raise ValueError(
                f"part {name!r} is {told}, and must be {list(place.shape)} of {place.dtype}"
            )
    for name, place in places.items():
        place.copy_(given[name])


def places_of(arrays: Mapping[str, np.ndarray[Any, Any]]) -> dict[str, Tensor]:
    """Arrays that a stream keeps its state in, as ``fill`` takes them: they share their memory."""
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


def refuse_uncausal(recurrent: Recurrent, use: str = "") -> None:
    """Raises ArgumentError where a network cannot read a stream.

    ``use`` is what else the user may do with this model as it is.
    """
    for wrong, told in (
        (recurrent.bidirectional, "Recurrent(bidirectional=True) reads from the end"),
        (recurrent.stride > 1, f"Recurrent(stride={recurrent.stride}) counts steps from the end"),
    ):
        if wrong:
            raise ArgumentError(
                f"{told}, which no stream has: fit with bidirectional=False (--no-bidirectional) "
                f"and stride=1{use}"
            )

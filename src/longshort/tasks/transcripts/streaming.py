"""Transcripts that grow while a recording goes on; in the end those of the whole recording."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from longshort.contracts import Batch, State
from longshort.data.codecs.transcripts import TranscriptCodec
from longshort.data.corpus import Corpus
from longshort.data.items import ItemEncoding
from longshort.data.readings.signals import SignalReading
from longshort.data.readings.sound import SoundReading
from longshort.data.sequences import Field, Sequences
from longshort.errors import ArgumentError, DataError
from longshort.heads.ctc import CTCHead
from longshort.heads.prefixes import PrefixSearch, Prior
from longshort.layers.encoder import Recurrent
from longshort.model import Model, predicting
from longshort.tasks.transcripts.decoding import Clock, Transcript, timed


class Partial(NamedTuple):
    """What is told so far: the best transcript, and its log-probability in nats."""

    text: str
    log_p: float


class Listening:
    """A recording that is read piece by piece; made by ``Transcriber.stream``.

    Args:
        model: a network that reads forwards.
        reading: how recordings become numbers.
        codec: the symbols.
        width: beams.
        prior: what the search adds.
        timed: keep what the network tells of every frame, for the times of the whole transcript in
            the end; else nothing grows but the transcript.

    Raises:
        ArgumentError: the reading needs whole recordings.
    """

    def __init__(
        self,
        model: Model,
        reading: ItemEncoding,
        codec: TranscriptCodec,
        width: int,
        prior: Prior | None,
        *,
        timed: bool = True,
    ) -> None:
        refuse_whole(reading)
        self._timed = timed
        self._model, self._reading, self._codec = model, reading, codec
        self._search = PrefixSearch(1, codec.classes, width, prior)
        self._state: State | None = None
        self._read: State | None = None
        self._scores: list[Tensor] = []
        self._ended = False

    def read(self, chunk: Sequence[Any] | NDArray[Any]) -> Partial:
        """Read what follows; the best transcript of all that was read.

        Args:
            chunk: (S,) samples of sound, at the rate that the model reads; or (T,) or (T, F) rows
                of a series. There may be none.

        Raises:
            DataError: the chunk is of another shape, or holds what is no number.
            ArgumentError: the recording has ended.
        """
        return self._heard(np.asarray(chunk, np.float64), last=False)

    @property
    def state(self) -> State:
        """Where the recording stands; ``load`` goes on from there, in another of the same model."""
        search = {name: torch.from_numpy(part) for name, part in self._search.held().items()}
        parts: dict[str, Tensor | State] = {"search": State(search)}
        if self._state is not None:
            parts["network"] = self._state.map(torch.clone)
        if self._read is not None:
            parts["reading"] = self._read.map(torch.clone)
        return State(parts)

    def load(self, state: State) -> None:
        """Go on from such a state.

        Raises:
            ValueError: it is of another model.
        """
        # what both remember once they have read something, whatever that is
        network, read = self._template
        for name, like in (("network", network), ("reading", read)):
            found = state.part(name).flatten()
            known = {} if like is None else like.flatten()
            for key, part in found.items():
                own = known.get(key)
                if own is None or own.dim() != part.dim() or own.dtype != part.dtype:
                    raise ValueError(f"part {key!r} of the {name} is of another model")
                if name == "network" and own.shape != part.shape:
                    raise ValueError(f"part {key!r} of the {name} is of another shape")
            if found and set(found) != set(known):
                raise ValueError(f"parts of the {name} are missing")
        held = {name: part.numpy() for name, part in state.part("search").flatten().items()}
        self._search.resume(held)
        self._state = state.part("network") if "network" in state else None
        self._read = state.part("reading") if "reading" in state else None

    @property
    def _template(self) -> tuple[State, State | None]:
        widths, read = self._reading.widths.numbers, None
        inputs = {name: torch.zeros(1, 1, width) for name, width in widths.items()}
        batch = Batch(inputs, torch.tensor([1])).to(self._model.device)
        with torch.no_grad(), predicting(self._model):
            state = self._model.encoder(batch).state
        if isinstance(self._reading, SoundReading):
            _, read = self._reading.step(np.zeros(0, np.float32), None)
            _, read = self._reading.step(np.zeros(self._reading.rate, np.float32), read)
        return state, read

    def end(self) -> Transcript:
        """Nothing follows: the transcript of the whole recording, with times."""
        empty = np.zeros((0,) if isinstance(self._reading, SoundReading) else (0, 1))
        self._heard(empty, last=True)
        self._ended = True
        scores = torch.cat([*self._scores, torch.zeros(0, self._codec.classes)])
        (best,) = self._search.best(1)
        seconds = getattr(self._reading, "seconds", None)
        clock = Clock(len(scores), 1, seconds)
        return timed(self._codec, scores, best, clock)[0]

    @torch.no_grad()
    def _heard(self, chunk: NDArray[np.float64], *, last: bool) -> Partial:
        if self._ended:
            raise ArgumentError("this recording has ended; begin another one with stream()")
        if not np.isfinite(chunk).all():
            raise DataError("the chunk holds what is no number; leave it out, or write 0")
        steps = self._steps(chunk, last)
        if len(steps):
            head, names = self._model.head, list(self._reading.widths.numbers)
            assert isinstance(head, CTCHead)
            lengths = torch.tensor([len(steps)])
            batch = Batch({names[0]: steps.unsqueeze(0)}, lengths).to(self._model.device)
            with predicting(self._model):
                encoded = self._model.encoder(batch, self._state)
                scores = head.scores(encoded.z).cpu()
            self._state = encoded.state
            if self._timed:
                self._scores.append(scores[0])
            self._search.read(scores.numpy())
        ((best,),) = self._search.best(1, ended=False)
        return Partial(self._codec.decode(best.symbols), best.log_p)

    def _steps(self, chunk: NDArray[np.float64], last: bool) -> Tensor:
        """The steps (T, F) that are sure now."""
        if isinstance(self._reading, SoundReading):
            if chunk.ndim != 1:
                raise DataError(f"a chunk of shape {chunk.shape}: give (S,) samples of one channel")
            found, self._read = self._reading.step(chunk.astype(np.float32), self._read, last=last)
            return found
        assert isinstance(self._reading, SignalReading)
        names = self._reading.channels
        rows = chunk[:, None] if chunk.ndim == 1 else chunk
        if not len(rows):
            return torch.zeros(0, len(names))
        if rows.ndim != 2 or rows.shape[1] != len(names):
            raise DataError(
                f"a chunk of shape {chunk.shape}: give (T, {len(names)}), a column for each of "
                f"{', '.join(names[:6])}"
            )
        series = Sequences(
            tuple(Field(name, "past") for name in names), ("stream",), np.array([0, len(rows)]),
            None, None, rows, "a stream",
        )  # fmt: skip
        inputs, _, _ = self._reading.read(Corpus("a stream", series=series), [0])
        return inputs["channels"][0]


def refuse_whole(reading: ItemEncoding) -> None:
    """Raises ArgumentError where a reading needs whole recordings."""
    if isinstance(reading, SoundReading):
        if reading.sound.scale in ("item", "mean"):
            raise ArgumentError(
                f"Sound(scale={reading.sound.scale!r}) needs a recording to its end; fit with "
                "scale='running' (--scale running) or 'channel' to read a stream"
            )
        return
    if not isinstance(reading, SignalReading):
        raise ArgumentError("only sound and series are read piece by piece")
    signal = reading.signal
    for wrong, told in (
        (signal.scale == "item", "Signal(scale='item') needs a recording to its end"),
        (signal.every is not None, f"Signal(every={signal.every!r}) lays whole recordings"),
        (list(reading.widths.numbers) != ["channels"], "gaps and irregular times are not streamed"),
        (bool(reading.widths.static), "what does not change in time is not streamed"),
        (bool(reading.widths.symbols), "categories are not streamed"),
    ):
        if wrong:
            raise ArgumentError(f"{told}; fit on channels without it to read a stream")


def refuse_both_ways(recurrent: Recurrent, members: int) -> None:
    """Raises ArgumentError where a network cannot read a stream."""
    for wrong, told in (
        (recurrent.bidirectional, "Recurrent(bidirectional=True) reads a recording from its end"),
        (recurrent.stride > 1, f"Recurrent(stride={recurrent.stride}) counts from the end"),
        (members > 1, f"Training(members={members}): several networks answer in the end alone"),
    ):
        if wrong:
            raise ArgumentError(
                f"{told}; fit with bidirectional=False (--no-bidirectional), stride=1 and one "
                "network to read a stream"
            )

r"""How little each value of a series was expected.

By the next step: after every row t the network tells a distribution of the next one, from all rows
up to t, and the surprise of what then comes is

    u_{t+1,k} = -log p_k(x_{t+1,k} | x_1 .. x_t)                                        in nats

of the scaled value. By reconstruction: the last C rows are put into a few numbers and told again
from these, and u_{t,k} = -log p of the row's own value (Malhotra et al. 2016, whose decoder this
follows). Neither ever reads a later row. Of several networks u is the mean.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray

from longshort.contracts import Batch, Params, State
from longshort.data.encoding import Encoding
from longshort.data.sequences import Floats, Sequences
from longshort.data.windows import Windows
from longshort.errors import ArgumentError, suggest
from longshort.heads.decoder import Channel
from longshort.heads.reconstruction import ReconstructionHead
from longshort.heads.step import StepHead
from longshort.model import Model, predicting
from longshort.tasks.anomalies.network import rebuilding

By = Literal["next", "reconstruction", "both"]
Told = Literal["student-t", "gaussian"]


@dataclass(frozen=True)
class Surprise(Params):
    """By what a row is unusual.

    Args:
        by: "next": by what was expected of it from the rows before. "reconstruction": by how badly
            it is told again from what its window was put into: the last rows, as many as
            ``Window.context``; of covariates the past ones alone are read. "both": by either.
        output: the distribution that is told, "student-t" (heavy tails, so that anomalies in the
            training part teach little) or "gaussian".
        channels: channels are read "joint", each step with all of them; or by one network that is
            "shared" and reads every channel by itself (of "next" alone).
        code: numbers that a window is put into, of a reconstruction.

    Raises:
        ArgumentError: a value that is not known.
    """

    by: By = "next"
    output: Told = "student-t"
    channels: Channel = "joint"
    code: int = 8

    def __post_init__(self) -> None:
        choices = {"by": By, "output": Told, "channels": Channel}
        for name, known in ((name, get_args(kind)) for name, kind in choices.items()):
            value = getattr(self, name)
            if value not in known:
                raise ArgumentError(f"Surprise({name}={value!r}): {suggest(str(value), known)}")
        self._whole(1, "code")
        if self.channels == "shared" and self.by != "next":
            raise ArgumentError(
                f"Surprise(by={self.by!r}, channels='shared'): a window is told again as a whole; "
                "use channels='joint', or by='next'"
            )

    @property
    def views(self) -> int:
        """How many surprises each value has."""
        return 2 if self.by == "both" else 1


def surprises(models: Sequence[Model], sequences: Sequences, encoding: Encoding) -> Floats:
    """(N, V) nats of every value, one channel after the other, by each of the views there are.

    NaN where a value is missing, or nothing was told of it.
    """
    views = []
    if isinstance(models[0].head, StepHead):
        views.append(next_surprises(models, sequences, encoding))
    again = [part for part in map(rebuilding, models) if part is not None]
    if again:
        views.append(rebuilt_surprises(again, sequences, encoding))
    return np.concatenate(views, 1)


# rows of one series that are read at once, and rows of all series together
_CHUNK, _ROWS = 1024, 65_536
# windows that are told again at once
_WINDOWS = 512


def next_surprises(models: Sequence[Model], sequences: Sequences, encoding: Encoding) -> Floats:
    """(N, K) nats of every value one step ahead, the mean over the networks.

    NaN where a value is missing, and at the first row of each series. Every series is read from
    its beginning, and what is read of a row is decided by rows up to it alone.
    """
    found = np.full((len(sequences.values), len(sequences.role_indices("target"))), np.nan)
    for chosen in _alike(sequences):
        own = sequences.select(chosen)
        rows = sequences.offsets[chosen]
        for start, told in _chunks(models, own, encoding):
            places = rows[:, None] + start + np.arange(told.shape[1])
            found[places] = told
    return found


def _alike(sequences: Sequences) -> Iterator[list[int]]:
    """Numbers of series of the same length, of two rows or more, that are read at once."""
    lengths = sequences.lengths
    for length in np.unique(lengths[lengths > 1]).tolist():
        same = np.flatnonzero(lengths == length).tolist()
        most = max(1, _ROWS // min(length, _CHUNK))
        for at in range(0, len(same), most):
            yield same[at : at + most]


def _chunks(
    models: Sequence[Model], sequences: Sequences, encoding: Encoding
) -> Iterator[tuple[int, Floats]]:
    """(first row told, (S, rows, K) nats) of series of one length, chunk by chunk."""
    states: list[State | None] = [None] * len(models)
    last = sequences.length(0) - 1
    count = len(sequences)
    for start in range(0, last, _CHUNK):
        stop = min(start + _CHUNK, last)
        windows = _read(sequences, replace(encoding, context=stop - start), stop)
        batch = windows.batch(range(count)).to(models[0].device)
        total: float | torch.Tensor = 0.0
        for at, model in enumerate(models):
            head = model.head
            assert isinstance(head, StepHead)
            with torch.no_grad(), predicting(model):
                encoded = model.encoder(batch, states[at])
                parameters = head.parameters_after(encoded, batch)
                told = head.family.loss(parameters, batch.target())
            states[at] = encoded.state
            total = total + told.double()
        assert batch.target_mask is not None
        assert isinstance(total, torch.Tensor)
        mean = torch.where(batch.target_mask, total / len(models), torch.nan)
        yield start + 1, mean.cpu().numpy()


def _read(sequences: Sequences, encoding: Encoding, origin: int) -> Windows:
    """One window of each series, which ends before ``origin``.

    A series that has no scale of its own is read on the scale of all: what its own would be is
    known by later rows.
    """
    first = np.full(len(sequences), origin)
    windows = Windows(sequences, encoding, first, first + 1)
    width = len(sequences.numbers)
    windows.centre, windows.spread = encoding.codec.row_stats(
        sequences.keys, np.zeros((0, width)), np.zeros(len(sequences) + 1, np.int64)
    )
    return windows


def rebuilt_surprises(models: Sequence[Model], sequences: Sequences, encoding: Encoding) -> Floats:
    """(N, K) nats of every value as it is told again from the window that ends with its row.

    NaN where a value is missing, and before a series has as many rows as a window.
    """
    found = np.full((len(sequences.values), len(sequences.role_indices("target"))), np.nan)
    context = encoding.context
    for series in range(len(sequences)):
        rows = sequences.rows(series)
        if sequences.length(series) < context:
            continue
        own = _encoded(sequences, series, encoding)
        windows = np.lib.stride_tricks.sliding_window_view(own, context, 0).swapaxes(1, 2)
        for start in range(0, len(windows), _WINDOWS):
            told = last_rebuilt(models, windows[start : start + _WINDOWS])
            first = rows.start + context - 1 + start
            found[first : first + len(told)] = told
    missing = np.isnan(sequences.targets)
    return np.where(missing, np.nan, found)


def last_rebuilt(models: Sequence[Model], windows: NDArray[np.float32]) -> Floats:
    """(B, K) nats of the last row of each window (B, T, F), the mean over networks."""
    count, steps = windows.shape[:2]
    numbers = torch.from_numpy(np.ascontiguousarray(windows)).to(models[0].device)
    lengths = torch.full((count,), steps, device=numbers.device)
    batch = Batch({"numbers": numbers}, lengths)
    total: float | torch.Tensor = 0.0
    for model in models:
        head = model.head
        assert isinstance(head, ReconstructionHead)
        with torch.no_grad(), predicting(model):
            told, _ = head.losses(model.encoder(batch), batch)
        total = total + told[:, -1].double()
    assert isinstance(total, torch.Tensor)
    return np.asarray((total / len(models)).cpu().numpy())


def _encoded(sequences: Sequences, series: int, encoding: Encoding) -> NDArray[np.float32]:
    """(T, F) targets, past covariates and masks of a series, as a reconstruction reads them."""
    rows, width = sequences.rows(series), len(sequences.numbers)
    none = np.zeros(2, np.int64)
    keys = sequences.keys[series : series + 1]
    centre, spread = encoding.codec.row_stats(keys, np.zeros((0, width)), none)
    scaled = encoding.codec.encode(sequences.filled[rows, :width], centre, spread)
    seen = [*sequences.role_indices("target"), *sequences.role_indices("past")]
    masked = [sequences.index(name) for name in encoding.masked]
    there = np.isfinite(sequences.values[rows][:, masked])
    return np.concatenate([np.nan_to_num(scaled)[:, seen], there], 1, dtype=np.float32)

"""Reading on and on: a state that lives on between calls, and long sequences in chunks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Generic, NamedTuple, TypeVar

import torch
from torch import Tensor

from longshort.kernels.plan import Plan
from longshort.layers.arguments import check_lengths, check_resets
from longshort.layers.inference import ready

S = TypeVar("S")


class Chunk(NamedTuple, Generic[S]):
    """One piece of truncated backpropagation: steps ``start`` to ``stop`` of the input.

    ``output`` is the layer's output for them and ``state`` the state after them; gradients reach
    back to ``start``.
    """

    start: int
    stop: int
    output: Tensor
    state: S


class Stream(Generic[S]):
    """A layer that reads one time step per call and keeps its state, for live use.

    The numbers are those of ``layer.step``. The state's tensors are made once and updated in place;
    nothing is kept for gradients. Made by ``layer.stream(batch)``.
    """

    def __init__(self, layer: Any, batch: int) -> None:
        self._layer = layer
        self._batch, self._shape = batch, torch.Size((batch,))
        self._state: list[Tensor] = _opening(layer, batch)
        self._plan: Plan | None = None
        self._places: tuple[int, int] = (0, 0)

    def __call__(self, x_t: Tensor) -> Tensor:
        """Read x_t (B, F) and give y_t (B, H)."""
        plan, layer = self._plan, self._layer
        if x_t.shape[:-1] != self._shape:
            return self._long(x_t)
        if plan is None or not plan.takes(x_t) or (layer.training and layer.disturbed):
            plan = self._plan = ready(layer, x_t)
            if plan is None:
                return self._long(x_t)
            self._places = plan.addresses(tuple(self._state))
        return plan.step(x_t, self._places, self._places)

    def __getstate__(self) -> dict[str, Any]:
        # a plan is bound to these very tensors
        return {**self.__dict__, "_plan": None}

    @torch.no_grad()
    def _long(self, x_t: Tensor) -> Tensor:
        """The same without the CPU engine."""
        y_t, state = self._layer.step(x_t, self.state)
        for part, new in zip(self._state, self._layer._open(state), strict=True):
            part.copy_(new)
        return y_t  # type: ignore[no-any-return]

    @property
    def state(self) -> S:
        """The state now: the stream's own tensors, in the layer's form. Clone what shall stay."""
        return self._layer._close(tuple(self._state))  # type: ignore[no-any-return]

    @torch.no_grad()
    def load(self, state: S) -> None:
        """Go on from another state, which is copied.

        Raises:
            RuntimeError: it does not fit.
        """
        parts = self._layer._open(state)
        if [part.shape for part in parts] != [part.shape for part in self._state]:
            raise RuntimeError(
                f"Expected a state of {[list(part.shape) for part in self._state]}, "
                f"got {[list(part.shape) for part in parts]}"
            )
        for part, new in zip(self._state, parts, strict=True):
            part.copy_(new)

    @torch.no_grad()
    def reset(self, rows: Tensor | None = None) -> None:
        """Begin anew: all rows, or those where ``rows`` (B,) of bool is True.

        Raises:
            ValueError: ``rows`` is not (B,) of bool.
        """
        if rows is not None and (rows.shape != (self._batch,) or rows.dtype != torch.bool):
            raise ValueError(
                f"rows should be ({self._batch},) of torch.bool, got {list(rows.shape)} of "
                f"{rows.dtype}"
            )
        for part, first in zip(self._state, _opening(self._layer, self._batch), strict=True):
            part.copy_(first if rows is None else torch.where(rows[:, None], first, part))


@torch.no_grad()
def _opening(layer: Any, batch: int) -> list[Tensor]:
    """The state that ``batch`` rows begin with, by the weights as they are now."""
    x = layer.weights(0).w_hh.new_zeros(batch, 1, layer.input_size)
    return [part.clone() for part in layer._begin(x, None, batched=True)]


def chunks(
    layer: Any,
    x: Tensor,
    every: int,
    state: S | None,
    lengths: Tensor | None,
    resets: Tensor | None,
) -> Iterator[Chunk[S]]:
    """Read x along its time axis, ``every`` steps at a time, carrying the detached state."""
    if every < 1:
        raise ValueError(f"every should be 1 step or more, got: {every}")
    if not isinstance(x, Tensor):
        raise TypeError(f"truncated: Expected a padded tensor, got {type(x).__name__}")
    axis = 1 if layer.batch_first and x.dim() == 3 else 0
    check_resets(resets, x.shape[:-1])
    if lengths is not None and x.dim() == 3:
        check_lengths(lengths, x if axis == 1 else x.transpose(0, 1))
        lengths = lengths.long()
    return _read(layer, x, every, axis, state, lengths, resets)


def _read(
    layer: Any,
    x: Tensor,
    every: int,
    axis: int,
    state: S | None,
    lengths: Tensor | None,
    resets: Tensor | None,
) -> Iterator[Chunk[S]]:
    for start in range(0, x.shape[axis], every):
        part = x.narrow(axis, start, min(every, x.shape[axis] - start))
        size = part.shape[axis]
        output, after = layer(
            part,
            state,
            lengths=None if lengths is None else (lengths - start).clamp(0, size),
            resets=None if resets is None else resets.narrow(axis, start, size),
        )
        yield Chunk(start, start + size, output, after)
        state = layer._close(tuple(part.detach() for part in layer._open(after)))

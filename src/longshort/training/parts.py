"""One batch read in as many parts as memory needs, on as many processes as there are.

A ``Loss`` is a sum and a count, and what training disturbs is drawn for whole batches, so parts
give the gradient of the whole batch, but for rounding.
"""

from __future__ import annotations

import gc
import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor, nn

from longshort.contracts import Batch, State
from longshort.errors import TrainingError
from longshort.model import Model
from longshort.training.ranks import Ranks
from longshort.training.settings import Training

T = TypeVar("T")

# how the CPU's allocators say it; CUDA's has an exception of its own
_SAYINGS = (
    "out of memory",
    "not enough memory",
    "can't allocate memory",
    "alloc_failed",
    "bad_alloc",
    "storage size calculation overflowed",
    "overflow when unpacking",
)


class Read(NamedTuple):
    """What a batch gave, over all processes.

    ``total`` is the loss summed over ``scored`` elements, ``state`` where it ended (if that goes
    on), ``rows`` how many fitted into memory at once, ``stop`` whether a process wants to stop.
    """

    total: float
    scored: int
    state: State | None
    rows: int
    stop: bool


def out_of_memory(error: Exception) -> bool:
    """Whether that is what an error says."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return any(saying in str(error).lower() for saying in _SAYINGS)


def halving(limit: int, rows: int, read: Callable[[int], T]) -> tuple[T, int]:
    """``read`` told to take ``limit`` of ``rows`` at once, and half of that for lack of memory.

    Returns:
        What it gave, and the limit that held.

    Raises:
        TrainingError: one row is too much.
    """
    while True:
        try:
            return read(limit), limit
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error):
                raise
            if limit == 1 or rows <= 1:
                raise TrainingError(
                    "there is not enough memory for one row: use a smaller network, a shorter "
                    "context, or a machine with more memory"
                ) from error
        # after the handler, when what the attempt held can go
        limit = (min(limit, rows) + 1) // 2
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def pieces(
    batch: Batch, state: State | None, start: int, stop: int, rows: int
) -> Iterator[tuple[Batch, State | None]]:
    """Rows ``start`` to ``stop``, at most ``rows`` at a time; one empty piece where there are none.

    ``state`` holds the whole batch's rows.
    """
    for first in range(start, stop, rows) if stop > start else [start]:
        end = min(first + rows, stop)
        if end - first == batch.rows:
            yield batch, state
        else:
            yield batch.slice(first, end), None if state is None else rows_of(state, first, end)


def rows_of(state: State, start: int, stop: int) -> State:
    """The state of some rows."""
    return state.map(lambda tensor: tensor[start:stop])


def put_together(states: Sequence[State]) -> State:
    """One state of all rows, from those of parts."""
    if len(states) == 1:
        return states[0]
    flat = [state.flatten() for state in states]
    return State.unflatten({name: torch.cat([part[name] for part in flat]) for name in flat[0]})


def gradient(
    model: Model,
    batch: Batch,
    state: State | None,
    rows: int,
    ranks: Ranks,
    *,
    carried: bool = False,
    stop: bool = False,
) -> Read:
    """Put the gradient of a batch's mean loss into the model's parameters.

    Torch's generator is left as it was, so that the same again draws the same.

    Args:
        batch: the whole batch, on every process.
        state: where the batch before it ended; None begins anew.
        rows: most rows at once; halved where memory is not enough.
        ranks: the processes; each reads its share.
        carried: give the state where the batch ended, without its graph.
        stop: this process wants to stop; ``Read.stop`` says whether any does.
    """
    first, end = ranks.share(batch.rows)
    # every part draws what the whole batch would
    drawn = torch.default_generator.get_state()

    def attempt(rows: int) -> tuple[float, int, Tensor, list[State]]:
        model.zero_grad(set_to_none=True)
        total, scored = 0.0, 0
        unit, ends = torch.tensor(0), list[State]()
        for part, before in pieces(batch, state, first, end, rows):
            torch.default_generator.set_state(drawn)
            loss, after = model.loss(part, before)
            # the first part's mean, and the others' in its measure
            unit = unit if ends else loss.count.clamp(min=1)
            (loss.total / unit).backward()  # type: ignore[no-untyped-call]
            total += float(loss.total.detach())
            scored += int(loss.count)
            ends.append(after.detach() if carried else State())
        return total, scored, unit, ends

    (total, scored, unit, ends), rows = halving(rows, end - first, attempt)
    parameters = [p for p in model.parameters() if p.requires_grad]
    has = [p.grad is not None for p in parameters]
    total, all_scored, stops, *have = ranks.sums([total, scored, stop, *has])
    weight = int(unit) / max(all_scored, 1)
    used = [p for p, anywhere in zip(parameters, have, strict=True) if anywhere]
    for parameter in used:
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
        elif weight != 1:
            parameter.grad.mul_(weight)
    ranks.add([p.grad for p in used if p.grad is not None])
    torch.default_generator.set_state(drawn)
    whole = put_together(ends).map(lambda t: ranks.gather(t, first, batch.rows))
    return Read(total, int(all_scored), whole if carried else None, rows, stops > 0)


def clip(model: nn.Module, training: Training) -> float:
    """Clip all gradients as ``training`` says; the norm of the whole gradient before that."""
    parameters = [p for p in model.parameters() if p.grad is not None]
    limit = math.inf if training.clip is None else training.clip
    norm = float(nn.utils.clip_grad_norm_(parameters, limit))
    if training.clip_value is not None:
        nn.utils.clip_grad_value_(parameters, training.clip_value)
    return norm

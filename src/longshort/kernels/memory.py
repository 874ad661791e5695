"""Less memory for backward: a row is read in chunks whose inside is computed again when needed.

Chen et al. (2016, arXiv 1604.06174): with chunks of sqrt(T) steps, memory grows with sqrt(T) and
every step is computed twice. The gradients are the same numbers; second gradients work.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal, Unpack

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from longshort.kernels.reference import Masks, Reading, State, Steps

# keep everything; keep the states and compute the gates again; keep a state per sqrt(T) steps
Memory = Literal["all", "recompute", "chunks"]
Run = Callable[..., Steps]


def in_chunks(
    run: Run, x: Tensor, state: State, memory: Memory, **reading: Unpack[Reading]
) -> Steps:
    """``run(x, state, **reading)``, chunk by chunk, keeping only what stands between chunks."""
    steps = x.shape[1]
    size = 1 if memory == "recompute" else math.isqrt(max(steps - 1, 0)) + 1
    starts = list(range(0, steps, size))
    reverse = reading.get("reverse", False)
    pieces: dict[int, Steps] = {}
    for start in reversed(starts) if reverse else starts:
        stop = min(start + size, steps)
        part = _part(reading, start, stop)
        if reverse and stop < steps:
            state = _cut(state, reading, stop)
        piece = checkpoint(
            run,
            x[:, start:stop],
            state,
            use_reentrant=False,
            preserve_rng_state=False,
            **part,
        )
        pieces[start] = piece
        state = piece.state
    parts = [pieces[start] for start in starts]
    return Steps(
        torch.cat([p.out for p in parts], 1),
        state,
        tuple(torch.cat(p, 1) for p in zip(*[p.states for p in parts], strict=True)),
        tuple(torch.cat(p, 1) for p in zip(*[p.gates for p in parts], strict=True)),
    )


def _part(reading: Reading, start: int, stop: int) -> Reading:
    """How steps ``start`` to ``stop`` are read."""
    part = reading.copy()
    lengths, resets, masks = reading.get("lengths"), reading.get("resets"), reading.get("masks")
    if lengths is not None:
        part["lengths"] = (lengths - start).clamp(0, stop - start)
    if resets is not None:
        part["resets"] = resets[:, start:stop]
    if masks is not None:
        cut = (m if m is None or m.shape[1] == 1 else m[:, start:stop] for m in masks)
        part["masks"] = Masks(*cut)
    return part


def _cut(state: State, reading: Reading, start: int) -> State:
    """The state before the step that ends at ``start``, read backwards: a cut there begins anew."""
    resets, lengths = reading.get("resets"), reading.get("lengths")
    if resets is None:
        return state
    cut = resets[:, start]
    if lengths is not None:
        cut = cut & (lengths.to(cut.device) > start)
    first = reading.get("initial") or tuple(torch.zeros_like(part) for part in state)
    return tuple(torch.where(cut.unsqueeze(1), f, s) for f, s in zip(first, state, strict=True))

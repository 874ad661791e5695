"""The mean loss of a model over examples, and how examples are read."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from longshort.contracts import Batch, Examples, Measured, State
from longshort.data.sampler import Sampler
from longshort.errors import ArgumentError, DataError
from longshort.model import Model
from longshort.training.parts import halving, pieces, put_together

# rows of one validation batch; larger than training's, since nothing is kept for a backward pass
VALID_ROWS = 512


def stream_rows(model: Model, examples: Examples, rows: int) -> tuple[int, bool]:
    """Rows of a batch, and whether each batch continues the one before it.

    Raises:
        ArgumentError: the model carries its state on, and the examples are in no order.
    """
    if model.memory == "window":
        return rows, False
    if examples.streams is None:
        raise ArgumentError(
            'memory="carried": a state is carried from batch to batch, and these examples are not '
            'chunks of streams; give examples with streams, or use memory="window"'
        )
    return examples.streams, True


def lengths_of(examples: Examples) -> NDArray[np.int64] | None:
    """How long each example is; None where all are alike."""
    return examples.steps if isinstance(examples, Measured) else None


@torch.no_grad()
def mean_loss(
    model: Model, examples: Examples, rows: int = VALID_ROWS, *, most: int | None = None
) -> float:
    """The model's mean loss per scored element over all examples, without dropout.

    A carried model reads them in order, from an empty state; any other, where there are more than
    ``most`` batches, as many examples spread evenly. Batches for which memory is not enough are
    read in parts.

    Raises:
        DataError: no example has a scored element.
        TrainingError: memory is not enough for one row.
    """
    rows, carried = stream_rows(model, examples, rows)
    lengths = None if carried else lengths_of(examples)
    most = None if carried else most
    sampler = Sampler(len(examples), rows, shuffle=False, most=most, lengths=lengths)
    was_training = model.training
    model.eval()
    total, count = 0.0, 0
    state: State | None = None
    for _, index in sampler.batches():
        batch = examples.batch(index).to(model.device)
        read = partial(_read, model, batch, state if carried else None)
        (own, scored, state), rows = halving(rows, batch.rows, read)
        total, count = total + own, count + scored
    model.train(was_training)
    if not count:
        raise DataError(
            f"none of {len(examples)} examples has an observed target, so there is no loss; give "
            "a part in which the target was observed"
        )
    return total / count


def _read(model: Model, batch: Batch, state: State | None, rows: int) -> tuple[float, int, State]:
    """Summed loss, scored elements and the state after a batch, so many rows at a time."""
    found = [model.loss(*piece) for piece in pieces(batch, state, 0, batch.rows, rows)]
    total = sum(float(loss.total) for loss, _ in found)
    count = sum(int(loss.count) for loss, _ in found)
    return total, count, put_together([end for _, end in found])

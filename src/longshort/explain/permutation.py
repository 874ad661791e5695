"""What is lost without a column: its values exchanged among the rows of a batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from longshort.contracts import Batch

# what of a batch belongs together: by the dotted name of a field, the places along its last axis,
# or None for all of it (symbols have no such axis)
Reads = Mapping[str, Sequence[int] | None]


def permuted(batch: Batch, reads: Reads, order: Tensor) -> Batch:
    """The batch with some of what it holds taken from other rows, whole sequences at a time.

    Breiman (2001, Random Forests): how much worse a model gets tells how much it leans on it.

    Args:
        batch: B rows.
        reads: what is taken from elsewhere; all of it from the same row.
        order: (B,) of int64, whose values each row gets.
    """
    changed: dict[str, Any] = {}
    for name, places in reads.items():
        group, _, field = name.partition(".")
        fields = changed.get(group, dict(getattr(batch, group)))
        x = fields[field]
        if places is None:
            fields[field] = x[order]
        else:
            at = torch.as_tensor(places, dtype=torch.int64, device=x.device)
            fields[field] = x.index_copy(-1, at, x[order].index_select(-1, at))
        changed[group] = fields
    return replace(batch, **changed)

r"""What an answer leans on: integrated gradients through a whole model.

With F an answer, x what was read, x' a baseline and i one number of it,

    a_i = (x_i - x'_i) * integral over s from 0 to 1 of  dF(x' + s (x - x')) / dx_i  ds

so that the attributions of all numbers sum to F(x) - F(x') (completeness), and a number on which F
does not depend gets 0 (Sundararajan, Taly and Yan 2017, Axiomatic Attribution for Deep Networks).
The integral is a Gauss-Legendre sum, exact for polynomials up to degree 2 * steps - 1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from longshort.contracts import Batch, Prediction, within
from longshort.errors import ArgumentError
from longshort.model import Model, predicting

# fields of a batch that a model reads numbers or symbols from
_GROUPS = ("inputs", "future", "static")
_REFERENCE = "reference"


@dataclass(frozen=True)
class Attribution:
    """What each number that was read did to each answer; M answers of B rows.

    Args:
        parts: by the name of what was read, (M, B, ...) with the axes of that field of the batch:
            "inputs.numbers", "future.numbers", "static.numbers", "reference"; symbols under their
            own names, such as "inputs.words" (M, B, T), summed over their embedding.
        answer: (M, B), F(x).
        start: (M, B), F(x').
    """

    parts: Mapping[str, Tensor]
    answer: Tensor
    start: Tensor

    @property
    def gap(self) -> float:
        """Largest difference between a sum of attributions and F(x) - F(x')."""
        total = sum(
            (part.reshape(*part.shape[:2], -1).sum(2) for part in self.parts.values()), -self.answer
        )
        return float((total + self.start).abs().max()) if self.answer.numel() else 0.0


def integrated_gradients(
    model: Model,
    batch: Batch,
    background: Batch,
    answers: Callable[[Prediction], Tensor],
    *,
    steps: int = 16,
) -> Attribution:
    """Attribute some of a model's answers to all that it read.

    Symbols are attributed through their embeddings. Regularisers are off, and weights and their
    gradients are left as they are.

    Args:
        model: any; a model with tables of symbols looks each field up at most once.
        batch: B rows.
        background: rows whose mean, over time too, is the baseline: the training part.
        answers: from a prediction in encoded units the M answers to explain, (B, M).
        steps: of the sum that stands for the integral, 1 or more.

    Raises:
        ArgumentError: the model reads no numbers and no symbols.
    """
    with predicting(model):
        with torch.no_grad():
            ends = _read(model, batch, answers)
            means = {
                name: _mean(name, x, background)
                for name, x in _read(model, background, answers).parts.items()
            }
        if not ends.parts:
            raise ArgumentError("integrated_gradients: the model reads nothing to attribute to")
        # a field that the background lacks begins at zero
        starts = {
            name: means.get(name, x.new_zeros(())).expand_as(x) for name, x in ends.parts.items()
        }
        spans = {name: x - starts[name] for name, x in ends.parts.items()}
        with torch.no_grad():
            start = _read(model, batch, answers, starts).answer
        total = {name: x.new_zeros((start.shape[1], *x.shape)) for name, x in spans.items()}
        nodes, shares = np.polynomial.legendre.leggauss(steps)
        for node, share in zip((nodes + 1) / 2, shares / 2, strict=True):
            at = {name: starts[name] + float(node) * span for name, span in spans.items()}
            for number, found in enumerate(_gradients(model, batch, answers, at)):
                for name, slope in found.items():
                    total[name][number] += float(share) * slope
    parts = {name: _summed(name, spans[name] * total[name], batch) for name in total}
    return Attribution(parts, ends.answer.T, start.T)


@dataclass(frozen=True)
class _Read:
    """All numbers that a model read, by name, and the answers (B, M) it gave."""

    parts: dict[str, Tensor]
    answer: Tensor


def _read(
    model: Model,
    batch: Batch,
    answers: Callable[[Prediction], Tensor],
    given: Mapping[str, Tensor] | None = None,
) -> _Read:
    """Predict a batch, with the given numbers in the place of its own."""
    given = given or {}
    parts = {**_numbers(batch), **{n: x for n, x in given.items() if n in _numbers(batch)}}
    with _looking_up(model, batch, given) as seen:
        answer = answers(model.decode(_with(batch, parts)))
    return _Read({**parts, **seen}, answer)


def _gradients(
    model: Model,
    batch: Batch,
    answers: Callable[[Prediction], Tensor],
    at: Mapping[str, Tensor],
) -> Iterator[dict[str, Tensor]]:
    """For each answer its gradient with respect to everything that was read."""
    with torch.enable_grad():
        leaves = {name: x.detach().requires_grad_() for name, x in at.items()}
        found = _read(model, batch, answers, leaves).answer
        for number in range(found.shape[1]):
            # rows do not depend on each other, so the sum's gradient is each row's own
            slopes = torch.autograd.grad(
                found[:, number].sum(),
                list(leaves.values()),
                retain_graph=number + 1 < found.shape[1],
                materialize_grads=True,
                allow_unused=True,
            )
            yield dict(zip(leaves, slopes, strict=True))


def _numbers(batch: Batch) -> dict[str, Tensor]:
    """The fields of a batch that hold numbers, and at least one, by dotted name."""
    found = {
        f"{group}.{name}": x
        for group in _GROUPS
        for name, x in getattr(batch, group).items()
        if x.is_floating_point() and x.numel()
    }
    return found if batch.reference is None else {**found, _REFERENCE: batch.reference}


def _with(batch: Batch, parts: Mapping[str, Tensor]) -> Batch:
    """A batch with other numbers."""
    changed: dict[str, Any] = {}
    for group in _GROUPS:
        fields = getattr(batch, group)
        changed[group] = {name: parts.get(f"{group}.{name}", x) for name, x in fields.items()}
    if _REFERENCE in parts:
        changed[_REFERENCE] = parts[_REFERENCE]
    return replace(batch, **changed)


@contextmanager
def _looking_up(
    model: nn.Module, batch: Batch, given: Mapping[str, Tensor]
) -> Iterator[dict[str, Tensor]]:
    """What tables of symbols give while it lasts, by name; given ones take the place of theirs."""
    fields = {
        f"{group}.{name}": x
        for group in _GROUPS
        for name, x in getattr(batch, group).items()
        if not x.is_floating_point()
    }
    seen: dict[str, Tensor] = {}
    calls: Counter[str] = Counter()

    def hook(table: str) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], Tensor]:
        def called(_: nn.Module, read: tuple[Tensor, ...], found: Tensor) -> Tensor:
            calls[table] += 1
            name = _field(table, read[0], fields) or f"{table}.{calls[table]}"
            seen[name] = given.get(name, found)
            return seen[name]

        return called

    tables = [(n, m) for n, m in model.named_modules() if isinstance(m, nn.Embedding)]
    handles = [module.register_forward_hook(hook(name)) for name, module in tables]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


def _field(table: str, read: Tensor, fields: Mapping[str, Tensor]) -> str | None:
    """Which field of a batch a table is asked for; None for what is none, such as a last choice.

    It is the field itself, or rows of it that were read several times, under the table's own name.
    """
    for name, x in fields.items():
        if x.data_ptr() == read.data_ptr() and x.shape == read.shape:
            return name
    own = table.rpartition(".")[2]
    alike = (n for n, x in fields.items() if x.shape[1:] == read.shape[1:])
    return next((name for name in alike if name.partition(".")[2] == own), None)


def _mean(name: str, x: Tensor, batch: Batch) -> Tensor:
    """The mean of a field over rows and steps, padded ones left out; of one step's width."""
    if name.startswith("inputs.") and x.dim() == 3 and len(x) == batch.rows:
        return x[within(batch.lengths, x.shape[1])].mean(0)
    return x.flatten(0, -2).mean(0)


def _summed(name: str, attributed: Tensor, batch: Batch) -> Tensor:
    """Symbols have one attribution each, whatever the width of their embedding."""
    group, _, field = name.partition(".")
    own = getattr(batch, group, {}).get(field) if group in _GROUPS else None
    if name == _REFERENCE or (own is not None and own.is_floating_point()):
        return attributed
    # (M, B * C, ..., E): rows may have been read C times, one after the other
    each = attributed.sum(-1)
    return each.reshape(len(each), batch.rows, -1, *each.shape[2:]).sum(2)

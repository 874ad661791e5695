"""What a forecaster's networks lean on: every column at every lag, and what is lost without it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from longshort.contracts import Batch, Prediction
from longshort.data.codecs.categories import key
from longshort.data.encoding import Encoding
from longshort.data.sequences import Field, Role
from longshort.data.windows import Windows
from longshort.explain.attribution import Attribution, integrated_gradients
from longshort.explain.permutation import Reads, permuted
from longshort.model import Model
from longshort.records import Explanation, Leaning, Permutation
from longshort.yardsticks.base import spread_over

# targets and steps ahead that are explained
_TARGETS, _STEPS = 8, 3
# windows explained at most and at least, and time steps read in all, forwards and back
_WINDOWS, _FEWEST, _WORK = 128, 16, 1_000_000
# windows whose mean is the baseline; windows exchanged, how often, and columns that are
_BACKGROUND, _EXCHANGED, _EXCHANGES, _COLUMNS = 256, 400, 3, 20
# of the sum that stands for the integral
_NODES = 12

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Column:
    """One column, or one cycle of the calendar, and where a batch holds it."""

    name: str
    reads: Reads
    # which target it is, if it is one
    target: int | None = None
    # each step reads what is known of the step after it
    early: bool = False


def columns_of(fields: Sequence[Field], encoding: Encoding) -> list[Column]:
    """Every column that a network reads: values, masks, and what is known of it in advance."""
    numbers = [field for field in fields if field.labels is None]
    roles = {role: [f.name for f in numbers if f.role == role] for role in _ROLES}
    # a sine and a cosine each
    cycles = [f"time of {cycle}" for cycle in encoding.cycles for _ in range(2)]
    seen, known = [*roles["target"], *roles["past"]], [*roles["future"], *cycles]
    differences = roles["target"] if encoding.differences else []
    every = {
        "inputs.numbers": [*seen, *encoding.masked, *known, *differences],
        "future.numbers": [] if encoding.recursive else known,
        "static.numbers": roles["static"],
    }
    found = []
    for name in dict.fromkeys([*seen, *roles["future"], *roles["static"], *cycles]):
        reads = {
            part: [at for at, held in enumerate(names) if held == name]
            for part, names in every.items()
            if name in names
        }
        target = roles["target"].index(name) if name in roles["target"] else None
        found.append(Column(name, reads, target, encoding.recursive and name in known))
    vocabulary = encoding.vocabulary
    for at, (name, role) in enumerate(zip(vocabulary.names, vocabulary.roles, strict=True)):
        early = encoding.recursive and role == "future"
        groups = ["inputs"] if early else _HELD[role]
        found.append(Column(name, {f"{part}.{key(at)}": None for part in groups}, None, early))
    return found


_ROLES = ("target", "past", "future", "static")
# where a batch holds the categories of each role
_HELD: dict[Role, list[str]] = {
    "past": ["inputs"],
    "future": ["inputs", "future"],
    "static": ["static"],
    "group": ["static"],
}


def _over_one(windows: Windows) -> Windows:
    """The same origins with a horizon of one step."""
    encoding = replace(windows.encoding, horizon=1)
    return Windows(windows.sequences, encoding, windows.first, windows.last)


def _batch(windows: Windows, index: list[int]) -> Batch:
    """Windows to explain; a recursive model answers the step after the context."""
    batch = windows.batch(index)
    if not windows.encoding.recursive:
        return batch
    last = slice(-1, None)
    reference, mask = batch.reference, batch.target_mask
    return batch.replace(
        reference=None if reference is None else reference[:, last],
        targets=batch.target()[:, last],
        target_mask=None if mask is None else mask[:, last],
    )


def explain_forecasts(
    models: Sequence[Model], explained: Windows, background: Windows, fields: Sequence[Field]
) -> Explanation:
    """Attribute forecasts of some windows to all that was read, and exchange columns among them.

    Args:
        models: whose mean is the forecast.
        explained: windows of the validation part.
        background: windows of the training part.
        fields: the columns, as the networks were made for them.
    """
    if explained.encoding.recursive:
        # what comes after one step is told by running on, as if the step had happened
        explained, background = _over_one(explained), _over_one(background)
    sequences, horizon = explained.sequences, explained.horizon
    targets = [field.name for field in fields if field.role == "target"][:_TARGETS]
    steps = sorted({1, (horizon + 1) // 2, horizon})[:_STEPS]
    asked = [(step, target) for target in range(len(targets)) for step in steps]
    columns = columns_of(fields, explained.encoding)
    work = len(asked) * _NODES * len(models) * explained.context
    count = max(_FEWEST, min(_WINDOWS, _WORK // work))
    index = spread_over(len(explained), count)
    batch = _batch(explained, index.tolist())
    basis = _batch(background, spread_over(len(background), _BACKGROUND).tolist())

    def answers(prediction: Prediction) -> Tensor:
        return torch.stack([prediction.point[:, step - 1, target] for step, target in asked], 1)

    device = models[0].device
    found = [
        integrated_gradients(model, batch.to(device), basis.to(device), answers, steps=_NODES)
        for model in models
    ]
    size = float(torch.stack([(f.answer - f.start).abs().mean() for f in found]).mean())
    shares = _shares(found, columns, explained.encoding)
    leanings = [
        Leaning(targets[target], step, column.name, *_told(shares[place], number))
        for number, (step, target) in enumerate(asked)
        for place, column in enumerate(columns)
    ]
    chosen = spread_over(len(explained), _EXCHANGED)
    most = sorted(columns, key=lambda c: -sum(x.share for x in leanings if x.column == c.name))
    return Explanation(
        sequences.source,
        tuple(targets),
        tuple(column.name for column in columns),
        tuple(steps),
        horizon,
        explained.encoding.step,
        len(index),
        len(chosen),
        max(f.gap for f in found) / max(size, 1e-12),
        tuple(leanings),
        tuple(_exchanged(models, _batch(explained, chosen.tolist()), most, asked, targets)),
    )


@dataclass(frozen=True)
class _Shares:
    """Of one column, for each answer: (M, lags), (M, L) and (M,)."""

    past: Floats
    ahead: Floats
    still: Floats


def _told(shares: _Shares, number: int) -> tuple[tuple[float, ...], tuple[float, ...], float]:
    """What a column has of one answer, in five digits; nothing where it has no such part."""
    past, ahead = (
        tuple(np.round(part[number], 5).tolist()) if part.any() else ()
        for part in (shares.past, shares.ahead)
    )
    return past, ahead, round(float(shares.still[number]), 5)


def _shares(
    found: Sequence[Attribution], columns: Sequence[Column], encoding: Encoding
) -> list[_Shares]:
    """Mean absolute attributions of each column, as shares of those of all columns."""
    parts = {name: torch.stack([f.parts[name] for f in found]).mean(0) for name in found[0].parts}
    lags = [_reference_lag(step, encoding) for step in range(encoding.horizon)]
    longest = max(encoding.context, *lags)
    sizes = []
    for column in columns:
        past = _of(parts, column, "inputs", (encoding.context,)).flip(-1)
        past = torch.nn.functional.pad(past, (0, longest - encoding.context))
        if column.target is not None and "reference" in parts and encoding.relative != "none":
            # the value that a forecast is told relative to is the column's own, at its lag
            told = parts["reference"][..., column.target]
            past = past.index_add(2, torch.tensor(lags, device=past.device) - 1, told)
        ahead = _of(parts, column, "future", (encoding.horizon,))
        if column.early:
            past, ahead = torch.nn.functional.pad(past[..., 1:], (0, 1)), past[..., :1]
        still = _of(parts, column, "static", ())
        sizes.append([part.abs().mean(1).double().cpu().numpy() for part in (past, ahead, still)])
    total = sum((past.sum(1) + ahead.sum(1) + still for past, ahead, still in sizes), np.zeros(()))
    total = np.where(total > 0, total, 1.0)
    return [
        _Shares(past / total[:, None], ahead / total[:, None], still / total)
        for past, ahead, still in sizes
    ]


def _of(parts: dict[str, Tensor], column: Column, group: str, steps: tuple[int, ...]) -> Tensor:
    """(M, B, *steps) attributions of one column among one group of fields; zeros where none."""
    some = next(iter(parts.values()))
    total = some.new_zeros((*some.shape[:2], *steps))
    for name, places in column.reads.items():
        if name.partition(".")[0] == group and name in parts:
            total = total + (parts[name] if places is None else parts[name][..., places].sum(-1))
    return total


def _reference_lag(step: int, encoding: Encoding) -> int:
    """How many rows before the origin the value stands that step ``step`` (from 0) refers to."""
    if encoding.relative != "season":
        return 1
    return encoding.season * (step // encoding.season + 1) - step


def _exchanged(
    models: Sequence[Model],
    batch: Batch,
    columns: Sequence[Column],
    asked: Sequence[tuple[int, int]],
    targets: Sequence[str],
) -> list[Permutation]:
    """How much the error rises when a column's values are those of other windows."""
    batch = batch.to(models[0].device)
    before = _errors(models, batch)
    random = np.random.Generator(np.random.Philox(key=0))
    orders = [torch.from_numpy(random.permutation(batch.rows)) for _ in range(_EXCHANGES)]
    found = []
    for column in columns[:_COLUMNS]:
        after = [_errors(models, permuted(batch, column.reads, order)) for order in orders]
        rises = np.stack([errors / np.where(before > 0, before, np.nan) - 1 for errors in after])
        for step, target in asked:
            told = np.nan_to_num(rises[:, step - 1, target])
            mean, low, high = (
                round(float(part), 5) for part in (told.mean(), told.min(), told.max())
            )
            found.append(Permutation(targets[target], step, column.name, mean, low, high))
    return found


@torch.no_grad()
def _errors(models: Sequence[Model], batch: Batch) -> Floats:
    """(L, K) mean absolute errors of the networks' mean, in encoded units."""
    point = torch.stack([model.decode(batch).point for model in models]).mean(0)
    error = (point - batch.target()).abs().double()
    mask = torch.ones_like(error) if batch.target_mask is None else batch.target_mask.double()
    found: Floats = ((error * mask).sum(0) / mask.sum(0).clamp(min=1)).cpu().numpy()
    return found

"""Whole futures of series: sample paths, in which the steps of a horizon belong together.

A recursive model draws them. A direct model tells every step by itself; its steps are put together
as its errors on the validation part were (the Schaake shuffle, Clark, Gangopadhyay, Hay,
Rajagopalan & Wilby 2004, J. Hydrometeorology 5(1)): of each step the n values at the levels
(i - 1/2) / n, i = 1 to n, are given to n paths in the order that the errors of that step have among
n windows drawn at random. So every step keeps the distribution that was told, and the ranks of
steps and targets hang together as errors did.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from longshort.contracts import Examples
from longshort.data.sequences import Floats
from longshort.data.steps import Ints
from longshort.data.windows import Windows
from longshort.errors import ArgumentError
from longshort.heads.distributions import LEVELS, Point
from longshort.model import Model
from longshort.recursive import Recursive, random_numbers
from longshort.tasks.ensemble import average
from longshort.yardsticks.base import Forecasts, spread_over

Ranks = NDArray[np.int16]
# windows whose errors are kept; numbers held at once, 80 MB in float64
_WINDOWS, _NUMBERS = 256, 10_000_000
# and windows
_ROWS = 512
# steps of paths that an evaluation takes; a million and a half of a small network take a second
_STEPS = 200_000_000
# what the seeds of windows are mixed with
_ODD = 0xBF58476D1CE4E5B9


def draws_paths(model: Model) -> bool:
    """Whether a model's own draws are paths; a point's are not, as it always draws the same."""
    return isinstance(model, Recursive) and not isinstance(model.head.family, Point)


def at_once(model: Model, windows: Examples, most: int) -> int:
    """How many windows to forecast at once: ``most``, fewer where their paths are many numbers."""
    if not isinstance(model, Recursive) or not isinstance(windows, Windows):
        return most
    size = model.count * windows.horizon * len(windows.targets)
    return max(1, min(most, _NUMBERS // size))


def origins_apart(models: Sequence[Model], windows: Windows) -> int:
    """Rows from one origin to the next, so that all their paths are drawn in some minutes.

    1 for models that draw no paths.
    """
    steps = 0
    if isinstance(models[0], Recursive):
        steps = len(models) * models[0].count * windows.horizon * len(windows)
    return max(1, -(-steps // _STEPS))


def error_ranks(forecast: Callable[[Windows, Sequence[int]], Forecasts], windows: Windows) -> Ranks:
    """(M, L, K) of each step and target, the ranks of M windows' errors, 0 to M - 1.

    Errors are told in widths of the central 80 % interval. Windows with a missing value are left
    out, and of many as many are taken as say enough.
    """
    index = spread_over(len(windows), _WINDOWS)
    actual = windows.actual(index)
    whole = np.isfinite(actual).all((1, 2))
    index, actual = index[whole], actual[whole]
    if not len(index):
        return np.zeros((0, *actual.shape[1:]), np.int16)
    found = forecast(windows, index.tolist()).quantiles
    low, middle, high = (found[..., LEVELS.index(level)] for level in (0.1, 0.5, 0.9))
    errors = (actual - middle) / np.maximum(high - low, 1e-300)
    return errors.argsort(0).argsort(0).astype(np.int16)


def correlate(models: Sequence[Model], windows: Windows) -> None:
    """Let recursive models draw their targets together as their errors of one step ahead are.

    Args:
        models: others, and those of one target, are left as they are.
        windows: best ones that no model was fitted on.
    """
    heads = [model.head for model in models if isinstance(model, Recursive)]
    targets = len(windows.targets)
    if not heads or targets == 1 or isinstance(heads[0].family, Point):
        return

    def forecast(windows: Windows, index: Sequence[int]) -> Forecasts:
        found = average(models, windows, index)
        assert found.quantiles is not None
        return Forecasts(found.point.numpy(), found.quantiles.numpy())

    ranks = torch.from_numpy(error_ranks(forecast, windows)[:, 0])
    correlation = torch.eye(targets)
    if len(ranks) > targets:
        scores = torch.special.ndtri((ranks.double() + 0.5) / len(ranks))
        # a little less than measured: it stays positive definite
        correlation = 0.99 * torch.corrcoef(scores.T) + 0.01 * torch.eye(targets)
    for head in heads:
        head.correlate(correlation.float())


def check_ranks(ranks: NDArray[np.generic], horizon: int, targets: int) -> Ranks:
    """What a file holds as ranks, if it is that.

    Raises:
        ValueError: it is of another shape or type, or no ranks.
    """
    if ranks.dtype != np.int16 or ranks.ndim != 3 or ranks.shape[1:] != (horizon, targets):
        raise ValueError(f"ranks of errors are int16 (M, {horizon}, {targets}); got {ranks.shape}")
    if not (np.sort(ranks, 0) == np.arange(len(ranks))[:, None, None]).all():
        raise ValueError("ranks of errors are not the numbers of their windows")
    return np.asarray(ranks, np.int16)


def sample_paths(
    models: Sequence[Model],
    windows: Windows,
    index: Sequence[int],
    count: int,
    seed: int,
    ranks: Ranks,
) -> Floats:
    """(N, count, L, K) paths of the given windows, in the data's own units.

    Args:
        models: one or several, whose quantiles are averaged; the paths of each window depend on
            its series, its origin and ``seed`` alone.
        windows, index: which ones.
        count: paths of each.
        seed: of all draws.
        ranks: what ``error_ranks`` gave; not read by models that draw paths.

    Raises:
        ArgumentError: there are no ranks, and the model does not draw paths.
    """
    own = draws_paths(models[0])
    if not own and not len(ranks):
        raise ArgumentError(
            "no window of the validation part was whole, so it is not known how the steps of a "
            "horizon hang together: fit on data whose validation part has no missing targets, or "
            "use Decoder(mode='recursive')"
        )
    size = count * windows.horizon * len(windows.targets)
    rows = max(1, min(_ROWS, _NUMBERS // size))
    parts = [np.zeros((0, count, windows.horizon, len(windows.targets)))]
    for start in range(0, len(index), rows):
        part = list(index[start : start + rows])
        seeds = torch.from_numpy(windows.seeds(part) ^ np.int64(seed * _ODD % 2**63))
        found, order = (
            _drawn(models, windows, part, count, seeds)
            if own
            else _shuffled(models, windows, part, count, seeds, ranks)
        )
        parts.append(np.take_along_axis(found, order, -1).transpose(0, 3, 1, 2))
    paths = np.concatenate(parts)
    return np.maximum(np.rint(paths), 0) if windows.codec.counts else paths


@torch.no_grad()
def _drawn(
    models: Sequence[Model], windows: Windows, index: list[int], count: int, seeds: Tensor
) -> tuple[Floats, Ints]:
    """Rising values (N, L, K, n), averaged over models that draw alike, and each path's rank."""
    batch = windows.batch(index).replace(seeds=seeds).to(models[0].device)
    told, drawn = [], []
    for model in models:
        assert isinstance(model, Recursive)
        paths = model.paths(batch, count)
        told.append(model.in_units(model.ordered(paths)[0], batch).cpu().numpy())
        drawn.append(paths.cpu().numpy())
    return np.mean(told, 0), np.mean(drawn, 0).argsort(-1).argsort(-1)


@torch.no_grad()
def _shuffled(
    models: Sequence[Model],
    windows: Windows,
    index: list[int],
    count: int,
    seeds: Tensor,
    ranks: Ranks,
) -> tuple[Floats, Ints]:
    """Values (N, L, K, n) at even levels, and each path's rank among them."""
    levels = (torch.arange(count, dtype=torch.float64) + 0.5) / count
    batch = windows.batch(index).to(models[0].device)
    told = []
    for model in models:
        quantiles = model.spread(batch, levels.to(models[0].device)).quantiles
        assert quantiles is not None
        told.append(quantiles.cpu().numpy())
    # one window of errors for each path: as often as need be, all windows in random order
    order = []
    for turn in range(-(-count // len(ranks))):
        words = random_numbers(seeds, turn, 0, len(ranks))
        order.append(words.argsort(1).numpy())
    chosen = np.concatenate(order, 1)[:, :count]
    # windows that come twice are parted at random
    size = int(np.prod(ranks.shape[1:]))
    ties = random_numbers(seeds, 0, 1, count * size).numpy().reshape(-1, count, *ranks.shape[1:])
    places = (ranks[chosen] + ties).argsort(1).argsort(1)
    return np.mean(told, 0), places.transpose(0, 2, 3, 1)

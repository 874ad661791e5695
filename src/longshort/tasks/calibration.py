"""How much a forecaster's quantiles must move, measured on windows that it was not fitted on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from longshort.data.steps import Ints
from longshort.data.windows import Windows
from longshort.heads.conformal import Calibration, enough, shifts
from longshort.heads.distributions import LEVELS, Point
from longshort.heads.real import RealHead
from longshort.model import Model
from longshort.recursive import Recursive
from longshort.tasks.ensemble import average
from longshort.yardsticks.base import spread_over

# windows predicted at once, and numbers held: 80 MB in float64, a few times over
_ROWS, _NUMBERS = 512, 10_000_000
# windows that paths are drawn for, which takes its time
_PATHS = 1000


def settle(
    models: Sequence[Model], windows: Windows, valid_start: Ints, calibration: Calibration
) -> None:
    """Calibrate networks where these windows say enough of their errors.

    Args:
        models: with heads of one kind.
        windows: of the validation part; of the training part where there is none.
        valid_start: (S,) first row of each series that no network was fitted on.
        calibration: the user's choice. A point has no interval but that of its errors, however few
            there are, so that it is calibrated in any case.
    """
    used = windows.last > windows.first
    unseen = bool((windows.first >= valid_start)[used].all())
    if _points(models):
        calibrate(models, windows, "symmetric" if calibration == "none" else calibration)
    elif unseen and enough(len(windows), windows.horizon):
        calibrate(models, windows, calibration)


def in_words(models: Sequence[Model], calibration: Calibration) -> str:
    """How the networks' intervals were made, where there is anything to say."""
    if _points(models):
        return "The network's intervals are those of its errors on the validation part."
    if any(bool((head.errors != 0).any()) for head in _heads(models)):
        return (
            f"The network's intervals were calibrated on the validation part (split conformal, "
            f"{calibration})."
        )
    return ""


def calibrate(models: Sequence[Model], windows: Windows, calibration: Calibration) -> None:
    """Give all networks the shifts that their mean prediction needs; see ``heads.conformal``.

    Encoded quantiles of one row are encoded by the same scale in every network, so that the mean
    of shifted quantiles is the shifted mean, with a logarithm, too.

    Args:
        models: with heads of one kind; what they were calibrated with before is forgotten.
        windows: best ones that no network was fitted on; thinned evenly where they are too many.
        calibration: which way, "none" for no shift.
    """
    heads = _heads(models)
    for head in heads:
        head.calibrate(torch.zeros_like(head.errors))
    if calibration == "none":
        return
    size = windows.horizon * len(windows.targets) * len(LEVELS)
    most = max(1, _NUMBERS // size)
    if isinstance(models[0], Recursive):
        most = min(most, _PATHS)
    index = spread_over(len(windows), most)
    told = []
    for start in range(0, len(index), _ROWS):
        found = average(models, windows, index[start : start + _ROWS].tolist()).quantiles
        assert found is not None
        told.append(found.numpy())
    centre, spread = (part[:, None] for part in windows.statistics(index))
    encode = windows.codec.encode_target
    actual = encode(windows.actual(index), centre, spread)
    quantiles = encode(np.concatenate(told), centre[..., None], spread[..., None])
    moved = shifts(actual, quantiles, LEVELS, calibration)
    for head in heads:
        head.calibrate(torch.from_numpy(moved))


def _heads(models: Sequence[Model]) -> list[RealHead]:
    return [model.head for model in models if isinstance(model.head, RealHead)]


def _points(models: Sequence[Model]) -> bool:
    return isinstance(_heads(models)[0].family, Point)

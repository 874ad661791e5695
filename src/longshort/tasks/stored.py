"""What a model file holds of any estimator, and that it is read as it was written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from longshort import artifact


@dataclass(frozen=True)
class Fit:
    """How a fit went: networks kept, whether fitted on both parts, and what they began with."""

    members: Annotated[int, Field(ge=1, le=1000)]
    refitted: bool
    start: str = ""


def under(prefix: str, tensors: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The tensors whose names begin so, by the rest of their names."""
    return {n.removeprefix(prefix): a for n, a in tensors.items() if n.startswith(prefix)}


def same(found: NDArray[Any], again: NDArray[Any]) -> bool:
    """Whether two arrays are of one type and say the same; bytes are JSON."""
    if found.dtype != again.dtype:
        return False
    if found.dtype == np.uint8:
        return bool(artifact.parse(bytes(found)) == artifact.parse(bytes(again)))
    return np.array_equal(found, again)


def within(found: Any, again: Any) -> bool:
    """Whether all that was found is there again; a later version may know more."""
    if isinstance(found, dict) and isinstance(again, dict):
        return all(within(value, again.get(name)) for name, value in found.items())
    return type(found) is type(again) and bool(found == again)


def check_weights(
    member: str, weights: Mapping[str, NDArray[Any]], wanted: Mapping[str, tuple[int, ...]]
) -> None:
    """The names and shapes that a network has, and finite numbers."""
    for name in sorted({*weights, *wanted}):
        here = weights[name].shape if name in weights else "missing"
        there = wanted.get(name, "absent")
        if here != there:
            raise ValueError(f"tensor {f'{member}.{name}'!r} is {here}, and must be {there}")
    for name, array in weights.items():
        # where one of the numbers is NaN, so are the least and the greatest
        finite = not array.size or np.isfinite([array.min(), array.max()]).all()
        if array.dtype != np.float32 or not finite:
            raise ValueError(f"tensor {f'{member}.{name}'!r} must hold finite numbers of float32")

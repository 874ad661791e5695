"""What a model file holds of any estimator, and that it is read as it was written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from torch import nn

from longshort import artifact
from longshort.contracts import Params


@dataclass(frozen=True)
class Fit:
    """How a fit went: networks kept, whether fitted on both parts, and what they began with."""

    members: Annotated[int, Field(ge=1, le=1000)]
    refitted: bool
    start: str = ""


def sections_of(
    settings: Mapping[str, Any], learned: Mapping[str, Any], fit: Fit
) -> dict[str, Any]:
    """Settings, what was learnt and how, as a model file's header has them."""
    # where it ran is not the model's business
    kept = {name: value for name, value in settings.items() if name != "device"}
    sections: dict[str, Any] = {
        name: value.get_params() if isinstance(value, Params) else value
        for name, value in kept.items()
    }
    return {**sections, "learned": learned, "fit": asdict(fit)}


def in_bytes(told: Mapping[str, Any]) -> NDArray[np.uint8]:
    """JSON values as a tensor."""
    text = json.dumps(told, separators=(",", ":"), allow_nan=False)
    return np.frombuffer(text.encode(), np.uint8)


def weights_of(models: Sequence[nn.Module]) -> dict[str, NDArray[Any]]:
    """The weights of networks by the names that a model file has for them."""
    return {
        f"member{number}.{name}": tensor.cpu().numpy()
        for number, model in enumerate(models)
        for name, tensor in model.state_dict().items()
    }


def digest_of(kind: str, sections: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]) -> str:
    """SHA-256 of what makes a fitted model what it is, wherever and whenever it was trained."""
    told = json.dumps([kind, sections], sort_keys=True, separators=(",", ":"))
    found = hashlib.sha256(told.encode())
    for name, array in sorted(tensors.items()):
        found.update(f"{name} {array.dtype} {array.shape}".encode())
        found.update(np.ascontiguousarray(array).data)
    return found.hexdigest()


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

"""How far the training of an ensemble has come, and that as a checkpoint."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, TypeAdapter
from torch import Tensor

from longshort import artifact
from longshort.checkpoint import Found
from longshort.contracts import Batch, Digested, Examples
from longshort.data.sampler import Sampler
from longshort.errors import ArgumentError, ModelFileError
from longshort.records import Epoch, Stop
from longshort.training.loss import VALID_ROWS
from longshort.training.snapshot import Course, Snapshot, Tensors

Count = Annotated[int, Field(ge=0)]


@dataclass(frozen=True)
class Again:
    """A member that is fitted again: why its first fit stopped, and the epochs of the second."""

    stop: Stop
    epochs: Annotated[int, Field(ge=1)]


@dataclass(frozen=True)
class Turn:
    """Whose turn it is: members that are done, how each stopped, and which were fitted again."""

    stops: tuple[Stop, ...] = ()
    refitted: tuple[bool, ...] = ()
    again: Again | None = None
    # epochs on record before the run at work
    before: Count = 0


@dataclass
class Standing:
    """All that an ensemble's training goes on from.

    ``done`` holds the weights of finished members, ``chosen`` those of the member that is being
    fitted again, ``run`` the run at work.
    """

    turn: Turn = field(default_factory=Turn)
    epochs: list[Epoch] = field(default_factory=list)
    done: list[Tensors] = field(default_factory=list)
    chosen: Tensors = field(default_factory=dict)
    run: Snapshot | None = None


def pack(standing: Standing) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Sections and tensors for the file."""
    run = standing.run
    assert run is not None
    groups = {f"done{number}": weights for number, weights in enumerate(standing.done)}
    groups |= {"chosen": standing.chosen, "best": run.best}
    for name, snapshot in (("now", run), ("good", run.good)):
        if snapshot is not None:
            groups[f"{name}.weights"] = snapshot.weights
            groups[f"{name}.optimizer"] = snapshot.optimizer
            groups[f"{name}.state"] = snapshot.state
    tensors = {
        f"{group}.{name}": tensor.cpu().numpy()
        for group, members in groups.items()
        for name, tensor in members.items()
    }
    # an epoch that is told while it is not over in the snapshot will be told again
    told = standing.epochs[: standing.turn.before + run.course.epoch]
    text = json.dumps([asdict(epoch) for epoch in told], allow_nan=False)
    tensors["history"] = np.frombuffer(text.encode(), np.uint8)
    sections = {
        "turn": asdict(standing.turn),
        "now": asdict(run.course),
        "good": None if run.good is None else asdict(run.good.course),
    }
    return sections, tensors


def unpack(found: Found) -> Standing:
    """What ``pack`` gave, every part checked by itself.

    Raises:
        ModelFileError: a part is missing or of another type.
    """
    content, where = found.content, str(found.path)
    turn = artifact.section(content, "turn", Turn, where)
    try:
        epochs = TypeAdapter(list[Epoch]).validate_python(
            artifact.parse(bytes(content.tensors["history"])), strict=False
        )
    except (KeyError, ValueError) as error:
        raise ModelFileError(f"{where}: its history cannot be read ({error})") from error
    best = _under("best.", content.tensors)
    now = _snapshot("now", found, best)
    if content.sections.get("good") is not None:
        now = now._replace(good=_snapshot("good", found, best))
    done = [_under(f"done{number}.", content.tensors) for number in range(len(turn.stops))]
    return Standing(turn, epochs, done, _under("chosen.", content.tensors), now)


def _snapshot(name: str, found: Found, best: Tensors) -> Snapshot:
    course = artifact.section(found.content, name, Course, str(found.path))
    weights, optimizer, state = (
        _under(f"{name}.{part}.", found.content.tensors)
        for part in ("weights", "optimizer", "state")
    )
    return Snapshot(course, weights, optimizer, state, best)


def _under(prefix: str, tensors: Mapping[str, NDArray[Any]]) -> Tensors:
    return {
        name.removeprefix(prefix): torch.from_numpy(array.copy())
        for name, array in tensors.items()
        if name.startswith(prefix)
    }


def refuse_others(found: Found, prints: Mapping[str, str]) -> None:
    """Go on only with the same settings and data; ``prints`` tells them apart, by name.

    Raises:
        ArgumentError: what differs is named.
        ModelFileError: the file does not tell.
    """
    before = artifact.value(found.content, "prints", dict[str, str], str(found.path))
    if differ := differences(before, prints):
        raise ArgumentError(
            f"{found.path} belongs to a fit with other settings or data: {differ}. Go on with the "
            "same ones, or begin anew: delete it, or fit with --no-resume"
        )


def differences(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    """Where two sets of named texts differ, in words; "" where they do not."""
    return "; ".join(
        f"{name} was {before.get(name, 'not there')} and is {now.get(name, 'not there')}"
        for name in sorted({*before, *now})
        if before.get(name) != now.get(name)
    )


def digest(parts: Iterable[Examples | None]) -> str:
    """A number that tells examples apart: sha256 over everything in all their batches."""
    found = hashlib.sha256()
    for examples in parts:
        found.update(b"part")
        if isinstance(examples, Digested):
            found.update(examples.digest())
            continue
        if examples is None:
            continue
        for _, index in Sampler(len(examples), VALID_ROWS, shuffle=False).batches():
            for name, tensor in sorted(_tensors(examples.batch(index)).items()):
                array = tensor.numpy()
                found.update(f"{name} {array.dtype} {array.shape}".encode())
                found.update(np.ascontiguousarray(array).data)
    return found.hexdigest()


def _tensors(batch: Batch) -> dict[str, Tensor]:
    flat: dict[str, Tensor] = {}
    for name, value in vars(batch).items():
        if isinstance(value, Tensor):
            flat[name] = value
        elif isinstance(value, Mapping):
            flat |= {f"{name}.{inner}": tensor for inner, tensor in value.items()}
    return flat

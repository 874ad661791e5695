"""The layers of a model from the input up: what can be frozen, and what learns how fast."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from torch import nn

from longshort.errors import ArgumentError, suggest

# what a layer's name can be, whatever the model
_NAME = re.compile(r"(pretrained|encoder)(\.\d+)?|embed|head")
# where the weights of a pretrained network stand
_PRETRAINED = "encoder.embed.pretrained.trunk."
# how the recurrence ends its parameters' names, as torch does
_NUMBER = re.compile(r"_l(\d+)(_reverse)?$")


@dataclass(frozen=True)
class Layer:
    """One layer's parameters that can be trained, and how many layers stand above it.

    Above a pretrained trunk stands one thing, whatever its layers: what is new.
    """

    name: str
    parameters: tuple[nn.Parameter, ...]
    above: int

    def named(self, names: Collection[str]) -> bool:
        """Whether one of the names means this layer: its own, or that of its part."""
        return self.name in names or self.name.partition(".")[0] in names


def layers_of(model: nn.Module) -> list[Layer]:
    """The layers from the input up: "embed", "encoder.0", "encoder.1", ..., "head".

    "embed" is everything of the trunk that is no numbered layer of its recurrence, and "head" all
    that is no trunk; either may be empty. Where a pretrained network learns with it, its layers
    stand below: "pretrained.0", what looks its symbols up, then its recurrence from
    "pretrained.1" on.
    """
    before: dict[int, list[nn.Parameter]] = {}
    given = False
    found: dict[str, list[nn.Parameter]] = {"embed": []}
    head: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        given = given or name.startswith(_PRETRAINED)
        if not parameter.requires_grad:
            continue
        number = _NUMBER.search(name)
        if not name.startswith("encoder."):
            head.append(parameter)
        elif name.startswith(_PRETRAINED):
            before.setdefault(1 + int(number[1]) if number else 0, []).append(parameter)
        elif number is None or ".embed." in name:
            found["embed"].append(parameter)
        else:
            found.setdefault(f"encoder.{number[1]}", []).append(parameter)
    found["head"] = head
    last = len(found) - 1
    below = [
        Layer(f"pretrained.{number}", tuple(parameters), len(before) - place)
        for place, (number, parameters) in enumerate(sorted(before.items()))
    ]
    return below + [
        # what is new learns together, at the whole rate
        Layer(name, tuple(parameters), 0 if given else last - place)
        for place, (name, parameters) in enumerate(found.items())
    ]


def refuse_layers(argument: str, names: Sequence[str], known: Sequence[str] | None = None) -> None:
    """Say which names are not those of layers.

    Args:
        known: the layers that a model has; any model's where it is None.

    Raises:
        ArgumentError: one of them is not, or not of this model.
    """
    for name in names:
        if not _NAME.fullmatch(name):
            usual = ("embed", "encoder", "encoder.0", "head")
            raise ArgumentError(f"{argument}: there is no layer {name!r}: {suggest(name, usual)}")
        parts = {"encoder", *(each.partition(".")[0] for each in known or ())}
        if known is not None and name not in known and name not in parts:
            raise ArgumentError(
                f"{argument}: the network has no layer {name!r}, only {', '.join(known)}"
            )

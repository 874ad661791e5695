"""The arguments that every recurrent layer has beyond torch's, and their defaults."""

from __future__ import annotations

from typing import Any, Literal, TypedDict

from longshort.kernels.dispatch import Choice
from longshort.kernels.memory import Memory
from longshort.layers.initial import Method
from longshort.layers.regularise import KINDS

Merge = Literal["concat", "sum", "mean", "product"]


class Extras(TypedDict, total=False):
    """What every recurrent layer has beyond torch's, keyword-only; see ``LSTM``."""

    layer_norm: bool
    gate_clip: float | None
    variational_input: float
    variational_hidden: float
    zoneout_hidden: float
    weight_drop: float
    forget_bias: float | None
    chrono: int | None
    init: Method
    learn_state: bool
    residual: bool
    merge: Merge
    memory: Memory
    engine: Choice


DEFAULTS: dict[str, Any] = {
    "layer_norm": False,
    "gate_clip": None,
    **dict.fromkeys(KINDS, 0.0),
    "forget_bias": None,
    "chrono": None,
    "init": "torch",
    "learn_state": False,
    "residual": False,
    "merge": "concat",
    "memory": "all",
    "engine": "auto",
}
CHOICES = {
    "merge": ("concat", "sum", "mean", "product"),
    "memory": ("all", "recompute", "chunks"),
    "engine": ("auto", "cpu", "reference", "torch"),
}


def complete(name: str, extras: dict[str, Any]) -> dict[str, Any]:
    """Defaults and what was given; unknown names and choices are refused."""
    unknown = [key for key in extras if key not in DEFAULTS]
    if unknown:
        raise TypeError(f"{name}.__init__() got an unexpected keyword argument {unknown[0]!r}")
    settings = {**DEFAULTS, **extras}
    for key, known in CHOICES.items():
        if settings[key] not in known:
            raise ValueError(f"{key} should be one of {', '.join(known)}, got: {settings[key]!r}")
    return settings

"""Configurations: settings that differ, by name, as a table, a file or a line tells them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pydantic
from pydantic import TypeAdapter

from longshort.contracts import Params
from longshort.errors import ArgumentError, DataError, suggest
from longshort.report.numerals import setting
from longshort.tasks.forecast import Forecaster

# what is compared where nothing else is asked for
STANDARD: dict[str, dict[str, Any]] = {
    "LSTM": {"cell": "lstm"},
    "GRU": {"cell": "gru"},
    "RNN": {"cell": "rnn"},
    "BiLSTM": {"cell": "lstm", "bidirectional": True},
    "CNN + LSTM": {"cell": "lstm", "stem": 3},
}
# what all configurations must share, or they would be judged on other windows
_SHARED = ("columns", "horizon", "split", "fill", "random_state", "device")
_SECTIONS = ("recurrent", "decoder", "training", "window", "scaling")

Configs = Mapping[str, Mapping[str, Any]]


def configured(base: Forecaster, configs: Configs) -> dict[str, Forecaster]:
    """An estimator per configuration.

    Raises:
        ArgumentError: none is given, a name or a setting is unknown or shared, or a value is not
            possible.
    """
    if not configs:
        raise ArgumentError("configs: there is none; give one or more, such as gru: cell=gru")
    made = {}
    for name, differing in configs.items():
        estimator = type(base)(**base.get_params(deep=False))
        try:
            estimator.set_params(**_flat(base, differing))
        except (ArgumentError, TypeError) as error:
            raise ArgumentError(f"configuration {name!r}: {error}") from error
        if estimator.training.refit:
            raise ArgumentError(
                f"configuration {name!r}: refit learns from the validation part, on which "
                "configurations are chosen; leave it out, and refit the one that you choose"
            )
        made[name] = estimator
    return made


def _flat(base: Forecaster, differing: Mapping[str, Any], section: str = "") -> dict[str, Any]:
    """Changes by the names that ``set_params`` takes."""
    homes: dict[str, str] = {}
    for outer in _SECTIONS:
        for inner in getattr(base, outer).get_params():
            homes.setdefault(inner, f"{outer}__{inner}")
    plain = {name: name for name in base.scalars if name not in _SHARED}
    found: dict[str, Any] = {}
    for name, value in differing.items():
        whole_name = f"{section}.{name}" if section else name
        if isinstance(value, Mapping) and not section:
            found |= _flat(base, value, name)
            continue
        outer, dot, inner = whole_name.partition(".")
        place = f"{outer}__{inner}" if dot else {**homes, **plain}.get(name, "")
        if dot and (outer not in _SECTIONS or inner not in getattr(base, outer).get_params()):
            place = ""
        if not place:
            if outer in _SHARED:
                raise ArgumentError(f"{outer} is shared by all: they are judged on the same rows")
            raise ArgumentError(f"no setting {whole_name!r}: {suggest(name, [*homes, *plain])}")
        found[place] = _typed(base, place, value)
    return found


def _typed(base: Forecaster, place: str, value: Any) -> Any:
    """A setting's value; whole numbers stand for numbers."""
    outer, _, inner = place.partition("__")
    before = getattr(getattr(base, outer), inner) if inner else getattr(base, outer)
    if isinstance(before, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value


def changes(base: Forecaster, estimator: Forecaster) -> dict[str, str]:
    """What differs from the base, in words."""
    old, new = base.get_params(), estimator.get_params()
    return {
        name.partition("__")[2] or name: setting(value)
        for name, value in new.items()
        if not isinstance(value, Params) and value != old[name]
    }


_CONFIGS = TypeAdapter(dict[str, dict[str, Any]])


def read_configs(path: str | Path) -> dict[str, dict[str, Any]]:
    """Configurations from a TOML file, a table for each: ``[gru]`` and below it ``cell = "gru"``.

    Raises:
        DataError: there is no such file, or it is not TOML with tables alone.
    """
    try:
        told = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not TOML: {error}") from error
    try:
        return _CONFIGS.validate_python(told)
    except pydantic.ValidationError as error:
        place = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise DataError(
            f"{path}: {place!r} stands outside of a table: write [{place}] and below it the "
            'settings, such as cell = "gru"'
        ) from error


def parse_config(text: str) -> tuple[str, dict[str, Any]]:
    """A configuration from one line: "gru: cell=gru, size=64".

    Values are read as TOML, and as text where they are none: 64, 0.1, true, gru.

    Raises:
        ArgumentError: it is not written so.
    """
    name, colon, rest = text.partition(":")
    found: dict[str, Any] = {}
    for piece in filter(None, (piece.strip() for piece in rest.split(","))):
        key, equals, value = (part.strip() for part in piece.partition("="))
        if not key or not equals or not value:
            colon = ""
            break
        try:
            found[key] = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            found[key] = None if value == "none" else value
    if not name.strip() or not colon:
        raise ArgumentError(f"config {text!r}: write a name and settings: 'gru: cell=gru, size=64'")
    return name.strip(), found

"""Compare: several configurations and all yardsticks, one table, one opening of the test part."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pydantic
from pydantic import TypeAdapter

from longshort.contracts import Params, whole
from longshort.data.windows import Windows
from longshort.errors import ArgumentError, DataError, suggest
from longshort.evaluate.comparison import Reread, Team, compare_methods, validation_errors
from longshort.evaluate.forecast import (
    Terms,
    Windowed,
    environment,
    panel,
    rows_fitted,
    seasons_of,
    summarise,
)
from longshort.evaluate.judge import absolute_errors, least, naive_scales
from longshort.evaluate.tally import names_of
from longshort.heads.distributions import LEVELS
from longshort.layers.encoder import parameter_count
from longshort.records import Comparison, Contender
from longshort.report.numerals import count, setting
from longshort.tasks.ensemble import Progress
from longshort.tasks.forecast import Forecaster
from longshort.tasks.runs import Runs
from longshort.yardsticks.base import Method
from longshort.yardsticks.roster import Choice

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


def compare(
    data: Any,
    base: Forecaster,
    configs: Configs | str | Path | None = None,
    *,
    seeds: int = 3,
    level: float = 0.8,
    yardsticks: Choice = "all",
    folder: str | Path | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Fit several configurations from several seeds, and judge them beside all yardsticks.

    Every fit learns from the training part and stops by the validation part; the configuration
    with the least error there is chosen, and the best yardstick likewise. Then the test part is
    opened, once for all: every configuration and yardstick forecasts the same origins.

    Args:
        data: as for ``Forecaster.fit``.
        base: what every configuration starts from; its split must have a test part. It stays
            unfitted.
        configs: by name, the settings that differ, such as ``{"gru": {"cell": "gru"}, "wide":
            {"size": 64, "epochs": 100}}``, or a TOML file with a table for each; None compares
            LSTM, GRU, RNN, an LSTM that reads both ways and one behind a convolution. Names are
            those of ``Recurrent``, ``Decoder``, ``Training``, ``Window``, ``Scaling`` and of
            ``Forecaster``, with the section before them where they are not alone
            ("recurrent.size").
        seeds: fits of each configuration, from ``base.random_state`` on.
        level, yardsticks: as for ``Forecaster.evaluate``.
        folder: where each fitted model is kept as soon as it is done; the same call goes on from
            there, and fits only what is new.
        progress: who is told how it goes on.

    Raises:
        KeyboardInterrupt: Ctrl-C; what was finished is kept in the folder.
        ArgumentError: a configuration is not possible, or there is no test part.
        DataError: the data cannot be used.
        OutputError: the folder cannot be written.
    """
    if isinstance(configs, str | Path):
        configs = read_configs(configs)
    made = configured(base, STANDARD if configs is None else configs)
    whole("seeds", seeds, 1)
    if base.split.test is None:
        raise ArgumentError(
            "compare needs a test part, which nothing is chosen on: give Split(test=0.15), or a "
            "time stamp"
        )
    portion = base._portion(data)
    past = portion.before(portion.cuts.test_start)
    runs = Runs(folder, progress)
    fitted: dict[str, list[Forecaster]] = {}
    total = len(made) * seeds
    for name, estimator in made.items():
        for number in range(seeds):
            seed = base.random_state + number
            one = type(base)(**{**estimator.get_params(deep=False), "random_state": seed})
            done = sum(map(len, fitted.values())) + 1
            text = f"{name}, seed {seed} (fit {done} of {total})"
            fitted.setdefault(name, []).append(runs.fitted(f"{name}-seed{seed}", text, one, past))
    found = _judged(data, base, fitted, Terms(LEVELS, level, yardsticks=yardsticks))
    changed = {name: _changes(base, estimator) for name, estimator in made.items()}
    told = [replace(one, settings=changed[one.name]) for one in found.contenders]
    notes = [*found.notes, "Settings are those that all share unless a configuration says more."]
    before = runs.opened(portion.digest(), f"{', '.join(made)}; {seeds} seeds")
    if before:
        notes.append(
            f"The test part had been opened {count(len(before), 'time')} before: for "
            f"{'; for '.join(before)}. What was chosen after looking at it is no longer judged by "
            "it."
        )
    return replace(found, contenders=tuple(told), notes=tuple(notes))


def _judged(
    data: Any, base: Forecaster, fitted: Mapping[str, list[Forecaster]], terms: Terms
) -> Comparison:
    """Choose on the validation part, then open the test part for all."""
    parts = _common(data, [run for runs in fitted.values() for run in runs])
    first = next(iter(fitted.values()))[0]
    terms = terms._replace(season=base.window.season, seed=base.random_state)
    seasons = seasons_of(parts, terms)
    yardsticks = panel(parts, terms, seasons)
    teams = [Team(name, [_method(run) for run in runs]) for name, runs in fitted.items()]
    valid = validation_errors(teams, parts.valid)
    chosen = teams[int(valid.argmin())].name
    targets = names_of(parts.test)
    errors = absolute_errors(yardsticks.methods, parts.valid)
    rivals = least(yardsticks.methods, errors, targets)
    facing = {
        target: yardsticks.methods[int(errors[:, k].argmin())].name
        for k, target in enumerate(targets)
    }
    found = compare_methods(
        teams,
        yardsticks.methods,
        parts.test,
        chosen=chosen,
        rivals=rivals,
        facing=facing,
        levels=LEVELS,
        level=terms.level,
        scales=naive_scales(rows_fitted(parts), seasons.mase),
        seed=terms.seed,
    )
    contenders = [
        Contender(
            name,
            {},
            parameter_count(runs[0].models_[0]) * len(runs[0].models_),
            float(np.mean([run.history_.seconds for run in runs])),
            tuple(run.random_state for run in runs),
            float(error),
            told,
        )
        for (name, runs), error, told in zip(fitted.items(), valid, found.seeds, strict=True)
    ]
    seeds = len(next(iter(fitted.values())))
    notes = [
        f"Each configuration was fitted {seeds} time{'s' if seeds > 1 else ''}, each from another "
        "seed; its scores are means over them, which is what one fit can be expected to do.",
        "The configuration was chosen on the validation part, where training also stopped; the "
        "test part was opened once, for all.",
        "p-values are Diebold and Mariano's, each for one comparison: of twenty between methods "
        "that are equally good, one is below 0.05.",
        "Intervals take series as independent of each other; the test counts what happened to all "
        "of them at one time once."
        if len(parts.test.sequences) > 1
        else "",
        seasons.told,
        *yardsticks.told,
        first.left_out_,
    ]
    return Comparison(
        targets=tuple(targets),
        units=tuple(parts.test.sequences.fields[at].unit for at in parts.test.targets),
        horizon=base.horizon,
        level=terms.level,
        season=seasons.naive or 1,
        mase_season=seasons.mase,
        origins=len(parts.test),
        reference=rivals.naive,
        contenders=tuple(contenders),
        chosen=chosen,
        rival=facing,
        scores=found.scores,
        pairs=found.pairs,
        verdict=found.verdict,
        data=summarise(parts),
        settings={
            name.replace("__", "."): setting(value)
            for name, value in base.get_params().items()
            if not isinstance(value, Params)
        },
        environment=environment(),
        notes=tuple(note for note in notes if note),
    )


def _method(run: Forecaster) -> Method:
    own = run._method()
    return Method(own.name, own.kind, Reread(own, run.encoding_))


def _common(data: Any, runs: list[Forecaster]) -> Windowed:
    """Windows whose origins every fitted model can forecast, as the first one reads them."""
    longest = max(runs, key=lambda run: run.encoding_.context)
    parts, encoding = longest._opened(data), runs[0].encoding_
    again = [Windows(part.sequences, encoding, part.first, part.last) for part in parts]
    if not len(again[1]):
        raise DataError(
            f"{parts.test.sequences.source}: no whole horizon lies in the validation part, so "
            "nothing can be chosen there; make it longer (--valid)"
        )
    return Windowed(*again)


# configurations


def configured(base: Forecaster, configs: Configs) -> dict[str, Forecaster]:
    """An estimator per configuration.

    Raises:
        ArgumentError: none is given, a name or a setting is unknown or shared, or a value is not
            possible.
    """
    if not configs:
        raise ArgumentError("configs: there is none; give one or more, such as gru: cell=gru")
    made = {}
    for name, changes in configs.items():
        estimator = type(base)(**base.get_params(deep=False))
        try:
            estimator.set_params(**_flat(base, changes))
        except (ArgumentError, TypeError) as error:
            raise ArgumentError(f"configuration {name!r}: {error}") from error
        if estimator.training.refit:
            raise ArgumentError(
                f"configuration {name!r}: refit learns from the validation part, on which "
                "configurations are chosen; leave it out, and refit the one that you choose"
            )
        made[name] = estimator
    return made


def _flat(base: Forecaster, changes: Mapping[str, Any], section: str = "") -> dict[str, Any]:
    """Changes by the names that ``set_params`` takes."""
    homes: dict[str, str] = {}
    for outer in _SECTIONS:
        for inner in getattr(base, outer).get_params():
            homes.setdefault(inner, f"{outer}__{inner}")
    plain = {name: name for name in base.scalars if name not in _SHARED}
    found: dict[str, Any] = {}
    for name, value in changes.items():
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


def _changes(base: Forecaster, estimator: Forecaster) -> dict[str, str]:
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

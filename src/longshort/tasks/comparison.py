"""Compare: several configurations and all yardsticks, one table, one opening of the test part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from longshort.contracts import Params, whole
from longshort.data.sequences import Floats
from longshort.data.windows import Windows
from longshort.errors import ArgumentError, DataError
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
from longshort.tasks.configurations import STANDARD, Configs, changes, configured, read_configs
from longshort.tasks.ensemble import Progress
from longshort.tasks.forecast import Forecaster
from longshort.tasks.runs import Runs
from longshort.yardsticks.base import Method
from longshort.yardsticks.roster import Choice


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
    changed = {name: changes(base, estimator) for name, estimator in made.items()}
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
    return Comparison(
        targets=tuple(targets),
        units=tuple(parts.test.sequences.fields[at].unit for at in parts.test.targets),
        horizon=base.horizon,
        level=terms.level,
        season=seasons.naive or 1,
        mase_season=seasons.mase,
        origins=len(parts.test),
        reference=rivals.naive,
        contenders=_contenders(fitted, valid, found.seeds),
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
        notes=_notes(parts, [seasons.told, *yardsticks.told, first.left_out_]),
    )


def _contenders(
    fitted: Mapping[str, list[Forecaster]], valid: Floats, seeds: list[dict[str, tuple[float, ...]]]
) -> tuple[Contender, ...]:
    return tuple(
        Contender(
            name,
            {},
            parameter_count(runs[0].models_[0]) * len(runs[0].models_),
            float(np.mean([run.history_.seconds for run in runs])),
            tuple(run.random_state for run in runs),
            float(error),
            told,
        )
        for (name, runs), error, told in zip(fitted.items(), valid, seeds, strict=True)
    )


def _notes(parts: Windowed, more: list[str]) -> tuple[str, ...]:
    """What a reader must know."""
    notes = [
        "Each configuration was fitted from several seeds; its scores are means over them, which "
        "is what one fit can be expected to do. Intervals are over origins and over seeds.",
        "The configuration was chosen on the validation part, where training also stopped; the "
        "test part was opened once, for all.",
        "A difference is told where its interval leaves out 0 and p is at most 0.05. p-values are "
        "Diebold and Mariano's, each for one comparison: of twenty between methods that are "
        "equally good, one is below 0.05.",
    ]
    if len(parts.test.sequences) > 1:
        notes.append(
            "Intervals take series as independent of each other; the test counts what happened to "
            "all of them at one time once."
        )
    return tuple(note for note in (*notes, *more) if note)


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

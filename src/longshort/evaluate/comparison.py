"""Several configurations beside all yardsticks: who is better, by how much, and how sure that is.

A configuration is one method per seed. Its error at an origin is the mean over its seeds, which is
what one fit of it can be expected to do. Intervals are over origins and over seeds: each resample
draws blocks of origins, and of each configuration as many seeds as it has, so that they say what
other data of the kind and other fits would show (Bouthillier et al. 2021, "Accounting for variance
in machine learning benchmarks"). The test is over origins alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import fields
from typing import NamedTuple

import numpy as np

from longshort.data.encoding import Encoding
from longshort.data.sequences import Floats
from longshort.data.steps import Ints
from longshort.data.windows import Windows
from longshort.errors import ArgumentError
from longshort.evaluate.judge import Rivals, absolute_errors, interval_ends
from longshort.evaluate.tally import Resampled, Scales, Tally, names_of
from longshort.metrics.bootstrap import ratio_interval, skill, skill_interval
from longshort.metrics.difference import diebold_mariano
from longshort.metrics.measures import MEASURES
from longshort.records import Pair, Score
from longshort.yardsticks.base import Forecasts, Method, chunks
from longshort.yardsticks.series import Persistence
from longshort.yardsticks.verdict import form

# p-values above this are chance for all that can be told
_CHANCE = 0.05


class Team(NamedTuple):
    """A configuration: its name, and one method per seed."""

    name: str
    methods: Sequence[Method]


class Reread:
    """A method that reads windows by its own encoding, at the same origins."""

    def __init__(self, method: Method, encoding: Encoding) -> None:
        self.method, self.encoding = method, encoding
        self.given: Windows | None = None
        self.own: Windows | None = None

    def __call__(self, windows: Windows, index: Ints) -> Forecasts:
        """Forecasts of the windows of these numbers (N,)."""
        if self.given is not windows or self.own is None:
            self.given = windows
            self.own = Windows(windows.sequences, self.encoding, windows.first, windows.last)
        return self.method(self.own, index)


def validation_errors(teams: Sequence[Team], valid: Windows) -> Floats:
    """(teams,) mean absolute errors over those of the last value: means over targets and seeds.

    A target that does not move on these windows is left out.
    """
    runs = [method for team in teams for method in team.methods]
    last = Method("last", "naive", lambda w, i: Forecasts(Persistence().point(w, i), np.zeros(0)))
    *errors, naive = absolute_errors([*runs, last], valid)
    moving = naive > 0
    if not moving.any():
        raise ArgumentError(
            f"{valid.sequences.source}: no target moves on the validation part, so nothing can be "
            "chosen there; give a longer one"
        )
    relative = (np.stack(errors)[:, moving] / naive[moving]).mean(1)
    sizes = np.cumsum([len(team.methods) for team in teams])[:-1]
    return np.array([part.mean() for part in np.split(relative, sizes)])


class Outcome(NamedTuple):
    """What a comparison found: scores of every team and yardstick, errors of each seed, pairs."""

    scores: tuple[Score, ...]
    seeds: list[dict[str, tuple[float, ...]]]
    pairs: tuple[Pair, ...]
    verdict: str


def compare_methods(
    teams: Sequence[Team],
    yardsticks: Sequence[Method],
    test: Windows,
    *,
    chosen: str,
    rivals: Rivals,
    facing: dict[str, str],
    levels: Sequence[float],
    level: float,
    scales: Scales,
    seed: int = 0,
    resamples: int = 1000,
) -> Outcome:
    """Open the test part once for all methods.

    Args:
        teams, yardsticks: with names that are all different.
        test: windows that nothing was fitted or chosen on.
        chosen: the team that was chosen before.
        rivals, facing: by target the naive yardstick that skill is measured against, and the
            yardstick that the chosen team has to beat; chosen before.
        levels, level, scales, seed, resamples: as for ``judge``.

    Raises:
        ArgumentError: two methods have the same name.
        DataError: a target has no value that can be scored, or no scale.
    """
    names = [*(team.name for team in teams), *(method.name for method in yardsticks)]
    for name in names:
        if names.count(name) > 1:
            raise ArgumentError(f"two methods are called {name!r}: give each its own name")
    runs = [
        Method(f"{team.name}, seed {number}", "lstm", method.forecast)
        for team in teams
        for number, method in enumerate(team.methods)
    ]
    methods = [*runs, *yardsticks]
    tally = Tally(methods, test, levels, interval_ends(levels, level), scales)
    size = len(methods) * test.horizon * len(test.targets) * (len(levels) + 1)
    for index in chunks(np.arange(len(test)), size):
        tally.add(test, index)
    tally.check(test)
    table = _Table(tally, names, [len(t.methods) for t in teams], test, (seed, resamples))
    targets = names_of(test)
    scores = [s for k, t in enumerate(targets) for s in table.scores(k, t, rivals.naive[t])]
    pairs = [
        table.pair(k, target, chosen, other)
        for k, target in enumerate(targets)
        for other in names
        if other != chosen
    ]
    seeds = [
        {t: tuple(tally.mae(methods[n].name, k) for n in own) for k, t in enumerate(targets)}
        for own in table.groups[: len(teams)]
    ]
    units = [test.sequences.fields[at].unit for at in test.targets]
    words = _verdict(
        [team.name for team in teams],
        chosen,
        facing,
        scores,
        pairs,
        dict(zip(targets, units, strict=True)),
    )
    return Outcome(tuple(scores), seeds, tuple(pairs), words)


class _Table:
    """Errors by team and yardstick: those of a team are means over its seeds."""

    def __init__(
        self,
        tally: Tally,
        names: Sequence[str],
        seeds: Sequence[int],
        test: Windows,
        drawn: tuple[int, int],
    ) -> None:
        self.tally, self.names = tally, list(names)
        count = len(tally.methods)
        ends = [0, *np.cumsum(seeds).tolist()]
        teams = [list(range(a, b)) for a, b in itertools.pairwise(ends)]
        self.groups = [*teams, *([at] for at in range(ends[-1], count))]
        # (G, M) the share that each method has in its group
        share = np.zeros((len(self.groups), count))
        for number, own in enumerate(self.groups):
            share[number, own] = 1 / len(own)
        self.share, self.horizon = share, test.horizon
        self.error, self.inside = (
            np.einsum("gm,nmk->ngk", share, part) for part in (tally.error, tally.inside)
        )
        self.seen = tally.seen.sum(1, dtype=np.float64)
        series, origin = test.where(np.arange(len(test)))
        times = test.sequences.times
        flat = test.sequences.offsets[series] + origin
        self.moment = np.unique(origin if times is None else times[flat], return_inverse=True)[1]
        self.sums = self._resampled(test, *drawn)

    def _resampled(self, test: Windows, seed: int, resamples: int) -> Resampled | None:
        """Sums over resampled origins; of a team, the mean over as many seeds drawn anew."""
        sums = self.tally.resample(test, seed, resamples)
        if sums is None:
            return None
        random = np.random.Generator(np.random.Philox(seed + 1))
        weights = np.zeros((resamples, *self.share.shape))
        for number, own in enumerate(self.groups):
            drawn = random.multinomial(len(own), [1 / len(own)] * len(own), resamples)
            weights[:, number, own] = drawn / len(own)
        error, inside = (weights @ part for part in (sums.error, sums.inside))
        return Resampled(error, inside, sums.seen)

    def mae(self, name: str, k: int) -> float:
        """Mean absolute error of a team or yardstick on target k."""
        at = self.names.index(name)
        return float(self.error[:, at, k].sum() / self.seen[:, k].sum())

    def scores(self, k: int, target: str, reference: str) -> list[Score]:
        """Every team's and yardstick's scores on target k; a team's are means over its seeds."""
        facing, sums = self.mae(reference, k), self.sums
        at = self.names.index(reference)
        known = {f.name for f in fields(Score)}
        found = []
        for number, (name, own) in enumerate(zip(self.names, self.groups, strict=True)):
            values: dict[str, float | None] = {}
            for measure in MEASURES:
                sides = self.tally.sums[measure.name][:, own][..., k].sum(-1)
                value = float(np.mean(measure.ratio(*sides)))
                if measure.name in known:
                    values[measure.name] = value if np.isfinite(value) else None
            if name != reference and facing > 0:
                values["skill"] = skill(self.mae(name, k), facing)
                if sums is not None:
                    ends = skill_interval(sums.error[:, number, k], sums.error[:, at, k])
                    values["skill_low"], values["skill_high"] = ends or (None, None)
            if sums is not None:
                held = ratio_interval(sums.inside[:, number, k], sums.seen[:, k])
                values["coverage_low"], values["coverage_high"] = held or (None, None)
            kind = self.tally.methods[own[0]].kind
            found.append(Score(name, kind, target, **values))  # type: ignore[arg-type]
        return found

    def pair(self, k: int, target: str, first: str, second: str) -> Pair:
        """Two of them on target k."""
        a, b = (self.names.index(name) for name in (first, second))
        ours, theirs = self.mae(first, k), self.mae(second, k)
        change = ours / theirs - 1 if theirs > 0 else None
        ends = None
        if self.sums is not None:
            ends = ratio_interval(self.sums.error[:, a, k], self.sums.error[:, b, k])
        low, high = (None, None) if ends is None else (ends[0] - 1, ends[1] - 1)
        # series of one time share what happened then: their mean counts once
        count = np.bincount(self.moment, self.seen[:, k])
        mine, other = (
            np.bincount(self.moment, self.error[:, at, k])[count > 0] / count[count > 0]
            for at in (a, b)
        )
        tested = diebold_mariano(mine, other, self.horizon)
        return Pair(target, first, second, change, low, high, tested and tested.p_value)


def _verdict(
    teams: Sequence[str],
    chosen: str,
    facing: dict[str, str],
    scores: Sequence[Score],
    pairs: Sequence[Pair],
    units: dict[str, str],
) -> str:
    """Which one to use, in words."""
    by = {(pair.target, pair.second): pair for pair in pairs}
    errors = {(score.target, score.method): score.mae for score in scores}
    several = f"Of {len(teams)} configurations, " if len(teams) > 1 else ""
    lead = f"{several}{chosen!r} had the least error on the validation part."
    told = [lead if several else ""]
    for target, rival in facing.items():
        pair = by[target, rival]
        ours, theirs = errors[target, chosen], errors[target, rival]
        both = (
            f"its mean absolute error on the test part is {_number(ours, units[target])} against "
            f"{_number(theirs, units[target])} ({_change(pair)})"
        )
        if sign(pair) < 0:
            use = f"use {chosen!r}: it is better than the best yardstick ({rival})"
        elif sign(pair) > 0:
            use = f"use {rival}: the best yardstick is better than {chosen!r}"
        else:
            use = (
                f"use {rival}, which is simpler: there is no difference that the data can show "
                f"between {chosen!r} and this best yardstick"
            )
        told.append(f"{target}: {use}: {both}.")
        told.append(_others(target, chosen, [by[target, t] for t in teams if t != chosen]))
    return " ".join(words for words in told if words)


def _others(target: str, chosen: str, pairs: Sequence[Pair]) -> str:
    """How the other configurations stand to the chosen one."""
    groups = {
        "no difference that the data can show between {} and {}": 0,
        "{} is better than {}": -1,
        "{} is worse than {}": 1,
    }
    found = []
    for words, wanted in groups.items():
        names = [repr(pair.second) for pair in pairs if sign(pair) == wanted]
        if names:
            listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
            found.append(words.format(repr(chosen), listed))
    return f"Among the configurations, {'; '.join(found)}." if found else ""


def sign(pair: Pair) -> int:
    """-1 where the first is better beyond chance, 1 where the second is, 0 where neither is.

    The interval must leave out 0, and the test, which counts series of one time once, must agree.
    """
    if pair.change is None:
        return 1
    if pair.low is None or pair.high is None or (pair.p_value or 0.0) > _CHANCE:
        return 0
    return int(pair.low > 0) - int(pair.high < 0)


def _number(value: float, unit: str) -> str:
    return f"{value:{form(value)}} {unit}".strip()


def _change(pair: Pair) -> str:
    if pair.change is None:
        return "which makes no error at all"
    text = f"{_percent(pair.change)} %"
    if pair.low is not None and pair.high is not None:
        text += f" [{_percent(pair.low)}, {_percent(pair.high)}]"
    if pair.p_value is not None:
        text += f", p {pair.p_value:.3f}" if pair.p_value >= 0.001 else ", p below 0.001"
    return text


def _percent(share: float) -> str:
    return f"{round(100 * share, 1) + 0.0:+.1f}"

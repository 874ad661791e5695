"""Teams of seeds beside yardsticks, on methods whose errors are known."""

from __future__ import annotations

import numpy as np
import pytest

from longshort.data.codecs.numbers import NumberCodec
from longshort.data.sequences import Field, Sequences
from longshort.data.steps import Step
from longshort.data.windows import Encoding, Windows
from longshort.errors import ArgumentError
from longshort.evaluate.comparison import Reread, Team, compare_methods, sign, validation_errors
from longshort.evaluate.judge import Rivals
from longshort.evaluate.tally import Scales
from longshort.metrics.bootstrap import block_sums, skill_interval
from longshort.metrics.difference import diebold_mariano
from longshort.records import Pair
from longshort.yardsticks.base import Forecasts, Method

LEVELS = [round(0.05 * k, 2) for k in range(1, 20)]
ROWS, HORIZON = 120, 2


def windows(copies: int, context: int = 3) -> Windows:
    """Origins of a walk, the same in every series."""
    walk = np.random.default_rng(5).normal(size=(ROWS, 1)).cumsum(0)
    days = np.datetime64("2020-01-01", "us") + np.arange(ROWS) * np.timedelta64(1, "D")
    data = Sequences(
        (Field("y", "target", "kg"),),
        tuple(f"s{number}" for number in range(copies)),
        np.arange(copies + 1) * ROWS,
        np.tile(days, copies),
        Step(1, "d"),
        np.tile(walk, (copies, 1)),
        "a test",
    )
    encoding = Encoding(NumberCodec.fit(data, data.lengths), context, HORIZON, "last", 1, (), ())
    first = np.full(copies, 10)
    return Windows(data, encoding, first, data.lengths - HORIZON + 1)


def off(name: str, kind: str, size: float, seed: int) -> Method:
    """The truth with noise that depends on the time alone."""
    noise = size * np.random.default_rng(seed).normal(size=(ROWS, HORIZON, 1))

    def forecast(view, index):
        point = view.actual(index) + noise[view.where(index)[1]]
        return Forecasts(point, point[..., None] + np.linspace(-1, 1, len(LEVELS)))

    return Method(name, kind, forecast)


TEAMS = [
    Team("good", [off("a", "lstm", 1.0, 1), off("b", "lstm", 1.1, 2)]),
    Team("bad", [off("c", "lstm", 2.0, 3), off("d", "lstm", 2.1, 4)]),
]
YARDSTICKS = [off("rule", "naive", 1.05, 5), off("model", "classical", 1.0, 6)]


def judged(view: Windows, teams=TEAMS, chosen="good", facing="model"):
    scales = Scales(*np.ones((2, len(view.sequences), 1)))
    return compare_methods(
        teams,
        YARDSTICKS,
        view,
        chosen=chosen,
        rivals=Rivals({"y": "rule"}, {"y": "model"}),
        facing={"y": facing},
        levels=LEVELS,
        level=0.8,
        scales=scales,
    )


def errors(view: Windows, team: Team) -> np.ndarray:
    """(N,) mean over seeds and steps of each origin."""
    index = np.arange(len(view))
    told = [np.abs(view.actual(index) - m(view, index).point) for m in team.methods]
    return np.mean(told, axis=(0, 2, 3))


def test_a_teams_error_is_the_mean_of_its_seeds_and_pairs_are_brute_force():
    view = windows(1)
    found = judged(view)
    good, bad = (errors(view, team) for team in TEAMS)
    maes = {score.method: score.mae for score in found.scores}
    assert maes["good"] == pytest.approx(good.mean())
    assert found.seeds[1]["y"] == pytest.approx(
        [errors(view, Team("", [method])).mean() for method in TEAMS[1].methods]
    )
    pair = next(pair for pair in found.pairs if pair.second == "bad")
    assert pair.change == pytest.approx(good.mean() / bad.mean() - 1)
    assert pair.p_value == pytest.approx(diebold_mariano(good, bad, HORIZON).p_value)


def test_intervals_are_over_origins_and_over_seeds():
    view, index = windows(1), np.arange(ROWS - HORIZON - 9)

    def interval(seeds):
        found = judged(view, [Team("good", seeds), Team("bad", [off("c", "lstm", 2.0, 3)])])
        pair = next(pair for pair in found.pairs if pair.second == "bad")
        return pair.low, pair.high

    one, bad = off("a", "lstm", 1.0, 1), off("c", "lstm", 2.0, 3)
    told = [np.abs(view.actual(index) - m(view, index).point).mean((1, 2)) for m in (one, bad)]
    sums = block_sums(np.stack(told, 1), np.zeros(len(view)), HORIZON)
    low, high = skill_interval(sums[:, 0], sums[:, 1])
    plain = pytest.approx(-high), pytest.approx(-low)
    # a single seed, and seeds that are all alike, leave origins alone
    assert interval([one]) == plain
    assert interval([one, one, one]) == plain
    # seeds that are far apart say that another one may be, too
    far = interval([one, one, off("far", "lstm", 1.6, 1)])
    assert far[1] - far[0] > 1.3 * (interval([one])[1] - interval([one])[0])


def test_series_that_move_together_are_no_more_evidence_for_the_test():
    one, eight = judged(windows(1)), judged(windows(8))
    for alone, together in zip(one.pairs, eight.pairs, strict=True):
        assert together.change == pytest.approx(alone.change)
        assert together.p_value == pytest.approx(alone.p_value)


def test_the_sentence_follows_the_differences():
    told = judged(windows(1)).verdict
    assert "Of 2 configurations, 'good' had the least error on the validation part." in told
    assert "y: use model, which is simpler: there is no difference that the data can show" in told
    assert "Among the configurations, 'good' is better than 'bad'." in told
    assert " kg against " in told
    worse = judged(windows(1), chosen="bad").verdict
    assert "y: use model: the best yardstick is better than 'bad'" in worse
    assert "'bad' is worse than 'good'" in worse
    best = judged(windows(1), [Team("sure", [off("e", "lstm", 0.1, 9)])], "sure").verdict
    assert best.startswith("y: use 'sure': it is better than the best yardstick (model)")
    assert "configurations" not in best


def test_the_validation_error_is_relative_to_the_last_value():
    view = windows(2)
    index = np.arange(len(view))
    last = np.abs(view.actual(index) - view.seasonal(index, 1)).mean()
    wanted = [errors(view, team).mean() / last for team in TEAMS]
    assert validation_errors(TEAMS, view) == pytest.approx(wanted)


def test_a_method_reads_the_same_origins_by_its_own_encoding():
    view, seen = windows(2), []

    def told(given, index):
        seen.append((given.context, given.where(index)))
        return Forecasts(np.zeros(0), np.zeros(0))

    own = Reread(Method("own", "lstm", told), windows(2, context=9).encoding)
    own(view, np.array([0, 5, len(view) - 1]))
    ((context, where),) = seen
    assert context == 9
    assert np.array_equal(where, view.where([0, 5, len(view) - 1]))


def test_two_of_one_name_are_refused():
    with pytest.raises(ArgumentError, match="two methods are called 'rule'"):
        judged(windows(1), [Team("rule", TEAMS[0].methods)], "rule")


@pytest.mark.parametrize(
    ("low", "high", "p", "wanted"),
    [
        (-0.2, -0.1, 0.01, -1),
        (-0.1, 0.1, 0.01, 0),
        (0.1, 0.2, 0.01, 1),
        (0.1, 0.2, 0.06, 0),
        (0.1, 0.2, None, 1),
        (None, None, 0.01, 0),
    ],
)
def test_a_difference_needs_an_interval_without_0_and_a_small_p(low, high, p, wanted):
    assert sign(Pair("y", "a", "b", 0.0, low, high, p)) == wanted


def test_nobody_beats_a_method_without_errors():
    assert sign(Pair("y", "a", "b", None)) == 1

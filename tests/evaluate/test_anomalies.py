from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from longshort.data.sequences import Floats, Sequences
from longshort.data.splits import Cuts, Portion
from longshort.errors import ArgumentError, DataError
from longshort.evaluate.anomalies import evaluate_anomalies
from longshort.metrics.anomalies import auc_pr, events, nab_raw, nab_score, runs, vus_pr
from longshort.metrics.anomalies.runs import Bools
from longshort.metrics.anomalies.volume import faded
from longshort.records import AnomalyEvaluation, History
from longshort.yardsticks.anomalies.base import Alarms, AnomalyMethod

from ..yardsticks.anomalies.conftest import plant  # noqa: TID252


def rule(scores: Floats) -> float:
    return float(np.quantile(scores, 0.99)) * 1.2


def sharp(labels: Bools, own: bool = False) -> AnomalyMethod:
    """A detector that nearly knows: it is late by a row, and once wrong."""

    def scores(series: Sequences) -> list[Floats]:
        random = np.random.default_rng(1)
        found = []
        for at in range(len(series)):
            marked = labels[series.rows(at)]
            late = marked & np.roll(marked, 1)
            told = random.random(len(marked)) + 4 * late
            # it forebodes and remembers
            told += 2 * faded(marked, 20) * ~marked
            told[270 + at] = 9.0
            found.append(told)
        return found

    def alarms(series: Sequences) -> list[Alarms]:
        told = [runs(each >= 3.5) for each in scores(series)]
        return [
            Alarms(each, np.full(600, 3.5), tuple({"flow": 0.75, "pressure": 0.25} for _ in each))
            for each in told
        ]

    return AnomalyMethod("LSTM", "lstm", scores, alarms if own else None)


def evaluated(series: int, labelled: bool = True, own: bool = False, **more: object):
    portion, labels = plant(series)
    arguments = {"rule": rule, "history": History(), "settings": {}, **more}
    return evaluate_anomalies(
        sharp(labels, own),
        portion,
        labels if labelled else None,
        **arguments,  # type: ignore[arg-type]
    )


@pytest.fixture(scope="module")
def many() -> AnomalyEvaluation:
    """Nine pumps, so that intervals are over series."""
    return evaluated(9, own=True, expected=2.0, told="by hand")


def test_scores_are_means_over_series_and_counts_over_all(many: AnomalyEvaluation) -> None:
    portion, labels = plant(9)
    ours = many.ours
    assert ours is not None
    scores = sharp(labels).scores(portion.sequences)
    test = [labels[portion.sequences.rows(at)][240:] for at in range(9)]
    pairs = [(own[240:], truth) for own, truth in zip(scores, test, strict=True)]
    assert ours.measures["auc_pr"].value == pytest.approx(
        np.mean([auc_pr(*pair) for pair in pairs])
    )
    assert ours.measures["vus_pr"].value == pytest.approx(
        np.mean([vus_pr(*pair, 20) for pair in pairs])
    )
    told = [runs(own >= 3.5) for own, _ in pairs]
    counts = np.sum([events(own, truth) for own, truth in zip(told, test, strict=True)], axis=0)
    assert counts.tolist() == [27, 0, 9]
    assert ours.measures["event_f1"].value == pytest.approx(2 * 27 / (2 * 27 + 9))
    # 9 false alarms in 9 times 15 days
    assert ours.measures["false_alarms"].value == pytest.approx(9 / (9 * 15))
    # an hour late
    assert ours.measures["delay"].value == pytest.approx(3600)
    begun = [np.isin(np.arange(360), own[:, 0]) for own in told]
    raws = [nab_raw(own, truth, ignored=0) for own, truth in zip(begun, test, strict=True)]
    assert ours.measures["nab_standard"].value == pytest.approx(nab_score(raws))
    assert ours.threshold == 3.5


def test_a_detector_that_knows_earned_its_keep(many: AnomalyEvaluation) -> None:
    assert many.verdict.startswith("The LSTM earned its keep: its VUS-PR, ")
    assert "Its alarms found 27 of 27 labelled anomalies; 9 met none, 0.0667 a day." in many.verdict
    assert "where the threshold was set for 2" in many.verdict
    assert many.resampled == "9 series"
    assert [each.theirs for each in many.differences] == [
        "random", "rolling z-score (100)", "windowed Gaussian", "seasonal residual (24)",
        "PCA on windows (20)", "isolation forest on windows (20)",
    ]  # fmt: skip
    assert all(each.low is not None and each.low > 0 for each in many.differences)
    chance = many.score("random")
    assert chance is not None
    assert chance.measures["auc_roc"].value == pytest.approx(0.5, abs=0.06)
    assert chance.measures["auc_pr"].value == pytest.approx(30 / 360, abs=0.04)


def test_a_record_is_read_as_it_was_written(many: AnomalyEvaluation) -> None:
    assert AnomalyEvaluation.from_json(many.to_json()) == many
    broken = json.loads(many.to_json())
    broken["watched"][0]["scores"].append(1.0)
    with pytest.raises(DataError, match=r"old.json: .* watched.0: not all columns have 360 values"):
        AnomalyEvaluation.from_json(json.dumps(broken), "old.json")
    with pytest.raises(DataError, match="longshort evaluate"):
        AnomalyEvaluation.from_json("{}")


def test_what_was_watched_is_drawn_with_its_marks(many: AnomalyEvaluation) -> None:
    own = many.watched[0]
    assert (own.series, own.every, len(own.times)) == ("pump A", 1, 360)
    assert own.times[0] == "2024-03-11T00:00:00"
    assert [trace.name for trace in own.traces] == ["flow", "pressure"]
    assert [(mark.start, mark.end, mark.right) for mark in own.labels] == [
        ("2024-03-13T12:00:00", "2024-03-13T21:00:00", True),
        ("2024-03-17T16:00:00", "2024-03-18T01:00:00", True),
        ("2024-03-22T16:00:00", "2024-03-23T01:00:00", True),
    ]
    assert [mark.right for mark in own.alarms] == [False, True, True, True]
    assert own.alarms[0].channels == {"flow": 0.75, "pressure": 0.25}
    assert {each.fault for each in many.shown} == {"false"}
    assert len(many.shown) == 3
    rates = many.rates
    assert [each.threshold for each in rates] == sorted((e.threshold for e in rates), reverse=True)
    nearest = min(rates, key=lambda each: abs(each.threshold - 4.5))
    assert nearest.found == pytest.approx(1, abs=0.5)


def test_thresholds_are_set_before_the_test_part_and_without_labels() -> None:
    seen: list[int] = []

    def watched(scores: Floats) -> float:
        seen.append(len(scores))
        return rule(scores)

    portion, labels = plant(2)
    one = evaluate_anomalies(sharp(labels), portion, labels, rule=watched, history=History(),
                             settings={}, yardsticks="quick")  # fmt: skip
    # the validation part of two series, for our method and four rules
    assert seen == [60] * 10
    other = evaluate_anomalies(
        sharp(labels), portion, np.roll(labels, 50), rule=watched, history=History(),
        settings={}, yardsticks="quick",
    )  # fmt: skip
    assert [each.measures["alarms"].value for each in one.scores] == [
        each.measures["alarms"].value for each in other.scores
    ]
    assert one.relative
    # without a validation part, on training rows
    cuts = Cuts(portion.cuts.test_start, portion.cuts.test_start, portion.cuts.end)
    seen.clear()
    evaluate_anomalies(sharp(labels), Portion(portion.sequences, cuts), labels, rule=watched,
                       history=History(), settings={}, yardsticks="none")  # fmt: skip
    assert seen == [240, 240]


def test_few_series_are_resampled_in_blocks_that_cut_no_event() -> None:
    found = evaluated(2, yardsticks="quick")
    assert found.resampled.endswith("blocks of rows")
    ours = found.ours
    assert ours is not None
    score = ours.measures["vus_pr"]
    assert score.value is not None
    assert score.low is not None
    assert score.high is not None
    assert score.low <= score.value <= score.high
    assert ours.measures["event_f1"].low is not None
    # three events are too few to draw from
    single = evaluated(1, yardsticks="quick")
    assert single.resampled == ""
    assert "3 test anomalies are too few to tell" in single.verdict


def test_without_labels_there_are_alarms_and_no_scores() -> None:
    found = evaluated(2, labelled=False, expected=1.0, yardsticks="quick")
    assert found.verdict == (
        "Nothing is labelled, so nothing can be judged: the LSTM raised "
        f"{sum(len(own.alarms) for own in found.watched)} alarms, "
        f"{found.scores[0].measures['alarms'].value:.3g} a day, where the threshold was set for 1."
    )
    assert set(found.scores[0].measures) == {"alarms", "alarmed"}
    assert not found.differences
    assert not found.labelled
    assert not found.shown
    assert found.data.events is None
    assert found.rates[-1].found is None
    assert found.watched[0].alarms[0].right is None


def test_rows_without_times_are_told_by_the_thousand() -> None:
    portion, labels = plant(1, timed=False)
    found = evaluate_anomalies(sharp(labels, own=True), portion, labels, rule=rule,
                               history=History(), settings={}, yardsticks="none")  # fmt: skip
    ours = found.scores[0]
    assert found.data.unit == "1,000 rows"
    assert ours.measures["false_alarms"].value == pytest.approx(1000 / 360)
    assert ours.measures["delay"].value == 1
    assert found.watched[0].labels[0].start == "300"
    assert "per 1,000 rows" in found.verdict


def test_rows_without_a_score_are_never_alarmed() -> None:
    portion, labels = plant(1)

    def scores(series: Sequences) -> list[Floats]:
        own = sharp(labels).scores(series)[0]
        own[300:310] = np.nan
        return [own]

    found = evaluate_anomalies(AnomalyMethod("LSTM", "lstm", scores), portion, labels, rule=rule,
                               history=History(), settings={}, yardsticks="none")  # fmt: skip
    assert found.by_series[0].found == 2
    assert found.scores[0].measures["delay"].value is not None


def test_what_cannot_be_judged_is_refused() -> None:
    portion, labels = plant(1)
    arguments = {"rule": rule, "history": History(), "settings": {}}
    with pytest.raises(ArgumentError, match=r"metric='vus'.*vus_pr"):
        evaluate_anomalies(sharp(labels), portion, labels, metric="vus", **arguments)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match=r"one for each of the 600 rows of pumps\.csv"):
        evaluate_anomalies(sharp(labels), portion, labels[:9], **arguments)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="buffer is a number of rows"):
        evaluate_anomalies(sharp(labels), portion, labels, buffer=-1, **arguments)  # type: ignore[arg-type]
    empty = replace(portion.cuts, test_start=portion.cuts.end)
    with pytest.raises(DataError, match="no test row"):
        evaluate_anomalies(
            sharp(labels),
            Portion(portion.sequences, empty),
            labels,
            **arguments,  # type: ignore[arg-type]
        )

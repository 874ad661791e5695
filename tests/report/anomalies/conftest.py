"""Records of three pumps: with labels, without, and without times."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from longshort.records import (
    AlarmRate,
    AnomalyData,
    AnomalyEvaluation,
    AnomalyScore,
    Difference,
    Epoch,
    FieldSummary,
    History,
    Marked,
    Measured,
    Part,
    SeriesScore,
    Shown,
    Trace,
    Watched,
)

NAME = "pump <A> & co"


def score(method: str, kind: str, **measures: float) -> AnomalyScore:
    told = {name: Measured(value, value - 0.05, value + 0.05) for name, value in measures.items()}
    threshold = 3.5 if kind == "lstm" else None
    return AnomalyScore(method, kind, told, threshold, 1.5)  # type: ignore[arg-type]


def stretch(rows: int = 60, every: int = 2, timed: bool = True) -> Watched:
    wave = np.sin(np.arange(rows) / 5)
    high = wave + 0.2
    begin = np.datetime64("2024-03-11T00:00:00")
    times = [
        str(begin + np.timedelta64(at * every, "h")) if timed else str(at * every)
        for at in range(rows)
    ]
    low: list[float | None] = list(wave)
    low[7] = None
    return Watched(
        series=NAME,
        every=every,
        times=tuple(times),
        traces=(
            Trace("flow", "m3/h", tuple(low), tuple(None if v is None else float(h)
                                                    for v, h in zip(low, high, strict=True))),
            Trace("bytes", "", tuple(1e8 * wave), tuple(1e8 * high)),
        ),
        scores=tuple(np.abs(wave) * 4),
        thresholds=(3.5,) * rows,
        labels=(
            Marked(times[10], times[14], 3.9, True),
            Marked(times[40], times[44], 2.0, False),
        ),
        alarms=(
            Marked(times[12], times[16], 4.0, True, {"flow": 0.75, "bytes": 0.25}),
            Marked(times[25], times[25], 3.8, False),
        ),
    )  # fmt: skip


def labelled_record() -> AnomalyEvaluation:
    own = stretch()
    around = replace(own, alarms=own.alarms[1:], labels=own.labels[1:])
    told = (
        "vus_pr vus_roc auc_pr auc_roc range_precision range_recall range_f1 event_precision "
        "affiliation_precision affiliation_recall affiliation_f1 event_recall event_f1 alarmed "
        "alarms false_alarms"
    )
    measures = dict.fromkeys(told.split(), 0.4)
    nab = {"nab_standard": 41.25, "nab_reward_low_FP": 20.5, "nab_reward_low_FN": 55.0}
    ours = score("LSTM", "lstm", **{**measures, "vus_pr": 0.523}, **nab)
    ours.measures["delay"] = Measured(5400.0)
    return AnomalyEvaluation(
        task="anomaly",
        metric="vus_pr",
        buffer=20,
        scores=(
            ours,
            score("random", "naive", **{**measures, "vus_pr": 0.1, "event_recall": 0.0}, **nab),
            score("PCA on windows (20)", "classical", **measures, **nab),
        ),
        verdict="The LSTM earned its keep: its VUS-PR is 0.523.",
        data=AnomalyData(
            source="pumps.csv",
            series=3,
            rows=1800,
            spacing="rows 1 hour apart",
            unit="day",
            step=3600.0,
            labelled=2,
            events=4,
            share=0.05,
            fields=(FieldSummary("flow", "target", "m3/h", 0, -1.0, 0.0, 1.0),),
            parts=(
                Part("train", "2024-03-01", "2024-03-08", 540, 540),
                Part("test", "2024-03-11", "2024-03-16", 1080, 1080),
            ),
        ),
        history=History((Epoch(0, 0, 1.0, 1.1, 0.5, 0.01, 0.2, True),), ("epochs",), "nats"),
        expected=0.5,
        rule="extreme values of the validation part",
        reference="PCA on windows (20)",
        naive="random",
        resampled="12 blocks of rows",
        differences=(
            Difference("vus_pr", "LSTM", "random", 0.423, 0.31, 0.52),
            Difference("vus_pr", "LSTM", "PCA on windows (20)", 0.123, -0.02, 0.25),
        ),
        by_series=(
            SeriesScore(NAME, 360, 2, 1, 1, 0.523),
            SeriesScore("pump B", 360, 2, 2, 0, 0.61),
            SeriesScore("pump C", 360, 0, 0, 3, None),
        ),
        watched=(own,),
        shown=(
            Shown("missed", own.labels[1], around),
            Shown("false", own.alarms[1], around),
        ),
        rates=(
            AlarmRate(4.2, 0.1, 0.05, 0.25),
            AlarmRate(3.9, 0.4, 0.2, 0.5),
            AlarmRate(2.0, 2.5, 1.9, 1.0),
        ),
        settings={"recurrent.size": "32"},
        notes=("Labels are used for scores alone.",),
    )


def unlabelled_record() -> AnomalyEvaluation:
    whole = labelled_record()
    own = whole.watched[0]
    alarms = tuple(replace(mark, right=None) for mark in own.alarms)
    scores = tuple(
        replace(each, measures={name: each.measures[name] for name in ("alarms", "alarmed")})
        for each in whole.scores
    )
    return replace(
        whole,
        scores=scores,
        verdict="Nothing is labelled, so nothing can be judged.",
        data=replace(whole.data, labelled=None, events=None, share=None),
        differences=(),
        by_series=tuple(replace(each, events=0, score=None) for each in whole.by_series),
        watched=(replace(own, labels=(), alarms=alarms),),
        shown=(),
        rates=tuple(AlarmRate(each.threshold, each.alarms) for each in whole.rates),
    )


@pytest.fixture(scope="session")
def labelled() -> AnomalyEvaluation:
    return labelled_record()


@pytest.fixture(scope="session")
def unlabelled() -> AnomalyEvaluation:
    return unlabelled_record()

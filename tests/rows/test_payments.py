"""Payments, card by card: what is unusual without labels, and fraud with them, event by event."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from longshort import (
    AnomalyDetector,
    Columns,
    Partition,
    Recurrent,
    Roles,
    Scores,
    Session,
    Tagger,
    Training,
    Window,
)
from longshort.metrics.anomalies import auc_pr

CARDS, EACH, EARLY = 36, 50, 25


def payments(seed: int = 0) -> pl.DataFrame:
    """Cards with habits; on every third, four quick and large payments at a shop of a new kind."""
    rng, tables = np.random.default_rng(seed), []
    for card in range(CARDS):
        wait = rng.exponential(20 * 3600, EACH) + 60
        amount = np.exp(rng.normal(rng.normal(3, 0.3), 0.4, EACH))
        shop, bad = rng.choice(["food", "fuel", "books"], EACH, p=[0.6, 0.3, 0.1]), np.zeros(EACH)
        if card % 3 == 0:
            at = slice(first := int(rng.integers(EARLY + 3, EACH - 6)), first + 4)
            wait[at], bad[at] = rng.uniform(30, 200, 4), 1
            amount[at] = np.exp(rng.normal(5, 0.3, 4))
            shop[at] = rng.choice(["food", "fuel"], 4)
        second = np.timedelta64(1_000_000, "us")
        time = np.datetime64("2024-01-01", "us") + np.cumsum(wait).astype(np.int64) * second
        tables.append(pl.DataFrame({
            "card": [f"c{card:02d}"] * EACH, "time": time, "amount": amount, "shop": shop,
            "fraud": np.where(bad > 0, "yes", "no"), "bad": bad,
        }))  # fmt: skip
    wait = pl.col("time").diff().over("card").dt.total_seconds().fill_null(3600).log()
    return pl.concat(tables).with_columns(size=pl.col("amount").log(), wait=wait)


@pytest.fixture(scope="module")
def events() -> pl.DataFrame:
    return payments()


def detector() -> AnomalyDetector:
    return AnomalyDetector(
        Columns(group="card", target=["size", "wait"], future=["shop"], past=()),
        scores=Scores(smooth=0, adapt=None, channels="mean"),
        window=Window(8, relative="none"),
        recurrent=Recurrent(12, dropout=0.0),
        training=Training(epochs=6, members=1, rate=2e-2),
    )


@pytest.fixture(scope="module")
def watch(events: pl.DataFrame) -> AnomalyDetector:
    """Split by time: the earlier payments of every card."""
    return detector().fit(events.filter(pl.int_range(pl.len()).over("card") < EARLY))


def test_fraud_is_unusual_without_a_label(watch: AnomalyDetector, events: pl.DataFrame) -> None:
    late = np.tile(np.arange(EACH) >= EARLY, CARDS)
    scores, bad = watch.anomaly_scores(events)[late], events["bad"].to_numpy()[late] > 0
    assert auc_pr(scores, bad) > 0.5 > 5 * bad.mean()


def test_cards_that_were_never_seen_are_watched_too(events: pl.DataFrame) -> None:
    """Split by card."""
    number = pl.col("card").str.slice(1).cast(pl.Int64)
    some, others = events.filter(number < 24), events.filter(number >= 24)
    found = detector().fit(some)
    scores, bad = found.anomaly_scores(others), others["bad"].to_numpy() > 0
    assert auc_pr(scores, bad) > 0.4 > 5 * bad.mean()
    session = Session(found, 12)
    told = [session.push(row).score for row in others.rows(named=True)]
    np.testing.assert_allclose(told, scores, atol=2e-5)


def test_with_labels_each_event_is_told_from_those_up_to_it(events: pl.DataFrame) -> None:
    """Cards that are learnt from are not those that are judged."""
    tagger = Tagger(
        roles=Roles(label=("fraud",), item="card", time="time", channels=("size", "wait", "shop")),
        partition=Partition(test=0.3),
        recurrent=Recurrent(12, dropout=0.0),
        training=Training(epochs=8, members=1, rate=2e-2),
    ).fit(events)
    assert tagger.score(events) > 0.97
    # what comes later changes no tag
    few = events.filter(pl.int_range(pl.len()).over("card") < 40)
    whole = events.with_columns(told=pl.Series(tagged(tagger, events)))
    early = whole.filter(pl.int_range(pl.len()).over("card") < 40)
    assert tagged(tagger, few) == early["told"].to_list()


def tagged(tagger: Tagger, events: pl.DataFrame) -> list[str]:
    """The tag of every event, in order."""
    return [str(tag) for tag in tagger.predict(events)["tag"]]

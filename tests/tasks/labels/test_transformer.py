"""The Transformer that stands beside a classifier: as many weights, the same problem."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from longshort import Category, Recurrent, Training
from longshort.data.readings.signals import Signal, SignalReading
from longshort.layers.encoder import parameter_count
from longshort.tasks.labels import transformer
from longshort.tasks.labels.labels import Classes
from longshort.tasks.labels.network import build
from longshort.tasks.labels.reading import from_array, labelled
from longshort.tasks.labels.transformer import Beside


def test_it_learns_with_as_many_weights_and_in_its_time(monkeypatch) -> None:
    series = np.random.default_rng(0).normal(size=(200, 10))
    given = labelled(from_array(series), (series.mean(1) > 0).astype(int), "one")
    corpus = given.corpus
    category = Category(dropout=0.0)
    beside = Beside(
        SignalReading.fit(corpus, Signal()),
        Classes.of(corpus, category, given.labels),
        Recurrent(24, bidirectional=True, dropout=0.0),
        category,
        Training(epochs=8, rate=3e-3, patience=None),
    )
    train, valid = corpus.select(range(150)), corpus.select(range(150, 200))
    (method,), told = beside.fitted(train, valid, 4, 60.0)
    assert "stopped after 8 epochs;" in told
    right = method.probabilities(valid).argmax(1) == beside.classes.targets(valid)
    assert right.mean() > 0.85
    ours = build(beside.reading.widths, beside.recurrent, category, 2)
    theirs = beside._made(beside._size())
    assert parameter_count(theirs) == np.clip(
        parameter_count(theirs), 0.7 * parameter_count(ours), 1.3 * parameter_count(ours)
    )
    monkeypatch.setattr(transformer, "_SECONDS", 0.0)
    assert "stopped after 1 epoch when its time was up" in beside.fitted(train, valid, 1, 0.0)[1]
    monkeypatch.setattr(transformer, "LONGEST", 9)
    found, told = replace(beside).fitted(train, None, 1, 60.0)
    assert (found, "longer than 9 steps" in told) == ([], True)

"""Estimators among scikit-learn's own tools."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import check_estimator

from longshort import Category, Classifier, Partition, Recurrent, Training


def quick() -> Classifier:
    return Classifier(
        head=Category(pooling="last+mean", dropout=0.0),
        recurrent=Recurrent(8, dropout=0.0),
        partition=Partition(valid=0.0),
        training=Training(epochs=4, steps=8, batch=32, rate=0.05, members=1, patience=None),
    )


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_every_check_of_scikit_learn_passes() -> None:
    """None is expected to fail; one is skipped where SCIPY_ARRAY_API is not set."""
    found = check_estimator(quick(), on_fail=None, on_skip=None)
    ended = Counter(each["status"] for each in found)
    assert ended["failed"] == ended["xfail"] == 0, [
        (each["check_name"], each["exception"]) for each in found if each["status"] == "failed"
    ]
    assert ended["passed"] >= 53
    assert ended["skipped"] <= 1


def test_it_works_in_a_pipeline_a_search_and_cross_validation() -> None:
    random = np.random.default_rng(0)
    series = random.normal(size=(80, 6))
    labels = series.mean(1) > 0
    model = quick()
    assert clone(model).get_params(deep=False) == model.get_params(deep=False)
    piped = make_pipeline(FunctionTransformer(np.negative), model).fit(series, labels)
    assert piped.score(series, labels) > 0.8
    assert cross_val_score(model, series, labels, cv=2).mean() > 0.7
    search = GridSearchCV(model, {"recurrent__size": [1, 8]}, cv=2).fit(series, labels)
    assert search.best_params_["recurrent__size"] in (1, 8)
    assert (
        search.best_estimator_.models_[0].encoder.stack.hidden_size
        == (search.best_params_["recurrent__size"])
    )


def test_texts_are_cut_by_its_tools() -> None:
    texts = ["good film", "bad film"] * 20
    labels = [1, 0] * 20
    model = quick().set_params(text__ngrams=None)
    assert cross_val_score(model, texts, labels, cv=2).mean() > 0.9

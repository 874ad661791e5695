"""Tweets: positive, neutral or negative."""

from __future__ import annotations

from labelled.base import Goal, Set
from labelled.texts import classifier, tweets
from longshort import Classifier
from longshort.heads.category import Category


def make(row: str, seed: int) -> Classifier:
    return classifier(Category(weights="balanced"), 4, seed)


SET = Set(
    name="tweets",
    title="Three-class tweets",
    told="4,200 tweets, positive, neutral or negative by the mean rating of twenty people at +-0.5 "
    "(Hutto and Gilbert 2014, MIT); 80/10/10 % at random, the same split for every method.",
    read=tweets,
    make=make,
    metric="macro_f1",
    measures=("macro_f1", "accuracy", "macro_recall", "log_loss", "calibration_error"),
    goals=(Goal("macro_f1", 0.66, 0.69),),
)

"""Tweets: positive, neutral or negative."""

from __future__ import annotations

from labelled.base import Goal, Set
from labelled.texts import tweets
from longshort import Classifier
from longshort.heads.category import Category
from longshort.layers.encoder import Recurrent
from longshort.training import Training


def make(row: str, seed: int) -> Classifier:
    return Classifier(
        head=Category(weights="balanced"),
        recurrent=Recurrent(100, bidirectional=True),
        training=Training(
            epochs=4,
            batch=64,
            optimizer="adam",
            rate=3e-3,
            weight_decay=0.0,
            schedule="linear",
            clip=5.0,
            patience=None,
            members=3,
        ),
        random_state=seed,
    )


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

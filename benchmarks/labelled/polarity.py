"""Sentences of film reviews: positive or negative."""

from __future__ import annotations

from labelled.base import Figure, Goal, Set
from labelled.texts import classifier, polarity
from longshort import Classifier
from longshort.heads.category import Category


def make(row: str, seed: int) -> Classifier:
    return classifier(Category(smoothing=0.1), 3, seed)


SET = Set(
    name="polarity",
    title="Sentence polarity",
    told="10,662 sentences of film reviews, half of them positive (Pang and Lee 2005, CC BY 4.0); "
    "80/10/10 % at random, the same split for every method.",
    read=polarity,
    make=make,
    metric="accuracy",
    measures=("accuracy", "macro_f1", "auroc", "log_loss", "calibration_error"),
    goals=(Goal("accuracy", 0.785, 0.80),),
    literature=(
        Figure("CNN-rand", "accuracy", 0.761, "Kim 2014, ten folds"),
        Figure("CNN-static, with word2vec", "accuracy", 0.810, "Kim 2014, ten folds"),
    ),
)

"""BasicMotions: what somebody with a watch does: stand, walk, run, or play badminton."""

from __future__ import annotations

from labelled.archive import archived, fixed
from labelled.base import Figure, Goal, Set
from longshort import Recurrent, Training
from longshort.data.corpus import Corpus
from longshort.heads.category import Category
from longshort.tasks.classify import Classifier


def read(split: int) -> Corpus:
    """The archive's own parts."""
    return archived("BasicMotions")


def make(row: str, seed: int) -> Classifier:
    """The recipe."""
    return fixed(
        Recurrent(32, bidirectional=True, dropout=0.2, stem=7, convolutions=3, stride=4),
        Training(epochs=6, rate=3e-3, schedule="onecycle", weight_decay=0.01, batch=16, members=3),
        Category(pooling="mean+max", dropout=0.3),
        seed,
    )


SET = Set(
    name="basicmotions",
    title="BasicMotions",
    told=(
        "40 + 40 series of 100 steps and 6 channels: acceleration and rotation of a watch at four "
        "activities (Bagnall et al. 2018, UEA archive). The archive's own parts; there is no "
        "validation part: settings were chosen by cross-validation within the training part."
    ),
    read=read,
    make=make,
    metric="accuracy",
    measures=("accuracy", "macro_f1", "log_loss"),
    goals=(Goal("accuracy", 1.0),),
    literature=(Figure("1-NN DTW", "accuracy", 0.975, "UCR archive, window of the whole series"),),
)

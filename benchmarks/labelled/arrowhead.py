"""ArrowHead: outlines of arrowheads of three kinds."""

from __future__ import annotations

from labelled.archive import archived, fixed
from labelled.base import Figure, Goal, Set
from longshort import Recurrent, Training
from longshort.data.corpus import Corpus
from longshort.heads.category import Category
from longshort.tasks.classify import Classifier


def read(split: int) -> Corpus:
    """The archive's own parts."""
    return archived("ArrowHead")


def make(row: str, seed: int) -> Classifier:
    """The recipe."""
    return fixed(
        Recurrent(32, bidirectional=True, dropout=0.2, stem=9, convolutions=2, stride=6),
        Training(epochs=15, rate=3e-3, schedule="onecycle", weight_decay=0.01, batch=16, members=5),
        Category(pooling="mean+max", dropout=0.3),
        seed,
    )


SET = Set(
    name="arrowhead",
    title="ArrowHead",
    told=(
        "36 + 175 series of 251 steps: outlines of arrowheads of three kinds, as angles (Ye and "
        "Keogh 2009, UCR archive). The archive's own parts; there is no validation part: settings "
        "were chosen by cross-validation within the training part."
    ),
    read=read,
    make=make,
    metric="accuracy",
    measures=("accuracy", "macro_f1", "log_loss"),
    goals=(Goal("accuracy", 0.75),),
    literature=(Figure("1-NN DTW", "accuracy", 0.703, "UCR archive, window of the whole series"),),
)

"""The Broad Twitter Corpus: persons, places and organisations in tweets."""

from __future__ import annotations

from labelled.base import Goal, Set
from labelled.names import BOTH, FORWARD, make, read

SET = Set(
    name="btc",
    title="Entities in tweets (Broad Twitter Corpus)",
    told=(
        "Tweets of several places, years and kinds of writers with persons, locations and "
        "organisations (Derczynski et al. 2016; CC BY 4.0): sections a, b, e and f to learn from "
        "(5,200 tweets), g to choose by (2,138), h to judge by (2,001). The sections differ on "
        "purpose, and h is easier than g."
    ),
    read=read(
        {
            "train": [f"btc.{section}.conll" for section in "abef"],
            "valid": ["btc.g.conll"],
            "test": ["btc.h.conll"],
        }
    ),
    make=make(epochs=4, rarest=2),
    metric="f1",
    measures=("f1", "precision", "recall", "token_accuracy"),
    rows=(BOTH, FORWARD),
    goals=(Goal("f1", 0.665, 0.69),),
    task="tag",
)

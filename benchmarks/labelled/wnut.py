"""WNUT-17: emerging entities of six types in posts of several sites."""

from __future__ import annotations

from labelled.base import Figure, Goal, Set
from labelled.names import BOTH, FORWARD, make, read

SET = Set(
    name="wnut",
    title="Emerging entities (WNUT-17)",
    told=(
        "Posts of four sites with six types of entities, the parts as published (Derczynski et al. "
        "2017; CC BY 4.0): 3,394 tweets to learn from, 1,009 comments of YouTube that choose, "
        "1,287 posts of Reddit, Twitter, YouTube and StackExchange to judge by. Few of the test "
        "part's entities occur in the training part, and no method here has read anything else."
    ),
    read=read(
        {
            "train": ["wnut17.train.conll"],
            "valid": ["wnut17.dev.conll"],
            "test": ["wnut17.test.conll"],
        }
    ),
    make=make(epochs=3, rarest=1),
    metric="f1",
    measures=("f1", "precision", "recall", "token_accuracy"),
    rows=(BOTH, FORWARD),
    goals=(Goal("f1", 0.175, 0.22),),
    literature=(
        Figure(
            "winner of the shared task, with gazetteers and vectors of tweets",
            "f1",
            0.419,
            "Derczynski et al. 2017",
        ),
    ),
    task="tag",
)

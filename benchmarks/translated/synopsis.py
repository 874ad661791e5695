"""What a package is in a few words, from its long description."""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import numpy as np
from transcribed.base import Goal

from longshort.data.corpus import Corpus
from longshort.evaluate.labels import LabelParts
from translated.base import Pairs, goal
from translated.debian import family, packages, sides
from translated.tanaka import beam

# two descriptions whose first words are the same are the same one
_FIRST = 60


@cache
def parts() -> LabelParts:
    """Parts by source package; those that choose and judge have one package of each source."""
    random = np.random.default_rng(1)
    by_part: dict[str, list[tuple[str, str, str]]] = {"train": [], "valid": [], "test": []}
    families: dict[str, list[Any]] = {}
    for each in packages():
        families.setdefault(family(each.source), []).append(each)
    for name, own in families.items():
        side = sides()[name]
        kept = own if side == "train" else [own[int(random.integers(len(own)))]]
        by_part[side] += [(each.package, each.text, each.synopsis) for each in kept]
    seen: set[str] = set()
    found = {}
    # what is judged on is learnt from nowhere, and nothing is learnt from twice
    for side in ("test", "valid", "train"):
        rows = []
        for row in by_part[side]:
            key = " ".join(row[1].lower().split()[:_FIRST])
            if key not in seen or side == "test":
                rows.append(row)
            seen.add(key)
        found[side] = Corpus(
            f"Debian's descriptions, {side}",
            texts=tuple(row[1] for row in rows),
            transcripts=tuple(row[2] for row in rows),
            names=tuple(row[0] for row in rows),
        )
    return LabelParts(found["train"], found["valid"], found["test"])


def network(**changes: Any) -> Any:
    """Words or copies of them (See et al. 2017), of the first 60 words of a description."""
    from longshort import Recurrent, Spelling, Tokens, Training, Translator
    from longshort.heads.translation import Translation

    words, lower = Tokens("words", size=8000), Spelling("lower")
    return Translator(
        source=words,
        target=words,
        source_spelling=lower,
        target_spelling=lower,
        joint=True,
        longest=60,
        head=Translation(embedding=128, size=192, copy=True, dropout=0.2, smoothing=0.1),
        recurrent=Recurrent(96, 1, bidirectional=True, dropout=0.2),
        training=Training(
            epochs=5, batch=64, optimizer="adam", rate=3e-3, weight_decay=0.0,
            schedule="onecycle", clip=5.0, patience=None, members=1,
        ),
    ).set_params(**changes)  # fmt: skip


PAIRS = Pairs(
    name="synopsis",
    title="Descriptions to synopses",
    told=(
        "The long descriptions of the packages of Debian 12 and the synopsis of each, as apt "
        "carries them, split by source package (sources whose names differ in a version alone "
        "count as one): 1,000 sources for the test and 500 that choose, one package of each. Of "
        "descriptions that begin with the same 60 words one is kept, and none of the training part "
        "is one of the others. ROUGE is the F-measure without stemming. First words: k chosen on "
        "the validation part. The test part was opened twice, as the ledger tells: the second of "
        "the two networks was fitted only after the first opening."
    ),
    parts=parts,
    recipes={"one network": network, "two networks": partial(network, training__members=2)},
    searches={
        "greedy": beam(width=1),
        **{f"beam 4, length {a}": beam(width=4, length_penalty=a) for a in (0.6, 0.8, 1.0)},
        **{
            f"beam 4, length {a}, no pair twice": beam(width=4, length_penalty=a, block=2)
            for a in (0.6, 0.8, 1.0)
        },
    },
    measures=("rougeL", "rouge1", "rouge2", "novel", "repeated", "exact"),
    rows=("first words", "nearest source", "most frequent target", "copy of the source"),
    goals=(Goal(goal("rougeL"), 0.40, 0.43, unit="points"),),
    part="1,000 source packages",
)

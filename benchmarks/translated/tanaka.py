"""English to Japanese sentences of the Tanaka corpus, cut into words by whoever published them."""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from transcribed.base import Goal, data

from longshort.data.corpus import Corpus
from longshort.data.sources.pairs import aligned
from longshort.evaluate.labels import LabelParts
from translated.base import Pairs, goal

UNSEEN = "sources that are not in the training part"


@cache
def parts() -> LabelParts:
    """The three parts as they were published."""

    def part(name: str) -> Corpus:
        return aligned(*(data("pairs", f"tanaka.{name}.{language}") for language in ("en", "ja")))

    return LabelParts(part("train"), part("dev"), part("test"))


def unseen(given: LabelParts) -> NDArray[np.bool_]:
    """Which sources of the test part training has not."""
    known = set(given.train.texts or ())
    return np.array([text not in known for text in given.test.texts or ()])


def network(**changes: Any) -> Any:
    """Words seen twice; attention after the decoder, so that training reads targets at once."""
    from longshort import Recurrent, Tokens, Training, Translator
    from longshort.beams import Beam
    from longshort.heads.translation import Translation

    words = Tokens("spaced", least=2)
    return Translator(
        source=words,
        target=words,
        head=Translation(embedding=192, size=256, dropout=0.25, smoothing=0.1),
        search=Beam(),
        recurrent=Recurrent(128, 2, bidirectional=True, dropout=0.25, residual=True),
        training=Training(
            epochs=7, batch=64, optimizer="adam", rate=2e-3, weight_decay=0.0,
            schedule="onecycle", clip=5.0, patience=None, members=1,
        ),
    ).set_params(**changes)  # fmt: skip


def beam(**settings: Any) -> Any:
    """A search, made when it is asked for."""

    def made() -> Any:
        from longshort.beams import Beam

        return Beam(**settings)

    return made


PAIRS = Pairs(
    name="tanaka",
    title="English to Japanese",
    told=(
        "The small parallel set of the Tanaka corpus (CC BY 2.0 FR): 50,000 sentences to learn "
        "from, 500 that choose and a test of 500, cut into words already. BLEU is of these words "
        "(sacrebleu, tokenize none). 60 sources of the test part stand in the training part word "
        "for word, so that the 440 others are told apart. Nearest source: the Japanese of the "
        "English sentence with the nearest TF-IDF vector of words and word pairs."
    ),
    parts=parts,
    recipes={"one network": network, "two networks": partial(network, training__members=2)},
    searches={
        "greedy": beam(width=1),
        **{f"beam 5, length {a}": beam(width=5, length_penalty=a) for a in (0.6, 0.8, 1.0, 1.3)},
    },
    measures=("bleu", "chrf", "ter", "exact"),
    rows=("nearest source", "copy of the source", "most frequent target"),
    tokenize="none",
    subsets={UNSEEN: unseen},
    goals=(
        Goal(goal("bleu"), 0.29, 0.33, unit="points"),
        Goal(goal("bleu", UNSEEN), 0.28, unit="points"),
    ),
    apart=True,
    part="500 test sentences",
)

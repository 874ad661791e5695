"""Small pictures with a caption each: the stamps of Tux Paint."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

from longshort import Partition, Roles
from longshort.data.corpus import Corpus
from longshort.data.partition import partition
from longshort.data.sources.pairs import read_pairs
from longshort.evaluate.labels import LabelParts
from translated.base import Pairs
from translated.debian import folder
from translated.tanaka import beam


@cache
def stamps() -> Corpus:
    """Every picture with its English caption, which names its group."""
    corpus = read_pairs(folder() / "stamps", Roles())
    captions = tuple(" ".join(text.lower().split()) for text in corpus.transcripts or ())
    return replace(corpus, groups=captions)


@cache
def parts() -> LabelParts:
    """No caption stands on two sides."""
    corpus = stamps()
    shares = partition(corpus, Partition("group", 0.1, 0.2))
    train, valid, test = (corpus.select(own) for own in shares[:3])
    return LabelParts(train, valid, test)


def network(**changes: Any) -> Any:
    """A small convolutional encoder and a decoder with attention (Xu et al. 2015)."""
    from longshort import Spelling, Tokens, Training, Translator
    from longshort.data.readings.scenes import Scenes
    from longshort.heads.translation import Translation

    return Translator(
        target=Tokens("words"),
        target_spelling=Spelling("lower"),
        scenes=Scenes(size=64),
        head=Translation(attention="additive", embedding=64, size=128, dropout=0.3),
        training=Training(
            epochs=30, batch=32, optimizer="adam", rate=2e-3, weight_decay=0.0,
            schedule="onecycle", clip=5.0, patience=None, members=1,
        ),
    ).set_params(**changes)  # fmt: skip


PAIRS = Pairs(
    name="captions",
    title="Captions of stamps",
    told=(
        "The pictures of Tux Paint's stamps (package tuxpaint-stamps-default of Debian 12, free "
        "licences of their own) that are PNG files with a caption in English, split by distinct "
        "caption: no caption of the test part was ever seen. A few hundred pictures of things that "
        "mostly come once are far too few to learn what things look like; what can be reached is "
        "the wording of such captions."
    ),
    parts=parts,
    recipes={"additive": network},
    searches={"greedy": beam(width=1), "beam 5": beam(width=5, length_penalty=1.0)},
    measures=("cider", "bleu", "rougeL", "chrf", "exact"),
    rows=("nearest source", "most frequent target"),
    tokenize="13a",
    part="a fifth of the captions",
)

"""Paragraphs and synopses of package descriptions, from English to Italian."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from longshort.data.corpus import Corpus
from longshort.evaluate.labels import LabelParts
from translated.base import Pairs
from translated.debian import described, family, listed, packages, sides, stanzas
from translated.tanaka import beam

# words of a paragraph at most, and pairs of the parts that choose and judge
_WORDS, _PAIRS = 12, {"valid": 500, "test": 1000}


def pairs() -> list[tuple[str, str, str]]:
    """(family of the source, English, Italian) of synopses and paragraphs that answer each other.

    Paragraphs do where both descriptions have the same number of them.
    """
    english, italian = described("en"), described("it")
    found: dict[str, tuple[str, str, str]] = {}
    families = {each.package: family(each.source) for each in packages()}
    for fields in stanzas(listed("Packages")):
        key = fields.get("Description-md5", "")
        if key not in english or key not in italian or fields["Package"] not in families:
            continue
        (first, body), (other, translated) = english[key], italian[key]
        both = [(first, other)]
        if len(body) == len(translated):
            both += list(zip(body, translated, strict=True))
        for one, two in both:
            # what nobody has translated is no translation
            if one != two and max(len(one.split()), len(two.split())) <= _WORDS:
                found.setdefault(one, (families[fields["Package"]], one, two))
    return sorted(found.values())


@cache
def parts() -> LabelParts:
    """Parts by source package, every English text once."""
    random = np.random.default_rng(2)
    rows: dict[str, list[tuple[str, str, str]]] = {"train": [], "valid": [], "test": []}
    for row in pairs():
        rows[sides()[row[0]]].append(row)
    found = {}
    for side, own in rows.items():
        most = _PAIRS.get(side, len(own))
        chosen = np.sort(random.permutation(len(own))[:most]).tolist()
        found[side] = Corpus(
            f"English to Italian, {side}",
            texts=tuple(own[at][1] for at in chosen),
            transcripts=tuple(own[at][2] for at in chosen),
            groups=tuple(own[at][0] for at in chosen),
        )
    return LabelParts(found["train"], found["valid"], found["test"])


def network(**changes: Any) -> Any:
    """Subwords of both languages in one vocabulary, so that names are copied by their parts."""
    from longshort import Recurrent, Tokens, Training, Translator
    from longshort.heads.translation import Translation

    pieces = Tokens("subwords", size=8000)
    return Translator(
        source=pieces,
        target=pieces,
        joint=True,
        longest=60,
        head=Translation(embedding=192, size=256, dropout=0.2, smoothing=0.1),
        recurrent=Recurrent(128, 2, bidirectional=True, dropout=0.2, residual=True),
        training=Training(
            epochs=4, batch=64, optimizer="adam", rate=2e-3, weight_decay=0.0,
            schedule="onecycle", clip=5.0, patience=None, members=1,
        ),
    ).set_params(**changes)  # fmt: skip


PAIRS = Pairs(
    name="italian",
    title="English to Italian",
    told=(
        "Synopses and paragraphs of at most 12 words of the same descriptions and of their Italian "
        "translations (Debian Description Translation Project), on the same split by source "
        "package. Texts stand as they are; BLEU cuts them (sacrebleu, tokenize 13a)."
    ),
    parts=parts,
    recipes={"subwords": network},
    searches={
        "greedy": beam(width=1),
        **{f"beam 5, length {a}": beam(width=5, length_penalty=a) for a in (0.6, 1.0)},
    },
    measures=("bleu", "chrf", "ter", "exact"),
    rows=("nearest source", "copy of the source", "most frequent target"),
    tokenize="13a",
    part="1,000 texts of other sources",
)

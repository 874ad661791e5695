"""Transcripts as tables: a row for each of them, or for each of its words or symbols."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import polars as pl

from longshort.data.corpus import Corpus
from longshort.tasks.transcripts.decoding import Transcript

# what a row is of: a whole transcript, or a part of it with its times
Rows = Literal["transcripts", "words", "symbols"]
# of probabilities, nats and times
_DECIMALS = 4


def table(
    corpus: Corpus,
    found: Sequence[Sequence[Transcript]],
    rows: Rows = "transcripts",
    *,
    ranked: bool = False,
) -> pl.DataFrame:
    """The transcripts of N recordings, the best first, as a table.

    Args:
        corpus: the recordings.
        found: transcripts of each.
        rows: what a row is of.
        ranked: number the transcripts of each recording from 1 on, with their scores in nats.

    Returns:
        "item", with ``ranked`` "rank" and "score", then "transcript" and "confidence", or "word" or
        "symbol", "start", "end" and "confidence".
    """
    first = {"item": pl.String} | ({"rank": pl.Int64, "score": pl.Float64} if ranked else {})
    own = {rows.removesuffix("s"): pl.String}
    times = {} if rows == "transcripts" else {"start": pl.Float64, "end": pl.Float64}
    told: list[tuple[object, ...]] = []
    for item, several in enumerate(found):
        for rank, one in enumerate(several, 1):
            place = (rank, round(one.score, _DECIMALS)) if ranked else ()
            named = called(corpus, item), *place
            if rows == "transcripts":
                told.append((*named, one.text, round(one.confidence, _DECIMALS)))
                continue
            for piece in one.words if rows == "words" else one.symbols:
                numbers = piece.start, piece.end, piece.confidence
                told.append((*named, piece.text, *(round(n, _DECIMALS) for n in numbers)))
    return pl.DataFrame(told, {**first, **own, **times, "confidence": pl.Float64}, orient="row")


def called(corpus: Corpus, item: int) -> str:
    """What a recording is called in tables."""
    if corpus.names is not None and corpus.names[item]:
        return corpus.names[item]
    return str(item + 1) if corpus.lines is None else f"line {int(corpus.lines[item])}"

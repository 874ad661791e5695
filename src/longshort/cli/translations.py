"""What the commands do with a fitted Translator."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import polars as pl

from longshort import artifact
from longshort.beams import Beam
from longshort.cli.terminal import notes, plain
from longshort.cli.terminal import out as terminal
from longshort.data.corpus import Corpus
from longshort.data.sequences import composed
from longshort.data.sources.inputs import SUFFIXES
from longshort.data.sources.pairs import read_pairs
from longshort.errors import ArgumentError, DataError
from longshort.records import Aligned, TranslationEvaluation
from longshort.report.translations.document import attention_page
from longshort.tasks.translate import Translator
from longshort.tasks.translations.writing import Alignment
from longshort.yardsticks.translations.roster import Choice

# sources of a file whose attention is shown, and levels of what is drawn on the terminal
_SHOWN, _LEVELS = 10, " ·░▒▓█"


def several(path: Path) -> Any:
    """One path, or the two that a comma parts: "new.en,new.ja"."""
    first, comma, second = str(path).partition(",")
    return (Path(first), Path(second)) if comma and not path.exists() else path


def predictions(
    estimator: Translator, data: Path, *, best: int | None = None, width: int | None = None
) -> Iterator[pl.DataFrame]:
    """A row for each source: its name, its target, and what that is ranked by."""
    if not os.path.exists(data) and not data.name.lower().endswith(SUFFIXES):
        raise DataError(
            f"{data}: there is no such file; texts are given on standard input "
            '(echo "..." | longshort predict model.lstm), sources of two files in the first alone'
        )
    search = _search(estimator, width)
    if best is None:
        found = estimator.predict(data, search=search)
        assert isinstance(found, pl.DataFrame)
        yield found
        return
    corpus = read_pairs(data, estimator.roles, required=False)
    rows = [
        (corpus.where(at), rank, each.text, round(each.score, 4))
        for at, own in enumerate(estimator.hypotheses(corpus, best, search=search))
        for rank, each in enumerate(own, 1)
    ]
    yield pl.DataFrame(rows, schema=("item", "rank", "target", "score"), orient="row")


def answered(
    estimator: Translator,
    lines: Iterable[str],
    *,
    best: int | None = None,
    width: int | None = None,
) -> Iterator[str]:
    """The target of each line as soon as it is read; with ``best`` several, after their scores."""
    search = _search(estimator, width)
    for at, line in enumerate(lines, 1):
        read = Corpus(
            "standard input", texts=(composed(line.strip()),), lines=np.array([at], np.int64)
        )
        if not line.strip():
            # answers stand on the lines of their sources
            yield ""
        elif best is None:
            yield estimator.predict(read, search=search)[0]
        else:
            for each in estimator.hypotheses(read, best, search=search)[0]:
                yield f"{each.score:.4f}\t{each.text}"
            yield ""


def _search(estimator: Translator, width: int | None) -> Beam | None:
    return None if width is None else estimator.settings_["search"].set_params(width=width)


def judged(
    estimator: Translator,
    data: Path,
    folder: Path | None,
    *,
    metric: str = "macro_f1",
    yardsticks: str = "all",
) -> TranslationEvaluation:
    """The test part, or other data as a whole; two files of lines are parted by a comma."""
    del folder
    # what is asked of labels unless something else is written means nothing here
    asked = None if metric == "macro_f1" else metric
    return estimator.evaluate(several(data), metric=asked, yardsticks=cast(Choice, yardsticks))


def explained(estimator: Translator, data: str, out: Path | None) -> None:
    """What was looked at while each symbol was written, on the terminal or as a page."""
    if out is not None and out.suffix != ".html":
        raise ArgumentError(f"--out {out}: what was looked at is drawn as an .html page")
    corpus = read_pairs(data, estimator.roles, required=False)
    chosen = [at for at in range(len(corpus)) if corpus.texts is None or corpus.texts[at].strip()]
    if not chosen:
        raise DataError(f"{corpus.source}: every source is empty; give one that is not")
    found = [estimator.attention(_one(corpus, at)) for at in chosen[:_SHOWN]]
    if out is None:
        for each in found:
            _draw(each)
    else:
        drawn = [
            Aligned(each.source, each.target, tuple(map(tuple, each.weights.tolist())))
            for each in found
        ]
        artifact.write_bytes(out, attention_page(drawn, corpus.source).encode())
        notes.print(f"drawn: {plain(str(out))}")
    if len(chosen) > _SHOWN:
        notes.print(f"{len(chosen) - _SHOWN} more sources are not shown")


def _one(corpus: Corpus, at: int) -> Any:
    return corpus.texts[at] if corpus.texts is not None else corpus.select([at])


def _draw(found: Alignment) -> None:
    """A column for each symbol of the source, a row for each that was written."""
    last = len(_LEVELS) - 1
    widest = max(map(len, found.target))
    terminal.print(f"\n[bold]{plain(' '.join(found.target[:-1]))}[/]")
    for row, weights in zip(found.target, found.weights, strict=True):
        cells = "".join(_LEVELS[min(last, round(float(w) * last))] * 2 for w in weights)
        top = int(weights.argmax())
        terminal.print(
            f"{plain(row.rjust(widest))} |{cells}| {float(weights[top]):.0%} "
            f"{plain(found.source[top])}",
            soft_wrap=True,
        )

"""What knows the language of transcripts, and how much it counts beside the network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from longshort.data.sources.arpa import read_arpa
from longshort.errors import ArgumentError
from longshort.heads.ctc import Ctc
from longshort.heads.prefixes import Prior, Together
from longshort.metrics.transcripts import alignment, errors
from longshort.tasks.transcripts.decoding import Told, sought
from longshort.tasks.transcripts.hotwords import HotWords
from longshort.tasks.transcripts.learned import Known
from longshort.tasks.transcripts.ngrams import Counted, SymbolPrior
from longshort.tasks.transcripts.spoken import Speaker, SpokenSymbols, SpokenWords, shared
from longshort.tasks.transcripts.words import (
    ArpaSymbols,
    ArpaWords,
    Remembered,
    WordPrior,
    symbols_of,
)

# where nothing chooses
WEIGHT, BONUS = 0.5, 0.0
# what is tried: weights, each with the bonus that is best so far, then bonuses
_WEIGHTS = (0.25, 0.5, 0.75, 1.0, 1.5)
_BONUSES = (-0.5, 0.5, 1.0, 2.0)


class Language:
    """A language model that is ready to be asked, with any weight and bonus.

    Args:
        head: which one.
        known: what a transcriber has learnt.
        opened: reads the file of a language model.

    Raises:
        ArgumentError: there is no such file, or it holds something else.
        DataError, ModelFileError: it cannot be read.
    """

    def __init__(self, head: Ctc, known: Known, opened: Callable[[Path], Speaker]) -> None:
        self._known, self.told = known, ""
        self._made: Callable[[float, float], Prior] | None = None
        if head.language == "none":
            return
        path = Path(head.language)
        if head.language == "ngrams":
            after = Counted(known.said, head.order, known.codec.classes)
            self._made = partial(SymbolPrior, after)
            self.told = f"Kneser-Ney {head.order}-grams of the training part's transcripts"
        elif not path.is_file():
            raise ArgumentError(
                f"Ctc(language={head.language!r}): there is no such file; give none, ngrams, an "
                "ARPA file (.arpa, .arpa.gz) or a language model's file (--language)"
            )
        elif path.name.endswith((".arpa", ".arpa.gz", ".lm", ".lm.gz")):
            self._read_arpa(path)
        else:
            self._read_model(path, opened(path))

    def _read_arpa(self, path: Path) -> None:
        arpa, codec = read_arpa(path), self._known.codec
        symbols = symbols_of(arpa, codec)
        unit = "symbols" if symbols is not None else "words"
        self.told = f"{path.name}, {arpa.order}-grams of {unit}"
        if symbols is not None:
            self._made = partial(SymbolPrior, ArpaSymbols(arpa, symbols))
        else:
            self._made = partial(WordPrior, Remembered(ArpaWords(arpa)), codec)

    def _read_model(self, path: Path, model: Speaker) -> None:
        codec = self._known.codec
        table, unit = shared(model, codec), model.codec_.unit
        if table is not None:
            self._made = partial(SpokenSymbols, model, table)
        elif unit == "words":
            self._made = partial(WordPrior, Remembered(SpokenWords(model)), codec)
        else:
            raise ArgumentError(
                f"{path}: a language model of {unit}, which are no symbols of transcripts in "
                f"{codec.tokens.unit}; fit one of {codec.tokens.unit} or of words, on text that is "
                "spelt as they are"
            )
        self.told = f"{path.name}, an LSTM of {unit}"

    @property
    def there(self) -> bool:
        """Whether there is one."""
        return self._made is not None

    def prior(self, weight: float, bonus: float, hot: HotWords | None = None) -> Prior | None:
        """What prefix search adds to its scores, new for one search."""
        found: list[Prior] = []
        if self._made is not None and (weight or bonus):
            found.append(self._made(weight, bonus))
        if hot is not None:
            found.append(hot.prior())
        if len(found) > 1:
            return Together(found)
        return found[0] if found else None


class Chosen(NamedTuple):
    """A weight and a bonus, and the error rate that they led to; NaN where nothing was tried."""

    weight: float
    bonus: float
    rate: float


def choose(
    language: Language,
    head: Ctc,
    told: Callable[[], Sequence[Told]],
    truth: Sequence[Sequence[int]],
) -> Chosen:
    """The weight and bonus with the fewest errors, of those that ``head`` leaves open.

    Args:
        language: the model.
        head: what is given stays as it is.
        told: the examples that choose, as networks tell them; not asked where nothing is open.
        truth: symbols of each example.
    """
    weight = WEIGHT if head.weight is None else head.weight
    bonus = BONUS if head.bonus is None else head.bonus
    if not language.there or (head.weight is not None and head.bonus is not None):
        return Chosen(weight, bonus, float("nan"))
    known = list(told())

    def rate(weight: float, bonus: float) -> float:
        wrong = symbols = 0
        for each in known:
            found = sought(each, head.width, 1, lambda: language.prior(weight, bonus))
            for number, best in zip(each.numbers, found, strict=True):
                own = errors(alignment(list(truth[number]), list(best[0].symbols)))
                wrong, symbols = wrong + own.wrong, symbols + own.symbols
        return wrong / symbols if symbols else float("nan")

    weights = _WEIGHTS if head.weight is None else (weight,)
    tried = {(each, bonus): rate(each, bonus) for each in weights}
    if not np.isfinite(list(tried.values())).all():
        return Chosen(weight, bonus, float("nan"))
    weight, _ = min(tried, key=lambda pair: (tried[pair], abs(pair[0] - WEIGHT)))
    if head.bonus is None:
        tried |= {(weight, each): rate(weight, each) for each in _BONUSES}
    best = min(tried, key=lambda pair: (tried[pair], abs(pair[1]), abs(pair[0] - WEIGHT)))
    return Chosen(*best, tried[best])

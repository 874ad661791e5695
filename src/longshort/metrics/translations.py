"""How well translations, summaries and captions are told, beside what people wrote.

Every measure counts, for each item, what can be added up (matches, lengths, a score and 1), and its
score is a function of the sums: so that the scores of resampled items come from the same counts.
All scores are shares, 1 for 100 points.

BLEU (Papineni et al. 2002), chrF (Popovic 2015) and TER (Snover et al. 2006) are those of sacrebleu
(Post 2018), with its signature; ROUGE (Lin 2004) is that of rouge-score, the F-measure without
stemming. Of several references the best counts.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from longshort.errors import ArgumentError, MissingDependencyError, suggest
from longshort.metrics.bootstrap import drawn_weights
from longshort.metrics.cider import cider_d, grams

Floats = NDArray[np.float64]


class Counted(NamedTuple):
    """What a measure counts of N items.

    Args:
        counts: (N, K) of whatever adds up.
        score: from sums (K,) to a share.
        signature: how it was computed, for whoever computes it again.
    """

    counts: Floats
    score: Callable[[Floats], float]
    signature: str


class Named(NamedTuple):
    """How a measure is spoken of, and whether more of it is better; None for what is neither."""

    words: str
    higher: bool | None = True


MEASURES: dict[str, Named] = {
    "bleu": Named("BLEU"),
    "chrf": Named("chrF"),
    "ter": Named("TER", False),
    "rouge1": Named("ROUGE-1"),
    "rouge2": Named("ROUGE-2"),
    "rougeL": Named("ROUGE-L"),
    "cider": Named("CIDEr-D"),
    "exact": Named("exactly right"),
    "repeated": Named("repeated 3-grams", None),
    "novel": Named("2-grams not in the source", None),
}
# texts whose references are longer than so many words have no TER, whose cost grows with the cube
MOST_TER = 100
_ROUGE = ("rouge1", "rouge2", "rougeL")
# scripts that put no blanks between words: kana, Han, Thai, Lao, Burmese, Khmer
_UNSPACED = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]"
)
# in text of such a script that was cut into words, no word is longer on the average
_LONGEST_WORD = 5.0


def tokenization(references: Iterable[str]) -> str:
    """How BLEU cuts text, by what it looks like.

    "13a", which is sacrebleu's own; "none" where text of a script without blanks between words has
    them, because it was cut into words before; "char" where it has none.
    """
    texts = list(references)
    text = " ".join(texts)
    letters = sum(map(str.isalpha, text))
    if 2 * len(_UNSPACED.findall(text)) <= letters:
        return "13a"
    found = text.split()
    # a blank between sentences cuts no words
    cut = len(found) > 1.5 * len(texts) and len("".join(found)) <= _LONGEST_WORD * len(found)
    return "none" if cut else "char"


def words(text: str, tokenize: str) -> list[str]:
    """A text as words in lower case, without punctuation; characters where there are no words."""
    plain = text.lower()
    if tokenize == "none":
        return [word for word in plain.split() if any(map(str.isalnum, word))]
    if tokenize == "char":
        return [letter for letter in plain if letter.isalnum()]
    return re.findall(r"\w+(?:'\w+)?", plain)


def counted(
    names: Iterable[str],
    answers: Sequence[str],
    references: Sequence[Sequence[str]],
    sources: Sequence[str] | None = None,
    tokenize: str | None = None,
) -> dict[str, Counted]:
    """Measures by name.

    Args:
        names: of ``MEASURES``.
        answers: N texts.
        references: of each of them one or more texts.
        sources: N texts; of pictures there are none, and nothing is novel.
        tokenize: how BLEU cuts text: "13a", "none", "char", "zh", "intl"; None for
            ``tokenization`` of the references.

    Raises:
        ArgumentError: there is no such measure, or it needs sources.
        MissingDependencyError: sacrebleu or rouge-score is not installed.
    """
    cut = tokenize or tokenization(text for own in references for text in own)
    found: dict[str, Counted] = {}
    for name in names:
        if name in ("bleu", "chrf", "ter"):
            found[name] = _sacrebleu(name, answers, references, cut)
        elif name in _ROUGE:
            if name not in found:
                found |= _rouge(answers, references, cut)
        elif name == "cider":
            values = cider_d(
                [words(text, cut) for text in answers],
                [[words(text, cut) for text in own] for own in references],
            )
            found[name] = _mean(values, f"CIDEr-D|n:4|sigma:6|lc|no-punctuation|tok:{cut}|1 = 100")
        elif name == "exact":
            right = [
                any(text.split() == own.split() for own in several)
                for text, several in zip(answers, references, strict=True)
            ]
            found[name] = _mean(np.array(right, float), "blanks aside")
        elif name == "repeated":
            pairs = [_repeated(words(text, cut)) for text in answers]
            found[name] = Counted(_array(pairs), _ratio, f"3-grams of words|lc|tok:{cut}")
        elif name == "novel":
            if sources is None:
                raise ArgumentError("the measure 'novel' needs sources that are texts")
            both = zip(answers, sources, strict=True)
            pairs = [_novel(words(one, cut), words(two, cut)) for one, two in both]
            found[name] = Counted(_array(pairs), _ratio, f"2-grams of words|lc|tok:{cut}")
        else:
            raise ArgumentError(f"measure {name!r}: {suggest(name, MEASURES)}")
    return {name: found[name] for name in names}


def score(found: Counted, weights: Floats | None = None) -> Floats:
    """The score of all items; with weights (R, N) how often each counts, (R,)."""
    if weights is None:
        return np.asarray(found.score(found.counts.sum(0)))
    return np.array([found.score(total) for total in weights @ found.counts])


def each(found: Counted) -> Floats:
    """(N,) the score of every item alone."""
    return np.array([found.score(own) for own in found.counts])


def resampled(
    found: Counted,
    groups: Sequence[str] | None = None,
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> Floats | None:
    """(R,) the score of resampled items or groups of them; None where they are too few.

    Koehn (2004): the bootstrap of whole items; differences of two methods are paired where both
    have the same seed.
    """
    parts = drawn_weights(len(found.counts), groups, resamples=resamples, seed=seed)
    if parts is None:
        return None
    return np.concatenate([score(found, weights) for weights in parts])


def _array(pairs: Sequence[tuple[int, int]]) -> Floats:
    return np.array(pairs, np.float64).reshape(-1, 2)


def _ratio(total: Floats) -> float:
    return float(total[0] / total[1]) if total[1] else float("nan")


def _mean(values: Floats, signature: str) -> Counted:
    return Counted(np.stack([values, np.ones(len(values))], 1), _ratio, signature)


def _repeated(own: Sequence[str]) -> tuple[int, int]:
    """3-grams that were said before in the same text, and all of them."""
    found = grams(own, 3)
    return sum(found.values()) - len(found), sum(found.values())


def _novel(own: Sequence[str], source: Sequence[str]) -> tuple[int, int]:
    """2-grams that are not in the source (See et al. 2017), and all of them."""
    known: Counter[tuple[str, ...]] = grams(source, 2)
    found = grams(own, 2)
    return sum(n for gram, n in found.items() if gram not in known), sum(found.values())


def _sacrebleu(
    name: str, answers: Sequence[str], references: Sequence[Sequence[str]], tokenize: str
) -> Counted:
    """BLEU, chrF or TER as sacrebleu counts them."""
    try:
        import sacrebleu
    except ImportError:
        raise MissingDependencyError(
            "BLEU, chrF and TER need the package sacrebleu: pip install 'longshort[text]'"
        ) from None
    metrics: Any = sacrebleu.metrics
    if name == "bleu":
        metric = metrics.BLEU(tokenize=tokenize, force=True)
    elif name == "chrf":
        metric = metrics.CHRF()
    else:
        cut = tokenize == "char"
        metric = metrics.TER(normalized=cut, asian_support=cut)
    most = max(map(len, references), default=1)
    # a reference that is not there is None
    streams = [[own[at] if at < len(own) else None for own in references] for at in range(most)]
    counts = np.array(metric._extract_corpus_statistics(answers, streams), np.float64)

    def of(total: Floats) -> float:
        # the smoothing of BLEU writes into what it is given
        return float(metric._compute_score_from_stats(total.tolist()).score) / 100

    return Counted(counts, of, str(metric.get_signature()))


def _rouge(
    answers: Sequence[str], references: Sequence[Sequence[str]], tokenize: str
) -> dict[str, Counted]:
    """ROUGE-1, 2 and L of every item, as rouge-score computes them."""
    try:
        from importlib.metadata import version

        from rouge_score.rouge_scorer import RougeScorer
    except ImportError:
        raise MissingDependencyError(
            "ROUGE needs the package rouge-score: pip install 'longshort[text]'"
        ) from None
    letters = "".join(text for own in references for text in own)
    # its own words are of a-z and digits
    plain = sum(c.isalpha() and c.isascii() for c in letters) >= 0.95 * sum(
        map(str.isalpha, letters)
    )
    scorer = RougeScorer(list(_ROUGE), tokenizer=None if plain else _Cut(tokenize))
    told = [
        scorer.score_multi(list(own), text) for text, own in zip(answers, references, strict=True)
    ]
    signature = f"F|no-stemming|{'a-z0-9' if plain else f'tok:{tokenize}'}|{version('rouge-score')}"
    return {
        name: _mean(np.array([own[name].fmeasure for own in told], np.float64), signature)
        for name in _ROUGE
    }


class _Cut:
    """What rouge-score asks for words of other alphabets."""

    def __init__(self, tokenize: str) -> None:
        self.cut = tokenize

    def tokenize(self, text: str) -> list[str]:
        return words(text, self.cut)

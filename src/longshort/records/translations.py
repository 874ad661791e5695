"""A test part of pairs opened once: translated, summarised or captioned by every method."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from pydantic import TypeAdapter

from longshort.errors import DataError
from longshort.records.evaluation import Kind
from longshort.records.labels import Difference, Measured
from longshort.records.training import History, Tuning
from longshort.records.written import Scored, Written, read

# what targets are of their sources
What = Literal["translations", "summaries", "captions"]


@dataclass(frozen=True)
class TranslationScore:
    """One method on the whole test part.

    ``measures`` by name, each a share (1 is 100 points): "bleu", "chrf", "ter", "rouge1", "rouge2",
    "rougeL", "cider", "exact", "repeated", "novel". ``length`` is words (or characters) told for
    each of the nearest references, ``valid`` the evaluation's metric on the validation part,
    ``seconds`` how long fitting took, and ``pace`` the seconds of work for an answer; None where
    they are not known.
    """

    method: str
    kind: Kind
    measures: dict[str, Measured]
    length: float | None = None
    valid: float | None = None
    seconds: float | None = None
    pace: float | None = None


@dataclass(frozen=True)
class Aligned:
    """What was looked at while each symbol was told: ``weights`` has a row for each of ``target``.

    A weight is 0 to 1, and a row has as many of them as ``source`` has symbols.
    """

    source: tuple[str, ...]
    target: tuple[str, ...]
    weights: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Example:
    """One item of the test part: its source, what people wrote, and what was told.

    ``score`` is that of this item alone, by ``TranslationEvaluation.each``. ``rival`` is what the
    reference method told. ``source`` of a picture is its name, and ``picture`` a data URI.
    """

    where: str
    source: str
    references: tuple[str, ...]
    told: str
    score: float
    rival: str = ""
    aligned: Aligned | None = None
    picture: str = ""


@dataclass(frozen=True)
class Stretch:
    """Items whose sources have ``low`` to ``high`` words, and each method's score on them.

    The score is that by which single items are scored.
    """

    low: int
    high: int
    items: int
    scores: dict[str, float]


@dataclass(frozen=True)
class TranslationPart:
    """One part of the data, in pairs and words (characters, where text has no words).

    ``middle`` and ``longest`` are the median and the greatest length of a source and of a target.
    """

    name: Literal["train", "valid", "test"]
    pairs: int
    sources: int
    source_words: int
    target_words: int
    middle: tuple[int, int]
    longest: tuple[int, int]


@dataclass(frozen=True)
class TranslationData:
    """What was read, and how it was split. ``cut`` is how scores cut targets into words."""

    source: str
    content: Literal["texts", "tokens", "series", "sound", "ink", "pictures"]
    cut: str
    parts: tuple[TranslationPart, ...] = ()


@dataclass(frozen=True)
class TranslationEvaluation(Written, Scored[TranslationScore]):
    """A test part opened once: every method on the same sources, and the verdict in words.

    ``metric`` is what choices were made by, and ``each`` what single items are scored by.
    ``items`` counts sources, ``references`` their targets, ``groups`` what was resampled instead
    of items. ``signatures`` says how each measure was computed. ``worst`` and ``best`` are items
    of the test part by our method, the worst and the best first; ``lengths`` are by the words of a
    source. ``latency`` says in words how soon an answer comes.
    """

    task: Literal["translate"]
    what: What
    metric: str
    each: str
    items: int
    references: int
    scores: tuple[TranslationScore, ...]
    verdict: str
    data: TranslationData
    history: History
    signatures: dict[str, str]
    groups: int | None = None
    reference: str = ""
    naive: str = ""
    differences: tuple[Difference, ...] = ()
    worst: tuple[Example, ...] = ()
    best: tuple[Example, ...] = ()
    lengths: tuple[Stretch, ...] = ()
    latency: str = ""
    settings: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    tuning: Tuning | None = None

    @staticmethod
    def from_json(text: str | bytes, where: str = "the evaluation") -> TranslationEvaluation:
        """Read a record that ``to_json`` wrote.

        Raises:
            DataError: the text is not JSON or not such a record; ``where`` is named.
        """
        found = read(_TRANSLATIONS, text, where, "an evaluation record", "evaluate")
        for name in ("worst", "best"):
            for at, example in enumerate(getattr(found, name)):
                if told := _wrong(example):
                    raise DataError(
                        f"{where}: not an evaluation record: {name}.{at}: {told}. Make a new one."
                    )
        return found


def _wrong(example: Example) -> str:
    """What of an example cannot be drawn; "" for nothing."""
    if example.picture and not example.picture.startswith("data:image/"):
        return "its picture is no data URI of a picture"
    drawn = example.aligned
    if drawn is not None and (
        len(drawn.weights) != len(drawn.target)
        or any(len(row) != len(drawn.source) for row in drawn.weights)
    ):
        return "its weights have no row for each symbol told and no column for each of the source"
    return ""


_TRANSLATIONS = TypeAdapter(TranslationEvaluation)

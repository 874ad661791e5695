"""A text's test part opened once: how surprised every method was by it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from pydantic import TypeAdapter

from longshort.errors import DataError
from longshort.records.evaluation import Kind
from longshort.records.labels import Difference, Measured
from longshort.records.training import History, Tuning
from longshort.records.written import Scored, Written, read


@dataclass(frozen=True)
class LanguageScore:
    """One method on the whole test part.

    ``measures`` by name, of all scored symbols: "nats" and "bits" are the mean -log p of a symbol,
    "perplexity" is e to the nats; "nats_per_character", "bits_per_character" and "bits_per_byte"
    are the sum of -log p over the characters and the bytes (in UTF-8) of the text, the latter with
    8 bits more for each byte of what is unknown, so that it compares across symbols. Where the test
    part has unknown symbols, "known_perplexity" is that of the others alone. Of music, instead of
    characters and bytes, there are "nats_per_frame" and "bits_per_frame" of rolls, or
    "nats_per_note" and "bits_per_note" of events. Intervals are 95 %
    block bootstraps. ``valid`` is the nats of a symbol in the validation part (of music, of a frame
    or note), None where there is none; ``seconds`` is how long fitting took, None where it is not
    known.
    """

    method: str
    kind: Kind
    measures: dict[str, Measured]
    valid: float | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Stage:
    """Nats of a symbol, its mean over one stretch of the test part from ``start`` to ``end``.

    Both count scored symbols of the test part.
    """

    method: str
    start: int
    end: int
    nats: float


@dataclass(frozen=True)
class LanguagePassage:
    """A short run of the test part: its symbols as text, and our method's -log p of each in nats.

    ``place`` counts scored symbols before it, ``before`` is the text that led to it, and ``mean``
    the mean of ``nats``.
    """

    kind: Literal["surprising", "expected"]
    place: int
    before: str
    symbols: tuple[str, ...]
    nats: tuple[float, ...]
    mean: float


@dataclass(frozen=True)
class Sample:
    """Text that our method wrote after a prompt; ``how`` says how it was drawn."""

    prompt: str
    text: str
    how: str


@dataclass(frozen=True)
class LanguagePart:
    """One part of the text; ``symbols`` are those that are told, ``unknown`` of them unknown.

    ``characters`` counts what ``LanguageData.per`` names: characters of a text, or frames or notes.
    """

    name: Literal["train", "valid", "test"]
    documents: int
    symbols: int
    characters: int
    bytes: int
    unknown: int


@dataclass(frozen=True)
class LanguageData:
    """What was read: where from, as which symbols, how many there are, and how it was split."""

    source: str
    unit: str
    vocabulary: int
    parts: tuple[LanguagePart, ...] = ()
    per: str = "character"


@dataclass(frozen=True)
class LanguageEvaluation(Written, Scored[LanguageScore]):
    """A text's test part opened once: every method on the same symbols, and the verdict in words.

    ``symbols`` are scored; ``reference`` is the yardstick with the least surprise on the validation
    part, "" where there is none. ``block`` is how many symbols in a row were resampled as one.
    ``differences`` are of "nats", and of music of nats per frame or note. ``notes`` are what a
    reader must know to compare.
    """

    task: Literal["language"]
    symbols: int
    block: int
    scores: tuple[LanguageScore, ...]
    verdict: str
    data: LanguageData
    history: History
    reference: str = ""
    differences: tuple[Difference, ...] = ()
    course: tuple[Stage, ...] = ()
    passages: tuple[LanguagePassage, ...] = ()
    samples: tuple[Sample, ...] = ()
    settings: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    tuning: Tuning | None = None

    @staticmethod
    def from_json(text: str | bytes, where: str = "the evaluation") -> LanguageEvaluation:
        """Read a record that ``to_json`` wrote.

        Raises:
            DataError: the text is not JSON or not such a record; ``where`` is named.
        """
        found = read(_LANGUAGE, text, where, "an evaluation record", "evaluate")
        for at, passage in enumerate(found.passages):
            if len(passage.symbols) != len(passage.nats):
                told = f"{len(passage.symbols)} symbols and {len(passage.nats)} numbers"
                raise DataError(
                    f"{where}: not an evaluation record: passages.{at}: {told}. Make a new one."
                )
        return found


_LANGUAGE = TypeAdapter(LanguageEvaluation)

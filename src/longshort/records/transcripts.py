"""A test part of recordings opened once: transcribed by every method."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from pydantic import TypeAdapter

from longshort.errors import DataError
from longshort.records.evaluation import Kind
from longshort.records.labels import Curve, Difference, Mark, Measured, Sketch
from longshort.records.media import Audio, Image
from longshort.records.training import History, Tuning
from longshort.records.written import Scored, Written, read


@dataclass(frozen=True)
class Wrongs:
    """What was right and wrong over the whole test part, in words, characters or symbols."""

    hits: int
    substitutions: int
    deletions: int
    insertions: int


@dataclass(frozen=True)
class TranscriptScore:
    """One method on the whole test part.

    ``measures`` by name: "cer", "wer" and "ser" are error rates of characters, words and symbols
    (0 is perfect, more than 1 is possible), "wrong" the share of transcripts that are not right as
    a whole. ``wrongs`` counts by the same names. ``valid`` is the evaluation's metric on the
    validation part; ``seconds`` is how long fitting took, ``real_time`` the seconds of work for a
    second of recording; None where they are not known.
    """

    method: str
    kind: Kind
    measures: dict[str, Measured]
    wrongs: dict[str, Wrongs]
    valid: float | None = None
    seconds: float | None = None
    real_time: float | None = None


@dataclass(frozen=True)
class Delay:
    """How long our method works on what it is given before it answers, in milliseconds.

    ``piece`` is what it answers: each chunk of a stream, or each recording once that has ended.
    ``middle`` and ``most`` are the median and the 95th percentile of ``count`` pieces, one at a
    time; ``length`` is how many seconds a piece lasts (the median), None where steps have no time.
    """

    piece: Literal["chunk", "recording"]
    middle: float
    most: float
    count: int
    length: float | None = None


@dataclass(frozen=True)
class Confusion:
    """How often a symbol was told for another one; "" is nothing: a deletion or an insertion."""

    truth: str
    told: str
    count: int


@dataclass(frozen=True)
class Timed:
    """A symbol or word from ``start`` to ``end``, and how sure it is, 0 to 1."""

    text: str
    start: float
    end: float
    confidence: float


@dataclass(frozen=True)
class Picture:
    """What was read, drawn as rows of levels from 0 (least) to 9, the lowest channel first.

    ``length`` is how long it is, in the unit of the times.
    """

    rows: tuple[str, ...]
    length: float


@dataclass(frozen=True)
class Heard:
    """One recording of the test part: what is true, what our method told, and where.

    ``edits`` are pairs of what is true and what was told, "" for nothing, symbol by symbol.
    ``words`` and ``symbols`` are of what was told. A recording is shown as ``picture``, as
    ``curves``, as ``image`` (of which ``picture`` only says how long it is), or as ``sketch``, of
    which ``marks`` are the points where each of ``symbols`` was told. ``sound`` is its beginning as
    a data URI, "" where there is none.
    """

    where: str
    truth: str
    told: str
    edits: tuple[tuple[str, str], ...]
    confidence: float
    words: tuple[Timed, ...] = ()
    symbols: tuple[Timed, ...] = ()
    picture: Picture | None = None
    curves: tuple[Curve, ...] = ()
    sound: Audio = ""
    image: Image | None = None
    sketch: Sketch | None = None
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True)
class TranscriptPart:
    """One part of the data. ``steps`` counts what is read of all recordings.

    ``middle`` and ``longest`` are the median and the greatest length of a recording in steps.
    """

    name: Literal["train", "valid", "test"]
    items: int
    groups: int | None
    characters: int
    words: int
    steps: int
    middle: int
    longest: int


@dataclass(frozen=True)
class TranscriptData:
    """What was read, how its transcripts are spelt, and how it was split.

    ``step`` is the seconds of a step, None where steps have no time.
    """

    source: str
    content: Literal["texts", "tokens", "series", "sound", "ink", "pictures"]
    unit: str
    symbols: int
    spelling: str
    step: float | None = None
    parts: tuple[TranscriptPart, ...] = ()


@dataclass(frozen=True)
class TranscriptEvaluation(Written, Scored[TranscriptScore]):
    """A test part opened once: every method on the same recordings, and the verdict in words.

    ``metric`` is what choices were made by. ``groups`` counts what was resampled instead of items.
    ``confusions`` are our method's, the most frequent first; ``heard`` its worst recordings, the
    worst first, then some that it got right. ``latency`` says in words how soon an answer comes,
    and ``delay`` how long it is worked on.
    """

    task: Literal["transcribe"]
    metric: str
    items: int
    scores: tuple[TranscriptScore, ...]
    verdict: str
    data: TranscriptData
    history: History
    groups: int | None = None
    reference: str = ""
    naive: str = ""
    differences: tuple[Difference, ...] = ()
    confusions: tuple[Confusion, ...] = ()
    heard: tuple[Heard, ...] = ()
    wrong: int = 0
    latency: str = ""
    delay: Delay | None = None
    settings: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    tuning: Tuning | None = None

    @staticmethod
    def from_json(text: str | bytes, where: str = "the evaluation") -> TranscriptEvaluation:
        """Read a record that ``to_json`` wrote.

        Raises:
            DataError: the text is not JSON or not such a record; ``where`` is named.
        """
        found = read(_TRANSCRIPTS, text, where, "an evaluation record", "evaluate")
        for at, each in enumerate(found.heard):
            told = ""
            points = 0 if each.sketch is None else each.sketch.points
            if any(not 0 <= mark.start <= mark.end <= points for mark in each.marks):
                told = f"a mark lies outside its {points} points"
            rows = () if each.picture is None else each.picture.rows
            if len({len(row) for row in rows}) > 1 or not all(row.isdigit() for row in rows if row):
                told = "its picture is no rows of digits of one length"
            if told:
                raise DataError(
                    f"{where}: not an evaluation record: heard.{at}: {told}. Make a new one."
                )
        return found


_TRANSCRIPTS = TypeAdapter(TranscriptEvaluation)

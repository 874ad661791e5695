"""What is done with a record of each kind: read it, show it, draw its page. A closed table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from longshort import artifact
from longshort.cli.terminal import (
    show,
    show_anomalies,
    show_labels,
    show_language,
    show_scores,
    show_transcripts,
    show_translations,
)
from longshort.errors import DataError
from longshort.records import (
    AnomalyEvaluation,
    Comparison,
    Evaluation,
    LabelEvaluation,
    LanguageEvaluation,
    TranscriptEvaluation,
    TranslationEvaluation,
)
from longshort.report.anomalies.document import anomaly_page
from longshort.report.document import comparison_page, page
from longshort.report.labels.document import label_page
from longshort.report.language.document import language_page
from longshort.report.transcripts.document import transcript_page
from longshort.report.translations.document import translation_page


class RecordKind(NamedTuple):
    """One kind of record.

    mark: what stands in the JSON text of such a record alone; b"" in any that is no other kind.
    """

    kind: type[Any]
    mark: bytes
    show: Callable[[Any], None]
    page: Callable[[Any], str]


RECORDS = (
    RecordKind(AnomalyEvaluation, b'"by_series"', show_anomalies, anomaly_page),
    RecordKind(LanguageEvaluation, b'"perplexity"', show_language, language_page),
    RecordKind(TranscriptEvaluation, b'"confusions"', show_transcripts, transcript_page),
    RecordKind(TranslationEvaluation, b'"signatures"', show_translations, translation_page),
    RecordKind(LabelEvaluation, b'"per_class"', show_labels, label_page),
    RecordKind(Comparison, b'"contenders"', show_scores, comparison_page),
    RecordKind(Evaluation, b"", show, page),
)


def kind_of(record: Any) -> RecordKind:
    """The row of the table that a record belongs to."""
    return next(row for row in RECORDS if isinstance(record, row.kind))


def read_record(path: Path) -> Any:
    """The record that a file holds.

    Raises:
        DataError: the file cannot be read, or holds no record.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    row = next(row for row in RECORDS if row.mark in text)
    return row.kind.from_json(text, str(path))


def show_record(record: Any) -> None:
    """Its table and verdict on the terminal."""
    kind_of(record).show(record)


def drawn(record: Any) -> str:
    """Its HTML page."""
    return kind_of(record).page(record)


def write_record(record: Any, folder: Path) -> None:
    """``evaluation.json`` and ``report.html`` into a folder."""
    artifact.write_bytes(folder / "evaluation.json", record.to_json().encode())
    artifact.write_bytes(folder / "report.html", drawn(record).encode())

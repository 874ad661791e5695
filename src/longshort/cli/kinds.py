"""What each command does with a model, by the kind of model that its file holds: a closed table."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import typer

from longshort.cli import anomaly, forecasts, labels, series, tag, text, transcribe, translations
from longshort.cli.options import asked
from longshort.errors import ArgumentError
from longshort.tasks.anomaly import AnomalyDetector
from longshort.tasks.base import Estimator
from longshort.tasks.classify import Classifier
from longshort.tasks.files import load
from longshort.tasks.forecast import Forecaster
from longshort.tasks.generate import LanguageModel
from longshort.tasks.series import SeriesModel
from longshort.tasks.tag import Tagger
from longshort.tasks.transcribe import Transcriber
from longshort.tasks.translate import Translator


class Commands(NamedTuple):
    """What is done with one kind of model.

    predict: (model, data, **options) gives the frames of a table, one after the other.
    evaluate: (model, data, folder, **options) gives the record of an evaluation.
    explain: (model, file or text, where to write) shows and writes what answers lean on.
    told: what a prediction is called.
    answer: (model, lines, **options) gives an answer to each line; None where files alone are read.
    """

    predict: Callable[..., Any]
    evaluate: Callable[..., Any]
    explain: Callable[..., None]
    told: str
    answer: Callable[..., Iterator[str]] | None = None


KINDS: dict[str, Commands] = {
    AnomalyDetector.kind: Commands(
        anomaly.predictions, anomaly.judged, anomaly.explained, "scores"
    ),
    Forecaster.kind: Commands(
        forecasts.predictions, forecasts.judged, forecasts.explained, "forecast"
    ),
    Classifier.kind: Commands(labels.predictions, labels.judged, labels.explained, "labels"),
    Tagger.kind: Commands(tag.predictions, tag.judged, tag.explained, "tags"),
    LanguageModel.kind: Commands(text.predictions, text.judged, text.explained, "text"),
    Transcriber.kind: Commands(
        transcribe.predictions, transcribe.judged, transcribe.explained, "transcripts"
    ),
    Translator.kind: Commands(
        translations.predictions,
        translations.judged,
        translations.explained,
        "targets",
        translations.answered,
    ),
    SeriesModel.kind: Commands(series.predictions, series.judged, series.explained, "values"),
}


def opened(model: Path) -> tuple[Estimator, Commands]:
    """The model of a file, and what the commands do with it."""
    estimator = load(model)
    return estimator, KINDS[estimator.kind]


def fitting(
    context: typer.Context, does: Callable[..., Any], estimator: Estimator, options: dict[str, Any]
) -> dict[str, Any]:
    """Of a command's options those that this kind of model has a use for.

    Raises:
        ArgumentError: another one was written.
    """
    known = inspect.signature(does).parameters
    written = asked(context)
    for name in options:
        if name not in known and name in written:
            flag = context.command.params[[p.name for p in context.command.params].index(name)]
            raise ArgumentError(
                f"{flag.opts[0]}: a {estimator.kind} has no use for it; leave it out"
            )
    return {name: value for name, value in options.items() if name in known}

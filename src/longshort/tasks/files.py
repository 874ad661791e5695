"""Open any model file: the closed table from the kind it names to the estimator that reads it."""

from __future__ import annotations

from pathlib import Path

from longshort import artifact, checkpoint
from longshort.errors import ModelFileError, suggest
from longshort.tasks.anomaly import AnomalyDetector
from longshort.tasks.base import Estimator
from longshort.tasks.classify import Classifier
from longshort.tasks.forecast import Forecaster
from longshort.tasks.generate import LanguageModel
from longshort.tasks.series import SeriesModel
from longshort.tasks.tag import Tagger
from longshort.tasks.transcribe import Transcriber
from longshort.tasks.translate import Translator

KINDS: dict[str, type[Estimator]] = {
    each.kind: each
    for each in (
        AnomalyDetector,
        Forecaster,
        Classifier,
        Tagger,
        LanguageModel,
        SeriesModel,
        Transcriber,
        Translator,
    )
}


def load(path: str | Path, *, device: str = "cpu") -> Estimator:
    """Read a model file that ``save`` wrote, wherever it was trained.

    Args:
        path: the file.
        device: where it is to run: "cpu", "cuda" or "auto".

    Raises:
        ModelFileError: it is missing, damaged, altered, or of a kind this version does not know.
    """
    content = artifact.read(path)
    if content.kind == checkpoint.KIND:
        raise ModelFileError(
            f"{path}: this is the checkpoint of a fit that is not done; go on with it by the same "
            "command and --resume, or by fit(..., checkpoint=...)"
        )
    if content.kind not in KINDS:
        known = suggest(content.kind, KINDS)
        raise ModelFileError(f"{path}: holds a model of unknown kind {content.kind!r}: {known}")
    return KINDS[content.kind].from_artifact(content, str(path), device)

"""Longshort: from a file of sequences to a trained, honestly judged, explained LSTM.

Every public name is loaded when it is first used, so that ``import longshort`` is quick and
``longshort.LSTM`` brings in nothing but torch and the recurrence.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# every public name and the room it lives in
_ROOMS = {
    "AnomalyDetector": "longshort.tasks.anomaly",
    "Arrival": "longshort.data.arrival",
    "Augment": "longshort.data.augment",
    "Beam": "longshort.beams",
    "Category": "longshort.heads.category",
    "Chunking": "longshort.data.chunks",
    "Classifier": "longshort.tasks.classify",
    "Columns": "longshort.data.sequences",
    "Corpus": "longshort.data.corpus",
    "Ctc": "longshort.heads.ctc",
    "Decoder": "longshort.heads.decoder",
    "Documents": "longshort.data.sources.prose",
    "Evaluation": "longshort.records",
    "Faults": "longshort.tasks.anomalies.faults",
    "Forecaster": "longshort.tasks.forecast",
    "GRU": "longshort.layers.recurrent",
    "GRUCell": "longshort.layers.cells",
    "LSTM": "longshort.layers.recurrent",
    "LSTMCell": "longshort.layers.cells",
    "LanguageModel": "longshort.tasks.generate",
    "LongshortError": "longshort.errors",
    "Next": "longshort.heads.next",
    "Notation": "longshort.data.codecs.notation",
    "Partition": "longshort.data.partition",
    "Pretrained": "longshort.data.readings.pretrained",
    "RNN": "longshort.layers.recurrent",
    "RNNCell": "longshort.layers.cells",
    "Recorded": "longshort.data.corpus",
    "Recurrent": "longshort.layers.encoder",
    "Roles": "longshort.data.corpus",
    "Scaling": "longshort.data.codecs.numbers",
    "Scenes": "longshort.data.readings.scenes",
    "Scores": "longshort.tasks.anomalies.scores",
    "SeriesModel": "longshort.tasks.series",
    "Session": "longshort.stream",
    "Shares": "longshort.data.chunks",
    "Signal": "longshort.data.readings.signals",
    "Sound": "longshort.data.readings.sound",
    "Spelling": "longshort.data.codecs.transcripts",
    "Split": "longshort.data.splits",
    "Surprise": "longshort.tasks.anomalies.surprise",
    "Tagger": "longshort.tasks.tag",
    "Text": "longshort.data.readings.words",
    "Threshold": "longshort.tasks.anomalies.thresholds",
    "Tokens": "longshort.data.codecs.tokens",
    "Training": "longshort.training",
    "Transcriber": "longshort.tasks.transcribe",
    "Translation": "longshort.heads.translation",
    "Translator": "longshort.tasks.translate",
    "Window": "longshort.data.window",
    "backtest": "longshort.tasks.backtest",
    "compare": "longshort.tasks.comparison",
    "engine": "longshort.kernels.dispatch",
    "lint": "longshort.evaluate.leaks.lint",
    "load": "longshort.tasks.files",
    "tune": "longshort.tuning",
}

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "AnomalyDetector",
    "Arrival",
    "Augment",
    "Beam",
    "Category",
    "Chunking",
    "Classifier",
    "Columns",
    "Corpus",
    "Ctc",
    "Decoder",
    "Documents",
    "Evaluation",
    "Faults",
    "Forecaster",
    "GRUCell",
    "LSTMCell",
    "LanguageModel",
    "LongshortError",
    "Next",
    "Notation",
    "Partition",
    "Pretrained",
    "RNNCell",
    "Recorded",
    "Recurrent",
    "Roles",
    "Scaling",
    "Scenes",
    "Scores",
    "SeriesModel",
    "Session",
    "Shares",
    "Signal",
    "Sound",
    "Spelling",
    "Split",
    "Surprise",
    "Tagger",
    "Text",
    "Threshold",
    "Tokens",
    "Training",
    "Transcriber",
    "Translation",
    "Translator",
    "Window",
    "backtest",
    "compare",
    "engine",
    "lint",
    "load",
    "tune",
]

if TYPE_CHECKING:
    from longshort.beams import Beam
    from longshort.data.arrival import Arrival
    from longshort.data.chunks import Chunking, Shares
    from longshort.data.codecs.notation import Notation
    from longshort.data.codecs.numbers import Scaling
    from longshort.data.codecs.tokens import Tokens
    from longshort.data.codecs.transcripts import Spelling
    from longshort.data.corpus import Corpus, Roles
    from longshort.data.partition import Partition
    from longshort.data.readings.pretrained import Pretrained
    from longshort.data.readings.scenes import Scenes
    from longshort.data.readings.signals import Signal
    from longshort.data.readings.words import Text
    from longshort.data.sequences import Columns
    from longshort.data.sources.prose import Documents
    from longshort.data.splits import Split
    from longshort.data.window import Window
    from longshort.errors import LongshortError
    from longshort.evaluate.leaks.lint import lint
    from longshort.heads.category import Category
    from longshort.heads.ctc import Ctc
    from longshort.heads.decoder import Decoder
    from longshort.heads.next import Next
    from longshort.heads.translation import Translation
    from longshort.kernels.dispatch import engine
    from longshort.layers.cells import GRUCell, LSTMCell, RNNCell
    from longshort.layers.encoder import Recurrent
    from longshort.layers.recurrent import GRU, LSTM, RNN
    from longshort.records import Evaluation
    from longshort.stream import Session
    from longshort.tasks.anomalies.faults import Faults
    from longshort.tasks.anomalies.scores import Scores
    from longshort.tasks.anomalies.surprise import Surprise
    from longshort.tasks.anomalies.thresholds import Threshold
    from longshort.tasks.anomaly import AnomalyDetector
    from longshort.tasks.backtest import backtest
    from longshort.tasks.classify import Classifier
    from longshort.tasks.comparison import compare
    from longshort.tasks.files import load
    from longshort.tasks.forecast import Forecaster
    from longshort.tasks.generate import LanguageModel
    from longshort.tasks.series import SeriesModel
    from longshort.tasks.tag import Tagger
    from longshort.tasks.transcribe import Transcriber
    from longshort.tasks.translate import Translator
    from longshort.training import Training
    from longshort.tuning import tune


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module 'longshort' has no attribute {name!r}")
    return getattr(import_module(_ROOMS[name]), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])

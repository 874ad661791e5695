"""Plain records of what was learnt and measured: what tables, reports and pages are drawn from.

No torch, no arrays, no behaviour beyond reading and writing JSON: a record made on one machine is
read on another without any of the code that made it.
"""

from __future__ import annotations

from longshort.records.comparison import (
    Comparison,
    Contender,
    Pair,
)
from longshort.records.decided import (
    Decided,
    LabelExplanation,
)
from longshort.records.evaluation import (
    DataSummary,
    Evaluation,
    FieldSummary,
    Fold,
    FoldScore,
    ForecastPoint,
    Kind,
    Part,
    Reliability,
    Score,
    StepScore,
)
from longshort.records.explanation import (
    Explanation,
    Leaning,
    Permutation,
)
from longshort.records.findings import (
    Finding,
    Findings,
    Sure,
)
from longshort.records.labels import (
    LEVELS,
    ClassScore,
    Curve,
    Difference,
    LabelData,
    LabelEvaluation,
    LabelKind,
    LabelPart,
    LabelScore,
    LabelTask,
    Mark,
    Measured,
    Mistake,
    ReliabilityBin,
    Sketch,
    Span,
    SpanError,
    SpanFault,
    Spectrogram,
)
from longshort.records.language import (
    LanguageData,
    LanguageEvaluation,
    LanguagePart,
    LanguagePassage,
    LanguageScore,
    Sample,
    Stage,
)
from longshort.records.training import (
    Epoch,
    Event,
    Happening,
    History,
    Outcome,
    Stop,
    Trial,
    Tuning,
)

__all__ = [
    "LEVELS",
    "ClassScore",
    "Comparison",
    "Contender",
    "Curve",
    "DataSummary",
    "Decided",
    "Difference",
    "Epoch",
    "Evaluation",
    "Event",
    "Explanation",
    "FieldSummary",
    "Finding",
    "Findings",
    "Fold",
    "FoldScore",
    "ForecastPoint",
    "Happening",
    "History",
    "Kind",
    "LabelData",
    "LabelEvaluation",
    "LabelExplanation",
    "LabelKind",
    "LabelPart",
    "LabelScore",
    "LabelTask",
    "LanguageData",
    "LanguageEvaluation",
    "LanguagePart",
    "LanguagePassage",
    "LanguageScore",
    "Leaning",
    "Mark",
    "Measured",
    "Mistake",
    "Outcome",
    "Pair",
    "Part",
    "Permutation",
    "Reliability",
    "ReliabilityBin",
    "Sample",
    "Score",
    "Sketch",
    "Span",
    "SpanError",
    "SpanFault",
    "Spectrogram",
    "Stage",
    "StepScore",
    "Stop",
    "Sure",
    "Trial",
    "Tuning",
]

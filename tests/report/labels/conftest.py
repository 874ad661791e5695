"""Records of labels: reviews of two classes, gestures of three, and entities."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from longshort.records import (
    ClassScore,
    Curve,
    Difference,
    Epoch,
    History,
    LabelData,
    LabelEvaluation,
    LabelPart,
    LabelScore,
    Mark,
    Measured,
    Mistake,
    ReliabilityBin,
    Span,
    SpanError,
)

TEXT = "Not <b>bad</b> at all & rather good"


def score(method: str, kind: str, **measures: float) -> LabelScore:
    told = {name: Measured(value, value - 0.05, value + 0.05) for name, value in measures.items()}
    return LabelScore(method, kind, told, valid=0.8, seconds=1.5)  # type: ignore[arg-type]


def review_record() -> LabelEvaluation:
    return LabelEvaluation(
        task="classify",
        kind="one",
        classes=("neg", "pos"),
        metric="macro_f1",
        items=200,
        scores=(
            score("class prior", "naive", macro_f1=0.33, accuracy=0.5, log_loss=0.69, brier=0.25),
            score("LSTM", "lstm", macro_f1=0.781, accuracy=0.79, log_loss=0.5, brier=0.16),
            score("TF-IDF", "classical", macro_f1=0.76, accuracy=0.79, log_loss=0.49, brier=0.17),
        ),
        verdict="The LSTM earned its keep: its macro-F1, 78.1 %, is 45.1 points above the rule.",
        data=LabelData(
            "reviews.csv",
            "texts",
            parts=(
                LabelPart("train", 1000, None, {"neg": 480, "pos": 520}, 50_000, 48, 210),
                LabelPart("test", 200, None, {"neg": 104, "pos": 96}, 10_000, 50, 190),
            ),
        ),
        history=History(
            (Epoch(0, 0, 0.7, 0.6, 1.0, 1e-3, 1.0, True),), ("epochs",), "nats"
        ),
        positive="pos",
        reference="TF-IDF",
        naive="class prior",
        differences=(
            Difference("macro_f1", "LSTM", "class prior", 0.451, 0.4, 0.5),
            Difference("macro_f1", "LSTM", "TF-IDF", 0.021, -0.01, 0.05),
        ),
        per_class=(
            ClassScore("LSTM", "neg", 104, 100, 0.96, 0.923, 0.941),
            ClassScore("LSTM", "pos", 96, 0, None, 0.0, 0.0),
        ),
        confusion=((96, 8), (4, 92)),
        reliability=tuple(
            ReliabilityBin(m, c, c * 0.9, 20, c * 0.8, min(1, c))
            for m in ("LSTM", "TF-IDF")
            for c in (0.1, 0.5, 0.9)
        ),
        mistakes=(
            Mistake(
                "reviews.csv, line 7", ("pos",), ("neg",), 0.97, 0.03, TEXT,
                marks=(Mark(0, 3, 1.0), Mark(7, 10, -0.5), Mark(14, 16, 0.01)),
            ),
            Mistake("reviews.csv, line 9", ("neg",), ("pos",), 0.9, 0.1, "word " * 400),
        ),
        wrong=12,
        settings={"recurrent.size": "100"},
        environment={"torch": "2"},
        notes=("Probabilities were calibrated.",),
    )  # fmt: skip


def gesture_record() -> LabelEvaluation:
    reviews = review_record()
    x = np.sin(np.arange(50) / 5)
    curves = (
        Curve("x", tuple(x.tolist()), 2),
        Curve("y", tuple(None if i % 7 == 0 else float(v) for i, v in enumerate(-x)), 2),
    )
    wrong = Mistake("gestures: 'r1'", ("a",), ("b",), 0.8, 0.2, curves=curves,
                    marks=(Mark(0, 20, 1.0), Mark(40, 100, -0.7)))  # fmt: skip
    return replace(
        reviews,
        classes=("a", "b", "c"),
        confusion=((5, 1, 0), (0, 6, 0), (0, 0, 7)),
        positive=None,
        groups=9,
        mistakes=(wrong,) * 10,
        wrong=10,
        data=LabelData("gestures", "series", ("x", "y"), reviews.data.parts),
    )


def entity_record() -> LabelEvaluation:
    reviews = review_record()
    tokens = ("Ada", "Lovelace", "lives", "in", "<Oslo>", ".")
    return replace(
        reviews,
        task="tag",
        classes=("LOC", "PER"),
        metric="f1",
        scores=(
            score("LSTM", "lstm", f1=0.2, precision=0.4, recall=0.13, token_accuracy=0.95),
            score("CRF", "classical", f1=0.17, precision=0.44, recall=0.11, token_accuracy=0.94),
        ),
        positive=None,
        confusion=(),
        reliability=(),
        mistakes=(),
        differences=(Difference("f1", "LSTM", "CRF", 0.03, -0.02, 0.06),),
        data=LabelData("test.conll", "tokens", (), reviews.data.parts),
        errors=(
            SpanError("line 3", "extent", tokens, (Span(0, 2, "PER"),), (Span(0, 1, "PER"),), 0.9),
            SpanError("line 9", "missed", tokens, (Span(4, 5, "LOC"),), ()),
        ),
        faults={"extent": 3, "missed": 60},
    )


@pytest.fixture(scope="session")
def reviews() -> LabelEvaluation:
    return review_record()


@pytest.fixture(scope="session")
def gestures() -> LabelEvaluation:
    return gesture_record()


@pytest.fixture(scope="session")
def entities() -> LabelEvaluation:
    return entity_record()

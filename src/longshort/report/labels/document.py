"""The report of labels: one HTML page that needs nothing but itself."""

from __future__ import annotations

from longshort.records import LabelEvaluation
from longshort.report.document import whole
from longshort.report.labels import sections
from longshort.report.sections import training, tuning

_LINKS = {
    "scores": "Scores",
    "classes": "Classes",
    "confusion": "Confusion",
    "calibration": "Calibration",
    "mistakes": "Mistakes",
    "errors": "Errors",
    "training": "Training",
    "tuning": "Tuning",
    "data": "Data",
    "settings": "Settings",
    "environment": "Environment",
    "notes": "Notes",
    "reading": "How to read this",
}


def label_page(evaluation: LabelEvaluation) -> str:
    """The whole report of an evaluation of labels as HTML text.

    In this order: task and source, verdict, scores beside every yardstick, classes or types of
    entities, confusion, calibration, the mistakes of which it was most sure with what weighed in
    them, entities told wrong among their neighbours, training, tuning, data, settings, environment,
    notes and a glossary. It reads on a phone, prints, and follows the reader's light or dark
    scheme.
    """
    parts = {
        "scores": sections.scores(evaluation),
        "classes": sections.classes(evaluation),
        "confusion": sections.confusion(evaluation),
        "calibration": sections.calibration(evaluation),
        "mistakes": sections.mistakes(evaluation),
        "errors": sections.errors(evaluation),
        "training": training(evaluation.history),
        "tuning": tuning(evaluation.tuning),
        "data": sections.data(evaluation),
    }
    links = " ".join(
        f'<a href="#{name}">{words}</a>' for name, words in _LINKS.items() if parts.get(name, True)
    )
    body = [
        sections.heading(evaluation),
        f'<nav aria-label="Sections">{links}</nav>',
        *(part for part in parts.values() if part),
        *sections.ending(evaluation),
    ]
    return whole(f"{sections.title(evaluation)} · {evaluation.data.source}", body)

"""The report: one HTML page that needs nothing but itself.

No script, no font, no picture and no style is loaded from anywhere; a content security policy in
the page forbids it. The same record gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable

from longshort.records import Comparison, Evaluation, Explanation
from longshort.report import contest, sections
from longshort.report.folds import folds
from longshort.report.markup import text
from longshort.report.numerals import count
from longshort.report.style import CSS
from longshort.report.theme import listed

# nothing is loaded; pictures and sounds lie in the page itself
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; media-src data:; "
    "base-uri 'none'; form-action 'none'"
)
_LINKS = {
    "scores": "Scores",
    "folds": "Folds",
    "forecasts": "Forecasts",
    "horizon": "Error by step",
    "calibration": "Calibration",
    "leaning": "What it leans on",
    "training": "Training",
    "tuning": "Tuning",
    "data": "Data",
    "settings": "Settings",
    "environment": "Environment",
    "notes": "Notes",
    "reading": "How to read this",
}


def page(evaluation: Evaluation) -> str:
    """The whole report of an evaluation as HTML text.

    In this order: task and source, verdict, scores beside every yardstick, folds if there are any,
    forecasts against what happened, error by steps ahead, calibration, what the forecasts lean on,
    training, tuning, data, settings, environment, notes and a glossary. It reads on a phone,
    prints, and follows the reader's light or dark scheme.

    Raises:
        DataError: a forecast's time is neither ISO 8601 nor a row number.
    """
    parts = {
        "scores": sections.scores(evaluation),
        "folds": folds(evaluation),
        "forecasts": sections.forecasts(evaluation),
        "horizon": sections.horizon(evaluation),
        "calibration": sections.calibration(evaluation),
        "leaning": sections.leaning(evaluation.explanation),
        "training": sections.training(evaluation.history),
        "tuning": sections.tuning(evaluation.tuning),
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


def comparison_page(comparison: Comparison) -> str:
    """The whole report of a comparison as HTML text.

    In this order: what was compared on what, the sentence on which one to use, scores of every
    configuration and yardstick, the chosen one beside each of the others, the configurations,
    data, settings, environment, notes and a glossary.
    """
    parts = {
        "scores": sections.scores(comparison),
        "pairs": contest.pairs(comparison),
        "contenders": contest.contenders(comparison),
        "data": sections.data(comparison),
    }
    named = {
        "scores": "Scores",
        "pairs": "Differences",
        "contenders": "Configurations",
        **{name: _LINKS[name] for name in ("data", "settings", "environment", "notes", "reading")},
    }
    links = " ".join(f'<a href="#{name}">{words}</a>' for name, words in named.items())
    body = [
        contest.heading(comparison),
        f'<nav aria-label="Sections">{links}</nav>',
        *parts.values(),
        *contest.ending(comparison),
    ]
    return whole(f"{contest.title(comparison)} · {comparison.data.source}", body)


def explained_page(explanation: Explanation) -> str:
    """What forecasts lean on as one HTML page, as ``page`` has it among its parts."""
    title = f"What forecasts of {listed(explanation.targets)} lean on"
    about = f"{explanation.source} · {count(explanation.horizon, 'step')} ahead"
    heading = f'<header>\n<h1>{text(title)}</h1>\n<p class="source">{text(about)}</p>\n</header>'
    return whole(f"{title} · {explanation.source}", [heading, *sections.leaning_parts(explanation)])


def whole(title: str, body: Iterable[str]) -> str:
    """A page with its head and its foot around what it says."""
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="generator" content="Longshort">',
            f"<title>{text(title)}</title>",
            f"<style>{CSS}</style>",
            "</head>",
            "<body>",
            "<main>",
            *body,
            "<footer>Made by Longshort. This page is complete: it loads nothing.</footer>",
            "</main>",
            "</body>",
            "</html>",
            "",
        ]
    )

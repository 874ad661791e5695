"""The parts of a page of labels, in the order they are read."""

from __future__ import annotations

from collections.abc import Iterator

from longshort.records import LabelEvaluation, LabelPart
from longshort.report.labels.charts import curves_left_out, mistakes_chart, reliability_chart
from longshort.report.labels.glossary import glossary, measures_defined
from longshort.report.labels.items import (
    FAULTS,
    error,
    errors_shown,
    mistake,
    texts_shown,
)
from longshort.report.labels.matrix import MOST, matrix
from longshort.report.labels.scores import (
    LabelTable,
    cost_rows,
    difference_rows,
    label_table,
    other_measures,
    words,
)
from longshort.report.markup import (
    facts,
    figure,
    folded,
    items,
    paragraph,
    scrolled,
    section,
    table,
    text,
    words_explained,
)
from longshort.report.numerals import NOTHING, count, percent
from longshort.report.sections import recorded, score_cell, score_heading
from longshort.report.theme import listed

# classes in the table of classes, and labels whose number is told of a part
_MOST_CLASSES, _MOST_LABELS = 60, 12
_PARTS = {"train": "training", "valid": "validation"}
_CONTENT = {
    "texts": "text", "tokens": "sentence", "series": "series", "sound": "recording",
    "ink": "drawing", "pictures": "picture",
}  # fmt: skip
_UNITS = {
    "texts": "characters", "tokens": "tokens", "series": "rows", "sound": "milliseconds",
    "ink": "points", "pictures": "columns",
}  # fmt: skip


def title(evaluation: LabelEvaluation) -> str:
    """The task and its classes."""
    task = "Tags" if evaluation.task == "tag" else "Labels"
    return f"{task}: {listed(evaluation.classes, 5)}"


def heading(evaluation: LabelEvaluation) -> str:
    """What was told, from what; and the verdict."""
    about = [evaluation.data.source, _items(evaluation, evaluation.items) + " in the test part"]
    if evaluation.groups is not None:
        about.append(count(evaluation.groups, "group"))
    return "\n".join(
        [
            "<header>",
            f"<h1>{text(title(evaluation))}</h1>",
            f'<p class="source">{text(" · ".join(about))}</p>',
            paragraph(evaluation.verdict, "verdict") if evaluation.verdict else "",
            "</header>",
        ]
    )


def _items(evaluation: LabelEvaluation, amount: int) -> str:
    one = _CONTENT[evaluation.data.content]
    return count(amount, one, one if one == "series" else None)


def scores(evaluation: LabelEvaluation) -> str:
    """Every method: the main scores, the differences from ours, and the others folded away."""
    shown = label_table(evaluation)
    if not shown.rows:
        return section("scores", "Scores", paragraph("The record holds no scores.", "none"))
    metric = words(evaluation.metric)
    caption = (
        f"Every method on the same {_items(evaluation, evaluation.items)}, with 95 % intervals. "
        "The best value of a column is bold and underlined. Choices were made by "
        f"{metric} on the validation part."
    )
    blocks = [scrolled(scores_table(shown), "Scores"), paragraph(caption, "caption")]
    rows = difference_rows(evaluation)
    if rows:
        ours = evaluation.ours.method if evaluation.ours else "ours"
        header = ("beside", f"{metric}: {ours} minus it", f"the {ours} is")
        blocks.append(folded("Differences, item by item", table(header, rows, 0, "Differences")))
    others = other_measures(evaluation)
    if others:
        inner = scrolled(scores_table(label_table(evaluation, others)), "Other scores")
        blocks.append(folded("Other scores", inner))
    cost = table(("method", f"{metric}, validation part", "time to fit"), cost_rows(evaluation), 2,
                 "Validation part and time")  # fmt: skip
    return section("scores", "Scores", *blocks, folded("Validation part, and time", cost))


def scores_table(shown: LabelTable) -> str:
    """Every method's scores as a table of the page."""
    head = "".join(score_heading(column) for column in shown.columns)
    lines = []
    for row in shown.rows:
        kind = ' class="ours"' if row.kind == "lstm" else ""
        cells = "".join(score_cell(cell) for cell in row.cells)
        lines.append(f'<tr{kind}><th scope="row">{text(row.method)}</th>{cells}</tr>')
    return (
        f'<table class="scores">\n<thead><tr><th scope="col">method</th>{head}</tr></thead>\n'
        "<tbody>\n" + "\n".join(lines) + "\n</tbody>\n</table>"
    )


def classes(evaluation: LabelEvaluation) -> str:
    """Precision, recall and F1 of each class or type, ours and the best yardstick's."""
    if not evaluation.per_class:
        return ""
    of = "type" if evaluation.task == "tag" else "class"
    methods = list(dict.fromkeys(row.method for row in evaluation.per_class))
    by_class = {(row.method, row.label): row for row in evaluation.per_class}
    labels = list(dict.fromkeys(row.label for row in evaluation.per_class))
    ranked = sorted(labels, key=lambda name: -max(by_class[m, name].support for m in methods
                                                  if (m, name) in by_class))  # fmt: skip
    rows = []
    for label in ranked[:_MOST_CLASSES]:
        for method in methods:
            row = by_class.get((method, label))
            if row is not None:
                shares = (percent(each) for each in (row.precision, row.recall, row.f1))
                told = (f"{row.support:,}", f"{row.predicted:,}", *shares)
                rows.append((label, method, *told))
    header = (of, "method", "in the test part", "told", "precision", "recall", "F1")
    named = "Entities by type" if evaluation.task == "tag" else "Classes"
    blocks = [table(header, rows, 5, named)]
    if len(ranked) > _MOST_CLASSES:
        blocks.append(paragraph(f"And {len(ranked) - _MOST_CLASSES:,} rarer ones.", "caption"))
    return section("classes", named, *blocks)


def confusion(evaluation: LabelEvaluation) -> str:
    """Which classes are taken for which."""
    if not evaluation.confusion:
        return ""
    name = evaluation.ours.method if evaluation.ours else "method"
    caption = (
        f"Items of the test part by what they are (rows) and what the {name} said (columns). The "
        "deeper the colour, the greater the share of the row: blue is right, orange wrong."
    )
    if len(evaluation.classes) > MOST:
        caption += f" Shown are the {MOST} most frequent of {len(evaluation.classes):,} classes."
    return section(
        "confusion", "What is taken for what", matrix(evaluation), paragraph(caption, "caption")
    )


def calibration(evaluation: LabelEvaluation) -> str:
    """How sure, and how often right."""
    if not evaluation.reliability:
        return ""
    about = "the most probable class"
    if evaluation.positive is not None:
        about = f"the class “{evaluation.positive}”"
    elif evaluation.kind == "many":
        about = "every label"
    chart = figure(
        "calibration",
        lambda w: reliability_chart(evaluation, width=w),
        f"The probability of {about} in bins of equal numbers of items, against the share that "
        "came true: the nearer to the grey diagonal, the better. Bars are 95 % intervals.",
    )
    return section("calibration", "How sure, and how often right", chart)


def mistakes(evaluation: LabelEvaluation) -> str:
    """What it got wrong and was most sure of."""
    if evaluation.task == "tag" or not evaluation.wrong:
        return ""
    shown = texts_shown(evaluation)
    wrong = f"{evaluation.wrong:,} of {_items(evaluation, evaluation.items)} are told wrong"
    blocks = []
    if any(each.curves for each in evaluation.mistakes):
        caption = f"{wrong}.{curves_left_out(evaluation)} Values are drawn by row."
        if any(each.marks for each in evaluation.mistakes):
            caption += " Shaded is what weighed for the answer (blue) and against it (orange)."
        blocks.append(figure("mistakes", lambda w: mistakes_chart(evaluation, width=w), caption))
    elif shown:
        told = f"{wrong}; these are the {len(shown)} of which it was most sure."
        if any(each.marks for each in shown):
            told += (
                " Marked is what weighed for the answer (blue) and against it (orange, dotted): "
                "the deeper the colour, the more."
            )
        if any(each.spectrogram for each in shown):
            told += " Recordings are drawn from left to right, high sound above, loud sound strong."
        blocks = [paragraph(told), *(mistake(each) for each in shown)]
    return section("mistakes", "Mistakes of which it was most sure", *blocks)


def errors(evaluation: LabelEvaluation) -> str:
    """Entities that were told wrong, among their neighbours."""
    if not evaluation.errors and not evaluation.faults:
        return ""
    total = sum(evaluation.faults.values())
    counts = [f"{FAULTS[fault]} {amount:,}" for fault, amount in evaluation.faults.items()]
    shown = errors_shown(evaluation)
    told = f"{count(total, 'entity', 'entities')} told wrong: {listed(counts)}."
    if len(shown) < total:
        told += f" Shown are {len(shown):,}, the ones it was most sure of first."
    blocks = [paragraph(told), *(error(each) for each in shown)]
    return section("errors", "Entities that were told wrong", *blocks)


def data(evaluation: LabelEvaluation) -> str:
    """What was read and how it was split."""
    read = evaluation.data
    about = {"source": read.source, "items are": _CONTENT[read.content]}
    if read.channels:
        about["channels"] = listed(read.channels, 40)
    grouped = any(part.groups is not None for part in read.parts)
    unit = _UNITS[read.content]
    header = ("part", "labels", "items", *(("groups",) if grouped else ()), f"{unit} (middle)",
              f"{unit} (longest)")  # fmt: skip
    rows = [_part(part, grouped) for part in read.parts]
    listing = table(header, rows, len(header) - 2, "Parts of the data").replace(
        "<table>", '<table class="wordy">', 1
    )
    return section("data", "Data", facts(about), "<h3>Parts</h3>", listing)


def _part(part: LabelPart, grouped: bool) -> tuple[str, ...]:
    ranked = sorted(part.labels.items(), key=lambda pair: -pair[1])
    named = [f"{label} {amount:,}" for label, amount in ranked]
    return (
        _PARTS.get(part.name, part.name),
        listed(named, _MOST_LABELS) or NOTHING,
        f"{part.items:,}",
        *((NOTHING if part.groups is None else f"{part.groups:,}",) if grouped else ()),
        f"{part.middle:,}",
        f"{part.longest:,}",
    )


def ending(evaluation: LabelEvaluation) -> Iterator[str]:
    """Settings, environment, notes and glossary."""
    yield recorded("settings", evaluation.settings)
    yield recorded("environment", evaluation.environment)
    yield section("notes", "Notes", items([*evaluation.notes, *measures_defined(evaluation)]))
    yield section("reading", "How to read this", words_explained(glossary(evaluation)))

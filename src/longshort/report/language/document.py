"""The report of a language model: one HTML page that needs nothing but itself."""

from __future__ import annotations

from collections.abc import Iterator

from longshort.records import LanguageEvaluation, LanguagePassage
from longshort.report.document import whole
from longshort.report.labels.sections import scores_table
from longshort.report.language.course import course_chart
from longshort.report.language.scores import (
    compared_per,
    cost_rows,
    difference_rows,
    language_table,
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
    wordy,
)
from longshort.report.numerals import count
from longshort.report.sections import recorded, training, tuning

_LINKS = {
    "scores": "Scores",
    "course": "Over the test part",
    "samples": "Samples",
    "passages": "Passages",
    "training": "Training",
    "tuning": "Tuning",
    "data": "Data",
    "settings": "Settings",
    "environment": "Environment",
    "notes": "Notes",
    "reading": "How to read this",
}
# what a model may do with a text while it reads it
_WAYS = {
    "dynamic": "The network goes on learning from the text once it has read it, and is drawn back "
    "to what it was trained to (dynamic evaluation, Krause et al. 2018). Each symbol is scored "
    "before it is learnt from; how fast it learns was chosen on the validation part.",
    "cache": "What came lately after passages like this one becomes likelier (a neural cache, "
    "Grave et al. 2017); how far back and how much was chosen on the validation part.",
}
_PARTS = {"train": "training", "valid": "validation"}
# characters of what led to a passage
_LED = 60


def language_page(evaluation: LanguageEvaluation) -> str:
    """The whole report of an evaluation of a language model as HTML text.

    In this order: source, verdict, scores beside every yardstick, surprise over the test part, what
    the model writes, what surprised it most and least, training, tuning, data, settings,
    environment, notes and a glossary.
    """
    parts = {
        "scores": _scores(evaluation),
        "course": _course(evaluation),
        "samples": _samples(evaluation),
        "passages": _passages(evaluation),
        "training": training(evaluation.history),
        "tuning": tuning(evaluation.tuning),
        "data": _data(evaluation),
    }
    links = " ".join(
        f'<a href="#{name}">{words}</a>' for name, words in _LINKS.items() if parts.get(name, True)
    )
    unit = evaluation.data.unit.removesuffix("s")
    title = f"{'Language' if evaluation.data.per == 'character' else 'Music'}: the next {unit}"
    about = f"{evaluation.data.source} · {evaluation.symbols:,} {evaluation.data.unit} tested"
    body = [
        "<header>",
        f"<h1>{text(title)}</h1>",
        f'<p class="source">{text(about)}</p>',
        paragraph(evaluation.verdict, "verdict") if evaluation.verdict else "",
        "</header>",
        f'<nav aria-label="Sections">{links}</nav>',
        *(part for part in parts.values() if part),
        recorded("settings", evaluation.settings),
        recorded("environment", evaluation.environment),
        section("notes", "Notes", items(evaluation.notes)),
        section("reading", "How to read this", words_explained(_glossary(evaluation))),
    ]
    return whole(f"{title} · {evaluation.data.source}", body)


def _scores(evaluation: LanguageEvaluation) -> str:
    shown = language_table(evaluation)
    if not shown.rows:
        return section("scores", "Scores", paragraph("The record holds no scores.", "none"))
    per = compared_per(evaluation)
    caption = (
        f"Every method on the same {evaluation.symbols:,} {evaluation.data.unit}, with 95 % "
        "intervals. The best value of a column is bold and underlined."
    )
    blocks = [scrolled(scores_table(shown), "Scores"), paragraph(caption, "caption")]
    rows = difference_rows(evaluation)
    if rows:
        ours = evaluation.ours.method if evaluation.ours else "ours"
        header = ("beside", f"nats per {per}: {ours} minus it", f"the {ours} is")
        blocks.append(folded("Differences", table(header, rows, 0, "Differences")))
    header = ("method", f"nats per {per}, validation part", "time to fit")
    cost = table(header, cost_rows(evaluation), 2, "Validation part and time")
    return section("scores", "Scores", *blocks, folded("Validation part, and time", cost))


def _course(evaluation: LanguageEvaluation) -> str:
    if not evaluation.course:
        return ""
    chart = figure(
        "course",
        lambda w: course_chart(evaluation, width=w),
        "Nats of a symbol, the mean over stretches of about equal length in the order of the text; "
        "lower is better. Parts of a text differ: a score is of the whole test part.",
    )
    return section("course", "Over the test part", chart)


def _samples(evaluation: LanguageEvaluation) -> str:
    if not evaluation.samples:
        return ""
    rows = [(each.how, each.prompt or "–", each.text) for each in evaluation.samples]
    shown = wordy(table(("drawn", "after", "text"), rows, 0, "Samples"))
    return section("samples", "What it writes", shown)


def _passages(evaluation: LanguageEvaluation) -> str:
    if not evaluation.passages:
        return ""
    blocks = []
    for kind, words in (("surprising", "What surprised it most"), ("expected", "and least")):
        rows = [_passage(each) for each in evaluation.passages if each.kind == kind]
        if rows:
            header = ("before it", "passage", "strangest", "place", "nats per symbol")
            blocks += [f"<h3>{text(words)}</h3>", wordy(table(header, rows, 2, words))]
    return section("passages", "Passages of the test part", *blocks)


def _passage(each: LanguagePassage) -> tuple[str, str, str, str, str]:
    worst = max(range(len(each.nats)), key=lambda at: each.nats[at], default=None)
    strangest = "" if worst is None else f"“{each.symbols[worst]}” ({each.nats[worst]:.1f} nats)"
    led = f"… {each.before[-_LED:]}"
    return led, "".join(each.symbols), strangest, f"{each.place:,}", f"{each.mean:.2f}"


def _data(evaluation: LanguageEvaluation) -> str:
    data = evaluation.data
    about = {
        "source": data.source,
        "symbols are": data.unit,
        "vocabulary": f"{data.vocabulary:,} symbols, the border of documents and the unknown one "
        "among them",
    }
    rows = [
        (
            _PARTS.get(part.name, part.name),
            *(f"{n:,}" for n in (part.documents, part.symbols, part.characters, part.bytes)),
            f"{part.unknown:,}",
        )
        for part in data.parts
    ]
    names = ("part", "documents", data.unit, f"{data.per}s", "bytes", "unknown")
    # music has no bytes, and knows every sign
    shown = names if data.per == "character" else names[:4]
    short = [row[: len(shown)] for row in rows]
    parts = table(shown, short, len(shown) - 1, "Parts of the text")
    return section("data", "Data", facts(about), "<h3>Parts</h3>", parts)


def _glossary(evaluation: LanguageEvaluation) -> dict[str, str]:
    unit = evaluation.data.unit.removesuffix("s")
    entries = dict(_entries(unit, evaluation.data.per, evaluation.block))
    ways = [name for name in _WAYS if name in evaluation.settings]
    return entries | {name: _WAYS[name] for name in ways}


def _entries(unit: str, per: str, block: int) -> Iterator[tuple[str, str]]:
    yield (
        f"nats and bits per {unit}",
        f"How surprised a method is: the mean of -log p of each {unit} that came, given what came "
        "before it in its document. Bits are nats divided by log 2. 0 is perfect; a guess among K "
        "equally likely ones costs log K.",
    )
    yield (
        "perplexity",
        f"e to the nats: as if the method guessed among so many {unit}s at each place.",
    )
    if per == "character":
        yield (
            "bits per byte",
            "The bits of the whole test part over its bytes in UTF-8: comparable whatever the "
            "symbols are.",
        )
    else:
        yield (
            f"nats and bits per {per}",
            f"Those of the whole test part over its {per}s: the signs of one are told one after "
            "the other, each with those before it known, and so is the end of each piece.",
        )
    if per == "frame":
        yield (
            "key shares, logistic regression per key",
            "Models of frames in which the keys of a frame do not know of each other: how often "
            "each key sounds, and a regression of each on all keys of the frame before.",
        )
    yield (
        "Kneser-Ney n-gram",
        "How often runs of n symbols occur in the training part, smoothed (interpolated modified "
        "Kneser-Ney, Chen and Goodman 1999); n was chosen on the validation part.",
    )
    yield ("unigram", f"How often each {unit} occurs, whatever stands before it.")
    yield (
        "interval",
        f"A central 95 % interval over blocks of {count(block, unit)} that were drawn again and "
        "again.",
    )

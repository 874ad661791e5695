"""The report of a transcriber: one HTML page that needs nothing but itself."""

from __future__ import annotations

from collections.abc import Iterator

from longshort.records import TranscriptEvaluation, TranscriptPart
from longshort.report.document import whole
from longshort.report.labels.scores import changed
from longshort.report.labels.sections import scores_table
from longshort.report.markup import (
    facts,
    folded,
    items,
    paragraph,
    scrolled,
    section,
    table,
    text,
    words_explained,
)
from longshort.report.numerals import NOTHING, count, duration
from longshort.report.sections import recorded, training, tuning
from longshort.report.transcripts.items import recording
from longshort.report.transcripts.scores import (
    cost_rows,
    delayed,
    kinds_rows,
    transcript_table,
    words,
)

_LINKS = {
    "scores": "Scores",
    "heard": "Recordings",
    "confusions": "Confusions",
    "training": "Training",
    "tuning": "Tuning",
    "data": "Data",
    "settings": "Settings",
    "environment": "Environment",
    "notes": "Notes",
    "reading": "How to read this",
}
_PARTS = {"train": "training", "valid": "validation"}
_ONE = {"sound": "recording", "series": "series", "ink": "drawing", "pictures": "picture"}
# confusions in the table, and the rows and columns of the matrix
_MOST, _SIDE = 30, 24


def transcript_page(evaluation: TranscriptEvaluation) -> str:
    """The whole report of an evaluation of transcripts as HTML text.

    In this order: source, verdict, scores beside every yardstick, the worst recordings with their
    alignment and sound, what was told for what, training, tuning, data, settings, environment,
    notes and a glossary.
    """
    parts = {
        "scores": _scores(evaluation),
        "heard": _heard(evaluation),
        "confusions": _confusions(evaluation),
        "training": training(evaluation.history),
        "tuning": tuning(evaluation.tuning),
        "data": _data(evaluation),
    }
    links = " ".join(
        f'<a href="#{name}">{told}</a>' for name, told in _LINKS.items() if parts.get(name, True)
    )
    title = f"Transcripts: {evaluation.data.unit}"
    about = [evaluation.data.source, _items(evaluation, evaluation.items) + " in the test part"]
    if evaluation.groups is not None:
        about.append(count(evaluation.groups, "group"))
    body = [
        "<header>",
        f"<h1>{text(title)}</h1>",
        f'<p class="source">{text(" · ".join(about))}</p>',
        paragraph(evaluation.verdict, "verdict") if evaluation.verdict else "",
        "</header>",
        f'<nav aria-label="Sections">{links}</nav>',
        *(part for part in parts.values() if part),
        recorded("settings", evaluation.settings),
        recorded("environment", evaluation.environment),
        section("notes", "Notes", items(evaluation.notes)),
        section("reading", "How to read this", words_explained(dict(_glossary(evaluation)))),
    ]
    return whole(f"{title} · {evaluation.data.source}", body)


def _items(evaluation: TranscriptEvaluation, amount: int) -> str:
    one = _ONE.get(evaluation.data.content, "item")
    return count(amount, one, one if one == "series" else None)


def _scores(evaluation: TranscriptEvaluation) -> str:
    shown = transcript_table(evaluation)
    if not shown.rows:
        return section("scores", "Scores", paragraph("The record holds no scores.", "none"))
    metric = words(evaluation.metric)
    one = _ONE.get(evaluation.data.content, "item")
    told = f"{evaluation.latency} {delayed(evaluation.delay, one)}"
    caption = (
        f"Every method on the same {_items(evaluation, evaluation.items)}, with 95 % intervals; "
        "less is better. The best value of a column is bold and underlined. Choices were made by "
        f"{metric} on the validation part. {told}"
    )
    blocks = [scrolled(scores_table(shown), "Scores"), paragraph(caption.strip(), "caption")]
    if evaluation.differences:
        ours = evaluation.ours.method if evaluation.ours else "ours"
        rows = [(each.theirs, changed(each), _said(each.low, each.high))
                for each in evaluation.differences]  # fmt: skip
        header = ("beside", f"{metric}: {ours} minus it", f"the {ours} is")
        blocks.append(folded("Differences, item by item", table(header, rows, 0, "Differences")))
    names = ("method", "right", "substituted", "left out", "added")
    kinds = table(names, kinds_rows(evaluation), 4, "Kinds of errors")
    blocks.append(folded(f"Kinds of errors, {metric}", kinds))
    paces = ("method", f"{metric}, validation part", "time to fit", "work per second of recording")
    cost = table(paces, cost_rows(evaluation), 3, "Validation part and time")
    return section("scores", "Scores", *blocks, folded("Validation part, and time", cost))


def _said(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return "too few items to tell"
    return "better" if high < 0 else "worse" if low > 0 else "cannot be told apart"


def _heard(evaluation: TranscriptEvaluation) -> str:
    if not evaluation.heard:
        return ""
    told = (
        f"{evaluation.wrong:,} of {_items(evaluation, evaluation.items)} hold an error. These are "
        "the worst, then some that are right; below each stands where every symbol was told, the "
        "deeper the surer."
    )
    step = evaluation.data.step
    blocks = [recording(each, step) for each in evaluation.heard]
    return section("heard", "Recordings", paragraph(told), *blocks)


def _confusions(evaluation: TranscriptEvaluation) -> str:
    if not evaluation.confusions:
        return ""
    rows = [
        (each.truth or "(nothing)", each.told or "(nothing)", f"{each.count:,}")
        for each in evaluation.confusions[:_MOST]
    ]
    listing = table(("is", "said", "times"), rows, 1, "Confusions")
    caption = "Nothing said for a symbol is one left out; a symbol said for nothing is one added."
    return section(
        "confusions",
        "What is told for what",
        _matrix(evaluation),
        listing,
        paragraph(caption, "caption"),
    )


def _matrix(evaluation: TranscriptEvaluation) -> str:
    """Confused symbols by what they are (rows) and what was said (columns)."""
    pairs = {(each.truth, each.told): each.count for each in evaluation.confusions}
    weight: dict[str, int] = {}
    for (truth, told), amount in pairs.items():
        for symbol in (truth, told):
            weight[symbol] = weight.get(symbol, 0) + amount
    kept = sorted(sorted(weight, key=lambda s: -weight[s])[:_SIDE])
    most = max(pairs.values())
    head = "".join(f'<th scope="col">{text(s or "–")}</th>' for s in kept)
    body = []
    for truth in kept:
        cells = []
        for told in kept:
            amount = pairs.get((truth, told), 0)
            shown = f"{amount:,}" if amount else "·"
            cells.append(f'<td class="against" style="--w:{amount / most:.2f}">{shown}</td>')
        name = text(truth or "–")
        body.append(f'<tr><th scope="row">{name}</th>{"".join(cells)}</tr>')
    inner = (
        f'<table class="matrix">\n<thead><tr><th scope="col">is ↓ said →</th>{head}</tr></thead>\n'
        "<tbody>\n" + "\n".join(body) + "\n</tbody>\n</table>"
    )
    return scrolled(inner, "Confusion matrix")


def _data(evaluation: TranscriptEvaluation) -> str:
    read = evaluation.data
    about = {
        "source": read.source,
        "items are": _ONE.get(read.content, read.content),
        "symbols are": f"{read.unit}, {read.symbols:,} different ones",
        "transcripts are": read.spelling,
    }
    if read.step is not None:
        about["a step is"] = f"{1000 * read.step:g} ms"
    header = ("part", "items", "groups", "characters", "words", "length", "middle", "longest")
    rows = [_part(part, read.step) for part in read.parts]
    return section(
        "data", "Data", facts(about), "<h3>Parts</h3>", table(header, rows, 7, "Parts of the data")
    )


def _part(part: TranscriptPart, step: float | None) -> tuple[str, ...]:
    def long(steps: int) -> str:
        return f"{steps:,} steps" if step is None else duration(steps * step)

    return (
        _PARTS.get(part.name, part.name),
        f"{part.items:,}",
        NOTHING if part.groups is None else f"{part.groups:,}",
        f"{part.characters:,}",
        f"{part.words:,}",
        long(part.steps),
        long(part.middle),
        long(part.longest),
    )


def _glossary(evaluation: TranscriptEvaluation) -> Iterator[tuple[str, str]]:
    yield (
        "Training, validation and test part",
        "The network and every yardstick learn from the training part; choices, such as when to "
        "stop and how much a language model counts, are made on the validation part; the test "
        "part is used once, at the end, for the scores here.",
    )
    yield (
        "Characters, words and symbols wrong",
        "The fewest substitutions, deletions and insertions that make the answer of the truth, "
        "over all characters (CER), words (WER) or symbols of the truth. 0 % is perfect; it may "
        "exceed 100 %.",
    )
    yield ("Transcripts wrong", "The share of transcripts with any error.")
    yield (
        "Alignment",
        "Where the network tells each symbol: the most probable path through its frames (CTC). A "
        "network tells a symbol in few frames, often late in the sound that it stands for.",
    )
    yield (
        "Work per second of recording",
        "Seconds that the method takes for a second of recording, on the machine below: under 1 it "
        "is faster than one speaks.",
    )
    yield (
        "Yardsticks",
        "The most frequent transcript does not listen. The HMM loop is a hidden Markov model of "
        "each symbol on the same numbers that the network reads, and the best path through all of "
        "them in a loop.",
    )
    if any(score.method.endswith(" alone") for score in evaluation.scores):
        yield ("Alone", "The same network without its language model.")
    yield (
        "Interval",
        "A central 95 % interval over recordings (over groups where there are any) that were drawn "
        "again and again.",
    )

"""The report of a translator: one HTML page that needs nothing but itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from longshort.metrics.translations import MEASURES
from longshort.records import (
    Aligned,
    Example,
    Stretch,
    TranslationEvaluation,
    TranslationPart,
)
from longshort.report.document import whole
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
from longshort.report.numerals import NOTHING, count
from longshort.report.sections import recorded, training, tuning
from longshort.report.translations.items import example, heat
from longshort.report.translations.scores import (
    cost_rows,
    difference_rows,
    translation_table,
    words,
)

_LINKS = {
    "scores": "Scores",
    "lengths": "Lengths",
    "worst": "Worst",
    "best": "Best",
    "training": "Training",
    "tuning": "Tuning",
    "data": "Data",
    "settings": "Settings",
    "environment": "Environment",
    "notes": "Notes",
    "reading": "How to read this",
}
_PARTS = {"train": "training", "valid": "validation"}
_MEANT = {
    "bleu": "The geometric mean of the shares of words, and of runs of 2, 3 and 4 words, that are "
    "in what people wrote, less where the answers are shorter than that (BLEU, Papineni et al. "
    "2002). Of whole test parts; 100 is what was written, word for word.",
    "chrf": "The F-score of runs of 1 to 6 characters (chrF, Popovic 2015).",
    "ter": "The fewest edits of words, moves of stretches among them, for each word that people "
    "wrote (TER, Snover et al. 2006); it may exceed 100.",
    "rouge1": "The F-score of words that are in both texts (ROUGE-1, Lin 2004).",
    "rouge2": "The F-score of pairs of words that are in both texts (ROUGE-2).",
    "rougeL": "The F-score of the longest run of words that is in both texts in the same order, "
    "with gaps (ROUGE-L).",
    "cider": "How alike the n-grams of both texts are, where rare ones count more (CIDEr-D, "
    "Vedantam et al. 2015); its greatest value is 1000.",
    "exact": "The share of answers that are what somebody wrote, word for word.",
    "repeated": "The share of the answers' runs of three words that the same answer has said "
    "before.",
    "novel": "The share of the answers' pairs of words that the source does not hold.",
}


def translation_page(evaluation: TranslationEvaluation) -> str:
    """The whole report of an evaluation of translations, summaries or captions as HTML text.

    In this order: source, verdict, scores beside every yardstick, scores by the length of the
    source, the worst and the best answers with what was looked at, training, tuning, data,
    settings, environment, notes and a glossary.
    """
    parts = {
        "scores": _scores(evaluation),
        "lengths": _lengths(evaluation),
        "worst": _examples(evaluation, "worst", "Worst answers", evaluation.worst),
        "best": _examples(evaluation, "best", "Best answers", evaluation.best),
        "training": training(evaluation.history),
        "tuning": tuning(evaluation.tuning),
        "data": _data(evaluation),
    }
    links = " ".join(
        f'<a href="#{name}">{told}</a>' for name, told in _LINKS.items() if parts.get(name, True)
    )
    title = evaluation.what.capitalize()
    about = [evaluation.data.source, count(evaluation.items, "source") + " in the test part"]
    if evaluation.references > evaluation.items:
        about.append(f"{evaluation.references:,} references")
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


def attention_page(found: Sequence[Aligned], source: str) -> str:
    """What was looked at in single sources as HTML text, one drawing below the other."""
    blocks = []
    for each in found:
        told = f"{' '.join(each.source)} → {' '.join(each.target)}"
        blocks.append(f'<article class="item">{paragraph(told)}{heat(each)}</article>')
    title = "What was looked at"
    caption = (
        "A row for each symbol that was told, a column for each of the source; the deeper the "
        "colour, the more of the answer's attention lay there. Each row adds up to 1."
    )
    body = ["<header>", f"<h1>{title}</h1>", f'<p class="source">{text(source)}</p>', "</header>",
            paragraph(caption), *blocks]  # fmt: skip
    return whole(f"{title} · {source}", body)


def _scores(evaluation: TranslationEvaluation) -> str:
    shown = translation_table(evaluation)
    if not shown.rows:
        return section("scores", "Scores", paragraph("The record holds no scores.", "none"))
    metric = words(evaluation.metric)
    caption = (
        f"Every method on the same {count(evaluation.items, 'source')}, in points of a hundred, "
        "with 95 % intervals. The best value of a column is bold and underlined. Choices were made "
        f"by {metric} on the validation part. {evaluation.latency}"
    )
    blocks = [scrolled(scores_table(shown), "Scores"), paragraph(caption.strip(), "caption")]
    if evaluation.differences:
        ours = evaluation.ours.method if evaluation.ours else "ours"
        header = ("beside", f"{metric}: {ours} minus it", f"the {ours} is")
        rows = difference_rows(evaluation)
        blocks.append(folded("Differences, item by item", table(header, rows, 0, "Differences")))
    paces = ("method", "length", f"{metric}, validation part", "time to fit", "an answer")
    cost = table(paces, cost_rows(evaluation), 4, "Validation part and time")
    blocks.append(folded("Length of answers, validation part, and time", cost))
    signed = {words(name): told for name, told in evaluation.signatures.items()}
    blocks.append(folded("Signatures of the measures", facts(signed)))
    return section("scores", "Scores", *blocks)


def _lengths(evaluation: TranslationEvaluation) -> str:
    """Scores by the words of a source, as numbers on bars."""
    if not evaluation.lengths:
        return ""
    methods = [score.method for score in evaluation.scores]
    known = [value for each in evaluation.lengths for value in each.scores.values()]
    most = max([*known, 1e-9])
    head = "".join(f'<th scope="col" class="n">{text(name)}</th>' for name in ("sources", *methods))
    body = "".join(_stretch(each, methods, most) for each in evaluation.lengths)
    shown = (
        f'<table class="bars"><thead><tr><th scope="col">words of the source</th>{head}</tr>'
        f"</thead>\n<tbody>\n{body}</tbody></table>"
    )
    caption = f"{words(evaluation.each)} of sources by their length, in parts of about one size."
    return section(
        "lengths",
        "Length of the source",
        scrolled(shown, "Scores by length"),
        paragraph(caption, "caption"),
    )


def _stretch(each: Stretch, methods: Sequence[str], most: float) -> str:
    span = str(each.low) if each.low == each.high else f"{each.low} to {each.high}"
    cells = []
    for name in methods:
        value = each.scores.get(name)
        if value is None:
            cells.append(f'<td class="n">{NOTHING}</td>')
        else:
            part = max(0.0, min(1.0, value / most))
            cells.append(f'<td class="n bar" style="--w:{part:.3f}">{100 * value:.1f}</td>')
    return (
        f'<tr><th scope="row">{span}</th><td class="n">{each.items:,}</td>{"".join(cells)}</tr>\n'
    )


def _examples(
    evaluation: TranslationEvaluation, name: str, title: str, found: Sequence[Example]
) -> str:
    if not found:
        return ""
    metric = words(evaluation.each)
    told = f"By {metric} of each item alone."
    if any(each.aligned is not None for each in found):
        told += " Below an answer stands what the network looked at while it wrote each symbol."
    blocks = [example(each, metric, evaluation.reference) for each in found]
    return section(name, title, paragraph(told), *blocks)


def _data(evaluation: TranslationEvaluation) -> str:
    read = evaluation.data
    about = {
        "source": read.source,
        "sources are": read.content,
        "targets are": evaluation.what,
        "scores cut targets by": read.cut,
    }
    header = (
        "part", "pairs", "sources", "words of sources", "of targets", "middle source",
        "middle target", "longest source", "longest target",
    )  # fmt: skip
    rows = [_part(part) for part in read.parts]
    return section(
        "data", "Data", facts(about), "<h3>Parts</h3>",
        scrolled(table(header, rows, 8, "Parts of the data"), "Parts of the data"),
    )  # fmt: skip


def _part(part: TranslationPart) -> tuple[str, ...]:
    numbers = (
        part.pairs, part.sources, part.source_words, part.target_words, *part.middle,
        *part.longest,
    )  # fmt: skip
    return (_PARTS.get(part.name, part.name), *(f"{number:,}" for number in numbers))


def _glossary(evaluation: TranslationEvaluation) -> Iterator[tuple[str, str]]:
    yield (
        "Training, validation and test part",
        "The network and every yardstick learn from the training part; choices, such as when to "
        "stop and how many first words are taken, are made on the validation part; the test part "
        "is used once, at the end, for the scores here.",
    )
    for name in dict.fromkeys(n for score in evaluation.scores for n in score.measures):
        if name in _MEANT:
            yield (MEASURES[name].words, _MEANT[name])
    yield (
        "Yardsticks",
        "The copy tells the source itself, the first words the beginning of it, and the most "
        "frequent target one text for every source. The nearest source tells the target of the "
        "training source that has most rare words and pairs of words in common with it (TF-IDF).",
    )
    yield (
        "Interval",
        "A central 95 % interval over sources (over groups where there are any) that were drawn "
        "again and again; differences are of the same draws.",
    )

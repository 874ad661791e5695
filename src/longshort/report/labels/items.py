"""Single items on the page: texts with what weighed in them, entities among their neighbours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from longshort.records import LabelEvaluation, Mark, Mistake, Span, SpanError, SpanFault
from longshort.report.labels.photo import pictured
from longshort.report.labels.sketch import sketched
from longshort.report.labels.spectrogram import drawn
from longshort.report.markup import text
from longshort.report.numerals import percent

# texts and entity errors that are shown, and characters of a text
_MOST_TEXTS, _MOST_ERRORS, _LONGEST = 12, 40, 900
# weights below this are not marked
_FAINT = 0.06

FAULTS: dict[SpanFault, str] = {
    "missed": "missed",
    "invented": "invented",
    "type": "other type",
    "extent": "other ends",
}


def texts_shown(evaluation: LabelEvaluation) -> list[Mistake]:
    """Mistakes that are shown as text."""
    return [each for each in evaluation.mistakes if each.text or not each.curves][:_MOST_TEXTS]


def errors_shown(evaluation: LabelEvaluation) -> Sequence[SpanError]:
    """Entity errors that are shown."""
    return evaluation.errors[:_MOST_ERRORS]


def mistake(found: Mistake) -> str:
    """One text that was told wrong: what was said, what is true, and the text with its marks."""
    said = ", ".join(found.predicted) or "none"
    true = ", ".join(found.truth) or "none"
    head = (
        f"said <b>{text(said)}</b> ({text(percent(found.probability, 0))}), "
        f"is <b>{text(true)}</b> ({text(percent(found.truth_probability, 0))}) "
        f"<small>{text(found.where)}</small>"
    )
    if found.spectrogram is not None:
        return item(head, drawn(found.spectrogram, found.marks) + player(found.sound))
    if found.image is not None:
        return item(head, pictured(found.image, found.marks))
    if found.sketch is not None:
        return item(head, sketched(found.sketch, found.marks))
    body = "".join(marked(found.text, found.marks)) or "<i>empty</i>"
    return item(head, f'<p lang="">{body}</p>')


def marked(words: str, marks: Sequence[Mark]) -> Iterator[str]:
    """The text, its marks as backgrounds; cut where it is long."""
    end = len(words) if len(words) <= _LONGEST + 100 else _LONGEST
    at = 0
    for mark in sorted(marks, key=lambda each: (each.start, each.end)):
        start, stop = max(at, mark.start), min(mark.end, end)
        if start >= stop or abs(mark.weight) < _FAINT:
            continue
        yield text(words[at:start])
        side = "for" if mark.weight > 0 else "against"
        yield (
            f'<mark class="{side}" style="--w:{abs(mark.weight):.2f}">{text(words[start:stop])}'
            "</mark>"
        )
        at = stop
    yield text(words[at:end])
    if end < len(words):
        yield f" <small>… {len(words) - end:,} more characters</small>"


def error(found: SpanError) -> str:
    """One entity that was told wrong: the truth above what was said, in the same words."""
    sure = "" if found.probability is None else f" ({text(percent(found.probability, 0))})"
    head = f"{text(FAULTS[found.fault])}{sure} <small>{text(found.where)}</small>"
    lines = "".join(
        f'<div><span class="who">{who}</span><span lang="">{_spanned(found.tokens, spans)}</span>'
        "</div>"
        for who, spans in (("is", found.truth), ("said", found.predicted))
    )
    return item(head, f'<div class="pair">{lines}</div>')


def _spanned(tokens: Sequence[str], spans: Sequence[Span]) -> str:
    """Tokens with spaces between them, entities boxed with their type."""
    starts = {span.start: span for span in sorted(spans, key=lambda each: -each.end)}
    found, at = [], 0
    while at < len(tokens):
        span = starts.get(at)
        if span is None:
            found.append(text(tokens[at]))
            at += 1
            continue
        inner = text(" ".join(tokens[at : span.end]))
        found.append(f'<span class="entity">{inner} <small>{text(span.label)}</small></span>')
        at = max(span.end, at + 1)
    return " ".join(found)


def player(sound: str) -> str:
    """What plays a sound; nothing where there is none."""
    return f'<audio controls preload="none" src="{text(sound)}"></audio>' if sound else ""


def item(head: str, body: str) -> str:
    """One item of the page: what is said of it, and itself."""
    return f'<article class="item">\n<p class="head">{head}</p>\n{body}\n</article>'

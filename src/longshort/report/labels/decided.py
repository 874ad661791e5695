"""What decided the labels of items, as a page of its own."""

from __future__ import annotations

from collections.abc import Sequence

from longshort.records import Decided, LabelExplanation, Mark
from longshort.report.document import whole
from longshort.report.labels.charts import decided_chart, decided_words
from longshort.report.labels.items import item, marked, player
from longshort.report.labels.photo import pictured
from longshort.report.labels.sketch import sketched
from longshort.report.labels.spectrogram import drawn
from longshort.report.markup import figure, paragraph, text

_CURVES = 8


def decided_page(explanation: LabelExplanation) -> str:
    """Texts with the words that decided marked, or the curves of series, as one HTML page."""
    title = "What decided the labels"
    found = explanation.items
    drawn = [each for each in found if each.curves][:_CURVES]
    words = [each for each in found if not each.curves]
    body = [
        f'<header>\n<h1>{text(title)}</h1>\n<p class="source">{text(explanation.source)}</p>\n'
        "</header>",
        paragraph(
            "Marked is what spoke for the label (blue) and against it (orange, dotted): the deeper "
            "the colour, the more. All that was read adds up to the label's probability less what "
            "it has when nothing is read (integrated gradients)."
        ),
        *(_text(each) for each in words),
    ]
    if drawn:
        body.append(
            figure("decided", lambda w: decided_chart(drawn, width=w), "Values are drawn by row.")
        )
    return whole(f"{title} · {explanation.source}", body)


def _text(found: Decided) -> str:
    """One text, or tokens with spaces between them, with its marks; attention below, if any."""
    said = f"<b>{text(decided_words(found))}</b> <small>{text(found.where)}</small>"
    if found.spectrogram is not None:
        return item(said, drawn(found.spectrogram, found.marks) + player(found.sound))
    if found.image is not None:
        return item(said, pictured(found.image, found.marks))
    if found.sketch is not None:
        return item(said, sketched(found.sketch, found.marks))
    shown, marks, attention = found.text, found.marks, found.attention
    if found.tokens:
        shown = " ".join(found.tokens)
        marks, attention = (_by_character(found.tokens, each) for each in (marks, attention))
    body = f'<p lang="">{"".join(marked(shown, marks)) or "<i>empty</i>"}</p>'
    if attention:
        body += (
            "<p><small>where the pooling looked:</small></p>"
            f'<p lang="">{"".join(marked(shown, attention))}</p>'
        )
    return item(said, body)


def _by_character(tokens: Sequence[str], marks: Sequence[Mark]) -> tuple[Mark, ...]:
    """Marks of tokens as those of the characters they have with spaces between them."""
    starts = [0]
    for token in tokens:
        starts.append(starts[-1] + len(token) + 1)
    return tuple(Mark(starts[m.start], starts[m.end] - 1, m.weight) for m in marks)

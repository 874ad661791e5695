"""The confusion matrix as a table: rows are the truth, columns what was said."""

from __future__ import annotations

from longshort.records import LabelEvaluation
from longshort.report.markup import scrolled, text

# classes that get a row and a column of their own
MOST = 30


def matrix(evaluation: LabelEvaluation) -> str:
    """Counts of each true and told class, the deeper the colour, the greater the row's share.

    Of more than thirty classes the most frequent ones are shown.
    """
    rows = evaluation.confusion
    ranked = sorted(range(len(rows)), key=lambda k: -sum(rows[k]))[:MOST]
    kept = sorted(ranked)
    head = "".join(f'<th scope="col">{text(evaluation.classes[k])}</th>' for k in kept)
    body = []
    for k in kept:
        total = max(1, sum(rows[k]))
        cells = []
        for other in kept:
            side = "for" if other == k else "against"
            shown = f"{rows[k][other]:,}" if rows[k][other] else "·"
            cells.append(
                f'<td class="{side}" style="--w:{rows[k][other] / total:.2f}">{shown}</td>'
            )
        name = text(evaluation.classes[k])
        body.append(f'<tr><th scope="row">{name}</th>{"".join(cells)}</tr>')
    inner = (
        f'<table class="matrix">\n<thead><tr><th scope="col">is ↓ said →</th>{head}</tr></thead>\n'
        "<tbody>\n" + "\n".join(body) + "\n</tbody>\n</table>"
    )
    return scrolled(inner, "Confusion matrix")

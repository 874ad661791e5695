"""Single answers on the page: source, what people wrote, what was told, and what was looked at."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from longshort.records import Aligned, Example
from longshort.report.labels.items import item
from longshort.report.markup import folded, scrolled, text

# the side of a cell, the height of a letter, and the longest word that is drawn
_CELL, _LETTER, _LONGEST = 24, 13, 18
# weights that are less are not seen
_LEAST = 0.02
# characters of a source that are shown at once
_SHOWN = 700


def example(found: Example, each: str, rival: str) -> str:
    """One item: its source above what people wrote and what was told.

    Args:
        found: the item.
        each: what its score is called.
        rival: the method whose answer is shown beside.
    """
    head = f"{text(each)} {100 * found.score:.1f} <small>{text(found.where)}</small>"
    lines = [("source", _source(found))]
    lines += [("people", _words(told)) for told in found.references[:5]]
    lines.append(("told", _words(found.told)))
    if found.rival and rival:
        lines.append((rival, _words(found.rival)))
    body = "".join(
        f'<div><span class="who">{text(who)}</span><span lang="">{shown}</span></div>'
        for who, shown in lines
    )
    drawn = ""
    if found.aligned is not None:
        drawn = folded("What was looked at", heat(found.aligned))
    return item(head, f'<div class="pair said">{body}</div>{drawn}')


def _words(told: str) -> str:
    return text(told) if told.strip() else "<i>nothing</i>"


def _source(found: Example) -> str:
    if found.picture:
        return f'<img class="seen" src="{text(found.picture)}" alt="{text(found.source)}">'
    if len(found.source) <= _SHOWN:
        return _words(found.source)
    return text(found.source[:_SHOWN]) + "…"


def heat(found: Aligned) -> str:
    """What was looked at: a row for each symbol told, a column for each of the source; an SVG."""
    source, target = (tuple(map(_short, side)) for side in (found.source, found.target))
    left = max(map(_wide, target), default=0) + 10
    # words of the source stand slanted above their columns
    top = round(0.72 * max(map(_wide, source), default=0)) + 18
    wide = left + _CELL * len(source) + top
    high = top + _CELL * len(target) + 6
    parts = [_across(source, left, top), _down(target, left, top)]
    for row, weights in enumerate(found.weights):
        for column, weight in enumerate(weights):
            if weight >= _LEAST:
                x, y = left + column * _CELL, top + row * _CELL
                told = f"{found.target[row]} ← {found.source[column]}: {weight:.2f}"
                parts.append(
                    f'<rect x="{x}" y="{y}" width="{_CELL - 1}" height="{_CELL - 1}" '
                    f'style="--w:{weight:.2f}"><title>{text(told)}</title></rect>'
                )
    said = text("What was looked at: " + " ".join(found.target))
    drawn = (
        f'<svg class="looked" viewBox="0 0 {wide} {high}" style="width:{wide}px" '
        f'role="img" aria-label="{said}">{"".join(parts)}</svg>'
    )
    return scrolled(drawn, "What was looked at, drawn")


def _across(words: Sequence[str], left: int, top: int) -> str:
    return "".join(
        f'<text transform="translate({left + at * _CELL + 14} {top - 6}) rotate(-45)">'
        f"{text(word)}</text>"
        for at, word in enumerate(words)
    )


def _down(words: Sequence[str], left: int, top: int) -> str:
    return "".join(
        f'<text x="{left - 6}" y="{top + at * _CELL + 16}" text-anchor="end">{text(word)}</text>'
        for at, word in enumerate(words)
    )


def _short(word: str) -> str:
    plain = word.strip() or "␣"
    return plain if len(plain) <= _LONGEST else plain[: _LONGEST - 1] + "…"


def _wide(word: str) -> int:
    """About how many points a word takes."""
    full = sum(unicodedata.east_asian_width(letter) in "WF" for letter in word)
    return round(_LETTER * (full + 0.6 * (len(word) - full)))

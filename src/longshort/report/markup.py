"""Pieces of HTML. Whatever comes from a record is escaped here, and only here."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Mapping, Sequence

import altair as alt

from longshort.errors import ArgumentError
from longshort.report.drawing import printable, svg

# widths that charts are drawn for: a page on a screen or on paper, and a phone
_SCREEN, _PHONE = 926, 344


def text(words: str) -> str:
    """Words that may hold anything, as HTML text or an attribute's value."""
    return html.escape(printable(words))


def sentence(words: str) -> str:
    """Plain words, a percent sign kept on the line of its number."""
    return re.sub(r"(?<=\d) %", "\u00a0%", text(words))


def numeral(words: str) -> str:
    """A number as text, its hyphen set as a minus."""
    return text(words).replace("-", "−")


def paragraph(words: str, kind: str = "") -> str:
    """A paragraph of plain words."""
    return f"<p{_class(kind)}>{sentence(words)}</p>"


def section(name: str, title: str, *parts: str) -> str:
    """A titled part of the page that links can point to."""
    return "\n".join(
        [
            f'<section id="{name}" aria-labelledby="{name}-title">',
            f'<h2 id="{name}-title">{text(title)}</h2>',
            *(part for part in parts if part),
            "</section>",
        ]
    )


def table(header: Sequence[str], rows: Iterable[Sequence[str]], numbers: int, label: str) -> str:
    """A plain table; the last ``numbers`` columns hold numbers, the first names the row."""
    words = len(header) - numbers
    kinds = [' class="n"' if i >= words else "" for i in range(len(header))]
    head = "".join(
        f'<th scope="col"{kind}>{text(name)}</th>' for name, kind in zip(header, kinds, strict=True)
    )
    body = []
    for row in rows:
        cells = [f'<th scope="row">{text(row[0])}</th>']
        for place, cell in enumerate(row[1:], start=1):
            shown = numeral(cell) if place >= words else text(cell)
            cells.append(f"<td{kinds[place]}>{shown}</td>")
        body.append(f"<tr>{''.join(cells)}</tr>")
    inner = f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n" + "\n".join(body)
    return scrolled(f"{inner}\n</tbody>\n</table>", label)


def wordy(shown: str) -> str:
    """A table whose cells hold sentences, which break where they are long."""
    return shown.replace("<table>", '<table class="wordy">', 1)


def scrolled(inner: str, label: str) -> str:
    """A box that scrolls sideways on a narrow screen, with a finger or with the keyboard."""
    return (
        f'<div class="scroll" role="region" aria-label="{text(label)}" tabindex="0">{inner}</div>'
    )


def folded(title: str, inner: str) -> str:
    """What is read by whoever opens it."""
    return f"<details>\n<summary>{text(title)}</summary>\n{inner}\n</details>"


def facts(pairs: Mapping[str, str]) -> str:
    """Names and values in two columns; names of parts within parts break at their joints."""
    names = {name: re.sub(r"([._])", r"\1<wbr>", text(name)) for name in pairs}
    inner = "\n".join(f"<dt>{names[k]}</dt><dd>{text(v)}</dd>" for k, v in pairs.items())
    return f'<dl class="facts">\n{inner}\n</dl>'


def words_explained(pairs: Mapping[str, str]) -> str:
    """Terms, each with a sentence or two below it."""
    inner = "\n".join(f"<dt>{text(k)}</dt>\n<dd>{sentence(v)}</dd>" for k, v in pairs.items())
    return f'<dl class="words">\n{inner}\n</dl>'


def items(sentences: Iterable[str]) -> str:
    """A bulleted list."""
    inner = "\n".join(f"<li>{sentence(words)}</li>" for words in sentences)
    return f"<ul>\n{inner}\n</ul>" if inner else ""


def figure(name: str, draw: Callable[[int], alt.ConcatChart], caption: str) -> str:
    """A chart drawn for a screen and again for a phone; style decides which one is seen.

    Where the record holds nothing to draw, a sentence says so.
    """
    try:
        wide, narrow = draw(_SCREEN), draw(_PHONE)
    except ArgumentError as error:
        return paragraph(f"{str(error)[0].upper()}{str(error)[1:]}.", "none")
    return "\n".join(
        [
            "<figure>",
            f'<div class="wide">{svg(wide, f"{name}-wide")}</div>',
            f'<div class="narrow">{svg(narrow, f"{name}-narrow")}</div>',
            f"<figcaption>{sentence(caption)}</figcaption>" if caption else "",
            "</figure>",
        ]
    )


def zoomed(
    name: str,
    far: Callable[..., alt.ConcatChart],
    near: Callable[..., alt.ConcatChart],
    caption: str,
) -> str:
    """A chart that the reader sees as a whole or closer; no script is needed for that.

    Each is drawn for a screen and for a phone, by its keyword ``width``.
    """
    drawn = []
    for kind, draw in (("far", far), ("near", near)):
        for size, width in (("wide", _SCREEN), ("narrow", _PHONE)):
            shape = svg(draw(width=width), f"{name}-{kind}-{size}")
            drawn.append(f'<div class="{kind} {size}">{shape}</div>')
    choices = "\n".join(
        f'<input type="radio" name="{name}" id="{name}-{kind}" class="{kind}"{checked}>'
        f'<label for="{name}-{kind}">{words}</label>'
        for kind, words, checked in (("far", "whole", " checked"), ("near", "closer", ""))
    )
    told = f"<figcaption>{sentence(caption)}</figcaption>"
    return "\n".join(['<figure class="zoom">', choices, *drawn, told, "</figure>"])


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""

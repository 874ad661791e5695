"""Several configurations side by side: what a comparison's page says of them."""

from __future__ import annotations

from collections.abc import Iterator

import altair as alt

from longshort.records import Comparison, Pair
from longshort.report.glossary import comparison_glossary, measures_defined
from longshort.report.layout import (
    drawn_from,
    drawn_targets,
    need,
    prose,
    side_by_side,
    tips,
)
from longshort.report.markup import (
    facts,
    figure,
    items,
    paragraph,
    section,
    table,
    text,
    words_explained,
)
from longshort.report.numerals import NOTHING, column, count, duration, gain, number
from longshort.report.theme import LSTM, MUTED, SHARE, TRAIN, listed


def title(comparison: Comparison) -> str:
    """What was compared."""
    many = count(len(comparison.contenders), "configuration")
    return f"{many} compared: {listed(comparison.targets)}"


def heading(comparison: Comparison) -> str:
    """What was compared on what, and which one to use."""
    data = comparison.data
    steps = count(comparison.horizon, "step")
    ahead = f"{steps} of {data.step} ahead" if data.step else f"{steps} ahead"
    about = [data.source, ahead, count(comparison.origins, "forecast origin")]
    about += [f"test part {p.start} to {p.end}" for p in data.parts if p.name == "test"]
    return "\n".join(
        [
            "<header>",
            f"<h1>{text(title(comparison))}</h1>",
            f'<p class="source">{text(" · ".join(about))}</p>',
            paragraph(comparison.verdict, "verdict"),
            "</header>",
        ]
    )


def pairs(comparison: Comparison) -> str:
    """The chosen configuration beside every other method."""
    header = ("method", "error of the chosen one against it", "p")
    blocks = []
    for target in comparison.targets:
        rows = [
            (pair.second, change(pair), p_value(pair.p_value))
            for pair in comparison.pairs
            if pair.target == target
        ]
        blocks += [f"<h3>{text(target)}</h3>", table(header, rows, 2, f"Differences: {target}")]
    caption = (
        f"How far the mean absolute error of {comparison.chosen} lies below (−) or above (+) that "
        "of each other method, with a paired 95 % interval from a bootstrap over blocks of origins "
        "and over seeds; p is the test of Diebold and Mariano, with the correction of Harvey, "
        "Leybourne and Newbold. Where the interval includes 0 or p is above 0.05, there is no "
        "difference that the data can show."
    )
    drawn = figure(
        "pairs",
        lambda w: pairs_chart(comparison, width=w),
        "Left of 0, the chosen configuration is better; a line that crosses 0 is no difference "
        "that the data can show.",
    )
    name = "The chosen one beside the others"
    return section("pairs", name, drawn, *blocks, paragraph(caption, "caption"))


def pairs_chart(comparison: Comparison, *, width: int = 920) -> alt.ConcatChart:
    """The chosen configuration's error against every other method's, one panel per target.

    A dot is the difference, the line its 95 % interval; left of 0 the chosen one is better.

    Raises:
        ArgumentError: there is no other method.
    """
    need(comparison.pairs, "differences")
    targets, few = drawn_targets(comparison)
    beside = min(190, width // 3 + 10)
    ours = {one.name for one in comparison.contenders}
    colour = {"domain": ["configuration", "yardstick"], "range": [LSTM, TRAIN]}
    legend = {"title": None, "orient": "top"}
    panels, words = [], []
    for target, _ in targets:
        pairs = [p for p in comparison.pairs if p.target == target and p.change is not None]
        order = [pair.second for pair in pairs]
        rows = [
            {
                "method": pair.second,
                "change": pair.change,
                "low": pair.change if pair.low is None else pair.low,
                "high": pair.change if pair.high is None else pair.high,
                "kind": "configuration" if pair.second in ours else "yardstick",
            }
            for pair in pairs
        ]
        y = alt.Y("method:N", sort=order, title=None, axis={"labelLimit": beside - 20})
        title = f"error of {comparison.chosen} against it"
        x = alt.X("change:Q", title=title, axis={"labelExpr": SHARE}, scale={"zero": True})
        fill = alt.Color("kind:N", scale=colour, legend=legend)
        middle = drawn_from([{"change": 0}], "rule", color=MUTED).encode(alt.X("change:Q"))
        low = alt.X("low:Q", title=title)
        lines = drawn_from(rows, "rule", strokeWidth=2).encode(low, y, fill, x2="high:Q")
        shown = tips("method:N", "change:Q", "low:Q", "high:Q")
        dots = drawn_from(rows, "point", filled=True, opacity=1, size=60)
        panel = alt.LayerChart(layer=[middle, lines, dots.encode(x, y, fill, tooltip=shown)])
        inner = width - beside - 40
        panels.append(panel.properties(width=inner, height=24 * len(rows) + 10, title=target))
        words.append(f"{target}: {listed([f'{p.second} {change(p)}' for p in pairs], 20)}.")
    title = f"Error of {comparison.chosen} against each other method{few}"
    chart = side_by_side(panels, 1, width, title, f"{title}. {prose(words)}")
    # names of methods stand where other charts have numbers
    wide: alt.ConcatChart = chart.properties(
        padding={"left": beside - 80, "right": 20, "top": 6, "bottom": 6}
    )
    return wide


def change(pair: Pair) -> str:
    """A difference as text: "-4.2 % [-6.0, -2.1]"."""
    return gain(pair.change, pair.low, pair.high)


def p_value(value: float | None) -> str:
    """A p-value as text."""
    if value is None:
        return NOTHING
    return f"{value:.3f}" if value >= 0.001 else "< 0.001"


def contenders(comparison: Comparison) -> str:
    """What each configuration is, how it did on the validation part, and how far its seeds lie."""
    names = (
        "configuration",
        "settings",
        "fits",
        "parameters",
        "training",
        "validation",
        *(f"{target} by seed" for target in comparison.targets),
    )
    valid = column([one.valid for one in comparison.contenders])
    rows = []
    for one, error in zip(comparison.contenders, valid, strict=True):
        told = ", ".join(f"{name} {value}" for name, value in one.settings.items())
        spread = [
            f"{number(min(errors))} to {number(max(errors))}"
            for errors in (one.errors[target] for target in comparison.targets)
        ]
        chosen = " (chosen)" if one.name == comparison.chosen else ""
        rows.append(
            (
                f"{one.name}{chosen}",
                told or "as given",
                str(len(one.seeds)),
                f"{one.parameters:,}",
                duration(one.seconds),
                error,
                *spread,
            )
        )
    caption = (
        "Parameters and training time are those of one fit. The validation column is what the "
        "choice was made by: the mean absolute error on the validation part over that of the last "
        "value, a mean over targets and seeds. By seed: the least and the greatest mean absolute "
        "error of single fits on the test part."
    )
    listing = table(names, rows, len(names) - 2, "Configurations")
    return section("contenders", "Configurations", listing, paragraph(caption, "caption"))


def ending(comparison: Comparison) -> Iterator[str]:
    """Settings, environment, notes and glossary."""
    kept = {"settings": comparison.settings, "environment": comparison.environment}
    for name, pairs_ in kept.items():
        yield section(name, name.capitalize(), facts(pairs_))
    notes = [*comparison.notes, *measures_defined(comparison)]
    yield section("notes", "Notes", items(notes))
    yield section("reading", "How to read this", words_explained(comparison_glossary(comparison)))

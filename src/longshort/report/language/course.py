"""How surprise goes over a test part, as an Altair specification."""

from __future__ import annotations

import altair as alt

from longshort.records import LanguageEvaluation
from longshort.report.layout import drawn_from, inner_width, need, prose, side_by_side, tips
from longshort.report.numerals import number
from longshort.report.theme import STEPS

# methods that are drawn: ours and the nearest others
_MOST = len(STEPS)


def course_chart(evaluation: LanguageEvaluation, *, width: int = 920) -> alt.ConcatChart:
    """Nats per symbol in stretches of the test part, from its beginning to its end.

    Raises:
        ArgumentError: the record holds no ``course``.
    """
    need(evaluation.course, "stretches of the test part")
    names = [score.method for score in evaluation.scores][:_MOST]
    unit = evaluation.data.unit.removesuffix("s")
    x = alt.X(
        "place:Q",
        axis={"title": f"{evaluation.data.unit} of the test part", "grid": False},
        scale={"domain": [0, evaluation.symbols], "nice": False},
    )
    y = alt.Y("nats:Q", title=f"nats per {unit}", scale={"zero": False})
    legend = {"title": None, "columns": 1, "symbolStrokeWidth": 0}
    colours = {"domain": names, "range": [style.colour for style in STEPS[: len(names)]]}
    shapes = {"domain": names, "range": [style.shape for style in STEPS[: len(names)]]}
    layers: list[alt.Chart] = []
    words = []
    for name, style in reversed(list(zip(names, STEPS, strict=False))):
        own = [stage for stage in evaluation.course if stage.method == name]
        rows = [
            {"place": (stage.start + stage.end) / 2, "nats": stage.nats, "method": name}
            for stage in own
        ]
        if own:
            least, most = min(s.nats for s in own), max(s.nats for s in own)
            words.append(f"{name}: {number(least)} to {number(most)} nats.")
        layers += [
            drawn_from(rows, "line", color=style.colour, strokeWidth=1.8).encode(x, y),
            drawn_from(rows, "point", filled=True, opacity=1, size=40).encode(
                x,
                y,
                alt.Fill("method:N", scale=colours, legend=legend),
                alt.Shape("method:N", scale=shapes, legend=legend),
                tooltip=tips("method:N", "nats:Q"),
            ),
        ]
    panel = alt.LayerChart(layer=layers).properties(width=inner_width(width, 1), height=230)
    title = "Surprise over the test part"
    return side_by_side([panel], 1, width, title, f"{title}. {prose(words)}")

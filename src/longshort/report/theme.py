"""How every chart looks: colours that colour-blind readers can tell apart, quiet axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from longshort.records import Evaluation

# Okabe and Ito's palette (2008): told apart under every common colour vision deficiency
INK = "#1b1f24"
LSTM = "#0072B2"
BAND = "#a6cfe8"
MUTED = "#8a929b"
TRAIN = "#D55E00"
_LABEL, _RULE, _GRID = "#3c434b", "#9aa2ab", "#e6e8eb"
_OTHERS = ("#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#6b7280")
_DASHES = ((6, 3), (2, 2), (8, 3, 2, 3), (4, 4), (1, 3), (10, 4))
_SHAPES = ("square", "diamond", "triangle-up", "cross", "triangle-down", "triangle-right")

# what each colour becomes on a dark page; the others can be told from white and from black
DARK = {
    "white": "none",
    INK: "#e6e9ec",
    LSTM: "#3d9fdc",
    BAND: "#27506a",
    _LABEL: "#b4bcc5",
    _RULE: "#6c7680",
    _GRID: "#2e353c",
    "#56B4E9": "#a5dbf8",
    _OTHERS[-1]: "#a3abb5",
}

# an axis label that reads as the text does: "80 %"
SHARE = "round(100 * datum.value) + ' %'"


class Style(NamedTuple):
    """What one method's lines look like; colour, dash and shape each tell them apart."""

    colour: str
    dash: tuple[int, ...]
    shape: str


# the first, a middle and the last step ahead
STEPS = tuple(
    Style(colour, (1, 0), shape)
    for colour, shape in ((LSTM, "circle"), (TRAIN, "square"), (_OTHERS[1], "diamond"))
)


def lstm_name(evaluation: Evaluation) -> str:
    """What the record calls our own method."""
    names = [score.method for score in evaluation.scores if score.kind == "lstm"]
    return names[0] if names else "LSTM"


def method_styles(evaluation: Evaluation) -> dict[str, Style]:
    """A style per method, the LSTM's first."""
    ours = lstm_name(evaluation)
    named = [score.method for score in evaluation.scores]
    named += [score.method for score in evaluation.steps]
    named += [point.method for point in evaluation.reliability]
    others = [name for name in dict.fromkeys(named) if name != ours]
    styles = {ours: Style(LSTM, (1, 0), "circle")}
    for i, name in enumerate(others):
        turn = i // len(_OTHERS)
        styles[name] = Style(
            _OTHERS[i % len(_OTHERS)],
            _DASHES[(i + turn) % len(_DASHES)],
            _SHAPES[(i + 2 * turn) % len(_SHAPES)],
        )
    return styles


def labelled(name: str, unit: str) -> str:
    """An axis title: the name, and the unit where there is one."""
    return f"{name} ({unit})" if unit else name


def listed(names: Sequence[str], most: int = 6) -> str:
    """Names in a sentence.

    >>> listed(["a", "b", "c"]), listed(["a", "b", "c"], most=2)
    ('a, b and c', 'a, b and 1 more')
    """
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most:,} more"
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def config() -> dict[str, Any]:
    """Vega-Lite's ``config`` section; given to each chart, so that no global theme is changed."""
    text = {"labelFontSize": 12, "titleFontSize": 12, "labelColor": _LABEL, "titleColor": INK}
    return {
        "background": "white",
        "font": "sans-serif",
        "view": {"stroke": None},
        "padding": 6,
        "title": {
            "anchor": "start",
            "frame": "group",
            "color": INK,
            "fontSize": 13,
            "fontWeight": 600,
            "offset": 8,
        },
        "axis": {
            **text,
            "titleFontWeight": "normal",
            "titlePadding": 8,
            "domainColor": _RULE,
            "tickColor": _RULE,
            "tickSize": 4,
            "gridColor": _GRID,
            "labelPadding": 4,
        },
        # labels stay inside the axis, so that headings of panels in a row stand level
        "axisX": {"labelSeparation": 12, "labelFlush": False},
        "axisY": {"labelFlush": True},
        "legend": {
            **text,
            "orient": "top",
            "titleFontWeight": "normal",
            "symbolSize": 70,
            "labelLimit": 260,
            "columnPadding": 16,
            "offset": 10,
        },
    }

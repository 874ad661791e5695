"""docs/benchmarks/forecasting.md, made of records alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from forecasts.sets import SETS, Set

LINE, WITHOUT = "highway alone", "LSTM without highway"
TEXT = """# Forecasting, measured

`python benchmarks/forecasting.py` wrote this page. Every network is trained three times from
different seeds; a row is the mean forecast of the three, with the range of each alone in brackets.
All networks of a set read the same inputs, have the same read-out and training, and about as many
parameters as the LSTM (their sizes are chosen so; "highway alone" is what is left without a
network). Recipes were chosen on the validation parts; every opening of a test part is on record in
`benchmarks/ledger.json`. Seconds are those of one core, for one network, whatever else the machine
did. Lower is better, but for coverage, which should be 80 %; its interval is a 95 % moving-block
bootstrap. Yardsticks are fitted on the same rows.
"""


def page(records: Mapping[str, Mapping[str, Any]], sets: Mapping[str, Set] | None = None) -> str:
    """All of it, for the sets that have a record."""
    sets = SETS if sets is None else sets
    known = {name: found for name, found in records.items() if "methods" in found}
    parts = [TEXT.rstrip(), bars(known, sets)]
    parts += [part(sets[name], found) for name, found in known.items()]
    return "\n\n".join(parts) + "\n"


def bars(records: Mapping[str, Mapping[str, Any]], sets: Mapping[str, Set]) -> str:
    """Goals, and whether they are met; who is best."""
    lines = []
    for name, found in records.items():
        task = sets[name]
        for goal in task.goals:
            ours = found["networks"]["LSTM"]["scores"][goal.measure]
            best = min(_others(found), key=lambda pair: _value(pair[1], goal.measure))
            met = "aim" if goal.aim is not None and ours <= goal.aim else "yes"
            lines.append(
                [
                    f"{task.title}: {goal.measure}",
                    number(ours),
                    f"{goal.must:g}" + (f" (aim {goal.aim:g})" if goal.aim else ""),
                    met if ours <= goal.must else "**no**",
                    f"{best[0]}, {number(_value(best[1], goal.measure))}",
                ]
            )
    head = ("what", "LSTM", "at most", "met", "best other method")
    return "\n".join(["## Goals", "", *table(head, lines)])


def part(task: Set, found: Mapping[str, Any]) -> str:
    """One set."""
    lines = [
        f"## {task.title}",
        "",
        task.told,
        "",
        *scores(task, found),
        "",
        f"> {wins(task, found)}",
    ]
    lines += ["", *ablation(task, found), *coverage(found), *curve(task, found)]
    made = found["environment"]
    lines.append(
        f"{found['origins']:,} origins. Verdict of the report: {found['verdict']} (longshort "
        f"{made['longshort']}, torch {made['torch']}, {made['threads']} thread.)"
    )
    return "\n".join(lines)


def scores(task: Set, found: Mapping[str, Any]) -> list[str]:
    """Networks, then yardsticks, the best of each column in bold."""
    rows: list[tuple[str, Mapping[str, Any]]] = [*found["networks"].items()]
    rows += [(n, one) for n, one in found["methods"].items() if one["kind"] != "lstm"]
    least = {name: min(_value(one, name) for row, one in rows) for name in task.measures}
    lines = []
    for name, one in rows:
        cells = [name]
        for what in task.measures:
            value = one["scores"].get(what)
            if value is None:
                cells.append("")
                continue
            text = f"**{number(value)}**" if value == least[what] else number(value)
            alone = [seed[what] for seed in one.get("seeds", []) if seed[what] is not None]
            cells.append(
                text + (f" ({number(min(alone))} to {number(max(alone))})" if alone else "")
            )
        cells.append(f"{100 * one['coverage']:.1f} %")
        cells.append(number(one["width"]))
        cells.append(f"{one['parameters']:,}" if "parameters" in one else "")
        cells.append(f"{one['seconds']:.0f}" if "seconds" in one else "")
        lines.append(cells)
    head = ("method", *task.measures, "coverage", "width", "parameters", "seconds")
    return table(head, lines)


def wins(task: Set, found: Mapping[str, Any]) -> str:
    """Who wins, in a plain sentence for each measure."""
    told = []
    for what in task.measures:
        ours = found["networks"]["LSTM"]["scores"].get(what)
        ours = _value(found["methods"]["LSTM"], what) if ours is None else ours
        rival, one = min(_others(found), key=lambda pair: _value(pair[1], what))
        theirs = _value(one, what)
        verb = "wins against" if ours < theirs else "loses to"
        told.append(f"{what}: the LSTM ({number(ours)}) {verb} {rival} ({number(theirs)}).")
    return " ".join(told)


def ablation(task: Set, found: Mapping[str, Any]) -> list[str]:
    """What the highway and the LSTM add to each other."""
    rows, what = found["networks"], task.measures[0]
    if not {LINE, WITHOUT} <= set(rows):
        return []
    both, line, without = (rows[name]["scores"][what] for name in ("LSTM", LINE, WITHOUT))
    return [
        f"The linear highway alone has {what} {number(line)}, the LSTM without it "
        f"{number(without)}, both together {number(both)}: the LSTM's share is "
        f"{100 * (1 - both / line):+.1f} % of what the line leaves.",
        "",
    ]


def coverage(found: Mapping[str, Any]) -> list[str]:
    """How many steps have the stated coverage inside their interval, and each of a few steps."""
    told = [row for row in found["coverage"] if row[3] is not None]
    if not told:
        return []
    follow = {(row[0], row[1]): row for row in found.get("adaptive", [])}
    steps = sorted({row[1] for row in told})
    shown = {steps[at * (len(steps) - 1) // 3] for at in range(4)}
    lines = []
    for row in told:
        if row[1] in shown:
            cells = [row, follow[row[0], row[1]]] if follow else [row]
            lines.append([row[0], f"{row[1]}", *(_interval(*cell[2:]) for cell in cells)])
    after = f", and at {_inside(follow.values())} where intervals follow what they missed" * bool(
        follow
    )
    head = ("target", "step", "coverage", "coverage, adaptive")[: 4 if follow else 3]
    return [
        f"80 % lies inside the interval of the LSTM's coverage at {_inside(told)} of {len(told)} "
        f"steps and targets{after}; at some of them:",
        "",
        *table(head, lines),
        "",
    ]


def _inside(rows: Iterable[Sequence[Any]]) -> int:
    return sum(low <= 0.8 <= high for *_, low, high in rows)


def _interval(share: float, low: float, high: float) -> str:
    return f"{100 * share:.1f} % [{100 * low:.1f}, {100 * high:.1f}]"


def curve(task: Set, found: Mapping[str, Any]) -> list[str]:
    """Scores by how much there was to learn from."""
    if not found.get("curve"):
        return []
    what = task.measures[0]
    lines = [
        [f"{point['rows']:,}", number(point["LSTM"][what]), number(point[LINE][what])]
        for point in sorted(found["curve"], key=lambda point: point["rows"])
    ]
    return [
        "How much an LSTM needs: the same network after the last rows before the validation part "
        "alone.",
        "",
        *table(("rows to learn from", f"LSTM, {what}", f"{LINE}, {what}"), lines),
        "",
    ]


def _others(found: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Every method that holds no LSTM."""
    networks = [(n, one) for n, one in found["networks"].items() if "LSTM" not in n]
    return networks + [(n, one) for n, one in found["methods"].items() if one["kind"] != "lstm"]


def _value(one: Mapping[str, Any], what: str) -> float:
    value = one["scores"].get(what)
    return float("inf") if value is None else float(value)


def number(value: float) -> str:
    """Three digits behind the point, or three in all."""
    return (
        f"{value:.4f}"
        if abs(value) < 1
        else f"{value:.3f}"
        if abs(value) < 100
        else f"{value:,.0f}"
    )


def table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> list[str]:
    """Markdown."""
    marks = ["---" if at == 0 else "---:" for at in range(len(head))]
    return [f"| {' | '.join(cells)} |" for cells in (head, marks, *lines)]

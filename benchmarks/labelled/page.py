"""``docs/benchmarks/labels.md``, made of records alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import mean, stdev
from typing import Any

from labelled.base import Record, Set

TEXT = """# Labelled sequences, measured

`benchmarks/labels.py` writes this page from what it measured (`benchmarks/records/labels`). On each
set a network is fitted from three seeds, beside every yardstick that serves, on the same split:
fitted on the training part, chosen on the validation part. The test part is opened once per recipe,
and every opening is in `benchmarks/ledger.json`. Losses are included.

Numbers are in percent where they are shares. A network's number is the mean over its seeds, with
the least and the greatest; a yardstick's has the 95 % interval of a bootstrap over items (over
groups where there are any). Where a set is split several times, numbers are means over splits, and
± is their standard deviation. The Transformer stands in the LSTM's place, with about as many
parameters and trained as it is. A row may average several networks: its parameters and seconds are
theirs together. Seconds are those of one core; a yardstick's include the choice of its settings.
"""
_LOSSES = ("log_loss", "brier", "calibration_error", "class_distance")
_WORDS = {
    "macro_f1": "macro-F1", "auroc": "AUROC", "auprc": "AUPRC", "log_loss": "log-loss",
    "brier": "Brier", "f1": "entity F1", "token_accuracy": "token accuracy",
}  # fmt: skip


def page(records: Mapping[str, Record], sets: Mapping[str, Set]) -> str:
    """All of it, for the sets that have a record."""
    whole = {
        name: [s for s in found["splits"] if "methods" in s] for name, found in records.items()
    }
    known = {name: {"splits": splits} for name, splits in whole.items() if splits}
    parts = [TEXT.rstrip(), goals(known, sets)]
    parts += [part(sets[name], found) for name, found in known.items()]
    return "\n\n".join(parts) + "\n"


def goals(records: Mapping[str, Record], sets: Mapping[str, Set]) -> str:
    """Goals, and whether they are met; who is the best beside the network."""
    lines = []
    for name, found in records.items():
        task = sets[name]
        for goal in task.goals:
            own = ours(task, found, goal.measure)
            rival, theirs = best(found, goal.measure)
            met = "**no**" if own < goal.must else "yes"
            met = "aim" if goal.aim is not None and own >= goal.aim else met
            lines.append(
                [
                    f"{task.title}: {words(goal.measure)}",
                    shown(goal.measure, own),
                    shown(goal.measure, goal.must)
                    + (f" (aim {shown(goal.measure, goal.aim)})" if goal.aim is not None else ""),
                    met,
                    f"{rival}, {shown(goal.measure, theirs)}",
                    winner(goal.measure, own, theirs),
                ]
            )
    head = ("what", "LSTM", "at least", "met", "best yardstick", "ahead")
    return "\n".join(["## Goals", "", *table(head, lines)])


def winner(measure: str, own: float, theirs: float) -> str:
    """Who is ahead, chance aside."""
    if theirs != theirs:
        return "not measured"
    if own == theirs:
        return "neither"
    return "LSTM" if (own > theirs) != (measure in _LOSSES) else "the yardstick"


def part(task: Set, found: Record) -> str:
    """One set."""
    first = found["splits"][0]
    lines = [f"## {task.title}", "", task.told, "", *scores(task, found), ""]
    lines += [
        f"- {each.method}: {words(each.measure)} {shown(each.measure, each.value)} ({each.source})"
        for each in task.literature
    ]
    lines += [""] * bool(task.literature)
    verdicts = [split["verdict"] for split in found["splits"]]
    if len(verdicts) < task.splits:
        lines += [f"Measured so far: {len(verdicts)} of {task.splits} splits.", ""]
    lines.append(f"> {'One split of several: ' if len(verdicts) > 1 else ''}{verdicts[0]}")
    lines.append("")
    counts = ", ".join(f"{p['items']:,} {p['name']}" for p in first["data"]["parts"])
    made = first["environment"]
    lines.append(
        " ".join(
            [
                f"Items: {counts}.",
                *first["notes"],
                f"The verdict is the first seed's. (longshort {made['longshort']}, torch "
                f"{made['torch']}, {made['threads']} thread.)",
            ]
        )
    )
    return "\n".join(lines)


def scores(task: Set, found: Record) -> list[str]:
    """Networks, then yardsticks, the best of each column in bold."""
    splits = found["splits"]
    # a row that not every split has been given has no mean
    networks = [row for row in splits[0]["networks"] if all(row in s["networks"] for s in splits)]
    methods = list(splits[0]["methods"])
    value = {(row, m): ours(task, found, m, row) for row in networks for m in task.measures}
    value |= {(name, m): theirs(found, name, m) for name in methods for m in task.measures}
    top = {}
    for m in task.measures:
        known = [
            value[name, m] for name in (*networks, *methods) if value[name, m] == value[name, m]
        ]
        top[m] = (min if m in _LOSSES else max)(known, default=None)
    lines = []
    for name in (*networks, *methods):
        cells = [name]
        for m in task.measures:
            text = shown(m, value[name, m])
            text = f"**{text}**" if value[name, m] == top[m] else text
            cells.append(f"{text} {spread(found, name, m)}".rstrip())
        cells += cost(found, name)
        lines.append(cells)
    head = ("method", *(words(m) for m in task.measures), "valid", "parameters", "seconds")
    return table(head, lines)


def ours(task: Set, found: Record, measure: str, row: str = "") -> float:
    """A network's mean over splits and seeds."""
    row = row or task.rows[0]
    each = [one["scores"].get(measure) for s in found["splits"] for one in s["networks"][row]]
    return _mean(each)


def theirs(found: Record, method: str, measure: str) -> float:
    """A yardstick's mean over splits."""
    each = [s["methods"][method]["measures"].get(measure) for s in found["splits"]]
    return _mean([one and one["value"] for one in each])


def best(found: Record, measure: str) -> tuple[str, float]:
    """The best yardstick by a measure."""
    named = [(name, theirs(found, name, measure)) for name in found["splits"][0]["methods"]]
    named = [(name, value) for name, value in named if value == value] or [("none", float("nan"))]
    return (min if measure in _LOSSES else max)(named, key=lambda pair: pair[1])


def spread(found: Record, name: str, measure: str) -> str:
    """How sure a number is: over splits, over seeds, or by the bootstrap."""
    splits = found["splits"]
    networks = [s.get("networks", {}).get(name) for s in splits]
    if networks[0] is not None:
        each = [[one["scores"].get(measure) for one in seeds] for seeds in networks]
    else:
        measured = [s["methods"][name]["measures"].get(measure) for s in splits]
        each = [[one and one["value"]] for one in measured]
    if any(value is None for seeds in each for value in seeds):
        return ""
    if len(splits) > 1:
        return f"± {shown(measure, stdev(mean(seeds) for seeds in each))}"
    if networks[0] is not None:
        low, high = min(each[0]), max(each[0])
    else:
        low, high = measured[0]["low"], measured[0]["high"]
        if low is None:
            return ""
        return f"[{shown(measure, low)}, {shown(measure, high)}]"
    return f"({shown(measure, low)} to {shown(measure, high)})"


def cost(found: Record, name: str) -> list[str]:
    """The validation score, parameters and seconds of one fit."""
    splits = found["splits"]
    rows = splits[0].get("networks", {})
    if name in rows:
        own = [one for s in splits for one in s["networks"][name]]
        valid = _mean([one["valid"] for one in own])
        return [
            _share(valid), f"{own[0]['parameters']:,}", f"{_mean([o['seconds'] for o in own]):.0f}"
        ]  # fmt: skip
    own = [s["methods"][name] for s in splits]
    seconds = _mean([one["seconds"] for one in own])
    valid = _mean([one["valid"] for one in own])
    return [_share(valid), "", f"{seconds:.1f}" if seconds == seconds else ""]


def words(measure: str) -> str:
    """A measure's name."""
    return _WORDS.get(measure, measure.replace("_", " "))


def shown(measure: str, value: float) -> str:
    """A share in percent, a loss as it is."""
    if value != value:
        return ""
    return (
        f"{value:.3f}"
        if measure in ("log_loss", "brier", "class_distance")
        else (f"{100 * value:.1f}")
    )


def _share(value: float) -> str:
    return f"{100 * value:.1f}" if value == value else ""


def _mean(values: Sequence[Any]) -> float:
    return float("nan") if any(v is None for v in values) else mean(values)


def table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> list[str]:
    """Markdown."""
    marks = ["---" if at == 0 else "---:" for at in range(len(head))]
    return [f"| {' | '.join(cells)} |" for cells in (head, marks, *lines)]

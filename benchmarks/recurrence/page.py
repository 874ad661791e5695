"""The page and the README's table, of what was measured alone."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Sequence
from statistics import geometric_mean
from typing import Any, NamedTuple

import onnxruntime
import torch
from recurrence.peers import INFERENCE, TRAINING_DX
from recurrence.rows import BATCHES, SINGLE, STEPS, Row
from recurrence.timing import allocator, machine

import longshort

Times = dict[str, dict[str, float]]


class Found(NamedTuple):
    """Microseconds by row and entrant; ``peak`` in GFLOP/s and how it was found."""

    one: Times
    two: Times
    tuned: Times
    tuned_allocator: str
    keras: dict[str, dict[str, Any]]
    peak: tuple[float, str]
    # processes that wanted a core when the measuring began, this one among them
    load: float
    refused: list[str]


def page(rows: Sequence[Row], found: Found) -> str:
    """docs/benchmarks/cpu.md."""
    keras = [result["versions"] for result in found.keras.values() if "versions" in result]
    parts = [
        TEXT.format(
            machine=machine(),
            peak=f"{found.peak[0]:.0f}",
            how=found.peak[1],
            load=amount(found.load),
            versions=f"longshort {longshort.__version__}, torch {torch.__version__}, "
            f"onnxruntime {onnxruntime.__version__}, {''.join(f'{each}, ' for each in keras)}"
            f"Python {platform.python_version()}",
            engine="{0.name}: {0.reason}".format(longshort.LSTM(8, 64).engine()),
            allocator=allocator(),
            tuned=found.tuned_allocator,
        ).rstrip(),
        "\n".join(summary(rows, found)),
    ]
    for name in dict.fromkeys(row.table for row in rows):
        own = [row for row in rows if row.table == name]
        title = name.rstrip(",")
        make = options_table if own[0].of_options else peers_table
        parts.append("\n".join([f"## {title[0].upper()}{title[1:]}", "", *make(own, found)]))
    parts.append("\n".join(["## Keras", "", *keras_table(found)]))
    return "\n\n".join(parts) + "\n"


def line(row: Row, times: dict[str, float]) -> str:
    """A row as it is printed while measuring."""
    parts = [f"{name} {amount(took)}" for name, took in times.items()]
    ratio = row.ratio(times)
    goal = f" (must {row.goal.must}, aim {row.goal.aim})" if row.goal.must else ""
    return f"{row.name}: {', '.join(parts)} µs; ratio {ratio:.2f}{goal} {verdict(row, ratio)}"


def verdict(row: Row, ratio: float) -> str:
    """Which goal is met."""
    if row.goal.must is None:
        return ""
    if row.holds(ratio, row.goal.aim):
        return "aim"
    return "must" if row.holds(ratio, row.goal.must) else "**no**"


def amount(value: float | None) -> str:
    """Three digits or more."""
    if value is None:
        return ""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> list[str]:
    """Markdown; columns in which nothing stands are left out."""
    lines = [list(cells) for cells in lines]
    kept = [at for at in range(len(head)) if any(cells[at] for cells in lines)]
    body = [[cells[at] for at in kept] for cells in lines]
    marks = ["---" if at == 0 else "---:" for at in kept]
    return [f"| {' | '.join(cells)} |" for cells in ([head[at] for at in kept], marks, *body)]


def peers_table(rows: Sequence[Row], found: Found) -> list[str]:
    """Ours beside torch.nn and the others; of these, time and ratio."""
    others = ("LSTMCell loop", "ONNX Runtime")
    head = ["B, T, I, H", "ours, µs", "torch.nn, µs", "ratio", "must", "aim", "met"]
    head += [f"{name}, µs (ratio)" for name in others]
    head += ["of the peak", "ratio at the peak", "tuned malloc: ours, µs", "ratio"]
    head += ["2 threads: ours, µs", "torch.nn, µs", "ratio"]

    def cells(row: Row) -> list[str]:
        times = found.one[row.name]
        ours, peer = times["ours"], times["torch.nn"]
        ratio, way = row.ratio(times), f"{row.label}, " if row.label else ""
        shown = [f"{way}{row.shape.spaced}", amount(ours), amount(peer), amount(ratio)]
        shown += [amount(row.goal.must), amount(row.goal.aim), verdict(row, ratio)]
        for name in others:
            took = times.get(name)
            shown.append(f"{amount(took)} ({amount(took / ours)})" if took else "")
        shown += (
            [f"{amount(share(row, found))} %", amount(limit(row, found))] if row.flops else ["", ""]
        )
        for more, names in ((found.tuned, ("ours",)), (found.two, ("ours", "torch.nn"))):
            again = more.get(row.name)
            shown += [amount(again[name]) if again else "" for name in names]
            shown.append(amount(row.ratio(again)) if again else "")
        return shown

    return table(head, map(cells, rows))


def options_table(rows: Sequence[Row], found: Found) -> list[str]:
    """Ours with an option beside ours without."""
    head = ["option", "B, T, I, H", "with it, µs", "plain, µs", "ratio", "at most", "aim", "met"]

    def cells(row: Row) -> list[str]:
        times, ratio = found.one[row.name], row.ratio(found.one[row.name])
        shown = [row.label, row.shape.spaced, amount(times["ours"]), amount(times["plain"])]
        goal = row.goal
        return [*shown, amount(ratio), amount(goal.must), amount(goal.aim), verdict(row, ratio)]

    return table(head, map(cells, rows))


def keras_table(found: Found) -> list[str]:
    """Keras beside torch.nn in its own process, and by that beside ours."""
    head = ["backend", "mode", "B, T, I, H", "Keras, µs", "torch.nn, µs", "ours by way of it, µs"]
    head += ["Keras / ours"]
    lines = []
    for backend, result in found.keras.items():
        if "missing" in result:
            lines.append([backend, f"{result['missing']} is not installed", *[""] * 5])
        for name, times in result.get("times", {}).items():
            mode, _, shape = name.rpartition(" ")
            here = found.one.get(f"LSTM, {name}")
            shown = [backend, mode, shape.replace(",", ", "), amount(times["Keras"])]
            shown.append(amount(times["torch.nn"]))
            if here is None:
                lines.append([*shown, "", ""])
                continue
            ours = times["torch.nn"] * here["ours"] / here["torch.nn"]
            lines.append([*shown, amount(ours), amount(times["Keras"] / ours)])
    return table(head, lines)


def share(row: Row, found: Found) -> float:
    """Per cent of the peak that ours reaches, counting matrix products alone."""
    return row.flops / found.one[row.name]["ours"] / found.peak[0] / 10


def limit(row: Row, found: Found) -> float:
    """The ratio of an engine whose products run at the peak and whose rest takes no time."""
    return found.one[row.name]["torch.nn"] * found.peak[0] * 1e3 / row.flops


def summary(rows: Sequence[Row], found: Found) -> list[str]:
    """What was reached, what was not and what limits it, and every loss."""
    ratios = {row: row.ratio(found.one[row.name]) for row in rows}
    musts = [row for row in rows if row.goal.must is not None]
    aims = [row for row in rows if row.goal.aim is not None]
    missed = [row for row in musts if not row.holds(ratios[row], row.goal.must)]
    reached = sum(row.holds(ratios[row], row.goal.aim) for row in aims)
    lines = [
        f"Of {len(musts)} rows with a must, {len(musts) - len(missed)} reach it; of {len(aims)} "
        f"with an aim, {reached} reach it."
    ]
    if missed:
        lines += ["", "Not reached:", ""]
    for row in missed:
        bound = "at most" if row.of_options else "must"
        text = f"* {row.name}: {amount(ratios[row])}, {bound} {amount(row.goal.must)}"
        if row.flops:
            text += f"; {share(row, found):.0f} % of the peak, which itself would be a ratio of "
            text += amount(limit(row, found))
            if limit(row, found) < (row.goal.must or 0):
                text += ": the machine does not allow the must"
        lines.append(text)
    lost = [
        f"* {row.name}: {name} takes {found.one[row.name][name] / found.one[row.name]['ours']:.2f} "
        "of our time"
        for row in rows
        for name in list(found.one[row.name])[1:]
        if not row.of_options and found.one[row.name][name] < found.one[row.name]["ours"]
    ]
    lines += ["", "Slower than a peer:", "", *lost] if lost else ["", "No peer is faster."]
    lines += ["", *malloc(rows, found)]
    return lines


def malloc(rows: Sequence[Row], found: Found) -> list[str]:
    """What the allocator changes: on average over a table, and in goals."""
    lines = []
    for name in ("LSTM, inference", "LSTM, training with dx"):
        own = [row for row in rows if row.table == name and row.name in found.tuned]
        if own:
            usual = geometric_mean([row.ratio(found.one[row.name]) for row in own])
            tuned = geometric_mean([row.ratio(found.tuned[row.name]) for row in own])
            lines.append(
                f"{name}: the geometric mean of the ratios is {usual:.2f} with the allocator as it "
                f"comes and {tuned:.2f} with the tuned one."
            )
    musts = [row for row in rows if row.goal.must is not None and row.name in found.tuned]
    still = sum(row.holds(row.ratio(found.tuned[row.name]), row.goal.must) for row in musts)
    return [*lines, f"With the tuned one, {still} of {len(musts)} rows reach their must."]


def block(rows: Sequence[Row], found: Found) -> str:
    """The README's table: ratios to torch.nn on one thread."""
    ratios = {(row.table, row.label, row.shape): row.ratio(found.one[row.name]) for row in rows}
    kinds = [f"{kind}, {mode}" for kind in ("LSTM", "ragged LSTM", "GRU") for mode in MODES]
    lines = [
        [shape.spaced, *(amount(ratios.get((kind, "", shape))) for kind in kinds)]
        for shape in (SINGLE, *BATCHES)
    ]
    head = ["B, T, I, H", *(kind.removesuffix(" with dx") for kind in kinds)]
    step = found.one[next(row.name for row in rows if row.shape == STEPS[0])]
    return "\n".join(
        [
            "",
            "",
            *table(head, lines),
            "",
            "How many times as fast as `torch.nn`, one thread, float32, outputs and gradients "
            f"compared first. One step of `layer.stream()` takes {amount(step['ours'])} µs at B 1, "
            f"I 8, H 64; torch.nn's takes {amount(step['torch.nn'])} µs. Every row, losses "
            "included, and how it was measured: [speed on a CPU](docs/benchmarks/cpu.md).",
            "",
        ]
    )


MODES = (INFERENCE, TRAINING_DX)
TEXT = """# Speed on a CPU

Written by `benchmarks/recurrent.py`; no number is written by hand.

## How it was measured

* Machine: {machine}. Peak of one thread in float32: {peak} GFLOP/s, measured in this run:
  {how}. Load of the machine as the measuring began: {load}.
* Versions: {versions}.
* Engine of our plain LSTM, as `layer.engine()` says it: {engine}.
* Allocator: {allocator}. The tuned one, in a process of its own: {tuned}.
* Everything runs in one process, in turns: some 5 ms of ours, some 5 ms of each peer, and again.
  Quoted is the minimum over the rounds, per call: CPU time of the process on one thread, which
  leaves out what neighbours take of a shared machine, and wall time on two.
* First, outputs, last states and gradients are compared with torch.nn's, or, with options that it
  does not have, with the definition of the recurrence: 1e-5 in relative norm, float32. What differs
  is not timed.
* A ratio is torch.nn's time by ours: above 1, ours is faster. "Must" and "aim" are the goals for
  it, "met" is the better one that is met. Microseconds are of one call.
* Training is a forward and a backward pass through autograd, with dense gradients of the outputs;
  "with dx" includes the gradient of the input. Inference runs in `torch.inference_mode`.
* "Ragged" has lengths linear from T/4 to T. Ours takes `lengths`, torch.nn a packed batch: its time
  includes `pack_padded_sequence` and `pad_packed_sequence`, rows sorted beforehand.
* The loop over `torch.nn.LSTMCell` and ONNX Runtime (a graph of one node, no spinning threads)
  stand beside in microseconds and, in brackets, as their time by ours.
* "Of the peak" counts the matrix products alone. "Ratio at the peak" is what an engine would reach
  whose products ran at the peak and whose rest took no time.
* An option's ratio is its time by that of our plain LSTM on full rows: less is better. While
  training, random masks are drawn in the layer; "masks given" is the recurrence alone with masks
  drawn before, beside the recurrence alone without.
* One step: `layer.stream()` and `layer.step` read one time step a call, the state carried on;
  torch.nn.LSTM is called with T = 1 and its own state.

## What came out

"""

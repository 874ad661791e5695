"""What LSTMs are famous for: how far gradients reach back, and problems that need it.

    python benchmarks/memory.py                 everything that has not been run yet, then the page
    python benchmarks/memory.py --minutes 10    start nothing new after ten minutes
    python benchmarks/memory.py --page          only the page, of what has been run
    python benchmarks/memory.py adding-400      only runs whose names begin so

Every run leaves one JSON file in build/memory and is not run again unless its settings change. One
thread, float32. Writes docs/benchmarks/memory.md and two figures.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import altair as alt
import torch
import vl_convert
from torch import Tensor, nn
from torch.nn import functional

from longshort.data.synthetic import Adding, Problem, TemporalOrder
from longshort.explain import gradient_flow
from longshort.layers.recurrent import GRU, LSTM, RNN
from longshort.report.theme import config

ROOT = Path(__file__).parent.parent
CACHE = ROOT / "build" / "memory"
PAGE = ROOT / "docs" / "benchmarks" / "memory.md"
IMAGES = ROOT / "docs" / "images"

CELLS = {"RNN": RNN, "GRU": GRU, "LSTM": LSTM}
UNITS = 64
# a problem counts as solved at this share of its chance loss
SOLVED = 0.02


@dataclass(frozen=True)
class Flow:
    """Gradients of an untrained layer, on normal numbers of this spread."""

    name: str
    cell: str
    options: dict[str, Any] = field(default_factory=dict)
    spread: float = 1.0
    steps: int = 101
    features: int = 8
    rows: int = 8
    seeds: int = 3


@dataclass(frozen=True)
class Learning:
    """One training run, from weights of this seed, with Adam and gradients clipped at 1."""

    problem: str
    method: str
    cell: str
    options: dict[str, Any] = field(default_factory=dict)
    rate: float = 3e-3
    rows: int = 20
    batches: int = 4000
    every: int = 100
    seed: int = 0

    @property
    def name(self) -> str:
        """Problem and method."""
        return f"{self.problem} {self.method}"


FLOWS = [
    Flow("RNN", "RNN"),
    Flow("RNN, Glorot", "RNN", {"init": "glorot"}),
    Flow("RNN, orthogonal", "RNN", {"init": "orthogonal"}),
    Flow("RNN, orthogonal, quiet inputs", "RNN", {"init": "orthogonal"}, spread=0.1),
    Flow("GRU", "GRU"),
    Flow("GRU, orthogonal", "GRU", {"init": "orthogonal"}),
    Flow("GRU, chrono", "GRU", {"chrono": 100}),
    Flow("LSTM", "LSTM"),
    Flow("LSTM, forget bias 1", "LSTM", {"forget_bias": 1.0}),
    Flow("LSTM, chrono", "LSTM", {"chrono": 100}),
]
# what the figure shows: the four that the page is about, and the RNN at its best
DRAWN = ["RNN", "RNN, orthogonal", "GRU", "LSTM", "LSTM, forget bias 1", "LSTM, chrono"]

PROBLEMS: dict[str, Callable[..., Problem]] = {
    "adding-100": lambda **some: Adding(steps=100, **some),
    "adding-400": lambda **some: Adding(steps=400, **some),
    "temporal-order-100": lambda **some: TemporalOrder(steps=100, **some),
}
TITLES = {
    "adding-100": "Adding, 100 steps",
    "adding-400": "Adding, 400 steps",
    "temporal-order-100": "Temporal order, 100 steps",
}
RUNS = [
    Learning("adding-100", "RNN, orthogonal", "RNN", {"init": "orthogonal"}, 1e-3),
    Learning("adding-100", "GRU", "GRU"),
    Learning("adding-100", "LSTM", "LSTM", {}, 1e-2),
    Learning("adding-100", "LSTM, chrono", "LSTM", {"chrono": 100}),
    Learning("adding-400", "RNN, orthogonal", "RNN", {"init": "orthogonal"}, 1e-3),
    Learning("adding-400", "LSTM, chrono", "LSTM", {"chrono": 400}),
    Learning("temporal-order-100", "RNN, orthogonal", "RNN", {"init": "orthogonal"}, 1e-3),
    Learning("temporal-order-100", "GRU", "GRU"),
    Learning("temporal-order-100", "LSTM", "LSTM", {}, 1e-2),
    Learning("temporal-order-100", "LSTM, chrono", "LSTM", {"chrono": 100}),
    Learning("adding-400", "GRU", "GRU"),
    Learning("adding-400", "LSTM", "LSTM", {}, 1e-2),
]
COLOURS = {
    "RNN": "#D55E00",
    "RNN, orthogonal": "#E69F00",
    "GRU": "#009E73",
    "LSTM": "#56B4E9",
    "LSTM, forget bias 1": "#CC79A7",
    "LSTM, chrono": "#0072B2",
}


def cached(name: str, settings: dict[str, Any]) -> tuple[Path, dict[str, Any] | None]:
    """Where a run's result is kept, and the result if it is there with these settings."""
    path = CACHE / f"{name.replace(', ', '-').replace(' ', '-').lower()}.json"
    if not path.exists():
        return path, None
    found: dict[str, Any] = json.loads(path.read_text())
    return path, found if found["settings"] == settings else None


def measure_flow(flow: Flow) -> dict[str, Any]:
    kept = []
    for seed in range(flow.seeds):
        torch.manual_seed(seed)
        layer = CELLS[flow.cell](flow.features, UNITS, batch_first=True, **flow.options)
        x = flow.spread * torch.randn(flow.rows, flow.steps, flow.features)
        kept.append(gradient_flow(layer, x).state)
    return {"state": [sum(each) / len(each) for each in zip(*kept, strict=True)]}


def learn(run: Learning) -> dict[str, Any]:
    problem = PROBLEMS[run.problem]
    # different seeds are different examples: none is seen twice, and none of them is scored
    train = problem(size=run.batches * run.rows, seed=1 + run.seed)
    valid = problem(size=400, seed=0)
    held = valid.batch(range(len(valid)))
    # chance on these very examples: 1 is the best constant answer to the adding problem
    chance = valid.chance
    if isinstance(valid, Adding):
        chance = float((held.target() - 1).square().mean())
    kinds = 8 if isinstance(valid, TemporalOrder) else 0
    torch.manual_seed(run.seed)
    layer = CELLS[run.cell](kinds or 2, UNITS, batch_first=True, **run.options)
    readout = nn.Linear(UNITS, valid.classes if isinstance(valid, TemporalOrder) else 1)
    parameters = [*layer.parameters(), *readout.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=run.rate)

    def loss(batch: Any) -> Tensor:
        (x,) = batch.inputs.values()
        x = functional.one_hot(x, kinds).float() if kinds else x
        out, _ = layer(x, lengths=batch.lengths)
        answer = readout(out[torch.arange(batch.rows), batch.lengths - 1])
        if kinds:
            return functional.cross_entropy(answer, batch.target())
        return functional.mse_loss(answer, batch.target()[:, :, 0])

    curve: list[tuple[int, float]] = []
    begun = time.process_time()
    for number in range(run.batches):
        start = number * run.rows
        optimizer.zero_grad()
        loss(train.batch(range(start, start + run.rows))).backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        if (number + 1) % run.every == 0:
            with torch.no_grad():
                curve.append((number + 1, float(loss(held)) / chance))
            if curve[-1][1] < SOLVED:
                break
    return {"curve": curve, "seconds": time.process_time() - begun}


def figure(chart: Any, name: str) -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    chart = chart.configure(**config())
    (IMAGES / f"{name}.svg").write_text(vl_convert.vegalite_to_svg(chart.to_json()) + "\n")


def colours(names: Sequence[str]) -> alt.Color:
    scale = alt.Scale(domain=list(names), range=[COLOURS[name] for name in names])
    return alt.Color("method:N", title=None, sort=list(names), scale=scale)


def flow_chart(found: dict[str, list[float]]) -> Any:
    names = [name for name in DRAWN if name in found]
    rows = [
        {"method": name, "lag": lag, "kept": kept}
        for name in names
        for lag, kept in enumerate(found[name])
        if kept > 1e-6
    ]
    axis = alt.Axis(values=[1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1], format="~g")
    scale = alt.Scale(type="log", domain=[1e-6, 1], clamp=True)
    return (
        alt.Chart(alt.Data(values=rows), title="Gradient that is left, by how far it went back")
        .mark_line(strokeWidth=2)
        .encode(
            x=alt.X("lag:Q", title="steps back", axis=alt.Axis(tickCount=10)),
            y=alt.Y("kept:Q", title="share left (log scale)", scale=scale, axis=axis),
            color=colours(names),
        )
        .properties(width=620, height=300)
    )


def learning_chart(found: dict[str, dict[str, Any]]) -> Any:
    names = list(dict.fromkeys(run.method for run in RUNS if run.name in found))
    panels = []
    for problem, title in TITLES.items():
        rows = [
            {"method": run.method, "batches": batches, "share": min(share, 1.4)}
            for run in RUNS
            if run.problem == problem and run.name in found
            for batches, share in [(0, None), *found[run.name]["curve"]]
            if share is not None
        ]
        if not rows:
            continue
        lines = (
            alt.Chart(alt.Data(values=rows), title=title)
            .mark_line(strokeWidth=2)
            .encode(
                x=alt.X("batches:Q", title="batches of 20", axis=alt.Axis(tickCount=5)),
                y=alt.Y(
                    "share:Q",
                    title="validation loss / chance",
                    scale=alt.Scale(domain=[0, 1.4]),
                ),
                color=colours(names),
            )
        )
        level = [{"share": 1}]
        chance = alt.Chart(alt.Data(values=level)).mark_rule(strokeDash=[4, 4], color="#8a929b")
        panels.append(
            alt.layer(chance.encode(y="share:Q"), lines).properties(width=270, height=220)
        )
    return alt.hconcat(*panels)


def flow_table(found: dict[str, list[float]]) -> list[str]:
    lags = (1, 5, 10, 20, 50, 100)
    lines = ["| share left after | " + " | ".join(f"{lag}" for lag in lags) + " |"]
    lines.append("|---|" + "---:|" * len(lags))
    for flow in FLOWS:
        if flow.name in found:
            kept = found[flow.name]
            cells = [share_text(kept[lag]) for lag in lags]
            lines.append(f"| {flow.name} | " + " | ".join(cells) + " |")
    return lines


def share_text(share: float) -> str:
    percent = 100 * share
    if percent >= 0.1:
        return f"{percent:.0f} %" if percent >= 10 else f"{percent:.1f} %"
    digits, power = f"{share:.0e}".split("e")
    return f"{digits} · 10^{int(power)}"


def learning_table(found: dict[str, dict[str, Any]]) -> list[str]:
    lines = ["| problem | method | initialisation | rate | solved after | loss / chance | CPU |"]
    lines.append("|---|---|---|---:|---:|---:|---:|")
    for run in RUNS:
        start = ", ".join(f"{k} {v}" for k, v in run.options.items()) or "torch's"
        cells = [TITLES[run.problem], run.cell, start, f"{run.rate:g}"]
        if run.name not in found:
            cells += ["not run", "", ""]
        else:
            (batches, share), seconds = found[run.name]["curve"][-1], found[run.name]["seconds"]
            solved = f"{batches:,} batches" if share < SOLVED else f"not within {batches:,}"
            cells += [solved, f"{share:.2f}" if share >= SOLVED else f"{share:.3f}"]
            cells.append(f"{seconds:.0f} s")
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def write_page(flows: dict[str, list[float]], runs: dict[str, dict[str, Any]]) -> None:
    lost = {name: f"{100 - 100 * kept[10]:.1f} %" for name, kept in flows.items()}
    parts = []
    if len(flows) == len(FLOWS):
        figure(flow_chart(flows), "memory-gradient")
        table = "\n".join(flow_table(flows))
        parts.append(TEXT_FLOW.format(units=UNITS, table=table, lost=lost))
    if runs:
        figure(learning_chart(runs), "memory-learning")
        missing = [f"{TITLES[run.problem]}: {run.method}" for run in RUNS if run.name not in runs]
        end = f"Not run: {'; '.join(missing)}." if missing else "Every run of the plan was run."
        parts.append(
            TEXT_LEARNING.format(
                units=UNITS,
                solved=f"{100 * SOLVED:g}",
                table="\n".join(learning_table(runs)),
                end=end,
            )
        )
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text("".join(parts))


TEXT_FLOW = """\
# What an LSTM remembers

Written by `benchmarks/memory.py`; one thread, float32.

## Gradients over time

![The share of a gradient that is left, by how far it went back](../images/memory-gradient.svg)

A gradient at the last step T goes back through d h_T / d s_t, the derivative of the last hidden
state by the whole state (h, and c where there is one) after step t. Shown is its root mean square
length over directions, `explain.gradient_flow`: 1 at lag 0, and exact, through autograd. Untrained
layers of {units} units read standard normal numbers, 8 a step; means over 8 rows and 3 seeds.
"Chrono" spreads the biases over 1 to 100 steps (Tallec & Ollivier 2018); where nothing else is
said, weights and biases are torch's, U(-1/sqrt(H), 1/sqrt(H)). Quiet inputs have spread 0.1.

{table}

It is said that a plain RNN has lost 60 % of its gradient after ten steps. Measured, it has lost
{lost[RNN]} with torch's initialisation, {lost[RNN, Glorot]} with Glorot's,
{lost[RNN, orthogonal]} with orthogonal weights, and {lost[RNN, orthogonal, quiet inputs]} if
these read quiet inputs: the number is none of the RNN's, but of its weights and of its inputs. What
is left is a product of ten Jacobians diag(1 - h^2) W. Torch's W has a spectral radius of about
1/sqrt(3), whatever H; an orthogonal W takes nothing away, so that only saturation does, and that
comes from the inputs.

Nor is it the LSTM as such that keeps gradients: with torch's initialisation it has lost
{lost[LSTM]} after ten steps, because a forget gate with a bias of about 0 halves the cell at every
one. With a forget bias of 1 it has lost {lost[LSTM, forget bias 1]}, with chrono initialisation
{lost[LSTM, chrono]}, most of that in the first step, on the way from h into c. What the
architecture gives is that the rate of loss is a gate's to choose, so that training can find it,
and initialisation can help.
"""

TEXT_LEARNING = """
## Problems that need it

![Validation loss over training as a share of chance](../images/memory-learning.svg)

The adding problem asks for the sum of two marked numbers among many (chance is the squared error
of always answering 1: 1/6), temporal order for the order of two symbols that lie some 40 steps
apart (chance is log 4, an accuracy of 1/4). Both are of Hochreiter & Schmidhuber (1997), see
`longshort.data.synthetic`. {units} units and a linear readout of the last step, Adam, gradients
clipped at norm 1, batches of 20 new examples, 400 held-out examples, one seed for each run. A run
ends when the held-out loss is below {solved} % of chance on the same examples, or with its budget.
The rate is the better of one or two that were tried, of 0.001, 0.003 and 0.01.

{table}

What is not solved here is not solved with this budget, rate, seed and initialisation: no proof
that it cannot be. {end}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", help="only runs whose names begin so")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="start none later")
    parser.add_argument("--page", action="store_true", help="run nothing, write the page")
    given = parser.parse_args()
    torch.set_num_threads(1)
    CACHE.mkdir(parents=True, exist_ok=True)
    begun, found = time.monotonic(), {}
    for each in (*FLOWS, *RUNS):
        kind = "flow " if isinstance(each, Flow) else ""
        path, result = cached(kind + each.name, asdict(each))
        wanted = not given.names or each.name.startswith(tuple(given.names))
        late = time.monotonic() - begun > 60 * given.minutes
        if result is None and wanted and not given.page and not late:
            measured = measure_flow(each) if isinstance(each, Flow) else learn(each)
            result = {"settings": asdict(each), **measured}
            path.write_text(json.dumps(result))
            print(kind + each.name, result.get("curve", [[0, 0]])[-1], flush=True)
        if result is not None:
            found[each.name if isinstance(each, Learning) else kind + each.name] = result
    flows = {name.removeprefix("flow "): r["state"] for name, r in found.items() if "state" in r}
    write_page(flows, {name: result for name, result in found.items() if "curve" in result})


if __name__ == "__main__":
    main()

"""Steps per second of live models, beside their peers: docs/benchmarks/streams.md.

    python benchmarks/streams.py                                 all of it, and the page
    python benchmarks/streams.py --deep-river venv/bin/python    with deep-river in an environment
    python benchmarks/streams.py --long                          ten million steps, once

Each thing is timed in rounds that take turns in one process. One core is measured in CPU time,
which leaves out the neighbours of a shared machine, and its median round is told; two are measured
in wall time, and the least one, which neighbours have disturbed least.
Every entrant of a row has given the same numbers before it is timed. deep-river has a process of
its own.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from record import ROOT

from longshort import LSTM, Columns, Forecaster, Recurrent, SeriesModel, Session, Training, Window

PAGE = ROOT / "docs" / "benchmarks" / "streams.md"
KEPT = Path(__file__).parent / "records" / "streams.json"
FEATURES, UNITS, CONTEXT = 8, 64, 48
SESSIONS = (1, 100, 10_000)
# a round of one entrant lasts at least this long, in nanoseconds; rounds of each
LEAST, ROUNDS = 20_000_000, 9

Call = Callable[[], Any]


def race(entrants: Mapping[str, Call], threads: int) -> dict[str, float]:
    """Microseconds per call of rounds that take turns: on one core the median, on two the least."""
    clock = time.process_time_ns if threads == 1 else time.perf_counter_ns

    def took(call: Call, count: int) -> int:
        start = clock()
        for _ in range(count):
            call()
        return clock() - start

    counts = {}
    for name, call in entrants.items():
        counts[name] = 1
        while took(call, counts[name]) < LEAST:
            counts[name] *= 2
    rounds: dict[str, list[float]] = {name: [] for name in entrants}
    for _ in range(ROUNDS):
        for name, call in entrants.items():
            rounds[name].append(took(call, counts[name]) / counts[name] / 1e3)
    told = statistics.median if threads == 1 else min
    return {name: told(own) for name, own in rounds.items()}


def step_graph(layer: torch.nn.LSTM, sessions: int, threads: int) -> Any:
    """ONNX Runtime over one step of torch's layer: inputs x, h and c, outputs y, h and c."""
    import onnx
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    def iofc(w: torch.Tensor) -> np.ndarray[Any, Any]:
        i, f, g, o = w.detach().numpy().reshape(4, UNITS, -1)
        return np.concatenate([i, o, f, g])[None]

    bias = np.concatenate([iofc(layer.bias_ih_l0), iofc(layer.bias_hh_l0)], 1)[..., 0]
    weights = {"W": iofc(layer.weight_ih_l0), "R": iofc(layer.weight_hh_l0), "B": bias}
    node = helper.make_node(
        "LSTM", ["x", "W", "R", "B", "", "h", "c"], ["y", "h_n", "c_n"], hidden_size=UNITS
    )

    def info(name: str, *shape: int) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    state = (1, sessions, UNITS)
    graph = helper.make_graph(
        [node], "step",
        [info("x", 1, sessions, FEATURES), info("h", *state), info("c", *state)],
        [info("y", 1, *state), info("h_n", *state), info("c_n", *state)],
        [numpy_helper.from_array(np.ascontiguousarray(v), n) for n, v in weights.items()],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    run = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    kept = {"h": np.zeros(state, np.float32), "c": np.zeros(state, np.float32)}

    def step(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        y, kept["h"], kept["c"] = run.run(None, {"x": x, **kept})
        return y[0, 0]

    return step


def kernel(sessions: int, threads: int) -> dict[str, float]:
    """One step of one layer, its state carried on."""
    torch.manual_seed(0)
    torch.set_num_threads(threads)
    theirs = torch.nn.LSTM(FEATURES, UNITS).eval()
    cell = torch.nn.LSTMCell(FEATURES, UNITS).eval()
    ours = LSTM(FEATURES, UNITS).eval()
    ours.load_state_dict(theirs.state_dict())
    named = {f"{name}_l0": p for name, p in cell.named_parameters()}
    with torch.no_grad():
        for name, parameter in theirs.named_parameters():
            named[name].copy_(parameter)
    x = torch.randn(sessions, FEATURES)
    stream = ours.stream(sessions)
    kept: dict[str, Any] = {"lstm": None, "cell": None}
    onnx = step_graph(theirs, sessions, threads)
    array = x[None].numpy()

    def torch_lstm() -> torch.Tensor:
        y, kept["lstm"] = theirs(x[None], kept["lstm"])
        return y[0]

    def torch_cell() -> torch.Tensor:
        kept["cell"] = cell(x, kept["cell"])
        return kept["cell"][0]

    with torch.inference_mode():
        entrants: dict[str, Call] = {
            "Longshort": lambda: stream(x),
            "torch.nn.LSTM": torch_lstm,
            "torch.nn.LSTMCell": torch_cell,
            "ONNX Runtime": lambda: onnx(array),
        }
        for _ in range(3):
            found = [torch.as_tensor(np.asarray(call())) for call in entrants.values()]
        for other in found[1:]:
            torch.testing.assert_close(found[0], other, rtol=1e-4, atol=1e-5)
        return race(entrants, threads)


def models() -> dict[str, Any]:
    """Fitted models of one layer of 64 units, which one epoch suffices for."""
    rng = np.random.default_rng(0)
    walk = rng.normal(size=(20, 40, FEATURES)).cumsum(1)
    once = Training(epochs=1, members=1)
    size = Recurrent(UNITS, dropout=0.0)
    series = SeriesModel(recurrent=size, training=once).fit(walk)
    wave = np.sin(np.arange(400) / 4)[None, :, None] + rng.normal(0, 0.1, (1, 400, 1))
    window = Window(context=CONTEXT)
    forecaster = Forecaster(Columns(), 12, window=window, recurrent=size, training=once).fit(wave)
    return {"SeriesModel": series, "Forecaster": forecaster}


def sessions_of(found: dict[str, Any], count: int, threads: int) -> dict[str, float]:
    """A row read by every session: scaled, stepped, answered in raw units."""
    torch.set_num_threads(threads)
    rng = np.random.default_rng(1)
    entrants: dict[str, Call] = {}
    for name, model in found.items():
        if name == "Forecaster" and count > 100:
            continue
        session = Session(model, count)
        assert session.layout is not None
        rows = rng.normal(size=(count, len(session.layout.names)))
        for _ in range(CONTEXT):
            session.push_many(rows)
        entrants[name] = lambda session=session, rows=rows: session.push_many(rows)
    return race(entrants, threads)


RIVER = """
import json, statistics, time, torch
from torch import nn
from deep_river.regression import RollingRegressor
torch.set_num_threads(1)
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm, self.head = nn.LSTM(%d, %d), nn.Linear(%d, 1)
    def forward(self, x):
        return self.head(self.lstm(x)[0][-1])
model = RollingRegressor(Net(), loss_fn="mse", optimizer_fn="sgd", window_size=%d,
                         append_predict=True)
row = {f"x{n}": 0.5 for n in range(%d)}
for _ in range(%d):
    model.learn_one(row, 1.0)
times = []
for _ in range(9):
    start = time.process_time_ns()
    for _ in range(200):
        model.predict_one(row)
    times.append((time.process_time_ns() - start) / 200e3)
import deep_river
print(json.dumps([deep_river.__version__, torch.__version__, statistics.median(times)]))
"""


def deep_river(python: str) -> tuple[str, str, float]:
    code = RIVER % (FEATURES, UNITS, UNITS, CONTEXT, FEATURES, CONTEXT + 2)
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    version, used, took = json.loads(done.stdout.strip().splitlines()[-1])
    return version, used, took


def long(found: dict[str, Any]) -> dict[str, float]:
    """Ten million rows through 10,000 sessions, and the memory before and after."""
    torch.set_num_threads(1)
    session = Session(found["SeriesModel"], 10_000)
    rows = np.random.default_rng(1).normal(size=(10_000, FEATURES))
    session.push_many(rows)

    def resident() -> float:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * resource.getpagesize() / 2**20

    for _ in range(5):
        session.push_many(rows)
    before, start = resident(), time.perf_counter()
    for _ in range(1000):
        session.push_many(rows)
    took = time.perf_counter() - start
    return {"rows": 1e7, "seconds": took, "before": before, "after": resident()}


def page(kept: dict[str, Any]) -> str:
    """The page, from what was measured."""
    lines = [
        "# Streams: what a step costs", "",
        "Written by `benchmarks/streams.py`. One LSTM layer, "
        f"{FEATURES} inputs, {UNITS} units, float32; {kept['machine']}.",
        "Rounds of all entrants take turns in one process: on one core the median of CPU time, on "
        "two the least wall time, as the machine is shared.",
        "Every entrant of the first table gave the same numbers before it was timed.", "",
        "## One step of the recurrence, its state carried on", "",
        "Microseconds a step of all sessions, and in brackets how much longer than ours it takes: "
        "below 1 is a loss of ours.", "",
        "| sessions | cores | Longshort | steps a second | torch.nn.LSTM | torch.nn.LSTMCell | "
        "ONNX Runtime |",
        "|---:|---:|---:|---:|---:|---:|---:|",
    ]  # fmt: skip
    for row in kept["kernel"]:
        times = row["times"]
        ours = times["Longshort"]
        others = (f"{t:,.1f} ({t / ours:.2f}x)" for n, t in times.items() if n != "Longshort")
        rate = row["sessions"] / ours * 1e6
        told = " | ".join([f"{ours:,.1f}", f"{rate:,.0f}", *others])
        lines.append(f"| {row['sessions']:,} | {row['threads']} | {told} |")
    if kept.get("busy"):
        lines += [
            "",
            "The machine had other work than this for every core: the rows of two cores tell of "
            "the neighbours as much as of the entrants, and libraries that wait for threads suffer "
            "most. Those of one core hold.",
        ]
    versions = kept["versions"]
    lines += [
        "",
        f"Peers: torch {versions['torch']} with `torch.inference_mode()`, a loop that hands the "
        f"state on; onnxruntime {versions['onnxruntime']}, the same weights as a graph of one step "
        "with `h` and `c` as inputs and outputs, sequential execution, as many threads as cores.",
        "", "## A row through a session", "",
        "`Session.push_many` of an array: checks, scaling, the step, and the answer in raw units. "
        "A `SeriesModel` carries its state and answers with the surprise of each of 8 channels and "
        f"the next values with an interval. A `Forecaster` reads its context of {CONTEXT} rows "
        "again for each answer: 12 steps with 19 quantiles.", "",
        "| model | sessions | cores | microseconds | rows a second |", "|---|---:|---:|---:|---:|",
    ]  # fmt: skip
    for row in kept["sessions"]:
        for name, took in row["times"].items():
            rate = row["sessions"] / took * 1e6
            lines.append(
                f"| {name} | {row['sessions']:,} | {row['threads']} | {took:,.0f} | {rate:,.0f} |"
            )
    lines += [
        "",
        "For one session most of that is Python around the step: whoever needs microseconds steps "
        "the layer itself (`layer.stream`), and whoever has many series pushes them together.",
    ]
    if kept.get("deep_river"):
        version, used, took = kept["deep_river"]
        alone = {name: f"{own / took:.2f}" for name, own in kept["sessions"][0]["times"].items()}
        lines += [
            "",
            f"deep-river {version} (torch {used}, `RollingRegressor` around `nn.LSTM({FEATURES}, "
            f"{UNITS})` and a linear head, `window_size={CONTEXT}`, `predict_one` alone, a process "
            f"of its own): {took:,.0f} microseconds a row of one session. It reads its window "
            "again for each row, has no scaling and one number as its answer, and steps one "
            f"session at a time. One session of the `SeriesModel` takes {alone['SeriesModel']} "
            f"times as long, one of the `Forecaster` {alone['Forecaster']} times. PyOD scores "
            "whole tables and streams nothing.",
        ]
    if kept.get("long"):
        own = kept["long"]
        lines += [
            "", "## Ten million rows", "",
            "10,000 sessions of the `SeriesModel`, 1,000 rows each, on one core: "
            f"{own['seconds']:,.0f} s, and {own['before']:.0f} MiB of memory before, "
            f"{own['after']:.0f} MiB after.",
        ]  # fmt: skip
    return "\n".join(lines) + "\n"


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    asked.add_argument("--deep-river", help="Python of an environment that has deep-river")
    asked.add_argument("--long", action="store_true", help="ten million rows, and nothing else")
    given = asked.parse_args()
    kept: dict[str, Any] = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    found = models()
    if given.long:
        kept["long"] = long(found)
    else:
        import onnxruntime

        told_of = Path("/proc/cpuinfo").read_text().splitlines()
        names = [line.split(":")[1].strip() for line in told_of if line.startswith("model name")]
        cpu = f"{len(names)} x {names[0]}" if names else "a CPU"
        load, cores = os.getloadavg()[1], os.cpu_count() or 1
        kept["machine"] = f"{cpu}, shared, load average {load:.1f}"
        kept["busy"] = load > cores - 1
        kept["versions"] = {"torch": torch.__version__, "onnxruntime": onnxruntime.__version__}
        cases = [(count, threads) for count in SESSIONS for threads in (1, 2)]
        kept["kernel"], kept["sessions"] = [], []
        for count, threads in cases:
            told = {"sessions": count, "threads": threads}
            kept["kernel"].append({**told, "times": kernel(count, threads)})
            kept["sessions"].append({**told, "times": sessions_of(found, count, threads)})
            print(kept["kernel"][-1], kept["sessions"][-1], file=sys.stderr)
        if given.deep_river:
            kept["deep_river"] = deep_river(given.deep_river)
    KEPT.write_text(json.dumps(kept, indent=1) + "\n")
    PAGE.write_text(page(kept))


if __name__ == "__main__":
    main()

"""The recurrence beside its peers on a CPU: docs/benchmarks/cpu.md, and a table of the README.

    python benchmarks/recurrent.py                      all of it, and the page
    python benchmarks/recurrent.py --list               the rows' names
    python benchmarks/recurrent.py --quick --only 'LSTM, training with dx 32,48'

``recurrence/timing`` says how it is measured, ``recurrence/rows`` what, with the goals. A tuned
malloc and each Keras backend take a process of their own. Keras and JAX may live in an environment
of their own, whose Python ``--keras-python`` names:

    python -m venv keras && keras/bin/pip install torch==2.13.0 keras==3.15.1 jax==0.10.2
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from record import ROOT, write_block
from recurrence.page import Found, block, line, page
from recurrence.rows import Row, rows
from recurrence.timing import DiffersError, allocator, gate, peak, race

HERE = Path(__file__).parent
PAGE = ROOT / "docs" / "benchmarks" / "cpu.md"
# seconds of each row's race, at five rounds or more
USUAL, QUICK = 1.5, 0.3
# malloc keeps what was freed: no page is taken from the system twice
TUNED = {
    "MALLOC_MMAP_THRESHOLD_": str(1 << 30),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 30),
    "MALLOC_TOP_PAD_": str(1 << 28),
}
BACKENDS = ("torch", "jax")


def measure(
    chosen: Sequence[Row], threads: int, seconds: float, *, pair: bool = False
) -> tuple[dict[str, dict[str, float]], list[str]]:
    """Microseconds by row and entrant, and the rows that are refused.

    With ``pair``, the first two entrants run alone.
    """
    torch.set_num_threads(threads)
    times, refused = {}, []
    for row in chosen:
        torch.manual_seed(0)
        built = row.build(threads)
        runners = dict(list(built.items())[:2]) if pair else built
        with torch.inference_mode(not row.training):
            try:
                gate(runners)
            except DiffersError as error:
                refused.append(f"{row.name}: {error}")
                print("REFUSED", refused[-1], flush=True)
                continue
            times[row.name] = race(runners, threads, seconds)
        print(f"{threads} thread{'s'[: threads - 1]}  {line(row, times[row.name])}", flush=True)
    torch.set_num_threads(1)
    return times, refused


def child(command: Sequence[str], settings: dict[str, str]) -> Any:
    """What another process writes into the file that it is given as its last argument."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "found.json"
        path.touch()
        subprocess.run([*command, str(path)], cwd=HERE, env=os.environ | settings, check=True)
        return json.loads(path.read_text())


def everything(chosen: Sequence[Row], given: argparse.Namespace) -> Found:
    """All processes, all threads."""
    seconds = QUICK if given.quick else USUAL
    command = [given.keras_python, "-m", "recurrence.keras_peer", str(seconds)]
    names = [row.name.removeprefix("LSTM, ") for row in chosen if row.keras]
    keras = {
        backend: child([*command, *names], {"KERAS_BACKEND": backend})
        for backend in BACKENDS
        if names
    }
    load = os.getloadavg()[0]
    before = peak()
    one, refused = measure(chosen, 1, seconds)
    best = max(before, peak())
    two, others = measure([row for row in chosen if row.two], 2, seconds)
    narrowed = ["--only", given.only, *(["--quick"] if given.quick else [])]
    tuned = child([sys.executable, __file__, *narrowed, "--tuned"], TUNED)
    refused += [*others, *tuned["refused"]]
    refused += [line for result in keras.values() for line in result.get("refused", ())]
    return Found(one, two, tuned["times"], tuned["allocator"], keras, best, load, refused)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--only", default="", help="rows whose names this regular expression finds")
    parser.add_argument("--quick", action="store_true", help="five rounds, or what 0.3 s allow")
    parser.add_argument("--list", action="store_true", help="name the rows, run nothing")
    parser.add_argument("--threads", type=int, choices=(1, 2), help="on so many alone, no page")
    parser.add_argument("--page", type=Path, help="write the page there, of a part too")
    parser.add_argument(
        "--keras-python",
        type=os.path.abspath,
        default=sys.executable,
        help="path of a Python that has Keras",
    )
    parser.add_argument("--tuned", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    chosen = [row for row in rows() if re.search(given.only, row.name)]
    if not chosen:
        parser.error(f"no row has a name like {given.only!r}: see --list")
    seconds = QUICK if given.quick else USUAL
    if given.list:
        print("\n".join(row.name for row in chosen))
    elif given.tuned:
        ours = [row for row in chosen if row.tuned]
        times, refused = measure(ours, 1, seconds, pair=True)
        found = {"times": times, "refused": refused, "allocator": allocator()}
        given.tuned.write_text(json.dumps(found))
    elif given.page is None and (given.only or given.quick or given.threads):
        for threads in (given.threads,) if given.threads else (1, 2):
            ours = [row for row in chosen if threads == 1 or row.two]
            measure(ours, threads, seconds)
    else:
        result = everything(chosen, given)
        if result.refused:
            raise SystemExit("\n".join(["no page is written:", *result.refused]))
        (given.page or PAGE).write_text(page(chosen, result), encoding="utf-8")
        if given.page is None:
            write_block("speed", block(chosen, result))


if __name__ == "__main__":
    main()

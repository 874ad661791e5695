"""How speed is measured: interleaved rounds in one process, the minimum, and the numbers first.

One thread is measured in CPU time of the process, which leaves out what the neighbours of a shared
machine take; two threads are measured in wall time. The minimum over the rounds is what is quoted.
Nothing is timed before it has given the same numbers, twice, as what it is held to.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

# a round of one entrant lasts at least this long
LEAST_NS = 5_000_000
# relative norm of the difference, float32
TOLERANCE = 1e-5
FEWEST_ROUNDS, MOST_ROUNDS = 5, 25

Call = Callable[[], Any]


class Entrant(NamedTuple):
    """What is timed, what it must give, and how its result is read as tensors."""

    call: Call
    truth: Call | None = None
    read: Callable[[Any], Sequence[Tensor]] = list


class DiffersError(Exception):
    """An entrant does not give the numbers that it is held to: there is no time without them."""


def gate(entrants: Mapping[str, Entrant]) -> None:
    """Hold every entrant to its truth, twice: caches and carried states count from the second call.

    Raises:
        DiffersError: by more than ``TOLERANCE`` in relative norm.
    """
    for name, entrant in entrants.items():
        for attempt in range(2 if entrant.truth else 0):
            torch.manual_seed(attempt)
            expected = entrant.truth() if entrant.truth else []
            torch.manual_seed(attempt)
            found = entrant.read(entrant.call())
            for at, (ours, theirs) in enumerate(zip(found, expected, strict=True)):
                if ours.shape != theirs.shape:
                    raise DiffersError(f"{name}: result {at} is {list(ours.shape)}")
                scale = theirs.detach().norm().clamp_min(1e-30)
                error = float((ours - theirs).detach().norm() / scale)
                # not the other way round: NaN is no small error
                if not error <= TOLERANCE:
                    raise DiffersError(
                        f"{name}: result {at} differs by {error:.1e} (call {attempt})"
                    )


def race(entrants: Mapping[str, Entrant], threads: int, seconds: float) -> dict[str, float]:
    """Microseconds per call of every entrant, the minimum over interleaved rounds."""
    clock = time.process_time_ns if threads == 1 else time.perf_counter_ns
    counts, cost = {}, 0
    for name, entrant in entrants.items():
        counts[name] = 1
        while (took := _batch(entrant.call, counts[name], clock)) < LEAST_NS:
            counts[name] *= 2
        cost += took
    rounds = max(FEWEST_ROUNDS, min(MOST_ROUNDS, int(seconds * 1e9 / cost)))
    best = dict.fromkeys(entrants, float("inf"))
    for _ in range(rounds):
        for name, entrant in entrants.items():
            took = _batch(entrant.call, counts[name], clock)
            best[name] = min(best[name], took / counts[name] / 1e3)
    return best


def _batch(call: Call, count: int, clock: Callable[[], int]) -> int:
    begun = clock()
    for _ in range(count):
        call()
    return clock() - begun


def peak() -> tuple[float, str]:
    """GFLOP/s that one thread reaches at most, and how that was found."""
    try:
        from longshort.kernels import cpu
    except ImportError:
        cpu = None
    measure = getattr(cpu, "peak", None)
    if measure is not None:
        return max(float(measure()) for _ in range(5)), "multiply-adds in registers alone"
    best = max(_product(size) for size in (512, 768, 1024, 1536))
    return best, "the best of torch's products of square matrices"


def _product(size: int) -> float:
    """GFLOP/s of a matrix product."""
    a, b, out = (torch.randn(size, size) for _ in range(3))
    took = race({"product": Entrant(lambda: torch.mm(a, b, out=out))}, 1, 0.5)["product"]
    return 2 * size**3 / took / 1e3


def machine() -> str:
    """The processor's name, its cores, and the widest vectors of its kind that are used here."""
    name = platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = [line.split(":", 1) for line in info.read_text().splitlines() if ":" in line]
        found = {key.strip(): value.strip() for key, value in lines}
        name = f"{found.get('model name', name)}, family {found.get('cpu family', '?')} model "
        name += found.get("model", "?")
    return f"{name}, {os.cpu_count()} cores, {torch.backends.cpu.get_cpu_capability()}"


def allocator() -> str:
    """Whose malloc this process runs on, and what it was told."""
    maps = Path("/proc/self/maps")
    loaded = maps.read_text() if maps.exists() else ""
    other = [name for name in ("jemalloc", "tcmalloc", "mimalloc") if name in loaded]
    told = [f"{k}={v}" for k, v in sorted(os.environ.items()) if k.startswith("MALLOC_")]
    name = other[0] if other else " ".join(platform.libc_ver()) or "the system's"
    return f"{name}, {' '.join(told) if told else 'as it comes'}"

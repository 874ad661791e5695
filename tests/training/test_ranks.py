"""Several processes learn what one does."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from longshort.training.ranks import Ranks, joined

from .ranked import CASES

SCRIPT = Path(__file__).with_name("ranked.py")


def together(count: int, *arguments: object, timeout: float = 300) -> list[int]:
    """Run the script in so many processes that find each other; how each ended."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    processes = [
        subprocess.Popen(
            [sys.executable, str(SCRIPT), *map(str, arguments)],
            env={
                **os.environ,
                "RANK": str(rank),
                "WORLD_SIZE": str(count),
                "MASTER_ADDR": "127.0.0.1",
                "MASTER_PORT": str(port),
                "OMP_NUM_THREADS": "1",
            },
            stderr=subprocess.DEVNULL,
        )
        for rank in range(count)
    ]
    try:
        return [process.wait(timeout) for process in processes]
    finally:
        for process in processes:
            process.kill()


def told(path: Path, rank: int) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(f"{path}.{rank}").read_text())
    return found


def check_close(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Weights within 1e-6; the same decisions; numbers of the records within 1e-5."""
    assert one["stop"] == other["stop"]
    torch.testing.assert_close(
        torch.tensor(one["weights"]), torch.tensor(other["weights"]), rtol=0, atol=1e-6
    )
    assert len(one["epochs"]) == len(other["epochs"])
    for first, second in zip(one["epochs"], other["epochs"], strict=True):
        assert [event["text"] for event in first["events"]] == [
            event["text"] for event in second["events"]
        ]
        for name in ("epoch", "best", "rate"):
            assert first[name] == second[name]
        for name in ("train_loss", "valid_loss", "gradient_norm"):
            assert (first[name] is None) == (second[name] is None)
            if first[name] is not None:
                assert first[name] == pytest.approx(second[name], rel=1e-5)


def test_two_processes_learn_what_one_does(tmp_path: Path) -> None:
    """Uneven parts, missing targets, a carried state, early stopping, retries, scarce memory."""
    assert together(2, tmp_path / "two") == [0, 0]
    first, second = (told(tmp_path / "two", rank) for rank in (0, 1))
    for name, case in CASES.items():
        check_close(first[name], case())
        # the processes agree bit by bit
        assert second[name]["weights"] == first[name]["weights"], name
        assert second[name]["stop"] == first[name]["stop"]
    assert [len(epoch["events"]) for epoch in first["astray"]["epochs"]] == [0, 1, 0]
    assert first["early"]["stop"] == "early"


@pytest.mark.slow
def test_three_processes_learn_what_one_does(tmp_path: Path) -> None:
    assert together(3, tmp_path / "three") == [0, 0, 0]
    three = [told(tmp_path / "three", rank) for rank in range(3)]
    for name, case in CASES.items():
        check_close(three[0][name], case())
        assert three[0][name]["weights"] == three[1][name]["weights"] == three[2][name]["weights"]


@pytest.mark.slow
def test_a_process_is_killed_and_they_go_on(tmp_path: Path) -> None:
    """Nobody hangs; what goes on is what two processes learn, bit by bit, and one within 1e-6."""
    folder = tmp_path / "run"
    folder.mkdir()
    assert together(2, tmp_path / "whole", tmp_path) == [0, 0]
    assert together(1, tmp_path / "one", tmp_path) == [0]
    for kill in (5, 9):
        begun = time.monotonic()
        first, last = together(2, tmp_path / "killed", folder, kill, timeout=60)
        assert last == -signal.SIGKILL
        assert first not in (0, -signal.SIGKILL)
        assert time.monotonic() - begun < 60
        assert (folder / "checkpoint.lstm").exists()
    assert together(2, tmp_path / "again", folder) == [0, 0]
    whole, again = (told(tmp_path / name, 0)["forecaster"] for name in ("whole", "again"))
    assert again == whole
    check_close(told(tmp_path / "one", 0)["forecaster"], whole)
    # as many as began need not be there to go on
    together(2, tmp_path / "killed", folder, 12, timeout=60)
    assert together(1, tmp_path / "alone", folder) == [0]
    check_close(told(tmp_path / "alone", 0)["forecaster"], whole)


def test_one_process_is_nothing_special() -> None:
    alone = Ranks()
    assert (alone.lead, alone.share(7)) == (True, (0, 7))
    assert alone.sums([1, 2.5]) == [1, 2.5]
    assert alone.same("x") == "x"
    assert Ranks.here() == alone
    with joined() as ranks, ranks.listening() as asked:
        assert (ranks, asked) == (alone, [])


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_shares_cover_all_rows_once(size: int) -> None:
    for rows in (0, 1, 2, 4, 5, 32):
        shares = [Ranks(rank, size).share(rows) for rank in range(size)]
        assert [row for first, end in shares for row in range(first, end)] == list(range(rows))
        sizes = [end - first for first, end in shares]
        assert max(sizes) - min(sizes) <= 1

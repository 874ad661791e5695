"""The golden file, and hostile files opened in a process of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

GOLDEN = Path(__file__).parent.parent / "golden" / "sales.lstm"

Attempt = Callable[..., dict[str, Any]]
Figure = Callable[[str], None]


@pytest.fixture
def figure(record_property: Callable[[str, object], None]) -> Figure:
    """What was measured, in words, for docs/reliability.md."""
    return lambda words: record_property("figure", words)


@pytest.fixture(scope="session")
def golden() -> Path:
    return GOLDEN


@pytest.fixture(scope="session")
def attempt() -> Attempt:
    """Run attempt.py; the process must end by itself, in time and without a word of trouble."""

    def run(what: str, rest: object) -> dict[str, Any]:
        script = Path(__file__).with_name("attempt.py")
        done = subprocess.run(
            [sys.executable, str(script), what, str(GOLDEN), str(rest)],
            capture_output=True,
            text=True,
            timeout=1200,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    return run

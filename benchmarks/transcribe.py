"""The benchmark of sound, pen and line images: recordings to labels and to text.

    python benchmarks/transcribe.py --only digits --valid      score validation parts alone
    python benchmarks/transcribe.py --only digits              open the test parts of these sets
    python benchmarks/transcribe.py --page                     write the page from the records

Each set is a file in ``benchmarks/transcribed`` with a ``SET``, and keeps what was measured in
``benchmarks/records/transcribe``; the page, ``docs/benchmarks/transcribe.md``, is made of these
records alone. Every recipe was chosen on validation parts. ``--rows`` measures some methods alone,
and ``--reason`` says why a test part is opened again. Data lie in the folder that the variable
``LONGSHORT_DATA`` names.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

import torch
from record import ROOT, opening
from transcribed.base import page
from transcribed.sets import SETS

RECORDS = ROOT / "benchmarks" / "records" / "transcribe"
PAGE = ROOT / "docs" / "benchmarks" / "transcribe.md"


def kept(name: str) -> dict[str, Any]:
    """What was measured of a set so far."""
    path = RECORDS / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else {}


def keep(name: str, found: dict[str, Any]) -> None:
    """Write down what was measured of a set."""
    RECORDS.mkdir(parents=True, exist_ok=True)
    text = json.dumps(found, indent=1, ensure_ascii=False)
    (RECORDS / f"{name}.json").write_text(text + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default=",".join(SETS), help="sets: " + ", ".join(SETS))
    parser.add_argument("--rows", default="", help="methods, by default every one of a set")
    parser.add_argument("--valid", action="store_true", help="score validation; open no test part")
    parser.add_argument("--page", action="store_true", help="write the page from the records alone")
    parser.add_argument("--reason", default="", help="why a test part is opened again")
    given = parser.parse_args()
    for name in [] if given.page else given.only.split(","):
        task, found = SETS[name], kept(name)
        rows = given.rows.split(",") if given.rows else list(task.rows)

        def write(name: str = name, found: dict[str, Any] = found) -> None:
            keep(name, found)

        if given.valid:
            task.valid(rows, found, write)
            continue
        threads = str(torch.get_num_threads())
        goals = {goal.what: f"at least {goal.must}" for goal in task.goals}
        frozen = {row: task.frozen(row, found) for row in rows}
        with opening(
            f"transcribe, {name}",
            task.part,
            frozen,
            reason=given.reason,
            threads=threads,
            goals=goals,
        ) as opened:
            task.measure(rows, found, opened, write)
        write()
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page({name: kept(name) for name in SETS}, SETS))


if __name__ == "__main__":
    main()

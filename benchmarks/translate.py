"""The benchmark of translations, summaries and captions.

    python benchmarks/translate.py --only tanaka --valid     score validation parts alone
    python benchmarks/translate.py --only tanaka             open the test parts of these sets
    python benchmarks/translate.py --speed                   training and beam search, in seconds
    python benchmarks/translate.py --page                    write the page from the records

Each set is a file in ``benchmarks/translated`` with ``PAIRS``, and keeps what was measured in
``benchmarks/records/translate``; the page, ``docs/benchmarks/translate.md``, is made of these
records alone. Recipes and searches are chosen on validation parts. ``--rows`` measures some methods
alone, and ``--reason`` says why a test part is opened again. Data lie in the folders that the
variables ``LONGSHORT_DATA`` and ``LONGSHORT_DEBIAN`` name. Fitted networks stay in
``build/benchmarks/translate``, so that what was chosen is what is measured.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

import torch
from record import ROOT, opening
from transcribed.base import page
from translated import speed
from translated.base import TEXT
from translated.sets import PAIRS

RECORDS = ROOT / "benchmarks" / "records" / "translate"
PAGE = ROOT / "docs" / "benchmarks" / "translate.md"


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
    parser.add_argument("--only", default=",".join(PAIRS), help="sets: " + ", ".join(PAIRS))
    parser.add_argument("--rows", default="", help="methods, by default every one of a set")
    parser.add_argument("--valid", action="store_true", help="score validation; open no test part")
    parser.add_argument("--speed", action="store_true", help="measure speeds alone")
    parser.add_argument("--page", action="store_true", help="write the page from the records alone")
    parser.add_argument("--reason", default="", help="why a test part is opened again")
    given = parser.parse_args()
    sets = {name: pairs.made() for name, pairs in PAIRS.items()}
    if given.speed:
        keep("speed", speed.measured())
    for name in [] if given.page or given.speed else given.only.split(","):
        task, found = sets[name], kept(name)
        rows = given.rows.split(",") if given.rows else list(task.rows)

        def write(name: str = name, found: dict[str, Any] = found) -> None:
            keep(name, found)

        if given.valid:
            task.valid(rows, found, write)
            continue
        goals = {goal.what: f"at least {goal.must}" for goal in task.goals}
        frozen = {row: task.frozen(row, found) for row in rows}
        threads = str(torch.get_num_threads())
        with opening(
            f"translate, {name}",
            task.part,
            frozen,
            reason=given.reason,
            threads=threads,
            goals=goals,
        ) as opened:
            task.measure(rows, found, opened, write)
        write()
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    text = page({name: kept(name) for name in sets}, sets, TEXT)
    PAGE.write_text(text + speed.section(kept("speed")))


if __name__ == "__main__":
    main()

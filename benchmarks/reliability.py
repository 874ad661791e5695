"""Every promise of docs/reliability.md beside the tests that hold it, and what they came to.

``python benchmarks/reliability.py`` runs the tests, the long ones too (about half an hour), and
writes the page's tables; with ``--only training`` one of them. ``--quick`` leaves out the long
tests and writes nothing.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from record import ROOT, write_block

PAGE = ROOT / "docs" / "reliability.md"


@dataclass(frozen=True)
class Promise:
    """Words, and the tests that hold them: "file" or "file::test"."""

    words: str
    tests: tuple[str, ...]


@dataclass
class Outcome:
    """What the tests of a promise came to."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    figures: list[str] = field(default_factory=list)


PROMISES: dict[str, tuple[Promise, ...]] = {
    "files": (
        Promise(
            "A hostile file is refused by its name and what is wrong with it: pickles, bombs, "
            "impossible headers, settings and tensors",
            ("artifact/test_hostile.py::test_every_hostile_file_is_refused_in_words_that_name_it",),
        ),
        Promise(
            "Opening a file runs no code, starts nothing and writes nothing",
            ("artifact/test_hostile.py::test_no_hostile_file_runs_or_writes_anything",),
        ),
        Promise(
            "A file that is refused costs at most its size and 64 MiB",
            (
                "artifact/test_hostile.py::test_no_hostile_file_takes_much_memory",
                "artifact/test_hostile.py::"
                "test_a_large_file_that_lacks_its_last_tensor_costs_its_size",
            ),
        ),
        Promise(
            "No damaged copy of a model is opened",
            ("artifact/test_hostile.py::test_no_mutant_of_a_real_file_is_opened",),
        ),
        Promise(
            "With a digest that fits, a changed file is refused, or it is a model that forecasts",
            (
                "artifact/test_hostile.py::test_mutants_with_a_fitting_digest_are_refused_or_models",
                "fuzz/test_model_file.py",
            ),
        ),
        Promise(
            "A file of this version is read for good; the page on the format is enough to read it",
            ("artifact/test_golden.py",),
        ),
        Promise("A file is written whole or not at all", ("artifact/test_file.py",)),
    ),
    "input": (
        Promise(
            "Any table is read, or refused in words that name the file",
            ("fuzz/test_tables.py",),
        ),
        Promise(
            "Any arguments of the command line end in words and a documented exit code",
            ("fuzz/test_options.py", "cli/test_app.py"),
        ),
        Promise(
            "Any evaluation record is drawn, or refused in words",
            ("fuzz/test_records.py",),
        ),
    ),
    "data": (
        Promise(
            "Nothing that comes after an origin changes its forecast, nor rows before the context",
            (
                "data/test_windows.py::test_nothing_after_the_origin_reaches_what_is_read",
                "tasks/test_forecast.py::test_future_values_never_change_a_forecast",
                "tasks/test_forecast.py::test_rows_before_the_context_never_change_a_forecast",
            ),
        ),
        Promise(
            "Test rows change nothing that is learnt",
            ("tasks/test_forecast.py::test_test_rows_change_nothing_that_is_learnt",),
        ),
        Promise(
            "Gaps, zones, formats, encodings and clocks are read for what they are, or refused "
            "with file, line, column and value",
            ("data/sources",),
        ),
        Promise(
            "Windows are views: memory does not grow with their number",
            ("data/test_windows.py::test_windows_hold_the_series_once_however_many_there_are",),
        ),
    ),
    "pages": (
        Promise(
            "A report reads on a phone and on a desk, in light and in dark; every text has a "
            "contrast of 4.5 to 1, every chart is told in words; it loads nothing and runs nothing",
            ("report/test_browser.py",),
        ),
        Promise(
            "Whatever is in a name is only text; the same record is the same page",
            ("report/test_document.py",),
        ),
    ),
    "training": (
        Promise(
            "A kill at any moment leaves a whole checkpoint, and the fit goes on from it to the "
            "same weights, bit by bit",
            (
                "tasks/test_ensemble.py",
                "training/test_snapshot.py",
                "test_checkpoint.py::test_a_kill_inside_the_writing_leaves_a_whole_one",
                "cli/test_resume.py",
            ),
        ),
        Promise(
            "A full, small, read-only or vanished disk is named, and the last checkpoint stays",
            ("test_checkpoint.py",),
        ),
        Promise(
            "Numbers that go wrong are found before they are stepped on; the best weights return",
            ("training/test_recovery.py",),
        ),
        Promise(
            "Scarce memory changes no result",
            ("training/test_parts.py",),
        ),
        Promise(
            "Several processes learn what one does",
            ("training/test_ranks.py",),
        ),
        Promise(
            "The same seed gives the same weights, bit by bit",
            ("training/test_loop.py::test_the_same_seed_gives_the_same_weights_bitwise",),
        ),
    ),
    "numbers": (
        Promise(
            "Every cell and option computes what an independent NumPy implementation does, "
            "gradients too",
            (
                "kernels/test_oracle.py::test_each_option_alone",
                "kernels/test_oracle.py::test_pairs_of_options",
                "kernels/test_oracle.py::test_gradients_are_the_oracles",
            ),
        ),
        Promise(
            "The whole sequence, its chunks and its single steps are the same",
            ("kernels/test_oracle.py::test_whole_is_chunks_is_steps", "rows/test_session.py"),
        ),
        Promise(
            "Distributions tell their exact -log p, and the loss of a known process is its entropy",
            ("heads/test_distributions.py", "heads/test_calibrated.py"),
        ),
        Promise(
            "Each score is that of another implementation or of the formula by brute force",
            ("metrics/test_measures.py", "metrics/test_real.py", "metrics/test_bootstrap.py"),
        ),
    ),
}


def run(tests: Iterable[str], quick: bool) -> dict[str, list[ElementTree.Element]]:
    """Run tests once each; what pytest recorded of every case, by its file and name."""
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "found.xml"
        chosen = ["-m", "not slow" if quick else ""]
        # a folder of its own: other runs clean up the usual one
        own = [f"--basetemp={Path(folder) / 'tests'}"]
        # the newer form of the file holds no figures
        own += [f"--junitxml={found}", "-o", "junit_family=xunit1"]
        command = [sys.executable, "-m", "pytest", *chosen, *own, *tests]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        subprocess.run(command, cwd=ROOT / "tests", env=environment, check=False)
        cases: dict[str, list[ElementTree.Element]] = {}
        for case in ElementTree.parse(found).getroot().iter("testcase"):
            file = case.attrib["classname"].removeprefix("tests.").replace(".", "/") + ".py"
            name = case.attrib["name"].partition("[")[0]
            cases.setdefault(f"{file}::{name}", []).append(case)
        return cases


def outcome(promise: Promise, cases: dict[str, list[ElementTree.Element]]) -> Outcome:
    """What the tests of one promise came to."""
    total = Outcome()
    for key, found in cases.items():
        if not any(
            key == test or key.startswith((f"{test}::", f"{test}/")) for test in promise.tests
        ):
            continue
        for case in found:
            total.seconds += float(case.attrib["time"])
            kinds = {part.tag for part in case}
            if kinds & {"failure", "error"}:
                total.failed += 1
            elif "skipped" in kinds:
                total.skipped += 1
            else:
                total.passed += 1
            total.figures += [p.attrib["value"] for p in case.iter("property")]
    return total


def link(test: str) -> str:
    """A test as a link from the page to its file."""
    file, _, name = test.partition("::")
    return f"[{name or file}](../tests/{file})"


def table(promises: Iterable[Promise], cases: dict[str, list[ElementTree.Element]]) -> str:
    """Promises as a table of Markdown."""
    lines = ["", "| promise | held by | last run |", "|---|---|---|"]
    for promise in promises:
        found = outcome(promise, cases)
        told = [f"{found.passed:,} passed"]
        told += [f"**{found.failed} failed**"] if found.failed else []
        told += [f"{found.skipped} skipped"] if found.skipped else []
        told += [*found.figures, f"{found.seconds:.0f} s"]
        tests = "<br>".join(map(link, promise.tests))
        lines.append(f"| {promise.words} | {tests} | {'<br>'.join(told)} |")
    return "\n".join([*lines, ""])


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="short tests; writes nothing")
    parser.add_argument("--only", choices=PROMISES, help="one table")
    given = parser.parse_args()
    quick = given.quick
    chosen = {name: part for name, part in PROMISES.items() if given.only in (None, name)}
    tests = [test for part in chosen.values() for promise in part for test in promise.tests]
    # a test that is named by itself and in a whole file runs once
    whole = {test for test in tests if "::" not in test}
    once = [t for t in dict.fromkeys(tests) if t in whole or t.partition("::")[0] not in whole]
    cases = run(once, quick)
    for name, promises in chosen.items():
        text = table(promises, cases)
        print(name, text)
        if not quick:
            write_block(f"reliability {name}", text, PAGE)
    made = (
        f"\nLast run: {datetime.date.today().isoformat()}, {os.cpu_count()} cores, "
        f"{platform.system()} {platform.machine()}, Python {platform.python_version()}, "
        f"PyTorch {torch.__version__}.\n"
    )
    if not quick:
        write_block("reliability run", made, PAGE)
    if any(outcome(p, cases).failed for part in chosen.values() for p in part):
        raise SystemExit("a promise is not held")


if __name__ == "__main__":
    main()

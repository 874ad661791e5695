"""Hostile and broken model files: refused in words, nothing run, nothing written, little memory."""

from __future__ import annotations

import math
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from longshort import load

from .conftest import Attempt, Figure
from .corpus import apart, cases

# what opening a file may take beyond the file's own size
MOST = 64 * 2**20


def mebibytes(costs: Iterable[int]) -> str:
    """The most memory beyond a file's size, in words."""
    return f"at most {max(0, *costs, 0) / 2**20:.1f} MiB beyond the file's size"


@pytest.fixture(scope="module")
def tried(
    golden: Path, attempt: Attempt, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """Every case by its file's name, beside what opening it came to."""
    folder = tmp_path_factory.mktemp("corpus")
    sentinel = folder.parent / "sentinel"
    told = {}
    for number, case in enumerate(cases(golden.read_bytes(), str(sentinel))):
        path = folder / f"case{number:03}{case.suffix}"
        path.write_bytes(case.content)
        if case.size:
            os.truncate(path, case.size)
        told[path.name] = case
    before = {path.name for path in folder.iterdir()}
    result = attempt("files", folder)
    assert {path.name for path in folder.iterdir()} == before
    assert not sentinel.exists()
    return {"cases": told, **result}


def test_every_hostile_file_is_refused_in_words_that_name_it(tried: dict[str, Any]) -> None:
    assert len(tried["cases"]) > 150
    wrong = []
    for name, case in tried["cases"].items():
        found = tried["found"][name]
        fits = re.search(case.says, found["said"]) and name in found["said"]
        if found["kind"] != "ModelFileError" or not fits or len(found["said"]) > 700:
            wrong.append((case.name, case.says, found))
    assert not wrong


def test_no_hostile_file_runs_or_writes_anything(tried: dict[str, Any]) -> None:
    assert tried["deeds"] == []


def test_no_hostile_file_takes_much_memory(tried: dict[str, Any], figure: Figure) -> None:
    costs = {tried["cases"][name].name: found["over"] for name, found in tried["found"].items()}
    assert max(costs.values()) < MOST, Counter(costs).most_common(5)
    figure(f"{len(costs)} files, {mebibytes(costs.values())}")


@pytest.mark.parametrize(
    "count",
    [pytest.param(1000, id="1000"), pytest.param(10_000, id="10000", marks=pytest.mark.slow)],
)
def test_no_mutant_of_a_real_file_is_opened(attempt: Attempt, count: int, figure: Figure) -> None:
    result = attempt("mutants", count)
    assert result["found"]["bad"] == []
    assert result["found"]["ends"] == {"ModelFileError": count}
    assert result["found"]["over"] < MOST
    assert result["deeds"] == []
    figure(f"{count:,} refused, {mebibytes([result['found']['over']])}")


@pytest.mark.parametrize(
    "count", [pytest.param(500, id="500"), pytest.param(10_000, id="10000", marks=pytest.mark.slow)]
)
def test_mutants_with_a_fitting_digest_are_refused_or_models(
    attempt: Attempt, count: int, figure: Figure
) -> None:
    result = attempt("resealed", count)
    assert result["found"]["bad"] == []
    refused = result["found"]["ends"]["ModelFileError"]
    assert refused > count / 2
    assert result["found"]["over"] < MOST
    assert result["deeds"] == []
    over = mebibytes([result["found"]["over"]])
    figure(f"{refused:,} refused, {count - refused:,} models, {over}")


@pytest.mark.slow
def test_a_large_file_that_lacks_its_last_tensor_costs_its_size(
    golden: Path, attempt: Attempt, tmp_path: Path, figure: Figure
) -> None:
    units = 2000
    parts = apart(golden.read_bytes())
    parts.header["sections"]["recurrent"]["size"] = units
    for name, (dtype, shape, _) in list(parts.tensors.items()):
        if name.startswith("member"):
            wide = [{3: units, 12: 4 * units}.get(length, length) for length in shape]
            parts.tensors[name] = dtype, wide, bytes(4 * math.prod(wide))
    whole, lacking = tmp_path / "a.lstm", tmp_path / "b.lstm"
    whole.write_bytes(parts.file())
    del parts.tensors["member1.head.readout.weight"]
    lacking.write_bytes(parts.file())
    size = lacking.stat().st_size
    assert size > 100_000_000
    load(whole)
    whole.unlink()
    result = attempt("files", tmp_path)
    assert "member1.head.readout.weight" in result["found"]["b.lstm"]["said"]
    assert result["found"]["b.lstm"]["over"] < MOST
    figure(f"{size / 2**20:.0f} MiB, {mebibytes([result['found']['b.lstm']['over']])}")


def test_the_watch_sees_what_it_is_for(tmp_path: Path) -> None:
    code = (
        "import os, pickle, subprocess, sys\n"
        "from attempt import Watch\n"
        "watch = Watch()\n"
        "watch.on = True\n"
        "eval('1')\n"
        "os.system('true')\n"
        "subprocess.run(['true'])\n"
        "open(sys.argv[1], 'w').close()\n"
        "os.remove(sys.argv[1])\n"
        "pickle.loads(pickle.dumps(os.system))\n"
        "import colorsys\n"
        "watch.on = False\n"
        "print(sorted(deed.split()[0] for deed in watch.deeds))\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, str(tmp_path / "x")],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=True,
    )
    seen = ("compile", "exec", "import", "open", "os.remove", "os.system", "pickle.find_class")
    for deed in (*seen, "subprocess.Popen"):
        assert f"'{deed}'" in done.stdout, (deed, done.stdout)

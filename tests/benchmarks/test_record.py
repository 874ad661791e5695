"""The ledger of opened test parts, and the blocks of the README."""

from __future__ import annotations

import importlib.util
import json
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="session")
def record() -> ModuleType:
    spec = importlib.util.spec_from_file_location("record", ROOT / "benchmarks" / "record.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Repository:
    """A repository with one source file, and its ledger."""

    def __init__(self, root: Path) -> None:
        self.root, self.ledger = root, root / "benchmarks" / "ledger.json"
        (root / "src").mkdir()
        (root / "benchmarks").mkdir()
        self.git("init", "--quiet")
        self.change("one")
        self.commit()

    def git(self, *arguments: str) -> str:
        who = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
        done = subprocess.run(
            ["git", "-C", str(self.root), *who, *arguments],
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def change(self, text: str) -> None:
        (self.root / "src" / "code.py").write_text(text)

    def commit(self) -> str:
        self.git("add", "src")
        self.git("commit", "--quiet", "-m", "a commit")
        return self.git("rev-parse", "--short=12", "HEAD")

    def entries(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.ledger.read_text())
        return found


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


@pytest.fixture
def opened(record: ModuleType, repository: Repository) -> Any:
    """Open a part of the repository's and score it."""

    def run(part: str = "2015", *, mae: float = 1.5, size: int = 32, **given: Any) -> None:
        where = {"ledger": repository.ledger, "root": repository.root}
        with record.opening("weather", part, {"size": size}, **where, **given) as scored:
            scored["MAE"] = mae

    return run


def test_an_opening_tells_when_what_with_what_and_what_came_out(
    opened: Any, repository: Repository
) -> None:
    opened(goals="at most 2")
    (entry,) = repository.entries()
    assert len(entry.pop("date")) == len("2026-01-31")
    assert entry == {
        "commit": repository.git("rev-parse", "--short=12", "HEAD"),
        "benchmark": "weather",
        "part": "2015",
        "frozen": {"size": 32},
        "goals": "at most 2",
        "scored": {"MAE": 1.5},
    }


def test_another_opening_needs_a_reason(opened: Any, repository: Repository) -> None:
    opened()
    with pytest.raises(SystemExit, match=r"before \(1 on record, the last on .* say why: --reason"):
        opened(size=64)
    assert len(repository.entries()) == 1
    opened(size=64, reason="the reviewers asked for it")
    assert repository.entries()[1]["reason"] == "the reviewers asked for it"
    # another part is another matter
    opened("2016")
    assert [entry["part"] for entry in repository.entries()] == ["2015", "2015", "2016"]


def test_the_same_again_is_no_opening(opened: Any, repository: Repository) -> None:
    opened()
    opened()
    assert len(repository.entries()) == 1
    # other code could have been chosen by what came out
    repository.change("two")
    with pytest.raises(SystemExit, match="say why"):
        opened()
    second = repository.commit()
    with pytest.raises(SystemExit, match="say why"):
        opened()
    opened(reason="faster")
    repository.change("three")
    opened(reason="tried")
    assert [entry["commit"] for entry in repository.entries()][1:] == [second, f"{second}, changed"]
    # a tree with changes is never the same
    with pytest.raises(SystemExit, match="3 on record"):
        opened()


def test_an_opening_that_fails_stays_on_record(
    record: ModuleType, opened: Any, repository: Repository
) -> None:
    where = {"ledger": repository.ledger, "root": repository.root}

    def score() -> None:
        with record.opening("weather", "2015", {}, **where):
            assert repository.entries()[0]["scored"] is None
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        score()
    assert repository.entries()[0]["scored"] is None
    with pytest.raises(SystemExit, match="1 on record"):
        opened()


def test_the_ledger_is_complete() -> None:
    entries = json.loads((ROOT / "benchmarks" / "ledger.json").read_text())
    seen = set()
    for entry in entries:
        assert {"date", "commit", "benchmark", "part", "frozen", "scored"} <= set(entry)
        name = entry["benchmark"], entry["part"]
        assert name not in seen or entry["reason"]
        seen.add(name)


def test_every_benchmark_that_scores_a_test_opens_it() -> None:
    for path in (ROOT / "benchmarks").glob("*.py"):
        text = path.read_text()
        if ".evaluate(" in text:
            assert "with opening(" in text, path


def test_a_block_is_replaced_and_a_missing_one_is_said(record: ModuleType, tmp_path: Path) -> None:
    page = tmp_path / "README.md"
    page.write_text("a<!-- benchmark: x -->old<!-- end -->b<!-- benchmark: y -->old<!-- end -->")
    record.write_block("x", r"new \1", page)
    assert page.read_text() == (
        "a<!-- benchmark: x -->new \\1<!-- end -->b<!-- benchmark: y -->old<!-- end -->"
    )
    with pytest.raises(SystemExit, match="no block for the benchmark 'z'"):
        record.write_block("z", "", page)

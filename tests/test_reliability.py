"""docs/reliability.md names tests that exist, and every promise of its script."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "reliability.md").read_text()
SCRIPT = (ROOT / "benchmarks" / "reliability.py").read_text()
# "file" or "file::test", as the script writes them
NAMED = sorted(
    {
        node.value
        for node in ast.walk(ast.parse(SCRIPT))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.fullmatch(r"[a-z_]+/[a-z_]+|[a-z_/]+\.py(::test_\w+)?", node.value)
    }
)


@pytest.mark.parametrize("test", NAMED)
def test_a_promise_is_held_by_a_test_that_exists(test: str) -> None:
    file, _, name = test.partition("::")
    path = ROOT / "tests" / file
    assert path.exists()
    if name:
        assert f"\ndef {name}(" in path.read_text()
    assert f"](../tests/{file})" in PAGE


def test_the_pages_promises_are_the_scripts() -> None:
    assert len(NAMED) > 20
    rows = re.findall(r"^\| (.*?) \| \[", PAGE, re.MULTILINE)
    written = re.sub(r'"\s+"', "", SCRIPT)
    assert rows
    for promise in rows:
        assert promise in written


def test_every_link_of_the_pages_leads_somewhere() -> None:
    for page in (ROOT / "docs").glob("*.md"):
        for link in re.findall(r"\]\((?!http)([^)#]+)\)", page.read_text()):
            assert (page.parent / link).exists(), (page.name, link)

"""Where measured numbers go: into the README between marks, and every opened test into a ledger."""

from __future__ import annotations

import datetime
import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
LEDGER = ROOT / "benchmarks" / "ledger.json"


def write_block(name: str, text: str, path: Path = ROOT / "README.md") -> None:
    """Replace what stands between ``<!-- benchmark: name -->`` and ``<!-- end -->``."""
    page = path.read_text(encoding="utf-8")
    pattern = rf"(<!-- benchmark: {name} -->).*?(<!-- end -->)"
    if not re.search(pattern, page, re.DOTALL):
        raise SystemExit(f"{path} has no block for the benchmark {name!r}")
    found = re.sub(pattern, lambda m: m[1] + text + m[2], page, flags=re.DOTALL)
    path.write_text(found, encoding="utf-8")


@contextmanager
def opening(
    benchmark: str,
    part: str,
    frozen: Mapping[str, Any],
    *,
    reason: str = "",
    ledger: Path = LEDGER,
    root: Path = ROOT,
    **told: Any,
) -> Iterator[dict[str, Any]]:
    """Open a test part: whoever scores one does it inside, once every choice is made.

        with opening("seattle", "2015", frozen) as scored:
            scored["MAE"] = ...

    The opening is in the ledger before anything is scored, and stays there if scoring fails. A part
    that was opened before is refused, unless a reason is given, or nothing has changed since: the
    same commit, without changes, and the same frozen settings. That is no new opening.

    Args:
        benchmark, part: what is opened; "seattle", "2015".
        frozen: every choice that was made before, by name.
        reason: why it is opened again.
        ledger, root: the file, and the repository whose commit is recorded.
        told: what else a reader should know, such as the goals.

    Raises:
        SystemExit: it was opened before, and no reason is given.
    """
    entries = json.loads(ledger.read_text(encoding="utf-8")) if ledger.exists() else []
    now = {
        "commit": commit(root),
        "benchmark": benchmark,
        "part": part,
        "frozen": json.loads(json.dumps(frozen)),
    }
    before = [e for e in entries if (e["benchmark"], e["part"]) == (benchmark, part)]
    same = [e for e in before if {name: e.get(name) for name in now} == now and e["scored"]]
    scored: dict[str, Any] = {}
    if same and re.fullmatch("[0-9a-f]+", str(now["commit"])):
        yield scored
        return
    if before and not reason:
        last = before[-1]
        raise SystemExit(
            f"the test part {part!r} of {benchmark!r} has been opened before ({len(before)} on "
            f"record, the last on {last['date']} with commit {last['commit']}): choices are made "
            "on validation parts. To open it all the same, say why: --reason '...', or "
            "make benchmark REASON='...'"
        )
    entry = {"date": datetime.date.today().isoformat(), **now, **told, "scored": None}
    if before:
        entry["reason"] = reason
    entries.append(entry)
    _write(ledger, entries)
    yield scored
    entry["scored"] = scored
    _write(ledger, entries)


def commit(root: Path = ROOT) -> str:
    """The commit that is checked out, and whether files have changed since."""

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True)
        return done.stdout.strip()

    found = git("rev-parse", "--short=12", "HEAD") or "none"
    # what measuring itself writes is no change of what is measured
    written = (":!benchmarks/ledger.json", ":!benchmarks/records")
    changed = git("status", "--porcelain", "--", "src", "benchmarks", *written)
    return f"{found}, changed" if changed else found


def _write(ledger: Path, entries: list[dict[str, Any]]) -> None:
    ledger.write_text(json.dumps(entries, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

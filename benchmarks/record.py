"""Where measured numbers go: into the README between marks, and every opened test into a ledger."""

from __future__ import annotations

import datetime
import json
import re
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


def write_opening(**entry: Any) -> None:
    """Add one opening of a test part to the ledger: what was opened, with what, what came out.

    The same settings with the same results are the same opening, and stand there once.
    """
    entries = json.loads(LEDGER.read_text()) if LEDGER.exists() else []
    known = [{name: value for name, value in old.items() if name != "date"} for old in entries]
    if json.loads(json.dumps(entry)) not in known:
        entries.append({"date": datetime.date.today().isoformat(), **entry})
    LEDGER.write_text(json.dumps(entries, indent=1, ensure_ascii=False) + "\n")

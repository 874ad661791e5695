"""What a search for leaks found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from longshort.records.written import Written

# How sure a finding is: it cannot be otherwise, most often it is so, look for yourself.
Sure = Literal["certain", "likely", "possible"]


@dataclass(frozen=True)
class Finding:
    """Something that makes a score look better than it is, or that a model cannot learn from.

    ``check`` names what was looked for; ``columns`` and ``rows`` say where (at most the first five
    rows, as times or places in the file, and ``count`` of them in all); ``text`` says what was
    found, and ``remedy`` the way out.
    """

    check: str
    sure: Sure
    text: str
    remedy: str
    columns: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()
    count: int = 0

    @property
    def where(self) -> str:
        """The rows, and how many more there are."""
        more = self.count - len(self.rows)
        return ", ".join(self.rows) + (f" and {more} more" if self.rows and more > 0 else "")

    def __str__(self) -> str:
        where = f"\n  where: {self.where}" if self.rows else ""
        return f"{self.sure} {self.check}: {self.text}{where}\n  way out: {self.remedy}"


@dataclass(frozen=True)
class Findings(Written):
    """What a search for leaks found, the surest first; ``checked`` names what was looked for."""

    source: str
    series: int
    rows: int
    checked: tuple[str, ...]
    findings: tuple[Finding, ...] = ()

    @property
    def clean(self) -> bool:
        """Whether nothing was found that is certain or likely."""
        return all(finding.sure == "possible" for finding in self.findings)

    def __str__(self) -> str:
        head = f"{self.source}: {self.rows:,} rows in {self.series:,} series"
        told = [str(finding) for finding in self.findings] or ["nothing found"]
        return "\n".join([head, *told, f"looked for: {', '.join(self.checked)}"])

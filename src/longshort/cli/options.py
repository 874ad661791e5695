"""How options that take several values are written."""

from __future__ import annotations

from collections.abc import Sequence


def names(given: Sequence[str] | None) -> tuple[str, ...] | None:
    """Column names from repeated options, each of which may hold several between commas."""
    if given is None:
        return None
    return tuple(name.strip() for text in given for name in text.split(",") if name.strip())


def part(start: str | None, share: float) -> float | str | None:
    """A part's beginning: a time stamp if one was given, else a share; 0 is no part."""
    return start or share or None

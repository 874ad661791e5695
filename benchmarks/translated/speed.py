"""How fast a translator learns, beside the same network on torch.nn.LSTM, and how it answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def measured() -> dict[str, Any]:
    """Nothing yet."""
    return {}


def section(found: Mapping[str, Any]) -> str:
    """The lines of the page."""
    return ""

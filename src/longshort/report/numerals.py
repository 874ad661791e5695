"""Numbers and settings as a reader meets them: three digits, shares in percent, no Python."""

from __future__ import annotations

import math
from collections.abc import Sequence

# what stands where there is no number
NOTHING = "–"
# beyond these a plain decimal is longer than it is clear
_LARGEST, _SMALLEST = 1e7, 1e-3


def number(value: float | None) -> str:
    """Three significant digits; thousands separated; scientific when very large or very small.

    >>> number(2.4137), number(0.02346), number(12345.6), number(1.2e-7), number(None)
    ('2.41', '0.0235', '12,346', '1.20e-07', '–')
    """
    if value is None or not math.isfinite(value):
        return NOTHING
    size = abs(value)
    if size and not _SMALLEST <= size < _LARGEST:
        return f"{value:.2e}"
    return f"{value:,.{_decimals(size)}f}"


def column(values: Sequence[float | None]) -> list[str]:
    """``number`` of each, with as many decimals as the smallest needs, so that a column lines up.

    Where the values lie two orders of magnitude or more apart, each is written by itself.

    >>> column([9.871, 12.34, None])
    ['9.87', '12.34', '–']
    """
    sizes = [abs(v) for v in values if v is not None and math.isfinite(v) and v]
    if not sizes or min(sizes) < _SMALLEST or max(sizes) >= min(_LARGEST, 100 * min(sizes)):
        return [number(value) for value in values]
    decimals = _decimals(min(sizes))
    return [
        f"{value:,.{decimals}f}" if value is not None and math.isfinite(value) else NOTHING
        for value in values
    ]


def percent(share: float | None, decimals: int = 1) -> str:
    """A share between 0 and 1 in percent.

    >>> percent(0.8123), percent(0.8, 0)
    ('81.2 %', '80 %')
    """
    if share is None or not math.isfinite(share):
        return NOTHING
    return f"{100 * share:.{decimals}f} %"


def share(value: float | None, low: float | None, high: float | None) -> str:
    """A share in percent, with its interval where there is one.

    >>> share(0.8123, 0.771, 0.85), share(0.8, None, None)
    ('81.2 % [77.1, 85.0]', '80.0 %')
    """
    text = percent(value)
    if low is None or high is None or text == NOTHING:
        return text
    return f"{text} [{100 * low:.1f}, {100 * high:.1f}]"


def gain(share: float | None, low: float | None, high: float | None) -> str:
    """A signed share in percent, with its interval where there is one.

    >>> gain(0.0512, 0.0203, 0.0829), gain(-0.01, None, None)
    ('+5.1 % [+2.0, +8.3]', '-1.0 %')
    """
    if share is None or not math.isfinite(share):
        return NOTHING
    text = f"{_signed(share)} %"
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return text
    return f"{text} [{_signed(low)}, {_signed(high)}]"


def count(amount: int, one: str, many: str | None = None) -> str:
    """A whole number with the noun it counts.

    >>> count(1, "row"), count(12345, "row"), count(3, "series", "series")
    ('1 row', '12,345 rows', '3 series')
    """
    return f"{amount:,} {one if amount == 1 else (many or one + 's')}"


def setting(value: object) -> str:
    """A setting's value without a word of Python.

    >>> setting(None), setting(True), setting(()), setting(("a", "b")), setting(0.1)
    ('not set', 'yes', 'none', 'a, b', '0.1')
    """
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value)) or "none"
    return str(value)


def duration(seconds: float) -> str:
    """A time span in the unit that suits it.

    >>> duration(0.42), duration(75), duration(7260)
    ('0.42 s', '1 min 15 s', '2 h 1 min')
    """
    if not math.isfinite(seconds) or seconds < 0:
        return NOTHING
    if seconds < 59.95:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def _decimals(size: float) -> int:
    if not size:
        return 0
    # rounding to three digits first: 99.96 is written 100
    return min(5, max(0, 2 - math.floor(math.log10(float(f"{size:.2e}")))))


def _signed(share: float) -> str:
    # adding zero turns a rounded -0.0 into 0.0
    return f"{round(100 * share, 1) + 0.0:+.1f}"

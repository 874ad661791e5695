"""Fuzzing, bounded and the same in every run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "fuzz",
    derandomize=True,
    database=None,
    deadline=None,
    print_blob=False,
    suppress_health_check=list(HealthCheck),
)
settings.load_profile("fuzz")

# how many inputs were tried, whatever came of them
TRIED = Counter[str]()


@pytest.fixture(autouse=True)
def counted(
    request: pytest.FixtureRequest, record_property: Callable[[str, object], None]
) -> Iterator[None]:
    """Say how many inputs a test has tried."""
    name = request.node.path.name
    before = TRIED[name]
    yield
    tried = TRIED[name] - before
    if tried:
        record_property("figure", f"{tried:,} inputs")

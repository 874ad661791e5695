"""What the kernels' tests leave out."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The CPU engine has no sLSTM, so there is nothing to run there."""
    absent = [item for item in items if "slstm" in item.name and "cpu-" in item.name]
    config.hook.pytest_deselected(items=absent)
    items[:] = [item for item in items if item not in set(absent)]

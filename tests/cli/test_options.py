"""Options that several commands share mean the same to each of them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from longshort.cli.classify import classifier
from longshort.cli.fit import forecaster
from longshort.cli.tag import tagger
from longshort.cli.text import language_model
from longshort.layers.encoder import Recurrent

MAKERS: list[Callable[..., Any]] = [classifier, forecaster, language_model, tagger]


@pytest.mark.parametrize("maker", MAKERS)
def test_every_network_can_be_projected_and_have_residuals(maker: Callable[..., Any]) -> None:
    own = inspect.signature(maker).parameters.values()
    needed = {each.name: None for each in own if each.default is each.empty}
    plain: Recurrent = maker(**needed).recurrent
    assert (plain.projection, plain.residual) == (None, False)
    changed: Recurrent = maker(**needed, size=8, projection=4, residual=True).recurrent
    assert changed == plain.set_params(size=8, projection=4, residual=True)

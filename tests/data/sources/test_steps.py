"""Tables with a row for each step: sentences and series, with their tags."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from longshort.data.corpus import Roles
from longshort.data.sources.steps import read_steps
from longshort.errors import DataError

SERIES = pl.DataFrame(
    {
        "rec": ["a", "a", "a", "b", "b"],
        "t": [0, 1, 2, 0, 1],
        "x": [0.5, 1.5, 2.5, 3.5, 4.5],
        "state": ["on", "off", "off", "on", "on"],
        "who": ["ann", "ann", "ann", "bob", "bob"],
    }
)


def test_series_with_a_state_at_every_step() -> None:
    roles = Roles(item="rec", time="t", label="state", group="who")  # type: ignore[arg-type]
    corpus, tags = read_steps(SERIES, roles)
    assert corpus.series is not None
    assert corpus.series.names == ("x",)
    np.testing.assert_array_equal(corpus.series.values[:, 0], SERIES["x"].to_numpy())
    assert tags == (("on", "off", "off"), ("on", "on"))
    assert corpus.groups == ("ann", "bob")
    assert corpus.names == ("a", "b")
    # without states, to predict on
    bare, none = read_steps(SERIES.drop("state"), roles, required=False)
    assert none is None
    assert bare.series is not None
    assert bare.series.names == ("x",)


def test_sentences_token_by_token(tmp_path: Path) -> None:
    path = tmp_path / "tokens.csv"
    path.write_text("sentence,word,tag\n1,Ada,B-PER\n1,met,O\n2,Oslo,B-LOC\n2,,O\n")
    roles = Roles(item="sentence", text="word", label="tag")  # type: ignore[arg-type]
    corpus, tags = read_steps(path, roles)
    assert corpus.tokens == (("Ada", "met"), ("Oslo", "_"))
    assert tags == (("B-PER", "O"), ("B-LOC", "O"))


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    path = tmp_path / "tokens.csv"
    path.write_text("sentence,word,tag\n1,Ada,B-PER\n1,met,\n")
    with pytest.raises(DataError, match=r"line 3, column 'tag': no tag"):
        read_steps(path, Roles(item="sentence", text="word", label="tag"))  # type: ignore[arg-type]
    with pytest.raises(DataError, match="no column 'tags' for label: did you mean 'tag'"):
        read_steps(path, Roles(item="sentence", text="word", label="tags"))  # type: ignore[arg-type]
    with pytest.raises(DataError, match="--item"):
        read_steps(path, Roles(text="word"))
    with pytest.raises(DataError, match="no column of numbers is left"):
        read_steps(SERIES.drop("x"), Roles(item="rec", time="t", label="state", group="who"))  # type: ignore[arg-type]

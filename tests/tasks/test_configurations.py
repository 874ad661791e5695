"""Configurations by name, from tables, files and lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from longshort import Columns, Forecaster, Recurrent, Split, Window
from longshort.errors import ArgumentError, DataError
from longshort.tasks.configurations import STANDARD, configured, parse_config, read_configs


@pytest.fixture
def base() -> Forecaster:
    return Forecaster(
        Columns("day", target="warm"),
        split=Split(test=0.2),
        window=Window(context=6),
        recurrent=Recurrent(size=4),
    )


def test_the_standard_configurations_are_possible(base):
    made = configured(base, STANDARD)
    assert [one.recurrent.cell for one in made.values()] == ["lstm", "gru", "rnn", "lstm", "lstm"]
    assert [one.recurrent.bidirectional for one in made.values()].count(True) == 1
    assert sum(one.recurrent.stem is not None for one in made.values()) == 1


def test_settings_are_found_by_their_names(base):
    asked = {"size": 8, "training.rate": 1, "output": "gaussian", "window": {"season": 7}}
    (one,) = configured(base, {"a": asked}).values()
    assert one.recurrent.size == 8
    assert one.training.rate == 1.0
    assert one.output == "gaussian"
    assert one.window == Window(context=6, season=7)
    assert base.recurrent.size == 4


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"sise": 3}, "configuration 'a': no setting 'sise': did you mean 'size'"),
        ({"recurrent.rate": 3}, "no setting 'recurrent.rate'"),
        ({"horizon": 3}, "horizon is shared by all"),
        ({"split.test": 0.3}, "split is shared by all"),
        ({"cell": "lsmt"}, "did you mean 'lstm'"),
        ({"refit": True}, "refit learns from the validation part"),
    ],
)
def test_what_is_no_configuration_is_said(base, changes, says):
    with pytest.raises(ArgumentError, match=says):
        configured(base, {"a": changes})


def test_configurations_are_read_from_toml_and_from_lines(tmp_path: Path):
    path = tmp_path / "configs.toml"
    path.write_text(
        '[gru]\ncell = "gru"\n\n["a wide one"]\nsize = 64\n[late.training]\nrate = 0.1\n'
    )
    read = read_configs(path)
    assert read == {
        "gru": {"cell": "gru"},
        "a wide one": {"size": 64},
        "late": {"training": {"rate": 0.1}},
    }
    assert parse_config("a wide one: size=64, dropout=0.5") == (
        "a wide one",
        {"size": 64, "dropout": 0.5},
    )
    assert parse_config("b: cell=gru, bidirectional=true, stem=none")[1] == {
        "cell": "gru",
        "bidirectional": True,
        "stem": None,
    }
    assert parse_config("plain:") == ("plain", {})


@pytest.mark.parametrize("text", ["gru", ": size=3", "a: size", "a: =3", "a: size="])
def test_a_line_that_is_no_configuration_is_said(text):
    with pytest.raises(ArgumentError, match="gru: cell=gru, size=64"):
        parse_config(text)


@pytest.mark.parametrize(
    ("text", "says"), [("size = 3\n", "'size' stands outside"), ("[a\n", "not TOML")]
)
def test_a_file_that_is_no_configuration_is_said(tmp_path, text, says):
    path = tmp_path / "configs.toml"
    path.write_text(text)
    with pytest.raises(DataError, match=says):
        read_configs(path)
    with pytest.raises(DataError, match="cannot be read"):
        read_configs(tmp_path / "absent.toml")

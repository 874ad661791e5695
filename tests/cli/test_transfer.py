"""A fit that begins with another model, as a user of the command line meets it."""

from __future__ import annotations

import inspect
from dataclasses import fields
from pathlib import Path

import polars as pl
import pytest
import torch

from longshort import Forecaster, load
from longshort.cli import fit
from longshort.cli.app import main

SETTINGS = ["--time", "date", "--target", "temp_max,temp_min", "--context", "6", "--size", "8",
            "--horizon", "2", "--relative", "season", "--log", "--test", "0"]  # fmt: skip
QUICK = ["--epochs", "2", "--members", "1"]


def run(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    return int(stop.value.code or 0), said.out, said.err


@pytest.fixture(scope="module")
def weather(tmp_path_factory: pytest.TempPathFactory) -> Path:
    examples = Path(__file__).parents[2] / "examples" / "seattle-weather.csv"
    data = tmp_path_factory.mktemp("data") / "weather.csv"
    # no negative temperatures, for the logarithm
    warm = pl.col("temp_max", "temp_min").abs()
    pl.read_csv(examples).head(300).select("date", warm).write_csv(data)
    return data


@pytest.fixture(scope="module")
def source(weather: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("source")
    with pytest.raises(SystemExit):
        main(["fit", "forecast", str(weather), *SETTINGS, *QUICK, "--out", str(out)])
    return out / "model.lstm"


def opened(path: Path) -> Forecaster:
    found = load(path)
    assert isinstance(found, Forecaster)
    return found


def test_what_is_not_given_is_as_it_was(
    weather: Path, source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["fit", "forecast", str(weather), "--init", str(source), "--freeze", "encoder"]
    code, _, err = run([*command, *QUICK, "--test", "0", "--out", str(tmp_path)], capsys)
    assert code == 0
    assert "note:" not in err
    before, after = opened(source), opened(tmp_path / "model.lstm")
    for name in ("columns", "window", "scaling", "recurrent", "horizon", "output"):
        assert getattr(after, name) == getattr(before, name)
    own, given = (dict(m.models_[0].named_parameters()) for m in (after, before))
    for name, weight in own.items():
        assert torch.equal(weight, given[name]) == name.startswith("encoder.")


def test_what_is_given_is_new_and_what_does_not_fit_is_named(
    weather: Path, source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["fit", "forecast", str(weather), "--init", str(source), "--horizon", "1"]
    command += ["--relative", "last", "--unfreeze", "gradual", "--discriminative", "0.5"]
    command += ["--keep-scaling", "--no-log", *QUICK, "--test", "0", "--out", str(tmp_path)]
    code, _, err = run(command, capsys)
    assert code == 0
    assert "head.readout.weight was" in err
    found = opened(tmp_path / "model.lstm")
    assert (found.horizon, found.window.relative, found.window.context) == (1, "last", 6)
    assert found.training.unfreeze == "gradual"
    assert found.training.discriminative == 0.5
    # kept with its logarithm, whatever the new setting says
    assert found.encoding_.codec.scaling.log


def test_another_shape_is_refused(
    weather: Path, source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["fit", "forecast", str(weather), "--init", str(source), "--size", "9"]
    code, _, err = run([*command, "--test", "0", "--out", str(tmp_path / "new")], capsys)
    assert code == 2
    assert "no weight of its recurrence fits" in err
    assert not (tmp_path / "new").exists()
    code, _, err = run([*command[:3], "--freeze", "head.0"], capsys)
    assert (code, "no layer 'head.0'" in err) == (2, True)


def test_every_option_is_called_as_its_setting() -> None:
    """What is inherited is told by name: no option may be passed over."""
    options = set(inspect.signature(fit.forecaster).parameters)
    settings = {
        fit.RENAMED.get(name, name)
        for kind in Forecaster.sections.values()
        for name in (field.name for field in fields(kind))
    }
    own = {"seed", "device", "valid_from", "test_from"}
    assert options - own <= settings | set(Forecaster.scalars)

"""The command line with options of any value: words and an exit code, never a traceback."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.main import get_command

from longshort.cli.app import EXIT_CODES, app, main
from longshort.cli.lint import FOUND

from .conftest import TRIED

# numbers at the edge of what a float holds overflow in the yardsticks, too
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::RuntimeWarning")]

GOLDEN = Path(__file__).parent.parent / "golden"
TABLE = str(GOLDEN / "sales.csv")
FIT = ["fit", "forecast", TABLE, "--time", "day", "--target", "sold", "--group", "shop"]
QUICK = ["--size", "2", "--epochs", "1", "--members", "1", "--context", "3", "--season", "7"]
# 0 done, 7 lint found something, 130 never without Ctrl-C, and 1 would be a fault of the program
EXPECTED = {0, FOUND, *(code for _, code in EXIT_CODES)}

WORDS = [
    "", " ", "0", "-0", "1", "2", "3", "-1", "7", "60", "1e3", "0.5", "1.0", "0.999999", "1e-320",
    "1e308", "-1e308", "nan", "inf", "-inf", "True", "none", "None", "last", "season", "sold",
    "price", "day", "shop", "sold,price", "sold,sold", ",", ",,", "a,b", "\u202e", "雨", "--help",
    "2024-04-01", "2024-04-20", "2024-13-01", "1900-01-01", "9999-12-31", "cpu", "cuda", "cuda:99",
    "meta", "auto", "adam", "sgd", "huber", "gaussian", "log", "previous", "/proc/x", "a/b",
    "/dev/null",
    str(2**31), str(2**62), str(2**63), str(10**30), "0x10", "1_000", "'", '"', "$(x)", "\x1b[31m",
]  # fmt: skip
# what would rightly take long is asked for as a word or small
SLOW = {
    "--seeds",
    "--rolling",
    "--epochs",
    "--members",
    "--size",
    "--depth",
    "--batch",
    "--horizon",
}


def options_of(*path: str) -> list[tuple[str, bool]]:
    """Every option of a command, and whether it takes a value."""
    command = get_command(app)
    for name in path:
        assert isinstance(command, typer.core.TyperGroup)
        command = command.commands[name]
    return [
        (name, not getattr(option, "is_flag", False))
        for option in command.params
        for name in (*option.opts, *option.secondary_opts)
        if name.startswith("--")
    ]


def ends(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """The property: it ends by itself with a code that is documented, and says why."""
    TRIED["test_options.py"] += 1
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    said = capsys.readouterr()
    code = int(stop.value.code or 0)
    assert code in EXPECTED, (code, said.err)
    assert "Traceback" not in said.err + said.out
    # no escape sequence of a file or an argument reaches the terminal
    assert "\x1b" not in said.err
    assert not code or (said.err + said.out).strip()


value = st.sampled_from(WORDS) | st.text(st.characters(exclude_characters="\0", codec="utf-8"))


def chosen(*path: str) -> st.SearchStrategy[list[str]]:
    """One to three options of a command with values."""

    def pair(option: tuple[str, bool]) -> st.SearchStrategy[list[str]]:
        name, takes = option
        if not takes:
            return st.just([name])
        given = value.filter(lambda word: not word.isdigit() or len(word) < 2 or len(word) > 9)
        return (given if name in SLOW else value).map(lambda word: [name, word])

    one = st.sampled_from(options_of(*path)).flatmap(pair)
    return st.lists(one, min_size=1, max_size=3).map(lambda parts: list(chain(*parts)))


@settings(max_examples=300)
@given(options=chosen("fit", "forecast"))
def test_fit(
    options: list[str], tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path_factory.mktemp("fit") / "out"
    # what is given twice counts the last time; the folder stays ours
    ends([*FIT, *QUICK, *options, "--out", str(out)], capsys)


@settings(max_examples=150)
@given(options=chosen("predict"))
def test_predict(
    options: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    ends(["predict", str(GOLDEN / "sales.lstm"), TABLE, *options], capsys)


@settings(max_examples=100)
@given(options=chosen("evaluate"))
def test_evaluate(
    options: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    ends(["evaluate", str(GOLDEN / "sales.lstm"), TABLE, *options], capsys)


LINT = ["lint", TABLE, "--time", "day", "--target", "sold", "--group", "shop"]


@settings(max_examples=200)
@given(options=chosen("lint"))
def test_lint(
    options: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    ends([*LINT, *options], capsys)


COMPARE = ["--seeds", "1", "--config", "a:", *QUICK[:6], "--context", "3", "--yardsticks", "quick"]


@settings(max_examples=100)
@given(options=chosen("compare"))
def test_compare(
    options: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    ends(["compare", *LINT[1:], *COMPARE, *options, "--out", str(tmp_path / "out")], capsys)


commands = st.sampled_from(
    ["fit", "forecast", "predict", "evaluate", "report", "lint", "compare", "doctor", "--debug"]
)
files = st.sampled_from(
    [TABLE, str(GOLDEN / "sales.lstm"), str(GOLDEN / "sales.json"), "/dev/null"]
)


@settings(max_examples=200)
@given(arguments=st.lists(commands | files | value, max_size=5))
def test_any_arguments(
    arguments: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    ends([part for part in arguments if part != "--debug"], capsys)

"""``longshort fit text`` as a user meets it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from longshort import LanguageModel, load
from longshort.cli.app import main

QUICK = ["--epochs", "1", "--size", "8", "--batch", "4"]


def run(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    return int(stop.value.code or 0), said.out, said.err


@pytest.fixture
def text(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    words = ("to", "be", "or", "not", "that", "is", "the", "question")
    lines = [" ".join(random.choice(words, 6)) for _ in range(150)]
    path = tmp_path / "plays.txt"
    path.write_text("\n".join(lines))
    return path


def test_a_text_is_fitted_without_a_test_part(
    text: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "plays"
    code, said, _ = run(
        ["fit", "text", str(text), "--test", "0", *QUICK, "--out", str(out)], capsys
    )
    assert code == 0
    assert str(out / "model.lstm") in said
    assert {path.name for path in out.iterdir()} == {"model.lstm", "history.jsonl"}
    assert isinstance(load(out / "model.lstm"), LanguageModel)


def test_what_a_symbol_and_a_network_are_is_chosen_by_options(
    text: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [
        "--unit", "words", "--least", "2", "--vocabulary", "9", "--documents", "line",
        "--steps", "7", "--output", "adaptive", "--embedding", "6", "--embedding-dropout", "0.1",
        "--depth", "2", "--locked", "--weight-drop", "0.2", "--activation", "2",
        "--slowness", "1", "--test", "0", "--borders", "carry", "--projection", "5", "--residual",
        "--average", "2",
    ]  # fmt: skip
    out = tmp_path / "words"
    code, _, said = run(["fit", "text", str(text), *options, *QUICK, "--out", str(out)], capsys)
    assert code == 0, said
    model = load(out / "model.lstm")
    assert isinstance(model, LanguageModel)
    assert model.codec_.unit == "words"
    assert model.codec_.size == 9
    assert (model.chunking.steps, model.chunking.borders) == (7, "carry")
    assert (model.head.output, model.head.slowness) == ("adaptive", 1.0)
    assert model.recurrent.locked
    assert model.recurrent.weight_drop == 0.2
    assert model.training.average == 2
    assert (model.recurrent.projection, model.recurrent.residual) == (5, True)


def test_a_model_may_read_both_ways(
    text: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "both"
    options = ["--direction", "both", *QUICK, "--out", str(out)]
    code, said, _ = run(["fit", "text", str(text), *options], capsys)
    assert code == 0
    assert "Read from its end" in said + (out / "report.html").read_text()
    model = load(out / "model.lstm")
    assert isinstance(model, LanguageModel)
    assert model.direction == "both"
    code, _, said = run(["fit", "text", str(text), "--direction", "up", *QUICK], capsys)
    assert code == 2
    assert "direction='up'" in said


def test_words_may_be_read_by_their_letters(
    text: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "letters"
    options = ["--unit", "words", "--least", "2", "--characters", "cnn", "--output", "plain"]
    more = ["--filters", "1x4,3x6", "--highways", "1", "--test", "0", *QUICK, "--out", str(out)]
    code, _, said = run(["fit", "text", str(text), *options, *more], capsys)
    assert code == 0, said
    model = load(out / "model.lstm")
    assert isinstance(model, LanguageModel)
    assert (model.head.characters, model.head.highways) == ("cnn", 1)
    assert model.head.filters == ((1, 4), (3, 6))
    code, _, said = run(["score", str(out / "model.lstm"), "--text", "to bee or not"], capsys)
    assert code == 0
    assert "read by their letters" in " ".join(said.split())
    for wrong, words in (
        (["--unit", "words", "--characters", "cnn"], "--output plain"),
        (["--characters", "cnn", "--output", "plain"], "--unit words"),
        (["--filters", "1-4"], "such as 1x32"),
    ):
        code, _, said = run(["fit", "text", str(text), *wrong, *QUICK], capsys)
        assert code == 2
        assert words in " ".join(said.split())


def test_parts_may_be_files_of_their_own(
    text: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "valid.txt").write_text("to be or not to be\n" * 20)
    out, options = tmp_path / "parts", ["--valid-text", str(tmp_path / "valid.txt")]
    code, _, said = run(["fit", "text", str(text), *options, *QUICK, "--out", str(out)], capsys)
    assert code == 0, said
    model = load(out / "model.lstm")
    assert isinstance(model, LanguageModel)
    found = model.passages({"train": text, "valid": tmp_path / "valid.txt"})
    assert found.valid is not None
    assert found.valid.counts == 380
    assert found.test is None


@pytest.mark.parametrize(
    ("content", "options", "code", "words"),
    [
        (b"", [], 3, "there is no text"),
        (b"ab\0cd", [], 3, "byte 2: a zero byte"),
        (b"M\xe4dchen", [], 3, "no UTF-8"),
        (b"aaaaaaaaaa" * 9, [], 3, "one symbol over and over"),
        (b"abc" * 50, ["--unit", "letters"], 2, "letters"),
        (b"abc" * 50, ["--valid", "0.5", "--test", "0.5"], 2, "below 1"),
    ],
)
def test_what_is_no_text_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str],
    content: bytes, options: list[str], code: int, words: str,
) -> None:  # fmt: skip
    (tmp_path / "odd.txt").write_bytes(content)
    command = ["fit", "text", str(tmp_path / "odd.txt"), *options, "--out", str(tmp_path / "out")]
    found, _, said = run(command, capsys)
    assert found == code
    assert words in " ".join(said.split())
    assert not (tmp_path / "out").exists()

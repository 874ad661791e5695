"""``longshort generate``, ``complete`` and ``score`` as a user meets them."""

from __future__ import annotations

from pathlib import Path

import pytest

from longshort import LanguageModel, Recurrent, Shares, Training, load
from longshort.cli.app import main
from longshort.search import Sampling


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("speaking") / "model.lstm"
    training = Training(epochs=3, batch=4, rate=3e-2, members=1, refit=False)
    recurrent = Recurrent(size=16, dropout=0.0)
    LanguageModel(recurrent=recurrent, training=training, shares=Shares(0.1, 0)).fit(
        ["abcd " * 80, "dcba " * 80]
    ).save(path)
    return path


def run(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    return int(stop.value.code or 0), said.out, said.err


def test_generate_writes_on(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fitted = load(model)
    assert isinstance(fitted, LanguageModel)
    wanted = fitted.generate("abcd ", 9, Sampling(temperature=0))
    options = ["--prompt", "abcd ", "--length", "9", "--temperature", "0"]
    assert run(["generate", str(model), *options], capsys)[:2] == (0, f"{wanted}\n")
    echoed = run(["generate", str(model), *options, "--echo"], capsys)[1]
    assert echoed == f"abcd {wanted}\n"
    stopped = run(["generate", str(model), *options, "--stop", wanted[1:3]], capsys)[1]
    assert stopped == f"{wanted[: wanted.index(wanted[1:3])]}\n"


def test_complete_shows_the_likeliest(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--prompt", "abcd abcd ", "--length", "3", "--width", "2"]
    code, said, _ = run(["complete", str(model), *options], capsys)
    assert code == 0
    assert len(said.splitlines()) == 3


def test_score_tells_every_symbol(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said, _ = run(["score", str(model), "--text", "ab\nd"], capsys)
    assert code == 0
    header, *lines = said.splitlines()
    assert header == "symbol\tlog_p"
    rows = [line.split("\t") for line in lines]
    # the break was never seen, and stands for the unknown symbol
    assert [row[0] for row in rows] == ['"a"', '"b"', '"\N{REPLACEMENT CHARACTER}"', '"d"']
    (tmp_path / "text.txt").write_text("ab\nd")
    file = str(tmp_path / "text.txt")
    total = run(["score", str(model), "--file", file, "--total"], capsys)[1]
    assert float(total) == pytest.approx(sum(float(row[1]) for row in rows), abs=1e-4)


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["generate", "MODEL", "--temperature", "-1"], 2, "temperature=-1"),
        (["generate", "MODEL", "--length", "-1"], 2, "length"),
        (["complete", "MODEL", "--width", "0"], 2, "width"),
        (["score", "MODEL"], 2, "either --text or --file"),
        (["score", "MODEL", "--file", "missing.txt"], 3, "missing.txt"),
        (["generate", "missing.lstm"], 4, "missing.lstm"),
    ],
)
def test_errors_name_what_is_wrong(
    arguments: list[str], code: int, told: str, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [str(model) if word == "MODEL" else word for word in arguments]
    found, _, said = run(given, capsys)
    assert found == code
    assert told in said


def test_another_kind_of_model_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    golden = Path(__file__).parent.parent / "golden" / "sales.lstm"
    code, _, said = run(["generate", str(golden)], capsys)
    assert code == 2
    assert "not a language model" in said


def test_what_was_chosen_in_the_fit_is_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = tmp_path / "text.txt"
    text.write_text("abcd dcba " * 150)
    sizes = ["--size", "8", "--epochs", "1", "--batch", "4"]
    fit = ["fit", "text", str(text), "--out", str(tmp_path / "fit"), *sizes, "--valid", "0.2"]
    status, said, _ = run([*fit, "--cache"], capsys)
    assert status == 0
    assert "LSTM, cache" in said
    path = tmp_path / "fit" / "model.lstm"
    model = load(path)
    assert isinstance(model, LanguageModel)
    adapt = model.adaptation_
    assert adapt is not None
    assert adapt.dynamic is None
    wanted = sum(each.log_p for each in model.symbol_scores("abcd dcba abcd", adapt=adapt))
    score = ["score", str(path), "--text", "abcd dcba abcd", "--total"]
    assert run([*score, "--cache"], capsys)[1] == f"{wanted:.6f}\n"
    assert run(score, capsys)[1] != f"{wanted:.6f}\n"
    assert run(["generate", str(path), "--length", "5", "--cache"], capsys)[0] == 0
    assert run(["complete", str(path), "--length", "3", "--cache"], capsys)[0] == 0
    status, _, told = run([*score, "--dynamic"], capsys)
    assert status == 2
    assert "--dynamic: nothing was chosen for it" in told
    # evaluate chooses what was not chosen, where the text lets it
    status, said, _ = run(["evaluate", str(path), str(text), "--dynamic"], capsys)
    assert status == 0
    assert "LSTM, dynamic" in said
    other = tmp_path / "other.txt"
    other.write_text("abcd " * 50)
    status, _, told = run(["evaluate", str(path), str(other), "--dynamic"], capsys)
    assert status == 3
    assert "chosen on the validation part of its own text" in told
    assert run(["evaluate", str(path), str(other), "--cache"], capsys)[0] == 0

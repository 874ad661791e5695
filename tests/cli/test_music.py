"""``longshort fit music``, and what generate, complete and score do with such a model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from longshort import LanguageModel, load
from longshort.cli.app import main
from longshort.data.codecs.notation import Composition
from longshort.data.sources.midi import read_midi, write_midi

pytest.importorskip("symusic")
QUICK = ["--epochs", "2", "--size", "12", "--batch", "4", "--steps", "20"]


def run(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    return int(stop.value.code or 0), said.out, said.err


@pytest.fixture(scope="module")
def pieces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pieces")
    for number in range(10):
        keys = [60, 64, 67, 72]
        notes = [(at, 1, keys[(at * number) % 4], 80) for at in range(8)]
        write_midi(folder / f"{number}.mid", Composition(np.array(notes, float), 8, 100))
    return folder


@pytest.fixture(scope="module")
def model(pieces: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("fitted")
    options = ["--resolution", "2", "--transpose", "1", "--test", "0.2", *QUICK]
    with pytest.raises(SystemExit) as stop:
        main(["fit", "music", str(pieces), *options, "--out", str(out)])
    assert not stop.value.code
    return out / "model.lstm"


def test_a_folder_of_midi_is_fitted_and_judged(model: Path) -> None:
    fitted = load(model)
    assert isinstance(fitted, LanguageModel)
    assert (fitted.notation.kind, fitted.notation.resolution) == ("rolls", 2)
    found = json.loads((model.parent / "evaluation.json").read_text())
    assert found["data"]["per"] == "frame"
    assert "nats per frame" in (model.parent / "report.html").read_text()


def test_a_midi_file_goes_on(
    model: Path, pieces: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, start = tmp_path / "sample.mid", str(pieces / "3.mid")
    options = ["--prompt", start, "--length", "6", "--seed", "1", "--out", str(out)]
    code, said, _ = run(["generate", str(model), *options, "--tempo", "50"], capsys)
    assert code == 0
    assert "notes" in said
    assert read_midi(out).tempo == pytest.approx(50)
    assert (read_midi(out).notes[:8, 2] == read_midi(Path(start)).notes[:, 2]).all()
    # without a file it is told in note names
    code, said, _ = run(["generate", str(model), "--prompt", "C4 |", "--length", "2"], capsys)
    assert code == 0
    assert said.count("|") <= 2


def test_pieces_are_scored_and_completed(
    model: Path, pieces: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said, _ = run(["score", str(model), "--file", str(pieces / "1.mid")], capsys)
    assert code == 0
    assert said.splitlines()[1].startswith('"C4 "\t-')
    options = ["--prompt", str(pieces / "1.mid"), "--length", "3", "--width", "2"]
    assert run(["complete", str(model), *options], capsys)[0] == 0
    code, said, _ = run(["evaluate", str(model), str(pieces / "1.mid")], capsys)
    assert code == 0
    assert "nats per frame" in said


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["fit", "music", "none.mid"], 3, "no such file"),
        (["fit", "music", "{}", "--notation", "text"], 2, "rolls or events"),
        (["fit", "music", "{}", "--notation", "neumes"], 2, "neumes"),
        (["fit", "music", "{}/0.mid"], 3, "one piece of music is not cut"),
        (["generate", "{model}", "--tempo", "90"], 2, "add --out"),
        (["generate", "{model}", "--out", "a.mid", "--stop", "|"], 2, "--stop"),
        (["generate", "{model}", "--prompt", "none.mid"], 3, "no such file"),
        (["score", "{model}", "--file", "none.mid"], 3, "no such file"),
    ],
)
def test_what_is_wrong_is_said(
    arguments: list[str], code: int, told: str, model: Path, pieces: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    written = [each.replace("{model}", str(model)).replace("{}", str(pieces)) for each in arguments]
    found, _, said = run(written, capsys)
    assert found == code
    assert told in said.replace("\n", " ")
    assert not list(tmp_path.iterdir())

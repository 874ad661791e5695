"""``longshort fit classify`` of pen strokes, and what the other commands do with its model."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from longshort import load
from longshort.cli.app import main


def run(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    return int(stop.value.code or 0), said.out, said.err


def strokes(path: Path) -> Path:
    """Two letters by six writers in a zip."""
    shapes = {"l": [[(0, 0), (0, -9)]], "t": [[(0, 0), (0, -9)], [(-3, -3), (3, -3)]]}
    with zipfile.ZipFile(path, "w") as archive:
        for label, drawn in shapes.items():
            for writer in range(1, 7):
                lines = ["START"]
                for stroke in drawn:
                    lines += [f"{x + writer},{y * writer},{at}" for at, (x, y) in enumerate(stroke)]
                    lines.append("BREAK")
                archive.writestr(f"set/{label}/0001_{writer:02}.txt", "\n".join(lines))
    return path


def test_a_zip_of_strokes_is_learnt_told_and_explained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = strokes(tmp_path / "strokes.zip"), tmp_path / "out"
    code, _, error = run(
        ["fit", "classify", str(data), "--epochs", "1", "--members", "1", "--size", "4", "--out",
         str(out), "--test", "0.2", "--valid", "0.2", "--rotate", "10", "--jitter", "0.05",
         "--spacing", "0.2", "--yardsticks", "quick"], capsys,
    )  # fmt: skip
    assert code == 0, error
    model = load(out / "model.lstm")
    assert model.ink.spacing == 0.2
    assert model.augment.rotate == 10
    assert "<polyline" in (out / "report.html").read_text() or "0 of" in error
    code, told, error = run(["predict", str(out / "model.lstm"), str(data)], capsys)
    assert code == 0, error
    assert "set/l/0001_01.txt" in told
    code, _, error = run(
        ["explain", str(out / "model.lstm"), str(data), "--out", str(tmp_path / "why.html")], capsys
    )
    assert code == 0, error
    assert "<polyline" in (tmp_path / "why.html").read_text()

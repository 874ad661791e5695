"""``longshort fit classify`` and what the other commands do with its model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from longshort import load
from longshort.cli.app import main

QUICK = ["--epochs", "1", "--members", "1", "--size", "4", "--yardsticks", "quick"]


def run(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    return int(stop.value.code or 0), said.out, said.err


def table(path: Path, count: int = 60) -> Path:
    random = np.random.default_rng(0)
    labels = random.choice(["negative", "positive"], count)
    texts = [f'"it is {"good" if y == "positive" else "bad"}, {n}", he said'
             for n, y in enumerate(labels)]  # fmt: skip
    who = [f"s{n % 12}" for n in range(count)]
    pl.DataFrame({"review": texts, "sentiment": labels, "who": who}).write_csv(path)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("reviews")
    data = table(out / "reviews.csv")
    with pytest.raises(SystemExit) as stop:
        main(["fit", "classify", str(data), "--text", "review", "--label", "sentiment",
              "--group", "who", *QUICK, "--out", str(out)])  # fmt: skip
    assert not stop.value.code
    return out


def test_a_fit_leaves_model_report_and_record(folder: Path) -> None:
    names = {path.name for path in folder.iterdir()}
    assert {"model.lstm", "report.html", "history.jsonl", "evaluation.json"} <= names
    record = json.loads((folder / "evaluation.json").read_text())
    assert record["task"] == "classify"
    assert record["groups"] is not None
    assert load(folder / "model.lstm").get_params()["roles"].text == "review"


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_labels_are_added_to_the_table(
    folder: Path, suffix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = folder / f"labelled.{suffix}"
    code, _, err = run(
        ["predict", str(folder / "model.lstm"), str(folder / "reviews.csv"), "--out", str(out)],
        capsys,
    )
    assert (code, "(60 rows)" in err) == (0, True)
    read = {"csv": pl.read_csv, "jsonl": pl.read_ndjson, "parquet": pl.read_parquet}[suffix]
    found = read(out)
    assert found.columns == [
        "review", "sentiment", "who", "predicted", "p_negative", "p_positive"]  # fmt: skip
    assert set(found["predicted"]) <= {"negative", "positive"}


def test_evaluate_report_and_explain(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, data = str(folder / "model.lstm"), str(folder / "reviews.csv")
    judged = folder / "judged"
    code, out, _ = run(
        ["evaluate", model, data, "--metric", "accuracy", "--yardsticks", "none",
         "--out", str(judged)], capsys)  # fmt: skip
    assert code == 0
    assert "accuracy" in out
    page = folder / "again.html"
    assert run(["report", str(judged / "evaluation.json"), "--out", str(page)], capsys)[0] == 0
    assert "<h1>" in page.read_text()
    code, out, _ = run(["explain", model, "it is good", "--out", str(folder / "e.html")], capsys)
    assert code == 0
    assert "it is good" in out
    assert "good" in (folder / "e.html").read_text()
    assert run(["explain", model, data, "--out", str(folder / "e.json")], capsys)[0] == 0
    assert len(json.loads((folder / "e.json").read_text())["items"]) == 60


def test_options_of_other_kinds_are_refused(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, data = str(folder / "model.lstm"), str(folder / "reviews.csv")
    for command, option in (("predict", "--quantiles"), ("evaluate", "--rolling")):
        code, _, err = run([command, model, data, option, "3"], capsys)
        assert code == 2
        assert f"{option}: a classifier has no use for it" in err


def test_a_split_of_files_and_recordings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    random = np.random.default_rng(0)
    for name, count in (("train", 24), ("test", 12)):
        rows = [(f"r{r}", t, random.normal() + 3 * (r % 2), "ab"[r % 2])
                for r in range(count) for t in range(6)]  # fmt: skip
        frame = pl.DataFrame(rows, ["rec", "t", "x", "kind"], orient="row")
        frame.write_csv(tmp_path / f"{name}.csv")
    out = tmp_path / "out"
    code, said, _ = run(
        ["fit", "classify", str(tmp_path / "train.csv"), "--item", "rec", "--time", "t",
         "--label", "kind", "--test", str(tmp_path / "test.csv"), *QUICK, "--out", str(out)],
        capsys,
    )  # fmt: skip
    assert code == 0
    assert "12 items" in said
    code, said, _ = run(["predict", str(out / "model.lstm"), str(tmp_path / "test.csv")], capsys)
    assert said.splitlines()[0] == "rec,predicted,p_a,p_b"
    assert len(said.splitlines()) == 13


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(["--text", "reviw"], "did you mean 'review'"),
     (["--text", "review"], "no column 'label'"),
     (["--text", "review", "--label", "sentiment", "--test", "nope.csv"], "no such file"),
     (["--text", "review", "--label", "sentiment", "--order", "bad,good"], "no place in order")],
)  # fmt: skip
def test_what_is_wrong_is_said(
    tmp_path: Path, arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = table(tmp_path / "reviews.csv"), tmp_path / "out"
    code, _, err = run(
        ["fit", "classify", str(data), *arguments, *QUICK, "--out", str(out)], capsys
    )
    assert code in (2, 3)
    assert says in err
    assert not out.exists()


def test_a_fit_begins_with_a_language_model(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, prose = table(tmp_path / "reviews.csv"), tmp_path / "reviews.txt"
    prose.write_text("it is good, he said, it is bad, he said " * 40)
    quick = ["--epochs", "1", "--size", "8", "--out", str(tmp_path / "text")]
    code, _, _ = run(["fit", "text", str(prose), *quick, "--direction", "both"], capsys)
    assert code == 0
    model = str(tmp_path / "text" / "model.lstm")
    command = ["fit", "classify", str(data), "--text", "review", "--label", "sentiment", *QUICK]
    begun = ["--pretrained", model, "--tune", "--out", str(tmp_path / "out")]
    code, _, _ = run([*command, *begun], capsys)
    assert code == 0
    fitted = load(tmp_path / "out" / "model.lstm")
    assert fitted.pretrained.tune
    assert (fitted.training.unfreeze, fitted.training.discriminative) == ("gradual", 0.385)
    code, _, err = run([*command, "--tune"], capsys)
    assert code == 2
    assert "--tune: there is nothing to tune; give --pretrained" in err
    code, _, err = run([*command, "--pretrained", str(data)], capsys)
    assert code != 0
    assert "reviews.csv: this is not a Longshort model file" in err


def test_a_folder_of_sound(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    soundfile = pytest.importorskip("soundfile")
    random = np.random.default_rng(0)
    for at in range(24):
        label = ("low", "high")[at % 2]
        wave = np.sin((0.3 if label == "low" else 1.2) * np.arange(800))
        noise = 0.1 * random.standard_normal(800)
        soundfile.write(tmp_path / f"{label}_s{at % 3}_{at}.wav", 0.5 * wave + noise, 8000)
    (tmp_path / "bad_s1_0.wav").write_text("no sound")
    out = tmp_path / "out"
    command = ["fit", "classify", str(tmp_path), "--pattern", "{label}_{group}_{n}.wav",
               "--by", "stratified", "--test", "0.25", "--features", "mel", *QUICK,
               "--out", str(out)]  # fmt: skip
    code, _, said = run(command, capsys)
    assert code == 3
    assert "bad_s1_0.wav: cannot be read as sound" in said
    assert "--skip-bad" in said
    code, shown, _ = run(
        [*command, "--skip-bad", "--warp", "0.1", "--tone", "0.5", "--bands", "1"], capsys
    )
    assert code == 0
    assert "HMM per word" in shown
    record = json.loads((out / "evaluation.json").read_text())
    assert any("1 of 25 files could not be read" in note for note in record["notes"])
    one = str(tmp_path / "low_s0_0.wav")
    code, shown, _ = run(["predict", str(out / "model.lstm"), one], capsys)
    assert code == 0
    assert shown.splitlines()[0] == "item,predicted,p_high,p_low"
    page = out / "explained.html"
    code, shown, _ = run(["explain", str(out / "model.lstm"), one, "--out", str(page)], capsys)
    assert code == 0
    assert " s\n" in shown
    assert "Spectrogram of 0.10 s" in page.read_text()

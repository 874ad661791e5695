"""longshort fit transcribe, predict, evaluate, report and explain on drawn signs and on sound."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import typer
from typer.testing import CliRunner

from longshort.cli.app import app
from longshort.records import TranscriptEvaluation
from tests.tasks.test_transcribe import signs

RUNNER = CliRunner()


def run(*arguments: object) -> str:
    done = RUNNER.invoke(app, [str(each) for each in arguments])
    assert done.exit_code == 0, done.output + str(done.exception)
    return done.output


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("signs")
    for name, count, seed in (("signs.csv", 90, 0), ("more.csv", 6, 1)):
        corpus = signs(count, seed)
        assert corpus.series is not None
        assert corpus.transcripts is not None
        rows = [
            {"id": f"r{item}", "said": text, **dict(zip("wxyz", row.tolist(), strict=True))}
            for item, text in enumerate(corpus.transcripts)
            for row in corpus.series.values[corpus.series.rows(item)]
        ]
        pl.DataFrame(rows).write_csv(where / name)
    told = run(
        "fit", "transcribe", where / "signs.csv", "--item", "id", "--transcript", "said",
        "--size", 24, "--depth", 1, "--dropout", 0, "--epochs", 8, "--learning-rate", 0.02,
        "--width", 4, "--language", "ngrams", "--order", 2, "--out", where / "out",
    )  # fmt: skip
    assert "characters wrong" in told
    assert "HMM loop" in told
    return where


def test_a_fit_writes_model_record_and_page(folder: Path) -> None:
    record = TranscriptEvaluation.from_json((folder / "out" / "evaluation.json").read_bytes())
    assert record.items == 9
    assert {score.method for score in record.scores} >= {"LSTM", "most frequent transcript"}
    ours = record.ours
    assert ours is not None
    assert (ours.measures["cer"].value or 0) < 0.2
    wrongs = ours.wrongs["cer"]
    symbols = wrongs.hits + wrongs.substitutions + wrongs.deletions
    errors = wrongs.substitutions + wrongs.deletions + wrongs.insertions
    assert ours.measures["cer"].value == pytest.approx(errors / symbols)
    assert any("language model" in note for note in record.notes)
    assert any(note.startswith("Transcripts are compared") for note in record.notes)
    page = (folder / "out" / "report.html").read_text()
    assert 'class="heard"' in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    run("report", folder / "out" / "evaluation.json", "--out", folder / "again.html")
    assert (folder / "again.html").read_text() == page


def test_other_data_are_transcribed_and_judged(folder: Path) -> None:
    model = folder / "out" / "model.lstm"
    run("predict", model, folder / "more.csv", "--out", folder / "told.csv")
    told = pl.read_csv(folder / "told.csv")
    assert told.columns == ["item", "transcript", "confidence"]
    assert told.height == 6
    judged = folder / "judged"
    shown = run("evaluate", model, folder / "more.csv", "--metric", "wer", "--out", judged)
    assert "6 items" in shown
    record = TranscriptEvaluation.from_json((judged / "evaluation.json").read_bytes())
    assert record.metric == "wer"
    assert "no yardstick" in record.verdict
    run("explain", model, folder / "more.csv", "--out", folder / "words.csv")
    words = pl.read_csv(folder / "words.csv")
    assert words.height == sum(len(str(text).split()) for text in told["transcript"])
    assert (words["start"] < words["end"]).all()


def test_as_much_is_told_of_transcripts_as_is_asked_for(folder: Path) -> None:
    model, more = folder / "out" / "model.lstm", folder / "more.csv"

    def told(*options: object) -> pl.DataFrame:
        run("predict", model, more, *options, "--out", folder / "asked.csv")
        return pl.read_csv(folder / "asked.csv")

    best = told("--best", 3)
    assert best.columns == ["item", "rank", "score", "transcript", "confidence"]
    firsts = best.filter(pl.col("rank") == 1)
    assert firsts["transcript"].to_list() == told()["transcript"].to_list()
    for _, own in best.group_by("item"):
        assert own["score"].is_sorted(descending=True)
        assert own["rank"].to_list() == list(range(1, own.height + 1))
    symbols = told("--rows", "symbols")
    assert symbols.columns == ["item", "symbol", "start", "end", "confidence"]
    # an expected word outweighs whatever was drawn
    hot = told("--hot-words", "dada", "--hot-weight", 40)
    assert any("dada" in str(text) for text in hot["transcript"])
    aligned = told("--align")
    truth = pl.read_csv(more).unique("id", maintain_order=True)
    words = [word for text in truth["said"] for word in str(text).split()]
    assert aligned["word"].to_list() == words
    assert (aligned["start"] < aligned["end"]).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--rows", "lines"], "--rows lines"),
        (["--align", "--best", 2], "aligned, and not sought"),
        (["--hot-words", "xy"], "hot word 'xy' holds 'x'"),
        (["--best", 0], "count=0"),
        (["--quantiles", "0.5"], "--quantiles: a transcriber has no use for it"),
    ],
)
def test_what_cannot_be_told_is_refused(folder: Path, options: list[object], message: str) -> None:
    asked = ["predict", folder / "out" / "model.lstm", folder / "more.csv", *options]
    done = RUNNER.invoke(app, [str(each) for each in asked])
    assert done.exit_code
    assert message in " ".join((done.output + str(done.exception)).split())


def test_sound_files_of_a_table_are_transcribed(tmp_path: Path) -> None:
    soundfile = pytest.importorskip("soundfile")
    rng = np.random.default_rng(0)
    rows = []
    for at in range(24):
        text = "".join(rng.choice(list("ab"), rng.integers(1, 4)))
        tones = [np.sin(2 * np.pi * (400 if c == "a" else 1400) * np.arange(1200) / 8000)
                 for c in text]  # fmt: skip
        samples = np.concatenate([np.pad(0.4 * tone, (0, 600)) for tone in tones])
        soundfile.write(
            tmp_path / f"{at}.wav", samples + 0.01 * rng.normal(size=len(samples)), 8000
        )
        rows.append({"path": f"{at}.wav", "text": text})
    pl.DataFrame(rows).write_csv(tmp_path / "tones.tsv", separator="\t")
    told = run(
        "fit", "transcribe", tmp_path / "tones.tsv", "--size", 12, "--depth", 1, "--epochs", 1,
        "--no-bidirectional", "--scale", "channel", "--test", 0.2, "--yardsticks", "quick",
        "--out", tmp_path / "out",
    )  # fmt: skip
    assert "most frequent transcript" in told
    page = (tmp_path / "out" / "report.html").read_text()
    assert 'src="data:audio/wav;base64,' in page
    told = run("predict", tmp_path / "out" / "model.lstm", tmp_path / "tones.tsv")
    assert told.count("\n") == 25


def test_the_page_on_transcription_names_options_that_there_are() -> None:
    page = Path(__file__).parents[2] / "docs" / "transcription.md"
    commands: Any = typer.main.get_command(app)
    found = [commands.commands[name] for name in ("predict", "evaluate", "explain")]
    found.append(commands.commands["fit"].commands["transcribe"])
    params = [each for command in found for each in command.params]
    known = {flag for each in params for flag in (*each.opts, *each.secondary_opts)}
    written = set(re.findall(r"--[a-z][a-z-]+", page.read_text()))
    assert written - known == set()

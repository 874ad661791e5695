"""longshort fit translate, summarize and caption, and what else is done with such models."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from longshort import load
from longshort.cli.app import app
from longshort.errors import LongshortError, LongshortWarning
from longshort.records import TranslationEvaluation
from tests.evaluate.test_translations import pairs

RUNNER = CliRunner()
SMALL = ("--size", 8, "--embedding", 8, "--epochs", 1, "--batch", 16, "--depth", 1, "--width", 2)


def run(*arguments: object, lines: str | bytes | None = None) -> str:
    done = RUNNER.invoke(app, [str(each) for each in arguments], input=lines)
    assert done.exit_code == 0, done.output + str(done.exception)
    return done.stdout


def refused(*arguments: object, lines: str | bytes | None = None) -> str:
    done = RUNNER.invoke(app, [str(each) for each in arguments], input=lines)
    assert isinstance(done.exception, LongshortError), done.output
    return str(done.exception)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("numbers")
    for name, seed, count in (("train", 0, 60), ("dev", 1, 10), ("test", 2, 12)):
        corpus = pairs(seed, count)
        (where / f"{name}.en").write_text("\n".join(corpus.texts or ()) + "\n")
        (where / f"{name}.de").write_text("\n".join(corpus.transcripts or ()) + "\n")
    run(
        "fit", "translate", where / "train.en", where / "train.de", *SMALL,
        "--valid", f"{where / 'dev.en'},{where / 'dev.de'}",
        "--test", f"{where / 'test.en'},{where / 'test.de'}", "--out", where / "out",
    )  # fmt: skip
    return where


def test_two_files_become_a_model_a_record_and_a_page(folder: Path) -> None:
    record = TranslationEvaluation.from_json((folder / "out" / "evaluation.json").read_text())
    assert (record.what, record.metric, record.items) == ("translations", "bleu", 12)
    assert {part.name: part.pairs for part in record.data.parts} == {
        "train": 60, "valid": 10, "test": 12,
    }  # fmt: skip
    assert [score.kind for score in record.scores] == ["lstm", "naive", "naive", "classical"]
    assert any(example.aligned for example in record.worst)
    page = (folder / "out" / "report.html").read_text()
    assert record.verdict.split(",")[0] in page
    run("report", folder / "out" / "evaluation.json", "--out", folder / "again.html")
    assert (folder / "again.html").read_text() == page


def test_lines_of_standard_input_are_answered_one_by_one(folder: Path) -> None:
    model = folder / "out" / "model.lstm"
    answers = run("predict", model, lines="one two\n\nthree").split("\n")
    assert len(answers) == 4
    # an empty line has an empty answer
    assert answers[1] == ""
    ranked = run("predict", model, "-", "--best", 2, lines="one two\n").strip().split("\n")
    scores = [float(line.split("\t")[0]) for line in ranked]
    assert scores == sorted(scores, reverse=True)
    assert len(scores) == 2
    with pytest.warns(LongshortWarning, match="the first is standard input, line 2"):
        run("predict", model, lines="one\n\u0665\u0666\n")
    assert "line 2: byte 0xff is not UTF-8" in refused("predict", model, lines=b"one\n\xff\n")
    assert "standard output (> x.csv)" in refused("predict", model, "--out", "x.csv", lines="one\n")


def test_files_are_answered_with_a_row_for_each_source(folder: Path) -> None:
    model = folder / "out" / "model.lstm"
    run("predict", model, folder / "test.en", "--out", folder / "told.csv")
    told = pl.read_csv(folder / "told.csv")
    assert told.columns == ["item", "target", "score"]
    assert told.height == 12
    run("predict", model, folder / "test.en", "--best", 2, "--width", 3, "--out", folder / "b.csv")
    assert pl.read_csv(folder / "b.csv")["rank"].to_list() == [1, 2] * 12


def test_other_data_are_a_test_part_as_a_whole(folder: Path) -> None:
    model = folder / "out" / "model.lstm"
    told = run("evaluate", model, f"{folder / 'dev.en'},{folder / 'dev.de'}", "--metric", "chrf")
    assert "10 sources of the test part" in told
    assert "stands beside no yardstick: its chrF" in " ".join(told.split())


def test_what_was_looked_at(folder: Path) -> None:
    model = folder / "out" / "model.lstm"
    told = run("explain", model, "one two")
    assert "</s> |" in told
    run("explain", model, folder / "test.en", "--out", folder / "looked.html")
    assert (folder / "looked.html").read_text().count('class="looked"') == 10
    assert "drawn as an .html page" in refused("explain", model, "one", "--out", "x.json")
    assert "every source is empty" in refused("explain", model, " ")
    assert "every source is empty" in refused("explain", model, "")


def test_summaries_and_captions(tmp_path: Path) -> None:
    corpus = pairs(3, 40)
    rows = [
        {"article": f"{text} and so on and on and on and on", "summary": text}
        for text in corpus.texts or ()
    ]
    articles = tmp_path / "articles.jsonl"
    articles.write_text("\n".join(map(json.dumps, rows)))
    told = run("fit", "summarize", articles, *SMALL, "--out", tmp_path / "s", "--test", 0.3)
    assert "ROUGE-L" in told
    assert "first " in told
    image = pytest.importorskip("PIL.Image")
    for at in range(20):
        image.new("RGB", (16, 16), (12 * at, 0, 255 - 12 * at)).save(tmp_path / f"{at}.png")
    captions = tmp_path / "captions.csv"
    captions.write_text(
        "image,caption\n" + "".join(f"{at}.png,{'red' if at > 9 else 'blue'} {at % 3}\n"
                                    for at in range(20))
    )  # fmt: skip
    told = run(
        "fit", "caption", captions, "--size", 8, "--embedding", 8, "--epochs", 1, "--pixels", 16,
        "--test", 0.4, "--out", tmp_path / "c",
    )  # fmt: skip
    assert "CIDEr-D" in told
    assert "nearest picture" in told


def test_files_that_are_not_there_and_lines_for_others(folder: Path, tmp_path: Path) -> None:
    one, two = folder / "train.en", folder / "train.de"
    assert "3 files: give one of pairs, or two" in refused("fit", "translate", one, two, one)
    told = refused("fit", "translate", one, two, "--valid", "dev.xx,dev.yy", "--out", tmp_path)
    assert "there is no file dev.xx" in told
    short = tmp_path / "short.de"
    short.write_text("eins\n")
    told = refused("fit", "translate", one, short, "--out", tmp_path / "o")
    assert "train.en has 60 lines, and short.de has 1: line 2 of train.en" in told
    model = folder / "out" / "model.lstm"
    for given in ("one two", f"{one},{two}", "x" * 300):
        told = refused("predict", model, given)
        assert "there is no such file; texts are given on standard input" in told
        assert told == refused("predict", model, given, "--best", 2)


def test_sources_are_of_the_targets_symbols_unless_others_are_named(tmp_path: Path) -> None:
    table = tmp_path / "numbers.tsv"
    table.write_text("source\ttarget\n" + "".join(f"{n}\tnumber {n}\n" for n in range(40)))
    fit = ("fit", "translate", table, *SMALL, "--yardsticks", "quick")
    model = load(_fitted(*fit, "--unit", "characters", out=tmp_path / "same"))
    assert (model.source.unit, model.target.unit) == ("characters", "characters")
    assert not any("has not seen" in note for note in model.known_.notes)
    # numbers that are words are new ones whenever they come
    with pytest.warns(LongshortWarning, match="4 of 4 sources .* of words .*--source-unit"):
        _fitted(*fit, out=tmp_path / "words")
    other = load(_fitted(*fit, "--source-unit", "characters", out=tmp_path / "other"))
    assert (other.source.unit, other.target.unit) == ("characters", "words")


def _fitted(*arguments: object, out: Path) -> Path:
    run(*arguments, "--out", out)
    return out / "model.lstm"

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from longshort.cli.app import main
from longshort.errors import ArgumentError, DataError
from longshort.evaluate.beside import beside
from longshort.records import AnomalyEvaluation, History, Measured, SeriesScore

from ..report.anomalies.conftest import labelled_record, unlabelled_record  # noqa: TID252


def record(level: float, spread: float = 0.01, series: int = 12, size: str = "32"):
    """Series around a level."""
    random = np.random.default_rng(round(1000 * level))
    values = level + spread * random.standard_normal(series)
    whole = labelled_record()
    ours = whole.scores[0]
    measures = {**ours.measures, "vus_pr": Measured(float(values.mean()))}
    scores = tuple(SeriesScore(f"s{at}", 9, 1, 1, 0, float(v)) for at, v in enumerate(values))
    return replace(
        whole,
        scores=(replace(ours, measures=measures), *whole.scores[1:]),
        by_series=scores,
        settings={"recurrent.size": size, "same": "1"},
        history=History(),
        watched=(),
        shown=(),
    )


def test_the_best_stands_first_with_its_differences() -> None:
    found = beside({"small": record(0.3), "large": record(0.5, size="64")})
    assert [(each.method, each.kind) for each in found.scores] == [
        ("large", "lstm"), ("small", "lstm"), ("random", "naive"),
        ("PCA on windows (20)", "classical"),
    ]  # fmt: skip
    (apart,) = found.differences
    assert (apart.ours, apart.theirs) == ("large", "small")
    assert apart.change == pytest.approx(0.2, abs=0.02)
    assert apart.low is not None
    assert apart.low > 0.15
    assert found.verdict.startswith("large has the highest VUS-PR, 0.499")
    assert found.verdict.endswith("beyond chance above all others.")
    assert found.settings == {"small: recurrent.size": "32", "large: recurrent.size": "64"}
    assert AnomalyEvaluation.from_json(found.to_json()) == found


def test_what_chance_may_have_done_is_said() -> None:
    found = beside({"a": record(0.40, 0.2), "b": record(0.41, 0.2)})
    assert "it cannot be told apart from" in found.verdict
    few = beside({"a": record(0.4, series=3), "b": record(0.5, series=3)})
    assert few.verdict == (
        f"b has the highest VUS-PR, {few.scores[0].measures['vus_pr'].value:.3f}, before a "
        f"({few.scores[1].measures['vus_pr'].value:.3f}); series are too few to tell chance from "
        "skill."
    )
    assert few.differences[0].low is None


def test_other_rows_and_no_labels_are_refused() -> None:
    one = record(0.3)
    with pytest.raises(ArgumentError, match="two or more are compared; got 1"):
        beside({"a": one})
    with pytest.raises(DataError, match="a and b differ in their series: only what was judged"):
        beside({"a": one, "b": record(0.3, series=4)})
    with pytest.raises(DataError, match="a and b differ in their buffer"):
        beside({"a": one, "b": replace(one, buffer=5)})
    bare = unlabelled_record()
    with pytest.raises(DataError, match="a: nothing is labelled"):
        beside({"a": bare, "b": bare})


def run(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    said = capsys.readouterr()
    return int(stop.value.code or 0), said.out, said.err


def test_records_are_compared_at_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, made in (("small", record(0.3)), ("large", record(0.5))):
        (tmp_path / name).mkdir()
        (tmp_path / name / "evaluation.json").write_text(made.to_json())
    paths = [str(tmp_path / name / "evaluation.json") for name in ("small", "large")]
    out = tmp_path / "both"
    code, said, told = run(["compare", *paths, "--out", str(out)], capsys)
    assert (code, told) == (0, "")
    assert "large has the highest VUS-PR" in " ".join(said.split())
    assert "large" in (out / "report.html").read_text()
    again = tmp_path / "again.html"
    assert run(["report", str(out / "evaluation.json"), "--out", str(again)], capsys)[0] == 0
    assert again.read_text() == (out / "report.html").read_text()
    code, _, told = run(["compare", paths[0], paths[0], "--out", str(out)], capsys)
    assert code == 2
    assert "two records called 'small'" in " ".join(told.split())
    code, _, told = run(["compare", paths[0], "sales.csv", "--out", str(out)], capsys)
    assert code == 2
    assert "one table is compared on" in " ".join(told.split())

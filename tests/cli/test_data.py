"""``longshort data``."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from longshort.cli.app import app

RATED = b"1\t2.0\tgood\n"


def test_every_set_is_listed() -> None:
    done = CliRunner().invoke(app, ["data", "list"])
    assert done.exit_code == 0
    assert "seattle-weather" in done.output
    assert "--from PATH" in done.output


def test_a_set_comes_with_its_licence_and_citation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from longshort.data.catalog import fetch

    given = tmp_path / "tweets_GroundTruth.txt"
    given.write_bytes(RATED)
    monkeypatch.setattr(fetch, "_checked", lambda entry, files, source: files)
    out = tmp_path / "out"
    done = CliRunner().invoke(app, ["data", "tweets", "--from", str(given), "--out", str(out)])
    assert done.exit_code == 0
    assert (out / "tweets.csv").read_text() == "text,label,rating\ngood,positive,2.0\n"
    for told in ("tweets.csv", "licence: MIT", "Hutto", "longshort fit classify tweets.csv"):
        assert told in done.output

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from longshort import Chunking, LanguageModel, Recurrent, Shares, Training
from longshort.data.sources.prose import Piece, Prose

TEXT = "".join(np.random.default_rng(0).choice(list("abcd "), 3000))


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    import language

    def recipe(**changes: object) -> LanguageModel:
        return LanguageModel(
            shares=Shares(0.05, 0.1),
            chunking=Chunking(10),
            recurrent=Recurrent(8),
            training=Training(epochs=1, batch=4, members=1),
        ).set_params(**changes)

    monkeypatch.setattr(language, "recipe", recipe)
    monkeypatch.setattr(language, "TIMED", 3)
    for name in ("WORK", "RECORDS"):
        monkeypatch.setattr(language, name, tmp_path / name)
    ledger = partial(language.opening, ledger=tmp_path / "ledger.json")
    monkeypatch.setattr(language, "opening", ledger)
    return language


def test_the_last_tenth_stays_shut_until_it_is_judged(
    bench: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shut = True

    def read() -> object:
        yield Piece(TEXT[:2700], True)
        # its length is known, not what it holds
        yield Piece(" " * 300 if shut else TEXT[2700:], False)

    text = Prose("letters", read)  # type: ignore[arg-type]
    bench.choose(text)
    said = capsys.readouterr().out
    assert "**LSTM**" in said
    assert not (tmp_path / "ledger.json").exists()
    shut = False
    bench.judge(text, "")
    table = capsys.readouterr().out.splitlines()[-4:]
    entry = json.loads((tmp_path / "ledger.json").read_text())[0]
    assert entry["scored"]["LSTM"] > 1.4
    assert any(f"{entry['scored']['LSTM']:.4f}" in line for line in table)
    page = bench.page()
    assert all(line in page for line in table)
    assert "scored on all 300 characters" in page


def test_speed_is_told_of_both(bench: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert "has not been opened" in bench.page()
    bench.speed(Prose("letters", lambda: iter([Piece(TEXT, True)])))
    assert "| torch.nn.LSTM |" in bench.page()

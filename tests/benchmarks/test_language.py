from __future__ import annotations

import io
import json
import struct
import sys
import tarfile
import zlib
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from longshort import Chunking, LanguageModel, Next, Recurrent, Shares, Training
from longshort.data.sources.prose import Piece, Prose

TEXT = "".join(np.random.default_rng(0).choice(list("abcd "), 3000))


def recipe(**changes: object) -> LanguageModel:
    return LanguageModel(
        shares=Shares(0.05, 0.1),
        chunking=Chunking(10),
        head=Next("plain", embedding=8),
        recurrent=Recurrent(8),
        training=Training(epochs=1, batch=4, members=1),
    ).set_params(**changes)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    import language

    sets = {
        "letters": replace(
            language.SETS["tinyshakespeare"],
            name="letters",
            make=recipe,
            adapt={"steps": 10, "most": 50},
            orders=(2,),
        )
    }
    monkeypatch.setattr(language, "SETS", sets)
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

    text, task = Prose("letters", read), bench.SETS["letters"]  # type: ignore[arg-type]
    bench.choose(task, text)
    said = capsys.readouterr().out
    assert "**LSTM**" in said
    assert not (tmp_path / "ledger.json").exists()
    assert "has not been opened" in bench.page(bench.SETS, bench.RECORDS)
    shut = False
    bench.judge(task, text, "")
    table = capsys.readouterr().out.splitlines()[-8:]
    entry = json.loads((tmp_path / "ledger.json").read_text())[0]
    rows = ["LSTM", "LSTM, dynamic", "LSTM, cache", "LSTM, dynamic and cache"]
    assert list(entry["scored"])[:5] == [*rows, "Kneser-Ney, order 2"]
    assert "cache=Cache(" in entry["frozen"]["adaptation"]
    for name in rows:
        assert any(f"{name}**" in line and f"{entry['scored'][name]:.4f}" in line for line in table)
    page = bench.page(bench.SETS, bench.RECORDS)
    assert all(line in page for line in table)
    assert "The test part has 300 symbols" in page


def test_speed_is_told_of_all(
    bench: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from texts import speed

    for name, value in {"TURNS": 1, "TIMED": 3, "WRITTEN": 20, "UNITS": 8}.items():
        monkeypatch.setattr(speed, name, value)
    monkeypatch.setattr(speed, "beside_keras", lambda _, __, backend: (0.5, f"Keras on {backend}."))
    text = Prose("letters", lambda: iter([Piece(TEXT, True)]))
    speed.speeds(recipe(), text, bench.RECORDS / "speed.json", Path("python"))
    page = bench.page(bench.SETS, bench.RECORDS)
    # 40 characters in half a second
    assert "| Keras, jax | 80 |" in page
    assert page.count("| torch.nn.LSTM |") == page.count("| Longshort |") == 2
    assert "Keras on torch." in page


VERSES = {
    "ot": [
        'In the <w lemma="x">beginning</w> God<note>or, \nJudges</note> created.',
        "¶ And \\nd he.",
    ],
    "nt": ["<title>A Psalm</title> The <transChange>same</transChange> \n day — “even”."],
}


def module() -> dict[str, bytes]:
    """The files of a module of SWORD, as its driver zText has them."""
    found = {}
    for testament, verses in VERSES.items():
        # an empty book, then marks alone, then verses
        parts = [b'<chapter sID="1"/> ', *(verse.encode() for verse in verses)]
        books = [b"", b"".join(parts)]
        packed = [zlib.compress(book) for book in books]
        starts = [0, len(packed[0])]
        index, at = [struct.pack("<IIH", 0, 0, 0)], 0
        for part in parts:
            index.append(struct.pack("<IIH", 1, at, len(part)))
            at += len(part)
        places = [
            struct.pack("<III", start, len(own), len(book))
            for start, own, book in zip(starts, packed, books, strict=True)
        ]
        found[f"{testament}.bzs"] = b"".join(places)
        found[f"{testament}.bzz"] = b"".join(packed)
        found[f"{testament}.bzv"] = b"".join(index)
    return found


def test_verses_are_read_from_a_package_and_from_its_folder(tmp_path: Path) -> None:
    from texts import kingjames

    folder = tmp_path / kingjames.INSIDE
    folder.mkdir(parents=True)
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:xz") as tar:
        for name, content in module().items():
            (folder / name).write_bytes(content)
            info = tarfile.TarInfo(f"./{kingjames.INSIDE}/{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    package = tmp_path / "package.deb"
    members = [("debian-binary", b"2.0\n!"), ("data.tar.xz", archive.getvalue())]
    package.write_bytes(
        b"!<arch>\n"
        + b"".join(
            f"{name:<48}{len(content):<10}`\n".encode() + content + b"\n" * (len(content) % 2)
            for name, content in members
        )
    )
    expected = ["In the beginning God created.", "And he.", "The same day — “even”."]
    assert list(kingjames.verses(package)) == list(kingjames.verses(tmp_path)) == expected
    with pytest.raises(SystemExit, match="3 verses"):
        kingjames.read(package)
    other = tmp_path / "other.deb"
    other.write_bytes(b"no package at all")
    with pytest.raises(SystemExit, match="no Debian package"):
        kingjames.read(other)

"""Text files as documents: what is read, where it is cut, and what is refused."""

from __future__ import annotations

import gzip
import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from longshort.data.sources import prose as module
from longshort.data.sources.prose import Documents, Prose, read_prose
from longshort.errors import ArgumentError, DataError

TEXT = "Einmal war ein Mädchen\tim Wald.\n\nDie Sonne schien – hell!\n" * 40


def documents_of(prose: Prose) -> list[str]:
    found: list[str] = []
    for text, first in prose.read():
        if first:
            found.append("")
        found[-1] += text
    return found


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "tale.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


def test_a_file_is_one_document_whatever_the_blocks(
    written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for block in (1, 7, 64, 2**20):
        monkeypatch.setattr(module, "_BLOCK", block)
        assert documents_of(read_prose(written)) == [TEXT]
    assert read_prose(str(written)).extent().characters == len(TEXT)


def test_pieces_end_where_words_end(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BLOCK", 50)
    pieces = [piece.text for piece in read_prose(written).read()]
    assert len(pieces) > 10
    for before, after in pairwise(pieces):
        assert not before[-1].isspace()
        assert after[0].isspace()


def test_packed_files_read_the_same(tmp_path: Path) -> None:
    zstandard = pytest.importorskip("zstandard")
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(TEXT.encode()))
    (tmp_path / "b.txt.zst").write_bytes(zstandard.compress(TEXT.encode()))
    assert documents_of(read_prose(tmp_path / "a.txt.gz")) == [TEXT]
    assert documents_of(read_prose(tmp_path / "b.txt.zst")) == [TEXT]
    assert documents_of(read_prose(tmp_path)) == [TEXT, TEXT]


def test_lines_and_objects_are_documents(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\n\ntwo \nthree")
    by_line = read_prose(tmp_path / "a.txt", Documents(by="line"))
    assert documents_of(by_line) == ["one", "two ", "three"]
    lines = [json.dumps({"body": "a\nb"}), "", json.dumps({"body": "c", "id": 3})]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    found = read_prose(tmp_path / "a.jsonl", Documents(field="body"))
    assert documents_of(found) == ["a\nb", "c"]
    assert found.extent().starts.tolist() == [0, 3]


@pytest.mark.parametrize("cuts", [(0, 3), (2, 5), (3, 9), (4, 4), (0, 9)])
def test_a_part_is_the_characters_between(cuts: tuple[int, int]) -> None:
    prose = read_prose(["abc", "defg", "hi"])
    part = "".join(piece.text for piece in prose.between(*cuts).read())
    assert part == "abcdefghi"[slice(*cuts)]


def test_a_part_knows_which_documents_begin_in_it() -> None:
    prose = read_prose(["abc", "defg", "hi"])
    assert [tuple(piece) for piece in prose.between(4, 8).read()] == [("efg", False), ("h", True)]


def test_a_byte_order_mark_is_no_character(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xef\xbb\xbfabc")
    assert documents_of(read_prose(path)) == ["abc"]


@pytest.mark.parametrize("block", [1, 3, 2**20])
def test_what_is_no_text_is_refused_with_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(module, "_BLOCK", block)
    path = tmp_path / "a.txt"
    for junk, place, word in (
        (b"abc\0def", 3, "zero byte"),
        ("Mä".encode() + b"\xe4dchen", 3, "no UTF-8"),
        ("Mädchen".encode()[:2], 1, "no UTF-8"),
    ):
        path.write_bytes(junk)
        with pytest.raises(DataError, match=rf"a\.txt, byte {place}.*{word}"):
            documents_of(read_prose(path))


def test_bad_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match="no such file"):
        read_prose(tmp_path / "none.txt")
    with pytest.raises(DataError, match=r"no such file. A text in memory is given as \[text\]"):
        read_prose(TEXT)
    with pytest.raises(DataError, match="no file in it"):
        read_prose(tmp_path)
    with pytest.raises(ArgumentError, match="got ndarray"):
        read_prose(np.zeros(3))
    with pytest.raises(DataError, match="no text"):
        read_prose([]).extent()
    (tmp_path / "a.txt").write_bytes(b"")
    with pytest.raises(DataError, match=r"a\.txt: there is no text"):
        read_prose(tmp_path / "a.txt").extent()
    (tmp_path / "b.gz").write_bytes(gzip.compress(b"abc" * 1000)[:-9])
    with pytest.raises(DataError, match="not a whole packed file"):
        documents_of(read_prose(tmp_path / "b.gz"))
    for line, words in (("{", "no JSON object"), ("[1]", "must be an object"), ("{}", "nothing")):
        (tmp_path / "c.jsonl").write_text('{"text": "a"}\n' + line)
        with pytest.raises(DataError, match=rf"c\.jsonl, line 2.*{words}"):
            documents_of(read_prose(tmp_path / "c.jsonl"))
    monkeypatch.setattr(module, "_LONGEST", 10)
    monkeypatch.setattr(module, "_BLOCK", 4)
    (tmp_path / "d.txt").write_text("ab\n" + "a" * 20)
    with pytest.raises(DataError, match="line 2: it is longer"):
        documents_of(read_prose(tmp_path / "d.txt", Documents(by="line")))

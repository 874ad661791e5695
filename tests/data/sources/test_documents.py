"""Texts with labels out of tables, folders and lists, and what is said of wrong ones."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import polars as pl
import pytest

from longshort.data.corpus import Roles
from longshort.data.sources.documents import from_texts, read_documents
from longshort.errors import DataError

TABLE = pl.DataFrame(
    {"review": ["good", "bad, though", None], "stars": [5, 1, 3], "who": ["x", "y", "x"]}
)
ROLES = Roles(text="review", label="stars", group="who")


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl", "parquet"])
def test_every_kind_of_table_reads_the_same(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"reviews.{suffix}"
    if suffix in ("csv", "tsv"):
        TABLE.write_csv(path, separator="," if suffix == "csv" else "\t")
    elif suffix == "jsonl":
        TABLE.write_ndjson(path)
    else:
        TABLE.write_parquet(path)
    found = read_documents(path, ROLES)
    assert found.texts == ("good", "bad, though", "")
    assert found.labels == (("5",), ("1",), ("3",))
    assert found.groups == ("x", "y", "x")
    assert found.where(1).startswith(path.name)


def test_frames_read_the_same() -> None:
    for frame in (TABLE, pd.DataFrame(TABLE.to_dict(as_series=False))):
        assert read_documents(frame, ROLES).labels == (("5",), ("1",), ("3",))


def test_several_labels_stand_in_columns_or_in_one_cell() -> None:
    flags = pl.DataFrame({"t": ["a", "b"], "toxic": [1, 0], "rude": [True, False]})
    found = read_documents(flags, Roles(text="t", label=("toxic", "rude")))
    assert found.labels == (("toxic", "rude"), ())
    cells = pl.DataFrame({"t": ["a", "b"], "tags": ["x; y", ""]})
    found = read_documents(cells, Roles(text="t", label="tags", separator=";"))
    assert found.labels == (("x", "y"), ())
    wrong = flags.with_columns(toxic=pl.Series([2, 0]))
    with pytest.raises(DataError, match="neither 0 nor 1"):
        read_documents(wrong, Roles(text="t", label=("toxic", "rude")))


def test_folders_are_labels_and_parts(tmp_path: Path) -> None:
    for part in ("train", "dev", "test"):
        for label in ("neg", "pos"):
            folder = tmp_path / part / label
            folder.mkdir(parents=True)
            (folder / "1.txt").write_text(f"{part} {label}", encoding="utf-8")
    found = read_documents(tmp_path, Roles())
    assert set(found.parts or ()) == {"train", "valid", "test"}
    assert ("pos",) in (found.labels or ())
    assert found.where(0) == f"{tmp_path}: 'dev/neg/1.txt'"
    plain = read_documents(tmp_path / "train", Roles())
    assert plain.parts is None
    assert plain.texts == ("train neg", "train pos")


def test_a_wrong_byte_is_told_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "pos").mkdir()
    (tmp_path / "pos" / "a.txt").write_bytes(b"caf\xe9")
    with pytest.raises(DataError, match=r"a\.txt: byte 0xe9 at offset 3 is not UTF-8"):
        read_documents(tmp_path, Roles())
    path = tmp_path / "t.csv"
    path.write_bytes(b"text,label\ncaf\xe9,x\n")
    with pytest.raises(DataError, match=r"t\.csv, line 2: byte 0xe9"):
        read_documents(path, Roles(text="text"))


def test_columns_that_are_not_there_are_said() -> None:
    with pytest.raises(DataError, match=r"no column 'reviw' for text: did you mean 'review'"):
        read_documents(TABLE, Roles(text="reviw", label="stars"))
    with pytest.raises(DataError, match="no column 'label' for label"):
        read_documents(TABLE, Roles(text="review"))
    with pytest.raises(DataError, match="which column holds the texts"):
        read_documents(TABLE, Roles(label="stars"))
    bare = read_documents(TABLE, Roles(text="review"), labelled=False)
    assert bare.labels is None
    with pytest.raises(DataError, match="no part of a split"):
        read_documents(TABLE, Roles(text="review", label="stars", part="who"))


def test_an_empty_folder_says_what_it_should_hold(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="make a folder for each label"):
        read_documents(tmp_path, Roles())


def test_lists_are_texts_or_words() -> None:
    assert from_texts(["a b", "c"]).texts == ("a b", "c")
    assert from_texts([["a", "b"], []]).tokens == (("a", "b"), ())
    with pytest.raises(DataError, match="item 2 is str"):
        from_texts([["a"], "b"])


def test_what_parts_the_data_is_not_needed_to_predict() -> None:
    roles = Roles(text="review", label="mood", group="guest", time="day", part="part")
    bare = pl.DataFrame({"review": ["a", "b"]})
    found = read_documents(bare, roles, labelled=False)
    assert (found.labels, found.groups, found.moments, found.parts) == (None,) * 4
    with pytest.raises(DataError, match="'guest' for group"):
        read_documents(bare.with_columns(mood=pl.lit("x")), roles)

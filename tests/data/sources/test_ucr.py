"""Files of the UCR and UEA archives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from longshort.data.sources.ucr import read_ucr
from longshort.errors import DataError

HEADER = "#about\n@problemName P\n@timeStamps false\n@univariate false\n@classLabel true a b\n"


def written(folder: Path, text: str, name: str = "P_TRAIN.ts") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_dimensions_of_mixed_lengths_with_gaps(tmp_path: Path) -> None:
    path = written(tmp_path, HEADER + "@data\n1,?,3:4,5,6:a\n\n7,8,NaN:9,?,?:b\n?:?:a\n")
    corpus = read_ucr(path)
    assert corpus.labels == (("a",), ("b",), ("a",))
    assert corpus.series is not None
    assert corpus.series.names == ("x0", "x1")
    assert corpus.series.lengths.tolist() == [3, 2, 0]
    nan = np.nan
    np.testing.assert_array_equal(
        corpus.series.values, [[1, 4], [nan, 5], [3, 6], [7, 9], [8, nan]]
    )
    assert corpus.where(1) == "P_TRAIN.ts, line 9"


def test_times_stand_in_brackets(tmp_path: Path) -> None:
    header = "@timeStamps true\n@classLabel false\n@data\n"
    rows = "(2007-01-01 00:00:00,1),(2007-01-01 00:02:00,2):(2007-01-01 00:01:00,5)\n"
    series = read_ucr(written(tmp_path, header + rows)).series
    assert series is not None
    assert series.times is not None
    minutes = (series.times - np.datetime64("2007-01-01", "us")) / np.timedelta64(1, "m")
    assert minutes.tolist() == [0, 1, 2]
    np.testing.assert_array_equal(series.values, [[1, np.nan], [np.nan, 5], [2, np.nan]])
    counted = read_ucr(written(tmp_path, header + "(0,1),(5,2)\n"))
    assert counted.labels is None


@pytest.mark.parametrize("name", ["P.tsv", "P.txt"])
def test_plain_files_have_the_label_first(tmp_path: Path, name: str) -> None:
    mark = "\t" if name.endswith("tsv") else "  "
    rows = [["1.0000000e+00", "0.5", "1.5"], ["-1", "2", "NaN"], ["1.5", "3", "4"]]
    corpus = read_ucr(written(tmp_path, "\n".join(mark.join(row) for row in rows), name))
    assert corpus.labels == (("1",), ("-1",), ("1.5",))
    assert corpus.series is not None
    assert corpus.series.lengths.tolist() == [2, 1, 2]


def test_a_folder_gives_the_archives_own_parts(tmp_path: Path) -> None:
    written(tmp_path, HEADER + "@data\n1,2:3,4:a\n")
    written(tmp_path, HEADER + "@data\n5,6:7,8:b\n9:1:a\n", "P_TEST.ts")
    corpus = read_ucr(tmp_path)
    assert corpus.parts == ("train", "test", "test")
    assert corpus.labels == (("a",), ("b",), ("a",))
    with pytest.raises(DataError, match="no pair of files"):
        read_ucr(tmp_path.parent)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("@data\n1,b:a\n", "line 7: value 2 is 'b'"),
        ("@data\n1,inf:2,3:a\n", "line 7: value 2 is infinite"),
        ("@data\n1,2:3,4:c\n", "line 7: the label 'c' is none of a, b"),
        ("@data\n1,2:3,4:a\n1:a\n", "line 8: 1 dimensions, where 2"),
        ("1,2:3,4:a\n", "line 6: '1,2:3,4:a' stands before @data"),
        ("@timeStamps maybe\n", "line 6: 'maybe' is neither true nor false"),
        ("@dimensions x\n", "line 6: '@dimensions x'"),
        ("", "no line @data"),
        ("@data\n", "there is no series"),
        ("@timeStamps true\n@data\n(0,1),(0,2):a\n", "line 8: times do not rise"),
        ("@timeStamps true\n@data\n(x,1):a\n", "line 8: "),
        ("@timeStamps true\n@data\n(0,1,(2,3):a\n", "line 8: "),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(DataError, match=told):
        read_ucr(written(tmp_path, HEADER + text))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"\.ts, \.tsv, \.txt are read"):
        read_ucr(tmp_path / "P.arff")
    with pytest.raises(DataError, match="No such file"):
        read_ucr(tmp_path / "P.ts")
    path = tmp_path / "P.tsv"
    path.write_bytes(b"1\t2\n2\t\xff\n")
    with pytest.raises(DataError, match="line 2: byte 0xff is not UTF-8"):
        read_ucr(path)

"""Files of pen strokes, each as its format says, and what is said of bad ones."""

import json
import zipfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from longshort.data.corpus import Roles
from longshort.data.sources.ink import is_ink, read_ink
from longshort.errors import DataError

OMNIGLOT = "START\n1,-2,0\n2,-3,50\nBREAK\n5,-5,400\nBREAK\n"
INKML = """<ink xmlns="http://www.w3.org/2003/InkML">
<traceFormat><channel name="X"/><channel name="Y"/><channel name="T" units="ms"/></traceFormat>
<annotation type="truth">ab</annotation><annotation type="writer">w7</annotation>
<trace id="0">10 0 1000, 9 14 1010, 8 28 1020</trace><trace type="penUp">0 0 0</trace>
<trace id="1">130 155 2000</trace></ink>"""
# the example of the standard: 1125 18432, then speeds, then accelerations
DIFFERENCES = "1125 18432,'23'43,\"7\"-8,3-5,7 -3,6 2,6 8,3 6,2 4,*6"
UNIPEN = """.VERSION 1.0
.COORD X Y T
.WRITER_ID w3
.HIERARCHY WORD CHARACTER
.SEGMENT WORD 0-2 ? "it\\"s"
.SEGMENT CHARACTER 0 ? "i"
.SEGMENT CHARACTER 1:1-2:0 ? "t"
.PEN_DOWN
1 2 0
3 4 10
.PEN_UP
.DT 100
.PEN_DOWN
5 6 120
7 8 130
.PEN_DOWN
9 9 200
8 8 210
"""
UJI = """// ASCII char: a
WORD a trn_UJI_W01-01
  NUMSTROKES 2
  POINTS 3 # 1 2 3 4 5 6
  POINTS 1 # 9 9
WORD b trn_UJI_W02-01
  NUMSTROKES 1
  POINTS 1 # 0 0
"""


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def read(path: Path, **roles: object) -> object:
    return read_ink(path, Roles(**roles), labelled=False)


def test_omniglot_as_folder_and_as_zip(tmp_path: Path) -> None:
    folder = tmp_path / "strokes"
    for name in ("Greek/character01/0394_01", "Greek/character02/0395_02", "Latin/c/0001_01"):
        write(folder, f"all/{name}.txt", OMNIGLOT)
    packed = tmp_path / "strokes.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for path in sorted(folder.rglob("*.txt")):
            archive.write(path, path.relative_to(folder))
            archive.writestr(f"__MACOSX/{path.name}", "\0")
    assert is_ink(folder, Roles())
    assert is_ink(packed, Roles())
    one, two = read_ink(folder, Roles()), read_ink(packed, Roles())
    assert one.digest() == two.digest()
    assert one.labels == (("Greek/character01",), ("Greek/character02",), ("Latin/c",))
    assert one.groups == ("01", "02", "01")
    assert one.transcripts is None
    assert one.ink is not None
    # y goes down, and times are seconds
    wanted = [[1, 2, 0, 0], [2, 3, 0.05, 0], [5, 5, 0.4, 1]]
    assert np.allclose(one.ink[0], wanted)
    assert one.where(1).endswith("'all/Greek/character02/0395_02.txt'")


def test_folders_of_parts_are_parts(tmp_path: Path) -> None:
    for part in ("train", "dev"):
        for label in "ab":
            write(tmp_path, f"{part}/{label}/{part}.txt", OMNIGLOT)
    corpus = read_ink(tmp_path, Roles())
    assert corpus.parts == ("valid", "valid", "train", "train")
    assert corpus.labels == (("a",), ("b",), ("a",), ("b",))


def test_names_tell_what_a_pattern_says(tmp_path: Path) -> None:
    write(tmp_path, "x_ann_1.txt", OMNIGLOT)
    write(tmp_path, "y_bob_1.txt", OMNIGLOT)
    corpus = read_ink(tmp_path, Roles(pattern="{label}_{group}_{n}.txt"))
    assert corpus.labels == (("x",), ("y",))
    assert corpus.groups == ("ann", "bob")
    with pytest.raises(DataError, match="does not follow"):
        read_ink(tmp_path, Roles(pattern="{label}.{group}.txt"))


def test_inkml(tmp_path: Path) -> None:
    path = write(tmp_path, "one.inkml", INKML)
    assert is_ink(path, Roles())
    corpus = read_ink(path, Roles())
    assert corpus.labels == (("ab",),)
    assert corpus.transcripts == ("ab",)
    assert corpus.groups == ("w7",)
    assert corpus.ink is not None
    assert corpus.ink[0].tolist() == [
        [10, 0, 1, 0], [9, 14, np.float32(1.01), 0], [8, 28, np.float32(1.02), 0], [130, 155, 2, 1]
    ]  # fmt: skip


def test_inkml_tells_differences_as_the_standard_does(tmp_path: Path) -> None:
    path = write(tmp_path, "one.inkml", f"<ink><trace>{DIFFERENCES}</trace></ink>")
    corpus = read(path)
    places = corpus.ink[0][:, :2].tolist()
    # as the table of the standard's example says
    assert places[:6] == [
        [1125, 18432], [1148, 18475], [1178, 18510], [1211, 18540], [1251, 18567], [1297, 18596]
    ]  # fmt: skip
    assert places[-1][0] == places[-2][0]


def test_quick_draw_tells_a_drawing_a_line(tmp_path: Path) -> None:
    drawn = {"word": "cat", "key_id": "5", "drawing": [[[0, 1], [2, 3], [0, 16]], [[9], [9], [40]]]}
    simple = {"word": "dog", "drawing": [[[0, 255], [7, 8]]]}
    text = f"{json.dumps(drawn)}\n{json.dumps(simple)}\n"
    corpus = read_ink(write(tmp_path, "q.ndjson", text), Roles())
    assert corpus.labels == (("cat",), ("dog",))
    assert corpus.ink is not None
    assert np.allclose(corpus.ink[0], [[0, 2, 0, 0], [1, 3, 0.016, 0], [9, 9, 0.04, 1]])
    assert np.isnan(corpus.ink[1][:, 2]).all()
    assert corpus.where(1).endswith("line 2'")
    wrong = write(tmp_path, "w.ndjson", text + '{"drawing": [[[1, 2], [3]]]}\n' + text)
    with pytest.raises(DataError, match=r"w\.ndjson, line 3: .* is no drawing"):
        read(wrong)
    kept = read(wrong, skip_bad=True)
    assert len(kept) == 4
    assert "1 could not be read" in kept.notes[0]


def test_unipen_segments_are_drawings(tmp_path: Path) -> None:
    path = write(tmp_path, "a.dat", UNIPEN)
    assert is_ink(path, Roles())
    corpus = read_ink(path, Roles())
    assert corpus.labels == (("i",), ("t",))
    assert corpus.groups == ("w3", "w3")
    assert corpus.ink is not None
    assert np.allclose(corpus.ink[0], [[1, -2, 0, 0], [3, -4, 0.01, 0]])
    assert np.allclose(corpus.ink[1], [[7, -8, 0.13, 0], [9, -9, 0.2, 1]])
    words = read(write(tmp_path, "b.dat", UNIPEN.replace(".SEGMENT CHARACTER", ".COMMENT")))
    assert words.transcripts == ('it"s',)
    assert len(words.ink[0]) == 6


def test_unipen_is_read_by_the_rules_of_its_definition(tmp_path: Path) -> None:
    """Guyon et al. 1994: numbers, labels, keywords, free text, components."""
    text = """.COMMENT .5 is no keyword
and this line is free text
.COORD\tX Y
.HIERARCHY PARAGRAPH WORD
.SEGMENT PARAGRAPH 0-3 ? "all"
.SEGMENT WORD 0:1 OK "a \\"b\\"
\\\\ c\\td"
.SEGMENT WORD 2-3 ? "e"
.PEN_DOWN
.5 -.25
+1.5 2
.PEN_UP
9 9
.PEN_DOWN
-3 4.
.PEN_DOWN
5 6
"""
    path = write(tmp_path, "rules.dat", text)
    corpus = read(path)
    # words are the smallest units; quotes, backslashes and blanks of a label are as they are meant
    assert corpus.transcripts == ('a "b" \\ c d', "e")
    assert corpus.ink[0][:, [0, 1, 3]].tolist() == [[1.5, -2, 0]]
    # a run with the pen up has a number, and no ink
    assert corpus.ink[1][:, [0, 1, 3]].tolist() == [[-3, -4, 0], [5, -6, 1]]
    whole = read(write(tmp_path, "whole.dat", text.replace(".SEGMENT", ".COMMENT")))
    assert whole.ink[0][0, :2].tolist() == [0.5, 0.25]
    # without lines of .PEN_UP that have points, they have no number
    none = read(write(tmp_path, "none.dat", text.replace("9 9\n", "").replace(" 2-3 ", " 1-2 ")))
    assert len(none.ink[1]) == 2
    for wrong, told in (
        ("2-9", "names stroke 9"),
        ("3-2", "names stroke 2"),
        ("0;1", "no strokes"),
    ):
        with pytest.raises(DataError, match=told):
            read(write(tmp_path, "wrong.dat", text.replace(" 2-3 ", f" {wrong} ")))
    with pytest.raises(DataError, match="put them together"):
        read(write(tmp_path, "more.dat", text + ".INCLUDE other.dat\n"))


def test_uji_words_are_drawings(tmp_path: Path) -> None:
    corpus = read_ink(write(tmp_path, "uji.txt", UJI), Roles())
    assert corpus.labels == (("a",), ("b",))
    assert corpus.groups == ("UJI_W01", "UJI_W02")
    assert corpus.ink is not None
    assert corpus.ink[0][:, [0, 1, 3]].tolist() == [[1, 2, 0], [3, 4, 0], [5, 6, 0], [9, 9, 1]]


def table() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "item": ["a", "a", "a", "b"],
            "stroke": [1, 1, 2, 1],
            "x": [0.0, 1, 2, 3],
            "y": [0.0, 1, 2, 3],
            "t": [0.0, 0.1, 0.5, 0.0],
            "label": ["one", "one", "one", "two"],
            "who": ["u", "u", "u", "v"],
        }
    )


def test_a_table_of_points(tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    table().write_csv(path)
    for data in (path, table()):
        assert is_ink(data, Roles())
        corpus = read_ink(data, Roles(group="who"))
        assert corpus.labels == (("one",), ("two",))
        assert corpus.groups == ("u", "v")
        assert corpus.ink is not None
        assert np.allclose(corpus.ink[0], [[0, 0, 0, 0], [1, 1, 0.1, 0], [2, 2, 0.5, 1]])
    assert not is_ink(table().drop("stroke"), Roles())
    with pytest.raises(DataError, match="names the drawing"):
        read_ink(table().drop("item"), Roles())


BAD = [
    ("a.txt", "START\n1,2,3\n1,zwei,3\n", r"a\.txt, line 3: '1,zwei,3' are no numbers"),
    ("a.txt", "START\n1\n", r"line 2: '1' is no point"),
    ("a.txt", "START\n1,2,3\nnan,2,4\n", "point 2 of stroke 1 is at nan, -2"),
    ("a.inkml", "<ink><trace>1 2, 3 x</trace></ink>", "trace 1, point 2: '3 x'"),
    ("a.inkml", "<ink><trace>1 2</ink>", r"a\.inkml, line 1, column"),
    ("a.dat", ".COORD X Y\n.PEN_DOWN\n1 2 3\n", "line 3: 3 numbers, where .COORD names 2"),
    ("a.dat", ".COORD A B\n.PEN_DOWN\n1 2\n", "names no X and Y"),
    ("a.dat", '.COORD X Y\n.SEGMENT WORD 0-3 ? "a"\n.PEN_DOWN\n1 2\n', "names stroke 3"),
    ("a.dat", '.COORD X Y\n.SEGMENT WORD x ? "a"\n.PEN_DOWN\n1 2\n', "names no strokes"),
    ("a.txt", "WORD a w NUMSTROKES 1\nPOINTS 2 # 1 2 3\n", "2 points are told, and 3"),
]


@pytest.mark.parametrize(("name", "text", "message"), BAD)
def test_what_is_wrong_is_named(tmp_path: Path, name: str, text: str, message: str) -> None:
    path = write(tmp_path, name, text)
    with pytest.raises(DataError, match=message):
        read(path)
    with pytest.raises(DataError, match="holds no pen strokes; the first of 1"):
        read(path, skip_bad=True)


def test_odd_drawings_are_kept(tmp_path: Path) -> None:
    """A dot is a stroke, and a drawing of nothing an item without steps."""
    write(tmp_path, "a/dot.txt", "START\n1,2,3\nBREAK\nBREAK\n")
    write(tmp_path, "a/nothing.txt", "START\nBREAK\n")
    corpus = read_ink(tmp_path, Roles(), labelled=False)
    assert corpus.sizes.tolist() == [1, 0]
    with pytest.raises(DataError, match="tells no labels"):
        read_ink(tmp_path, Roles())
    with pytest.raises(DataError, match="holds no pen strokes"):
        read(write(tmp_path, "none.txt", "hello"))
    assert not is_ink(tmp_path / "none.txt", Roles())
    assert not is_ink(tmp_path / "gone", Roles())


def test_a_damaged_zip_is_named(tmp_path: Path) -> None:
    path = tmp_path / "s.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/one.txt", OMNIGLOT * 40)
    raw = bytearray(path.read_bytes())
    raw[45:60] = bytes(15)
    path.write_bytes(raw)
    with pytest.raises(DataError, match="cannot be unpacked"):
        read(path)

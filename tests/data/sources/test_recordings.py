"""Long tables of recordings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from longshort.data.corpus import Roles
from longshort.data.sources.elapsed import read_elapsed
from longshort.data.sources.recordings import read_recordings
from longshort.errors import ArgumentError, DataError

TABLE = """walk,at,ax,ay,what,who,part,mode
b,0.0,1,10,up,ann,train,x
a,0.2,3,,down,bob,test,y
a,0.1,2,20,down,bob,test,x
b,0.1,4,40,up,ann,train,x
"""
ROLES = Roles(item="walk", time="at", label=("what",), group="who", part="part")


def written(folder: Path, text: str = TABLE) -> Path:
    path = folder / "walks.csv"
    path.write_text(text)
    return path


def test_rows_are_put_in_order_by_recording_and_time(tmp_path: Path) -> None:
    corpus = read_recordings(written(tmp_path), ROLES)
    assert corpus.names == ("b", "a")
    assert corpus.labels == (("up",), ("down",))
    assert corpus.groups == ("ann", "bob")
    assert corpus.parts == ("train", "test")
    assert corpus.series is not None
    assert corpus.series.names == ("ax", "ay")
    np.testing.assert_array_equal(corpus.series.values, [[1, 10], [4, 40], [2, 20], [3, np.nan]])
    assert corpus.lines is not None
    assert corpus.lines.tolist() == [2, 3]
    assert corpus.series.times is not None
    assert np.diff(corpus.series.times[:2]) == np.timedelta64(100, "ms")


def test_named_channels_may_be_categories_and_order_may_do_without_times(tmp_path: Path) -> None:
    path = written(tmp_path)
    roles = Roles(item="walk", channels=("ax", "mode"), label=("what",), static=("who",))
    corpus = read_recordings(path, roles)
    assert corpus.series is not None
    assert [field.name for field in corpus.series.fields] == ["ax", "mode", "who"]
    assert corpus.series.values[:, 0].tolist() == [1, 4, 3, 2]
    assert corpus.series.times is None
    bare = read_recordings(pl.read_csv(path).drop("what"), ROLES, labelled=False)
    assert bare.labels is None


def test_every_row_can_have_its_own_label(tmp_path: Path) -> None:
    text = "walk,ax,what\na,1,up\na,2,down\nb,3,up\n"
    corpus = read_recordings(
        written(tmp_path, text), Roles(item="walk", label=("what",)), stepwise=True
    )
    assert corpus.labels is None
    assert corpus.tags == (("up", "down"), ("up",))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("a,0.1,2,20,down", "a,0.1,2,20,up"), "line 3: the label is 'down' here and 'up'"),
        (("a,0.1,2,20,down,bob", "a,0.1,2,20,down,eve"), "line 3: the group is 'bob' here"),
        (("a,0.1,2", "a,0.2,2"), "line 4, column 'at': .* another row of the same time .line 3"),
        (("a,0.1,2", "a,,2"), "line 4, column 'at'"),
        (("a,0.1,2", "a,0.1,two"), "line 4, column 'ax': 'two' is not a number"),
        (("walk,", "run,"), "no column 'walk' for item"),
        (("what", "kind"), "no column 'what' for label"),
        (("bob,test,y", "bob,later,y"), "line 3, column 'part': 'later' is no part"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(
    tmp_path: Path, change: tuple[str, str], told: str
) -> None:
    with pytest.raises(DataError, match=told):
        read_recordings(written(tmp_path, TABLE.replace(*change)), ROLES)


def test_the_item_must_be_named(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="--item"):
        read_recordings(written(tmp_path), Roles())


def test_times_that_have_passed() -> None:
    def microseconds(*values: object) -> list[int]:
        times, _ = read_elapsed(pl.Series("t", values), lambda row: f"row {row}")
        return times.astype(np.int64).tolist()

    assert microseconds("00:07", "26:00:05.5") == [420_000_000, 93_605_500_000]
    assert microseconds(0.0, 0.25) == [0, 250_000]
    assert microseconds("0.0", " 1.5") == [0, 1_500_000]
    assert microseconds(1, 2) == [1, 2]
    with pytest.raises(DataError, match="row 1, column 't': nan is not a time"):
        microseconds(0.5, float("nan"))


@pytest.mark.parametrize(
    "values", [("0", "1", "soon", "3"), ("0", "0.5", "soon", "1"), ("00:01", "00:02", "soon")]
)
def test_one_wrong_word_among_times_is_named(values: tuple[str, ...]) -> None:
    with pytest.raises(DataError, match="row 2, column 't': 'soon' is not a time"):
        read_elapsed(pl.Series("t", values), lambda row: f"row {row}")

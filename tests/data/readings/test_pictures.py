"""Lines of text, rendered, as columns; and files of pictures."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from longshort.data.corpus import Corpus, Roles
from longshort.data.readings.pictures import PictureReading, Pictures
from longshort.data.sources.pictures import is_pictures, load, read_pictures
from longshort.errors import ArgumentError, DataError, ModelFileError


def line(text: str, size: int = 20) -> np.ndarray:
    """A line in Pillow's own font, black on white."""
    font = ImageFont.load_default(size)
    left, top, right, bottom = map(int, font.getbbox(text))
    image = Image.new("L", (right - left + 8, bottom - top + 8), 255)
    ImageDraw.Draw(image).text((4 - left, 4 - top), text, fill=0, font=font)
    return np.asarray(image)


def read(*pictures: np.ndarray, **settings: object) -> list[np.ndarray]:
    corpus = Corpus("lines", pictures=pictures)
    inputs, lengths, _ = PictureReading.fit(corpus, Pictures(**settings)).read(
        corpus, range(len(pictures))
    )
    rows = zip(inputs["columns"].numpy(), lengths.tolist(), strict=True)
    return [columns[:count] for columns, count in rows]


def test_columns_have_one_height_and_ink_is_dark() -> None:
    (found,) = read(line("Hello"), height=24)
    assert found.shape[1] == 24
    assert found.min() >= 0
    assert found.max() == pytest.approx(1, abs=0.02)
    # the H begins with an upright stroke, from top to bottom
    first = next(column for column in found if column.max() > 0.9)
    assert (first > 0.5).mean() > 0.8


def test_an_inverted_picture_reads_as_the_other() -> None:
    picture = line("longshort")
    one, two, three = read(picture, 255 - picture, (picture // 4 + 100).astype(np.uint8))
    assert np.array_equal(one, two)
    # faint ink on grey paper, too
    assert np.allclose(one, three, atol=0.05)
    (forced,) = read(picture, paper="dark")
    assert not np.allclose(forced.shape, one.shape) or not np.allclose(forced, one)


def test_size_and_margins_do_not_matter_much() -> None:
    small, large = read(line("pen", 20), line("pen", 40))
    assert abs(len(small) - len(large)) <= 10
    wide = np.pad(line("pen"), ((30, 10), (0, 0)), constant_values=255)
    (margin,) = read(wide)
    assert np.array_equal(margin, small)


def test_a_picture_of_nothing_has_no_steps() -> None:
    blank = np.full((20, 60), 250, np.uint8)
    corpus = Corpus("lines", pictures=(blank, 255 - line("a"), np.zeros((0, 0), np.uint8)))
    reading = PictureReading.fit(corpus)
    lengths = reading.lengths(corpus)
    assert (lengths[[0, 2]] == 0).all()
    assert lengths[1] > 0
    inverted, empty = reading.notes(corpus)
    assert inverted.startswith("1 of 3 pictures have light ink")
    assert empty.startswith("2 of 3 pictures show nothing")


def test_settings_go_into_the_model_file_and_back() -> None:
    reading = PictureReading(Pictures(height=40, paper="dark", crop=False))
    assert PictureReading.take_up(*reading.put_down()).pictures == reading.pictures
    with pytest.raises(ModelFileError, match="how pictures are read"):
        PictureReading.take_up({"pictures": {"height": 1}}, {})
    for wrong in ({"height": 1}, {"paper": "blue"}, {"longest": 0}):
        with pytest.raises(ArgumentError, match=r"Pictures\("):
            Pictures(**wrong)
    with pytest.raises(DataError, match="at most 3 are read"):
        read(line("long"), longest=3)


def folder(path: Path) -> Path:
    for name in ("one", "two"):
        Image.fromarray(line(name)).save(path / f"{name}.bin.png")
        (path / f"{name}.gt.txt").write_text(f"{name}\n")
    return path


def test_texts_lie_beside_pictures(tmp_path: Path) -> None:
    data = folder(tmp_path)
    assert is_pictures(data, Roles())
    corpus = read_pictures(data, Roles())
    assert corpus.transcripts == ("one", "two")
    assert corpus.content == "pictures"
    assert np.array_equal(load(corpus.pictures[0]), line("one"))
    (data / "two.gt.txt").unlink()
    with pytest.raises(DataError, match=r"two\.bin\.png: there is no two\.gt\.txt beside it"):
        read_pictures(data, Roles())
    kept = read_pictures(data, Roles(skip_bad=True))
    assert kept.transcripts == ("one",)
    assert "1 of 2 files" in kept.notes[0]


def test_a_table_or_a_folder_tells_labels(tmp_path: Path) -> None:
    folder(tmp_path)
    table = tmp_path / "lines.csv"
    table.write_text("path,text,who\none.bin.png,eins,a\ntwo.bin.png,zwei,b\n")
    corpus = read_pictures(table, Roles(group="who"), labelled=False)
    assert corpus.transcripts == ("eins", "zwei")
    assert corpus.groups == ("a", "b")
    for label in "ab":
        (tmp_path / "signs" / label).mkdir(parents=True)
        Image.fromarray(line(label)).save(tmp_path / "signs" / label / "1.png")
    assert read_pictures(tmp_path / "signs", Roles()).labels == (("a",), ("b",))


def test_colours_transparency_and_depth_become_grey(tmp_path: Path) -> None:
    grey = line("x")
    clear = np.zeros((*grey.shape, 4), np.uint8)
    clear[..., 3] = 255 - grey
    deep = grey.astype(np.uint16) * 257
    for name, image in (("c", Image.fromarray(clear)), ("d", Image.fromarray(deep))):
        image.save(tmp_path / f"{name}.png")
        assert np.abs(load(tmp_path / f"{name}.png").astype(int) - grey).max() <= 1


def test_damaged_pictures_are_named(tmp_path: Path) -> None:
    data = folder(tmp_path)
    raw = (data / "two.bin.png").read_bytes()
    (data / "two.bin.png").write_bytes(b"\x89PNG nonsense")
    with pytest.raises(DataError, match=r"two\.bin\.png: cannot be read as a picture"):
        read_pictures(data, Roles())
    (data / "two.bin.png").write_bytes(raw[:-60])
    # the header is good, and the rest is looked at when it is asked for
    corpus = read_pictures(data, Roles())
    with pytest.raises(DataError, match=r"two\.bin\.png: cannot be read as a picture"):
        PictureReading.fit(corpus)
    assert len(read_pictures(data, Roles(skip_bad=True))) == 1
    for path in (*data.glob("*.txt"), data / "two.bin.png"):
        path.unlink()
    with pytest.raises(DataError, match="tells no labels"):
        read_pictures(data, Roles())

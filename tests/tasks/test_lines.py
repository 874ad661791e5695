"""Lines of text, rendered or drawn with a pen, to transcripts."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from longshort import Partition, Recurrent, Training, Transcriber, load
from longshort.cli.app import main
from longshort.data.codecs.ink import joined
from longshort.data.corpus import Corpus
from longshort.data.readings.pictures import Pictures

LETTERS = "acg"


def texts(count: int) -> list[str]:
    random = np.random.default_rng(0)
    return ["".join(random.choice(list(LETTERS), random.integers(1, 4))) for _ in range(count)]


def rendered(folder: Path, count: int) -> Path:
    """Lines in Pillow's own font with their texts beside them; every fourth is inverted."""
    font = ImageFont.load_default(18)
    for at, text in enumerate(texts(count)):
        left, top, right, bottom = map(int, font.getbbox(text))
        image = Image.new("L", (right - left + 8, bottom - top + 8), 255)
        ImageDraw.Draw(image).text((4 - left, 4 - top), text, fill=0, font=font)
        pixels = np.asarray(image)
        Image.fromarray(pixels if at % 4 else 255 - pixels).save(folder / f"{at:03}.png")
        (folder / f"{at:03}.gt.txt").write_text(text)
    return folder


def written(count: int) -> Corpus:
    """Strokes of the same letters, each a polygon of its own, side by side."""
    turns = {"a": 3, "c": 4, "g": 9}
    drawn = []
    for text in texts(count):
        strokes = []
        for place, letter in enumerate(text):
            angle = np.linspace(0, 2 * np.pi, turns[letter] + 1)
            strokes.append(np.stack([np.cos(angle) + 3 * place, np.sin(angle)], 1))
        drawn.append(joined(strokes))
    return Corpus("pens", ink=tuple(drawn), transcripts=tuple(texts(count)))


def transcriber(epochs: int) -> Transcriber:
    return Transcriber(
        pictures=Pictures(height=16),
        recurrent=Recurrent(32, 1, bidirectional=True, dropout=0.0, stem=5, stride=2),
        training=Training(
            epochs=epochs, batch=8, optimizer="adam", rate=1e-2, weight_decay=0.0,
            schedule="onecycle", clip=5.0, patience=None, members=1,
        ),
        partition=Partition(valid=0.1, test=0.2),
    )  # fmt: skip


def test_pictures_with_texts_beside_them_are_transcribed(tmp_path: Path) -> None:
    data = rendered(tmp_path, 24)
    model = transcriber(1).fit(data)
    told = model.predict(data)
    assert told["item"].to_list()[:2] == ["000.png", "001.png"]
    record = model.evaluate(data, yardsticks="none")
    assert record.data.content == "pictures"
    model.save(tmp_path / "m.lstm")
    again = load(tmp_path / "m.lstm")
    assert again.pictures == Pictures(height=16)
    assert again.predict(data).equals(told)


def test_pen_strokes_are_transcribed(tmp_path: Path) -> None:
    data = written(24)
    model = transcriber(1).fit(data)
    record = model.evaluate(data, yardsticks="none")
    assert record.data.content == "ink"
    model.save(tmp_path / "m.lstm")
    assert list(load(tmp_path / "m.lstm").predict(data)) == list(model.predict(data))


def test_a_folder_of_lines_is_learnt_at_the_command_line(tmp_path: Path) -> None:
    lines, out = tmp_path / "lines", tmp_path / "out"
    lines.mkdir()
    with pytest.raises(SystemExit) as stop:
        main(["fit", "transcribe", str(rendered(lines, 20)), "--height", "12", "--epochs", "1",
              "--size", "4", "--stem", "5", "--stride", "2", "--yardsticks", "none",
              "--out", str(out)])  # fmt: skip
    assert not stop.value.code
    model = load(out / "model.lstm")
    assert model.pictures.height == 12
    assert model.ink.size == "height"
    assert (out / "report.html").exists()

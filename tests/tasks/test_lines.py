"""Lines of text, rendered or drawn with a pen, to transcripts."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from longshort import Partition, Recurrent, Training, Transcriber, load
from longshort.cli.app import main
from longshort.data.codecs.ink import joined
from longshort.data.corpus import Corpus
from longshort.data.readings.pictures import Pictures
from longshort.report.transcripts.document import transcript_page

LETTERS = "acg"


def texts(count: int, seed: int = 0) -> list[str]:
    random = np.random.default_rng(seed)
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


def written(count: int, seed: int = 0) -> Corpus:
    """Strokes for the same letters, each with a slope of its own, side by side."""
    slopes, random = {"a": (1, 1), "c": (1, -1), "g": (0, 1)}, np.random.default_rng(seed)
    drawn = []
    for text in texts(count, seed):
        hand = np.eye(2) + random.normal(0, 0.08, (2, 2))
        strokes = []
        for place, letter in enumerate(text):
            ends = np.add([[0, 0], slopes[letter]], [2 * place, 0])
            strokes.append(ends @ hand.T)
        drawn.append(joined(strokes))
    return Corpus("pens", ink=tuple(drawn), transcripts=tuple(texts(count, seed)))


def printed(count: int, seed: int) -> Corpus:
    """Words of twelve letters in Pillow's own font, in several sizes, with noise."""
    random = np.random.default_rng(seed)
    made, told = [], []
    for _ in range(count):
        words = ("".join(random.choice(list("abcdefghiklm"), random.integers(2, 6))) for _ in "ab")
        told.append(" ".join(words))
        font = ImageFont.load_default(int(random.integers(18, 26)))
        image = Image.new("L", (int(font.getlength(told[-1])) + 20, 40), 255)
        ImageDraw.Draw(image).text((10, 6), told[-1], font=font, fill=int(random.integers(0, 80)))
        shades = np.asarray(image) + random.normal(0, 8, (40, image.width))
        made.append(np.clip(shades, 0, 255).astype(np.uint8))
    return Corpus("lines", pictures=tuple(made), transcripts=tuple(told))


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
    assert all(each.image is not None for each in record.heard)
    assert '<image href="data:image/png;base64,' in transcript_page(record)
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


def test_pen_strokes_are_learnt_in_a_few_seconds(tmp_path: Path) -> None:
    data, unseen = written(150), written(30, 1)
    model = transcriber(10).set_params(partition=Partition(valid=0.1, test=None)).fit(data)
    assert model.score(unseen) > 0.9
    wrong = replace(unseen, transcripts=("gag",) * 30)
    record = model.evaluate(wrong, yardsticks="none")
    assert type(record).from_json(record.to_json()) == record
    for each in record.heard:
        assert each.sketch is not None
        assert len(each.marks) == len(each.symbols) == len(each.told)
        # letters stand from left to right, and so does what is told of them
        points = [x for stroke in each.sketch.strokes for x, _ in stroke]
        middles = [points[(mark.start + mark.end) // 2] for mark in each.marks]
        assert middles == sorted(middles)
    assert record.delay is not None
    assert (record.delay.piece, record.delay.count) == ("recording", 20)
    page = transcript_page(record)
    assert page.count("<polyline") > 30
    assert "ms on a drawing" in page


@pytest.mark.slow
def test_rendered_lines_are_learnt() -> None:
    model = transcriber(36).set_params(
        recurrent=Recurrent(64, 1, bidirectional=True, dropout=0.0, stem=5, stride=2),
        pictures=Pictures(height=20),
        partition=Partition(valid=0.1, test=None),
    )
    assert model.fit(printed(400, 0)).score(printed(60, 1)) > 0.95


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

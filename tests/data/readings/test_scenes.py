"""Pictures that are to be described: pixels in colour, or features from files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from longshort.data.corpus import Corpus
from longshort.data.readings.scenes import SCENE, SceneReading, Scenes
from longshort.errors import ArgumentError, DataError, ModelFileError


def test_pictures_become_squares_in_colour(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    wide = np.zeros((8, 32, 3), np.uint8)
    wide[:, :16] = (255, 0, 0)
    image.fromarray(wide).save(tmp_path / "wide.png")
    corpus = Corpus("pictures", pictures=(tmp_path / "wide.png", np.full((9, 9), 255, np.uint8)))
    reading = SceneReading.fit(corpus, Scenes(size=16))
    inputs, lengths, _ = reading.read(corpus, [0, 1])
    assert lengths.tolist() == [16, 16]
    found = inputs[SCENE].view(2, 16, 16, 3)
    # red and black in the middle, white above, below, and on the other one
    assert found[0, 8, 2].tolist() == pytest.approx([1, -1, -1], abs=0.02)
    assert found[0, 8, 13].tolist() == pytest.approx([-1, -1, -1], abs=0.02)
    assert (found[0, 0] == 1).all()
    assert (found[1] == 1).all()


def test_features_are_parts_whatever_their_shape(tmp_path: Path) -> None:
    shapes = ((4,), (3, 4), (2, 3, 4))
    paths = tuple(tmp_path / f"{at}.npy" for at in range(3))
    for path, shape in zip(paths, shapes, strict=True):
        np.save(path, np.arange(np.prod(shape), dtype=np.float64).reshape(shape))
    corpus = Corpus("features", pictures=paths)
    reading = SceneReading.fit(corpus, Scenes())
    assert reading.features == 4
    inputs, lengths, _ = reading.read(corpus, [0, 2])
    assert lengths.tolist() == [1, 6]
    assert inputs[SCENE].shape == (2, 6, 4)
    assert inputs[SCENE][1].flatten().tolist() == list(range(24))
    assert not inputs[SCENE][0, 1:].any()
    assert reading.lengths(corpus).tolist() == [1, 3, 6]


def test_what_holds_no_features_is_named(tmp_path: Path) -> None:
    path = tmp_path / "one.npy"
    corpus = Corpus("features", pictures=(path,))
    for wrong in (np.array(["a"]), np.float64(3), np.zeros((1, 1, 1, 2)), np.array([np.inf])):
        np.save(path, wrong)
        with pytest.raises(DataError, match=r"one\.npy: holds"):
            SceneReading.fit(corpus, Scenes())
    path.write_bytes(b"no array")
    with pytest.raises(DataError, match="cannot be read as features"):
        SceneReading.fit(corpus, Scenes())


def test_it_is_written_and_read() -> None:
    reading = SceneReading(Scenes(size=32), 7)
    again = SceneReading.take_up(*reading.put_down())
    assert (again.scenes, again.features) == (reading.scenes, 7)
    with pytest.raises(ModelFileError):
        SceneReading.take_up({"scenes": {}, "features": 0}, {})
    with pytest.raises(ArgumentError, match=r"size=20\): must be a multiple of 16"):
        Scenes(size=20)

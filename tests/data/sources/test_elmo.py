"""Files of published ELMo models: what is found, and what is refused."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from longshort.data.sources.elmo import is_elmo, read_elmo
from longshort.errors import MissingDependencyError, ModelFileError
from tests.data.sources import published


def test_a_folder_and_its_options_are_one_model(tmp_path: Path) -> None:
    path = published.write(tmp_path)
    assert is_elmo(path)
    assert is_elmo(tmp_path)
    assert not is_elmo(tmp_path / "model.lstm")
    found, again = read_elmo(path), read_elmo(tmp_path)
    assert found.options == again.options
    assert found.options.found == published.WIDTH
    assert found.options.cell_clip == 3
    for name, array in published.arrays().items():
        assert np.array_equal(found.arrays[name], array)
        assert np.array_equal(again.arrays[name], array)


def test_weights_are_found_by_the_name_of_the_options(tmp_path: Path) -> None:
    path = published.write(tmp_path)
    (tmp_path / "other_weights.hdf5").write_bytes(b"nothing")
    assert read_elmo(path).options.units == published.SIZES["units"]
    with pytest.raises(ModelFileError, match=r"there is other_weights.hdf5, tiny_weights.hdf5"):
        read_elmo(tmp_path)
    with pytest.raises(ModelFileError, match=r"give the options.json beside them"):
        read_elmo(tmp_path / "tiny_weights.hdf5")
    with pytest.raises(ModelFileError, match="no such file"):
        read_elmo(tmp_path / "options.json")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"use_skip_connections": False}, "use_skip_connections must be true"),
        ({"projection_dim": 7}, "must be below units"),
        ({"dim": 2**20}, "must be 2 to 65536"),
        ({"dim": "7"}, "units='7'"),
        ({"n_layers": 0}, "layers=0"),
        ({"cell_clip": -1}, "cell_clip=-1"),
        ({"cell_clip": True}, "must be a number"),
        ({"dim": 8}, "give the options and the weights of one model"),
        ({"n_layers": 3}, "'Cell2' is not there"),
        ({"dim": 60000, "projection_dim": 50000}, "which .* bytes do not hold"),
    ],
)
def test_options_that_cannot_be(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    path = published.write(tmp_path, published.options(**change))
    with pytest.raises(ModelFileError, match=message) as error:
        read_elmo(path)
    assert str(tmp_path) in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"\x89HDF", "options.json"),
        (b"[1]", r"'\[1\]' stands where names"),
        (b"{}", "'lstm' is not told"),
        (b'{"lstm": 3}', "must hold names and values"),
        (b"[" * 100_000, "options.json"),
        (b" " * (2**20 + 1), "no options of a model"),
    ],
)
def test_what_is_no_options(tmp_path: Path, text: bytes, message: str) -> None:
    path = published.write(tmp_path)
    path.write_bytes(text)
    with pytest.raises(ModelFileError, match=message):
        read_elmo(path)


def test_filters_that_cannot_be(tmp_path: Path) -> None:
    for filters in ([], [[1]], [[13, 4]], [[0, 4]], "ab", [[1, 2.5]]):
        told = published.options()
        told["char_cnn"]["filters"] = filters
        path = published.write(tmp_path, told)
        with pytest.raises(ModelFileError, match=r"filters|fit"):
            read_elmo(path)


def test_weights_that_are_not_there_or_of_another_kind(tmp_path: Path) -> None:
    path, weights = published.write(tmp_path), tmp_path / "tiny_weights.hdf5"
    whole = weights.read_bytes()
    for bad in (b"", b"PK\x03\x04" + bytes(20_000), whole[: len(whole) // 2]):
        weights.write_bytes(bad)
        with pytest.raises(ModelFileError, match=r"tiny_weights.hdf5: .*(HDF5|do not hold)"):
            read_elmo(path)
    held = published.arrays()
    cases: list[tuple[Any, str]] = [
        (held["char_embed"].astype(np.int64), "int64"),
        (held["char_embed"][:-1], r"shape \(260, 3\)"),
        (np.full_like(held["char_embed"], np.nan), "no numbers"),
        (h5py.ExternalLink("other.hdf5", "/char_embed"), "link to elsewhere"),
        (h5py.SoftLink("/CNN_proj/W_proj"), "link to elsewhere"),
    ]
    for value, message in cases:
        published.write(tmp_path, held={**held, "char_embed": value})
        with pytest.raises(ModelFileError, match=message):
            read_elmo(path)
    without = {name: array for name, array in held.items() if not name.startswith("RNN_1")}
    published.write(tmp_path, held=without)
    with pytest.raises(ModelFileError, match=r"'RNN_1' is not there.*RNN_0"):
        read_elmo(path)


def test_arrays_that_are_declared_and_not_written(tmp_path: Path) -> None:
    held = published.arrays()
    path = published.write(tmp_path, held={n: a for n, a in held.items() if n != "char_embed"})
    with h5py.File(tmp_path / "tiny_weights.hdf5", "a") as file:
        file.create_dataset("char_embed", held["char_embed"].shape, "f4")
    with pytest.raises(ModelFileError, match="never written"):
        read_elmo(path)
    outside = tmp_path / "secret"
    outside.write_bytes(bytes(held["char_embed"].nbytes))
    with h5py.File(tmp_path / "tiny_weights.hdf5", "a") as file:
        del file["char_embed"]
        file.create_dataset(
            "char_embed", held["char_embed"].shape, "f4",
            external=[(str(outside), 0, held["char_embed"].nbytes)],
        )  # fmt: skip
    with pytest.raises(ModelFileError, match="another file"):
        read_elmo(path)


def test_without_h5py_the_way_out_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = published.write(tmp_path)
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(MissingDependencyError, match=r"pip install \"longshort\[text\]\""):
        read_elmo(path)


def test_half_precision_and_compression_are_read(tmp_path: Path) -> None:
    held = published.arrays()
    path = published.write(tmp_path, held={n: a.astype(np.float16) for n, a in held.items()})
    found = read_elmo(path).arrays
    assert found["char_embed"].dtype == np.float32
    with h5py.File(tmp_path / "tiny_weights.hdf5", "w") as file:
        for name, array in held.items():
            file.create_dataset(name, data=array, compression="gzip", shuffle=True)
    for name, array in read_elmo(json.loads(json.dumps(str(path)))).arrays.items():
        assert np.array_equal(array, held[name])

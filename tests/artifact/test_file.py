"""The model file: round trips, damage, hostile headers, and writing all or nothing."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from longshort import artifact
from longshort.errors import ModelFileError, OutputError
from longshort.layers.encoder import Recurrent


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.lstm"
    tensors = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.array([1, 2], np.int64)}
    artifact.write(path, "toy", "0.1.0", {"recurrent": {"size": 8}, "name": 'quote " 雨'}, tensors)
    return path


def sealed(header: dict[str, object], body: bytes = b"") -> bytes:
    """A file of that header with a digest that fits, as a hostile writer would make it."""
    text = json.dumps(header, separators=(",", ":")).encode()
    data = bytearray(struct.pack("<Q", len(text)) + text + body)
    at = data.index(b'"digest":"sha256:') + 17
    data[at : at + 64] = hashlib.sha256(data).hexdigest().encode()
    return bytes(data)


def test_what_is_written_is_read(model: Path) -> None:
    found = artifact.read(model)
    assert (found.kind, found.version) == ("toy", "0.1.0")
    assert found.sections == {"recurrent": {"size": 8}, "name": 'quote " 雨'}
    assert np.array_equal(found.tensors["a"], np.arange(6).reshape(2, 3))
    assert found.tensors["b"].dtype == np.int64


def test_the_file_is_a_safetensors_file(model: Path) -> None:
    from safetensors.numpy import load_file

    assert set(load_file(model)) == {"a", "b"}


def test_the_digest_is_the_one_the_documents_describe(model: Path) -> None:
    data = model.read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    stated = json.loads(data[8 : 8 + size])["__metadata__"]["digest"]
    zeroed = data.replace(stated.encode(), b"sha256:" + b"0" * 64)
    assert stated == "sha256:" + hashlib.sha256(zeroed).hexdigest()


def test_every_flipped_byte_and_every_cut_is_noticed(model: Path, tmp_path: Path) -> None:
    data = model.read_bytes()
    broken = tmp_path / "broken.lstm"
    for at in range(len(data)):
        broken.write_bytes(data[:at] + bytes([data[at] ^ 0x01]) + data[at + 1 :])
        with pytest.raises(ModelFileError, match=r"broken\.lstm"):
            artifact.read(broken)
    for length in range(0, len(data), 7):
        broken.write_bytes(data[:length])
        with pytest.raises(ModelFileError):
            artifact.read(broken)
    broken.write_bytes(data + b"x")
    with pytest.raises(ModelFileError):
        artifact.read(broken)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('{"format":2,"kind":"toy","version":"9","sections":{}}', "upgrade"),
        ('{"format":1,"kind":"toy","kind":"b","version":"9","sections":{}}', "twice"),
        ('{"format":1,"kind":"toy","version":"9","sections":{"x":NaN}}', "NaN"),
        ('{"format":1,"kind":"toy","version":"9"}', "broken"),
        ('{"format":"1","kind":"toy","version":"9","sections":{}}', "must be of type int"),
        ("[" * 100_000, "broken"),
        ("not json", "broken"),
    ],
)
def test_a_hostile_header_with_a_fitting_digest_is_refused(
    content: str, says: str, tmp_path: Path
) -> None:
    path = tmp_path / "hostile.lstm"
    meta = {"longshort": content, "digest": "sha256:" + "0" * 64}
    path.write_bytes(sealed({"__metadata__": meta}))
    with pytest.raises(ModelFileError, match=says):
        artifact.read(path)


def test_a_pickle_and_a_huge_header_are_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "model.lstm"
    path.write_bytes(b"\x80\x04cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(ModelFileError, match="not a Longshort model file"):
        artifact.read(path)
    path.write_bytes(struct.pack("<Q", 2**63) + b"{}")
    with pytest.raises(ModelFileError, match="not a Longshort model file"):
        artifact.read(path)


def test_missing_files_and_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="absent"):
        artifact.read(tmp_path / "absent.lstm")
    with pytest.raises(ModelFileError, match="folder"):
        artifact.read(tmp_path)


def test_what_is_no_regular_file_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero"), Path("/dev/null")):
        with pytest.raises(ModelFileError, match="no regular file"):
            artifact.read(path)


def test_tensors_of_every_kind_come_back_as_they_were(tmp_path: Path) -> None:
    kinds = ["?", "u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8"]
    tensors = {kind: np.arange(6).reshape(2, 3).astype(kind) for kind in kinds}
    tensors |= {"number": np.array(7.5), "empty": np.zeros((0, 3), np.float32)}
    tensors["slice"] = np.arange(24, dtype=np.int64).reshape(4, 6)[::2, ::3]
    artifact.write(tmp_path / "m", "toy", "1", {}, tensors)
    found = artifact.read(tmp_path / "m").tensors
    assert set(found) == set(tensors)
    for name, array in tensors.items():
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape)
        assert np.array_equal(found[name], array)


def test_strict_json_takes_what_json_means_and_nothing_else() -> None:
    assert artifact.parse('{"a": [1, 2.5, "雨", null, true]}') == {"a": [1, 2.5, "雨", None, True]}
    deepest = "[" * artifact.MAX_DEPTH + "]" * artifact.MAX_DEPTH
    artifact.parse(deepest)
    for bad in (f"[{deepest}]", '{"a":1,"a":1}', "NaN", "1e999", r'"\udc00"', b"\xff", "[1,]", ""):
        with pytest.raises(ValueError):
            artifact.parse(bad)


def test_a_section_is_checked_field_by_field(model: Path) -> None:
    content = artifact.read(model)
    assert artifact.section(content, "recurrent", Recurrent, "f") == Recurrent(size=8)
    for bad, says in (
        ({"size": 8, "colour": 1}, "colour"),
        ({"size": "8"}, "integer"),
        ({"size": 0}, "1 or more"),
        ({"size": 8, "init": "os.system"}, "glorot"),
    ):
        with pytest.raises(ModelFileError, match=says):
            artifact.section(content._replace(sections={"r": bad}), "r", Recurrent, "f")
    with pytest.raises(ModelFileError, match="missing"):
        artifact.section(content, "training", Recurrent, "f")


def test_a_failed_write_leaves_the_old_file_and_nothing_else(model: Path) -> None:
    before = model.read_bytes()
    code = (
        "import resource, signal, sys\n"
        "from longshort import artifact\n"
        "from longshort.errors import OutputError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try:\n    artifact.write_bytes(sys.argv[1], bytes(10_000))\n"
        "except OutputError as error:\n    assert sys.argv[1] in str(error)\n"
        "else:\n    raise SystemExit('written')\n"
    )
    assert resource.RLIMIT_FSIZE
    subprocess.run([sys.executable, "-c", code, str(model)], check=True)
    assert model.read_bytes() == before
    assert os.listdir(model.parent) == ["model.lstm"]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="nowhere"):
        artifact.write_bytes(tmp_path / "nowhere" / "x", b"")


def test_a_written_file_has_the_usual_permissions(tmp_path: Path) -> None:
    ours, usual = tmp_path / "ours", tmp_path / "usual"
    artifact.write_bytes(ours, b"")
    usual.write_bytes(b"")
    assert ours.stat().st_mode == usual.stat().st_mode

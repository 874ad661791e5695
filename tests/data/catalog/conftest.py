"""A package index of one small wheel."""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from longshort.data.catalog import entries
from longshort.data.catalog.entries import Entry

INSIDE = {"tiny/data/a_TRAIN.ts": b"one\n", "tiny/data/a_TEST.ts": b"two\n", "tiny/x.py": b"1/0\n"}


def wheel(folder: Path, files: dict[str, bytes] = INSIDE) -> Path:
    """A wheel that pip takes for a package called tiny."""
    path = folder / "tiny-1.0-py3-none-any.whl"
    about = {
        "tiny-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n",
        "tiny-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\n"
        b"Tag: py3-none-any\n",
        "tiny-1.0.dist-info/RECORD": b"",
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {**files, **about}.items():
            archive.writestr(name, content)
    return path


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Entry:
    """An entry of a wheel in a local folder, which is all the index that pip knows."""
    index = tmp_path / "index"
    index.mkdir()
    wheel(index)
    for name, value in {
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(index),
        "PIP_CONFIG_FILE": "/dev/null",
        "LONGSHORT_CACHE": str(tmp_path / "cache"),
    }.items():
        monkeypatch.setenv(name, value)
    entry = replace(
        entries.find("GunPoint"),
        name="tiny",
        package="tiny==1.0",
        inside=("data/a_TRAIN.ts", "data/a_TEST.ts"),
        sha256=hashlib.sha256(b"two\none\n").hexdigest(),
    )
    monkeypatch.setattr(entries, "ENTRIES", (*entries.ENTRIES, entry))
    return entry

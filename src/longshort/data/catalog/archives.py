"""What is inside of wheels, archives and folders: read as bytes, never run, never unpacked."""

from __future__ import annotations

import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from longshort.errors import DataError

# bytes of all files that are read of one archive
MOST = 2**26
# archives inside of each other
_DEPTH = 2
# how a Debian package begins (an archive of ar), and the head of each file in it
_DEBIAN, _HEAD = b"!<arch>\n", 60


def read_inside(path: Path, patterns: Sequence[str]) -> dict[str, bytes]:
    """The files of a wheel, zip, tar, folder, or the file itself, whose paths end like a pattern.

    Args:
        path: what to look in; tar archives inside of it are looked in, too, and of a Debian
            package, or those in a folder, what it installs.
        patterns: as of a shell ("GunPoint/GunPoint_T*.ts"), at the end of a path.

    Returns:
        Bytes by path, in the order of paths.

    Raises:
        DataError: it cannot be read, nothing is there, or it is more than 64 MiB.
    """
    if not path.exists():
        raise DataError(f"{path}: there is no such file or folder")
    try:
        found = _limited(path, patterns)
    except (
        OSError,
        zipfile.BadZipFile,
        tarfile.TarError,
        zlib.error,
        lzma.LZMAError,
        EOFError,
    ) as error:
        raise DataError(f"{path}: cannot be read: {error}") from None
    if not found:
        raise DataError(f"{path}: holds no file {' or '.join(patterns)}")
    return dict(sorted(found.items()))


def _limited(path: Path, patterns: Sequence[str]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    left = MOST
    for name, content in _files(path, patterns):
        left -= len(content)
        if left < 0:
            raise DataError(f"{path}: what is asked for is more than {MOST // 2**20} MiB")
        found.setdefault(name, content)
    return found


def _asked(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(f"/{name}", f"*/{pattern}") for pattern in patterns)


def _files(path: Path, patterns: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    if path.is_dir():
        for each in sorted(path.rglob("*")):
            name = each.relative_to(path).as_posix()
            if each.is_file() and _asked(f"{path.name}/{name}", patterns):
                with each.open("rb") as file:
                    yield name, file.read(MOST + 1)
            elif each.is_file() and each.suffix == ".deb":
                yield from _installed(each, patterns)
        return
    if path.suffix == ".deb":
        yield from _installed(path, patterns)
        return
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                if _asked(info.filename, patterns):
                    with archive.open(info) as inside:
                        yield info.filename, inside.read(MOST + 1)
        return
    if tarfile.is_tarfile(path):
        with tarfile.open(path) as tar:
            yield from _packed(tar, patterns, _DEPTH)
        return
    # the file itself, whatever it is called
    with path.open("rb") as file:
        yield path.name, file.read(MOST + 1)


def _installed(path: Path, patterns: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """What a Debian package installs: data.tar inside of it, however that is packed."""
    with path.open("rb") as file:
        if file.read(len(_DEBIAN)) != _DEBIAN:
            raise tarfile.ReadError("no Debian package")
        while head := file.read(_HEAD):
            name, size = head[:16].decode("ascii", "replace").strip(" /"), head[48:58].strip()
            if not size.isdigit():
                raise tarfile.ReadError("a damaged Debian package")
            after = file.tell() + int(size) + int(size) % 2
            if name.startswith("data.tar"):
                with tarfile.open(fileobj=io.BytesIO(file.read(int(size)))) as tar:
                    yield from _packed(tar, patterns, _DEPTH)
            file.seek(after)


def _packed(
    tar: tarfile.TarFile, patterns: Sequence[str], depth: int
) -> Iterator[tuple[str, bytes]]:
    for member in tar:
        stream = tar.extractfile(member) if member.isfile() else None
        if stream is None:
            continue
        if _asked(member.name, patterns):
            yield member.name, stream.read(MOST + 1)
        elif depth > 1 and member.name.endswith((".tar.gz", ".tgz", ".tar")):
            with tarfile.open(fileobj=io.BytesIO(stream.read(MOST + 1))) as inner:
                yield from _packed(inner, patterns, depth - 1)

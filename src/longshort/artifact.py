"""The model file: one safetensors file with a strict header and a digest. Knows no classes.

Bytes, in order: 8 bytes N (little-endian), N bytes of JSON, then the tensors. Under the JSON's
``__metadata__`` stand two texts: ``longshort``, itself JSON with ``format``, ``kind``, ``version``
and ``sections``; and ``digest``, "sha256:" and 64 hexadecimal digits over every byte of the file
with those 64 digits set to zero. A digest shows damage, not authorship: whoever can change a file
can also write a fitting digest.

Nothing in a file names code, and nothing is built before everything has been checked.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import math
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from longshort.errors import ModelFileError, OutputError, suggest

FORMAT = 1
# the whole JSON header, and the whole file, in bytes; both are checked before anything is parsed
MAX_HEADER = 2**20
MAX_FILE = 2**33

_NO_DIGEST = "sha256:" + "0" * 64
# inside the "longshort" text every quote is escaped, so these bytes stand in a header only once
_MARK = b'"digest":"sha256:'

_Settings = TypeVar("_Settings")


class Artifact(NamedTuple):
    """What a model file holds: its kind, the version that wrote it, settings and tensors."""

    kind: str
    version: str
    sections: dict[str, Any]
    tensors: dict[str, NDArray[Any]]


def write_bytes(path: str | Path, data: bytes) -> None:
    """Write a whole file or nothing: temporary file, fsync, rename, fsync of the folder.

    Raises:
        OutputError: the path and the system's reason; what stood there before still stands.
    """
    target = Path(path)
    temporary: str | None = None
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes private files; give the usual permissions back
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)
        os.replace(temporary, target)
        temporary = None
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise OutputError(
            f"cannot write {target}: {error.strerror or error}. "
            "Choose a folder that exists, is writable and has room."
        ) from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)


def write(
    path: str | Path,
    kind: str,
    version: str,
    sections: Mapping[str, Any],
    tensors: Mapping[str, NDArray[Any]],
) -> None:
    """Write a model file; all or nothing.

    Raises:
        OutputError: it cannot be written.
        ModelFileError: the header would be larger than 1 MiB.
    """
    header = {"format": FORMAT, "kind": kind, "version": version, "sections": sections}
    text = json.dumps(header, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    arrays = {name: np.ascontiguousarray(array) for name, array in tensors.items()}
    data = _ordered(save_tensors(arrays, {"longshort": text, "digest": _NO_DIGEST}))
    size = int.from_bytes(data[:8], "little")
    if size > MAX_HEADER:
        raise ModelFileError(f"{path}: the header would be {size} bytes, more than {MAX_HEADER}")
    place = data.index(_MARK, 8, 8 + size) + len(_MARK)
    data[place : place + 64] = hashlib.sha256(data).hexdigest().encode()
    write_bytes(path, bytes(data))


def _ordered(data: bytes) -> bytearray:
    """The same file with its header's names in order, so that a model has but one form."""
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    text = json.dumps(header, ensure_ascii=True, sort_keys=True, separators=(",", ":")).encode()
    # tensors begin at a multiple of eight bytes
    text += b" " * (-len(text) % 8)
    return bytearray(len(text).to_bytes(8, "little") + text + data[8 + size :])


def read(path: str | Path) -> Artifact:
    """Read and check a model file.

    Raises:
        ModelFileError: it is missing, not such a file, damaged, altered, too large, or written by
            a newer format; the message names the file and what is wrong.
    """
    data = _bytes(Path(path))
    size = int.from_bytes(data[:8], "little")
    if len(data) < 8 or size > min(MAX_HEADER, len(data) - 8):
        _refuse(path, "this is not a Longshort model file, or it was cut short")
    _check_digest(path, data, size)
    header = _header(path, bytes(data[8 : 8 + size]))
    if header["format"] != FORMAT:
        _refuse(path, f"format {header['format']}, and this version reads {FORMAT}: upgrade")
    try:
        tensors = load_tensors(bytes(data))
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        _refuse(path, f"its tensors cannot be read ({error})")
    return Artifact(header["kind"], header["version"], header["sections"], tensors)


def section(artifact: Artifact, name: str, kind: type[_Settings], where: str) -> _Settings:
    """One section of the header as a frozen dataclass of settings, every field checked.

    Raises:
        ModelFileError: the section is missing, has an unknown field or a value of another type.
    """
    content = artifact.sections.get(name)
    if not isinstance(content, dict):
        _refuse(where, f"its section {name!r} is missing")
    known = [field.name for field in dataclasses.fields(kind)]  # type: ignore[arg-type]
    for key in content:
        if key not in known:
            _refuse(where, f"section {name!r} has the unknown field {key!r}: {suggest(key, known)}")
    try:
        return TypeAdapter(kind).validate_json(json.dumps(content), strict=True)
    except (ValidationError, ValueError) as error:
        text = str(error.errors()[0]["msg"]) if isinstance(error, ValidationError) else str(error)
        _refuse(where, f"section {name!r}: {text}")


def value(artifact: Artifact, name: str, kind: Any, where: str) -> Any:
    """One section of the header that is a single value, checked against an annotated type.

    Raises:
        ModelFileError: it is missing, of another type or out of range.
    """
    if name not in artifact.sections:
        _refuse(where, f"its section {name!r} is missing")
    try:
        return TypeAdapter(kind).validate_python(artifact.sections[name], strict=True)
    except ValidationError as error:
        _refuse(where, f"section {name!r}: {error.errors()[0]['msg']}")


def parse(text: str | bytes) -> Any:
    """JSON in which no name stands twice in an object and every number is one.

    Raises:
        ValueError: it is not such JSON.
    """

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise ValueError("a name stands twice")
        return found

    def number(name: str) -> NoReturn:
        raise ValueError(f"{name} is not a number")

    def finite(text: str) -> float:
        found = float(text)
        if not math.isfinite(found):
            raise ValueError(f"{text} is not a finite number")
        return found

    return json.loads(text, object_pairs_hook=once, parse_constant=number, parse_float=finite)


def _refuse(path: str | Path, reason: str) -> NoReturn:
    raise ModelFileError(f"{path}: {reason}")


def _bytes(path: Path) -> bytearray:
    try:
        if path.is_dir():
            _refuse(path, f"this is a folder; did you mean {path / 'model.lstm'}?")
        if path.stat().st_size > MAX_FILE:
            _refuse(path, f"larger than {MAX_FILE} bytes, the most a model file may have")
        return bytearray(path.read_bytes())
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be read: {error.strerror or error}") from error


def _check_digest(path: str | Path, data: bytearray, size: int) -> None:
    place = data.find(_MARK, 8, 8 + size)
    if place < 0:
        _refuse(path, "this is not a Longshort model file (no digest in its header)")
    place += len(_MARK)
    stated = bytes(data[place : place + 64])
    data[place : place + 64] = b"0" * 64
    if hashlib.sha256(data).hexdigest().encode() != stated:
        _refuse(path, "damaged or altered: its digest does not fit its content. Copy it again.")


def _header(path: str | Path, text: bytes) -> dict[str, Any]:
    try:
        header = parse(parse(text)["__metadata__"]["longshort"])
        format_, kind, version = header["format"], header["kind"], header["version"]
        if not (type(format_) is int and isinstance(kind, str) and isinstance(version, str)):
            raise TypeError("format, kind and version must be a number and two texts")
        if set(header) != {"format", "kind", "version", "sections"}:
            raise ValueError(f"it holds {sorted(header)}")
        if not isinstance(header["sections"], dict):
            raise TypeError("sections must be an object")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        _refuse(path, f"its header is broken ({error})")
    return dict(header)

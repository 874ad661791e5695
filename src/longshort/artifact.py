"""The model file: one safetensors file with a strict header and a digest. Knows no classes.

docs/format.md describes every byte. In short: 8 bytes N (little-endian), N bytes of JSON, then the
tensors. Under the JSON's ``__metadata__`` stand two texts: ``longshort``, itself JSON with
``format``, ``kind``, ``version`` and ``sections``; and ``digest``, "sha256:" and 64 hexadecimal
digits over every byte of the file with those 64 digits set to zero. A digest shows damage, not
authorship: whoever can change a file can also write a fitting digest, so that a reader believes
nothing that it has not checked.

Nothing in a file names code, and nothing is built before everything has been checked.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import math
import os
import stat
import tempfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, NoReturn, TypeVar, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError
from safetensors.numpy import save as save_tensors

from longshort.errors import ModelFileError, OutputError, suggest

FORMAT = 1
# the whole JSON header, and the whole file, in bytes; both are checked before anything is parsed
MAX_HEADER = 2**20
MAX_FILE = 2**33
# axes of a tensor, and objects and lists of JSON inside each other
MAX_AXES = 8
MAX_DEPTH = 32

# what a tensor may hold, by safetensors' names
_DTYPES = {
    name: np.dtype(kind)
    for name, kind in {
        "BOOL": "?", "U8": "u1", "I8": "i1", "U16": "<u2", "I16": "<i2", "U32": "<u4",
        "I32": "<i4", "U64": "<u8", "I64": "<i8", "F16": "<f2", "F32": "<f4", "F64": "<f8",
    }.items()
}  # fmt: skip
# a reason is told in at most so many characters, whatever a file's names are
_LONGEST = 300

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


def write_bytes(path: str | Path, data: bytes, previous: str | Path | None = None) -> None:
    """Write a whole file or nothing; see ``write_stream``."""
    write_stream(path, lambda file: file.write(data), previous)


def write_stream(
    path: str | Path,
    put: Callable[[BinaryIO], object],
    previous: str | Path | None = None,
) -> None:
    """Write a whole file or nothing: temporary file, fsync, rename, fsync of the folder.

    What stood there before gets the name ``previous``, if one is given, once all is written.

    Args:
        path: where the file is to stand.
        put: writes all of it into the file that it is handed; nothing stands if it raises.
        previous: see above.

    Raises:
        OutputError: the path and the system's reason; what stood there before still stands.
    """
    target = Path(path)
    if target.exists() and not target.is_file():
        # a rename would put a file in the place of a device, pipe or folder
        raise OutputError(f"cannot write {target}: it is there, and is no regular file")
    temporary: str | None = None
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        with os.fdopen(handle, "wb") as file:
            put(file)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes private files; give the usual permissions back
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)
        if previous is not None:
            with contextlib.suppress(FileNotFoundError):
                os.replace(target, previous)
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
    previous: str | Path | None = None,
) -> None:
    """Write a model file; all or nothing. What stood there is kept as ``previous``, if given.

    Raises:
        OutputError: it cannot be written.
        ModelFileError: the header would be larger than 1 MiB.
    """
    write_bytes(path, pack(kind, version, sections, tensors, str(path)), previous)


def pack(
    kind: str,
    version: str,
    sections: Mapping[str, Any],
    tensors: Mapping[str, NDArray[Any]],
    where: str,
) -> bytes:
    """The bytes of such a file; ``where`` is what they are called in errors.

    Raises:
        ModelFileError: the header would be larger than 1 MiB.
    """
    header = {"format": FORMAT, "kind": kind, "version": version, "sections": sections}
    text = json.dumps(header, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    arrays = {name: np.asarray(array, order="C") for name, array in tensors.items()}
    data = _ordered(save_tensors(arrays, {"longshort": text, "digest": _NO_DIGEST}))
    size = int.from_bytes(data[:8], "little")
    if size > MAX_HEADER:
        raise ModelFileError(f"{where}: the header would be {size} bytes, more than {MAX_HEADER}")
    place = data.index(_MARK, 8, 8 + size) + len(_MARK)
    data[place : place + 64] = hashlib.sha256(data).hexdigest().encode()
    return bytes(data)


def _ordered(data: bytes) -> bytearray:
    """The same file with its header's names in order, so that a model has but one form."""
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    text = json.dumps(header, ensure_ascii=True, sort_keys=True, separators=(",", ":")).encode()
    # tensors begin at a multiple of eight bytes
    text += b" " * (-len(text) % 8)
    return bytearray(len(text).to_bytes(8, "little") + text + data[8 + size :])


def read(path: str | Path) -> Artifact:
    """Read and check a model file, with little more memory than the file has bytes.

    The tensors are views of the bytes that were read, all of which live as long as one of them.

    Raises:
        ModelFileError: it is missing, not such a file, damaged, altered, too large, or written by
            a newer format; the message names the file and what is wrong.
    """
    return _checked(path, _load(Path(path)))


def unpack(data: bytes, where: str) -> Artifact:
    """What ``pack`` gave, checked as a file is; ``where`` is what the bytes are called in errors.

    Raises:
        ModelFileError: as of ``read``.
    """
    size = int.from_bytes(data[:8], "little")
    if len(data) < 8 or size > min(MAX_HEADER, len(data) - 8) or len(data) > MAX_FILE:
        _refuse(where, "this is not a Longshort model file, or it was cut short")
    layout = _layout(where, data[8 : 8 + size], len(data) - 8 - size)
    return _checked(where, _Laid(bytearray(data), 8 + size, *layout))


def _checked(path: str | Path, laid: _Laid) -> Artifact:
    _check_digest(path, laid)
    header = _header(path, laid.metadata["longshort"])
    tensors = {name: laid.tensor(place) for name, place in laid.places.items()}
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
        found: _Settings = adapter(cast(Any, kind)).validate_json(json.dumps(content), strict=True)
        return found
    except ValidationError as error:
        _refuse(where, f"section {name!r}{_told(error)}")


def value(artifact: Artifact, name: str, kind: Any, where: str) -> Any:
    """One section of the header that is a single value, checked against an annotated type.

    Raises:
        ModelFileError: it is missing, of another type or out of range.
    """
    if name not in artifact.sections:
        _refuse(where, f"its section {name!r} is missing")
    try:
        return adapter(kind).validate_python(artifact.sections[name], strict=True)
    except ValidationError as error:
        _refuse(where, f"section {name!r}{_told(error)}")


@cache
def adapter(kind: Any) -> TypeAdapter[Any]:
    """What checks values against a type; made once for each, and it must be hashable."""
    return TypeAdapter(kind)


def _told(error: ValidationError) -> str:
    """Where in a value the first thing that is wrong stands, and what is wrong."""
    first = error.errors(include_url=False, include_input=False)[0]
    place = "".join(f", {part!r}" for part in first["loc"])
    return f"{place}: {first['msg']}"


def parse(text: str | bytes) -> Any:
    """JSON in UTF-8 whose names stand once, whose numbers are numbers and whose text is text.

    Raises:
        ValueError: it is not such JSON, or its values lie more than ``MAX_DEPTH`` deep.
    """

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in pairs:
            if name in found:
                raise ValueError(f"the name {name!r} stands twice")
            found[name] = value
        return found

    def number(name: str) -> NoReturn:
        raise ValueError(f"{name} is not a number")

    def finite(text: str) -> float:
        found = float(text)
        if not math.isfinite(found):
            raise ValueError(f"{text} is not a finite number")
        return found

    plain = text.decode() if isinstance(text, bytes) else text
    try:
        found = json.loads(plain, object_pairs_hook=once, parse_constant=number, parse_float=finite)
    except RecursionError:
        raise ValueError(f"its values lie more than {MAX_DEPTH} deep") from None
    _check_depth(found)
    # half of a surrogate pair can be escaped in JSON, and is no character
    json.dumps(found, ensure_ascii=False).encode()
    return found


def _check_depth(found: Any) -> None:
    level = [found]
    for _ in range(MAX_DEPTH + 1):
        groups = [part for part in level if isinstance(part, dict | list)]
        if not groups:
            return
        level = [
            inner
            for group in groups
            for inner in (group.values() if isinstance(group, dict) else group)
        ]
    raise ValueError(f"its values lie more than {MAX_DEPTH} deep")


class _Place(NamedTuple):
    """Where a tensor lies: bytes ``start`` to ``stop``, counted from the end of the header."""

    start: int
    stop: int
    dtype: np.dtype[Any]
    shape: tuple[int, ...]


class _Laid(NamedTuple):
    """The bytes of a file, and what its header says of them. Tensors begin at byte ``start``."""

    data: bytearray
    start: int
    metadata: dict[str, str]
    places: dict[str, _Place]

    def tensor(self, place: _Place) -> NDArray[Any]:
        """A view of one tensor."""
        count, at = math.prod(place.shape), self.start + place.start
        # an empty one may lie at the very end, where numpy takes no view
        flat = np.frombuffer(self.data, place.dtype, count, at) if count else np.empty(0)
        return flat.astype(place.dtype, copy=False).reshape(place.shape)


def _refuse(path: str | Path, reason: str) -> NoReturn:
    told = reason if len(reason) <= _LONGEST else f"{reason[:_LONGEST]} ..."
    raise ModelFileError(f"{path}: {told}")


def _load(path: Path) -> _Laid:
    """Read a file whose header fits its size; nothing beyond the header is read of another."""
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            _refuse(path, f"this is a folder; did you mean {path / 'model.lstm'}?")
        if not stat.S_ISREG(found.st_mode):
            _refuse(path, "this is no regular file; give the path of a model file")
        total = found.st_size
        if total > MAX_FILE:
            _refuse(path, f"larger than {MAX_FILE} bytes, the most a model file may have")
        with path.open("rb") as file:
            first = file.read(8)
            size = int.from_bytes(first, "little")
            if len(first) < 8 or size > min(MAX_HEADER, total - 8):
                _refuse(path, "this is not a Longshort model file, or it was cut short")
            head = file.read(size)
            metadata, places = _layout(path, head, total - 8 - size)
            data = bytearray(total)
            data[: 8 + size] = first + head
            file.readinto(memoryview(data)[8 + size :])
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be read: {error.strerror or error}") from error
    except MemoryError:
        _refuse(path, "there is not enough memory to read it")
    return _Laid(data, 8 + size, metadata, places)


def _layout(path: str | Path, text: bytes, room: int) -> tuple[dict[str, str], dict[str, _Place]]:
    """What the outer header says: its two texts, and where the tensors lie in ``room`` bytes."""
    if text.count(_MARK) != 1:
        _refuse(path, "this is not a Longshort model file (no digest in its header)")
    try:
        header = parse(text)
        metadata = header.pop("__metadata__")
        if set(metadata) != {"longshort", "digest"} or not all(
            isinstance(part, str) for part in metadata.values()
        ):
            raise ValueError("__metadata__ must hold the texts longshort and digest")
        places = {name: _place(name, info) for name, info in header.items()}
        end = 0
        for name, place in sorted(places.items(), key=lambda item: item[1][:2]):
            if place.start != end:
                raise ValueError(f"tensor {name!r} begins at byte {place.start}, not at {end}")
            end = place.stop
        if end != room:
            raise ValueError(f"its tensors have {end} bytes, and the file has {room} for them")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        _refuse(path, f"its header is broken ({error}): damaged or altered. Copy it again.")
    return metadata, places


def _place(name: str, info: Any) -> _Place:
    """One entry of the header, checked by itself."""
    if not isinstance(info, dict) or set(info) != {"dtype", "shape", "data_offsets"}:
        raise ValueError(f"tensor {name!r} must have a dtype, a shape and data_offsets")
    kind, shape, offsets = info["dtype"], info["shape"], info["data_offsets"]
    if not isinstance(kind, str) or kind not in _DTYPES:
        raise ValueError(f"tensor {name!r} is of dtype {kind!r}: {suggest(str(kind), _DTYPES)}")
    for part, fewest, most in ((shape, 0, MAX_AXES), (offsets, 2, 2)):
        if not isinstance(part, list) or not fewest <= len(part) <= most:
            raise ValueError(f"tensor {name!r} needs {fewest} to {most} numbers, not {part!r}")
        if not all(type(number) is int and 0 <= number <= MAX_FILE for number in part):
            raise ValueError(f"tensor {name!r} needs whole numbers up to {MAX_FILE}, not {part!r}")
    dtype = _DTYPES[kind]
    start, stop = offsets
    if stop - start != math.prod(shape) * dtype.itemsize:
        raise ValueError(f"tensor {name!r} of shape {shape} does not fill its bytes {offsets}")
    if math.prod(max(1, number) for number in shape) > MAX_FILE:
        raise ValueError(f"tensor {name!r} of shape {shape} is too large")
    return _Place(start, stop, dtype, tuple(shape))


def _check_digest(path: str | Path, laid: _Laid) -> None:
    at = laid.data.index(_MARK) + len(_MARK)
    laid.data[at : at + 64] = b"0" * 64
    if laid.metadata["digest"] != f"sha256:{hashlib.sha256(laid.data).hexdigest()}":
        _refuse(path, "damaged or altered: its digest does not fit its content. Copy it again.")


def _header(path: str | Path, text: str) -> dict[str, Any]:
    """What the inner header says, once every part of it is there and of its type."""
    kinds = {"format": int, "kind": str, "version": str, "sections": dict}
    try:
        header = parse(text)
        if not isinstance(header, dict):
            raise ValueError(f"it must be an object, and is {header!r}")
    except ValueError as error:
        _refuse(path, f"its header is broken ({error})")
    given = header.get("format")
    # a newer format may have other parts, so this comes first
    if type(given) is int and given != FORMAT:
        _refuse(path, f"it is of format {given}, and this version reads {FORMAT}: upgrade")
    for name, kind in kinds.items():
        if type(header.get(name)) is not kind:
            seen = repr(header[name]) if name in header else "missing"
            _refuse(path, f"its header is broken: {name} must be of type {kind.__name__}: {seen}")
    if len(header) > len(kinds):
        _refuse(path, f"its header is broken: it holds {', '.join(map(repr, sorted(header)))}")
    return header

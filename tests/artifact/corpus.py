"""Hostile files, made afresh for each run: no exploit is kept in the repository.

A file is taken apart and put together here with struct, json and hashlib alone, so that a fault of
the package's own writer cannot hide one of its reader. ``sealed`` gives whatever it is handed a
digest that fits, as any attacker can.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import pickle
import struct
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

MARK = b'"digest":"sha256:'
EMPTY = "sha256:" + "0" * 64


@dataclass(frozen=True)
class Case:
    """A file under a name, and what the refusal says of it (a regular expression).

    ``size`` makes the file longer than its content, with a hole that takes no room on the disk.
    """

    name: str
    content: bytes
    says: str
    size: int = 0
    suffix: str = ".lstm"


@dataclass
class Parts:
    """A model file taken apart."""

    header: dict[str, Any]
    # name -> dtype, shape, bytes
    tensors: dict[str, tuple[str, list[int], bytes]] = field(default_factory=dict)

    def file(self) -> bytes:
        """The file of these parts, with a digest that fits."""
        infos: dict[str, Any] = {}
        body = b""
        for name, (dtype, shape, data) in self.tensors.items():
            offsets = [len(body), len(body) + len(data)]
            infos[name] = {"dtype": dtype, "shape": shape, "data_offsets": offsets}
            body += data
        return sealed(outer(json.dumps(self.header), infos), body)


def apart(data: bytes) -> Parts:
    """The parts of a model file."""
    (size,) = struct.unpack("<Q", data[:8])
    infos = json.loads(data[8 : 8 + size])
    header = json.loads(infos.pop("__metadata__")["longshort"])
    body = data[8 + size :]
    tensors = {
        name: (info["dtype"], info["shape"], body[slice(*info["data_offsets"])])
        for name, info in sorted(infos.items(), key=lambda item: item[1]["data_offsets"])
    }
    return Parts(header, tensors)


def outer(inner: str, infos: dict[str, Any] | None = None) -> bytes:
    """The text of an outer header."""
    whole = {"__metadata__": {"longshort": inner, "digest": EMPTY}, **(infos or {})}
    return json.dumps(whole, separators=(",", ":")).encode()


def sealed(text: bytes, body: bytes = b"") -> bytes:
    """A file of this header and body; the digest fits where the header has a place for it."""
    data = bytearray(struct.pack("<Q", len(text)) + text + body)
    at = data.find(MARK) + len(MARK)
    if at >= len(MARK):
        data[at : at + 64] = b"0" * 64
        data[at : at + 64] = hashlib.sha256(data).hexdigest().encode()
    return bytes(data)


class _Payload:
    """Unpickled, it runs a command or evaluates a text."""

    def __init__(self, call: Callable[..., Any], text: str) -> None:
        self.call, self.text = call, text

    def __reduce__(self) -> tuple[Any, ...]:
        return self.call, (self.text,)


def pickles(sentinel: str) -> dict[str, bytes]:
    """Pickles that would write the file ``sentinel``, by name."""
    import os

    shell = pickle.dumps(_Payload(os.system, f"touch {sentinel}"))
    python = pickle.dumps(_Payload(eval, f"open({sentinel!r}, 'w')"))
    nested = pickle.dumps({"state_dict": [{"weight": _Payload(os.system, f"touch {sentinel}")}]})
    text = pickle.dumps(_Payload(os.system, f"touch {sentinel}"), protocol=0)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("archive/data.pkl", shell)
        file.writestr("archive/version", "3")
    return {
        "shell": shell, "eval": python, "nested": nested, "protocol 0": text,
        "inside a zip": archive.getvalue(),
    }  # fmt: skip


def cases(real: bytes, sentinel: str) -> Iterator[Case]:
    """Every hostile file."""
    yield from _foreign(real, sentinel)
    yield from _lengths(real)
    yield from _json(real)
    yield from _tensors(real)
    yield from _contents(real, sentinel)


def _foreign(real: bytes, sentinel: str) -> Iterator[Case]:
    says = "not a Longshort model file"
    for name, data in pickles(sentinel).items():
        yield Case(f"pickle {name}", data, says)
        yield Case(f"pickle {name} renamed", data, says, suffix=".safetensors")
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as file:
        with file.open("zeros", "w", force_zip64=True) as inside:
            for _ in range(64):
                inside.write(bytes(2**20))
        file.writestr("../../outside", "x")
        file.writestr("/absolute", "x")
    yield Case("zip bomb", bomb.getvalue(), says)
    yield Case("gzip bomb", gzip.compress(bytes(2**26)), says)
    yield Case("gzipped model", gzip.compress(real), says)
    yield Case("text", b"model: please load me\n" * 100, says)
    # safetensors without our metadata
    plain = json.dumps({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    yield Case("plain safetensors", struct.pack("<Q", len(plain)) + plain + bytes(4), "no digest")


def _lengths(real: bytes) -> Iterator[Case]:
    says = "not a Longshort model file"
    (size,) = struct.unpack("<Q", real[:8])
    rest = real[8:]
    yield Case("empty", b"", says)
    yield Case("seven bytes", real[:7], says)
    yield Case("a length alone", real[:8], says)
    for name, length in (
        ("2^63", 2**63), ("2^64 - 1", 2**64 - 1), ("100 MB", 10**8), ("too much", 2**20 + 1)
    ):  # fmt: skip
        yield Case(f"header of {name}", struct.pack("<Q", length) + rest, says, size=2**28 + 9)
    yield Case("header beyond the file", struct.pack("<Q", len(real) - 7) + rest, says)
    yield Case("header of 0", struct.pack("<Q", 0) + rest, says)
    yield Case("header cut", struct.pack("<Q", size - 1) + rest, "header is broken")
    yield Case("header and a byte", struct.pack("<Q", size + 1) + rest, "header is broken")
    parts = apart(real)
    whole = parts.file()
    yield Case("trailing byte", real + b"\0", r"tensors have \d+ bytes, and the file has \d+")
    yield Case("a model and a zip", real + pickles("x")["inside a zip"], "tensors have")
    yield Case("a model and a hole", real, "tensors have", size=2**33)
    yield Case("a model and too much of a hole", real, "larger than", size=2**33 + 1)
    yield Case("cut in the tensors", whole[:-1], "tensors have")
    yield Case("twice", real + real, "tensors have")
    flipped = bytearray(real)
    flipped[-1] ^= 1
    yield Case("a bit", bytes(flipped), "digest does not fit")
    other = bytearray(whole)
    at = other.index(MARK) + len(MARK)
    digits = bytes(other[at : at + 64])
    other[at : at + 64] = digits[::-1]
    yield Case("another digest", bytes(other), "digest does not fit")
    other[at : at + 64] = digits.upper()
    yield Case("digest in capitals", bytes(other), "digest does not fit")


def _json(real: bytes) -> Iterator[Case]:
    good = json.dumps(apart(real).header)
    for name, text, says in (
        ("a million brackets", "[" * 10**6, "deep"),
        ("closed brackets", "[" * 400_000 + "]" * 400_000, "deep"),
        ("nested 900", "[" * 900 + "]" * 900, "deep"),
        ("nested 40", "[" * 40 + "]" * 40, "deep"),
        ("nested objects", '{"a":' * 100_000, "deep"),
        ("name twice", good[:-1] + ', "kind": "forecast"}', "'kind' stands twice"),
        ("NaN", good.replace('"format": 1', '"format": NaN'), "NaN is not a number"),
        ("infinity", good.replace('"format": 1', '"format": -Infinity'), "-Infinity is not"),
        ("1e999", good.replace('"format": 1', '"format": 1e999'), "1e999 is not a finite"),
        ("many digits", good.replace('"format": 1', '"format": ' + "9" * 5000), "broken"),
        ("half a character", good.replace('"forecaster"', r'"\ud800"'), "broken .*surrogates"),
        ("format as a float", good.replace('"format": 1', '"format": 1.0'), "format must be"),
        ("format true", good.replace('"format": 1', '"format": true'), "format must be"),
        ("kind as a list", good.replace('"forecaster"', "[]"), "kind must be of type str"),
        ("a list", "[1]", "must be an object"),
        ("a number", "1", "must be an object"),
        ("nothing", "", "broken"),
        ("a newer format", good.replace('"format": 1', '"format": 2'), "format 2.*upgrade"),
        ("a newer format with more", '{"format":3,"codec":{},"tree":[]}', "format 3.*upgrade"),
        ("an older format", good.replace('"format": 1', '"format": 0'), "format 0"),
        ("no sections", '{"format":1,"kind":"forecast","version":"1"}', "sections must be .*miss"),
        ("more than there is", good[:-1] + ', "code": "x"}', "it holds 'code'"),
        ("unknown kind", good.replace('"forecaster"', '"os.system"'), "unknown kind 'os.system'"),
    ):  # fmt: skip
        yield Case(f"inner json: {name}", sealed(outer(text)), says)
    meta = f'"__metadata__":{{"longshort":"{{}}","digest":"{EMPTY}"}}'
    for name, raw, says in (
        ("a million brackets", meta.encode() + b"[" * 10**6, "broken"),
        ("a million nested", b"{" + meta.encode() + b',"a":' + b"[" * 10**6, "deep"),
        ("metadata twice", f"{{{meta},{meta}}}".encode(), "no digest"),
        ("tensor twice", f'{{{meta},"a":1,"a":1}}'.encode(), "'a' stands twice"),
        ("not UTF-8", f'{{{meta},"'.encode() + b'\xff\xfe":1}', "can't decode"),
        ("UTF-16", outer("{}").decode().encode("utf-16"), "no digest"),
        ("byte order mark", b"\xef\xbb\xbf" + outer("{}"), "BOM"),
        ("no metadata", f'{{"a":{{"digest":"{EMPTY}"}}}}'.encode(), "__metadata__"),
        ("a list", f'[{{"digest":"{EMPTY}"}}]'.encode(), "broken"),
        ("metadata a list", f'{{"__metadata__":["x"],"digest":"{EMPTY}"}}'.encode(), "broken"),
        ("more metadata", f'{{{meta[:-1]},"pickle":"x"}}}}'.encode(), "must hold the texts"),
        ("longshort no text", f"{{{meta}}}".replace('"{}"', "{}").encode(), "must hold the texts"),
    ):
        yield Case(f"outer json: {name}", sealed(raw), says)


def _tensors(real: bytes) -> Iterator[Case]:
    good = json.dumps(apart(real).header)

    def entry(shape: Any, offsets: Any, dtype: Any = "F32", **more: Any) -> dict[str, Any]:
        return {"dtype": dtype, "shape": shape, "data_offsets": offsets, **more}

    for name, infos, body, says in (
        ("overlap", {"a": entry([4], [0, 16]), "b": entry([4], [8, 24])}, 24, "'b' begins at"),
        ("same place", {"a": entry([4], [0, 16]), "b": entry([4], [0, 16])}, 16, "begins at"),
        ("hole", {"a": entry([4], [0, 16]), "b": entry([4], [24, 40])}, 40, "'b' begins at"),
        ("not from 0", {"a": entry([4], [8, 24])}, 24, "'a' begins at"),
        ("outside", {"a": entry([4], [2**32, 2**32 + 16])}, 16, "'a' begins at"),
        ("too long", {"a": entry([2**40 // 4], [0, 2**40])}, 16, "'a'.*whole numbers"),
        ("too short", {"a": entry([5], [0, 16])}, 16, "'a' of shape.*does not fill"),
        ("2^40 declared", {"a": entry([2**20, 2**20], [0, 16])}, 16, "'a' of shape"),
        ("product overflows", {"a": entry([2**32, 2**32], [0, 0])}, 0, "'a' of shape"),
        ("product is 0 mod 2^64", {"a": entry([2**33, 2**33, 4], [0, 0])}, 0, "does not fill"),
        ("empty and vast", {"a": entry([0, 2**33, 2**33], [0, 0])}, 0, "too large"),
        ("negative axis", {"a": entry([-4, -1], [0, 16])}, 16, "whole numbers"),
        ("negative offset", {"a": entry([4], [-16, 0])}, 16, "whole numbers"),
        ("backwards", {"a": entry([4], [16, 0])}, 16, "does not fill"),
        ("axis a float", {"a": entry([4.0], [0, 16])}, 16, "whole numbers"),
        ("axis true", {"a": entry([True], [0, 4])}, 4, "whole numbers"),
        ("axis a text", {"a": entry(["4"], [0, 16])}, 16, "whole numbers"),
        ("axis huge", {"a": entry([10**400], [0, 16])}, 16, "whole numbers"),
        ("many axes", {"a": entry([1] * 9, [0, 4])}, 4, "0 to 8 num"),
        ("100,000 axes", {"a": entry([9] * 10**5, [0, 4])}, 4, "0 to 8 num"),
        ("shape no list", {"a": entry(4, [0, 16])}, 16, "0 to 8 num"),
        ("one offset", {"a": entry([4], [16])}, 16, "2 to 2 num"),
        ("no offsets", {"a": {"dtype": "F32", "shape": [4]}}, 16, "must have a dtype"),
        ("more than that", {"a": entry([4], [0, 16], code="x")}, 16, "must have a dtype"),
        ("no object", {"a": [1]}, 0, "must have a dtype"),
        ("unknown dtype", {"a": entry([4], [0, 4], "F8_E4M3")}, 4, "'F8_E4M3'"),
        ("dtype as a list", {"a": entry([4], [0, 4], ["F32"])}, 4, "dtype"),
        ("python's dtype", {"a": entry([1], [0, 8], "|O")}, 8, r"'\|O'"),
    ):  # fmt: skip
        yield Case(f"tensors: {name}", sealed(outer(good, infos), bytes(body)), says)


def _contents(real: bytes, sentinel: str) -> Iterator[Case]:
    def of(name: str, says: str, change: Callable[[Parts], Any]) -> Case:
        parts = apart(real)
        change(parts)
        return Case(f"contents: {name}", parts.file(), says)

    def setting(path: str, value: Any, says: str) -> Case:
        def change(parts: Parts) -> None:
            *way, last = path.split(".")
            place = parts.header["sections"]
            for step in way:
                place = place[step]
            place[last] = value

        return of(f"{path} = {str(value)[:40]}", says, change)

    def tensor(
        name: str, says: str, tensor: str, dtype: str, shape: list[int], data: bytes
    ) -> Case:
        return of(name, says, lambda p: p.tensors.update({tensor: (dtype, shape, data)}))

    for value in (10**9, 2**40, 2**61):
        yield setting("recurrent.size", value, f"no network.*size={value}")
        yield setting("recurrent.depth", value, "depth")
        yield setting("horizon", value, "horizon|member0.head")
    yield setting("recurrent.size", 10**30, "size")
    yield setting("recurrent.size", 0, "size")
    yield setting("recurrent.size", "8", "size")
    yield setting("recurrent.size", True, "size")
    yield setting("recurrent.depth", 9, "member0.*must be")
    yield setting("recurrent.bidirectional", True, "member0")
    yield setting("recurrent.init", "os.system", "init")
    yield setting("recurrent.dropout", 2, "dropout")
    yield setting("recurrent.cell_class", "builtins.eval", "cell_class")
    yield setting("fit.members", 3, "member2.*missing")
    yield setting("fit.members", 1, "member1.*not one of this model")
    yield setting("fit.members", 10**9, "members|1000")
    yield setting("horizon", 3, "member0.head")
    yield setting("horizon", -1, "horizon")
    yield setting("horizon", 10**4000, "no network.*horizon")
    yield setting("output", "__import__('os')", "output")
    yield setting("fill", 3, "fill")
    yield setting("random_state", -1, "random_state")
    yield setting("learned.codec.roles", ["target"], "does not fit together")
    yield setting("learned.codec", {"method": "pickle"}, "does not fit together|codec")
    yield setting("learned.columns.target", ["sold", "x"], "columns")
    yield setting("learned.masked", ["nobody"], "nobody")
    yield setting("learned.cycles", ["moon"], "cycles|week|section 'learned'")
    yield setting("learned.units", [""], "does not fit together")
    yield setting("learned.context", 0, "context|section 'learned'")
    yield setting("from_the_future", {}, "from_the_future")
    yield setting("\u202emtsl\u200b", {}, r"\\u202emtsl")
    yield of("no section", "window", lambda p: p.header["sections"].pop("window"))
    yield of("section no object", "training", lambda p: p.header["sections"].update(training=[1]))
    name = "member1.head.readout.weight"
    dtype, shape, data = apart(real).tensors[name]
    wide = b"".join(struct.pack("<d", x) for (x,) in struct.iter_unpack("<f", data))
    nan, inf = (struct.pack("<f", float(x)) for x in ("nan", "-inf"))
    yield tensor("double", f"{name}.*float32", name, "F64", shape, wide)
    yield tensor("half", f"{name}.*float32", name, "F16", shape, data[: len(data) // 2])
    yield tensor("whole numbers", f"{name}.*float32", name, "I32", shape, data)
    yield tensor("transposed", name, name, dtype, shape[::-1], data)
    yield tensor("flat", name, name, dtype, [len(data) // 4], data)
    yield tensor("NaN", f"{name}.*finite", name, dtype, shape, nan + data[4:])
    yield tensor("infinite", f"{name}.*finite", name, dtype, shape, data[:-4] + inf)
    yield of("missing", f"{name}.*missing", lambda p: p.tensors.pop(name))
    newer = "member0.encoder.stack.weight_hh_l0_gate5"
    yield tensor("a newer version's", "gate5", newer, "F32", [1], bytes(4))
    yield tensor("member 7", "member7.x", "member7.x", "F32", [1], bytes(4))
    yield tensor("member 00", "member00.x", "member00.x", "F32", [1], bytes(4))
    yield tensor("extra", "code", "code", "U8", [4], b"\x80\x04N.")
    yield tensor("right to left", r"\\u202e", "member0.\u202eweight\u200b", "F32", [0], b"")
    yield tensor("learned extra", "learned.hook", "learned.hook", "U8", [1], b"x")
    yield tensor(
        "nan spread",
        "spread",
        "learned.codec.spread",
        "F64",
        [4],
        struct.pack("<4d", 1, 1, 1, float("nan")),
    )
    yield tensor("spread 0", "spread", "learned.codec.spread", "F64", [4], bytes(32))
    yield tensor("spread float32", "spread", "learned.codec.spread", "F32", [4], b"\0\0\x80?" * 4)
    yield tensor("short spread", "does not fit", "learned.codec.spread", "F64", [1], bytes(8))
    yield tensor("no spread", "does not fit", "learned.codec.spread", "F64", [0], b"")
    yield of("seen is gone", "end_time", lambda p: p.tensors.pop("learned.seen.end_time"))
    yield tensor("seen differs", "series were seen", "learned.seen.end", "I64", [1], bytes(8))
    for at, (kind, payload) in enumerate(
        [*pickles(sentinel).items(), ("brackets", b"[" * 10**6), ("NaN", b'{"epochs":NaN}')]
    ):
        for place in ("history", "learned.codec.keys", "learned.seen.keys"):
            says = "does not fit together"
            shape = [len(payload)]
            yield tensor(f"{kind} as {place} {at}", says, place, "U8", shape, payload)
    yield of("no history", "history", lambda p: p.tensors.pop("history"))

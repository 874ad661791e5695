"""Model files whose parts are changed and whose digest fits: refused, or models that forecast."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longshort import load
from longshort.errors import LongshortError, ModelFileError

from ..artifact.corpus import Parts, apart, outer, sealed  # noqa: TID252
from .conftest import TRIED

# weights and scales of any size: what overflows is infinite
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::RuntimeWarning")]

GOLDEN = Path(__file__).parent.parent / "golden" / "sales.lstm"
TABLE = GOLDEN.with_suffix(".csv")
WORDS = ["", "x", "season", "time", "sold", "price", "year", "target", "standard", "\u202e", "\0"]
NUMBERS = [0, -1, 1, 2, 3, 7, 2**31, 2**53, 2**61, 2**62, 2**63, 10**30, 0.5, -0.0, 1e308, 5e-324]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz") / "changed.lstm"


def holds(path: Path, data: bytes) -> None:
    """The property: a file is refused by its name, or it is a model that forecasts or says why."""
    TRIED["test_model_file.py"] += 1
    path.unlink(missing_ok=True)
    path.write_bytes(data)
    try:
        model = load(path)
    except ModelFileError as refusal:
        said = str(refusal)
    else:
        said = str(path)
        with suppress(LongshortError):
            model.predict(TABLE)
    assert str(path) in said
    assert len(said) < 1000


def places(part: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value inside a JSON value."""
    if way:
        yield way
    if isinstance(part, dict | list):
        inner = part.items() if isinstance(part, dict) else enumerate(part)
        for name, value in inner:
            yield from places(value, (*way, name))


REAL = apart(GOLDEN.read_bytes())
values = st.recursive(
    st.none() | st.booleans() | st.sampled_from(NUMBERS) | st.sampled_from(WORDS) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def settings_changed(draw: st.DrawFn) -> bytes:
    """One to three values of the header replaced, left out or added."""
    parts = apart(GOLDEN.read_bytes())
    for _ in range(draw(st.integers(1, 3))):
        way = draw(st.sampled_from(list(places(parts.header))))
        place = parts.header
        for step in way[:-1]:
            place = place[step]
        kind = draw(st.sampled_from(["replace", "replace", "drop", "add"]))
        if kind == "drop":
            del place[way[-1]]
        elif kind == "add" and isinstance(place, dict):
            place[draw(st.sampled_from(WORDS))] = draw(values)
        else:
            place[way[-1]] = draw(values)
    return parts.file()


@st.composite
def tensors_changed(draw: st.DrawFn) -> bytes:
    """One tensor with another dtype, shape, content or name."""
    parts: Parts = apart(GOLDEN.read_bytes())
    name = draw(st.sampled_from(sorted(parts.tensors)))
    dtype, shape, data = parts.tensors.pop(name)
    kind = draw(st.sampled_from(["drop", "rename", "retype", "reshape", "refill", "json"]))
    if kind == "rename":
        name = draw(st.sampled_from(sorted(REAL.tensors)) | st.text())
    elif kind == "retype":
        dtype = draw(st.sampled_from(["F32", "F64", "I64", "U8", "BOOL", "F16", "I32"]))
    elif kind == "reshape":
        shape = draw(st.lists(st.sampled_from([0, 1, 2, 3, 12, 38, 2**31, 2**62]), max_size=9))
    elif kind == "refill":
        data = draw(st.binary(min_size=len(data), max_size=len(data)))
    elif kind == "json":
        data = json.dumps(draw(values)).encode()
        dtype, shape = "U8", [len(data)]
    if kind != "drop":
        parts.tensors[name] = dtype, shape, data
    return parts.file()


@st.composite
def headers(draw: st.DrawFn) -> bytes:
    """Any JSON where a header's parts stand."""
    names = st.sampled_from(["dtype", "shape", "data_offsets", "format", "sections", "kind"])
    entry = st.fixed_dictionaries(
        {
            "dtype": st.sampled_from(["F32", "U8", "F8", ""]) | values,
            "shape": st.lists(st.sampled_from([0, 1, 2, -1, 2**33, 2**64])) | values,
            "data_offsets": st.lists(st.sampled_from([0, 4, 8, -4, 2**63]), max_size=3) | values,
        }
    )
    infos = draw(st.dictionaries(st.text() | names, entry | values, max_size=4))
    inner = draw(st.just(json.dumps(REAL.header)) | values.map(json.dumps) | st.text())
    return sealed(outer(inner, infos), draw(st.binary(max_size=16)))


@settings(max_examples=1500)
@given(data=settings_changed())
def test_changed_settings(path: Path, data: bytes) -> None:
    holds(path, data)


@settings(max_examples=1000)
@given(data=tensors_changed())
def test_changed_tensors(path: Path, data: bytes) -> None:
    holds(path, data)


@settings(max_examples=1000)
@given(data=headers())
def test_any_header(path: Path, data: bytes) -> None:
    holds(path, data)


@settings(max_examples=1000)
@given(data=st.binary(max_size=200), text=st.booleans())
def test_any_bytes(path: Path, data: bytes, text: bool) -> None:
    whole = sealed(outer(data.decode(errors="replace"))) if text else data
    holds(path, whole)

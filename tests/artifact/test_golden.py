"""The golden file: what a release has written is read for good, and docs/format.md is enough."""

from __future__ import annotations

import csv
import datetime
import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from longshort import artifact, load

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "format.md").read_text()
DTYPES = {"F32": "<f4", "F64": "<f8", "I64": "<i8", "U8": "u1"}


@pytest.fixture(scope="module")
def told(golden: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(golden.with_suffix(".json").read_text())
    return content


def by_the_page(path: Path) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """A file as the page's own reader reads it."""
    found: dict[str, Any] = {}
    exec(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[0], found)
    inner, tensors = found["read"](path)
    return inner, {
        name: np.frombuffer(data, DTYPES[dtype]).reshape(shape)
        for name, (dtype, shape, data) in tensors.items()
    }


def test_the_golden_file_is_small_and_forecasts_what_it_did(
    golden: Path, told: dict[str, Any]
) -> None:
    assert golden.stat().st_size < 20_000
    found = load(golden).predict(golden.with_suffix(".csv"), quantiles=(0.1, 0.9))
    wanted = pl.DataFrame(told["forecast"])
    assert found.columns == wanted.columns
    for name in ("sold", "sold_q10", "sold_q90"):
        assert np.allclose(found[name], wanted[name], rtol=0, atol=1e-6)


def test_the_pages_reader_finds_what_is_listed_beside_the_file(
    golden: Path, told: dict[str, Any]
) -> None:
    inner, tensors = by_the_page(golden)
    assert inner == {"format": 1, **{name: told[name] for name in ("kind", "version", "sections")}}
    assert set(tensors) == set(told["tensors"])
    for name, array in tensors.items():
        wanted = told["tensors"][name]
        assert (array.dtype.name, list(array.shape)) == (wanted["dtype"], wanted["shape"])
        assert array.sum(dtype=np.float64) == pytest.approx(wanted["sum"], abs=1e-9)


def test_the_same_content_is_the_same_file(golden: Path, tmp_path: Path) -> None:
    content = artifact.read(golden)
    again = tmp_path / "again.lstm"
    artifact.write(again, content.kind, content.version, content.sections, content.tensors)
    assert again.read_bytes() == golden.read_bytes()


def test_what_was_opened_is_saved_as_it_was(
    golden: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: dict[str, Any]
) -> None:
    again = tmp_path / "again.lstm"
    monkeypatch.setattr("longshort.tasks.base.__version__", told["version"])
    load(golden).save(again)
    before, after = artifact.read(golden), artifact.read(again)
    assert {n: a.tobytes() for n, a in before.tensors.items()} == {
        n: a.tobytes() for n, a in after.tensors.items()
    }
    # a later version may know more settings
    assert set(before.sections) == set(after.sections)


def test_the_page_names_every_section_and_every_tensor(golden: Path) -> None:
    inner, tensors = by_the_page(golden)
    for name in [*inner["sections"], *inner["sections"]["learned"], *inner]:
        assert f"`{name}`" in PAGE, name
    for name in tensors:
        general = re.sub(r"_l\d+", "_l<k>", re.sub(r"^member\d+", "member<m>", name))
        assert f"`{general}`" in PAGE, name
    limits = (artifact.MAX_HEADER, artifact.MAX_FILE, artifact.MAX_AXES, artifact.MAX_DEPTH)
    for limit in limits:
        assert re.search(rf"\b{limit:,}\b", PAGE), limit


def calendar(day: datetime.date) -> list[float]:
    """Sine and cosine of the year and the week, as the page tells them."""
    first = datetime.date(day.year, 1, 1)
    year = (day - first).days / (datetime.date(day.year + 1, 1, 1) - first).days
    phases = (year, day.weekday() / 7)
    return [wave(2 * math.pi * phase) for phase in phases for wave in (math.sin, math.cos)]


def sigmoid(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1 / (1 + np.exp(-x))


def quantiles(
    of: dict[str, NDArray[np.float64]], inputs: NDArray[np.float64], known: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(L, 19) encoded quantiles by steps 3 to 5 of the page."""
    h = c = np.zeros(of["encoder.stack.weight_hh_l0"].shape[1])
    for x in inputs:
        total = of["encoder.stack.weight_ih_l0"] @ x + of["encoder.stack.bias_ih_l0"]
        total = total + of["encoder.stack.weight_hh_l0"] @ h + of["encoder.stack.bias_hh_l0"]
        i, f, g, o = np.split(total, 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
    a = of["head.readout.weight"] @ h + of["head.readout.bias"]
    a = (a + of["head.straight.weight"] @ inputs[-1]).reshape(len(known), 19)
    a = a + np.einsum("lc,lcq->lq", known, of["head.known"])
    q = np.empty_like(a)
    q[:, 9] = a[:, 9]
    steps = np.log1p(np.exp(a - 2))
    for up in range(10, 19):
        q[:, up] = q[:, up - 1] + steps[:, up]
        q[:, 18 - up] = q[:, 19 - up] - steps[:, 18 - up]
    return q


def test_the_page_is_enough_to_forecast(golden: Path, told: dict[str, Any]) -> None:
    inner, tensors = by_the_page(golden)
    learned = inner["sections"]["learned"]
    names, context = learned["codec"]["names"], learned["context"]
    assert (names, learned["masked"]) == (["sold", "price", "promo", "area"], ["price"])
    assert learned["cycles"] == ["year", "week"]
    centre, spread = tensors["learned.codec.centre"], tensors["learned.codec.spread"]
    rows = list(csv.DictReader(golden.with_suffix(".csv").read_text("utf-8").splitlines()))
    for shop in ("north", "süd"):
        own = [row for row in rows if row["shop"] == shop]
        raw = np.array([[float(row[name] or "nan") for name in names] for row in own])
        encoded = (raw - centre) / spread
        for at in range(1, len(own)):
            encoded[at] = np.where(np.isnan(raw[at]), encoded[at - 1], encoded[at])
        days = [calendar(datetime.date.fromisoformat(row["day"][:10])) for row in own]
        known = np.concatenate([encoded[:, 2:3], days], 1)
        mask = np.isfinite(raw[:, 1:2])
        inputs = np.concatenate([encoded[:, :2], mask, known, encoded[:, 3:]], 1)
        # the last two rows are the horizon
        members = [
            quantiles(
                {n.removeprefix(f"member{m}."): a.astype(float) for n, a in tensors.items()},
                inputs[-context - 2 : -2],
                known[-2:],
            )
            for m in range(inner["sections"]["fit"]["members"])
        ]
        found = (np.mean(members, 0) + encoded[-3, 0]) * spread[0] + centre[0]
        wanted = [row for row in told["forecast"] if row["shop"] == shop]
        for name, at in (("sold", 9), ("sold_q10", 1), ("sold_q90", 17)):
            assert np.allclose(found[:, at], [row[name] for row in wanted], rtol=1e-5)

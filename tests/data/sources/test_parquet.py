"""A look at a Parquet file's pages: every writer's files pass, damaged counts do not."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from longshort.data.sources.parquet import check_pages


def table(rows: int) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    return pl.DataFrame(
        {
            "t": np.datetime64("2020-01-01") + np.arange(rows),
            "g": [f"series {at % 7}" for at in range(rows)],
            "y": rng.normal(size=rows),
            "gaps": [None if at % 3 else at for at in range(rows)],
            "flag": [at % 2 == 0 for at in range(rows)],
            "text": [None if at % 5 == 0 else "x" * (at % 40) for at in range(rows)],
            "lists": [[at] * (at % 4) for at in range(rows)],
            "parts": [{"a": at, "b": str(at)} for at in range(rows)],
        },
        schema_overrides={"t": pl.Datetime("us")},
    )


@pytest.mark.parametrize("rows", [0, 1, 1000])
@pytest.mark.parametrize("compression", ["zstd", "snappy", "gzip", "lz4", "uncompressed"])
def test_what_polars_writes_passes(rows: int, compression: str, tmp_path: Path) -> None:
    for size, pages in product((None, 100), (None, 200)):
        table(rows).write_parquet(
            tmp_path / "a.parquet",
            compression=compression,  # type: ignore[arg-type]
            row_group_size=size,
            data_page_size=pages,
        )
        check_pages(tmp_path / "a.parquet")


@pytest.mark.parametrize("rows", [0, 1, 1000])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("compression", ["none", "snappy", "gzip", "brotli", "zstd"])
def test_what_pyarrow_writes_passes(
    rows: int, version: str, compression: str, tmp_path: Path
) -> None:
    for dictionary, index, encoding in product((True, False), (True, False), (None, "y")):
        given: dict[str, object] = {}
        if encoding and not dictionary:
            given["column_encoding"] = {"y": "BYTE_STREAM_SPLIT"}
        pq.write_table(
            table(rows).to_arrow(),
            tmp_path / "a.parquet",
            data_page_version=version,
            compression=compression,
            use_dictionary=dictionary,
            write_page_index=index,
            write_page_checksum=index,
            data_page_size=200,
            row_group_size=300,
            **given,
        )
        check_pages(tmp_path / "a.parquet")


def test_a_header_longer_than_one_look_is_read(tmp_path: Path) -> None:
    long = pa.table({"text": ["a" * 20_000, "b" * 20_000]})
    pq.write_table(long, tmp_path / "a.parquet", use_dictionary=False)
    check_pages(tmp_path / "a.parquet")


def test_a_count_below_zero_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pl.DataFrame({"y": range(120)}).write_parquet(path, compression="uncompressed")
    whole = bytearray(path.read_bytes())
    # 120 as a signed number of Thrift; with its last bit set it is -121
    at = whole.index(b"\xf0\x01")
    whole[at] = 0xF1
    path.write_bytes(whole)
    with pytest.raises(ValueError, match="count that cannot be"):
        check_pages(path)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" * 4, b"x" * 100, b"\xff" * 99 + b"PAR1"])
def test_what_is_no_parquet_file_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(content)
    with pytest.raises(ValueError, match=r"footer|headers"):
        check_pages(tmp_path / "a.parquet")

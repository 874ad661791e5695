"""Arrays as series: samples of equally many time steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from longshort.data.sequences import CATEGORY_ROLES, NUMERIC_ROLES, Columns, Field, Role, Sequences
from longshort.data.sources.categories import categories
from longshort.data.sources.fields import check_static, check_targets
from longshort.data.sources.spacing import Fill
from longshort.errors import DataError, suggest


def from_array(data: NDArray[Any], columns: Columns, fill: Fill, require_target: bool) -> Sequences:
    """Series from (samples, time steps, features), (samples, time steps) or (time steps,).

    Any real number type, order of bytes and memory will do; masked elements are missing.

    Raises:
        DataError: the array holds no numbers, or a field that was asked for is not there.
    """
    source = "an array"
    if isinstance(data, np.ma.MaskedArray):
        data = np.where(np.ma.getmaskarray(data), np.nan, data.data)
    if data.dtype.kind not in "biuf" or not 1 <= data.ndim <= 3 or not data.size:
        raise DataError(
            f"{source} of shape {data.shape} and type {data.dtype} is not read: give numbers as "
            "(samples, time steps, features), (samples, time steps) or (time steps,)"
        )
    if data.ndim < 3:
        data = np.atleast_2d(data)[:, :, None]
    samples, steps, width = data.shape
    names = [f"x{at}" for at in range(width)]
    # the fields of an array may also be named by their number
    known = {**{str(at): name for at, name in enumerate(names)}, **{n: n for n in names}}
    chosen: dict[str, Role] = {}
    for role, name in columns.asked():
        if role in ("time", "group"):
            raise DataError(
                f"{source} has no column {name!r} for {role}: its rows are in order and its "
                f"samples are the series; leave {role} out, or give a frame"
            )
        chosen[_known(name, known, source)] = role
    labelled = {_known(name, known, source) for name in columns.category}
    for name in labelled:
        chosen.setdefault(name, "past")
    if "target" not in chosen.values():
        chosen.update({name: "target" for name in names if name not in chosen})
    elif columns.past is None:
        chosen.update({name: "past" for name in names if name not in chosen})
    flat = np.asarray(data, dtype=np.float64).reshape(-1, width)
    if np.isinf(flat).any():
        row, at = (int(i) for i in np.argwhere(np.isinf(flat))[0])
        raise DataError(
            f"{source}, sample {row // steps}, time step {row % steps}, field {names[at]!r}: the "
            f"value is infinite ({flat[row, at]}); write NaN if it is missing"
        )
    plain = [name for name in chosen if name not in labelled]
    fields = tuple(Field(n, role) for role in NUMERIC_ROLES for n in plain if chosen[n] == role)
    values = flat[:, [names.index(field.name) for field in fields]]
    for name in sorted(labelled, key=lambda name: CATEGORY_ROLES.index(chosen[name])):
        labels, codes = categories(pl.Series(flat[:, names.index(name)]))
        fields = (*fields, Field(name, chosen[name], labels=labels))
        values = np.column_stack([values, codes])
    offsets = np.arange(samples + 1, dtype=np.int64) * steps
    keys = ("",) if samples == 1 else tuple(str(at) for at in range(samples))
    check_static(
        lambda row: f"{source}, sample {row // steps}, time step {row % steps}",
        fields,
        values,
        offsets,
        keys,
        np.arange(len(values)),
    )
    if require_target:
        check_targets(source, fields, values, offsets)
    return Sequences(fields, keys, offsets, None, None, values, source, fill)


def _known(name: str, known: dict[str, str], source: str) -> str:
    """The field of an array that a name means."""
    if name not in known:
        names = sorted(set(known.values()))
        raise DataError(f"{source}: there is no field {name!r}: {suggest(name, names)}")
    return known[name]

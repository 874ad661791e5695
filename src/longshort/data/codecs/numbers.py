"""Numbers on a scale a network can read, and back again: fitted on the training rows alone."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self, TypeVar, cast, get_args

import numpy as np
from numpy.typing import NDArray

from longshort.contracts import Batch, Params, Prediction
from longshort.data.codecs.spread import Method, Stats, statistics, usual_deviation
from longshort.data.sequences import Floats, Role, Sequences
from longshort.data.steps import Ints
from longshort.errors import ArgumentError, DataError, ModelFileError, suggest

# largest distance of neighbouring float32 numbers, in standard deviations of a series
_DIGITS = 0.1
# what encoded values stay below, so that products of them are numbers of float32, too
_FAR = 1e15
# a numpy array or a torch tensor
A = TypeVar("A")


@dataclass(frozen=True)
class Scaling(Params):
    """How columns are scaled.

    Args:
        method: "standard" (mean, standard deviation), "minmax" (least value, range), "robust"
            (median, interquartile range, or standard deviation where that range is nearly 0),
            "none", which is refused where numbers of 32 bits could not tell values apart.
        log: take log(1 + x) of the targets first; they must not be negative. Covariates are
            scaled by ``method`` alone.
        per_series: each series has its own scale (static columns never do: they are what tells
            series apart).

    Raises:
        ArgumentError: the method is unknown.
    """

    method: Method = "standard"
    log: bool = False
    per_series: bool = False

    def __post_init__(self) -> None:
        if self.method not in get_args(Method):
            raise ArgumentError(
                f"scaling method {self.method!r} is unknown: "
                f"{suggest(str(self.method), get_args(Method))}"
            )


@dataclass(frozen=True, eq=False)
class NumberCodec:
    """``encoded = (f(x) - centre) / spread``, where f is log(1 + x) for targets with ``log``.

    Missing values stay NaN. Made by ``fit`` or ``from_parts``.

    Targets that are counts are never shifted: their centre is 0 and their spread their mean, as in
    DeepAR (Salinas et al. 2020), 1 or more, rounded to a power of two: dividing by it loses no
    digit, so that counts up to 2^24 come back from float32 as they were.

    Args:
        scaling: the settings.
        names, roles: the F columns.
        keys: the S series that were fitted, those with training rows; () where the scale is the
            same for all.
        centre, spread: (F,), or (S, F) with ``per_series``, in units of f(x); spread is above 0.
        typical: (2, F), centre and spread over all series together: the scale of static columns,
            and of a series that has no observed value.
        counts: the targets are whole numbers of 0 or more.
    """

    scaling: Scaling
    names: tuple[str, ...]
    roles: tuple[Role, ...]
    keys: tuple[str, ...]
    centre: Floats
    spread: Floats
    typical: Floats
    counts: bool = False

    @classmethod
    def fit(
        cls,
        sequences: Sequences,
        train_end: Ints,
        scaling: Scaling | None = None,
        *,
        counts: bool = False,
    ) -> NumberCodec:
        """Learn centre and spread from each series' first ``train_end`` rows.

        Args:
            sequences: S series; rows from ``train_end`` on are never looked at.
            train_end: (S,) of int64, rows of each series that belong to training.
            scaling: None is the standard one.
            counts: the targets are counts; ``scaling.method`` is for covariates alone.

        Raises:
            DataError: ``log`` and a target that is negative in training, or ``counts`` and one
                that is no whole number of 0 or more; the value is named.
            ArgumentError: ``counts`` and ``log``.
        """
        scaling = scaling or Scaling()
        if counts and scaling.log:
            raise ArgumentError(
                "Scaling(log=True): counts are told by their own distribution, without a "
                "logarithm; use log=False"
            )
        sequences = sequences.plain()
        train = sequences.crop(0, np.asarray(train_end, dtype=np.int64))
        if scaling.per_series and not train.lengths.all():
            # a series without training rows is scaled by what comes before its first forecast
            train = train.select(np.flatnonzero(train.lengths))
        roles = tuple(field.role for field in sequences.fields)
        zero, one = np.zeros(len(roles)), np.ones(len(roles))
        typical = np.stack([zero, one])
        blank = cls(scaling, sequences.names, roles, (), zero, one, typical, counts)
        seen = blank._forward(train.values, train.offsets, train.keys, sequences.source)
        (centre,), (spread,) = blank._stats(seen, train.offsets[[0, -1]])
        spread = np.where(np.isnan(spread), 1.0, spread)
        centre = np.where(np.isnan(centre), 0.0, centre)
        if not scaling.per_series:
            typical = np.stack([centre, spread])
            return replace(blank, centre=centre, spread=spread, typical=typical)
        centres, spreads = blank._stats(seen, train.offsets)
        usual = blank._even(_median_spread(spreads, spread, blank._static))
        codec = replace(blank, keys=train.keys, typical=np.stack([centre, usual]))
        centres, spreads = codec._complete(centres, spreads)
        return replace(codec, centre=centres, spread=spreads)

    def check(self, sequences: Sequences) -> None:
        """Refuse values that cannot be encoded.

        Raises:
            DataError: ``log`` and a negative target, ``counts`` and one that is no whole number of
                0 or more, any value so far from those of the training part that numbers of 32 bits
                cannot tell it; source, column, series, row and value are named.
        """
        sequences = sequences.plain()
        self._refuse(sequences.values, sequences.offsets, sequences.keys, sequences.source)
        low, high = sequences.extremes
        furthest = np.fmax(np.abs(low), np.abs(high)) + np.abs(self.centre)
        if not (furthest / self.spread > _FAR).any():
            return
        at = self._places(sequences.keys)
        typical = at < 0
        centre = np.where(typical[:, None], self.typical[0], np.atleast_2d(self.centre)[at])
        spread = np.where(typical[:, None], self.typical[1], np.atleast_2d(self.spread)[at])
        series = np.repeat(np.arange(len(sequences)), sequences.lengths)
        seen = self._forward(sequences.values)
        far = np.abs(seen - centre[series]) / spread[series] > _FAR
        for row, column in np.argwhere(far & ~typical[series][:, None]):
            raise DataError(
                f"{sequences.label(int(series[row]))}, {sequences.time_label(int(row))}: column "
                f"{self.names[column]!r} is {sequences.values[row, column]:g}, and the values that "
                f"the model was fitted on differ by {spread[series[row], column]:g}: correct it, "
                "or leave it empty if it is missing"
            )

    def _places(self, keys: Sequence[str]) -> Ints:
        """(S,) the place of each series' scale: 0 where all share one, -1 where none is known."""
        if not self.scaling.per_series:
            return np.zeros(len(keys), np.int64)
        known = {key: at for at, key in enumerate(self.keys)}
        return np.array([known.get(key, -1) for key in keys], dtype=np.int64)

    def check_digits(self, train: Sequences) -> None:
        """Refuse columns that change by little more than float32 can hold apart at their level.

        Args:
            train: the training rows.

        Raises:
            ArgumentError: so it is without scaling, or with one scale for series of very different
                levels; the column is named.
        """
        if self.scaling.per_series or not (self.scaling.method == "none" or len(train) > 1):
            return
        train = train.plain()
        seen = self._forward(train.values)
        usual = usual_deviation(seen, train.offsets)
        low, high = np.fmin.reduce(seen, axis=0), np.fmax.reduce(seen, axis=0)
        furthest = np.nan_to_num(np.fmax(high - self.centre, self.centre - low))
        apart = np.spacing((furthest / self.spread).astype(np.float32)) * self.spread
        for column in np.flatnonzero((usual > 0) & (apart > _DIGITS * usual) & ~self._static):
            way = "method='standard'" if self.scaling.method == "none" else "per_series=True"
            raise ArgumentError(
                f"{train.source}: column {self.names[column]!r} lies up to {furthest[column]:g} "
                f"from {self.centre[column]:g} and varies by {usual[column]:.3g} within a series; "
                f"scaled by {self.spread[column]:g}, numbers of 32 bits are {apart[column]:.3g} "
                f"apart there, so that its digits are lost. Use Scaling({way}) "
                f"(--{'scaling standard' if self.scaling.method == 'none' else 'per-series'})"
            )

    def unknown(self, keys: Sequence[str]) -> NDArray[np.bool_]:
        """(S,) which of these series have a scale of their own that was not fitted."""
        return self._places(keys) < 0

    def row_stats(
        self, keys: Sequence[str], values: Floats, offsets: Ints
    ) -> tuple[Floats, Floats]:
        """Centre and spread (S, F) of each of the given series.

        Args:
            keys: the S series' names.
            values, offsets: (N, F) and (S+1,), raw values of these series. They matter only for
                series that are ``unknown``: those are scaled by the statistics of the rows given
                here, so give their history and nothing later. A column that is constant there gets
                the median spread of the fitted series.

        Raises:
            DataError: ``log`` and a negative target; column, series, row and value are named.
        """
        seen = self._forward(values, offsets, keys)
        width = len(self.names)
        if not self.scaling.per_series:
            shape = (len(keys), width)
            return np.broadcast_to(self.centre, shape), np.broadcast_to(self.spread, shape)
        at = self._places(keys)
        centre, spread = self.centre[at].copy(), self.spread[at].copy()
        if (at < 0).any():
            own = self._complete(*self._stats(seen, np.asarray(offsets)))
            centre[at < 0], spread[at < 0] = (part[at < 0] for part in own)
        return centre, spread

    def encode(
        self, values: Floats, centre: Floats | None = None, spread: Floats | None = None
    ) -> Floats:
        """Raw values (N, F) of all columns as scaled float64 (N, F).

        Args:
            values: the rows.
            centre, spread: (F,) or (N, F), each row's series' part of ``row_stats``; None is the
                scale that all series share.

        Raises:
            DataError: ``log`` and a negative target; column, row and value are named.
            ArgumentError: ``per_series`` and no centre and spread; values are not (N, F).
        """
        middle, width = self._scale_of(values, centre, spread, "encode")
        return np.asarray((self._forward(values) - middle) / width)

    def decode(
        self, encoded: Floats, centre: Floats | None = None, spread: Floats | None = None
    ) -> Floats:
        """The inverse of ``encode``: all columns (N, F) in raw units.

        Raises:
            ArgumentError: ``per_series`` and no centre and spread; values are not (N, F): targets
                alone go through ``decode_target``.
        """
        middle, width = self._scale_of(encoded, centre, spread, "decode")
        raw = np.asarray(encoded, dtype=np.float64) * width + middle
        if self.scaling.log:
            raw[:, self._targets] = np.expm1(raw[:, self._targets])
        return raw

    def encode_target(self, raw: Floats, centre: Floats, spread: Floats) -> Floats:
        """Raw targets as encoded ones; ``centre`` and ``spread`` broadcast against them."""
        seen = np.log1p(raw) if self.scaling.log else raw
        return np.asarray((seen - centre) / spread)

    def decode_target(self, encoded: A, centre: A, spread: A) -> A:
        """Encoded targets in raw units: the inverse of f at ``encoded * spread + centre``.

        Args:
            encoded, centre, spread: numpy arrays or torch tensors, all of one kind, broadcasting
                against each other; in float64 where the raw scale matters.
        """
        number: Any = encoded
        raw: Any = number * spread + centre
        if self.scaling.log:
            raw = raw.expm1() if not isinstance(raw, np.ndarray) else np.expm1(raw)
        return cast(A, raw)

    def inverse(self, prediction: Prediction, batch: Batch) -> Prediction:
        """A prediction of encoded targets in raw units, float64, by the batch's own statistics."""
        if batch.offset is None or batch.scale is None:
            raise ValueError("the batch has no offset and scale to bring predictions back with")
        # (B, K) against (B, L, K) and (B, L, K, Q)
        centre, spread = batch.offset.double().unsqueeze(1), batch.scale.double().unsqueeze(1)
        point = self.decode_target(prediction.point.double(), centre, spread)
        quantiles = prediction.quantiles
        if quantiles is not None:
            quantiles = self.decode_target(
                quantiles.double(), centre.unsqueeze(-1), spread.unsqueeze(-1)
            )
        return prediction.replace(point=point, quantiles=quantiles)

    def to_parts(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Settings (JSON values) and arrays, for a model file; ``from_parts`` goes back."""
        settings = {
            **self.scaling.get_params(),
            "names": list(self.names),
            "roles": list(self.roles),
            "counts": self.counts,
        }
        keys = json.dumps(self.keys, ensure_ascii=False).encode()
        arrays: dict[str, NDArray[Any]] = {
            "centre": self.centre,
            "spread": self.spread,
            "typical": self.typical,
            "keys": np.frombuffer(keys, dtype=np.uint8),
        }
        return settings, arrays

    @classmethod
    def from_parts(cls, settings: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The codec whose ``to_parts()`` these are.

        Raises:
            ModelFileError: a part is missing or does not fit the others.
        """
        try:
            codec = cls(
                Scaling(settings["method"], bool(settings["log"]), bool(settings["per_series"])),
                tuple(settings["names"]),
                tuple(settings["roles"]),
                tuple(json.loads(np.asarray(arrays["keys"], dtype=np.uint8).tobytes())),
                np.array(arrays["centre"], dtype=np.float64),
                np.array(arrays["spread"], dtype=np.float64),
                np.array(arrays["typical"], dtype=np.float64),
                bool(settings.get("counts", False)),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ModelFileError(f"the scaling of the numbers cannot be read: {error}") from None
        width = len(codec.names)
        shape = (len(codec.keys), width) if codec.scaling.per_series else (width,)
        found = (len(codec.roles), codec.centre.shape, codec.spread.shape, codec.typical.shape)
        if found != (width, shape, shape, (2, width)):
            raise ModelFileError(f"the scaling of {width} columns has parts of shape {found[1:]}")
        spreads = np.append(codec.spread, codec.typical[1:])
        centres = np.append(codec.centre, codec.typical[:1])
        if not (np.isfinite(spreads).all() and (spreads > 0).all() and np.isfinite(centres).all()):
            raise ModelFileError("the scaling of the numbers has a spread that is not above 0")
        return codec

    @property
    def _static(self) -> NDArray[np.bool_]:
        return np.array([role == "static" for role in self.roles], dtype=bool)

    @property
    def _targets(self) -> list[int]:
        return [at for at, role in enumerate(self.roles) if role == "target"]

    def _scale_of(
        self, values: Floats, centre: Floats | None, spread: Floats | None, verb: str
    ) -> Stats:
        shape = np.shape(values)
        if len(shape) != 2 or shape[1] != len(self.names):
            raise ArgumentError(
                f"{verb} takes rows of all columns, (N, {len(self.names)}); got {shape}. Targets "
                f"alone go through {verb}_target"
            )
        if centre is not None and spread is not None:
            return centre, spread
        if self.scaling.per_series:
            raise ArgumentError("scaling is per series: pass centre and spread (see row_stats)")
        return self.centre, self.spread

    def _forward(
        self,
        values: Floats,
        offsets: Ints | None = None,
        keys: Sequence[str] | None = None,
        source: str = "",
    ) -> Floats:
        """f(x), after a look at what f cannot take."""
        values = np.asarray(values, dtype=np.float64)
        if not (self.scaling.log or self.counts):
            return values
        self._refuse(values, offsets, keys, source)
        if self.scaling.log:
            values = values.copy()
            values[:, self._targets] = np.log1p(values[:, self._targets])
        return values

    def _refuse(
        self, values: Floats, offsets: Ints | None, keys: Sequence[str] | None, source: str
    ) -> None:
        """Name the first target that f cannot take."""
        for column in self._targets if self.scaling.log or self.counts else ():
            target = values[:, column]
            wrong = (target < 0) | (self.counts & (target != np.rint(target)) & ~np.isnan(target))
            if not wrong.any():
                continue
            row, name = int(wrong.argmax()), ""
            value = target[row]
            if offsets is not None and keys is not None:
                series = int(np.searchsorted(offsets, row, side="right")) - 1
                row -= int(offsets[series])
                name = f" of series {keys[series]!r}" if keys[series] else ""
            way = (
                "counts are whole numbers of 0 or more; use another output, such as 'quantiles'"
                if self.counts
                else "a logarithm needs values of 0 or more; use log=False"
            )
            raise DataError(
                f"{source + ': ' if source else ''}column {self.names[column]!r}{name} is "
                f"{value:g} in row {row} (counted from 0), and {way}"
            )

    def _stats(self, seen: Floats, offsets: Ints) -> Stats:
        """Centre and spread (S, F) of series (N, F) of f(x), NaN where they tell nothing."""
        centre, spread = statistics(seen, offsets, self.scaling.method)
        if self.counts:
            mean, _ = statistics(seen[:, self._targets], offsets, "standard")
            centre[:, self._targets] = np.where(np.isnan(mean), np.nan, 0.0)
            spread[:, self._targets] = mean
        return centre, self._even(spread)

    def _even(self, spread: Floats) -> Floats:
        """Spreads (..., F), those of counts as powers of two of 1 or more."""
        even = spread.copy()
        for column in self._targets if self.counts else ():
            least = np.maximum(spread[..., column], 1.0)
            even[..., column] = np.exp2(np.rint(np.log2(least)))
        return even

    def _complete(self, centre: Floats, spread: Floats) -> Stats:
        """Own statistics (..., F), the typical ones where a series has none or must not differ."""
        shared = self._static
        middle, width = self.typical
        return (
            np.where(shared | np.isnan(centre), middle, centre),
            np.where(shared | np.isnan(spread), width, spread),
        )


def _median_spread(spreads: Floats, overall: Floats, shared: NDArray[np.bool_]) -> Floats:
    """(F,) the median of the series' spreads (S, F), the overall one where no series has any."""
    chosen = overall.copy()
    for column in np.flatnonzero(~shared):
        seen = spreads[:, column]
        seen = seen[~np.isnan(seen)]
        if len(seen):
            chosen[column] = np.median(seen)
    return chosen

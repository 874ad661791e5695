r"""AutoETS, AutoARIMA and Theta: statistical models of one series at a time, from statsforecast.

Each is fitted once on the training rows, and then rolled forward: from every origin it forecasts
by the parameters of the fit and by all values before the origin. Hyndman and Khandakar 2008 for
the automatic choice of ETS and ARIMA; Assimakopoulos and Nikolopoulos 2000 and Fiorucci et al.
2016 for Theta.

AutoARIMA is rolled forward by its own difference equation, for all origins at once. With x less
its mean or drift, A(B) = phi(B) Phi(B^m) (1 - B)^d (1 - B^m)^D and M(B) = theta(B) Theta(B^m),

    e_t = sum_i A_i x_(t-i) - sum_j M_j e_(t-j)                (0 before the first that is known)
    x^_(o+l) = - sum_i A_i x_(o+l-i) + sum_(j > l) M_j e_(o+l-j)

where a value that is still to come is its own forecast.

What bounds the time: at most ``FITS`` series are fitted; every other one takes the model, of
``TRIED`` of those, that foresees its own training rows best. A fit sees at most ``_ROWS`` rows,
and Theta, which draws its line anew through all that it is given, is given as many.
Series are told in units of their own mean size, so that they can share a model. Seasons of more
than ``_LONGEST`` rows are taken out first: what is modelled is then the difference from the value
a season before.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any, Self
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from longshort.data.sequences import Floats
from longshort.data.steps import Ints
from longshort.data.windows import Windows
from longshort.errors import ArgumentError, NotFittedError
from longshort.records import Kind
from longshort.yardsticks.base import rows_seen, spread_over

# series fitted, of these tried on every other one, and from how many origins
FITS, TRIED, ASKED = 20, 4, 20
# rows of a fit, and the longest season of a model
_ROWS, _LONGEST = 600, 24
# rows that a model needs at least, beside two seasons
_LEAST = 12

# (history, numbers of known rows, horizon) -> forecasts (len(numbers), horizon)
Roll = Callable[[Floats, Ints, int], Floats]


def installed() -> bool:
    """Whether statsforecast is there."""
    return find_spec("statsforecast") is not None


def _models() -> Any:
    """The one place that statsforecast is imported."""
    if not installed():
        raise ArgumentError(
            "AutoETS, AutoARIMA and Theta need statsforecast: pip install 'longshort[yardsticks]'"
        )
    with _quiet():
        from statsforecast import models
    return models


@contextmanager
def _quiet() -> Iterator[None]:
    """What the models' search for parameters stumbles over is nobody's business."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


def ets(values: Floats, season: int) -> Roll:
    """AutoETS fitted to values (n,)."""
    return _forward(_models().AutoETS(season_length=season), values)


def theta(values: Floats, season: int) -> Roll:
    """AutoTheta fitted to values (n,)."""
    # its line is drawn anew through all that it is given
    return _forward(_models().AutoTheta(season_length=season), values, _ROWS)


def arima(values: Floats, season: int) -> Roll:
    """AutoARIMA fitted to values (n,)."""
    model = _models().AutoARIMA(season_length=season, approximation=True).fit(values).model_
    known: dict[str, float] = model["coef"]
    ar, ma, sar, sma, period, d, seasonal_d = model["arma"]

    def polynomial(name: str, order: int, apart: int, sign: int) -> Floats:
        found = np.zeros(order * apart + 1)
        found[0] = 1
        found[apart::apart] = [sign * known[f"{name}{n + 1}"] for n in range(order)]
        return found

    left = np.convolve(polynomial("ar", ar, 1, -1), polynomial("sar", sar, period, -1))
    for order, apart in ((d, 1), (seasonal_d, period)):
        step = np.zeros(apart + 1)
        step[0], step[-1] = 1, -1
        for _ in range(order):
            left = np.convolve(left, step)
    right = np.convolve(polynomial("ma", ma, 1, 1), polynomial("sma", sma, period, 1))
    return _difference_equation(left, right, known.get("intercept", 0.0), known.get("drift", 0.0))


def _difference_equation(left: Floats, right: Floats, mean: float, drift: float) -> Roll:
    from scipy.signal import lfilter

    lags, echoes = len(left) - 1, len(right) - 1

    def roll(history: Floats, known: Ints, horizon: int) -> Floats:
        rows = np.arange(len(history) + horizon)
        usual = mean + drift * (rows + 1)
        # zeros stand for what lies before the beginning
        x = np.concatenate([np.zeros(lags), history - usual[: len(history)]])
        errors = np.zeros(len(history) + echoes)
        if len(history) > lags:
            moved = np.convolve(x[lags:], left, mode="valid")
            errors[echoes + lags :] = lfilter([1.0], right, moved)
        # columns: the last values, then what is foreseen
        back, ahead = np.arange(-lags, 0), np.arange(horizon)
        values = np.zeros((len(known), lags + horizon))
        values[:, :lags] = x[known[:, None] + lags + back]
        echo = np.zeros((len(known), echoes + horizon))
        echo[:, :echoes] = errors[known[:, None] + echoes + np.arange(-echoes, 0)]
        for lead in ahead:
            past = values[:, lead : lead + lags] @ left[:0:-1]
            heard = echo[:, lead : lead + echoes] @ right[:0:-1]
            values[:, lags + lead] = heard - past
        return np.asarray(values[:, lags:] + usual[known[:, None] + ahead])

    return roll


def _forward(model: Any, values: Floats, most: int | None = None) -> Roll:
    """The library's own way forward, from the last ``most`` rows, or from all."""
    fitted = model.fit(values)

    def roll(history: Floats, known: Ints, horizon: int) -> Floats:
        found = np.full((len(known), horizon), np.nan)
        for at, rows in enumerate(known.tolist()):
            # a history that the model cannot be brought to says nothing
            with suppress(Exception):
                start = 0 if most is None else max(0, rows - most)
                found[at] = fitted.forward(history[start:rows], h=horizon)["mean"]
        return found

    return roll


@dataclass(eq=False)
class Statistical:
    """One statistical model per series and target, fitted once and rolled forward.

    Args:
        name: how it is called in tables.
        make: values and season to a fitted model.
        season: rows of one season, 1 for none.

    Learned: ``note``, what was done to bound the time, in words.

    Raises:
        ArgumentError: statsforecast is not installed.
    """

    name: str
    make: Callable[[Floats, int], Roll]
    season: int = 1
    kind: Kind = "classical"
    note: str = ""
    models: dict[tuple[str, int], _Fitted] = field(default_factory=dict, repr=False)
    fitted: bool = False
    done: WeakKeyDictionary[Windows, Floats] = field(default_factory=WeakKeyDictionary, repr=False)

    def fit(self, train: Windows, valid: Windows | None = None) -> Self:
        """Fit the models on the training rows; nothing is chosen on the validation part."""
        self.models, self.done, self.fitted = {}, WeakKeyDictionary(), True
        seen = rows_seen(train)
        usable = np.flatnonzero(seen >= self._least)
        chosen = usable[spread_over(len(usable), max(1, FITS // len(train.targets)))]
        others = np.setdiff1d(usable, chosen)
        for target in train.targets:
            own = []
            for s in chosen.tolist():
                past = self._past(train, s, int(seen[s]), target)
                roll = self._model(past)
                if roll is not None:
                    own.append(_Fitted(past.start, past.size, roll))
                    self.models[train.sequences.keys[s], target] = own[-1]
            shared = [own[at] for at in spread_over(len(own), TRIED)]
            for s in others.tolist():
                found = _nearest(shared, self._past(train, s, int(seen[s]), target))
                if found is not None:
                    self.models[train.sequences.keys[s], target] = found
        if len(others):
            self.note = (
                f"{self.name} was fitted on {len(chosen)} of {len(usable)} series; every other "
                f"series takes the one of {TRIED} of these models that foresees its own training "
                "rows best."
            )
        return self

    @property
    def _least(self) -> int:
        """Rows of a series that a forecast needs."""
        return max(_LEAST, 2 * self.season)

    def _past(self, train: Windows, series: int, rows: int, target: int) -> _Past:
        values = train.sequences.values[train.sequences.rows(series)][:rows, target]
        return _Past.of(values, self.season)

    def _model(self, past: _Past) -> Roll | None:
        """The model of one series; None where it cannot be fitted, such as to a constant."""
        values = past.values
        if len(values) < _LEAST or np.ptp(values) == 0:
            return None
        try:
            with _quiet():
                return self.make(values, 1 if self.season > _LONGEST else self.season)
        except ArgumentError:
            raise
        except Exception:
            # no model of this family can be estimated from these values
            return None

    def point(self, windows: Windows, index: Ints) -> Floats:
        """(N, L, K) raw; the last value for series without a model of their own.

        Raises:
            NotFittedError: ``fit`` has not run.
        """
        if not self.fitted:
            raise NotFittedError(f"{self.name}.point: call fit first")
        shape = len(windows), windows.horizon, len(windows.targets)
        known = self.done.setdefault(windows, np.full(shape, np.nan))
        index = np.asarray(index, np.int64)
        missing = np.unique(index[np.isnan(known[index]).all((1, 2))])
        if len(missing):
            known[missing] = self._roll(windows, missing)
        return known[index]

    def _roll(self, windows: Windows, index: Ints) -> Floats:
        found = windows.seasonal(index, 1)
        series, origin = windows.where(index)
        sequences = windows.sequences
        for own in np.split(np.arange(len(index)), np.flatnonzero(np.diff(series)) + 1):
            s = int(series[own[0]])
            for k, target in enumerate(windows.targets):
                model = self.models.get((sequences.keys[s], target))
                if model is None:
                    continue
                later = own[origin[own] >= model.start + self._least]
                if len(later):
                    values = sequences.values[sequences.rows(s)][: origin[later].max(), target]
                    told = model.told(values, origin[later], windows.horizon, self.season)
                    # a model that runs away says nothing
                    sound = np.isfinite(told).all(1)
                    found[later[sound], :, k] = told[sound]
        return found


@dataclass(frozen=True)
class _Past:
    """What a model is fitted to: rows from ``start``, divided by their mean size.

    Missing values are the one before them; those before the first are left out.
    """

    start: int
    size: float
    values: Floats

    @classmethod
    def of(cls, rows: Floats, season: int) -> _Past:
        seen = np.flatnonzero(np.isfinite(rows))
        if not len(seen):
            return cls(len(rows), 1.0, np.zeros(0))
        lag = season if season > _LONGEST else 0
        start = max(int(seen[0]), len(rows) - _ROWS - lag)
        kept = filled(rows)[start:]
        size = float(np.abs(kept).mean()) or 1.0
        return cls(start, size, seasonless(kept / size, lag))


@dataclass(frozen=True)
class _Fitted:
    """A model, the row that its series begins at, and the size that values are divided by."""

    start: int
    size: float
    roll: Roll

    def told(self, rows: Floats, origins: Ints, horizon: int, season: int) -> Floats:
        """(N, L) forecasts at rows ``origins``, of which only what lies before is looked at."""
        lag = season if season > _LONGEST else 0
        scaled = filled(rows)[self.start :] / self.size
        with _quiet():
            found = self.roll(seasonless(scaled, lag), origins - self.start - lag, horizon)
        if lag:
            ahead = np.zeros((len(origins), horizon))
            for lead in range(horizon):
                row = origins - self.start + lead - lag
                before = ahead[:, lead - lag] if lead >= lag else scaled[row]
                ahead[:, lead] = found[:, lead] + before
            found = ahead
        return found * self.size


def filled(rows: Floats) -> Floats:
    """Values (n,) with each missing one as the one before it; NaN before the first."""
    seen: NDArray[np.int64] = np.where(np.isfinite(rows), np.arange(len(rows)), -1)
    latest = np.maximum.accumulate(seen)
    return np.where(latest >= 0, rows[latest], np.nan)


def seasonless(values: Floats, lag: int) -> Floats:
    """Differences from the value ``lag`` rows before; all values where the lag is 0."""
    return values[lag:] - values[:-lag] if lag else values


def _nearest(models: list[_Fitted], past: _Past) -> _Fitted | None:
    """The model with the least one-step errors on another series, for that series."""
    best, least = None, np.inf
    known = np.arange(min(len(past.values) - 1, _LEAST), len(past.values))
    known = known[spread_over(len(known), ASKED)]
    if not len(known) or known[0] < 1:
        return None
    for model in models:
        with _quiet():
            told = model.roll(past.values, known, 1)[:, 0]
        error = np.abs(told - past.values[known]).mean()
        if error < least:
            best, least = _Fitted(past.start, past.size, model.roll), error
    return best

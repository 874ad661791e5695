"""Forecaster: what comes next in one series or many, with intervals, beside its yardsticks."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Self

import altair as alt
import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import PositiveInt

from longshort import artifact
from longshort.contracts import Examples, Params, whole
from longshort.data.codecs.numbers import Scaling
from longshort.data.encoding import Encoding
from longshort.data.sequences import Columns, Field, Sequences
from longshort.data.sources.spacing import Fill
from longshort.data.sources.tables import frame_like, read_table
from longshort.data.splits import Cuts, Portion, Seen, Split, cut, leave_short, refuse_untold
from longshort.data.window import Window
from longshort.data.windows import Windows
from longshort.errors import DataError, LongshortWarning
from longshort.evaluate.forecast import Terms, Windowed, evaluate_forecasts
from longshort.evaluate.skill import skill_over_last
from longshort.heads.conformal import Calibration, check_calibration
from longshort.heads.decoder import Decoder
from longshort.heads.distributions import LEVELS, Output, check_output, family
from longshort.layers.encoder import Recurrent
from longshort.model import Model
from longshort.records import Evaluation, Explanation
from longshort.report.charts import forecast_chart
from longshort.tasks.ahead import Ahead, Draw, for_horizon, long_enough
from longshort.tasks.base import PREDICT_ROWS, Estimator
from longshort.tasks.calibration import in_words, settle
from longshort.tasks.encoding import after_windows, cut_windows, encode
from longshort.tasks.ensemble import Parts, average
from longshort.tasks.explanation import explain_forecasts
from longshort.tasks.learned import Learned, put_down, take_up
from longshort.tasks.network import build
from longshort.tasks.paths import (
    Ranks,
    at_once,
    correlate,
    error_ranks,
    origins_apart,
    sample_paths,
)
from longshort.tasks.streams.forecasts import AheadStream
from longshort.tasks.transfer import choose_scale, like_before, other_categories
from longshort.training import Training
from longshort.yardsticks.base import Forecasts, Method
from longshort.yardsticks.roster import Choice

Ints = NDArray[np.int64]


class Forecaster(Estimator):
    """Forecast ``horizon`` steps of one or more targets of one or many series.

    Args:
        columns: which column is what; see ``Columns``. Without it, all fields of an array are
            targets; a frame or a file needs its targets named.
        horizon: L, steps to forecast, 1 or more.
        window: context length and what forecasts are relative to.
        scaling: how numbers are scaled.
        output: "quantiles" (default), "gaussian", "student-t" (heavy tails), "negative-binomial"
            (counts), or a point trained by "mse", "mae" or "huber" with intervals from its errors
            on the validation part.
        calibration: "symmetric" (default) or "asymmetric" widen or narrow the intervals to what
            held on the validation part, where it spans 40 horizons or more; "none" leaves them as
            the networks say. See ``heads.conformal``.
        split: which part of the given data chooses, and which is left for ``evaluate``.
        fill: what to do with gaps in time: "none" (an error), "missing", "previous" or "ignore".
        recurrent: the network.
        decoder: how the horizon is read out of it; see ``Decoder``.
        training: how it is trained.
        random_state: an integer; the same one gives the same network on the same machine.
        device: "cpu", "cuda" or "auto".

    Learned: ``models_``, ``history_``, ``encoding_`` (scaling, season, calendar), ``columns_``
    (every column by name), ``seen_`` (up to where), ``left_out_`` (series too short to learn from,
    in words).

    Example:
        >>> import polars as pl, longshort
        >>> data = pl.read_csv("examples/seattle-weather.csv", try_parse_dates=True)
        >>> model = longshort.Forecaster(longshort.Columns("date", target="temp_max"), horizon=7)
        >>> model.fit(data).predict(data)  # doctest: +SKIP
    """

    kind: ClassVar[str] = "forecaster"
    sections: ClassVar[dict[str, type[Params]]] = {
        "columns": Columns,
        "window": Window,
        "scaling": Scaling,
        "split": Split,
        "recurrent": Recurrent,
        "decoder": Decoder,
        "training": Training,
    }
    scalars: ClassVar[dict[str, Any]] = {
        "horizon": PositiveInt,
        "output": Output,
        "calibration": Calibration,
        "fill": Fill,
    }

    encoding_: Encoding
    columns_: Columns
    fields_: tuple[Field, ...]
    seen_: Seen
    ranks_: Ranks
    left_out_: str

    def __init__(
        self,
        columns: Columns = Columns(),  # noqa: B008 - a frozen value
        horizon: int = 1,
        *,
        window: Window = Window(),  # noqa: B008
        scaling: Scaling = Scaling(),  # noqa: B008
        output: Output = "quantiles",
        calibration: Calibration = "symmetric",
        split: Split = Split(),  # noqa: B008
        fill: Fill = "none",
        recurrent: Recurrent = Recurrent(),  # noqa: B008
        decoder: Decoder = Decoder(),  # noqa: B008
        training: Training = Training(),  # noqa: B008
        random_state: int = 0,
        device: str = "cpu",
    ) -> None:
        self.columns = columns
        self.horizon = horizon
        self.window = window
        self.scaling = scaling
        self.output = output
        self.calibration = calibration
        self.split = split
        self.fill = fill
        self.recurrent = recurrent
        self.decoder = decoder
        self.training = training
        self.random_state = random_state
        self.device = device

    # learn

    def _learn(self, data: Any, like: Self | None = None) -> Parts:
        horizon = whole("horizon", self.horizon, 1)
        check_output(self.output)
        check_calibration(self.calibration)
        sequences, cuts = self._portion(data)
        context = self.window.rows(horizon, cuts.valid_start)
        refuse = self.window.short == "refuse"
        self.left_out_ = leave_short(sequences, cuts, context, horizon, refuse=refuse)
        if self.left_out_:
            warnings.warn(self.left_out_, LongshortWarning, stacklevel=3)
        refuse_untold(sequences, cuts)
        counts = family(self.output, LEVELS).counts
        before = None if like is None else like.encoding_
        codec = choose_scale(before, sequences, cuts.valid_start, self.scaling, counts=counts)
        codec.check(sequences)
        self.columns_ = self.columns.resolved(sequences.fields)
        recursive = self.decoder.mode == "recursive"
        found = encode(sequences, cuts, codec, self.window, horizon, context)
        found = found if before is None else like_before(found, before)
        self.encoding_ = found.to_run_on(sequences.fields) if recursive else found
        self.fields_ = (*sequences.numbers, *self.encoding_.vocabulary.fields)
        self.seen_ = Seen.of(sequences, cuts)
        return Parts(*self._parts(sequences, cuts))

    def _portion(self, data: Any) -> Portion:
        if isinstance(data, Portion):
            return data
        # rows after the last target hold nothing to learn from or to be scored on
        sequences = read_table(data, self.columns, fill=self.fill).until_observed()
        return Portion(sequences, cut(sequences, self.split))

    def _parts(self, sequences: Sequences, cuts: Cuts) -> tuple[Windows, Windows, Windows]:
        """Windows whose horizons lie in the training part, the validation part, and both."""
        return cut_windows(sequences, self.encoding_, cuts)

    def _network(self) -> Model:
        return build(self.fields_, self.encoding_, self.recurrent, self.decoder, self.output)

    def _foreign(self, source: Self) -> list[str]:
        return other_categories(source.encoding_.vocabulary, self.encoding_.vocabulary)

    def _after(self, model: Model, examples: Examples) -> None:
        # a network that is refitted keeps what it learnt of its errors on unseen windows
        self._calibrate([model], examples)

    def _settle(self, parts: Parts) -> None:
        unseen = parts.valid or parts.train
        if not self.refitted_:
            self._calibrate(self.models_, unseen)
        assert isinstance(unseen, Windows)
        self.ranks_ = error_ranks(self.forecasts, unseen)

    def _calibrate(self, models: Sequence[Model], examples: Examples) -> None:
        assert isinstance(examples, Windows)
        correlate(models, examples)
        settle(models, examples, self.seen_.valid, self.calibration)

    # use

    def _read_again(self, data: Any) -> Sequences:
        """Data for a fitted model: the same columns and time step, whatever else there is."""
        self._check_fitted()
        sequences = read_table(
            data, self.columns_, fill=self.fill, require_target=False, like=self.encoding_.clock
        )
        found, fitted = sequences.spacing, self.encoding_.step
        unknown = sequences.times is not None and sequences.step is None
        if found != fitted and not unknown:
            raise DataError(
                f"{sequences.source}: {found}, and the model was fitted on {fitted}; give data of "
                "the same time step"
            )
        return sequences

    def forecasts(self, windows: Examples, index: Sequence[int]) -> Forecasts:
        """Point (N, L, K) and quantiles (N, L, K, Q) of the given windows, raw units."""
        points, quantiles = [], []
        rows = at_once(self.models_[0], windows, PREDICT_ROWS)
        for start in range(0, len(index), rows):
            found = average(self.models_, windows, index[start : start + rows])
            assert found.quantiles is not None
            points.append(found.point.numpy())
            quantiles.append(found.quantiles.numpy())
        told = np.concatenate(quantiles)
        # calibration may have moved quantiles below what a count can be
        counts = self.encoding_.codec.counts
        return Forecasts(np.concatenate(points), np.maximum(told, 0) if counts else told)

    def predict(
        self, X: Any, quantiles: Sequence[float] = (), *, horizon: int | None = None
    ) -> Any:
        """Forecast the horizon that follows each series' last observed target.

        Args:
            X: a path, a frame, or an array (samples, time steps[, features]) of the columns that
                the model was fitted on. Rows after the last observed target give covariates that
                are known in advance. Series may be new ones.
            quantiles: levels from 0.05 to 0.95 to give beside the point forecast.
            horizon: steps to forecast; another number than was fitted needs a recursive decoder.

        Returns:
            For a path or frame: a frame of the same kind (Polars for a path) with one row per
            series and step: the group columns, the time (or "step" from 1), and for each target
            ``name`` and ``name_q10`` for level 0.1, and so on. For an array: (samples, L, K), or
            (samples, L, K, levels) where quantiles were asked for. Series that are shorter than
            the context are left out with a ``LongshortWarning`` (NaN in an array), or refused; see
            ``Window.short``.

        Raises:
            DataError: the data lack a column, or no series is as long as the context.
            ArgumentError: a level outside 0.05 to 0.95, or a horizon that is not possible.
        """
        levels, ahead = tuple(map(float, quantiles)), self._ahead(X, horizon)
        if isinstance(X, np.ndarray):
            return ahead.array(levels)
        return frame_like(X, pl.concat(ahead.tables(self.columns_, levels)), self._shared())

    def predict_parts(
        self, X: Any, quantiles: Sequence[float] = (), *, horizon: int | None = None
    ) -> Iterator[Any]:
        """What ``predict`` gives for a path or frame, some thousand series at a time.

        The data are read once, and memory does not grow with the number of forecasts.
        """
        levels, ahead = tuple(map(float, quantiles)), self._ahead(X, horizon)
        tables = ahead.tables(self.columns_, levels)
        return (frame_like(X, table, self._shared()) for table in tables)

    def sample(self, X: Any, count: int = 100, seed: int = 0, *, horizon: int | None = None) -> Any:
        """Sample paths of the horizon that follows each series: futures as they might be.

        The values of a step have the distribution that ``predict`` tells, and the steps of a path
        belong together: sums and greatest values of a path are forecasts, too. Each series is
        drawn by itself.

        Args:
            X, horizon: as for ``predict``.
            count: paths of each series, 1 or more.
            seed: the same one gives the same paths.

        Returns:
            For a path or frame: a frame with one row per series, path and step: the group columns,
            "path" from 1, the time (or "step" from 1), and the targets. For an array:
            (samples, count, L, K).

        Raises:
            DataError, ArgumentError: as for ``predict``.
        """
        ahead, draw = self._ahead(X, horizon, 3 * whole("count", count, 1)), self._draw(count, seed)
        if isinstance(X, np.ndarray):
            return ahead.path_array(draw)
        tables = ahead.path_tables(self.columns_, draw, count)
        return frame_like(X, pl.concat(tables), self._shared())

    def sample_parts(
        self, X: Any, count: int = 100, seed: int = 0, *, horizon: int | None = None
    ) -> Iterator[Any]:
        """What ``sample`` gives for a path or frame, some series at a time."""
        ahead, draw = self._ahead(X, horizon, 3 * whole("count", count, 1)), self._draw(count, seed)
        tables = ahead.path_tables(self.columns_, draw, count)
        return (frame_like(X, table, self._shared()) for table in tables)

    def _draw(self, count: int, seed: int) -> Draw:
        whole("seed", seed, 0)
        return lambda windows, index: sample_paths(
            self.models_, windows, index, count, seed, self.ranks_
        )

    def _shared(self) -> list[str]:
        """Columns of predictions that are columns of the data, too."""
        time = self.columns_.time
        return [*self.columns_.group, *([] if time is None else [time])]

    def _ahead(self, X: Any, horizon: int | None = None, numbers: int = 20) -> Ahead:
        sequences, encoding = self._read_again(X), for_horizon(self.encoding_, horizon)
        refuse = self.settings_["window"].short == "refuse"
        fits, left_out = long_enough(sequences, encoding, refuse=refuse)
        if left_out:
            warnings.warn(left_out, LongshortWarning, stacklevel=3)
        return Ahead(sequences, encoding, self.forecasts, LEVELS, fits, numbers)

    def opened(self, sessions: int) -> AheadStream:
        """See ``longshort.Session``; an ArgumentError where the future must be known."""
        self._check_fitted()
        told = self.encoding_, self.fields_, self.columns_, self.settings_["fill"]
        return AheadStream(*told, self.forecasts, sessions)

    def score(self, X: Any, y: None = None) -> float:
        """Skill over the last-value forecast on every window of ``X``: 1 - MAE / its MAE.

        1 is perfect, 0 is no better than repeating the last value; averaged over targets. Nothing
        keeps you from scoring rows the model was trained on: use ``evaluate`` for a report.
        """
        return skill_over_last(self._method(), self.windows(X))

    def windows(self, X: Any) -> Windows:
        """Every window of ``X`` with a whole context and horizon, as ``forecasts`` reads them."""
        sequences = self._read_again(X)
        first = np.full(len(sequences), self.encoding_.context)
        last = sequences.lengths - self.encoding_.horizon + 1
        return Windows(sequences, self.encoding_, first, last)

    def _method(self) -> Method:
        name = self.settings_["recurrent"].name
        return Method(name, "lstm", lambda windows, index: self.forecasts(windows, index.tolist()))

    def evaluate(
        self,
        X: Any,
        *,
        level: float = 0.8,
        adaptive: float | None = None,
        yardsticks: Choice = "all",
        every: int | None = None,
    ) -> Evaluation:
        """Open the test part: every row of ``X`` after those that ``fit`` has seen.

        Every origin is forecast, by the LSTM and by each yardstick, on the same windows; the
        yardsticks are fitted on the rows that the LSTM was fitted on.

        Args:
            X: the data given to ``fit``, with the later rows.
            level: nominal coverage of the intervals.
            adaptive: for data that drift, a rate such as 0.05 by which the intervals of every
                method follow what they have missed; see ``evaluate.adaptive``.
            yardsticks: "all", also those that take seconds to minutes (gradient boosting, and
                AutoETS, AutoARIMA and Theta where statsforecast is installed), or "quick".
            every: rows from one origin to the next; None forecasts from every row, and from fewer
                where sample paths would take more than some minutes, which a note says.

        Raises:
            ArgumentError: ``level``, ``adaptive``, ``yardsticks`` or ``every`` is not possible.
            DataError: there are no later rows, or the rows that were fitted on are missing.
        """
        parts = self._opened(X)
        apart = origins_apart(self.models_, parts.test) if every is None else every
        parts = parts.thinned(whole("every", apart, 1))
        season, seed = self.settings_["window"].season, self.random_state
        found = evaluate_forecasts(
            self._method(),
            parts,
            Terms(LEVELS, level, self.refitted_, season, adaptive, yardsticks, seed),
            self.history_,
            self._settings(),
        )
        notes = [*found.notes, in_words(self.models_, self.calibration), self.left_out_]
        notes.append(self.start_)
        return replace(found, notes=tuple(note for note in notes if note))

    def _opened(self, X: Any) -> Windowed:
        """Windows of every part; the test part is all rows after those that ``fit`` has seen."""
        sequences = self._read_again(X)
        cuts = self.seen_.recall(sequences)
        test = after_windows(sequences, self.encoding_, cuts, self.seen_.until(sequences))
        return Windowed(*self._parts(sequences, cuts), test)

    def explain(self, X: Any) -> Explanation:
        """Which columns forecasts lean on, at which lags; measured on the validation part.

        Args:
            X: the data given to ``fit``. DataError: the rows that were fitted on are missing.
        """
        sequences = self._read_again(X)
        train, valid, _ = self._parts(sequences, self.seen_.recall(sequences))
        return explain_forecasts(self.models_, valid if len(valid) else train, train, self.fields_)

    def _settings(self) -> dict[str, str]:
        context, season = self.encoding_.context, self.encoding_.season
        return super()._settings() | {"context (rows)": f"{context}", "season (rows)": f"{season}"}

    def plot(self, X: Any, *, history: int | None = None, level: float = 0.8) -> alt.ConcatChart:
        """The forecast after the last row, with its interval, beside the recent past.

        Args:
            X: as for ``predict``.
            history: past rows to draw; None draws three contexts.
            level: nominal coverage of the band, 0.1 to 0.9.
        """
        ahead = self._ahead(X)
        rows = history or 3 * self.encoding_.context
        past, told = ahead.points(rows, ((1 - level) / 2, (1 + level) / 2))
        units = {field.name: field.unit for field in self.fields_}
        return forecast_chart(past, told, units=units, level=level, recent=rows)

    # files

    def _learned(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        found = self.columns_, self.fields_, self.encoding_, self.seen_, self.ranks_
        return put_down(*found, self.left_out_)

    def _restore(
        self, content: artifact.Artifact, arrays: dict[str, NDArray[Any]], where: str
    ) -> None:
        learned = artifact.section(content, "learned", Learned, where)
        recursive = self.decoder.mode == "recursive"
        found = take_up(learned, arrays, self.horizon, self.window, recursive)
        self.columns_, self.fields_, self.encoding_, self.seen_, self.ranks_ = found
        self.left_out_ = learned.left_out

"""AnomalyDetector: what is unusual in series, row by row, and when to call it an alarm."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from longshort import artifact
from longshort.contracts import Params
from longshort.data.codecs.numbers import Scaling
from longshort.data.encoding import Encoding
from longshort.data.layout import RowLayout
from longshort.data.sequences import Columns, Field, Sequences
from longshort.data.sources.spacing import Fill
from longshort.data.sources.tables import frame_like
from longshort.data.splits import Cuts, Portion, Seen, Split, cut, leave_short
from longshort.data.window import Window
from longshort.errors import DataError, LongshortWarning
from longshort.evaluate.anomalies import evaluate_anomalies
from longshort.layers.encoder import Recurrent
from longshort.model import Model
from longshort.records import AnomalyEvaluation, Explanation
from longshort.tasks.anomalies.alarms import Scored, alarm_table, all_alarms, score_table
from longshort.tasks.anomalies.faults import Faults, Watch
from longshort.tasks.anomalies.judging import (
    detector_method,
    in_words,
    refuse_seen,
    refuse_windows,
    threshold_rule,
)
from longshort.tasks.anomalies.learned import LearnedDetector
from longshort.tasks.anomalies.learning import (
    choose_context,
    clean_rows,
    cut_pieces,
    doubts,
    known_cycles,
    tamed,
    usual_rows,
)
from longshort.tasks.anomalies.marks import (
    Interval,
)
from longshort.tasks.anomalies.network import build_detector
from longshort.tasks.anomalies.scores import Scores, Scoring
from longshort.tasks.anomalies.streaming import DetectorStream, readers
from longshort.tasks.anomalies.surprise import Surprise, surprises
from longshort.tasks.anomalies.tables import read_labelled, read_to_fit
from longshort.tasks.anomalies.thresholds import (
    Bools,
    Limit,
    Threshold,
    calm_rows,
    check_limit,
    find_limit,
    held,
)
from longshort.tasks.base import Estimator
from longshort.tasks.encoding import cut_windows, encode
from longshort.tasks.ensemble import Parts
from longshort.tasks.explanation import explain_forecasts
from longshort.tasks.learned import put_down, take_up
from longshort.tasks.stored import under
from longshort.tasks.streams.trunk import refuse_uncausal
from longshort.tasks.transfer import choose_scale, like_before, other_categories
from longshort.training import Training
from longshort.yardsticks.anomalies.roster import Choice

# rows of a validation part that a threshold can be set by
_LEAST = 20


class AnomalyDetector(Estimator):
    """Find what is unusual in one series or many, of one channel or many, as rows come.

    The network learns what comes next; a row is unusual by how little it was expected. It is
    trained without labels, on data that may hold anomalies: the loss of "student-t" grows so slowly
    that few of them teach it little. A row's score depends on that row and those before it.

    Args:
        columns: which column is what; targets are the channels that are watched. See ``Columns``.
        surprise: by what a row is unusual: the next step, a reconstruction, or both.
        scores: how surprise is smoothed, and what it is compared with.
        threshold: where a score becomes an alarm, told by a rate of alarms.
        faults: when a channel is stuck or missing.
        window: ``context``, rows of the pieces that training reads (None takes at most 64), what
            values are told relative to, and whether the calendar is read: cycles of which the
            training part holds two or more. What is scored reads every series from its beginning.
        scaling: how numbers are scaled.
        labels: a column of 1 for anomalous rows and 0 for others, if there is one. It is never
            read as an input, and trains nothing: labelled rows are left out of the validation part
            when thresholds are set, and ``evaluate`` judges by it.
        clean: pairs of times (or rows), start and end, known to be without anomalies: only they
            are learnt from. () learns from all.
        split: which part of the given data chooses and sets the threshold, and which is left for
            ``evaluate``.
        fill: what to do with gaps in time: "none" (an error), "missing", "previous" or "ignore".
        recurrent: the network.
        training: how it is trained.
        random_state: an integer; the same one gives the same network on the same machine.
        device: "cpu", "cuda" or "auto".

    Learned: ``models_``, ``history_``, ``encoding_`` (scaling, calendar), ``columns_`` (every
    column by name), ``seen_`` (up to where), ``threshold_`` (the limit, and alarms that are
    expected), ``left_out_`` (series too short to learn from, in words).

    Example:
        >>> from longshort import AnomalyDetector, Columns
        >>> detector = AnomalyDetector(Columns("time", target=["flow", "heat"]))
        >>> detector.fit("sensors.csv").alarms("sensors.csv")  # doctest: +SKIP
    """

    kind: ClassVar[str] = "anomaly"
    sections: ClassVar[dict[str, type[Params]]] = {
        "columns": Columns,
        "surprise": Surprise,
        "scores": Scores,
        "threshold": Threshold,
        "faults": Faults,
        "window": Window,
        "scaling": Scaling,
        "split": Split,
        "recurrent": Recurrent,
        "training": Training,
    }
    scalars: ClassVar[dict[str, Any]] = {
        "labels": str | None,
        "clean": list[list[str]],
        "fill": Fill,
    }

    encoding_: Encoding
    columns_: Columns
    fields_: tuple[Field, ...]
    seen_: Seen
    left_out_: str
    threshold_: Limit
    scoring_: Scoring
    watch_: Watch
    notes_: tuple[str, ...]

    def __init__(
        self,
        columns: Columns = Columns(),  # noqa: B008 - a frozen value
        *,
        surprise: Surprise = Surprise(),  # noqa: B008
        scores: Scores = Scores(),  # noqa: B008
        threshold: Threshold = Threshold(),  # noqa: B008
        faults: Faults = Faults(),  # noqa: B008
        window: Window = Window(),  # noqa: B008
        scaling: Scaling = Scaling(),  # noqa: B008
        labels: str | None = None,
        clean: Sequence[Interval] = (),
        split: Split = Split(0.2),  # noqa: B008
        fill: Fill = "none",
        recurrent: Recurrent = Recurrent(32, dropout=0.1),  # noqa: B008
        training: Training = Training(  # noqa: B008
            epochs=40, rate=1e-2, weight_decay=0.01, patience=6, members=2
        ),
        random_state: int = 0,
        device: str = "cpu",
    ) -> None:
        self.columns = columns
        self.surprise = surprise
        self.scores = scores
        self.threshold = threshold
        self.faults = faults
        self.window = window
        self.scaling = scaling
        self.labels = labels
        self.clean = clean
        self.split = split
        self.fill = fill
        self.recurrent = recurrent
        self.training = training
        self.random_state = random_state
        self.device = device

    # learn

    def _used(self, name: str) -> Any:
        value = super()._used(name)
        return [[str(each) for each in pair] for pair in value] if name == "clean" else value

    def _given(self, X: Any, y: Any) -> Any:
        return (X, y)

    def _learn(self, data: Any, like: Self | None = None) -> Parts:
        X, labels = data
        sequences, cuts, marks = self._read(X, labels)
        context = choose_context(self.window, cuts.valid_start)
        refuse = self.window.short == "refuse"
        self.left_out_ = leave_short(sequences, cuts, context, 1, refuse=refuse)
        self.notes_ = tuple(doubts(sequences, cuts))
        for told in (self.left_out_, *self.notes_):
            if told:
                warnings.warn(told, LongshortWarning, stacklevel=3)
        before = None if like is None else like.encoding_
        codec = choose_scale(before, sequences, cuts.valid_start, self.scaling, counts=False)
        codec.check(sequences)
        self.columns_ = self.columns.resolved(sequences.fields)
        found = encode(sequences, cuts, codec, self.window, 1, context)
        found = known_cycles(found, sequences, cuts)
        found = found if before is None else like_before(found, before)
        self.encoding_ = found.to_run_on(sequences.fields)
        self.fields_ = (*sequences.numbers, *self.encoding_.vocabulary.fields)
        self.seen_ = Seen.of(sequences, cuts)
        clean = clean_rows(sequences, self._used("clean"))
        self._calm = sequences, cuts, usual_rows(sequences, cuts, clean, marks)
        return Parts(*cut_pieces(sequences, self.encoding_, cuts, clean))

    def _read(self, data: Any, labels: Any = None) -> tuple[Sequences, Cuts, Bools | None]:
        """The data of a fit, their parts, and what is labelled."""
        sequences, marks = read_to_fit(data, self.columns, self.fill, self.labels, labels)
        return sequences, cut(sequences, self.split), marks

    def _network(self) -> Model:
        told = self.surprise
        read = self.fields_, self.encoding_, self.recurrent
        return build_detector(*read, told.by, told.output, told.channels, told.code)

    def _foreign(self, source: Self) -> list[str]:
        return other_categories(source.encoding_.vocabulary, self.encoding_.vocabulary)

    def _settle(self, parts: Parts) -> None:
        """What is usual, in all rows that were seen; and the threshold, on the validation part."""
        del parts
        sequences, cuts, usual = self.__dict__.pop("_calm")
        series = sequences.crop(0, cuts.test_start)
        kept = cuts.parts() < 2
        valid, usable = (cuts.parts() == 1)[kept], usual[kept]
        # of a validation part without rows to go by, the training part takes the place
        told = valid & usable if (valid & usable).sum() >= _LEAST else usable
        surprise = surprises(self.models_, series, self.encoding_)
        self.scoring_ = Scoring.fit(surprise[usable], self.scores, self.surprise.views)
        values = series.targets
        self.watch_ = Watch.fit(values, series.offsets, self.faults)
        scores = self.scoring_.joined(self.scoring_.channels(surprise, series.offsets))
        self.threshold_ = find_limit(calm_rows(series, scores, told), self.threshold)

    # use

    def _read_again(self, data: Any) -> Sequences:
        """Data for a fitted model: the same columns and time step, whatever else there is."""
        self._check_fitted()
        return read_labelled(data, self.columns_, self.fill, None, None, self.encoding_)[0]

    def score_rows(self, sequences: Sequences) -> Scored:
        """Everything that is told of every row of series that were read."""
        values = tamed(sequences.values, self.encoding_.codec)
        sequences = replace(sequences, values=values)
        surprise = surprises(self.models_, sequences, self.encoding_)
        channels = self.scoring_.channels(surprise, sequences.offsets)
        scores = self.scoring_.joined(channels)
        limits, flags = held(
            scores, sequences.offsets, self.threshold_, self.settings_["threshold"]
        )
        faults = self.watch_.whole(sequences.targets, sequences.offsets)
        return Scored(sequences, surprise, channels, scores, limits, flags, *faults)

    def anomaly_scores(self, X: Any) -> Any:
        """The score of every row, higher is more unusual; each depends on rows up to it alone.

        Args:
            X: a path, a frame or an array, as for ``fit``.

        Returns:
            For an array (samples, T, ...): (samples, T). Else (N,) in the order of ``predict``.

        Raises:
            DataError: the data cannot be read, lack a channel, or have another time step.
        """
        found = self.score_rows(self._read_again(X))
        if isinstance(X, np.ndarray) and X.ndim > 1:
            return found.scores.reshape(len(found.sequences), -1)
        return found.scores

    def predict(self, X: Any) -> Any:
        """The score of every row, its threshold, and what the channels have of it.

        Args:
            X: as for ``anomaly_scores``.

        Returns:
            A frame of the same kind (Polars for a path or an array), a row for each row of the
            series, one series after the other: the group columns, the time (or "row" from 0),
            "score", "threshold", "alarm" (true or false), "fault" ("", or the channels that are
            stuck or missing, "flow stuck"), and of several channels "share_" of each, 0 to 1.
        """
        return self.scores_and_alarms(X)[0]

    def _shared(self) -> list[str]:
        """Columns of predictions that are columns of the data, too."""
        time = self.columns_.time
        return [*self.columns_.group, *([] if time is None else [time])]

    def alarms(self, X: Any) -> Any:
        """Alarms as intervals.

        Args:
            X: as for ``anomaly_scores``.

        Returns:
            A frame of the same kind as ``X``, a row for each alarm: the group columns, "start",
            "end" and "peak" (times, or rows from 0), "rows", "score" (at the peak), "cause"
            ("surprise", "stuck" or "missing"), "channel" (that has most of it) and "share_" of
            each channel at the peak.
        """
        return self.scores_and_alarms(X)[1]

    def scores_and_alarms(self, X: Any) -> tuple[Any, Any]:
        """What ``predict`` and ``alarms`` give, of data that are read once."""
        found = self.score_rows(self._read_again(X))
        every = all_alarms(found, self.settings_["threshold"].apart)
        alarms = alarm_table(found.sequences, self.columns_, every)
        scores = frame_like(X, score_table(found, self.columns_), self._shared())
        return scores, frame_like(X, alarms, self.columns_.group)

    def opened(self, sessions: int) -> DetectorStream:
        """See ``longshort.Session``, which answers with the score of each row as it comes.

        Raises:
            ArgumentError: the network reads both ways.
        """
        self._check_fitted()
        refuse_uncausal(self.settings_["recurrent"])
        columns, encoding = self.columns_, self.encoding_
        layout = RowLayout.spaced(
            self.fields_, columns.group, columns.time, encoding.step, encoding.clock, self.fill
        )
        by = self.settings_["surprise"].by
        read = readers(self.models_, by, encoding, self.fields_, sessions)
        threshold = self.settings_["threshold"]
        found = self.scoring_, self.watch_, self.threshold_, threshold, columns.target
        return DetectorStream(read, layout, *found)

    def score(self, X: Any, y: Any = None) -> float:
        """Without labels, minus the mean surprise of a value (nats); with labels, AUC-PR of scores.

        Args:
            X: as for ``anomaly_scores``.
            y: labels, see ``fit``; or the column that ``labels`` names.
        """
        self._check_fitted()
        sequences, marks = self._labelled(X, y)
        found = self.score_rows(sequences)
        if marks is None:
            return -float(np.nanmean(found.surprise))
        if not marks.any():
            raise DataError(f"{sequences.source}: no row is labelled, so labels judge nothing")
        from sklearn.metrics import average_precision_score

        return float(average_precision_score(marks, found.scores))

    def _labelled(self, X: Any, y: Any) -> tuple[Sequences, Bools | None]:
        """Data for a fitted model with their labels, if there are any."""
        self._check_fitted()
        return read_labelled(X, self.columns_, self.fill, self.labels, y, self.encoding_)

    def evaluate(
        self, X: Any, y: Any = None, *, metric: str = "vus_pr", yardsticks: Choice = "all"
    ) -> AnomalyEvaluation:
        """Open the test part: every row of ``X`` after those that ``fit`` has seen.

        Args:
            X: the data given to ``fit``, with the later rows.
            y: labels, see ``marks.read_marks``, or the name of a column of them; None takes the
                column that ``labels`` names. Without any there are alarms and their rates alone.
            metric: "vus_pr", "vus_roc", "auc_pr" or "auc_roc" leads the verdict.
            yardsticks: "all", "quick" or "none".

        Raises:
            ArgumentError: the metric or the yardsticks are not known.
            DataError: there are no later rows, or the rows that were fitted on are missing.
        """
        sequences, marks = self._labelled(X, y)
        cuts, given = self.seen_.recall(sequences), self.settings_
        refuse_seen(sequences, cuts, self.seen_)
        name, threshold = given["recurrent"].name, given["threshold"]
        return evaluate_anomalies(
            detector_method(name, self.score_rows, self.columns_.target, threshold.apart),
            Portion(sequences, cuts),
            marks,
            rule=threshold_rule(sequences, threshold),
            expected=self.threshold_.expected,
            told=in_words(self.threshold_, threshold),
            metric=metric,
            yardsticks=yardsticks,
            history=self.history_,
            settings=self._settings(),
            notes=[note for note in (*self.notes_, self.left_out_, self.start_) if note],
            seed=int(self.random_state),
        )

    def explain(self, X: Any) -> Explanation:
        """What the next value of each channel is expected by: which columns, how many rows before.

        Measured on the validation part. What an alarm was caused by, ``alarms`` tells.

        Args:
            X: the data given to ``fit``.

        Raises:
            DataError: the rows that were fitted on are missing.
            ArgumentError: nothing is expected, as windows are told again.
        """
        self._check_fitted()
        refuse_windows(self.settings_["surprise"].by)
        sequences = self._read_again(X)
        train, valid, _ = cut_windows(sequences, self.encoding_, self.seen_.recall(sequences))
        return explain_forecasts(self.models_, valid if len(valid) else train, train, self.fields_)

    # files

    def _learned(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        none = np.zeros((0, 0, len(self.columns_.target)), np.int16)
        found = self.columns_, self.fields_, self.encoding_, self.seen_, none
        series, arrays = put_down(*found, self.left_out_)
        kept = {"scoring": self.scoring_.to_arrays(), "watch": self.watch_.to_arrays()}
        arrays |= {f"{part}.{n}": array for part, own in kept.items() for n, array in own.items()}
        told = {"series": series, "limit": asdict(self.threshold_), "notes": self.notes_}
        return told, arrays

    def _restore(
        self, content: artifact.Artifact, arrays: dict[str, NDArray[Any]], where: str
    ) -> None:
        learned = artifact.section(content, "learned", LearnedDetector, where)
        found = take_up(learned.series, arrays, 1, self.window, True)
        self.columns_, self.fields_, self.encoding_, self.seen_, _ = found
        self.left_out_, self.notes_ = learned.series.left_out, learned.notes
        self.threshold_ = check_limit(learned.limit)
        channels = len(self.columns_.target)
        self.scoring_ = Scoring.from_arrays(
            under("scoring.", arrays), self.scores, channels, self.surprise.views
        )
        self.watch_ = Watch.from_arrays(under("watch.", arrays), channels)

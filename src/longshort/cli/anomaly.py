"""``longshort fit anomaly``: from a table of sensors to a model that tells what is unusual."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, cast

import polars as pl
import typer

from longshort import artifact
from longshort.cli import running
from longshort.cli.forecasts import leanings
from longshort.cli.options import (
    Category,
    Future,
    Gaps,
    Group,
    Past,
    Static,
    TestFrom,
    Time,
    ValidFrom,
    Zone,
    names,
    part,
    taking,
)
from longshort.cli.running import Resume
from longshort.cli.terminal import notes, plain
from longshort.cli.terminal import out as terminal
from longshort.data.codecs.numbers import Scaling
from longshort.data.codecs.spread import Method as ScalingMethod
from longshort.data.encoding import Relative
from longshort.data.sequences import Columns
from longshort.data.sources.spacing import Fill
from longshort.data.splits import Split
from longshort.data.window import Window
from longshort.errors import ArgumentError
from longshort.heads.decoder import Channel
from longshort.layers.encoder import Cell
from longshort.records import AnomalyEvaluation
from longshort.tasks.anomalies.faults import Faults
from longshort.tasks.anomalies.scores import Joined, Scores
from longshort.tasks.anomalies.surprise import By, Surprise, Told
from longshort.tasks.anomalies.thresholds import Method, Threshold
from longshort.tasks.anomaly import AnomalyDetector
from longshort.training.settings import Schedule
from longshort.yardsticks.anomalies.roster import Choice

_OWN = AnomalyDetector()

Data = Annotated[
    Path, typer.Argument(help="CSV, TSV, Parquet or JSONL, also gzipped; a row per step.")
]
Watched = Annotated[
    list[str] | None, typer.Option(help="Channels to watch: a,b or repeat the option.")
]
Labels = Annotated[
    str | None,
    typer.Option(help="Column of 1 for anomalous rows, or a JSON file of intervals; never read."),
]


def detector(
    target: Watched = None,
    time: Time = None,
    zone: Zone = None,
    group: Group = None,
    past: Past = None,
    future: Future = None,
    static: Static = None,
    category: Category = None,
    labels: Labels = None,
    clean: Annotated[
        list[str] | None,
        typer.Option(help="Rows known to be clean, START/END; only they are learnt from. Repeat."),
    ] = None,
    by: Annotated[str, typer.Option(help="Unusual by: next, reconstruction or both.")] = (
        _OWN.surprise.by
    ),
    output: Annotated[str, typer.Option(help="student-t or gaussian.")] = _OWN.surprise.output,
    channels: Annotated[
        str, typer.Option(help="Channels are read joint, or each by itself by shared weights.")
    ] = _OWN.surprise.channels,
    smooth: Annotated[float, typer.Option(help="Half-life of smoothing in rows; 0: none.")] = (
        _OWN.scores.smooth
    ),
    adapt: Annotated[
        float, typer.Option(help="Half-life of what is usual, in rows; 0 never adapts.")
    ] = cast(float, _OWN.scores.adapt),
    cap: Annotated[float, typer.Option(help="Most that one value counts, in usual spreads.")] = (
        _OWN.scores.cap
    ),
    joined: Annotated[str, typer.Option(help="Score of a row: max or mean of its channels.")] = (
        _OWN.scores.channels
    ),
    threshold: Annotated[str, typer.Option(help="spot, conformal, dynamic or fixed.")] = (
        _OWN.threshold.method
    ),
    rate: Annotated[
        float | None,
        typer.Option(help="Alarms expected a day.", show_default="1 in 1,000 rows"),
    ] = None,
    at: Annotated[float | None, typer.Option(help="A fixed threshold.")] = None,
    apart: Annotated[int, typer.Option(help="Calm rows that end an alarm.")] = _OWN.threshold.apart,
    stuck: Annotated[int, typer.Option(help="Unchanged rows that are a fault; 0 is off.")] = cast(
        int, _OWN.faults.stuck
    ),
    missing: Annotated[int, typer.Option(help="Missing rows that are a fault; 0 is off.")] = cast(
        int, _OWN.faults.missing
    ),
    context: Annotated[
        int | None, typer.Option(help="Rows of a piece to learn from.", show_default="up to 64")
    ] = None,
    relative: Annotated[
        str, typer.Option(help="Values are told relative to: last, season or none.")
    ] = "last",
    season: Annotated[
        int | None, typer.Option(help="Rows of one season.", show_default="found in the data")
    ] = None,
    calendar: Annotated[bool, typer.Option(help="Read the time of day, week and year.")] = True,
    fill: Gaps = "none",
    valid_from: ValidFrom = None,
    test_from: TestFrom = None,
    valid: Annotated[float, typer.Option(help="Share of rows that sets the threshold.")] = 0.2,
    test: Annotated[float, typer.Option(help="Share kept for the test; 0 for none.")] = 0.2,
    scaling: Annotated[str, typer.Option(help="standard, minmax, robust or none.")] = "standard",
    log: Annotated[bool, typer.Option(help="Take logarithms of the targets.")] = False,
    per_series: Annotated[bool, typer.Option(help="Scale each series by itself.")] = False,
    size: Annotated[int, typer.Option(help="Units per layer.")] = _OWN.recurrent.size,
    depth: Annotated[int, typer.Option(help="Layers.")] = _OWN.recurrent.depth,
    dropout: Annotated[float, typer.Option(help="Share of values dropped.")] = (
        _OWN.recurrent.dropout
    ),
    cell: Annotated[str, typer.Option(help="lstm, gru, rnn or slstm.")] = _OWN.recurrent.cell,
    epochs: Annotated[int, typer.Option(help="Most passes.")] = _OWN.training.epochs,
    batch: Annotated[int, typer.Option(help="Pieces of one step.")] = _OWN.training.batch,
    learning: Annotated[float, typer.Option("--learning-rate", help="Learning rate.")] = (
        _OWN.training.rate
    ),
    schedule: Annotated[
        str, typer.Option(help="constant, cosine, linear or onecycle.")
    ] = _OWN.training.schedule,
    patience: Annotated[int, typer.Option(help="Epochs without progress before it stops.")] = cast(
        int, _OWN.training.patience
    ),
    members: Annotated[int, typer.Option(help="Networks averaged.")] = _OWN.training.members,
    seed: Annotated[int, typer.Option(help="The same seed gives the same model.")] = 0,
    device: Annotated[str, typer.Option(help="cpu, cuda or auto.")] = "cpu",
) -> AnomalyDetector:
    """A detector of the options that say what it watches, and when it raises an alarm."""
    return _OWN.set_copy(
        columns=Columns(
            time, names(group) or (), names(target) or (), names(past), names(future) or (),
            names(static) or (), zone, names(category) or (),
        ),
        surprise=Surprise(cast(By, by), cast(Told, output), cast(Channel, channels)),
        scores=Scores(smooth, adapt or None, cap, cast(Joined, joined)),
        threshold=Threshold(
            "fixed" if at is not None else cast(Method, threshold), rate, at, apart
        ),
        faults=Faults(stuck or None, missing or None),
        window=Window(context, cast(Relative, relative), season, calendar),
        scaling=Scaling(cast(ScalingMethod, scaling), log, per_series),
        labels=None if _is_file(labels) else labels,
        clean=ranges(clean),
        split=Split(valid_from or valid, part(test_from, test)),
        fill=cast(Fill, fill),
        recurrent=_OWN.recurrent.set_params(
            size=size, depth=depth, dropout=dropout, cell=cast(Cell, cell)
        ),
        training=_OWN.training.set_params(
            epochs=epochs, batch=batch, rate=learning, schedule=cast(Schedule, schedule),
            patience=patience, members=members,
        ),
        random_state=seed,
        device=device,
    )  # fmt: skip


def ranges(given: list[str] | None) -> list[list[str]]:
    """Pairs of start and end from text such as "2024-01-01/2024-02-01"."""
    found = []
    for text in given or ():
        start, slash, end = text.partition("/")
        if not (slash and start.strip() and end.strip()):
            raise ArgumentError(
                f"--clean {text!r}: write a start and an end, such as 2024-01-01/2024-02-01"
            )
        found.append([start.strip(), end.strip()])
    return found


def _is_file(labels: str | None) -> bool:
    return labels is not None and labels.lower().endswith(".json")


def fit(
    ctx: typer.Context,
    data: Data,
    estimator: AnomalyDetector,
    out: Annotated[Path, typer.Option(help="Folder for model, report and history.")] = Path(
        "fitted"
    ),
    yardsticks: Annotated[str, typer.Option(help="all, quick or none.")] = "all",
    resume: Resume = None,
) -> None:
    """Learn what is usual in series of one channel or many, to raise alarms at what is not.

    longshort fit anomaly sensors.csv --time t --target flow,heat --rate 0.2 --out watch

    longshort predict watch/model.lstm sensors.csv --alarms alarms.csv --out scores.csv

    No labels are needed, and the data may hold anomalies. A fifth of the rows (--valid) sets the
    threshold, for so many alarms a day; the last fifth (--test) stays unseen until training is
    over, and the report shows its scores and alarms. With labels (--labels) they are judged beside
    simple rules; labels train nothing.
    """
    labels = ctx.params["labels"]
    y: Any = labels if _is_file(labels) else None

    def judge() -> AnomalyEvaluation | None:
        terminal.print(plain(told(estimator)))
        if estimator.split.test is None:
            return None
        return estimator.evaluate(data, y, yardsticks=cast(Choice, yardsticks))

    running.run(estimator, data, out, resume, judge, **({} if y is None else {"y": y}))


def told(estimator: AnomalyDetector) -> str:
    """The threshold in a sentence."""
    limit = estimator.threshold_
    return (
        f"scores above {limit.value:.3g} are alarms: {limit.expected:.3g} {limit.unit} are "
        f"expected ({limit.told})"
    )


command = taking(detector)(fit)


# what the commands do with a fitted detector


def predictions(
    estimator: AnomalyDetector, data: Path, *, alarms: Path | None = None
) -> Iterator[pl.DataFrame]:
    """A row for each row, with its score; and the alarms into a table of their own."""
    found, table = estimator.scores_and_alarms(data)
    if alarms is not None:
        _write(table, alarms)
    yield found


def _write(table: pl.DataFrame, path: Path) -> None:
    written = {
        ".csv": lambda: table.write_csv().encode(),
        ".jsonl": lambda: table.write_ndjson().encode(),
    }
    if path.suffix not in written:
        raise ArgumentError(f"--alarms {path}: the name must end in {', '.join(written)}")
    artifact.write_bytes(path, written[path.suffix]())
    notes.print(f"alarms: {plain(str(path))} ({table.height} rows)")


def judged(
    estimator: AnomalyDetector,
    data: Path,
    folder: Path | None,
    *,
    yardsticks: str = "all",
    metric: str = "vus_pr",
    truth: str | None = None,
) -> AnomalyEvaluation:
    """The rows that came since; ``truth`` is a file of labelled intervals, or the column."""
    del folder
    # the command's own default is one of labels
    metric = "vus_pr" if metric == "macro_f1" else metric
    return estimator.evaluate(data, truth, metric=metric, yardsticks=cast(Choice, yardsticks))


def explained(estimator: AnomalyDetector, data: str, out: Path | None) -> None:
    """What the next values are expected by."""
    leanings(estimator.explain(Path(data)), out)

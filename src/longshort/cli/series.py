"""``longshort fit series``: from recordings without labels to a model that others begin with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, NoReturn, cast

import typer

from longshort.cli import running
from longshort.cli.classify import Held, Names, share, together
from longshort.cli.options import names, taking
from longshort.cli.running import Resume, Yardsticks
from longshort.data.corpus import Roles
from longshort.data.partition import By, Partition
from longshort.data.readings.scales import Scale
from longshort.data.readings.signals import Gaps
from longshort.errors import ArgumentError
from longshort.heads.sequel import Told
from longshort.layers.encoder import Cell
from longshort.records import Evaluation
from longshort.tasks.series import SeriesModel
from longshort.training.settings import Optimizer, Schedule
from longshort.yardsticks.roster import Choice

_OWN = SeriesModel()

Data = Annotated[
    Path,
    typer.Argument(help="A table of recordings (CSV, TSV, JSONL, Parquet), or a .ts file."),
]


def series_model(
    item: Annotated[
        str | None,
        typer.Option(
            help="Column that names the recording a row belongs to.", show_default="one recording"
        ),
    ] = None,
    time: Annotated[str | None, typer.Option(help="Column of times.")] = None,
    channels: Annotated[
        Names, typer.Option(help="Columns of numbers.", show_default="all others")
    ] = None,
    static: Annotated[Names, typer.Option(help="Columns that do not change in an item.")] = None,
    label: Annotated[Names, typer.Option(help="Columns of labels, which are left out.")] = None,
    code: Annotated[str | None, typer.Option(help="Column of events' names.")] = None,
    value: Annotated[str | None, typer.Option(help="Column of events' numbers.")] = None,
    group: Annotated[
        str | None, typer.Option(help="Column of subjects or sources, never on two sides.")
    ] = None,
    part: Annotated[str | None, typer.Option(help="Column that says train, valid or test.")] = None,
    by: Annotated[
        str, typer.Option(help="Parts by: auto, stratified, group, time or given.")
    ] = "auto",
    valid: Held = None,
    test: Held = None,
    split: Annotated[int, typer.Option(help="Seed of the split.")] = 0,
    longest: Annotated[int, typer.Option(help="Rows that are read at once.")] = _OWN.longest,
    scale: Annotated[
        str, typer.Option(help="Channels by: channel, ranks, item or none.")
    ] = _OWN.signal.scale,
    every: Annotated[
        str | None, typer.Option(help="Step of a grid for irregular times, such as 1h.")
    ] = None,
    gaps: Annotated[str, typer.Option(help="Missing: carry, decay or mean.")] = _OWN.signal.gaps,
    output: Annotated[
        str, typer.Option(help="gaussian, student-t, quantiles, mse, mae or huber.")
    ] = _OWN.head.output,
    steps: Annotated[int, typer.Option(help="Next values that are told.")] = _OWN.head.steps,
    size: Annotated[int, typer.Option(help="Units per layer.")] = _OWN.recurrent.size,
    depth: Annotated[int, typer.Option(help="Layers.")] = _OWN.recurrent.depth,
    bidirectional: Annotated[
        bool, typer.Option(help="One half tells the next values, the other one those before.")
    ] = _OWN.recurrent.bidirectional,
    dropout: Annotated[
        float, typer.Option(help="Share of values dropped.")
    ] = _OWN.recurrent.dropout,
    cell: Annotated[str, typer.Option(help="lstm, gru, rnn or slstm.")] = _OWN.recurrent.cell,
    stem: Annotated[
        int | None, typer.Option(help="Steps a convolution in front reads.", show_default="none")
    ] = _OWN.recurrent.stem,
    epochs: Annotated[int, typer.Option(help="Most passes.")] = _OWN.training.epochs,
    batch: Annotated[int, typer.Option(help="Pieces of one step.")] = _OWN.training.batch,
    optimizer: Annotated[
        str, typer.Option(help="adam, adamw, rmsprop or sgd.")
    ] = _OWN.training.optimizer,
    rate: Annotated[float, typer.Option(help="Learning rate.")] = _OWN.training.rate,
    schedule: Annotated[
        str, typer.Option(help="constant, cosine, linear or onecycle.")
    ] = _OWN.training.schedule,
    patience: Annotated[int, typer.Option(help="Epochs without progress before it stops.")] = cast(
        int, _OWN.training.patience
    ),
    members: Annotated[int, typer.Option(help="Networks averaged.")] = _OWN.training.members,
    seed: Annotated[int, typer.Option(help="The same seed gives the same model.")] = 0,
    device: Annotated[str, typer.Option(help="cpu, cuda or auto.")] = "cpu",
) -> SeriesModel:
    """A series model of the options that say what it reads, tells and learns with."""
    return _OWN.set_copy(
        roles=Roles(
            None, names(label) or ("label",), item, time, names(channels), names(static) or (),
            group, part, code, value,
        ),
        signal=_OWN.signal.set_params(
            scale=cast(Scale, scale), every=every, gaps=cast(Gaps, gaps)
        ),
        head=_OWN.head.set_params(output=cast(Told, output), steps=steps),
        partition=Partition(cast(By, by), share(valid, 0.1), share(test, 0.1), split),
        longest=longest,
        recurrent=_OWN.recurrent.set_params(
            size=size, depth=depth, bidirectional=bidirectional, dropout=dropout,
            cell=cast(Cell, cell), stem=stem,
        ),
        training=_OWN.training.set_params(
            epochs=epochs, batch=batch, optimizer=cast(Optimizer, optimizer), rate=rate,
            schedule=cast(Schedule, schedule), patience=patience, members=members,
        ),
        random_state=seed,
        device=device,
    )  # fmt: skip


def fit(
    ctx: typer.Context,
    data: Data,
    estimator: SeriesModel,
    out: Annotated[Path, typer.Option(help="Folder for model, report and history.")] = Path(
        "fitted"
    ),
    yardsticks: Yardsticks = "all",
    resume: Resume = None,
) -> None:
    """Learn what recordings are like from recordings without labels, by telling their next values.

    longshort fit series sensors.csv --item run --time t --out sensors

    longshort fit classify labelled.csv --item run --time t --label activity
    --pretrained sensors/model.lstm

    A tenth of the recordings chooses when to stop, another tenth stays unseen until training is
    over; then the last value, the mean, the straight line and ridge autoregression tell it, too.
    Without --item the file is one recording, whose last part is the test. --valid and --test also
    take files. Ctrl-C keeps the best so far; the same command with --resume goes on from there.
    """
    given: Any = together(data, ctx.params["valid"], ctx.params["test"])
    opens = isinstance(given, dict) and "test" in given
    opens = opens or bool(estimator.partition.test) or estimator.roles.part is not None

    def judge() -> Evaluation | None:
        return estimator.evaluate(given, yardsticks=cast(Choice, yardsticks)) if opens else None

    running.run(estimator, given, out, resume, judge)


command = taking(series_model)(fit)


# what the commands do with a fitted model


def judged(
    estimator: SeriesModel, data: Path, folder: Path | None, *, yardsticks: str = "all"
) -> Evaluation:
    """The test part of the recordings that were fitted on."""
    del folder
    return estimator.evaluate(data, yardsticks=cast(Choice, yardsticks))


def predictions(estimator: SeriesModel, data: Path) -> NoReturn:
    """A series model is there for others to begin with."""
    del estimator, data
    raise ArgumentError(
        "a series model labels and forecasts no table: others begin with it (longshort fit "
        "classify --pretrained); to forecast series, use longshort fit forecast"
    )


def explained(estimator: SeriesModel, data: str, out: Path | None) -> NoReturn:
    """Not known of a series model."""
    del estimator, data, out
    raise ArgumentError(
        "what a series model leans on cannot be told; explain the classifier that began with it"
    )

"""``longshort fit``: from a file to a model, a report and a verdict."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from longshort.cli import running
from longshort.cli.lint import before, in_words
from longshort.cli.options import (
    Category,
    Context,
    Future,
    Gaps,
    Group,
    Past,
    Projection,
    Residual,
    Static,
    Target,
    TestFrom,
    Time,
    ValidFrom,
    Zone,
    asked,
    names,
    part,
    taking,
)
from longshort.cli.running import Resume, Yardsticks
from longshort.cli.terminal import notes
from longshort.data.codecs.numbers import Scaling
from longshort.data.codecs.spread import Method as ScalingMethod
from longshort.data.encoding import Relative
from longshort.data.sequences import Columns
from longshort.data.sources.spacing import Fill
from longshort.data.splits import Split
from longshort.data.window import Short, Window
from longshort.heads.conformal import Calibration
from longshort.heads.decoder import Channel, Decoder, Highway, Mode
from longshort.heads.distributions import Output
from longshort.layers.encoder import Cell, Recurrent
from longshort.records import Evaluation, Finding, Tuning
from longshort.tasks.forecast import Forecaster
from longshort.training.settings import Optimizer, Schedule, Training, Unfreeze
from longshort.yardsticks.roster import Choice

RelativeTo = Annotated[
    str, typer.Option(help="Forecasts are told relative to: last, season or none.")
]
Season = Annotated[
    int | None, typer.Option(help="Rows of one season.", show_default="found in the data")
]
Differences = Annotated[
    bool, typer.Option("--differences", help="Read how far targets are from a season before.")
]
ShortSeries = Annotated[
    str, typer.Option(help="Series shorter than a window: leave (out, by name) or refuse.")
]
Answer = Annotated[
    str,
    typer.Option(
        help="quantiles, gaussian, student-t, negative-binomial (counts), or a point by "
        "mse, mae, huber."
    ),
]
Calibrated = Annotated[
    str, typer.Option(help="Of intervals on the validation part: symmetric, asymmetric, none.")
]
Steps = Annotated[
    int | None, typer.Option(help="Most steps of a pass.", show_default="all of them")
]
CellName = Annotated[str, typer.Option(help="lstm, gru, rnn or slstm.")]
Stem = Annotated[
    int | None,
    typer.Option(help="Steps that a convolution in front reads at once.", show_default="none"),
]
Straight = Annotated[
    str, typer.Option(help="A linear path past the network: from the last inputs, context, none.")
]
Segment = Annotated[int, typer.Option(help="Rows that the network reads as one step.")]
Channels = Annotated[
    str, typer.Option(help="Targets are read joint, or each by itself by shared weights.")
]
Centred = Annotated[
    bool, typer.Option("--centred", help="Read targets relative to their last value.")
]
Way = Annotated[
    str, typer.Option(help="The horizon direct, all at once; or recursive, step by step.")
]
app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich", help="Train a model on a file.")


@app.callback()
def fit() -> None:
    """Train a model on a file, compare it with classical methods, write model and report."""


Data = Annotated[
    Path, typer.Argument(help="CSV, TSV, Parquet or JSONL, also gzipped; a row per step.")
]


def forecaster(
    target: Target = None,
    time: Time = None,
    zone: Zone = None,
    group: Group = None,
    past: Past = None,
    future: Future = None,
    static: Static = None,
    category: Category = None,
    horizon: Annotated[int, typer.Option(help="Steps to forecast.")] = 1,
    context: Context = None,
    relative: RelativeTo = "last",
    season: Season = None,
    differences: Differences = False,
    calendar: Annotated[bool, typer.Option(help="Read the time of day, week and year.")] = True,
    short: ShortSeries = "leave",
    fill: Gaps = "none",
    valid_from: ValidFrom = None,
    test_from: TestFrom = None,
    valid: Annotated[float, typer.Option(help="Share of rows that chooses.")] = 0.15,
    test: Annotated[float, typer.Option(help="Share kept for the test; 0 for none.")] = 0.15,
    scaling: Annotated[str, typer.Option(help="standard, minmax, robust or none.")] = "standard",
    log: Annotated[bool, typer.Option(help="Take logarithms of the targets.")] = False,
    per_series: Annotated[bool, typer.Option(help="Scale each series by itself.")] = False,
    output: Answer = "quantiles",
    calibration: Calibrated = "symmetric",
    size: Annotated[int, typer.Option(help="Units per layer.")] = Recurrent().size,
    depth: Annotated[int, typer.Option(help="Layers.")] = Recurrent().depth,
    projection: Projection = None,
    residual: Residual = False,
    bidirectional: Annotated[bool, typer.Option(help="Read the context both ways.")] = False,
    dropout: Annotated[float, typer.Option(help="Share of values dropped.")] = Recurrent().dropout,
    cell: CellName = "lstm",
    stem: Stem = None,
    highway: Straight = "last",
    segment: Segment = 1,
    channels: Channels = "joint",
    centred: Centred = False,
    mode: Way = "direct",
    epochs: Annotated[int, typer.Option(help="Most passes.")] = Training().epochs,
    steps: Steps = None,
    batch: Annotated[int, typer.Option(help="Rows of one step.")] = Training().batch,
    optimizer: Annotated[str, typer.Option(help="adam, adamw, rmsprop or sgd.")] = "adamw",
    rate: Annotated[float, typer.Option(help="Learning rate.")] = Training().rate,
    clip: Annotated[float, typer.Option(help="Largest norm of a gradient.")] = cast(
        float, Training().clip
    ),
    schedule: Annotated[
        str, typer.Option(help="constant, cosine, linear or onecycle.")
    ] = Training().schedule,
    patience: Annotated[int, typer.Option(help="Epochs without progress before it stops.")] = cast(
        int, Training().patience
    ),
    members: Annotated[int, typer.Option(help="Networks averaged.")] = Training().members,
    refit: Annotated[
        bool, typer.Option(help="Choose on the validation part, then train on it as well.")
    ] = False,
    freeze: Annotated[
        list[str] | None,
        typer.Option(help="Layers that keep their weights: embed, encoder, encoder.0, head."),
    ] = None,
    unfreeze: Annotated[
        str, typer.Option(help="all, or gradual: the last layer first, one more in each epoch.")
    ] = Training().unfreeze,
    discriminative: Annotated[
        float, typer.Option(help="Share of the rate that a layer has of the one above it.")
    ] = Training().discriminative,
    seed: Annotated[int, typer.Option(help="The same seed gives the same model.")] = 0,
    device: Annotated[str, typer.Option(help="cpu, cuda or auto.")] = "cpu",
) -> Forecaster:
    """A forecaster of the options that say what it reads, answers and learns with."""
    return Forecaster(
        Columns(
            time,
            names(group) or (),
            names(target) or (),
            names(past),
            names(future) or (),
            names(static) or (),
            zone,
            names(category) or (),
        ),
        horizon,
        window=Window(
            context,
            cast(Relative, relative),
            season,
            calendar,
            cast(Short, short),
            differences,
        ),
        scaling=Scaling(cast(ScalingMethod, scaling), log, per_series),
        output=cast(Output, output),
        calibration=cast(Calibration, calibration),
        split=Split(valid_from or valid, part(test_from, test)),
        fill=cast(Fill, fill),
        recurrent=Recurrent(
            size,
            depth,
            bidirectional,
            dropout,
            cell=cast(Cell, cell),
            stem=stem,
            projection=projection,
            residual=residual,
        ),
        decoder=Decoder(
            cast(Highway, highway), segment, cast(Channel, channels), centred, cast(Mode, mode)
        ),
        training=Training(
            epochs=epochs,
            batch=batch,
            optimizer=cast(Optimizer, optimizer),
            rate=rate,
            schedule=cast(Schedule, schedule),
            clip=clip,
            patience=patience,
            members=members,
            refit=refit,
            steps=steps,
            freeze=names(freeze) or (),
            unfreeze=cast(Unfreeze, unfreeze),
            discriminative=discriminative,
        ),
        random_state=seed,
        device=device,
    )


@app.command("forecast")
@taking(forecaster)
def forecast(
    ctx: typer.Context,
    data: Data,
    estimator: Forecaster,
    out: Annotated[Path, typer.Option(help="Folder for model, report and history.")] = Path(
        "fitted"
    ),
    init: Annotated[
        Path | None,
        typer.Option(help="A model.lstm to begin with; settings that are not given are its own."),
    ] = None,
    keep_scaling: Annotated[
        bool, typer.Option("--keep-scaling", help="Scale numbers as --init does.")
    ] = False,
    yardsticks: Yardsticks = "all",
    explain: Annotated[bool, typer.Option(help="Tell in the report what it leans on.")] = True,
    resume: Resume = None,
) -> None:
    """Learn to forecast the next steps of one series or many.

    longshort fit forecast weather.csv --time date --target temp_max,temp_min --horizon 7 --out w

    While it trains, the folder holds a checkpoint. After a crash, a kill or Ctrl-C the same command
    with --resume goes on from there, bit by bit as if it had never stopped. The last
    part of the data is kept unseen until training is over; then every method forecasts it, from
    every origin, and the table says which one to trust.

    longshort fit forecast new.csv --init w/model.lstm --freeze encoder --out new

    That begins with what another model has learnt.
    """
    if init is not None:
        estimator = inherited(estimator, Forecaster.from_file(init), asked(ctx))
    chosen = cast(Choice, yardsticks)
    run(
        estimator, data, out, resume, chosen,
        init=init, keep_codec=keep_scaling, explained=explain,
    )  # fmt: skip


# settings whose options are called otherwise
RENAMED = {"method": "scaling"}


def inherited(estimator: Forecaster, source: Forecaster, given: Collection[str]) -> Forecaster:
    """The estimator with the settings of another one, but for options that were ``given``.

    How it is trained, and on which part, is the new fit's business.
    """
    changes: dict[str, Any] = {}
    for name in estimator.sections:
        own, theirs = getattr(estimator, name), source.settings_[name]
        if name not in ("training", "split"):
            asked_for = {k: v for k, v in own.get_params().items() if RENAMED.get(k, k) in given}
            changes[name] = theirs.set_params(**asked_for)
    for name in estimator.scalars:
        if name not in given:
            changes[name] = source.settings_[name]
    return estimator.set_params(**changes)


def run(
    estimator: Forecaster,
    data: Path,
    out: Path,
    resume: bool | None = None,
    yardsticks: Choice = "all",
    *,
    tuning: Tuning | None = None,
    explained: bool = True,
    **given: Any,
) -> None:
    """Fit a forecaster and compare it with its yardsticks; see ``cli.running``."""
    leaks: list[Finding] = []

    def search() -> None:
        leaks.extend(before(estimator, data))
        for finding in leaks:
            notes.print(in_words(finding))

    def judge() -> Evaluation | None:
        if estimator.split.test is None:
            return None
        found = estimator.evaluate(data, yardsticks=yardsticks)
        told = [f"{leak.sure} leak: {leak.text}; {leak.remedy}." for leak in leaks]
        return replace(
            found,
            notes=(*found.notes, *told),
            tuning=tuning,
            explanation=estimator.explain(data) if explained else None,
        )

    running.run(estimator, data, out, resume, judge, before=search, **given)

"""``longshort fit classify``: from labelled texts, recordings or records to a judged classifier."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, cast

import typer

from longshort.cli import running
from longshort.cli.ink import drawing
from longshort.cli.labels import with_outcomes
from longshort.cli.options import (
    Begun,
    Outcomes,
    Projection,
    Residual,
    Tuned,
    also,
    beginning,
    names,
    taking,
    tuning,
)
from longshort.cli.running import Resume, Yardsticks
from longshort.cli.sound import hearing
from longshort.data.corpus import Roles
from longshort.data.partition import By, Partition
from longshort.data.readings.scales import Scale
from longshort.data.readings.signals import Gaps
from longshort.data.readings.words import Network
from longshort.errors import ArgumentError
from longshort.heads.category import Kind, Weights
from longshort.layers.encoder import Cell
from longshort.records import LabelEvaluation
from longshort.tasks.classify import Classifier
from longshort.training.settings import Optimizer, Schedule

_DEFAULT = Classifier()

Data = Annotated[
    Path,
    typer.Argument(
        help="A table of texts (CSV, TSV, JSONL, Parquet), of recordings or of events; a folder "
        "with a folder of texts, sound, pictures or pen strokes for each label; a zip of pen "
        "strokes; or a .ts file."
    ),
]
Names = list[str] | None
Held = Annotated[
    str | None,
    typer.Option(help="A share of the items, or a file of its own.", show_default="0.1"),
]


def classifier(
    text: Annotated[str | None, typer.Option(help="Column of texts.")] = None,
    label: Annotated[
        Names, typer.Option(help="Column of labels; several are each there (1) or not (0).")
    ] = None,
    item: Annotated[
        str | None, typer.Option(help="Column that names the recording a row belongs to.")
    ] = None,
    time: Annotated[str | None, typer.Option(help="Column of times.")] = None,
    channels: Annotated[Names, typer.Option(help="Columns of numbers, of recordings.")] = None,
    static: Annotated[Names, typer.Option(help="Columns that do not change in an item.")] = None,
    code: Annotated[str | None, typer.Option(help="Column of events' names.")] = None,
    value: Annotated[str | None, typer.Option(help="Column of events' numbers.")] = None,
    group: Annotated[
        str | None, typer.Option(help="Column of subjects or sources, never on two sides.")
    ] = None,
    part: Annotated[str | None, typer.Option(help="Column that says train, valid or test.")] = None,
    separator: Annotated[
        str | None, typer.Option(help="Between several labels of one cell.")
    ] = None,
    by: Annotated[
        str, typer.Option(help="Parts by: auto, stratified, group, time or given.")
    ] = "auto",
    valid: Held = None,
    test: Held = None,
    split: Annotated[int, typer.Option(help="Seed of the split.")] = 0,
    kind: Annotated[
        str | None,
        typer.Option(
            help="one label, many at once, or one that is ordered.", show_default="by the labels"
        ),
    ] = None,
    order: Annotated[Names, typer.Option(help="Labels from low to high.")] = None,
    pooling: Annotated[
        str, typer.Option(help="last, mean, max, attention, or some of them: mean+max.")
    ] = _DEFAULT.head.pooling,
    weights: Annotated[
        str, typer.Option(help="balanced: rare labels count as much as others; or none.")
    ] = _DEFAULT.head.weights,
    smoothing: Annotated[float, typer.Option(help="Label smoothing.")] = 0.0,
    min_count: Annotated[
        int, typer.Option(help="Rarer words are unknown.")
    ] = _DEFAULT.text.min_count,
    characters: Annotated[
        str, typer.Option(help="A network over each word's characters: none, cnn or lstm.")
    ] = _DEFAULT.text.characters,
    vectors: Annotated[
        str | None, typer.Option(help="File of word vectors to begin with (GloVe, fastText).")
    ] = None,
    subwords: Annotated[
        int | None, typer.Option(help="Split words into so many pieces.", show_default="words")
    ] = None,
    longest: Annotated[int, typer.Option(help="Most words of a text.")] = _DEFAULT.text.longest,
    scale: Annotated[
        str, typer.Option(help="Channels by: channel, ranks, item or none.")
    ] = _DEFAULT.signal.scale,
    every: Annotated[
        str | None, typer.Option(help="Step of a grid for irregular times, such as 1h.")
    ] = None,
    gaps: Annotated[str, typer.Option(help="Missing: carry, decay or mean.")] = "carry",
    pretrained: Begun = None,
    tune: Tuned = False,
    size: Annotated[int, typer.Option(help="Units per layer.")] = _DEFAULT.recurrent.size,
    depth: Annotated[int, typer.Option(help="Layers.")] = _DEFAULT.recurrent.depth,
    projection: Projection = None,
    residual: Residual = False,
    bidirectional: Annotated[
        bool, typer.Option(help="Read both ways.")
    ] = _DEFAULT.recurrent.bidirectional,
    dropout: Annotated[
        float, typer.Option(help="Share of values dropped.")
    ] = _DEFAULT.recurrent.dropout,
    cell: Annotated[str, typer.Option(help="lstm, gru, rnn or slstm.")] = "lstm",
    stem: Annotated[
        int | None, typer.Option(help="Steps a convolution in front reads.", show_default="none")
    ] = _DEFAULT.recurrent.stem,
    stride: Annotated[int, typer.Option(help="Steps from one answer of the stem to the next.")] = 1,
    epochs: Annotated[int, typer.Option(help="Most passes.")] = _DEFAULT.training.epochs,
    batch: Annotated[int, typer.Option(help="Items of one step.")] = _DEFAULT.training.batch,
    optimizer: Annotated[
        str, typer.Option(help="adam, adamw, rmsprop or sgd.")
    ] = _DEFAULT.training.optimizer,
    rate: Annotated[float, typer.Option(help="Learning rate.")] = _DEFAULT.training.rate,
    schedule: Annotated[
        str, typer.Option(help="constant, cosine, linear or onecycle.")
    ] = _DEFAULT.training.schedule,
    patience: Annotated[int, typer.Option(help="Epochs without progress before it stops.")] = cast(
        int, _DEFAULT.training.patience
    ),
    members: Annotated[int, typer.Option(help="Networks averaged.")] = _DEFAULT.training.members,
    seed: Annotated[int, typer.Option(help="The same seed gives the same model.")] = 0,
    device: Annotated[str, typer.Option(help="cpu, cuda or auto.")] = "cpu",
) -> Classifier:
    """A classifier of the options that say what it reads, answers and learns with."""
    labels = names(label) or ("label",)
    several = len(labels) > 1 or separator is not None
    return _DEFAULT.set_copy(
        roles=Roles(
            text, labels, item, time, names(channels), names(static) or (), group, part,
            code, value, separator,
        ),
        text=_DEFAULT.text.set_params(
            min_count=min_count, characters=cast(Network, characters), vectors=vectors,
            subwords=subwords, longest=longest,
        ),
        signal=_DEFAULT.signal.set_params(
            scale=cast(Scale, scale), every=every, gaps=cast(Gaps, gaps)
        ),
        head=_DEFAULT.head.set_params(
            kind=cast(Kind, kind or ("many" if several else "ordered" if order else "one")),
            pooling=pooling, weights=cast(Weights, weights), smoothing=smoothing,
            order=names(order) or (),
        ),
        pretrained=beginning(pretrained, tune),
        partition=Partition(cast(By, by), share(valid, 0.1), share(test, 0.1), split),
        recurrent=_DEFAULT.recurrent.set_params(
            size=size, depth=depth, bidirectional=bidirectional, dropout=dropout,
            cell=cast(Cell, cell), stem=stem, stride=stride, projection=projection,
            residual=residual,
        ),
        training=_DEFAULT.training.set_params(
            epochs=epochs, batch=batch, optimizer=cast(Optimizer, optimizer), rate=rate,
            schedule=cast(Schedule, schedule), patience=patience, members=members, **tuning(tune),
        ),
        random_state=seed,
        device=device,
    )  # fmt: skip


def share(given: str | None, usual: float) -> float:
    """The share that an option names; where it names a file, nothing more is cut."""
    if given is None:
        return usual
    try:
        return float(given)
    except ValueError:
        return 0.0


def held(option: str, given: str | None) -> Path | None:
    """The file that an option names; None where it is a share.

    Raises:
        ArgumentError: it is neither a number nor a file.
    """
    try:
        float(given or 0)
    except ValueError:
        path = Path(cast(str, given))
        if not path.exists():
            raise ArgumentError(
                f"--{option} {given}: no share such as 0.1, and there is no such file"
            ) from None
        return path
    return None


def together(data: Path, valid: str | None, test: str | None) -> Path | dict[str, Path]:
    """A file, or the files of a split that was given."""
    others = {"valid": held("valid", valid), "test": held("test", test)}
    given = {name: path for name, path in others.items() if path is not None}
    return {"train": data, **given} if given else data


def classify(
    ctx: typer.Context,
    data: Data,
    estimator: Classifier,
    outcomes: Outcomes = None,
    metric: Annotated[
        str, typer.Option(help="What is judged by: accuracy, macro_f1, auroc, ...")
    ] = "macro_f1",
    out: Annotated[Path, typer.Option(help="Folder for model, report and history.")] = Path(
        "fitted"
    ),
    yardsticks: Yardsticks = "all",
    resume: Resume = None,
) -> None:
    """Learn which label a text, a recording or a record has.

    longshort fit classify reviews.csv --text review --label sentiment --out reviews

    longshort fit classify sensors.csv --item recording --time t --label activity --group subject

    longshort fit classify recordings/ --pattern '{label}_{group}_{n}.wav' --test 0.2

    longshort fit classify strokes.zip --rotate 15 --stretch 0.2 --stem 5 --stride 2 --test 0.2

    longshort fit classify events.csv --item patient --time t --code test --value result
    --outcomes died.csv --label died

    A tenth of the items chooses when to stop, another tenth stays unseen until training is over;
    then every method labels it, and the table says which one to trust. --valid and --test also take
    files. Ctrl-C keeps the best so far; the same command with --resume goes on from there.
    """
    given: Any = together(data, ctx.params["valid"], ctx.params["test"])
    opens = isinstance(given, dict) and "test" in given
    if outcomes is not None:
        if isinstance(given, dict):
            raise ArgumentError("--outcomes: parts of events are shares, not files of their own")
        given = with_outcomes(data, outcomes)
    opens = opens or estimator.partition.test is not None or estimator.roles.part is not None

    def judge() -> LabelEvaluation | None:
        if not opens:
            return None
        return estimator.evaluate(given, metric=metric, yardsticks=cast(Any, yardsticks))

    running.run(estimator, given, out, resume, judge)


command = taking(also(also(classifier, hearing), drawing))(classify)

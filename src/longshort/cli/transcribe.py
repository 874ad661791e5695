"""``longshort fit transcribe``: from recordings with transcripts to a judged transcriber."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, cast, get_args

import polars as pl
import typer

from longshort import artifact
from longshort.cli import running
from longshort.cli.classify import Held, Names, share, together
from longshort.cli.ink import drawing
from longshort.cli.options import also, names, taking
from longshort.cli.running import Resume, Yardsticks
from longshort.cli.terminal import notes, plain
from longshort.cli.terminal import out as terminal
from longshort.data.codecs.sound import Features
from longshort.data.codecs.tokens import Tokens, Unit
from longshort.data.codecs.transcripts import Case, Punctuation, Spelling
from longshort.data.corpus import Roles
from longshort.data.partition import By, Partition
from longshort.data.readings.sound import Level
from longshort.errors import ArgumentError, suggest
from longshort.heads.ctc import Ctc
from longshort.layers.encoder import Cell
from longshort.records import TranscriptEvaluation
from longshort.tasks.transcribe import Transcriber
from longshort.tasks.transcripts.table import Rows
from longshort.training.settings import Optimizer, Schedule
from longshort.yardsticks.transcripts.roster import Choice

_DEFAULT = Transcriber()
# recordings that are shown on the terminal
_SHOWN = 10

Data = Annotated[
    Path,
    typer.Argument(
        help="A table (CSV, TSV, JSONL, Parquet) with a row per file and its text, or with a row "
        "per step of a recording; a LibriSpeech tree; or a Kaldi data folder."
    ),
]


def transcriber(
    path: Annotated[str | None, typer.Option(help="Column of files.", show_default="path")] = None,
    transcript: Annotated[
        str | None, typer.Option(help="Column of what is said or written.", show_default="text")
    ] = None,
    item: Annotated[
        str | None, typer.Option(help="Of rows per step: column that names the recording.")
    ] = None,
    time: Annotated[str | None, typer.Option(help="Column of times.")] = None,
    channels: Annotated[Names, typer.Option(help="Columns of numbers, of recordings.")] = None,
    group: Annotated[
        str | None, typer.Option(help="Column of speakers or writers, never on two sides.")
    ] = None,
    part: Annotated[str | None, typer.Option(help="Column that says train, valid or test.")] = None,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Leave out files that cannot be read.")
    ] = False,
    by: Annotated[
        str, typer.Option(help="Parts by: auto, stratified, group, time or given.")
    ] = "auto",
    valid: Held = None,
    test: Held = None,
    split: Annotated[int, typer.Option(help="Seed of the split.")] = 0,
    unit: Annotated[
        str, typer.Option(help="Symbols: characters, words (phonemes with blanks), subwords.")
    ] = _DEFAULT.tokens.unit,
    most: Annotated[int | None, typer.Option(help="Most symbols.", show_default="all")] = None,
    case: Annotated[str, typer.Option(help="keep, lower or upper.")] = _DEFAULT.spelling.case,
    punctuation: Annotated[str, typer.Option(help="keep or drop.")] = _DEFAULT.spelling.punctuation,
    features: Annotated[str, typer.Option(help="Of sound: mel or mfcc.")] = _DEFAULT.sound.features,
    scale: Annotated[
        str, typer.Option(help="Of sound: item, mean, running, channel or none.")
    ] = _DEFAULT.sound.scale,
    stack: Annotated[int, typer.Option(help="Frames of sound read as one.")] = _DEFAULT.sound.stack,
    rate: Annotated[
        int | None, typer.Option(help="Samples a second.", show_default="that of most files")
    ] = None,
    seconds: Annotated[float, typer.Option(help="Longest recording.")] = _DEFAULT.sound.longest,
    warp: Annotated[float, typer.Option(help="Training: voices higher or lower by.")] = 0.0,
    speed: Annotated[float, typer.Option(help="Training: faster or slower by.")] = 0.0,
    noise: Annotated[float, typer.Option(help="Training: chance of noise.")] = 0.0,
    tone: Annotated[float, typer.Option(help="Training: tones moved by.")] = 0.0,
    bands: Annotated[int, typer.Option(help="Training: masked runs of bands.")] = 0,
    times: Annotated[int, typer.Option(help="Training: masked runs of frames.")] = 0,
    width: Annotated[int, typer.Option(help="Beams of the search.")] = _DEFAULT.head.width,
    language: Annotated[
        str, typer.Option(help="none, ngrams (of the transcripts), an .arpa or a model.lstm file.")
    ] = _DEFAULT.head.language,
    order: Annotated[int, typer.Option(help="n of n-grams.")] = _DEFAULT.head.order,
    weight: Annotated[
        float | None, typer.Option(help="Of the language model.", show_default="chosen")
    ] = None,
    bonus: Annotated[
        float | None, typer.Option(help="Nats for each of its symbols.", show_default="chosen")
    ] = None,
    size: Annotated[int, typer.Option(help="Units per layer.")] = _DEFAULT.recurrent.size,
    depth: Annotated[int, typer.Option(help="Layers.")] = _DEFAULT.recurrent.depth,
    bidirectional: Annotated[
        bool, typer.Option(help="Read both ways; a stream is read forwards alone.")
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
    batch: Annotated[int, typer.Option(help="Recordings of one step.")] = _DEFAULT.training.batch,
    optimizer: Annotated[
        str, typer.Option(help="adam, adamw, rmsprop or sgd.")
    ] = _DEFAULT.training.optimizer,
    learning_rate: Annotated[float, typer.Option(help="Learning rate.")] = _DEFAULT.training.rate,
    schedule: Annotated[
        str, typer.Option(help="constant, cosine, linear or onecycle.")
    ] = _DEFAULT.training.schedule,
    members: Annotated[int, typer.Option(help="Networks together.")] = _DEFAULT.training.members,
    seed: Annotated[int, typer.Option(help="The same seed gives the same model.")] = 0,
    device: Annotated[str, typer.Option(help="cpu, cuda or auto.")] = "cpu",
) -> Transcriber:
    """A transcriber of the options that say what it reads, writes and learns with."""
    return _DEFAULT.set_copy(
        roles=Roles(
            item=item, time=time, channels=names(channels), group=group, part=part, path=path,
            transcript=transcript, skip_bad=skip_bad,
        ),
        tokens=Tokens(cast(Unit, unit), size=most),
        spelling=Spelling(cast(Case, case), cast(Punctuation, punctuation)),
        sound=_DEFAULT.sound.set_params(
            features=cast(Features, features), scale=cast(Level, scale), stack=stack, rate=rate,
            longest=seconds,
        ),
        augment=_DEFAULT.augment.set_params(
            warp=warp, speed=speed, noise=noise, tone=tone, bands=bands, times=times
        ),
        head=Ctc(width, language, order, weight, bonus),
        partition=Partition(cast(By, by), share(valid, 0.1), share(test, 0.1), split),
        recurrent=_DEFAULT.recurrent.set_params(
            size=size, depth=depth, bidirectional=bidirectional, dropout=dropout,
            cell=cast(Cell, cell), stem=stem, stride=stride,
        ),
        training=_DEFAULT.training.set_params(
            epochs=epochs, batch=batch, optimizer=cast(Optimizer, optimizer), rate=learning_rate,
            schedule=cast(Schedule, schedule), members=members,
        ),
        random_state=seed,
        device=device,
    )  # fmt: skip


def transcribe(
    ctx: typer.Context,
    data: Data,
    estimator: Transcriber,
    metric: Annotated[
        str | None,
        typer.Option(help="Judged by: cer, wer or ser (symbols).", show_default="by the unit"),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for model, report and history.")] = Path(
        "fitted"
    ),
    yardsticks: Yardsticks = "all",
    resume: Resume = None,
) -> None:
    """Learn what is said or written in recordings.

    longshort fit transcribe prompts.tsv --transcript text --case lower --punctuation drop
    --language ngrams --out prompts

    longshort fit transcribe pens.csv --item line --transcript text --out pens

    longshort fit transcribe lines/ --height 40 --stem 5 --stride 2 --out lines

    A table names a file in each row (column path) and what is said in it; or it has a row for each
    step of a recording. A folder holds pictures of lines with their texts beside them (a.png,
    a.gt.txt), or files of pen strokes that tell theirs. A tenth of the recordings chooses when to
    stop and how much the language model counts, another tenth stays unseen until training is over;
    then every method transcribes it. Ctrl-C keeps the best so far; the same command with --resume
    goes on from there.
    """
    given: Any = together(data, ctx.params["valid"], ctx.params["test"])
    opens = isinstance(given, dict) and "test" in given
    opens = opens or estimator.partition.test is not None or estimator.roles.part is not None

    def judge() -> TranscriptEvaluation | None:
        if not opens:
            return None
        return estimator.evaluate(given, metric=metric, yardsticks=cast(Choice, yardsticks))

    running.run(estimator, given, out, resume, judge)


command = taking(also(transcriber, drawing))(transcribe)


# what the commands do with a fitted transcriber


def predictions(
    estimator: Transcriber,
    data: Path,
    *,
    best: int | None = None,
    hot_words: Sequence[str] | None = None,
    hot_weight: float = 2.0,
    rows: str = "transcripts",
    align: bool = False,
) -> Iterator[pl.DataFrame]:
    """A row for each recording, for each of its best transcripts, or for each of their words."""
    if rows not in get_args(Rows):
        raise ArgumentError(f"--rows {rows}: {suggest(rows, get_args(Rows))}")
    if align and rows == "transcripts":
        rows = "words"
    yield estimator.tabulate(
        data, cast(Rows, rows), best=best, known=align, hot_words=names(hot_words) or (),
        hot_weight=hot_weight,
    )  # fmt: skip


def judged(
    estimator: Transcriber,
    data: Path,
    folder: Path | None,
    *,
    metric: str = "macro_f1",
    yardsticks: str = "all",
) -> TranscriptEvaluation:
    """The test part, or other data as a whole."""
    del folder
    # what is asked of labels unless something else is written means nothing here
    asked = None if metric == "macro_f1" else metric
    return estimator.evaluate(data, metric=asked, yardsticks=cast(Choice, yardsticks))


def explained(estimator: Transcriber, data: str, out: Path | None) -> None:
    """The words of recordings with their times, and how sure each is; as a table in ``out``."""
    if out is not None and out.suffix != ".csv":
        raise ArgumentError(f"--out {out}: the words of transcripts are a .csv file")
    words = estimator.tabulate(Path(data), "words")
    unit = "s" if estimator.timed_in_seconds else "steps"
    items = words["item"].unique(maintain_order=True)
    for item in items[:_SHOWN]:
        terminal.print(f"[bold]{plain(item)}[/]")
        for row in words.filter(pl.col("item") == item).iter_rows(named=True):
            terminal.print(
                f"  {row['start']:8.2f} {row['end']:8.2f} {unit}  {row['confidence']:5.1%}  "
                f"{plain(row['word'])}"
            )
    if out is not None:
        artifact.write_bytes(out, words.write_csv().encode())
        notes.print(f"words: {plain(str(out))} ({words.height} rows)")
    elif len(items) > _SHOWN:
        notes.print(f"{len(items) - _SHOWN} more: name a table with --out words.csv")

"""``longshort fit translate``, ``summarize`` and ``caption``: from pairs to a judged translator."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from longshort.beams import Beam
from longshort.cli import running
from longshort.cli.classify import share
from longshort.cli.options import also, changed, taking
from longshort.cli.running import Resume, Yardsticks
from longshort.cli.translations import several
from longshort.data.codecs.tokens import Tokens, Unit
from longshort.data.codecs.transcripts import Case, Spelling
from longshort.data.corpus import Roles
from longshort.data.partition import By, Partition
from longshort.errors import ArgumentError
from longshort.layers.attention import Scoring
from longshort.records import TranslationEvaluation
from longshort.tasks.translate import Translator, Unknown
from longshort.training.settings import Optimizer, Schedule
from longshort.yardsticks.translations.roster import Choice

_DEFAULT = Translator()

Given = list[Path]
Data = Annotated[
    Given,
    typer.Argument(
        help="A table of pairs (CSV, TSV, JSONL, Parquet), a TMX file, or two files whose lines "
        "belong together."
    ),
]
Articles = Annotated[
    Given,
    typer.Argument(help="A table (CSV, TSV, JSONL, Parquet) of texts and summaries, or two files."),
]
Pictured = Annotated[
    Given,
    typer.Argument(
        help="A table (CSV, TSV, JSONL) or JSON of pictures and captions, COCO's or Karpathy's, "
        "too; or a folder of pictures with texts beside them."
    ),
]
Held = Annotated[
    str | None,
    typer.Option(
        help="A share of the pairs, or a file of its own (two: dev.en,dev.ja).", show_default="0.1"
    ),
]
Metric = Annotated[
    str | None,
    typer.Option(
        help="Judged by: bleu, chrf, ter, rouge1, rouge2, rougeL, cider or exact.",
        show_default="bleu; rougeL of summaries, cider of captions",
    ),
]
Tokenize = Annotated[
    str | None,
    typer.Option(
        help="How BLEU cuts targets: 13a, none, char, zh, intl.", show_default="by their looks"
    ),
]
Out = Annotated[Path, typer.Option(help="Folder for model, report and history.")]


def translator(
    source: Annotated[
        str | None,
        typer.Option(help="Column of sources; of TMX a language.", show_default="source"),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(help="Column of targets; of TMX a language.", show_default="target"),
    ] = None,
    group: Annotated[
        str | None, typer.Option(help="Column of documents, never on two sides.")
    ] = None,
    part: Annotated[str | None, typer.Option(help="Column that says train, valid or test.")] = None,
    by: Annotated[str, typer.Option(help="Parts by: auto, stratified, group or given.")] = "auto",
    valid: Held = None,
    test: Held = None,
    split: Annotated[int, typer.Option(help="Seed of the split.")] = 0,
    unit: Annotated[
        str, typer.Option(help="Symbols: words, spaced, characters, bytes, subwords, unigram.")
    ] = _DEFAULT.target.unit,
    source_unit: Annotated[
        str | None,
        typer.Option(help="Of sources, where they are others.", show_default="as --unit"),
    ] = None,
    most: Annotated[int | None, typer.Option(help="Most symbols.", show_default="all")] = None,
    least: Annotated[int, typer.Option(help="A rarer symbol is unknown.")] = 1,
    case: Annotated[str, typer.Option(help="keep or lower.")] = _DEFAULT.target_spelling.case,
    joint: Annotated[
        bool, typer.Option("--joint/--separate", help="One vocabulary for both sides.")
    ] = _DEFAULT.joint,
    longest: Annotated[int, typer.Option(help="Symbols of a source.")] = _DEFAULT.longest,
    unknown: Annotated[
        str, typer.Option(help="What is in no vocabulary: never written, or as in the source.")
    ] = _DEFAULT.unknown,
    attention: Annotated[str, typer.Option(help="general or additive.")] = _DEFAULT.head.attention,
    copy: Annotated[
        bool, typer.Option("--copy/--no-copy", help="Write words of the source.")
    ] = _DEFAULT.head.copy,
    coverage: Annotated[
        bool, typer.Option("--coverage", help="Count what was looked at.")
    ] = _DEFAULT.head.coverage,
    input_feeding: Annotated[
        bool, typer.Option("--input-feeding", help="Read what attention made, step by step.")
    ] = _DEFAULT.head.input_feeding,
    embedding: Annotated[int, typer.Option(help="Of a symbol.")] = _DEFAULT.head.embedding,
    smoothing: Annotated[float, typer.Option(help="Of labels.")] = _DEFAULT.head.smoothing,
    width: Annotated[int, typer.Option(help="Beams; 1 is greedy.")] = _DEFAULT.search.width,
    length_penalty: Annotated[
        float, typer.Option(help="More prefers longer targets.")
    ] = _DEFAULT.search.length_penalty,
    coverage_penalty: Annotated[
        float, typer.Option(help="Of what is left unsaid.")
    ] = _DEFAULT.search.coverage_penalty,
    block: Annotated[
        int, typer.Option(help="No run of so many symbols twice.")
    ] = _DEFAULT.search.block,
    size: Annotated[int, typer.Option(help="Units per layer.")] = _DEFAULT.recurrent.size,
    depth: Annotated[int, typer.Option(help="Layers.")] = _DEFAULT.recurrent.depth,
    dropout: Annotated[
        float, typer.Option(help="Share of values dropped.")
    ] = _DEFAULT.recurrent.dropout,
    epochs: Annotated[int, typer.Option(help="Most passes.")] = _DEFAULT.training.epochs,
    batch: Annotated[int, typer.Option(help="Pairs of one step.")] = _DEFAULT.training.batch,
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
) -> Translator:
    """A translator of the options that say what it reads, writes and learns with."""
    spelling = Spelling(cast(Case, case))
    return _DEFAULT.set_copy(
        roles=Roles(text=source, transcript=target, group=group, part=part),
        source=Tokens(cast(Unit, source_unit or unit), least, most),
        target=Tokens(cast(Unit, unit), least, most),
        source_spelling=spelling,
        target_spelling=spelling,
        joint=joint,
        longest=longest,
        unknown=cast(Unknown, unknown),
        head=_DEFAULT.head.set_params(
            attention=cast(Scoring, attention), copy=copy, coverage=coverage,
            input_feeding=input_feeding, embedding=embedding, smoothing=smoothing,
        ),
        search=Beam(width, length_penalty, coverage_penalty, block),
        partition=Partition(cast(By, by), share(valid, 0.1), share(test, 0.1), split),
        recurrent=_DEFAULT.recurrent.set_params(size=size, depth=depth, dropout=dropout),
        training=_DEFAULT.training.set_params(
            epochs=epochs, batch=batch, optimizer=cast(Optimizer, optimizer), rate=learning_rate,
            schedule=cast(Schedule, schedule), members=members,
        ),
        random_state=seed,
        device=device,
    )  # fmt: skip


def pictured(
    estimator: Translator,
    *,
    image: Annotated[
        str | None, typer.Option(help="Column of pictures.", show_default="image")
    ] = None,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Leave out pictures that cannot be read.")
    ] = False,
    pixels: Annotated[
        int, typer.Option(help="Of a side, that pictures are brought to.")
    ] = _DEFAULT.scenes.size,
    flip: Annotated[
        bool, typer.Option("--flip/--no-flip", help="Learn from mirrored pictures, too.")
    ] = _DEFAULT.scenes.flip,
) -> Translator:
    """The same estimator, of pictures."""
    return estimator.set_copy(
        roles=estimator.roles.set_params(path=image, skip_bad=skip_bad),
        scenes=estimator.scenes.set_params(size=pixels, flip=flip),
    )


def given(paths: Sequence[Path], valid: str | None, test: str | None) -> Any:
    """The data that were named, with the files of a split that was given.

    Raises:
        ArgumentError: there are more than two files, or one of a part is not there.
    """
    if len(paths) > 2:
        raise ArgumentError(
            f"{len(paths)} files: give one of pairs, or two whose lines belong together"
        )
    whole = tuple(paths) if len(paths) == 2 else paths[0]
    parts = {name: _held(name, told) for name, told in (("valid", valid), ("test", test))}
    named = {name: part for name, part in parts.items() if part is not None}
    return {"train": whole, **named} if named else whole


def _held(option: str, told: str | None) -> Any:
    """The file or the two files that an option names; None where it is a share."""
    try:
        float(told or 0)
    except ValueError:
        found = several(Path(str(told)))
        paths = found if isinstance(found, tuple) else (found,)
        missing = next((path for path in paths if not path.exists()), None)
        if missing is not None:
            raise ArgumentError(
                f"--{option} {told}: no share such as 0.1, and there is no file {missing}"
            ) from None
        return found
    return None


def _fit(
    ctx: typer.Context,
    data: Given,
    estimator: Translator,
    metric: str | None,
    tokenize: str | None,
    out: Path,
    yardsticks: str,
    resume: bool | None,
) -> None:
    read = given(data, ctx.params["valid"], ctx.params["test"])
    opens = isinstance(read, dict) and "test" in read
    opens = opens or estimator.partition.test is not None or estimator.roles.part is not None

    def judge() -> TranslationEvaluation | None:
        if not opens:
            return None
        return estimator.evaluate(
            read, metric=metric, tokenize=tokenize, yardsticks=cast(Choice, yardsticks)
        )

    running.run(estimator, read, out, resume, judge)


def translate(
    ctx: typer.Context,
    data: Data,
    estimator: Translator,
    metric: Metric = None,
    tokenize: Tokenize = None,
    out: Out = Path("fitted"),
    yardsticks: Yardsticks = "all",
    resume: Resume = None,
) -> None:
    """Learn to turn texts of one kind into texts of another.

    longshort fit translate pairs.tsv --out english

    longshort fit translate train.en train.ja --valid dev.en,dev.ja --unit spaced --out tanaka

    longshort fit translate memory.tmx --source en --target it --unit subwords --out italian

    A tenth of the pairs chooses when to stop, another tenth stays unseen until training is over;
    then every method translates it, also rules that look the nearest source up. Ctrl-C keeps the
    best so far; the same command with --resume goes on from there.
    """
    _fit(ctx, data, estimator, metric, tokenize, out, yardsticks, resume)


def summarize(
    ctx: typer.Context,
    data: Articles,
    estimator: Translator,
    metric: Metric = None,
    tokenize: Tokenize = None,
    out: Out = Path("fitted"),
    yardsticks: Yardsticks = "all",
    resume: Resume = None,
) -> None:
    """Learn to sum texts up: words are written, or copied from the text (See et al. 2017).

    longshort fit summarize articles.jsonl --out news

    longshort fit summarize packages.csv --source description --target synopsis --longest 60

    Columns are article and summary unless --source and --target name others; of a text its first
    symbols are read (--longest). Else it is as longshort fit translate.
    """
    _fit(ctx, data, estimator, metric, tokenize, out, yardsticks, resume)


def caption(
    ctx: typer.Context,
    data: Pictured,
    estimator: Translator,
    metric: Metric = None,
    tokenize: Tokenize = None,
    out: Out = Path("fitted"),
    yardsticks: Yardsticks = "all",
    resume: Resume = None,
) -> None:
    """Learn to say what is in pictures, with a small network of their pixels.

    longshort fit caption captions.csv --out pictures

    longshort fit caption stamps/ --target it --out stamps

    A table names a picture (image) and what is said of it (caption) in each row; pictures may be
    .npy files of features that another network has made of them. All captions of a picture stay on
    one side of the split.
    """
    _fit(ctx, data, estimator, metric, tokenize, out, yardsticks, resume)


_TEXTS = changed(
    translator, joint=True, copy=True, case="lower", most=8000, longest=200, smoothing=0.0, block=3,
)  # fmt: skip
_SCENES = changed(
    translator, case="lower", attention="additive", epochs=30, batch=32,
    without=("source", "source_unit", "joint", "longest", "unknown", "copy", "coverage", "depth"),
)  # fmt: skip


command = taking(translator)(translate)
summaries = taking(_TEXTS)(summarize)
captions = taking(also(_SCENES, pictured))(caption)

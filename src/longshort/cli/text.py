"""``longshort fit text``: from a text file to a model that tells what comes next in it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, NoReturn, cast

import typer

from longshort.cli import running
from longshort.cli.generate import adapting
from longshort.cli.options import Projection, Residual, changed, pairs, taking
from longshort.cli.running import Resume
from longshort.data.chunks import Borders, Chunking, Shares
from longshort.data.codecs.notation import Kind, Notation
from longshort.data.codecs.tokens import Tokens, Unit
from longshort.data.sources.prose import By, Documents
from longshort.errors import ArgumentError
from longshort.heads.next import Next, Output, Spellings
from longshort.layers.encoder import Cell, Recurrent
from longshort.records import LanguageEvaluation
from longshort.tasks.generate import LanguageModel
from longshort.tasks.text.misfits import Directions
from longshort.training.settings import Optimizer, Schedule, Training

# what every option is where it is not given
_OWN = LanguageModel()

Data = Annotated[
    Path,
    typer.Argument(
        help="A text file, JSON Lines or a folder of them, also packed by gzip or Zstandard."
    ),
]
Letters = Annotated[str, typer.Option(help="Read words by their letters: none, or cnn.")]
Filters = Annotated[
    str | None,
    typer.Option(help="Of cnn: letters by filters, as 1x32,2x64.", show_default="few"),
]
Ways = Annotated[
    str, typer.Option(help="forward, or both for a second network that reads backwards.")
]
Average = Annotated[
    int | None,
    typer.Option(help="Epochs without progress before weights are averaged.", show_default="never"),
]


def language_model(
    unit: Annotated[
        str, typer.Option(help="A symbol is one of characters, bytes, words or subwords.")
    ] = _OWN.tokens.unit,
    least: Annotated[
        int, typer.Option(help="Characters or words that are rarer are unknown.")
    ] = _OWN.tokens.least,
    vocabulary: Annotated[
        int | None, typer.Option(help="Most symbols.", show_default="8000 subwords, else all")
    ] = _OWN.tokens.size,
    documents: Annotated[
        str, typer.Option(help="One document is a file or a line; of JSON Lines, an object.")
    ] = _OWN.documents.by,
    field: Annotated[
        str, typer.Option(help="Where a JSON object has its text.")
    ] = _OWN.documents.field,
    valid: Annotated[float, typer.Option(help="Share of the text that chooses.")] = 0.05,
    test: Annotated[float, typer.Option(help="Share kept for the test; 0 for none.")] = 0.05,
    steps: Annotated[
        int, typer.Option(help="Symbols that gradients reach back.")
    ] = _OWN.chunking.steps,
    borders: Annotated[
        str, typer.Option(help="Reset the state where a document ends, or carry it on.")
    ] = _OWN.chunking.borders,
    output: Annotated[
        str, typer.Option(help="Of the softmax: tied, plain, or adaptive for many symbols.")
    ] = _OWN.head.output,
    embedding: Annotated[
        int | None, typer.Option(help="Numbers that a symbol becomes.", show_default="chosen")
    ] = _OWN.head.embedding,
    embedding_dropout: Annotated[
        float, typer.Option(help="Share of the symbols that are read as nothing.")
    ] = _OWN.head.embedding_dropout,
    characters: Letters = _OWN.head.characters,
    filters: Filters = None,
    highways: Annotated[int, typer.Option(help="Of cnn: highway layers.")] = _OWN.head.highways,
    activation: Annotated[
        float, typer.Option(help="AR: a price on large outputs.")
    ] = _OWN.head.activation,
    slowness: Annotated[
        float, typer.Option(help="TAR: a price on outputs that change.")
    ] = _OWN.head.slowness,
    notation: Annotated[
        str, typer.Option(help="Music is written down as rolls or events.")
    ] = _OWN.notation.kind,
    resolution: Annotated[
        int, typer.Option(help="Steps of a quarter note.")
    ] = _OWN.notation.resolution,
    transpose: Annotated[
        int, typer.Option(help="Learn from all keys up to so many semitones away, too.")
    ] = _OWN.notation.transpose,
    loudness: Annotated[
        int, typer.Option(help="Of events, degrees of loudness that are told.")
    ] = _OWN.notation.loudness,
    tempo: Annotated[
        float, typer.Option(help="Quarter notes a minute of what is written without a prompt.")
    ] = _OWN.notation.tempo,
    size: Annotated[int, typer.Option(help="Units per layer.")] = _OWN.recurrent.size,
    depth: Annotated[int, typer.Option(help="Layers.")] = _OWN.recurrent.depth,
    projection: Projection = _OWN.recurrent.projection,
    residual: Residual = _OWN.recurrent.residual,
    cell: Annotated[str, typer.Option(help="lstm, gru, rnn or slstm.")] = _OWN.recurrent.cell,
    dropout: Annotated[
        float, typer.Option(help="Share of values dropped.")
    ] = _OWN.recurrent.dropout,
    input_dropout: Annotated[
        float | None, typer.Option(help="And of the inputs.", show_default="the same")
    ] = _OWN.recurrent.input_dropout,
    locked: Annotated[
        bool, typer.Option("--locked", help="Drop the same values at all steps.")
    ] = _OWN.recurrent.locked,
    weight_drop: Annotated[
        float, typer.Option(help="Share of the recurrent weights dropped.")
    ] = _OWN.recurrent.weight_drop,
    direction: Ways = _OWN.direction,
    epochs: Annotated[int, typer.Option(help="Most passes.")] = _OWN.training.epochs,
    batch: Annotated[
        int, typer.Option(help="Streams that are read side by side.")
    ] = _OWN.training.batch,
    optimizer: Annotated[
        str, typer.Option(help="adam, adamw, rmsprop or sgd.")
    ] = _OWN.training.optimizer,
    rate: Annotated[float, typer.Option(help="Learning rate.")] = _OWN.training.rate,
    weight_decay: Annotated[
        float, typer.Option(help="Share of weights removed per unit of rate.")
    ] = _OWN.training.weight_decay,
    clip: Annotated[float, typer.Option(help="Largest norm of a gradient.")] = cast(
        float, _OWN.training.clip
    ),
    schedule: Annotated[
        str, typer.Option(help="constant, cosine, linear or onecycle.")
    ] = _OWN.training.schedule,
    patience: Annotated[int, typer.Option(help="Epochs without progress before it stops.")] = cast(
        int, _OWN.training.patience
    ),
    average: Average = _OWN.training.average,
    members: Annotated[int, typer.Option(help="Networks averaged.")] = _OWN.training.members,
    seed: Annotated[int, typer.Option(help="The same seed gives the same model.")] = 0,
    device: Annotated[str, typer.Option(help="cpu, cuda or auto.")] = "cpu",
) -> LanguageModel:
    """A language model of the options that say what it reads and learns with."""
    return LanguageModel(
        Tokens(cast(Unit, unit), least, vocabulary),
        documents=Documents(cast(By, documents), field),
        shares=Shares(valid, test),
        chunking=Chunking(steps, cast(Borders, borders)),
        head=Next(
            cast(Output, output), embedding, embedding_dropout, activation, slowness,
            cast(Spellings, characters), pairs("--filters", filters) or Next().filters, highways,
        ),
        notation=Notation(cast(Kind, notation), resolution, transpose, loudness, tempo),
        recurrent=Recurrent(
            size, depth, dropout=dropout, cell=cast(Cell, cell), input_dropout=input_dropout,
            locked=locked, weight_drop=weight_drop, projection=projection, residual=residual,
        ),
        training=Training(
            epochs=epochs, batch=batch, optimizer=cast(Optimizer, optimizer), rate=rate,
            weight_decay=weight_decay, schedule=cast(Schedule, schedule), clip=clip,
            patience=patience, members=members, average=average,
        ),
        direction=cast(Directions, direction),
        random_state=seed,
        device=device,
    )  # fmt: skip


# options that are of music alone, and of texts alone
MUSIC = ("notation", "resolution", "transpose", "loudness", "tempo")
TEXT = ("unit", "least", "vocabulary", "documents", "field")


@taking(changed(language_model, MUSIC))
def text(
    data: Data,
    estimator: LanguageModel,
    out: Annotated[Path, typer.Option(help="Folder for model, report and history.")] = Path(
        "fitted"
    ),
    valid_text: Annotated[
        Path | None, typer.Option(help="A text of its own that chooses.", show_default="a share")
    ] = None,
    test_text: Annotated[
        Path | None, typer.Option(help="A text of its own for the test.", show_default="a share")
    ] = None,
    init: Annotated[
        Path | None, typer.Option(help="A model.lstm to begin with, and its vocabulary.")
    ] = None,
    cache: Annotated[
        bool, typer.Option("--cache", help="Choose a neural cache, too, and judge with it.")
    ] = False,
    dynamic: Annotated[
        bool, typer.Option("--dynamic", help="Choose dynamic evaluation, too, and judge with it.")
    ] = False,
    resume: Resume = None,
) -> None:
    """Learn to tell what comes next in a text: the next character, byte, word or subword.

    longshort fit text shakespeare.txt --unit characters --out plays

    The text is cut in order: the first part is learnt from, the next one chooses the epoch, and the
    last one is kept unseen until training is over. While it trains, the folder holds a checkpoint;
    the same command with --resume goes on from there.

    longshort fit text train.txt --valid-text valid.txt --test-text test.txt --unit words

    That reads the parts from files of their own; without --test-text there is then no test part.

    --cache makes what was written lately likelier (Grave et al. 2017), --dynamic goes on learning
    from what is read (Krause et al. 2018). Both are chosen on the validation part, kept in the
    model's file, and have rows of their own; score, generate and complete take the same options.
    """
    others = {"valid": valid_text, "test": test_text}
    parts = {"train": data} | {name: path for name, path in others.items() if path is not None}
    whole = parts if len(parts) > 1 else data

    def judge() -> LanguageEvaluation | None:
        if cache or dynamic:
            estimator.adapt(whole, cache=cache, dynamic=dynamic)
            estimator.save(out / "model.lstm")
        ways = () if estimator.adaptation_ is None else estimator.adaptation_.parts
        kept = "test" in parts if len(parts) > 1 else estimator.shares.test
        return estimator.evaluate(whole, adapt=ways) if kept else None

    running.run(estimator, whole, out, resume, judge, init=init, keep_codec=init is not None)


# what the commands do with a fitted model


def judged(
    estimator: LanguageModel,
    data: Path,
    folder: Path | None,
    *,
    yardsticks: str = "all",
    cache: bool = False,
    dynamic: bool = False,
) -> LanguageEvaluation:
    """The test part of the text that was fitted on, or another text as a whole.

    How to adapt is chosen anew where it was not chosen in the fit.
    """
    del folder
    chosen = estimator.adaptation_
    if (cache and not (chosen and chosen.cache)) or (dynamic and not (chosen and chosen.dynamic)):
        estimator.adapt(data, cache=cache, dynamic=dynamic)
    adapt = adapting(estimator, cache, dynamic)
    return estimator.evaluate(
        data,
        yardsticks="none" if yardsticks == "quick" else "all",
        adapt=() if adapt is None else adapt.parts,
    )


def predictions(estimator: LanguageModel, data: Path) -> NoReturn:
    """A language model has none of its own: it writes, or says how likely a text is."""
    del estimator, data
    raise ArgumentError(
        "a language model forecasts no table: longshort generate writes what comes after a prompt, "
        "longshort score says how likely each symbol of a text is"
    )


def explained(estimator: LanguageModel, data: str, out: Path | None) -> NoReturn:
    """Not known of a language model."""
    del estimator, data, out
    raise ArgumentError(
        "what a language model leans on cannot be told: longshort score says which symbols of a "
        "text surprised it"
    )

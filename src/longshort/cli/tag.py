"""``longshort fit tag``: from sentences in columns, or tables of steps, to a tagger."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, cast

import polars as pl
import typer

from longshort.cli import running
from longshort.cli.classify import Held, share, together
from longshort.cli.labels import show_explanation
from longshort.cli.options import (
    Begun,
    Projection,
    Residual,
    Tuned,
    beginning,
    names,
    taking,
    tuning,
)
from longshort.cli.running import Resume
from longshort.cli.terminal import notes
from longshort.data.corpus import Roles
from longshort.data.partition import By, Partition
from longshort.data.readings.wide import Wide
from longshort.data.sources.conll import Conll, Spelling
from longshort.layers.encoder import Cell, Recurrent
from longshort.records import LabelEvaluation
from longshort.tasks.labels.tags import Inner
from longshort.tasks.tag import TOKENS, TRAINING, Tagger, TagHead
from longshort.yardsticks.labels.roster import Choice

Yardsticks = Annotated[str, typer.Option(help="all, quick (the most frequent tag), or none.")]


def tagger(
    token_column: Annotated[
        int, typer.Option(help="The tokens' column, from 0; -1 is the last.")
    ] = 0,
    tag_column: Annotated[int, typer.Option(help="The tags' column.")] = -1,
    scheme: Annotated[
        str, typer.Option(help="Of entities: guess, bio, iob1, iobes, bilou; none: plain tags.")
    ] = "guess",
    repair: Annotated[
        bool, typer.Option("--repair", help="Repair tags that break their scheme, and count them.")
    ] = False,
    encoding: Annotated[str, typer.Option(help="Of the file's bytes.")] = "utf-8",
    item: Annotated[
        str | None, typer.Option(help="Of a table with a row per step: the series' column.")
    ] = None,
    time: Annotated[str | None, typer.Option(help="Of a table: the column of times.")] = None,
    channels: Annotated[
        list[str] | None,
        typer.Option(help="Of a table: columns of numbers.", show_default="every other one"),
    ] = None,
    text: Annotated[str | None, typer.Option(help="Of a table: the column of tokens.")] = None,
    label: Annotated[str, typer.Option(help="Of a table: the column of tags.")] = "label",
    group: Annotated[
        str | None, typer.Option(help="Of a table: subjects, never on two sides of a split.")
    ] = None,
    head: Annotated[
        str, typer.Option(help="crf: tags chosen together; category: each by itself.")
    ] = "crf",
    inner: Annotated[
        str, typer.Option(help="What the network spells entities by: bio or iobes.")
    ] = "bio",
    wide: Annotated[
        int, typer.Option(help="Buckets of sparse features beside the network; 0 for none.")
    ] = Wide().buckets,
    lean: Annotated[
        bool, typer.Option(help="Shift entities' scores by what finds most on the validation part.")
    ] = True,
    by: Annotated[str, typer.Option(help="Split: auto, stratified, group, time.")] = "auto",
    valid: Held = None,
    test: Held = None,
    split: Annotated[int, typer.Option(help="Seed of the split.")] = 0,
    pretrained: Begun = None,
    tune: Tuned = False,
    size: Annotated[int, typer.Option(help="Units per layer and direction.")] = 120,
    depth: Annotated[int, typer.Option(help="Layers.")] = 1,
    projection: Projection = None,
    residual: Residual = False,
    bidirectional: Annotated[bool, typer.Option(help="Read both ways.")] = True,
    dropout: Annotated[float, typer.Option(help="Share of values dropped.")] = 0.4,
    cell: Annotated[str, typer.Option(help="lstm, gru, rnn or slstm.")] = "lstm",
    epochs: Annotated[int, typer.Option(help="Passes.")] = TRAINING.epochs,
    batch: Annotated[int, typer.Option(help="Sentences of one step.")] = TRAINING.batch,
    rate: Annotated[float, typer.Option(help="Learning rate.")] = TRAINING.rate,
    members: Annotated[int, typer.Option(help="Networks whose scores are averaged.")] = (
        TRAINING.members
    ),
    seed: Annotated[int, typer.Option(help="The same seed gives the same model.")] = 0,
    device: Annotated[str, typer.Option(help="cpu, cuda or auto.")] = "cpu",
) -> Tagger:
    """A tagger of the options that say what it reads, answers and learns with."""
    return Tagger(
        Conll(token_column, tag_column, cast(Spelling, scheme), repair, encoding),
        Roles(
            text=text, label=(label,), item=item, time=time, channels=names(channels), group=group
        ),
        text=TOKENS,
        head=cast(TagHead, head),
        scheme=cast(Inner, inner),
        wide=Wide(wide),
        lean=lean,
        pretrained=beginning(pretrained, tune),
        partition=Partition(cast(By, by), share(valid, 0.1), share(test, 0.1), split),
        recurrent=Recurrent(
            size,
            depth,
            bidirectional,
            dropout,
            cell=cast(Cell, cell),
            projection=projection,
            residual=residual,
        ),
        training=TRAINING.set_params(
            epochs=epochs, batch=batch, rate=rate, members=members, **tuning(tune)
        ),
        random_state=seed,
        device=device,
    )


def tag(
    ctx: typer.Context,
    data: Annotated[
        Path, typer.Argument(help="Sentences in columns (CoNLL), or a table with --item.")
    ],
    estimator: Tagger,
    out: Annotated[Path, typer.Option(help="Folder for model, report and history.")] = Path(
        "fitted"
    ),
    yardsticks: Yardsticks = "all",
    resume: Resume = None,
) -> None:
    """Learn to tag each token of sentences, or each step of series.

    longshort fit tag train.conll --valid dev.conll --test test.conll --out names

    A line holds a token and its tag, a blank line ends a sentence. Entities may be spelt in BIO,
    IOB1, IOBES or BILOU; other tags (parts of speech) stand for themselves. CoNLL-U is read, too.

    longshort fit tag steps.csv --item series --time time --label state --out states

    Without other files a tenth of the sentences chooses, and another tenth is kept for the test.
    """
    given = together(data, ctx.params["valid"], ctx.params["test"])
    opens = isinstance(given, dict) and "test" in given
    opens = opens or estimator.partition.test is not None

    def judge() -> LabelEvaluation | None:
        if not opens:
            return None
        return estimator.evaluate(given, yardsticks=cast(Choice, yardsticks))

    running.run(estimator, given, out, resume, judge)


command = taking(tagger)(tag)


# what the commands do with a fitted tagger


def predictions(estimator: Tagger, data: Path) -> Iterator[pl.DataFrame]:
    """A row for each step, with its tag and how sure that is."""
    yield estimator.predict(data)


def judged(
    estimator: Tagger, data: Path, folder: Path | None, *, yardsticks: str = "all"
) -> LabelEvaluation:
    """The test part, or other data as a whole."""
    del folder
    return estimator.evaluate(data, yardsticks=cast(Choice, yardsticks))


def explained(estimator: Tagger, data: str, out: Path | None) -> None:
    """The entities (or tags) of a sentence, or of a file's, with the tokens that decided them."""
    given: Any = Path(data) if Path(data).exists() else [data.split()]
    found = estimator.explain(given)
    if not found.items:
        notes.print("no entity was found")
    show_explanation(found, out)

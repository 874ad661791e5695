"""``longshort generate``, ``complete`` and ``score``: what a language model does with text."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from longshort.cli.terminal import notes, plain
from longshort.cli.terminal import out as terminal
from longshort.errors import ArgumentError, DataError
from longshort.evaluate.adaptation import Adaptation
from longshort.search import Sampling
from longshort.tasks.files import load
from longshort.tasks.generate import LanguageModel

_OWN = Sampling()

Model = Annotated[Path, typer.Argument(help="A model.lstm file of fit text or fit music.")]
Prompt = Annotated[
    str, typer.Option(help="What comes first, of music a file or its signs; nothing begins anew.")
]
ByCache = Annotated[
    bool, typer.Option("--cache", help="What came lately is likelier, as was chosen in the fit.")
]
ByDynamic = Annotated[
    bool, typer.Option("--dynamic", help="Learn from what is read, as was chosen in the fit.")
]


def generate(
    model: Model,
    prompt: Prompt = "",
    length: Annotated[
        int, typer.Option(help="Characters, bytes, words or subwords at most; frames or notes.")
    ] = 500,
    temperature: Annotated[
        float, typer.Option(help="Below 1 is more cautious; 0 takes the likeliest every time.")
    ] = _OWN.temperature,
    top_k: Annotated[
        int | None, typer.Option(help="Draw among so many of the likeliest.", show_default="all")
    ] = _OWN.top_k,
    top_p: Annotated[
        float, typer.Option(help="Draw among the likeliest that together reach this probability.")
    ] = _OWN.top_p,
    min_p: Annotated[
        float, typer.Option(help="Leave out what is less than this share as likely as the best.")
    ] = _OWN.min_p,
    repetition: Annotated[
        float, typer.Option(help="Above 1, what came lately becomes less likely.")
    ] = _OWN.repetition,
    memory: Annotated[int, typer.Option(help="How many symbols back that counts.")] = _OWN.memory,
    stop: Annotated[
        list[str] | None, typer.Option(help="End before this text; may be given again.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same one writes the same text.")] = 0,
    echo: Annotated[bool, typer.Option("--echo", help="Write the prompt, too.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="Of music: a MIDI file of the prompt and what follows.")
    ] = None,
    tempo: Annotated[
        float | None,
        typer.Option(help="Of --out, quarter notes a minute.", show_default="the prompt's"),
    ] = None,
    cache: ByCache = False,
    dynamic: ByDynamic = False,
) -> None:
    """Write on after a prompt, as it comes.

    longshort generate shakespeare/model.lstm --prompt "ROMEO:" --length 1000 --temperature 0.8

    longshort generate chorales/model.lstm --prompt start.mid --out sample.mid
    """
    sampling = Sampling(temperature, top_k, top_p, min_p, repetition, memory)
    fitted = opened(model)
    adapt = adapting(fitted, cache, dynamic)
    if out is not None:
        if stop:
            raise ArgumentError("--stop: music has no text to stop before; leave it out")
        written = fitted.compose(
            prompt, length, sampling, seed=seed, adapt=adapt, tempo=tempo, out=out
        )
        seconds = written.length * 60 / written.tempo
        terminal.print(f"{len(written.notes):,} notes, {seconds:.0f} s: {out}")
        return
    if tempo is not None:
        raise ArgumentError("--tempo: is of a MIDI file; add --out")
    pieces = fitted.stream(prompt, length, sampling, stop=stop or [], seed=seed, adapt=adapt)
    if echo:
        sys.stdout.write(fitted.written(prompt)[0])
    for piece in pieces:
        sys.stdout.write(_shown(piece))
        sys.stdout.flush()
    sys.stdout.write("\n")


def complete(
    model: Model,
    prompt: Prompt = "",
    length: Annotated[int, typer.Option(help="Symbols of each, or at most.")] = 20,
    width: Annotated[int, typer.Option(help="How many are looked for, and shown.")] = 5,
    ends: Annotated[bool, typer.Option("--ends", help="The document may end, too.")] = False,
    length_penalty: Annotated[
        float, typer.Option(help="0 prefers short ones; 1 ranks by the mean per symbol.")
    ] = 0.0,
    cache: ByCache = False,
    dynamic: ByDynamic = False,
) -> None:
    """The likeliest ways a text goes on, by beam search.

    longshort complete shakespeare/model.lstm --prompt "To be, or not to " --length 8
    """
    estimator = opened(model)
    found = estimator.complete(
        prompt, length, width=width, ends=ends, length_penalty=length_penalty,
        adapt=adapting(estimator, cache, dynamic),
    )  # fmt: skip
    table = Table(box=None, pad_edge=False, padding=(0, 1), header_style="underline")
    table.add_column("nats", justify="right", no_wrap=True)
    table.add_column("text", overflow="fold")
    for one in found:
        mark = " (the document ends)" if one.ended else ""
        table.add_row(f"{-one.log_p:.3f}", f"{_quoted(one.text)}{mark}")
    terminal.print(table)


def score(
    model: Model,
    text: Annotated[str | None, typer.Option(help="What is scored.")] = None,
    file: Annotated[
        Path | None, typer.Option(help="A file that is scored instead, as one document.")
    ] = None,
    total: Annotated[bool, typer.Option("--total", help="Write the sum alone.")] = False,
    cache: ByCache = False,
    dynamic: ByDynamic = False,
) -> None:
    """The log-probability of each symbol of a text, in nats, and of the whole.

    longshort score shakespeare/model.lstm --text "To be, or not to be"

    Writes tab-separated lines, a symbol and its log-probability, to standard output; the sum goes
    to standard error, or to standard output with --total. To judge a model on a file, use evaluate.
    """
    if (text is None) == (file is None):
        raise ArgumentError("give either --text or --file")
    fitted = opened(model)
    given = text or ""
    if file is not None:
        given = fitted.written(str(file))[0] if fitted.notation.music else _read(file)
    found = fitted.symbol_scores(given, adapt=adapting(fitted, cache, dynamic))
    whole = sum(each.log_p for each in found)
    if total:
        typer.echo(f"{whole:.6f}")
        return
    typer.echo("symbol\tlog_p")
    for each in found:
        typer.echo(f"{_quoted(each.text, rich=False)}\t{each.log_p:.6f}")
    mean = f", {-whole / len(found):.4f} nats per symbol" if found else ""
    notes.print(f"{len(found):,} symbols, log p {whole:.4f}{mean}")


def opened(path: Path) -> LanguageModel:
    """The language model of a file.

    Raises:
        ArgumentError: it holds a model of another kind.
    """
    model = load(path)
    if not isinstance(model, LanguageModel):
        raise ArgumentError(
            f"{path}: holds a {model.kind}, and not a language model; make one with "
            "'longshort fit text'"
        )
    return model


def adapting(model: LanguageModel, cache: bool, dynamic: bool) -> Adaptation | None:
    """What is asked for of what was chosen for a model; None for nothing.

    Raises:
        ArgumentError: it was not chosen.
    """
    if not (cache or dynamic):
        return None
    chosen = model.adaptation_
    for flag, asked, there in (
        ("--cache", cache, chosen is not None and chosen.cache is not None),
        ("--dynamic", dynamic, chosen is not None and chosen.dynamic is not None),
    ):
        if asked and not there:
            raise ArgumentError(
                f"{flag}: nothing was chosen for it when this model was fitted; fit with "
                f"'longshort fit text ... {flag}', or in Python call model.adapt(text) and save it"
            )
    assert chosen is not None
    return Adaptation(chosen.dynamic if dynamic else None, chosen.cache if cache else None)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise DataError(f"{file}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(
            f"{file}: byte {error.start} is not UTF-8 ({error.reason}); convert the file"
        ) from error


def _shown(text: str) -> str:
    """Text as it is to be shown; what a model writes cannot command the terminal."""
    return "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in text)


def _quoted(text: str, rich: bool = True) -> str:
    """Text with its blanks and breaks visible, as JSON has it."""
    told = json.dumps(text, ensure_ascii=False)
    return plain(told) if rich else _shown(told)

"""The commands, and what an error looks like and exits with."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from typing import Annotated

import typer

from longshort import __version__
from longshort.cli import (
    anomaly,
    classify,
    compare,
    data,
    doctor,
    evaluate,
    explain,
    fit,
    generate,
    lint,
    music,
    predict,
    report,
    series,
    stream,
    tag,
    text,
    transcribe,
    translate,
    tune,
)
from longshort.cli.terminal import error_text, show_warning
from longshort.errors import (
    ArgumentError,
    DataError,
    LongshortError,
    LongshortWarning,
    ModelFileError,
    OutputError,
)

# what a script can tell from the exit code; 1 is anything unforeseen
EXIT_CODES: tuple[tuple[type[BaseException], int], ...] = (
    (ArgumentError, 2),
    (DataError, 3),
    (ModelFileError, 4),
    (OutputError, 5),
    (LongshortError, 6),
)
app = typer.Typer(
    name="longshort",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    epilog="Exit codes: 0 done, 2 a wrong argument, 3 data that cannot be used, 4 a model file "
    "that cannot be used, 5 a file that cannot be written, 6 training went wrong, "
    "7 lint found something, 130 interrupted (what was reached is kept), 1 anything else.",
)
fit.app.command("classify")(classify.command)
fit.app.command("tag")(tag.command)
fit.app.command("text")(text.text)
fit.app.command("transcribe")(transcribe.command)
fit.app.command("translate")(translate.command)
fit.app.command("summarize")(translate.summaries)
fit.app.command("caption")(translate.captions)
fit.app.command("music")(music.music)
fit.app.command("series")(series.command)
fit.app.command("anomaly")(anomaly.command)
app.add_typer(fit.app, name="fit")
app.add_typer(tune.app, name="tune")
app.command("predict")(predict.predict)
app.command("evaluate")(evaluate.evaluate)
app.command("explain")(explain.explain)
app.command("stream")(stream.stream)
app.command("report")(report.report)
app.command("generate")(generate.generate)
app.command("complete")(generate.complete)
app.command("score")(generate.score)
app.command("compare")(compare.compare)
app.command("lint")(lint.lint)
app.command("data")(data.data)
app.command("doctor")(doctor.doctor)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"longshort {__version__}")
        raise typer.Exit


@app.callback()
def options(
    # read in main, so that it may stand anywhere; here for the help
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """From a file of sequences to a trained, honestly judged, explained LSTM.

    Start with a CSV file that has a time column and a column to forecast:

      longshort fit forecast sales.csv --time date --target sold --horizon 14 --out sales

    That trains, compares the LSTM with classical methods on the last part of the data, and writes
    sales/model.lstm and sales/report.html. Then, as new rows come:

      longshort predict sales/model.lstm sales.csv
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit; ``arguments`` are sys.argv's by default."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    with warnings.catch_warnings():
        warnings.simplefilter("always", LongshortWarning)
        warnings.showwarning = show_warning
        _run([argument for argument in given if argument != "--debug"], debug)


def _run(arguments: list[str], debug: bool) -> None:
    try:
        # exits by itself: 0, 2 for wrong arguments, 130 for Ctrl-C
        app(args=arguments)
    except LongshortError as error:
        if debug:
            raise
        error_text(str(error))
        sys.exit(next(code for kind, code in EXIT_CODES if isinstance(error, kind)))
    except OSError as error:
        if debug:
            raise
        error_text(f"cannot write {error.filename or 'to standard output'}: {error.strerror}")
        sys.exit(next(code for kind, code in EXIT_CODES if kind is OutputError))
    except Exception as error:
        if debug:
            raise
        error_text(
            f"{type(error).__name__}: {error}\nThis is a fault of the program, not of your data: "
            "the same command with --debug shows where it is"
        )
        sys.exit(1)

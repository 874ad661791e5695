"""Options that several commands share, and how those that take several values are written."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from longshort.data.readings.pretrained import Pretrained
from longshort.errors import ArgumentError

# what each lower layer of a language model learns at, of the rate of the one above: 1 / 2.6 (Howard
# and Ruder 2018, discriminative fine-tuning)
SHARE = 0.385

Time = Annotated[str | None, typer.Option(help="Column of time stamps.")]
Zone = Annotated[str | None, typer.Option(help="Time zone of the stamps.")]
Group = Annotated[list[str] | None, typer.Option(help="Columns that name a series.")]
Future = Annotated[list[str] | None, typer.Option(help="Covariates known in advance.")]
Target = Annotated[
    list[str] | None, typer.Option(help="Columns to forecast: a,b or repeat the option.")
]
Past = Annotated[
    list[str] | None,
    typer.Option(help="Covariates known up to now; every other numeric column if not given."),
]
Static = Annotated[
    list[str] | None, typer.Option(help="Covariates that do not change in a series.")
]
Category = Annotated[
    list[str] | None,
    typer.Option(help="Columns of codes to be read as categories, as text is; groups, too."),
]
Context = Annotated[
    int | None, typer.Option(help="Past rows read for each forecast.", show_default="chosen")
]
Gaps = Annotated[
    str, typer.Option(help="Gaps in time: none (an error), missing, previous, ignore.")
]
ValidFrom = Annotated[
    str | None, typer.Option(help="First time of the validation part.", show_default="a share")
]
TestFrom = Annotated[
    str | None, typer.Option(help="First time of the test part.", show_default="a share")
]
Projection = Annotated[
    int | None,
    typer.Option(help="What an LSTM's units are projected to.", show_default="nothing"),
]
Residual = Annotated[
    bool, typer.Option("--residual", help="Add what a layer reads to its answer, from the second.")
]

Begun = Annotated[
    Path | None,
    typer.Option(
        help="Begin with a language model or, of recordings, a series model: its file; or with a "
        "published ELMo model: its options.json, weights beside it.",
        show_default="nothing",
    ),
]
Tuned = Annotated[
    bool,
    typer.Option(
        "--tune", help="Its weights learn, too: a layer more each epoch, lower ones slower."
    ),
]
Outcomes = Annotated[
    Path | None, typer.Option(help="Of events: the table with a row and a label per item.")
]


def names(given: Sequence[str] | None) -> tuple[str, ...] | None:
    """Column names from repeated options, each of which may hold several between commas."""
    if given is None:
        return None
    return tuple(name.strip() for text in given for name in text.split(",") if name.strip())


def pairs(option: str, given: str | None) -> tuple[tuple[int, int], ...]:
    """Pairs of whole numbers, as 1x32,2x64.

    Raises:
        ArgumentError: they are written otherwise.
    """
    found = [] if given is None else [pair.split("x") for pair in given.split(",")]
    try:
        return tuple((int(one), int(other)) for one, other in found)
    except ValueError:
        raise ArgumentError(f"{option} {given}: write pairs, such as 1x32,2x64") from None


def part(start: str | None, share: float) -> float | str | None:
    """A part's beginning: a time stamp if one was given, else a share; 0 is no part."""
    return start or share or None


def taking(maker: Callable[..., Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command all options of ``maker``, which makes its argument ``estimator`` of them."""

    def given(command: Callable[..., None]) -> Callable[..., None]:
        made = inspect.signature(maker, eval_str=True).parameters
        own = inspect.signature(command, eval_str=True).parameters

        def run(**options: Any) -> None:
            wanted = {name: options.pop(name) for name in made}
            command(estimator=maker(**wanted), **options)

        every: list[inspect.Parameter] = []
        for name, parameter in own.items():
            every += made.values() if name == "estimator" else [parameter]
        ordered = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in every]
        run.__signature__ = inspect.Signature(ordered)  # type: ignore[attr-defined]
        run.__name__, run.__doc__ = command.__name__, command.__doc__
        return run

    return given


def also(maker: Callable[..., Any], change: Callable[..., Any]) -> Callable[..., Any]:
    """A maker that takes the options of ``change``, too, which changes the ``estimator`` made."""
    made, more = (inspect.signature(each, eval_str=True) for each in (maker, change))
    added = [p for name, p in more.parameters.items() if name != "estimator"]

    def run(**options: Any) -> Any:
        wanted = {parameter.name: options.pop(parameter.name) for parameter in added}
        return change(maker(**options), **wanted)

    own = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in made.parameters.values()]
    run.__signature__ = made.replace(parameters=[*own, *added])  # type: ignore[attr-defined]
    return run


def changed(
    maker: Callable[..., Any], without: Sequence[str] = (), **defaults: Any
) -> Callable[..., Any]:
    """The same maker without some of its options, and with others where they are not given."""
    made = inspect.signature(maker, eval_str=True)

    def run(**options: Any) -> Any:
        return maker(**options)

    kept = [
        parameter.replace(default=defaults.get(name, parameter.default))
        for name, parameter in made.parameters.items()
        if name not in without
    ]
    run.__signature__ = made.replace(parameters=kept)  # type: ignore[attr-defined]
    return run


def asked(context: typer.Context) -> set[str]:
    """The options that were written, not left to what they are otherwise."""
    source = context.get_parameter_source
    return {name for name in context.params if getattr(source(name), "name", "") != "DEFAULT"}


def beginning(pretrained: Path | None, tune: bool) -> Pretrained:
    """What a fit begins with.

    Raises:
        ArgumentError: nothing is there to be tuned.
    """
    if tune and pretrained is None:
        raise ArgumentError("--tune: there is nothing to tune; give --pretrained")
    return Pretrained(None if pretrained is None else str(pretrained), tune)


def tuning(tune: bool) -> dict[str, Any]:
    """How fast the layers of a pretrained network learn, and when, if they do."""
    return {"unfreeze": "gradual", "discriminative": SHARE} if tune else {}

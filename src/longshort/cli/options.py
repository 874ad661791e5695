"""Options that several commands share, and how those that take several values are written."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import typer


def names(given: Sequence[str] | None) -> tuple[str, ...] | None:
    """Column names from repeated options, each of which may hold several between commas."""
    if given is None:
        return None
    return tuple(name.strip() for text in given for name in text.split(",") if name.strip())


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


def asked(context: typer.Context) -> set[str]:
    """The options that were written, not left to what they are otherwise."""
    source = context.get_parameter_source
    return {name for name in context.params if getattr(source(name), "name", "") != "DEFAULT"}

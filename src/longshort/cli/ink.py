"""Options of whatever reads pen strokes: how they are read, what changes them while learning."""

from __future__ import annotations

from typing import Annotated, Any, cast

import typer

from longshort.data.augment import Augment
from longshort.data.codecs.ink import Size
from longshort.data.readings.ink import Form, Ink

_INK, _AUGMENT = Ink(), Augment()


def drawing(
    estimator: Any,
    *,
    form: Annotated[
        str, typer.Option(help="Pen strokes as points, or curves (Bezier segments).")
    ] = _INK.form,
    ink_size: Annotated[
        str, typer.Option(help="What is 2 units of a drawing: its box, its height, or none.")
    ] = _INK.size,
    upright: Annotated[
        bool, typer.Option("--upright", help="Take the slant out of handwriting.")
    ] = _INK.upright,
    spacing: Annotated[
        float, typer.Option(help="Units from one point of a stroke to the next.")
    ] = _INK.spacing,
    rotate: Annotated[
        float, typer.Option(help="Degrees that drawings are turned while learning.")
    ] = _AUGMENT.rotate,
    shear: Annotated[
        float, typer.Option(help="How far drawings lean while learning.")
    ] = _AUGMENT.shear,
    stretch: Annotated[
        float, typer.Option(help="How far drawings are stretched while learning.")
    ] = _AUGMENT.stretch,
    jitter: Annotated[
        float, typer.Option(help="How far each stroke is moved while learning.")
    ] = _AUGMENT.jitter,
    reorder: Annotated[
        float, typer.Option(help="Chance of another order of strokes while learning.")
    ] = _AUGMENT.reorder,
    reverse: Annotated[
        float, typer.Option(help="Chance of a stroke drawn backwards while learning.")
    ] = _AUGMENT.reverse,
) -> Any:
    """The estimator with what these options say of pen strokes."""
    return estimator.set_params(
        ink=estimator.ink.set_params(
            form=cast(Form, form), size=cast(Size, ink_size), upright=upright, spacing=spacing
        ),
        augment=estimator.augment.set_params(
            rotate=rotate, shear=shear, stretch=stretch, jitter=jitter, reorder=reorder,
            reverse=reverse,
        ),
    )  # fmt: skip

"""Options of whatever reads pen strokes or pictures: how, and what changes them while learning."""

from __future__ import annotations

from typing import Annotated, Any, cast

import typer

from longshort.data.augment import Augment
from longshort.data.codecs.ink import Size
from longshort.data.readings.ink import Form, Ink
from longshort.data.readings.pictures import Paper, Pictures

_INK, _PICTURES, _AUGMENT = Ink(), Pictures(), Augment()


def drawing(
    estimator: Any,
    *,
    form: Annotated[
        str, typer.Option(help="Pen strokes as points, or curves (Bezier segments).")
    ] = _INK.form,
    ink_size: Annotated[
        str | None,
        typer.Option(
            help="What is 2 units of a drawing: its box, its height, or none.",
            show_default="height for text, else box",
        ),
    ] = None,
    upright: Annotated[
        bool, typer.Option("--upright", help="Take the slant out of handwriting.")
    ] = _INK.upright,
    spacing: Annotated[
        float, typer.Option(help="Units from one point of a stroke to the next.")
    ] = _INK.spacing,
    height: Annotated[
        int, typer.Option(help="Pixels that pictures of lines are brought to.")
    ] = _PICTURES.height,
    paper: Annotated[
        str, typer.Option(help="Of pictures: light, dark, or auto.")
    ] = _PICTURES.paper,
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
    """The estimator with what these options say of pen strokes and pictures."""
    size = estimator.ink.size if ink_size is None else cast(Size, ink_size)
    return estimator.set_params(
        ink=estimator.ink.set_params(
            form=cast(Form, form), size=size, upright=upright, spacing=spacing
        ),
        pictures=estimator.pictures.set_params(height=height, paper=cast(Paper, paper)),
        augment=estimator.augment.set_params(
            rotate=rotate, shear=shear, stretch=stretch, jitter=jitter, reorder=reorder,
            reverse=reverse,
        ),
    )  # fmt: skip

"""Options of whatever reads sound: where it lies, what is read of it, what changes it."""

from __future__ import annotations

from typing import Annotated, Any, cast

import typer

from longshort.data.augment import Augment
from longshort.data.codecs.sound import Features
from longshort.data.readings.sound import Level, Sound

_SOUND, _AUGMENT = Sound(), Augment()


def hearing(
    estimator: Any,
    *,
    path: Annotated[
        str | None, typer.Option(help="Column of sound files, from the table's own folder.")
    ] = None,
    pattern: Annotated[
        str | None,
        typer.Option(help="What names of a folder's files tell: '{label}_{group}_{n}.wav'."),
    ] = None,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Leave out files that cannot be read.")
    ] = False,
    features: Annotated[
        str, typer.Option(help="Sound as mel (a filter bank) or mfcc (its cepstra).")
    ] = _SOUND.features,
    level: Annotated[
        str, typer.Option(help="Sound on the scale of: item, mean, running, channel or none.")
    ] = _SOUND.scale,
    rate_of: Annotated[
        int | None,
        typer.Option("--hertz", help="Samples a second of sound.", show_default="most files'"),
    ] = None,
    seconds: Annotated[
        float, typer.Option(help="Seconds of the longest recording.")
    ] = _SOUND.longest,
    warp: Annotated[
        float, typer.Option(help="Other voices while learning: so much higher or lower.")
    ] = _AUGMENT.warp,
    speed: Annotated[
        float, typer.Option(help="Other speeds while learning: so much slower or faster.")
    ] = _AUGMENT.speed,
    noise: Annotated[float, typer.Option(help="Chance of noise while learning.")] = _AUGMENT.noise,
    tone: Annotated[
        float, typer.Option(help="Other tones while learning: how far, with --level channel.")
    ] = _AUGMENT.tone,
    bands: Annotated[
        int, typer.Option(help="Runs of bands of sound masked while learning.")
    ] = _AUGMENT.bands,
    times: Annotated[
        int, typer.Option(help="Runs of time masked while learning.")
    ] = _AUGMENT.times,
) -> Any:
    """The estimator with what these options say of sound."""
    return estimator.set_params(
        roles=estimator.roles.set_params(path=path, pattern=pattern, skip_bad=skip_bad),
        sound=estimator.sound.set_params(
            features=cast(Features, features), scale=cast(Level, level), rate=rate_of,
            longest=seconds,
        ),
        augment=estimator.augment.set_params(
            warp=warp, speed=speed, noise=noise, tone=tone, bands=bands, times=times
        ),
    )  # fmt: skip

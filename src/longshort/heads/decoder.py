"""How an encoded context becomes the horizon: the settings of a forecaster's read-out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from longshort.contracts import Params
from longshort.errors import ArgumentError, suggest

Highway = Literal["last", "context", "none"]
Channel = Literal["joint", "shared"]
Mode = Literal["direct", "recursive"]
# an interval that is told to a hundredth of its width takes fewer
MOST_PATHS = 10_000


@dataclass(frozen=True)
class Decoder(Params):
    """How the horizon is read out of an encoded context.

    Args:
        highway: a linear path past the recurrence, which leaves it to say what no line can: from
            the "last" inputs (the autoregressive part of LSTNet, Lai et al. 2018); from the whole
            "context" of each target, relative to its last value where forecasts are relative
            (NLinear, Zeng et al. 2023), or of its seasonal differences where these are read; or
            "none".
        segment: rows of the context that are one step of the recurrence, side by side (SegRNN,
            Lin et al. 2023): few steps over a long context, quick and easy to learn.
        channels: targets are read "joint", each step with all of them; or by one network that is
            "shared": it reads every target by itself, with its own mask and the same covariates,
            so that it learns from all of them and no target disturbs another.
        centred: the network reads each target relative to its last value, so that it sees shapes
            and no levels, however far a series drifts.
        mode: "direct" answers all steps of the horizon at once. "recursive" answers the next step,
            after every step, and runs on from its own samples (DeepAR, Salinas et al. 2020): its
            quantiles are those of such paths, and any horizon can be asked for. Beyond the last
            row nothing is read of past covariates.
        paths: sample paths of a recursive forecast, 20 to 10,000.

    Raises:
        ArgumentError: a value out of range.
    """

    highway: Highway = "last"
    segment: int = 1
    channels: Channel = "joint"
    centred: bool = False
    mode: Mode = "direct"
    paths: int = 100

    def __post_init__(self) -> None:
        self._whole(1, "segment")
        self._whole(20, "paths")
        if self.paths > MOST_PATHS:
            raise ArgumentError(f"Decoder(paths={self.paths}): must be 20 to {MOST_PATHS:,}")
        choices = {"highway": Highway, "channels": Channel, "mode": Mode}
        for name, known in ((name, get_args(kind)) for name, kind in choices.items()):
            value = getattr(self, name)
            if value not in known:
                raise ArgumentError(f"Decoder({name}={value!r}): {suggest(value, known)}")

"""Recordings of sound as a network reads them: frames of a filter bank or of cepstra."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, ClassVar, Literal, Self, get_args
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from longshort.contracts import Params, State, whole
from longshort.data.augment import Augment, runs
from longshort.data.codecs.sound import (
    LEAST,
    Features,
    Filters,
    Heard,
    padded,
    passing,
    stacked,
)
from longshort.data.corpus import Corpus, Recorded
from longshort.data.items import Inputs, Widths
from longshort.data.sources.audio import load, resampled
from longshort.data.steps import Ints
from longshort.errors import ArgumentError, DataError, ModelFileError, suggest

Level = Literal["item", "mean", "running", "channel", "none"]

# what is kept of recordings that were read, in bytes
_MOST_KEPT = 2**30
# recordings whose frames tell means and deviations
_LEARNT = 2000
# noise is so many decibel below a recording
_NOISE = (10.0, 40.0)
# a recording is silent below this, and clipped where so much of it is at the greatest value
_SILENT, _FULL, _CLIPPED = 1e-4, 0.999, 0.01


@dataclass(frozen=True)
class Sound(Params):
    """How sound is read.

    Args:
        features: "mel", the logarithms of a mel filter bank; "mfcc", cepstra of it.
        scale: what each number of a frame is told less of: "item" (its mean over the recording,
            over its deviation), "mean" (its mean over the recording), "running" (the mean of what
            was heard so far, over its deviation, as a stream can), "channel" (the mean of the
            training part, over its deviation), "none".
        bands: of the filter bank.
        cepstra: numbers of "mfcc".
        deltas: 1 adds each number's slope over five frames, 2 also the slope of the slope.
        window, hop: milliseconds of a frame, and from one to the next.
        stack: frames that are read as one, side by side.
        rate: samples a second that all sound is brought to; None for that of most recordings of
            the training part.
        longest: seconds of the longest recording; longer ones are refused by name.

    Raises:
        ArgumentError: a value that is not possible.
    """

    features: Features = "mfcc"
    scale: Level = "item"
    bands: int = 40
    cepstra: int = 13
    deltas: int = 2
    window: float = 25.0
    hop: float = 10.0
    stack: int = 1
    rate: int | None = None
    longest: float = 60.0

    def __post_init__(self) -> None:
        for name, known in (("features", get_args(Features)), ("scale", get_args(Level))):
            value = getattr(self, name)
            if value not in known:
                raise ArgumentError(f"Sound({name}={value!r}): {suggest(str(value), known)}")
        self._whole(1, "bands", "cepstra", "stack")
        self._whole(0, "deltas")
        if self.rate is not None:
            object.__setattr__(self, "rate", whole("Sound(rate)", self.rate, 1000))
        if self.deltas > 2:
            raise ArgumentError(f"Sound(deltas={self.deltas}): 0, 1 or 2")
        if self.features == "mfcc" and self.cepstra > self.bands:
            raise ArgumentError(
                f"Sound(cepstra={self.cepstra}, bands={self.bands}): there are no more cepstra "
                "than bands"
            )
        for name, least, most in (("window", 1, 1000), ("hop", 1, 1000), ("longest", 0.01, 1e6)):
            value = getattr(self, name)
            if not (isinstance(value, int | float) and least <= value <= most):
                raise ArgumentError(f"Sound({name}={value!r}): must be in {least} to {most:g}")


@dataclass(frozen=True, eq=False)
class SoundReading:
    """Sound as a network reads it, ``frames`` (B, T, F); made by ``fit`` or ``take_up``.

    Args:
        sound: the settings.
        rate: samples a second.
        mean, deviation: (F,) of the frames of the training part, before ``stack``; zeros and ones
            where the settings need none.
    """

    name: ClassVar[str] = "sound"

    sound: Sound
    rate: int
    mean: NDArray[np.float32]
    deviation: NDArray[np.float32]
    _kept: WeakKeyDictionary[Recorded, dict[str, NDArray[np.float32]]] = field(
        default_factory=WeakKeyDictionary, repr=False
    )
    _bytes: list[int] = field(default_factory=lambda: [0], repr=False)

    @classmethod
    def fit(cls, corpus: Corpus, sound: Sound | None = None) -> Self:
        """Learn the rate, and where the settings need them means and deviations.

        Raises:
            DataError: there is no sound, a recording is too long, or cannot be read.
        """
        sound = sound or Sound()
        signals = _sound(corpus)
        rate = sound.rate
        if rate is None:
            rates, counts = np.unique([each.rate for each in signals], return_counts=True)
            rate = int(rates[counts.argmax()])
        filters = _filters(sound, rate)
        made = cls(sound, rate, np.zeros(filters.width, np.float32),
                   np.ones(filters.width, np.float32))  # fmt: skip
        if sound.scale not in ("running", "channel"):
            return made
        some = np.linspace(0, len(signals) - 1, min(len(signals), _LEARNT)).astype(int).tolist()
        count, total, squares = 0, *torch.zeros(2, filters.width).double()
        for item in some:
            x = filters.frames(*padded([made._samples(corpus, item)])).frames[0].double()
            count, total, squares = count + len(x), total + x.sum(0), squares + (x * x).sum(0)
        if not count:
            raise DataError(f"{corpus.source}: there is no sound to learn from; all is empty")
        mean = total / count
        spread = (squares / count - mean**2).clamp(min=LEAST**2).sqrt()
        return cls(sound, rate, mean.float().numpy(), spread.float().numpy())

    @property
    def filters(self) -> Filters:
        """How samples become frames."""
        return _filters(self.sound, self.rate)

    @property
    def widths(self) -> Widths:
        """One group of numbers, ``frames``."""
        return Widths(numbers={"frames": self.filters.width * self.sound.stack})

    @property
    def seconds(self) -> float:
        """From one step that a network reads to the next."""
        return self.filters.shift / self.rate * self.sound.stack

    def lengths(self, corpus: Corpus) -> Ints:
        """(N,) steps of each recording.

        Raises:
            DataError: one is longer than the settings allow.
        """
        signals = _sound(corpus)
        for item, each in enumerate(signals):
            if each.seconds > self.sound.longest:
                self._refuse_long(corpus, item)
        samples = [resampled(each.length, each.rate, self.rate) for each in signals]
        counts = self.filters.count(torch.tensor(samples, dtype=torch.int64))
        return np.asarray(-(-counts.numpy() // self.sound.stack), np.int64)

    def notes(self, corpus: Corpus) -> list[str]:
        """What a reader should know of the recordings: other rates, silence, clipping."""
        signals, notes = _sound(corpus), []
        other = [item for item, each in enumerate(signals) if each.rate != self.rate]
        if other:
            notes.append(
                f"{len(other)} of {len(signals)} recordings have another rate and are resampled to "
                f"{self.rate:,} samples a second."
            )
        some = range(min(len(signals), _LEARNT))
        levels = [self._samples(corpus, item).abs() for item in some]
        silent = [at for at, own in enumerate(levels) if len(own) and float(own.max()) < _SILENT]
        full = [
            at
            for at, own in enumerate(levels)
            if len(own) and float((own >= _FULL).float().mean()) > _CLIPPED
        ]
        for what, found in (("silent", silent), ("clipped", full)):
            if found:
                notes.append(
                    f"{len(found)} of {len(levels)} recordings are {what}, the first "
                    f"{corpus.where(found[0])}."
                )
        return notes

    # what a network reads

    def read(self, corpus: Corpus, items: Sequence[int]) -> Inputs:
        """What a network reads of these recordings, padded with zeros."""
        signals = _sound(corpus)
        missing = [item for item in dict.fromkeys(items) if not self._has(signals[item], "frames")]
        fresh: dict[int, Tensor] = {}
        for item in missing:
            heard = self.filters.frames(*padded([self._samples(corpus, item)]))
            found = self._scaled(heard).frames[0]
            fresh[item] = found
            self._keep(signals[item], "frames", found.numpy())
        found_all = [
            fresh[item] if item in fresh else torch.from_numpy(self._kept[signals[item]]["frames"])
            for item in items
        ]
        return self._inputs(Heard(*padded(found_all)))

    def each(self, corpus: Corpus) -> list[NDArray[np.float32]]:
        """The steps (T, F) of every recording, for methods that read them one by one."""
        inputs, lengths, _ = self.read(corpus, range(len(corpus)))
        rows = zip(inputs["frames"], lengths.tolist(), strict=True)
        return [frames[:count].numpy() for frames, count in rows]

    def changes(self, augment: Augment) -> bool:
        """Whether such settings change sound."""
        return any((augment.warp, augment.speed, augment.noise, augment.tone, augment.bands,
                    augment.times))  # fmt: skip

    def changed(
        self,
        corpus: Corpus,
        items: Sequence[int],
        augment: Augment,
        draws: Sequence[np.random.Generator],
    ) -> Inputs:
        """What a network reads of these recordings, each changed by what its generator draws."""
        warp = torch.tensor([d.uniform(1 - augment.warp, 1 + augment.warp) for d in draws])
        pace = torch.tensor([d.uniform(1 - augment.speed, 1 + augment.speed) for d in draws])
        samples = [
            _noisy(self._samples(corpus, item), draw, augment.noise)
            for item, draw in zip(items, draws, strict=True)
        ]
        filters = self.filters
        logs, counts = filters.logs(
            *padded(samples), warp if augment.warp else None, pace if augment.speed else None
        )
        lengths = counts.tolist()
        for row, draw in enumerate(draws):
            own = logs[row, : lengths[row]]
            for first, end in runs(draw, augment.bands, filters.bands, augment.band_width):
                own[:, first:end] = own[:, first:end].mean(0)
        heard = self._scaled(filters.sloped(Heard(filters.shaped(logs), counts)))
        # slopes, which stand behind, stay
        still = filters.width // (1 + filters.deltas)
        for row, draw in enumerate(draws):
            if augment.tone:
                moved = augment.tone * draw.standard_normal(still, np.float32)
                heard.frames[row, : lengths[row], :still] += torch.from_numpy(moved)
            for first, end in runs(draw, augment.times, lengths[row], augment.time_width):
                heard.frames[row, first:end] = 0
        return self._inputs(heard)

    def step(
        self, samples: NDArray[np.float32], state: State | None, *, last: bool = False
    ) -> tuple[Tensor, State]:
        """The steps (T, F) that are sure once these samples (S,) at ``rate`` were heard.

        Args:
            samples: what follows on those that ``state`` has heard.
            state: what is left of them; None at the beginning.
            last: nothing follows.

        Returns:
            The steps, and the state to go on from; all of them are those of ``read``.

        Raises:
            ArgumentError: the scale needs the whole recording.
        """
        if self.sound.scale in ("item", "mean"):
            raise ArgumentError(
                f"Sound(scale={self.sound.scale!r}) needs a recording to its end; fit with "
                "scale='running' (--scale running) or 'channel' to read a stream"
            )
        parts = state or State({})
        filters = self.filters
        inner = parts.get("filters")
        frames, inner = filters.step(
            torch.from_numpy(np.asarray(samples, np.float32)),
            inner if isinstance(inner, State) else None,
            last=last,
        )
        heard = parts.get("heard")
        scaled, after = self._passed(frames[None], heard if isinstance(heard, Tensor) else None)
        rest = parts.get("rest")
        whole_ = torch.cat([rest, scaled[0]]) if isinstance(rest, Tensor) else scaled[0]
        count = len(whole_) if last else len(whole_) - len(whole_) % self.sound.stack
        told = stacked(Heard(whole_[None, :count], torch.tensor([count])), self.sound.stack)
        found: dict[str, Tensor | State] = {"filters": inner, "rest": whole_[count:]}
        return told.frames[0], State(found if after is None else found | {"heard": after})

    def _passed(self, frames: Tensor, state: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Frames (B, T, F) on the scale of those that need nothing of what follows."""
        mean, deviation = torch.from_numpy(self.mean), torch.from_numpy(self.deviation)
        if self.sound.scale == "running":
            return passing(frames, mean, deviation, state)
        return (frames - mean) / deviation, None

    def _scaled(self, heard: Heard) -> Heard:
        frames, lengths = heard
        steps = frames.shape[1]
        inside = (torch.arange(steps) < lengths[:, None])[:, :, None]
        if self.sound.scale in ("item", "mean"):
            counts = lengths.clamp(min=1)[:, None, None]
            frames = frames - torch.where(inside, frames, 0).sum(1, keepdim=True) / counts
            if self.sound.scale == "item":
                squares = torch.where(inside, frames**2, 0).sum(1, keepdim=True)
                frames = frames / (squares / counts).sqrt().clamp(min=LEAST)
        else:
            frames, _ = self._passed(frames, None)
        return Heard(torch.where(inside, frames, 0), lengths)

    def _inputs(self, heard: Heard) -> Inputs:
        frames, lengths = stacked(heard, self.sound.stack)
        if not frames.shape[1]:
            frames = frames.new_zeros(len(frames), 1, self.filters.width * self.sound.stack)
        return Inputs({"frames": frames}, lengths)

    # what is kept

    def _refuse_long(self, corpus: Corpus, item: int) -> None:
        raise DataError(
            f"{corpus.where(item)}: {_sound(corpus)[item].seconds:,.0f} s of sound, and at most "
            f"{self.sound.longest:g} s are read at once; cut it into pieces, leave it out, or "
            "allow more with Sound(longest=) (--seconds)"
        )

    def _has(self, recorded: Recorded, what: str) -> bool:
        return what in self._kept.get(recorded, {})

    def _keep(self, recorded: Recorded, what: str, values: NDArray[np.float32]) -> None:
        if self._bytes[0] + values.nbytes <= _MOST_KEPT:
            self._kept.setdefault(recorded, {})[what] = values
            self._bytes[0] += values.nbytes

    def _samples(self, corpus: Corpus, item: int) -> Tensor:
        """The samples (S,) of a recording at the rate of the model."""
        recorded = _sound(corpus)[item]
        if self._has(recorded, "samples"):
            return torch.from_numpy(self._kept[recorded]["samples"])
        if recorded.seconds > self.sound.longest:
            self._refuse_long(corpus, item)
        found = load(recorded, self.rate)
        self._keep(recorded, "samples", found)
        return torch.from_numpy(found)

    # the model file

    def put_down(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """What the model file keeps; ``take_up`` goes back."""
        settings = {"sound": self.sound.get_params(), "rate": self.rate}
        return settings, {"mean": self.mean, "deviation": self.deviation}

    @classmethod
    def take_up(cls, settings: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The reading whose ``put_down()`` these are.

        Raises:
            ModelFileError: a part is missing or does not fit the others.
        """
        try:
            sound, rate = Sound(**settings["sound"]), whole("rate", settings["rate"], 1000)
            mean, deviation = arrays["mean"], arrays["deviation"]
        except (KeyError, TypeError, ValueError) as error:
            raise ModelFileError(f"how sound is read cannot be told: {error!r}") from None
        width = _filters(sound, rate).width
        for name, values in (("mean", mean), ("deviation", deviation)):
            right = values.shape == (width,) and values.dtype == np.float32
            if not right or not np.isfinite(values).all():
                raise ModelFileError(f"the {name} of frames must be {width} numbers")
        if (deviation <= 0).any():
            raise ModelFileError("a deviation of frames is not above 0")
        return cls(sound, rate, mean, deviation)


@lru_cache(maxsize=32)
def _filters(sound: Sound, rate: int) -> Filters:
    """The filters of some settings, whose tables are made once."""
    return Filters(
        rate, sound.features, sound.bands, sound.cepstra, sound.deltas, sound.window, sound.hop
    )


def _sound(corpus: Corpus) -> tuple[Recorded, ...]:
    if corpus.sound is None:
        raise DataError(f"{corpus.source}: there are {corpus.content}, and no sound, to read")
    return corpus.sound


def _noisy(samples: Tensor, random: np.random.Generator, chance: float) -> Tensor:
    """Samples with white noise, or as they are; a draw is made in either case."""
    drawn, below = random.uniform(), random.uniform(*_NOISE)
    if drawn >= chance or not len(samples):
        return samples
    level = float(samples.square().mean().sqrt()) * 10 ** (-below / 20)
    noise = random.standard_normal(len(samples), np.float32)
    return samples + level * torch.from_numpy(noise)

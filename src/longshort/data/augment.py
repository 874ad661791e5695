"""Changes made to training examples alone, so that a network hears more voices than there are.

Each time an example is read for training, what is done to it is drawn anew, from a seed that
training makes of its own seed, the epoch and the step; examples that choose or are judged are never
changed. Sound: masks of frames and bands (SpecAugment, Park et al. 2019), another speed, another
length of the vocal tract (Jaitly and Hinton 2013), another tone, noise. Pen strokes: turned,
sheared and stretched as a whole, and stroke by stroke; drawn in another order, or backwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from longshort.contracts import Params
from longshort.data.corpus import Corpus
from longshort.data.items import Inputs, ItemEncoding
from longshort.errors import ArgumentError


@dataclass(frozen=True)
class Augment(Params):
    """What is changed while a network learns, and how far; 0 changes nothing.

    Args:
        warp: sound: the voice's frequencies are multiplied by a factor from 1 - warp to 1 + warp,
            0 to 0.5.
        speed: sound: speech is up to so much slower or faster, with the same voice, 0 to 0.5.
        noise: sound: the chance that white noise is added, 10 to 40 dB below the recording.
        tone: sound: every number of a frame but its slopes is moved by as much all through a
            recording, as another voice and another microphone move it; the deviation, on the
            scale that is read, 0 to 3. It is what lets Sound(scale="channel") be read, which keeps
            what "item" takes off: how a recording of one vowel differs from one of another.
        bands: sound: runs of bands that are masked.
        band_width: sound: the widest run, as a share of all bands.
        times: sound: runs of frames that are masked.
        time_width: sound: the longest run, as a share of the recording.
        rotate: ink: a drawing is turned by up to so many degrees to either side, 0 to 180.
        shear: ink: it leans to either side, by up to so much of its height, 0 to 1.
        stretch: ink: its width and its height are each up to so much longer or shorter, 0 to 0.9.
        jitter: ink: every stroke by itself is moved, bent, turned and stretched; the deviation, as
            a share of half the drawing's box, 0 to 1.
        reorder: ink: the chance that strokes are drawn in any order.
        reverse: ink: the chance that a stroke is drawn backwards.

    Raises:
        ArgumentError: a value out of range.
    """

    warp: float = 0.0
    speed: float = 0.0
    noise: float = 0.0
    tone: float = 0.0
    bands: int = 0
    band_width: float = 0.2
    times: int = 0
    time_width: float = 0.1
    rotate: float = 0.0
    shear: float = 0.0
    stretch: float = 0.0
    jitter: float = 0.0
    reorder: float = 0.0
    reverse: float = 0.0

    def __post_init__(self) -> None:
        for name, most in (("warp", 0.5), ("speed", 0.5), ("noise", 1.0), ("tone", 3.0),
                           ("band_width", 1.0), ("time_width", 1.0), ("rotate", 180),
                           ("shear", 1.0), ("stretch", 0.9), ("jitter", 1.0), ("reorder", 1.0),
                           ("reverse", 1.0)):  # fmt: skip
            value = getattr(self, name)
            if not (isinstance(value, int | float) and 0 <= value <= most):
                raise ArgumentError(f"Augment({name}={value!r}): must be in 0 to {most:g}")
        self._whole(0, "bands", "times")

    def draws(self, seed: int, count: int) -> list[np.random.Generator]:
        """What is drawn from for each of so many items."""
        return [np.random.default_rng((seed, place)) for place in range(count)]

    def read(
        self, encoding: ItemEncoding, corpus: Corpus, items: Sequence[int], seed: int
    ) -> Inputs:
        """What a network reads of these items, changed where they can be."""
        if not isinstance(encoding, Changeable) or not encoding.changes(self):
            return encoding.read(corpus, items)
        return encoding.changed(corpus, items, self, self.draws(seed, len(items)))


@runtime_checkable
class Changeable(Protocol):
    """An encoding whose items can be changed."""

    def changes(self, augment: Augment) -> bool:
        """Whether such settings change anything that is read here."""
        ...

    def changed(
        self,
        corpus: Corpus,
        items: Sequence[int],
        augment: Augment,
        draws: Sequence[np.random.Generator],
    ) -> Inputs:
        """What a network reads of these items, each changed by what its generator draws."""
        ...


def runs(
    random: np.random.Generator, count: int, length: int, share: float
) -> list[tuple[int, int]]:
    """(first, after the last) of so many masked runs of ``length`` steps, each up to a share."""
    found = []
    for _ in range(count):
        width = int(random.uniform(0, share) * length + 0.5)
        first = int(random.integers(0, max(length - width, 0) + 1))
        found.append((first, first + width))
    return found

"""What decided the labels of single items."""

from __future__ import annotations

from dataclasses import dataclass

from longshort.records.labels import Curve, Mark, Sketch, Spectrogram
from longshort.records.media import Audio, Image
from longshort.records.written import Written


@dataclass(frozen=True)
class Decided:
    """What decided one item's label.

    ``label`` was given ``probability``, and ``start`` is what it has when nothing is read. Of
    ``marks`` those above 0 spoke for it, those below 0 against it, the heaviest being 1 or -1;
    ``scale`` is what that one did to the probability. They count characters of ``text``,
    ``tokens``, rows of ``curves``, columns of the ``spectrogram`` or the ``image``, or points
    of the ``sketch``; ``sound`` is the beginning of a recording, as a data URI.
    ``attention`` is how much the network looked at each place, the most being 1, where its pooling
    tells; ``gap`` is what all together fail to add up to.
    """

    where: str
    label: str
    probability: float
    start: float
    marks: tuple[Mark, ...]
    scale: float
    gap: float
    attention: tuple[Mark, ...] = ()
    text: str = ""
    tokens: tuple[str, ...] = ()
    curves: tuple[Curve, ...] = ()
    spectrogram: Spectrogram | None = None
    sketch: Sketch | None = None
    image: Image | None = None
    sound: Audio = ""


@dataclass(frozen=True)
class LabelExplanation(Written):
    """What decided the labels of some items."""

    source: str
    items: tuple[Decided, ...]

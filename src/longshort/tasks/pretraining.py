"""What a fit begins with: a network that was trained on something else, read from its file."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from longshort import artifact
from longshort.data.codecs.tokens import TokenCodec
from longshort.data.items import ItemEncoding, Trunk
from longshort.data.readings.elmo import ElmoFeed
from longshort.data.readings.onward import SeriesFeed
from longshort.data.readings.pretrained import (
    Feed,
    LanguageFeed,
    Pretrained,
    PretrainedReading,
    plain,
)
from longshort.data.readings.signals import SignalReading
from longshort.data.readings.words import TextReading
from longshort.data.sources.elmo import is_elmo, read_elmo
from longshort.errors import ArgumentError, ModelFileError
from longshort.layers.bothways import one_way
from longshort.layers.elmo import weights
from longshort.layers.spelled import Spelled
from longshort.tasks.generate import LanguageModel
from longshort.tasks.series import SeriesModel


class Found(NamedTuple):
    """What was found at a path: what its network reads, the network, and what it can read beside.

    beside: the other reading, a class. told: what that reads, in words.
    """

    feed: Feed
    trunk: Trunk
    beside: type[Any] = TextReading
    told: str = "texts"


def language(content: artifact.Artifact, where: str) -> Found:
    """A language model's network; of several the first one.

    Raises:
        ModelFileError: it is one of music.
    """
    given = LanguageModel.from_artifact(content, where)
    encoder = given.models_[0].encoder
    lookup = one_way(encoder).embed
    if not isinstance(given.codec_, TokenCodec) or given.codec_.unit == "signs":
        raise ModelFileError(
            f"{where}: holds a language model of music, which reads no texts; give one that was "
            "fitted on texts"
        )
    settings: dict[str, Any] = {
        "symbols": given.codec_.size,
        "width": lookup.width,
        "recurrent": given.recurrent.get_params(),
        "both": given.direction == "both",
    }
    spelled = isinstance(lookup, Spelled)
    if spelled:
        head = given.head
        settings["spelled"] = {"filters": head.filters, "highways": head.highways}
    first = {f"encoder.{name}": t.cpu().numpy() for name, t in encoder.state_dict().items()}
    return Found(LanguageFeed(given.codec_, spelled), Trunk("language", settings, first=first))


def series(content: artifact.Artifact, where: str) -> Found:
    """A series model's network; of several the first one."""
    given = SeriesModel.from_artifact(content, where)
    own = given.reading_.widths
    names = ("numbers", "symbols", "static", "labels", "fading")
    settings = {
        "widths": {name: dict(getattr(own, name)) for name in names},
        "recurrent": given.recurrent.get_params(),
    }
    own_weights = given.models_[0].encoder.state_dict()
    first = {f"encoder.{name}": tensor.cpu().numpy() for name, tensor in own_weights.items()}
    trunk = Trunk("series", settings, first=first)
    return Found(SeriesFeed(given.reading_), trunk, SignalReading, "recordings")


def elmo(path: Path) -> Found:
    """A published ELMo model."""
    given = read_elmo(path)
    first = {name: tensor.numpy() for name, tensor in weights(given).items()}
    trunk = Trunk("elmo", given.options.get_params(), first=first)
    return Found(ElmoFeed(given.options.longest), trunk)


# what begins a fit, by the kind of the model file
KINDS: dict[str, Callable[[artifact.Artifact, str], Found]] = {
    LanguageModel.kind: language,
    SeriesModel.kind: series,
}


def found(path: Path) -> Found:
    """What stands at a path.

    Raises:
        ModelFileError: there is nothing that can be read, or another kind of model.
    """
    if is_elmo(path):
        return elmo(path)
    content = artifact.read(path)
    if content.kind not in KINDS:
        raise ModelFileError(
            f"{path}: holds a model of kind {content.kind!r}, and none to begin with; give the "
            "file of a language model (longshort fit text), of a series model (longshort fit "
            "series), or the options.json of a published ELMo model"
        )
    return KINDS[content.kind](content, str(path))


class Beginning:
    """Estimators with a setting ``pretrained``: a path alone is taken for all of it."""

    earlier: ClassVar[dict[str, Any]] = {"pretrained": {}}

    pretrained: Pretrained | str | Path | None

    def _used(self, name: str) -> Any:
        found = super()._used(name)  # type: ignore[misc]
        return Pretrained.of(found) if name == "pretrained" else found

    def prints(self: Any) -> dict[str, str]:
        """Also the weights and the vocabulary that a fit began with, whatever their file is now."""
        told: dict[str, str] = super().prints()  # type: ignore[misc]
        told.pop("pretrained", None)
        used = self._used("pretrained").get_params()
        told.update({f"pretrained__{inner}": str(value) for inner, value in used.items()})
        begun = self.__dict__.get("_origin")
        return told if begun is None else {**told, "pretrained": begun}

    def _begun(self, reading: ItemEncoding) -> ItemEncoding:
        """How items are read, with the pretrained network beside it, if there is to be one.

        Raises:
            ModelFileError: its file cannot be read, or holds another kind of model.
            ArgumentError: it reads nothing of what these items are.
        """
        self.__dict__.pop("_origin", None)
        given: Pretrained = self._used("pretrained")
        own: dict[str, Any] = {n: getattr(given, n) for n in ("tune", "dropout", "layers")}
        if isinstance(reading, PretrainedReading):
            # that of another fit, which is gone on with
            return replace(reading, trunk=replace(reading.trunk, **own))
        if given.path is None:
            return reading
        start = found(Path(given.path))
        other = plain(reading)
        if not isinstance(other, start.beside):
            raise ArgumentError(
                f"pretrained={given.path!r}: it reads {start.told}, and these are no {start.told}; "
                "leave it out"
            )
        _refuse_other_steps(start.feed, other, given.path)
        self.__dict__["_origin"] = _digest(start)
        return PretrainedReading(other, start.feed, replace(start.trunk, **own))


def _digest(start: Found) -> str:
    """A text that tells networks and what they read by apart."""
    found = hashlib.sha256()
    for name, array in sorted({**start.trunk.first, **start.feed.put_down()[1]}.items()):
        found.update(f"{name} {array.shape}".encode() + array.tobytes())
    return found.hexdigest()


def _refuse_other_steps(feed: Feed, other: ItemEncoding, path: str) -> None:
    """Refuse a network whose steps are not those of what else is read.

    Raises:
        ArgumentError: so it is.
    """
    if isinstance(feed, ElmoFeed) and isinstance(other, TextReading) and other.subwords is not None:
        raise ArgumentError(f"pretrained={path!r}: it reads words, and no subwords; leave them out")
    if isinstance(feed, SeriesFeed) and isinstance(other, SignalReading):
        mine, theirs = other.signal.every, feed.reading.signal.every
        if mine != theirs:
            raise ArgumentError(
                f"pretrained={path!r}: it reads recordings at every={theirs!r}, and here it is "
                f"{mine!r}; use Signal(every={theirs!r})"
            )

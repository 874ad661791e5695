"""What a fit begins with: a network that was trained on something else, read from its file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from longshort import artifact
from longshort.data.items import ItemEncoding, Trunk
from longshort.data.readings.pretrained import LanguageFeed, Pretrained, PretrainedReading, plain
from longshort.data.readings.words import TextReading
from longshort.errors import ArgumentError, ModelFileError
from longshort.layers.bothways import one_way
from longshort.layers.lookup import Lookup
from longshort.tasks.generate import LanguageModel


class Found(NamedTuple):
    """What was found at a path: what its network reads, the network, and what it can read beside.

    beside: the other reading, a class. told: what that reads, in words.
    """

    feed: LanguageFeed
    trunk: Trunk
    beside: type[Any] = TextReading
    told: str = "texts"


def language(content: artifact.Artifact, where: str) -> Found:
    """A language model's network; of several the first one."""
    given = LanguageModel.from_artifact(content, where)
    encoder = given.models_[0].encoder
    lookup = one_way(encoder).embed
    assert isinstance(lookup, Lookup)
    settings = {
        "symbols": lookup.table.shape[0],
        "width": lookup.table.shape[1],
        "recurrent": given.recurrent.get_params(),
        "both": given.direction == "both",
    }
    first = {f"encoder.{name}": t.cpu().numpy() for name, t in encoder.state_dict().items()}
    return Found(LanguageFeed(given.codec_), Trunk("language", settings, first=first))


# what begins a fit, by the kind of the model file
KINDS: dict[str, Callable[[artifact.Artifact, str], Found]] = {LanguageModel.kind: language}


def found(path: Path) -> Found:
    """What stands at a path.

    Raises:
        ModelFileError: there is nothing that can be read, or another kind of model.
    """
    content = artifact.read(path)
    if content.kind not in KINDS:
        raise ModelFileError(
            f"{path}: holds a model of kind {content.kind!r}, and none to begin with; give the "
            "file of a language model (longshort fit text)"
        )
    return KINDS[content.kind](content, str(path))


class Beginning:
    """Estimators with a setting ``pretrained``: a path alone is taken for all of it."""

    earlier: ClassVar[dict[str, Any]] = {"pretrained": {}}

    @property
    def pretrained(self) -> Pretrained:
        """What a fit begins with."""
        given: Pretrained = self.__dict__["pretrained"]
        return given

    @pretrained.setter
    def pretrained(self, given: Pretrained | str | Path | None) -> None:
        self.__dict__["pretrained"] = Pretrained.of(given)

    def _begun(self, reading: ItemEncoding) -> ItemEncoding:
        """How items are read, with the pretrained network beside it, if there is to be one.

        Raises:
            ModelFileError: its file cannot be read, or holds another kind of model.
            ArgumentError: it reads nothing of what these items are.
        """
        given = self.pretrained
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
        return PretrainedReading(other, start.feed, replace(start.trunk, **own))

"""What transcribes, and what a yardstick for transcripts is."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from longshort.data.codecs.transcripts import TranscriptCodec
from longshort.data.corpus import Corpus
from longshort.data.items import ItemEncoding
from longshort.records import Kind


class TranscriptMethod(NamedTuple):
    """Whatever transcribes: a name, what kind it is, and the transcript of each recording."""

    name: str
    kind: Kind
    transcripts: Callable[[Corpus], list[str]]


class TranscriptYardstick(Protocol):
    """A rule or a classical method that learns from recordings with transcripts."""

    @property
    def name(self) -> str:
        """How it is called in tables."""
        ...

    @property
    def kind(self) -> Kind:
        """ "naive" for a rule that does not look at the recordings, "classical" for a model."""
        ...

    def refuses(self, train: Corpus, codec: TranscriptCodec, reading: ItemEncoding) -> str:
        """A sentence on why it cannot be fitted on such data, or not in minutes; "" if it can."""
        ...

    def fit(
        self,
        train: Corpus,
        valid: Corpus | None,
        codec: TranscriptCodec,
        reading: ItemEncoding,
        seed: int,
    ) -> TranscriptMethod:
        """Learn from the training part; settings, if any, are chosen on the validation part.

        Args:
            train, valid: recordings with transcripts; ``valid`` is None where there is none.
            codec: the symbols of transcripts.
            reading: how recordings become numbers: that of our method.
            seed: of whatever is random.
        """
        ...

"""The rule that does not listen: the most frequent transcript."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from longshort.data.codecs.transcripts import TranscriptCodec
from longshort.data.corpus import Corpus
from longshort.data.items import ItemEncoding
from longshort.records import Kind
from longshort.yardsticks.transcripts.base import TranscriptMethod


@dataclass(frozen=True)
class MostFrequent:
    """The training part's most frequent transcript for every recording; of several, the first."""

    name: str = "most frequent transcript"
    kind: Kind = "naive"

    def refuses(self, train: Corpus, codec: TranscriptCodec, reading: ItemEncoding) -> str:
        """Never."""
        return ""

    def fit(
        self,
        train: Corpus,
        valid: Corpus | None,
        codec: TranscriptCodec,
        reading: ItemEncoding,
        seed: int,
    ) -> TranscriptMethod:
        """Count the transcripts."""
        counts = Counter(codec.spelling.spelt(text) for text in train.transcripts or ())
        (most, _), *_ = counts.most_common(1)
        return TranscriptMethod(self.name, self.kind, lambda items: [most] * len(items))

"""The parts of a word that are told to a network by their hashes."""

from __future__ import annotations

import zlib

# characters of a word whose parts are read; a longer one is an address or a mistake
_LONGEST = 24


def ngrams(word: str, low: int, high: int) -> list[str]:
    """All parts of ``low`` to ``high`` characters of "<word>", as in Bojanowski et al. (2017)."""
    whole = f"<{word[:_LONGEST]}>"
    return [
        whole[start : start + size]
        for size in range(low, min(high, len(whole)) + 1)
        for start in range(len(whole) - size + 1)
    ]


def buckets_of(word: str, low: int, high: int, buckets: int) -> list[int]:
    """The bucket, 1 to ``buckets``, of each of a word's parts: CRC-32 of its UTF-8 bytes."""
    return [
        zlib.crc32(part.encode("utf-8", "surrogatepass")) % buckets + 1
        for part in ngrams(word, low, high)
    ]

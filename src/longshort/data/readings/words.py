"""Texts and sentences as steps of words: what is read of each, and how the text becomes steps."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Self, TypeVar, get_args
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray

from longshort.contracts import Params
from longshort.data.corpus import Corpus
from longshort.data.items import Characters, Inputs, Widths
from longshort.data.readings.ngrams import buckets_of
from longshort.data.readings.ragged import Ragged
from longshort.data.readings.shapes import SHAPES, shape
from longshort.data.readings.subwords import WordPieces
from longshort.data.readings.tokenise import cleaned, key, places, tokenise
from longshort.data.readings.vectors import read_vectors
from longshort.data.readings.vocabulary import Symbols
from longshort.data.steps import Ints
from longshort.errors import ArgumentError, ModelFileError, suggest

Network = Literal["none", "cnn", "lstm"]
Kept = Literal["first", "last", "ends"]
_Step = TypeVar("_Step")

# of a longer word, so many of its first and last characters are read
_HEAD, _TAIL = 16, 8
# a character that is rarer is unknown, so that the unknown one is learned
_LEAST_CHARACTER = 2


@dataclass(frozen=True)
class Text(Params):
    """What a network reads of a text: each word by itself, by its parts and by how it is written.

    Args:
        width: numbers that a word becomes, drawn at first from N(0, 0.1).
        min_count: a word that is rarer in the training part is the unknown word.
        vocabulary: most words that are known by themselves.
        shapes: whether capitals, digits and signs of a word are read beside it.
        ngrams: shortest and longest parts of a word, in characters, whose mean is added to it
            (Bojanowski et al. 2017), so that words that training never saw mean something; None
            for none.
        buckets: different parts that are told apart, by their hashes.
        characters: a network that reads each word's characters: "none", "cnn" (Ma and Hovy 2016)
            or "lstm" (Lample et al. 2016).
        character_size: numbers that this network makes of a word.
        subwords: most pieces that words are split into (byte-pair encoding, Sennrich et al. 2016),
            each a step; None for whole words. Needs the extra "text"; not for given tokens.
        vectors: a text file of word vectors (GloVe, fastText) to begin with; ``width`` is theirs.
        freeze: leave these vectors as they are.
        word_dropout: share of words that training reads as the unknown word.
        rare_dropout: this share for rarer words: rare_dropout / (1 + n / 5) of words that the
            training part holds n times, where that is more.
        dropout: share of what is read of each word that training sets to zero, before the network's
            own ``Recurrent(dropout=...)`` does.
        longest: most steps that are read of a text; sentences of given tokens are never cut.
        keep: which of them: the "first", the "last", or half of them from both "ends".

    Raises:
        ArgumentError: a value out of range.
    """

    width: int = 100
    min_count: int = 2
    vocabulary: int = 50_000
    shapes: bool = True
    ngrams: tuple[int, int] | None = (3, 5)
    buckets: int = 20_000
    characters: Network = "none"
    character_size: int = 50
    subwords: int | None = None
    vectors: str | None = None
    freeze: bool = False
    word_dropout: float = 0.1
    rare_dropout: float = 0.0
    dropout: float = 0.0
    longest: int = 1000
    keep: Kept = "first"

    def __post_init__(self) -> None:
        self._whole(1, "width", "min_count", "vocabulary", "buckets", "longest", "subwords")
        self._whole(2, "character_size")
        for name in ("word_dropout", "rare_dropout", "dropout"):
            value = getattr(self, name)
            if not 0 <= value < 1:
                raise ArgumentError(f"Text({name}={value}): must be in 0 to 1, 1 excluded")
        for name, known in (("characters", get_args(Network)), ("keep", get_args(Kept))):
            if getattr(self, name) not in known:
                value = getattr(self, name)
                raise ArgumentError(f"Text({name}={value!r}): {suggest(str(value), known)}")
        if self.ngrams is not None:
            sizes = tuple(self.ngrams)
            if len(sizes) != 2 or not 1 <= sizes[0] <= sizes[1] <= 10:
                raise ArgumentError(
                    f"Text(ngrams={self.ngrams}): must be a shortest and a longest part of 1 to 10 "
                    "characters, or None"
                )
            object.__setattr__(self, "ngrams", sizes)
        if self.freeze and self.vectors is None:
            raise ArgumentError("Text(freeze=True): there are no vectors to freeze; give vectors=")
        if self.vectors is not None:
            object.__setattr__(self, "vectors", str(self.vectors))


class _Read(NamedTuple):
    """A corpus as numbers of its distinct words.

    words: the distinct words. items: for each item, the numbers of its words. cut: items that are
    longer than what is read. The others are of each distinct word.
    """

    words: tuple[str, ...]
    items: Ragged
    cut: int
    rows: Ints
    shapes: NDArray[np.float32]
    parts: Ragged | None
    characters: Ragged | None


@dataclass(frozen=True, eq=False)
class TextReading:
    """How texts, or sentences of given tokens, become steps of a network; an ``ItemEncoding``.

    Args:
        text: the settings.
        words: those known by themselves.
        characters: those known to the network over characters; None where there is none.
        subwords: how words are split; None where they are not.
        first: (len(words) - 1, width), vectors to begin with, NaN for words without; not kept in a
            model file, which has what became of them.
    """

    text: Text
    words: Symbols
    characters: Symbols | None = None
    subwords: WordPieces | None = None
    first: NDArray[np.float32] | None = None
    _seen: WeakKeyDictionary[Corpus, _Read] = field(
        default_factory=WeakKeyDictionary, repr=False, init=False
    )

    @classmethod
    def fit(cls, corpus: Corpus, text: Text) -> Self:
        """What the training part holds.

        Raises:
            ArgumentError: it holds series, or given tokens are to be split.
            DataError: the file of vectors cannot be read.
            MissingDependencyError: subwords are asked for without the extra "text".
        """
        if corpus.content == "tokens" and text.subwords is not None:
            raise ArgumentError(
                f"Text(subwords={text.subwords}): the tokens of {corpus.source} are given, and "
                'every one is a step; read their parts by characters="cnn" or ngrams'
            )
        counted = Counter(word for words in _split(corpus, None) for word in words)
        subwords = None if text.subwords is None else WordPieces.fit(counted, text.subwords)
        if subwords is not None:
            pieces: Counter[str] = Counter()
            for word, n in counted.items():
                for piece in subwords.split(word):
                    pieces[piece] += n
            counted = pieces
        keys: Counter[str] = Counter()
        letters: Counter[str] = Counter()
        for word, n in counted.items():
            keys[key(word)] += n
            letters.update({c: word.count(c) * n for c in set(word)})
        given: dict[str, NDArray[np.float32]] = {}
        if text.vectors is not None:
            given = read_vectors(text.vectors, keys, text.vocabulary, key)
            text = text.set_params(width=len(next(iter(given.values()))))
        words = Symbols.fit(keys, text.min_count, text.vocabulary, more=given)
        first = None
        if given:
            none = np.full(text.width, np.nan, np.float32)
            first = np.array([given.get(name, none) for name in words.names], np.float32)
        characters = None
        if text.characters != "none":
            characters = Symbols.fit(letters, _LEAST_CHARACTER, text.vocabulary, reserved=2)
        return cls(text, words, characters, subwords, first)

    @property
    def widths(self) -> Widths:
        """What ``layers.embed.Embed.of`` builds from."""
        text = self.text
        share = np.maximum(text.word_dropout, text.rare_dropout / (1 + self.words.counts / 5))
        # rows of words that only the file of vectors holds are never read in training
        forget = np.concatenate([[0.0], share]).astype(np.float32)
        first = {}
        if self.first is not None:
            none = np.full((1, text.width), np.nan, np.float32)
            first = {"words": np.concatenate([none, self.first])}
        characters = {}
        if self.characters is not None:
            size = 2 * (text.character_size // 2)
            characters["characters"] = Characters(text.characters, len(self.characters), size=size)
        return Widths(
            numbers={"shapes": SHAPES} if text.shapes else {},
            symbols={"words": (len(self.words), text.width)},
            characters=characters,
            bags={} if text.ngrams is None else {"ngrams": ("words", text.buckets + 1)},
            first=first,
            frozen=("words",) if text.freeze else (),
            forget={"words": forget} if forget.max() > 0 else {},
            dropout=text.dropout,
            scale=0.1,
        )

    def lengths(self, corpus: Corpus) -> Ints:
        """(N,) steps that a network reads of each item."""
        return self._of(corpus).items.lengths

    def notes(self, corpus: Corpus) -> list[str]:
        """What a reader should know of how these items are read."""
        read, most = self._of(corpus), self.text.longest
        if not read.cut:
            return []
        which = {"first": "first", "last": "last", "ends": "first and last"}[self.text.keep]
        return [
            f"{read.cut} of {len(corpus)} texts are longer than what is read of each, its {which} "
            f"{most} words: Text(longest={most})."
        ]

    def steps(self, corpus: Corpus, item: int) -> tuple[str, ...]:
        """The words of an item that are its steps."""
        read = self._of(corpus)
        start, stop = read.items.starts[item : item + 2]
        return tuple(read.words[at] for at in read.items.flat[start:stop].tolist())

    def running(self, corpus: Corpus, item: int) -> tuple[str, Sequence[tuple[int, int]]]:
        """An item as running text, and where in it each of its steps begins and ends.

        Tokens stand one blank apart. Of a text that is cut nothing else is there.
        """
        if corpus.tokens is not None:
            tokens = corpus.tokens[item]
            ends = np.cumsum([len(token) + 1 for token in tokens]) - 1
            return " ".join(tokens), [
                (int(end) - len(token), int(end)) for token, end in zip(tokens, ends, strict=True)
            ]
        assert corpus.texts is not None
        text = cleaned(corpus.texts[item])
        every = places(text)
        if self.subwords is not None:
            every = [part for start, stop in every for part in self._pieces(text, start, stop)]
        kept = list(self._cut(every))
        if len(kept) == len(every):
            return text, kept
        head = math.ceil(len(kept) / 2) if self.text.keep == "ends" else len(kept)
        found, moved = "", []
        for some in (kept[:head], kept[head:]):
            if some:
                start, stop = some[0][0], some[-1][1]
                found += " " if found else ""
                moved += [(a - start + len(found), b - start + len(found)) for a, b in some]
                found += text[start:stop]
        return found, moved

    def _pieces(self, text: str, start: int, stop: int) -> list[tuple[int, int]]:
        """Where the pieces of a word stand; where one is unknown, each as the whole word."""
        assert self.subwords is not None
        pieces = [p.removeprefix("##") for p in self.subwords.split(text[start:stop])]
        if "".join(pieces) != text[start:stop]:
            return [(start, stop)] * len(pieces)
        ends = start + np.cumsum([len(piece) for piece in pieces])
        return [(int(e) - len(p), int(e)) for p, e in zip(pieces, ends, strict=True)]

    def read(self, corpus: Corpus, items: Sequence[int]) -> Inputs:
        """What a network reads of these items: of each step "words" (B, T), and "shapes" (B, T, 8),
        "ngrams" (B, T, G) and "characters" (B, T, C) where they are asked for; T is 1 or more.
        """
        read = self._of(corpus)
        chosen = np.asarray(items, np.int64)
        lengths = read.items.lengths[chosen]
        # a batch of nothing but empty texts has one step, of padding
        words = read.items.padded(chosen, least=1).astype(np.int64)
        words[np.arange(words.shape[1]) >= lengths[:, None]] = -1
        there = words >= 0
        at = np.where(there, words, 0)
        inputs = {"words": torch.from_numpy(np.where(there, read.rows[at], 0))}
        if self.text.shapes:
            inputs["shapes"] = torch.from_numpy(read.shapes[at] * there[..., None])
        if read.parts is not None:
            inputs["ngrams"] = torch.from_numpy(read.parts.padded(words, least=1))
        if read.characters is not None:
            padded = read.characters.padded(words, least=1).astype(np.int64)
            inputs["characters"] = torch.from_numpy(padded)
        return Inputs(inputs, torch.from_numpy(lengths))

    def put_down(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """What the model file keeps; ``take_up`` goes back."""
        arrays = self.words.put_down("words")
        if self.characters is not None:
            arrays |= self.characters.put_down("characters")
        if self.subwords is not None:
            arrays |= self.subwords.put_down()
        return dataclasses.asdict(self.text), arrays

    @classmethod
    def take_up(cls, settings: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The reading whose ``put_down()`` these are.

        Raises:
            ModelFileError: something is missing or does not fit.
        """
        try:
            text = Text(**settings)
        except (TypeError, ArgumentError) as error:
            raise ModelFileError(f"the settings of texts cannot be read: {error}") from None
        return cls(
            text,
            Symbols.take_up("words", arrays),
            None
            if text.characters == "none"
            else Symbols.take_up("characters", arrays, reserved=2),
            None if text.subwords is None else WordPieces.take_up(arrays),
        )

    def _of(self, corpus: Corpus) -> _Read:
        """A corpus as it is read, found once for as long as the corpus lives."""
        if corpus not in self._seen:
            self._seen[corpus] = self._encode(corpus)
        return self._seen[corpus]

    def _encode(self, corpus: Corpus) -> _Read:
        number: dict[str, int] = {}
        rows: list[list[int]] = []
        cut = 0
        for words in _split(corpus, self.subwords):
            own = words if corpus.content == "tokens" else self._cut(words)
            cut += len(own) < len(words)
            rows.append([number.setdefault(word, len(number)) for word in own])
        # no text at all still has one word to look up
        distinct = tuple(number) or ("",)
        text, parts, characters = self.text, None, None
        if text.ngrams is not None:
            low, high = text.ngrams
            parts = Ragged.of(buckets_of(word, low, high, text.buckets) for word in distinct)
        if self.characters is not None:
            characters = Ragged.of(self.characters.rows(_letters(word)) for word in distinct)
        known = self.words.rows(key(word) for word in distinct)
        flags = np.array([shape(word) for word in distinct], np.float32)
        return _Read(
            distinct, Ragged.of(rows), cut, np.array(known, np.int64), flags, parts, characters
        )

    def _cut(self, words: Sequence[_Step]) -> Sequence[_Step]:
        most, keep = self.text.longest, self.text.keep
        if len(words) <= most:
            return words
        if keep == "first":
            return words[:most]
        if keep == "last":
            return words[-most:]
        head = math.ceil(most / 2)
        return [*words[:head], *words[len(words) - (most - head) :]]


def _split(corpus: Corpus, subwords: WordPieces | None) -> list[Sequence[str]]:
    """The words of each item.

    Raises:
        ArgumentError: the corpus holds series.
    """
    if corpus.tokens is not None:
        return list(corpus.tokens)
    if corpus.texts is None:
        raise ArgumentError(f"{corpus.source} holds series, and Text(...) reads texts")
    texts = [tokenise(text) for text in corpus.texts]
    if subwords is None:
        return list(texts)
    pieces = {word: subwords.split(word) for word in {w for words in texts for w in words}}
    return [[piece for word in words for piece in pieces[word]] for words in texts]


def _letters(word: str) -> str:
    return word if len(word) <= _HEAD + _TAIL else word[:_HEAD] + word[-_TAIL:]

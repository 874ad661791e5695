"""Files in columns: a token and its tags in each line, a blank line after each sentence.

CoNLL-2003 and its like (any blanks or tabs between the columns, ``-DOCSTART-`` between documents)
and CoNLL-U (Nivre et al. 2016: ten columns, comments, multiword tokens, empty nodes). Entities in
any scheme are read as BIO; what breaks its scheme is named by its line.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import numpy as np

from longshort.contracts import Params
from longshort.data.codecs.tags import LETTERS, OUTSIDE, Scheme, convert, faults, guess
from longshort.data.corpus import Corpus
from longshort.errors import ArgumentError, DataError, suggest

# what tags are: entities in a scheme, a tag for each token ("none"), or found in the data
Spelling = Literal["guess", "none", "bio", "iob1", "iobes", "bilou"]
# what stands for a token without any character
EMPTY = "_"
# so many faults are told
_TOLD = 3
_ENTITY = re.compile(r"O|[BIESLU]-.+")
_NODE = re.compile(r"\d+([-.]\d+)?")
_DOCUMENT = "-DOCSTART-"


@dataclass(frozen=True)
class Conll(Params):
    """How files in columns are read.

    Args:
        token: the token's column, counted from 0, or from the last one as -1.
        tag: the tag's column; None for files without tags.
        scheme: of the entities: "guess", "bio" (or IOB2), "iob1", "iobes" (or BIOES), "bilou", or
            "none" for tags that each stand for themselves, such as parts of speech.
        repair: read tags that break their scheme as conlleval does, and count them, instead of
            refusing them.
        encoding: of the bytes.

    The columns of CoNLL-U are FORM and UPOS, where ``token`` and ``tag`` are left as they are.

    Raises:
        ArgumentError: an unknown scheme or encoding.
    """

    token: int = 0
    tag: int | None = -1
    scheme: Spelling = "guess"
    repair: bool = False
    encoding: str = "utf-8"

    def __post_init__(self) -> None:
        if self.scheme not in get_args(Spelling):
            known = suggest(self.scheme, get_args(Spelling))
            raise ArgumentError(f"Conll(scheme={self.scheme!r}): {known}")
        try:
            codecs.lookup(self.encoding)
        except LookupError:
            raise ArgumentError(
                f"Conll(encoding={self.encoding!r}): there is no such encoding; utf-8, latin-1 and "
                "utf-16 are some"
            ) from None


class Tagged(NamedTuple):
    """Sentences, the scheme that their entities were written in (None for plain tags), notes.

    Entities stand in ``corpus.tags`` as BIO.
    """

    corpus: Corpus
    scheme: Scheme | None
    notes: tuple[str, ...]


class _Line(NamedTuple):
    number: int
    cells: list[str]


def read_conll(path: str | Path, columns: Conll = Conll()) -> Tagged:
    """Sentences of a file, with their tags where it has any.

    Raises:
        DataError: there is no such file, it is not text, lines have different columns, or tags
            break their scheme; file and line are named.
    """
    path = Path(path)
    lines = _text(path, columns.encoding).split("\n")
    read = _Sentences(path.name, lines, columns)
    sentences = list(read)
    if not sentences:
        raise DataError(f"{path.name}: no line holds a token; give a token and its tag in each")
    tokens = tuple(tuple(line.cells[0] for line in sentence) for sentence in sentences)
    starts = np.array([sentence[0].number for sentence in sentences], np.int64)
    groups = tuple(read.documents) if read.parted else None
    corpus = Corpus(path.name, tokens=tokens, lines=starts, groups=groups)
    if not read.tagged:
        return Tagged(corpus, None, read.notes())
    tags = [[line.cells[1] for line in sentence] for sentence in sentences]
    numbers = [[line.number for line in sentence] for sentence in sentences]
    scheme, broken = settle(tags, numbers, columns, path.name)
    spelt = tuple(tuple(convert(own, "bio") if scheme else own) for own in tags)
    return Tagged(replace(corpus, tags=spelt), scheme, (*read.notes(), *broken))


def settle(
    tags: Sequence[Sequence[str]],
    lines: Sequence[Sequence[int]] | None,
    columns: Conll,
    source: str,
) -> tuple[Scheme | None, tuple[str, ...]]:
    """The scheme of tags, None for tags that are no entities; and what is repaired, in words.

    Args:
        lines: the line of each tag; without them a token is told by its place.

    Raises:
        DataError: tags break the scheme, and are not to be repaired.
    """
    if columns.scheme == "none":
        return None, ()
    if columns.scheme == "guess":
        kinds = {tag for own in tags for tag in own}
        begun = OUTSIDE in kinds or any(kind.startswith("B-") for kind in kinds)
        if not begun or not all(map(_ENTITY.fullmatch, kinds)):
            return None, ()
        found = guess(tags)
        if found is not None:
            return found, ()
        scheme = _likeliest(kinds)
    else:
        scheme = columns.scheme
    told, count = [], 0
    for at, own in enumerate(tags):
        for fault in faults(own, scheme):
            place = (
                f"sentence {at + 1}, token {fault.at + 1}"
                if lines is None
                else f"line {lines[at][fault.at]}"
            )
            told += [f"{source}, {place}: {fault.why}"] if count < _TOLD else []
            count += 1
    if not count:
        return scheme, ()
    if columns.repair:
        many = "tag breaks" if count == 1 else "tags break"
        return scheme, (f"{source}: {count} {many} {scheme.upper()} and were repaired",)
    more = f" (and {count - len(told)} more)" if count > len(told) else ""
    raise DataError(
        f"{'; '.join(told)}{more}: tags break {scheme.upper()}"
        f"{' (guessed)' if columns.scheme == 'guess' else ''}; correct them, name the scheme, or "
        "repair them (Conll(repair=True), --repair)"
    )


def _likeliest(kinds: set[str]) -> Scheme:
    """The scheme of tags that break every one, by their letters."""
    letters = {kind[0] for kind in kinds}
    fits = {name: len(letters - {"B", OUTSIDE, *LETTERS[name]}) for name in LETTERS}
    return min(fits, key=lambda name: fits[name])


def spelt(tags: Sequence[str], scheme: Scheme | None) -> tuple[str, ...]:
    """Tags of a corpus as a file in that scheme writes them."""
    return tuple(tags if scheme is None else convert(tags, scheme))


def in_columns(tokens: Sequence[Sequence[str]], tags: Sequence[Sequence[str]]) -> str:
    """Sentences as the text of a file that ``read_conll`` reads: token, tab, tag."""
    pairs = zip(tokens, tags, strict=True)
    rows = ["".join(f"{token}\t{tag}\n" for token, tag in zip(*own, strict=True)) for own in pairs]
    return "\n".join(rows)


def _text(path: Path, encoding: str) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from None
    if not raw:
        raise DataError(f"{path.name}: the file is empty (0 bytes); give sentences")
    name = "utf-8-sig" if encoding.lower().replace("_", "-") in ("utf-8", "utf8") else encoding
    try:
        text = raw.decode(name)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{path.name}, line {line}: byte 0x{raw[error.start]:02x} (offset {error.start}) is "
            f"not {encoding}; name the file's own encoding (Conll(encoding=...), --encoding)"
        ) from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


class _Sentences:
    """The sentences of a file: token and tag of each line, and what was passed over."""

    def __init__(self, name: str, lines: Sequence[str], columns: Conll) -> None:
        self.name, self.lines, self.columns = name, lines, columns
        held = ["\t" in line for line in lines if line.strip() and not self._odd(line)]
        # mixed columns are parted by any blanks
        self.tabs = 2 * sum(held) > len(held)
        first = next(
            (at for at, line in enumerate(lines) if line.strip() and not self._odd(line)), None
        )
        # how many columns there are, by the first line that holds a token
        self.width = 0 if first is None else len(self._cells(lines[first]))
        self.universal = self.width == 10 and bool(
            _NODE.fullmatch(self._cells(lines[first or 0])[0])
        )
        self.tagged = columns.tag is not None and self.width > 1
        self.first = 0 if first is None else first + 1
        # the document of each sentence, and whether the file says where they begin
        self.documents: list[str] = []
        self.parted = False
        self.empty: list[int] = []
        self.skipped = {"multiword tokens": 0, "empty nodes": 0}

    def _cells(self, line: str) -> list[str]:
        return line.split("\t") if self.tabs else line.split()

    def _odd(self, line: str) -> bool:
        """Whether a line might be a comment, or begins a document."""
        return line.startswith(("#", _DOCUMENT))

    def _comment(self, line: str) -> bool:
        """Whether a line is one: of tweets, # may begin a token."""
        return line.startswith("#") and (self.universal or len(self._cells(line)) != self.width)

    def __iter__(self) -> Iterator[list[_Line]]:
        document, sentence = 0, list[_Line]()
        for number, line in enumerate([*self.lines, ""], 1):
            if not line.strip():
                if sentence:
                    self.documents.append(f"{self.name}: document {document}")
                    yield sentence
                    sentence = []
            elif line.startswith(_DOCUMENT):
                document, self.parted = document + 1, True
            elif not self._comment(line):
                found = self._line(number, line)
                sentence += [] if found is None else [found]

    def _line(self, number: int, line: str) -> _Line | None:
        cells, columns = self._cells(line), self.columns
        if len(cells) != self.width:
            between = "tabs" if self.tabs else "blanks"
            raise DataError(
                f"{self.name}, line {number}: {len(cells)} columns between {between} where line "
                f"{self.first} has {self.width}; correct the line, or leave a blank one between "
                "sentences"
            )
        token, tag = columns.token, columns.tag
        if self.universal:
            if "-" in cells[0] or "." in cells[0]:
                self.skipped["multiword tokens" if "-" in cells[0] else "empty nodes"] += 1
                return None
            token, tag = (token or 1), (3 if tag == -1 else tag)
        for name, place in (("token", token), ("tag", tag if self.tagged else None)):
            if place is not None and not -self.width <= place < self.width:
                raise ArgumentError(
                    f"Conll({name}={place}): {self.name} has {self.width} columns, 0 to "
                    f"{self.width - 1}"
                )
        word = cells[token].strip()
        if not word:
            self.empty.append(number)
            word = EMPTY
        mark = cells[tag].strip() if self.tagged and tag is not None else ""
        if self.tagged and not mark:
            raise DataError(f"{self.name}, line {number}: {word!r} has no tag; give it one")
        return _Line(number, [word, mark])

    def notes(self) -> tuple[str, ...]:
        """What was passed over or changed, in words."""
        found = [f"{self.name}: {n} {what} skipped" for what, n in self.skipped.items() if n]
        if self.empty:
            lines = ", ".join(map(str, self.empty[:_TOLD]))
            lines += ", ..." if len(self.empty) > _TOLD else ""
            count = len(self.empty)
            found.append(f"{self.name}: {count} empty tokens read as {EMPTY!r} (line {lines})")
        return tuple(found)

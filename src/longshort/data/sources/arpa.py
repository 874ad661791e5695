"""n-grams with back-off from ARPA files, as KenLM, SRILM and others write them."""

from __future__ import annotations

import gzip
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from longshort.errors import DataError

BEGIN, END, UNKNOWN = "<s>", "</s>", "<unk>"
_UNKNOWN = ("<unk>", "<UNK>", "[UNK]", "<unknown>")
# what stands for a blank where words are single characters
BLANKS = (" ", "<space>", "<sp>", "<SPACE>", "▁", "|", "_")
# where the file tells nothing of unknown words
_RARE = math.log(1e-7)
_COUNT = re.compile(r"ngram\s+(\d+)\s*=\s*(\d+)")
_SECTION = re.compile(r"\\(\d+)-grams:")


class Gram(NamedTuple):
    """Natural logarithms of an n-gram's probability, and of what is left for longer ones."""

    log_p: float
    left: float


@dataclass(frozen=True, eq=False)
class Arpa:
    """n-grams with back-off (Katz 1987):

        p(w | h) = p of the n-gram if there is one, else left(h) p(w | h without its first word)

    Args:
        source: the file.
        order: n.
        grams: every n-gram by its words.
        words: all words but the marks.
    """

    source: str
    order: int
    grams: dict[tuple[str, ...], Gram]
    words: frozenset[str]

    def log_p(self, history: tuple[str, ...], word: str) -> float:
        """log p of a word after others, of which the last n - 1 count."""
        history = history[max(len(history) - self.order + 1, 0) :]
        if (word,) not in self.grams:
            word = UNKNOWN
        total = 0.0
        while True:
            found = self.grams.get((*history, word))
            if found is not None:
                return total + found.log_p
            if not history:
                return total + _RARE
            left = self.grams.get(history)
            total += 0.0 if left is None else left.left
            history = history[1:]


def read_arpa(path: Path) -> Arpa:
    """Read a file, which may be packed (.gz).

    Raises:
        DataError: it cannot be read, or a line is none of its kind; file and line are named.
    """
    opener = gzip.open if path.name.endswith(".gz") else open
    grams: dict[tuple[str, ...], Gram] = {}
    counts: dict[int, int] = {}
    order, ended, number = 0, False, 0
    try:
        with opener(path, "rt", encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                line = line.strip("\r\n ")
                if not line or line == "\\data\\":
                    continue
                if line == "\\end\\":
                    ended = True
                    break
                if count := _COUNT.fullmatch(line):
                    counts[int(count[1])] = int(count[2])
                elif section := _SECTION.fullmatch(line):
                    order = int(section[1])
                elif order:
                    words, gram = _gram(line, order, path, number)
                    grams[words] = gram
    except (OSError, UnicodeDecodeError, EOFError) as error:
        raise DataError(f"{path}: cannot be read as n-grams ({error})") from None
    if not grams or not counts:
        raise DataError(f"{path}: holds no n-grams; give a file in the ARPA format")
    found = {n: sum(len(words) == n for words in grams) for n in counts}
    if not ended or found != counts:
        told = ", ".join(f"{found[n]:,} of {counts[n]:,} {n}-grams" for n in sorted(counts))
        raise DataError(f"{path}: ends at line {number} with {told}; the file is cut off")
    known = {words[0] for words in grams if len(words) == 1}
    return Arpa(str(path), max(counts), grams, frozenset(known - {BEGIN, END, UNKNOWN}))


def _gram(line: str, order: int, path: Path, number: int) -> tuple[tuple[str, ...], Gram]:
    parts = line.split("\t") if "\t" in line else line.split(" ")
    if "\t" in line and len(parts) > 1:
        parts = [parts[0], *parts[1].split(" "), *parts[2:]]
    try:
        log_p = float(parts[0]) * math.log(10)
        left = float(parts[order + 1]) * math.log(10) if len(parts) > order + 1 else 0.0
        words = tuple(UNKNOWN if each in _UNKNOWN else each for each in parts[1 : order + 1])
        if len(words) < order or len(parts) > order + 2:
            raise ValueError(f"{len(parts) - 1} words and numbers")
    except ValueError as error:
        raise DataError(
            f"{path}, line {number}: {line[:80]!r} is no {order}-gram with its logarithms ({error})"
        ) from None
    return words, Gram(log_p, left)

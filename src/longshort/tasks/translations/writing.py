"""What a fitted translator does with sources: it writes targets, and shows what it looked at."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from longshort.beams import Beam, Hypothesis, search
from longshort.contracts import Batch, whole
from longshort.data.codecs.tokens import BORDER, UNKNOWN
from longshort.data.codecs.transcripts import TranscriptCodec
from longshort.data.corpus import Corpus
from longshort.data.items import Items
from longshort.data.readings.sources import SourceReading, closed
from longshort.data.sources.pairs import read_pairs
from longshort.data.sources.tables import frame_like
from longshort.data.steps import Ints
from longshort.errors import ArgumentError, DataError, LongshortWarning
from longshort.heads.translation import TranslationHead
from longshort.model import Model, predicting
from longshort.search import Sampling, sample
from longshort.tasks.translations.learned import Known
from longshort.tasks.translations.seeking import Decoders

# sources that are read at once
_ROWS = 64
# symbols of a target at most: so many, or what training has, for each of the source, and more
_TIMES, _MORE = 2, 10
# of a picture's
_CAPTION = 50
# what closes a source or target, as it is shown
END = "</s>"


class Translated(NamedTuple):
    """A target that was written.

    score: what it is ranked by. log_p: of the target, in nats; of several networks that of the mean
    of their probabilities at each symbol.
    """

    text: str
    score: float
    log_p: float


class Alignment(NamedTuple):
    """What was looked at: weights (U, T) for U symbols of the target and T of the source.

    Each row sums to 1. Both are closed by "</s>"; the parts of a picture are numbered.
    """

    source: tuple[str, ...]
    target: tuple[str, ...]
    weights: NDArray[np.float32]


class Writing:
    """What every fitted translator does; see ``Translator``."""

    models_: list[Model]
    known_: Known
    settings_: dict[str, Any]

    if TYPE_CHECKING:

        def _check_fitted(self) -> None: ...

    @property
    def codec_(self) -> TranscriptCodec:
        """The symbols that targets are written with."""
        return self.known_.codec

    # the data

    def _again(self, X: Any, y: Any = None, *, required: bool = False) -> Corpus:
        """Data for a fitted model."""
        self._check_fitted()
        corpus = read_pairs(X, self.settings_["roles"], y, required=required)
        if corpus.content != self.known_.content:
            raise DataError(
                f"{corpus.source} holds {corpus.content}, and the model was fitted on "
                f"{self.known_.content}; give data of the same kind"
            )
        return corpus

    def _targets(self, corpus: Corpus) -> list[Ints]:
        """The symbols of every target, closed."""
        known, texts = self.known_, corpus.transcripts or ()
        reading = known.reading
        if isinstance(reading, SourceReading) and reading.target is not None:
            return [reading.wanted(corpus, item, text) for item, text in enumerate(texts)]
        return [closed(known.codec.encode(text)) for text in texts]

    def _items(
        self, corpus: Corpus, chosen: Ints | None = None, targets: list[Ints] | None = None
    ) -> Items:
        everything = np.arange(len(corpus)) if chosen is None else chosen
        return Items(corpus, self.known_.reading, targets, everything, apart=True)

    def _batches(self, corpus: Corpus, items: Items) -> Iterator[tuple[list[int], Batch]]:
        """Sources of about the same length together; those of nothing are left out."""
        full = np.array([not own for own in _nothing(corpus)], bool)
        lengths = items.steps
        order = [at for at in np.argsort(-lengths, kind="stable").tolist() if full[at]]
        for start in range(0, len(order), _ROWS):
            numbers = order[start : start + _ROWS]
            yield numbers, items.batch(numbers).to(self.models_[0].device)

    # writing

    def _sought(
        self,
        corpus: Corpus,
        settings: Beam,
        prefix: Sequence[str] = (),
        sampling: Sampling | None = None,
        seed: int = 0,
    ) -> list[list[Translated]]:
        """Targets of each source, the best first; of one that holds nothing an empty one."""
        found = [[Translated("", 0.0, 0.0)] for _ in range(len(corpus))]
        begun = [self.codec_.encode(text).tolist() for text in prefix] or [[]] * len(corpus)
        wrong = next((at for at, own in enumerate(begun) if UNKNOWN in own), None)
        if wrong is not None:
            unseen = ", ".join(map(repr, self.codec_.unseen(prefix[wrong])))
            raise ArgumentError(f"prefix {prefix[wrong]!r}: the vocabulary does not hold {unseen}")
        items = self._items(corpus)
        with self._quiet():
            for numbers, batch in self._batches(corpus, items):
                given = [len(begun[number]) for number in numbers]
                most = self._most(settings, batch, given)
                scorer = Decoders(self.models_, batch)
                if sampling is not None:
                    own = _drawn(scorer, most, sampling, seed, self._banned)
                else:
                    own = search(
                        scorer, most, settings, end=BORDER, banned=self._banned,
                        prefix=[begun[number] for number in numbers],
                    )  # fmt: skip
                for row, number in enumerate(numbers):
                    found[number] = self._told(corpus, number, batch, row, own[row])
        return found

    def _quiet(self) -> Any:
        return _All([predicting(model) for model in self.models_])

    @property
    def _banned(self) -> list[int]:
        """Symbols that are never written."""
        return [UNKNOWN] if self.settings_["unknown"] == "never" else []

    def _most(self, settings: Beam, batch: Batch, given: Sequence[int]) -> list[int]:
        """Symbols of each target at most; ``given`` are those that it begins with."""
        if settings.most is not None:
            return [settings.most] * batch.rows
        if self.known_.content == "pictures":
            return [_CAPTION + max(settings.least, own) for own in given]
        lengths = zip(batch.lengths.tolist(), given, strict=True)
        times = max(_TIMES, math.ceil(self.known_.times))
        return [max(times * n + _MORE, settings.least + 1, own + _MORE) for n, own in lengths]

    def _told(
        self, corpus: Corpus, item: int, batch: Batch, row: int, found: Sequence[Hypothesis]
    ) -> list[Translated]:
        """Hypotheses as texts."""
        reading, new = self.known_.reading, list[str]()
        if isinstance(reading, SourceReading):
            new = reading.strangers(corpus, item)
        told = []
        for one in found:
            parts = self._parts(one.symbols, new)
            if UNKNOWN in one.symbols and isinstance(reading, SourceReading):
                # what was looked at most is what it is called there (Luong et al. 2015)
                weights = self._weights(batch.slice(row, row + 1), [one.symbols])[0]
                source = reading.parts(corpus, item)
                for at in np.flatnonzero(np.array(one.symbols) == UNKNOWN).tolist():
                    most = int(weights[at, : len(source)].argmax())
                    parts[at] = source[most].encode()
            text = " ".join(b"".join(parts).decode("utf-8", "replace").split())
            told.append(Translated(text, one.score, one.log_p))
        return told or [Translated("", -math.inf, -math.inf)]

    def _parts(self, symbols: Sequence[int], new: Sequence[str]) -> list[bytes]:
        """What each symbol stands for, copied ones among them."""
        pieces, mark = self.codec_.tokens.pieces, "\N{REPLACEMENT CHARACTER}".encode()
        return [
            mark
            if n == UNKNOWN
            else pieces[n]
            if n < len(pieces)
            else new[n - len(pieces)].encode()
            for n in symbols
        ]

    @torch.no_grad()
    def _weights(self, batch: Batch, targets: Sequence[Sequence[int]]) -> list[NDArray[np.float32]]:
        """What is looked at (U + 1, T) while each target and its end are written; of all networks
        the mean.
        """
        width = max(len(own) for own in targets) + 1
        inputs = torch.full((len(targets), width), BORDER, device=batch.lengths.device)
        for row, own in enumerate(targets):
            inputs[row, 1 : len(own) + 1] = torch.tensor(list(own), dtype=torch.int64)
        found = []
        for model in self.models_:
            head = model.head
            assert isinstance(head, TranslationHead)
            memory, carried = head.opened(model.encoder(batch), batch)
            found.append(head.write(head.known(inputs), memory, carried).weights)
        mean = torch.stack(found).mean(0).cpu().numpy()
        return [mean[row, : len(own) + 1] for row, own in enumerate(targets)]

    def predict(
        self, X: Any, *, prefix: str | Sequence[str] = "", search: Beam | None = None
    ) -> Any:
        """The target of each source.

        Args:
            X: as for ``fit``; targets are not needed, and not read. One text is one source.
            prefix: what targets begin with: one text for all, or one for each.
            search: how they are looked for; None as the model was fitted with.

        Returns:
            For a path or frame: a frame of the same kind (Polars for a path) with a row for each
            source: "item", "target" and "score". Else a list of N texts.

        Raises:
            DataError: the data cannot be read, or are of another kind than was fitted on.
            ArgumentError: a prefix holds what the vocabulary does not.
        """
        corpus = self._again(X)
        found = self._warned(
            corpus, self._sought(corpus, self._search(search), _each(prefix, corpus))
        )
        texts = [own[0].text for own in found]
        if not ((isinstance(X, str | os.PathLike) and _is_path(X)) or hasattr(X, "columns")):
            return texts
        frame = pl.DataFrame(
            {
                "item": [_name(corpus, item) for item in range(len(corpus))],
                "target": texts,
                "score": [round(own[0].score, 4) for own in found],
            }
        )
        return frame_like(X, frame, [])

    def hypotheses(
        self,
        X: Any,
        count: int = 5,
        *,
        prefix: str | Sequence[str] = "",
        search: Beam | None = None,
    ) -> list[list[Translated]]:
        """Up to ``count`` targets of each source, the best first, with their scores.

        ``X``, ``prefix`` and ``search`` are those of ``predict``.
        """
        whole("count", count, 1)
        corpus, settings = self._again(X), self._search(search)
        wide = settings.set_params(width=max(settings.width, count))
        found = self._warned(corpus, self._sought(corpus, wide, _each(prefix, corpus)))
        return [own[:count] for own in found]

    def sample(
        self,
        X: Any,
        sampling: Sampling = Sampling(),  # noqa: B008 - a frozen value
        seed: int = 0,
    ) -> list[Translated]:
        """A target of each source, drawn from what the networks tell.

        Args:
            X: as for ``predict``.
            sampling: how symbols are drawn.
            seed: the same one draws the same targets.
        """
        corpus = self._again(X)
        found = self._sought(corpus, self._search(None), sampling=sampling, seed=seed)
        return [own[0] for own in self._warned(corpus, found)]

    def _search(self, given: Beam | None) -> Beam:
        settings: Beam = self.settings_["search"] if given is None else given
        return settings

    def _warned(self, corpus: Corpus, found: list[list[Translated]]) -> list[list[Translated]]:
        """Say what of the sources was not read."""
        empty = np.flatnonzero(_nothing(corpus))
        notes = []
        if len(empty):
            notes.append(
                f"{len(empty)} of {len(corpus)} sources are empty and their targets, too; the "
                f"first is {corpus.where(int(empty[0]))}."
            )
        notes += [*cut_told(corpus, self.known_.reading), *_strange(corpus, self.known_.reading)]
        for note in notes:
            warnings.warn(note, LongshortWarning, stacklevel=3)
        return found

    def attention(self, source: Any, target: str | None = None) -> Alignment:
        """What was looked at in one source for each symbol of its target.

        Args:
            source: one source, as for ``predict``.
            target: its target; None for what ``predict`` gives.

        Raises:
            DataError: there is not exactly one source, or it is empty.
        """
        corpus = self._again(
            [source] if isinstance(source, str) and not _is_path(source) else source
        )
        if len(corpus) != 1 or _nothing(corpus)[0]:
            raise DataError(f"{corpus.source}: attention is shown of one source that is not empty")
        with self._quiet():
            batch = self._items(corpus).batch([0]).to(self.models_[0].device)
            if target is None:
                target = self._sought(corpus, self._search(None))[0][0].text
            symbols = self.codec_.encode(target)
            weights = self._weights(batch, [symbols.tolist()])[0]
        told = tuple(part.strip() or part for part in self.codec_.parts(target))
        reading = self.known_.reading
        if isinstance(reading, SourceReading):
            parts = tuple(part.strip() or part for part in reading.parts(corpus, 0))
            return Alignment((*parts, END), (*told, END), weights)
        return Alignment(tuple(str(n + 1) for n in range(weights.shape[1])), (*told, END), weights)

    def explain(self, source: Any, target: str | None = None) -> Alignment:
        """What a target leans on: ``attention``, under the name that every estimator has for it."""
        return self.attention(source, target)

    def score(self, X: Any, y: Any = None) -> float:
        """The mean log-probability of a symbol of the targets, in nats; 0 is the best.

        Args:
            X: as for ``fit``.
            y: N targets; None where they stand in the data.
        """
        corpus = self._again(X, y, required=True)
        items = self._items(corpus, targets=self._targets(corpus))
        total, count = 0.0, 0
        with self._quiet(), torch.no_grad():
            for _, batch in self._batches(corpus, items):
                losses = [model.loss(batch)[0] for model in self.models_]
                total += sum(float(loss.total) for loss in losses) / len(losses)
                count += int(losses[0].count)
        return -total / max(count, 1)

    def texts(self, corpus: Corpus) -> list[str]:
        """The target of each source, as a method that is judged."""
        return [own[0].text for own in self._sought(corpus, self._search(None))]


class _All:
    """Several context managers as one."""

    def __init__(self, several: Sequence[Any]) -> None:
        self._several = several

    def __enter__(self) -> None:
        for each in self._several:
            each.__enter__()

    def __exit__(self, *given: Any) -> None:
        for each in reversed(self._several):
            each.__exit__(*given)


def cut_told(corpus: Corpus, reading: Any) -> list[str]:
    """A sentence on sources of which only the beginning is read."""
    if not isinstance(reading, SourceReading):
        return []
    cut = reading.cut(corpus)
    if not len(cut):
        return []
    return [
        f"{len(cut)} of {len(corpus)} sources have more than {reading.longest} symbols, of which "
        f"the first {reading.longest} are read; the first is {corpus.where(int(cut[0]))}."
    ]


def _strange(corpus: Corpus, reading: Any) -> list[str]:
    """A sentence on sources of another script or language than was learnt from."""
    if not isinstance(reading, SourceReading) or not len(found := reading.strange(corpus)):
        return []
    return [
        f"{len(found)} of {len(corpus)} sources are mostly of symbols that training has not seen, "
        f"and what is told of them means little; the first is {corpus.where(int(found[0]))}."
    ]


def _drawn(
    scorer: Decoders, most: Sequence[int], sampling: Sampling, seed: int, banned: Sequence[int]
) -> list[list[Hypothesis]]:
    """One run of each row, drawn until its end."""
    runs: list[list[int]] = [[] for _ in most]
    log_p, ended = [0.0] * len(most), [False] * len(most)
    for drawn in sample(scorer, max(most), sampling, seed, banned=banned):
        for row, (symbol, own) in enumerate(zip(drawn.symbols, drawn.log_p, strict=True)):
            if ended[row] or len(runs[row]) >= most[row]:
                continue
            log_p[row] += float(own)
            ended[row] = int(symbol) == BORDER
            if not ended[row]:
                runs[row].append(int(symbol))
        if all(e or len(r) >= m for e, r, m in zip(ended, runs, most, strict=True)):
            break
    return [
        [Hypothesis(tuple(run), p, p, end)] for run, p, end in zip(runs, log_p, ended, strict=True)
    ]


def _nothing(corpus: Corpus) -> list[bool]:
    """(N,) whether a source holds nothing."""
    if corpus.texts is None:
        return [False] * len(corpus)
    return [not text.strip() for text in corpus.texts]


def _each(prefix: str | Sequence[str], corpus: Corpus) -> Sequence[str]:
    """A prefix for each source."""
    if isinstance(prefix, str):
        return [prefix] * len(corpus) if prefix else ()
    if len(prefix) != len(corpus):
        raise ArgumentError(f"{len(prefix)} prefixes for {len(corpus)} sources; give one for each")
    return prefix


def _is_path(given: Any) -> bool:
    """Whether data are a path to something that is there."""
    try:
        return os.path.exists(given)
    except (OSError, ValueError, TypeError):
        # too long for a path, or none at all
        return False


def _name(corpus: Corpus, item: int) -> str:
    """What an item is called in tables."""
    if corpus.names is not None and corpus.names[item]:
        return corpus.names[item]
    return str(item + 1) if corpus.lines is None else f"line {int(corpus.lines[item])}"

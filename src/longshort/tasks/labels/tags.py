"""Tags as a network's targets, and its members' scores as tags again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from longshort.contracts import Examples
from longshort.data.codecs.tags import LETTERS, OUTSIDE, Span, convert, spans, transitions
from longshort.data.corpus import Corpus
from longshort.data.items import Items
from longshort.data.steps import Ints
from longshort.errors import DataError
from longshort.heads.crf import CRF, Allowed, CRFHead
from longshort.metrics.entities import entity_counts, micro
from longshort.model import Model

# what a network spells entities by
Inner = Literal["bio", "iobes"]
# sentences that are tagged at once
_ROWS = 128
# shifts of the scores of entities that are tried, and how finely around the best
_SHIFTS = np.arange(-1, 4.6, 0.5)
_FINER = (0.25, 0.125)


@dataclass(frozen=True)
class Tags:
    """The tags that a network tells apart.

    Args:
        names: K tags, in the spelling of ``inner``.
        inner: the scheme that the network spells entities by; None for plain tags.
    """

    names: tuple[str, ...]
    inner: Inner | None

    @classmethod
    def of(cls, corpus: Corpus, inner: Inner | None) -> Tags:
        """The tags of a training part; of entities, every tag of each type that is there."""
        assert corpus.tags is not None
        if inner is None:
            return cls(tuple(sorted({tag for own in corpus.tags for tag in own})), None)
        types = sorted({span.type for own in corpus.tags for span in spans(own)})
        letters = dict.fromkeys(LETTERS[inner])
        return cls((OUTSIDE, *(f"{letter}-{kind}" for kind in types for letter in letters)), inner)

    @property
    def allowed(self) -> Allowed | None:
        """What the scheme allows; None where tags are plain."""
        if self.inner is None:
            return None
        return Allowed(*map(torch.from_numpy, transitions(self.names, self.inner)))

    def numbers(self, corpus: Corpus) -> tuple[list[Ints], int]:
        """The number of each tag of each item; tags that are not known are the first, and counted.

        Raises:
            DataError: an item has not as many tags as steps.
        """
        assert corpus.tags is not None
        number = {name: at for at, name in enumerate(self.names)}
        found, unknown = [], 0
        lengths = (
            [len(own) for own in corpus.tokens]
            if corpus.tokens is not None
            else corpus.series.lengths.tolist()  # type: ignore[union-attr]
        )
        for item, own in enumerate(corpus.tags):
            if len(own) != lengths[item]:
                raise DataError(
                    f"{corpus.where(item)}: {len(own)} tags for {lengths[item]} steps; give one "
                    "tag for each"
                )
            told = convert(own, self.inner) if self.inner else own
            unknown += sum(tag not in number for tag in told)
            found.append(np.array([number.get(tag, 0) for tag in told], np.int64))
        return found, unknown

    def told(self, numbers: Sequence[int]) -> tuple[str, ...]:
        """Numbers as tags of a corpus: plain, or in BIO."""
        names = [self.names[number] for number in numbers]
        return tuple(convert(names, "bio") if self.inner == "iobes" else names)

    def entities(self, numbers: Sequence[int]) -> list[Span]:
        """The entities of a sentence's tags; most sentences have none, and take no time."""
        return spans(self.told(numbers)) if any(numbers) else []


class Scored(NamedTuple):
    """Sentences as the members score them together.

    ``numbers`` are those of the examples; ``emissions`` (B, T, K) and ``chain`` the mean of the
    members', which is again a conditional random field: p(y | x) is the normalised geometric mean
    of theirs. ``shift`` (K,) is what the best sequence is sought with, see ``CRFHead.lean``.
    """

    numbers: list[int]
    emissions: Tensor
    lengths: Tensor
    chain: CRF
    shift: Tensor

    def best(self, count: int = 1) -> list[list[list[int]]]:
        """The numbers of the tags of the ``count`` best sequences of each sentence."""
        found = self.chain.best(self.emissions + self.shift, self.lengths, count)
        ways = [
            [row[:length] for row, score in zip(rows, scores, strict=True) if score > _NO_WAY]
            for rows, scores, length in zip(
                found.tags.tolist(), found.scores.tolist(), self.lengths.tolist(), strict=True
            )
        ]
        return [own or [[]] for own in ways]

    def marginals(self) -> list[NDArray[np.float64]]:
        """p of each tag at each step, (T, K) for each sentence."""
        found = self.chain.marginals(self.emissions, self.lengths).double().numpy()
        return [own[:length] for own, length in zip(found, self.lengths.tolist(), strict=True)]


@torch.no_grad()
def score(models: Sequence[Model], items: Examples) -> Iterator[Scored]:
    """Every example as the members score it, examples of about the same length together."""
    steps = items.steps if isinstance(items, Items) else np.zeros(len(items), np.int64)
    order = np.argsort(-steps, kind="stable").tolist()
    chain = mean_chain(models)
    for start in range(0, len(order), _ROWS):
        numbers = order[start : start + _ROWS]
        batch = items.batch(numbers).to(models[0].device)
        told = []
        for model in models:
            head = model.head
            assert isinstance(head, CRFHead)
            told.append(head.emissions(model.encoder(batch), batch))
        emissions = torch.stack(told).mean(0).cpu()
        yield Scored(numbers, emissions, batch.lengths.cpu(), chain, mean_shift(models))


@torch.no_grad()
def mean_chain(models: Sequence[Model]) -> CRF:
    """The chain of the mean of the members' scores."""
    chains = [model.head.chain for model in models if isinstance(model.head, CRFHead)]
    first = chains[0]
    allowed = Allowed(first.allowed_first, first.allowed_pairs, first.allowed_last)
    made = CRF(first.tags, Allowed(*(part.cpu() for part in allowed))).requires_grad_(False)
    for name, parameter in made.named_parameters():
        own = [chain.get_parameter(name).detach().cpu() for chain in chains]
        parameter.copy_(torch.stack(own).mean(0))
    return made


def mean_shift(models: Sequence[Model]) -> Tensor:
    """(K,) the mean of the members' shifts."""
    heads = [model.head for model in models]
    return torch.stack([head.shift.cpu() for head in heads if isinstance(head, CRFHead)]).mean(0)


def shift_of(models: Sequence[Model]) -> float:
    """By how much more the members score an entity than they learnt to."""
    shift = mean_shift(models)
    return float(shift[shift.abs().argmax()])


def tag(models: Sequence[Model], items: Examples, tags: Tags) -> list[tuple[str, ...]]:
    """The best tags of every example, in its order."""
    found: dict[int, tuple[str, ...]] = {}
    for scored in score(models, items):
        for number, (best, *_) in zip(scored.numbers, scored.best(), strict=True):
            found[number] = tags.told(best)
    return [found[number] for number in range(len(items))]


class Leaning(NamedTuple):
    """A shift of the scores of entities, and the F1 that entities are then found with."""

    shift: float
    f1: float


def leaning(models: Sequence[Model], items: Items, tags: Tags, *, shifted: bool = True) -> Leaning:
    """The shift of the scores of entities that finds them best in a validation part.

    Args:
        models: the members.
        items: sentences with tags.
        tags: of the members.
        shifted: whether to look for one; else the likeliest tags are told.
    """
    truth = [spans((items.corpus.tags or ())[item]) for item in items.chosen.tolist()]
    batches = list(score(models, items))

    def f1(shift: float) -> float:
        found: dict[int, list[Span]] = {}
        for scored in batches:
            moved = scored._replace(shift=_leaning(tags, shift))
            for number, (best, *_) in zip(scored.numbers, moved.best(), strict=True):
                found[number] = tags.entities(best)
        return micro(entity_counts(truth, [found[n] for n in range(len(items))]))[2]

    tried = {0.0: f1(0.0)}
    if shifted:
        tried |= {float(shift): f1(float(shift)) for shift in _SHIFTS if shift}
        for finer in _FINER:
            best = _best(tried)
            tried |= {best + step: f1(best + step) for step in (-finer, finer)}
    chosen = _best(tried)
    return Leaning(chosen, tried[chosen])


def lean(models: Sequence[Model], shift: float, tags: Tags) -> None:
    """Give all members that shift."""
    for model in models:
        assert isinstance(model.head, CRFHead)
        model.head.lean(_leaning(tags, shift).to(model.device))


def _best(tried: dict[float, float]) -> float:
    """The shift that scores best, of several the smallest."""
    return min(tried, key=lambda shift: (-tried[shift], abs(shift), shift))


def _leaning(tags: Tags, shift: float) -> Tensor:
    """(K,) the shift of tags that begin an entity, so that every entity has it once."""
    return torch.tensor([shift if name[:2] in ("B-", "S-") else 0.0 for name in tags.names])


# a score that no sequence has
_NO_WAY = -1e4 / 2

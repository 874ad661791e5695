"""Weights of a trained model as the beginning of another: what is taken over, and what differs."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch

from longshort.contracts import Params
from longshort.data.codecs.categories import Vocabulary, key
from longshort.data.codecs.numbers import NumberCodec, Scaling
from longshort.data.encoding import Encoding
from longshort.data.sequences import Sequences
from longshort.data.steps import Ints
from longshort.errors import ArgumentError
from longshort.model import Model

# so many of the weights that differ are named
_NAMED = 6


@dataclass(frozen=True)
class Transfer:
    """Which weights of one network fit into another, by name, and how the others differ."""

    taken: tuple[str, ...]
    differing: tuple[str, ...]

    @staticmethod
    def between(source: Model, model: Model, foreign: Collection[str] = ()) -> Transfer:
        """Compare names and shapes; buffers, such as a calibration, are learnt anew.

        ``foreign`` are parts of names whose weights mean something else, whatever their shape.
        """
        shapes = {name: list(p.shape) for name, p in source.named_parameters()}
        taken, differing = [], []
        for name, parameter in model.named_parameters():
            given = shapes.pop(name, None)
            if any(part in name for part in foreign):
                differing.append(f"{name} is of other categories")
            elif given == list(parameter.shape):
                taken.append(name)
            else:
                there = "not there" if given is None else f"{given}"
                differing.append(f"{name} was {there} and is {list(parameter.shape)}")
        differing += [f"{name} was {shape} and is not there" for name, shape in shapes.items()]
        return Transfer(tuple(taken), tuple(differing))

    def refuse_strangers(self, where: str) -> None:
        """Refuse where nothing of the trunk fits.

        Raises:
            ArgumentError: no weight of the recurrence was taken; what differs is named.
        """
        if any(name.startswith("encoder.") for name in self.taken):
            return
        raise ArgumentError(
            f"{where}: no weight of its recurrence fits this network ({self._named()}). Use the "
            "settings it was fitted with: size, depth, horizon and columns of the same number"
        )

    def words(self, where: str) -> str:
        """What was done, in a sentence."""
        every = len(self.taken) + len(self.differing)
        text = f"Training began with {len(self.taken)} of {every} weights of {where}"
        return f"{text}; these are new: {self._named()}." if self.differing else f"{text}."

    def _named(self) -> str:
        named = [*self.differing[:_NAMED]]
        if len(self.differing) > _NAMED:
            named.append(f"{len(self.differing) - _NAMED} more")
        return "; ".join(named)

    @torch.no_grad()
    def into(self, model: Model, source: Model) -> None:
        """Give a network the weights that were found to fit."""
        own, given = dict(model.named_parameters()), dict(source.named_parameters())
        for name in self.taken:
            own[name].copy_(given[name])


def fingerprint(models: Iterable[Model]) -> str:
    """A text that tells networks apart: sha256 over their weights."""
    found = hashlib.sha256()
    for model in models:
        for name, parameter in model.named_parameters():
            found.update(f"{name} {list(parameter.shape)}".encode())
            found.update(parameter.detach().cpu().numpy().tobytes())
    return found.hexdigest()


def changed_settings(
    before: Mapping[str, Any], now: Mapping[str, Any], names: Iterable[str]
) -> str:
    """Which settings are others than before, in a sentence; "" where none is."""
    found = []
    for name in names:
        pairs = {name: (before.get(name), now[name])}
        if isinstance(now[name], Params):
            old, new = before[name].get_params(), now[name].get_params()
            pairs = {f"{name}.{inner}": (old.get(inner), new[inner]) for inner in new}
        found += [
            f"{key} was {old} and is {new}" for key, (old, new) in pairs.items() if old != new
        ]
    return f" Settings that changed since: {'; '.join(found)}." if found else ""


def choose_scale(
    before: Encoding | None,
    sequences: Sequences,
    train_end: Ints,
    scaling: Scaling,
    *,
    counts: bool,
) -> NumberCodec:
    """The scale of series: a new one, or where there was one ``before``, that.

    A series of an old name keeps its own.

    Args:
        train_end: (S,) rows of each series that belong to training.
        scaling: of a new one.
        counts: whether the targets are.

    Raises:
        ArgumentError: the columns differ, or targets are counts here and not there.
    """
    if before is None:
        return NumberCodec.fit(sequences, train_end, scaling, counts=counts)
    codec = before.codec
    names = tuple(field.name for field in sequences.numbers)
    roles = tuple(field.role for field in sequences.numbers)
    if (names, roles, counts) == (codec.names, codec.roles, codec.counts):
        return codec
    mine, theirs = (
        ", ".join(f"{name} ({role})" for name, role in zip(*columns, strict=True))
        for columns in ((codec.names, codec.roles), (names, roles))
    )
    raise ArgumentError(
        f"{sequences.source}: the scaling to keep is that of {mine}, and the columns are {theirs}; "
        "fit the scaling anew, or name the same columns"
    )


def like_before(encoding: Encoding, before: Encoding) -> Encoding:
    """How series are read, with the masks and, where the columns are the same, categories of old.

    A category that was not there before is the unknown one.
    """
    old, new = before.vocabulary, encoding.vocabulary
    same = (old.names, old.roles) == (new.names, new.roles)
    return replace(encoding, masked=before.masked, vocabulary=old if same else new)


def other_categories(before: Vocabulary, now: Vocabulary) -> list[str]:
    """Parts of the names of tables whose rows stand for other categories than before."""
    return [
        f"tables.{key(at)}."
        for at, (name, labels) in enumerate(zip(now.names, now.labels, strict=True))
        if at >= len(before.names) or (before.names[at], before.labels[at]) != (name, labels)
    ]

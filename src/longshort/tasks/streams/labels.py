"""Labels after every row: of all that was read so far, or of the row itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from longshort.contracts import Batch, Encoded, State
from longshort.data.items import ItemEncoding
from longshort.data.sequences import Floats
from longshort.data.steps import Ints
from longshort.heads.category import CategoryHead
from longshort.heads.crf import CRF, CRFHead, one_more
from longshort.model import Model
from longshort.tasks.labels.calibration import mixed
from longshort.tasks.labels.learned import Knowledge
from longshort.tasks.labels.tagged import Told
from longshort.tasks.labels.tags import Tags, mean_chain, mean_shift
from longshort.tasks.streams.feeds import Feed, feed_of
from longshort.tasks.streams.trunk import Trunk, fill, refuse_uncausal


class Labelled(NamedTuple):
    """After each row that was read: label (B,), and the probability (B, K) of each of them."""

    label: NDArray[Any]
    probabilities: Floats


class Answerer(Protocol):
    """What makes labels of the encoding of a step."""

    names: tuple[str, ...]

    @property
    def places(self) -> dict[str, Tensor]:
        """What is remembered, in place, sessions first."""
        ...

    def begin(self, sessions: Ints) -> None:
        """These sessions begin anew."""
        ...

    def step(self, sessions: Ints, encoded: list[Tensor]) -> tuple[NDArray[Any], Floats]:
        """Labels (B,) and probabilities (B, K) of (B, H) of each network."""
        ...


class LabelStream:
    """A ``data.layout.Stream`` of a classifier or a tagger.

    Args:
        models: the networks, which read forwards.
        feed: how rows become steps.
        answerer: how encodings become labels.
        sessions: S.
    """

    memory: Literal["window", "carried"] = "carried"

    def __init__(
        self, models: Sequence[Model], feed: Feed, answerer: Answerer, sessions: int
    ) -> None:
        self.sessions, self.layout = sessions, feed.layout
        self._feed, self._answerer = feed, answerer
        self._trunk = Trunk([model.encoder for model in models], sessions)
        self._device = models[0].device
        self._told = np.full((sessions, len(answerer.names)), np.nan)

    @property
    def _places(self) -> dict[str, Tensor]:
        found = {f"reading.{name}": place for name, place in self._feed.places.items()}
        found |= {f"labels.{name}": place for name, place in self._answerer.places.items()}
        return found | {"told": torch.from_numpy(self._told)}

    @property
    def state(self) -> State:
        """See ``data.layout.Stream``."""
        own = {name: place.clone() for name, place in self._places.items()}
        return State.unflatten(own | self._trunk.state.flatten("networks."))

    def load(self, state: State) -> None:
        """See ``data.layout.Stream``."""
        own = State({name: state[name] for name in state if name != "networks"})
        fill(self._places, own)
        self._trunk.load(state.part("networks"))

    def begin(self, sessions: Ints, keys: Sequence[tuple[str, ...]]) -> None:
        """See ``data.layout.Stream``."""
        self._feed.begin(sessions)
        self._trunk.begin(sessions)
        self._answerer.begin(sessions)
        self._told[sessions] = np.nan

    @torch.no_grad()
    def step(self, sessions: Ints, values: Any, times: Ints | None) -> Labelled:
        """See ``data.layout.Stream``."""
        labels = np.full(len(sessions), None, object)
        for step in self._feed.steps(sessions, values, times):
            inputs, static = (
                {n: x.to(self._device) for n, x in g.items()} for g in (step.inputs, step.static)
            )
            encoded = self._trunk.step(step.sessions, inputs, static)
            own, told = self._answerer.step(step.sessions, encoded)
            labels[np.searchsorted(sessions, step.sessions)] = own
            self._told[step.sessions] = told
        return Labelled(labels, self._told[sessions])

    def told(self, answers: tuple[Any, ...]) -> list[dict[str, Any]]:
        """See ``data.layout.Stream``: the label, and the probability of each as ``p_LABEL``."""
        found = Labelled(*answers)
        names = [f"p_{name}" for name in self._answerer.names]
        return [
            {"label": label if label is None else str(label)}
            | dict(zip(names, np.round(row, 6).tolist(), strict=True))
            for label, row in zip(found.label, found.probabilities, strict=True)
        ]


class SoFar:
    """A classifier's answer of all that was read so far: its pooling goes on from row to row.

    Args:
        models: the networks.
        names: K labels in words.
        labels: the same as the user has them.
        sessions: S.
    """

    def __init__(
        self, models: Sequence[Model], names: tuple[str, ...], labels: Any, sessions: int
    ) -> None:
        self.names, self._labels = names, np.asarray(labels)
        self._heads = [cast(CategoryHead, model.head) for model in models]
        self._pools = [head.pool.begin(sessions, models[0].device) for head in self._heads]
        self._first = [pool.map(lambda part: part[:1].clone()) for pool in self._pools]

    @property
    def places(self) -> dict[str, Tensor]:
        """See ``Answerer``."""
        return {
            f"{at}.{name}": place
            for at, pool in enumerate(self._pools)
            for name, place in pool.flatten().items()
        }

    def begin(self, sessions: Ints) -> None:
        """See ``Answerer``."""
        rows = torch.from_numpy(sessions)
        for pool, first in zip(self._pools, self._first, strict=True):
            for name, place in pool.flatten().items():
                place[rows] = first.tensor(name)

    def step(self, sessions: Ints, encoded: list[Tensor]) -> tuple[NDArray[Any], Floats]:
        """See ``Answerer``; of several possible labels those are told together."""
        rows, told = torch.from_numpy(sessions), []
        for head, pool, z in zip(self._heads, self._pools, encoded, strict=True):
            pooled, after = head.pool.step(z, pool.select(rows.to(z.device)))
            for name, place in pool.flatten().items():
                place[rows] = after.tensor(name)
            a = head.readout(pooled).cpu().double()
            told.append(head.log_probabilities(a, head.temperature.cpu().double()))
        p = mixed(told).exp().numpy()
        if self._heads[0].kind == "many":
            several = [" ".join(n for n, own in zip(self.names, row, strict=True) if own > 0.5)
                       for row in p]  # fmt: skip
            return np.array(several, object), p
        return self._labels[p.argmax(1)].astype(object), p


class Filtered:
    """A tagger's answer of each step, from that and those before it: p(y_t | x_1 .. x_t).

    Of a conditional random field that is the forward algorithm, normalised, without what a sequence
    ends with; of tags that are chosen by themselves it is what ``predict_proba`` tells.

    Args:
        models: the networks.
        names: K tags.
        chain: the mean of the networks' chains.
        shift: (K,) what tags are sought with.
        sessions: S.
    """

    def __init__(
        self,
        models: Sequence[Model],
        names: tuple[str, ...],
        chain: CRF,
        shift: Tensor,
        sessions: int,
    ) -> None:
        self.names, self._chain, self._shift = names, chain, shift.double()
        self._heads = [cast(CRFHead, model.head) for model in models]
        self._alpha = torch.zeros(sessions, len(names), dtype=torch.float64)
        self._begun = torch.zeros(sessions, dtype=torch.bool)

    @property
    def places(self) -> dict[str, Tensor]:
        """See ``Answerer``."""
        return {"alpha": self._alpha, "begun": self._begun}

    def begin(self, sessions: Ints) -> None:
        """See ``Answerer``."""
        self._begun[torch.from_numpy(sessions)] = False

    def step(self, sessions: Ints, encoded: list[Tensor]) -> tuple[NDArray[Any], Floats]:
        """See ``Answerer``."""
        rows, told = torch.from_numpy(sessions), []
        for head, z in zip(self._heads, encoded, strict=True):
            one = torch.ones(len(z), dtype=torch.int64, device=z.device)
            step = Encoded(z[:, None], (), State(), one)
            told.append(head.emissions(step, Batch({}, one))[:, 0].cpu())
        emissions = torch.stack(told).mean(0).double()
        alpha = one_more(self._chain, emissions, self._alpha[rows], self._begun[rows])
        self._alpha[rows], self._begun[rows] = alpha, True
        best = (alpha + self._shift).argmax(1).tolist()
        # of IOBES what it is in BIO
        names = [self.names[at] for at in best]
        plain = np.array([_PLAIN.get(name[:2], name[:2]) + name[2:] for name in names], object)
        return plain, alpha.exp().numpy()


_PLAIN = {"S-": "B-", "E-": "I-"}


class TellsSoFar:
    """A fitted classifier as what is streamed; see ``longshort.Session``."""

    models_: list[Model]
    settings_: dict[str, Any]
    known_: Knowledge
    classes_: NDArray[Any]

    if TYPE_CHECKING:

        def _check_fitted(self) -> None: ...

    def opened(self, sessions: int) -> LabelStream:
        """Sessions that tell the label of all that was read so far, after every row.

        Raises:
            ArgumentError: the network reads both ways, or what is read needs whole sequences.
        """
        self._check_fitted()
        refuse_uncausal(self.settings_["recurrent"])
        reading, roles = self.known_.reading, self.settings_["roles"]
        feed = feed_of(reading, roles, sessions, tokens=False)
        names = self.known_.classes.names
        answerer = SoFar(self.models_, names, self.classes_, sessions)
        return LabelStream(self.models_, feed, answerer, sessions)


class TellsSteps:
    """A fitted tagger as what is streamed; see ``longshort.Session``."""

    models_: list[Model]
    settings_: dict[str, Any]
    told_: Told
    tags_: Tags

    if TYPE_CHECKING:

        def _check_fitted(self) -> None: ...

        @property
        def encoding_(self) -> ItemEncoding:  # noqa: D102
            ...

    def opened(self, sessions: int) -> LabelStream:
        """Sessions that tell the tag of each step, from that and those before it.

        Raises:
            ArgumentError: the network reads both ways, or what is read needs whole sequences.
        """
        self._check_fitted()
        refuse_uncausal(self.settings_["recurrent"])
        tokens = self.told_.content == "tokens"
        feed = feed_of(self.encoding_, self.settings_["roles"], sessions, tokens=tokens)
        chain = mean_chain(self.models_)
        shift = mean_shift(self.models_)
        answerer = Filtered(self.models_, self.tags_.names, chain, shift, sessions)
        return LabelStream(self.models_, feed, answerer, sessions)

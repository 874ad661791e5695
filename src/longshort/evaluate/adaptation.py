"""What a language model does with a text while it reads it: it learns, and looks back.

Each document is read by itself: weights, cache and state begin anew with it. A score depends on no
batch and on nothing that is read at once, but where weights learn they do so after every
``Dynamic.steps`` symbols, counted from the beginning of the document. The networks themselves stay
as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from longshort.contracts import Params, State
from longshort.data.stretch import Ints, Strangers, Stretch
from longshort.errors import ArgumentError
from longshort.evaluate.cache import Cache, alike, mixed, recalled
from longshort.evaluate.dynamic import Dynamic, Learner, Scales
from longshort.evaluate.surprise import averaged, follow
from longshort.metrics.measures import Floats
from longshort.model import Model, predicting

# symbols read at once where weights stay as they are
_STEPS = 256


@dataclass(frozen=True)
class Adaptation(Params):
    """What a language model does with a text while it reads it; at least one of these.

    Args:
        dynamic: weights learn from what was read.
        cache: what was written lately becomes more probable.

    Raises:
        ArgumentError: neither is given.
    """

    dynamic: Dynamic | None = None
    cache: Cache | None = None

    def __post_init__(self) -> None:
        for name, kind in (("dynamic", Dynamic), ("cache", Cache)):
            given = getattr(self, name)
            if given is not None and not isinstance(given, kind):
                raise ArgumentError(f"Adaptation({name}={given!r}): must be a {kind.__name__}(...)")
        if self.dynamic is None and self.cache is None:
            raise ArgumentError("Adaptation(): give dynamic=Dynamic(), cache=Cache() or both")

    @property
    def name(self) -> str:
        """ "dynamic", "cache" or "dynamic and cache"."""
        given = {"dynamic": self.dynamic, "cache": self.cache}
        return " and ".join(name for name, value in given.items() if value is not None)

    @property
    def parts(self) -> tuple[Adaptation, ...]:
        """Each of both by itself, then both; or the one that there is."""
        if self.dynamic is None or self.cache is None:
            return (self,)
        return Adaptation(self.dynamic), Adaptation(cache=self.cache), self


class Reader:
    """One network that reads documents and adapts to each.

    What it has made of a document so far: ``model``, the network as it is now, ``state``, and what
    the cache holds, ``z`` (N, H) and ``symbols`` (N,), the symbol after each.

    Args:
        model: the trained network, in eval mode; it stays as it is.
        adapt: how it adapts.
        scales: of its gradients; needed where weights learn.
    """

    def __init__(self, model: Model, adapt: Adaptation, scales: Scales | None) -> None:
        self.model, self.cache, self._steps = model, adapt.cache, _STEPS
        self._learner: Learner | None = None
        if adapt.dynamic is not None:
            assert scales is not None
            self._learner, self._steps = Learner(model, adapt.dynamic, scales), adapt.dynamic.steps
            self.model = self._learner.model
        self._begin()

    def _begin(self) -> None:
        self.state: State | None = None
        self.z, self.symbols = torch.empty(0, 0), torch.empty(0, dtype=torch.int64)
        if self._learner is not None:
            self._learner.forget()

    def read(self, document: Ints, strangers: Strangers | None = None) -> Iterator[Tensor]:
        """-log p of ``document[1:]``, segment by segment, each before it is learnt from.

        ``strangers`` tells how unknown words of it are written.
        """
        self._begin()
        for start in range(0, len(document) - 1, self._steps):
            part = document[start : start + self._steps + 1]
            with torch.set_grad_enabled(self._learner is not None):
                told = strangers and strangers.cut(start, start + len(part))
                heard = follow(self.model, part, self.state, told)
                loss = heard.nats.mean()
            self.state = heard.state.detach()
            yield self._recall(heard.z.detach(), heard.symbols, heard.nats.detach())
            if self._learner is not None and len(part) > self._steps:
                self._learner.learn(loss)

    def _recall(self, z: Tensor, symbols: Tensor, nats: Tensor) -> Tensor:
        """-log p with the cache, if there is one, which goes on."""
        if self.cache is None:
            return nats
        window, known = self.cache.window, len(self.z)
        if known:
            z, symbols = torch.cat([self.z, z]), torch.cat([self.symbols, symbols])
        p_cache = recalled(alike(z, known), symbols, window, self.cache.sharpness)
        self.z, self.symbols = z[-window:], symbols[-window:]
        return mixed(nats, p_cache, self.cache.share)


@torch.no_grad()
def adapted(
    models: Sequence[Model], text: Stretch, adapt: Adaptation, scales: Sequence[Scales] = ()
) -> Floats:
    """-log p of each symbol of a text, (N,) in nats, by networks that adapt to what they read.

    The first symbol of a document is given, and has 0. Several networks adapt each by itself, and
    tell the mean of their probabilities.

    Args:
        models: trained; they stay as they are.
        text: each document of it is read by itself.
        adapt: how they adapt.
        scales: of each network's gradients, see ``gradient_scales``; where weights learn.
    """
    found = np.zeros((len(models), len(text.symbols)))
    stops = np.append(text.begins[1:], len(text.symbols))
    for number, model in enumerate(models):
        with predicting(model):
            reader = Reader(model, adapt, scales[number] if adapt.dynamic else None)
            for start, stop in zip(text.begins.tolist(), stops.tolist(), strict=True):
                at = start + 1
                told = text.strangers_in(start, stop)
                for nats in reader.read(text.symbols[start:stop], told):
                    found[number, at : at + len(nats)] = nats.cpu().numpy()
                    at += len(nats)
    return averaged(found)

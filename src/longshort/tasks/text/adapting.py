"""Fitted networks that adapt to the texts they read, and what of that a model file keeps."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray

from longshort.contracts import whole
from longshort.data.stretch import Stretch
from longshort.errors import ArgumentError
from longshort.evaluate.adaptation import Adaptation, adapted
from longshort.evaluate.choice import choose
from longshort.evaluate.dynamic import Scales
from longshort.evaluate.surprise import surprise
from longshort.metrics.measures import Floats
from longshort.model import Model
from longshort.tasks.stored import check_weights, under
from longshort.yardsticks.language.base import LanguageMethod


class Adapting(ABC):
    """What was chosen to adapt by, and how surprised networks are that do.

    ``adaptation_`` is None until it is chosen; ``scales_`` are those of each network's gradients,
    none where no weights learn.
    """

    models_: list[Model]
    adaptation_: Adaptation | None = None
    scales_: Sequence[Scales] = ()

    @abstractmethod
    def _chosen_on(self, X: Any) -> tuple[Stretch, Stretch]:
        """The training and the validation part of the text that was fitted on.

        Raises:
            DataError: this is another text, or no part of it chooses.
        """

    def adapt(
        self,
        X: Any,
        *,
        dynamic: bool = True,
        cache: bool = True,
        steps: int = 20,
        most: int = 20_000,
    ) -> Self:
        """Choose how the model adapts to what it reads, on the validation part of its own text.

        Dynamic evaluation (Krause et al. 2018) lets weights learn from what was read, the neural
        cache (Grave et al. 2017) makes what was written lately more probable. What is chosen is
        ``adaptation_``, and is kept in the model's file: ``evaluate``, ``generate`` and others take
        it, or one of its ``parts``, as ``adapt=``. The networks stay as they are.

        Args:
            X: the text given to ``fit``.
            dynamic, cache: what is chosen; at least one.
            steps: symbols after which weights learn.
            most: symbols of the validation part that are read.

        Raises:
            ArgumentError: neither is asked for.
            DataError: this is another text, or no part of it chooses.
        """
        if not (dynamic or cache):
            raise ArgumentError("adapt(dynamic=False, cache=False): ask for one of them, or both")
        whole("steps", steps, 1)
        whole("most", most, 2)
        train, valid = self._chosen_on(X)
        self.adaptation_, self.scales_ = choose(
            self.models_, train, valid, dynamic=dynamic, cache=cache, steps=steps, most=most
        )
        return self

    def _surprise(self, text: Stretch, adapt: Adaptation | None) -> Floats:
        """-log p of each symbol, (N,)."""
        if adapt is None:
            return surprise(self.models_, text)
        self._check_adaptation(adapt)
        return adapted(self.models_, text, adapt, self.scales_)

    def _check_adaptation(self, adapt: Adaptation | None) -> None:
        """Raises ArgumentError where the model cannot adapt so."""
        if adapt is None:
            return
        if not isinstance(adapt, Adaptation):
            raise ArgumentError(f"adapt={adapt!r}: must be an Adaptation(...), or None")
        if adapt.dynamic is not None and not self.scales_:
            raise ArgumentError(
                "adapt=Adaptation(dynamic=...): how large gradients were in training is not known "
                "yet; call model.adapt(data, dynamic=True) with the text it was fitted on"
            )

    def _adapting(self, name: str, ways: Sequence[Adaptation]) -> list[LanguageMethod]:
        """A method for each way to adapt; ``name`` is what the network itself is called."""
        for way in ways:
            self._check_adaptation(way)
        names = [f"{name}, {way.name}" for way in ways]
        if len(set(names)) < len(names):
            raise ArgumentError(
                f"adapt: two rows would both be called {max(names, key=names.count)!r}"
            )
        return [
            LanguageMethod(own, "lstm", partial(self._surprise, adapt=way))
            for own, way in zip(names, ways, strict=True)
        ]

    # files

    def _scales_kept(self) -> dict[str, NDArray[Any]]:
        """``scales_`` as arrays."""
        return {
            f"scales{number}.{name}": scale.numpy()
            for number, scales in enumerate(self.scales_)
            for name, scale in scales.items()
        }

    def _restore_adaptation(
        self,
        adaptation: Adaptation | None,
        arrays: Mapping[str, NDArray[Any]],
        members: int,
        network: Model,
    ) -> None:
        """Put back what was chosen, and what ``_scales_kept`` gave, checked."""
        self.adaptation_ = adaptation
        learns = adaptation is not None and adaptation.dynamic is not None
        kept = any(re.match(r"scales\d", name) for name in arrays)
        if learns != kept:
            raise ValueError("the scales of gradients do not go with how the model adapts")
        wanted = {name: tuple(own.shape) for name, own in network.named_parameters()}
        self.scales_ = tuple(self._checked(arrays, members, wanted)) if kept else ()

    @staticmethod
    def _checked(
        arrays: Mapping[str, NDArray[Any]], members: int, wanted: Mapping[str, tuple[int, ...]]
    ) -> Iterator[Scales]:
        for number in range(members):
            found = under(f"scales{number}.", arrays)
            check_weights(f"scales{number}", found, wanted)
            if any(array.size and array.min() < 0 for array in found.values()):
                raise ValueError(f"'scales{number}' must not be below 0")
            yield {name: torch.from_numpy(np.array(array)) for name, array in found.items()}

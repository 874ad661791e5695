"""Fitted networks that adapt to the texts they read, and what of that a model file keeps."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from longshort.data.stretch import Stretch
from longshort.errors import ArgumentError
from longshort.evaluate.adaptation import Adaptation, adapted
from longshort.evaluate.dynamic import Scales
from longshort.evaluate.surprise import surprise
from longshort.metrics.measures import Floats
from longshort.model import Model
from longshort.tasks.stored import check_weights, under
from longshort.yardsticks.language.base import LanguageMethod


class Adapting:
    """What was chosen to adapt by, and how surprised networks are that do.

    ``adaptation_`` is None until it is chosen; ``scales_`` are those of each network's gradients,
    none where no weights learn.
    """

    models_: list[Model]
    adaptation_: Adaptation | None = None
    scales_: Sequence[Scales] = ()

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

    def _restore_scales(
        self, arrays: Mapping[str, NDArray[Any]], members: int, network: Model
    ) -> None:
        """Put back what ``_scales_kept`` gave, checked."""
        learns = self.adaptation_ is not None and self.adaptation_.dynamic is not None
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

"""The one fit, score, save and load of every estimator, in scikit-learn's conventions.

The constructor stores its arguments unchanged, ``fit`` learns, learned names end in ``_``. A row
of the table says how its data are read, what its network is, and what its predictions look like;
everything else stands here, once.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, TypeAdapter
from sklearn.base import BaseEstimator

from longshort import __version__, artifact
from longshort.contracts import Examples, Params, whole
from longshort.errors import ArgumentError, ModelFileError, NotFittedError, suggest
from longshort.layers.encoder import Recurrent, parameter_count, step_cost
from longshort.model import Model
from longshort.records import History
from longshort.tasks.ensemble import Ensemble, Parts, Progress
from longshort.training import Training, seeded

# rows predicted at once; nothing is kept for a backward pass
PREDICT_ROWS = 512


class Estimator(BaseEstimator, ABC):  # type: ignore[misc]
    """What every row of the table shares; see the module.

    Learned by ``fit``: ``models_`` (one network per member), ``history_`` (every epoch),
    ``refitted_`` (whether on training and validation part) and ``settings_`` (the arguments then).
    """

    kind: ClassVar[str]
    # settings that a model file keeps, by constructor argument: values of these dataclasses
    sections: ClassVar[dict[str, type[Params]]]
    # and the arguments that are not: what they may be
    scalars: ClassVar[dict[str, Any]]

    recurrent: Recurrent
    training: Training
    random_state: int
    device: str

    models_: list[Model]
    history_: History
    refitted_: bool
    settings_: dict[str, Any]

    # what a row supplies

    @abstractmethod
    def _learn(self, data: Any) -> Parts:
        """Read the data, split them, fit the codecs on the training part, keep what was learnt."""

    @abstractmethod
    def _network(self) -> Model:
        """A new network for what ``_learn`` found, its weights drawn from torch's generator."""

    @abstractmethod
    def _learned(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """What ``_learn`` kept, as JSON values and arrays for the model file."""

    @abstractmethod
    def _restore(
        self, content: artifact.Artifact, arrays: dict[str, NDArray[Any]], where: str
    ) -> None:
        """Put back what ``_learned`` gave, checked."""

    def _after(self, model: Model, examples: Examples) -> None:
        """What a trained network still learns, from the validation part where there is one."""

    # settings

    def set_params(self, **params: Any) -> Self:
        """Change settings by name; ``recurrent__size=64`` replaces the frozen value inside."""
        nested: dict[str, dict[str, Any]] = {}
        known = self.get_params(deep=False)
        for name, value in params.items():
            outer, under, inner = name.partition("__")
            if outer not in known:
                raise ArgumentError(
                    f"{type(self).__name__} has no setting {outer!r}: {suggest(outer, known)}"
                )
            if under:
                nested.setdefault(outer, {})[inner] = value
            else:
                setattr(self, outer, value)
        for outer, changes in nested.items():
            current = getattr(self, outer)
            if not isinstance(current, Params):
                raise ArgumentError(f"{outer}={current!r} has no settings inside it")
            setattr(self, outer, current.set_params(**changes))
        return self

    # fit

    def fit(self, X: Any, y: None = None, *, progress: Progress | None = None) -> Self:
        """Learn from data; ``y`` is ignored and there for scikit-learn.

        Ctrl-C stops training and keeps the best weights so far; before the first epoch is done
        there are none, and it goes on as a KeyboardInterrupt.

        Raises:
            DataError: the data cannot be used as they are.
            ArgumentError: a setting is not possible for these data.
        """
        # whatever goes wrong from here on, no half of an older fit stays
        for name in ("models_", "history_", "refitted_", "settings_"):
            self.__dict__.pop(name, None)
        whole("random_state", self.random_state, 0)
        for name, kind in self.sections.items():
            if not isinstance(getattr(self, name), kind):
                given = type(getattr(self, name)).__name__
                raise ArgumentError(f"{name} is a {given}, and must be a {kind.__name__}(...)")
        parts = self._learn(X)
        found = self._ensemble(progress).train(parts)
        self.models_, self.history_, self.refitted_ = found
        self.settings_ = {
            name: value.item() if isinstance(value, np.generic) else value
            for name, value in self.get_params(deep=False).items()
        }
        return self

    def _ensemble(self, progress: Progress | None = None) -> Ensemble:
        seed = int(self.random_state)
        return Ensemble(self._new, self._after, self._describe, self.training, seed, progress)

    def _new(self, seed: int) -> Model:
        with seeded(seed):
            return self._network().to(self._device())

    def _device(self) -> torch.device:
        if self.device == "auto":
            return torch.device("cuda" if torch.cuda.is_available() else "cpu")
        try:
            device = torch.device(self.device)
        except RuntimeError as error:
            raise ArgumentError(
                f"device={self.device!r} is not a device; use 'cpu', 'cuda' or 'auto'"
            ) from error
        if device.type == "cuda" and not torch.cuda.is_available():
            raise ArgumentError(
                f"device={self.device!r}: this PyTorch finds no CUDA device; use 'cpu' or 'auto'"
            )
        return device

    # use

    def _check_fitted(self) -> None:
        if not hasattr(self, "models_"):
            raise NotFittedError(f"this {type(self).__name__} is not fitted yet; call fit(data)")

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "models_")

    def _describe(self, model: Model) -> str:
        given = self.settings_["recurrent"] if hasattr(self, "settings_") else self.recurrent
        layers = f"{given.depth} x LSTM({given.size})"
        if given.bidirectional:
            layers += ", both directions"
        members = len(self.models_) if hasattr(self, "models_") else self.training.members
        return (
            f"{members} network{'s' if members > 1 else ''} of {layers}, "
            f"{parameter_count(model):,} parameters each, "
            f"{step_cost(model.encoder):,} multiply-adds per step"
        )

    def summary(self, X: Any = None) -> str:
        """The network in words, and how long training takes at most.

        Args:
            X: data to estimate the training time on; not needed once fitted, and nothing of the
                estimator changes.
        """
        if X is not None:
            probe = type(self)(**self.get_params(deep=False))
            parts = probe._learn(X)
            model = probe._new(0)
            seconds = self._ensemble().estimate(model, parts)
            return f"{self._describe(model)}; training takes at most about {seconds:.0f} s"
        self._check_fitted()
        spent = f"trained in {self.history_.seconds:.0f} s, {len(self.history_.epochs)} epochs"
        return f"{self._describe(self.models_[0])}; {spent}"

    # files

    def save(self, path: str | Path) -> None:
        """Write the estimator as it was fitted, as one model file; ``longshort.load`` reads it.

        Raises:
            OutputError: the file cannot be written; nothing half-written stays.
        """
        self._check_fitted()
        settings, arrays = self._learned()
        # where it ran is not the model's business
        kept = {name: value for name, value in self.settings_.items() if name != "device"}
        sections: dict[str, Any] = {
            name: value.get_params() if isinstance(value, Params) else value
            for name, value in kept.items()
        }
        sections["learned"] = settings
        sections["fit"] = asdict(Fit(len(self.models_), self.refitted_))
        arrays = {f"learned.{name}": array for name, array in arrays.items()}
        for number, model in enumerate(self.models_):
            for name, tensor in model.state_dict().items():
                arrays[f"member{number}.{name}"] = tensor.cpu().numpy()
        history = json.dumps(asdict(self.history_), separators=(",", ":"), allow_nan=False)
        arrays["history"] = np.frombuffer(history.encode(), np.uint8)
        artifact.write(path, self.kind, __version__, sections, arrays)

    @classmethod
    def from_artifact(cls, content: artifact.Artifact, where: str, device: str = "cpu") -> Self:
        """The estimator that a model file holds, every part of it checked before it is built.

        Raises:
            ModelFileError: a part is missing, of another type, out of range or does not fit.
        """
        if content.kind != cls.kind:
            raise ModelFileError(f"{where}: holds a {content.kind!r}, not a {cls.kind!r}")
        expected = {*cls.sections, *cls.scalars, "random_state", "learned", "fit"}
        if set(content.sections) != expected:
            odd = sorted(expected ^ set(content.sections))
            raise ModelFileError(f"{where}: sections are missing or unknown: {', '.join(odd)}")
        params: dict[str, Any] = {
            name: artifact.section(content, name, kind, where)
            for name, kind in cls.sections.items()
        }
        scalars = {**cls.scalars, "random_state": Annotated[int, Field(ge=0, lt=2**62)]}
        for name, kind in scalars.items():
            params[name] = artifact.value(content, name, kind, where)
        self = cls(**params, device=device)
        fitted = artifact.section(content, "fit", Fit, where)
        prefix = "learned."
        arrays = {n[len(prefix) :]: a for n, a in content.tensors.items() if n.startswith(prefix)}
        try:
            self._restore(content, arrays, where)
            self.models_ = [self._load_member(n, content.tensors) for n in range(fitted.members)]
            history = bytes(content.tensors["history"])
            self.history_ = TypeAdapter(History).validate_python(
                artifact.parse(history), strict=False
            )
        except _MISFITS as error:
            raise ModelFileError(f"{where}: its content does not fit together ({error})") from error
        self.refitted_ = fitted.refitted
        self.settings_ = self.get_params(deep=False)
        return self

    def _load_member(self, number: int, tensors: dict[str, NDArray[Any]]) -> Model:
        """A network with the weights of a file, once names, shapes and numbers are as they must."""
        prefix = f"member{number}."
        found = {n[len(prefix) :]: a for n, a in tensors.items() if n.startswith(prefix)}
        if self.recurrent.depth > len(found):
            raise ValueError(f"{self.recurrent.depth} layers and {len(found)} tensors")
        # a network without memory of its own: a header cannot ask for more than the file holds
        with torch.device("meta"):
            wanted = {n: tuple(t.shape) for n, t in self._network().state_dict().items()}
        shapes = {name: array.shape for name, array in found.items()}
        if shapes != wanted:
            odd = sorted(n for n in {*shapes, *wanted} if shapes.get(n) != wanted.get(n))
            raise ValueError(
                f"tensor {prefix}{odd[0]}: {shapes.get(odd[0])}, not {wanted.get(odd[0])}"
            )
        for name, array in found.items():
            if array.dtype != np.float32 or not np.isfinite(array).all():
                raise ValueError(f"tensor {prefix}{name} must hold finite numbers of float32")
        model = self._new(0)
        model.load_state_dict(
            {name: torch.from_numpy(array.copy()) for name, array in found.items()}
        )
        return model.eval()


@dataclass(frozen=True)
class Fit:
    """How a fit ended: networks kept, and whether they were fitted on both parts."""

    members: Annotated[int, Field(ge=1, le=1000)]
    refitted: bool


# what building from a file that contradicts itself can end in
_MISFITS = (KeyError, TypeError, ValueError, RuntimeError, ArithmeticError, MemoryError)

"""The one fit, score, save and load of every estimator, in scikit-learn's conventions.

The constructor stores its arguments unchanged, ``fit`` learns, learned names end in ``_``. A row
of the table says how its data are read, what its network is, and what its predictions look like;
everything else stands here, once.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, is_dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Protocol, Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import TypeAdapter
from sklearn.base import BaseEstimator

from longshort import __version__, artifact
from longshort.contracts import Examples, Params, Prediction
from longshort.errors import ArgumentError, ModelFileError, NotFittedError, suggest
from longshort.layers.encoder import Recurrent, parameter_count, step_cost
from longshort.model import Model
from longshort.records import Epoch, History, Stop
from longshort.training import Training, estimate_seconds, fit, seeded, step_seed

# rows predicted at once; nothing is kept for a backward pass
PREDICT_ROWS = 512


class Parts(NamedTuple):
    """What a fit learns from: training examples, those that choose, and both together."""

    train: Examples
    valid: Examples | None
    both: Examples


class Progress(Protocol):
    """Whoever wants to show how a fit goes on."""

    def start(self, summary: str, seconds: float, epochs: int) -> None:
        """Before the first step: the network in words, the longest it can take, all epochs."""
        ...

    def epoch(self, epoch: Epoch) -> None:
        """After each epoch of each member."""
        ...

    def finish(self, history: History) -> None:
        """After the last one, also when interrupted."""
        ...


class Estimator(BaseEstimator, ABC):  # type: ignore[misc]
    """What every row of the table shares; see the module.

    Learned by ``fit``: ``models_`` (one network per member) and ``history_`` (every epoch).
    """

    kind: ClassVar[str]
    # settings that a model file keeps, by constructor argument: values of these dataclasses
    sections: ClassVar[dict[str, type[Params]]]

    recurrent: Recurrent
    training: Training
    random_state: int
    device: str

    models_: list[Model]
    history_: History

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
    def _restore(self, settings: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> None:
        """Put back what ``_learned`` gave, checked."""

    def _after(self, model: Model, examples: Examples) -> None:
        """What a trained network still learns from examples it was not trained on."""

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

        Ctrl-C stops training and keeps the best network so far.

        Raises:
            DataError: the data cannot be used as they are.
            ArgumentError: a setting is not possible for these data.
        """
        parts = self._learn(X)
        models: list[Model] = []
        epochs: list[Epoch] = []
        stops: list[Stop] = []
        unit = ""
        for member in range(self.training.members):
            seed = step_seed(self.random_state, member, 0) % 2**62
            model = self._new(seed)
            unit = model.head.unit
            if progress is not None and member == 0:
                self._announce(progress, model, parts)
            stop = self._train(model, parts, seed, member, epochs, progress)
            models.append(model)
            stops.append(stop)
            if stop == "interrupted":
                break
        self.models_ = models
        self.history_ = History(tuple(epochs), tuple(stops), unit)
        if progress is not None:
            progress.finish(self.history_)
        return self

    def _new(self, seed: int) -> Model:
        with seeded(seed):
            return self._network().to(self._device())

    def _train(
        self,
        model: Model,
        parts: Parts,
        seed: int,
        member: int,
        epochs: list[Epoch],
        progress: Progress | None,
    ) -> Stop:
        """Train one member, in place; with a refit, once more on everything seen."""

        def run(training: Training, train: Examples, valid: Examples | None) -> Stop:
            loop = fit(model, train, valid, training, seed=seed, member=member)
            try:
                while True:
                    record = next(loop)
                    epochs.append(record)
                    if progress is not None:
                        progress.epoch(record)
            except StopIteration as end:
                stop: Stop = end.value
                return stop
            except KeyboardInterrupt:
                # it came between two epochs: closing the loop restores the best weights
                loop.close()
                return "interrupted"

        stop = run(self.training, parts.train, parts.valid)
        self._after(model, parts.valid or parts.train)
        if stop == "interrupted" or not self.training.refit or parts.valid is None:
            return stop
        best = History(tuple(epochs)).best(member)
        count = 1 if best is None else best.epoch + 1
        errors = {name: tensor.clone() for name, tensor in model.head.named_buffers()}
        with seeded(seed):
            model.load_state_dict(self._network().state_dict())
        again = replace(self.training, epochs=count, patience=None)
        stop_again = run(again, parts.both, None)
        for name, buffer in model.head.named_buffers():
            buffer.copy_(errors[name])
        return stop_again if stop_again == "interrupted" else stop

    def _announce(self, progress: Progress, model: Model, parts: Parts) -> None:
        seconds = estimate_seconds(model, parts.train, self.training, seed=self.random_state)
        rounds = 2 if self.training.refit else 1
        count = self.training.members * self.training.epochs * rounds
        progress.start(self._describe(model), seconds * self.training.members * rounds, count)

    def _device(self) -> torch.device:
        if self.device == "auto":
            return torch.device("cuda" if torch.cuda.is_available() else "cpu")
        try:
            return torch.device(self.device)
        except RuntimeError as error:
            raise ArgumentError(
                f"device={self.device!r} is not a device; use 'cpu', 'cuda' or 'auto'"
            ) from error

    # use

    def _check_fitted(self) -> None:
        if not hasattr(self, "models_"):
            raise NotFittedError(f"this {type(self).__name__} is not fitted yet; call fit(data)")

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "models_")

    def _average(self, examples: Examples, index: Sequence[int]) -> Prediction:
        """The members' mean prediction of the given examples, in the data's own units."""
        self._check_fitted()
        points, quantiles = [], []
        levels: tuple[float, ...] = ()
        with torch.no_grad():
            batch = examples.batch(index).to(self._device())
            for model in self.models_:
                found = model.predict(batch)
                points.append(found.point.cpu())
                if found.quantiles is not None:
                    quantiles.append(found.quantiles.cpu())
                levels = found.levels
        middle = torch.stack(quantiles).mean(0) if quantiles else None
        return Prediction(torch.stack(points).mean(0), middle, levels)

    def _describe(self, model: Model) -> str:
        layers = f"{self.recurrent.depth} x LSTM({self.recurrent.size})"
        if self.recurrent.bidirectional:
            layers += ", both directions"
        members = self.training.members
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
            seconds = estimate_seconds(model, parts.train, self.training)
            rounds = 2 if self.training.refit else 1
            total = seconds * self.training.members * rounds
            return f"{self._describe(model)}; training takes at most about {total:.0f} s"
        self._check_fitted()
        spent = f"trained in {self.history_.seconds:.0f} s, {len(self.history_.epochs)} epochs"
        return f"{self._describe(self.models_[0])}; {spent}"

    # files

    def save(self, path: str | Path) -> None:
        """Write the fitted estimator as one model file.

        Raises:
            OutputError: the file cannot be written; nothing half-written stays.
        """
        self._check_fitted()
        settings, arrays = self._learned()
        names = self.get_params(deep=False)
        sections: dict[str, Any] = {
            name: asdict(value) if is_dataclass(value) and not isinstance(value, type) else value
            for name, value in names.items()
        }
        sections["learned"] = settings
        sections["members"] = len(self.models_)
        arrays = {f"learned.{name}": array for name, array in arrays.items()}
        for number, model in enumerate(self.models_):
            for name, tensor in model.state_dict().items():
                arrays[f"member{number}.{name}"] = tensor.cpu().numpy()
        history = json.dumps(asdict(self.history_), separators=(",", ":")).encode()
        arrays["history"] = np.frombuffer(history, np.uint8)
        artifact.write(path, self.kind, __version__, sections, arrays)

    @classmethod
    def from_artifact(cls, content: artifact.Artifact, where: str) -> Self:
        """The estimator that a checked model file holds."""
        if content.kind != cls.kind:
            raise ModelFileError(f"{where}: holds a {content.kind!r}, not a {cls.kind!r}")
        params: dict[str, Any] = {}
        for name in cls._get_param_names():
            if name in cls.sections:
                params[name] = artifact.section(content, name, cls.sections[name], where)
            elif name in content.sections:
                params[name] = content.sections[name]
        self = cls(**params)
        learned = content.sections.get("learned")
        prefix = "learned."
        arrays = {n[len(prefix) :]: a for n, a in content.tensors.items() if n.startswith(prefix)}
        try:
            self._restore(learned if isinstance(learned, dict) else {}, arrays)
            count = int(content.sections.get("members", 0))
            self.models_ = [self._load_member(n, content.tensors) for n in range(count)]
            history = bytes(content.tensors["history"])
            self.history_ = TypeAdapter(History).validate_json(history)
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise ModelFileError(f"{where}: its content does not fit together ({error})") from error
        return self

    def _load_member(self, number: int, tensors: dict[str, NDArray[Any]]) -> Model:
        prefix = f"member{number}."
        weights = {
            name[len(prefix) :]: torch.from_numpy(np.array(array))
            for name, array in tensors.items()
            if name.startswith(prefix)
        }
        model = self._new(0)
        model.load_state_dict(weights)
        return model.eval()

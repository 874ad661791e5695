"""The one fit, score, save and load of every estimator, in scikit-learn's conventions.

The constructor stores its arguments unchanged, ``fit`` learns, learned names end in ``_``. A row
of the table says how its data are read, what its network is, and what its predictions look like;
everything else stands here, once.
"""

from __future__ import annotations

import json
import re
import warnings
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from sklearn.base import BaseEstimator

from longshort import __version__, artifact
from longshort.checkpoint import Checkpoint
from longshort.contracts import Examples, Params, whole
from longshort.errors import ArgumentError, LongshortWarning, ModelFileError, suggest
from longshort.layers.encoder import Recurrent, parameter_count, step_cost
from longshort.model import Model
from longshort.records import History
from longshort.report.numerals import setting
from longshort.tasks import stored
from longshort.tasks.device import choose_device
from longshort.tasks.ensemble import Ensemble, Parts, Progress
from longshort.tasks.scikit import Pickled, UnfittedError
from longshort.tasks.stored import Fit, check_weights, same, sections_of, under, weights_of, within
from longshort.tasks.transfer import Transfer, changed_settings, fingerprint
from longshort.training.loop import Judge
from longshort.training.parts import out_of_memory
from longshort.training.seeds import seeded
from longshort.training.settings import Training

# rows predicted at once; nothing is kept for a backward pass
PREDICT_ROWS = 512


class Estimator(Pickled, BaseEstimator, ABC):  # type: ignore[misc]
    """What every row of the table shares; see the module.

    Learned by ``fit``: ``models_`` (one network per member), ``history_`` (every epoch),
    ``refitted_`` (whether on training and validation part), ``settings_`` (the arguments then) and
    ``start_`` (which weights training began with, in words; "" for new ones).
    """

    kind: ClassVar[str]
    # settings that a model file keeps, by constructor argument: values of these dataclasses, then
    # the arguments that are not: what they may be, and what files without one meant by that
    sections: ClassVar[dict[str, type[Params]]]
    scalars: ClassVar[dict[str, Any]]
    earlier: ClassVar[dict[str, Any]] = {}

    recurrent: Recurrent
    training: Training
    random_state: int
    device: str

    models_: list[Model]
    history_: History
    refitted_: bool
    settings_: dict[str, Any]
    start_: str

    # what a row supplies

    def _given(self, X: Any, y: Any) -> Any:
        """The data and their labels as what ``_learn`` reads."""
        return X

    @abstractmethod
    def _learn(self, data: Any, like: Self | None = None) -> Parts:
        """Read the data, split them, fit the codecs on the training part, keep what was learnt.

        ``like`` is a fitted estimator whose codecs are to be kept as they are.
        """

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

    def _foreign(self, source: Self) -> Sequence[str]:
        """Parts of names of weights that mean something else than in a network of ``source``."""
        return ()

    def _after(self, model: Model, examples: Examples) -> None:
        """What a trained network still learns, from the validation part where there is one."""

    def _judge(self) -> Judge | None:
        """What chooses the epoch instead of the validation loss, if anything."""
        return None

    def _settle(self, parts: Parts) -> None:
        """What all networks together still learn, once every one of them is trained."""

    # settings

    def _used(self, name: str) -> Any:
        """A setting as a fit uses it: what was given is kept as it was given."""
        return getattr(self, name)

    def _all_used(self) -> dict[str, Any]:
        used = {name: self._used(name) for name in self.get_params(deep=False)}
        return {n: v.item() if isinstance(v, np.generic) else v for n, v in used.items()}

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
            if not isinstance(current := self._used(outer), Params):
                raise ArgumentError(f"{outer}={current!r} has no settings inside it")
            setattr(self, outer, current.set_params(**changes))
        return self

    def set_copy(self, **params: Any) -> Self:
        """An estimator with these settings, some of them changed, that has learnt nothing."""
        return type(self)(**self.get_params(deep=False)).set_params(**params)

    # fit

    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        progress: Progress | None = None,
        checkpoint: Checkpoint | str | Path | None = None,
        init: Self | str | Path | None = None,
        keep_codec: bool = False,
    ) -> Self:
        """Learn from data.

        Ctrl-C stops training and keeps the best weights so far; before the first epoch is done
        there are none, and it goes on as a KeyboardInterrupt. Where torch.distributed has joined
        processes into a group, they train each network together.

        Args:
            X: the data.
            y: the labels, for estimators of labels; others ignore it.
            progress: who is told how it goes on.
            checkpoint: a file to write down how far training has come. If it is there already,
                training goes on from it, bit by bit as if it had never stopped; when training is
                done it is removed. See ``longshort.checkpoint.Checkpoint``. Of processes that
                train together each gives it, and the first one writes.
            init: a fitted estimator of this kind, or its file, whose weights training begins with
                where names and shapes agree; a ``LongshortWarning`` names those that differ. What
                is frozen, and how fast each layer learns, stands in ``training``.
            keep_codec: numbers are read as ``init`` does, by its scaling; else that is fitted anew.

        Raises:
            DataError: the data cannot be used as they are.
            ArgumentError: a setting is not possible for these data, the checkpoint was made with
                other settings or data, or nothing of ``init`` fits.
            TrainingError: numbers went wrong, or memory was not enough, and stayed so.
            OutputError: the checkpoint cannot be written.
            ModelFileError: the checkpoint or ``init`` cannot be read.
        """
        source, where = self._source(init)
        if keep_codec and source is None:
            raise ArgumentError("keep_codec=True: there is nothing to keep without init=...")
        # whatever goes wrong from here on, no half of an older fit stays
        for name in ("models_", "history_", "refitted_", "settings_", "start_"):
            self.__dict__.pop(name, None)
        self._check_settings()
        parts = self._learn(self._given(X, y), source if keep_codec else None)
        start = "" if source is None else self._compared(source, where)
        if isinstance(checkpoint, str | Path):
            checkpoint = Checkpoint(Path(checkpoint))
        found = self._ensemble(progress, checkpoint, source).train(parts)
        self.models_, self.history_, self.refitted_ = found
        self.start_ = start
        self._settle(parts)
        self.settings_ = self._all_used()
        return self

    def _check_settings(self) -> None:
        """Raises ArgumentError where a setting is not what it must be."""
        whole("random_state", self.random_state, 0)
        for name, kind in self.sections.items():
            given = type(used := self._used(name)).__name__
            if not isinstance(used, kind):
                raise ArgumentError(f"{name} is a {given}, and must be a {kind.__name__}(...)")

    def _source(self, init: Self | str | Path | None) -> tuple[Self | None, str]:
        """The estimator that a fit begins with, and what it is called."""
        if isinstance(init, str | Path):
            return self.from_file(init), str(init)
        if init is None:
            return None, ""
        if not isinstance(init, type(self)):
            name, given = type(self).__name__, type(init).__name__
            raise ArgumentError(f"init is a {given}, and must be a fitted {name} or its file")
        init._check_fitted()
        # fitted again, it begins with what it has learnt
        return (copy(init) if init is self else init), f"the {type(init).__name__} given"

    def _compared(self, source: Self, where: str) -> str:
        """What is taken over from ``source``, in words; a warning where something differs."""
        transfer = Transfer.between(source.models_[0], self._hollow(), self._foreign(source))
        transfer.refuse_strangers(where)
        told = transfer.words(where)
        if transfer.differing:
            warnings.warn(told, LongshortWarning, stacklevel=3)
        shown = [name for name in (*self.sections, *self.scalars) if name not in _OWN]
        return told + changed_settings(source.settings_, self._all_used(), shown)

    def _ensemble(
        self,
        progress: Progress | None = None,
        checkpoint: Checkpoint | None = None,
        source: Self | None = None,
    ) -> Ensemble:
        prints, models = self.prints(), [] if source is None else source.models_
        if models:
            prints["init"] = fingerprint(models)
        return Ensemble(
            lambda seed, member: self._new(seed, source, member),
            self._after,
            self._describe,
            self.training,
            int(self.random_state),
            progress,
            checkpoint, prints, self._judge(),
        )  # fmt: skip

    def prints(self) -> dict[str, str]:
        """What tells work with these settings from other work: each setting in words, by name."""
        found = {k: str(v) for k, v in self.get_params().items() if not isinstance(v, Params)}
        # where it runs may change between a checkpoint and what goes on from it
        found.pop("device")
        return {"model": self.kind, **found}

    def _new(self, seed: int, source: Self | None = None, member: int = 0) -> Model:
        try:
            with seeded(seed):
                model = self._network()
            if source is not None:
                given = source.models_[member % len(source.models_)]
                Transfer.between(given, model, self._foreign(source)).into(model, given)
            return model.to(choose_device(self.device))
        except (RuntimeError, MemoryError, TypeError) as error:
            if not out_of_memory(error):
                raise
            raise ArgumentError(
                f"{self.recurrent}: a network of this size does not fit into memory; use a "
                "smaller size or depth"
            ) from error

    # use

    def _check_fitted(self) -> None:
        if not hasattr(self, "models_"):
            raise UnfittedError(f"this {type(self).__name__} is not fitted yet; call fit(data)")

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "models_")

    def _describe(self, model: Model) -> str:
        given = self.__dict__.get("settings_", {}).get("recurrent", self.recurrent)
        members = len(self.models_) if hasattr(self, "models_") else self.training.members
        return (
            f"{members} network{'s' if members > 1 else ''} of {given.words}, "
            f"{parameter_count(model):,} parameters each, "
            f"{step_cost(model.encoder):,} multiply-adds per step"
        )

    def _settings(self) -> dict[str, str]:
        """Every argument in words, for reports."""
        found: dict[str, str] = {"model": self._describe(self.models_[0])}
        for name, value in self.settings_.items():
            if isinstance(value, Params):
                found.update({f"{name}.{k}": setting(v) for k, v in value.get_params().items()})
            else:
                found[name] = setting(value)
        return found

    def summary(self, X: Any = None) -> str:
        """The network in words, and how long training takes at most.

        Args:
            X: data to estimate the training time on; not needed once fitted, and nothing of the
                estimator changes.
        """
        if X is not None:
            probe = self.set_copy()
            parts = probe._learn(probe._given(X, None))
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
        sections, arrays = self._contents()
        arrays["history"] = stored.in_bytes(asdict(self.history_))
        artifact.write(path, self.kind, __version__, sections, arrays)

    def fingerprint(self) -> str:
        """64 hexadecimal digits that tell this fitted estimator from every other one."""
        self._check_fitted()
        return stored.digest_of(self.kind, *self._contents())

    def _contents(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Settings, what was learnt, and weights, as the model file keeps them."""
        settings, arrays = self._learned()
        fit = Fit(len(self.models_), self.refitted_, self.start_)
        sections = sections_of(self.settings_, settings, fit)
        arrays = {f"learned.{name}": array for name, array in arrays.items()}
        return sections, arrays | weights_of(self.models_)

    @classmethod
    def from_file(cls, path: str | Path, device: str = "cpu") -> Self:
        """The estimator of this kind that a model file holds.

        Raises:
            ModelFileError: it is missing, damaged, or holds another kind.
        """
        return cls.from_artifact(artifact.read(path), str(path), device)

    @classmethod
    def from_artifact(cls, content: artifact.Artifact, where: str, device: str = "cpu") -> Self:
        """The estimator that a model file holds, every part of it checked before it is built.

        Raises:
            ModelFileError: a part is missing, of another type, out of range or does not fit.
        """
        if content.kind != cls.kind:
            raise ModelFileError(f"{where}: holds a {content.kind!r}, not a {cls.kind!r}")
        content = content._replace(sections={**cls.earlier, **content.sections})
        expected = {*cls.sections, *cls.scalars, "random_state", "learned", "fit"}
        if set(content.sections) != expected:
            odd = ", ".join(map(repr, sorted(expected ^ set(content.sections))))
            raise ModelFileError(f"{where}: sections are missing or unknown: {odd[:_LONGEST]}")
        params: dict[str, Any] = {
            name: artifact.section(content, name, kind, where)
            for name, kind in cls.sections.items()
        }
        scalars = {**cls.scalars, "random_state": Annotated[int, Field(ge=0, lt=2**62)]}
        for name, kind in scalars.items():
            params[name] = artifact.value(content, name, kind, where)
        self = cls(**params, device=device)
        fitted = artifact.section(content, "fit", Fit, where)
        try:
            self._restore(content, under("learned.", content.tensors), where)
            history = artifact.parse(bytes(content.tensors["history"]))
            self.history_ = artifact.adapter(History).validate_python(history, strict=False)
            self._check_learned(content, fitted.members)
            self.models_ = self._load_members(content.tensors, fitted.members)
        except _MISFITS as error:
            reason = str(error).removeprefix(f"{where}: ")
            if isinstance(error, KeyError):
                reason += " is missing"
            raise ModelFileError(
                f"{where}: its content does not fit together ({reason[:_LONGEST]})"
            ) from error
        self.refitted_, self.start_ = fitted.refitted, fitted.start
        self.settings_ = self.get_params(deep=False)
        return self

    def _check_learned(self, content: artifact.Artifact, members: int) -> None:
        """Nothing of a file was passed over or read as something else than it is.

        What was restored is written again: a file's settings stand in it, and its tensors too.
        """
        settings, arrays = self._learned()
        again = json.loads(json.dumps(settings))
        for name, value in content.sections["learned"].items():
            if not within(value, again.get(name)):
                raise ValueError(f"learned {name!r} is {value!r}, and means {again.get(name)!r}")
        known = {f"learned.{name}": array for name, array in arrays.items()}
        for name, array in content.tensors.items():
            number = re.fullmatch(r"member(0|[1-9]\d{0,3})\..+", name)
            ours = int(number[1]) < members if number else name in known or name == "history"
            if not ours:
                raise ValueError(f"tensor {name!r} is not one of this model")
            if name in known and not same(array, known[name]):
                raise ValueError(f"tensor {name!r} is not what it was read as")

    def _load_members(self, tensors: Mapping[str, NDArray[Any]], members: int) -> list[Model]:
        """Networks with the weights of a file, once all names, shapes and numbers are right."""
        found = [under(f"member{number}.", tensors) for number in range(members)]
        if self.recurrent.depth > len(found[0]):
            raise ValueError(f"{self.recurrent.depth} layers and {len(found[0])} tensors")
        try:
            wanted = {n: tuple(tensor.shape) for n, tensor in self._hollow().state_dict().items()}
        except (RuntimeError, TypeError, ArithmeticError):
            asked = {name: getattr(self, name) for name in ("recurrent", *self.scalars)}
            raise ValueError(f"no network can be built for {asked}") from None
        for number, weights in enumerate(found):
            check_weights(f"member{number}", weights, wanted)
        return [self._filled(weights) for weights in found]

    def _hollow(self) -> Model:
        """A network without memory of its own: no header can ask for more than its file holds."""
        with torch.device("meta"):
            return self._network()

    def _filled(self, weights: Mapping[str, NDArray[Any]]) -> Model:
        model = self._hollow()
        kept = {name: torch.from_numpy(array.copy()) for name, array in weights.items()}
        model.load_state_dict(kept, assign=True)
        return model.to(choose_device(self.device)).eval()


# settings of a fit, not of what a network means
_OWN = ("training", "split", "partition")
# so much of a reason is told, whatever a file's names are
_LONGEST = 300
# what building from a file that contradicts itself can end in
_MISFITS = (KeyError, TypeError, ValueError, RuntimeError, ArithmeticError, MemoryError)

"""What the rooms hand to each other.

The shape alphabet, used in every signature:

    B  rows of a batch              T  time steps of a sequence
    F  features of one time step    H  units of one recurrent layer and direction
    L  horizon, or steps of output  K  targets, classes or symbols
    Q  quantile levels

Everything is batch-first: axis 0 of every tensor in a Batch or a State is B.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from numbers import Integral
from typing import Any, NamedTuple, Protocol, Self, TypeVar, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from longshort.errors import ArgumentError, suggest

_Node = TypeVar("_Node", Tensor, "State")


def whole(name: str, value: Any, low: int) -> int:
    """A setting that must be a whole number of ``low`` or more, as Python's int.

    Raises:
        ArgumentError: it is not.
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or not low <= int(value) < 2**62:
        raise ArgumentError(f"{name}={value!r}: must be a whole number, {low} or more")
    return int(value)


class Params:
    """Frozen dataclasses of settings that scikit-learn's tools can read and change."""

    def _whole(self, low: int, *names: str) -> None:
        """Check settings that are whole numbers, or None where that is their default's type."""
        for name in names:
            value = getattr(self, name)
            if value is not None:
                checked = whole(f"{type(self).__name__}({name})", value, low)
                object.__setattr__(self, name, checked)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The settings by name; ``deep`` has no effect: values hold no further settings."""
        fields = dataclasses.fields(self)  # type: ignore[arg-type]
        return {field.name: getattr(self, field.name) for field in fields}

    def set_params(self, **changes: Any) -> Self:
        """A copy with some settings changed.

        Raises:
            ArgumentError: a name is unknown; the nearest known one is suggested.
        """
        known = self.get_params()
        for name in changes:
            if name not in known:
                raise ArgumentError(
                    f"{type(self).__name__} has no setting {name!r}: {suggest(name, known)}"
                )
        return dataclasses.replace(self, **changes)  # type: ignore[type-var]

    def __call__(self, **changes: Any) -> Self:
        """The same as ``set_params``; scikit-learn allows what can be called as a default."""
        return self.set_params(**changes)

    def __sklearn_clone__(self) -> Self:
        return self


class State(Mapping[str, "Tensor | State"]):
    """A named, nested collection of tensors, batch axis first in each; never changed in place.

    Every room that remembers something between time steps adds its part under its own name, so
    that one object can be detached, moved, reordered (beam search), saved and restored.

    Raises:
        ValueError: a name holds a dot, which is what ``flatten`` joins names with.
    """

    __slots__ = ("_parts",)

    def __init__(self, parts: Mapping[str, Tensor | State] | None = None) -> None:
        self._parts: dict[str, Tensor | State] = dict(parts or {})
        for name in self._parts:
            if "." in name:
                raise ValueError(f"state part {name!r}: a name cannot hold a dot; nest a State")

    def __getitem__(self, name: str) -> Tensor | State:
        return self._parts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)

    def __repr__(self) -> str:
        inside = ", ".join(
            f"{name}: {list(part.shape) if isinstance(part, Tensor) else part}"
            for name, part in self._parts.items()
        )
        return f"State({inside})"

    def tensor(self, name: str) -> Tensor:
        """The tensor of that name; a KeyError or TypeError names what is there instead."""
        part = self._parts[name]
        if not isinstance(part, Tensor):
            raise TypeError(f"state part {name!r} is a group of {list(part)}, not a tensor")
        return part

    def part(self, name: str) -> State:
        """The group of that name, empty where there is none."""
        part = self._parts.get(name, State())
        if isinstance(part, Tensor):
            raise TypeError(f"state part {name!r} is a tensor, not a group")
        return part

    def map(self, change: Callable[[Tensor], Tensor]) -> State:
        """The same state with ``change`` applied to every tensor."""
        return State(
            {
                name: change(part) if isinstance(part, Tensor) else part.map(change)
                for name, part in self._parts.items()
            }
        )

    def detach(self) -> State:
        """The same values, cut off from the graph (truncated backpropagation through time)."""
        return self.map(Tensor.detach)

    def select(self, rows: Tensor) -> State:
        """The state of the given rows, in that order; ``rows`` is (B',) of int64."""
        return self.map(lambda tensor: tensor.index_select(0, rows))

    def keep(self, rows: Tensor) -> State:
        """Zero for every row where ``rows`` (B,) of bool is False: a new sequence starts there."""
        return self.map(
            lambda tensor: torch.where(
                rows.view(-1, *[1] * (tensor.dim() - 1)), tensor, tensor.new_zeros(())
            )
        )

    def flatten(self, prefix: str = "") -> dict[str, Tensor]:
        """All tensors by dotted name, for files and snapshots; ``unflatten`` goes back."""
        flat: dict[str, Tensor] = {}
        for name, part in self._parts.items():
            if isinstance(part, Tensor):
                flat[prefix + name] = part
            else:
                flat.update(part.flatten(f"{prefix}{name}."))
        return flat

    @staticmethod
    def unflatten(flat: Mapping[str, Tensor]) -> State:
        """The state whose ``flatten()`` is ``flat``; groups without a tensor leave no trace."""
        leaves: dict[str, Tensor | State] = {}
        groups: dict[str, dict[str, Tensor]] = {}
        for name, tensor in flat.items():
            head, dot, rest = name.partition(".")
            if dot:
                groups.setdefault(head, {})[rest] = tensor
            else:
                leaves[head] = tensor
        for head, group in groups.items():
            leaves[head] = State.unflatten(group)
        return State(leaves)


@dataclasses.dataclass(frozen=True)
class Batch:
    """What a model reads at once. Padded steps hold zeros and are told by ``lengths``.

    Args:
        inputs: per field group (B, T, F) of float, or (B, T) of int64 for symbols.
        lengths: (B,) of int64, valid steps of each row, 0 to T.
        future: field groups known over the horizon, (B, L, F).
        static: field groups that do not change in time, (B, F) of float.
        reference: (B, L, K), what real targets are predicted relative to, in encoded units.
        offset, scale: (B, K), the row's codec: raw = inverse(encoded * scale + offset).
        source: (B,) of int64, which window or document a row came from.
        seeds: (B,) of int64, what random draws for a row are made from: they depend on the row
            alone, and not on where it stands in a batch.
        fresh: (B,) of bool, False where a row continues the same row of the batch before it; or
            (B, T), True at every step at which a sequence starts; or (B, T, 2), the same of each
            way that is read.
        targets: what the head scores; its shape is the head's to say.
        target_mask: like targets' leading axes, True where an element is scored.
        target_lengths: (B,) of int64 where targets have their own lengths.
        row: where the rows begin in the larger batch that they are a part of: what training
            disturbs is drawn for the whole batch, however it is cut.
    """

    inputs: Mapping[str, Tensor]
    lengths: Tensor
    future: Mapping[str, Tensor] = dataclasses.field(default_factory=dict)
    static: Mapping[str, Tensor] = dataclasses.field(default_factory=dict)
    reference: Tensor | None = None
    offset: Tensor | None = None
    scale: Tensor | None = None
    source: Tensor | None = None
    seeds: Tensor | None = None
    fresh: Tensor | None = None
    targets: Tensor | None = None
    target_mask: Tensor | None = None
    target_lengths: Tensor | None = None
    row: int = 0

    @property
    def rows(self) -> int:
        """B, the number of rows."""
        return int(self.lengths.shape[0])

    def replace(self, **changes: Any) -> Batch:
        """A copy with some fields changed."""
        return dataclasses.replace(self, **changes)

    def map(self, change: Callable[[Tensor], Tensor]) -> Batch:
        """The same batch with ``change`` applied to every tensor."""
        changed: dict[str, Any] = {}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, Tensor):
                changed[field.name] = change(value)
            elif isinstance(value, Mapping):
                changed[field.name] = {name: change(tensor) for name, tensor in value.items()}
        return dataclasses.replace(self, **changed)

    def to(self, device: torch.device | str) -> Batch:
        """The same batch on another device."""
        return self.map(lambda tensor: tensor.to(device))

    def select(self, rows: Tensor) -> Batch:
        """The given rows, in that order; ``rows`` is (B',) of int64."""
        return self.map(lambda tensor: tensor.index_select(0, rows))

    def slice(self, start: int, stop: int) -> Batch:
        """Rows ``start`` to ``stop``, which know where in this batch they lay."""
        return self.map(lambda tensor: tensor[start:stop]).replace(row=self.row + start)

    def carried(self, state: State) -> State:
        """Where the batch before ended, and empty in the rows that begin anew from their start."""
        if self.fresh is None or self.fresh.dim() > 1:
            return state
        return state.keep(~self.fresh)

    def target(self) -> Tensor:
        """The targets; a ValueError where the batch was made for prediction only."""
        if self.targets is None:
            raise ValueError("this batch has no targets: it was made for prediction")
        return self.targets


def within(lengths: Tensor, steps: int) -> Tensor:
    """(B, steps) of bool: True where a step comes before its row's length."""
    return torch.arange(steps, device=lengths.device) < lengths.unsqueeze(1)


class Encoded(NamedTuple):
    """A sequence as the trunk understood it.

    z: (B, T, H * directions), the top layer. layers: the embedded inputs (B, T, F), then each
    layer's output, bottom first, z last.
    state: where the sequence ended. lengths: (B,) valid steps.
    """

    z: Tensor
    layers: tuple[Tensor, ...]
    state: State
    lengths: Tensor

    def last(self) -> Encoded:
        """The last valid step of each row, as a sequence of one step."""
        index = (self.lengths - 1).clamp(min=0)

        def pick(z: Tensor) -> Tensor:
            return z.gather(1, index.view(-1, 1, 1).expand(-1, 1, z.shape[2]))

        one = torch.ones_like(self.lengths)
        return Encoded(pick(self.z), tuple(map(pick, self.layers)), self.state, one)


@dataclasses.dataclass(frozen=True)
class Loss:
    """A summed loss and how many elements it scores, so that parts add up exactly.

    total: scalar, in the head's unit. count: scalar, scored elements (not differentiated).
    """

    total: Tensor
    count: Tensor

    @property
    def mean(self) -> Tensor:
        """Mean per scored element; 0 where nothing is scored."""
        return self.total / self.count.clamp(min=1)


@dataclasses.dataclass(frozen=True)
class Prediction:
    """What a head says of each row.

    Args:
        point: the one best answer: (B, L, K) values, (B, ...) of int64 classes or symbols.
        quantiles: (B, L, K, Q) values, rising along Q, at ``levels`` (each in 0 to 1).
        scores: log-probabilities over a finite set, (B, ..., K).
        lengths: (B,) where each row's answer has its own length.
        parameters: (B, L, K, P) of the distribution that the head tells, in encoded units.
    """

    point: Tensor
    quantiles: Tensor | None = None
    levels: tuple[float, ...] = ()
    scores: Tensor | None = None
    lengths: Tensor | None = None
    parameters: Tensor | None = None

    def replace(self, **changes: Any) -> Prediction:
        """A copy with some fields changed."""
        return dataclasses.replace(self, **changes)


class Examples(Protocol):
    """A lazy view of training, validation or test examples; nothing is made before it is asked.

    ``streams`` is None where examples may be read in any order. Else they are chunks of that many
    parallel streams: example n is a chunk of stream n % streams, and the next one of that stream
    is n + streams, so that batches of ``streams`` examples in order continue each other row by row.
    """

    @property
    def streams(self) -> int | None:
        """How many streams go on from batch to batch; None for examples in any order."""
        ...

    def __len__(self) -> int:
        """How many examples there are."""
        ...

    def batch(self, index: Sequence[int]) -> Batch:
        """The examples of the given numbers (0 to len - 1), in that order."""
        ...


@runtime_checkable
class Labelled(Protocol):
    """Examples that can say where one of them comes from."""

    def label(self, number: int) -> str:
        """One example in words: the file, series and time, or whatever finds it again."""
        ...


@runtime_checkable
class Measured(Protocol):
    """Examples of different lengths, which are better read with others of about the same."""

    @property
    def steps(self) -> NDArray[np.int64]:
        """(M,) how long each example is."""
        ...


@runtime_checkable
class Digested(Protocol):
    """Examples that can tell themselves from others without being read one by one."""

    def digest(self) -> bytes:
        """Bytes that change with anything that any batch of the examples holds."""
        ...


class Encoder(Protocol):
    """The trunk: reads a batch, continues from a state, returns every step and the new state."""

    def __call__(self, batch: Batch, state: State | None = None) -> Encoded:
        """Read a batch from an empty or a given state."""
        ...


class Inverse(Protocol):
    """What brings a prediction back to the data's own units or symbols."""

    def inverse(self, prediction: Prediction, batch: Batch) -> Prediction:
        """The prediction in the units of the file that was read."""
        ...


class Stepper(Protocol):
    """Anything that answers, is fed its choice, and answers again."""

    def start(self, batch: Batch, state: State | None = None) -> tuple[Prediction, State]:
        """Read a prompt, context or source; the answer to what comes first after it."""
        ...

    def step(self, batch: Batch, state: State) -> tuple[Prediction, State]:
        """Read one more time step (T = 1) and answer again."""
        ...

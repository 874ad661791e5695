"""LSTMCell, GRUCell and RNNCell: one step of one layer, drop-ins for torch.nn's.

They have every option of their cell's equations; what belongs to sequences belongs to ``LSTM``,
``GRU`` and ``RNN``.
"""

from __future__ import annotations

from typing import Any, Literal, TypedDict, Unpack

import torch
from torch import Tensor, nn

from longshort.kernels import dispatch
from longshort.kernels.reference import GRUOptions, Options, RNNOptions, State, Weights
from longshort.layers.initial import Method, check_choices, initialise
from longshort.layers.parameters import NAMES, shapes
from longshort.layers.recurrent import lstm_cell, lstm_settings


class CellExtras(TypedDict, total=False):
    """What every cell has beyond torch's, keyword-only; see ``LSTM``."""

    layer_norm: bool
    gate_clip: float | None
    forget_bias: float | None
    chrono: int | None
    init: Method


class LSTMCellExtras(CellExtras, total=False):
    """What an LSTM cell has beyond torch's."""

    gating: Literal["sigmoid", "exponential"]
    forget: Literal["gate", "coupled", "none", "exp"]
    peepholes: bool
    cell_clip: float | None


class GRUCellExtras(CellExtras, total=False):
    """What a GRU cell has beyond torch's."""

    reset_after: bool


DEFAULTS: dict[str, Any] = {
    "layer_norm": False,
    "gate_clip": None,
    "forget_bias": None,
    "chrono": None,
    "init": "torch",
}


class Cell(nn.Module):
    """The base of ``LSTMCell``, ``GRUCell`` and ``RNNCell``; it is not used by itself."""

    def __init__(
        self,
        cell: Options,
        input_size: int,
        hidden_size: int,
        bias: bool,
        device: torch.device | str | None,
        dtype: torch.dtype | None,
        extras: dict[str, Any],
        *,
        peepholes: int = 0,
    ) -> None:
        super().__init__()
        name = type(self).__name__
        for key in extras:
            if key not in DEFAULTS:
                raise TypeError(f"{name}.__init__() got an unexpected keyword argument {key!r}")
        self.settings = {**DEFAULTS, **extras}
        self.cell, self.bias = cell, bias
        self.input_size, self.hidden_size = input_size, hidden_size
        self._peepholes = peepholes
        choice = {name: self.settings[name] for name in ("forget_bias", "chrono")}
        check_choices(self.settings["init"], bias=bias, cell=cell, **choice)
        found = shapes(
            cell,
            input_size,
            hidden_size,
            bias=bias,
            peepholes=peepholes,
            layer_norm=self.settings["layer_norm"],
        )
        self._fields = tuple(found)
        for field, shape in found.items():
            values = torch.empty(shape, device=device, dtype=dtype)
            self.register_parameter(NAMES[field], nn.Parameter(values))
        if not bias:
            self.register_parameter("bias_ih", None)
            self.register_parameter("bias_hh", None)
        self.reset_parameters()

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw the first values again, from a generator or from torch's default one."""
        initialise(
            self.weights(),
            self.settings["init"],
            cell=self.cell,
            forget_bias=self.settings["forget_bias"],
            chrono=self.settings["chrono"],
            generator=generator,
        )

    def weights(self) -> Weights:
        """The weights as the kernels name them."""
        return Weights(**{field: getattr(self, NAMES[field]) for field in self._fields})

    def extra_repr(self) -> str:
        """The arguments that are not at their defaults, as torch writes them."""
        text = f"{self.input_size}, {self.hidden_size}"
        if not self.bias:
            text += f", bias={self.bias}"
        own = {k: v for k, v in self.settings.items() if v != DEFAULTS[k]}
        for name, value in (self._own() | own).items():
            text += f", {name}={value}"
        return text

    def _own(self) -> dict[str, Any]:
        return {}

    def _next(self, x: Tensor, hx: State | None, names: tuple[str, ...]) -> State:
        """The next state; parts are named in errors by ``names``."""
        title = type(self).__name__
        if x.dim() not in (1, 2):
            raise ValueError(f"{title}: Expected input to be 1D or 2D, got {x.dim()}D instead")
        for part, name in zip(hx or (), names, strict=True) if hx is not None else ():
            if part.dim() not in (1, 2):
                raise ValueError(
                    f"{title}: Expected {name} to be 1D or 2D, got {part.dim()}D instead"
                )
        batched = x.dim() == 2
        if not batched:
            x = x.unsqueeze(0)
            hx = None if hx is None else tuple(part.unsqueeze(0) for part in hx)
        if x.shape[1] != self.input_size:
            raise RuntimeError(
                f"input has inconsistent input_size: got {x.shape[1]} expected {self.input_size}"
            )
        if hx is None:
            zeros = x.new_zeros(x.shape[0], self.hidden_size)
            hx = (zeros,) * len(self.cell.parts)
        for place, part in enumerate(hx):
            if part.shape[0] != x.shape[0]:
                raise RuntimeError(
                    f"Input batch size {x.shape[0]} doesn't match hidden{place} batch size "
                    f"{part.shape[0]}"
                )
            if part.shape[1] != self.hidden_size:
                raise RuntimeError(
                    f"hidden{place} has inconsistent hidden_size: got {part.shape[1]}, "
                    f"expected {self.hidden_size}"
                )
        state = dispatch.recurrence(x.unsqueeze(1), hx, self.weights(), self.cell).state
        return state if batched else tuple(part.squeeze(0) for part in state)


class LSTMCell(Cell):
    """One step of an LSTM, a drop-in for ``torch.nn.LSTMCell``.

    Args:
        input_size: F.
        hidden_size: H.
        bias: whether the gates have biases.
        device: of the weights.
        dtype: of the weights.
        **extras: as of ``LSTM``.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        **extras: Unpack[LSTMCellExtras],
    ) -> None:
        given: dict[str, Any] = dict(extras)
        cell, peepholes = lstm_cell(given, 0)
        super().__init__(
            cell, input_size, hidden_size, bias, device, dtype, given, peepholes=peepholes
        )

    def forward(self, input: Tensor, hx: State | None = None) -> State:  # noqa: A002
        """From input (B, F) or (F,) and hx = (h, c), each (B, H) or (H,), to the next (h, c).

        Raises:
            ValueError: a wrong number of dimensions.
            RuntimeError: sizes that do not fit.
        """
        return self._next(input, hx, tuple(f"hx[{at}]" for at in range(len(self.cell.parts))))

    def _own(self) -> dict[str, Any]:
        return lstm_settings(self.cell, bool(self._peepholes))


class GRUCell(Cell):
    """One step of a GRU, a drop-in for ``torch.nn.GRUCell``; arguments as of ``LSTMCell``."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        **extras: Unpack[GRUCellExtras],
    ) -> None:
        given: dict[str, Any] = dict(extras)
        cell = GRUOptions(given.pop("reset_after", True), given.get("gate_clip"))
        super().__init__(cell, input_size, hidden_size, bias, device, dtype, given)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:  # noqa: A002
        """From input (B, F) or (F,) and h (B, H) or (H,) to the next h; errors as ``LSTMCell``."""
        return self._next(input, None if hx is None else (hx,), ("hidden",))[0]

    def _own(self) -> dict[str, Any]:
        assert isinstance(self.cell, GRUOptions)
        return {} if self.cell.reset_after else {"reset_after": False}


class RNNCell(Cell):
    """One step of a plain recurrent network, a drop-in for ``torch.nn.RNNCell``.

    Arguments as of ``LSTMCell``, and:

    Args:
        nonlinearity: "tanh" or "relu".
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        **extras: Unpack[CellExtras],
    ) -> None:
        given: dict[str, Any] = dict(extras)
        cell = RNNOptions(nonlinearity, given.get("gate_clip"))  # type: ignore[arg-type]
        super().__init__(cell, input_size, hidden_size, bias, device, dtype, given)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:  # noqa: A002
        """From input (B, F) or (F,) and h (B, H) or (H,) to the next h; errors as ``LSTMCell``."""
        return self._next(input, None if hx is None else (hx,), ("hidden",))[0]

    def _own(self) -> dict[str, Any]:
        return {} if self.nonlinearity == "tanh" else {"nonlinearity": self.nonlinearity}

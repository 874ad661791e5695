"""LSTM, GRU and RNN: drop-ins for torch.nn's, and every option on top.

``longshort.LSTM`` takes the place of ``torch.nn.LSTM``: same arguments, shapes, state-dict names,
first values from the same seed, and errors. What torch does not have is keyword-only. The equations
are in ``kernels.reference``, what layers have in common is in ``stack``.
"""

from __future__ import annotations

from typing import Any, Literal, Unpack, overload

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from longshort.kernels.reference import GRUOptions, LSTMOptions, Options, RNNOptions, SLSTMOptions
from longshort.layers.settings import Extras
from longshort.layers.stack import Stack
from longshort.layers.trace import Trace

Parts = tuple[Tensor, ...]


class LSTMExtras(Extras, total=False):
    """What an LSTM has beyond torch's."""

    gating: Literal["sigmoid", "exponential"]
    forget: Literal["gate", "coupled", "none", "exp"]
    peepholes: bool
    cell_clip: float | None
    proj_clip: float | None
    recurrent_dropout: float
    zoneout_cell: float


class GRUExtras(Extras, total=False):
    """What a GRU has beyond torch's."""

    reset_after: bool
    recurrent_dropout: float


class LSTM(Stack[Parts]):
    """A stack of LSTM layers, a drop-in for ``torch.nn.LSTM``.

    Shapes, with D = 2 if ``bidirectional`` else 1, N = num_layers * D and P = proj_size or H:

    * input (B, T, F) if ``batch_first``, else (T, B, F); (T, F) unbatched; or a PackedSequence
    * hx = (h (N, B, P), c (N, B, H)), without B if unbatched; (h, c, n, m) of an sLSTM; None is
      zeros, or the learned state
    * output as the input, with D * P features; states as hx, layer by layer, forward first

    Args:
        input_size: F, features of one time step.
        hidden_size: H, units of each layer and direction.
        num_layers: how many layers read one another.
        bias: whether the gates have biases.
        batch_first: whether B comes before T in input and output (never in states).
        dropout: probability of an output element of every layer but the last being zeroed while
            training.
        bidirectional: whether a second set of weights reads each sequence backwards.
        proj_size: P, if above 0: the hidden state is projected to it (Sak et al. 2014).
        device: of the weights.
        dtype: of the weights.
        gating: "sigmoid", or "exponential" for an sLSTM (Beck et al. 2024).
        forget: "gate"; "coupled" for f = 1 - i; "none" for f = 1, the LSTM of 1997; "exp" for an
            sLSTM with an exponential forget gate.
        peepholes: whether the gates look at the cell.
        layer_norm: normalise every gate's sum, and the cell as it is read.
        gate_clip: bound of what every gate's nonlinearity reads.
        cell_clip: bound of the cell.
        proj_clip: bound of the projected hidden state.
        variational_input: see ``layers.regularise``, as for the next five: probabilities.
        variational_hidden: one mask per row over the hidden state that is multiplied.
        recurrent_dropout: of the candidate at every step.
        zoneout_hidden: of the hidden state.
        zoneout_cell: of the cell.
        weight_drop: of the recurrent weights.
        forget_bias: first value of the forget gate's bias (the sum of both); None leaves it to
            ``init``. 1.0 is the usual choice.
        chrono: the longest time to remember in steps, instead of ``forget_bias``.
        init: "torch", "glorot", "he" or "orthogonal"; see ``layers.initial``.
        learn_state: whether the state to begin with is learned: ``initial_h`` (N, P) and
            ``initial_c`` (N, H). It stands for hx=None and after resets.
        residual: whether every layer but the first adds its input to its output.
        merge: both directions as "concat", "sum", "mean" or "product"; P features but for concat.
        memory: what is kept for backward: "all"; "recompute", the states of every step alone; or
            "chunks", a state every sqrt(T) steps. Same gradients.
        engine: "auto", or "reference" or "torch" for that one alone; see ``kernels.dispatch``.

    All masks of a call derive from one seed that is drawn from torch's default generator.

    Raises:
        TypeError: an argument is of the wrong type.
        ValueError: an argument is out of range, or does not go with another.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        **extras: Unpack[LSTMExtras],
    ) -> None:
        given: dict[str, Any] = dict(extras)
        cell, peepholes = lstm_cell(given, proj_size)
        sizes = (
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional,
            proj_size,
        )  # fmt: skip
        super().__init__(cell, sizes, device, dtype, given, peepholes=peepholes)
        self.mode = "LSTM"

    @overload
    def forward(
        self,
        input: Tensor,
        hx: Parts | None = None,
        *,
        lengths: Tensor | None = None,
        resets: Tensor | None = None,
        return_gates: Literal[False] = False,
    ) -> tuple[Tensor, Parts]: ...

    @overload
    def forward(
        self, input: PackedSequence, hx: Parts | None = None
    ) -> tuple[PackedSequence, Parts]: ...

    @overload
    def forward(
        self,
        input: Tensor | PackedSequence,
        hx: Parts | None = None,
        *,
        lengths: Tensor | None = None,
        resets: Tensor | None = None,
        return_gates: bool = False,
    ) -> Any: ...

    def forward(
        self,
        input: Tensor | PackedSequence,  # noqa: A002
        hx: Parts | None = None,
        *,
        lengths: Tensor | None = None,
        resets: Tensor | None = None,
        return_gates: bool = False,
    ) -> tuple[Tensor | PackedSequence, Parts] | Trace:
        """Read sequences and give the last layer's outputs and every layer's last state.

        Args:
            input: padded, unbatched or packed sequences; shapes on the class.
            hx: the state before the first step.
            lengths: (B,) of integers from 0 to T, for padded input: steps from a row's length on
                are not read, their outputs are zero, and the row's state is the one at its length.
            resets: of bool, the input's shape without its features: True where a new sequence
                starts inside a row. Both directions begin anew there.
            return_gates: give a ``Trace`` with every state and gate at every step.

        Raises:
            ValueError: the input has a wrong number of dimensions or dtype, or lengths or resets
                do not fit.
            RuntimeError: the input has a wrong number of features or no steps, or hx does not fit.
        """
        return self._forward(input, hx, lengths, resets, return_gates)  # type: ignore[no-any-return]

    def _own(self) -> dict[str, Any]:
        return lstm_settings(self.cell, bool(self._peepholes)) | super()._own()


class GRU(Stack[Tensor]):
    """A stack of GRU layers, a drop-in for ``torch.nn.GRU``.

    hx is one tensor, (N, B, H). Arguments as of ``LSTM``, without those of its cell and
    projection, and:

    Args:
        reset_after: whether the reset gate comes after the recurrent product, as in torch and
            cuDNN, or before it, as in the paper; see ``kernels.reference.gru``.
        forget_bias: first value of the update gate's bias: z is the share of the state that stays.
        chrono: as ``forget_bias`` for the gate.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        *,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        **extras: Unpack[GRUExtras],
    ) -> None:
        given: dict[str, Any] = dict(extras)
        _refuse_projection(given)
        _refuse(type(self).__name__, given, "zoneout_cell")
        cell = GRUOptions(given.pop("reset_after", True), given.get("gate_clip"))
        sizes = (input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, 0)
        super().__init__(cell, sizes, device, dtype, given)
        self.mode = "GRU"

    def forward(
        self,
        input: Tensor | PackedSequence,  # noqa: A002
        hx: Tensor | None = None,
        *,
        lengths: Tensor | None = None,
        resets: Tensor | None = None,
        return_gates: bool = False,
    ) -> Any:
        """Read sequences; arguments and errors as of ``LSTM.forward``."""
        return self._forward(input, hx, lengths, resets, return_gates)

    def _own(self) -> dict[str, Any]:
        assert isinstance(self.cell, GRUOptions)
        return super()._own() | ({} if self.cell.reset_after else {"reset_after": False})


class RNN(Stack[Tensor]):
    """A stack of plain recurrent layers, a drop-in for ``torch.nn.RNN``.

    hx is one tensor, (N, B, H). Arguments as of ``GRU``, without ``reset_after`` and
    ``recurrent_dropout``; nothing forgets here, so there is no ``forget_bias`` and no ``chrono``.

    Args:
        nonlinearity: "tanh" or "relu".
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        *,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        **extras: Unpack[Extras],
    ) -> None:
        given: dict[str, Any] = dict(extras)
        _refuse_projection(given)
        _refuse(type(self).__name__, given, "zoneout_cell", "recurrent_dropout")
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(
                f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'."
            )
        cell = RNNOptions(nonlinearity, given.get("gate_clip"))  # type: ignore[arg-type]
        sizes = (input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, 0)
        super().__init__(cell, sizes, device, dtype, given)
        self.nonlinearity = nonlinearity
        self.mode = f"RNN_{nonlinearity.upper()}"

    def forward(
        self,
        input: Tensor | PackedSequence,  # noqa: A002
        hx: Tensor | None = None,
        *,
        lengths: Tensor | None = None,
        resets: Tensor | None = None,
        return_gates: bool = False,
    ) -> Any:
        """Read sequences; arguments and errors as of ``LSTM.forward``."""
        return self._forward(input, hx, lengths, resets, return_gates)


def lstm_cell(given: dict[str, Any], proj_size: int) -> tuple[LSTMOptions | SLSTMOptions, int]:
    """Which LSTM is asked for, and its number of peepholes; what says it is taken from ``given``.

    Raises:
        ValueError: a choice is unknown or does not go with another.
    """
    gating, forget = given.pop("gating", "sigmoid"), given.pop("forget", "gate")
    peepholes, cell_clip = given.pop("peepholes", False), given.pop("cell_clip", None)
    proj_clip, gate_clip = given.pop("proj_clip", None), given.get("gate_clip")
    if gating not in ("sigmoid", "exponential"):
        raise ValueError(f"gating should be sigmoid or exponential, got: {gating!r}")
    if proj_clip is not None and not proj_size:
        raise ValueError(f"proj_clip={proj_clip} needs a projection: use proj_size, or cell_clip")
    if gating == "sigmoid":
        if forget == "exp":
            raise ValueError("forget='exp' needs gating='exponential'")
        cell = LSTMOptions(forget, gate_clip, cell_clip, proj_clip)
        return cell, len(cell.peepholes) if peepholes else 0
    extra = {
        "peepholes": peepholes,
        "cell_clip": cell_clip is not None,
        "zoneout_cell": given.get("zoneout_cell", 0.0) > 0,
    }
    for name, on in extra.items():
        if on:
            raise ValueError(
                f"{name} does not go with gating='exponential': its cell has no scale of its own"
            )
    if forget not in ("gate", "exp"):
        raise ValueError(f"forget should be gate or exp with exponential gating, got: {forget!r}")
    return SLSTMOptions("sigmoid" if forget == "gate" else "exp", gate_clip, proj_clip), 0


def lstm_settings(cell: Options, peepholes: bool) -> dict[str, Any]:
    """What ``lstm_cell`` took, where it is not at its default."""
    if isinstance(cell, SLSTMOptions):
        forget = "exp" if cell.forget == "exp" else "gate"
        found: dict[str, Any] = {"gating": "exponential", "forget": forget, "cell_clip": None}
        found["proj_clip"] = cell.proj_clip
    else:
        assert isinstance(cell, LSTMOptions)
        found = {"gating": "sigmoid", "forget": cell.forget, "cell_clip": cell.cell_clip}
        found["proj_clip"] = cell.proj_clip
    found["peepholes"] = peepholes
    usual = ("sigmoid", "gate", None, False)
    return {name: value for name, value in found.items() if value not in usual}


def _refuse(name: str, given: dict[str, Any], *without: str) -> None:
    """Refuse what this cell has not."""
    for key in without:
        if key in given:
            raise TypeError(f"{name}.__init__() got an unexpected keyword argument {key!r}")


def _refuse_projection(given: dict[str, Any]) -> None:
    if "proj_size" in given:
        raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")

"""Recurrent layers with the interface of torch.nn, around this package's own recurrence.

``longshort.LSTM`` takes the place of ``torch.nn.LSTM``: same arguments, shapes, state-dict names,
first values from the same seed, and errors. What torch does not have is keyword-only.
"""

from __future__ import annotations

import numbers
import warnings
from typing import Any, overload

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from longshort.kernels import dispatch
from longshort.kernels.reference import Weights
from longshort.layers.initial import Method, check_choices, initialise
from longshort.layers.masks import keep_mask


class LSTM(nn.Module):
    """A stack of LSTM layers, a drop-in for ``torch.nn.LSTM``; the equations are in ``reference``.

    Shapes, with D = 2 if ``bidirectional`` else 1 and N = num_layers * D:

    * input (B, T, F) if ``batch_first``, else (T, B, F); (T, F) unbatched; or a PackedSequence
    * hx = (h, c), each (N, B, H), or (N, H) unbatched; None is zeros
    * output as the input, with D * H features; states as hx, layer by layer, forward first

    Args:
        input_size: F, features of one time step.
        hidden_size: H, units of each layer and direction.
        num_layers: how many layers read one another.
        bias: whether the gates have biases.
        batch_first: whether B comes before T in input and output (never in states).
        dropout: probability of an output element of every layer but the last being zeroed while
            training. All masks of a call derive from one seed that is drawn from torch's default
            generator (``masks.keep_mask``, stream = index of the layer that made the output).
        bidirectional: whether a second set of weights reads each sequence backwards.
        device: of the weights.
        dtype: of the weights.
        forget_bias: first value of the forget gate's bias (the sum of both); None leaves it to
            ``init``. 1.0 is the usual choice.
        init: "torch", "glorot", "he" or "orthogonal"; see ``layers.initial``.

    Raises:
        TypeError: an argument is of the wrong type.
        ValueError: an argument is out of range.
    """

    # device and dtype are keyword-only: torch's next positional argument is proj_size, and a
    # projection size must never be taken for a device
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
        forget_bias: float | None = None,
        init: Method = "torch",
    ) -> None:
        super().__init__()
        _check_sizes(input_size, hidden_size, num_layers, bias, batch_first)
        _check_dropout(dropout, num_layers)
        check_choices(init, forget_bias, bias=bias)
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self.forget_bias = forget_bias
        self.init = init
        for layer in range(num_layers):
            features = input_size if layer == 0 else hidden_size * self._directions
            # columns of w_ih and w_hh; biases have none
            columns: list[list[int]] = [[features], [hidden_size], *([[], []] if bias else [])]
            for direction in range(self._directions):
                for name, width in zip(self._names(layer, direction), columns, strict=True):
                    values = torch.empty((4 * hidden_size, *width), device=device, dtype=dtype)
                    self.register_parameter(name, nn.Parameter(values))
        self.reset_parameters()

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw the first values again, from a generator or from torch's default one."""
        for layer in range(self.num_layers):
            for direction in range(self._directions):
                initialise(
                    self.weights(layer, direction),
                    self.init,
                    forget_bias=self.forget_bias,
                    generator=generator,
                )

    def weights(self, layer: int, direction: int = 0) -> Weights:
        """The weights of one layer (from 0) and direction (0 forward, 1 backward)."""
        return Weights(*[getattr(self, name) for name in self._names(layer, direction)])

    @property
    def all_weights(self) -> list[list[nn.Parameter]]:
        """The parameters by layer and direction, as torch lists them."""
        places = [(layer, d) for layer in range(self.num_layers) for d in range(self._directions)]
        return [[getattr(self, name) for name in self._names(*place)] for place in places]

    def flatten_parameters(self) -> None:
        """Do nothing: there is no other memory layout to move to. Here for torch's callers."""

    def extra_repr(self) -> str:
        """The arguments that are not at their defaults, as torch writes them."""
        text = f"{self.input_size}, {self.hidden_size}"
        defaults: dict[str, Any] = {
            "num_layers": 1,
            "bias": True,
            "batch_first": False,
            "dropout": 0.0,
            "bidirectional": False,
            "forget_bias": None,
            "init": "torch",
        }
        for name, default in defaults.items():
            if getattr(self, name) != default:
                text += f", {name}={getattr(self, name)}"
        return text

    @overload
    def forward(
        self,
        input: Tensor,
        hx: tuple[Tensor, Tensor] | None = None,
        *,
        lengths: Tensor | None = None,
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]: ...

    @overload
    def forward(
        self,
        input: PackedSequence,
        hx: tuple[Tensor, Tensor] | None = None,
        *,
        lengths: None = None,
    ) -> tuple[PackedSequence, tuple[Tensor, Tensor]]: ...

    def forward(
        self,
        input: Tensor | PackedSequence,  # noqa: A002
        hx: tuple[Tensor, Tensor] | None = None,
        *,
        lengths: Tensor | None = None,
    ) -> tuple[Tensor | PackedSequence, tuple[Tensor, Tensor]]:
        """Read sequences and give the last layer's outputs and every layer's last state.

        Args:
            input: padded, unbatched or packed sequences; shapes on the class.
            hx: (h, c) before the first step; None is zeros.
            lengths: (B,) of integers from 0 to T, for padded input: steps from a row's length on
                are not read, their outputs are zero, and the row's state is the one at its length.

        Raises:
            ValueError: the input has a wrong number of dimensions or dtype, or lengths do not fit.
            RuntimeError: the input has a wrong number of features or no steps, or hx does not fit.
        """
        if isinstance(input, PackedSequence):
            if lengths is not None:
                raise ValueError("lengths: a PackedSequence has its own, leave lengths=None")
            return self._packed(input, hx)
        outputs, state = self.layers(input, hx, lengths=lengths)
        # torch's callers may use .view on the output
        return outputs[-1].contiguous(), state

    def layers(
        self,
        input: Tensor,  # noqa: A002
        hx: tuple[Tensor, Tensor] | None = None,
        *,
        lengths: Tensor | None = None,
    ) -> tuple[list[Tensor], tuple[Tensor, Tensor]]:
        """As ``forward`` for tensors, but give every layer's output, before dropout.

        Returns:
            num_layers tensors in the input's layout, (B, T, D * H) if ``batch_first``, the first
            layer's first; and (h, c), each (N, B, H).
        """
        if input.dim() not in (2, 3):
            raise ValueError(f"LSTM: Expected input to be 2D or 3D, got {input.dim()}D instead")
        batched = input.dim() == 3
        if not batched and lengths is not None:
            raise ValueError("lengths: an unbatched 2D input is one full sequence; cut it instead")
        time_first = batched and not self.batch_first
        x = input.transpose(0, 1) if time_first else input if batched else input.unsqueeze(0)
        state = self._state(x, hx, batched=batched)
        outputs, (h, c) = self._unroll(x, state, _ragged(lengths, x))
        if not batched:
            return [out.squeeze(0) for out in outputs], (h.squeeze(1), c.squeeze(1))
        return [out.transpose(0, 1) if time_first else out for out in outputs], (h, c)

    def step(
        self, x_t: Tensor, state: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Read one time step; the same weights give the same numbers as the whole sequence.

        Nothing is kept: hand the state that comes back to the next call.

        Args:
            x_t: (B, F).
            state: (h, c), each (num_layers, B, H); None is zeros.

        Returns:
            y_t (B, H) and the state after this step.

        Raises:
            ValueError: ``x_t`` has a wrong number of dimensions or dtype.
            RuntimeError: this LSTM is bidirectional, or features or state do not fit.
        """
        if self.bidirectional:
            raise RuntimeError(
                "LSTM.step: a bidirectional LSTM reads each sequence from its end as well, so it "
                "cannot go step by step; use bidirectional=False or pass whole sequences"
            )
        if x_t.dim() != 2:
            raise ValueError(f"LSTM.step: Expected x_t to be 2D (B, F), got {x_t.dim()}D instead")
        x = x_t.unsqueeze(1)
        outputs, state = self._unroll(x, self._state(x, state, batched=True), None)
        return outputs[-1].squeeze(1), state

    @property
    def _directions(self) -> int:
        return 2 if self.bidirectional else 1

    def _names(self, layer: int, direction: int) -> list[str]:
        names = ["weight_ih", "weight_hh", *(["bias_ih", "bias_hh"] if self.bias else [])]
        return [f"{name}_l{layer}{'_reverse' if direction else ''}" for name in names]

    def _unroll(
        self, x: Tensor, state: tuple[Tensor, Tensor], lengths: Tensor | None
    ) -> tuple[list[Tensor], tuple[Tensor, Tensor]]:
        """All layers over x (B, T, F): each layer's output (B, T, D * H), and the last states."""
        h, c = (part.unbind(0) for part in state)
        dropping = self.training and self.dropout > 0 and self.num_layers > 1
        seed = int(torch.randint(2**63 - 1, (), device="cpu")) if dropping else 0
        outputs: list[Tensor] = []
        last: list[tuple[Tensor, Tensor]] = []
        for layer in range(self.num_layers):
            if layer > 0 and dropping:
                x = x * keep_mask(
                    seed, layer - 1, x.shape, self.dropout, dtype=x.dtype, device=x.device
                )
            sides: list[Tensor] = []
            for direction in range(self._directions):
                first = (h[len(last)], c[len(last)])
                weights = self.weights(layer, direction)
                out, end = dispatch.lstm(x, first, weights, lengths=lengths, reverse=direction == 1)
                sides.append(out)
                last.append(end)
            x = torch.cat(sides, dim=2) if self.bidirectional else sides[0]
            outputs.append(x)
        last_h, last_c = zip(*last, strict=True)
        return outputs, (torch.stack(last_h), torch.stack(last_c))

    def _packed(
        self, packed: PackedSequence, hx: tuple[Tensor, Tensor] | None
    ) -> tuple[PackedSequence, tuple[Tensor, Tensor]]:
        """As ``forward``; padded in between, so that rows and states are in the user's order."""
        x, lengths = pad_packed_sequence(packed, batch_first=True)
        outputs, state = self._unroll(x, self._state(x, hx, batched=True), _ragged(lengths, x))
        out = outputs[-1]
        if packed.sorted_indices is not None:
            out = out.index_select(0, packed.sorted_indices)
            lengths = lengths.index_select(0, packed.sorted_indices.to(lengths.device))
        data = pack_padded_sequence(out, lengths, batch_first=True).data
        order = (packed.batch_sizes, packed.sorted_indices, packed.unsorted_indices)
        return PackedSequence(data, *order), state

    def _state(
        self, x: Tensor, hx: tuple[Tensor, Tensor] | None, *, batched: bool
    ) -> tuple[Tensor, Tensor]:
        """The state to begin with, each (N, B, H); x (B, T, F) and hx are checked as torch does."""
        weight = self.weights(0).w_hh
        if x.dtype != weight.dtype and not torch.is_autocast_enabled(x.device.type):
            raise ValueError(
                f"RNN input dtype ({x.dtype}) does not match weight dtype ({weight.dtype}). "
                f"Convert input: input.to({weight.dtype}), or convert model: model.to({x.dtype})"
            )
        if x.dim() != 3:
            raise RuntimeError(f"input must have 3 dimensions, got {x.dim()}")
        if x.shape[2] != self.input_size:
            raise RuntimeError(
                "input.size(-1) must be equal to input_size. "
                f"Expected {self.input_size}, got {x.shape[2]}"
            )
        if x.shape[1] == 0:
            raise RuntimeError("Expected sequence length to be larger than 0 in RNN")
        size = (self.num_layers * self._directions, x.shape[0], self.hidden_size)
        if hx is None:
            zeros = weight.new_zeros(size)
            return zeros, zeros
        h, c = hx
        dims = (h.dim(), c.dim())
        if dims != ((3, 3) if batched else (2, 2)):
            form = "batched 3-D" if batched else "unbatched 2-D"
            raise RuntimeError(
                f"For {form} input, hx and cx should also be {form[-3:]} "
                f"but got ({dims[0]}-D, {dims[1]}-D) tensors"
            )
        if not batched:
            h, c = h.unsqueeze(1), c.unsqueeze(1)
        for place, part in enumerate((h, c)):
            if part.shape != size:
                raise RuntimeError(f"Expected hidden[{place}] size {size}, got {list(part.shape)}")
            if part.dtype != x.dtype and not torch.is_autocast_enabled(x.device.type):
                raise RuntimeError(
                    "Input and hidden tensors are not the same dtype, found input tensor with "
                    f"{x.dtype} and hidden[{place}] with {part.dtype}"
                )
        return h, c


def _check_sizes(
    input_size: int, hidden_size: int, num_layers: int, bias: bool, batch_first: bool
) -> None:
    """Torch's checks with torch's words."""
    for name, flag in (("bias", bias), ("batch_first", batch_first)):
        if not isinstance(flag, bool):
            raise TypeError(f"{name} should be of type bool, got: {type(flag).__name__}")
    for name, size in (("input_size", input_size), ("hidden_size", hidden_size)):
        if not isinstance(size, int):
            raise TypeError(f"{name} should be of type int, got: {type(size).__name__}")
        if size <= 0:
            raise ValueError(f"{name} must be greater than zero")
    if num_layers <= 0:
        raise ValueError("num_layers must be greater than zero")


def _check_dropout(dropout: float, num_layers: int) -> None:
    """Torch's check with torch's words, and torch's warning."""
    known = isinstance(dropout, numbers.Real) and not isinstance(dropout, bool)
    if not known or not 0 <= dropout <= 1:
        raise ValueError(
            "dropout should be a number in range [0, 1] representing the probability of an "
            "element being zeroed"
        )
    if dropout > 0 and num_layers == 1:
        warnings.warn(
            "dropout option adds dropout after all but last recurrent layer, so non-zero dropout "
            f"expects num_layers greater than 1, but got dropout={dropout} and "
            f"num_layers={num_layers}",
            stacklevel=3,
        )


def _ragged(lengths: Tensor | None, x: Tensor) -> Tensor | None:
    """Lengths on x's device once they fit x (B, T, F); None where every row is full."""
    if lengths is None:
        return None
    rows, steps = x.shape[:2]
    if lengths.shape != (rows,):
        raise ValueError(f"lengths should have shape ({rows},), got {list(lengths.shape)}")
    if lengths.is_floating_point() or lengths.is_complex() or lengths.dtype == torch.bool:
        raise ValueError(f"lengths should be of an integer dtype, got {lengths.dtype}")
    bad = ((lengths < 0) | (lengths > steps)).nonzero().flatten().tolist()
    if bad:
        value = int(lengths[bad[0]])
        raise ValueError(f"lengths should be from 0 to T={steps}, got {value} in row {bad[0]}")
    return lengths.to(x.device) if bool((lengths < steps).any()) else None

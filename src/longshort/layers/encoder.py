"""The only trunk in the package: embedded fields through a recurrent stack."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from longshort.contracts import Batch, Encoded, Params, State, whole
from longshort.errors import ArgumentError, suggest
from longshort.layers.channels import Channels
from longshort.layers.embed import Embed
from longshort.layers.initial import Method
from longshort.layers.masks import dropped, keep_mask
from longshort.layers.recurrent import GRU, LSTM, RNN
from longshort.layers.stack import Stack
from longshort.layers.stem import DeepStem, Stem, frames

Cell = Literal["lstm", "gru", "rnn", "slstm"]

# what each cell is called
NAMES: dict[Cell, str] = {"lstm": "LSTM", "gru": "GRU", "rnn": "RNN", "slstm": "sLSTM"}

# far beyond any stack that was ever trained, and a second's work to build
MOST_LAYERS = 1000


@dataclass(frozen=True)
class Recurrent(Params):
    """The recurrent stack.

    Args:
        size: H, units per layer and direction.
        depth: layers, 1 to 1000.
        bidirectional: read both ways; not for models that stream.
        dropout: share of each step's inputs to the stack, of the values between its layers, and
            of its outputs that training sets to zero, 0 to 1 (1 excluded).
        init: "torch", "glorot", "he" or "orthogonal" (see ``longshort.layers.initial``).
        forget_bias: what the forget gates start with; 1 or more keeps memory open at first
            (Gers et al. 2000, Jozefowicz et al. 2015). None leaves it to ``init``. In a GRU it is
            the update gate's; an RNN has none.
        cell: "lstm", "gru", "rnn" (tanh) or "slstm" (exponential gating, Beck et al. 2024).
        stem: steps that a convolution in front of the stack reads at once; None for none. It is
            centred where the stack reads both ways, and looks back alone where it does not.
        stride: steps from one answer of the stem to the next, which is what the stack reads: for
            long signals.
        convolutions: how many of the stem's width stand one after the other, each normalised where
            there are two or more; the last one has the stride.
        input_dropout: of the inputs alone; None is ``dropout``.
        locked: all steps of a row lose the same ones (Gal and Ghahramani 2016).
        weight_drop: share of the recurrent weights that training sets to zero, others in each
            batch (Merity et al. 2018).
        projection: P, below H: every layer's hidden state is projected to so many numbers, which
            are what it answers and what it remembers beside its cell (LSTMP, Sak et al. 2014). Of
            LSTMs and sLSTMs alone. None for none. The CPU engine, and cuDNN on full rows, read it
            as they read others.
        residual: every layer but the first adds what it read to what it answers (He et al. 2016;
            Peters et al. 2018). Nothing where there is one layer.

    Raises:
        ArgumentError: a value out of range.
    """

    size: int = 32
    depth: int = 1
    bidirectional: bool = False
    dropout: float = 0.4
    init: Method = "torch"
    forget_bias: float | None = 1.0
    cell: Cell = "lstm"
    stem: int | None = None
    stride: int = 1
    convolutions: int = 1
    input_dropout: float | None = None
    locked: bool = False
    weight_drop: float = 0.0
    projection: int | None = None
    residual: bool = False

    def __post_init__(self) -> None:
        for name in ("size", "depth", "stride", "convolutions"):
            whole(f"Recurrent({name})", getattr(self, name), 1)
        self._whole(1, "size", "depth", "stem", "stride", "convolutions", "projection")
        if self.convolutions > 1 and self.stem is None:
            raise ArgumentError(
                f"Recurrent(convolutions={self.convolutions}): say how many steps each one reads "
                "(stem=)"
            )
        if self.stride > (self.stem or 1):
            raise ArgumentError(
                f"Recurrent(stride={self.stride}): a stem of {self.stem or 'no'} steps would not "
                "read every one; use a stem that is as wide or wider"
            )
        if self.depth > MOST_LAYERS:
            raise ArgumentError(f"Recurrent(depth={self.depth}): must be 1 to {MOST_LAYERS}")
        if self.forget_bias is not None and not math.isfinite(self.forget_bias):
            raise ArgumentError(f"Recurrent(forget_bias={self.forget_bias}): must be finite")
        for name in ("dropout", "weight_drop", "input_dropout"):
            share = getattr(self, name)
            if share is not None and not 0 <= share < 1:
                raise ArgumentError(f"Recurrent({name}={share}): must be in 0 to 1, 1 excluded")
        if self.locked and self.input_dropout is not None:
            raise ArgumentError(
                f"Recurrent(input_dropout={self.input_dropout}): with locked=True every layer's "
                "inputs lose the same share; leave it out"
            )
        for name, known in (("init", get_args(Method)), ("cell", get_args(Cell))):
            if getattr(self, name) not in known:
                value = getattr(self, name)
                raise ArgumentError(f"Recurrent({name}={value!r}): {suggest(value, known)}")
        if self.projection is not None:
            told = f"Recurrent(projection={self.projection}"
            if self.cell not in ("lstm", "slstm"):
                raise ArgumentError(
                    f"{told}, cell={self.cell!r}): LSTMs alone are projected; leave it out, or use "
                    "cell='lstm'"
                )
            if self.projection >= self.size:
                raise ArgumentError(f"{told}): must be below size={self.size}, what it projects")

    @property
    def outputs(self) -> int:
        """What a layer and direction answers at each step: P, or H where nothing is projected."""
        return self.size if self.projection is None else self.projection

    @property
    def width(self) -> int:
        """Width of the encoding: P * directions, or H * directions."""
        return self.outputs * (2 if self.bidirectional else 1)

    @property
    def name(self) -> str:
        """What the cell is called, "LSTM"."""
        return NAMES[self.cell]

    @property
    def words(self) -> str:
        """The stack in words, "2 x LSTM(256), both directions"."""
        told = f"{self.depth} x {self.name}({self.size})"
        told += "" if self.projection is None else f" projected to {self.projection}"
        told += ", residual" if self.residual and self.depth > 1 else ""
        return told + (", both directions" if self.bidirectional else "")


class RecurrentEncoder(nn.Module):
    """Embed, then a stem if there is one, then the stack: Batch -> Encoded, from any state.

    The state holds the cell's parts, of an LSTM ``h`` and ``c``, each (B, layers * directions, H),
    ``h`` (.., P) where it is projected, and the last steps that a stem has read.

    Args:
        embed: of the fields.
        recurrent: the stem and the stack.
        segment: steps that are one step of the stack, side by side (SegRNN, Lin et al. 2023: the
            input weights embed them); counted from each row's end, zero before its beginning.
    """

    def __init__(self, embed: Embed, recurrent: Recurrent, segment: int = 1) -> None:
        super().__init__()
        self.embed, self.segment = embed, segment
        self.dropout, self.locked = recurrent.dropout, recurrent.locked
        own = recurrent.input_dropout
        self.input_dropout = recurrent.dropout if own is None else own
        self.stem: Stem | DeepStem | None = None
        width = embed.width
        if recurrent.stem is not None:
            ahead = recurrent.stem // 2 if recurrent.bidirectional else 0
            shape = width, recurrent.size, recurrent.stem, recurrent.stride, ahead
            deep = recurrent.convolutions > 1
            self.stem = DeepStem(*shape, recurrent.convolutions) if deep else Stem(*shape)
            width = recurrent.size
        self.stack = make_stack(width * segment, recurrent)

    def inputs(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """What the stack reads, (B, T, F), and the lengths, (B,)."""
        x, lengths, _ = self._front(self.embed(batch), batch.lengths, None)
        return x, lengths

    def _front(
        self, x: Tensor, lengths: Tensor, before: Tensor | None
    ) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """What the stack reads of embedded fields, its lengths, and the stem's part of the end."""
        end: dict[str, Tensor] = {}
        if self.stem is not None:
            x, lengths, after = self.stem(x, lengths, before)
            end = {"stem": after} if self.stem.streams else {}
        if self.segment > 1:
            x, lengths = frames(x, lengths, self.segment, self.segment)
        return x, lengths, end

    def forward(self, batch: Batch, state: State | None = None) -> Encoded:
        """Read the batch; ``state`` is what an earlier call ended with.

        Raises:
            ValueError: there is a state, and the stack reads both ways or not every step.
        """
        given = state if state is not None and len(state) else None
        if given is not None:
            self._refuse_state()
        embedded = self.embed(batch)
        before = None if given is None or self.stem is None else given.tensor("stem")
        x, lengths, end = self._front(embedded, batch.lengths, before)
        if self._stride > 1:
            # what was there at the steps that are answered
            embedded, _ = frames(embedded, batch.lengths, 1, self._stride)
        dropping = self.training and (self.dropout > 0 or self.input_dropout > 0)
        # one draw a call from torch's default generator, as torch's own dropout would
        seed = int(torch.randint(2**62, ())) if dropping else 0
        if dropping and not self.locked:
            x = dropped(x, seed, -1, self.input_dropout, batch.row)
        parts = self.stack.cell.parts
        hx: Any = None
        if given is not None:
            hx = tuple(given.tensor(part).transpose(0, 1) for part in parts)
            hx = hx if len(parts) > 1 else hx[0]
        resets = None if batch.fresh is None or batch.fresh.dim() == 1 else batch.fresh
        outputs, last = self.stack.layers(x, hx, lengths=lengths, resets=resets, row=batch.row)
        z = outputs[-1]
        if dropping:
            # one mask for all steps where they are locked; the stack then has its inputs' own
            shape = (z.shape[0], 1 if self.locked else z.shape[1], z.shape[2])
            z = z * keep_mask(
                seed, -2, shape, self.dropout, row=batch.row, dtype=z.dtype, device=z.device
            )
        ends = last if len(parts) > 1 else (last,)
        end |= {part: value.transpose(0, 1) for part, value in zip(parts, ends, strict=True)}
        return Encoded(z, (embedded, *outputs[:-1], z), State(end), lengths)

    @property
    def _stride(self) -> int:
        """Steps of the batch from one step of the stack to the next."""
        return self.segment * (1 if self.stem is None else self.stem.stride)

    def _refuse_state(self) -> None:
        if self.stack.bidirectional:
            raise ValueError(
                "a stack that reads both ways begins at each sequence's end, so there is no "
                "state to go on from: use bidirectional=False, or read whole sequences"
            )
        if self._stride > 1:
            raise ValueError(
                f"a stack that reads {self._stride} steps as one counts them from each sequence's "
                "end, so there is no state to go on from: use segment=1 and stride=1, or read "
                "whole sequences"
            )


def make_stack(inputs: int, recurrent: Recurrent) -> Stack[Any]:
    """The recurrent layers that these settings name."""
    settings: dict[str, Any] = {
        "batch_first": True,
        "dropout": recurrent.dropout if recurrent.depth > 1 and not recurrent.locked else 0.0,
        "variational_input": recurrent.dropout if recurrent.locked else 0.0,
        "weight_drop": recurrent.weight_drop,
        "bidirectional": recurrent.bidirectional,
        "init": recurrent.init,
        "residual": recurrent.residual,
    }
    if recurrent.cell == "rnn":
        return RNN(inputs, recurrent.size, recurrent.depth, **settings)
    settings["forget_bias"] = recurrent.forget_bias
    if recurrent.cell == "gru":
        return GRU(inputs, recurrent.size, recurrent.depth, **settings)
    gating: Literal["sigmoid", "exponential"] = (
        "exponential" if recurrent.cell == "slstm" else "sigmoid"
    )
    settings["proj_size"] = recurrent.projection or 0
    return LSTM(inputs, recurrent.size, recurrent.depth, gating=gating, **settings)


def parameter_count(module: nn.Module) -> int:
    """How many numbers training adjusts."""
    return sum(p.numel() for p in module.parameters() if p.requires_grad)


def step_cost(encoder: nn.Module) -> int:
    """Multiply-adds of one step of the recurrence of one row through a trunk's matrices.

    Looking a symbol up in its table costs none.
    """
    if isinstance(encoder, Channels):
        return len(encoder.columns) * step_cost(encoder.encoder)
    tables = {id(m.weight) for m in encoder.modules() if isinstance(m, nn.Embedding)}
    matrices = [p for p in encoder.parameters() if p.dim() == 2 and id(p) not in tables]
    return sum(math.prod(matrix.shape) for matrix in matrices)

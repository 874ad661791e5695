"""A stack of recurrent layers with the interface of torch.nn's, around any cell of ``kernels``.

What every cell's layer has: parameters under torch's names, depth, both directions, ragged rows,
regularisers, a state to begin with. ``recurrent`` holds the cells' own rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Generic, TypeVar, cast

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from longshort.kernels import dispatch
from longshort.kernels.dispatch import Engine
from longshort.kernels.reference import Options, Reading, State, Steps, Weights
from longshort.layers import arguments, inference
from longshort.layers.initial import check_choices, initialise
from longshort.layers.masks import draw_seed, dropped
from longshort.layers.parameters import NAMES, shapes
from longshort.layers.regularise import KINDS, Regularisers
from longshort.layers.settings import DEFAULTS, complete
from longshort.layers.stream import Chunk, Stream, chunks
from longshort.layers.summary import Summary, cost, plain_costs
from longshort.layers.trace import Runs, Trace, merge

# the state as the user sees it: a tuple of parts for an LSTM, one tensor for a GRU or RNN
S = TypeVar("S")


class Stack(nn.Module, Generic[S]):
    """The base of ``LSTM``, ``GRU`` and ``RNN``; it is not used by itself."""

    def __init__(
        self,
        cell: Options,
        sizes: tuple[int, int, int, bool, bool, float, bool, int],
        device: torch.device | str | None,
        dtype: torch.dtype | None,
        extras: dict[str, Any],
        *,
        peepholes: int = 0,
    ) -> None:
        super().__init__()
        input_size, hidden_size, num_layers, bias, batch_first, dropout, both, proj_size = sizes
        # the warning points at the line that makes the layer: above this and the row's constructor
        arguments.check_dropout(dropout, num_layers, stacklevel=3)
        arguments.check_sizes(input_size, hidden_size, num_layers, bias, batch_first, proj_size)
        self.cell = cell
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.dropout = bias, batch_first, float(dropout)
        self.bidirectional, self.proj_size = both, proj_size
        self.settings = complete(type(self).__name__, extras)
        self.regularisers = Regularisers(**{kind: self.settings[kind] for kind in KINDS})
        self._peepholes = peepholes
        choice = {name: self.settings[name] for name in ("forget_bias", "chrono")}
        check_choices(self.settings["init"], bias=bias, cell=cell, **choice)
        self._fields: tuple[str, ...] = ()
        for layer in range(num_layers):
            found = self._shapes(layer)
            self._fields = tuple(found)
            for direction in range(self._directions):
                for field, shape in found.items():
                    values = torch.empty(shape, device=device, dtype=dtype)
                    name = self._name(field, layer, direction)
                    self.register_parameter(name, nn.Parameter(values))
        self._learned: tuple[str, ...] = ()
        if self.settings["learn_state"]:
            self._learned = cell.parts[:2]
            for part, width in zip(self._learned, self._widths, strict=False):
                values = torch.empty(self._places, width, device=device, dtype=dtype)
                self.register_parameter(f"initial_{part}", nn.Parameter(values))
        self.reset_parameters()

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw the first values again, from a generator or from torch's default one."""
        names = ("forget_bias", "chrono")
        for place in range(self._places):
            initialise(
                self.weights(*divmod(place, self._directions)),
                self.settings["init"],
                cell=self.cell,
                generator=generator,
                **{name: self.settings[name] for name in names},
            )
        for part in self._learned:
            nn.init.zeros_(getattr(self, f"initial_{part}"))

    def weights(self, layer: int, direction: int = 0) -> Weights:
        """The weights of one layer (from 0) and direction (0 forward, 1 backward)."""
        return Weights(**{f: getattr(self, self._name(f, layer, direction)) for f in self._fields})

    @property
    def all_weights(self) -> list[list[nn.Parameter]]:
        """The parameters by layer and direction, as torch lists them."""
        places = [divmod(place, self._directions) for place in range(self._places)]
        return [
            [getattr(self, self._name(field, *place)) for field in self._fields] for place in places
        ]

    def flatten_parameters(self) -> None:
        """Do nothing: there is no other memory layout to move to. Here for torch's callers."""

    def extra_repr(self) -> str:
        """The arguments that are not at their defaults, as torch writes them."""
        text = f"{self.input_size}, {self.hidden_size}"
        defaults = {
            "proj_size": 0,
            "num_layers": 1,
            "bias": True,
            "batch_first": False,
            "dropout": 0.0,
            "bidirectional": False,
        }
        for name, default in defaults.items():
            if getattr(self, name) != default:
                text += f", {name}={getattr(self, name)}"
        for name, value in self._own().items():
            text += f", {name}={value}"
        return text

    def engine(
        self, *, lengths: bool = False, resets: bool = False, return_gates: bool = False
    ) -> Engine:
        """Say which engine runs this layer on its device, and why, for batches that are so read.

        Raises:
            ValueError: the engine that was asked for cannot.
        """
        weights = self.weights(0)
        x = weights.w_ih.detach().new_zeros(1, 2, self.input_size)
        reading: Reading = {"record": return_gates}
        if lengths:
            reading["lengths"] = torch.ones(1, dtype=torch.int64)
        if resets:
            reading["resets"] = torch.ones(1, 2, dtype=torch.bool)
        seed = 0 if self.training else None
        reading["masks"] = self.regularisers.masks(seed, 0, x, self._widths[0], self.hidden_size)
        return dispatch.choose(x, (), weights, self.cell, self.settings["engine"], **reading)

    def _forward(
        self,
        input: Tensor | PackedSequence,  # noqa: A002
        hx: S | None,
        lengths: Tensor | None,
        resets: Tensor | None,
        return_gates: bool,
    ) -> Any:
        if isinstance(input, PackedSequence):
            if lengths is not None or resets is not None:
                name = "resets" if lengths is None else "lengths"
                raise ValueError(f"{name}: a PackedSequence has its own, leave {name}=None")
            return self._packed(input, hx, return_gates)
        plain = lengths is None and resets is None and not return_gates
        if plain and (quick := inference.read(self, input, hx)) is not None:
            return quick
        outputs, state, trace = self._layers(input, hx, lengths, resets, return_gates)
        # torch's callers may use .view on the output
        output = outputs[-1].contiguous()
        return Trace(output, state, *trace) if return_gates else (output, state)

    def layers(
        self,
        input: Tensor,  # noqa: A002
        hx: S | None = None,
        *,
        lengths: Tensor | None = None,
        resets: Tensor | None = None,
        row: int = 0,
    ) -> tuple[list[Tensor], S]:
        """As ``forward`` for tensors, but give every layer's output, before dropout.

        ``row`` is where the rows begin in the larger batch whose masks they are trained with.

        Returns:
            num_layers tensors in the input's layout, (B, T, D * H) if ``batch_first``, the first
            layer's first; and the last state.
        """
        outputs, state, _ = self._layers(input, hx, lengths, resets, False, row)
        return outputs, state

    def summary(self) -> Summary:
        """Parameters and cost per step of this stack, and of plain other cells of its size.

        ``print(layer.summary())`` shows a table.
        """
        own = [self._shapes(place // self._directions) for place in range(self._places)]
        learned = self._places * sum(self._widths[:2]) if self._learned else 0
        first = cost(self.cell.cell, own, learned, self._places * sum(self._widths))
        sizes = (self.input_size, self.hidden_size, self.num_layers, self._directions)
        return Summary((first, *plain_costs(self.cell.cell, *sizes, bias=self.bias)))

    def step(self, x_t: Tensor, state: S | None = None) -> tuple[Tensor, S]:
        """Read one time step; the same weights give the same numbers as the whole sequence.

        Nothing is kept: hand the state that comes back to the next call. While training with
        dropout, every step draws masks of its own.

        Args:
            x_t: (B, F).
            state: as hx; None is the state to begin with.

        Returns:
            y_t (B, H) and the state after this step.

        Raises:
            ValueError: ``x_t`` has a wrong number of dimensions or dtype.
            RuntimeError: the layer is bidirectional, or features or state do not fit.
        """
        self._refuse_both_ways("step")
        if (quick := inference.step(self, x_t, state)) is not None:
            return cast(tuple[Tensor, S], quick)
        if x_t.dim() != 2:
            raise ValueError(f"step: Expected x_t to be 2D (B, F), got {x_t.dim()}D instead")
        x = x_t.unsqueeze(1)
        runs = self._unroll(x, self._begin(x, state, batched=True), None, None)
        return runs.outputs[-1].squeeze(1), self._close(runs.state)

    def stream(self, batch: int = 1) -> Stream[S]:
        """A running copy of the state for ``batch`` rows, which is updated in place."""
        self._refuse_both_ways("stream")
        return Stream(self, batch)

    def truncated(
        self,
        input: Tensor,  # noqa: A002
        every: int,
        hx: S | None = None,
        *,
        lengths: Tensor | None = None,
        resets: Tensor | None = None,
    ) -> Iterator[Chunk[S]]:
        """Truncated backpropagation through time: read a long input ``every`` steps at a time.

        The state goes from chunk to chunk, its gradient does not. Each chunk is read when it is
        asked for, so weights may change in between.

            for chunk in layer.truncated(x, 100):
                loss(chunk.output, y[chunk.start : chunk.stop]).backward()

        Args:
            input, hx, lengths, resets: as ``forward`` takes them, but no PackedSequence.
            every: steps of a chunk, 1 or more; the last may be shorter.

        Raises:
            TypeError: the input is a PackedSequence.
            ValueError: ``every`` is below 1, or lengths or resets do not fit the whole input.
            RuntimeError: the layer is bidirectional.
        """
        self._refuse_both_ways("truncated")
        return chunks(self, input, every, hx, lengths, resets)

    @property
    def disturbed(self) -> bool:
        """Whether training draws masks."""
        return self.regularisers.active or (self.dropout > 0 and self.num_layers > 1)

    @property
    def _directions(self) -> int:
        return 2 if self.bidirectional else 1

    @property
    def _places(self) -> int:
        """N, layers times directions."""
        return self.num_layers * self._directions

    @property
    def _widths(self) -> tuple[int, ...]:
        """The widths of the parts of a state: P, then H."""
        hidden = self.proj_size or self.hidden_size
        return (hidden, *[self.hidden_size] * (len(self.cell.parts) - 1))

    def _own(self) -> dict[str, Any]:
        """What is not at its default of what torch has not."""
        return {k: v for k, v in self.settings.items() if v != DEFAULTS.get(k, v)}

    def _shapes(self, layer: int) -> dict[str, tuple[int, ...]]:
        """The weights that one layer and direction has, in torch's order."""
        several = self._directions if self.settings["merge"] == "concat" else 1
        return shapes(
            self.cell,
            self._widths[0] * several if layer else self.input_size,
            self.hidden_size,
            bias=self.bias,
            projected=self.proj_size,
            peepholes=self._peepholes,
            layer_norm=self.settings["layer_norm"],
        )

    def _name(self, field: str, layer: int, direction: int) -> str:
        return f"{NAMES[field]}_l{layer}{'_reverse' if direction else ''}"

    def _layers(
        self,
        input: Tensor,  # noqa: A002
        hx: S | None,
        lengths: Tensor | None,
        resets: Tensor | None,
        record: bool,
        row: int = 0,
    ) -> tuple[list[Tensor], S, tuple[dict[str, Tensor], dict[str, Tensor]]]:
        if input.dim() not in (2, 3):
            tensor = " tensor" if self.cell.cell == "rnn" else ""
            raise ValueError(
                f"{type(self).__name__}: Expected input to be 2D or 3D, "
                f"got {input.dim()}D{tensor} instead"
            )
        batched = input.dim() == 3
        if not batched and lengths is not None:
            raise ValueError("lengths: an unbatched 2D input is one full sequence; cut it instead")
        arguments.check_resets(resets, input.shape[:-1])
        time_first = batched and not self.batch_first
        x = input.transpose(0, 1) if time_first else input if batched else input.unsqueeze(0)
        if resets is not None:
            resets = resets.t() if time_first else resets if batched else resets.unsqueeze(0)
        state = self._begin(x, hx, batched=batched)
        lengths = arguments.check_lengths(lengths, x)
        runs = self._unroll(x, state, lengths, resets, record, row)
        trace = runs.trace(self.cell, batched, self.batch_first) if record else ({}, {})
        if not batched:
            last = tuple(part.squeeze(1) for part in runs.state)
            return [out.squeeze(0) for out in runs.outputs], self._close(last), trace
        turned = [out.transpose(0, 1) if time_first else out for out in runs.outputs]
        return turned, self._close(runs.state), trace

    def _unroll(
        self,
        x: Tensor,
        state: State,
        lengths: Tensor | None,
        resets: Tensor | None,
        record: bool = False,
        row: int = 0,
    ) -> Runs:
        """All layers over x (B, T, F), from a state of parts (N, B, .)."""
        parts = [part.unbind(0) for part in state]
        dropping = self.training and self.dropout > 0 and self.num_layers > 1
        drawing = self.training and self.disturbed
        seed = draw_seed() if drawing else None
        reading: Reading = {"lengths": lengths, "resets": resets, "record": record}
        outputs: list[Tensor] = []
        runs: list[Steps] = []
        for layer in range(self.num_layers):
            if layer > 0 and dropping and seed is not None:
                x = dropped(x, seed, layer - 1, self.dropout, row)
            for direction in range(self._directions):
                first = tuple(part[len(runs)] for part in parts)
                runs.append(self._one(x, first, layer, direction, seed, row, reading))
            out = merge([run.out for run in runs[-self._directions :]], self.settings["merge"])
            x = out + x if self.settings["residual"] and layer else out
            outputs.append(x)
        ends = zip(*[run.state for run in runs], strict=True)
        last = tuple(e[0][None] if len(e) == 1 else torch.stack(e) for e in ends)
        return Runs(outputs, last, runs)

    def _one(
        self,
        x: Tensor,
        first: State,
        layer: int,
        direction: int,
        seed: Tensor | None,
        row: int,
        reading: Reading,
    ) -> Steps:
        """One layer in one direction."""
        weights, stream = self.weights(layer, direction), 2 * layer + direction
        reading = {**reading, "reverse": direction == 1}
        if self.regularisers.active:
            reading["masks"] = self.regularisers.masks(
                seed, stream, x, self._widths[0], self.hidden_size, row
            )
            weights = weights._replace(w_hh=self.regularisers.thin(weights.w_hh, seed, stream))
        if reading["resets"] is not None:
            place = layer * self._directions + direction
            reading["initial"] = tuple(part[place] for part in self._fresh(weights.w_hh))
        return dispatch.recurrence(
            x,
            first,
            weights,
            self.cell,
            engine=self.settings["engine"],
            memory=self.settings["memory"],
            **reading,
        )

    def _packed(self, packed: PackedSequence, hx: S | None, return_gates: bool) -> Any:
        """As ``forward``; padded in between, so that rows and states are in the user's order."""
        x, lengths = pad_packed_sequence(packed, batch_first=True)
        state = self._begin(x, hx, batched=True)
        runs = self._unroll(x, state, arguments.check_lengths(lengths, x), None, return_gates)
        out = runs.outputs[-1]
        if packed.sorted_indices is not None:
            out = out.index_select(0, packed.sorted_indices)
            lengths = lengths.index_select(0, packed.sorted_indices.to(lengths.device))
        data = pack_padded_sequence(out, lengths, batch_first=True).data
        order = (packed.batch_sizes, packed.sorted_indices, packed.unsorted_indices)
        result, last = PackedSequence(data, *order), self._close(runs.state)
        if return_gates:
            return Trace(result, last, *runs.trace(self.cell, True, self.batch_first))
        return result, last

    def _begin(self, x: Tensor, hx: S | None, *, batched: bool) -> State:
        """The state to begin with, parts of (N, B, .), once x (B, T, F) and hx are checked."""
        weight = cast(Tensor, getattr(self, self._name("w_hh", 0, 0)))
        arguments.check_input(x, weight, self.input_size)
        rows = x.shape[0]
        if hx is None:
            if not self._learned:
                return tuple(weight.new_zeros(self._places, rows, width) for width in self._widths)
            fresh = self._fresh(weight)
            return tuple(part.unsqueeze(1).expand(-1, rows, -1) for part in fresh)
        parts = self._open(hx)
        arguments.check_rank(parts, batched=batched)
        if not batched:
            parts = tuple(part.unsqueeze(1) for part in parts)
        expected: list[tuple[int, ...]] = [(self._places, rows, wide) for wide in self._widths]
        arguments.check_state(parts, expected, x)
        return parts

    def _fresh(self, like: Tensor) -> State:
        """The state to begin with of one row: parts of (N, .)."""
        fresh = []
        for name, width in zip(self.cell.parts, self._widths, strict=True):
            if name in self._learned:
                fresh.append(cast(Tensor, getattr(self, f"initial_{name}")))
            else:
                # a learned cell of an sLSTM is a memory that has been written once
                fill = 1.0 if name == "n" and self._learned else 0.0
                fresh.append(like.new_full((self._places, width), fill))
        return tuple(fresh)

    def _refuse_both_ways(self, method: str) -> None:
        if self.bidirectional:
            name = type(self).__name__
            raise RuntimeError(
                f"{name}.{method}: a bidirectional {name} reads each sequence from its end as "
                "well, so it cannot go step by step; use bidirectional=False or pass whole "
                "sequences"
            )

    def _open(self, hx: S) -> State:
        """The user's state as a tuple of parts."""
        return (hx,) if isinstance(hx, Tensor) else tuple(cast(State, hx))

    def _close(self, state: State) -> S:
        """A tuple of parts as the user sees it."""
        return cast(S, state[0] if len(self.cell.parts) == 1 else state)

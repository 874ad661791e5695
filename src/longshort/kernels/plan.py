"""A stack of layers bound once: the CPU engine's shortest way when no gradient is wanted.

A plan holds the packed weights of its layers and knows when one of them has changed. The numbers
are those of any other call of the engine, bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from longshort.kernels import cpu
from longshort.kernels.problem import describe
from longshort.kernels.reference import Masks, Options, State, Weights


class Plan:
    """How full rows go through layers that feed each other; no gradients.

    Args:
        weights: of each layer, the first first.
        options: of the cell that all layers have.
        masks: of each layer, (1, 1, 1) each: zoneout's expectation.
        named: everything that the weights are among, as their owner holds it.
        residual: every layer but the first adds what it read to its output.
    """

    def __init__(
        self,
        weights: Sequence[Weights],
        options: Options,
        masks: Sequence[Masks],
        named: Mapping[str, Tensor | None],
        *,
        residual: bool = False,
    ) -> None:
        first = weights[0].w_ih
        units = weights[0].w_hh.shape[0] // len(options.gates)
        self.features, self.outputs = first.shape[1], weights[0].w_hh.shape[1]
        self.dtype, self.depth = first.dtype, len(weights)
        # of the parts of a state
        self.widths = tuple(self.outputs if part == "h" else units for part in options.parts)
        self._fresh = cpu.watch(named, [w for layer in weights for w in layer if w is not None])
        # two of each, so that what is every row's and every step's is told with strides of 0
        state = tuple(first.new_empty(2, width) for width in self.widths)
        problems, self._held = [], []
        for layer, own in zip(weights, masks, strict=True):
            x = first.new_empty(2, 2, layer.w_ih.shape[1])
            problem, held = describe(x, state, layer, options, None, {"masks": own})
            problems.append(problem)
            self._held += held
        # layers between which something is added are read one by one
        runs = [[problem] for problem in problems] if residual else [problems]
        bound = [cpu.bind(run, [cpu.pack(p) for p in run]) for run in runs]
        self._steps: list[Callable[..., None]] = [run.step for run in bound]
        self._reads: list[Callable[..., None]] = [run.read for run in bound]
        # bytes of one row of one layer's state
        self._sizes = tuple(width * first.element_size() for width in (*self.widths, 0)[:2])

    def takes(self, x: Tensor) -> bool:
        """Whether x (..., F) may be handed on as memory, and no weight has changed since.

        Changes through ``weight.data`` in place cannot be seen: make them under
        ``torch.no_grad()`` instead.
        """
        return (
            x.shape[-1] == self.features
            and x.dtype is self.dtype
            and x.numel() > 0
            and cpu.memory(x)
            and self._fresh()
        )

    def fits(self, state: State, rows: int) -> bool:
        """Whether a state's parts (N, B, .) may be handed on as memory."""
        return len(state) == len(self.widths) and all(
            part.shape == (self.depth, rows, width)
            and part.dtype is self.dtype
            and cpu.memory(part)
            for part, width in zip(state, self.widths, strict=True)
        )

    def step(self, x: Tensor, before: Sequence[int], after: Sequence[int]) -> Tensor:
        """Read x (B, F) into an output (B, P), from and to states that ``addresses`` gave."""
        rows = x.shape[0]
        out = x.new_empty(rows, self.outputs)
        self._steps[0](rows, x.data_ptr(), out.data_ptr(), *before, *after)
        for step in self._steps[1:]:
            before, after = self._next(before, rows), self._next(after, rows)
            x, out = out, torch.empty_like(out)
            step(rows, x.data_ptr(), out.data_ptr(), *before, *after)
            out += x
        return out

    def read(self, x: Tensor, state: State, *, batch_first: bool) -> tuple[Tensor, State]:
        """Read x, (B, T, F) or (T, B, F), into an output like it, and give the state after it."""
        rows, steps = x.shape[:2] if batch_first else (x.shape[1], x.shape[0])
        out = x.new_empty(x.shape[0], x.shape[1], self.outputs)
        after = tuple([torch.empty_like(part) for part in state])
        sizes = rows, steps, batch_first, torch.get_num_threads()
        first, last = self.addresses(state), self.addresses(after)
        self._reads[0](*sizes, x.data_ptr(), out.data_ptr(), *first, *last)
        for read in self._reads[1:]:
            first, last = self._next(first, rows), self._next(last, rows)
            x, out = out, torch.empty_like(out)
            read(*sizes, x.data_ptr(), out.data_ptr(), *first, *last)
            out += x
        return out, after

    def addresses(self, state: State) -> tuple[int, int]:
        """Where a state's parts (N, B, .) lie; they must be contiguous and stay alive."""
        return (state[0].data_ptr(), state[1].data_ptr() if len(state) > 1 else 0)

    def _next(self, places: Sequence[int], rows: int) -> tuple[int, int]:
        """The next layer's part of states that lie there."""
        return (places[0] + rows * self._sizes[0], places[1] + rows * self._sizes[1])

"""One time step through a stack of layers, with everything bound once: the CPU engine's fast path.

A plan holds the packed weights of its layers and knows when one of them has changed. The numbers
are those of the whole sequence, bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from longshort.kernels import cpu
from longshort.kernels.problem import describe, place
from longshort.kernels.reference import Masks, Options, State, Weights


class Plan:
    """How some rows go one step through layers that feed each other; no gradients.

    Args:
        weights: of each layer, the first first.
        options: of the cell that all layers have.
        masks: of each layer, (1, 1, 1) each: zoneout's expectation.
        rows: B.
        named: everything that the weights are among, as their owner holds it.
    """

    def __init__(
        self,
        weights: Sequence[Weights],
        options: Options,
        masks: Sequence[Masks],
        rows: int,
        named: Mapping[str, Tensor | None],
    ) -> None:
        first = weights[0].w_ih
        outputs, units = weights[0].w_hh.shape[1], weights[0].w_hh.shape[0] // len(options.gates)
        self.rows, self.dtype = rows, first.dtype
        self.shape = torch.Size((rows, first.shape[1]))
        self.states = tuple(
            torch.Size((len(weights), rows, outputs if part == "h" else units))
            for part in options.parts
        )
        # an output like this one is made for every step
        self.output = first.new_empty(rows, outputs)
        self._fresh = cpu.watch(named, [w for layer in weights for w in layer if w is not None])
        x, problems, self._held = first.new_empty(rows, 1, first.shape[1]), [], []
        state = tuple(first.new_empty(shape[1:]) for shape in self.states)
        for layer, own in zip(weights, masks, strict=True):
            problem, held = describe(x, state, layer, options, None, {"masks": own})
            x = first.new_empty(rows, 1, outputs)
            problem.y = place(x)
            problems.append(problem)
            self._held += [*held, x]
        self._step: Callable[..., None] = cpu.bind(problems, [cpu.pack(p) for p in problems])

    def takes(self, x: Tensor) -> bool:
        """Whether x (B, F) may be handed on as memory, and no weight has changed since.

        Changes through ``weight.data`` in place cannot be seen: make them under
        ``torch.no_grad()`` instead.
        """
        return x.shape == self.shape and x.dtype is self.dtype and cpu.memory(x) and self._fresh()

    def step(self, x: Tensor, before: Sequence[int], after: Sequence[int]) -> Tensor:
        """Read x into an output (B, P), from and to states that ``addresses`` gave."""
        out = torch.empty_like(self.output)
        self._step(x.data_ptr(), out.data_ptr(), *before, *after)
        return out

    def addresses(self, state: State) -> tuple[int, int]:
        """Where a state's parts (N, B, .) lie; they must be contiguous and stay alive."""
        return (state[0].data_ptr(), state[1].data_ptr() if len(state) > 1 else 0)

r"""One vector for a whole sequence, from its steps; padding never matters.

    last        what each direction ended with
    mean, max   over the valid steps
    attention   sum_t a_t z_t,   a = softmax_t(v . tanh(W z_t + b))          (Yang et al. 2016)

Several are put side by side: "mean+max". A sequence of no steps is a vector of zeros.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor, nn

from longshort.contracts import Encoded, State, within
from longshort.errors import ArgumentError, suggest

Pooling = Literal["last", "mean", "max", "attention"]


class Pooled(NamedTuple):
    """A sequence as one vector z (B, W), and attention's weights (B, T), None without it."""

    z: Tensor
    weights: Tensor | None


def check_pooling(value: str) -> tuple[Pooling, ...]:
    """The parts of "mean+max".

    Raises:
        ArgumentError: one of them is unknown or there twice.
    """
    known = get_args(Pooling)
    parts = tuple(part.strip() for part in value.split("+"))
    for part in parts:
        if part not in known or parts.count(part) > 1:
            raise ArgumentError(f"pooling={value!r}: {suggest(part, known)}, each at most once")
    return parts  # type: ignore[return-value]


class Pool(nn.Module):
    """See this module's page.

    Args:
        pooling: "last", "mean", "max", "attention", or several joined by "+".
        size: width of the encoding, H * directions.
        directions: 1, or 2 where the stack reads both ways.
    """

    def __init__(self, pooling: str, size: int, directions: int = 1) -> None:
        super().__init__()
        self.parts = check_pooling(pooling)
        self.forwards = size // directions
        self.width = size * len(self.parts)
        self.look: nn.Linear | None = None
        if "attention" in self.parts:
            self.look = nn.Linear(size, size)
            self.judge = nn.Linear(size, 1, bias=False)

    def forward(self, encoded: Encoded) -> Pooled:
        """z (B, W) from (B, T, H * directions)."""
        z, lengths = encoded.z, encoded.lengths
        inside = within(lengths, z.shape[1]).unsqueeze(2)
        # padding may hold anything
        z = torch.where(inside, z, z.new_zeros(()))
        weights, found = None, []
        for part in self.parts:
            if part == "last":
                end = encoded._replace(z=z).last().z[:, 0, : self.forwards]
                found.append(torch.cat([end, z[:, 0, self.forwards :]], 1))
            elif part == "mean":
                found.append(z.sum(1) / lengths.clamp(min=1).unsqueeze(1))
            elif part == "max":
                high = torch.where(inside, z, z.new_full((), -torch.inf)).amax(1)
                found.append(torch.where(lengths.unsqueeze(1) > 0, high, high.new_zeros(())))
            else:
                weights = self._attention(z, inside)
                found.append((weights.unsqueeze(2) * z).sum(1))
        return Pooled(torch.cat(found, 1), weights)

    def begin(self, rows: int, device: torch.device) -> State:
        """What ``step`` remembers before the first step, of B rows."""
        size = self.width // len(self.parts)
        zero = torch.zeros(rows, size, device=device)
        one = torch.zeros(rows, 1, device=device)
        kept = {"count": one}
        for part in self.parts:
            if part == "mean":
                kept["sum"] = zero.double()
            elif part == "max":
                kept["most"] = zero - torch.inf
            elif part == "attention":
                kept |= {"level": one - torch.inf, "weight": one, "seen": zero}
        return State(kept)

    def step(self, z: Tensor, state: State) -> tuple[Tensor, State]:
        """What all steps up to this one z (B, H) are together, (B, W), read forwards."""
        new: dict[str, Tensor | State] = {"count": state.tensor("count") + 1}
        found = []
        for part in self.parts:
            if part == "last":
                found.append(z)
            elif part == "mean":
                total = new["sum"] = state.tensor("sum") + z
                found.append((total / new["count"]).to(z.dtype))  # type: ignore[operator]
            elif part == "max":
                most = new["most"] = torch.maximum(state.tensor("most"), z)
                found.append(most)
            else:
                assert self.look is not None
                score = self.judge(torch.tanh(self.look(z)))
                # relative to the greatest score so far, as a softmax over all of them is
                level = torch.maximum(state.tensor("level"), score)
                before, now = (state.tensor("level") - level).exp(), (score - level).exp()
                weight = state.tensor("weight") * before + now
                seen = state.tensor("seen") * before + now * z
                new |= {"level": level, "weight": weight, "seen": seen}
                found.append(seen / weight)
        return torch.cat(found, 1), State(new)

    def _attention(self, z: Tensor, inside: Tensor) -> Tensor:
        assert self.look is not None
        scores = self.judge(torch.tanh(self.look(z)))
        # finite, so that a sequence of no steps has a derivative
        weights = torch.where(inside, scores, scores.new_full((), -1e30)).softmax(1)
        return torch.where(inside, weights, weights.new_zeros(())).squeeze(2)

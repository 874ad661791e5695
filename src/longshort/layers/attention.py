r"""What a decoder looks at of a source, for each symbol that it writes.

With m_j the source's encoded steps, s_t the decoder's state and c_tj what step j was looked at so
far,

    general    e_tj = s_t' W m_j                             Luong, Pham and Manning 2015
    additive   e_tj = v' tanh(W s_t + U m_j + w c_tj)        Bahdanau, Cho and Bengio 2015
    weights    a_t = softmax(e_t), over the steps that are there
    context    r_t = sum_j a_tj m_j

The term with c_tj = sum_{t' < t} a_t'j is there where coverage is asked for (See, Liu and Manning
2017); "general" has w c_tj added outside.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

Scoring = Literal["general", "additive"]


class Memory(NamedTuple):
    """An encoded source, made ready to be looked at.

    values (B, T, M): its steps. keys (B, T, A): what queries are compared with. there (B, T) of
    bool: which steps there are. copied (B, T) of int64: the symbol that each step is written as;
    None where nothing is copied.
    """

    values: Tensor
    keys: Tensor
    there: Tensor
    copied: Tensor | None = None

    def select(self, rows: Tensor) -> Memory:
        """The sources of these rows."""
        return Memory(*(None if part is None else part.index_select(0, rows) for part in self))  # type: ignore[arg-type]


class Attention(nn.Module):
    """Weights over a source's steps, and their weighted mean.

    Args:
        queries: width of the decoder's state.
        values: M, width of the source's steps.
        scoring: "general" or "additive", see this module's page.
        covered: whether what was looked at already counts.
    """

    def __init__(self, queries: int, values: int, scoring: Scoring, *, covered: bool) -> None:
        super().__init__()
        self.scoring = scoring
        self.key = nn.Linear(values, queries, bias=scoring == "additive")
        self.query: nn.Linear | None = None
        if scoring == "additive":
            self.query = nn.Linear(queries, queries, bias=False)
            self.across = nn.Parameter(torch.empty(queries).uniform_(-1, 1) * queries**-0.5)
        shape = (queries,) if scoring == "additive" else ()
        self.covered = nn.Parameter(torch.zeros(shape)) if covered else None

    def memory(self, values: Tensor, there: Tensor, copied: Tensor | None = None) -> Memory:
        """A source (B, T, M) made ready."""
        values = torch.where(there.unsqueeze(2), values, values.new_zeros(()))
        return Memory(values, self.key(values), there, copied)

    def forward(
        self, query: Tensor, memory: Memory, looked: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """The contexts (B, U, M) of queries (B, U, A), and the weights (B, U, T), which sum to 1.

        Of a source without steps both are 0.

        Args:
            query: U states of each row.
            memory: B sources.
            looked: (B, U, T), how much was looked at each step already; for ``covered`` alone.
        """
        scores = self._scores(query, memory, looked)
        scores = scores.masked_fill(~memory.there.unsqueeze(1), -torch.inf)
        # of a row of nothing a softmax is no number
        nothing = ~memory.there.any(1)
        if bool(nothing.any()):
            scores = scores.masked_fill(nothing.view(-1, 1, 1), 0.0)
            weights = scores.softmax(-1) * memory.there.unsqueeze(1)
        else:
            weights = scores.softmax(-1)
        return torch.bmm(weights, memory.values), weights

    def _scores(self, query: Tensor, memory: Memory, looked: Tensor | None) -> Tensor:
        """(B, U, T)."""
        if self.query is None:
            scores = torch.bmm(query, memory.keys.transpose(1, 2))
            if self.covered is not None and looked is not None:
                scores = scores + self.covered * looked
            return scores
        sums = self.query(query).unsqueeze(2) + memory.keys.unsqueeze(1)
        if self.covered is not None and looked is not None:
            sums = sums + looked.unsqueeze(3) * self.covered
        return functional.linear(sums.tanh(), self.across)

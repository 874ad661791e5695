r"""Linear-chain conditional random fields: the best sequence of tags, not a sequence of best tags.

Lafferty, McCallum & Pereira (2001); over an LSTM, Huang, Xu & Yu (2015). With emissions e of the
encoding, transitions A, and what a sequence may begin (b) and end (d) with,

    s(y | x) = b_{y_1} + sum_t e_{t, y_t} + sum_{t > 1} A_{y_{t-1}, y_t} + d_{y_T}
    log p(y | x) = s(y | x) - log Z(x),        Z(x) = sum over all y of exp s(y | x)

log Z is computed by the forward algorithm

    a_1 = b + e_1,   a_{t, j} = e_{t, j} + log sum_i exp(a_{t-1, i} + A_{i, j})

and its derivative by an emission is the marginal p(y_t = j | x). Transitions that the tagging
scheme forbids have a probability of zero, while training and afterwards.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from longshort.contracts import Batch, Encoded, Loss, Prediction, within
from longshort.heads.base import Head
from longshort.heads.sparse import Sparse

# log of a probability that is zero: finite, so that differences of two of them are no NaN
NEVER = -1e4


class Allowed(NamedTuple):
    """What a tagging scheme allows, of bool: tags to begin with (K,), pairs (K, K), to end with."""

    first: Tensor
    pairs: Tensor
    last: Tensor

    @staticmethod
    def all(tags: int) -> Allowed:
        """Everything."""
        # real also where networks are built without memory: a scheme is no weight of a file
        shapes = (tags,), (tags, tags), (tags,)
        return Allowed(*(torch.ones(each, dtype=torch.bool, device="cpu") for each in shapes))


class Paths(NamedTuple):
    """The best sequences of each row, the best first.

    tags (B, N, T) of int64, 0 beyond a row's length; scores (B, N), s(y | x), ``NEVER`` or less
    where a row has fewer than N sequences.
    """

    tags: Tensor
    scores: Tensor


class CRF(nn.Module):
    """The chain by itself: scores, log Z, marginals and the best sequences, for ragged rows.

    Rows of no steps have one sequence, the empty one, of score 0.

    Args:
        tags: K.
        allowed: what the scheme allows; None allows everything.
    """

    def __init__(self, tags: int, allowed: Allowed | None = None) -> None:
        super().__init__()
        self.tags = tags
        self.begin = nn.Parameter(torch.zeros(tags))
        self.transitions = nn.Parameter(torch.zeros(tags, tags))
        self.end = nn.Parameter(torch.zeros(tags))
        for name, part in (allowed or Allowed.all(tags))._asdict().items():
            self.register_buffer(f"allowed_{name}", part.clone(), persistent=False)
        self.allowed_first: Tensor
        self.allowed_pairs: Tensor
        self.allowed_last: Tensor

    def _chain(self) -> tuple[Tensor, Tensor, Tensor]:
        """b, A and d with what is forbidden at ``NEVER``."""
        never = self.begin.new_tensor(NEVER)
        return (
            torch.where(self.allowed_first, self.begin, never),
            torch.where(self.allowed_pairs, self.transitions, never),
            torch.where(self.allowed_last, self.end, never),
        )

    def score(self, emissions: Tensor, tags: Tensor, lengths: Tensor) -> Tensor:
        """s(y | x), (B,), of tags (B, T) under emissions (B, T, K).

        Tags beyond a row's length may be anything from 0 to K - 1.
        """
        begin, pairs, end = self._chain()
        inside = within(lengths, emissions.shape[1])
        own = emissions.gather(2, tags.unsqueeze(2)).squeeze(2)
        total = torch.where(inside, own, own.new_zeros(())).sum(1)
        steps = torch.where(inside[:, 1:], pairs[tags[:, :-1], tags[:, 1:]], own.new_zeros(()))
        last = tags.gather(1, (lengths - 1).clamp(min=0).unsqueeze(1)).squeeze(1)
        edges = begin[tags[:, 0]] + end[last]
        return total + steps.sum(1) + torch.where(lengths > 0, edges, edges.new_zeros(()))

    def log_partition(self, emissions: Tensor, lengths: Tensor) -> Tensor:
        """log Z(x), (B,)."""
        found: Tensor = _Partition.apply(  # type: ignore[no-untyped-call]
            emissions, *self._chain(), lengths
        )
        return found

    @torch.no_grad()
    def marginals(self, emissions: Tensor, lengths: Tensor) -> Tensor:
        """p(y_t = j | x), (B, T, K); zeros beyond a row's length. Not differentiable."""
        return _Scan.of(emissions, *self._chain(), lengths).marginals().to(emissions.dtype)

    @torch.no_grad()
    def best(self, emissions: Tensor, lengths: Tensor, count: int = 1) -> Paths:
        """The ``count`` best sequences of every row, by the Viterbi algorithm.

        With more than one it keeps that many for every tag at every step (Seshadri & Sundberg
        1994, the list Viterbi algorithm).
        """
        begin, pairs, end = self._chain()
        rows, steps, tags = emissions.shape
        inside = within(lengths, steps)
        # (B, K, N): the best scores that end in a tag; at first there is one way to be there
        best = emissions.new_full((rows, tags, count), 2 * NEVER)
        best[:, :, 0] = begin + emissions[:, 0]
        back: list[Tensor] = []
        stay = torch.arange(tags * count, device=emissions.device).view(1, tags, count)
        for t in range(1, steps):
            ways = (best.unsqueeze(1) + pairs.t()[None, :, :, None]).flatten(2)
            # the one best is found in a tenth of the time
            top = ways.topk(count, dim=2) if count > 1 else ways.max(2, keepdim=True)
            new = top.values + emissions[:, t, :, None]
            going = inside[:, t, None, None]
            best = torch.where(going, new, best)
            back.append(torch.where(going, top.indices, stay))
        final = (best + end[:, None]).flatten(1).topk(count, dim=1)
        at, found = final.indices, []
        for pointers in reversed(back):
            found.append(at // count)
            at = pointers.flatten(1).gather(1, at)
        found.append(at // count)
        sequence = torch.stack(found[::-1], 2)
        sequence = torch.where(inside.unsqueeze(1), sequence, sequence.new_zeros(()))
        empty = torch.full_like(final.values, 2 * NEVER)
        empty[:, 0] = 0
        return Paths(sequence, torch.where((lengths > 0).unsqueeze(1), final.values, empty))


def forward_algorithm(
    emissions: Tensor, begin: Tensor, pairs: Tensor, end: Tensor, lengths: Tensor
) -> Tensor:
    """log Z(x), (B,), as this module's page has it: the definition, differentiable twice."""
    inside = within(lengths, emissions.shape[1])
    alpha = begin + emissions[:, 0]
    for t in range(1, emissions.shape[1]):
        new = (alpha.unsqueeze(2) + pairs).logsumexp(1) + emissions[:, t]
        alpha = torch.where(inside[:, t, None], new, alpha)
    whole = (alpha + end).logsumexp(1)
    return torch.where(lengths > 0, whole, whole.new_zeros(()))


@torch.no_grad()
def one_more(chain: CRF, emissions: Tensor, alpha: Tensor, begun: Tensor) -> Tensor:
    """log p(y_t = j | x_1 .. x_t), (B, K): the forward algorithm of one step, normalised.

    Args:
        chain: K tags.
        emissions: (B, K) of the step, of float64.
        alpha: (B, K), what this gave of the step before.
        begun: (B,) of bool, False where there was none.
    """
    begin, pairs, _ = (part.double() for part in chain._chain())
    later = (alpha.unsqueeze(2) + pairs).logsumexp(1)
    found = torch.where(begun.unsqueeze(1), later, begin) + emissions
    return found - found.logsumexp(1, keepdim=True)


class _Scan(NamedTuple):
    """The forward algorithm from both ends at once, in float64.

    ahead[b, t, j] is a_{t, j}; behind[b, t, j] the same of the sequence read from its end. Both
    include e_t. One step is a product with exp(A), the greatest of each row taken out before: what
    is less than exp(-700) of it is lost, which is below any rounding.
    """

    emissions: Tensor
    pairs: Tensor
    lengths: Tensor
    ahead: Tensor
    behind: Tensor
    whole: Tensor

    @classmethod
    def of(
        cls, emissions: Tensor, begin: Tensor, pairs: Tensor, end: Tensor, lengths: Tensor
    ) -> _Scan:
        """Scan a batch; what is ``NEVER`` or less has no part in it."""
        e, pairs = emissions.detach().double(), pairs.detach().double()
        _, steps, tags = e.shape
        top = pairs.max().clamp(min=NEVER / 2)
        weights = (pairs - top).exp()
        weights = torch.stack([weights, weights.t()])
        # padded steps of a reversed row come last, as they do of the row itself
        turned = (lengths.unsqueeze(1) - 1 - torch.arange(steps, device=e.device)).clamp(min=0)
        turn = turned.unsqueeze(2).expand(-1, -1, tags)
        both = torch.stack([e, e.gather(1, turn)])
        edge = torch.stack([begin, end]).detach().double().unsqueeze(1)
        alpha = edge + both[:, :, 0]
        found = [alpha]
        for t in range(1, steps):
            most = alpha.amax(2, keepdim=True)
            alpha = torch.bmm((alpha - most).exp_(), weights).log_().add_(most + top)
            alpha += both[:, :, t]
            found.append(alpha)
        stacked = torch.stack(found, 2)
        ahead, behind = stacked[0], stacked[1].gather(1, turn)
        last = (lengths - 1).clamp(min=0).view(-1, 1, 1).expand(-1, 1, tags)
        whole = (ahead.gather(1, last).squeeze(1) + edge[1]).logsumexp(1)
        whole = torch.where(lengths > 0, whole, 0.0)
        return cls(e, pairs, lengths, ahead, behind, whole)

    def marginals(self) -> Tensor:
        """p(y_t = j | x), (B, T, K) of float64; zeros beyond a row's length."""
        found = (self.ahead + self.behind - self.emissions - self.whole.view(-1, 1, 1)).exp()
        return torch.where(within(self.lengths, found.shape[1]).unsqueeze(2), found, 0.0)

    def moves(self, weights: Tensor) -> Tensor:
        """How often each tag is expected to follow each, rows weighed by (B,): (K, K)."""
        before, after = self.ahead[:, :-1], self.behind[:, 1:]
        if not before.shape[1]:
            return torch.zeros_like(self.pairs)
        # the greatest of each step goes from one factor to the other, so that neither overflows
        most = before.amax(2, keepdim=True)
        after = (after + most - self.whole.view(-1, 1, 1)).clamp(max=700).exp()
        inside = within(self.lengths, self.ahead.shape[1])[:, 1:, None]
        after = torch.where(inside, after * weights.view(-1, 1, 1), 0.0)
        shares = (before - most).exp().flatten(0, 1).t() @ after.flatten(0, 1)
        return shares * self.pairs.exp()


class _Partition(torch.autograd.Function):
    """log Z by one scan, its derivatives by the expectations that they are."""

    @staticmethod
    def forward(
        ctx: Any, emissions: Tensor, begin: Tensor, pairs: Tensor, end: Tensor, lengths: Tensor
    ) -> Tensor:
        ctx.save_for_backward(emissions, begin, pairs, end, lengths)
        ctx.scan = _Scan.of(emissions, begin, pairs, end, lengths)
        whole: Tensor = ctx.scan.whole
        return whole.to(emissions.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (gradient,) = gradients
        emissions, begin, pairs, end, lengths = ctx.saved_tensors
        if torch.is_grad_enabled():
            # somebody wants to differentiate again
            given = (emissions, begin, pairs, end)
            whole = forward_algorithm(*given, lengths)
            found = torch.autograd.grad(
                whole, given, gradient, create_graph=True, materialize_grads=True
            )
            return (*found, None)
        scan: _Scan = ctx.scan
        weights = gradient.double()
        own = scan.marginals() * weights.view(-1, 1, 1)
        last = (lengths - 1).clamp(min=0).view(-1, 1, 1).expand(-1, 1, own.shape[2])
        found = (own, own[:, 0].sum(0), scan.moves(weights), own.gather(1, last).sum((0, 1)))
        return (*(part.to(emissions.dtype) for part in found), None)


class CRFHead(Head):
    """A tag for every step: all chosen together, or each by itself.

    Args:
        size: width of the encoding, H * directions.
        tags: K.
        allowed: what the tagging scheme allows.
        linked: whether a tag tells something of the next one; if not, the chain stays without
            weights, and p(y | x) is the product of a softmax for each step.
        sparse: weights of the features in ``batch.inputs["features"]``, (B, T, M); None for none.
    """

    def __init__(
        self,
        size: int,
        tags: int,
        allowed: Allowed | None = None,
        *,
        linked: bool = True,
        sparse: Sparse | None = None,
    ) -> None:
        super().__init__()
        self.readout = nn.Linear(size, tags)
        self.chain = CRF(tags, allowed).requires_grad_(linked)
        self.sparse = sparse
        self.register_buffer("shift", torch.zeros(tags))
        self.shift: Tensor

    def emissions(self, encoded: Encoded, batch: Batch) -> Tensor:
        """e, (B, T, K), without the shift."""
        found: Tensor = self.readout(encoded.z)
        if self.sparse is not None:
            found = found + self.sparse(batch.inputs["features"], batch.row)
        return found

    def loss(self, encoded: Encoded, batch: Batch) -> Loss:
        """-log p of every row's tags, (B, T) of int64 in ``batch.targets``; counted by steps."""
        emissions, lengths = self.emissions(encoded, batch), encoded.lengths
        inside = within(lengths, emissions.shape[1])
        tags = torch.where(inside, batch.target(), 0)
        total = self.chain.log_partition(emissions, lengths)
        total = total - self.chain.score(emissions, tags, lengths)
        return Loss(total.sum(), lengths.sum())

    def decode(self, encoded: Encoded, batch: Batch) -> Prediction:
        """The best sequence of tags (B, T), and the log of each step's marginals (B, T, K)."""
        emissions, lengths = self.emissions(encoded, batch), encoded.lengths
        point = self.chain.best(emissions + self.shift, lengths).tags[:, 0]
        marginals = self.chain.marginals(emissions, lengths)
        floor = torch.finfo(marginals.dtype).tiny
        return Prediction(point, scores=marginals.clamp(min=floor).log(), lengths=lengths)

    @torch.no_grad()
    def lean(self, shift: Tensor) -> None:
        """Add (K,) to the scores of tags from now on where the best sequence is sought.

        Where some tags are far rarer than others the likeliest sequence misses most of them; what
        scores best by another measure is found by a shift. Probabilities stay as they were learnt.
        """
        self.shift.copy_(shift)

r"""Which of K categories a sequence is, or each of its steps.

With a = W z + b, and T the temperature that calibrates probabilities after training (Guo et al.
2017), 1 until then,

    one       p = softmax(a / T)                 loss  -w_y log p_y        one category of several
    many      p_k = sigmoid(a_k / T)             loss  of each by itself   any number of them
    ordered   P(y <= k) = sigmoid((t_k - a) / T) loss  -w_y log p_y        t rises (McCullagh 1980)

Label smoothing s (Szegedy et al. 2016) takes (1 - s) of the loss of what is true and s / K of each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional

from longshort.contracts import Batch, Encoded, Loss, Params, Prediction
from longshort.errors import ArgumentError, suggest
from longshort.heads.base import Head, masked
from longshort.layers.masks import dropped
from longshort.layers.pool import Pool, check_pooling

Kind = Literal["one", "many", "ordered"]
Weights = Literal["none", "balanced"]


@dataclass(frozen=True)
class Category(Params):
    """What is answered of a sequence, and how.

    Args:
        kind: "one" of several categories, any number of them ("many"), or one of an order
            ("ordered"), in which a near miss is less wrong than a far one.
        pooling: how steps become one vector: "last", "mean", "max" or "attention", or several
            joined by "+".
        weights: "balanced" makes every category count the same in the loss, however rare it is:
            N / (K N_k); "none" makes every item count the same.
        smoothing: label smoothing, 0 to 1 (1 excluded).
        dropout: share of the pooled vector that training sets to zero, 0 to 1 (1 excluded).
        calibrate: learn a temperature from the validation part, so that probabilities are neither
            too sure nor too unsure.
        order: the categories from low to high, for "ordered"; numbers have their own.

    Raises:
        ArgumentError: a value that is not possible.
    """

    kind: Kind = "one"
    pooling: str = "mean+max"
    weights: Weights = "none"
    smoothing: float = 0.0
    dropout: float = 0.5
    calibrate: bool = True
    order: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, known in (("kind", get_args(Kind)), ("weights", get_args(Weights))):
            if (value := getattr(self, name)) not in known:
                raise ArgumentError(f"Category({name}={value!r}): {suggest(str(value), known)}")
        check_pooling(self.pooling)
        for name in ("smoothing", "dropout"):
            if not 0 <= getattr(self, name) < 1:
                given = getattr(self, name)
                raise ArgumentError(f"Category({name}={given}): must be in 0 to 1, 1 excluded")
        object.__setattr__(self, "order", tuple(map(str, self.order)))
        if len(set(self.order)) < len(self.order):
            raise ArgumentError(f"Category(order={self.order}): a category stands there twice")


# log 1/2
_HALF = -0.6931471805599453


class CategoryHead(Head):
    """A category for every sequence.

    Targets are (B,) of int64, or (B, K) of 0 and 1 for "many".

    Args:
        size: width of the encoding, H * directions.
        classes: K, 2 or more; 1 or more for "many".
        kind: see this module's page.
        pooling: how steps become one vector, see ``layers.pool``.
        directions: 1, or 2 where the stack reads both ways.
        weights: (K,) of the classes in the loss, mean 1 over the training part; None for all 1.
        smoothing: s, 0 to 1, 1 excluded.
        dropout: share of the pooled vector that training sets to zero.

    Raises:
        ArgumentError: an unknown kind or pooling.
    """

    def __init__(
        self,
        size: int,
        classes: int,
        kind: Kind = "one",
        pooling: str = "last",
        *,
        directions: int = 1,
        weights: Sequence[float] | None = None,
        smoothing: float = 0.0,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if kind not in get_args(Kind):
            raise ArgumentError(f"kind={kind!r}: {suggest(kind, get_args(Kind))}")
        self.kind, self.classes, self.smoothing = kind, classes, smoothing
        self.pool = Pool(pooling, size, directions)
        self.dropout = dropout
        self.readout = nn.Linear(self.pool.width, 1 if kind == "ordered" else classes)
        # the first threshold, and the logarithms of the steps from each to the next
        self.thresholds = nn.Parameter(torch.zeros(classes - 1)) if kind == "ordered" else None
        one = torch.ones(classes) if weights is None else torch.tensor(weights)
        self.register_buffer("weights", one)
        self.register_buffer("temperature", torch.ones(()))
        self.weights: Tensor
        self.temperature: Tensor

    def scores(self, encoded: Encoded, row: int = 0) -> Tensor:
        """(B, K) before the temperature: a, or log p for "ordered" at T = 1.

        ``row`` is where the rows begin in the larger batch that they are a part of.
        """
        return self.told(self.activations(encoded, row), torch.ones_like(self.temperature))

    def activations(self, encoded: Encoded, row: int = 0) -> Tensor:
        """a = W z + b, (B, K), or (B, 1) for "ordered"."""
        z = self.pool(encoded).z
        if self.training and self.dropout > 0:
            # one draw a call from torch's default generator, as torch's own dropout would
            z = dropped(z, int(torch.randint(2**62, ())), -3, self.dropout, row)
        return self.readout(z)  # type: ignore[no-any-return]

    def told(self, a: Tensor, temperature: Tensor) -> Tensor:
        """(B, K) of what ``activations`` gave, at a temperature: a / T, or log p for "ordered"."""
        if self.thresholds is None:
            return a / temperature
        steps = self.thresholds[1:].exp()
        rising = self.thresholds[:1] + nn.functional.pad(steps.cumsum(0), (1, 0))
        # log(sigmoid(u) - sigmoid(l)) from the logarithms of both tails, exact far out
        upper, lower = (rising - a) / temperature, (a - rising) / temperature
        first, last = functional.logsigmoid(upper[:, :1]), functional.logsigmoid(lower[:, -1:])
        gap = -torch.expm1(upper[:, :-1] - upper[:, 1:])
        between = (
            functional.logsigmoid(upper[:, 1:]) + functional.logsigmoid(lower[:, :-1]) + gap.log()
        )
        return torch.cat([first, between, last], 1)

    def log_probabilities(self, a: Tensor, temperature: Tensor) -> Tensor:
        """(B, K) log p of what ``activations`` gave, at a temperature."""
        scores = self.told(a, temperature)
        if self.kind == "many":
            return functional.logsigmoid(scores)
        return scores.log_softmax(1)

    def loss(self, encoded: Encoded, batch: Batch) -> Loss:
        """Loss per sequence, or per sequence and category for "many"."""
        scores, target = self.scores(encoded, batch.row), batch.target()
        if self.kind == "many":
            wanted = target.to(scores.dtype) * (1 - self.smoothing) + self.smoothing / 2
            losses = functional.binary_cross_entropy_with_logits(scores, wanted, reduction="none")
            return masked(losses * self.weights, batch.target_mask)
        losses = cross_entropy(scores, target, self.weights, self.smoothing)
        return masked(losses, batch.target_mask)

    def decode(self, encoded: Encoded, batch: Batch) -> Prediction:
        """The category (B,), or 0 and 1 for each (B, K) for "many"; log p (B, K)."""
        log_p = self.log_probabilities(self.activations(encoded), self.temperature)
        if self.kind == "many":
            return Prediction((log_p > _HALF).long(), scores=log_p)
        return Prediction(log_p.argmax(1), scores=log_p)

    @torch.no_grad()
    def calibrate(self, temperature: float) -> None:
        """Divide scores by a temperature from now on; above 1 makes probabilities less sure."""
        self.temperature.fill_(temperature)


def cross_entropy(scores: Tensor, target: Tensor, weights: Tensor, smoothing: float) -> Tensor:
    """-w_y log p_y, smoothed: (...,) of scores (..., K) and targets (...,)."""
    log_p = scores.log_softmax(-1)
    true = log_p.gather(-1, target.unsqueeze(-1)).squeeze(-1)
    losses = -(1 - smoothing) * true - smoothing * log_p.mean(-1) if smoothing else -true
    return losses * weights[target]

r"""How sure a classifier may be: one temperature, learnt from items that it was not fitted on.

    T = argmin over T of  - sum_n log  1/M sum_m p_m(y_n; T)

where p_m(. ; T) are the probabilities of member m with its scores divided by T (Guo et al. 2017, On
Calibration of Modern Neural Networks; the mean over members is ours, so that the average of several
networks is calibrated, not each by itself).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from scipy.optimize import minimize_scalar
from torch import Tensor

from longshort.contracts import Batch, Examples
from longshort.data.corpus import Corpus
from longshort.data.items import ItemEncoding, Items
from longshort.data.sequences import Floats
from longshort.data.steps import Ints
from longshort.heads.category import CategoryHead
from longshort.model import Model, predicting

# fewer say too little of how sure a network may be
LEAST = 50
# T lies between 1/20 and 20
_WIDEST = math.log(20.0)
# steps of all rows of a batch together, and rows
_STEPS, _ROWS = 100_000, 512


def calibrate(models: Sequence[Model], examples: Examples) -> None:
    """Give all networks the temperature at which their mean is least surprised by examples."""
    heads = [model.head for model in models]
    assert all(isinstance(head, CategoryHead) for head in heads)
    found, target = [], torch.zeros(0)
    for model in models:
        a, target = activations(model, examples)
        found.append(a)

    def surprise(logarithm: float) -> float:
        temperature = torch.tensor(math.exp(logarithm))
        mean = mixed([
            head.log_probabilities(a, temperature)  # type: ignore[operator]
            for head, a in zip(heads, found, strict=True)
        ])  # fmt: skip
        return -float(_likelihood(mean, target))

    with torch.no_grad():
        best = minimize_scalar(surprise, bounds=(-_WIDEST, _WIDEST), method="bounded")
    for head in heads:
        head.calibrate(math.exp(float(best.x)))  # type: ignore[operator]


def _likelihood(log_p: Tensor, target: Tensor) -> Tensor:
    """Mean log-probability of what is true."""
    if target.dim() == 1:
        return log_p.gather(1, target.unsqueeze(1)).mean()
    other = torch.log1p(-log_p.exp().clamp(max=1 - 1e-7))
    return torch.where(target > 0, log_p, other).mean()


def mixed(log_p: Sequence[Tensor]) -> Tensor:
    """The logarithm of the mean of probabilities that are told by their logarithms."""
    return torch.stack(list(log_p)).logsumexp(0) - math.log(len(log_p))


@torch.no_grad()
def activations(model: Model, examples: Examples) -> tuple[Tensor, Tensor]:
    """What a head answers before any temperature, (N, K), and the targets, on the CPU."""
    found, targets, order = [], [], []
    with predicting(model):
        for index, batch in batches(examples, model.device):
            encoded = model.encoder(batch, None)
            assert isinstance(model.head, CategoryHead)
            found.append(model.head.activations(encoded).cpu())
            targets.append(torch.zeros(0) if batch.targets is None else batch.targets.cpu())
            order.append(index)
    back = torch.from_numpy(np.argsort(np.concatenate(order), kind="stable"))
    told = torch.cat(targets)
    return torch.cat(found)[back], told[back] if len(told) == len(back) else told


def batches(examples: Examples, device: torch.device | str = "cpu") -> Iterator[tuple[Ints, Batch]]:
    """All examples, those of about the same length together, and their numbers."""
    count = len(examples)
    steps = examples.steps if isinstance(examples, Items) else np.ones(count, np.int64)
    order = np.argsort(steps, kind="stable")
    start = 0
    while start < count:
        stop = min(start + _ROWS, count)
        # the longest of a batch comes last
        while stop > start + 1 and int(steps[order[stop - 1]]) * (stop - start) > _STEPS:
            stop = start + (stop - start) // 2
        index = order[start:stop].astype(np.int64)
        yield index, examples.batch(index.tolist()).to(device)
        start = stop


def probabilities(models: Sequence[Model], reading: ItemEncoding, corpus: Corpus) -> Floats:
    """(N, K) of the mean over all networks; where several labels are possible, each by itself."""
    items = Items(corpus, reading, None, np.arange(len(corpus)))
    told = []
    for model in models:
        head = model.head
        assert isinstance(head, CategoryHead)
        with torch.no_grad():
            a, _ = activations(model, items)
            told.append(head.log_probabilities(a.double(), head.temperature.cpu().double()))
    return mixed(told).exp().numpy()


def calibrated(model: Model) -> str:
    """Whether a network's probabilities were calibrated, in words; "" if not."""
    head = model.head
    assert isinstance(head, CategoryHead)
    temperature = float(head.temperature)
    if temperature == 1:
        return ""
    told = f"temperature {temperature:.2f}"
    return f"Probabilities were calibrated on the validation part ({told})."

"""A model that answers one step and runs on from its own samples: paths into the future.

DeepAR (Salinas, Flunkert, Gasthaus & Januschowski 2020, Int. J. Forecasting 36(3), algorithm in
section 3): the stack reads the context once; then, path by path, a value is drawn from what is told
of the next step and read as if it had happened. Quantiles of a step are those of the paths.

Draws are stratified: the n values of a step and target have one level in each n-th of (0, 1), in
random order (a Latin hypercube, McKay et al. 1979), so that few paths tell a distribution well.
The orders of several targets are correlated as their errors were (Iman & Conover 1982).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from longshort.contracts import Batch, Encoded, Inverse, Prediction, State
from longshort.heads.distributions import Point
from longshort.heads.real import at_levels
from longshort.heads.step import StepHead
from longshort.layers.masks import philox
from longshort.model import Model
from longshort.rollout import rollout

_LOW = 0xFFFFFFFF


class Fed(NamedTuple):
    """How a choice becomes the next step's inputs.

    Args:
        context: T, steps of ``batch.inputs`` that lie in the past; those after them hold what is
            known in advance.
        masks: columns of ``batch.inputs["numbers"]`` that say that a target was observed; the
            targets themselves are its first columns.
        follows: a value is told relative to the one before it; else to ``batch.reference``.
    """

    context: int
    masks: tuple[int, ...]
    follows: bool


class Recursive(Model):
    """A model whose head answers the next step, and which reads its own answers.

    ``batch.inputs`` has T + L - 1 steps, of which T lie in the past; ``batch.reference`` and
    ``batch.targets`` tell of the steps after them, (B, T + L - 1, K). Any L will do.

    Args:
        encoder: a module that is an ``Encoder`` and goes on from a state.
        head: what is asked of each step.
        codec: brings predictions to the file's units.
        fed: see ``Fed``.
        count: paths of a prediction; a point needs one.
        unknown: see ``Model``.
    """

    head: StepHead

    def __init__(
        self,
        encoder: nn.Module,
        head: StepHead,
        codec: Inverse | None,
        fed: Fed,
        count: int,
        unknown: float = 0.0,
    ) -> None:
        super().__init__(encoder, head, codec, unknown=unknown)
        self.fed, self.count = fed, count

    def predict(self, batch: Batch, state: State | None = None) -> Prediction:
        """The prediction of L steps for every row, in the data's own units."""
        head = self.head
        if isinstance(head.family, Point):
            (point,) = self.paths(batch, 1).unbind(-1)
            levels = torch.tensor(head.levels, dtype=torch.float64)
            told = head.calibrated(point.unsqueeze(-1).expand(-1, -1, -1, len(levels)), levels)
            return self._answer(Prediction(point, told, head.levels), batch)
        told, known = self.ordered(self.paths(batch, self.count))
        quantiles = at_levels(told, known.tolist(), torch.tensor(head.levels, dtype=torch.float64))
        middle = quantiles[..., head.levels.index(0.5)]
        return self._answer(Prediction(middle, quantiles, head.levels), batch)

    def spread(self, batch: Batch, levels: Tensor) -> Prediction:
        """Like ``predict``, at any levels; of a point alone, which needs no paths."""
        point = self.paths(batch, 1)
        told = self.head.calibrated(point.expand(-1, -1, -1, len(levels)), levels)
        return self._answer(Prediction(point[..., 0], told, tuple(levels.tolist())), batch)

    def in_units(self, encoded: Tensor, batch: Batch) -> Tensor:
        """Encoded values (B, L, K, n) in the data's own units."""
        found = self._answer(Prediction(encoded[..., 0], encoded), batch).quantiles
        assert found is not None
        return found

    def ordered(self, paths: Tensor) -> tuple[Tensor, Tensor]:
        """Paths (B, L, K, n) in rising order and calibrated, and the levels (n,) they stand for."""
        count = paths.shape[-1]
        levels = (torch.arange(count, dtype=torch.float64, device=paths.device) + 0.5) / count
        return self.head.calibrated(paths.sort(-1).values, levels), levels

    @torch.no_grad()
    def paths(self, batch: Batch, count: int) -> Tensor:
        """(B, L, K, count) futures as they were drawn, in encoded units.

        A row's draws are made from its own ``batch.seeds``: they depend on nothing else, and a
        longer horizon begins with the shorter one.
        """
        stepper = _Forked(self, count)
        first = self.fed.context
        steps = batch.inputs["numbers"].shape[1] - first + 1
        prompt = batch.replace(
            inputs={name: group[:, :first] for name, group in batch.inputs.items()},
            lengths=torch.full_like(batch.lengths, first),
            reference=None if batch.reference is None else batch.reference[:, first - 1 : first],
        )
        feed = _Feed(self.fed, batch, count)
        loop = rollout(stepper, prompt, steps, _Draw(self.head, batch, count), feed)
        found = torch.stack([choice for choice, _, _ in loop], 1)
        return found.view(batch.rows, count, steps, -1).permute(0, 2, 3, 1)


class _Forked:
    """One model as a stepper: a context is read once, and each of its rows goes on in n rows."""

    def __init__(self, model: Recursive, count: int) -> None:
        self.model, self.count = model, count

    def start(self, batch: Batch, state: State | None = None) -> tuple[Prediction, State]:
        encoded: Encoded = self.model.encoder(batch, state)
        prediction = self._told(encoded.last(), batch)
        assert prediction.parameters is not None
        parameters = prediction.parameters.repeat_interleave(self.count, 0)
        below = encoded.state.map(lambda part: part.repeat_interleave(self.count, 0))
        return Prediction(parameters[..., 0], parameters=parameters), State({"encoder": below})

    def step(self, batch: Batch, state: State) -> tuple[Prediction, State]:
        encoded: Encoded = self.model.encoder(batch, state.part("encoder"))
        return self._told(encoded, batch), State({"encoder": encoded.state})

    def _told(self, encoded: Encoded, batch: Batch) -> Prediction:
        parameters = self.model.head.parameters_after(encoded, batch)
        return Prediction(parameters[..., 0], parameters=parameters)


class _Draw:
    """One draw of each row and path from what is told of the next step."""

    def __init__(self, head: StepHead, batch: Batch, count: int) -> None:
        if batch.seeds is None:
            raise ValueError("the batch has no seeds to draw from")
        self.family, self.mixing = head.family, head.mixing
        self.seeds, self.count = batch.seeds, count

    def __call__(self, prediction: Prediction, step: int) -> Tensor:
        """(B * n, K)."""
        assert prediction.parameters is not None
        parameters = prediction.parameters[:, 0]
        levels = stratified(self.seeds, step, self.mixing, self.count)
        # (B, K, n) to (B * n, K)
        levels = levels.transpose(1, 2).contiguous().view(len(parameters), -1)
        return self.family.quantiles(parameters, levels.unsqueeze(-1)).squeeze(-1)


class _Feed:
    """A choice, and what is known of its step in advance, as the inputs of one step."""

    def __init__(self, fed: Fed, batch: Batch, count: int) -> None:
        self.fed, self.batch, self.count = fed, batch, count
        self.static = {name: self._again(group) for name, group in batch.static.items()}
        self.scale = None if batch.scale is None else self._again(batch.scale)

    def _again(self, part: Tensor) -> Tensor:
        return part.repeat_interleave(self.count, 0)

    def __call__(self, choice: Tensor, step: int) -> Batch:
        at = self.fed.context + step
        inputs = {n: self._again(group[:, at : at + 1]) for n, group in self.batch.inputs.items()}
        numbers = inputs["numbers"]
        numbers[:, 0, : choice.shape[1]] = choice.to(numbers)
        numbers[:, 0, self.fed.masks] = 1.0
        reference = choice.to(numbers).unsqueeze(1)
        if not self.fed.follows:
            assert self.batch.reference is not None
            reference = self._again(self.batch.reference[:, at : at + 1])
        lengths = torch.ones(len(choice), dtype=torch.int64, device=choice.device)
        return Batch(inputs, lengths, static=self.static, reference=reference, scale=self.scale)


def stratified(seeds: Tensor, step: int, mixing: Tensor, count: int) -> Tensor:
    """Levels (B, K, count) in (0, 1), one in each count-th of it, for each of the seeds (B,).

    Args:
        mixing: (K, K), the Cholesky factor of the correlation of the levels' normal scores.
    """
    targets = range(len(mixing))
    words = torch.stack([random_numbers(seeds, step, k, 2 * count) for k in targets], 1)
    order, within = words[..., :count], words[..., count:]
    if len(mixing) > 1:
        order = torch.einsum("kj,bjn->bkn", mixing.double(), torch.special.ndtri(order))
    return (order.argsort(-1).argsort(-1) + within) / count


def random_numbers(seeds: Tensor, step: int, target: int, count: int) -> Tensor:
    """(B, count) of float64 in (0, 1), a pure function of (seed, step, target, place)."""
    block = torch.arange((count + 3) // 4, device=seeds.device)
    own = seeds.unsqueeze(1)
    lanes = philox((block, target, step & _LOW, step >> 32), (own & _LOW, own >> 32 & _LOW))
    words = torch.stack([torch.as_tensor(lane) for lane in lanes], 2).flatten(1)[:, :count]
    return (words.double() + 0.5) * 2.0**-32

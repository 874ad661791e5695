"""Integrated gradients: their axioms, a network whose attributions are known, symbols, padding."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from longshort.contracts import Batch, Encoded, Loss, Prediction, State
from longshort.errors import ArgumentError
from longshort.explain import integrated_gradients
from longshort.heads.base import Head
from longshort.heads.distributions import Output
from longshort.heads.real import RealHead
from longshort.layers.embed import Embed
from longshort.layers.encoder import Recurrent, RecurrentEncoder
from longshort.model import Model

ROWS, STEPS, FEATURES, HORIZON = 5, 6, 3, 4


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def symbols(*shape: int, seed: int = 0) -> Tensor:
    return torch.randint(0, 5, shape, generator=torch.Generator().manual_seed(seed))


def batch(seed: int = 0, rows: int = ROWS) -> Batch:
    return Batch(
        {"numbers": draw(rows, STEPS, FEATURES, seed=seed), "words": symbols(rows, STEPS)},
        torch.tensor([STEPS, 3, STEPS, 1, 4] * (rows // 5)),
        future={"numbers": draw(rows, HORIZON, 2, seed=seed + 1)},
        static={"numbers": draw(rows, 2, seed=seed + 2)},
        reference=draw(rows, HORIZON, 1, seed=seed + 3),
    )


def network(output: Output = "mse", **options: bool) -> Model:
    torch.manual_seed(1)
    embed = Embed({"numbers": FEATURES}, {"words": (5, 3)}, {"numbers": 2})
    recurrent = Recurrent(4, 2, dropout=0.3, **options)
    head = RealHead(recurrent.width, HORIZON, 1, output, inputs=embed.width, future=2)
    model = Model(RecurrentEncoder(embed, recurrent), head).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(0.6 * torch.randn_like(parameter))
    return model.train()


def every(prediction: Prediction) -> Tensor:
    return prediction.point.flatten(1)


@pytest.mark.parametrize("output", ["mse", "quantiles", "gaussian", "student-t"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_attributions_sum_to_the_difference_of_answers(output: Output, bidirectional: bool) -> None:
    """Completeness, the axiom; the more steps, the nearer."""
    model = network(output, bidirectional=bidirectional)
    rough, fine = (
        integrated_gradients(model, batch(), batch(7, 10), every, steps=n) for n in (4, 64)
    )
    assert fine.gap < 1e-6 < rough.gap
    assert fine.answer.shape == fine.start.shape == (HORIZON, ROWS)
    model.eval()
    torch.testing.assert_close(fine.answer.T, model.decode(batch()).point.flatten(1).detach())
    assert {name: list(part.shape[1:]) for name, part in fine.parts.items()} == {
        "inputs.numbers": [ROWS, STEPS, FEATURES],
        "inputs.words": [ROWS, STEPS],
        "future.numbers": [ROWS, HORIZON, 2],
        "static.numbers": [ROWS, 2],
        "reference": [ROWS, HORIZON, 1],
    }


def test_the_baseline_is_the_mean_of_the_background() -> None:
    """The answer at the baseline is that to a batch of means."""
    model, background = network(), batch(7, 10)
    found = integrated_gradients(model, batch(), background, every)
    seen = torch.cat(
        [x[:n] for x, n in zip(background.inputs["numbers"], background.lengths, strict=True)]
    )
    words = model.encoder.embed.tables["words"](background.inputs["words"])
    known = torch.cat([x[:n] for x, n in zip(words, background.lengths, strict=True)]).mean(0)
    with torch.no_grad():
        model.encoder.embed.tables["words"].weight.copy_(known.expand(5, -1))
    means = replace(
        batch(),
        inputs={"numbers": seen.mean(0).expand(ROWS, STEPS, -1), "words": symbols(ROWS, STEPS)},
        future={"numbers": background.future["numbers"].mean((0, 1)).expand(ROWS, HORIZON, -1)},
        static={"numbers": background.static["numbers"].mean(0).expand(ROWS, -1)},
        reference=background.reference.mean((0, 1)).expand(ROWS, HORIZON, -1),
    )
    torch.testing.assert_close(found.start.T, every(model.eval().decode(means)))


def test_a_row_at_the_baseline_gets_nothing() -> None:
    model, one = network(), batch()
    same = one.map(lambda x: x[:1].expand(ROWS, *x.shape[1:]))
    flat = replace(
        same, inputs={name: x[:, :1].expand_as(x) for name, x in same.inputs.items()},
        future={name: x[:, :1].expand_as(x) for name, x in same.future.items()},
        reference=torch.ones(ROWS, HORIZON, 1, dtype=torch.float64),
    )  # fmt: skip
    found = integrated_gradients(model, flat, flat, every)
    assert all(part.abs().max() < 1e-12 for part in found.parts.values())


def test_padding_and_what_a_step_cannot_know_get_nothing() -> None:
    found = integrated_gradients(network(), batch(), batch(7, 10), every)
    for name in ("inputs.numbers", "inputs.words"):
        for row, length in enumerate(batch().lengths):
            assert found.parts[name][:, row, length:].abs().sum() == 0
    # what is known of step l says nothing of the other steps
    known = found.parts["future.numbers"].abs().sum((1, 3))
    assert torch.equal(known > 0, torch.eye(HORIZON, dtype=torch.bool))


class Sum(nn.Module):
    """A trunk without a recurrence: it hands its numbers on."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, read: Batch, state: State | None = None) -> Encoded:
        x = read.inputs["numbers"] * self.weight
        return Encoded(x, (x,), State(), read.lengths)


class Formula(Head):
    """An answer by a formula of the steps (B, T)."""

    def __init__(self, formula: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.formula = formula

    def loss(self, encoded: Encoded, batch: Batch) -> Loss:
        raise NotImplementedError

    def decode(self, encoded: Encoded, batch: Batch) -> Prediction:
        return Prediction(self.formula(encoded.z[..., 0]).unsqueeze(1))


def numbers(x: Tensor) -> Batch:
    return Batch({"numbers": x.unsqueeze(-1)}, torch.full((len(x),), x.shape[1]))


def test_a_line_gives_weight_times_distance_and_a_product_is_shared() -> None:
    """Known answers: a linear answer, and x1 x2, of which each factor gets half."""
    x = draw(4, 3)
    zero = numbers(torch.zeros(2, 3, dtype=torch.float64))
    weights = torch.tensor([2.0, -1.0, 0.0], dtype=torch.float64)
    line = Model(Sum(), Formula(lambda z: z @ weights))
    found = integrated_gradients(line, numbers(x), zero, every, steps=1)
    torch.testing.assert_close(found.parts["inputs.numbers"][0, ..., 0], x * weights)
    product = Model(Sum(), Formula(lambda z: z[:, 0] * z[:, 1]))
    found = integrated_gradients(product, numbers(x), zero, every, steps=2)
    half = x[:, 0] * x[:, 1] / 2
    torch.testing.assert_close(
        found.parts["inputs.numbers"][0, ..., 0], torch.stack([half, half, 0 * half], 1)
    )


def test_the_model_is_left_as_it_was() -> None:
    model = network()
    before = {name: p.clone() for name, p in model.state_dict().items()}
    integrated_gradients(model, batch(), batch(7, 10), every)
    assert model.training
    assert all(p.grad is None and p.requires_grad for p in model.parameters())
    assert all(torch.equal(p, before[name]) for name, p in model.state_dict().items())
    assert not any(module._forward_hooks for module in model.modules())


def test_a_model_that_reads_nothing_is_refused() -> None:
    counted = Batch({"numbers": torch.ones(2, 3, 1, dtype=torch.int64)}, torch.tensor([3, 3]))
    model = Model(Sum(), Formula(lambda z: z.sum(1)))
    with pytest.raises(ArgumentError, match="nothing to attribute"):
        integrated_gradients(model, counted, counted, every)

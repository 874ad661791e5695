from __future__ import annotations

import math
from typing import get_args

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import mean_absolute_error, mean_pinball_loss, mean_squared_error
from torch import Tensor, nn

from longshort.contracts import Batch, Encoded, State
from longshort.errors import ArgumentError
from longshort.heads.distributions import LEVELS, Output, check_levels
from longshort.heads.real import RealHead

B, T, L, K, H, F, KNOWN = 6, 5, 3, 2, 4, 3, 2
OUTPUTS = get_args(Output)


def make(output: str, seed: int = 0, std: float = 1.0, **options: object) -> RealHead:
    """In float64, with random weights of its own everywhere."""
    arguments = {"inputs": F, "future": KNOWN, **options}
    head = RealHead(H, L, K, output, **arguments).double()
    source = torch.Generator().manual_seed(seed)
    for parameter in head.parameters():
        nn.init.normal_(parameter, std=std, generator=source)
    return head


def reading(seed: int = 1) -> Encoded:
    source = torch.Generator().manual_seed(seed)
    z = torch.randn(B, T, H, generator=source, dtype=torch.float64)
    x = torch.randn(B, T, F, generator=source, dtype=torch.float64)
    return Encoded(z, (x, z), State(), torch.tensor([5, 3, 1, 5, 2, 4]))


def asked(seed: int = 2, output: str = "quantiles", **changes: Tensor | None) -> Batch:
    source = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=source, dtype=torch.float64)

    batch = Batch(
        {},
        torch.full((B,), T),
        future={"numbers": draw(B, L, KNOWN)},
        reference=draw(B, L, K),
        targets=2 * draw(B, L, K),
    )
    if output == "negative-binomial":
        scale = torch.tensor([[1.0, 8.0]], dtype=torch.float64).expand(B, K)
        counts = (5 * draw(B, L, K)).abs().round()
        last = batch.reference.abs()
        batch = batch.replace(reference=last, targets=counts / scale.unsqueeze(1), scale=scale)
    return batch.replace(**changes)


# each loss against somebody else's formula


def test_quantile_loss_is_scikit_learns_pinball() -> None:
    head, batch = make("quantiles"), asked()
    found = head.decode(reading(), batch).quantiles
    assert found is not None
    actual = batch.target().flatten().numpy()
    expected = np.mean(
        [
            mean_pinball_loss(actual, found[..., at].detach().flatten().numpy(), alpha=level)
            for at, level in enumerate(LEVELS)
        ]
    )
    loss = head.loss(reading(), batch)
    assert int(loss.count) == B * L * K
    assert loss.mean.item() == pytest.approx(expected, rel=1e-12)


def test_gaussian_loss_is_minus_log_p() -> None:
    head, batch = make("gaussian"), asked()
    mean, scale = gaussian(head, batch)
    expected = -torch.distributions.Normal(mean, scale).log_prob(batch.target())
    torch.testing.assert_close(head.loss(reading(), batch).total, expected.sum())


def gaussian(head: RealHead, batch: Batch) -> tuple[Tensor, Tensor]:
    """Mean and scale from the point and the quantiles that are told."""
    found = head.decode(reading(), batch)
    assert found.quantiles is not None
    one = float(torch.special.ndtri(torch.tensor(0.95, dtype=torch.float64)))
    return found.point, (found.quantiles[..., -1] - found.point) / one


@torch.no_grad()
def test_gaussian_density_integrates_to_one() -> None:
    head = RealHead(H, 1, 1, "gaussian").double()
    encoded = Encoded(reading().z[:1], (), State(), torch.tensor([T]))
    grid = torch.linspace(-12, 12, 1001, dtype=torch.float64)
    batch = Batch({}, encoded.lengths)
    nats = [head.loss(encoded, batch.replace(targets=value.view(1, 1, 1))).total for value in grid]
    assert torch.trapezoid((-torch.stack(nats)).exp(), grid).item() == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize(
    ("output", "metric"), [("mse", mean_squared_error), ("mae", mean_absolute_error)]
)
def test_point_losses_are_scikit_learns(output: str, metric: object) -> None:
    head, batch = make(output), asked()
    point = head.decode(reading(), batch).point.detach().flatten().numpy()
    expected = metric(batch.target().flatten().numpy(), point)
    assert head.loss(reading(), batch).mean.item() == pytest.approx(expected, rel=1e-12)


def test_huber_loss_is_torchs() -> None:
    head, batch = make("huber"), asked()
    point = head.decode(reading(), batch).point
    expected = nn.HuberLoss(reduction="sum")(point, batch.target())
    torch.testing.assert_close(head.loss(reading(), batch).total, expected)


# what is read


def test_answer_is_the_sum_of_three_affine_maps() -> None:
    """The module's first equation, element by element."""
    head, batch, encoded = make("mae"), asked(), reading()
    found = head.decode(encoded, batch).point
    assert head.straight is not None
    assert head.known is not None
    assert batch.reference is not None
    for b in range(B):
        end = int(encoded.lengths[b]) - 1
        for step in range(L):
            for k in range(K):
                row = step * K + k
                expected = head.readout.bias[row] + head.readout.weight[row] @ encoded.z[b, end]
                expected = expected + head.straight.weight[row] @ encoded.layers[0][b, end]
                known = batch.future["numbers"][b, step] @ head.known[step, :, k]
                expected = expected + known + batch.reference[b, step, k]
                torch.testing.assert_close(found[b, step, k], expected)


@pytest.mark.parametrize("output", OUTPUTS)
def test_a_shared_head_answers_each_target_from_its_own_channel(output: str) -> None:
    head, batch = make(output, shared=True), asked(output=output)
    source = torch.Generator().manual_seed(9)
    z = torch.randn(B, T, K * H, generator=source, dtype=torch.float64)
    x = torch.randn(B, T, K * F, generator=source, dtype=torch.float64)
    found = head.decode(Encoded(z, (x, z), State(), reading().lengths), batch)
    alone = RealHead(H, L, 1, output, inputs=F, future=KNOWN).double()
    weights = {name: w for name, w in head.state_dict().items() if name != "errors"}
    alone.load_state_dict(weights, strict=False)
    assert found.quantiles is not None
    for k in range(K):
        own = (z[..., k * H : (k + 1) * H], x[..., k * F : (k + 1) * F])
        encoded = Encoded(own[0], own[::-1], State(), reading().lengths)
        scale = None if batch.scale is None else batch.scale[:, k : k + 1]
        assert batch.reference is not None
        one = batch.replace(reference=batch.reference[..., k : k + 1], scale=scale)
        other = alone.decode(encoded, one)
        torch.testing.assert_close(found.point[..., k : k + 1], other.point)
        torch.testing.assert_close(found.quantiles[:, :, k : k + 1], other.quantiles)


@pytest.mark.parametrize("relative", [True, False])
@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("output", OUTPUTS)
def test_a_line_through_the_context_moves_the_place_alone(
    output: str, shared: bool, relative: bool
) -> None:
    """As NLinear, element by element."""
    options = {"inputs": 0, "future": 0, "shared": shared, "relative": relative}
    head = make(output, context=T, **options)
    plain = RealHead(H, L, K, output, shared=shared).double()
    assert head.line is not None
    plain.load_state_dict({n: w for n, w in head.state_dict().items() if n != "line"})
    source = torch.Generator().manual_seed(3)
    numbers = torch.randn(B, T + 2, K + 1, generator=source, dtype=torch.float64)
    lengths = torch.tensor([T + 2, 3, 1, T, 2, 4])
    batch = asked(output=output).replace(inputs={"numbers": numbers}, lengths=lengths)
    z = torch.randn(B, T + 2, K * H, generator=source, dtype=torch.float64)
    z = z if shared else z[..., :H]
    encoded = Encoded(z, (z,), State(), lengths)
    moved = torch.zeros(B, L, K, dtype=torch.float64)
    for b, length in enumerate(lengths.tolist()):
        for k in range(K):
            for back in range(min(T, length)):
                value = numbers[b, length - 1 - back, k]
                value = value - numbers[b, length - 1, k] if relative else value
                moved[b, :, k] += head.line[0 if shared else k, :, T - 1 - back].detach() * value
    assert batch.reference is not None
    there = batch.replace(reference=batch.reference + moved)
    found, expected = head.decode(encoded, batch), plain.decode(encoded, there)
    torch.testing.assert_close(found.point, expected.point)
    torch.testing.assert_close(found.quantiles, expected.quantiles)


@pytest.mark.parametrize("output", OUTPUTS)
def test_covariates_may_be_absent(output: str) -> None:
    head = RealHead(H, L, K, output).double()
    batch = asked(output=output, reference=None).replace(future={})
    found = head.decode(reading(), batch)
    assert found.point.shape == (B, L, K)
    assert found.quantiles is not None
    assert found.quantiles.shape == (B, L, K, len(LEVELS))


@pytest.mark.parametrize("output", OUTPUTS)
def test_first_forecasts_are_close_to_the_reference(output: str) -> None:
    head = RealHead(H, L, K, output, inputs=F, future=KNOWN).double()
    batch = asked(output=output)
    # the median of counts is a count
    least = 1.0 if output == "negative-binomial" else 0.5
    assert (head.decode(reading(), batch).point - batch.reference).abs().max() < least


@pytest.mark.parametrize("output", [name for name in OUTPUTS if name != "negative-binomial"])
def test_a_shifted_reference_shifts_the_forecast(output: str) -> None:
    head, shift = make(output), 7.5
    batch = asked()
    moved = batch.replace(reference=batch.reference + shift, targets=batch.target() + shift)
    here, there = head.decode(reading(), batch), head.decode(reading(), moved)
    torch.testing.assert_close(there.point, here.point + shift)
    torch.testing.assert_close(there.quantiles, here.quantiles + shift)
    one, other = head.loss(reading(), batch), head.loss(reading(), moved)
    torch.testing.assert_close(one.total, other.total)


# quantiles


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.floats(0.01, 30))
def test_quantiles_never_cross(seed: int, std: float) -> None:
    for output in OUTPUTS:
        head = make(output, seed, std)
        head.calibrate(torch.randn(L, K, len(LEVELS), dtype=torch.float64))
        found = head.decode(reading(seed), asked(seed, output)).quantiles
        assert found is not None
        assert (found.diff(dim=-1) >= 0).all()
        assert found.isfinite().all()


def test_the_point_of_quantiles_is_their_middle() -> None:
    found = make("quantiles").decode(reading(), asked())
    assert found.levels == LEVELS
    assert found.quantiles is not None
    torch.testing.assert_close(found.point, found.quantiles[..., LEVELS.index(0.5)])


@pytest.mark.parametrize("levels", [(0.5,), (0.1, 0.5), (0.5, 0.9), (0.01, 0.3, 0.5, 0.6)])
def test_levels_need_not_be_even(levels: tuple[float, ...]) -> None:
    head = make("quantiles", levels=levels)
    found = head.decode(reading(), asked())
    assert found.levels == levels
    assert found.quantiles is not None
    assert found.quantiles.shape == (B, L, K, len(levels))
    assert (found.quantiles.diff(dim=-1) > 0).all()


def test_quantile_loss_is_least_at_the_quantiles_of_the_data() -> None:
    """Trained on nothing but draws, the head says numpy's quantiles of them."""
    head = RealHead(H, 1, 1, "quantiles", (0.1, 0.5, 0.8)).double()
    rows = 2001
    draws = np.random.default_rng(0).exponential(size=rows)
    z = torch.zeros(rows, 1, H, dtype=torch.float64)
    encoded = Encoded(z, (z,), State(), torch.ones(rows, dtype=torch.int64))
    batch = Batch({}, encoded.lengths, targets=torch.from_numpy(draws).view(-1, 1, 1))
    optimizer = torch.optim.LBFGS(head.parameters(), max_iter=100, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = head.loss(encoded, batch).mean
        loss.backward()
        return loss

    optimizer.step(closure)
    with torch.no_grad():
        reached = head.loss(encoded, batch).mean.item()
    best = np.quantile(draws, (0.1, 0.5, 0.8))
    least = np.mean(
        [
            mean_pinball_loss(draws, np.full(rows, q), alpha=a)
            for q, a in zip(best, head.levels, strict=True)
        ]
    )
    assert least - 1e-9 <= reached < least * 1.001


# any level


@pytest.mark.parametrize(
    "output", ["quantiles", "gaussian", "student-t", "negative-binomial", "mae"]
)
def test_even_levels_have_the_quantiles_that_are_told(output: str) -> None:
    head, batch = make(output, std=0.3), asked(output=output)
    even = (torch.arange(20_000, dtype=torch.float64) + 0.5) / 20_000
    draws = head.spread(reading(), batch, even).quantiles
    assert draws is not None
    assert draws.shape == (B, L, K, 20_000)
    told = head.decode(reading(), batch).quantiles
    assert told is not None
    for at in range(1, len(LEVELS) - 1, 4):
        share = (draws <= told[..., at : at + 1]).double().mean(-1)
        below = (draws < told[..., at : at + 1]).double().mean(-1)
        assert (share >= LEVELS[at] - 0.001).all()
        assert (below <= LEVELS[at] + 0.001).all()


# calibration


@pytest.mark.parametrize("output", OUTPUTS)
def test_calibration_adds_to_the_quantiles_and_leaves_the_point(output: str) -> None:
    head, batch = make(output), asked(output=output)
    before = head.decode(reading(), batch)
    outwards = torch.linspace(-2, 2, len(LEVELS), dtype=torch.float64)
    shift = outwards * torch.rand(L, K, 1, dtype=torch.float64)
    head.calibrate(shift)
    after = head.decode(reading(), batch)
    assert torch.equal(after.point, before.point)
    torch.testing.assert_close(after.quantiles, before.quantiles + shift)


def test_what_would_cross_stops_at_the_inner_quantile() -> None:
    head, batch = make("quantiles"), asked()
    before = head.decode(reading(), batch).quantiles
    head.calibrate(torch.linspace(500, -500, len(LEVELS), dtype=torch.float64).expand(L, K, -1))
    found = head.decode(reading(), batch).quantiles
    torch.testing.assert_close(found, before[..., 9:10].expand_as(found))


def test_intervals_are_kept_with_the_weights() -> None:
    head, other = make("mse"), make("mse", seed=5)
    head.calibrate(torch.randn(L, K, len(LEVELS), dtype=torch.float64))
    other.load_state_dict(head.state_dict())
    one, two = (part.decode(reading(), asked()).quantiles for part in (head, other))
    assert one is not None
    assert two is not None
    assert torch.equal(one, two)


# masks


@pytest.mark.parametrize("output", OUTPUTS)
def test_masked_targets_are_not_scored(output: str) -> None:
    head, batch = make(output), asked(output=output)
    mask = torch.rand(B, L, K, generator=torch.Generator().manual_seed(4)) < 0.6
    poisoned = batch.replace(targets=torch.where(mask, batch.target(), torch.nan), target_mask=mask)
    loss = head.loss(reading(), poisoned)
    loss.total.backward()
    gradient = [parameter.grad.clone() for parameter in head.parameters()]
    # the same one scored value at a time
    head.zero_grad()
    parts = []
    for place in mask.nonzero():
        alone = torch.zeros_like(mask)
        alone[tuple(place)] = True
        parts.append(head.loss(reading(), batch.replace(target_mask=alone)))
    total = sum(part.total for part in parts)
    total.backward()
    assert int(loss.count) == len(parts) == int(mask.sum())
    torch.testing.assert_close(loss.total, total)
    for found, parameter in zip(gradient, head.parameters(), strict=True):
        torch.testing.assert_close(found, parameter.grad)


@pytest.mark.parametrize("output", OUTPUTS)
def test_gradients_are_those_of_finite_differences(output: str) -> None:
    head, batch = make(output), asked(output=output)
    names = [name for name, _ in head.named_parameters()]

    def total(*values: Tensor) -> Tensor:
        weights = dict(zip(names, values, strict=True))
        return torch.func.functional_call(
            Scorer(head), {f"head.{n}": w for n, w in weights.items()}, batch
        )

    leaves = [p.detach().clone().requires_grad_() for p in head.parameters()]
    assert torch.autograd.gradcheck(total, leaves)


class Scorer(nn.Module):
    def __init__(self, head: RealHead) -> None:
        super().__init__()
        self.head = head

    def forward(self, batch: Batch) -> Tensor:
        return self.head.loss(reading(), batch).total


# settings


def test_units_say_what_a_loss_is_measured_in() -> None:
    units = [RealHead(1, 1, 1, output).unit for output in OUTPUTS]
    assert units == ["pinball", "nats", "nats", "nats", "mse", "mae", "huber"]


def test_unknown_outputs_and_levels_are_refused() -> None:
    with pytest.raises(ArgumentError, match="'gausian': did you mean 'gaussian'"):
        RealHead(1, 1, 1, "gausian")
    for levels in [(), (0.1, 0.9), (0.5, 0.5), (0.9, 0.5), (0.0, 0.5), (0.5, 1.0), (math.nan, 0.5)]:
        with pytest.raises(ArgumentError, match="they must rise"):
            check_levels(levels)

"""Each distribution against SciPy's, at sizes from a millionth to a thousand million."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats
from torch import Tensor

from longshort.errors import ArgumentError
from longshort.heads.distributions import (
    LEVELS,
    Family,
    Gaussian,
    NegativeBinomial,
    Point,
    Quantiles,
    StudentT,
    check_output,
    family,
)

AT = torch.tensor(LEVELS, dtype=torch.float64)
RAW = st.floats(-40, 40)


def tensor(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def counts(raw: Tensor, scale: float, reference: float = 0.0) -> tuple[Tensor, float, float]:
    """Parameters, and the mean and the dispersion by the module's own equations."""
    size = torch.full(raw.shape[:-1], scale, dtype=torch.float64)
    found = NegativeBinomial().parameters(raw, torch.full_like(size, reference), size)
    mean = scale * np.logaddexp(0, 4 * (reference + raw[..., 0].numpy())) / 4
    dispersion = np.logaddexp(0, raw[..., 1].numpy()) / math.sqrt(scale) + 1e-6
    return found, mean, dispersion


# minus the log of the density or the probability


@settings(max_examples=200, deadline=None)
@given(RAW, RAW, RAW, st.floats(-1e9, 1e9))
def test_students_loss_is_scipys(place: float, spread: float, freedom: float, y: float) -> None:
    head = StudentT()
    parameters = head.parameters(tensor(place, spread, freedom), None, None)
    loc, scale, df = parameters.tolist()
    assert df >= 2
    assert scale > 0
    expected = -stats.t(df, loc, scale).logpdf(y)
    assert head.loss(parameters, tensor(y)).item() == pytest.approx(expected, rel=1e-9, abs=1e-9)


@settings(max_examples=200, deadline=None)
@given(RAW, RAW, st.floats(-1e9, 1e9))
def test_gaussian_loss_is_scipys(mean: float, spread: float, y: float) -> None:
    parameters = Gaussian().parameters(tensor(mean, spread), None, None)
    expected = -stats.norm(*parameters.tolist()).logpdf(y)
    found = Gaussian().loss(parameters, tensor(y)).item()
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-9)


@settings(max_examples=300, deadline=None)
@given(st.floats(-12, 60), st.floats(-25, 25), st.sampled_from([0, 3, 8, 20]), st.data())
def test_negative_binomial_loss_is_scipys(
    raw: float, dispersion: float, power: int, data: st.DataObject
) -> None:
    scale = 2.0**power
    parameters, mean, k = counts(tensor(raw, dispersion), scale)
    # below, SciPy's chance of a success cannot be told from 1
    assume(k * mean > 1e-6)
    top = int(min(1e9, 10 * mean + 10))
    count = data.draw(st.integers(0, top))
    found = NegativeBinomial().loss(parameters, tensor(count / scale)).item()
    expected = -stats.nbinom(1 / k, 1 / (1 + k * mean)).logpmf(count)
    # both subtract gamma functions of this size
    size = abs(math.lgamma(count + 1 / k + 1)) + 1
    assert found == pytest.approx(float(expected), rel=1e-8, abs=1e-13 * size)


@pytest.mark.parametrize(("raw", "dispersion", "scale"), [(0.3, 0.5, 4.0), (1, -9, 1), (-2, 2, 1)])
def test_probabilities_of_counts_sum_to_one(raw: float, dispersion: float, scale: float) -> None:
    parameters, mean, k = counts(tensor(raw, dispersion), scale)
    world = torch.arange(20_000, dtype=torch.float64) / scale
    chance = (-NegativeBinomial().loss(parameters.expand(len(world), -1), world)).exp()
    number = world * scale
    assert chance.sum().item() == pytest.approx(1, abs=1e-10)
    assert (chance * number).sum().item() == pytest.approx(float(mean))
    variance = (chance * (number - mean).square()).sum().item()
    assert variance == pytest.approx(float(mean + k * mean**2))


def test_students_density_integrates_to_one() -> None:
    parameters = StudentT().parameters(tensor(0.4, -1.0, 0.5), None, None)
    grid = torch.linspace(-400, 400, 400_001, dtype=torch.float64)
    density = (-StudentT().loss(parameters.expand(len(grid), -1), grid)).exp()
    assert torch.trapezoid(density, grid).item() == pytest.approx(1, abs=1e-6)


def test_counts_of_little_dispersion_are_poissons() -> None:
    parameters, mean, _ = counts(tensor(1.2, -40.0), 2.0)
    number = torch.arange(20, dtype=torch.float64)
    found = NegativeBinomial().loss(parameters.expand(20, -1), number / 2)
    np.testing.assert_allclose(found, -stats.poisson(mean).logpmf(number), atol=2e-4)


@pytest.mark.parametrize("mean", [1e-9, 1e-6, 1e-3])
def test_rare_counts_are_poissons(mean: float) -> None:
    raw = tensor(math.log(math.expm1(4 * mean)) / 4, -40.0)
    parameters = NegativeBinomial().parameters(raw, None, None)
    found = NegativeBinomial().loss(parameters, tensor(0.0, 1.0))
    np.testing.assert_allclose(found, [mean, mean - math.log(mean)], rtol=1e-6)


# quantiles


@settings(max_examples=100, deadline=None)
@given(st.floats(-12, 60), st.floats(-25, 25), st.sampled_from([0, 3, 8, 20]))
def test_quantiles_of_counts_are_the_least_that_reach_the_level(
    raw: float, dispersion: float, power: int
) -> None:
    scale = 2.0**power
    parameters, mean, k = counts(tensor(raw, dispersion), scale)
    found = NegativeBinomial().quantiles(parameters, AT).numpy() * scale
    world = stats.nbinom(1 / k, 1 / (1 + k * mean))
    assert (found == found.round()).all()
    # means agree to the last digits alone, and so does the place of a jump
    assert (world.cdf(found) >= np.array(LEVELS) - 1e-6).all()
    assert (world.cdf(found - 1) <= np.array(LEVELS) + 1e-6).all()


@settings(max_examples=50, deadline=None)
@given(RAW, st.floats(-10, 40), RAW)
def test_quantiles_of_student_and_gauss_are_scipys(a: float, b: float, c: float) -> None:
    parameters = StudentT().parameters(tensor(a, b, c), None, None)
    loc, scale, df = parameters.tolist()
    expected = stats.t(df, loc, scale).ppf(LEVELS)
    found = StudentT().quantiles(parameters, AT).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-7)
    normal = Gaussian().parameters(tensor(a, b), None, None)
    expected = stats.norm(*normal.tolist()).ppf(LEVELS)
    np.testing.assert_allclose(
        Gaussian().quantiles(normal, AT), expected, rtol=1e-9, atol=1e-9 * scale
    )


def test_quantiles_between_levels_lie_on_straight_lines() -> None:
    head = Quantiles((0.1, 0.5, 0.8))
    rising = torch.randn(4, 3, 3, dtype=torch.float64).sort(-1).values
    wanted = 0.1 + 0.7 * torch.rand(4, 3, 9, dtype=torch.float64)
    found = head.quantiles(rising, wanted)
    for place in itertools.product(range(4), range(3)):
        expected = np.interp(wanted[place].numpy(), head.levels, rising[place].numpy())
        np.testing.assert_allclose(found[place], expected)
    one = Quantiles((0.5,))
    assert (one.quantiles(rising[..., :1], wanted) == rising[..., :1]).all()


def test_beyond_the_known_levels_quantiles_go_on_as_a_normal_distribution() -> None:
    normal = stats.norm(3.0, 2.0)
    wanted = np.array([1e-6, 0.01, 0.049, 0.051, 0.949, 0.97, 0.9999])
    told = torch.from_numpy(normal.ppf(LEVELS))
    found = Quantiles(LEVELS).quantiles(told, torch.from_numpy(wanted)).numpy()
    np.testing.assert_allclose(found[[0, 1, 2, 5, 6]], normal.ppf(wanted[[0, 1, 2, 5, 6]]))
    np.testing.assert_allclose(found[3:5], np.interp(wanted[3:5], LEVELS, told.numpy()))


@pytest.mark.parametrize(
    ("head", "raw"),
    [
        (Gaussian(), tensor(0.3, 0.1)),
        (StudentT(), tensor(0.3, 0.1, -1.0)),
        (NegativeBinomial(), tensor(1.3, 0.1)),
        (Quantiles(LEVELS), torch.zeros(19, dtype=torch.float64)),
        (Point("mae"), tensor(0.7)),
    ],
    ids=["gaussian", "student-t", "negative-binomial", "quantiles", "mae"],
)
def test_the_point_is_the_median(head: Family, raw: Tensor) -> None:
    parameters = head.parameters(raw, None, None)
    median = head.quantiles(parameters, tensor(0.5))
    torch.testing.assert_close(head.point(parameters), median.squeeze(-1))


# gradients


@pytest.mark.parametrize("power", [0, 10, 30])
def test_gradients_of_counts_are_finite_whatever_their_size(power: int) -> None:
    """Means from 1e-6 to 1e9 and dispersions from the least to huge, in both precisions."""
    scale = 2.0**power
    for kind in (torch.float32, torch.float64):
        grid = torch.cartesian_prod(
            torch.tensor([-40.0, -3.4, -1, 0, 1, 30, 1e3]), torch.tensor([-1e3, -30, -8, 0, 8, 1e3])
        ).to(kind)
        size = torch.full(grid.shape[:1], scale, dtype=torch.float64)
        for count in (0, 1, 7, 10**6, 10**9):
            raw = grid.clone().requires_grad_()
            parameters = NegativeBinomial().parameters(raw, torch.zeros_like(size), size)
            loss = NegativeBinomial().loss(parameters, torch.full_like(size, count / scale))
            (gradient,) = torch.autograd.grad(loss.sum(), raw)
            assert loss.isfinite().all()
            assert (loss > -1e-3).all()
            assert gradient.isfinite().all()


def test_gradients_of_student_are_finite_whatever_their_size() -> None:
    for kind in (torch.float32, torch.float64):
        grid = torch.cartesian_prod(*[torch.tensor([-1e3, -30.0, 0, 30, 1e3])] * 3).to(kind)
        for y in (0.0, 1e-9, 1e9, -1e9):
            raw = grid.clone().requires_grad_()
            parameters = StudentT().parameters(raw, None, None)
            loss = StudentT().loss(parameters, torch.full((len(grid),), y, dtype=kind))
            (gradient,) = torch.autograd.grad(loss.sum(), raw)
            assert loss.isfinite().all()
            assert gradient.isfinite().all()


@pytest.mark.parametrize(("a", "b"), [(0.2, 0.3), (-4.0, -5.0), (12.0, 5.0), (-1.0, 15.0)])
def test_gradients_are_those_of_finite_differences(a: float, b: float) -> None:
    raw = tensor(a, b).requires_grad_()
    for count in (0.0, 3.0, 80.0):

        def loss(raw: Tensor, count: float = count) -> Tensor:
            parameters = NegativeBinomial().parameters(raw, tensor(0.1)[0], tensor(8.0)[0])
            return NegativeBinomial().loss(parameters, tensor(count / 8)[0])

        assert torch.autograd.gradcheck(loss, raw)
    three = tensor(a, b, a).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda raw: StudentT().loss(StudentT().parameters(raw, None, None), tensor(0.7)[0]), three
    )


def test_what_flows_back_through_the_median_of_counts_is_the_gradient_of_the_mean() -> None:
    raw = tensor(1.3, 0.1).requires_grad_()
    head = NegativeBinomial()
    parameters = head.parameters(raw, tensor(0.4)[0], tensor(16.0)[0])
    (found,) = torch.autograd.grad(head.point(parameters), raw, retain_graph=True)
    (expected,) = torch.autograd.grad(parameters[0].exp() / 16, raw)
    torch.testing.assert_close(found, expected)


# settings


def test_outputs_by_name() -> None:
    kinds = {name: type(family(check_output(name), LEVELS)) for name in ("student-t", "mse")}
    assert kinds == {"student-t": StudentT, "mse": Point}
    with pytest.raises(ArgumentError, match="did you mean 'student-t'"):
        check_output("student")

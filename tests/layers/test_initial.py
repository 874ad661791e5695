from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from longshort.kernels.reference import Weights
from longshort.layers.initial import METHODS, Method, initialise

UNITS = 64


def empty(
    features: int, units: int = UNITS, *, bias: bool = True, dtype: torch.dtype = torch.float64
) -> Weights:
    biases = (torch.full((4 * units,), math.nan, dtype=dtype) for _ in range(2))
    return Weights(
        torch.full((4 * units, features), math.nan, dtype=dtype),
        torch.full((4 * units, units), math.nan, dtype=dtype),
        *(biases if bias else ()),
    )


def blocks(weights: Weights) -> list[Tensor]:
    return [*weights.w_ih.chunk(4), *weights.w_hh.chunk(4)]


def tensors(weights: Weights) -> list[Tensor]:
    return [tensor for tensor in weights if tensor is not None]


def test_torch_draws_what_torch_draws() -> None:
    torch.manual_seed(3)
    theirs = torch.nn.LSTM(7, 5)
    torch.manual_seed(3)
    ours = empty(7, 5, dtype=torch.float32)
    initialise(ours)
    for mine, other in zip(tensors(ours), theirs.parameters(), strict=True):
        assert torch.equal(mine, other)


def test_torch_bounds() -> None:
    weights = empty(100)
    initialise(weights, "torch", generator=torch.Generator().manual_seed(0))
    for tensor in tensors(weights):
        bound = 1 / math.sqrt(UNITS)
        assert 0.97 * bound < float(tensor.abs().max()) <= bound


def test_glorot_is_uniform_with_its_variance_in_every_block() -> None:
    weights = empty(100)
    initialise(weights, "glorot", generator=torch.Generator().manual_seed(0))
    for block in blocks(weights):
        units, features = block.shape
        bound = math.sqrt(6 / (features + units))
        assert 0.97 * bound < float(block.abs().max()) <= bound
        variance = 2 / (features + units)
        # kurtosis of a uniform value is 9/5, so its square varies by 4/5
        assert float(block.var()) == pytest.approx(variance, rel=5 * math.sqrt(0.8 / block.numel()))
        assert abs(float(block.mean())) < 5 * math.sqrt(variance / block.numel())


def test_he_is_normal_with_its_variance_in_every_block() -> None:
    weights = empty(100)
    initialise(weights, "he", generator=torch.Generator().manual_seed(0))
    for block in blocks(weights):
        variance = 2 / block.shape[1]
        assert float(block.var()) == pytest.approx(variance, rel=5 * math.sqrt(2 / block.numel()))
        standard = block / math.sqrt(variance)
        kurtosis = float((standard**4).mean())
        assert kurtosis == pytest.approx(3, abs=5 * math.sqrt(96 / block.numel()))


@pytest.mark.parametrize("features", [3, UNITS, 100])
def test_orthogonal_in_every_block(features: int) -> None:
    weights = empty(features)
    initialise(weights, "orthogonal", generator=torch.Generator().manual_seed(0))
    for block in blocks(weights):
        short = block if block.shape[0] <= block.shape[1] else block.t()
        identity = torch.eye(len(short), dtype=torch.float64)
        torch.testing.assert_close(short @ short.t(), identity, rtol=0, atol=1e-12)
    first, second = weights.w_hh.chunk(4)[:2]
    assert not torch.allclose(first, second)


@pytest.mark.parametrize("method", ["glorot", "he", "orthogonal"])
def test_biases_are_zero(method: Method) -> None:
    weights = empty(5)
    initialise(weights, method)
    assert weights.b_ih is not None
    assert weights.b_hh is not None
    assert not weights.b_ih.any()
    assert not weights.b_hh.any()
    initialise(empty(5, bias=False), method)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("value", [1.0, -0.5, 0.0])
def test_forget_bias_sets_its_block_alone(method: Method, value: float) -> None:
    plain, biased = empty(5, 6), empty(5, 6)
    initialise(plain, method, generator=torch.Generator().manual_seed(1))
    initialise(biased, method, forget_bias=value, generator=torch.Generator().manual_seed(1))
    assert biased.b_ih is not None
    assert biased.b_hh is not None
    assert biased.b_ih[6:12].tolist() == [value] * 6
    assert biased.b_hh[6:12].tolist() == [0.0] * 6
    others = [*range(6), *range(12, 24)]
    for mine, other in zip(tensors(biased)[2:], tensors(plain)[2:], strict=True):
        assert torch.equal(mine[others], other[others])
    assert torch.equal(biased.w_ih, plain.w_ih)
    assert torch.equal(biased.w_hh, plain.w_hh)


@pytest.mark.parametrize("method", METHODS)
def test_a_generator_decides_everything(method: Method) -> None:
    before = torch.get_rng_state()
    runs = []
    for seed in (1, 1, 2):
        weights = empty(5)
        initialise(weights, method, generator=torch.Generator().manual_seed(seed))
        runs.append(weights)
    assert torch.equal(runs[0].w_hh, runs[1].w_hh)
    assert not torch.equal(runs[0].w_hh, runs[2].w_hh)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision(method: Method, dtype: torch.dtype) -> None:
    weights = empty(5, dtype=dtype)
    initialise(weights, method)
    for tensor in tensors(weights):
        assert tensor.dtype == dtype
        assert bool(tensor.isfinite().all())


def test_works_in_place_on_parameters() -> None:
    weights = Weights(*[torch.nn.Parameter(tensor) for tensor in tensors(empty(5))])
    initialise(weights, "orthogonal", forget_bias=1.0)
    for tensor in tensors(weights):
        assert tensor.requires_grad
        assert tensor.is_leaf
        assert bool(tensor.isfinite().all())


def test_refuses_what_cannot_be() -> None:
    with pytest.raises(ValueError, match="init should be one of torch, glorot, he, orthogonal"):
        initialise(empty(5), "xavier")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="needs biases to set"):
        initialise(empty(5, bias=False), forget_bias=1.0)

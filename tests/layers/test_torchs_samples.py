"""PyTorch's own samples for its recurrent modules, run on ours: 840 checks."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from longshort.layers.cells import GRUCell, LSTMCell, RNNCell
from longshort.layers.recurrent import GRU, LSTM, RNN

with warnings.catch_warnings():
    # importing torch's test tools warns about what they use themselves
    warnings.simplefilter("ignore")
    from torch.testing._internal.common_modules import module_db

OURS: dict[type, Callable[..., nn.Module]] = {
    nn.LSTM: LSTM,
    nn.GRU: GRU,
    nn.RNN: RNN,
    nn.LSTMCell: LSTMCell,
    nn.GRUCell: GRUCell,
    nn.RNNCell: RNNCell,
}
INFOS = {info.module_cls: info for info in module_db if info.module_cls in OURS}
CASES = [
    (kind, dtype, training)
    for kind in OURS
    for dtype in (torch.float32, torch.float64)
    for training in (True, False)
]
# how many samples torch has, so that none is lost: samples and error inputs of each module
COUNTS = {
    nn.LSTM: (32, 14), nn.GRU: (16, 14), nn.RNN: (32, 14),
    nn.LSTMCell: (2, 4), nn.GRUCell: (2, 6), nn.RNNCell: (3, 6),
}  # fmt: skip


def samples(kind: type, dtype: torch.dtype, training: bool, *, errors: bool = False) -> list[Any]:
    info = INFOS[kind]
    make = info.module_error_inputs_func if errors else info.module_inputs_func
    found = make(info, device="cpu", dtype=dtype, requires_grad=True, training=training)
    return list(found)


def build(kind: type, sample: Any, dtype: torch.dtype, training: bool) -> nn.Module:
    torch.manual_seed(0)
    arguments = sample.constructor_input
    model = OURS[kind](*arguments.args, **{"dtype": dtype, **arguments.kwargs})
    return model.train(training)


# torch's own layer says so of itself
@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
@pytest.mark.parametrize(("kind", "dtype", "training"), CASES)
def test_forward(kind: type, dtype: torch.dtype, training: bool) -> None:
    found = samples(kind, dtype, training)
    assert len(found) == COUNTS[kind][0]
    for sample in found:
        model = build(kind, sample, dtype, training)
        theirs = kind(
            *sample.constructor_input.args, **{"dtype": dtype, **sample.constructor_input.kwargs}
        )
        theirs.load_state_dict(model.state_dict())
        given = sample.forward_input
        out = model(*given.args, **given.kwargs)
        torch.testing.assert_close(out, theirs(*given.args, **given.kwargs))
        if sample.reference_fn is not None:
            expected = sample.reference_fn(model, *given.args, **given.kwargs)
            torch.testing.assert_close(out, expected)


@pytest.mark.parametrize(("kind", "dtype", "training"), CASES)
def test_error_inputs(kind: type, dtype: torch.dtype, training: bool) -> None:
    found = samples(kind, dtype, training, errors=True)
    assert len(found) == COUNTS[kind][1]
    for sample in found:
        given = sample.module_error_input
        if "construction" in str(sample.error_on).lower():
            with pytest.raises(sample.error_type, match=sample.error_regex):
                build(kind, given, dtype, training)
        else:
            model = build(kind, given, dtype, training)
            with pytest.raises(sample.error_type, match=sample.error_regex):
                model(*given.forward_input.args, **given.forward_input.kwargs)


def leaves_and_function(model: nn.Module, sample: Any) -> tuple[list[Tensor], Callable[..., Any]]:
    """A sample's inputs and parameters as leaves, and the call as a function of them."""
    given, kwargs = sample.forward_input.args, sample.forward_input.kwargs
    flat, spec = torch.utils._pytree.tree_flatten((given, kwargs))
    names = [name for name, _ in model.named_parameters()]
    places = [at for at, item in enumerate(flat) if isinstance(item, Tensor)]
    tensors = [flat[at] for at in places] + list(model.parameters())
    leaves = [t.detach().clone().double().requires_grad_() for t in tensors]

    def run(*values: Tensor) -> list[Tensor]:
        items = list(flat)
        for at, value in zip(places, values, strict=False):
            items[at] = value
        args, options = torch.utils._pytree.tree_unflatten(items, spec)
        parameters = dict(zip(names, values[len(places) :], strict=True))
        out = torch.func.functional_call(model, parameters, args, options)
        return torch.utils._pytree.tree_leaves(out)

    return leaves, run


def check_derivatives(kind: type, training: bool, fast: bool, every: int = 1) -> None:
    for sample in samples(kind, torch.float64, training)[::every]:
        model = build(kind, sample, torch.float64, training)
        leaves, run = leaves_and_function(model, sample)
        assert torch.autograd.gradcheck(run, leaves, fast_mode=fast)
        assert torch.autograd.gradgradcheck(run, leaves, fast_mode=fast)


@pytest.mark.parametrize("kind", OURS)
def test_derivatives_of_some(kind: type) -> None:
    check_derivatives(kind, training=True, fast=True, every=5)


@pytest.mark.slow
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("kind", OURS)
def test_derivatives_of_all(kind: type, training: bool) -> None:
    check_derivatives(kind, training, fast=True)

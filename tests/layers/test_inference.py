"""The short way without gradients: the same bits as the long way, and never with stale weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

import longshort
from longshort.kernels import cpu
from longshort.layers import inference

pytestmark = pytest.mark.skipif(not cpu.AVAILABLE, reason="there is no CPU engine to be short by")

LAYERS: dict[str, Callable[..., Any]] = {
    "lstm": lambda **own: longshort.LSTM(3, 5, **own),
    "deep": lambda **own: longshort.LSTM(3, 5, 4, **own),
    "projected": lambda **own: longshort.LSTM(3, 5, 2, proj_size=2, peepholes=True, **own),
    "normed": lambda **own: longshort.LSTM(3, 5, 3, layer_norm=True, **own),
    "zoneout": lambda **own: longshort.LSTM(3, 5, zoneout_hidden=0.2, **own),
    "residual": lambda **own: longshort.LSTM(3, 5, 3, proj_size=2, residual=True, **own),
    "gru": lambda **own: longshort.GRU(3, 5, 2, **own),
    "residual gru": lambda **own: longshort.GRU(3, 5, 3, residual=True, **own),
    "rnn": lambda **own: longshort.RNN(3, 5, 3, **own),
}


def parts(state: Any) -> tuple[Tensor, ...]:
    return (state,) if isinstance(state, Tensor) else tuple(state)


def long_way(layer: Any, x: Tensor, state: Any = None) -> tuple[Tensor, Any]:
    """With gradients, and so by the way that every option takes."""
    with torch.enable_grad():
        return layer(x, state)  # type: ignore[no-any-return]


def same(found: tuple[Tensor, Any], truth: tuple[Tensor, Any]) -> None:
    assert torch.equal(found[0], truth[0])
    for one, other in zip(parts(found[1]), parts(truth[1]), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", LAYERS)
def test_the_short_way_gives_the_same_bits(
    name: str, dtype: torch.dtype, batch_first: bool
) -> None:
    layer = LAYERS[name](batch_first=batch_first, dtype=dtype).eval()
    for rows, steps in ((1, 1), (2, 7), (19, 3), (4, 40)):
        x = torch.randn(rows, steps, 3, dtype=dtype)
        x = x if batch_first else x.transpose(0, 1).contiguous()
        with torch.no_grad():
            assert inference.read(layer, x, None) is not None
            first = layer(x)
            again = layer(x, first[1])
        same(first, long_way(layer, x))
        same(again, long_way(layer, x, first[1]))


def test_the_number_of_threads_changes_no_bit() -> None:
    layer = longshort.LSTM(32, 96, 2, batch_first=True)
    x = torch.randn(40, 30, 32)
    truth = long_way(layer, x)
    before = torch.get_num_threads()
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            with torch.no_grad():
                same(layer(x), truth)
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize(
    "change",
    [
        lambda layer: layer.weight_hh_l0.mul_(0.5),
        lambda layer: layer.load_state_dict(longshort.LSTM(3, 5).state_dict()),
        lambda layer: setattr(layer, "bias_ih_l0", torch.nn.Parameter(torch.ones(20))),
    ],
)
def test_a_changed_weight_is_seen(change: Callable[[Any], Any]) -> None:
    layer, x = longshort.LSTM(3, 5), torch.randn(4, 2, 3)
    with torch.no_grad():
        before = layer(x)[0]
        change(layer)
        after = layer(x)
    assert not torch.equal(before, after[0])
    same(after, long_way(layer, x))


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (longshort.LSTM(3, 5, bidirectional=True), (4, 2, 3)),
        (longshort.LSTM(3, 5, learn_state=True), (4, 2, 3)),
        (longshort.LSTM(3, 5, engine="reference"), (4, 2, 3)),
        (longshort.LSTM(3, 5), (4, 3)),
    ],
)
def test_what_has_no_short_way_takes_the_long_one(layer: Any, shape: tuple[int, ...]) -> None:
    x = torch.randn(shape)
    with torch.no_grad():
        assert inference.read(layer, x, None) is None
        same(layer(x), long_way(layer, x))


def test_what_is_wrong_is_said_as_ever() -> None:
    layer = longshort.LSTM(3, 5)
    with torch.no_grad():
        layer(torch.randn(4, 2, 3))
        with pytest.raises(RuntimeError, match="must be equal to input_size"):
            layer(torch.randn(4, 2, 2))
        with pytest.raises(RuntimeError, match="Expected hidden"):
            layer(torch.randn(4, 2, 3), (torch.zeros(1, 3, 5), torch.zeros(1, 3, 5)))
        with pytest.raises(RuntimeError, match="sequence length"):
            layer(torch.randn(0, 4, 3))

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from longshort.contracts import Batch
from longshort.errors import ArgumentError
from longshort.explain import gradient_flow
from longshort.heads.real import RealHead
from longshort.layers.channels import Channels
from longshort.layers.embed import Embed
from longshort.layers.encoder import Recurrent, RecurrentEncoder
from longshort.layers.recurrent import GRU, LSTM, RNN
from longshort.model import Model


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def near(found: tuple[float, ...], truth: Any) -> None:
    torch.testing.assert_close(
        torch.tensor(found, dtype=torch.float64), truth.detach(), rtol=0, atol=1e-12
    )


def made(cell: type[Any], *sizes: int, **options: Any) -> Any:
    torch.manual_seed(3)
    return cell(*sizes, batch_first=True, **options).double()


def test_one_tanh_unit() -> None:
    layer, x = made(RNN, 1, 1), draw(4, 9, 1)
    flow = gradient_flow(layer, x)
    out = layer(x)[0][:, :, 0]
    # d h_t / d h_{t-1} = w (1 - h_t^2), and d h_t / d x_t the same with the input's weight
    slope = 1 - out.square()
    back = (layer.weight_hh_l0 * slope).flip(1)
    chain = torch.cat([torch.ones(4, 1), back[:, :-1].cumprod(1)], 1).abs()
    near(flow.state, chain.mean(0))
    near(flow.parts["h"], chain.mean(0))
    near(flow.inputs, (chain * (layer.weight_ih_l0 * slope.flip(1)).abs()).mean(0))
    assert flow.lag == tuple(range(9))
    assert flow.rows == (4,) * 9


def test_a_linear_network_is_powers_of_its_matrix() -> None:
    # a relu that is always open
    layer = made(RNN, 2, 3, nonlinearity="relu")
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.abs_()
    flow = gradient_flow(layer, draw(2, 8, 2).abs())
    w = layer.weight_hh_l0
    powers = torch.stack([torch.linalg.matrix_power(w, k) for k in range(8)])
    near(flow.state, torch.linalg.matrix_norm(powers) / 3**0.5)
    near(flow.inputs, torch.linalg.matrix_norm(powers @ layer.weight_ih_l0) / 3**0.5)


def test_an_identity_that_is_open_loses_nothing() -> None:
    # the initialisation of Le, Jaitly & Hinton 2015
    layer = made(RNN, 1, 4, nonlinearity="relu")
    with torch.no_grad():
        layer.weight_hh_l0.copy_(torch.eye(4))
        layer.bias_ih_l0.fill_(100)
    assert gradient_flow(layer, draw(3, 30, 1)).state == (1.0,) * 30


@pytest.mark.parametrize("cell", [LSTM, GRU])
@pytest.mark.parametrize("depth", [1, 2])
def test_jacobians(cell: type[Any], depth: int) -> None:
    layer, x = made(cell, 2, 3, depth), draw(2, 5, 2)
    theirs = (nn.LSTM if cell is LSTM else nn.GRU)(2, 3, depth, batch_first=True).double()
    theirs.load_state_dict(layer.state_dict())
    flow = gradient_flow(layer, x)
    parts = ("h", "c") if cell is LSTM else ("h",)
    for lag in range(5):
        norms, whole = {part: [] for part in parts}, []
        for row in range(2):
            one = x[row : row + 1]
            state = theirs(one[:, : 5 - lag])[1]
            state = state if cell is LSTM else (state,)

            def after(*state: Tensor, rest: Tensor = one[:, 5 - lag :]) -> Tensor:
                if not rest.shape[1]:
                    return state[0][-1, 0]
                out, _ = theirs(rest, state if cell is LSTM else state[0])
                return out[0, -1]

            found = torch.autograd.functional.jacobian(after, state)
            found = found if isinstance(found, tuple) else (found,)
            squares = [jacobian.square().sum() / 3 for jacobian in found]
            for part, square in zip(parts, squares, strict=True):
                norms[part].append(square.sqrt())
            whole.append(sum(squares).sqrt())
        assert flow.state[lag] == pytest.approx(float(torch.stack(whole).mean()), abs=1e-10)
        for part in parts:
            mean = float(torch.stack(norms[part]).mean())
            assert flow.parts[part][lag] == pytest.approx(mean, abs=1e-10)


def model() -> Model:
    torch.manual_seed(0)
    encoder = RecurrentEncoder(Embed(numbers={"x": 2}), Recurrent(size=4, dropout=0.5))
    return Model(encoder, RealHead(4, 1, 1))


def test_steps_are_those_of_the_recurrence() -> None:
    torch.manual_seed(3)
    inner = RecurrentEncoder(Embed(numbers={"numbers": 2}), Recurrent(4, dropout=0.0), segment=3)
    net = Model(Channels(inner, [[0, 2], [1, 2]]), RealHead(4, 1, 2, shared=True))
    x = draw(2, 7, 3).float()
    flow = gradient_flow(net, Batch({"numbers": x}, torch.tensor([7, 4])))
    # two channels of each row, in segments of three steps
    assert flow.rows == (4, 4, 2)
    read, lengths = net.encoder.inputs(Batch({"numbers": x}, torch.tensor([7, 4])))
    assert lengths.tolist() == [3, 3, 2, 2]
    alone = gradient_flow(inner.stack, read[:2])
    assert flow.state[2] == pytest.approx(alone.state[2])


def test_a_models_rows_end_where_they_end() -> None:
    net = model().train()
    x = draw(3, 6, 2).float()
    whole = gradient_flow(net, Batch({"x": x}, torch.tensor([6, 0, 4])))
    assert net.training
    assert net.encoder.training
    assert all(parameter.grad is None for parameter in net.parameters())
    full = gradient_flow(net, Batch({"x": x[:1]}, torch.tensor([6])))
    short = gradient_flow(net, Batch({"x": x[2:, :4]}, torch.tensor([4])))
    assert whole.rows == (2, 2, 2, 2, 1, 1)
    for lag in range(6):
        alone = [full.state[lag], *short.state[lag : lag + 1]]
        assert whole.state[lag] == pytest.approx(sum(alone) / len(alone))
        alone = [full.inputs[lag], *short.inputs[lag : lag + 1]]
        assert whole.inputs[lag] == pytest.approx(sum(alone) / len(alone))


def test_layout_and_no_grad_do_not_matter() -> None:
    layer, x = made(LSTM, 2, 3), draw(2, 5, 2)
    other = LSTM(2, 3).double()
    other.load_state_dict(layer.state_dict())
    with torch.no_grad():
        assert gradient_flow(other, x.transpose(0, 1)) == gradient_flow(layer, x)


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(ArgumentError, match="reads a tensor, got Batch"):
        gradient_flow(made(LSTM, 2, 3), Batch({"x": draw(1, 2, 2)}, torch.tensor([2])))
    with pytest.raises(ArgumentError, match="reads a Batch, got Tensor"):
        gradient_flow(model(), draw(1, 2, 2))
    with pytest.raises(ArgumentError, match="no row has a step"):
        gradient_flow(made(LSTM, 2, 3), draw(2, 0, 2))
    with pytest.raises(RuntimeError, match="bidirectional"):
        gradient_flow(made(LSTM, 2, 3, bidirectional=True), draw(1, 2, 2))
    trunk = nn.Identity()
    with pytest.raises(ArgumentError, match="one recurrence, found 0"):
        gradient_flow(Model(trunk, RealHead(4, 1, 1)), Batch({}, torch.tensor([2])))

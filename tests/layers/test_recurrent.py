from __future__ import annotations

import copy
import itertools
import math
import pickle
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.utils.rnn import pack_padded_sequence

from longshort.layers.initial import METHODS, Method
from longshort.layers.masks import keep_mask
from longshort.layers.recurrent import GRU, LSTM, RNN

State = tuple[Tensor, Tensor]


def wide(*arguments: Any, **options: Any) -> LSTM:
    """In float64, with weights drawn wide enough to bend the gates."""
    model = LSTM(*arguments, **options, dtype=torch.float64)
    source = torch.Generator().manual_seed(0)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.5, generator=source)
    return model


def draw(*shape: int, seed: int = 1) -> Tensor:
    source = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=source, dtype=torch.float64)


def states(model: LSTM, rows: int) -> State:
    size = (model.num_layers * (2 if model.bidirectional else 1), rows, model.hidden_size)
    return draw(*size, seed=2), draw(*size, seed=3)


def everything(model: torch.nn.Module, out: Tensor, state: State, leaves: list[Tensor]) -> Any:
    """Outputs, last states and the gradient of a random loss for every leaf and parameter."""
    loss = sum((part * draw(*part.shape, seed=9)).sum() for part in (out, *state))
    leaves = [*leaves, *model.parameters()]
    return [out, *state, *torch.autograd.grad(loss, leaves)]


def same(mine: Any, other: Any, tolerance: float = 1e-10) -> None:
    torch.testing.assert_close(mine, other, rtol=0, atol=tolerance)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-6)])
def test_whole_is_chunks_is_steps(dtype: torch.dtype, tolerance: float) -> None:
    ours = wide(3, 8, 3, batch_first=True).to(dtype)
    x = draw(4, 30, 3).to(dtype)
    whole, last = ours(x)
    for sizes in ([7, 23], [1, 9, 20], [10, 10, 10]):
        state, outputs = None, []
        for chunk in x.split(sizes, dim=1):
            out, state = ours(chunk, state)
            outputs.append(out)
        same(torch.cat(outputs, dim=1), whole, tolerance)
        same(state, last, tolerance)
    state, outputs = None, []
    for t in range(30):
        out, state = ours.step(x[:, t], state)
        assert out.shape == (4, 8)
        outputs.append(out)
    same(torch.stack(outputs, dim=1), whole, tolerance)
    same(state, last, tolerance)


LENGTHS = st.lists(st.integers(0, 6), min_size=1, max_size=5)


@given(LENGTHS, st.booleans(), st.data())
@settings(max_examples=25, deadline=None)
def test_batch_order_and_neighbours_change_nothing(
    lengths: list[int], bidirectional: bool, data: st.DataObject
) -> None:
    model = wide(2, 3, 2, batch_first=True, bidirectional=bidirectional)
    rows = len(lengths)
    order = torch.tensor(data.draw(st.permutations(range(rows))))
    x, (h, c), valid = draw(rows, 6, 2), states(model, rows), torch.tensor(lengths)
    out, (h_n, c_n) = model(x, (h, c), lengths=valid)
    moved, (h_m, c_m) = model(x[order], (h[:, order], c[:, order]), lengths=valid[order])
    same([moved, h_m, c_m], [out[order], h_n[:, order], c_n[:, order]], 1e-12)
    row = data.draw(st.integers(0, rows - 1))
    one = slice(row, row + 1)
    alone, (h_a, c_a) = model(x[one], (h[:, one], c[:, one]), lengths=valid[one])
    same([alone, h_a, c_a], [out[one], h_n[:, one], c_n[:, one]], 1e-12)


@given(LENGTHS, st.booleans(), st.integers(0, 4), st.sampled_from([0.0, 1e300, math.inf, math.nan]))
@settings(max_examples=25, deadline=None)
def test_padding_changes_nothing(
    lengths: list[int], bidirectional: bool, extra: int, fill: float
) -> None:
    model = wide(2, 3, 2, batch_first=True, bidirectional=bidirectional)
    rows, valid = len(lengths), torch.tensor(lengths)
    x = draw(rows, 6, 2)
    padded = torch.cat([x, draw(rows, extra, 2, seed=8)], dim=1)
    padding = torch.arange(6 + extra) >= valid.unsqueeze(1)
    padded[padding] = fill
    results = []
    for values in (x, padded):
        leaves = [t.clone().requires_grad_() for t in (values, *states(model, rows))]
        out, last = model(leaves[0], tuple(leaves[1:]), lengths=valid)
        # the loss reads the first six steps: those that both have
        results.append(everything(model, out[:, :6], last, leaves))
        assert bool((out[:, 6:] == 0).all())
    results[1][3] = results[1][3][:, :6]
    same(results[1], results[0], 1e-12)


@given(st.integers(0, 5))
@settings(max_examples=6, deadline=None)
def test_the_future_changes_nothing_before_it(t: int) -> None:
    model = wide(2, 3, 2, batch_first=True)
    x = draw(2, 6, 2)
    other = x.clone()
    other[:, t:] = math.nan
    assert torch.equal(model(x)[0][:, :t], model(other)[0][:, :t])


def test_zero_length_rows_keep_their_states_in_every_layer() -> None:
    model = wide(2, 3, 2, batch_first=True, bidirectional=True)
    state = states(model, 3)
    out, last = model(draw(3, 4, 2), state, lengths=torch.tensor([4, 0, 2], dtype=torch.int32))
    for part, first in zip(last, state, strict=True):
        assert torch.equal(part[:, 1], first[:, 1])
    assert not out[1].any()


@pytest.mark.parametrize("lengths", [None, [2, 0]])
def test_second_gradients_through_the_stack(lengths: list[int] | None) -> None:
    model = wide(1, 2, 2, batch_first=True, bidirectional=True)
    valid = None if lengths is None else torch.tensor(lengths)
    names = [name for name, _ in model.named_parameters()]

    def run(x: Tensor, h: Tensor, c: Tensor, *weights: Tensor) -> tuple[Tensor, ...]:
        parameters = dict(zip(names, weights, strict=True))
        out, last = torch.func.functional_call(model, parameters, (x, (h, c)), {"lengths": valid})
        return out, *last

    leaves = [draw(2, 2, 1), *states(model, 2), *[p.detach().clone() for p in model.parameters()]]
    leaves = [leaf.requires_grad_() for leaf in leaves]
    assert torch.autograd.gradcheck(run, leaves)
    assert torch.autograd.gradgradcheck(run, leaves[:3] + [leaf.detach() for leaf in leaves[3:]])


def test_layers_gives_every_layers_output() -> None:
    model = wide(3, 4, 3, batch_first=True, bidirectional=True)
    x, state, lengths = draw(2, 5, 3), states(model, 2), torch.tensor([5, 3])
    outputs, last = model.layers(x, state, lengths=lengths)
    out, expected = model(x, state, lengths=lengths)
    assert [list(layer.shape) for layer in outputs] == [[2, 5, 8]] * 3
    same([outputs[-1], *last], [out, *expected], 0.0)
    # the first two layers are an LSTM of depth two
    shallow = LSTM(3, 4, 2, batch_first=True, bidirectional=True).double()
    shallow.load_state_dict(model.state_dict(), strict=False)
    same(outputs[1], shallow(x, (state[0][:4], state[1][:4]), lengths=lengths)[0], 1e-12)
    time_first = LSTM(3, 4, 3, bidirectional=True).double()
    time_first.load_state_dict(model.state_dict())
    turned, _ = time_first.layers(x.transpose(0, 1), state, lengths=lengths)
    same([layer.transpose(0, 1) for layer in turned], outputs, 1e-12)


def test_dropout_derives_every_mask_from_one_seed() -> None:
    model = wide(3, 4, 3, batch_first=True, dropout=0.4)
    x = draw(2, 5, 3)
    torch.manual_seed(7)
    seed = int(torch.randint(2**63 - 1, ()))
    after = torch.get_rng_state()
    torch.manual_seed(7)
    out, _ = model(x)
    assert torch.equal(after, torch.get_rng_state())
    expected = x
    for layer in range(3):
        single = LSTM(*model.weights(layer).w_ih.shape[1:], 4, batch_first=True).double()
        single.load_state_dict(
            {f"{name[:-1]}0": w for name, w in model.state_dict().items() if name[-1] == f"{layer}"}
        )
        if layer:
            expected = expected * keep_mask(seed, layer - 1, (2, 5, 4), 0.4, dtype=x.dtype)
        expected, _ = single(expected)
    same(out, expected, 1e-12)


def test_dropout_repeats_with_the_seed() -> None:
    model, x = wide(3, 4, 2, dropout=0.5), draw(5, 2, 3)
    torch.manual_seed(1)
    first, second = model(x)[0], model(x)[0]
    torch.manual_seed(1)
    assert torch.equal(model(x)[0], first)
    assert not torch.equal(second, first)
    # the last layer's output is never dropped
    assert bool((first != 0).all())


def test_without_dropout_nothing_is_drawn() -> None:
    resting, plain, x = wide(3, 4, 2, dropout=0.5).eval(), wide(3, 4, 2), draw(5, 2, 3)
    before = torch.get_rng_state()
    assert torch.equal(resting(x)[0], plain(x)[0])
    assert torch.equal(resting.step(x[0])[0], plain.step(x[0])[0])
    assert torch.equal(before, torch.get_rng_state())


def test_repr_shows_what_torch_lacks() -> None:
    text = repr(LSTM(3, 4, forget_bias=1.0, init="orthogonal"))
    assert text == "LSTM(3, 4, forget_bias=1.0, init=orthogonal)"


@pytest.mark.parametrize("method", METHODS)
def test_first_values_in_every_layer_and_direction(method: Method) -> None:
    model = LSTM(3, 4, 2, bidirectional=True, init=method, forget_bias=1.5, dtype=torch.float64)
    for layer, direction in itertools.product(range(2), range(2)):
        weights = model.weights(layer, direction)
        assert weights.b_ih is not None
        assert weights.b_hh is not None
        same((weights.b_ih + weights.b_hh)[4:8], torch.full((4,), 1.5, dtype=torch.float64), 0)
        if method == "orthogonal":
            for block in weights.w_hh.chunk(4):
                same(block @ block.t(), torch.eye(4, dtype=torch.float64), 1e-12)
    runs = []
    for _ in range(2):
        model.reset_parameters(torch.Generator().manual_seed(4))
        runs.append([p.clone() for p in model.parameters()])
    same(runs[0], runs[1], 0)


def test_survives_copying_pickling_and_moving() -> None:
    model = LSTM(3, 4, 2, batch_first=True, forget_bias=1.0)
    x = torch.randn(2, 5, 3)
    expected = model(x)[0]
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert torch.equal(other(x)[0], expected)
    assert model.to(torch.float64)(x.double())[0].dtype == torch.float64
    model.flatten_parameters()
    empty = LSTM(3, 4, device="meta")
    assert empty(torch.empty(5, 2, 3, device="meta"))[0].shape == (5, 2, 4)


def test_autocast_takes_mixed_dtypes() -> None:
    model = LSTM(3, 4, batch_first=True)
    x = torch.randn(2, 5, 3)
    expected = model(x)[0]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out, state = model(x.bfloat16(), lengths=torch.tensor([5, 2]))
        again, _ = model(x.bfloat16(), state)
    torch.testing.assert_close(out[0].float(), expected[0], rtol=0, atol=0.05)
    assert bool(again.isfinite().all())


def sized(*shape: int) -> State:
    return torch.zeros(shape), torch.zeros(shape)


def test_a_projection_size_is_never_taken_for_a_device() -> None:
    assert LSTM(3, 4, 1, True, False, 0.0, False, 2, "meta").weight_hr_l0.shape == (2, 4)
    for layer in (GRU, RNN):
        with pytest.raises(ValueError, match="only supported for LSTM"):
            layer(3, 4, proj_size=0)
        with pytest.raises(TypeError):
            layer(3, 4, 1, "tanh", True, False, 0.0, False, 0)


def test_own_argument_errors() -> None:
    with pytest.raises(ValueError, match="init should be one of"):
        LSTM(3, 4, init="xavier")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="needs biases to set: use bias=True"):
        LSTM(3, 4, bias=False, forget_bias=1.0)


def test_states_of_another_dtype_are_refused() -> None:
    h, c = sized(1, 2, 4)
    with pytest.raises(RuntimeError, match="hidden tensors are not the same dtype"):
        LSTM(3, 4)(torch.zeros(5, 2, 3), (h.double(), c.double()))


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        (torch.tensor([5]), r"shape \(2,\), got \[1\]"),
        (torch.tensor([5.0, 2.0]), "integer dtype, got torch.float32"),
        (torch.tensor([True, True]), "integer dtype, got torch.bool"),
        (torch.tensor([5, 6]), "from 0 to T=5, got 6 in row 1"),
        (torch.tensor([-1, 5]), "from 0 to T=5, got -1 in row 0"),
    ],
)
def test_lengths_that_do_not_fit(lengths: Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LSTM(3, 4)(torch.zeros(5, 2, 3), lengths=lengths)


def test_lengths_where_they_have_no_meaning() -> None:
    model = LSTM(3, 4)
    with pytest.raises(ValueError, match="unbatched"):
        model(torch.zeros(5, 3), lengths=torch.tensor([5]))
    packed = pack_padded_sequence(torch.zeros(5, 2, 3), [5, 3])
    with pytest.raises(ValueError, match="PackedSequence has its own"):
        model(packed, lengths=torch.tensor([5, 3]))
    with pytest.raises(RuntimeError, match="must be equal to input_size"):
        model(pack_padded_sequence(torch.zeros(5, 2, 4), [5, 3]))


def test_step_errors() -> None:
    with pytest.raises(RuntimeError, match="bidirectional LSTM reads each sequence from its end"):
        LSTM(3, 4, bidirectional=True).step(torch.zeros(2, 3))
    model = LSTM(3, 4)
    with pytest.raises(ValueError, match="Expected x_t to be 2D"):
        model.step(torch.zeros(1, 2, 3))
    with pytest.raises(RuntimeError, match="must be equal to input_size"):
        model.step(torch.zeros(2, 4))
    with pytest.raises(RuntimeError, match=r"Expected hidden\[0\] size \(1, 2, 4\)"):
        model.step(torch.zeros(2, 3), sized(1, 3, 4))


def test_small_and_unsigned_lengths_are_lengths() -> None:
    x, lengths = torch.randn(2, 12, 4), torch.tensor([12, 3])
    for memory in ("all", "chunks", "recompute"):
        layer = LSTM(4, 6, batch_first=True, memory=memory)
        expected, _ = layer(x, lengths=lengths)
        for kind in (torch.uint8, torch.int8, torch.int32):
            assert torch.equal(layer(x, lengths=lengths.to(kind))[0], expected)
            parts = [chunk.output for chunk in layer.truncated(x, 5, lengths=lengths.to(kind))]
            torch.testing.assert_close(torch.cat(parts, 1), expected)


def test_a_stream_is_no_part_of_a_graph_and_begins_by_the_weights_of_now() -> None:
    layer = LSTM(3, 4, learn_state=True)
    stream = layer.stream(2)
    stream(torch.randn(2, 3))
    assert not any(part.requires_grad for part in stream.state)
    copy.deepcopy(stream)
    with torch.no_grad():
        layer.initial_h.fill_(0.5)
    stream.reset()
    assert torch.equal(stream.state[0], torch.full((1, 2, 4), 0.5))
    with pytest.raises(ValueError, match="rows should be"):
        stream.reset(torch.tensor([True]))


def test_truncated_reading_checks_the_whole_input() -> None:
    layer, x = LSTM(3, 4, batch_first=True), torch.randn(2, 5, 3)
    with pytest.raises(ValueError, match="got 9 in row 1"):
        layer.truncated(x, 2, lengths=torch.tensor([5, 9]))
    with pytest.raises(ValueError, match="resets should have shape"):
        layer.truncated(x, 2, resets=torch.zeros(2, 9, dtype=torch.bool))
    with pytest.raises(TypeError, match="PackedSequence"):
        layer.truncated(torch.nn.utils.rnn.pack_sequence([x[0]]), 2)


def test_per_sample_gradients_under_every_memory() -> None:
    x = torch.randn(3, 7, 2, dtype=torch.float64)
    found = []
    for memory in ("all", "recompute", "chunks"):
        torch.manual_seed(0)
        layer = LSTM(2, 3, batch_first=True, memory=memory, dtype=torch.float64)
        weights = dict(layer.named_parameters())

        def loss(weights: dict[str, Tensor], row: Tensor, layer: LSTM = layer) -> Tensor:
            return torch.func.functional_call(layer, weights, (row[None],))[0].sum()

        each = torch.func.vmap(torch.func.grad(loss), (None, 0))(weights, x)
        found.append(torch.cat([grad.flatten() for grad in each.values()]))
    torch.testing.assert_close(found[1], found[0])
    torch.testing.assert_close(found[2], found[0])

from __future__ import annotations

import warnings
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from longshort.layers.recurrent import LSTM

State = tuple[Tensor, Tensor]


def pair(*arguments: Any, **options: Any) -> tuple[LSTM, torch.nn.LSTM]:
    """Ours and torch's, float64, with the same weights, drawn wide enough to bend the gates."""
    torch.manual_seed(0)
    ours = LSTM(*arguments, **options).double()
    theirs = torch.nn.LSTM(*arguments, **options).double()
    for parameter in ours.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs


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


@pytest.mark.parametrize(
    ("rows", "steps", "features", "units"),
    [(1, 1, 1, 3), (5, 7, 4, 13), (5, 1, 3, 3), (1, 7, 2, 13)],
)
@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("batch_first", [False, True])
def test_values_and_every_gradient_as_torch(
    rows: int,
    steps: int,
    features: int,
    units: int,
    depth: int,
    bidirectional: bool,
    bias: bool,
    batch_first: bool,
) -> None:
    ours, theirs = pair(features, units, depth, bias, batch_first, 0.0, bidirectional)
    x = draw(rows, steps, features) if batch_first else draw(steps, rows, features)
    for state in (None, states(ours, rows)):
        results = []
        for model in (ours, theirs):
            leaves = [t.clone().requires_grad_() for t in (x, *(state or ()))]
            out, last = model(leaves[0], tuple(leaves[1:]) if state else None)
            assert out.is_contiguous() or model is theirs
            results.append(everything(model, out, last, leaves))
        same(results[0], results[1])


@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("batch_first", [False, True])
def test_lengths_as_torch_on_packed_sequences(
    depth: int, bidirectional: bool, batch_first: bool
) -> None:
    ours, theirs = pair(3, 5, depth, True, batch_first, 0.0, bidirectional)
    lengths = torch.tensor([2, 7, 1, 7, 4])
    x, state = draw(5, 7, 3), states(ours, 5)
    x = x if batch_first else x.transpose(0, 1)
    results = []
    for model in (ours, theirs):
        leaves = [t.clone().requires_grad_() for t in (x, *state)]
        if model is ours:
            out, last = model(leaves[0], tuple(leaves[1:]), lengths=lengths)
        else:
            packed = pack_padded_sequence(leaves[0], lengths, batch_first, enforce_sorted=False)
            data, last = model(packed, tuple(leaves[1:]))
            out, _ = pad_packed_sequence(data, batch_first)
        results.append(everything(model, out, last, leaves))
    same(results[0], results[1])


@pytest.mark.parametrize("lengths", [[2, 7, 1, 7, 4], [7, 4, 4, 2, 1], [3, 3, 3]])
@pytest.mark.parametrize("enforce_sorted", [False, True])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("with_state", [False, True])
def test_packed_in_packed_out(
    lengths: list[int], enforce_sorted: bool, bidirectional: bool, with_state: bool
) -> None:
    if enforce_sorted:
        lengths = sorted(lengths, reverse=True)
    ours, theirs = pair(3, 5, 2, bidirectional=bidirectional)
    rows, steps = len(lengths), max(lengths)
    x, state = draw(steps, rows, 3), states(ours, rows) if with_state else ()
    results = []
    for model in (ours, theirs):
        leaves = [t.clone().requires_grad_() for t in (x, *state)]
        packed = pack_padded_sequence(leaves[0], lengths, enforce_sorted=enforce_sorted)
        out, last = model(packed, tuple(leaves[1:]) or None)
        assert isinstance(out, PackedSequence)
        assert torch.equal(out.batch_sizes, packed.batch_sizes)
        if packed.sorted_indices is None:
            assert out.sorted_indices is None
            assert out.unsorted_indices is None
        else:
            assert torch.equal(out.sorted_indices, packed.sorted_indices)
            assert torch.equal(out.unsorted_indices, packed.unsorted_indices)
        results.append(everything(model, out.data, last, leaves))
    same(results[0], results[1])


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_unbatched_as_torch(batch_first: bool, bidirectional: bool) -> None:
    ours, theirs = pair(3, 4, 2, True, batch_first, 0.0, bidirectional)
    x = draw(6, 3)
    h, c = states(ours, 1)
    for state in (None, (h.squeeze(1), c.squeeze(1))):
        out, last = ours(x, state)
        expected, expected_last = theirs(x, state)
        assert out.shape == expected.shape
        same([out, *last], [expected, *expected_last])
    assert [list(layer.shape) for layer in ours.layers(x)[0]] == [[6, out.shape[1]]] * 2


def test_no_rows_as_torch() -> None:
    ours, theirs = pair(3, 4, 2, batch_first=True)
    x = torch.zeros(0, 5, 3, dtype=torch.float64)
    out, (h, c) = ours(x, lengths=torch.zeros(0, dtype=torch.int64))
    expected, (expected_h, expected_c) = theirs(x)
    assert [t.shape for t in (out, h, c)] == [t.shape for t in (expected, expected_h, expected_c)]


def test_carried_state_over_chunks_and_gradients_as_torch() -> None:
    ours, theirs = pair(3, 4, 2, batch_first=True)
    x = draw(2, 9, 3)
    results = []
    for model in (ours, theirs):
        leaf = x.clone().requires_grad_()
        state, outputs = None, []
        for chunk in leaf.split([4, 1, 4], dim=1):
            out, state = model(chunk, state)
            outputs.append(out)
        assert state is not None
        results.append(everything(model, torch.cat(outputs, dim=1), state, [leaf]))
    same(results[0], results[1])


def test_same_seed_gives_torchs_first_values_and_generator_state() -> None:
    for options in ({}, {"bias": False}, {"num_layers": 2, "bidirectional": True}):
        torch.manual_seed(5)
        theirs = torch.nn.LSTM(3, 4, **options)
        after = torch.get_rng_state()
        torch.manual_seed(5)
        ours = LSTM(3, 4, **options)
        assert torch.equal(after, torch.get_rng_state())
        for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
            assert torch.equal(mine, other)


@pytest.mark.parametrize("options", [{}, {"bias": False}, {"num_layers": 3, "bidirectional": True}])
def test_state_dicts_go_both_ways(options: dict[str, Any]) -> None:
    ours, theirs = LSTM(3, 4, **options), torch.nn.LSTM(3, 4, **options)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    x = torch.randn(5, 2, 3)
    ours.load_state_dict(theirs.state_dict())
    torch.testing.assert_close(ours(x)[0], theirs(x)[0], rtol=0, atol=1e-6)
    other = LSTM(3, 4, **options)
    theirs.load_state_dict(other.state_dict())
    torch.testing.assert_close(other(x)[0], theirs(x)[0], rtol=0, atol=1e-6)
    for mine, group in zip(ours.all_weights, theirs.all_weights, strict=True):
        assert [w.shape for w in mine] == [w.shape for w in group]


def test_dropout_of_one_as_torch() -> None:
    ours, theirs = pair(3, 4, 2, dropout=1.0)
    x = draw(5, 2, 3)
    same(ours(x)[0], theirs(x)[0])


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"num_layers": 2, "dropout": 0.5, "bias": False},
        {"batch_first": True, "bidirectional": True},
    ],
)
def test_repr_as_torch(options: dict[str, Any]) -> None:
    assert repr(LSTM(3, 4, **options)) == repr(torch.nn.LSTM(3, 4, **options))


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ((0, 4), {}),
        ((3, 0), {}),
        ((3, 4, 0), {}),
        ((3.0, 4), {}),
        ((3, 4.0), {}),
        ((3, 4), {"bias": 1}),
        ((3, 4), {"batch_first": 1}),
        ((3, 4), {"dropout": 1.5}),
        ((3, 4), {"dropout": True}),
        ((3, 4), {"dropout": -0.1}),
    ],
)
def test_argument_errors_as_torch(arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
    caught = []
    for model in (LSTM, torch.nn.LSTM):
        with pytest.raises((TypeError, ValueError)) as error:
            model(*arguments, **options)
        caught.append((error.type, str(error.value)))
    assert caught[0] == caught[1]


def test_dropout_warning_as_torch() -> None:
    caught = []
    for model in (LSTM, torch.nn.LSTM):
        with pytest.warns(UserWarning, match="dropout option adds dropout") as record:
            model(3, 4, dropout=0.5)
        caught.append(str(record[0].message))
        assert model is torch.nn.LSTM or record[0].filename == __file__
    assert caught[0] == caught[1]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        LSTM(3, 4, 2, dropout=0.5)


def sized(*shape: int) -> State:
    return torch.zeros(shape), torch.zeros(shape)


@pytest.mark.parametrize(
    ("x", "state"),
    [
        (torch.zeros(3), None),
        (torch.zeros(1, 2, 2, 3), None),
        (torch.zeros(5, 2, 4), None),
        (torch.zeros(5, 2, 3, dtype=torch.float64), None),
        (torch.zeros(5, 2, 3, dtype=torch.int64), None),
        (torch.zeros(0, 2, 3), None),
        (torch.zeros(5, 2, 3), sized(2, 4)),
        (torch.zeros(5, 3), sized(2, 1, 4)),
        (torch.zeros(5, 2, 3), sized(1, 2, 4)),
        (torch.zeros(5, 2, 3), sized(2, 3, 4)),
        (torch.zeros(5, 2, 3), (torch.zeros(2, 2, 4), torch.zeros(2, 2, 5))),
    ],
)
def test_call_errors_as_torch(x: Tensor, state: State | None) -> None:
    caught = []
    for model in (LSTM(3, 4, 2), torch.nn.LSTM(3, 4, 2)):
        with pytest.raises((ValueError, RuntimeError)) as error:
            model(x, state)
        caught.append((error.type, str(error.value)))
    assert caught[0] == caught[1]

"""Ours against torch.nn in float64 over the product of their arguments: values, every gradient."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from longshort.layers.recurrent import GRU, LSTM, RNN

LENGTHS = torch.tensor([2, 5, 1, 4])
B, T, F, H = 4, 5, 3, 4
KINDS: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    "lstm": (LSTM, nn.LSTM, {}),
    "lstmp": (LSTM, nn.LSTM, {"proj_size": 2}),
    "gru": (GRU, nn.GRU, {}),
    "tanh": (RNN, nn.RNN, {}),
    "relu": (RNN, nn.RNN, {"nonlinearity": "relu"}),
}
# how rows are read: full, ragged by lengths, packed in the user's order or longest first
READINGS = ("full", "lengths", "packed", "sorted")
PRODUCT = list(
    itertools.product(KINDS, (1, 2), (True, False), (True, False), (True, False), READINGS)
)
assert len(PRODUCT) >= 258
# torch warns of itself
pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported")


def draw(*shape: int, seed: int) -> Tensor:
    source = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=source, dtype=torch.float64)


def read(model: Any, leaf: Tensor, state: Any, batch_first: bool, reading: str) -> Any:
    if reading == "full":
        return model(leaf, state)
    if reading == "lengths" and isinstance(model, (LSTM, GRU, RNN)):
        return model(leaf, state, lengths=LENGTHS)
    lengths = LENGTHS.sort(descending=True)[0] if reading == "sorted" else LENGTHS
    packed = pack_padded_sequence(leaf, lengths, batch_first, enforce_sorted=reading == "sorted")
    out, last = model(packed, state)
    return pad_packed_sequence(out, batch_first)[0], last


def check(kind: str, depth: int, bias: bool, batch_first: bool, both: bool, reading: str) -> None:
    ours, theirs, options = KINDS[kind]
    given = {"num_layers": depth, "bias": bias, "batch_first": batch_first, "bidirectional": both}
    models = [each(F, H, **given, **options).double() for each in (ours, theirs)]
    for at, parameter in enumerate(models[0].parameters()):
        parameter.data.copy_(draw(*parameter.shape, seed=at) * 0.5)
    models[1].load_state_dict(models[0].state_dict())
    places = depth * (2 if both else 1)
    sizes = [options.get("proj_size", H), *([H] if "lstm" in kind else [])]
    x = draw(B, T, F, seed=50) if batch_first else draw(T, B, F, seed=50)
    for with_state in (False, True):
        results = []
        for model in models:
            leaf = x.clone().requires_grad_()
            first = [draw(places, B, size, seed=60 + size).requires_grad_() for size in sizes]
            state: Any = tuple(first) if len(first) == 2 else first[0]
            out, last = read(model, leaf, state if with_state else None, batch_first, reading)
            ends = last if isinstance(last, tuple) else (last,)
            loss = sum((p * draw(*p.shape, seed=9)).sum() for p in (out, *ends))
            leaves = [leaf, *(first if with_state else []), *model.parameters()]
            results.append([out, *ends, *torch.autograd.grad(loss, leaves)])
        torch.testing.assert_close(results[0], results[1], rtol=0, atol=1e-10)


@pytest.mark.parametrize(("kind", "depth", "bias", "batch_first", "both", "reading"), PRODUCT)
def test_as_torch(
    kind: str, depth: int, bias: bool, batch_first: bool, both: bool, reading: str
) -> None:
    check(kind, depth, bias, batch_first, both, reading)

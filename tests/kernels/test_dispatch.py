from __future__ import annotations

import torch

from longshort.kernels import dispatch, reference
from longshort.kernels.reference import Weights


def test_the_engine_is_the_reference_and_says_why() -> None:
    for arguments in ((), ("cuda", torch.bfloat16), (torch.device("cpu"), torch.float64)):
        engine = dispatch.engine(*arguments)
        assert engine.name == "reference"
        assert "no fused engine" in engine.reason
    assert "cuda" in dispatch.engine("cuda:1").reason
    assert "bfloat16" in dispatch.engine(dtype=torch.bfloat16).reason


def test_dispatch_gives_what_the_definition_gives() -> None:
    torch.manual_seed(0)
    x, h, c = torch.randn(3, 5, 2), torch.randn(3, 4), torch.randn(3, 4)
    weights = Weights(torch.randn(16, 2), torch.randn(16, 4), torch.randn(16), torch.randn(16))
    lengths = torch.tensor([5, 0, 2])
    for reverse in (False, True):
        out, state = dispatch.lstm(x, (h, c), weights, lengths=lengths, reverse=reverse)
        expected, last = reference.lstm(x, (h, c), weights, lengths=lengths, reverse=reverse)
        assert torch.equal(out, expected)
        assert torch.equal(state[0], last[0])
        assert torch.equal(state[1], last[1])

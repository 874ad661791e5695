"""The Transformer encoder beside torch's own, and its laws of padding."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from longshort.contracts import Batch, State
from longshort.errors import ArgumentError
from longshort.layers.embed import Embed
from longshort.layers.transformer import Attention, TransformerEncoder, positions


def batch(lengths: list[int], steps: int) -> Batch:
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(len(lengths), steps, 3, generator=generator)
    return Batch(inputs={"values": values}, lengths=torch.tensor(lengths))


def encoder() -> TransformerEncoder:
    torch.manual_seed(0)
    return TransformerEncoder(Embed({"values": 3}), Attention(8, 2, 2)).eval()


def test_it_is_torchs_own_encoder() -> None:
    ours, given = encoder(), batch([6, 6], 6)
    theirs = nn.TransformerEncoderLayer(
        8, 2, 32, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
    )
    x = ours.into(ours.embed(given)) + positions(6, 8, torch.zeros(1))
    for layer in ours.layers:
        weights = {
            "self_attn.in_proj_weight": layer.look.weight,
            "self_attn.in_proj_bias": layer.look.bias,
            "self_attn.out_proj.weight": layer.answer.weight,
            "self_attn.out_proj.bias": layer.answer.bias,
            "linear1.weight": layer.widen.weight, "linear1.bias": layer.widen.bias,
            "linear2.weight": layer.narrow.weight, "linear2.bias": layer.narrow.bias,
            "norm1.weight": layer.before.weight, "norm1.bias": layer.before.bias,
            "norm2.weight": layer.between.weight, "norm2.bias": layer.between.bias,
        }  # fmt: skip
        theirs.load_state_dict(weights)
        x = theirs(x)
    assert torch.allclose(ours(given).z, ours.norm(x), atol=1e-5)


def test_padding_is_never_looked_at() -> None:
    ours, given = encoder(), batch([4, 6, 0], 6)
    changed = given.inputs["values"].clone()
    changed[0, 4:] = 1e3
    changed[2] = -1e3
    other = ours(given.replace(inputs={"values": changed})).z
    assert torch.equal(ours(given).z[0, :4], other[0, :4])
    assert torch.equal(ours(given).z[1], other[1])
    assert other.isfinite().all()


def test_it_has_no_state_and_refuses_odd_sizes() -> None:
    with pytest.raises(ValueError, match="no state"):
        encoder()(batch([2], 2), State({"h": torch.zeros(1)}))
    with pytest.raises(ArgumentError, match="multiple of the heads"):
        Attention(10, heads=4)

"""Channels: what one encoder says of each target by itself."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from longshort.contracts import Batch, State
from longshort.layers.channels import Channels, centre, shared_columns
from longshort.layers.embed import Embed
from longshort.layers.encoder import Recurrent, RecurrentEncoder, step_cost

B, T, H = 4, 7, 5
LENGTHS = torch.tensor([7, 1, 4, 0])
# three targets, a past covariate, masks of the first target and of the covariate
COLUMNS = shared_columns(3, 6, [{0: 4}])


def batch(seed: int = 1) -> Batch:
    source = torch.Generator().manual_seed(seed)
    numbers = torch.randn(B, T, 6, generator=source, dtype=torch.float64)
    still = torch.randn(B, 2, generator=source, dtype=torch.float64)
    return Batch({"numbers": numbers}, LENGTHS, static={"numbers": still})


def inner(**settings: Any) -> RecurrentEncoder:
    torch.manual_seed(0)
    embed = Embed({"numbers": 4}, static={"numbers": 2})
    recurrent = Recurrent(**{"size": H, "depth": 2, "dropout": 0.0, **settings})
    return RecurrentEncoder(embed, recurrent).double().eval()


def close(one: Any, other: Any) -> None:
    torch.testing.assert_close(one, other, rtol=0, atol=1e-12)


def test_columns_of_a_target_are_its_own_and_nobodys() -> None:
    assert COLUMNS == [[0, 4, 3, 5], [1, 6, 3, 5], [2, 6, 3, 5]]
    assert shared_columns(2, 4, []) == [[0, 2, 3], [1, 2, 3]]
    assert shared_columns(2, 5, [{1: 2}, {0: 3, 1: 4}]) == [[0, 5, 3], [1, 2, 4]]


@torch.no_grad()
@pytest.mark.parametrize("centred", [0, 1])
def test_each_channel_is_what_it_is_alone(centred: int) -> None:
    encoder, given = inner(), batch()
    found = Channels(encoder, COLUMNS, centred)(given)
    wide = torch.cat([given.inputs["numbers"], torch.ones(B, T, 1)], -1)
    for k, columns in enumerate(COLUMNS):
        x = centre(wide[..., columns], LENGTHS, centred)
        alone = encoder(given.replace(inputs={"numbers": x}))
        close(found.z[..., k * H : (k + 1) * H], alone.z)
        close(found.state.tensor("h")[:, k], alone.state.tensor("h"))
        for layer, other in zip(found.layers, alone.layers, strict=True):
            width = other.shape[2]
            close(layer[..., k * width : (k + 1) * width], other)
    assert torch.equal(found.lengths, LENGTHS)
    assert step_cost(Channels(encoder, COLUMNS)) == 3 * step_cost(encoder)


@torch.no_grad()
def test_centred_columns_end_at_zero_and_see_no_level() -> None:
    encoder, given = Channels(inner(), COLUMNS, 1), batch()
    moved = given.inputs["numbers"].clone()
    moved[..., :3] += 100
    close(encoder(given.replace(inputs={"numbers": moved})).z, encoder(given).z)
    x = centre(given.inputs["numbers"], LENGTHS, 2)
    for row in (0, 1, 2):
        assert not x[row, LENGTHS[row] - 1, :2].any()
    assert torch.equal(x[..., 2:], given.inputs["numbers"][..., 2:])


@torch.no_grad()
def test_padding_order_and_neighbours_change_nothing() -> None:
    encoder, given = Channels(inner(), COLUMNS, 1), batch()
    found = encoder(given)
    numbers = given.inputs["numbers"].clone()
    for row, length in enumerate(LENGTHS.tolist()):
        numbers[row, length:] = torch.nan
    numbers = torch.nn.functional.pad(numbers, (0, 0, 0, 3), value=torch.inf)
    close(encoder(given.replace(inputs={"numbers": numbers})).z[:, :T], found.z)
    order = torch.tensor([2, 0, 3, 0])
    again = encoder(given.select(order))
    close(again.z, found.z[order])
    close(again.state.flatten(), found.state.select(order).flatten())


@torch.no_grad()
def test_whole_is_chunks() -> None:
    encoder, given = Channels(inner(stem=3), COLUMNS), batch()
    whole = encoder(given)
    state, parts = State(), []
    for start, stop in ((0, 3), (3, 4), (4, T)):
        part = Batch(
            {"numbers": given.inputs["numbers"][:, start:stop]},
            (LENGTHS - start).clamp(0, stop - start),
            static=given.static,
        )
        found = encoder(part, state)
        state = found.state
        parts.append(found.z)
    close(torch.cat(parts, 1), whole.z)
    close(state.flatten(), whole.state.flatten())


def test_parts_of_a_batch_are_dropped_as_in_the_whole_batch() -> None:
    encoder, given = Channels(inner(dropout=0.5), COLUMNS).train(), batch()

    def run(part: Batch) -> Tensor:
        torch.manual_seed(3)
        found: Tensor = encoder(part).z
        return found

    whole = run(given)
    for start, stop in ((0, 1), (1, B)):
        close(run(given.slice(start, stop)), whole[start:stop])

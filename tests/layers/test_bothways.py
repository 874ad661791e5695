"""Two stacks over one table: neither sees what it foretells, and chunks are the whole."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import Tensor

from longshort import Chunking, Recurrent
from longshort.contracts import Batch, State
from longshort.data.chunks import REVERSED, SYMBOLS, Chunks
from longshort.data.codecs.tokens import BORDER
from longshort.layers.bothways import BothWays, one_way
from longshort.layers.encoder import RecurrentEncoder
from longshort.layers.lookup import Lookup

V, STEPS = 7, 12


@pytest.fixture
def trunk() -> BothWays:
    torch.manual_seed(0)
    made = BothWays(Lookup(V, 5), Recurrent(size=6, depth=2))
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.normal_(std=0.5)
    return made.eval()


def batch(symbols: Tensor) -> Batch:
    lengths = torch.full((len(symbols),), symbols.shape[1])
    return Batch({SYMBOLS: symbols, REVERSED: symbols.flip(1)}, lengths)


@torch.no_grad()
@pytest.mark.parametrize("t", [0, 5, STEPS - 1])
def test_a_symbol_changes_nothing_before_it_and_nothing_behind_it(trunk: BothWays, t: int) -> None:
    symbols = torch.randint(V, (4, STEPS))
    other = symbols.clone()
    other[:, t] = (other[:, t] + 1) % V
    for one, changed in zip(trunk(batch(symbols)).layers, trunk(batch(other)).layers, strict=True):
        (ahead, back), (ahead_too, back_too) = one.chunk(2, -1), changed.chunk(2, -1)
        # each as places of the text
        back, back_too = back.flip(1), back_too.flip(1)
        assert torch.equal(ahead[:, :t], ahead_too[:, :t])
        assert torch.equal(back[:, t + 1 :], back_too[:, t + 1 :])
        # and from there on both have read it
        assert (ahead[:, t] != ahead_too[:, t]).any()
        assert (back[:, t] != back_too[:, t]).any()


@torch.no_grad()
def test_padding_and_neighbours_change_nothing(trunk: BothWays) -> None:
    lengths = torch.tensor([STEPS, 3, 7])
    symbols = torch.randint(1, V, (3, STEPS))
    turned = torch.zeros_like(symbols)
    for row, length in enumerate(lengths):
        turned[row, :length] = symbols[row, :length].flip(0)
    together = trunk(Batch({SYMBOLS: symbols, REVERSED: turned}, lengths)).z
    for row, length in enumerate(lengths.tolist()):
        alone = trunk(batch(symbols[row : row + 1, :length])).z
        torch.testing.assert_close(together[row : row + 1, :length], alone)


@torch.no_grad()
@pytest.mark.parametrize("steps", [1, 4, 9])
@pytest.mark.parametrize("borders", ["reset", "carry"])
def test_chunks_are_the_whole(trunk: BothWays, steps: int, borders: str) -> None:
    ids = np.random.default_rng(1).integers(1, V, 41)
    ids[[0, 11, 12, 30]] = BORDER
    chunks = Chunks(ids, 1, Chunking(steps, borders), both=True)  # type: ignore[arg-type]
    state, found = State(), []
    for number in range(len(chunks)):
        read = trunk(chunks.batch([number]), state)
        found.append(read.z[:, : int(read.lengths)])
        state = read.state
    z = torch.cat(found, 1)
    # each way by itself, document by document where they begin anew
    expected = []
    for own, run in ((trunk.forwards, ids[:-1]), (trunk.backwards, ids[:0:-1].copy())):
        cuts = np.flatnonzero(run == BORDER) if borders == "reset" else []
        parts = [torch.from_numpy(part)[None] for part in np.split(run, cuts) if len(part)]
        read = [own(Batch({SYMBOLS: p}, torch.tensor([p.shape[1]]))).z for p in parts]
        expected.append(torch.cat(read, 1))
    torch.testing.assert_close(z, torch.cat(expected, -1))


@torch.no_grad()
def test_symbols_alone_are_read_forwards(trunk: BothWays) -> None:
    symbols = torch.randint(V, (2, STEPS))
    lengths = torch.tensor([STEPS, STEPS])
    alone = trunk(Batch({SYMBOLS: symbols}, lengths))
    torch.testing.assert_close(alone.z, trunk(batch(symbols)).z[..., :6])
    head = trunk(Batch({SYMBOLS: symbols[:, :5]}, lengths - 7))
    rest = trunk(Batch({SYMBOLS: symbols[:, 5:]}, lengths - 5), head.state)
    torch.testing.assert_close(rest.z, alone.z[:, 5:])


def test_the_table_is_shared_and_saved_once(trunk: BothWays) -> None:
    assert trunk.lookup is trunk.forwards.embed is trunk.backwards.embed
    tables = [name for name, value in trunk.state_dict().items() if value.shape == (V, 5)]
    assert tables == ["forwards.embed.tables.symbols.weight"]
    again = copy.deepcopy(trunk)
    again.load_state_dict({k: v.clone() for k, v in trunk.state_dict().items()}, assign=True)
    assert again.lookup is again.backwards.embed is not trunk.lookup
    symbols = torch.randint(V, (2, STEPS))
    torch.testing.assert_close(again(batch(symbols)).z, trunk(batch(symbols)).z)


def test_each_direction_has_its_stack(trunk: BothWays) -> None:
    assert one_way(trunk) is trunk.forwards
    assert one_way(trunk, "backward") is trunk.backwards
    alone = RecurrentEncoder(Lookup(V, 5), Recurrent(size=6))
    assert one_way(alone) is alone
    with pytest.raises(ValueError, match="no stack that reads a text backward"):
        one_way(alone, "backward")

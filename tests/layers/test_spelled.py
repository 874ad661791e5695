"""Words read by their letters: each as if it stood alone, known or not."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from longshort import Next
from longshort.contracts import Batch
from longshort.data.chunks import SPELT, SYMBOLS
from longshort.data.codecs.spelling import spell
from longshort.data.codecs.tokens import TokenCodec
from longshort.errors import ArgumentError
from longshort.heads.next import NextHead
from longshort.layers.spelled import Spelled

WORDS = ("the", " sea", " \u00fcber", "longwinded")
CODEC = TokenCodec("words", WORDS)
FILTERS = ((1, 3), (2, 4), (5, 2))


@pytest.fixture
def spelled() -> Spelled:
    torch.manual_seed(0)
    made = Spelled(CODEC.letters, 6, FILTERS, 2)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.normal_(std=0.5)
        made.network[0].table.weight[0] = 0  # type: ignore[index,union-attr]
    return made.eval()


def alone(spelled: Spelled, word: str) -> Tensor:
    return spelled.network(torch.from_numpy(spell([[word]])[0]))[0]  # type: ignore[no-any-return]


@torch.no_grad()
def test_each_word_is_read_as_if_alone(spelled: Spelled) -> None:
    symbols = torch.tensor([[2, 3, 2], [5, 4, 2]])
    found = spelled(Batch({SYMBOLS: symbols}, torch.tensor([3, 3])))
    assert found.shape == (2, 3, spelled.width)
    for place, symbol in np.ndenumerate(symbols.numpy()):
        torch.testing.assert_close(found[place], alone(spelled, WORDS[symbol - 2]))
    torch.testing.assert_close(spelled.bound()(symbols[0]), found[0])


@torch.no_grad()
def test_an_unknown_word_is_read_like_a_known_one(spelled: Spelled) -> None:
    symbols = torch.tensor([[2, 1, 3], [1, 1, 4]])
    spelt = torch.from_numpy(spell([["", "unheard", ""], ["longwinded", "unheard", ""]]))
    # where a word is known, nothing is said
    spelt[symbols != 1] = 0
    batch = Batch({SYMBOLS: symbols, SPELT: spelt}, torch.tensor([3, 3]))
    found = spelled(batch)
    words = [["the", "unheard", " sea"], ["longwinded", "unheard", " \u00fcber"]]
    for place, word in np.ndenumerate(np.array(words)):
        torch.testing.assert_close(found[place], alone(spelled, str(word)))
    # rows by themselves are what they are together
    for row in range(2):
        torch.testing.assert_close(spelled(batch.slice(row, row + 1))[0], found[row])


def test_letters_are_no_weights_and_everything_learns(spelled: Spelled) -> None:
    assert not any("letters" in name for name in spelled.state_dict())
    spelled(Batch({SYMBOLS: torch.arange(6)[None]}, torch.tensor([6]))).sum().backward()
    assert all(p.grad is not None and p.grad.any() for p in spelled.parameters())


def test_a_share_of_the_symbols_is_read_as_nothing() -> None:
    made = Spelled(CODEC.letters, 6, FILTERS, 1, dropout=0.5).train()
    torch.manual_seed(2)
    symbols = torch.arange(6).repeat(2, 3)
    found = made(Batch({SYMBOLS: symbols}, torch.tensor([18, 18])))
    gone = ~found.any(-1)
    assert 0 < gone.float().mean() < 1
    # wherever they stand
    assert all(len(set(gone[symbols == symbol].tolist())) == 1 for symbol in range(6))


def test_the_read_out_needs_no_table(spelled: Spelled) -> None:
    head = NextHead(7, spelled, Next("plain", characters="cnn"))
    scores = head.scores(torch.randn(2, 7))
    assert scores.shape == (2, len(WORDS) + 2)


def test_sizes_that_no_network_has_are_refused() -> None:
    for filters, highways in (((), 1), (((0, 2),), 1), (((1, 2, 3),), 1), (((1, 2),), 10**9)):
        with pytest.raises(ArgumentError, match=r"Next\(filters|Next\(highways"):
            Spelled(CODEC.letters, 6, filters, highways)

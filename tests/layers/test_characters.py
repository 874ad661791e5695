"""Networks over characters against loops over each word by itself."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from longshort.layers.characters import NETWORKS, CharCNN, CharLSTM, Highways, each_word

WORDS = [[3, 1, 4, 1, 5], [2], [9, 2, 6], [3, 1]]


def padded(words: list[list[int]], width: int) -> Tensor:
    return torch.tensor([word + [0] * (width - len(word)) for word in words])


@pytest.mark.parametrize("kind", NETWORKS)
def test_padding_never_matters(kind: str) -> None:
    torch.manual_seed(0)
    network = NETWORKS[kind](10, 4, 6)
    short, long = network(padded(WORDS, 5)), network(padded(WORDS, 9))
    torch.testing.assert_close(short, long)
    for row, word in enumerate(WORDS):
        torch.testing.assert_close(short[row], network(padded([word], len(word)))[0])


@pytest.mark.parametrize("size", [6, 7])
def test_a_filters_answer_is_its_highest(size: int) -> None:
    torch.manual_seed(0)
    network = CharCNN(10, 4, size)
    found = network(padded(WORDS, 7))
    assert found.shape == (4, size)
    for row, word in enumerate(WORDS):
        answers = []
        for each in network.filters:
            assert isinstance(each, nn.Conv1d)
            half = each.kernel_size[0] // 2
            zeros = torch.zeros(half, 4)
            seen = torch.cat([zeros, network.table.weight[torch.tensor(word)], zeros])
            at = [
                (each.weight * seen[t : t + 2 * half + 1].T).sum((1, 2)) + each.bias
                for t in range(len(word))
            ]
            answers.append(torch.stack(at).amax(0).relu())
        torch.testing.assert_close(found[row], torch.cat(answers))


def test_an_lstm_ends_at_both_ends_of_a_word() -> None:
    torch.manual_seed(0)
    network = CharLSTM(10, 4, 6)
    found = network(padded(WORDS, 7))
    for row, word in enumerate(WORDS):
        steps, _ = network.layers(network.table(torch.tensor([word])))
        torch.testing.assert_close(found[row], torch.cat([steps[0, -1, :3], steps[0, 0, 3:]]))


@pytest.mark.parametrize("kind", NETWORKS)
def test_every_word_of_a_batch_is_read(kind: str) -> None:
    torch.manual_seed(0)
    network = NETWORKS[kind](10, 4, 6)
    x = torch.stack([padded(WORDS, 6), padded([[3, 1], [], [2], [2]], 6)])
    found = each_word(network, x, 6)
    assert found.shape == (2, 4, 6)
    for row in range(2):
        for step in range(4):
            alone = network(x[row, step].unsqueeze(0))[0]
            torch.testing.assert_close(found[row, step], alone)
    assert not each_word(network, x[:, :, :0], 6).any()
    assert not each_word(network, torch.zeros_like(x), 6).any()
    found.sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


@torch.no_grad()
@pytest.mark.parametrize("seen", [1, 2, 3, 4, 7])
def test_filters_of_any_width_see_every_place_of_a_word(seen: int) -> None:
    torch.manual_seed(0)
    network = CharCNN(9, 4, filters=((seen, 5),))
    word = torch.tensor([3, 1, 8, 8, 2])
    padded = torch.cat([word, torch.zeros(6, dtype=torch.int64)])[None]
    filters = network.filters[0]
    # by hand: letters beyond the word's ends are nothing, and the middle one is a letter of it
    vectors = {at: network.table.weight[letter] for at, letter in enumerate(word.tolist())}
    answers = []
    for middle in range(len(word)):
        total = filters.bias.clone()  # type: ignore[operator,union-attr]
        for j in range(seen):
            at = middle - seen // 2 + j
            if at in vectors:
                total += filters.weight[:, :, j] @ vectors[at]  # type: ignore[index]
        answers.append(torch.relu(total))
    expected = torch.stack(answers).amax(0)
    torch.testing.assert_close(network(word[None])[0], expected)
    torch.testing.assert_close(network(padded)[0], expected)


@torch.no_grad()
def test_highways_carry_what_they_do_not_change() -> None:
    torch.manual_seed(0)
    highways, x = Highways(4, 2), torch.randn(3, 4)
    expected = x
    for transform, carry in zip(highways.transforms, highways.carries, strict=True):
        gate = 1 / (1 + torch.exp(-(expected @ carry.weight.T + carry.bias)))  # type: ignore[operator,union-attr]
        other = (expected @ transform.weight.T + transform.bias).clamp(min=0)  # type: ignore[operator,union-attr]
        expected = gate * expected + (1 - gate) * other
    torch.testing.assert_close(highways(x), expected)
    for carry in highways.carries:
        carry.bias.fill_(50)  # type: ignore[operator,union-attr]
    torch.testing.assert_close(highways(x), x)

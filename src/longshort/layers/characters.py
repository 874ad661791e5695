"""Networks over the characters of a word: (N, C) symbols become (N, size) numbers.

Symbol 0 is padding behind the last character; how much of it there is never matters.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from longshort.layers.recurrent import LSTM

# characters that one filter sees; half of the filters each
_FILTERS = (3, 5)


class CharCNN(nn.Module):
    r"""Convolutions over a word's characters, and the highest answer of each (Ma and Hovy 2016).

        y_k = max_t relu(sum_j W_kj e(x_{t+j}) + b_k),   t a character of the word

    Half of the filters see 3 characters, half of them 5; none is seen beyond the word's ends.

    Args:
        symbols: characters there are; 0 is padding.
        width: numbers of one character.
        size: filters.
    """

    def __init__(self, symbols: int, width: int = 30, size: int = 50) -> None:
        super().__init__()
        self.table = nn.Embedding(symbols, width, padding_idx=0)
        sizes = (size - size // 2, size // 2)
        self.filters = nn.ModuleList(
            nn.Conv1d(width, own, seen, padding=seen // 2)
            for own, seen in zip(sizes, _FILTERS, strict=True)
            if own
        )
        _initialise(self.table)

    def forward(self, x: Tensor) -> Tensor:
        """(N, size) of (N, C) of int64; zeros for a word without characters."""
        read = self.table(x).transpose(1, 2)
        inside = (x > 0).unsqueeze(1)
        found = torch.cat([torch.relu(each(read)) for each in self.filters], 1)
        # rectified answers are 0 or more, so padding's zeros never are the highest
        return torch.where(inside, found, found.new_zeros(())).amax(2)


class CharLSTM(nn.Module):
    """What an LSTM that reads a word both ways ends with (Lample et al. 2016).

    Args:
        symbols: characters there are; 0 is padding.
        width: numbers of one character.
        size: units of both directions together, an even number.
    """

    def __init__(self, symbols: int, width: int = 25, size: int = 50) -> None:
        super().__init__()
        self.table = nn.Embedding(symbols, width, padding_idx=0)
        self.layers = LSTM(width, size // 2, batch_first=True, bidirectional=True)
        _initialise(self.table)

    def forward(self, x: Tensor) -> Tensor:
        """(N, size) of (N, C) of int64; zeros for a word without characters."""
        _, (h, _) = self.layers(self.table(x), lengths=(x > 0).sum(1))
        return torch.cat([h[0], h[1]], 1)


NETWORKS: dict[str, type[CharCNN] | type[CharLSTM]] = {"cnn": CharCNN, "lstm": CharLSTM}


def each_word(network: nn.Module, x: Tensor, size: int) -> Tensor:
    """A network over the characters of every word: (B, T, size) of (B, T, C) of int64.

    Words are read once however often they stand in the batch, and trailing padding is cut.
    """
    words = x.flatten(0, 1)
    longest = int((words > 0).sum(1).max()) if words.numel() else 0
    if not longest:
        return torch.zeros(*x.shape[:2], size, device=x.device)
    distinct, places = torch.unique(words[:, :longest], dim=0, return_inverse=True)
    read: Tensor = network(distinct)
    return functional.embedding(places, read).view(*x.shape[:2], size)


def _initialise(table: nn.Embedding) -> None:
    """Uniform in +-sqrt(3 / width), as both papers do; padding is zero."""
    with torch.no_grad():
        table.weight.uniform_(-((3 / table.embedding_dim) ** 0.5), (3 / table.embedding_dim) ** 0.5)
        table.weight[0] = 0

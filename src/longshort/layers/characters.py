"""Networks over the characters of a word: (N, C) symbols become (N, size) numbers.

Symbol 0 is padding behind the last character; how much of it there is never matters.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from longshort.layers.recurrent import LSTM

# characters that one filter sees; half of the filters each
_FILTERS = (3, 5)
# what the gates of a highway begin with: they carry more than they transform
_CARRY = 1.0


class CharCNN(nn.Module):
    r"""Convolutions over a word's characters, and the highest answer of each (Ma and Hovy 2016).

        y_k = max_t relu(sum_j W_kj e(x_{t+j}) + b_k),   t a character of the word

    Half of the filters see 3 characters, half of them 5; none is seen beyond the word's ends.

    Args:
        symbols: characters there are; 0 is padding.
        width: numbers of one character.
        size: filters.
        filters: instead of ``size``, (characters that are seen, how many filters see so many).
    """

    def __init__(
        self,
        symbols: int,
        width: int = 30,
        size: int = 50,
        filters: Sequence[tuple[int, int]] | None = None,
    ) -> None:
        super().__init__()
        self.table = nn.Embedding(symbols, width, padding_idx=0)
        if filters is None:
            filters = list(zip(_FILTERS, (size - size // 2, size // 2), strict=True))
        self.filters = nn.ModuleList(
            nn.Conv1d(width, own, seen, padding=seen // 2) for seen, own in filters if own
        )
        _initialise(self.table)

    def forward(self, x: Tensor) -> Tensor:
        """(N, size) of (N, C) of int64; zeros for a word without characters."""
        read = self.table(x).transpose(1, 2)
        inside = (x > 0).unsqueeze(1)
        # an even filter has one place too many
        steps = x.shape[1]
        found = torch.cat([torch.relu(each(read))[..., :steps] for each in self.filters], 1)
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


class Highways(nn.Module):
    r"""Layers that let through what they do not change (Srivastava, Greff and Schmidhuber 2015).

        x  <-  g * x + (1 - g) * relu(W_t x + b_t),   g = sigmoid(W_c x + b_c)

    Args:
        width: of x.
        count: layers.
    """

    def __init__(self, width: int, count: int) -> None:
        super().__init__()
        self.transforms = nn.ModuleList(nn.Linear(width, width) for _ in range(count))
        self.carries = nn.ModuleList(nn.Linear(width, width) for _ in range(count))
        for carry in self.carries:
            nn.init.constant_(carry.bias, _CARRY)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        """(N, width) of (N, width)."""
        for transform, carry in zip(self.transforms, self.carries, strict=True):
            kept = torch.sigmoid(carry(x))
            x = kept * x + (1 - kept) * torch.relu(transform(x))
        return x


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

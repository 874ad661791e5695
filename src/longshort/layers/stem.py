"""Several time steps seen at once: frames of a sequence, and a convolution over them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from longshort.contracts import within


def frames(
    x: Tensor, lengths: Tensor, width: int, stride: int = 1, ahead: int = 0
) -> tuple[Tensor, Tensor]:
    """The ``width`` steps around every ``stride``-th one, counted back from each row's last step.

    Frame j of a row of n steps, of which there are m = ceil(n / stride), holds the steps

        e - width + 1 .. e,   e = n - 1 - (m - 1 - j) * stride + ahead

    and zero where there is no such step. So the last frame always holds the last step, and a row
    has the same frames however far it is padded.

    Args:
        x: (B, T, F); what it holds beyond a row's length is not read.
        lengths: (B,), 0 to T.
        width: steps of a frame, 1 or more.
        stride: steps from one frame to the next, 1 or more.
        ahead: steps of a frame that come after the one it stands for.

    Returns:
        (B, ceil(T / stride), width * F), the earliest step first, and the frames (B,) of each row.
    """
    rows, steps, features = x.shape
    counts = (lengths + stride - 1) // stride
    every = torch.arange(-(-steps // stride), device=x.device)
    back = (counts.unsqueeze(1) - 1 - every) * stride
    ends = (lengths - 1).unsqueeze(1) - back + ahead
    at = ends.unsqueeze(2) + torch.arange(1 - width, 1, device=x.device)
    real = (at >= 0) & (at < lengths.view(-1, 1, 1)) & (back >= 0).unsqueeze(2)
    flat = at.clamp(0, max(steps - 1, 0)).flatten(1).unsqueeze(2).expand(-1, -1, features)
    found = x.gather(1, flat).view(rows, len(every), width, features)
    return torch.where(real.unsqueeze(3), found, found.new_zeros(())).flatten(2), counts


class Stem(nn.Module):
    """A convolution over time with rectified answers (a CNN in front of a recurrence).

    Args:
        inputs: F, numbers of a step that is read.
        outputs: numbers of a step that is answered.
        width: K, steps read for each answer.
        stride: steps from one answer to the next.
        ahead: how many of the K come after the step that is answered; 0 for a causal one.
    """

    def __init__(
        self, inputs: int, outputs: int, width: int, stride: int = 1, ahead: int = 0
    ) -> None:
        super().__init__()
        self.width, self.stride, self.ahead = width, stride, ahead
        self.kernel = nn.Linear(width * inputs, outputs)

    @property
    def streams(self) -> bool:
        """Whether it can go on from where it was: neither looks ahead nor skips steps."""
        return self.stride == 1 and not self.ahead

    def forward(
        self, x: Tensor, lengths: Tensor, before: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Answers (B, T', outputs), their lengths (B,), and the last K - 1 steps (B, K - 1, F).

        Args:
            x: (B, T, F).
            lengths: (B,).
            before: the K - 1 steps that came before, as an earlier call gave them; None is zeros.
        """
        kept = self.width - 1
        if before is None:
            before = x.new_zeros(x.shape[0], kept, x.shape[2])
        whole = torch.cat([before, x], 1)
        last = lengths.unsqueeze(1) + torch.arange(kept, device=x.device)
        after = whole.gather(1, last.unsqueeze(2).expand(-1, -1, x.shape[2]))
        if self.streams:
            seen, counts = frames(whole, lengths + kept, self.width)
            seen, counts = seen[:, kept:], lengths
        else:
            seen, counts = frames(x, lengths, self.width, self.stride, self.ahead)
        answers = torch.relu(self.kernel(seen))
        real = within(counts, answers.shape[1]).unsqueeze(2)
        return torch.where(real, answers, answers.new_zeros(())), counts, after


class DeepStem(nn.Module):
    """Several stems, each reading the one before; what they answer is normalised (Ba et al. 2016).

    Args:
        inputs, outputs, width, ahead: as of ``Stem``, of each.
        stride: steps from one answer of the last one to the next.
        depth: how many, 2 or more.
    """

    def __init__(
        self, inputs: int, outputs: int, width: int, stride: int, ahead: int, depth: int
    ) -> None:
        super().__init__()
        self.stride = stride
        sizes = [inputs, *[outputs] * (depth - 1)]
        strides = [*[1] * (depth - 1), stride]
        pairs = zip(sizes, strides, strict=True)
        self.layers = nn.ModuleList(Stem(size, outputs, width, s, ahead) for size, s in pairs)
        self.norms = nn.ModuleList(nn.LayerNorm(outputs) for _ in sizes)
        self.sizes = sizes

    @property
    def streams(self) -> bool:
        """Whether it can go on from where it was."""
        return all(layer.streams for layer in self.layers)

    def forward(
        self, x: Tensor, lengths: Tensor, before: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """As of ``Stem``; what came before each layer stands side by side."""
        known: Sequence[Tensor | None] = (
            [None] * len(self.sizes) if before is None else torch.split(before, self.sizes, 2)
        )
        ends = []
        for layer, norm, own in zip(self.layers, self.norms, known, strict=True):
            x, lengths, after = layer(x, lengths, own)
            inside = within(lengths, x.shape[1]).unsqueeze(2)
            x = torch.where(inside, norm(x), x.new_zeros(()))
            ends.append(after)
        return x, lengths, torch.cat(ends, 2)

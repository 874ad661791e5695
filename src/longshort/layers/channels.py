"""Each target read by itself, with the same weights and the same covariates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from longshort.contracts import Batch, Encoded, State


class Channels(nn.Module):
    """An encoder that reads C channels of ``batch.inputs["numbers"]``, one after another.

    A channel is some of its columns, beside everything else in the batch. What the encoder says of
    the channels of a row stands side by side in the answer: z is (B, T, C * H), and so is each
    layer.

    Args:
        encoder: reads one channel as it would a batch.
        columns: C lists of columns, all as long; the number of columns itself is a column of ones.
        centred: how many columns, the first ones of each channel, are read relative to their last
            valid step: shapes and not levels (NLinear, Zeng et al. 2023; SegRNN, Lin et al. 2023).
    """

    def __init__(
        self, encoder: nn.Module, columns: Sequence[Sequence[int]], centred: int = 0
    ) -> None:
        super().__init__()
        self.encoder, self.centred = encoder, centred
        self.columns = [list(channel) for channel in columns]

    def inputs(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """What the recurrence reads, (B * C, T, F), and the lengths, (B * C,)."""
        found: tuple[Tensor, Tensor] = self.encoder.inputs(self._apart(batch))  # type: ignore[operator]
        return found

    def forward(self, batch: Batch, state: State | None = None) -> Encoded:
        """Read every channel of the batch, from an empty state or where an earlier call ended."""
        below = None if state is None else state.map(lambda part: part.flatten(0, 1))
        found: Encoded = self.encoder(self._apart(batch), below)
        count = len(self.columns)

        def together(z: Tensor) -> Tensor:
            return apart(z).transpose(1, 2).flatten(2)

        def apart(part: Tensor) -> Tensor:
            return part.reshape(batch.rows, count, *part.shape[1:])

        end, lengths = found.state.map(apart), apart(found.lengths)[:, 0]
        return Encoded(together(found.z), tuple(map(together, found.layers)), end, lengths)

    def _apart(self, batch: Batch) -> Batch:
        """B * C rows, the channels of a row one after another."""
        count, numbers = len(self.columns), batch.inputs["numbers"]
        # (B, T, C, F) to (B * C, T, F)
        wide = nn.functional.pad(numbers, (0, 1), value=1.0)
        apart = wide[:, :, self.columns].transpose(1, 2).flatten(0, 1)
        others = {name: group for name, group in batch.inputs.items() if name != "numbers"}
        rows = Batch(others, batch.lengths, static=batch.static).map(
            lambda tensor: tensor.repeat_interleave(count, 0)
        )
        own = centre(apart, rows.lengths, self.centred)
        return rows.replace(inputs={**rows.inputs, "numbers": own}, row=batch.row * count)


def centre(numbers: Tensor, lengths: Tensor, columns: int) -> Tensor:
    """Numbers (B, T, F) with the first ``columns`` less their value at each row's last step."""
    if not columns:
        return numbers
    at = (lengths - 1).clamp(min=0).view(-1, 1, 1).expand(-1, 1, columns)
    own = numbers[..., :columns]
    return torch.cat([own - own.gather(1, at), numbers[..., columns:]], -1)


def shared_columns(targets: int, width: int, own: Sequence[Mapping[int, int]]) -> list[list[int]]:
    """The columns of each target's channel: what is its own, and what belongs to no target.

    Args:
        targets: K; they are the first columns.
        width: of the numbers.
        own: which other columns, such as masks, belong to which target. A target that has none
            where another one has reads ones there, so that all channels are read alike.
    """
    taken = {column for group in own for column in group.values()}
    common = [column for column in range(targets, width) if column not in taken]
    return [[k, *(group.get(k, width) for group in own), *common] for k in range(targets)]

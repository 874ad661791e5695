"""The network of a detector: what tells the next step, what tells a window again, or both."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from longshort.contracts import Batch, Encoded, Loss, State
from longshort.data.encoding import Encoding
from longshort.data.sequences import Field
from longshort.heads.decoder import Channel, Decoder
from longshort.heads.distributions import Output
from longshort.heads.reconstruction import ReconstructionHead
from longshort.layers.embed import Embed
from longshort.layers.encoder import Recurrent, RecurrentEncoder
from longshort.model import Model
from longshort.recursive import Recursive
from longshort.tasks.network import build


class Leading(nn.Module):
    """An encoder that reads the first columns of numbers, and nothing else of a batch.

    Args:
        recurrent: the network. width: how many columns it reads.
    """

    def __init__(self, recurrent: Recurrent, width: int) -> None:
        super().__init__()
        self.encoder, self.width = RecurrentEncoder(Embed({"numbers": width}), recurrent), width

    def forward(self, batch: Batch, state: State | None = None) -> Encoded:
        """Read the batch from an empty state: a window knows of nothing before it."""
        numbers = batch.inputs["numbers"][..., : self.width]
        found: Encoded = self.encoder(Batch({"numbers": numbers}, batch.lengths, row=batch.row))
        return found


class Both(Recursive):
    """A next-step model that learns beside one that tells windows again; their losses are summed.

    Args:
        step: the one, whose encoder and head are taken. again: the other.
    """

    def __init__(self, step: Recursive, again: Model) -> None:
        settings = step.codec, step.fed, step.count, step.unknown
        super().__init__(step.encoder, step.head, *settings)
        self.again = again

    def loss(self, batch: Batch, state: State | None = None) -> tuple[Loss, State]:
        """Both losses on a batch, in mean nats of a value; the state is that of the next step."""
        first, after = super().loss(batch, state)
        second, _ = self.again.loss(batch)
        # per value of either, so that parts of a batch add up as the next step's do
        return Loss(first.total + second.mean * first.count, first.count), after


def build_detector(
    fields: Sequence[Field],
    encoding: Encoding,
    recurrent: Recurrent,
    by: str,
    output: Output,
    channels: Channel,
    code: int,
) -> Model:
    """A new network for these fields, its weights drawn from torch's generator.

    Raises:
        ArgumentError: it would read rows to come.
    """
    decoder = Decoder(mode="recursive", channels=channels)
    step = build(fields, encoding, recurrent, decoder, output)
    if by == "next":
        return step
    names = [field.name for field in fields if field.role == "target"]
    first = sum(field.role in ("target", "past") and field.labels is None for field in fields)
    masks = {
        names.index(name): first + at for at, name in enumerate(encoding.masked) if name in names
    }
    leading = Leading(recurrent, first + len(encoding.masked))
    head = ReconstructionHead(recurrent.width, len(names), code, output, masks)
    again = Model(leading, head, encoding.codec)
    if by == "reconstruction":
        return again
    assert isinstance(step, Recursive)
    return Both(step, again)


def rebuilding(model: Model) -> Model | None:
    """What of a detector's network tells windows again; None where nothing does."""
    if isinstance(model.head, ReconstructionHead):
        return model
    return model.again if isinstance(model, Both) else None

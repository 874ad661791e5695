"""The network of a forecaster: what is read at each step, the stack, and the read-out."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from longshort.data.sequences import Field
from longshort.data.windows import Encoding
from longshort.errors import ArgumentError
from longshort.heads.decoder import Decoder
from longshort.heads.distributions import LEVELS, Output
from longshort.heads.real import RealHead
from longshort.layers.channels import Channels, shared_columns
from longshort.layers.embed import Embed
from longshort.layers.encoder import Recurrent, RecurrentEncoder
from longshort.model import Model


def build(
    fields: Sequence[Field],
    encoding: Encoding,
    recurrent: Recurrent,
    decoder: Decoder,
    output: Output,
) -> Model:
    """A new network for these fields, its weights drawn from torch's generator.

    Raises:
        ArgumentError: a segment is longer than the context.
    """
    if decoder.segment > encoding.context:
        raise ArgumentError(
            f"Decoder(segment={decoder.segment}): the context has {encoding.context} rows; use a "
            "shorter segment, or a longer context"
        )
    names = [field.name for field in fields if field.role == "target"]
    targets, calendar = len(names), 2 * len(encoding.cycles)
    roles = {role: sum(f.role == role for f in fields) for role in ("past", "future", "static")}
    first = targets + roles["past"]
    known = roles["future"] + calendar
    width = first + len(encoding.masked) + known
    masks = {
        names.index(name): first + at for at, name in enumerate(encoding.masked) if name in names
    }
    shared = decoder.channels == "shared"
    columns = shared_columns(targets, width, masks) if shared else [list(range(width))]
    embed = Embed(
        numbers={"numbers": len(columns[0])},
        static={"numbers": roles["static"]} if roles["static"] else None,
    )
    encoder: nn.Module = RecurrentEncoder(embed, recurrent, decoder.segment)
    if shared or decoder.centred:
        centred = targets // len(columns) if decoder.centred else 0
        encoder = Channels(encoder, columns, centred)
    head = RealHead(
        recurrent.width,
        encoding.horizon,
        targets,
        output,
        LEVELS,
        inputs=embed.width if decoder.highway == "last" else 0,
        future=known,
        context=encoding.context if decoder.highway == "context" else 0,
        relative=encoding.relative != "none",
        shared=shared,
    )
    return Model(encoder, head, encoding.codec)

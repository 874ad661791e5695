"""The network of a forecaster: what is read at each step, the stack, and the read-out."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from longshort.data.codecs.categories import UNKNOWN
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
    fields = [field for field in fields if field.labels is None]
    names = [field.name for field in fields if field.role == "target"]
    targets, calendar = len(names), 2 * len(encoding.cycles)
    roles = {role: sum(f.role == role for f in fields) for role in ("past", "future", "static")}
    categories = encoding.vocabulary
    first = targets + roles["past"]
    known = roles["future"] + calendar
    bare = first + len(encoding.masked) + known
    width = bare + (targets if encoding.differences else 0)
    masks = {
        names.index(name): first + at for at, name in enumerate(encoding.masked) if name in names
    }
    own = [masks] if masks else []
    if encoding.differences:
        own.append({k: bare + k for k in range(targets)})
    shared = decoder.channels == "shared"
    columns = shared_columns(targets, width, own) if shared else [list(range(width))]
    embed = Embed(
        numbers={"numbers": len(columns[0])},
        symbols=categories.tables("past", "future"),
        static={"numbers": roles["static"]} if roles["static"] else None,
        labels=categories.tables("static", "group"),
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
        first=bare if encoding.differences else 0,
        shared=shared,
        symbols=categories.tables("future"),
    )
    return Model(encoder, head, encoding.codec, unknown=UNKNOWN if categories.names else 0.0)

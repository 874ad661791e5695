"""The network of a forecaster: what is read at each step, the stack, and the read-out."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from longshort.data.codecs.categories import UNKNOWN
from longshort.data.encoding import Encoding
from longshort.data.sequences import Field
from longshort.errors import ArgumentError
from longshort.heads.decoder import Decoder
from longshort.heads.distributions import LEVELS, Output
from longshort.heads.real import RealHead
from longshort.heads.step import StepHead
from longshort.layers.channels import Channels, shared_columns
from longshort.layers.embed import Embed
from longshort.layers.encoder import Recurrent, RecurrentEncoder
from longshort.model import Model
from longshort.recursive import Fed, Recursive


def build(
    fields: Sequence[Field],
    encoding: Encoding,
    recurrent: Recurrent,
    decoder: Decoder,
    output: Output,
) -> Model:
    """A new network for these fields, its weights drawn from torch's generator.

    Raises:
        ArgumentError: a segment is longer than the context, or the network cannot run on.
    """
    refuse_misfits(recurrent, decoder, encoding)
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
    inputs = embed.width if decoder.highway == "last" else 0
    unknown = UNKNOWN if categories.names else 0.0
    if decoder.mode == "recursive":
        step = StepHead(
            recurrent.width, encoding.horizon, targets, output, inputs=inputs, shared=shared
        )
        fed = Fed(encoding.context, tuple(masks.values()), encoding.relative == "last")
        return Recursive(encoder, step, encoding.codec, fed, decoder.paths, unknown)
    head = RealHead(
        recurrent.width,
        encoding.horizon,
        targets,
        output,
        LEVELS,
        inputs=inputs,
        future=known,
        context=encoding.context if decoder.highway == "context" else 0,
        relative=encoding.relative != "none",
        first=bare if encoding.differences else 0,
        shared=shared,
        symbols=categories.tables("future"),
    )
    return Model(encoder, head, encoding.codec, unknown=unknown)


def refuse_misfits(recurrent: Recurrent, decoder: Decoder, encoding: Encoding) -> None:
    """Name a setting that does not go with the others.

    Raises:
        ArgumentError: there is one: a segment that is longer than the context, or what reads
            contexts whole in a network that is to run on from one.
    """
    if decoder.segment > encoding.context:
        raise ArgumentError(
            f"Decoder(segment={decoder.segment}): the context has {encoding.context} rows; use a "
            "shorter segment, or a longer context"
        )
    if decoder.mode == "direct":
        return
    whole = {
        "Recurrent(bidirectional=True)": recurrent.bidirectional,
        f"Recurrent(stride={recurrent.stride})": recurrent.stride > 1,
        f"Decoder(segment={decoder.segment})": decoder.segment > 1,
        "Decoder(centred=True)": decoder.centred,
        "Decoder(highway='context')": decoder.highway == "context",
        "Window(differences=True)": encoding.differences,
    }
    for name, given in whole.items():
        if given:
            raise ArgumentError(
                f"{name}: it belongs to a context that is read whole, and Decoder(mode='recursive')"
                " runs on step by step; leave it out, or use mode='direct' (--mode direct)"
            )

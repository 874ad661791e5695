"""The network of a classifier: what is read at each step, the stack, and the category."""

from __future__ import annotations

from collections.abc import Sequence

from longshort.data.items import Widths
from longshort.heads.category import Category, CategoryHead
from longshort.layers.encoder import Recurrent, RecurrentEncoder
from longshort.layers.pretrained import embedding
from longshort.model import Model


def build(
    widths: Widths,
    recurrent: Recurrent,
    category: Category,
    classes: int,
    weights: Sequence[float] | None = None,
) -> Model:
    """A new network, its weights drawn from torch's generator.

    Args:
        widths: of what an encoding gives.
        recurrent: the stack.
        category: the head's settings.
        classes: K.
        weights: (K,) of the classes in the loss; None for all 1.
    """
    return Model(
        RecurrentEncoder(embedding(widths), recurrent),
        make_head(category, recurrent.width, classes, weights, 1 + recurrent.bidirectional),
    )


def make_head(
    category: Category,
    width: int,
    classes: int,
    weights: Sequence[float] | None = None,
    directions: int = 1,
) -> CategoryHead:
    """A head of these settings on an encoding of this width."""
    return CategoryHead(
        width,
        classes,
        category.kind,
        category.pooling,
        directions=directions,
        weights=weights,
        smoothing=category.smoothing,
        dropout=category.dropout,
    )

"""Settings of a language model that do not go together, or not with what it begins with."""

from __future__ import annotations

from typing import Literal, get_args

from longshort.data.codecs.notation import Notation, codec_of
from longshort.data.codecs.tokens import TokenCodec, Tokens
from longshort.errors import ArgumentError, suggest
from longshort.heads.next import Next
from longshort.layers.encoder import Recurrent

Directions = Literal["forward", "both"]


def refuse_direction(direction: str) -> None:
    """Raises ArgumentError where that is none."""
    if direction not in get_args(Directions):
        raise ArgumentError(f"direction={direction!r}: {suggest(direction, get_args(Directions))}")


def refuse_turn(before: str, now: str) -> None:
    """A network that reads both ways has other stacks than one that reads forwards alone.

    Raises:
        ArgumentError: what a fit begins with reads in another direction.
    """
    if before != now:
        raise ArgumentError(
            f"direction={now!r}: the model to begin with was fitted with {before!r}; ask for the "
            f"same (--direction {before}), or begin anew"
        )


def refuse_letters(head: Next, tokens: Tokens, notation: Notation) -> None:
    """Words alone are read by their letters.

    Raises:
        ArgumentError: symbols are something else.
    """
    if head.characters != "none" and (tokens.unit != "words" or notation.music):
        unit = notation.kind if notation.music else tokens.unit
        raise ArgumentError(
            f"Next(characters={head.characters!r}): words alone are read by their letters, and "
            f"symbols are {unit}: use Tokens('words') (--unit words), or leave it out"
        )


def refuse_tokens(tokens: Tokens, notation: Notation) -> None:
    """Of music a symbol is a sign, and nothing else.

    Raises:
        ArgumentError: other tokens are asked for.
    """
    if notation.music and tokens != Tokens():
        raise ArgumentError(
            f"{tokens}: symbols of music are the signs of its notation ({notation.kind}); leave "
            "tokens out"
        )


def refuse_other(codec: TokenCodec, tokens: Tokens, notation: Notation) -> None:
    """Symbols that are to be kept must be those that are asked for.

    Raises:
        ArgumentError: they are of another unit, or signs of another notation.
    """
    if (codec.unit == "signs") != notation.music or codec_of(notation, lambda: codec) != codec:
        raise ArgumentError(
            f"{notation}: the vocabulary to keep is of other {codec.unit}; ask for the same "
            "notation, or fit a new one"
        )
    if codec.unit not in (tokens.unit, "signs"):
        raise ArgumentError(
            f"Tokens(unit={tokens.unit!r}): the vocabulary to keep is of {codec.unit}; ask for "
            f"those (--unit {codec.unit}), or fit a new one"
        )


def refuse_misfits(recurrent: Recurrent) -> None:
    """Name a setting of the network with which no text can be read on and on.

    Raises:
        ArgumentError: there is one.
    """
    odd = {
        "bidirectional=True": recurrent.bidirectional,
        f"stem={recurrent.stem}": recurrent.stem is not None,
    }
    for name, given in odd.items():
        if given:
            raise ArgumentError(
                f"Recurrent({name}): a language model reads each symbol once and forwards; leave "
                "it out"
            )

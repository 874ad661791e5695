"""XML texts as elements; no entity is ever expanded, and nothing is fetched."""

from __future__ import annotations

from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from longshort.errors import DataError


def elements(data: bytes, where: str) -> Element:
    """The root of an XML text.

    Args:
        data: the text.
        where: what it is, for messages.

    Raises:
        DataError: it is no XML, or declares an entity; line and column are told.
    """
    builder, parser = TreeBuilder(), expat.ParserCreate()

    def refuse(name: str, *_: object) -> None:
        raise DataError(
            f"{where}, line {parser.CurrentLineNumber}: declares the entity {name[:60]!r}, which "
            "is never read; remove it"
        )

    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        told = expat.ErrorString(error.code)
        raise DataError(f"{where}, line {error.lineno}, column {error.offset}: {told}") from None
    except LookupError as error:
        raise DataError(f"{where}, line 1: {error}; save it as UTF-8") from None
    return builder.close()

"""Translation memories (TMX 1.4b, LISA 2005): segments of one text in two languages."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple
from xml.etree.ElementTree import Element

from longshort.data.sequences import composed
from longshort.data.sources.elements import elements
from longshort.data.sources.lines import held
from longshort.errors import DataError, suggest

# parts of a segment that hold the codes of another format, and no text
_CODES = {"bpt", "ept", "ph", "it", "ut"}
# the attribute xml:lang, which expat leaves as it is written
_LANGUAGE = "xml:lang"


class Memory(NamedTuple):
    """N units with a segment in both languages, and how many had only one of them.

    Args:
        sources, targets: N texts.
        names: N names, of a unit's own or its number in the file.
        lacking: units that were left out.
        languages: the two, as the file writes them.
    """

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    names: tuple[str, ...]
    lacking: int
    languages: tuple[str, str]


def read_tmx(path: Path, source: str | None = None, target: str | None = None) -> Memory:
    """The pairs of a translation memory, which may be packed (.gz).

    Args:
        path: the file, in the encoding that it declares.
        source, target: languages, "en" or "en-GB"; by default that which the header names as the
            source, and the only other one that there is.

    Raises:
        DataError: the file is no TMX, or a language is not in it, or has to be named.
    """
    root = elements(held(path), path.name)
    if root.tag != "tmx":
        raise DataError(f"{path.name}: its root is <{root.tag}>, and that of a TMX file is <tmx>")
    header = root.find("header")
    units = [_segments(unit) for unit in root.iter("tu")]
    known = list(dict.fromkeys(language for unit in units for language in unit))
    if not known:
        raise DataError(f"{path.name}: holds no segments (<tu>, <tuv>, <seg>)")
    stated = "" if header is None else header.get("srclang", "")
    if source is None and stated and stated != "*all*":
        source = stated
    first = _found(path, source, [each for each in known if not _is(each, target)], "source")
    second = _found(path, target, [each for each in known if not _is(each, first)], "target")
    names = [unit.get("tuid") or f"unit {at}" for at, unit in enumerate(root.iter("tu"), 1)]
    kept = [at for at, unit in enumerate(units) if first in unit and second in unit]
    return Memory(
        tuple(units[at][first] for at in kept),
        tuple(units[at][second] for at in kept),
        tuple(names[at] for at in kept),
        len(units) - len(kept),
        (first, second),
    )


def _segments(unit: Element) -> dict[str, str]:
    """The text of each language of a unit."""
    found = {}
    for variant in unit.findall("tuv"):
        language = variant.get(_LANGUAGE) or variant.get("lang") or ""
        segment = variant.find("seg")
        if segment is not None:
            found[language] = composed(" ".join(_plain(segment).split()))
    return found


def _plain(element: Element) -> str:
    """The text of a segment, without the codes in it."""
    parts = [element.text or ""]
    for child in element:
        parts += ["" if child.tag in _CODES else _plain(child), child.tail or ""]
    return "".join(parts)


def _is(language: str, asked: str | None) -> bool:
    """Whether a language is that which is asked for: "en-GB" is "en"."""
    if asked is None:
        return False
    one, two = language.lower(), asked.lower()
    return one == two or one.partition("-")[0] == two


def _found(path: Path, asked: str | None, known: list[str], which: str) -> str:
    if asked is None:
        if len(known) == 1:
            return known[0]
        listed = ", ".join(known)
        raise DataError(
            f"{path.name}: which language is the {which}? Name it "
            f"(--{which}); there are {listed or 'no others'}"
        )
    exact = [each for each in known if each.lower() == asked.lower()]
    near = exact or [each for each in known if _is(each, asked)]
    if not near:
        raise DataError(
            f"{path.name}: there is no language {asked!r} for the {which}: {suggest(asked, known)}"
        )
    return near[0]

"""Files of pen strokes, each format by itself: InkML, UNIPEN, UJI, Omniglot and Quick Draw."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element

import numpy as np

from longshort.data.codecs.ink import Strokes
from longshort.data.sources.elements import elements
from longshort.errors import DataError


class Drawing(NamedTuple):
    """One drawing of a file.

    points: (P, 4) x, y (downwards), seconds, stroke. line: where it begins in its file, from 1; 0
    where it is the whole file. label: what it shows or says, "" where the file does not tell.
    writer: who drew it, "" likewise. name: a name of its own.
    """

    points: Strokes
    line: int = 0
    label: str = ""
    writer: str = ""
    name: str = ""


# from a file's bytes, and its name for messages, to its drawings
# (what is wrong with one of several that stand by themselves comes in its place)
Read = Callable[[bytes, str], Iterator[Drawing | DataError]]
Row = tuple[float, float, float]

_NAN = float("nan")
_MILLI = 1000.0


def format_of(name: str, start: bytes) -> Read | None:
    """What reads a file of such a name that begins with such bytes; None for other files."""
    lower = name.lower()
    if lower.endswith(".inkml"):
        return read_inkml
    if lower.endswith((".ndjson", ".jsonl")):
        return read_quickdraw if b'"drawing"' in start else None
    first = start.decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
    if re.match(r"START\s*[\r\n]", first):
        return read_omniglot
    if re.match(r"\.(VERSION|COORD|COMMENT|PEN_DOWN|INCLUDE|KEYWORD|HIERARCHY)\b", first):
        return read_unipen
    if re.match(r"(//[^\n]*\n\s*)*WORD\s+\S+\s+\S+\s+NUMSTROKES\b", first):
        return read_uji
    return None


def drawing_of(strokes: Sequence[Sequence[Row]], where: str, **known: Any) -> Drawing:
    """Strokes of rows x, y, seconds as a drawing; strokes without points are left out.

    Raises:
        DataError: a place is no number; an unknown time may be NaN.
    """
    full = [own for own in strokes if len(own)]
    rows = [np.zeros((0, 4), np.float32)]
    for number, own in enumerate(full):
        values = np.asarray(own, np.float64)
        wrong = ~np.isfinite(values[:, :2]).all(1)
        if wrong.any():
            at = int(wrong.argmax())
            told = ", ".join(f"{value:g}" for value in values[at, :2])
            raise DataError(
                f"{where}: point {at + 1} of stroke {number + 1} is at {told}, which are no "
                "numbers; leave the point out"
            )
        rows.append(np.column_stack([values, np.full(len(own), number)]).astype(np.float32))
    return Drawing(np.concatenate(rows), **known)


def lines_of(data: bytes, where: str) -> Iterator[tuple[int, str]]:
    """Lines that hold more than blanks, from 1."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{where}: byte {error.start + 1} is not UTF-8; write it anew") from None
    return ((at, told.strip()) for at, told in enumerate(text.split("\n"), 1) if told.strip())


def _numbers(told: str, where: str) -> list[float]:
    try:
        return [float(each) for each in re.split(r"[,\s]+", told.strip())]
    except ValueError:
        raise DataError(f"{where}: {told[:60]!r} are no numbers") from None


# Omniglot


def read_omniglot(data: bytes, where: str) -> Iterator[Drawing]:
    """START, then a line x,y,milliseconds for each point (y upwards), BREAK after each stroke.

    Lake et al. 2015. Character and writer are told by folder and name: ``0108_01.txt`` is by
    writer 01.
    """
    strokes: list[list[Row]] = [[]]
    for line, told in lines_of(data, where):
        if told == "START":
            continue
        if told == "BREAK":
            strokes.append([])
            continue
        found = _numbers(told, f"{where}, line {line}")
        if len(found) not in (2, 3):
            raise DataError(
                f"{where}, line {line}: {told[:60]!r} is no point; write x,y,milliseconds"
            )
        x, y, *t = found
        strokes[-1].append((x, -y, t[0] / _MILLI if t else _NAN))
    writer = re.fullmatch(r".*\d_(\d+)\.\w+", where.rpartition("/")[2])
    yield drawing_of(strokes, where, writer=writer[1] if writer else "")


# Quick Draw


def read_quickdraw(data: bytes, where: str) -> Iterator[Drawing | DataError]:
    """One JSON object a line, with "drawing": strokes [[x, ...], [y, ...], [milliseconds, ...]].

    "word" is the label. Simplified drawings have no times.
    """
    for line, told in lines_of(data, where):
        try:
            yield _quickdrawn(told, line, f"{where}, line {line}")
        except DataError as error:
            yield error


def _quickdrawn(told: str, line: int, place: str) -> Drawing:
    try:
        found = json.loads(told)
        strokes = []
        for x, y, *t in found["drawing"]:
            times = [float(each) / _MILLI for each in t[0]] if t else [_NAN] * len(x)
            strokes.append(list(zip(map(float, x), map(float, y), times, strict=True)))
    except (ValueError, TypeError, KeyError) as error:
        raise DataError(
            f"{place}: {told[:60]!r} is no drawing ({type(error).__name__}: {error}); write "
            '{"word": "cat", "drawing": [[[x, ...], [y, ...]], ...]}'
        ) from None
    label, name = (str(found.get(each) or "") for each in ("word", "key_id"))
    return drawing_of(strokes, place, line=line, label=label, name=name)


# UJI pen characters


def read_uji(data: bytes, where: str) -> Iterator[Drawing]:
    """WORD label session, NUMSTROKES n, and n times POINTS m # x y x y ... (UJIpenchars2)."""
    held: list[list[Row]] = []
    label, session, begun = "", "", 0

    def made() -> Drawing:
        # trn_UJI_W01-02 is the second session of writer UJI_W01
        writer = re.sub(r"^(trn|tst)_|-\d+$", "", session)
        told = f"{where}, line {begun}"
        return drawing_of(held, told, line=begun, label=label, writer=writer, name=session)

    for line, told in lines_of(data, where):
        word, _, rest = told.partition(" ")
        place = f"{where}, line {line}"
        if word == "WORD":
            if begun:
                yield made()
            label, _, session = rest.strip().partition(" ")
            held, begun = [], line
        elif word == "POINTS":
            count, _, values = rest.partition("#")
            found = _numbers(values, place)
            if len(found) != 2 * _numbers(count, place)[0]:
                raise DataError(f"{place}: {count.strip()} points are told, and {len(found)} "
                                "numbers follow; write x and y of each")  # fmt: skip
            held.append([(x, y, _NAN) for x, y in zip(found[::2], found[1::2], strict=True)])
        elif word != "NUMSTROKES" and not told.startswith("//"):
            raise DataError(f"{place}: {told[:60]!r} is neither WORD, NUMSTROKES nor POINTS")
    if begun:
        yield made()


# UNIPEN

# from a whole to its parts: the smallest units that a file tells are its drawings
_UNITS = ("PAGE", "TEXT", "PARAGRAPH", "LINE", "SENTENCE", "WORD", "CHARACTER")


class _Segment(NamedTuple):
    line: int
    unit: str
    told: str
    label: str


def read_unipen(data: bytes, where: str) -> Iterator[Drawing]:
    """UNIPEN 1.0 (Guyon et al. 1994): .COORD, .PEN_DOWN, .PEN_UP, .DT, .SEGMENT, .WRITER_ID.

    Drawings are the smallest units that have segments, or the whole file. A segment tells its
    strokes by numbers from 0, of all runs of points, with pen up ones too where they have points:
    "0-2,4"; the first and last may be cut after ":", as in "3:10-5:42". A label may go on over
    several lines; line ends and tabs in it count as blanks.
    """
    names, step, writer = ["X", "Y"], 0.0, ""
    # every run of points, and whether the pen was down
    parts: list[tuple[bool, list[Row]]] = []
    segments: list[_Segment] = []
    keyword = begun = ""
    for line, told in lines_of(data, where):
        place = f"{where}, line {line}"
        # numbers may begin with a dot, too
        if re.match(r"\.[A-Za-z]", told):
            keyword, rest = [*told[1:].split(None, 1), ""][:2]
            if keyword == "COORD":
                names = rest.split()
                if not {"X", "Y"} <= set(names):
                    raise DataError(f"{place}: .COORD {rest!r} names no X and Y")
            elif keyword in ("PEN_DOWN", "PEN_UP"):
                parts.append((keyword == "PEN_DOWN", []))
            elif keyword == "DT":
                step = _numbers(rest, place)[0] / _MILLI
            elif keyword == "WRITER_ID":
                writer = rest.strip()
            elif keyword == "SEGMENT":
                begun = rest
                segments.append(_segment(line, begun, place))
            elif keyword == "INCLUDE":
                raise DataError(f"{place}: other files ({rest!r}) are not read; put them together")
            continue
        if keyword == "SEGMENT":
            begun = f"{begun} {told}"
            segments[-1] = _segment(segments[-1].line, begun, place)
        if keyword not in ("PEN_DOWN", "PEN_UP", "DT"):
            # what a keyword says on further lines
            continue
        if not parts:
            parts.append((True, []))
        found = _numbers(told, place)
        if len(found) != len(names):
            raise DataError(f"{place}: {len(found)} numbers, where .COORD names {len(names)}")
        row = dict(zip(names, found, strict=True))
        time = row["T"] / _MILLI if "T" in row else len(parts[-1][1]) * step if step else _NAN
        # UNIPEN's y goes up
        parts[-1][1].append((row["X"], -row["Y"], time))
    parts = [part for part in parts if part[0] or part[1]]
    units = [each.unit for each in segments]
    finest = next((unit for unit in reversed(_UNITS) if unit in units), units[0] if units else "")
    if not segments:
        yield drawing_of([rows for down, rows in parts if down], where, writer=writer)
    for each in segments:
        if each.unit == finest:
            place = f"{where}, line {each.line}"
            strokes = _delineated(each.told, parts, place)
            yield drawing_of(strokes, place, line=each.line, label=each.label, writer=writer)


def _segment(line: int, rest: str, place: str) -> _Segment:
    label = re.search(r'"((?:[^"\\]|\\.)*)"\s*$', rest)
    words = (rest[: label.start()] if label else rest).split()
    if len(words) < 2:
        raise DataError(f'{place}: .SEGMENT {rest!r} is not as in .SEGMENT CHARACTER 0-2 ? "a"')
    # \t and \n are blanks; after any other backslash stands what it is
    told = re.sub(r"\\(.)", lambda m: " " if m[1] in "tn" else m[1], label[1]) if label else ""
    return _Segment(line, words[0].upper(), words[1], told)


def _delineated(told: str, parts: Sequence[tuple[bool, list[Row]]], place: str) -> list[list[Row]]:
    """The strokes that a segment names."""
    found: list[list[Row]] = []
    for piece in told.split(","):
        match = re.fullmatch(r"(\d+)(?::(\d+))?(?:-(\d+)(?::(\d+))?)?", piece)
        if match is None:
            raise DataError(f"{place}: {told!r} names no strokes; write 0-2,4")
        first, begin, last, end = (None if each is None else int(each) for each in match.groups())
        assert first is not None
        last = first if last is None else last
        if last >= len(parts) or first > last:
            raise DataError(f"{place}: {told!r} names stroke {last}, and there are {len(parts)}, "
                            "counted from 0")  # fmt: skip
        for at in range(first, last + 1):
            down, rows = parts[at]
            stop = None if at < last or end is None else end + 1
            if down:
                found.append(rows[begin if at == first else None : stop])
    return found


# InkML

# a number with the mark of how it is told: ! itself, ' a difference, " a difference of these
_VALUE = re.compile(
    r"""\s*([!'"]?)\s*(-?\d*\.?\d+(?:[eE][-+]?\d+)?|-?\d+\.?|[*?TF]|\#[0-9A-Fa-f]+)"""
)
_TOLD = ("label", "truth", "transcription", "transcript", "text", "textline")


def read_inkml(data: bytes, where: str) -> Iterator[Drawing]:
    """InkML (W3C 2011): one drawing of all traces that are not "eraser" or "hover".

    X, Y and T by the trace format, or in that order; T is in milliseconds where no unit is told.
    An annotation of the type label, truth or transcription is what it says, one of the type writer
    who drew it.
    """
    root = elements(data, where)
    names, seconds = _channels(root)
    strokes = []
    for number, trace in enumerate(_all(root, "trace"), 1):
        if trace.get("type") in ("penUp", "hover"):
            continue
        place = f"{where}: trace {trace.get('id') or number}"
        rows = _trace(trace.text or "", len(names), place)
        at = [names.index(name) if name in names else -1 for name in ("X", "Y", "T")]
        strokes.append(
            [(r[at[0]], r[at[1]], r[at[2]] * seconds if at[2] >= 0 else _NAN) for r in rows]
        )
    told: dict[str, str] = {}
    for note in root:
        if _name(note) == "annotation" and note.text:
            told.setdefault((note.get("type") or "").lower(), note.text.strip())
    label = next((told[each] for each in _TOLD if told.get(each)), "")
    yield drawing_of(strokes, where, label=label, writer=told.get("writer", ""))


def _name(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _all(root: Element, name: str) -> list[Element]:
    return [each for each in root.iter() if _name(each) == name]


def _channels(root: Element) -> tuple[list[str], float]:
    """Names of the numbers of a point, and the seconds of one unit of time."""
    formats = _all(root, "traceFormat")
    found = [] if not formats else _all(formats[0], "channel")
    names = [str(each.get("name")) for each in found] or ["X", "Y"]
    units = next((each.get("units") for each in found if each.get("name") == "T"), None)
    return names, {"s": 1.0, "us": 1e-6, "ns": 1e-9}.get(units or "", 1 / _MILLI)


def _trace(text: str, width: int, place: str) -> list[list[float]]:
    """Points of a trace; numbers may be differences, and differences of these."""
    found: list[list[float]] = []
    marks = ["!"] * width
    speeds = [0.0] * width
    for number, point in enumerate(text.split(","), 1):
        if not point.strip():
            continue
        row: list[float] = []
        end = 0
        while (match := _VALUE.match(point, end)) and len(row) < width:
            at, end = len(row), match.end()
            marks[at] = match[1] or marks[at]
            before = found[-1][at] if found else 0.0
            value = _value(match[2], before)
            if match[2] not in "*?TF" and marks[at] != "!":
                speeds[at] = value + (speeds[at] if marks[at] == '"' else 0.0)
                value = before + speeds[at]
            row.append(value)
        if point[end:].strip() or len(row) < min(width, 2):
            raise DataError(f"{place}, point {number}: {point.strip()[:60]!r} are not {width} "
                            "numbers")  # fmt: skip
        # channels that are told for some points alone stand last
        found.append(row + [_NAN] * (width - len(row)))
    return found


def _value(told: str, before: float) -> float:
    if told == "*":
        return before
    if told in "?TF":
        return _NAN if told == "?" else float(told == "T")
    return float(int(told[1:], 16)) if told.startswith("#") else float(told)

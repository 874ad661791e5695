"""MusicXML scores (version 4.0 and before), plain or packed (.mxl), as pieces.

What is read: pitched notes with their lengths, chords, ties and transposing instruments, of all
parts and voices at once, and the first tempo. Repeats are read once; grace notes, which take no
time, and percussion without pitch are left out. A file's own entities are refused, since a few
lines of them can grow beyond any memory.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np

from longshort.data.codecs.notation import LOUD, Composition
from longshort.data.sources.elements import elements
from longshort.errors import DataError

# bytes of a score, unpacked
_MOST = 2**26
_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_TEMPO = 120.0
_CONTAINER = "META-INF/container.xml"


def read_musicxml(path: Path) -> Composition:
    """A score as one piece.

    Raises:
        DataError: it cannot be read, is no score, or has no note that lasts; with the line or
            measure where there is one.
    """
    try:
        packed = zipfile.is_zipfile(path)
        data = _unpacked(path) if packed else path.read_bytes()
    except (OSError, zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError) as error:
        told = getattr(error, "strerror", None) or error
        raise DataError(f"{path}: cannot be read: {told}") from None
    root = elements(data, str(path))
    if root.tag not in ("score-partwise", "score-timewise"):
        raise DataError(
            f"{path}: its root is <{root.tag}>, and must be <score-partwise> or <score-timewise>"
        )
    notes: list[tuple[float, float, int]] = []
    length = 0.0
    for name, measures in _parts(root):
        part = _Part(f"{path}, part {name}")
        for measure in measures:
            part.measure(measure)
        notes += part.ended()
        length = max(length, part.at)
    if not notes:
        raise DataError(f"{path}: there is no pitched note that lasts in it; give music with some")
    loud = [(*note, LOUD) for note in sorted(set(notes))]
    found = np.array(loud, np.float64)
    return Composition(found, max(length, float(found[:, :2].sum(1).max())), _tempo(root))


def _unpacked(path: Path) -> bytes:
    with zipfile.ZipFile(path) as archive:
        name = _root_file(archive, path)
        if name not in archive.namelist():
            raise DataError(f"{path}: names the score {name!r}, which is not in it")
        with archive.open(name) as file:
            data = file.read(_MOST + 1)
    if len(data) > _MOST:
        raise DataError(f"{path}: the score in it is larger than {_MOST >> 20} MiB unpacked")
    return data


def _root_file(archive: zipfile.ZipFile, path: Path) -> str:
    """What the container names as the score, or the one file that can be it."""
    if _CONTAINER in archive.namelist():
        with archive.open(_CONTAINER) as file:
            container = elements(file.read(_MOST), f"{path}, {_CONTAINER}")
        for each in container.iter():
            if each.tag.rpartition("}")[2] == "rootfile" and "full-path" in each.attrib:
                return each.attrib["full-path"]
    found = [n for n in archive.namelist() if n.endswith((".xml", ".musicxml")) and "/" not in n]
    if len(found) != 1:
        raise DataError(f"{path}: {len(found)} scores in it, and no {_CONTAINER} that names one")
    return found[0]


def _parts(root: Element) -> Iterator[tuple[str, list[Element]]]:
    """Every part's name and its measures, whichever of the two stands outside."""
    if root.tag == "score-partwise":
        for part in root.iter("part"):
            yield part.get("id", "?"), part.findall("measure")
        return
    found: dict[str, list[Element]] = {}
    for measure in root.iter("measure"):
        for part in measure.findall("part"):
            part.set("number", measure.get("number", "?"))
            found.setdefault(part.get("id", "?"), []).append(part)
    yield from found.items()


def _tempo(root: Element) -> float:
    """The first tempo, in quarter notes a minute."""
    for sound in root.iter("sound"):
        try:
            tempo = float(sound.get("tempo", ""))
        except ValueError:
            continue
        if 1 <= tempo <= 1000:
            return tempo
    return _TEMPO


class _Part:
    """One part, read measure by measure.

    Args:
        where: the file and the part.
    """

    def __init__(self, where: str) -> None:
        self.where, self.at, self._chord = where, 0.0, 0.0
        self._divisions, self._higher = 1.0, 0
        self._found: list[tuple[float, float, int]] = []
        # notes that are tied to what comes: (beginning, length) by key
        self._tied: dict[int, tuple[float, float]] = {}

    def ended(self) -> list[tuple[float, float, int]]:
        """All notes: beginning, length and key of MIDI; ties that lead nowhere end."""
        self._found += [(*held, key) for key, held in self._tied.items()]
        self._tied = {}
        return self._found

    def measure(self, measure: Element) -> None:
        """Read one; a measure is as long as the longest voice in it."""
        place = f"{self.where}, measure {measure.get('number', '?')}"
        furthest = self.at
        for element in measure:
            if element.tag == "attributes":
                self._attributes(element, place)
            elif element.tag == "note":
                self._note(element, place)
            elif element.tag == "backup":
                self.at -= self._length(element, place)
                if self.at < -1e-6:
                    raise DataError(f"{place}: goes back to before the beginning of the piece")
            elif element.tag == "forward":
                self.at += self._length(element, place)
            furthest = max(furthest, self.at)
        self.at = furthest

    def _attributes(self, element: Element, place: str) -> None:
        told = element.findtext("divisions")
        if told is not None:
            self._divisions = _number(told, "divisions", place)
            if self._divisions <= 0:
                raise DataError(f"{place}: divisions are {told}, and must be more than 0")
        change = element.find("transpose")
        if change is not None:
            octaves = _number(change.findtext("octave-change", "0"), "octave-change", place)
            chromatic = _number(change.findtext("chromatic", "0"), "chromatic", place)
            self._higher = round(chromatic + 12 * octaves)

    def _length(self, element: Element, place: str) -> float:
        told = element.findtext("duration")
        if told is None:
            raise DataError(f"{place}: a <{element.tag}> has no <duration>")
        length = _number(told, "duration", place) / self._divisions
        if not 0 <= length < 1e5:
            raise DataError(f"{place}: a <{element.tag}> lasts {told.strip()} divisions")
        return length

    def _note(self, note: Element, place: str) -> None:
        if note.find("grace") is not None or note.find("cue") is not None:
            return
        length = self._length(note, place)
        if note.find("chord") is None:
            self._chord = self.at
            self.at += length
        pitch = note.find("pitch")
        if pitch is None or not length:
            return
        step = (pitch.findtext("step") or "").strip()
        if step not in _STEPS:
            raise DataError(f"{place}: a pitch has the step {step!r}, and must have one of C to B")
        octave = _number(pitch.findtext("octave", ""), "octave", place)
        alter = _number(pitch.findtext("alter", "0"), "alter", place)
        key = round(12 * (octave + 1) + _STEPS[step] + alter) + self._higher
        if not 0 <= key < 128:
            raise DataError(f"{place}: {step} of octave {octave:g} is beyond what can be heard")
        ties = {tie.get("type") for tie in note.findall("tie")}
        start, before = self._chord, 0.0
        if "stop" in ties and key in self._tied:
            start, before = self._tied.pop(key)
        if "start" in ties:
            self._tied[key] = (start, before + length)
        else:
            self._found.append((start, before + length, key))


def _number(text: str, name: str, place: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = float("nan")
    if not abs(found) < 1e9:
        raise DataError(f"{place}: {name} is {text.strip()[:40]!r}, and must be a number")
    return found

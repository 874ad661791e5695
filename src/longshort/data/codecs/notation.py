"""Music written down as text, and read back from it.

A piece becomes words with a blank after each, so that it is read, chunked, told and searched as any
text is. There are two ways to write:

    rolls   C3 G3 E4 C5 | C3 A3 F4 C5 |     all keys that sound in a step of a grid, from low to
            high, then "|": one frame
    events  C4 =2 E4 =2 +2 v5 D4 =4         notes in the order of their beginnings and pitches: "+2"
            is two steps after the note before, "v5" how loud it is (from then on) and "=4" how long

C4 is the middle C, key 60 of MIDI; rolls and events have the 88 keys of a piano, A0 to C8. Long
steps are the sum of several signs. The signs of a notation are known before any music is: none is
ever unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any, Literal, NamedTuple, Self, get_args

import numpy as np
from numpy.typing import NDArray

from longshort.contracts import Params
from longshort.data.codecs.tokens import UNKNOWN, TokenCodec
from longshort.data.steps import Ints
from longshort.errors import ArgumentError, DataError, ModelFileError, suggest

Kind = Literal["text", "rolls", "events"]
Floats = NDArray[np.float64]

# the lowest key of a piano as MIDI numbers it, and how many keys there are
LOWEST, KEYS = 21, 88
FRAME = "|"
# quarter notes that one sign of events can last
_LONGEST = 8
# of MIDI, and how loud notes are whose file does not say
_LOUDEST, LOUD = 127, 80
# steps of one piece
_MOST = 2**22
_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_FLATS = {"Db": "C#", "Eb": "D#", "Gb": "F#", "Ab": "G#", "Bb": "A#"}


def pitch_name(pitch: int) -> str:
    """What a key of MIDI, 0 to 127, is called: 60 is C4."""
    return f"{_NAMES[pitch % 12]}{pitch // 12 - 1}"


class Composition(NamedTuple):
    """A piece of music, its times in quarter notes.

    notes: (N, 4), each note's beginning, how long it lasts, its key of MIDI (0 to 127), and how
    loud it is (1 to 127). length: of the whole, rests among it. tempo: quarter notes a minute.
    """

    notes: Floats
    length: float
    tempo: float


@dataclass(frozen=True)
class Notation(Params):
    """How music is written down; see this module's page.

    Args:
        kind: "rolls" or "events"; "text" where the data are no music.
        resolution: steps of a quarter note: 4 are sixteenths.
        transpose: the training part is read in its own key and in those up to so many semitones
            above and below, as far as all of a piece stays on the keys of a piano.
        loudness: of events, how many degrees of loudness are told; 1 for none.
        tempo: quarter notes a minute of music that is written, where a prompt has none.

    Raises:
        ArgumentError: a value out of range.
    """

    kind: Kind = "text"
    resolution: int = 4
    transpose: int = 0
    loudness: int = 1
    tempo: float = 100.0

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise ArgumentError(f"Notation({self.kind!r}): {suggest(self.kind, get_args(Kind))}")
        self._whole(1, "resolution", "loudness")
        self._whole(0, "transpose")
        for name, most in (("resolution", 96), ("loudness", _LOUDEST), ("transpose", 12)):
            if getattr(self, name) > most:
                raise ArgumentError(f"Notation({name}={getattr(self, name)}): at most {most}")
        if not 1 <= self.tempo <= 1000:
            raise ArgumentError(f"Notation(tempo={self.tempo}): must be in 1 to 1000")

    @property
    def music(self) -> bool:
        """Whether this is a notation of music at all."""
        return self.kind != "text"

    @property
    def signs(self) -> tuple[str, ...]:
        """(V,) every sign there is; the keys come first, from low to high."""
        return _signs(self)

    # writing

    def write(self, piece: Composition) -> str:
        """A piece as text; keys that a piano does not have are left out.

        Raises:
            DataError: it has no length, or millions of steps.
        """
        notes = piece.notes[on_piano(piece.notes)]
        starts = _steps(notes[:, 0], self.resolution)
        stops = np.maximum(_steps(notes[:, 0] + notes[:, 1], self.resolution), starts + 1)
        steps = max(int(_steps(np.array([piece.length]), self.resolution)[0]), *stops, 0)
        if steps > _MOST:
            raise DataError(
                f"{steps:,} steps of 1/{self.resolution} quarter note, and may have {_MOST:,}: "
                "is its length right?"
            )
        if not steps:
            raise DataError("no note in it lasts any time; give a piece that does")
        keys = notes[:, 2].astype(np.int64) - LOWEST
        signs = (
            self._frames(starts, stops, keys, steps)
            if self.kind == "rolls"
            else self._events(starts, stops - starts, keys, notes[:, 3])
        )
        return " ".join(signs) + " "

    def _frames(self, starts: Ints, stops: Ints, keys: Ints, steps: int) -> list[str]:
        roll = np.zeros((steps, KEYS + 1), bool)
        # the sign after the last key ends each frame
        roll[:, KEYS] = True
        for start, stop, key in zip(starts, stops, keys, strict=True):
            roll[start:stop, key] = True
        signs = self.signs
        return [signs[sign] for sign in np.nonzero(roll)[1]]

    def _events(self, starts: Ints, lengths: Ints, keys: Ints, loud: Floats) -> list[str]:
        found: list[str] = []
        signs = self.signs
        longest, before, last = self.resolution * _LONGEST, 0, 0
        degrees = 1 + (loud.clip(1, _LOUDEST) * self.loudness // (_LOUDEST + 1)).astype(np.int64)
        for at in np.lexsort((lengths, keys, starts)):
            found += _summed("+", int(starts[at]) - before, longest)
            if self.loudness > 1 and degrees[at] != last:
                last = int(degrees[at])
                found.append(f"v{last}")
            found.append(signs[keys[at]])
            found += _summed("=", int(lengths[at]), longest)
            before = int(starts[at])
        return found

    def moved(self, piece: Composition) -> Floats:
        """(2, N), how far the grid moved beginnings and lengths of notes, in quarter notes."""
        start, length = piece.notes[:, 0], piece.notes[:, 1]
        begins = _steps(start, self.resolution)
        ends = np.maximum(_steps(start + length, self.resolution), begins + 1)
        on_grid = np.stack([begins, ends - begins]) / self.resolution
        return np.asarray(np.abs(on_grid - np.stack([start, length])))

    def transposed(self, text: str, by: int) -> str | None:
        """A text so many semitones higher; None where a note of it would leave the piano."""
        table = _table(by)
        found = [table.get(sign, sign) for sign in text.split()]
        return None if None in found else " ".join(map(str, found)) + " "

    # reading

    def read(self, text: str, tempo: float | None = None) -> Composition:
        """The piece that a text stands for; signs that make no sense where they are count nothing.

        Args:
            text: as ``write`` gives it, or the beginning of it.
            tempo: quarter notes a minute; None for the notation's own.
        """
        keys = {name: at for at, name in enumerate(self.signs[:KEYS])}
        signs = [sharp(sign) for sign in text.split()]
        tempo = self.tempo if tempo is None else tempo
        if self.kind == "rolls":
            return roll_piece(_roll(signs, keys), self.resolution, tempo)
        notes, steps = self._read_events(signs, keys)
        found = np.array(notes, np.float64).reshape(-1, 4)
        found[:, :2] /= self.resolution
        found[:, 2] += LOWEST
        return Composition(found, steps / self.resolution, tempo)

    def _read_events(self, signs: list[str], keys: Mapping[str, int]) -> tuple[list[Any], int]:
        notes: list[list[float]] = []
        at, loud = 0, float(LOUD)
        for sign in signs:
            if sign in keys:
                notes.append([at, 0, keys[sign], loud])
            elif sign[1:].isdecimal() and len(sign) < 6:
                many = int(sign[1:])
                if sign[0] == "+":
                    at += many
                elif sign[0] == "=" and notes:
                    notes[-1][1] += many
                elif sign[0] == "v":
                    loud = max(1, round((many - 0.5) * (_LOUDEST + 1) / self.loudness))
        for note in notes:
            note[1] = max(note[1], 1)
        return notes, max((int(note[0] + note[1]) for note in notes), default=0)


def _roll(signs: list[str], keys: Mapping[str, int]) -> NDArray[np.bool_]:
    """(T, 88), the frames that signs tell; the last one may be open."""
    places = [at for at, sign in enumerate(signs) if sign == FRAME]
    starts = [0, *(at + 1 for at in places)]
    frames = [signs[a:b] for a, b in zip(starts, [*places, len(signs)], strict=True)]
    if not set(frames[-1]) & set(keys):
        frames.pop()
    found = np.zeros((len(frames), KEYS), bool)
    for row, frame in zip(found, frames, strict=True):
        row[[keys[sign] for sign in frame if sign in keys]] = True
    return found


def on_piano(notes: Floats) -> NDArray[np.bool_]:
    """(N,), which notes a piano has keys for."""
    return np.asarray((notes[:, 2] >= LOWEST) & (notes[:, 2] < LOWEST + KEYS))


def roll_piece(roll: NDArray[Any], resolution: int, tempo: float) -> Composition:
    """The piece whose frames are (T, 88) keys that sound or not, ``resolution`` in a quarter."""
    # where each key begins and ends to sound, key by key
    edges = np.diff(np.pad(roll.astype(np.int8), ((1, 1), (0, 0))), axis=0).T
    keys, starts = np.nonzero(edges == 1)
    stops = np.nonzero(edges == -1)[1]
    loud = np.full(len(keys), LOUD)
    notes = np.stack([starts / resolution, (stops - starts) / resolution, keys + LOWEST, loud], 1)
    order = np.lexsort((notes[:, 2], notes[:, 0]))
    return Composition(notes[order].astype(np.float64), len(roll) / resolution, tempo)


def sharp(sign: str) -> str:
    """A note's name as the notation has it: Bb3 is A#3."""
    for flat, same in _FLATS.items():
        if sign.startswith(flat) and sign[2:].lstrip("-").isdecimal():
            return same + sign[2:]
    return sign


def _steps(quarters: Floats, resolution: int) -> Ints:
    return np.floor(quarters * resolution + 0.5).astype(np.int64)


def _summed(mark: str, steps: int, longest: int) -> Iterator[str]:
    """Steps as signs whose sum they are, the longest first."""
    while steps > 0:
        yield f"{mark}{min(steps, longest)}"
        steps -= longest


@lru_cache(maxsize=8)
def _signs(notation: Notation) -> tuple[str, ...]:
    keys = tuple(pitch_name(LOWEST + key) for key in range(KEYS))
    if notation.kind == "rolls":
        return (*keys, FRAME)
    steps = range(1, notation.resolution * _LONGEST + 1)
    loud = (f"v{n}" for n in range(1, notation.loudness + 1)) if notation.loudness > 1 else ()
    return (*keys, *(f"+{n}" for n in steps), *(f"={n}" for n in steps), *loud)


@lru_cache(maxsize=32)
def _table(by: int) -> dict[str, str | None]:
    """Every key's name, and the name of the one that is so many semitones higher."""
    return {
        pitch_name(LOWEST + key): pitch_name(LOWEST + key + by) if 0 <= key + by < KEYS else None
        for key in range(KEYS)
    }


@dataclass(frozen=True)
class Signs(TokenCodec):
    """The vocabulary of a notation of music: a sign is a symbol.

    Args:
        notation: "rolls" or "events".
    """

    notation: Notation = Notation("rolls")

    @classmethod
    def of(cls, notation: Notation) -> Self:
        """All signs of a notation, whatever else is done with what is written in it."""
        written = replace(notation, transpose=0, tempo=Notation.tempo)
        return cls("signs", notation.signs, notation=written)

    @property
    def unknown(self) -> int | None:
        """None: there is no unknown sign."""
        return None

    @property
    def per(self) -> str:
        """What scores are told per: a frame of rolls, a note of events."""
        return "frame" if self.notation.kind == "rolls" else "note"

    @property
    def measure(self) -> str:
        """The measure that methods are compared by."""
        return f"nats_per_{self.per}"

    @cached_property
    def pieces(self) -> tuple[bytes, ...]:
        """(V,) what each symbol is written as."""
        return (b"", b"", *(f"{sign} ".encode() for sign in self.known))

    @cached_property
    def counts(self) -> Ints:
        """(V,) how many frames or notes each symbol is: a frame is told with its end."""
        counted = {FRAME} if self.notation.kind == "rolls" else set(self.known[:KEYS])
        return np.array([0, 0, *(sign in counted for sign in self.known)], np.int64)

    @cached_property
    def sizes(self) -> Ints:
        """(V,) no sign is a byte of a text."""
        return np.zeros(self.size, np.int64)

    def extent(self, text: str) -> tuple[int, int]:
        """Frames or notes of a text, and no bytes."""
        return int(self.counts[self.encode(text)].sum()), 0

    def encode(self, text: str) -> Ints:
        """The symbols (N,) of signs with blanks between them; flats are read as sharps."""
        numbers = self._numbers
        found = (numbers.get(sign) or numbers.get(sharp(sign), UNKNOWN) for sign in text.split())
        return np.fromiter(found, np.int64)

    def unseen(self, text: str) -> list[str]:
        """What of a text is no sign of this notation, each once."""
        return [s for s in dict.fromkeys(text.split()) if sharp(s) not in self._numbers]

    def put_down(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Nothing: the notation tells it."""
        return {"unit": "signs"}, {}


def codec_of(
    notation: Notation, fit: Callable[[], TokenCodec], told: Mapping[str, Any] | None = None
) -> TokenCodec:
    """The vocabulary of a text in this notation; ``fit`` makes that of texts that are no music.

    Raises:
        ModelFileError: ``told``, what a file says of it, is of another.
    """
    if not notation.music:
        return fit()
    if told is not None and dict(told) != {"unit": "signs"}:
        raise ModelFileError(f"symbols are the signs of {notation.kind}; not {dict(told)!r}")
    return Signs.of(notation)

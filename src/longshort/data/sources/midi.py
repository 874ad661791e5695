"""MIDI files, read and written; the one place that knows the package symusic."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from longshort.artifact import write_bytes
from longshort.data.codecs.notation import Composition
from longshort.errors import DataError, MissingDependencyError

# ticks of a quarter note in files that are written
_TICKS = 480
# where a file tells no tempo, as MIDI has it
_TEMPO = 120.0


def read_midi(path: Path) -> Composition:
    """All tracks of a file as one piece, without its drums; its tempo is the first that it tells.

    Raises:
        DataError: it cannot be read, is no MIDI file, or holds no note that has a pitch and lasts.
        MissingDependencyError: symusic is not installed.
    """
    symusic = _symusic(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from None
    try:
        score = symusic.Score.from_midi(data)
        ticks = int(score.ticks_per_quarter)
        tracks = [(track.is_drum, track.notes.numpy()) for track in score.tracks]
        tempo = float(score.tempos[0].qpm) if len(score.tempos) else _TEMPO
    except (RuntimeError, ValueError, MemoryError) as error:
        raise DataError(f"{path}: not a whole MIDI file: {error}") from None
    if ticks < 1:
        raise DataError(f"{path}: a quarter note has {ticks} ticks; must be 1 or more")
    drums = sum(len(notes["time"]) for is_drum, notes in tracks if is_drum)
    pitched = [_rows(notes) for is_drum, notes in tracks if not is_drum]
    notes = np.concatenate(pitched) if pitched else np.zeros((0, 4))
    if not len(notes):
        told = f"only drums, {drums} notes that have no pitch" if drums else "no note"
        raise DataError(f"{path}: holds {told}, in {len(tracks)} track(s); give music with a tune")
    lasting = notes[notes[:, 1] > 0]
    if not len(lasting):
        raise DataError(
            f"{path}: none of its {len(notes)} notes lasts any time: is it cut off, or are its "
            "notes never ended?"
        )
    lasting[:, :2] /= ticks
    order = np.lexsort((lasting[:, 2], lasting[:, 0]))
    length = float((lasting[:, 0] + lasting[:, 1]).max())
    return Composition(lasting[order], length, min(max(tempo, 1.0), 1000.0))


def _rows(notes: dict[str, Any]) -> Any:
    columns = (notes[name] for name in ("time", "duration", "pitch", "velocity"))
    return np.stack([column.astype(np.float64) for column in columns], 1)


def write_midi(path: str | Path, piece: Composition) -> None:
    """Write a piece as a MIDI file, a track for each voice that sounds at once; whole or not.

    The lowest note that sounds belongs to the last voice, as in a score.

    Raises:
        DataError: there is no note in it.
        OutputError: the file cannot be written.
        MissingDependencyError: symusic is not installed.
    """
    symusic = _symusic(path)
    if not len(piece.notes):
        raise DataError(f"{path}: not written: there is no note in the piece")
    score = symusic.Score(_TICKS)
    score.tempos.append(symusic.Tempo(0, piece.tempo))
    found = voices(piece)
    for voice in range(int(found.max()) + 1):
        track = symusic.Track(f"voice {voice + 1}", 0, False)
        for start, length, pitch, loud in piece.notes[found == voice].tolist():
            at, ticks = round(start * _TICKS), max(1, round(length * _TICKS))
            track.notes.append(symusic.Note(at, ticks, int(pitch), int(loud)))
        score.tracks.append(track)
    write_bytes(path, score.dumps_midi())


def voices(piece: Composition) -> Any:
    """(N,) the voice of each note, 0 the highest: how many higher ones sound when it begins."""
    start, end, pitch = piece.notes[:, 0], piece.notes[:, :2].sum(1), piece.notes[:, 2]
    found = np.zeros(len(start), np.int64)
    for at, begin in enumerate(start):
        # a note that ends where this one begins is over, whatever rounding says
        found[at] = ((start <= begin) & (end > begin + 1e-6) & (pitch > pitch[at])).sum()
    return found


def _symusic(path: str | Path) -> Any:
    try:
        import symusic
    except ImportError as error:
        raise MissingDependencyError(
            f'{path}: MIDI files need the package symusic: pip install "longshort[music]"'
        ) from error
    return symusic

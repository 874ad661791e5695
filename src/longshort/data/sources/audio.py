"""Sound: audio files by table, folder, LibriSpeech tree or Kaldi data folder, and their samples.

What is done about odd sound: several channels become their mean; another rate is resampled (soxr,
high quality); what is clipped or silent stays as it is, and is told; samples that are no numbers,
and files that end before their header says, are refused by name.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from longshort.data.corpus import Corpus, PartName, Recorded, Roles
from longshort.data.sources.files import Files, find, holds
from longshort.data.sources.lines import numbered
from longshort.errors import DataError, MissingDependencyError

SUFFIXES = (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aiff", ".aif", ".au", ".sph")
Samples = NDArray[np.float32]

# folders of LibriSpeech by what their names begin with
_LIBRI: dict[str, PartName] = {"train": "train", "dev": "valid", "test": "test"}


def is_audio(data: Any, roles: Roles) -> bool:
    """Whether data are a sound file, a folder of some, or a table that names some."""
    if isinstance(data, str | os.PathLike) and (Path(data) / "wav.scp").is_file():
        return True
    return holds(data, roles, SUFFIXES)


def read_audio(data: Any, roles: Roles, *, labelled: bool = True) -> Corpus:
    """A corpus of sound. Headers are read now, samples when they are needed.

    Args:
        data: what ``sources.files.find`` reads, of files that soundfile knows (WAV, FLAC, Ogg, MP3,
            AIFF, AU); a LibriSpeech tree (folders of a speaker and a chapter, with ``.trans.txt``
            files); or a data folder of Kaldi (``wav.scp``, and ``text``, ``utt2spk`` and
            ``segments`` where they are there), of which commands are never run.
        roles: the columns, or the pattern of file names; ``skip_bad`` decodes every file once, and
            leaves out those that cannot be read.
        labelled: labels must be there.

    Raises:
        DataError: a file is missing or no sound; its name and line are told.
        MissingDependencyError: soundfile is not installed.
    """
    path = Path(data) if isinstance(data, str | os.PathLike) else None
    if path is not None and (path / "wav.scp").is_file():
        return _read_kaldi(path, roles)
    transcripts = sorted(path.rglob("*.trans.txt")) if path is not None and path.is_dir() else []
    if path is not None and transcripts:
        files = _libri(path, transcripts)
    else:
        files = find(data, roles, SUFFIXES, labelled=labelled)
    return _corpus(files, roles.skip_bad)


def _corpus(files: Files, skip: bool, pieces: Sequence[tuple[float, float]] = ()) -> Corpus:
    """Sound of files, or of pieces of them in seconds."""
    kept: list[Recorded | None] = []
    channels, bad = 0, {}
    headers: dict[Path, _Header] = {}
    for at, path in enumerate(files.paths):
        try:
            if path not in headers:
                headers[path] = _header(path)
            own = headers[path]
            recorded = own.recorded if not pieces else _piece(own.recorded, *pieces[at])
            if skip:
                load(recorded)
        except DataError as error:
            bad[at] = str(error).removeprefix(f"{path}: ")
            kept.append(None)
            continue
        channels += own.channels > 1
        kept.append(recorded)
    files = files.without(bad, skip, "sound")
    notes = [*files.notes]
    if channels:
        notes.append(f"{channels} recordings have several channels; their mean is read.")
    sound = tuple(each for each in kept if each is not None)
    return Corpus(files.source, sound=sound, **files.known, notes=tuple(notes))


def _piece(whole: Recorded, begin: float, end: float) -> Recorded:
    first, last = round(begin * whole.rate), round(end * whole.rate)
    if not 0 <= first < last or first >= whole.length:
        raise DataError(
            f"{whole.path}: seconds {begin:g} to {end:g} of {whole.seconds:g} are no piece of it"
        )
    return Recorded(whole.path, None, whole.rate, min(last, whole.length) - first, first)


class _Header(NamedTuple):
    recorded: Recorded
    channels: int


def _header(path: Path) -> _Header:
    """What a file says of itself."""
    soundfile = _soundfile()
    if not path.is_file():
        raise DataError(f"{path}: there is no such file")
    try:
        told = soundfile.info(str(path))
    except (soundfile.LibsndfileError, OSError, ValueError) as error:
        reason = str(getattr(error, "error_string", error)).rstrip(".")
        raise DataError(f"{path}: cannot be read as sound ({reason})") from None
    return _Header(Recorded(path, None, told.samplerate, told.frames), told.channels)


def load(recorded: Recorded, rate: int | None = None) -> Samples:
    """The samples (S,) of a recording, the mean of its channels, at a rate.

    Args:
        recorded: what is to be read.
        rate: samples a second; None for its own. There are exactly ``resampled`` of them.

    Raises:
        DataError: the file is damaged, or a sample is no number.
        MissingDependencyError: soundfile or soxr is not installed.
    """
    found = recorded.samples if recorded.samples is not None else _decoded(recorded)
    wrong = ~np.isfinite(found)
    if wrong.any():
        at = int(wrong.argmax())
        what = recorded.path or "a recording"
        raise DataError(f"{what}: sample {at + 1} is {found[at]}, and {int(wrong.sum())} are no "
                        "numbers; write the file anew")  # fmt: skip
    if rate is None or rate == recorded.rate or not len(found):
        return np.ascontiguousarray(found, np.float32)
    made = _soxr().resample(found.astype(np.float32), recorded.rate, rate)
    wanted = resampled(len(found), recorded.rate, rate)
    return np.ascontiguousarray(np.pad(made[:wanted], (0, max(wanted - len(made), 0))), np.float32)


def resampled(length: int, old: int, new: int) -> int:
    """How many samples there are at another rate."""
    return -(-length * new // old) if old != new else length


def _decoded(recorded: Recorded) -> Samples:
    soundfile, path = _soundfile(), recorded.path
    try:
        found, _ = soundfile.read(
            str(path), frames=recorded.length, start=recorded.begin, dtype="float32", always_2d=True
        )
    except (soundfile.LibsndfileError, OSError, ValueError) as error:
        reason = str(getattr(error, "error_string", error)).rstrip(".")
        raise DataError(f"{path}: cannot be read as sound ({reason})") from None
    # of a lossy file a header tells about how long it is
    if len(found) < recorded.length and path is not None and path.suffix.lower() != ".mp3":
        raise DataError(
            f"{path}: ends after {len(found):,} of {recorded.length:,} samples; the file is damaged"
        )
    mixed = found[:, 0] if found.shape[1] == 1 else found.mean(1)
    return np.pad(mixed, (0, recorded.length - len(mixed)))


def _libri(folder: Path, tables: Sequence[Path]) -> Files:
    """A LibriSpeech tree: a line of each ``.trans.txt`` names a file beside it and what it says."""
    paths, texts, speakers, parts, known = [], [], [], [], True
    for table in tables:
        beside = {path.stem: path for path in table.parent.iterdir() if _sounds(path)}
        tops = table.relative_to(folder).parts[0].lower()
        part = next((_LIBRI[name] for name in _LIBRI if tops.startswith(name)), None)
        for line, told in numbered(table):
            name, _, text = told.partition(" ")
            if name not in beside:
                raise DataError(f"{table}, line {line}: there is no sound file {name!r} beside it")
            paths.append(beside[name])
            texts.append(text.strip())
            speakers.append(name.partition("-")[0])
            parts.append(part or "train")
            known = known and part is not None
    more: dict[str, Any] = {"parts": tuple(parts)} if known and len(set(parts)) > 1 else {}
    names = tuple(path.relative_to(folder).as_posix() for path in paths)
    told_of = {"transcripts": tuple(texts), "groups": tuple(speakers), "names": names, **more}
    return Files(str(folder), tuple(paths), told_of)


def _sounds(path: Path) -> bool:
    return path.name.lower().endswith(SUFFIXES)


def _read_kaldi(folder: Path, roles: Roles) -> Corpus:
    """A data folder of Kaldi (Povey et al. 2011)."""
    recordings: dict[str, Path] = {}
    for line, name, told in _pairs(folder / "wav.scp"):
        if told.endswith("|"):
            raise DataError(
                f"{folder / 'wav.scp'}, line {line}: {told!r} is a command, and commands of files "
                "are never run; run it yourself and write the path of what it makes"
            )
        path = Path(told)
        recordings[name] = path if path.is_absolute() or path.exists() else folder / path
    pieces: list[tuple[float, float]] = []
    names: list[str] = []
    paths: list[Path] = []
    if (folder / "segments").is_file():
        for line, name, told in _pairs(folder / "segments"):
            where, whole, *times = f"{folder / 'segments'}, line {line}", *told.split()
            if whole not in recordings:
                raise DataError(f"{where}: there is no recording {whole!r} in wav.scp")
            try:
                begin, end = map(float, times)
            except ValueError:
                raise DataError(f"{where}: {told!r} is no recording, begin and end") from None
            names.append(name)
            paths.append(recordings[whole])
            pieces.append((begin, end))
    else:
        names, paths = list(recordings), list(recordings.values())
    known: dict[str, Any] = {"names": tuple(names)}
    for file, field in (("text", "transcripts"), ("utt2spk", "groups")):
        if (folder / file).is_file():
            told_of = {name: told for _, name, told in _pairs(folder / file)}
            missing = next((name for name in names if name not in told_of), None)
            if missing is not None:
                raise DataError(f"{folder / file}: tells nothing of {missing!r}; add its line")
            known[field] = tuple(told_of[name] for name in names)
    return _corpus(Files(str(folder), tuple(paths), known), roles.skip_bad, pieces)


def _pairs(path: Path) -> Iterator[tuple[int, str, str]]:
    """Lines of a name and what is told of it."""
    for line, told in numbered(path):
        name, _, rest = told.partition(" ")
        yield line, name, rest.strip()


def _soundfile() -> Any:
    try:
        import soundfile
    except ImportError:
        raise MissingDependencyError(
            "sound files need the package soundfile: pip install 'longshort[audio]'"
        ) from None
    return soundfile


def _soxr() -> Any:
    try:
        import soxr
    except ImportError:
        raise MissingDependencyError(
            "sound of another rate needs the package soxr: pip install 'longshort[audio]', or give "
            "recordings of one rate"
        ) from None
    return soxr

"""Pictures of lines or signs: files by table or folder, with what is written in files beside them.

What is done about odd pictures: colours become grey, what is transparent white, and a camera's
rotation is undone; files that are damaged, or no pictures, are refused by name.
"""

from __future__ import annotations

import base64
import io
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.data.corpus import Corpus, Roles
from longshort.data.sequences import composed
from longshort.data.sources.files import Files, find, holds
from longshort.errors import DataError, MissingDependencyError

SUFFIXES = (
    ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".gif", ".webp", ".pgm", ".ppm", ".pbm",
)  # fmt: skip
Grey = NDArray[np.uint8]
# the file beside a picture that says what is written in it
_TRUTH = ".gt.txt"


def is_pictures(data: Any, roles: Roles) -> bool:
    """Whether data are a picture, a folder of some, or a table that names some."""
    return holds(data, roles, SUFFIXES)


def read_pictures(data: Any, roles: Roles, *, labelled: bool = True) -> Corpus:
    """A corpus of pictures. That they can be opened is looked at now, the rest when it is needed.

    Args:
        data: what ``sources.files.find`` reads, of files that Pillow knows; beside each picture
            ``line.png`` (or ``line.bin.png``) may lie ``line.gt.txt``, which says what is written.
        roles: the columns, or the pattern of file names; ``skip_bad`` decodes every file once, and
            leaves out those that cannot be read or of which some lack their text.
        labelled: labels, or texts beside all pictures, must be there.

    Raises:
        DataError: a file is missing or no picture, or has no text where others have; it is named.
        MissingDependencyError: Pillow is not installed.
    """
    folder = isinstance(data, str | os.PathLike) and Path(data).is_dir()
    files = find(data, roles, SUFFIXES, labelled=labelled and not folder)
    bad: dict[int, str] = {}
    texts: list[str | None] = []
    for at, path in enumerate(files.paths):
        told = None
        try:
            _opened(path, decode=roles.skip_bad)
            told = _beside(path)
        except DataError as error:
            bad[at] = str(error).removeprefix(f"{path}: ")
        texts.append(told)
    if "transcripts" not in files.known and any(told is not None for told in texts):
        for at, told in enumerate(texts):
            if told is None:
                bad.setdefault(at, f"there is no {_stem(files.paths[at])}{_TRUTH} beside it")
        known = files.known | {"transcripts": tuple(told or "" for told in texts)}
        files = Files(files.source, files.paths, known, files.notes)
    files = files.without(bad, roles.skip_bad, "pictures")
    if labelled and not {"labels", "transcripts"} & set(files.known):
        raise DataError(
            f"{files.source}: tells no labels; make a folder for each label, lay a text beside "
            f"each picture (line.png, line{_TRUTH}), or give a table of paths and labels"
        )
    return Corpus(files.source, pictures=files.paths, **files.known, notes=files.notes)


def load(picture: Grey | Path) -> Grey:
    """A picture (H, W) in shades of grey, 0 is black.

    Raises:
        DataError: it is damaged, or no picture.
        MissingDependencyError: Pillow is not installed.
    """
    return picture if isinstance(picture, np.ndarray) else _opened(picture, decode=True)


def colours(picture: Grey | Path, size: int) -> NDArray[np.uint8]:
    """A picture in colours (size, size, 3), in the middle of a white square.

    Raises:
        DataError: it is damaged, or no picture.
        MissingDependencyError: Pillow is not installed.
    """
    pillow = _pillow()
    if isinstance(picture, np.ndarray):
        image = pillow.Image.fromarray(picture).convert("RGB")
    else:
        image = pillow.Image.fromarray(_opened(picture, decode=True, coloured=True))
    scale = size / max(image.size)
    width, height = (max(1, round(side * scale)) for side in image.size)
    image = image.resize((width, height), pillow.Image.Resampling.BILINEAR)
    square = pillow.Image.new("RGB", (size, size), "white")
    square.paste(image, ((size - width) // 2, (size - height) // 2))
    return np.asarray(square, np.uint8)


def unreadable(path: Path, *, decode: bool) -> str:
    """Why a file cannot be read as a picture, "" if it can; told by its header, or decoded whole.

    Raises:
        MissingDependencyError: Pillow is not installed.
    """
    try:
        _opened(path, decode=decode)
    except DataError as error:
        return str(error).removeprefix(f"{path}: ")
    return ""


def resized(picture: Grey, height: int, width: int) -> Grey:
    """A picture of another size; each pixel is the mean of what it covers, or between neighbours.

    Raises:
        MissingDependencyError: Pillow is not installed.
    """
    pillow = _pillow()
    image = pillow.Image.fromarray(picture)
    return np.asarray(image.resize((width, height), pillow.Image.Resampling.BILINEAR), np.uint8)


def as_uri(picture: Grey) -> str:
    """A picture (H, W) as the data URI of a PNG.

    Raises:
        MissingDependencyError: Pillow is not installed.
    """
    return _uri(_pillow().Image.fromarray(picture))


def thumbnail(picture: Grey | Path, side: int) -> str:
    """A picture in its colours as the data URI of a PNG, no side longer than ``side`` pixels.

    Raises:
        DataError: it is damaged, or no picture.
        MissingDependencyError: Pillow is not installed.
    """
    pillow = _pillow()
    try:
        if isinstance(picture, np.ndarray):
            image = pillow.Image.fromarray(picture)
        else:
            with pillow.Image.open(picture) as held:
                image = held.convert("RGBA")
        image.thumbnail((side, side))
    except (OSError, SyntaxError, ValueError) as error:
        raise DataError(f"{picture}: cannot be read as a picture ({error})") from None
    return _uri(image)


def _uri(image: Any) -> str:
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def _stem(path: Path) -> str:
    return path.name.partition(".")[0]


def _beside(path: Path) -> str | None:
    """What the file beside a picture says is written in it."""
    for name in dict.fromkeys((path.stem, _stem(path))):
        truth = path.with_name(name + _TRUTH)
        if truth.is_file():
            try:
                return composed(truth.read_text("utf-8-sig")).strip()
            except UnicodeDecodeError as error:
                raise DataError(f"{truth}: byte {error.start + 1} is not UTF-8") from None
    return None


def _opened(path: Path, *, decode: bool, coloured: bool = False) -> Grey:
    """A picture, decoded or only its header looked at (and then of no size).

    In shades of grey (H, W), or coloured (H, W, 3).
    """
    pillow = _pillow()
    try:
        there = path.is_file()
    except OSError:
        # a name that is too long
        there = False
    if not there:
        raise DataError(f"{path}: there is no such file")
    wrong = (OSError, SyntaxError, ValueError, pillow.Image.DecompressionBombError)
    try:
        with pillow.Image.open(path) as image:
            if not decode:
                return np.zeros((0, 0), np.uint8)
            upright = pillow.ImageOps.exif_transpose(image)
            if upright.mode.startswith("I") or upright.mode == "F":
                grey = _scaled(np.asarray(upright, np.float64))
                return np.repeat(grey[..., None], 3, 2) if coloured else grey
            if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
                clear = upright.convert("RGBA")
                white = pillow.Image.new("RGBA", clear.size, "white")
                upright = pillow.Image.alpha_composite(white, clear)
            return np.asarray(upright.convert("RGB" if coloured else "L"), np.uint8)
    except wrong as error:
        raise DataError(f"{path}: cannot be read as a picture ({error})") from None


def _scaled(values: NDArray[np.float64]) -> Grey:
    """Shades of 16 bits or more as 8."""
    most = 65535.0 if values.max(initial=0) > 255 else 255.0
    return np.clip(values / most * 255, 0, 255).round().astype(np.uint8)


def _pillow() -> Any:
    try:
        import PIL.Image
        import PIL.ImageOps
    except ImportError:
        raise MissingDependencyError(
            "pictures need the package Pillow: pip install 'longshort[images]'"
        ) from None
    return PIL

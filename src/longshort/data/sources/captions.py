"""Pictures with captions: tables, JSON as COCO and Karpathy write it, or texts beside pictures."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np

from longshort.data.corpus import Corpus, PartName, Roles
from longshort.data.sequences import composed
from longshort.data.sources.documents import PARTS
from longshort.data.sources.files import Files, below
from longshort.data.sources.lines import numbered, raw_of
from longshort.data.sources.pictures import SUFFIXES, unreadable
from longshort.errors import DataError

# features of a picture that another network has computed, beside pictures themselves
PICTURED = (*SUFFIXES, ".npy")
# what pictures and captions are called in objects
IMAGES, CAPTIONS = ("image", "file_name", "filename", "path"), ("caption", "captions", "raw")
# splits of Karpathy & Li (2015): what is left of the validation part is learnt from
_SPLITS: dict[str, PartName] = PARTS | {"restval": "train"}
# a line beside a picture that says the same in another language, as Tux Paint's stamps have them
_SPOKEN = re.compile(r"([a-z]{2,3}(?:[_@]\w+)*)\.utf8=(.*)")


class Captioned(NamedTuple):
    """One picture and one of its captions, the part it is of, and where that is written."""

    path: str
    caption: str
    part: PartName | None = None
    where: str = ""


def holds_captions(path: Path) -> bool:
    """Whether a folder holds a picture that has a text beside it."""
    return any(picture.with_suffix(".txt").is_file() for picture in below(path, PICTURED, 2000))


def read_folder(folder: Path, roles: Roles) -> Corpus:
    """Pictures of a folder and below it, each with its captions in a .txt of the same name.

    Every line that is not empty is a caption. Lines "it.utf8=..." are captions in another language,
    which are read where ``roles.transcript`` names it ("it"), and left out elsewhere.

    Raises:
        DataError: a picture cannot be read or has no text; it is named.
    """
    found = []
    bare = 0
    for picture in below(folder, PICTURED):
        beside = picture.with_suffix(".txt")
        told = list(_beside(beside, roles.transcript)) if beside.is_file() else []
        bare += not told
        name = picture.relative_to(folder).as_posix()
        found += [Captioned(name, caption, None, name) for caption in told]
    notes = (f"{bare} pictures have no text beside them and were left out.",) if bare else ()
    if not found:
        wanted = "" if roles.transcript is None else f" in the language {roles.transcript!r}"
        raise DataError(
            f"{folder}: holds no picture with a caption{wanted} beside it (cat.png, cat.txt)"
        )
    return _corpus(str(folder), found, [folder / each.path for each in found], roles, notes)


def _beside(path: Path, language: str | None) -> Iterator[str]:
    """The captions of a text file."""
    for _, line in numbered(path):
        spoken = _SPOKEN.fullmatch(line)
        if language is None and spoken is None:
            yield line
        elif spoken is not None and spoken[1] == language:
            yield spoken[2].strip()


def read_json(path: Path, roles: Roles) -> Corpus:
    """Captions of a JSON file: COCO's or Karpathy's, or a list of objects (image, caption).

    Pictures are looked for beside the file, in ``images`` beside it, and a folder above.

    Raises:
        DataError: the file is none of these, or a picture cannot be read; it is named.
    """
    try:
        given = json.loads(raw_of(path))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path.name}: is not JSON: {error}") from None
    if isinstance(given, Mapping) and "annotations" in given:
        found = _coco(given, path.name)
    elif isinstance(given, Mapping) and isinstance(given.get("images"), list):
        found = _karpathy(given["images"], path.name)
    elif isinstance(given, list):
        found = _listed(given, roles, path.name)
    else:
        raise DataError(
            f"{path.name}: holds neither COCO's captions (images, annotations) nor Karpathy's "
            "(images, sentences) nor a list of objects with an image and a caption"
        )
    if not found:
        raise DataError(f"{path.name}: holds no caption")
    return _corpus(path.name, found, _places(path, [each.path for each in found]), roles, ())


def _coco(given: Mapping[str, Any], name: str) -> list[Captioned]:
    """Lin et al. (2014): images with ids, and annotations that name them."""
    files = {
        str(_asked(image, "id", name, f"images.{at}")): str(
            _asked(image, "file_name", name, f"images.{at}")
        )
        for at, image in enumerate(_several(given, "images", name))
    }
    found = []
    for at, each in enumerate(_several(given, "annotations", name)):
        place = f"annotations.{at}"
        image, caption = (_asked(each, key, name, place) for key in ("image_id", "caption"))
        if str(image) not in files:
            raise DataError(f"{name}: {place}: image_id {image!r} is none of the images")
        found.append(Captioned(files[str(image)], str(caption), None, place))
    return found


def _several(given: Mapping[str, Any], key: str, name: str) -> Sequence[Any]:
    """A list of an object."""
    held = given.get(key)
    if not isinstance(held, list):
        raise DataError(f"{name}: {key!r} is no list")
    return held


def _asked(each: Any, key: str, name: str, place: str) -> Any:
    """A value of an object."""
    if not isinstance(each, Mapping) or key not in each:
        raise DataError(f"{name}: {place} has no {key!r}")
    return each[key]


def _karpathy(images: Sequence[Any], name: str) -> list[Captioned]:
    """Karpathy & Li (2015): images with their sentences and the part they are of."""
    found = []
    for at, image in enumerate(images):
        place = f"images.{at}"
        file = str(_asked(image, "filename", name, place))
        file = os.path.join(str(image.get("filepath", "")), file)
        part = _part(image.get("split"), name, place)
        found += [
            Captioned(file, str(_asked(sentence, "raw", name, place)), part, place)
            for sentence in _several(image, "sentences", f"{name}: {place}")
        ]
    return found


def _listed(given: Sequence[Any], roles: Roles, name: str) -> list[Captioned]:
    """A list of objects; a caption may itself be a list of captions."""
    found = []
    for at, item in enumerate(given):
        if not isinstance(item, Mapping):
            raise DataError(f"{name}: item {at + 1} is {type(item).__name__}, and no object")
        image = _value(item, (roles.path,) if roles.path else IMAGES, name, at)
        told = _value(item, (roles.transcript,) if roles.transcript else CAPTIONS, name, at)
        part = item.get(roles.part) if roles.part else None
        known = _part(part, name, f"item {at + 1}")
        captions = told if isinstance(told, list) else [told]
        found += [Captioned(str(image), str(each), known, f"item {at + 1}") for each in captions]
    return found


def _part(told: Any, name: str, place: str) -> PartName | None:
    """The part of a split that an object says it is of."""
    if told is None:
        return None
    if str(told) not in _SPLITS:
        raise DataError(f"{name}: {place}: {told!r} is no part of a split")
    return _SPLITS[str(told)]


def _value(each: Mapping[str, Any], names: Sequence[str], name: str, at: int) -> Any:
    held = next((key for key in names if each.get(key)), None)
    if held is None:
        raise DataError(f"{name}: item {at + 1} has no {' or '.join(map(repr, names))}")
    return each[held]


def _places(path: Path, names: Sequence[str]) -> list[Path]:
    """Where the pictures are that a file names: in the first folder that has the first of them."""
    around = path.parent
    tried = [around, around / "images", around.parent, around.parent / "images"]
    folder = next((each for each in tried if _is_file(each / names[0])), around)
    return [folder / name for name in names]


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        # a name that is too long
        return False


def _corpus(
    source: str,
    found: Sequence[Captioned],
    paths: Sequence[Path],
    roles: Roles,
    notes: tuple[str, ...],
) -> Corpus:
    """Pictures that can be read, each as often as it has captions; one picture is one group."""
    known: dict[str, Any] = {
        "transcripts": tuple(composed(each.caption).strip() for each in found),
        "names": tuple(each.where for each in found),
    }
    if all(each.part is not None for each in found):
        known["parts"] = cast(tuple[PartName, ...], tuple(each.part for each in found))
    files = Files(source, tuple(paths), known, notes)
    told = {
        path: _features(path) if path.suffix == ".npy" else unreadable(path, decode=roles.skip_bad)
        for path in dict.fromkeys(paths)
    }
    bad = {at: told[path] for at, path in enumerate(paths) if told[path]}
    files = files.without(bad, roles.skip_bad, "pictures")
    return Corpus(source, pictures=files.paths, **files.known, notes=files.notes)


def of_pictures(corpus: Corpus) -> Corpus:
    """A corpus in which a picture that stands in several rows is never on two sides of a split."""
    paths = [str(each) for each in corpus.pictures or ()]
    if corpus.groups is not None or len(set(paths)) == len(paths):
        return corpus
    return replace(corpus, groups=tuple(paths))


def _features(path: Path) -> str:
    """What is wrong with a file of features (T, F) or (H, W, F); "" for nothing."""
    try:
        held = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        return f"cannot be read as an array ({error})"
    if held.ndim not in (1, 2, 3) or held.dtype.kind not in "fiu" or not held.size:
        return f"holds {held.dtype} {held.shape}; features are numbers (F,), (T, F) or (H, W, F)"
    return ""

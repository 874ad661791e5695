"""A file from which long work goes on: written whole or not at all, the one before it kept.

It has the format of a model file. A new one is written beside the old one and synchronised; then
the old one takes the name ``*.previous.*`` and the new one its place; then the folder is
synchronised. So whenever the power fails, one of the two names is a whole file.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from numpy.typing import NDArray

from longshort import __version__, artifact
from longshort.errors import ArgumentError, ModelFileError, OutputError

KIND = "checkpoint"
# writing may take this share of the time, whatever the pace
MOST = 0.02


class Found(NamedTuple):
    """A checkpoint that was read, and its path; ``lost`` says why a newer one was not."""

    content: artifact.Artifact
    path: Path
    lost: str | None = None


@dataclass(frozen=True)
class Checkpoint:
    """Where and how often work is written down, and whether it goes on from there.

    Args:
        path: the file; its folder must exist.
        every: seconds between two writings; 0 writes at every step.
        resume: go on from a file that is there; else begin anew and replace it.
        keep: leave the file when the work is done; else it is removed.

    Raises:
        ArgumentError: ``every`` is below 0.
    """

    path: Path
    every: float = 10.0
    resume: bool = True
    keep: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", Path(self.path))
        if not self.every >= 0:
            raise ArgumentError(f"Checkpoint(every={self.every}): must be 0 seconds or more")

    @property
    def previous(self) -> Path:
        """Where the checkpoint before the last one is."""
        return self.path.with_name(f"{self.path.stem}.previous{self.path.suffix}")

    @property
    def exists(self) -> bool:
        """Whether there is anything to go on from."""
        return self.path.exists() or self.previous.exists()

    def begin(self) -> Found | None:
        """What to go on from, if that is wanted; what a kill left half-written is removed.

        Raises:
            OutputError: the folder is not there or cannot be changed.
            ModelFileError: checkpoints are there, and none can be read.
        """
        if not self.path.parent.is_dir():
            raise OutputError(
                f"cannot write {self.path}: there is no folder {self.path.parent}; make it first"
            )
        self._clear(self.path.parent.glob(f".{self.path.name}.*"))
        if not self.resume:
            self.remove()
        return self.read() if self.exists else None

    def read(self) -> Found:
        """The last checkpoint, or the one before it where the last one is missing or damaged.

        Raises:
            ModelFileError: neither can be read.
        """
        lost: list[str] = []
        for path in (self.path, self.previous):
            try:
                content = artifact.read(path)
                if content.kind != KIND:
                    raise ModelFileError(f"{path}: holds a {content.kind!r}, not a checkpoint")
            except ModelFileError as error:
                lost.append(str(error))
            else:
                return Found(content, path, lost[0] if lost else None)
        raise ModelFileError(". ".join(lost) + ". Delete both to begin anew.")

    def write(self, sections: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]) -> None:
        """Replace the checkpoint; the one that stood there is kept as the previous one.

        Raises:
            OutputError: it cannot be written; both older ones still stand.
        """
        artifact.write(self.path, KIND, __version__, sections, tensors, self.previous)

    def remove(self) -> None:
        """Take both away.

        Raises:
            OutputError: they cannot be.
        """
        self._clear([self.path, self.previous])

    def _clear(self, paths: Iterable[Path]) -> None:
        try:
            for path in paths:
                with contextlib.suppress(FileNotFoundError):
                    path.unlink()
        except OSError as error:
            raise OutputError(f"cannot remove {self.path}: {error.strerror or error}") from error


class Pace:
    """When to write: ``every`` so many seconds, and less often where writing takes long."""

    def __init__(self, every: float) -> None:
        self._every = every
        self._next = time.monotonic() + every

    def due(self) -> bool:
        """Whether it is time."""
        return time.monotonic() >= self._next

    @contextlib.contextmanager
    def spending(self) -> Iterator[None]:
        """Around the writing."""
        begun = time.monotonic()
        yield
        ended = time.monotonic()
        # an exact pace of 0 is for those who want every step, whatever it costs
        rest = (ended - begun) / MOST if self._every else 0.0
        self._next = ended + max(self._every, rest)

"""Lines as they come: from standard input or a file that grows, until a signal says to stop."""

from __future__ import annotations

import os
import select
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import NamedTuple, Self

from longshort.errors import DataError

# bytes that are read at once, and the longest line
_CHUNK, _LONGEST = 1 << 16, 1 << 24
# how long a file that is followed is left alone before it is looked at again, in seconds
_PAUSE = 0.2


class Line(NamedTuple):
    """A line without its end, its number from 1, and the byte after it."""

    text: bytes
    number: int
    after: int


class Stopping:
    """SIGTERM and SIGINT ask for an end between two lines, and wake what waits for one."""

    def __init__(self) -> None:
        self.asked = False
        self._wake, self._woken = os.pipe()
        os.set_blocking(self._woken, False)

    def __enter__(self) -> Self:
        wanted = (signal.SIGTERM, signal.SIGINT)
        self._before = {each: signal.signal(each, self._stop) for each in wanted}
        self._fd = signal.set_wakeup_fd(self._woken, warn_on_full_buffer=False)
        return self

    def __exit__(self, *error: object) -> None:
        signal.set_wakeup_fd(self._fd)
        for each, handler in self._before.items():
            signal.signal(each, handler)
        os.close(self._wake)
        os.close(self._woken)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self.asked = True

    def wait(self, source: int | None, seconds: float | None = None) -> bool:
        """Until there is something to read, a signal came, or so long; whether there is."""
        if self.asked:
            return False
        sources = [self._wake] if source is None else [source, self._wake]
        ready, _, _ = select.select(sources, [], [], seconds)
        return source in ready and not self.asked


def lines(
    source: Path | None, stopping: Stopping, *, follow: bool, begin: int = 0, number: int = 0
) -> Iterator[Line]:
    """Lines of a file, or of standard input, until their end; or until a signal.

    Args:
        source: the file; None for standard input.
        stopping: what signals ask for.
        follow: wait for more at the end of the file. A file that becomes shorter, or is replaced
            by another one, is read from its beginning.
        begin: the byte to begin at, after line ``number``.
        number: see above.

    Raises:
        DataError: the file cannot be read, or a line is longer than 16 MiB.
    """
    if source is None:
        yield from _read(sys.stdin.fileno(), stopping, "standard input", begin, number)
        return
    while not stopping.asked:
        try:
            file = os.open(source, os.O_RDONLY)
        except OSError as error:
            raise DataError(f"{source}: cannot be read: {error.strerror or error}") from error
        try:
            if os.fstat(file).st_size < begin:
                begin = number = 0
            os.lseek(file, begin, os.SEEK_SET)
            yield from _read(file, stopping, str(source), begin, number, source if follow else None)
        finally:
            os.close(file)
        if not follow:
            return
        begin = number = 0


def _read(
    file: int,
    stopping: Stopping,
    name: str,
    at: int,
    number: int,
    followed: Path | None = None,
) -> Iterator[Line]:
    rest = b""
    while True:
        if not stopping.wait(file):
            return
        chunk = os.read(file, _CHUNK)
        if chunk:
            *whole, rest = (rest + chunk).split(b"\n")
            for text in whole:
                at, number = at + len(text) + 1, number + 1
                yield Line(text.removesuffix(b"\r"), number, at)
                if stopping.asked:
                    return
            if len(rest) > _LONGEST:
                raise DataError(f"{name}, line {number + 1}: longer than {_LONGEST} bytes")
            continue
        if followed is None:
            if rest:
                yield Line(rest.removesuffix(b"\r"), number + 1, at + len(rest))
            return
        stopping.wait(None, _PAUSE)
        if _replaced(followed, file, at + len(rest)):
            return


def _replaced(path: Path, file: int, at: int) -> bool:
    """Whether another file stands there now, or this one became shorter."""
    try:
        there, here = path.stat(), os.fstat(file)
    except FileNotFoundError:
        # what replaces it comes in a moment
        return False
    return (there.st_ino, there.st_dev) != (here.st_ino, here.st_dev) or here.st_size < at

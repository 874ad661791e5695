"""Checkpoint files: whole or not there, the one before kept, every trouble said by its path."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from longshort import artifact, checkpoint, load
from longshort.checkpoint import Checkpoint, Pace
from longshort.errors import ArgumentError, ModelFileError, OutputError


def put(at: Checkpoint, number: int, size: int = 100) -> None:
    at.write({"number": number}, {"a": np.full(size, number)})


def number_of(at: Checkpoint) -> int:
    found = at.read()
    number = int(found.content.sections["number"])
    assert (found.content.tensors["a"] == number).all()
    return number


@pytest.fixture
def at(tmp_path: Path) -> Checkpoint:
    return Checkpoint(tmp_path / "checkpoint.lstm")


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_the_last_two_are_kept_and_both_go(at: Checkpoint, tmp_path: Path) -> None:
    assert not at.exists
    assert at.begin() is None
    for number in range(1, 4):
        put(at, number)
        assert number_of(at) == number
    assert names(tmp_path) == {"checkpoint.lstm", "checkpoint.previous.lstm"}
    assert artifact.read(at.previous).sections["number"] == 2
    at.remove()
    assert names(tmp_path) == set()
    at.remove()


def test_writing_is_write_sync_rename_rename_sync(
    at: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order that no loss of power can break."""
    put(at, 1)
    calls: list[tuple[str, ...]] = []
    real = {name: getattr(os, name) for name in ("fsync", "replace")}

    def fsync(handle: int) -> None:
        path = Path(os.readlink(f"/proc/self/fd/{handle}"))
        size = path.stat().st_size if path.is_file() else 0
        calls.append(("fsync", "folder" if path == tmp_path else "file", str(size)))
        real["fsync"](handle)

    def replace(old: Any, new: Any) -> None:
        short = "new" if Path(old).name.startswith(".checkpoint.lstm.") else Path(old).name
        calls.append(("replace", short, Path(new).name))
        real["replace"](old, new)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    put(at, 2)
    size = str((tmp_path / "checkpoint.lstm").stat().st_size)
    assert calls == [
        ("fsync", "file", size),
        ("replace", "checkpoint.lstm", "checkpoint.previous.lstm"),
        ("replace", "new", "checkpoint.lstm"),
        ("fsync", "folder", "0"),
    ]


def test_a_damaged_one_gives_way_to_the_one_before(at: Checkpoint, tmp_path: Path) -> None:
    put(at, 1)
    put(at, 2)
    data = bytearray(at.path.read_bytes())
    data[-5] ^= 1
    at.path.write_bytes(data)
    found = at.begin()
    assert found is not None
    assert found.content.sections["number"] == 1
    assert found.path == at.previous
    assert found.lost is not None
    assert "checkpoint.lstm: damaged" in found.lost
    at.path.unlink()
    assert number_of(at) == 1
    at.previous.write_bytes(b"")
    with pytest.raises(ModelFileError, match=r"checkpoint\.lstm.*previous.*Delete both to begin"):
        at.begin()


def test_another_file_in_its_place_is_refused(at: Checkpoint) -> None:
    artifact.write(at.path, "forecaster", "1", {}, {})
    with pytest.raises(ModelFileError, match="holds a 'forecaster', not a checkpoint"):
        at.begin()


def test_a_checkpoint_is_no_model(at: Checkpoint) -> None:
    put(at, 1)
    with pytest.raises(ModelFileError, match=r"checkpoint of a fit that is not done.*--resume"):
        load(at.path)


def test_beginning_anew_takes_old_ones_away(at: Checkpoint, tmp_path: Path) -> None:
    put(at, 1)
    put(at, 2)
    assert Checkpoint(at.path, resume=False).begin() is None
    assert names(tmp_path) == set()


def test_what_a_kill_left_is_cleaned_up(at: Checkpoint, tmp_path: Path) -> None:
    put(at, 1)
    for name in (".checkpoint.lstm.abc", ".model.lstm.abc", "other"):
        (tmp_path / name).write_bytes(b"half")
    assert at.begin() is not None
    assert names(tmp_path) == {"checkpoint.lstm", ".model.lstm.abc", "other"}


def test_settings_are_checked(at: Checkpoint) -> None:
    with pytest.raises(ArgumentError, match=r"every=-1"):
        Checkpoint(at.path, every=-1)
    with pytest.raises(ArgumentError, match=r"every=nan"):
        Checkpoint(at.path, every=float("nan"))
    assert Checkpoint("a/b.lstm").path == Path("a/b.lstm")  # type: ignore[arg-type]


# how often


def test_the_pace_is_every_so_many_seconds_and_at_most_a_fiftieth_of_the_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [0.0]
    monkeypatch.setattr(checkpoint.time, "monotonic", lambda: clock[0])

    def moments(every: float, writing: float, seconds: int) -> list[int]:
        clock[0] = 0.0
        found, pace = list[int](), Pace(every)
        for second in range(seconds):
            clock[0] = max(clock[0], float(second))
            if pace.due():
                found.append(second)
                with pace.spending():
                    clock[0] += writing
        return found

    assert moments(10.0, 0.0, 45) == [10, 20, 30, 40]
    assert moments(0.0, 0.0, 4) == [0, 1, 2, 3]
    slow = moments(10.0, 2.0, 1000)
    assert 9 <= len(slow) <= 10
    assert 2.0 * len(slow) <= 0.02 * 1000
    # whoever asks for every step gets it
    assert len(moments(0.0, 5.0, 20)) == 20


# troubles of a disk


def check_it_stands(at: Checkpoint, folder: Path, number: int) -> None:
    assert number_of(at) == number
    assert names(folder) <= {"checkpoint.lstm", "checkpoint.previous.lstm"}


CALLS = ("write", "fsync", "replace")


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, int], None]]:
    """Make the n-th call (from 0) of a name in os end in "no space left", and those after it."""

    def fail(name: str, number: int) -> None:
        count = iter(range(1000))
        error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if name == "write":
            opened = os.fdopen

            def fdopen(handle: int, mode: str) -> Any:
                file = opened(handle, mode, buffering=0)

                class Full:
                    def __enter__(self) -> Any:
                        return self

                    def __exit__(self, *given: object) -> None:
                        file.close()

                    def write(self, data: bytes) -> int:
                        file.write(data[: len(data) // 2])
                        raise error

                return Full() if next(count) >= number else file

            monkeypatch.setattr(os, "fdopen", fdopen)
            return
        real = getattr(os, name)

        def call(*given: Any) -> Any:
            if next(count) >= number:
                raise error
            return real(*given)

        monkeypatch.setattr(os, name, call)

    yield fail
    monkeypatch.undo()


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("name", CALLS)
def test_a_full_disk_leaves_the_last_one(
    at: Checkpoint,
    tmp_path: Path,
    failing: Callable[[str, int], None],
    name: str,
    number: int,
) -> None:
    put(at, 1)
    put(at, 2)
    if (name, number) == ("write", 1):
        # one file is written
        return
    failing(name, number)
    with pytest.raises(OutputError, match=r"checkpoint\.lstm: No space left on device"):
        put(at, 3)
    # all had been written where only the folder could not be synchronised
    check_it_stands(at, tmp_path, 3 if (name, number) == ("fsync", 1) else 2)


LIMITED = """
import resource, signal, sys
import numpy as np
from longshort.checkpoint import Checkpoint
from longshort.errors import OutputError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    Checkpoint(sys.argv[1]).write({"number": 2}, {"a": np.full(10_000, 2)})
except OutputError as error:
    print(error)
"""


def test_a_quota_that_is_reached_leaves_the_last_one(at: Checkpoint, tmp_path: Path) -> None:
    put(at, 1)
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(at.path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith(f"cannot write {at.path}: File too large")
    check_it_stands(at, tmp_path, 1)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 256 KiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("a small disk cannot be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_small_disk_that_fills_up_leaves_the_last_one(disk: Path) -> None:
    at = Checkpoint(disk / "checkpoint.lstm")
    put(at, 1, 8_000)
    put(at, 2, 8_000)
    with pytest.raises(OutputError, match=rf"cannot write {at.path}: No space left on device"):
        put(at, 3, 40_000)
    check_it_stands(at, disk, 2)
    put(at, 4, 4_000)
    check_it_stands(at, disk, 4)


def test_a_disk_that_is_read_only_is_said(disk: Path) -> None:
    at = Checkpoint(disk / "checkpoint.lstm")
    put(at, 1)
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    with pytest.raises(OutputError, match=rf"cannot write {at.path}: Read-only file system"):
        put(at, 2)
    with pytest.raises(OutputError, match=rf"cannot remove {at.path}: Read-only file system"):
        Checkpoint(at.path, resume=False).begin()
    check_it_stands(at, disk, 1)


def test_a_folder_that_vanished_is_said(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    at = Checkpoint(folder / "checkpoint.lstm")
    put(at, 1)
    at.remove()
    folder.rmdir()
    with pytest.raises(OutputError, match=rf"cannot write {at.path}: No such file or directory"):
        put(at, 2)
    with pytest.raises(OutputError, match=rf"{at.path}: there is no folder {folder}; make it"):
        at.begin()
    assert not folder.exists()


def test_a_folder_that_is_read_only_is_said(at: Checkpoint, tmp_path: Path) -> None:
    put(at, 1)
    tmp_path.chmod(0o500)
    try:
        if os.access(tmp_path, os.W_OK):
            pytest.skip("this user may write everywhere")
        with pytest.raises(OutputError, match=rf"cannot write {at.path}: Permission denied"):
            put(at, 2)
        with pytest.raises(OutputError, match=rf"cannot remove {at.path}: Permission denied"):
            Checkpoint(at.path, resume=False).begin()
        check_it_stands(at, tmp_path, 1)
    finally:
        tmp_path.chmod(0o700)


# kills inside the writing

SAVING = """
import os, signal, sys
import numpy as np
from longshort.checkpoint import Checkpoint
path, moment, number = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
calls = iter(range(1000))

def dying(real):
    def call(*given, **more):
        if next(calls) == moment:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*given, **more)
    return call

class Half:
    def __init__(self, file):
        self.file = file
    def __enter__(self):
        return self
    def __exit__(self, *given):
        self.file.close()
    def write(self, data):
        for start in range(0, len(data), len(data) // 3 + 1):
            one_part(self.file, data[start : start + len(data) // 3 + 1])
    def flush(self):
        self.file.flush()
    def fileno(self):
        return self.file.fileno()

def one_part(file, data):
    file.write(data)

one_part = dying(one_part)
opened = os.fdopen
os.fdopen = lambda handle, mode: Half(opened(handle, mode, buffering=0))
for name in ("fsync", "replace", "chmod", "open"):
    setattr(os, name, dying(getattr(os, name)))
Checkpoint(path).write({"number": number}, {"a": np.full(5_000, number)})
print("whole")
"""


def test_a_kill_inside_the_writing_leaves_a_whole_one(at: Checkpoint, tmp_path: Path) -> None:
    """At every call that changes the disk: what is read is the last one or the one being made."""
    put(at, 0, 5_000)
    number, moment, killed = 0, 0, 0
    while True:
        number += 1
        command = [sys.executable, "-c", SAVING, str(at.path), str(moment), str(number)]
        done = subprocess.run(command, capture_output=True, text=True)
        found = number_of(at)
        assert found in (number - 1, number)
        number = found
        at.begin()
        assert names(tmp_path) <= {"checkpoint.lstm", "checkpoint.previous.lstm"}
        if done.stdout:
            assert found == number
            break
        assert done.returncode == -signal.SIGKILL, done.stderr
        killed += 1
        moment += 1
    # three parts, two synchronisations, two renames, permissions, and what opens files
    assert killed >= 9

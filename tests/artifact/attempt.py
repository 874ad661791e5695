"""Open hostile files in a process of its own, and say what each attempt came to and cost.

What is opened after all must also forecast, or say in our words why it cannot.

    python attempt.py files GOLDEN FOLDER       every file of a folder
    python attempt.py mutants GOLDEN COUNT      changed copies of a real file
    python attempt.py resealed GOLDEN COUNT     changed copies whose digest fits again

Prints one JSON object. An audit hook sees what Python itself does while a file is opened: code
compiled or run, processes started, files written, sockets opened, pickles resolved.
"""

from __future__ import annotations

import json
import random
import resource
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from corpus import MARK, sealed

from longshort import load
from longshort.errors import LongshortError

# what reading a file never does; "open" counts where it could write
_DEEDS = (
    "compile", "ctypes", "exec", "fcntl", "import", "marshal", "os.chmod", "os.exec", "os.fork",
    "os.link", "os.mkdir", "os.posix_spawn", "os.remove", "os.rename", "os.rmdir", "os.spawn",
    "os.symlink", "os.system", "os.truncate", "pickle", "shutil", "socket", "subprocess", "urllib",
)  # fmt: skip


class Watch:
    """Whether a file is being opened now, and what was done meanwhile."""

    def __init__(self) -> None:
        self.on = False
        self.deeds: set[str] = set()
        sys.addaudithook(self)

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.on:
            return
        if event == "open":
            _, mode, flags = arguments
            if flags & 0o3103 or any(letter in (mode or "") for letter in "wax+"):
                self.deeds.add(f"open {arguments[0]} for writing")
        elif event.startswith(_DEEDS):
            self.deeds.add(f"{event} {arguments[:1]!r}"[:200])


def peak() -> int:
    """The most memory that this process had at one time, in bytes."""
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def attempt(path: Path, watch: Watch) -> tuple[str, str]:
    """How opening a file ended: the class of the refusal (or "opened") and what it said."""
    watch.on = True
    try:
        model = load(path)
    except Exception as error:
        return type(error).__name__, str(error)
    finally:
        watch.on = False
    # what was opened can be used, or says why not
    try:
        model.predict(path.with_suffix(".csv"))
    except LongshortError as error:
        return "opened", str(error)
    return "opened", ""


def files(folder: Path, watch: Watch) -> dict[str, Any]:
    """Every file of a folder, by name; ``over`` is the memory beyond the largest so far."""
    found, largest, before = {}, 0, peak()
    for path in sorted(folder.iterdir()):
        kind, said = attempt(path, watch)
        largest = max(largest, path.stat().st_size)
        found[path.name] = {"kind": kind, "said": said, "over": peak() - before - largest}
    return found


def mutant(real: bytes, rng: random.Random, header: int) -> bytes:
    """A copy with some bytes flipped, cut, doubled, moved or added."""
    data = bytearray(real)
    end = rng.choice([header, len(data)])
    for _ in range(rng.choice([1, 1, 1, 2, 8])):
        at = rng.randrange(min(end, len(data)) or 1)
        kind = rng.random()
        if kind < 0.55:
            data[at] ^= 1 << rng.randrange(8)
        elif kind < 0.7:
            data[at] = rng.choice(b'\x00\xff{}[]",:0129eE-\\nt')
        elif kind < 0.85:
            del data[at:]
        elif kind < 0.9:
            del data[at : at + rng.randrange(1, 9)]
        elif kind < 0.95:
            data[at:at] = rng.randbytes(rng.randrange(1, 9))
        else:
            data[at : at + 16] = data[rng.randrange(len(data)) :][:16]
        if not data:
            break
    return bytes(data)


def mutants(real: bytes, count: int, path: Path, watch: Watch, reseal: bool) -> dict[str, Any]:
    """Changed copies of a real file, counted by how opening them ended."""
    rng, before, largest = random.Random(0), peak(), 0
    header = 8 + int.from_bytes(real[:8], "little")
    ends: dict[str, int] = {}
    bad = []
    while sum(ends.values()) < count:
        data = mutant(real, rng, header)
        if reseal:
            # the header's own length is told anew, too, where the header is still there
            text, body = data[8:header], data[header:]
            data = sealed(text, body) if MARK in text else data
        if data == real:
            continue
        # a new file: writing over one makes some systems wait for the disk
        path.unlink(missing_ok=True)
        path.write_bytes(data)
        largest = max(largest, len(data))
        kind, said = attempt(path, watch)
        ends[kind] = ends.get(kind, 0) + 1
        named = kind == "opened" or str(path) in said
        if kind not in ("ModelFileError", "opened") or not named:
            bad.append({"kind": kind, "said": said[:500]})
    return {"ends": ends, "bad": bad[:20], "over": peak() - before - largest}


def main() -> None:
    """See the module."""
    what, golden, rest = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
    watch = Watch()
    # everything that is loaded when it is first needed is loaded now
    load(golden).predict(golden.with_suffix(".csv"))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mutant.lstm"
        path.with_suffix(".csv").write_bytes(golden.with_suffix(".csv").read_bytes())
        for broken in (b"", golden.read_bytes()[:-1] + b"\0", golden.read_bytes() + b"\0"):
            path.write_bytes(broken)
            with suppress(LongshortError):
                load(path)
        if what == "files":
            found = files(Path(rest), watch)
        else:
            found = mutants(golden.read_bytes(), int(rest), path, watch, what == "resealed")
    print(json.dumps({"found": found, "deeds": sorted(watch.deeds)}))


if __name__ == "__main__":
    main()

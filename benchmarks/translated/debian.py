"""Descriptions of Debian's packages, as apt carries them, and pictures of one of its packages.

The folder that the variable ``LONGSHORT_DEBIAN`` names holds them:

    mkdir -p debian/lists/partial && cd debian
    printf '#clear Acquire::Languages;\\nAcquire::Languages { "en"; "it"; };\\n' > languages
    apt-get -c languages -o Dir::State::lists=$PWD/lists update && mv lists/*_main_* .
    apt-get download tuxpaint-stamps-default && dpkg-deb -x tuxpaint-stamps-default*.deb . \\
        && mv usr/share/tuxpaint/stamps .

These are the lists of Debian 12 (bookworm); ``LISTS`` holds what they must be.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

# sources of the parts that choose and that are left for the test
VALID, TEST = 500, 1000


class Described(NamedTuple):
    """A package: its source, its synopsis and the paragraphs of its long description."""

    package: str
    source: str
    synopsis: str
    body: tuple[str, ...]

    @property
    def text(self) -> str:
        """The long description as one text."""
        return " ".join(self.body)


def folder() -> Path:
    """Where the lists and the pictures are.

    Raises:
        SystemExit: nobody says where.
    """
    path = Path(os.environ.get("LONGSHORT_DEBIAN", ""))
    if "LONGSHORT_DEBIAN" not in os.environ or not path.is_dir():
        raise SystemExit("set LONGSHORT_DEBIAN to a folder as benchmarks/translated/debian.py says")
    return path


def listed(name: str) -> str:
    """What a list of apt's holds, unpacked.

    Raises:
        SystemExit: it is not there.
    """
    # the main archive's, and not that of security updates
    found = [p for p in folder().glob(f"*debian_dists_*{name}*") if "security" not in p.name]
    found = [p for p in found if "updates" not in p.name]
    if not found:
        raise SystemExit(f"{folder()} holds no list {name}")
    done = subprocess.run(
        ["/usr/lib/apt/apt-helper", "cat-file", str(found[0])], capture_output=True, check=True
    )
    return done.stdout.decode()


def digest() -> str:
    """Eight bytes of the lists' content, for whoever compares figures."""
    held = hashlib.blake2b(digest_size=8)
    for name in ("Packages", "Translation-en", "Translation-it"):
        held.update(listed(name).encode())
    return held.hexdigest()


def stanzas(text: str) -> Iterator[dict[str, str]]:
    """Fields of every stanza; the lines of a field that go on keep their line ends."""
    for block in text.split("\n\n"):
        found: dict[str, str] = {}
        name = ""
        for line in block.split("\n"):
            if line[:1] in (" ", "\t"):
                found[name] += "\n" + line[1:]
            elif ":" in line:
                name, _, value = line.partition(":")
                found[name] = value.strip()
        if found:
            yield found


def described(language: str) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Synopsis and paragraphs by the digest of the English description."""
    found = {}
    for fields in stanzas(listed(f"Translation-{language}")):
        text = fields.get(f"Description-{language}", "")
        synopsis, _, rest = text.partition("\n")
        body = tuple(
            " ".join(part.split()) for part in re.split(r"\n\.(?:\n|$)", rest) if part.split()
        )
        found[fields.get("Description-md5", "")] = (" ".join(synopsis.split()), body)
    return found


@cache
def packages() -> tuple[Described, ...]:
    """Every package with a long description in English, by name."""
    known = described("en")
    found = []
    for fields in stanzas(listed("Packages")):
        synopsis, body = known.get(fields.get("Description-md5", ""), ("", ()))
        if synopsis and body:
            source = fields.get("Source", fields["Package"]).partition(" ")[0]
            found.append(Described(fields["Package"], source, synopsis, body))
    return tuple(sorted(dict.fromkeys(found)))


def family(source: str) -> str:
    """A source without its version: "linux-6.1" and "llvm-toolchain-14" are of one family."""
    return re.sub(r"[-.]?\d[\d.]*(?=-|$)", "", source) or source


@cache
def sides() -> dict[str, str]:
    """The part of every family of sources, drawn once."""
    families = sorted({family(each.source) for each in packages()})
    drawn = np.random.default_rng(0).permutation(len(families)).tolist()
    names = ["test"] * TEST + ["valid"] * VALID + ["train"] * (len(families) - TEST - VALID)
    return {families[at]: name for at, name in zip(drawn, names, strict=True)}

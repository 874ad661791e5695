"""Every set, found in the files beside this one: each that has a ``PAIRS`` is one."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from translated.base import Pairs

# in the order of the page; further sets come after these, by name
_ORDER = ("tanaka", "synopsis", "italian", "captions")


def found() -> dict[str, Pairs]:
    """Sets by name."""
    files = sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py"))
    modules = [import_module(f"translated.{stem}") for stem in files if stem != "sets"]
    sets = [each for each in (getattr(module, "PAIRS", None) for module in modules) if each]
    known = {each.name: each for each in sets}
    ranked = [name for name in _ORDER if name in known]
    return {name: known[name] for name in [*ranked, *sorted(known.keys() - set(ranked))]}


PAIRS = found()

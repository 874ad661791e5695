"""Every set, found in the files beside this one: each that has a ``SET`` is one."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from transcribed.base import Set

# in the order of the page; further sets come after these, by name
_ORDER = ("digits", "strings", "omniglot", "prompts")


def found() -> dict[str, Set]:
    """Sets by name."""
    files = sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py"))
    modules = [import_module(f"transcribed.{stem}") for stem in files if stem != "sets"]
    sets = [each for each in (getattr(module, "SET", None) for module in modules) if each]
    known = {each.name: each for each in sets}
    ranked = [name for name in _ORDER if name in known]
    return {name: known[name] for name in [*ranked, *sorted(known.keys() - set(ranked))]}


SETS = found()

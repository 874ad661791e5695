"""What can go wrong, as one small tree.

* LongshortError
  - DataError            the bytes or values that were read (also a ValueError)
  - ArgumentError        an argument's value (also a ValueError)
  - NotFittedError       a method that needs ``fit`` first (also a ValueError and AttributeError)
  - ModelFileError       a model file that is broken, altered or of another kind (also a ValueError)
  - TrainingError        numbers that went wrong while training (also an ArithmeticError)
  - OutputError          a file or folder that cannot be written (also an OSError)
  - MissingDependencyError   an optional package that is not installed (also an ImportError)

Every message names the field (file, line, column or argument), the value seen and the way out.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class LongshortError(Exception):
    """Base of every error that Longshort raises on purpose."""


class DataError(LongshortError, ValueError):
    """The data cannot be used as they are: the message names file, line or column, and value."""


class ArgumentError(LongshortError, ValueError):
    """An argument's value is not possible: the message names it, the value and what is possible."""


class NotFittedError(LongshortError, ValueError, AttributeError):
    """A method was called that needs ``fit`` to have run."""


class ModelFileError(LongshortError, ValueError):
    """A model file is broken, altered, too large, or not what its reader expects."""


class TrainingError(LongshortError, ArithmeticError):
    """Numbers went wrong or memory was not enough, and stayed so; the best weights return."""


class OutputError(LongshortError, OSError):
    """A file or folder cannot be written; nothing half-written was left behind."""


class MissingDependencyError(LongshortError, ImportError):
    """An optional package is needed; the message says how to install it."""


class LongshortWarning(UserWarning):
    """What was done about data that are not all of use: it names what was left out, and how many.

    Programs turn it into an error with ``warnings.simplefilter("error", LongshortWarning)``.
    """


def suggest(name: str, known: Iterable[str]) -> str:
    """Say which known name is nearest to a misspelt one, or list them all.

    >>> suggest("temp_mx", ["date", "temp_max"])
    "did you mean 'temp_max'? The names are: date, temp_max"
    """
    names = [str(k) for k in known]
    listing = f"The names are: {', '.join(names) if names else '(none)'}"
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    return f"did you mean {near[0]!r}? {listing}" if near else listing

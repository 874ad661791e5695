"""Settings chosen by trials on the validation part."""

from longshort.tuning.search import Tuned, tune
from longshort.tuning.space import Choice, Range, Space, usual_space

__all__ = ["Choice", "Range", "Space", "Tuned", "tune", "usual_space"]

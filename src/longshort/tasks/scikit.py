"""What scikit-learn's tools expect of an estimator: its pickle, and the error before a fit."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, Self

from sklearn.exceptions import NotFittedError as _Sklearns
from sklearn.utils.validation import validate_data

from longshort.errors import DataError, NotFittedError


class UnfittedError(NotFittedError, _Sklearns):  # type: ignore[misc]
    """Our own error and scikit-learn's in one."""


def checked(estimator: Any, X: Any, **more: Any) -> Any:
    """Numbers (N, T), and labels beside them, by scikit-learn's own rules; NaN is not observed.

    Raises:
        DataError: they break one. TypeError: they are sparse, or no numbers at all.
    """
    try:
        return validate_data(estimator, X, ensure_all_finite="allow-nan", **more)
    except ValueError as error:
        raise DataError(str(error)) from error


class Pickled:
    """Estimators whose pickle holds their settings and, once fitted, the bytes of the model file.

    What was learnt is read from it as from any other file, with every check.
    """

    def __getstate__(self: Any) -> dict[str, Any]:
        state: dict[str, Any] = {"params": self.get_params(deep=False), "file": None}
        if hasattr(self, "models_"):
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "model.lstm"
                self.save(path)
                state["file"] = path.read_bytes()
        return state

    def __setstate__(self: Any, state: dict[str, Any]) -> None:
        if state["file"] is not None:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "model.lstm"
                path.write_bytes(state["file"])
                found = self.from_file(path, str(state["params"]["device"]))
            self.__dict__.update(found.__dict__)
        self.__dict__.update(state["params"])

    def __copy__(self) -> Self:
        made = type(self).__new__(type(self))
        made.__dict__.update(self.__dict__)
        return made

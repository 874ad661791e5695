"""How records are written as JSON, and read again with every part checked."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from pydantic import TypeAdapter, ValidationError

from longshort.errors import DataError


class _Dataclass(Protocol):
    __dataclass_fields__: ClassVar[dict[str, Any]]


class Written:
    """A record that stands in a file of its own."""

    def to_json(self: _Dataclass) -> str:
        """This record as JSON text; numbers keep every digit."""
        return json.dumps(asdict(self), ensure_ascii=False, allow_nan=False, indent=1)


class _Score(Protocol):
    @property
    def method(self) -> str: ...
    @property
    def kind(self) -> str: ...


Score = TypeVar("Score", bound=_Score)


class Scored(Generic[Score]):
    """A record of several methods on one test part."""

    scores: tuple[Score, ...]

    @property
    def ours(self) -> Score | None:
        """The scores of our own method."""
        return next((score for score in self.scores if score.kind == "lstm"), None)

    def score(self, method: str) -> Score | None:
        """The scores of the method of this name."""
        return next((score for score in self.scores if score.method == method), None)


Record = TypeVar("Record")


def read(kind: TypeAdapter[Record], text: str | bytes, where: str, what: str, by: str) -> Record:
    """The record of a kind that a text holds.

    Raises:
        DataError: the text is not JSON or not such a record; ``where`` is named, and the command
            that makes one.
    """
    try:
        return kind.validate_json(text)
    except ValidationError as error:
        first: Any = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the top level"
        told = f"{place}: {first['msg']}"
    raise DataError(f"{where}: not {what}: {told}. Make a new one with 'longshort {by}'.")


def check_units(units: tuple[str, ...], targets: tuple[str, ...], where: str) -> None:
    """Raises DataError where a target has no unit."""
    if len(units) != len(targets):
        raise DataError(
            f"{where}: not a record of scores: units: {len(units)} of them for "
            f"{len(targets)} targets. Make a new one."
        )

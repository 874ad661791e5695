"""Several configurations on one test part."""

from __future__ import annotations

from dataclasses import dataclass, field

from pydantic import TypeAdapter

from longshort.errors import DataError
from longshort.records.evaluation import DataSummary, Score
from longshort.records.written import Written, check_units, read


@dataclass(frozen=True)
class Contender:
    """One configuration of several that were compared, fitted once per seed.

    ``settings`` are those that make it differ; ``parameters`` and ``seconds`` (of training) are of
    one fit. ``valid`` is its error on the validation part over that of the last value, a mean over
    targets and seeds: what the choice was made by. ``errors`` are by target each seed's mean
    absolute error on the test part.
    """

    name: str
    settings: dict[str, str]
    parameters: int
    seconds: float
    seeds: tuple[int, ...]
    valid: float
    errors: dict[str, tuple[float, ...]]


@dataclass(frozen=True)
class Pair:
    """Two methods on one target: how far the first one's mean absolute error is from the other's.

    ``change`` is first / second - 1, below 0 where the first is better (None where the second makes
    no error), ``low`` and ``high`` its paired 95 % bootstrap interval over blocks of origins and
    over seeds; ``p_value`` is Diebold and Mariano's, corrected for few origins. None is what too
    few origins cannot tell.
    """

    target: str
    first: str
    second: str
    change: float | None
    low: float | None = None
    high: float | None = None
    p_value: float | None = None


@dataclass(frozen=True)
class Comparison(Written):
    """Configurations and yardsticks on one test part, opened once for all of them.

    ``chosen`` is the configuration with the least error on the validation part, ``rival`` by target
    the yardstick with the least error there; ``pairs`` set the chosen one beside every other
    method. A configuration's ``scores`` are means over its seeds. Everything else as in
    ``Evaluation``.
    """

    targets: tuple[str, ...]
    units: tuple[str, ...]
    horizon: int
    level: float
    season: int
    mase_season: int
    origins: int
    reference: dict[str, str]
    contenders: tuple[Contender, ...]
    chosen: str
    rival: dict[str, str]
    scores: tuple[Score, ...]
    pairs: tuple[Pair, ...]
    verdict: str
    data: DataSummary
    settings: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @staticmethod
    def from_json(text: str | bytes, where: str = "the comparison") -> Comparison:
        """Read a record that ``to_json`` wrote.

        Raises:
            DataError: the text is not JSON or not such a record; ``where`` is named.
        """
        found = read(_COMPARISON, text, where, "a comparison record", "compare")
        check_units(found.units, found.targets, where)
        for one in found.contenders:
            for target in found.targets:
                if not one.errors.get(target):
                    raise DataError(
                        f"{where}: not a comparison record: contenders: {one.name!r} has no errors "
                        f"on {target!r}. Make a new one with 'longshort compare'."
                    )
        return found


_COMPARISON = TypeAdapter(Comparison)

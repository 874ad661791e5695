"""A detector that reads on: the score of each row, and whether it is an alarm, as it comes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from longshort.contracts import State
from longshort.data.encoding import Encoding
from longshort.data.layout import RowLayout
from longshort.data.sequences import Field, Floats
from longshort.data.steps import Ints
from longshort.model import Model
from longshort.tasks.anomalies.again import Again
from longshort.tasks.anomalies.faults import Lasting, Watch, fault_words
from longshort.tasks.anomalies.learning import tamed
from longshort.tasks.anomalies.network import rebuilding
from longshort.tasks.anomalies.reader import Reader
from longshort.tasks.anomalies.scores import Running, Scoring, shares
from longshort.tasks.anomalies.thresholds import Bools, Dynamic, Limit, Threshold
from longshort.tasks.streams.trunk import fill, places_of


class Watched(NamedTuple):
    """Of each row that was read: K channels.

    score, threshold: (B,). alarm: (B,) whether the score is above. shares: (B, K) what each channel
    has of the score. surprise: (B, V) nats of each view, NaN where nothing was told. stuck,
    missing: (B, K).
    """

    score: Floats
    threshold: Floats
    alarm: Bools
    shares: Floats
    surprise: Floats
    stuck: Bools
    missing: Bools


def readers(
    models: Sequence[Model], by: str, encoding: Encoding, fields: Sequence[Field], sessions: int
) -> list[Reader | Again]:
    """What tells the surprise of rows, by each view that a detector has."""
    found: list[Reader | Again] = []
    if by != "reconstruction":
        found.append(Reader(models, encoding, fields, sessions))
    again = [part for part in map(rebuilding, models) if part is not None]
    if again:
        found.append(Again(again, encoding, fields, sessions))
    return found


class DetectorStream:
    """A ``data.layout.Stream`` of a detector.

    Args:
        readers: tell the surprise of rows, each by a view of its own.
        layout: of a row.
        scoring, watch, limit: as they were fitted.
        threshold: the settings.
        names: of the K channels.
        grouped: whether series are named by several columns, and how.
    """

    memory: Literal["window", "carried"] = "carried"

    def __init__(
        self,
        readers: Sequence[Reader | Again],
        layout: RowLayout,
        scoring: Scoring,
        watch: Watch,
        limit: Limit,
        threshold: Threshold,
        names: Sequence[str],
    ) -> None:
        self.layout: RowLayout | None = layout
        self.sessions = sessions = readers[0].sessions
        self._group = layout.group
        self._readers, self._scoring, self._watch = readers, scoring, watch
        self._limit, self._names = limit, list(names)
        self._dynamic = Dynamic(threshold, sessions) if threshold.method == "dynamic" else None
        running, lasting = scoring.begin(sessions), watch.begin(sessions)
        self._arrays: dict[str, NDArray[Any]] = {
            **{name: np.array(part) for name, part in running._asdict().items()},
            **{name: np.array(part) for name, part in lasting._asdict().items()},
        }

    @property
    def _places(self) -> dict[str, Any]:
        own = {f"scores_{name}": array for name, array in self._arrays.items()}
        if self._dynamic is not None:
            own |= {f"limit_{name}": array for name, array in self._dynamic.arrays.items()}
        return places_of(own)

    @property
    def state(self) -> State:
        """See ``data.layout.Stream``."""
        own = {name: place.clone() for name, place in self._places.items()}
        views = {f"view{at}": reader.state for at, reader in enumerate(self._readers)}
        return State({"scores": State(own), **views})

    def load(self, state: State) -> None:
        """See ``data.layout.Stream``."""
        own = state.part("scores")
        for at, reader in enumerate(self._readers):
            reader.load(state.part(f"view{at}"))
        fill(self._places, own)

    def begin(self, sessions: Ints, keys: Sequence[tuple[str, ...]]) -> None:
        """See ``data.layout.Stream``."""
        for reader in self._readers:
            reader.begin(sessions, [self._key(key) for key in keys])
        count = len(sessions)
        fresh = {**self._scoring.begin(count)._asdict(), **self._watch.begin(count)._asdict()}
        for name, part in fresh.items():
            self._arrays[name][sessions] = part
        if self._dynamic is not None:
            self._dynamic.begin(sessions)

    def _key(self, key: tuple[str, ...]) -> str:
        """What a series is called where tables are read."""
        if len(self._group) < 2:
            return key[0] if key else ""
        return ", ".join(f"{name}={own}" for name, own in zip(self._group, key, strict=True))

    def step(self, sessions: Ints, values: Any, times: Ints | None) -> Watched:
        """See ``data.layout.Stream``.

        Raises:
            DataError: a value cannot be encoded; nothing has changed then.
        """
        arrays, channels = self._arrays, len(self._names)
        codec = self._readers[0].encoding.codec
        values, width = tamed(values, codec), len(codec.names)
        # on any scale what cannot be encoded is refused, before a view reads it
        codec.encode(values[:, :width], np.zeros(width), np.ones(width))
        views = [reader.step(sessions, values, times) for reader in self._readers]
        surprise = np.concatenate(views, 1)
        running = Running(*(arrays[name][sessions] for name in Running._fields))
        told, running = self._scoring.step(surprise, running)
        lasting = Lasting(*(arrays[name][sessions] for name in Lasting._fields))
        stuck, missing, lasting = self._watch.step(values[:, :channels], lasting)
        for name, part in {**running._asdict(), **lasting._asdict()}.items():
            arrays[name][sessions] = part
        score = self._scoring.joined(told)
        if self._dynamic is None:
            limit = np.full(len(score), self._limit.value)
            alarm = score > limit
        else:
            alarm, limit = self._dynamic.push(sessions, score)
        return Watched(score, limit, alarm, shares(told), surprise, stuck, missing)

    def told(self, answers: tuple[Any, ...]) -> list[dict[str, Any]]:
        """See ``data.layout.Stream``: as ``AnomalyDetector.predict`` names them."""
        found = Watched(*answers)
        faults = fault_words(found.stuck, found.missing, self._names)
        records = []
        for row in range(len(found.score)):
            limit = float(found.threshold[row])
            record: dict[str, Any] = {
                "score": float(found.score[row]),
                "threshold": limit if np.isfinite(limit) else None,
                "alarm": bool(found.alarm[row]),
                "fault": faults[row],
            }
            if len(self._names) > 1:
                for k, name in enumerate(self._names):
                    record[f"share_{name}"] = float(found.shares[row, k])
            records.append(record)
        return records

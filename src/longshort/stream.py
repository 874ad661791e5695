"""Sessions: a fitted model that reads on and on, a row at a time, with a state that can be kept."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Self, cast

import numpy as np
import torch
from numpy.typing import NDArray

from longshort import __version__, artifact
from longshort.contracts import State, whole
from longshort.data.arrival import Arrival, ArrivalError, Arrived, Rows, arrived, merged, spread
from longshort.data.layout import RowLayout, Stream, Streamed
from longshort.data.sequences import Floats
from longshort.data.steps import Ints
from longshort.errors import ArgumentError, DataError, ModelFileError
from longshort.tasks.files import load
from longshort.tasks.stored import in_bytes
from longshort.tasks.streams.trunk import fill, places_of

KIND = "session"
# of what a snapshot holds: one of another layout is refused
LAYOUT = 1
# no time, and no row yet
_NEVER = np.iinfo(np.int64).min


class Session:
    """One session of a fitted model, or thousands side by side: each reads rows and remembers.

    Answers after a row are those of the whole sequence up to it, as far as the model's memory
    reaches: ``memory`` is "window" where an answer depends on the last rows alone, and "carried"
    where on all since the session began. Nothing else is kept, so that memory stays constant.

    Sessions have numbers, 0 to ``sessions`` - 1. Where the model tells series apart by group
    columns, a session is of one series: the one that its first row names.

    ``memo`` holds whatever is to be found again with a snapshot: JSON values by name.

    Args:
        model: a fitted estimator, or its file.
        sessions: S, how many there are.
        arrival: what is done about late, repeated and missing rows.
        device: where a model that is read from a file runs.

    Raises:
        ArgumentError: the model cannot be streamed; the message says what to fit instead.

    Example:
        >>> import longshort
        >>> session = longshort.Session("model.lstm")  # doctest: +SKIP
        >>> session.push({"time": "2024-05-01 12:00", "load": 31.5}).point  # doctest: +SKIP
    """

    def __init__(
        self,
        model: Streamed | str | Path,
        sessions: int = 1,
        *,
        arrival: Arrival = Arrival(),  # noqa: B008 - a frozen value
        device: str = "cpu",
    ) -> None:
        self.sessions = whole("sessions", sessions, 1)
        self.arrival = arrival
        self.model = _opened(model, device)
        self._stream: Stream = self.model.opened(self.sessions)
        self._every = np.arange(self.sessions)
        # of each session the time of its last row, how many it has read, and its series
        self._last: Ints = np.full(self.sessions, _NEVER)
        self._rows: Ints = np.zeros(self.sessions, np.int64)
        self._keys: list[tuple[str, ...] | None] = [None] * self.sessions
        self._found: dict[tuple[str, ...], int] = {}
        # those that may be free, the next one last; and when each was last used
        self._free = list(range(self.sessions))[::-1]
        self._used: Ints = np.zeros(self.sessions, np.int64)
        self._clock = 0
        # whatever its user wants to find again with a snapshot, as JSON values
        self.memo: dict[str, Any] = {}
        width = 0 if self.layout is None else len(self.layout.names)
        self._row: Floats = np.full((self.sessions, width), np.nan)

    @property
    def layout(self) -> RowLayout | None:
        """The columns of a row, and how its time is read; None where pieces are no rows."""
        return self._stream.layout

    @property
    def memory(self) -> Literal["window", "carried"]:
        """What an answer depends on."""
        return self._stream.memory

    @property
    def rows(self) -> Ints:
        """(S,) how many rows each session has read since it began, those filled in among them."""
        return self._rows.copy()

    @property
    def keys(self) -> list[tuple[str, ...] | None]:
        """The series of each session; None where it has not begun."""
        return list(self._keys)

    # reading

    def push(self, row: Any, session: int | None = None, *, time: Any = None) -> Any:
        """Read the next row of one session, and answer.

        Args:
            row: a mapping of columns to values, with those of time and group; or (F,) values in
                the order of ``layout.names``. Of models of text or sound a piece of it.
            session: which one; None finds that of the row's series, see ``find``.
            time: when the row is, where it is no mapping.

        Returns:
            A NamedTuple of the model's kind; None where the row was ignored.

        Raises:
            DataError: the row cannot be read, or comes late; nothing has changed then.
        """
        values: Any = row[None] if isinstance(row, np.ndarray) and self.layout else [row]
        found = Rows.read(values, None if time is None else [time], self.layout)
        number = self._number(found) if session is None else session
        answers = self._read(self._checked([number]), found)
        return None if answers is None else type(answers)(*(part[0] for part in answers))

    def push_many(
        self,
        rows: Any,
        sessions: Sequence[int] | Ints | None = None,
        *,
        times: Sequence[Any] | None = None,
    ) -> Any:
        """Read a row of each of several sessions at once, and answer.

        Args:
            rows: (B, F) values in the order of ``layout.names``, or B rows as ``push`` takes them.
            sessions: (B,) whose they are; None for all of them in order. One that is named twice
                reads its rows in their order.
            times: (B,) when the rows are, where they are no mappings.

        Returns:
            The NamedTuple of ``push`` with an axis of B in front; NaN, -1 or None of rows that were
            ignored. None where all were.

        Raises:
            DataError: a row cannot be read, or comes late; nothing has changed then. Of a session
                that is named twice only its earlier rows were read.
        """
        numbers = self._every if sessions is None else self._checked(sessions)
        if len(rows) != len(numbers):
            raise ArgumentError(f"{len(rows)} rows for {len(numbers)} sessions")
        return self._read(numbers, Rows.read(rows, times, self.layout))

    def _checked(self, sessions: Sequence[int] | Ints) -> Ints:
        numbers = np.asarray(sessions, np.int64)
        for wrong in (int(numbers.min(initial=0)), int(numbers.max(initial=0))):
            if not 0 <= wrong < self.sessions:
                raise ArgumentError(f"session {wrong}: they are 0 to {self.sessions - 1}")
        return numbers

    def _read(self, numbers: Ints, found: Rows) -> Any:
        count = len(numbers)
        if count == 1 or numbers is self._every:
            return self._round(numbers, found, self._every[:count], count)
        if len(np.unique(numbers)) < count:
            return self._in_turns(numbers, found)
        order = np.argsort(numbers, kind="stable")
        return self._round(numbers[order], found.take(order), order, count)

    def _in_turns(self, numbers: Ints, found: Rows) -> Any:
        """Rows of sessions that are named more than once: the first of each, the second, .."""
        order = np.argsort(numbers, kind="stable")
        ordered = numbers[order]
        first = np.searchsorted(ordered, ordered)
        turn = np.arange(len(ordered)) - first
        answers: Any = None
        for each in range(int(turn.max()) + 1):
            at = order[turn == each]
            told = self._round(numbers[at], found.take(at), at, len(numbers))
            answers = told if answers is None else merged(answers, told, at)
        return answers

    def _round(self, numbers: Ints, found: Rows, places: Ints, count: int) -> Any:
        """Read one row of each of these sessions; answers at their places among ``count``."""
        read, begin, gaps = self._arrived(numbers, found)
        fresh = np.flatnonzero(begin)
        if len(fresh):
            self._begin(numbers[fresh], [self._key(found, numbers, int(at)) for at in fresh])
        for step in range(1, int(gaps.max(initial=0)) + 1):
            self._fill(numbers[gaps >= step])
        if not read.all():
            numbers, found, places = numbers[read], found.take(np.flatnonzero(read)), places[read]
        if not len(numbers):
            return None
        answers = self._stream.step(numbers, found.values, found.times)
        self._rows[numbers] += 1
        self._clock += 1
        self._used[numbers] = self._clock
        if found.times is not None:
            self._last[numbers] = found.times
        if self._row.shape[1]:
            self._row[numbers] = found.values
        if len(places) == count and (places[1:] > places[:-1]).all():
            return answers
        return spread(answers, places, count)

    def _arrived(self, numbers: Ints, found: Rows) -> Arrived:
        """Which rows are read, which begin a session, and how many are missing before each."""
        begin = self._rows[numbers] == 0
        self._refuse_strangers(numbers, found, begin)
        if found.times is None or self.layout is None or begin.all():
            return Arrived(np.ones(len(numbers), np.bool_), begin, np.zeros(len(numbers), np.int64))
        try:
            return arrived(self.arrival, self.layout, self._last[numbers], found.times, begin)
        except ArrivalError as error:
            raise DataError(f"{self._told(int(numbers[error.row]))}: {error}") from None

    def _refuse_strangers(self, numbers: Ints, found: Rows, begin: NDArray[np.bool_]) -> None:
        """A session reads rows of one series."""
        if found.keys is None:
            return
        for at, number in enumerate(numbers.tolist()):
            own = self._keys[number]
            if not begin[at] and own and own != found.keys[at]:
                raise DataError(
                    f"session {number} reads the series {', '.join(own)}, and this row is of "
                    f"{', '.join(found.keys[at])}; use another session, or reset this one"
                )

    def _key(self, found: Rows, numbers: Ints, at: int) -> tuple[str, ...]:
        """The series of a row; where the row tells none, that which its session had."""
        own = self._keys[int(numbers[at])]
        grouped = self.layout is not None and self.layout.group
        return found.key(at) or (own if grouped and own is not None else ())

    def _told(self, number: int) -> str:
        key = self._keys[number]
        return f"series {', '.join(key)}" if key else f"session {number}"

    def _fill(self, numbers: Ints) -> None:
        """Read a row that did not come."""
        layout = cast(RowLayout, self.layout)
        values = np.full((len(numbers), self._row.shape[1]), np.nan)
        if layout.gap == "previous":
            values = self._row[numbers]
        times = layout.later(self._last[numbers], 1)
        self._stream.step(numbers, values, times)
        self._last[numbers] = times
        self._rows[numbers] += 1

    # sessions

    def find(self, key: tuple[str, ...]) -> int:
        """The session of a series; a new one takes that which has been idle for longest."""
        number = self._found.get(key)
        if number is None:
            while self._free and self._keys[self._free[-1]] is not None:
                self._free.pop()
            if not self._free:
                self.reset([int(self._used.argmin())])
            number = self._free.pop()
            self._found[key], self._keys[number] = number, key
        return number

    def _number(self, found: Rows) -> int:
        if found.keys is not None:
            return self.find(found.keys[0])
        if self.sessions > 1:
            raise ArgumentError(f"say whose row it is: session=0 to {self.sessions - 1}")
        return 0

    def reset(self, sessions: Sequence[int] | None = None) -> None:
        """Sessions begin anew with their next row; None resets all of them."""
        numbers = self._every if sessions is None else np.unique(np.asarray(sessions, np.int64))
        self._rows[numbers], self._last[numbers] = 0, _NEVER
        gone = set(numbers.tolist())
        self._found = {key: at for key, at in self._found.items() if at not in gone}
        for number in gone:
            self._keys[number] = None
        self._free = [at for at in self._every[::-1].tolist() if self._keys[at] is None]

    def _begin(self, numbers: Ints, keys: Sequence[tuple[str, ...]]) -> None:
        self._stream.begin(numbers, keys)
        self._rows[numbers], self._last[numbers] = 0, _NEVER
        self._row[numbers] = np.nan
        for number, key in zip(numbers.tolist(), keys, strict=True):
            # a name that its user gave stays, where rows tell none
            if key or self._keys[number] is None:
                self._keys[number] = key
            if key:
                self._found[key] = number

    def idle(self, now: Any) -> Ints:
        """(S,) whole steps since the last row of each session at a time; -1 of those not begun.

        Args:
            now: a time stamp, as rows have them.

        Raises:
            ArgumentError: rows have no times, or keep no step.
        """
        layout = self.layout
        if layout is None or not layout.regular:
            raise ArgumentError("idle: rows of this model are not a step apart")
        moment = np.full(self.sessions, layout.moment(now))
        begun = self._last > _NEVER
        steps, _ = layout.apart(np.where(begun, self._last, moment), moment)
        return np.where(begun, steps, -1)

    # keeping

    @property
    def state(self) -> State:
        """What all sessions remember: a copy, with the sessions as the first axis."""
        kept = {name: place.clone() for name, place in self._places.items()}
        return State({"stream": self._stream.state, "arrival": State(kept)})

    @property
    def _places(self) -> dict[str, torch.Tensor]:
        return places_of(
            {"last": self._last, "rows": self._rows, "row": self._row, "used": self._used}
        )

    def load(self, state: State) -> None:
        """Go on from a state that ``state`` gave.

        Raises:
            ValueError: it does not fit.
        """
        arrival = state.part("arrival")
        if any(bool((arrival.tensor(name) < 0).any()) for name in ("rows", "used")):
            raise ValueError("a session has read fewer than 0 rows")
        self._stream.load(state.part("stream"))
        fill(self._places, arrival)
        self._clock = int(self._used.max())

    def told(self, answers: Any) -> list[dict[str, Any]]:
        """What ``push_many`` answered as plain values by name, a record for each row."""
        return self._stream.told(answers)

    def record(self, answer: Any) -> dict[str, Any]:
        """What ``push`` answered as plain values by name."""
        (found,) = self.told(type(answer)(*(np.asarray(part)[None] for part in answer)))
        return found

    def snapshot(self) -> bytes:
        """All sessions as bytes, from which ``restore`` goes on; safe to read from anywhere."""
        keys = [None if key is None else list(key) for key in self._keys]
        tensors = {name: own.cpu().numpy() for name, own in self.state.flatten().items()}
        sections = {
            "layout": LAYOUT,
            "model": self.model.fingerprint(),
            "sessions": self.sessions,
            "arrival": self.arrival.get_params(),
        }
        tensors["keys"] = in_bytes({"keys": keys, "memo": self.memo})
        return artifact.pack(KIND, __version__, sections, tensors, "the snapshot")

    @classmethod
    def restore(
        cls,
        model: Streamed | str | Path,
        snapshot: bytes,
        *,
        device: str = "cpu",
        where: str = "the snapshot",
    ) -> Self:
        """Go on from a snapshot, with the very model that it was taken with.

        Args:
            model: as of a session.
            snapshot: what ``snapshot`` gave.
            device: where a model that is read from a file runs.
            where: what the bytes are called in errors.

        Raises:
            ModelFileError: it is damaged, no snapshot, of another model or of another version.
        """
        content = artifact.unpack(snapshot, where)
        if content.kind != KIND:
            raise ModelFileError(f"{where}: holds a {content.kind!r}, and no state of sessions")
        layout = artifact.value(content, "layout", int, where)
        if layout != LAYOUT:
            raise ModelFileError(
                f"{where}: it was written by version {content.version}, which keeps sessions in "
                f"another way ({layout}, and this one {LAYOUT}); begin new sessions"
            )
        opened = _opened(model, device)
        if artifact.value(content, "model", str, where) != opened.fingerprint():
            raise ModelFileError(
                f"{where}: it is the state of another model; give that one, or begin new sessions"
            )
        count = artifact.value(content, "sessions", int, where)
        tensors = dict(content.tensors)
        try:
            told = artifact.parse(bytes(tensors.pop("keys")))
            keys = told["keys"]
            # no header can ask for more than its file holds
            if not 1 <= count == len(tensors["arrival.rows"]) == len(keys):
                raise ValueError(f"{count} sessions, and the state of others")
            one = sum(part.nbytes for part in opened.opened(1).state.flatten().values())
            held = sum(own.nbytes for name, own in tensors.items() if name.startswith("stream."))
            if held < count * one:
                raise ValueError(f"{count} sessions in {held} bytes, of {one} for each at least")
            arrival = artifact.section(content, "arrival", Arrival, where)
            self = cls(opened, count, arrival=arrival)
            self.memo = dict(told["memo"])
            self._keys = [None if key is None else tuple(map(str, key)) for key in keys]
            begun = np.flatnonzero([key is not None for key in self._keys])
            named = self.layout is not None and self.layout.group
            given = [key if named else () for key in self._keys if key is not None]
            self._stream.begin(begun, given)
            kept = {n: torch.from_numpy(array.copy()) for n, array in tensors.items()}
            self.load(State.unflatten(kept))
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            if isinstance(error, ModelFileError):
                raise
            raise ModelFileError(f"{where}: its parts do not fit ({error})") from error
        self._found = {key: at for at, key in enumerate(self._keys) if key}
        return self


def _opened(model: Streamed | str | Path, device: str) -> Streamed:
    if isinstance(model, str | Path):
        model = cast(Streamed, load(model, device=device))
    if not isinstance(model, Streamed):
        raise ArgumentError(
            f"a {type(model).__name__} reads no stream: it answers whole sequences; "
            "see docs/streaming.md for those that do"
        )
    return model

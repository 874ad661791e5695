"""Recordings that are transcribed while they go on, many at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from longshort.contracts import State
from longshort.data.sequences import Floats
from longshort.data.steps import Ints
from longshort.errors import DataError
from longshort.tasks.transcripts.streaming import Listening


class Heard(NamedTuple):
    """After each chunk: the best transcript so far (B,), and its log-probability in nats (B,)."""

    text: NDArray[Any]
    log_p: Floats


class TranscriptStream:
    """A ``data.layout.Stream`` of a transcriber, which reads chunks of sound or rows of a series.

    A chunk of None says that nothing follows: its answer is the transcript of the whole recording,
    and the next chunk begins another one. Memory grows with the transcript alone.

    Args:
        listening: makes a recording that begins.
        sessions: S.
    """

    memory: Literal["window", "carried"] = "carried"
    layout = None

    def __init__(self, listening: Callable[[], Listening], sessions: int) -> None:
        self.sessions, self._listening = sessions, listening
        self._each = [listening() for _ in range(sessions)]

    @property
    def state(self) -> State:
        """See ``data.layout.Stream``; each session's own by its number, as they differ in size."""
        return State({f"{at}": each.state for at, each in enumerate(self._each)})

    def load(self, state: State) -> None:
        """See ``data.layout.Stream``."""
        if set(state) != {f"{at}" for at in range(self.sessions)}:
            raise ValueError(f"the state of {len(state)} recordings, and not of {self.sessions}")
        for at, each in enumerate(self._each):
            each.load(state.part(f"{at}"))

    def begin(self, sessions: Ints, keys: Sequence[tuple[str, ...]]) -> None:
        """See ``data.layout.Stream``."""
        for number in sessions.tolist():
            self._each[number] = self._listening()

    def step(self, sessions: Ints, values: Any, times: Ints | None) -> Heard:
        """See ``data.layout.Stream``.

        Raises:
            DataError: a chunk is of another shape, or holds what is no number.
        """
        text, log_p = np.full(len(sessions), None, object), np.zeros(len(sessions))
        for at, (number, chunk) in enumerate(zip(sessions.tolist(), values, strict=True)):
            if chunk is None:
                whole = self._each[number].end()
                self._each[number] = self._listening()
                text[at], log_p[at] = whole.text, whole.log_p
                continue
            if isinstance(chunk, str):
                raise DataError(f"{chunk[:40]!r}: give samples or rows, as an array")
            text[at], log_p[at] = self._each[number].read(chunk)
        return Heard(text, log_p)

    def told(self, answers: tuple[Any, ...]) -> list[dict[str, Any]]:
        """See ``data.layout.Stream``."""
        found = Heard(*answers)
        return [
            {"text": str(text), "log_p": round(float(log_p), 6)}
            for text, log_p in zip(found.text, found.log_p, strict=True)
        ]

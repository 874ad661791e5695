"""Hidden Markov models in a loop: paths against enumeration, and a language that they learn."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from longshort.data.codecs.tokens import Tokens
from longshort.data.codecs.transcripts import Spelling, TranscriptCodec
from longshort.data.readings.signals import Signal, SignalReading
from longshort.metrics.transcripts import counted, rate
from longshort.yardsticks.transcripts.frequent import MostFrequent
from longshort.yardsticks.transcripts.markov import MarkovLoop, _Loop
from longshort.yardsticks.transcripts.roster import roster
from tests.tasks.test_transcribe import signs


def loop(symbols: int, states: int) -> _Loop:
    size = 1 + symbols * states
    return _Loop(np.zeros((size, 1)), np.ones((size, 1)), states)


@pytest.mark.parametrize("seed", range(4))
def test_the_best_path_in_the_loop_is_the_best_of_all(seed: int) -> None:
    model, penalty = loop(2, 2), 0.7
    scores = np.random.default_rng(seed).normal(size=(6, 5)) * 2
    # a path is a run of pauses and whole symbols, each state one frame or more
    best, found = -np.inf, []
    for path in itertools.product(range(5), repeat=6):
        told, ok = [], path[0] in (0, 1, 3) and path[-1] in (0, 2, 4)
        cost = penalty if path[0] in (1, 3) else 0.0
        told += [(path[0] - 1) // 2 + 1] if path[0] else []
        for one, two in itertools.pairwise(path):
            if one in (0, 2, 4) and two in (1, 3):
                cost += penalty
                told.append((two - 1) // 2 + 1)
            elif one != two and (one, two) not in ((1, 2), (3, 4), (2, 0), (4, 0)):
                ok = False
        score = sum(scores[t, s] for t, s in enumerate(path)) - cost
        if ok and score > best:
            best, found = score, told
    assert model.loop(scores, penalty) == found


def test_a_transcript_is_aligned_by_its_best_path() -> None:
    model = loop(2, 2)
    scores = np.random.default_rng(5).normal(size=(6, 5))
    path = model.align(scores, [1, 2])
    assert path is not None
    ways = [
        each
        for each in itertools.product(range(5), repeat=6)
        if [k for k, _ in itertools.groupby(each) if k] == [1, 2, 3, 4]
        and 0 not in each[list(each).index(1) : max(t for t in range(6) if each[t] == 2)]
        and 0 not in each[list(each).index(3) : max(t for t in range(6) if each[t] == 4)]
    ]
    best = max(ways, key=lambda each: sum(scores[t, s] for t, s in enumerate(each)))
    assert path.tolist() == list(best)
    # four states need four frames
    assert model.align(scores[:3], [1, 2]) is None


def test_it_learns_a_language_that_rules_do_not_know() -> None:
    train, valid, test = signs(120, 0), signs(20, 1), signs(30, 2)
    codec = TranscriptCodec.fit(train.transcripts or (), Tokens(), Spelling())
    reading = SignalReading.fit(train, Signal())
    rates = {}
    called = roster(train, codec, reading, "all")
    assert not called.left_out
    for yardstick in called.yardsticks:
        told = yardstick.fit(train, valid, codec, reading, 0).transcripts(test)
        rates[yardstick.name] = float(rate(counted(list(test.transcripts or ()), told)))
    assert rates[MarkovLoop().name] < 0.3
    assert rates[MostFrequent().name] > 0.6

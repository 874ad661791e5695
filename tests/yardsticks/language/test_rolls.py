"""Yardsticks of rolls: independent keys, told sign by sign, are the published measure of frames."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from longshort import Notation
from longshort.data.chunks import as_stretch, passage
from longshort.data.codecs.notation import KEYS, Signs, roll_piece
from longshort.data.sources.music import read_music
from longshort.data.sources.prose import Prose
from longshort.data.stretch import Stretch
from longshort.yardsticks.language.rolls import Frames, KeyRegressions, KeyShares, frame_nats

ROLLS = Notation("rolls", resolution=1)
CODEC = Signs.of(ROLLS)


def stretch(*rolls: np.ndarray) -> Stretch:
    prose = read_music([roll_piece(roll, 1, 100) for roll in rolls], ROLLS)
    assert isinstance(prose, Prose)
    return as_stretch(passage(prose, CODEC, closed=True), CODEC, apart=True)


def drawn(frames: int, seed: int) -> np.ndarray:
    """Keys 30 to 39, each of which is more likely to sound on."""
    random = np.random.default_rng(seed)
    found = np.zeros((frames, KEYS), bool)
    for at in range(frames):
        odds = np.where(found[at - 1, 30:40], 1.5, -1.5) if at else np.zeros(10)
        found[at, 30:40] = random.random(10) < 1 / (1 + np.exp(-odds))
    found[0, 30] = True
    return found


def test_frames_are_found_again() -> None:
    one, two = drawn(7, 0), drawn(4, 1)
    text = stretch(one, two)
    frames = Frames.of(text)
    np.testing.assert_array_equal(frames.now[frames.ended], np.concatenate([one, two]))
    silent = np.zeros((1, KEYS), bool)
    before = np.concatenate([silent, one[:-1], silent, two[:-1]])
    np.testing.assert_array_equal(frames.before[frames.ended], before)
    assert frames.ended.sum() == text.counts.sum() == 11


def test_signs_of_a_frame_add_up_to_that_of_independent_keys() -> None:
    random = np.random.default_rng(3)
    weights, bias = random.normal(0, 0.3, (KEYS, KEYS)), random.normal(-2, 1, KEYS)
    one, two = drawn(9, 0), drawn(5, 1)
    text = stretch(one, two)
    nats = frame_nats(text, lambda rolls: rolls @ weights + bias, 0.1)
    wanted = 0.0
    for piece in (one, two):
        before = np.concatenate([np.zeros((1, KEYS)), piece[:-1]])
        p = 1 / (1 + np.exp(-(before @ weights + bias)))
        wanted -= np.log(np.where(piece, p, 1 - p)).sum()
        wanted -= len(piece) * math.log(0.9) + math.log(0.1)
    assert nats.sum() == pytest.approx(wanted)
    assert (nats[~text.scored] == 0).all()


def test_what_may_follow_sums_to_one() -> None:
    # of three keys that can sound all frames, with how a frame ends and the end of the piece
    odds = np.full(KEYS, -800.0)
    odds[[3, 5, 80]] = (0.3, -1.0, 2.0)
    end, total = 0.2, 0.0
    for keys in itertools.product((False, True), repeat=3):
        roll = np.zeros((2, KEYS), bool)
        roll[0, 3], roll[1, [3, 5, 80]] = True, keys
        text = stretch(roll)
        nats = frame_nats(text, lambda rolls: np.broadcast_to(odds, rolls.shape), end)
        total += math.exp(-nats[Frames.of(text).place == 2].sum())
    assert total + end == pytest.approx(1)


def test_regressions_are_scikit_learns_and_better_than_shares() -> None:
    train, valid = drawn(400, 0), drawn(200, 1)
    parts = stretch(train), stretch(valid)
    shares = KeyShares().fit(parts[0], parts[1], CODEC.size)
    yardstick = KeyRegressions()
    found = yardstick.fit(parts[0], parts[1], CODEC.size)
    frames = Frames.of(parts[1])
    told = {each.name: each.nats(parts[1]).sum() for each in (shares, found)}
    assert told["logistic regression per key"] < 0.9 * told["key shares"]
    # beside scikit-learn's own probabilities of the keys that sound at all
    now, before = frames.now[frames.ended], frames.before[frames.ended]
    learnt = np.concatenate([np.zeros((1, KEYS)), train[:-1]])
    never, end = 0.5 / 401, 1.5 / 402
    wanted = -len(now) * (78 * math.log1p(-never) + math.log1p(-end)) - math.log(end)
    for key in range(30, 40):
        alone = LogisticRegression(C=yardstick._chosen, max_iter=200, tol=1e-3)
        p = alone.fit(learnt, train[:, key]).predict_proba(before.astype(float))[:, 1]
        wanted -= np.log(np.where(now[:, key], p, 1 - p)).sum()
    assert told["logistic regression per key"] == pytest.approx(wanted)


def test_both_parts_teach_what_was_chosen() -> None:
    parts = stretch(drawn(60, 0)), stretch(drawn(60, 1))
    yardstick = KeyRegressions()
    one = yardstick.fit(parts[0], parts[1], CODEC.size)
    both = yardstick.fit(parts[0], parts[1], CODEC.size, both=True)
    assert both.nats(parts[1]).sum() < one.nats(parts[1]).sum()
    KeyRegressions().fit(parts[0], None, CODEC.size)

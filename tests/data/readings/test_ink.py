"""Drawings as a network reads them, and as another hand may have drawn them."""

import numpy as np
import pytest

from longshort.data.augment import Augment
from longshort.data.codecs.ink import joined, split
from longshort.data.corpus import Corpus
from longshort.data.readings.ink import Ink, InkReading, as_series, varied
from longshort.errors import ArgumentError, DataError, ModelFileError


def corpus() -> Corpus:
    t = np.linspace(0, 2 * np.pi, 80)
    ring = np.stack([np.cos(t), np.sin(t)], 1)
    cross = [np.array([[-1.0, -1], [1, 1]]), np.array([[1.0, -1], [-1, 1]]), np.zeros((1, 2))]
    drawings = ([ring * 30 + 7], [each * 5 for each in cross], [np.zeros((1, 2))], [])
    return Corpus("shapes", ink=tuple(joined(each) for each in drawings))


@pytest.mark.parametrize("form", ["points", "curves"])
@pytest.mark.parametrize("position", [True, False])
def test_what_is_read_is_padded_and_told_by_lengths(form: str, position: bool) -> None:
    reading = InkReading.fit(corpus(), Ink(form=form, position=position))
    inputs, lengths, _ = reading.read(corpus(), [1, 2, 3])
    pen = inputs["pen"]
    assert pen.shape[2] == reading.widths.numbers["pen"]
    assert lengths.tolist() == reading.lengths(corpus())[1:].tolist()
    assert lengths[2] == 0
    assert not pen[2].any()
    assert np.allclose(reading.each(corpus())[1], pen[0, : lengths[0]])
    # size and place do not matter
    moved = tuple(each * [3, 3, 1, 1] + [5, -9, 0, 0] for each in corpus().ink or ())
    again = reading.read(Corpus("moved", ink=tuple(m.astype(np.float32) for m in moved)), [1, 2, 3])
    assert np.allclose(again.inputs["pen"], pen, atol=1e-5)


@pytest.mark.parametrize("form", ["points", "curves"])
def test_steps_stand_for_all_of_a_drawing(form: str) -> None:
    reading = InkReading(Ink(form=form, upright=True))
    for item in range(3):
        spans = reading.spans(corpus(), item)
        assert len(spans) == reading.lengths(corpus())[item]
        whole = [np.hypot(*np.diff(own, axis=0).T).sum() for own in split(corpus().ink[item])]
        told = sum(np.hypot(*np.diff(own, axis=0).T).sum() for own in spans)
        assert np.isclose(told, sum(whole), rtol=0.02)
    # in the drawing's own units
    assert np.allclose(spans[0], [[0, 0]])
    ring = np.concatenate(reading.spans(corpus(), 0)) - 7
    assert np.allclose(np.hypot(*ring.T), 30, atol=1)
    assert reading.spans(corpus(), 3) == []


def test_a_drawing_comes_back_from_its_steps() -> None:
    reading = InkReading(Ink())
    steps = reading.each(corpus())[1]
    lines = split(reading.strokes(steps))
    assert np.allclose([own[0] for own in lines], [[-1, -1], [1, -1], [0, 0]], atol=1e-5)
    assert np.allclose([own[-1] for own in lines], [[1, 1], [-1, 1], [0, 0]], atol=1e-5)


def test_changes_are_drawn_anew_and_the_same_for_a_seed() -> None:
    data, augment = corpus(), Augment(rotate=20, shear=0.2, stretch=0.2, jitter=0.1)
    reading = InkReading.fit(data)
    one, same, other = (augment.read(reading, data, [0, 1, 2, 3], seed) for seed in (1, 1, 2))
    assert np.array_equal(one.inputs["pen"], same.inputs["pen"])
    assert one.inputs["pen"].shape != other.inputs["pen"].shape or not np.allclose(
        one.inputs["pen"], other.inputs["pen"]
    )
    plain = Augment(speed=0.2).read(reading, data, [0, 1], 1)
    assert np.array_equal(plain.inputs["pen"], reading.read(data, [0, 1]).inputs["pen"])


def test_turning_keeps_lengths_and_stretching_does_not() -> None:
    strokes = split(corpus().ink[1])
    turned = varied(strokes, Augment(rotate=90), np.random.default_rng(0))
    assert all(
        np.isclose(np.hypot(*(b[-1] - b[0])), np.hypot(*(a[-1] - a[0])))
        for a, b in zip(strokes, turned, strict=True)
    )
    assert not np.allclose(turned[0], strokes[0])
    leant = varied(strokes, Augment(shear=1.0), np.random.default_rng(0))
    assert np.allclose([own[:, 1] for own in leant[:2]], [own[:, 1] for own in strokes[:2]])
    wide = varied(strokes, Augment(stretch=0.9), np.random.default_rng(0))
    ratio = (wide[0] / strokes[0])[0]
    assert not np.isclose(*ratio)
    assert (ratio < 1.9).all()
    assert (ratio > 1 / 1.9).all()


def test_order_and_direction_change_and_nothing_else() -> None:
    strokes = split(corpus().ink[1])
    back = varied(strokes, Augment(reverse=1.0), np.random.default_rng(0))
    assert all(np.allclose(a[::-1], b) for a, b in zip(strokes, back, strict=True))
    orders = set()
    for seed in range(20):
        mixed = varied(strokes, Augment(reorder=1.0), np.random.default_rng(seed))
        orders.add(tuple(len(own) for own in mixed))
        assert sorted(own[0].tolist() for own in mixed) == sorted(
            own[0].tolist() for own in strokes
        )
    assert len(orders) == 3


def test_drawings_as_series() -> None:
    series = as_series(corpus(), 40)
    assert series.series is not None
    values = series.series.values.reshape(4, 40, 4)
    assert np.allclose(np.hypot(*values[0, :, :2].T), 1, atol=0.02)
    # equal arc length, of the strokes alone
    gaps = np.hypot(*np.diff(values[0, :, :2], axis=0).T)
    assert gaps.max() / gaps.min() < 1.2
    assert not values[2:].any()


def test_settings_go_into_the_model_file_and_back() -> None:
    reading = InkReading(Ink(form="curves", upright=True, error=0.1))
    assert InkReading.take_up(*reading.put_down()).ink == reading.ink
    with pytest.raises(ModelFileError, match="how ink is read"):
        InkReading.take_up({"ink": {"form": "dots"}}, {})


def test_what_cannot_be_is_refused() -> None:
    for wrong in ({"form": "dots"}, {"size": "x"}, {"spacing": 0}, {"error": -1}, {"longest": 0}):
        with pytest.raises(ArgumentError, match=r"Ink\("):
            Ink(**wrong)
    with pytest.raises(DataError, match=r"shapes: item 1: a drawing of \d+ steps, and at most 9"):
        InkReading.fit(corpus(), Ink(longest=9))
    with pytest.raises(DataError, match="there are texts, and no ink"):
        InkReading.fit(Corpus("a", texts=("b",)))
    for wrong in ({"rotate": 200}, {"stretch": 1}, {"reverse": -1}):
        with pytest.raises(ArgumentError, match=r"Augment\("):
            Augment(**wrong)

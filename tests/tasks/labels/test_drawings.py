"""Classifiers of pen strokes and of pictures, from data to the page and back from their file."""

from pathlib import Path

import numpy as np
import pytest

from longshort import Classifier, Partition, Recurrent, Training, load
from longshort.data.augment import Augment
from longshort.data.codecs.ink import joined
from longshort.data.corpus import Corpus
from longshort.data.readings.ink import Ink
from longshort.errors import DataError
from longshort.report.labels.decided import decided_page
from longshort.report.labels.document import label_page


def drawings(count: int = 48) -> Corpus:
    """Rings, and crosses with a dot, by four hands."""
    random = np.random.default_rng(0)
    angle = np.linspace(0, 2 * np.pi, 30)
    ring = [np.stack([np.cos(angle), np.sin(angle)], 1)]
    cross = [np.array([[-1.0, -1], [1, 1]]), np.array([[1.0, -1], [-1, 1]]), np.zeros((1, 2))]
    made = []
    for item in range(count):
        hand = np.eye(2) + random.normal(0, 0.1, (2, 2))
        made.append(joined([own @ hand.T for own in (ring, cross)[item % 2]]))
    labels = tuple((("o", "x")[item % 2],) for item in range(count))
    groups = tuple(str(item // 2 % 6) for item in range(count))
    return Corpus("shapes", ink=tuple(made), labels=labels, groups=groups)


def classifier(**more: object) -> Classifier:
    return Classifier(
        recurrent=Recurrent(12, bidirectional=True, stem=5, stride=2),
        training=Training(epochs=2, members=1, rate=1e-2),
        partition=Partition(test=0.2, valid=0.2),
        **more,
    )


@pytest.mark.filterwarnings("ignore::longshort.errors.LongshortWarning")
def test_drawings_are_told_apart_explained_and_kept(tmp_path: Path) -> None:
    data = drawings()
    model = classifier(augment=Augment(rotate=10, jitter=0.05, reorder=0.5)).fit(data)
    assert model.score(data) == 1
    record = model.evaluate(data)
    told = {each.method: each.measures["accuracy"].value for each in record.scores}
    assert {"LSTM", "1-NN DTW", "HMM per word", "class prior"} <= set(told)
    assert told["1-NN DTW"] == 1
    assert record.data.content == "ink"
    again = load(model.save(tmp_path / "m.lstm") or tmp_path / "m.lstm")
    assert np.array_equal(again.predict_proba(data), model.predict_proba(data))
    found = again.explain(data, most=2).items[1]
    assert found.sketch is not None
    assert len(found.sketch.strokes) == 3
    assert max(mark.end for mark in found.marks) <= found.sketch.points
    page = decided_page(again.explain(data, most=2))
    assert page.count("<polyline") > 4
    with pytest.raises(DataError, match="holds texts, and the model was fitted on ink"):
        again.predict(["a text"])


@pytest.mark.filterwarnings("ignore::longshort.errors.LongshortWarning")
def test_a_page_draws_the_mistakes(tmp_path: Path) -> None:
    data = drawings(24)
    # what nobody can learn
    labels = tuple((("a", "b")[item // 2 % 2],) for item in range(24))
    odd = Corpus("odd", ink=data.ink, labels=labels)
    model = classifier(ink=Ink(form="curves")).fit(odd)
    record = model.evaluate(odd, yardsticks="none")
    assert record.wrong
    assert all(each.sketch is not None for each in record.mistakes)
    assert type(record).from_json(record.to_json()) == record
    assert "<polyline" in label_page(record)


@pytest.mark.filterwarnings("ignore::longshort.errors.LongshortWarning")
def test_pictures_are_told_apart() -> None:
    random = np.random.default_rng(0)
    made = []
    for item in range(40):
        picture = np.full((20, 30), 255, np.uint8)
        picture[4:16, 6:8] = 0
        picture[4:16, 20 + random.integers(3)] = 255 * (item % 2)
        made.append(255 - picture if item % 3 == 0 else picture)
    labels = tuple((str(item % 2),) for item in range(40))
    data = Corpus("bars", pictures=tuple(made), labels=labels)
    model = classifier().fit(data)
    assert model.score(data) == 1
    found = model.explain(data, most=4)
    for each in found.items:
        assert each.image is not None
        assert (each.image.width, each.image.height) == (30, 20)
        # only the bars can decide, and where they end
        heaviest = max(each.marks, key=lambda mark: abs(mark.weight))
        assert heaviest.start in (6, 7, 20, 21, 22)
    assert decided_page(found).count('<image href="data:image/png;base64,') == 4
    odd = Corpus("odd", pictures=data.pictures, labels=tuple((str(1 - i % 2),) for i in range(40)))
    record = model.evaluate(odd, yardsticks="none")
    assert type(record).from_json(record.to_json()) == record
    assert '<image href="data:image/png;base64,' in label_page(record)

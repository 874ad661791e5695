"""Sessions: the streaming law, what arrives when, and states that are kept."""

from __future__ import annotations

import datetime
import itertools
import json
import tracemalloc
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from longshort import (
    Arrival,
    Category,
    Classifier,
    Columns,
    Decoder,
    Forecaster,
    LanguageModel,
    Partition,
    Recurrent,
    Scaling,
    SeriesModel,
    Session,
    Signal,
    Tagger,
    Tokens,
    Training,
    Window,
    artifact,
)  # fmt: skip
from longshort.data.codecs.tokens import Unit
from longshort.data.readings.wide import Wide
from longshort.errors import ArgumentError, DataError, LongshortError, ModelFileError
from longshort.heads.sequel import Sequel
from longshort.tasks.labels.tags import mean_chain, score
from longshort.tasks.tag import TagHead

QUICK: dict[str, Any] = {
    "recurrent": Recurrent(8, depth=2, dropout=0.0),
    "training": Training(epochs=2, members=2, rate=1e-2),
    "partition": Partition(test=0.2),
}


def waves(items: int = 20, rows: int = 24, missing: float = 0.1) -> Any:
    rng = np.random.default_rng(0)
    phase = rng.uniform(0, 6, (items, 1))
    wave = 5 + 3 * np.sin(0.5 * np.arange(rows) + phase) + rng.normal(0, 0.1, (items, rows))
    walk = rng.normal(size=(items, rows)).cumsum(1)
    found = np.stack([wave, walk], 2)
    found[rng.random(found.shape) < missing] = np.nan
    return found


@pytest.fixture(scope="module")
def series() -> SeriesModel:
    return SeriesModel(head=Sequel(steps=2), **QUICK).fit(waves())


@pytest.mark.parametrize(
    "model",
    [
        {},
        {"signal": Signal(gaps="decay")},
        {"signal": Signal(scale="ranks", gaps="mean")},
        {"recurrent": Recurrent(8, dropout=0.0, stem=3)},
        {"recurrent": Recurrent(8, dropout=0.0, cell="gru")},
    ],
)
def test_a_series_model_tells_each_row_as_of_the_whole(model: dict[str, Any]) -> None:
    values = waves()
    fitted = SeriesModel(**QUICK | model).fit(values)
    whole = fitted.losses(values)
    session = Session(fitted, len(values))
    for row in range(values.shape[1]):
        told = session.push_many(values[:, row])
        wanted = np.stack([own[row] for own in whole])
        np.testing.assert_allclose(told.surprise, wanted, rtol=1e-4, atol=1e-5)
    assert session.memory == "carried"


def test_sessions_in_any_order_with_snapshots_between(series: SeriesModel) -> None:
    values = waves()
    whole = series.losses(values)
    rng = np.random.default_rng(1)
    session = Session(series, len(values))
    seen = np.zeros(len(values), int)
    while (seen < values.shape[1]).any():
        left = np.flatnonzero(seen < values.shape[1])
        some = rng.choice(left, rng.integers(1, 2 * len(left)))
        count = np.array([seen[n] + (some[:at] == n).sum() for at, n in enumerate(some)])
        some, count = (part[count < values.shape[1]] for part in (some, count))
        told = session.push_many(values[some, count], some)
        wanted = np.stack([whole[n][row] for n, row in zip(some, count, strict=True)])
        np.testing.assert_allclose(told.surprise, wanted, rtol=1e-4, atol=1e-5)
        np.add.at(seen, some, 1)
        if rng.random() < 0.3:
            session = Session.restore(series, session.snapshot())


def test_a_snapshot_is_of_one_model(series: SeriesModel) -> None:
    session = Session(series, 3)
    session.push_many(np.ones((3, 2)))
    kept = session.snapshot()
    again = Session.restore(series, kept)
    assert again.snapshot() == kept
    other = SeriesModel(**QUICK).fit(waves(missing=0.2))
    with pytest.raises(ModelFileError, match="another model"):
        Session.restore(other, kept)
    with pytest.raises(ModelFileError, match="damaged or altered"):
        Session.restore(series, kept[:-3] + bytes(3))
    with pytest.raises(ModelFileError, match="cut short"):
        Session.restore(series, kept[:20])


def test_what_reads_both_ways_says_what_to_fit(series: SeriesModel) -> None:
    both = {**QUICK, "recurrent": Recurrent(4, bidirectional=True)}
    with pytest.raises(ArgumentError, match="bidirectional=False"):
        Session(SeriesModel(**both).fit(waves()))
    with pytest.raises(ArgumentError, match="session 3: they are 0 to 2"):
        Session(series, 3).push(np.ones(2), 3)
    with pytest.raises(DataError, match="give 2 values for each"):
        Session(series).push(np.ones(3))
    with pytest.raises(ArgumentError, match="did you mean 'fill'"):
        Arrival(missing="fil")  # type: ignore[arg-type]


def hourly(rows: int = 200, series: tuple[str, ...] = ("a", "b")) -> pl.DataFrame:
    rng = np.random.default_rng(2)
    start = np.datetime64("2024-01-01T00:00", "us")
    parts = []
    for at, name in enumerate(series):
        hour = np.arange(rows)
        load = 10 * (at + 1) + 3 * np.sin(hour * 2 * np.pi / 24 + at) + rng.normal(0, 0.2, rows)
        times = start + hour * np.timedelta64(1, "h")
        kind = np.where(hour % 3 == 0, "low", "high")
        parts.append(
            pl.DataFrame(
                {"time": times, "pump": name, "load": load, "wind": hour % 7, "kind": kind}
            )
        )
    return pl.concat(parts)


FORECASTER: dict[str, Any] = {
    "columns": Columns("time", group="pump", target="load"),
    "horizon": 3,
    "recurrent": Recurrent(8, dropout=0.0),
    "training": Training(epochs=1, members=2),
    "window": Window(context=24),
}


@pytest.fixture(scope="module")
def forecaster() -> Forecaster:
    return Forecaster(**FORECASTER).fit(hourly())


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"columns": Columns("time", group="pump", target="load", category=("kind", "pump"))},
        {"fill": "missing", "scaling": Scaling(per_series=True)},
        {"window": Window(context=24, season=24, relative="season", differences=True)},
        {"decoder": Decoder(mode="recursive", paths=20), "scaling": Scaling(per_series=True)},
    ],
)
def test_a_forecaster_answers_each_row_as_of_its_window(settings: dict[str, Any]) -> None:
    data = hourly()
    fitted = Forecaster(**FORECASTER | settings).fit(data)
    session = Session(fitted, 2)
    window = 48
    rng = np.random.default_rng(3)
    # sensors fail, and the new series is not one that was fitted
    lost = data.with_columns(
        load=pl.when(pl.Series(rng.random(len(data)) < 0.1)).then(None).otherwise("load"),
        pump=pl.col("pump").replace("b", "new"),
    )
    seen: dict[str, list[dict[str, Any]]] = {"a": [], "new": []}
    for at, row in enumerate(lost.sort("time").head(130).to_dicts()):
        told = session.push(row)
        own = seen[row["pump"]]
        own.append(row)
        if len(own) < 24 or at < 90:
            continue
        table = pl.DataFrame(own[-window:], infer_schema_length=None)
        wanted = fitted.predict(table, (0.1, 0.9))
        np.testing.assert_allclose(told.point[:, 0], wanted["load"], rtol=1e-5)
        np.testing.assert_allclose(told.quantiles[:, 0, 1], wanted["load_q10"], rtol=1e-5)
        assert told.times.tolist() == wanted["time"].to_list()
        if at % 10 == 0:
            session = Session.restore(fitted, session.snapshot())
    assert session.memory == "window"
    assert session.keys == [("a",), ("new",)]


def push_rows(session: Session, rows: pl.DataFrame) -> Any:
    told = None
    for row in rows.to_dicts():
        told = session.push(row)
    return told


def test_rows_that_did_not_come_are_filled_in(forecaster: Forecaster) -> None:
    data = hourly(60, ("a",))
    lost = data.with_row_index().filter(~pl.col("index").is_in([40, 41, 50])).drop("index")
    told = push_rows(Session(forecaster), lost)
    empty = data.with_row_index().with_columns(
        pl.when(pl.col("index").is_in([40, 41, 50])).then(None).otherwise(pl.col(name)).alias(name)
        for name in ("load", "wind", "kind")
    )
    wanted = push_rows(Session(forecaster), empty.drop("index"))
    np.testing.assert_array_equal(told.point, wanted.point)
    # more than may be missing, and the session begins anew
    session = Session(forecaster, arrival=Arrival(longest=1))
    assert np.isnan(push_rows(session, lost.head(41)).point).all()
    assert session.rows.tolist() == [1]
    with pytest.raises(DataError, match="2 rows are missing before 2024-01-02T18:00"):
        push_rows(Session(forecaster, arrival=Arrival(missing="refuse")), lost)


def test_late_and_repeated_rows_change_nothing(forecaster: Forecaster) -> None:
    data = hourly(30, ("a",)).to_dicts()
    session = Session(forecaster)
    for row in data[:-1]:
        session.push(row)
    before = session.snapshot()
    for wrong, told in (
        (data[-2], "series a: 2024-01-02T04:00:00 repeats the time of the row before"),
        (data[5], "series a: 2024-01-01T05:00:00 is not after the row before"),
        ({**data[-1], "time": "2024-01-02T05:30"}, "is no whole number of steps after"),
        ({**data[-1], "load": "x"}, "column 'load' is 'x', and must be a number"),
        ({**data[-1], "load": "inf"}, "must be a number"),
        ({**data[-1], "load": 1e300}, "column 'load' is 1e\\+300"),
        ({"pump": "a"}, "none of the columns"),
        ({**data[-1], "pump": None}, "the name of the series is missing"),
        ({**data[-1], "time": ""}, "the time is missing"),
        ({**data[-1], "time": "noon"}, "'noon' is not a date or time"),
    ):
        with pytest.raises((DataError, ArgumentError), match=told):
            session.push(wrong)
        assert session.snapshot() == before
    session.arrival = Arrival(late="ignore")
    assert session.push(data[3]) is None
    assert session.push(data[-1]) is not None
    # another series takes a session of its own, and where none is left the one idle for longest
    session.push({**data[0], "pump": "z"})
    assert session.keys == [("z",)]


def test_a_channel_that_disappears_is_missing(forecaster: Forecaster) -> None:
    data = hourly(40, ("a",)).to_dicts()
    session, other = Session(forecaster), Session(forecaster)
    for at, row in enumerate(data):
        gone = {name: value for name, value in row.items() if name != "wind" or at < 30}
        told = session.push(gone)
        wanted = other.push({**row, "wind": row["wind"] if at < 30 else "nan"})
    np.testing.assert_array_equal(told.point, wanted.point)
    assert session.idle("2024-01-02 20:00").tolist() == [5]
    columns = Columns("time", group="pump", target="load", future="wind")
    knows = Forecaster(**FORECASTER | {"columns": columns}).fit(hourly())
    with pytest.raises(ArgumentError, match="known in advance"):
        Session(knows)


LABELS: dict[str, Any] = {
    "recurrent": Recurrent(6, dropout=0.0),
    "training": Training(epochs=1, members=2, batch=8),
}
WORDS = ("the pump is loud", "all is well", "it leaks", "quiet and dry", "so loud it leaks") * 6


@pytest.mark.parametrize("pooling", ["last", "mean+max", "attention"])
def test_a_classifier_tells_the_label_so_far(pooling: str) -> None:
    values = waves(12, 9)
    fitted = Classifier(head=Category(pooling=pooling), **LABELS).fit(values, ["a", "b"] * 6)
    session = Session(fitted, len(values))
    for row in range(values.shape[1]):
        told = session.push_many(values[:, row])
        wanted = fitted.predict_proba(values[:, : row + 1])
        np.testing.assert_allclose(told.probabilities, wanted, rtol=1e-4, atol=1e-6)
        assert told.label.tolist() == fitted.predict(values[:, : row + 1]).tolist()
        session = Session.restore(fitted, session.snapshot())


def test_a_classifier_of_texts_reads_words() -> None:
    fitted = Classifier(**LABELS).fit(list(WORDS), [0, 1, 2, 1, 2] * 6)
    session = Session(fitted)
    read = ""
    for piece in ("the pump", "is", "very loud", "and dry"):
        told = session.push(piece)
        read += f" {piece}"
        np.testing.assert_allclose(told.probabilities, fitted.predict_proba([read])[0], rtol=1e-4)
    assert session.record(told)["label"] == str(told.label)
    with pytest.raises(DataError, match="give a word"):
        session.push(" ")
    both = Classifier(training=LABELS["training"]).fit(list(WORDS), [0, 1, 2, 1, 2] * 6)
    with pytest.raises(ArgumentError, match="bidirectional=False"):
        Session(both)


@pytest.mark.parametrize("head", ["category", "crf"])
def test_a_tagger_tells_each_step_from_those_before(head: TagHead) -> None:
    sentences = [text.split() for text in WORDS]
    tags = [["B-X" if word == "loud" else "O" for word in own] for own in sentences]
    fitted = Tagger(head=head, wide=Wide(0), lean=False, **LABELS).fit(sentences, tags)
    session = Session(fitted, 2)
    chain = mean_chain(fitted.models_)
    sentence = ["so", "loud", "it", "leaks"]
    for at, word in enumerate(sentence):
        told = session.push_many([word, "dry"])
        items = fitted._items(fitted._again([sentence[: at + 1]]))
        (scored,) = score(fitted.models_, items)
        emissions = scored.emissions[0].double().numpy()
        # all sequences of tags up to here, each with its score
        begin, pairs, _ = (part.double().numpy() for part in chain._chain())
        total = np.zeros(len(fitted.tags_.names))
        for way in itertools.product(range(len(total)), repeat=at + 1):
            s = begin[way[0]] + sum(emissions[t, tag] for t, tag in enumerate(way))
            total[way[-1]] += np.exp(s + sum(pairs[a, b] for a, b in itertools.pairwise(way)))
        np.testing.assert_allclose(told.probabilities[0], total / total.sum(), rtol=1e-4)
        if head == "category":
            wanted = fitted.predict_proba([sentence])[0][at]
            np.testing.assert_allclose(told.probabilities[0], wanted, rtol=1e-4)
    wide = Tagger(head=head, **LABELS).fit(sentences, tags)
    with pytest.raises(ArgumentError, match="is not streamed"):
        Session(wide)


@pytest.mark.parametrize("unit", ["characters", "words"])
def test_a_language_model_tells_what_each_piece_costs(tmp_path: Path, unit: Unit) -> None:
    path = tmp_path / "text.txt"
    path.write_text("to be, or not to be, that is the question.\n" * 60)
    training = Training(epochs=1, members=2, batch=4)
    fitted = LanguageModel(Tokens(unit), recurrent=Recurrent(8), training=training).fit(path)
    session, text = Session(fitted, 2), ["to be", ", that", " is", "", " not\n"]
    total = 0.0
    for piece in text:
        told = session.push(piece, 1)
        total += told.surprise
        session.push_many(["or", "is"], [0, 0])
        session = Session.restore(fitted, session.snapshot())
    wanted = [score.log_p for score in fitted.symbol_scores("".join(text))]
    np.testing.assert_allclose(total, -sum(wanted), rtol=1e-4)
    np.testing.assert_allclose(np.exp(told.log_p).sum(), 1, rtol=1e-5)
    assert session.record(told).keys() == {"surprise", "symbols", "next", "p_next"}
    with pytest.raises(DataError, match="give a piece of text"):
        session.push(3, 0)


def test_memory_stays_where_it_is(series: SeriesModel, forecaster: Forecaster) -> None:
    rng = np.random.default_rng(0)
    many, one = Session(series, 50), Session(forecaster)
    times = np.datetime64("2024-01-01", "us") + np.arange(400) * np.timedelta64(1, "h")
    first = 0

    def read(start: int, stop: int) -> None:
        for at in range(start, stop):
            # bursts of NaN, too
            rows = rng.normal(size=(50, 2))
            rows[rng.random(rows.shape) < 0.3 * (at % 20 > 15)] = np.nan
            many.push_many(rows)
            if at % 10 == 0:
                one.push(rows[0], 0, time=times[at // 10])

    tracemalloc.start()
    try:
        read(0, 50)
        sizes = len(many.snapshot()), len(one.snapshot())
        first = tracemalloc.get_traced_memory()[0]
        read(50, 350)
        grown = tracemalloc.get_traced_memory()[0] - first
    finally:
        tracemalloc.stop()
    # 15,000 rows of two numbers would be more
    assert grown < 200_000
    assert (len(many.snapshot()), len(one.snapshot())) == sizes


def test_sessions_that_end_again_and_again_take_no_memory(series: SeriesModel) -> None:
    session = Session(series, 3)
    tracemalloc.start()
    try:
        session.reset()
        first = tracemalloc.get_traced_memory()[0]
        for _ in range(3000):
            session.reset([1])
        assert tracemalloc.get_traced_memory()[0] - first < 5_000
    finally:
        tracemalloc.stop()
    names = [(name,) for name in "abcd"]
    assert [session.find(name) for name in names[:3]] == [0, 1, 2]
    assert session.find(names[3]) == session.find(names[3]) == 0
    assert session.keys == [("d",), ("b",), ("c",)]


def test_a_series_keeps_its_name_where_rows_tell_none(forecaster: Forecaster) -> None:
    """Its scale is found by its name, after more missing rows than are filled in, too."""
    rows = hourly(80, ("a",)).to_dicts()
    named, bare = Session(forecaster), Session(forecaster)
    gone = datetime.timedelta(days=30)
    assert named.layout is not None
    for at, row in enumerate(rows):
        time = row["time"] + gone * (at >= 40)
        answer = named.push({**row, "time": time})
        if at:
            found = bare.push(named.layout.values(row), 0, time=time)
            np.testing.assert_array_equal(found.point, answer.point)
        else:
            bare.push(row)
    assert bare.snapshot() == named.snapshot()
    assert bare._stream._keys == named._stream._keys == ["a"]  # type: ignore[attr-defined]


def test_no_snapshot_brings_a_session_down(series: SeriesModel, forecaster: Forecaster) -> None:
    rng = np.random.default_rng(5)
    row = {"time": "2024-02-01", "pump": "a", "load": 1.0, "wind": 2.0}
    for model, first in ((series, np.ones(2)), (forecaster, row)):
        session = Session(model)
        session.push(first)
        content = artifact.unpack(session.snapshot(), "kept")
        for name, array in content.tensors.items():
            changed = [
                array[:0],
                np.concatenate([array, array]),
                np.zeros(array.shape, np.float16),
                np.frombuffer(rng.bytes(array.nbytes), array.dtype).reshape(array.shape)
                if array.dtype != np.bool_
                else ~array,
            ]
            for other in changed:
                tensors = {**content.tensors, name: other}
                kept = artifact.pack("session", content.version, content.sections, tensors, "kept")
                # it is refused, or goes on, or says what is wrong with its rows
                with suppress(LongshortError), np.errstate(all="ignore"):
                    Session.restore(model, kept).push(first)
        # thousands of sessions of which the file holds no state
        own = {**content.tensors, "arrival.rows": np.zeros(9999, np.int64)}
        own["keys"] = np.frombuffer(json.dumps({"keys": [None] * 9999, "memo": {}}).encode(), "u1")
        kept = artifact.pack("session", "0", content.sections | {"sessions": 9999}, own, "kept")
        with pytest.raises(ModelFileError, match=r"9999 sessions in .* bytes"):
            Session.restore(model, kept)
        for section, wrong in (("layout", 2), ("sessions", 10**9), ("model", "0" * 64)):
            sections = {**content.sections, section: wrong}
            kept = artifact.pack("session", content.version, sections, content.tensors, "kept")
            with pytest.raises(ModelFileError):
                Session.restore(model, kept)
        with pytest.raises(ModelFileError, match="no state of sessions"):
            Session.restore(model, artifact.pack("forecaster", "0", {}, {}, "kept"))

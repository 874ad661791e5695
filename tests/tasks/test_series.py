"""Series without labels: the next values, from the file to the record and the model file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

import longshort
from longshort import Partition, Recurrent, Roles, SeriesModel, Signal, Training
from longshort.cli.app import main
from longshort.data.corpus import Corpus
from longshort.data.readings.onward import pieces
from longshort.errors import ArgumentError, DataError
from longshort.heads.sequel import Sequel
from longshort.tasks.labels.reading import from_array

QUICK: dict[str, Any] = {
    "recurrent": Recurrent(8, dropout=0.0),
    "training": Training(epochs=2, members=1, rate=1e-2),
    "partition": Partition(test=0.2),
}


def waves(items: int = 20, rows: int = 24, missing: float = 0.0) -> NDArray[np.float64]:
    rng = np.random.default_rng(0)
    phase = rng.uniform(0, 6, (items, 1))
    wave = 5 + 3 * np.sin(0.5 * np.arange(rows) + phase) + rng.normal(0, 0.1, (items, rows))
    walk = rng.normal(size=(items, rows)).cumsum(1)
    found = np.stack([wave, walk], 2)
    found[rng.random(found.shape) < missing] = np.nan
    return found


def table(path: Path, values: NDArray[np.float64]) -> Path:
    items, rows, _ = values.shape
    flat = values.reshape(-1, 2)
    pl.DataFrame({
        "run": np.repeat([f"r{at}" for at in range(items)], rows),
        "t": np.tile(np.arange(rows), items),
        "x": flat[:, 0], "y": flat[:, 1],
        "label": np.repeat(["a", "b"] * (items // 2), rows),
    }).fill_nan(None).write_csv(path)  # fmt: skip
    return path


@pytest.fixture(scope="module")
def fitted() -> SeriesModel:
    return SeriesModel(**QUICK).fit(waves(missing=0.1))


def test_losses_are_told_of_every_value_but_the_first(fitted: SeriesModel) -> None:
    values = waves(missing=0.1)
    found = fitted.losses(values)
    assert fitted.history_.unit == "nats"
    for own, raw in zip(found, values, strict=True):
        told = ~np.isnan(raw)
        told[0] = False
        assert np.array_equal(np.isfinite(own), told)
    # what comes later changes nothing
    cut = fitted.losses(values[:, :10])
    np.testing.assert_allclose(cut[3], found[3][:10], atol=1e-5)


def test_a_file_keeps_everything(fitted: SeriesModel, tmp_path: Path) -> None:
    fitted.save(tmp_path / "model.lstm")
    again = longshort.load(tmp_path / "model.lstm")
    assert isinstance(again, SeriesModel)
    values = waves(missing=0.1)
    for one, other in zip(fitted.losses(values), again.losses(values), strict=True):
        assert np.array_equal(one, other, equal_nan=True)
    assert again.evaluate(values).scores == fitted.evaluate(values).scores


def test_the_record_is_what_a_count_by_hand_finds(fitted: SeriesModel) -> None:
    values = waves(missing=0.1)
    found = fitted.evaluate(values)
    assert found.targets == ("x0", "x1")
    scores = {(score.method, score.target): score for score in found.scores}
    assert {m for m, _ in scores} == {
        "LSTM", "persistence", "drift", "mean", "ridge autoregression"
    }  # fmt: skip
    corpus, shares = fitted._found(values)
    assert shares is not None
    scaled, _ = fitted.reading_.scaled(corpus)
    context = int(found.notes[1].split("row ")[1].split()[0]) - 1
    errors = []
    for item in shares.test.tolist():
        own = scaled.values[scaled.rows(item), 0]
        for at in range(context, len(own)):
            past = own[:at][~np.isnan(own[:at])]
            if len(past) and not np.isnan(own[at]):
                errors.append(abs(own[at] - past[-1]))
    assert scores["persistence", "x0"].mae == pytest.approx(np.mean(errors))
    assert longshort.Evaluation.from_json(found.to_json()) == found


def test_it_learns_what_can_be_learnt() -> None:
    training = Training(epochs=12, members=1, rate=1e-2)
    model = SeriesModel(**{**QUICK, "training": training}).fit(waves(60))
    scores = {s.method: s for s in model.evaluate(waves(60)).scores if s.target == "x0"}
    assert scores["LSTM"].mae < 0.5 * scores["persistence"].mae


@pytest.mark.parametrize("scale", ["channel", "item", "ranks"])
@pytest.mark.parametrize("both", [False, True])
def test_every_way_to_read_can_be_judged(scale: Any, both: bool) -> None:
    settings = {**QUICK, "recurrent": Recurrent(6, dropout=0.0, bidirectional=both)}
    model = SeriesModel(signal=Signal(scale=scale), head=Sequel("quantiles", 2), **settings)
    found = model.fit(waves(missing=0.1)).evaluate(waves(missing=0.1))
    assert found.horizon == 2
    assert len(found.steps) == 2 * len(found.scores)


def test_a_fit_that_was_broken_off_goes_on_as_if_it_had_not(tmp_path: Path) -> None:
    class Stop:
        def start(self, *_: Any) -> None: ...
        def note(self, *_: Any) -> None: ...
        def finish(self, *_: Any) -> None: ...

        def epoch(self, epoch: Any) -> None:
            if epoch.epoch == 1:
                raise KeyboardInterrupt

    values, settings = waves(), {**QUICK, "training": Training(epochs=4, members=1)}
    whole = SeriesModel(**settings).fit(values)
    path = tmp_path / "checkpoint.lstm"
    SeriesModel(**settings).fit(values, progress=Stop(), checkpoint=path)
    again = SeriesModel(**settings).fit(values, checkpoint=path)
    assert again.score(values) == whole.score(values)


def test_long_recordings_are_cut_and_parted_whole(tmp_path: Path) -> None:
    values = waves(10, 60)
    model = SeriesModel(longest=25, **QUICK).fit(values)
    corpus, shares = model._found(values)
    assert shares is not None
    assert len(corpus) == 30
    owners = [{corpus.names[at].split(" from")[0] for at in part} for part in shares[:3]]  # type: ignore[index]
    assert not owners[0] & owners[2]
    assert "pieces of at most 25 rows" in model.notes_[0]
    one = model.set_copy().fit(values[0, :, 0])
    corpus, shares = one._found(values[0, :, 0])
    assert shares is not None
    # the last part of a single recording is the test
    assert max(shares.train) < min(shares.valid) <= max(shares.valid) < min(shares.test)


def test_pieces_are_all_rows_in_order() -> None:
    corpus = from_array([np.arange(7.0), np.arange(3.0), np.zeros((0,))])
    cut = pieces(Corpus(corpus.source, series=corpus.series, groups=("a", "b", "c")), 3)
    assert cut.series is not None
    assert cut.series.lengths.tolist() == [2, 3, 2, 3, 0]
    assert np.array_equal(cut.series.values, corpus.series.values)  # type: ignore[union-attr]
    assert cut.groups == ("a", "a", "a", "b", "c")
    assert cut.names == ("0 from row 1", "0 from row 3", "0 from row 6", "1", "2")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"recurrent": Recurrent(4, 2, bidirectional=True)}, "depth=2 or more"),
        ({"recurrent": Recurrent(4, bidirectional=True, stem=3)}, "stem"),
        ({"recurrent": Recurrent(4, stem=3, stride=2)}, "stride=2"),
        ({"signal": Signal(summaries=True)}, "summaries=True"),
        ({"longest": 1}, "longest"),
        ({"head": Sequel(steps=24)}, "no recording has more than 24 rows"),
    ],
)
def test_what_would_show_the_values_to_be_told(settings: dict[str, Any], message: str) -> None:
    with pytest.raises((ArgumentError, DataError), match=message):
        SeriesModel(**{**QUICK, **settings}).fit(waves())


def test_data_that_cannot_be_used(fitted: SeriesModel, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds texts, and recordings are read"):
        SeriesModel(**QUICK).fit(["a text", "another"])
    with pytest.raises(ArgumentError, match="not the data of the fit"):
        fitted.evaluate(waves(21))
    assert np.isfinite(fitted.score(waves(21)))
    without = SeriesModel(**{**QUICK, "partition": Partition()}).fit(waves())
    with pytest.raises(ArgumentError, match="no test part"):
        without.evaluate(waves())
    still = np.ones((10, 8))
    with pytest.raises(DataError, match="no channel moves"):
        SeriesModel(**QUICK).fit(still).evaluate(still)
    path = tmp_path / "still.csv"
    pl.DataFrame({"run": ["a", "b"], "kind": ["x", "y"]}).write_csv(path)
    with pytest.raises(DataError, match="no column holds numbers"):
        SeriesModel(Roles(item="run"), **QUICK).fit(path)


def test_the_command_line_fits_judges_and_says_what_it_does_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = table(tmp_path / "runs.csv", waves(missing=0.1)), tmp_path / "out"
    fit = ["fit", "series", str(path), "--item", "run", "--time", "t", "--out", str(out)]
    quick = ["--size", "6", "--epochs", "1", "--label", "label"]

    def run(*given: str) -> int:
        with pytest.raises(SystemExit) as end:
            main(list(given))
        return int(end.value.code or 0)

    assert run(*fit, *quick) == 0
    assert (out / "report.html").exists()
    assert "Next values" in (out / "report.html").read_text()
    model = longshort.load(out / "model.lstm")
    assert isinstance(model, SeriesModel)
    assert model.reading_.channels == ("x", "y")
    assert run("evaluate", str(out / "model.lstm"), str(path)) == 0
    capsys.readouterr()
    assert run("predict", str(out / "model.lstm"), str(path)) == 2
    assert "--pretrained" in " ".join(capsys.readouterr().err.split())
    assert run("explain", str(out / "model.lstm"), str(path)) == 2
    # without a column of items the file is one recording
    alone = tmp_path / "alone.csv"
    pl.read_csv(path).select("x", "y").write_csv(alone)
    assert (
        run("fit", "series", str(alone), "--out", str(tmp_path / "two"), "--test", "0", *quick) == 0
    )

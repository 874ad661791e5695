"""A fitted model adapts as was chosen: scoring, writing and completing agree, files keep it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from longshort import LanguageModel, Recurrent, Shares, Training, load
from longshort.errors import ArgumentError, DataError, ModelFileError
from longshort.evaluate.adaptation import Adaptation
from longshort.evaluate.cache import Cache
from longshort.evaluate.dynamic import Dynamic
from longshort.model import predicting
from longshort.report.language.document import language_page
from longshort.search import Sampling
from longshort.tasks.text.scoring import NextSymbols

TEXT = ["".join(np.random.default_rng(0).choice(list("abcd "), 1500))]
PROMPT = "abba cab dad abba cab dad abba cab dad abba cab dad "


@pytest.fixture(scope="module")
def model() -> LanguageModel:
    training = Training(epochs=2, batch=4, rate=3e-2, members=2, refit=False)
    return LanguageModel(
        recurrent=Recurrent(size=8, depth=2, dropout=0.0), training=training,
        shares=Shares(0.2, 0.1),
    ).fit(TEXT).adapt(TEXT, steps=10, most=100)  # fmt: skip


def chosen(model: LanguageModel) -> Adaptation:
    assert model.adaptation_ is not None
    return model.adaptation_


def test_what_is_written_next_is_what_would_be_scored(model: LanguageModel) -> None:
    strong = Adaptation(Dynamic(3e-2, 0.01, 5), Cache(20, 0.3, 0.5))
    for adapt in (*chosen(model).parts, *strong.parts):
        for size in (0, 4, 5, 6, 31):
            prompt = model._prompt(PROMPT[:size]).symbols
            whole = model.symbol_scores(PROMPT[: size + 1], adapt=adapt)[-1]
            with predicting(model.models_[0]), predicting(model.models_[1]):
                scorer = NextSymbols(model.models_, prompt, adapt, model.scales_)
                scores = scorer.start()[0]
            symbol = model.codec_.encode(PROMPT[size])[0]
            assert scores[symbol] == pytest.approx(whole.log_p, abs=1e-5)
            assert np.exp(scores.astype(float)).sum() == pytest.approx(1, abs=1e-5)


def test_a_cache_goes_on_with_what_is_written(model: LanguageModel) -> None:
    adapt = Adaptation(cache=Cache(30, 0.5, 0.5))
    (best, *_) = model.complete(PROMPT, 12, width=3, adapt=adapt)
    scores = model.symbol_scores(PROMPT + best.text, adapt=adapt)[-12:]
    assert best.log_p == pytest.approx(sum(each.log_p for each in scores), abs=1e-4)
    greedy = Sampling(temperature=0)
    written = {
        model.generate(PROMPT, 40, greedy, adapt=way) for way in (None, adapt, *chosen(model).parts)
    }
    assert model.generate(PROMPT, 40, greedy, adapt=adapt) in written
    assert model.generate(PROMPT, 40, greedy) in written


def test_each_way_has_a_row_and_the_model_stays_as_it_is(model: LanguageModel) -> None:
    before = [p.clone() for own in model.models_ for p in own.parameters()]
    static = model.evaluate(TEXT, yardsticks="none")
    found = model.evaluate(TEXT, yardsticks="none", adapt=chosen(model).parts)
    names = [score.method for score in found.scores]
    assert names == ["LSTM", "LSTM, dynamic", "LSTM, cache", "LSTM, dynamic and cache"]
    assert found.ours == static.ours
    assert found.settings["dynamic and cache"] == str(chosen(model))
    assert len({score.measures["nats"].value for score in found.scores}) == 4
    # the page tells what these rows are
    assert "Krause et al. 2018" in language_page(found)
    assert "Krause et al. 2018" not in language_page(static)
    after = [p for own in model.models_ for p in own.parameters()]
    assert all((a == b).all() for a, b in zip(before, after, strict=True))
    with pytest.raises(ArgumentError, match="two rows"):
        model.evaluate(TEXT, adapt=[Adaptation(cache=Cache()), Adaptation(cache=Cache(9))])


def test_the_file_keeps_how_it_adapts(model: LanguageModel, tmp_path: Path) -> None:
    model.save(tmp_path / "model.lstm")
    again = load(tmp_path / "model.lstm")
    assert isinstance(again, LanguageModel)
    assert again.adaptation_ == chosen(model)
    for adapt in chosen(model).parts:
        a, b = (each.symbol_scores(PROMPT, adapt=adapt) for each in (model, again))
        assert a == b
    # another fit has chosen nothing
    again.fit(TEXT)
    assert again.adaptation_ is None
    again.save(tmp_path / "again.lstm")
    plain = load(tmp_path / "again.lstm")
    assert isinstance(plain, LanguageModel)
    assert plain.adaptation_ is None


def test_a_file_whose_scales_do_not_fit_is_refused(model: LanguageModel, tmp_path: Path) -> None:
    kept = model.scales_
    name = next(iter(kept[0]))
    try:
        for scales in ((), kept[:1], ({**kept[0], name: -kept[0][name]}, kept[1])):
            model.scales_ = scales
            model.save(tmp_path / "odd.lstm")
            with pytest.raises(ModelFileError, match="scales"):
                load(tmp_path / "odd.lstm")
    finally:
        model.scales_ = kept


def test_what_was_not_chosen_or_measured_is_named(model: LanguageModel) -> None:
    other = LanguageModel(
        recurrent=Recurrent(size=8), training=Training(epochs=1, members=1), shares=Shares(0, 0.1)
    ).fit(TEXT)
    for way in (Adaptation(Dynamic()), "cache"):
        with pytest.raises(ArgumentError, match="adapt"):
            other.generate("ab", adapt=way)  # type: ignore[arg-type]
    # a cache needs nothing but its settings
    assert len(other.symbol_scores("ab", adapt=Adaptation(cache=Cache()))) == 2
    with pytest.raises(DataError, match="no part of it chooses"):
        other.adapt(TEXT)
    with pytest.raises(DataError, match="fitted on another one"):
        model.adapt(["abc " * 50])
    with pytest.raises(ArgumentError, match="both"):
        model.adapt(TEXT, dynamic=False, cache=False)
    with pytest.raises(ArgumentError, match="Cache"):
        Adaptation()
    with pytest.raises(ArgumentError, match="cache=3"):
        Adaptation(cache=3)  # type: ignore[arg-type]

from __future__ import annotations

import pytest

from longshort.errors import ArgumentError
from longshort.yardsticks import roster as room
from longshort.yardsticks import statistical
from longshort.yardsticks.roster import all_yardsticks, roster

from .conftest import sequences, walks, windows

MODELS = ["gradient boosting", "AutoETS", "AutoARIMA", "Theta"]


def view(*lengths):
    return windows(sequences(*walks(*lengths)), 10, 30)


def names(found):
    return [yardstick.name for yardstick in found]


def test_all_and_quick_ones():
    pytest.importorskip("statsforecast")
    quick, left_out = roster([view(40)], 7, 7, "quick")
    assert names(quick) == names(all_yardsticks(7))
    assert left_out == ()
    everything, left_out = roster([view(40)], 7, 7)
    assert names(everything) == [*names(quick), *MODELS]
    assert left_out == ()
    assert [y.season for y in everything if y.name in MODELS[1:]] == [7, 7, 7]
    with pytest.raises(ArgumentError, match="did you mean 'quick'"):
        roster([view(40)], 7, 7, "quik")


def test_what_would_take_too_long_is_left_out_and_named(monkeypatch):
    pytest.importorskip("statsforecast")
    # 20 windows of two targets
    monkeypatch.setitem(room._MOST, "Theta", 39)
    monkeypatch.setattr(room, "_ANSWERS", 119)
    found, left_out = roster([view(40)], 7, 7)
    assert names(found)[-2:] == ["AutoETS", "AutoARIMA"]
    assert left_out == (
        "Gradient boosting was left out: 120 answers are more than the 119 that it is asked for.",
        "Theta was left out: 40 forecasts are more than the 39 that it is rolled forward to.",
    )
    # models that are shared are tried on every other series, too
    monkeypatch.setattr(statistical, "FITS", 2)
    monkeypatch.setitem(room._MOST, "Theta", 200)
    tried = statistical.TRIED * statistical.ASKED
    _, left_out = roster([view(40, 40)], 7, 7)
    assert left_out[1].startswith(f"Theta was left out: {80 + 2 * tried} forecasts")


def test_what_is_not_installed_is_said(monkeypatch):
    monkeypatch.setattr(statistical, "installed", lambda: False)
    found, (left_out,) = roster([view(40)], None, 1)
    assert names(found)[-1] == "gradient boosting"
    assert "pip install 'longshort[yardsticks]'" in left_out

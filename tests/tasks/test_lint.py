"""A forecaster is asked what it knows of the future: nothing, and who does is found out."""

from __future__ import annotations

from longshort import lint


def test_a_fitted_forecaster_passes_and_one_that_looks_ahead_does_not(series, columns, fitted):
    told = lint(series, columns, model=fitted, horizon=3)
    assert "future" in told.checked
    assert all(finding.check != "future" for finding in told.findings)

    class Cheat:
        windows = staticmethod(fitted.windows)

        @staticmethod
        def forecasts(windows, index):
            told = fitted.forecasts(windows, index)
            return told._replace(point=told.point + 0.01 * windows.actual(index)[:, :1])

    told = lint(series, columns, model=Cheat(), horizon=3, checks=["future"])
    (finding,) = told.findings
    assert finding.sure == "certain"
    assert finding.columns == ("warm", "cold")
    assert finding.count == 12

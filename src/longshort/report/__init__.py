"""Records drawn: charts for a notebook, a table for the terminal, one offline page for everybody.

The names load when they are first used: a table needs neither Altair nor its renderer.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from longshort.report.anomalies.charts import watch_chart
    from longshort.report.anomalies.rates import rates_chart
    from longshort.report.charts import forecast_chart, one_step_chart, origins_chart
    from longshort.report.curves import calibration_chart, horizon_chart, training_chart
    from longshort.report.document import comparison_page, explained_page, page
    from longshort.report.drawing import svg
    from longshort.report.leanings import columns_chart, exchange_chart, places_chart
    from longshort.report.table import ScoreTable, score_table

_HOMES = {
    "calibration_chart": "curves",
    "columns_chart": "leanings",
    "exchange_chart": "leanings",
    "explained_page": "document",
    "forecast_chart": "charts",
    "horizon_chart": "curves",
    "one_step_chart": "charts",
    "origins_chart": "charts",
    "rates_chart": "anomalies.rates",
    "training_chart": "curves",
    "watch_chart": "anomalies.charts",
    "comparison_page": "document",
    "page": "document",
    "places_chart": "leanings",
    "svg": "drawing",
    "ScoreTable": "table",
    "score_table": "table",
}

__all__ = [
    "ScoreTable",
    "calibration_chart",
    "columns_chart",
    "comparison_page",
    "exchange_chart",
    "explained_page",
    "forecast_chart",
    "horizon_chart",
    "one_step_chart",
    "origins_chart",
    "page",
    "places_chart",
    "rates_chart",
    "score_table",
    "svg",
    "training_chart",
    "watch_chart",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)

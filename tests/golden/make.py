"""Write the golden model file and what it holds: ``python tests/golden/make.py``.

A golden file is kept as it is: later versions must go on reading it. It is made anew only while no
version that writes its format has been released.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from longshort import Columns, Forecaster, Recurrent, Split, Training, Window, artifact

HERE = Path(__file__).parent
DAYS = 60


def sales() -> pl.DataFrame:
    """Two shops, every column role, and a price that is missing here and there."""
    rng = np.random.default_rng(7)
    frames = []
    for shop, level in (("north", 20.0), ("süd", 45.0)):
        promo = (rng.random(DAYS) < 0.2).astype(int)
        week = np.sin(2 * np.pi * np.arange(DAYS) / 7)
        price = np.round(2 + 0.2 * rng.normal(size=DAYS), 2)
        sold = level * (1 + 0.2 * week + 0.3 * promo) + rng.normal(size=DAYS)
        frames.append(
            pl.DataFrame(
                {
                    "shop": [shop] * DAYS,
                    "day": np.datetime64("2024-03-01") + np.arange(DAYS),
                    "sold": np.round(sold, 1),
                    "price": [None if at % 13 == 5 else value for at, value in enumerate(price)],
                    "promo": promo,
                    "area": [level * 4] * DAYS,
                }
            )
        )
    frame = pl.concat(frames)
    # the last two days are still to come: only what is known in advance is known of them
    last = pl.col("day") >= pl.col("day").max() - pl.duration(days=1)
    return frame.with_columns(
        pl.when(last).then(None).otherwise(pl.col(name)).alias(name) for name in ("sold", "price")
    )


def main() -> None:
    """Fit, write, and list what was written."""
    table, model = HERE / "sales.csv", HERE / "sales.lstm"
    sales().write_csv(table)
    columns = Columns("day", ("shop",), ("sold",), ("price",), ("promo",), ("area",))
    forecaster = Forecaster(
        columns,
        horizon=2,
        window=Window(context=5),
        recurrent=Recurrent(size=3, dropout=0.0),
        training=Training(epochs=3, members=2),
        split=Split(0.2, None),
    ).fit(table)
    # how long an epoch took is not what a golden file is for
    epochs = tuple(replace(epoch, seconds=0.25) for epoch in forecaster.history_.epochs)
    forecaster.history_ = replace(forecaster.history_, epochs=epochs)
    forecaster.save(model)
    content = artifact.read(model)
    forecast = forecaster.predict(table, quantiles=(0.1, 0.9))
    told = {
        "kind": content.kind,
        "version": content.version,
        "sections": content.sections,
        "tensors": {
            name: {
                "dtype": array.dtype.name,
                "shape": list(array.shape),
                "sum": float(array.sum(dtype=np.float64)),
            }
            for name, array in content.tensors.items()
        },
        "forecast": json.loads(forecast.write_json()),
    }
    text = json.dumps(told, indent=1, ensure_ascii=False)
    (HERE / "sales.json").write_text(text + "\n")
    print(f"{model}: {model.stat().st_size} bytes")


if __name__ == "__main__":
    main()

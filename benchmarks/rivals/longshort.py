"""Ours: ``python longshort.py TABLE SETTINGS OUT``."""

import json
import sys
from pathlib import Path

# this file's own name must not stand in the package's way
sys.path.pop(0)

import numpy as np
import polars as pl

import longshort as own
from longshort import Columns, Decoder, Forecaster, Recurrent, Split, Training, Window

path, s, out = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3]
table = pl.read_csv(path, try_parse_dates=True)
first, last = s["train"], s["train"] + s["valid"]
times = table["date"].to_list()
model = Forecaster(
    Columns("date", target="OT"),
    s["horizon"],
    window=Window(s["context"], calendar=False),
    split=Split(times[first].isoformat(" "), times[last].isoformat(" ")),
    output="mae",
    calibration="none",
    recurrent=Recurrent(s["size"], dropout=0.0),
    decoder=Decoder(highway="none"),
    training=Training(
        epochs=8, steps=s["steps"] // 8, batch=s["batch"], optimizer="adam", rate=s["rate"],
        weight_decay=0.0, clip=None, patience=None, members=1,
    ),
).fit(table)  # fmt: skip
windows = model.windows(table)
origins = list(range(last, len(table) - s["horizon"] + 1, 24))
found = model.forecasts(windows, [origin - s["context"] for origin in origins])
parameters = sum(p.numel() for p in model.models_[0].parameters())
told = {
    "points": np.asarray(found.point)[:, :, 0].tolist(),
    "origins": origins,
    "parameters": parameters,
    "versions": own.__version__,
}
Path(out).write_text(json.dumps(told))

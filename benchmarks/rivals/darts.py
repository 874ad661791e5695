"""Darts' BlockRNNModel: ``python darts.py TABLE SETTINGS OUT``."""

import json
import sys
from pathlib import Path

# this file's own name must not stand in the package's way
sys.path.pop(0)

import darts as own
import numpy as np
import pandas as pd
import torch
from darts import TimeSeries
from darts.dataprocessing.transformers import Scaler
from darts.models import BlockRNNModel
from sklearn.preprocessing import StandardScaler

path, s, out = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3]
table = pd.read_csv(path, parse_dates=["date"])
last = s["train"] + s["valid"]
series = TimeSeries.from_dataframe(table, "date", "OT").astype(np.float32)
scaler = Scaler(StandardScaler())
train = scaler.fit_transform(series[: s["train"]])
scaled = scaler.transform(series)
windows = s["train"] - s["context"] - s["horizon"] + 1
steps = -(-windows // s["batch"])
model = BlockRNNModel(
    input_chunk_length=s["context"], output_chunk_length=s["horizon"], model="LSTM",
    hidden_dim=s["size"], n_rnn_layers=1, batch_size=s["batch"],
    n_epochs=round(s["steps"] / steps), loss_fn=torch.nn.L1Loss(),
    optimizer_kwargs={"lr": s["rate"]},
    pl_trainer_kwargs={"enable_progress_bar": False, "logger": False, "accelerator": "cpu",
                       "enable_model_summary": False, "enable_checkpointing": False},
)  # fmt: skip
model.fit(train)
found = model.historical_forecasts(
    scaled, start=last, start_format="position", forecast_horizon=s["horizon"], stride=24,
    retrain=False, last_points_only=False,
)  # fmt: skip
rows = {time: at for at, time in enumerate(table["date"])}
told = {
    "points": [scaler.inverse_transform(f).values()[:, 0].tolist() for f in found],
    "origins": [rows[f.start_time()] for f in found],
    "parameters": sum(p.numel() for p in model.model.parameters()),
    "versions": own.__version__,
}
Path(out).write_text(json.dumps(told))

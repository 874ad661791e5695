"""NeuralForecast's LSTM: ``python neuralforecast.py TABLE SETTINGS OUT``."""

import json
import sys
from pathlib import Path

# this file's own name must not stand in the package's way
sys.path.pop(0)

import neuralforecast as own
import pandas as pd
from neuralforecast import NeuralForecast
from neuralforecast.losses.pytorch import MAE
from neuralforecast.models import LSTM

path, s, out = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3]
table = pd.read_csv(path, parse_dates=["date"]).rename(columns={"date": "ds", "OT": "y"})
table["unique_id"] = "oil"
last = s["train"] + s["valid"]
model = LSTM(
    h=s["horizon"], input_size=s["context"], encoder_n_layers=1, encoder_hidden_size=s["size"],
    decoder_hidden_size=s["size"], decoder_layers=1, recurrent=False, loss=MAE(),
    max_steps=s["steps"], learning_rate=s["rate"], batch_size=1, windows_batch_size=s["batch"],
    scaler_type="standard", enable_progress_bar=False, enable_model_summary=False, logger=False,
    enable_checkpointing=False,
)  # fmt: skip
test = len(table) - last
test -= (test - s["horizon"]) % 24
found = NeuralForecast([model], freq="h").cross_validation(
    table, n_windows=None, test_size=test, val_size=s["valid"], step_size=24
)
rows = {time: at for at, time in enumerate(table["ds"])}
cuts = sorted(found["cutoff"].unique())
points = [found[found["cutoff"] == cut]["LSTM"].to_numpy().tolist() for cut in cuts]
told = {
    "points": points,
    "origins": [rows[pd.Timestamp(cut)] + 1 for cut in cuts],
    "parameters": sum(p.numel() for p in model.parameters()),
    "versions": own.__version__,
}
Path(out).write_text(json.dumps(told))

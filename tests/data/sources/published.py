"""A tiny ELMo model in files of the published layout, and its equations word by word in NumPy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

FILTERS = [[1, 4], [2, 3], [5, 4]]
WIDTH = 11
SIZES = {"characters": 3, "longest": 12, "units": 7, "projection": 4, "layers": 2}


def options(activation: str = "relu", **lstm: Any) -> dict[str, Any]:
    return {
        "lstm": {
            "use_skip_connections": True, "projection_dim": SIZES["projection"], "cell_clip": 3,
            "proj_clip": 3, "dim": SIZES["units"], "n_layers": SIZES["layers"], **lstm,
        },
        "char_cnn": {
            "activation": activation, "filters": FILTERS, "n_highway": 2,
            "embedding": {"dim": SIZES["characters"]}, "n_characters": 262,
            "max_characters_per_token": SIZES["longest"],
        },
    }  # fmt: skip


def arrays(seed: int = 0, scale: float = 1.0) -> dict[str, NDArray[np.float32]]:
    random = np.random.default_rng(seed)
    hidden, units = SIZES["projection"], SIZES["units"]
    shapes: dict[str, tuple[int, ...]] = {"char_embed": (261, SIZES["characters"])}
    for at, (seen, number) in enumerate(FILTERS):
        shapes[f"CNN/W_cnn_{at}"] = (1, seen, SIZES["characters"], number)
        shapes[f"CNN/b_cnn_{at}"] = (number,)
    for at in range(2):
        for gate in ("transform", "carry"):
            shapes[f"CNN_high_{at}/W_{gate}"] = (WIDTH, WIDTH)
            shapes[f"CNN_high_{at}/b_{gate}"] = (WIDTH,)
    shapes |= {"CNN_proj/W_proj": (WIDTH, hidden), "CNN_proj/b_proj": (hidden,)}
    for direction in range(2):
        for layer in range(2):
            cell = f"RNN_{direction}/RNN/MultiRNNCell/Cell{layer}/LSTMCell"
            shapes |= {f"{cell}/W_0": (2 * hidden, 4 * units), f"{cell}/B": (4 * units,)}
            shapes[f"{cell}/W_P_0"] = (units, hidden)
    return {n: (scale * random.normal(size=s)).astype(np.float32) for n, s in shapes.items()}


def write(
    folder: Path, told: dict[str, Any] | None = None, held: dict[str, Any] | None = None
) -> Path:
    """The options in that folder, with the weights beside them."""
    path = folder / "tiny_options.json"
    path.write_text(json.dumps(options() if told is None else told))
    with h5py.File(folder / "tiny_weights.hdf5", "w") as file:
        for name, array in (arrays() if held is None else held).items():
            file[name] = array
    return path


def word_vector(
    weights: dict[str, NDArray[np.float64]], signs: list[int], activation: str
) -> NDArray[np.float64]:
    """``signs`` as they are numbered in the file: bytes, then 256 to 260."""
    padded = np.array(signs + [260] * (SIZES["longest"] - len(signs)))
    read = weights["char_embed"][padded]
    found = []
    for at, (seen, number) in enumerate(FILTERS):
        kernel, bias = weights[f"CNN/W_cnn_{at}"][0], weights[f"CNN/b_cnn_{at}"]
        answers = np.array([
            [(read[start : start + seen] * kernel[:, :, k]).sum() + bias[k] for k in range(number)]
            for start in range(len(padded) - seen + 1)
        ])  # fmt: skip
        bent = np.tanh(answers) if activation == "tanh" else np.maximum(answers, 0)
        found.append(bent.max(0))
    x = np.concatenate(found)
    for at in range(2):
        own = {k: weights[f"CNN_high_{at}/{k}"] for k in ("W_carry", "b_carry")}
        carry = expit(x @ own["W_carry"] + own["b_carry"])
        changed = x @ weights[f"CNN_high_{at}/W_transform"]
        changed = np.maximum(changed + weights[f"CNN_high_{at}/b_transform"], 0)
        x = carry * x + (1 - carry) * changed
    told: NDArray[np.float64] = x @ weights["CNN_proj/W_proj"] + weights["CNN_proj/b_proj"]
    return told


def lstm(
    weights: dict[str, NDArray[np.float64]], cell: str, x: NDArray[np.float64], clip: float
) -> NDArray[np.float64]:
    """TensorFlow 1's LSTMCell: gates i, j, f, o and 1 added to the forget gate."""
    kernel, bias, down = (weights[f"{cell}/{part}"] for part in ("W_0", "B", "W_P_0"))
    h, c, told = np.zeros(down.shape[1]), np.zeros(down.shape[0]), []
    for x_t in x:
        i, j, f, o = np.split(np.concatenate([x_t, h]) @ kernel + bias, 4)
        c = np.clip(expit(f + 1) * c + expit(i) * np.tanh(j), -clip, clip)
        h = np.clip((expit(o) * np.tanh(c)) @ down, -clip, clip)
        told.append(h)
    return np.array(told)


def layers(
    held: dict[str, NDArray[np.float32]],
    words: list[str],
    activation: str = "relu",
    clip: float = 3.0,
) -> list[NDArray[np.float64]]:
    """Three layers (T, 2 P) of one sentence."""
    weights = {name: array.astype(np.float64) for name, array in held.items()}
    most = SIZES["longest"] - 2
    spelt = [[258, *word.encode()[:most], 259] for word in words]
    marked = [[258, 256, 259], *spelt, [258, 257, 259]]
    x = np.array([word_vector(weights, signs, activation) for signs in marked])
    found = [np.concatenate([x, x], 1)]
    sides = [x, x[::-1]]
    for layer in range(2):
        for direction in range(2):
            cell = f"RNN_{direction}/RNN/MultiRNNCell/Cell{layer}/LSTMCell"
            out = lstm(weights, cell, sides[direction], clip)
            sides[direction] = out if layer == 0 else out + sides[direction]
        found.append(np.concatenate([sides[0], sides[1][::-1]], 1))
    return [layer[1:-1] for layer in found]

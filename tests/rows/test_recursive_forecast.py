"""A one-step forecast rolled out over a horizon whose covariates are known in advance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from longshort.contracts import Batch, Prediction
from longshort.data.codecs.numbers import NumberCodec
from longshort.data.encoding import Encoding
from longshort.data.sequences import Field, Sequences
from longshort.data.windows import Windows
from longshort.heads.real import RealHead
from longshort.model import Model
from longshort.rollout import rollout
from longshort.training import seeded

CONTEXT, HORIZON, DECAY, NOISE, LEVEL, SPREAD = 12, 10, 0.7, 0.3, 50.0, 10.0


@dataclass(frozen=True)
class Feed:
    """The choice, in the file's units, becomes the newest value read; the covariates are known."""

    codec: NumberCodec
    prompt: Batch
    known: Tensor

    def __call__(self, choice: Tensor, step: int) -> Batch:
        raw, offset, scale = (
            part.double().numpy() for part in (choice, self.prompt.offset, self.prompt.scale)
        )
        encoded = torch.from_numpy(self.codec.encode_target(raw, offset, scale)).float()
        known = self.known[:, step : step + 2]
        return self.prompt.replace(
            inputs={"numbers": torch.cat([encoded, known[:, 0]], 1).unsqueeze(1)},
            lengths=torch.ones_like(self.prompt.lengths),
            future={"numbers": known[:, 1:]},
            reference=encoded.unsqueeze(1),
            targets=None,
            target_mask=None,
        )


def middle(prediction: Prediction, step: int) -> Tensor:
    return prediction.point[:, 0]


def drawn(source: torch.Generator) -> Callable[[Prediction, int], Tensor]:
    """One draw from each row's quantiles, straight between levels."""

    def choose(prediction: Prediction, step: int) -> Tensor:
        at = torch.tensor(prediction.levels, dtype=torch.float64)
        quantiles = prediction.quantiles[:, 0]
        u = torch.rand(quantiles.shape[:-1], generator=source, dtype=torch.float64)
        right = torch.searchsorted(at, u).clamp(1, len(at) - 1).unsqueeze(-1)
        low, high = quantiles.gather(-1, right - 1), quantiles.gather(-1, right)
        share = (u.unsqueeze(-1) - at[right - 1]) / (at[right] - at[right - 1])
        return (low + share * (high - low)).squeeze(-1)

    return choose


@torch.no_grad()
def paths(
    model: Model, windows: Windows, ahead: Windows, index: range, choose: object, count: int = 1
) -> np.ndarray:
    """(count, N, L) in the file's units."""
    again = torch.arange(len(index)).repeat(count)
    prompt = windows.batch(index).select(again)
    known = torch.from_numpy(ahead.known(index))[again]
    loop = rollout(model, prompt, HORIZON, choose, Feed(windows.codec, prompt, known))
    return torch.cat([choice for choice, _, _ in loop], 1).numpy().reshape(count, -1, HORIZON)


# the application


@pytest.fixture(scope="module")
def series() -> Sequences:
    """y_t = decay y_{t-1} + u_t + noise; u jumps between -1 and 1 and is known in advance."""
    rng = np.random.default_rng(1)
    rows = 1200
    u = np.where(np.cumsum(rng.random(rows) < 0.2) % 2 == 0, 1.0, -1.0)
    y = np.zeros(rows)
    for t in range(1, rows):
        y[t] = DECAY * y[t - 1] + u[t] + NOISE * rng.standard_normal()
    values = np.stack([LEVEL + SPREAD * y, 3.0 + u], 1)
    fields = (Field("demand", "target"), Field("price", "future"))
    return Sequences(fields, ("",), np.array([0, rows]), None, None, values, "made up")


def view(series: Sequences, first: int, last: int, horizon: int) -> Windows:
    codec = NumberCodec.fit(series, np.array([1000]))
    encoding = Encoding(codec, CONTEXT, horizon, "last", 1, (), ())
    return Windows(series, encoding, np.array([first]), np.array([last]))


@pytest.fixture(scope="module")
def model(
    series: Sequences, trunk: Callable[..., nn.Module], train: Callable[..., object]
) -> Model:
    windows = view(series, CONTEXT, 1000, 1)
    with seeded(0):
        head = RealHead(12, 1, 1, inputs=windows.width, future=windows.known_width)
        model = Model(trunk(12, numbers={"numbers": windows.width}), head, windows.codec)
    train(model, windows, batch=32, epochs=15)
    return model


def parts(series: Sequences) -> tuple[Windows, Windows, range]:
    """One-step windows to start from, and windows of the whole horizon at the same origins."""
    step, whole = (view(series, 1000, 1190, horizon) for horizon in (1, HORIZON))
    return step, whole, range(190)


def test_rollout_beats_persistence_and_nears_the_truth(series: Sequences, model: Model) -> None:
    windows, ahead, index = parts(series)
    actual = ahead.actual(index)[..., 0]
    found = paths(model, windows, ahead, index, middle)[0]
    persistence = ahead.seasonal(index, 1)[..., 0]
    y = (ahead.past(index, 1)[:, 0, 0] - LEVEL) / SPREAD
    u = series.values[1000 + np.array(index)[:, None] + np.arange(HORIZON), 1] - 3.0
    truth = np.zeros_like(found)
    for step in range(HORIZON):
        y = DECAY * y + u[:, step]
        truth[:, step] = LEVEL + SPREAD * y
    error, naive, best = (np.abs(p - actual).mean() for p in (found, persistence, truth))
    assert error < 0.4 * naive
    assert error < 1.25 * best


def test_first_step_is_the_model_itself(series: Sequences, model: Model) -> None:
    windows, ahead, index = parts(series)
    with torch.no_grad():
        direct = model.predict(windows.batch(index)).point[:, 0, 0].numpy()
    np.testing.assert_array_equal(paths(model, windows, ahead, index, middle)[0, :, 0], direct)


def test_second_step_has_read_the_choice_and_the_covariate(series: Sequences, model: Model) -> None:
    """The rollout's second answer is that to the context and one row more, written by hand."""
    windows, ahead, index = parts(series)
    rolled = paths(model, windows, ahead, index, middle)[0]
    batch, known = windows.batch(index), torch.from_numpy(ahead.known(index))
    value = torch.from_numpy((rolled[:, :1] - windows.codec.centre[0]) / windows.codec.spread[0])
    row = torch.cat([value.float(), known[:, 0]], 1).unsqueeze(1)
    longer = batch.replace(
        inputs={"numbers": torch.cat([batch.inputs["numbers"], row], 1)},
        lengths=batch.lengths + 1,
        future={"numbers": known[:, 1:2]},
        reference=value.float().unsqueeze(1),
    )
    with torch.no_grad():
        expected = model.predict(longer).point[:, 0, 0].numpy()
    np.testing.assert_allclose(rolled[:, 1], expected, rtol=1e-5)


def test_sampled_paths_spread_as_the_process_does(series: Sequences, model: Model) -> None:
    windows, ahead, _ = parts(series)
    index = range(0, 190, 10)
    choose = drawn(torch.Generator().manual_seed(0))
    spread = paths(model, windows, ahead, index, choose, 200).std(0).mean(0)
    lags = np.arange(1, HORIZON + 1)
    truth = SPREAD * NOISE * np.sqrt((1 - DECAY ** (2 * lags)) / (1 - DECAY**2))
    assert spread[4] > 1.15 * spread[0]
    np.testing.assert_allclose(spread, truth, rtol=0.25)

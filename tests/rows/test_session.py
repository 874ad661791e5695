"""Values pushed one at a time into a forecaster that reads the last T of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from safetensors import torch as files
from torch import nn

from longshort.contracts import Batch, Prediction, State, within
from longshort.data.codecs.numbers import NumberCodec
from longshort.data.encoding import Encoding
from longshort.data.sequences import Field, Sequences
from longshort.data.windows import Windows
from longshort.heads.real import RealHead
from longshort.model import Model
from longshort.training import seeded

CONTEXT, HORIZON = 8, 3


class Session:
    """The last T raw values, newest last, and how many came; a State is all there is."""

    def __init__(self, model: Model, encoding: Encoding, state: State | None = None) -> None:
        self.model, self.encoding = model, encoding
        none = {
            "values": torch.zeros(1, encoding.context, dtype=torch.float64),
            "count": torch.zeros(1, dtype=torch.int64),
        }
        self.state = state or State(none)

    @torch.no_grad()
    def push(self, x: float) -> Prediction:
        values, count = self.state.tensor("values"), self.state.tensor("count")
        new = torch.tensor([[x]], dtype=torch.float64)
        self.state = State({"values": torch.cat([values[:, 1:], new], 1), "count": count + 1})
        return self.model.predict(self._batch())

    def _batch(self) -> Batch:
        raw = self.state.tensor("values")
        lengths = self.state.tensor("count").clamp(max=self.encoding.context)
        codec = self.encoding.codec
        offset, scale = torch.from_numpy(codec.centre)[None], torch.from_numpy(codec.spread)[None]
        encoded = torch.from_numpy(codec.encode_target(raw.numpy(), codec.centre, codec.spread))
        # values stand at the end until the context is full; rows begin at their first step
        encoded = torch.stack(
            [row.roll(int(n)) for row, n in zip(encoded, lengths, strict=True)]
        ).float() * within(lengths, self.encoding.context)
        last = encoded.gather(1, lengths.unsqueeze(1) - 1)
        return Batch(
            inputs={"numbers": encoded.unsqueeze(2)},
            lengths=lengths,
            reference=last.unsqueeze(2).expand(-1, HORIZON, -1),
            offset=offset,
            scale=scale,
        )


# the application


def written(values: np.ndarray) -> Sequences:
    fields = (Field("load", "target"),)
    return Sequences(
        fields, ("",), np.array([0, len(values)]), None, None, values[:, None], "made up"
    )


@pytest.fixture(scope="module")
def values() -> np.ndarray:
    rng = np.random.default_rng(0)
    return 20 + 5 * np.sin(np.arange(300) / 3) + rng.standard_normal(300)


@pytest.fixture(scope="module")
def encoding(values: np.ndarray) -> Encoding:
    codec = NumberCodec.fit(written(values), np.array([200]))
    return Encoding(codec, CONTEXT, HORIZON, "last", 1, (), ())


@pytest.fixture(scope="module")
def model(
    values: np.ndarray,
    encoding: Encoding,
    trunk: Callable[..., nn.Module],
    train: Callable[..., object],
) -> Model:
    series = written(values)
    windows = Windows(series, encoding, np.array([CONTEXT]), np.array([200 - HORIZON]))
    with seeded(0):
        head = RealHead(8, HORIZON, 1, inputs=1)
        model = Model(trunk(8, numbers={"numbers": 1}), head, encoding.codec)
    train(model, windows, batch=32, epochs=3)
    return model


def same(one: Prediction, other: Prediction) -> None:
    assert torch.equal(one.point, other.point)
    assert torch.equal(one.quantiles, other.quantiles)


@torch.no_grad()
def test_a_pushed_value_gives_what_the_history_gives(
    values: np.ndarray, encoding: Encoding, model: Model
) -> None:
    session = Session(model, encoding)
    for end in range(1, 40):
        pushed = session.push(values[end - 1])
        if end < CONTEXT:
            same(pushed, model.predict(short(values[:end], encoding)))
        else:
            history = Windows.ahead(written(values[:end]), encoding)
            same(pushed, model.predict(history.batch([0])))


def short(history: np.ndarray, encoding: Encoding) -> Batch:
    """A history shorter than the context, without padding."""
    codec = encoding.codec
    encoded = torch.from_numpy((history - codec.centre) / codec.spread).float().view(1, -1, 1)
    return Batch(
        inputs={"numbers": encoded},
        lengths=torch.tensor([len(history)]),
        reference=encoded[:, -1:].expand(-1, HORIZON, -1),
        offset=torch.from_numpy(codec.centre)[None],
        scale=torch.from_numpy(codec.spread)[None],
    )


@pytest.mark.parametrize("at", [0, 3, 20])
def test_a_restored_session_goes_on(
    values: np.ndarray, encoding: Encoding, model: Model, at: int
) -> None:
    session = Session(model, encoding)
    for x in values[:at]:
        session.push(x)
    saved = files.save(session.state.flatten())
    restored = Session(model, encoding, State.unflatten(files.load(saved)))
    for x in values[at : at + 12]:
        same(session.push(x), restored.push(x))


def test_sessions_do_not_meet(values: np.ndarray, encoding: Encoding, model: Model) -> None:
    starts = (0, 100)
    alone = []
    for start in starts:
        session = Session(model, encoding)
        alone.append([session.push(x) for x in values[start : start + 30]])
    together = [Session(model, encoding) for _ in starts]
    for step in range(30):
        for session, start, expected in zip(together, starts, alone, strict=True):
            same(session.push(values[start + step]), expected[step])

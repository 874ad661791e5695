"""Layers by name, what stays frozen, who learns when, and how fast."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from longshort.errors import ArgumentError
from longshort.heads.real import RealHead
from longshort.layers.embed import Embed
from longshort.layers.encoder import Recurrent, RecurrentEncoder
from longshort.model import Model
from longshort.records import Epoch
from longshort.training import Training, fit, make_optimizer, seeded
from longshort.training.layers import layers_of
from longshort.training.settings import learning_layers, thaw
from longshort.training.snapshot import Snapshot

from .lines import Points, points


def deep(dropout: float = 0.1) -> Model:
    with seeded(0):
        encoder = RecurrentEncoder(Embed({"numbers": 3}), Recurrent(4, 3, dropout=dropout))
        return Model(encoder, RealHead(4, 1, 1, "mse"))


def series(seed: int = 0) -> Points:
    """Rows of two steps whose last one tells the answer."""
    data = points(40, seed)
    return Points(torch.cat([data.x.flip(0), data.x], 1).float(), data.y.float())


def weights(model: Model) -> dict[str, Tensor]:
    return {name: p.detach().clone() for name, p in model.named_parameters()}


def moved(model: Model, before: dict[str, Tensor]) -> set[str]:
    """Names of layers of which any weight is another, bit by bit."""
    now = {layer.name: layer.parameters for layer in layers_of(model)}
    names = {id(p): name for name, p in model.named_parameters()}
    return {
        layer
        for layer, parameters in now.items()
        if any(not torch.equal(p, before[names[id(p)]]) for p in parameters)
    }


def trained(model: Model, **changes: Any) -> list[Epoch]:
    training = Training(batch=16, patience=None, **{"epochs": 2, "rate": 0.02, **changes})
    return list(fit(model, series(), series(seed=1), training))


def test_layers_stand_from_the_input_up_and_hold_every_parameter_once() -> None:
    model = deep()
    layers = layers_of(model)
    names = ["embed", "encoder.0", "encoder.1", "encoder.2", "head"]
    assert [layer.name for layer in layers] == names
    assert [layer.above for layer in layers] == [4, 3, 2, 1, 0]
    held = [id(p) for layer in layers for p in layer.parameters]
    assert sorted(held) == sorted(map(id, model.parameters()))
    # where there is one rate, the order is that of the model: old checkpoints go on
    assert held == [id(p) for p in model.parameters()]


@pytest.mark.parametrize(
    ("freeze", "learns"),
    [
        (("embed", "encoder"), {"head"}),
        (("encoder.0", "encoder.1"), {"encoder.2", "head"}),
        (("head",), {"encoder.0", "encoder.1", "encoder.2"}),
    ],
)
@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_frozen_layers_do_not_move_by_a_bit(
    freeze: tuple[str, ...], learns: set[str], optimizer: Any
) -> None:
    model = deep()
    before = weights(model)
    trained(model, freeze=freeze, optimizer=optimizer, weight_decay=0.1)
    assert moved(model, before) == learns
    assert all(p.requires_grad for p in model.parameters())


def test_gradual_unfreezing_adds_a_layer_in_each_epoch() -> None:
    model = deep()
    training = Training(epochs=4, batch=16, rate=0.02, unfreeze="gradual", patience=None)
    loop = fit(model, series(), None, training)
    order = ["head", "encoder.2", "encoder.1", "encoder.0"]
    for epoch in range(4):
        before = weights(model)
        next(loop)
        assert moved(model, before) == set(order[: epoch + 1])


def test_frozen_layers_are_no_part_of_gradual_unfreezing() -> None:
    model = deep()
    training = Training(freeze=("head", "encoder.0"), unfreeze="gradual")
    layers = learning_layers(model, training)
    for epoch, names in enumerate([["encoder.2"], ["encoder.1", "encoder.2"]]):
        thaw(layers, "gradual", epoch)
        learning = [layer.name for layer in layers if layer.parameters[0].requires_grad]
        assert learning == names


def test_each_layer_learns_at_a_share_of_the_rate_of_the_one_above() -> None:
    """With plain gradient descent a step is the rate times the gradient, so steps tell rates."""
    steps = {}
    for share in (1.0, 0.5):
        model = deep(0.0)
        before = weights(model)
        trained(
            model, epochs=1, steps=1, rate=1.0, optimizer="sgd", weight_decay=0.0,
            discriminative=share,
        )  # fmt: skip
        steps[share] = {name: p - before[name] for name, p in weights(model).items()}
    for name, step in steps[0.5].items():
        number = name[-1] if name.startswith("encoder") else "3"
        wanted = steps[1.0][name] * 0.5 ** (3 - int(number))
        torch.testing.assert_close(step, wanted, rtol=1e-3, atol=1e-6)


def test_one_rate_is_one_group() -> None:
    model = deep()
    assert len(make_optimizer(model, Training()).param_groups) == 1
    groups = make_optimizer(model, Training(rate=0.1, discriminative=0.5)).param_groups
    assert [group["lr"] for group in groups] == pytest.approx([0.0125, 0.025, 0.05, 0.1])


def test_the_rate_on_record_is_that_of_the_last_layer() -> None:
    epochs = trained(deep(), discriminative=0.5, rate=0.02)
    assert [epoch.rate for epoch in epochs] == [0.02, 0.02]


@pytest.mark.parametrize("at", [1, 5, 8, 12])
def test_a_run_goes_on_bit_by_bit_whatever_is_frozen_when(at: int) -> None:
    training = Training(
        epochs=4, batch=16, rate=0.02, unfreeze="gradual", discriminative=0.5, freeze=("embed",)
    )

    class Keeper:
        def __init__(self) -> None:
            self.count, self.kept = 0, list[Snapshot]()

        def due(self) -> bool:
            self.count += 1
            return self.count == at

        def keep(self, snapshot: Snapshot) -> None:
            self.kept.append(snapshot)

    keeper, whole = Keeper(), deep()
    list(fit(whole, series(), series(seed=1), training, keeper=keeper))
    again = deep()
    list(fit(again, series(), series(seed=1), training, start=keeper.kept[0]))
    assert all(torch.equal(p, weights(whole)[name]) for name, p in weights(again).items())


def test_layers_that_are_not_there_are_refused() -> None:
    with pytest.raises(ArgumentError, match=r"no layer 'encodr': did you mean 'encoder'"):
        Training(freeze=("encodr",))
    with pytest.raises(ArgumentError, match=r"no layer 'encoder.3', only embed, encoder.0"):
        make_optimizer(deep(), Training(freeze=("encoder.3",)))
    with pytest.raises(ArgumentError, match="nothing is left to learn"):
        make_optimizer(deep(), Training(freeze=("encoder", "head")))
    with pytest.raises(ArgumentError, match=r"discriminative=0.*above 0, to 1"):
        Training(discriminative=0)
    with pytest.raises(ArgumentError, match=r"unfreeze='slowly'"):
        Training(unfreeze="slowly")  # type: ignore[arg-type]

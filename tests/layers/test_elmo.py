"""Published models of ELMo: the network beside their equations, word by word."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from longshort.contracts import Batch
from longshort.data.codecs.spelling import spell
from longshort.data.sources.elmo import read_elmo
from longshort.layers.elmo import Elmo, weights
from tests.data.sources import published

SENTENCES = [
    ["Time", "flies", "like", "an", "arrow", "."],
    ["Schifffahrtsgesellschaft", "né", "\ud800"],
    [],
]


def elmo_of(path: Path) -> Elmo:
    found = read_elmo(path)
    model = Elmo.of(found.options.get_params())
    model.load_state_dict(weights(found))
    return model


def batch_of(sentences: list[list[str]]) -> Batch:
    lengths = torch.tensor([len(words) for words in sentences])
    spelt = spell(sentences, published.SIZES["longest"])
    return Batch({"pretrained": torch.from_numpy(spelt)}, lengths)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("scale", [0.3, 1.0])
def test_layers_are_those_of_the_equations(tmp_path: Path, activation: str, scale: float) -> None:
    held = published.arrays(3, scale)
    path = published.write(tmp_path, published.options(activation), held)
    model = elmo_of(path).double()
    assert model.width == 8
    assert model.depth == 3
    with torch.no_grad():
        found = model(batch_of(SENTENCES))
    for row, words in enumerate(SENTENCES):
        # half a surrogate has no bytes
        written = [word.encode("utf-8", "ignore").decode() for word in words]
        wanted = published.layers(held, written, activation)
        for own, truth in zip(found, wanted, strict=True):
            np.testing.assert_allclose(own[row, : len(words)], truth.reshape(-1, 8), atol=1e-10)
            assert not own[row, len(words) :].any()


def test_clips_bind(tmp_path: Path) -> None:
    held = published.arrays(3, 2.0)
    told = published.options(cell_clip=0.4, proj_clip=0.4)
    model = elmo_of(published.write(tmp_path, told, held)).double()
    words = SENTENCES[0]
    with torch.no_grad():
        found = model(batch_of([words]))
    for own, truth in zip(found, published.layers(held, words, clip=0.4), strict=True):
        np.testing.assert_allclose(own[0], truth, atol=1e-10)
    loose = published.layers(held, words)
    assert np.abs(loose[1] - found[1][0].numpy()).max() > 0.1


def test_neighbours_and_what_came_before_change_nothing(tmp_path: Path) -> None:
    model = elmo_of(published.write(tmp_path)).double()
    with torch.no_grad():
        together = model(batch_of(SENTENCES[:2]))
        alone = [model(batch_of([words])) for words in SENTENCES[:2]]
        again = model(batch_of(SENTENCES[:2]))
    for layer in range(3):
        assert torch.equal(together[layer], again[layer])
        for row, words in enumerate(SENTENCES[:2]):
            torch.testing.assert_close(
                together[layer][row, : len(words)], alone[row][layer][0], atol=1e-12, rtol=1e-12
            )


def test_the_mark_of_a_sentence_is_one_sign(tmp_path: Path) -> None:
    held = published.arrays(3, 0.3)
    model = elmo_of(published.write(tmp_path, held=held)).double()
    weights = {name: array.astype(np.float64) for name, array in held.items()}
    with torch.no_grad():
        lowest = model(batch_of([["<S>", "</S>"]]))[0][0]
    for at, sign in enumerate((256, 257)):
        truth = published.word_vector(weights, [258, sign, 259], "relu")
        np.testing.assert_allclose(lowest[at, :4], truth, atol=1e-12)


def test_gradients_reach_every_weight(tmp_path: Path) -> None:
    model = elmo_of(published.write(tmp_path))
    sum(layer.square().sum() for layer in model(batch_of(SENTENCES))).backward()
    # its second bias is there because every layer of ours has two
    assert all(p.grad is not None and p.grad.any() for p in model.parameters())

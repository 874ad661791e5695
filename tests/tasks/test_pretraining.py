"""Classifiers and taggers that begin with a language model."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch

import longshort
from longshort import Classifier, LanguageModel, Recurrent, Tokens, Training
from longshort.model import Model

GOOD, BAD = ("fine", "lovely", "splendid"), ("awful", "dull", "gloomy")
FEW = Training(epochs=2, members=1, rate=0.01)


def reviews(count: int = 60) -> tuple[list[str], list[int]]:
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, count).tolist()
    plain = ("the", "film", "was", "a", "story")
    texts = []
    for label in labels:
        words = random.choice(plain, 5).tolist()
        words[random.integers(5)] = str(random.choice(GOOD if label else BAD))
        texts.append(" ".join(words))
    return texts, labels


def language_model(folder: Path, **changes: Any) -> Path:
    """The file of a language model of these reviews."""
    path = folder / "lm.lstm"
    given = {"recurrent": Recurrent(12, 2, dropout=0.1), "training": FEW, **changes}
    LanguageModel(**given).fit(["\n".join(reviews()[0])]).save(path)
    return path


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return language_model(tmp_path_factory.mktemp("lm"), direction="both")


def small(pretrained: Any, **changes: Any) -> Classifier:
    return Classifier(
        pretrained=pretrained, recurrent=Recurrent(8), training=FEW.set_params(**changes)
    )


def trunk(model: Model) -> dict[str, torch.Tensor]:
    return {n: p for n, p in model.named_parameters() if ".pretrained.trunk." in n}


@pytest.mark.parametrize("unit", ["characters", "bytes", "words", "subwords"])
@pytest.mark.parametrize("direction", ["forward", "both"])
def test_vectors_are_the_states_at_each_words_ends(
    tmp_path: Path, unit: Any, direction: Literal["forward", "both"]
) -> None:
    """Against the language model itself, which reads each text by itself, symbol by symbol."""
    tokens = Tokens(unit, size=280 if unit == "subwords" else None)
    file = language_model(tmp_path, tokens=tokens, direction=direction)
    own = LanguageModel.from_file(file)
    texts, labels = reviews(6)
    texts[0] = "a né film"
    model = small(file).fit(texts, labels)
    reading = model.known_.reading
    corpus = longshort.Corpus("texts", texts=tuple(texts))
    network = model.models_[0].encoder.embed.pretrained
    from longshort.data.items import Items

    batch = Items(corpus, reading, None, np.arange(6)).batch(range(6))
    with torch.no_grad():
        layers = network.trunk(batch)
    assert len(layers) == network.trunk.depth
    encoder = own.models_[0].encoder
    from longshort.contracts import Batch
    from longshort.layers.bothways import one_way

    for row, text in enumerate(texts):
        ends = 0
        for step, word in enumerate(text.split()):
            begin = text.index(word, ends)
            ends = begin + len(word)
            # what was read when the word was over
            read = own.codec_.encode(text[:ends])
            with torch.no_grad():
                told = one_way(encoder)(
                    Batch({"symbols": torch.tensor([[0, *read]])}, torch.tensor([len(read) + 1]))
                )
            wanted = [layer[0, -1] for layer in told.layers]
            wanted = wanted[-len(layers) :]
            for layer, each in zip(layers, wanted, strict=True):
                if unit != "subwords":
                    got = layer[row, step, : len(each)]
                    torch.testing.assert_close(got, each, rtol=1e-4, atol=1e-5)

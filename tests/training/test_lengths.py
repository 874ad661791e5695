"""Training on texts of different lengths: padding changes nothing, and a run goes on bit by bit."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from longshort.data.corpus import Corpus
from longshort.data.items import Items
from longshort.data.readings.words import Text, TextReading
from longshort.heads.category import CategoryHead
from longshort.layers.embed import Embed
from longshort.layers.encoder import Recurrent, RecurrentEncoder
from longshort.model import Model, predicting
from longshort.training import seeded
from longshort.training.loss import lengths_of, mean_loss

from .test_snapshot import check_every_moment

WORDS = "good bad dull fine film plot cast The end ! :-)".split()  # noqa: SIM905


def texts(count: int, seed: int) -> tuple[Corpus, np.ndarray]:
    """Texts of 0 to 30 words, and whether the first of good and bad is good."""
    random = np.random.default_rng(seed)
    drawn = [random.choice(WORDS, n).tolist() for n in random.integers(0, 31, count)]
    wanted = [next((w == "good" for w in words if w in ("good", "bad")), False) for words in drawn]
    return Corpus("drawn", texts=tuple(map(" ".join, drawn))), np.array(wanted, np.int64)


TRAIN, LABELS = texts(60, 0)


def reading(**settings: object) -> TextReading:
    small = {"width": 6, "buckets": 50, "character_size": 6}
    return TextReading.fit(TRAIN, Text(**(small | settings)))  # type: ignore[arg-type]


def network(found: TextReading, pooling: str = "max") -> Model:
    with seeded(0):
        stack = Recurrent(5, bidirectional=True, dropout=0.2)
        head = CategoryHead(stack.width, 2, pooling=pooling, directions=2, dropout=0.3)
        return Model(RecurrentEncoder(Embed.of(found.widths), stack), head)


def items(found: TextReading, corpus: Corpus = TRAIN, labels: np.ndarray = LABELS) -> Items:
    return Items(corpus, found, labels, np.arange(len(corpus)))


@pytest.mark.parametrize(
    ("characters", "buckets"), [("none", 50), ("none", 100_000), ("cnn", 50), ("lstm", 50)]
)
def test_a_run_on_texts_goes_on_from_any_moment(characters: str, buckets: int) -> None:
    # with a large table the optimiser is another
    found = reading(characters=characters, rare_dropout=0.3, buckets=buckets)
    valid = items(found, *texts(20, 1))
    check_every_moment(
        lambda: network(found), items(found), valid, fewest=8, epochs=2, optimizer="adam"
    )


@pytest.mark.parametrize("pooling", ["last", "mean+max", "attention"])
@pytest.mark.parametrize("characters", ["none", "cnn", "lstm"])
def test_neither_padding_nor_order_changes_a_prediction(pooling: str, characters: str) -> None:
    found = reading(characters=characters)
    model, data = network(found, pooling), items(found)
    order = np.random.default_rng(0).permutation(len(data))
    with predicting(model), torch.no_grad():
        alone = torch.cat([model.decode(data.batch([n])).scores for n in range(len(data))])  # type: ignore[misc]
        together = model.decode(data.batch(order.tolist())).scores
    assert together is not None
    torch.testing.assert_close(together, alone[order])


def test_the_mean_loss_is_that_of_any_order() -> None:
    found = reading()
    model, data = network(found), items(found)
    assert lengths_of(data) is not None
    whole = mean_loss(model, data)
    assert mean_loss(model, data, rows=7) == pytest.approx(whole, rel=1e-6)
    with predicting(model), torch.no_grad():
        each = [float(model.loss(data.batch([n]))[0].total) for n in range(len(data))]
    assert whole == pytest.approx(sum(each) / len(each), rel=1e-6)

"""What becomes of a batch's fields, against sums by hand, and what training disturbs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from longshort.contracts import Batch
from longshort.data.items import Characters, Widths
from longshort.layers.embed import Embed, bag_means
from longshort.model import predicting

WIDTHS = Widths(
    numbers={"shapes": 2},
    symbols={"words": (20, 5)},
    labels={"place": (3, 2)},
    characters={"characters": Characters("cnn", 9, 3, 4)},
    bags={"ngrams": ("words", 11)},
    scale=0.1,
)


def batch(rows: int = 6, steps: int = 4) -> Batch:
    random = np.random.default_rng(0)

    def draw(high: int, *shape: int) -> Tensor:
        return torch.from_numpy(random.integers(0, high, shape))

    return Batch(
        inputs={
            "shapes": draw(2, rows, steps, 2).float(),
            "words": draw(20, rows, steps),
            "ngrams": draw(11, rows, steps, 3).int(),
            "characters": draw(9, rows, steps, 5),
        },
        lengths=torch.full((rows,), steps),
        static={"place": draw(3, rows)},
    )


def embed(**changes: object) -> Embed:
    torch.manual_seed(0)
    return Embed.of(Widths(**(vars(WIDTHS) | changes)))  # type: ignore[arg-type]


def test_parts_stand_side_by_side() -> None:
    made, read = embed(), batch()
    found = made(read)
    assert found.shape == (6, 4, made.width)
    assert made.width == 2 + 5 + 4 + 2
    for row in range(6):
        for step in range(4):
            bag = [int(n) for n in read.inputs["ngrams"][row, step] if n]
            vector = made.weight("words")[read.inputs["words"][row, step]]
            if bag:
                vector = vector + made.weight("ngrams")[bag].mean(0)
            letters = made.networks["characters"](read.inputs["characters"][row, step][None])[0]
            place = made.weight("place")[read.static["place"][row]]
            shapes = read.inputs["shapes"][row, step]
            torch.testing.assert_close(
                found[row, step], torch.cat([shapes, vector, letters, place])
            )


def test_first_values_are_as_wide_as_asked() -> None:
    table = embed(symbols={"words": (2000, 50)}).weight("words").detach()
    assert float(table.std()) == pytest.approx(0.1, rel=0.02)
    torch.manual_seed(3)
    plain = Embed(symbols={"words": (7, 3)}).weight("words")
    torch.manual_seed(3)
    assert torch.equal(plain, torch.nn.Embedding(7, 3).weight)


def test_the_mean_of_nothing_is_0() -> None:
    table = torch.randn(4, 3, requires_grad=True)
    x = torch.tensor([[[0, 0], [1, 3]], [[0, 2], [0, 0]]])
    found = bag_means(table, x)
    expected = [[torch.zeros(3), (table[1] + table[3]) / 2], [table[2], torch.zeros(3)]]
    torch.testing.assert_close(found, torch.stack([torch.stack(row) for row in expected]))
    found.sum().backward()
    assert table.grad is not None
    assert table.grad[:, 0].tolist() == [0, 0.5, 1, 0.5]
    assert bag_means(table, torch.zeros(2, 0, 3, dtype=torch.int32)).shape == (2, 0, 3)


@pytest.mark.parametrize(
    "changes", [{"dropout": 0.5}, {"forget": 0.5}, {"dropout": 0.3, "forget": 0.2}]
)
def test_what_is_disturbed_is_the_same_however_a_batch_is_cut(changes: dict[str, float]) -> None:
    given: dict[str, object] = dict(changes)
    if "forget" in changes:
        given["forget"] = {"words": np.full(20, changes["forget"], np.float32)}
    made, read = embed(**given), batch(rows=8)
    seeded: Callable[[Batch], Tensor] = lambda part: (torch.manual_seed(7), made(part))[1]  # noqa: E731
    whole = seeded(read)
    parts = [seeded(read.slice(start, start + 2)) for start in range(0, 8, 2)]
    torch.testing.assert_close(torch.cat(parts), whole)
    with predicting(made):
        assert torch.equal(made(read), embed()(read))
    assert not torch.equal(whole, embed()(read))


def test_words_are_forgotten_as_often_as_asked() -> None:
    share = np.where(np.arange(20) < 10, 0.0, 0.4).astype(np.float32)
    made = embed(forget={"words": share}, bags={})
    with torch.no_grad():
        made.weight("words").copy_(torch.arange(20.0).unsqueeze(1).expand(20, 5) + 1)
    read = batch(200, 50)
    found = made(read)[:, :, 2].round().long() - 1
    words = read.inputs["words"]
    assert torch.equal(found[words < 10], words[words < 10])
    lost = found[words >= 10] == 0
    assert float(lost.float().mean()) == pytest.approx(0.4, abs=0.02)
    assert torch.equal(found[words >= 10][~lost], words[words >= 10][~lost])


def test_frozen_tables_do_not_learn_and_known_values_come_first() -> None:
    first = np.full((20, 5), np.nan, np.float32)
    first[3] = 7
    made = embed(first={"words": first}, frozen=("words",))
    assert not made.weight("words").requires_grad
    assert made.weight("words")[3].tolist() == [7] * 5
    assert made.weight("words").isfinite().all()
    assert made.weight("ngrams").requires_grad

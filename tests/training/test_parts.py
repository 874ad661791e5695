"""A batch in parts: the same gradient, whatever memory there is."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest
import torch
from torch import Tensor

from longshort.contracts import Batch, State
from longshort.errors import TrainingError
from longshort.heads.real import RealHead
from longshort.layers.embed import Embed
from longshort.layers.encoder import Recurrent, RecurrentEncoder
from longshort.model import Model
from longshort.training import mean_loss, seeded
from longshort.training.parts import gradient, halving, out_of_memory, pieces, put_together
from longshort.training.ranks import Ranks

from .lines import recurrent, run, series

ERRORS = (
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:121] . DefaultCPUAllocator: not enough memory"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:119] err == 0. DefaultCPUAllocator: can't "
                 "allocate memory: you tried to allocate 80000000000 bytes. Error code 12"),
    RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
    MemoryError(),
)  # fmt: skip


def deep(memory: str = "window") -> Model:
    """Two layers with dropout before, between and after them, in float64."""
    with seeded(1):
        encoder = RecurrentEncoder(Embed({"numbers": 3}), Recurrent(size=5, depth=2, dropout=0.4))
        return Model(encoder, RealHead(5, 2, 1, "quantiles"), memory=memory).double().train()


def batch(rows: int = 11) -> Batch:
    source = torch.Generator().manual_seed(2)

    def draw(*shape: int) -> Tensor:
        return torch.randn(rows, *shape, generator=source, dtype=torch.float64)

    return Batch(
        {"numbers": draw(7, 3)},
        torch.randint(1, 8, (rows,), generator=source),
        reference=draw(2, 1),
        targets=draw(2, 1),
        target_mask=draw(2, 1) > -0.5,
    )


def gradients(model: Model) -> list[Tensor]:
    return [p.grad.clone() for p in model.parameters() if p.grad is not None]


@pytest.mark.parametrize("carried", [False, True])
@pytest.mark.parametrize("rows", [1, 2, 3, 5, 10, 11, 32])
def test_parts_give_the_gradient_of_the_whole(rows: int, carried: bool) -> None:
    model, whole = deep("carried" if carried else "window"), batch()
    state = None
    if carried:
        _, state = model.loss(batch())
        state = state.detach()
    with seeded(5):
        loss, end = model.loss(whole, state)
    loss.mean.backward()
    expected = gradients(model)
    with seeded(5):
        found = gradient(model, whole, state, rows, Ranks(), carried=carried)
        # what is drawn next does not depend on the parts
        after = torch.rand(1)
    assert (found.rows, found.stop) == (rows, False)
    assert found.scored == int(loss.count)
    assert found.total == pytest.approx(loss.total.item(), rel=1e-12)
    torch.testing.assert_close(gradients(model), expected, rtol=1e-10, atol=1e-14)
    with seeded(5):
        assert torch.equal(after, torch.rand(1))
    if carried:
        assert found.state is not None
        torch.testing.assert_close(found.state.flatten(), end.detach().flatten())
        assert not any(t.requires_grad for t in found.state.flatten().values())
    else:
        assert found.state is None


def test_one_part_is_the_whole_bit_by_bit() -> None:
    model = recurrent().train()
    data = series().batch(range(32))
    with seeded(5):
        model.loss(data)[0].mean.backward()
    expected = gradients(model)
    with seeded(5):
        gradient(model, data, None, 32, Ranks())
    assert all(torch.equal(*pair) for pair in zip(gradients(model), expected, strict=True))


def test_nothing_scored_is_no_gradient() -> None:
    model, whole = deep(), batch()
    assert whole.target_mask is not None
    none = whole.replace(target_mask=torch.zeros_like(whole.target_mask))
    found = gradient(model, none, None, 4, Ranks())
    assert (found.total, found.scored) == (0.0, 0)
    assert not any(g.any() for g in gradients(model))


# memory


@pytest.mark.parametrize("error", ERRORS, ids=lambda e: type(e).__name__)
def test_a_lack_of_memory_is_known_by_its_words(error: Exception) -> None:
    assert out_of_memory(error)
    assert not out_of_memory(RuntimeError("Expected 3D, got 2D"))


def test_rows_are_halved_until_they_fit() -> None:
    tried = []

    def read(limit: int) -> str:
        tried.append(limit)
        if limit > 3:
            raise MemoryError
        return "done"

    assert halving(100, 11, read) == ("done", 3)
    assert tried == [100, 6, 3]
    assert halving(2, 11, read) == ("done", 2)


def test_other_errors_go_on() -> None:
    def read(limit: int) -> None:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="mat1"):
        halving(8, 8, read)


def scarce(model: Model, most: int, error: Exception) -> Model:
    """A model for which more than so many rows are too much, and which has then half begun."""
    plenty = model.loss

    def loss(given: Batch, state: State | None = None) -> Any:
        found, end = plenty(given, state)
        if given.rows > most:
            if model.training:
                found.mean.backward()
            raise error
        return found, end

    model.loss = loss  # type: ignore[method-assign]
    return model


@pytest.mark.parametrize("error", ERRORS, ids=lambda e: type(e).__name__)
def test_scarce_memory_changes_no_result(error: Exception) -> None:
    whole, cut = recurrent(), scarce(recurrent(), 5, error)
    valid = series()
    epochs, _ = run(whole, series(), valid, epochs=3, rate=0.01)
    again, _ = run(cut, series(), valid, epochs=3, rate=0.01)
    for name, tensor in whole.state_dict().items():
        torch.testing.assert_close(cut.state_dict()[name], tensor, rtol=0, atol=1e-6)
    for one, other in zip(epochs, again, strict=True):
        assert other.train_loss == pytest.approx(one.train_loss, rel=1e-6)
        assert other.valid_loss == pytest.approx(one.valid_loss, rel=1e-6)
    # told once: the rows that fit are remembered
    (event,) = [event for epoch in again for event in epoch.events]
    assert (event.kind, event.batch) == ("memory", 0)
    assert event.text == "not enough memory for 16 rows at once: 4 at a time from here on"


def test_one_row_that_does_not_fit_is_said() -> None:
    for train in (True, False):
        model = scarce(recurrent().train(train), 0, MemoryError())
        with pytest.raises(TrainingError, match="not enough memory for one row: use a smaller net"):
            run(model, series()) if train else mean_loss(model, series())


def test_pieces_know_their_rows() -> None:
    whole = batch(7)
    found = list(pieces(whole, State({"h": torch.arange(7.0)}), 1, 6, 2))
    assert [(part.row, part.rows) for part, _ in found] == [(1, 2), (3, 2), (5, 1)]
    states = [state for _, state in found if state is not None]
    assert put_together(states).tensor("h").tolist() == [1, 2, 3, 4, 5]
    ((part, state),) = pieces(whole, None, 0, 7, 7)
    assert part is whole
    assert state is None
    assert [part.rows for part, _ in pieces(whole, None, 3, 3, 7)] == [0]


LIMITED = """
import resource, sys, torch
from longshort.training import Training, fit, seeded
from longshort.contracts import Batch
from longshort.heads.real import RealHead
from longshort.layers.embed import Embed
from longshort.layers.encoder import Recurrent, RecurrentEncoder
from longshort.model import Model

class Rows:
    streams = None
    def __init__(self, rows): self.rows = rows
    def __len__(self): return self.rows
    def batch(self, index):
        source = torch.Generator().manual_seed(0)
        x = torch.randn(self.rows, 200, 4, generator=source)[list(index)]
        return Batch({"numbers": x}, torch.full((len(x),), 200), targets=x[:, -1:, :1])

def make():
    with seeded(0):
        trunk = RecurrentEncoder(Embed({"numbers": 4}), Recurrent(size=96, dropout=0.2))
        return Model(trunk, RealHead(96, 1, 1, "mse"))

torch.set_num_threads(1)
# what is loaded with the first step is there before room is measured
list(fit(make(), Rows(4), None, Training(1, 4)))
model, room = make(), int(sys.argv[1])
if room:
    used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + room * 2**20,) * 2)
for epoch in fit(model, Rows(256), None, Training(2, 256, patience=None)):
    print(*[event.text for event in epoch.events])
print("weights", *[float(t.double().sum()) for t in model.state_dict().values()])
"""


@pytest.mark.slow
def test_a_process_with_little_memory_learns_the_same() -> None:
    """A real allocator that fails, at the kernel's own limit."""

    def train(room: int) -> list[str]:
        done = subprocess.run(
            [sys.executable, "-c", LIMITED, str(room)],
            capture_output=True,
            text=True,
            timeout=300,
            env={**os.environ, "MALLOC_ARENA_MAX": "1"},
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout.splitlines()

    free, tight = train(0), train(120)
    assert "not enough memory" not in free[0]
    assert "not enough memory for 256 rows at once" in tight[0]
    one, other = ([float(n) for n in lines[-1].split()[1:]] for lines in (free, tight))
    assert other == pytest.approx(one, abs=1e-4)

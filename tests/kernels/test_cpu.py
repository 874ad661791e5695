"""What the CPU engine promises beyond the numbers: bits, threads, memory, processes, refusals."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import longshort
from longshort.kernels import cpu, dispatch, reference
from longshort.kernels.reference import (
    GRUOptions,
    LSTMOptions,
    Masks,
    Options,
    RNNOptions,
    SLSTMOptions,
    Steps,
    Weights,
)

pytestmark = pytest.mark.skipif(not cpu.AVAILABLE, reason=cpu.MISSING)

CELLS: list[Options] = [LSTMOptions(), LSTMOptions("coupled"), GRUOptions(), RNNOptions()]
# rows, steps, features, units: tails of vectors and tiles, inputs made ahead of their steps
SIZES = [(1, 9, 3, 5), (13, 7, 17, 33), (9, 12, 130, 260), (70, 3, 20, 64)]


@pytest.fixture(params=cpu.isas(), autouse=True)
def isa(request: pytest.FixtureRequest) -> Iterator[str]:
    with cpu.use(request.param):
        yield request.param


@pytest.fixture
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def draw(*shape: int, scale: float = 1.0, seed: int = 0, dtype: torch.dtype) -> Tensor:
    source = torch.Generator().manual_seed(seed + sum(shape))
    return (torch.randn(*shape, generator=source, dtype=torch.float64) * scale).to(dtype)


def case(options: Options, size: tuple[int, ...], dtype: torch.dtype = torch.float32) -> list[Any]:
    rows, steps, features, units = size
    gates = len(options.gates) * units
    weights = Weights(
        draw(gates, features, scale=features**-0.5, dtype=dtype),
        draw(gates, units, scale=units**-0.5, seed=1, dtype=dtype),
        draw(gates, dtype=dtype),
        draw(gates, seed=2, dtype=dtype),
    )
    state = tuple(draw(rows, units, seed=k, dtype=dtype) for k, _ in enumerate(options.parts))
    return [draw(rows, steps, features, dtype=dtype), state, weights, options]


def everything(arguments: list[Any], **reading: Any) -> list[Tensor]:
    """Outputs, states, and the gradients of all inputs."""
    x, state, weights, options = arguments
    leaves = [
        t.detach().requires_grad_() for t in (x, *state, *(w for w in weights if w is not None))
    ]
    inner = iter(leaves)
    x, state = next(inner), tuple(next(inner) for _ in state)
    weights = Weights(*(None if w is None else next(inner) for w in weights))
    steps = cpu.run(x, state, weights, options, **reading)
    loss = sum((part * part.detach().cos()).sum() for part in (steps.out, *steps.state))
    return [steps.out, *steps.state, *torch.autograd.grad(loss, leaves)]


def ragged(rows: int, steps: int) -> Tensor:
    return torch.tensor([(7 * row + 3) % (steps + 1) for row in range(rows)])


def near(found: list[Tensor], truth: list[Tensor], bound: float) -> None:
    for one, other in zip(found, truth, strict=True):
        one, other = one.detach(), other.detach()
        assert float((one - other).norm()) <= bound * float(other.norm()) + 1e-30


@pytest.mark.parametrize("options", CELLS, ids=str)
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize(("dtype", "bound"), [(torch.float32, 1e-5), (torch.float64, 1e-10)])
def test_values_and_gradients_are_the_definitions(
    options: Options, size: tuple[int, ...], dtype: torch.dtype, bound: float
) -> None:
    arguments, lengths = case(options, size, dtype), ragged(*size[:2])
    wide = case(options, size, torch.float64)
    x, state, weights, _ = [
        [p.to(dtype).double() if p is not None else None for p in part]
        if isinstance(part, tuple)
        else part
        for part in wide
    ]
    truth = [x.to(dtype).double(), tuple(state), Weights(*weights), options]
    leaves = [t for t in (truth[0], *truth[1], *truth[2]) if t is not None]
    for leaf in leaves:
        leaf.requires_grad_()
    for reverse in (False, True):
        steps: Steps = getattr(reference, options.cell)(*truth, lengths=lengths, reverse=reverse)
        loss = sum((part * part.detach().cos()).sum() for part in (steps.out, *steps.state))
        expected = [steps.out, *steps.state, *torch.autograd.grad(loss, leaves)]
        near(everything(arguments, lengths=lengths, reverse=reverse), expected, bound)


@pytest.mark.parametrize("options", CELLS, ids=str)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_same_bits_for_any_threads_batch_and_chunks(
    options: Options, size: tuple[int, ...], threads: None
) -> None:
    arguments = case(options, size)
    x, state, weights, _ = arguments
    lengths = ragged(*size[:2])
    results, gradients = {}, {}
    for count in (1, 2, 3, 4):
        torch.set_num_threads(count)
        with torch.no_grad():
            results[count] = cpu.run(*arguments, lengths=lengths)
        first, again = (
            everything(arguments, lengths=lengths),
            everything(arguments, lengths=lengths),
        )
        assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
        assert torch.equal(first[0], results[count].out)
        gradients[count] = first
        near(first, gradients[1], 1e-6)
        assert torch.equal(results[count].out, results[1].out)
    torch.set_num_threads(1)
    with torch.no_grad():
        whole = cpu.run(*arguments)
        alone = cpu.run(x[:1], tuple(part[:1] for part in state), weights, options)
        assert torch.equal(alone.out, whole.out[:1])
        pieces = []
        for start in range(x.shape[1]):
            step = cpu.run(x[:, start : start + 1], state, weights, options)
            state = step.state
            pieces.append(step.out)
        assert torch.equal(torch.cat(pieces, 1), whole.out)
        assert all(torch.equal(a, b) for a, b in zip(state, whole.state, strict=True))


@pytest.mark.parametrize("options", CELLS, ids=str)
def test_what_lay_in_memory_before_is_not_read(options: Options) -> None:
    arguments = case(options, SIZES[1])
    clean = everything(arguments, lengths=ragged(13, 7))
    poison = case(options, SIZES[1])
    poison[0] = torch.full_like(poison[0], torch.nan)
    settings = torch.utils.deterministic.fill_uninitialized_memory
    try:
        # torch then fills what it would leave as it was found
        torch.use_deterministic_algorithms(True)
        torch.utils.deterministic.fill_uninitialized_memory = True
        everything(poison)
        again = everything(arguments, lengths=ragged(13, 7))
    finally:
        torch.use_deterministic_algorithms(False)
        torch.utils.deterministic.fill_uninitialized_memory = settings
    assert all(torch.equal(a, b) for a, b in zip(clean, again, strict=True))


def test_infinity_and_nan_stay_what_they_are() -> None:
    for options in CELLS:
        x, state, weights, _ = case(options, (3, 4, 2, 5))
        x[0, 2, 0], x[1, 1, 1] = torch.nan, torch.inf
        with torch.no_grad():
            out = cpu.run(x, state, weights, options).out
            expected = getattr(reference, options.cell)(x, state, weights, options).out
        assert torch.equal(out.isnan(), expected.isnan())
        torch.testing.assert_close(out, expected, equal_nan=True, rtol=1e-5, atol=1e-6)


def test_weights_that_change_are_packed_again() -> None:
    model = longshort.LSTM(3, 8).eval()
    x = torch.randn(1, 1, 3)
    changes = [
        lambda: model.weight_hh_l0.mul_(1.5),
        lambda: model.bias_ih_l0.add_(1.0),
        lambda: setattr(model, "weight_ih_l0", nn.Parameter(torch.randn(32, 3))),
        lambda: setattr(model.weight_hh_l0, "data", torch.randn(32, 8)),
        # neither of these two raises torch's version of a weight
        lambda: model.weight_hh_l0.data.mul_(1.1),
        lambda: descend(model),
        lambda: model.load_state_dict(longshort.LSTM(3, 8).state_dict()),
        lambda: model.double(),
        lambda: model.float(),
    ]
    stream, state = model.stream(), (torch.zeros(1, 1, 8), torch.zeros(1, 1, 8))
    with torch.no_grad():
        for change in changes:
            change()
            kind = model.weight_ih_l0.dtype
            if kind != torch.float32:
                continue
            expected = model(x.requires_grad_(False), state)[0]
            torch.testing.assert_close(
                expected, longshort.LSTM.forward(twin(model), x, state)[0], rtol=1e-5, atol=1e-6
            )
            stream.load(state)
            assert torch.equal(stream(x[0]), expected[0])
            assert torch.equal(model.step(x[0], state)[0], expected[0])


def descend(model: longshort.LSTM) -> None:
    """A step of torch's fused optimiser, on every weight."""
    for weight in model.parameters():
        weight.grad = torch.ones_like(weight)
    torch.optim.Adam(model.parameters(), lr=0.1, fused=True).step()


def twin(model: longshort.LSTM) -> longshort.LSTM:
    """The same weights in another layer, computed by the definition."""
    other = longshort.LSTM(3, 8, engine="reference").eval()
    other.load_state_dict(model.state_dict())
    return other


def test_bfloat16_weights_compute_in_float32() -> None:
    for options in CELLS:
        x, state, weights, _ = case(options, (4, 6, 5, 20), torch.bfloat16)
        wide = [
            x.float(), tuple(s.float() for s in state),
            Weights(*(None if w is None else w.float() for w in weights)), options,
        ]  # fmt: skip
        with torch.no_grad():
            found, truth = cpu.run(x, state, weights, options), cpu.run(*wide)
        assert found.out.dtype == torch.bfloat16
        assert torch.equal(found.out, truth.out.bfloat16())
        assert all(t.dtype == torch.bfloat16 for t in everything([x, state, weights, options]))


def test_python_threads_share_the_engine() -> None:
    arguments = case(LSTMOptions(), (24, 30, 16, 64))
    expected = everything(arguments)
    wrong = []

    def work() -> None:
        for _ in range(10):
            found = everything(arguments)
            if not all(torch.equal(a, b) for a, b in zip(found, expected, strict=True)):
                wrong.append(1)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not wrong


def test_a_forked_process_goes_on_computing(threads: None) -> None:
    torch.set_num_threads(2)
    arguments = case(LSTMOptions(), (64, 40, 32, 64))
    with torch.no_grad():
        # by NumPy: torch's own threads do not survive a fork
        expected = cpu.run(*arguments).out.numpy()
        child = os.fork()
        if child == 0:
            os._exit(0 if (cpu.run(*arguments).out.numpy() == expected).all() else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert (cpu.run(*arguments).out.numpy() == expected).all()


def test_ten_thousand_calls_leave_nothing_behind(isa: str) -> None:
    code = f"""
import resource, torch, longshort
from longshort.kernels import cpu
with cpu.use({isa!r}):
    layers = [longshort.LSTM(4, 16), longshort.GRU(4, 16), longshort.RNN(4, 16)]
    x, lengths = torch.randn(6, 3, 4), torch.tensor([6, 2, 0])
    def call(n):
        for k in range(n):
            layer = layers[k % 3]
            layer(x, lengths=lengths)[0].sum().backward()
            layer.zero_grad()
    call(600)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    call(10_000)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(run.stdout) < 4096


def test_gradients_are_kept_apart_from_what_came_before() -> None:
    """A state that depends on the same weights: second derivatives count every path once."""
    for options in CELLS:
        x, state, weights, _ = case(options, (2, 3, 2, 4), torch.float64)
        leaves = [t.requires_grad_() for t in (x, *state, *weights[:4])]
        results = []
        for run in (cpu.run, getattr(reference, options.cell)):
            half = run(x[:, :1], state, weights, options)
            rest = run(x[:, 1:], half.state, weights, options)
            grads = torch.autograd.grad(rest.out.sin().sum(), leaves, create_graph=True)
            second = torch.autograd.grad(sum((g * g).sum() for g in grads), leaves)
            results.append([*grads, *second])
        torch.testing.assert_close(results[0], results[1], rtol=1e-10, atol=1e-10)


def test_backward_twice_and_by_parts() -> None:
    x, state, weights, options = case(LSTMOptions(), (3, 4, 2, 5), torch.float64)
    w_hh = weights.w_hh.requires_grad_()
    steps = cpu.run(x, state, weights, options)
    once = torch.autograd.grad(steps.out.sum(), w_hh, retain_graph=True)[0]
    assert torch.equal(once, torch.autograd.grad(steps.out.sum(), w_hh, retain_graph=True)[0])
    # only what is asked for comes back
    assert torch.autograd.grad(steps.state[1].sum(), w_hh)[0].shape == w_hh.shape


def test_what_it_cannot_do_it_says() -> None:
    x, state, weights, options = case(LSTMOptions(), (2, 3, 2, 4))
    mask = torch.ones(2, 1, 4, requires_grad=True)
    refused: list[tuple[list[Any], dict[str, Any], str]] = [
        ([x.half(), state, weights, options], {}, "float16"),
        ([x, state, weights, SLSTMOptions()], {}, "slstm"),
        ([x, state[:1], weights, GRUOptions(reset_after=False)], {}, "reset before"),
        ([x, state, weights, options], {"masks": Masks(h=mask)}, "gradients of masks"),
        ([x[:, :0], state, weights, options], {}, "1 step"),
    ]
    for arguments, reading, message in refused:
        with pytest.raises(ValueError, match=message):
            dispatch.choose(*arguments, "cpu", **reading)
        found = dispatch.choose(*arguments, **reading)
        assert found.name == "reference"
        assert message in found.reason
    assert dispatch.choose(x, state, weights, options).name == "cpu"
    with pytest.raises(ValueError, match="no such instruction set"), cpu.use("sse9"):
        pass


def test_without_the_compiled_part_the_definition_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu, "AVAILABLE", False)
    monkeypatch.setattr(cpu, "MISSING", "the CPU engine is not compiled: install a C++ compiler")
    arguments = case(LSTMOptions(), (2, 3, 2, 4))
    assert dispatch.choose(*arguments).name == "reference"
    assert "not compiled" in dispatch.choose(*arguments).reason
    assert "not compiled" in dispatch.engine().reason
    steps = dispatch.recurrence(*arguments)
    assert torch.equal(steps.out, reference.lstm(*arguments).out)
    model = longshort.LSTM(2, 4).eval()
    stream = model.stream()
    with torch.no_grad():
        x = torch.randn(5, 1, 2)
        assert torch.equal(torch.stack([stream(step) for step in x]), model(x)[0])

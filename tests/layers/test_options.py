"""What the layers have beyond torch: every option, combined with depth, directions and lengths."""

from __future__ import annotations

import copy
import math
import pickle
import warnings
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, jvp, vmap
from torch.nn.utils.rnn import pack_padded_sequence

from longshort.layers.cells import GRUCell, LSTMCell, RNNCell
from longshort.layers.recurrent import GRU, LSTM, RNN
from longshort.layers.regularise import KINDS
from longshort.layers.trace import Trace

KINDS_OF = {"lstm": LSTM, "gru": GRU, "rnn": RNN}
B, T, F, H = 4, 6, 3, 4
LENGTHS = torch.tensor([6, 0, 4, 1])

# a covering set: every option at least twice, with depth, both directions, merges and knobs
MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    "lstm": ("lstm", {}),
    "deep": ("lstm", {"num_layers": 2, "bidirectional": True}),
    "projected": (
        "lstm",
        {"proj_size": 3, "num_layers": 2, "proj_clip": 0.3, "bidirectional": True, "merge": "sum"},
    ),
    "peepholes": ("lstm", {"peepholes": True, "cell_clip": 0.7, "bias": False, "residual": True,
                           "num_layers": 2}),
    "coupled": ("lstm", {"forget": "coupled", "peepholes": True, "layer_norm": True,
                         "bidirectional": True, "merge": "product", "num_layers": 2}),
    "oldest": ("lstm", {"forget": "none", "learn_state": True, "gate_clip": 0.8}),
    "normed": ("lstm", {"layer_norm": True, "learn_state": True, "proj_size": 2, "num_layers": 3,
                        "residual": True, "memory": "chunks"}),
    "noisy": ("lstm", {**dict.fromkeys(KINDS, 0.3), "num_layers": 2, "bidirectional": True,
                       "dropout": 0.2, "merge": "mean"}),
    "everything": (
        "lstm",
        {**dict.fromkeys(KINDS, 0.2), "num_layers": 2, "bidirectional": True, "dropout": 0.2,
         "proj_size": 3, "peepholes": True, "layer_norm": True, "gate_clip": 1.5, "cell_clip": 1.0,
         "proj_clip": 0.8, "learn_state": True, "residual": True, "merge": "sum",
         "memory": "recompute", "forget_bias": 1.0},
    ),
    "exponential": ("lstm", {"gating": "exponential", "num_layers": 2, "learn_state": True}),
    "exponential-all": (
        "lstm",
        {"gating": "exponential", "forget": "exp", "layer_norm": True, "proj_size": 3,
         "num_layers": 2, "bidirectional": True, "recurrent_dropout": 0.2, "weight_drop": 0.2,
         "zoneout_hidden": 0.2, "variational_hidden": 0.2, "gate_clip": 2.0, "memory": "chunks"},
    ),
    "gru": ("gru", {"num_layers": 2, "bidirectional": True, "merge": "mean", "residual": True}),
    "gru-before": ("gru", {"reset_after": False, "layer_norm": True, "learn_state": True,
                           "recurrent_dropout": 0.3, "weight_drop": 0.1, "variational_input": 0.3}),
    "gru-noisy": ("gru", {"variational_hidden": 0.4, "zoneout_hidden": 0.3, "gate_clip": 1.0,
                          "memory": "recompute", "num_layers": 2}),
    "rnn": ("rnn", {"nonlinearity": "relu", "layer_norm": True, "num_layers": 2,
                    "bidirectional": True}),
    "rnn-noisy": ("rnn", {"variational_hidden": 0.4, "zoneout_hidden": 0.3, "gate_clip": 1.0,
                          "weight_drop": 0.2, "learn_state": True, "memory": "chunks"}),
}  # fmt: skip
ONE_WAY = [name for name, (_, options) in MODELS.items() if not options.get("bidirectional")]


def build(name: str, **more: Any) -> Any:
    kind, options = MODELS[name]
    chosen = {"batch_first": True, "dtype": torch.float64, **options, **more}
    model = KINDS_OF[kind](F, H, **chosen)
    source = torch.Generator().manual_seed(0)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.5, generator=source)
    return model


def draw(*shape: int, seed: int = 1) -> Tensor:
    source = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=source, dtype=torch.float64)


def first_state(model: Any, rows: int = B) -> Any:
    state = [draw(model._places, rows, w, seed=at) for at, w in enumerate(model._widths)]
    if len(state) == 4:
        state[2] = state[2].abs() + 0.5
    return model._close(tuple(state))


def parts(state: Any) -> tuple[Tensor, ...]:
    return (state,) if isinstance(state, Tensor) else tuple(state)


def close(mine: Any, other: Any, tolerance: float = 1e-12) -> None:
    torch.testing.assert_close(mine, other, rtol=0, atol=tolerance)


def seeded(model: Any, *arguments: Any, **given: Any) -> Any:
    torch.manual_seed(5)
    return model(*arguments, **given)


@pytest.mark.parametrize("name", MODELS)
def test_padding_neighbours_and_layout_change_nothing(name: str) -> None:
    model = build(name)
    x, state = draw(B, T, F), first_state(model)
    out, last = seeded(model, x, state, lengths=LENGTHS)
    padding = torch.arange(T) >= LENGTHS.unsqueeze(1)
    assert not out[padding].any()
    poisoned = x.clone()
    poisoned[padding] = math.nan
    close(seeded(model, poisoned, state, lengths=LENGTHS), (out, last), 0)
    model.batch_first = False
    turned, other = seeded(model, x.transpose(0, 1), state, lengths=LENGTHS)
    close([turned.transpose(0, 1), *parts(other)], [out, *parts(last)], 0)
    model.batch_first = True
    for part, before in zip(parts(last), parts(state), strict=True):
        assert torch.equal(part[:, 1], before[:, 1])
    # row by row, at rest: masks depend on the place in the batch
    model.eval()
    out, last = model(x, state, lengths=LENGTHS)
    for row, length in enumerate(LENGTHS.tolist()):
        if length:
            one = model._close(tuple(p[:, row : row + 1] for p in parts(state)))
            alone, end = model(x[row : row + 1, :length], one)
            close(alone, out[row : row + 1, :length])
            for part, whole in zip(parts(end), parts(last), strict=True):
                close(part, whole[:, row : row + 1])


@pytest.mark.parametrize("name", MODELS)
def test_a_batch_read_in_parts_is_the_batch_while_training(name: str) -> None:
    """Masks are those of the whole batch, however it is cut, and so are the gradients."""
    model, x, state = build(name), draw(B, T, F), first_state(build(name))
    read = partial(seeded, model.layers)
    outputs, last = read(x, state, lengths=LENGTHS)
    # an initial state that is learnt is not read where one is given
    backward = partial(torch.autograd.grad, inputs=list(model.parameters()), materialize_grads=True)
    whole = backward(outputs[-1].square().sum())
    sums = [torch.zeros_like(gradient) for gradient in whole]
    for rows in (slice(0, 1), slice(1, 3), slice(3, B)):
        first = model._close(tuple(part[:, rows] for part in parts(state)))
        found, end = read(x[rows], first, lengths=LENGTHS[rows], row=rows.start)
        for mine, other in zip(found, outputs, strict=True):
            close(mine, other[rows])
        for mine, other in zip(parts(end), parts(last), strict=True):
            close(mine, other[:, rows])
        sums = [a + b for a, b in zip(sums, backward(found[-1].square().sum()), strict=True)]
    close(sums, list(whole), 1e-10)


@pytest.mark.parametrize("name", MODELS)
def test_packed_is_lengths(name: str) -> None:
    model = build(name).eval()
    x, lengths = draw(B, T, F), torch.tensor([2, 6, 4, 1])
    out, last = model(x, lengths=lengths)
    packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    data, other = model(packed)
    expected = pack_padded_sequence(out, lengths, batch_first=True, enforce_sorted=False)
    close([data.data, *parts(other)], [expected.data, *parts(last)])
    trace = model(packed, return_gates=True)
    close(trace.gates, model(x, lengths=lengths, return_gates=True).gates)


def check_derivatives(name: str, training: bool, **more: Any) -> None:
    model = build(name, **more).train(training)
    resets = torch.zeros(2, 3, dtype=torch.bool)
    resets[0, 2] = resets[1, 1] = True
    names = [n for n, _ in model.named_parameters()]
    state = parts(first_state(model, 2))

    def run(x: Tensor, *values: Tensor) -> list[Tensor]:
        torch.manual_seed(2)
        weights = dict(zip(names, values[len(state) :], strict=True))
        hx = model._close(values[: len(state)])
        given = {"lengths": torch.tensor([3, 2]), "resets": resets, "return_gates": True}
        trace = functional_call(model, weights, (x, hx), given)
        found = [trace.output, *parts(trace.state), *trace.states.values(), *trace.gates.values()]
        return [part for part in found if part.requires_grad]

    leaves = [draw(2, 3, F), *state, *[p.detach().clone() for p in model.parameters()]]
    leaves = [leaf.requires_grad_() for leaf in leaves]
    assert torch.autograd.gradcheck(run, leaves, fast_mode=True)
    assert torch.autograd.gradgradcheck(run, leaves, fast_mode=True)


@pytest.mark.parametrize("name", [name for name in MODELS if name != "exponential-all"])
def test_derivatives(name: str) -> None:
    check_derivatives(name, training=True, memory="all")


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("memory", ["all", "recompute", "chunks"])
def test_derivatives_with_every_knob(name: str, training: bool, memory: str) -> None:
    check_derivatives(name, training, memory=memory)


@pytest.mark.parametrize("name", MODELS)
def test_a_cut_row_is_two_rows(name: str) -> None:
    model = build(name).eval()
    x, state = draw(1, T, F), first_state(model, 1)
    resets = torch.zeros(1, T, dtype=torch.bool)
    resets[0, 2] = True
    out, last = model(x, resets=resets)
    head, tail = model(x[:, :2]), model(x[:, 2:])
    close(out, torch.cat([head[0], tail[0]], 1))
    for place, part in enumerate(parts(last)):
        for row in range(part.shape[0]):
            # backward directions end at the beginning of the first piece
            back = model.bidirectional and row % 2 == 1
            close(part[row], parts((head if back else tail)[1])[place][row])
    model.batch_first = False
    turned, _ = model(x.transpose(0, 1), resets=resets.t())
    close(turned.transpose(0, 1), out)
    assert model(x.transpose(0, 1), state)[0].shape[0] == T


@pytest.mark.parametrize("name", ONE_WAY)
def test_whole_is_chunks_is_steps_is_stream(name: str) -> None:
    model = build(name).eval()
    x, state = draw(B, T, F), first_state(model)
    out, last = model(x, state)
    found, now = [], state
    for t in range(T):
        y_t, now = model.step(x[:, t], now)
        found.append(y_t)
    close([torch.stack(found, 1), *parts(now)], [out, *parts(last)])
    stream = model.stream(B)
    stream.load(state)
    places = [part.data_ptr() for part in parts(stream.state)]
    streamed = torch.stack([stream(x[:, t]) for t in range(T)], 1)
    assert not streamed.requires_grad
    assert places == [part.data_ptr() for part in parts(stream.state)]
    close([streamed, *parts(stream.state)], [out, *parts(last)])
    stream.reset(torch.tensor([True, False, False, False]))
    fresh = parts(model.stream(1).state)
    for part, before, first in zip(parts(stream.state), parts(last), fresh, strict=True):
        close(part[:, 1:], before[:, 1:])
        close(part[:, :1], first)
    stream.reset()
    close(stream(x[:, 0]), model.step(x[:, 0])[0])
    with pytest.raises(RuntimeError, match="Expected a state of"):
        stream.load(first_state(model, B + 1))
    chunks = list(model.truncated(x, 4, state, lengths=LENGTHS))
    assert [(c.start, c.stop) for c in chunks] == [(0, 4), (4, 6)]
    whole, end = model(x, state, lengths=LENGTHS)
    close(torch.cat([c.output for c in chunks], 1), whole)
    close(chunks[-1].state, end)


def test_truncated_backpropagation_stops_at_the_chunk() -> None:
    for batch_first in (True, False):
        model = build("lstm", batch_first=batch_first)
        x = draw(B, T, F) if batch_first else draw(T, B, F)
        x.requires_grad_()
        axis = 1 if batch_first else 0
        for chunk in model.truncated(x, 4):
            (found,) = torch.autograd.grad(chunk.output.sum(), x)
            inside = found.narrow(axis, chunk.start, chunk.stop - chunk.start)
            assert bool(inside.abs().sum() > 0)
            close(found.abs().sum(), inside.abs().sum())
    with pytest.raises(ValueError, match="every should be 1"):
        build("lstm").truncated(x, 0)
    with pytest.raises(RuntimeError, match="truncated: a bidirectional LSTM"):
        build("deep").truncated(x, 2)
    with pytest.raises(RuntimeError, match="stream: a bidirectional LSTM"):
        build("deep").stream()


@pytest.mark.parametrize("name", MODELS)
def test_traces_hold_what_happened(name: str) -> None:
    model = build(name)
    x, state = draw(B, T, F), first_state(model)
    plain = seeded(model, x, state, lengths=LENGTHS)
    trace = seeded(model, x, state, lengths=LENGTHS, return_gates=True)
    assert isinstance(trace, Trace)
    close([trace.output, *parts(trace.state)], [plain[0], *parts(plain[1])])
    assert tuple(trace.states) == model.cell.parts
    assert tuple(trace.gates) == model.cell.recorded
    places, width = model._places, model._widths[0]
    assert trace.states["h"].shape == (places, B, T, width)
    for gate in trace.gates.values():
        assert gate.shape == (places, B, T, H)
        assert not gate[:, 1].any()
    # the state at a row's length is the last state; backwards, that at its first step
    for kept, last in zip(trace.states.values(), parts(trace.state), strict=True):
        for place in range(places):
            back = model.bidirectional and place % 2 == 1
            close(kept[place, 0, 0 if back else T - 1], last[place, 0])
    model.batch_first = False
    turned = seeded(model, x.transpose(0, 1), state, lengths=LENGTHS, return_gates=True)
    close(turned.gates, {k: g.transpose(1, 2) for k, g in trace.gates.items()})
    single = model.eval()(x[0], return_gates=True)
    assert single.states["h"].shape == (places, T, width)


@pytest.mark.parametrize("name", MODELS)
def test_survives_copies_and_other_layouts(name: str) -> None:
    model, x = build(name).eval(), draw(B, T, F)
    out, _ = model(x)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        close(other(x)[0], out, 0)
    empty = build(name)
    assert empty.load_state_dict(model.state_dict()).missing_keys == []
    wide = draw(B, T, 2 * F)
    wide[:, :, ::2] = x
    close(model(wide[:, :, ::2])[0], out)
    state = first_state(model)
    spread = tuple(part.transpose(0, 1).contiguous().transpose(0, 1) for part in parts(state))
    close(model(x, model._close(spread))[0], model(x, state)[0])
    assert model.float()(x.float())[0].dtype == torch.float32
    assert model(x[:0].float())[0].shape == (0, *out.shape[1:])
    assert repr(model).startswith(type(model).__name__ + "(3, 4")
    for p in model.parameters():
        p.requires_grad_(False)
    x = x.float().requires_grad_()
    assert bool(torch.autograd.grad(model(x)[0].sum(), x)[0].isfinite().all())


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", MODELS)
def test_narrow_dtypes_and_autocast(name: str, dtype: torch.dtype) -> None:
    model, x = build(name).eval(), draw(B, T, F) * 0.5
    truth = model(x, lengths=LENGTHS)[0]
    model = model.float()
    with torch.autocast("cpu", dtype=dtype):
        out, state = model(x.float(), lengths=LENGTHS)
        again, _ = model(x.to(dtype), state)
    assert out.dtype == dtype
    assert bool(again.isfinite().all())
    narrow = model.to(dtype)(x.to(dtype), lengths=LENGTHS)[0]
    assert narrow.dtype == dtype
    for found in (out, narrow):
        torch.testing.assert_close(found.double(), truth, rtol=0.1, atol=0.1)


@pytest.mark.parametrize("name", MODELS)
def test_without_warnings_in_training_and_weights_stay(name: str) -> None:
    model = build(name)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        seeded(model, draw(B, T, F))[0].sum().backward()
        model.flatten_parameters()
    for key, value in model.state_dict().items():
        assert torch.equal(value, before[key])
        assert value.is_contiguous()
    assert all(p.is_leaf and p.grad is not None for p in model.parameters())


# regularisers


def test_masks_are_where_they_belong() -> None:
    x = draw(2, 400, F)
    for kind in KINDS:
        model = build("lstm", **{kind: 0.4})
        first, same = seeded(model, x)[0], seeded(model, x)[0]
        assert torch.equal(first, same)
        assert not torch.equal(model(x)[0], first)
        threads = torch.get_num_threads()
        torch.set_num_threads(2)
        assert torch.equal(seeded(model, x)[0], first)
        torch.set_num_threads(threads)
        plain = build("lstm").eval()
        rest = model.eval()(x)[0]
        assert torch.equal(rest, plain(x)[0]) is (not kind.startswith("zoneout"))


def test_zoneout_keeps_the_share_that_it_says() -> None:
    model, x = build("lstm", zoneout_hidden=0.25, zoneout_cell=0.6), draw(20, 100, F)
    trace = seeded(model, x, return_gates=True)
    for part, share in (("h", 0.25), ("c", 0.6)):
        kept = (trace.states[part][0, :, 1:] == trace.states[part][0, :, :-1]).double().mean()
        assert float(kept.detach()) == pytest.approx(share, abs=5 * math.sqrt(0.25 / 7920))
    still = build("lstm", zoneout_hidden=1.0, zoneout_cell=1.0)
    state = first_state(still)
    close(still(draw(B, T, F), state)[1], state, 0)
    close(still.eval()(draw(B, T, F), state)[1], state, 0)


def test_dropped_weights_are_dropped_for_a_call_only() -> None:
    model, x = build("rnn", weight_drop=1.0, layer_norm=False), draw(B, T, F)
    weights = model.weights(0)
    other = build("rnn", layer_norm=False).eval()
    with torch.no_grad():
        for place in range(4):
            other.weights(*divmod(place, 2)).w_hh.zero_()
    close(model(x)[0], other(x)[0])
    assert bool(weights.w_hh.any())


# the rest


def test_merges_and_residuals() -> None:
    x = draw(B, T, F)
    model = build("deep", num_layers=1)
    ahead, back = model(x)[0].chunk(2, -1)
    for merge, expected in (
        ("sum", ahead + back),
        ("mean", (ahead + back) / 2),
        ("product", ahead * back),
    ):
        close(build("deep", num_layers=1, merge=merge)(x)[0], expected)
    deep = build("lstm", num_layers=2, residual=True)
    plain = build("lstm", num_layers=2)
    first, second = plain.layers(x)[0]
    close(deep.layers(x)[0], [first, first + second])
    assert torch.equal(deep(x)[1][0], plain(x)[1][0])


@pytest.mark.parametrize("name", [n for n, (_, o) in MODELS.items() if o.get("learn_state")])
def test_a_learned_state_begins_rows_and_cuts(name: str) -> None:
    model, x = build(name).eval(), draw(B, T, F)
    fresh = [part.unsqueeze(1).expand(-1, B, -1) for part in model._fresh(x)]
    close(model(x)[0], model(x, model._close(tuple(fresh)))[0])
    seeded(model.train(), x)[0].sum().backward()
    for part in model.cell.parts[:2]:
        assert bool(getattr(model, f"initial_{part}").grad.any())
    model.reset_parameters()
    assert not model.initial_h.any()


@pytest.mark.parametrize("name", MODELS)
def test_knobs_change_no_numbers(name: str) -> None:
    x, found = draw(B, T, F), []
    for knobs in ({"memory": "all"}, {"memory": "chunks"}, {"memory": "recompute"}):
        model = build(name, **knobs, engine="reference")
        out, last = seeded(model, x, lengths=LENGTHS)
        loss = out.sin().sum() + sum(part.sum() for part in parts(last))
        found.append([out, *parts(last), *torch.autograd.grad(loss, list(model.parameters()))])
    close(found[1], found[0])
    close(found[2], found[0])


def kept_for_backward(model: Any, x: Tensor) -> int:
    """Numbers that autograd keeps of a forward pass, but for the states between chunks."""
    found: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        found[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes() // 8
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        out = model(x)[0]
    assert out.requires_grad
    return sum(found.values())


def test_chunks_keep_less() -> None:
    sizes = {}
    for steps in (16, 256):
        for memory in ("all", "recompute", "chunks"):
            model = LSTM(F, 8, batch_first=True, memory=memory, dtype=torch.float64)
            sizes[memory, steps] = kept_for_backward(model, draw(B, steps, F))
    assert sizes["all", 256] > 10 * sizes["all", 16]
    for memory in ("recompute", "chunks"):
        assert sizes[memory, 256] < sizes["all", 256] / 10


def test_the_torch_engine_agrees_and_refuses() -> None:
    x = draw(B, T, F)
    for name in ("lstm", "deep"):
        close(build(name, engine="torch")(x), build(name)(x))
    model = build("lstm", peepholes=True, engine="torch")
    with pytest.raises(ValueError, match="know no peephole; use engine='auto'"):
        model(x)
    with pytest.raises(ValueError, match="know no peephole"):
        model.engine()
    fused = build("lstm", engine="torch")
    with pytest.raises(ValueError, match=r"torch\.func"):
        vmap(fused)(x.unsqueeze(1))
    assert build("lstm", engine="torch").engine().name == "torch"
    assert build("lstm").engine().name == "cpu"
    for given in ("lengths", "resets", "return_gates"):
        with pytest.raises(ValueError, match="torch's operators"):
            build("lstm", engine="torch").engine(**{given: True})


def test_summary_counts_what_there_is() -> None:
    for name in MODELS:
        model = build(name)
        summary = model.summary()
        assert summary.rows[0].parameters == sum(p.numel() for p in model.parameters())
        assert len({row.cell for row in summary.rows}) == len(summary.rows)
    rows = {row.cell: row for row in LSTM(8, 32, 2, bidirectional=True).summary().rows}
    for kind, theirs in (("lstm", nn.LSTM), ("gru", nn.GRU), ("rnn", nn.RNN)):
        expected = theirs(8, 32, 2, bidirectional=True)
        assert rows[kind].parameters == sum(p.numel() for p in expected.parameters())
        matrices = [p for p in expected.parameters() if p.dim() == 2]
        assert rows[kind].products == sum(p.numel() for p in matrices)
    assert "products per step" in str(LSTM(8, 32).summary())


def test_chrono_spreads_time_scales() -> None:
    torch.manual_seed(0)
    weights = LSTM(1, 500, chrono=100, init="glorot").weights(0)
    total = (weights.b_ih + weights.b_hh).detach()
    i, f, g, o = total.chunk(4)
    close(i, -f, 0)
    scale = f.exp()
    assert 1 <= float(scale.min()) < 3
    assert 96 < float(scale.max()) <= 99.001
    assert float(scale.mean()) == pytest.approx(50, abs=5 * 98 / math.sqrt(12 * 500))
    assert not g.any()
    assert not o.any()
    z = GRU(1, 50, chrono=100, init="glorot").weights(0).b_ih.detach().chunk(3)[1]
    assert bool((z >= 0).all())
    coupled = LSTM(1, 50, chrono=100, forget="coupled", init="glorot").weights(0).b_ih.detach()
    assert bool((coupled.chunk(3)[0] <= 0).all())
    assert not coupled.chunk(3)[1].any()
    biased = LSTM(1, 5, forget_bias=2.0, forget="coupled").weights(0)
    close((biased.b_ih + biased.b_hh).detach()[:5], torch.full((5,), -2.0))


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (LSTM, {"forget": "maybe"}, "forget should be"),
        (LSTM, {"gating": "linear"}, "gating should be"),
        (LSTM, {"forget": "exp"}, "needs gating='exponential'"),
        (LSTM, {"proj_clip": 1.0}, "needs a projection"),
        (LSTM, {"gating": "exponential", "peepholes": True}, "peepholes does not go with"),
        (LSTM, {"gating": "exponential", "cell_clip": 1.0}, "cell_clip does not go with"),
        (LSTM, {"gating": "exponential", "zoneout_cell": 0.1}, "zoneout_cell does not go with"),
        (LSTM, {"gating": "exponential", "forget": "none"}, "gate or exp"),
        (LSTM, {"merge": "max"}, "merge should be one of"),
        (LSTM, {"memory": "none"}, "memory should be one of"),
        (LSTM, {"engine": "fast"}, "engine should be one of"),
        (LSTM, {"weight_drop": 1.5}, "weight_drop should be a probability"),
        (LSTM, {"cell_clip": 0.0}, "cell_clip should be above 0"),
        (LSTM, {"forget": "none", "forget_bias": 1.0}, "needs a gate that forgets"),
        (LSTM, {"forget_bias": 1.0, "chrono": 10}, "give one of them"),
        (LSTM, {"chrono": 2}, "3 steps or more"),
        (RNN, {"chrono": 20}, "needs a gate that forgets"),
        (RNN, {"nonlinearity": "sigmoid"}, "Unknown nonlinearity"),
    ],
)
def test_what_does_not_go_is_refused(kind: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        kind(F, H, **options)


def test_unknown_arguments_and_wrong_resets() -> None:
    with pytest.raises(RuntimeError, match="a state of 4 tensors, got 2"):
        build("exponential")(draw(B, T, F), first_state(build("lstm", num_layers=2)))
    for kind, name in ((LSTM, "peephole"), (GRU, "zoneout_cell"), (RNN, "recurrent_dropout")):
        with pytest.raises(TypeError, match=f"unexpected keyword argument '{name}'"):
            kind(F, H, **{name: 0.5})
    with pytest.raises(TypeError, match="unexpected keyword argument 'residual'"):
        LSTMCell(F, H, residual=True)  # type: ignore[call-arg]
    model, x = build("lstm"), draw(B, T, F)
    with pytest.raises(ValueError, match=r"resets should have shape \(4, 6\), got \[6, 4\]"):
        model(x, resets=torch.zeros(T, B, dtype=torch.bool))
    with pytest.raises(ValueError, match=r"dtype torch\.bool"):
        model(x, resets=torch.zeros(B, T))
    packed = pack_padded_sequence(x, [6, 6, 3, 2], batch_first=True)
    with pytest.raises(ValueError, match="resets: a PackedSequence"):
        model(packed, resets=torch.zeros(B, T, dtype=torch.bool))


CELLS: list[tuple[Any, Any, dict[str, Any]]] = [
    (LSTMCell, LSTM, {}),
    (LSTMCell, LSTM, {"peepholes": True, "forget": "coupled", "cell_clip": 0.5}),
    (LSTMCell, LSTM, {"gating": "exponential", "layer_norm": True}),
    (GRUCell, GRU, {"reset_after": False, "gate_clip": 0.5}),
    (RNNCell, RNN, {"nonlinearity": "relu", "layer_norm": True}),
]


@pytest.mark.parametrize(("cell", "layer", "options"), CELLS)
def test_cells_are_steps(cell: Any, layer: Any, options: dict[str, Any]) -> None:
    one, many = cell(F, H, **options).double(), layer(F, H, **options).double()
    one.load_state_dict({k.removesuffix("_l0"): v for k, v in many.state_dict().items()})
    x, state = draw(T, B, F), None
    found = []
    for t in range(T):
        state = one(x[t], state)
        found.append(parts(state)[0])
    close(torch.stack(found), many(x)[0])
    alone = one(x[0, 0])
    close(parts(alone)[0], found[0][0])
    assert all(f"{k}=" in repr(one) for k in options)


# torch's forward mode still compiles some of its formulas in the old way
@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")
@pytest.mark.parametrize("name", ["deep", "normed", "exponential", "gru", "gru-before", "rnn"])
def test_function_transforms(name: str) -> None:
    model, x = build(name, memory="all").eval(), draw(B, T, F)
    weights = dict(model.named_parameters())

    def loss(p: dict[str, Tensor], x: Tensor, lengths: Tensor) -> Tensor:
        return functional_call(model, p, (x,), {"lengths": lengths})[0].sin().sum()

    total = torch.autograd.grad(loss(weights, x, LENGTHS), list(weights.values()))
    one = vmap(grad(loss), (None, 0, 0))(weights, x.unsqueeze(1), LENGTHS.unsqueeze(1))
    close([g.sum(0) for g in one.values()], list(total), 1e-10)
    direction = draw(B, T, F, seed=4)
    _, along = jvp(lambda x: loss(weights, x, LENGTHS), (x,), (direction,))
    slope = grad(loss, 1)(weights, x, LENGTHS)
    close(along, (slope * direction).sum(), 1e-10)


COMPILED = [
    name if name in ("lstm", "gru", "rnn") else pytest.param(name, marks=pytest.mark.slow)
    for name in MODELS
]


@pytest.mark.parametrize("name", COMPILED)
def test_compiled_and_exported_as_one_node(name: str) -> None:
    model = build(name, memory="all")
    head = nn.Linear(model(draw(1, 1, F))[0].shape[-1], 2).double()
    graphs = []

    class Both(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model, self.head = model, head

        def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
            return self.head(self.model(x.tanh(), lengths=lengths)[0])

    def backend(graph: Any, _: Any) -> Any:
        graphs.append(graph)
        return graph.forward

    both, x = Both(), draw(B, T, F)
    expected = seeded(both, x, LENGTHS)
    truth = torch.autograd.grad(expected.sin().sum(), list(both.parameters()))
    for how in (backend, "aot_eager"):
        torch._dynamo.reset()
        compiled = torch.compile(both, fullgraph=True, backend=how)
        out = seeded(compiled, x, LENGTHS)
        close(out, expected)
        close(torch.autograd.grad(out.sin().sum(), list(both.parameters())), truth)
    nodes = [n for n in graphs[0].graph.nodes if "longshort" in str(n.target)]
    assert len(nodes) == model._places
    exported = torch.export.export(both.eval(), (x, LENGTHS), strict=False)
    nodes = [n for n in exported.graph.nodes if "longshort" in str(n.target)]
    assert len(nodes) == model._places
    close(exported.module()(x, LENGTHS), both(x, LENGTHS))


def test_a_hundred_thousand_steps() -> None:
    model = RNN(1, 2, batch_first=True)
    with torch.no_grad():
        out, last = model(torch.randn(1, 100_000, 1))
    assert torch.equal(out[:, -1], last[0])


@pytest.mark.slow
@pytest.mark.parametrize("memory", ["all", "chunks"])
def test_a_hundred_thousand_steps_back(memory: Any) -> None:
    model = LSTM(1, 2, batch_first=True, memory=memory)
    x = torch.randn(1, 100_000, 1, requires_grad=True)
    (found,) = torch.autograd.grad(model(x)[0].sum(), x)
    assert bool(found.isfinite().all())

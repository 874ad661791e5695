from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from longshort.contracts import Batch, Encoded, State, within
from longshort.errors import ArgumentError
from longshort.layers.embed import Embed
from longshort.layers.encoder import Recurrent, RecurrentEncoder, parameter_count, step_cost
from longshort.layers.masks import keep_mask
from longshort.training import seeded

B, T, F, H = 5, 9, 3, 6
LENGTHS = torch.tensor([9, 1, 4, 0, 7])


# every way a network can be built
NETWORKS: list[dict[str, Any]] = [
    {},
    {"bidirectional": True},
    {"cell": "gru"},
    {"cell": "rnn"},
    {"cell": "slstm"},
    {"stem": 3},
    {"stem": 4, "bidirectional": True},
    {"stem": 3, "stride": 2},
    {"stem": 3, "convolutions": 3},
    {"stem": 4, "convolutions": 2, "stride": 2, "bidirectional": True},
    {"segment": 3},
    {"segment": 2, "stem": 3, "stride": 2, "cell": "gru"},
    {"projection": 4},
    {"projection": 3, "residual": True, "cell": "slstm", "depth": 3},
    {"projection": 4, "residual": True, "bidirectional": True},
    {"residual": True, "cell": "gru"},
    {"residual": True, "stem": 3},
]
STREAMING = [
    network for network in NETWORKS if not {"bidirectional", "stride", "segment"} & set(network)
]


def make(segment: int = 1, **settings: Any) -> RecurrentEncoder:
    """In float64, with weights wide enough to bend the gates, ready to predict."""
    recurrent = Recurrent(**{"size": H, "depth": 2, "dropout": 0.0, **settings})
    embed = Embed({"numbers": F}, {"words": (7, 2)})
    encoder = RecurrentEncoder(embed, recurrent, segment).double()
    source = torch.Generator().manual_seed(0)
    for parameter in encoder.parameters():
        nn.init.normal_(parameter, std=0.5, generator=source)
    return encoder.eval()


def reading(lengths: Tensor = LENGTHS, steps: int = T, seed: int = 1) -> Batch:
    source = torch.Generator().manual_seed(seed)
    numbers = torch.randn(B, T, F, generator=source, dtype=torch.float64)
    words = torch.randint(7, (B, T), generator=source)
    real = within(lengths, T)
    return Batch(
        {"numbers": (numbers * real.unsqueeze(2))[:, :steps], "words": (words * real)[:, :steps]},
        lengths,
    )


def cut(batch: Batch, start: int, stop: int) -> Batch:
    inputs = {name: tensor[:, start:stop] for name, tensor in batch.inputs.items()}
    return Batch(inputs, (batch.lengths - start).clamp(0, stop - start))


def close(one: Any, other: Any) -> None:
    torch.testing.assert_close(one, other, rtol=0, atol=1e-12)


def states(state: State) -> dict[str, Tensor]:
    return state.flatten()


# the laws


@torch.no_grad()
@pytest.mark.parametrize("network", NETWORKS, ids=str)
def test_padding_changes_nothing(network: dict[str, Any]) -> None:
    encoder, batch = make(**network), reading()
    found = encoder(batch)
    padding = ~within(LENGTHS, T)
    wide = {
        "numbers": nn.functional.pad(
            batch.inputs["numbers"].masked_fill(padding.unsqueeze(2), torch.nan),
            (0, 0, 0, 4),
            value=torch.inf,
        ),
        "words": nn.functional.pad(batch.inputs["words"].masked_fill(padding, 3), (0, 4), value=6),
    }
    padded = encoder(Batch(wide, LENGTHS))
    steps = found.z.shape[1]
    close(padded.lengths, found.lengths)
    close(padded.z[:, :steps], found.z)
    assert not padded.z[:, steps:].any()
    assert not found.z[~within(found.lengths, steps)].any()
    close(states(padded.state), states(found.state))
    for one, other in zip(padded.last().layers, found.last().layers, strict=True):
        close(one[LENGTHS > 0], other[LENGTHS > 0])


@torch.no_grad()
@pytest.mark.parametrize("network", NETWORKS, ids=str)
def test_order_and_neighbours_change_nothing(network: dict[str, Any]) -> None:
    encoder, batch = make(**network), reading()
    found = encoder(batch)
    order = torch.tensor([3, 0, 4, 0, 2])
    again = encoder(batch.select(order))
    close(again.z, found.z[order])
    close(states(again.state), states(found.state.select(order)))
    for row in range(B):
        alone = encoder(batch.select(torch.tensor([row])))
        close(alone.z[0], found.z[row])


@torch.no_grad()
@pytest.mark.parametrize("sizes", [[4, 5], [1, 7, 1], [1] * T])
@pytest.mark.parametrize("network", STREAMING, ids=str)
def test_whole_is_chunks_is_steps(network: dict[str, Any], sizes: list[int]) -> None:
    encoder, batch = make(**network), reading()
    whole = encoder(batch)
    state, parts, start = None, [], 0
    for size in sizes:
        part = encoder(cut(batch, start, start + size), state)
        parts.append(part)
        state, start = part.state, start + size
    for at, layer in enumerate(whole.layers):
        close(torch.cat([part.layers[at] for part in parts], 1), layer)
    assert state is not None
    close(states(state), states(whole.state))


@torch.no_grad()
@pytest.mark.parametrize("network", STREAMING, ids=str)
def test_no_future_reaches_a_forward_stack(network: dict[str, Any]) -> None:
    encoder, full = make(**network), torch.full((B,), T)
    batch, other = reading(full), reading(full, seed=2)
    mixed = {
        name: torch.cat([batch.inputs[name][:, :5], other.inputs[name][:, 5:]], 1)
        for name in batch.inputs
    }
    one, two = encoder(batch), encoder(Batch(mixed, full))
    assert torch.equal(one.z[:, :5], two.z[:, :5])
    assert not torch.allclose(one.z[:, 5:], two.z[:, 5:])


@torch.no_grad()
@pytest.mark.parametrize("network", STREAMING, ids=str)
def test_an_empty_state_is_no_state(network: dict[str, Any]) -> None:
    encoder, batch = make(**network), reading()
    close(encoder(batch, State()).z, encoder(batch).z)
    zeros = encoder(batch).state.map(torch.zeros_like)
    close(encoder(batch, zeros).z, encoder(batch).z)


@torch.no_grad()
def test_encoding_is_torchs_lstm_on_the_embedded_fields() -> None:
    encoder, full = make(bidirectional=True), torch.full((B,), T)
    other = nn.LSTM(F + 2, H, 2, batch_first=True, bidirectional=True, dtype=torch.float64)
    other.load_state_dict(encoder.stack.state_dict())
    found = encoder(reading(full))
    out, (h, c) = other(found.layers[0])
    close(found.z, out)
    close(found.layers[-1], out)
    assert [layer.shape[2] for layer in found.layers] == [F + 2, 2 * H, 2 * H]
    close(found.state.tensor("h"), h.transpose(0, 1))
    close(found.state.tensor("c"), c.transpose(0, 1))
    assert found.lengths is full


@torch.no_grad()
@pytest.mark.parametrize("both", [False, True])
def test_projected_residual_layers_are_torchs_one_upon_the_other(both: bool) -> None:
    encoder = make(projection=4, residual=True, bidirectional=both, depth=3)
    found = encoder(reading(torch.full((B,), T)))
    x, ends = found.layers[0], []
    for at, answer in enumerate(found.layers[1:]):
        layer = nn.LSTM(
            x.shape[2], H, batch_first=True, bidirectional=both, proj_size=4, dtype=torch.float64
        )
        names = layer.state_dict()
        own = encoder.stack.state_dict()
        layer.load_state_dict({name: own[name.replace("_l0", f"_l{at}")] for name in names})
        out, last = layer(x)
        x = out + x if at else out
        close(answer, x)
        ends.append(last)
    for at, part in enumerate(("h", "c")):
        close(found.state.tensor(part), torch.cat([end[at] for end in ends]).transpose(0, 1))


@torch.no_grad()
@pytest.mark.parametrize(("cell", "theirs"), [("gru", nn.GRU), ("rnn", nn.RNN)])
def test_other_cells_are_torchs(cell: Any, theirs: Any) -> None:
    encoder, full = make(cell=cell), torch.full((B,), T)
    other = theirs(F + 2, H, 2, batch_first=True, dtype=torch.float64)
    other.load_state_dict(encoder.stack.state_dict())
    found = encoder(reading(full))
    out, h = other(found.layers[0])
    close(found.z, out)
    close(found.state.tensor("h"), h.transpose(0, 1))
    assert list(found.state) == ["h"]


@torch.no_grad()
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("width", [1, 4])
def test_a_stem_is_torchs_convolution(width: int, bidirectional: bool) -> None:
    encoder, full = make(stem=width, bidirectional=bidirectional), torch.full((B,), T)
    assert encoder.stem is not None
    conv = nn.Conv1d(F + 2, H, width, dtype=torch.float64)
    kernel = encoder.stem.kernel
    conv.weight.copy_(kernel.weight.view(H, width, F + 2).transpose(1, 2))
    assert conv.bias is not None
    conv.bias.copy_(kernel.bias)
    batch = reading(full)
    ahead = width // 2 if bidirectional else 0
    x = nn.functional.pad(encoder.embed(batch).transpose(1, 2), (width - 1 - ahead, ahead))
    read, lengths = encoder.inputs(batch)
    close(read, torch.relu(conv(x)).transpose(1, 2))
    assert torch.equal(lengths, full)


@torch.no_grad()
def test_a_deep_stem_is_torchs_convolutions_with_a_norm_after_each() -> None:
    encoder, full = make(stem=3, convolutions=2), torch.full((B,), T)
    batch = reading(full)
    x = encoder.embed(batch)
    assert encoder.stem is not None
    for stem, norm in zip(encoder.stem.layers, encoder.stem.norms, strict=True):
        kernel = stem.kernel.weight.view(H, 3, -1).transpose(1, 2)
        padded = nn.functional.pad(x.transpose(1, 2), (2, 0))
        x = torch.relu(nn.functional.conv1d(padded, kernel, stem.kernel.bias)).transpose(1, 2)
        x = nn.functional.layer_norm(x, (H,), norm.weight, norm.bias)
    close(encoder.inputs(batch)[0], x)
    with pytest.raises(ArgumentError, match="stem="):
        Recurrent(convolutions=2)


@torch.no_grad()
def test_a_stride_answers_every_other_step_counted_from_the_end() -> None:
    every, other = make(stem=3), make(stem=3, stride=2)
    other.load_state_dict(every.state_dict())
    batch = reading()
    whole, _ = every.inputs(batch)
    some, lengths = other.inputs(batch)
    assert lengths.tolist() == [5, 1, 2, 0, 4]
    for row, (n, m) in enumerate(zip(LENGTHS.tolist(), lengths.tolist(), strict=True)):
        close(some[row, :m], whole[row, :n].flip(0)[::2].flip(0))
    kept = other(batch).layers[0]
    close(kept[0], every.embed(batch)[0, ::2])


@torch.no_grad()
def test_segments_are_rows_side_by_side_counted_from_the_end() -> None:
    encoder, batch = make(segment=4), reading()
    read, lengths = encoder.inputs(batch)
    x = encoder.embed(batch)
    assert lengths.tolist() == [3, 1, 1, 0, 2]
    close(read[0, 1:], x[0, 1:].reshape(2, -1))
    assert not read[0, 0, : 3 * (F + 2)].any()
    close(read[0, 0, 3 * (F + 2) :], x[0, 0])
    close(read[2, 0], x[2, :4].flatten())
    # what is told of the inputs is each segment's last step
    close(encoder(batch).layers[0][0], x[0, [0, 4, 8]])


def test_what_cannot_go_on_from_a_state_says_so() -> None:
    state = make()(reading()).state
    for network, says in (
        ({"bidirectional": True}, "bidirectional=False"),
        ({"segment": 3}, "reads 3 steps as one"),
        ({"stem": 3, "stride": 2}, "reads 2 steps as one"),
    ):
        with pytest.raises(ValueError, match=says):
            make(**network)(reading(), state)


# dropout


def test_dropout_is_off_in_eval_and_repeats_under_a_seed() -> None:
    encoder, plain = make(dropout=0.5), make()
    plain.load_state_dict(encoder.state_dict())
    batch = reading()
    close(encoder(batch).z, plain(batch).z)
    encoder.train()

    def run(seed: int) -> Encoded:
        with seeded(seed):
            return encoder(batch)

    one, again, other = run(3), run(3), run(4)
    for first, second in zip(one.layers, again.layers, strict=True):
        assert torch.equal(first, second)
    assert not torch.equal(one.z, other.z)
    assert not torch.equal(one.z, plain(batch).z)
    # what is told of the inputs is what was there
    close(one.layers[0], plain(batch).layers[0])
    torch.manual_seed(0)
    assert not torch.equal(encoder(batch).z, encoder(batch).z)


@pytest.mark.parametrize("network", NETWORKS, ids=str)
def test_rows_of_a_batch_are_dropped_as_in_the_whole_batch(network: dict[str, Any]) -> None:
    encoder, batch = make(dropout=0.5, **network).train(), reading()

    def run(part: Batch) -> Tensor:
        with seeded(3):
            return encoder(part).z

    whole = run(batch)
    for start, stop in ((0, 2), (2, 3), (3, B)):
        close(run(batch.slice(start, stop)), whole[start:stop])
    assert not torch.allclose(run(batch.slice(2, 3).replace(row=0)), whole[2:3])


def test_dropout_zeroes_its_share_and_keeps_the_mean() -> None:
    encoder = make(dropout=0.25, size=64, depth=1).train()
    with seeded(0):
        dropped = encoder(reading(torch.full((B,), T))).z
    share = (dropped == 0).double().mean().item()
    # 2880 elements: four standard errors are 0.032
    assert share == pytest.approx(0.25, abs=0.032)


def test_inputs_and_outputs_are_dropped_by_masks_of_their_own() -> None:
    encoder, plain, batch = make(dropout=0.5, depth=1).train(), make(depth=1), reading()
    with seeded(7):
        found = encoder(batch)
    with seeded(7):
        seed = int(torch.randint(2**62, ()))
    x = found.layers[0]
    inner, outer = (
        keep_mask(seed, stream, (B, T, width), 0.5, dtype=x.dtype)
        for stream, width in ((-1, F + 2), (-2, H))
    )
    plain.load_state_dict(encoder.state_dict())
    out, _ = plain.stack(x * inner, lengths=LENGTHS)
    close(found.z, out * outer)
    # the state goes on from what was computed, not from what was dropped of it
    last = (LENGTHS - 1).clamp(min=0)
    close(found.state.tensor("h")[:, 0], out[torch.arange(B), last])


def test_no_generator_moves_where_nothing_is_dropped() -> None:
    encoders = make(dropout=0.5).eval(), make(dropout=0.0).train()
    before = torch.get_rng_state()
    for encoder in encoders:
        encoder(reading())
    assert torch.equal(torch.get_rng_state(), before)


# embed


def test_fields_stand_in_the_order_numbers_symbols_static() -> None:
    embed = Embed({"second": 2, "first": 1}, {"b": (5, 3), "a": (4, 2)}, {"place": 2, "none": 0})
    batch = Batch(
        inputs={
            "first": torch.randn(B, T, 1),
            "a": torch.randint(4, (B, T)),
            "b": torch.randint(5, (B, T)),
            "second": torch.randn(B, T, 2),
            "unread": torch.randn(B, T, 9),
        },
        lengths=torch.full((B,), T),
        static={"none": torch.zeros(B, 0), "place": torch.randn(B, 2)},
    )
    found = embed(batch)
    assert embed.width == found.shape[2] == 2 + 1 + 3 + 2 + 2
    assert torch.equal(found[..., :2], batch.inputs["second"])
    assert torch.equal(found[..., 2:3], batch.inputs["first"])
    tables = {name: table.weight for name, table in embed.tables.items()}
    for row in range(B):
        for t in range(T):
            b, a = (int(batch.inputs[name][row, t]) for name in "ba")
            assert torch.equal(found[row, t, 3:6], tables["b"][b])
            assert torch.equal(found[row, t, 6:8], tables["a"][a])
            assert torch.equal(found[row, t, 8:], batch.static["place"][row])


def test_one_group_is_read_as_it_is() -> None:
    numbers = torch.randn(B, T, 2)
    assert Embed({"numbers": 2})(Batch({"numbers": numbers}, LENGTHS)) is numbers


# settings and sizes


def test_settings_out_of_range_are_refused() -> None:
    for name, value in (("size", 0), ("depth", 0), ("dropout", 1.0), ("dropout", -0.1)):
        with pytest.raises(ArgumentError, match=f"Recurrent\\({name}\\W+{value}"):
            Recurrent(**{name: value})
    with pytest.raises(ArgumentError, match="did you mean 'glorot'"):
        Recurrent(init="gloriot")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="did you mean 'gru'"):
        Recurrent(cell="gruu")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match=r"Recurrent\(stem\)=0"):
        Recurrent(stem=0)
    for stem in (None, 2):
        with pytest.raises(ArgumentError, match=r"Recurrent\(stride=3\)"):
            Recurrent(stem=stem, stride=3)
    with pytest.raises(ArgumentError, match=r"cell='gru'.*leave it out"):
        Recurrent(projection=4, cell="gru")
    with pytest.raises(ArgumentError, match="below size=8"):
        Recurrent(8, projection=8)
    assert Recurrent(size=8, bidirectional=True).width == 16
    assert Recurrent(size=8, bidirectional=True, projection=3).width == 6
    told = Recurrent(8, 2, bidirectional=True, projection=3, residual=True).words
    assert told == "2 x LSTM(8) projected to 3, residual, both directions"
    assert Recurrent(size=8).set_params(depth=3).depth == 3


def test_parameters_and_cost_are_those_of_the_equations() -> None:
    encoder = RecurrentEncoder(Embed({"numbers": F}), Recurrent(size=H, depth=2, dropout=0.1))
    matrices = 4 * H * (F + H) + 4 * H * (H + H)
    assert step_cost(encoder) == matrices
    assert parameter_count(encoder) == matrices + 2 * 8 * H
    projected = RecurrentEncoder(Embed({"numbers": F}), Recurrent(size=H, depth=2, projection=4))
    assert step_cost(projected) == 4 * H * (F + 4) + 4 * H * (4 + 4) + 2 * 4 * H
    encoder.stack.weight_ih_l0.requires_grad_(False)
    assert parameter_count(encoder) == matrices + 2 * 8 * H - 4 * H * F

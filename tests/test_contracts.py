from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from longshort.contracts import Batch, Encoded, Loss, Params, Prediction, State, within
from longshort.errors import ArgumentError

ROWS = 4
NAMES = st.text(st.characters(blacklist_characters=".", blacklist_categories=["Cs"]), max_size=6)
SHAPES = st.lists(st.integers(0, 3), max_size=2)


@st.composite
def tensors(draw: st.DrawFn) -> Tensor:
    shape = (ROWS, *draw(SHAPES))
    values = torch.arange(float(torch.Size(shape).numel())).view(shape) + draw(st.integers(0, 9))
    return values if draw(st.booleans()) else values.long()


states = st.recursive(
    st.dictionaries(NAMES, tensors(), min_size=1, max_size=3).map(State),
    lambda inner: st.dictionaries(NAMES, tensors() | inner, min_size=1, max_size=3).map(State),
    max_leaves=6,
)


# State


@given(states)
def test_unflatten_goes_back(state: State) -> None:
    back = State.unflatten(state.flatten())
    assert equal_trees(state, back)


def equal_trees(one: State, other: State) -> bool:
    """Equal without a word about flatten."""
    if set(one) != set(other):
        return False
    for name, part in one.items():
        match = other[name]
        if isinstance(part, State):
            alike = isinstance(match, State) and equal_trees(part, match)
        else:
            alike = isinstance(match, Tensor) and part.dtype == match.dtype
            alike = alike and torch.equal(part, match)
        if not alike:
            return False
    return True


@given(states, st.lists(st.integers(0, ROWS - 1), max_size=6))
def test_select_is_indexing_each_tensor(state: State, rows: list[int]) -> None:
    chosen = state.select(torch.tensor(rows, dtype=torch.int64)).flatten()
    for name, tensor in state.flatten().items():
        assert torch.equal(chosen[name], tensor[rows])


@given(states, st.lists(st.booleans(), min_size=ROWS, max_size=ROWS))
def test_keep_zeroes_the_other_rows(state: State, rows: list[bool]) -> None:
    kept = state.keep(torch.tensor(rows)).flatten()
    for name, tensor in state.flatten().items():
        assert kept[name].dtype == tensor.dtype
        for row, keep in enumerate(rows):
            expected = tensor[row] if keep else torch.zeros_like(tensor[row])
            assert torch.equal(kept[name][row], expected)


@given(states)
def test_map_changes_values_and_leaves_the_original(state: State) -> None:
    before = {name: tensor.clone() for name, tensor in state.flatten().items()}
    twice = state.map(lambda tensor: tensor * 2)
    for name, tensor in before.items():
        assert torch.equal(twice.flatten()[name], 2 * tensor)
        assert torch.equal(state.flatten()[name], tensor)


def test_keep_drops_what_is_not_a_number() -> None:
    broken = torch.tensor([[torch.nan], [1.0]], requires_grad=True)
    kept = State({"h": broken}).keep(torch.tensor([False, True])).tensor("h")
    kept.square().sum().backward()
    assert kept.tolist() == [[0.0], [1.0]]
    assert broken.grad is not None
    assert broken.grad.tolist() == [[0.0], [2.0]]


def test_detach_cuts_the_graph() -> None:
    h = torch.ones(2, 1, requires_grad=True)
    state = State({"a": State({"h": h * 2})})
    assert state.flatten()["a.h"].requires_grad
    assert not state.detach().flatten()["a.h"].requires_grad


def test_a_part_is_a_tensor_or_a_group() -> None:
    state = State({"h": torch.zeros(1), "head": State({"c": torch.ones(1)})})
    assert len(state.part("head")) == 1
    assert len(state.part("absent")) == 0
    assert torch.equal(state.tensor("h"), torch.zeros(1))
    with pytest.raises(TypeError, match="'head' is a group"):
        state.tensor("head")
    with pytest.raises(TypeError, match="'h' is a tensor"):
        state.part("h")
    assert repr(state) == "State(h: [1], head: State(c: [1]))"


def test_a_name_with_a_dot_is_refused() -> None:
    """It would read as a group when the state comes back from a file."""
    with pytest.raises(ValueError, match=r"'a\.b'"):
        State({"a.b": torch.zeros(1)})


def test_groups_without_a_tensor_are_as_good_as_absent() -> None:
    state = State({"head": State(), "h": torch.zeros(1)})
    back = State.unflatten(state.flatten())
    assert "head" not in back
    assert len(back.part("head")) == len(state.part("head")) == 0


# Params


@dataclass(frozen=True)
class Oven(Params):
    heat: int = 180
    fan: bool = False


def test_params_read_and_change() -> None:
    oven = Oven()
    assert oven.get_params() == {"heat": 180, "fan": False}
    assert oven.set_params(heat=200) == Oven(200)
    assert oven == Oven()
    with pytest.raises(ArgumentError, match=r"Oven has no setting 'heet': did you mean 'heat'"):
        oven.set_params(heet=1)


def test_scikit_learn_clones_params() -> None:
    sklearn = pytest.importorskip("sklearn.base")
    assert sklearn.clone(Oven(90)) == Oven(90)


# Batch


def batch() -> Batch:
    return Batch(
        inputs={"numbers": torch.randn(3, 5, 2), "words": torch.arange(15).view(3, 5)},
        lengths=torch.tensor([5, 2, 4]),
        future={"numbers": torch.randn(3, 2, 1)},
        static={"place": torch.tensor([7, 8, 9])},
        reference=torch.randn(3, 2, 1),
        offset=torch.randn(3, 1),
        source=torch.tensor([10, 11, 12]),
        fresh=torch.tensor([True, False, True]),
        targets=torch.randn(3, 2, 1),
    )


def flat(found: Batch) -> dict[str, Tensor]:
    parts = {}
    for name, value in vars(found).items():
        if isinstance(value, Tensor):
            parts[name] = value
        elif isinstance(value, dict):
            parts.update({f"{name}/{inner}": tensor for inner, tensor in value.items()})
    return parts


def test_select_takes_rows_of_everything() -> None:
    whole = batch()
    rows = torch.tensor([2, 0, 2, 1])
    chosen = whole.select(rows)
    assert chosen.rows == 4
    assert chosen.scale is None
    assert flat(chosen).keys() == flat(whole).keys()
    for name, tensor in flat(whole).items():
        assert torch.equal(flat(chosen)[name], tensor[rows]), name


def test_a_slice_takes_rows_of_everything_and_knows_where_they_lay() -> None:
    whole = batch()
    part = whole.slice(1, 3)
    assert (part.rows, whole.row, part.row, part.slice(1, 2).row) == (2, 0, 1, 2)
    for name, tensor in flat(whole).items():
        assert torch.equal(flat(part)[name], tensor[1:3]), name


def test_map_reaches_every_tensor_and_changes_none() -> None:
    whole = batch()
    before = {name: tensor.clone() for name, tensor in flat(whole).items()}
    changed = whole.map(torch.zeros_like)
    assert flat(changed).keys() == before.keys()
    assert not any(tensor.any() for tensor in flat(changed).values())
    assert all(torch.equal(flat(whole)[name], tensor) for name, tensor in before.items())
    assert flat(whole.to("meta"))["inputs/words"].device.type == "meta"


def test_a_batch_without_targets_says_so() -> None:
    with pytest.raises(ValueError, match="no targets"):
        batch().replace(targets=None).target()


# Encoded, Loss, Prediction


def test_within_marks_the_steps_before_each_length() -> None:
    found = within(torch.tensor([0, 2, 3]), 3)
    assert found.tolist() == [[False] * 3, [True, True, False], [True] * 3]


def test_last_is_each_rows_last_valid_step() -> None:
    z, below = torch.randn(3, 5, 2), torch.randn(3, 5, 4)
    lengths = torch.tensor([5, 1, 3])
    state = State({"h": torch.zeros(3, 1)})
    last = Encoded(z, (below, z), state, lengths).last()
    for row, length in enumerate(lengths.tolist()):
        assert torch.equal(last.z[row, 0], z[row, length - 1])
        assert torch.equal(last.layers[0][row, 0], below[row, length - 1])
    assert last.z.shape == (3, 1, 2)
    assert last.lengths.tolist() == [1, 1, 1]
    assert last.state is state


@given(st.lists(st.tuples(st.floats(-1e3, 1e3), st.integers(0, 50)), min_size=1, max_size=8))
def test_parts_of_a_loss_add_up(parts: list[tuple[float, int]]) -> None:
    losses = [Loss(torch.tensor(t, dtype=torch.float64), torch.tensor(n)) for t, n in parts]
    whole = Loss(sum(part.total for part in losses), sum(part.count for part in losses))
    counts = [n for _, n in parts]
    weighted = sum(float(part.mean) * n for part, n in zip(losses, counts, strict=True) if n)
    unscored = sum(t for t, n in parts if n == 0)
    assert float(whole.mean) * max(sum(counts), 1) == pytest.approx(weighted + unscored, abs=1e-6)


def test_a_loss_over_nothing_is_zero() -> None:
    assert Loss(torch.zeros(()), torch.tensor(0)).mean == 0


def test_a_prediction_is_replaced_not_changed() -> None:
    one = Prediction(torch.zeros(1))
    other = one.replace(levels=(0.5,))
    assert (one.levels, other.levels) == ((), (0.5,))

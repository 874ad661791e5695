from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from longshort.kernels import cpu
from longshort.layers import masks
from longshort.layers.masks import bits, dropped, keep_mask, philox, uniform

ONES = 0xFFFFFFFF


# Random123, tests/kat_vectors, philox4x32 with 10 rounds
@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((ONES,) * 4, (ONES,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
@pytest.mark.parametrize("form", ["numbers", "tensors"])
def test_known_answers(
    counter: tuple[int, ...], key: tuple[int, int], expected: tuple[int, ...], form: str
) -> None:
    words = [torch.tensor([w, w]) if form == "tensors" else w for w in counter]
    lanes = philox(tuple(words), key)
    for lane, word in zip(lanes, expected, strict=True):
        assert torch.as_tensor(lane).unique().tolist() == [word]


WORD = st.integers(0, ONES)


@given(st.tuples(WORD, WORD, WORD, WORD), st.tuples(WORD, WORD))
@settings(max_examples=50, deadline=None)
def test_tensor_arithmetic_is_exact(
    counter: tuple[int, int, int, int], key: tuple[int, int]
) -> None:
    """Against the paper's round function in unbounded integers."""
    x0, x1, x2, x3 = counter
    k0, k1 = key
    for _ in range(10):
        first, second = 0xD2511F53 * x0, 0xCD9E8D57 * x2
        x0, x1, x2, x3 = (
            (second >> 32) ^ x1 ^ k0,
            second & ONES,
            (first >> 32) ^ x3 ^ k1,
            first & ONES,
        )
        k0, k1 = (k0 + 0x9E3779B9) & ONES, (k1 + 0xBB67AE85) & ONES
    lanes = philox(tuple(torch.tensor(word) for word in counter), key)
    assert [int(lane) for lane in lanes] == [x0, x1, x2, x3]


def test_an_element_is_a_lane_of_its_counter() -> None:
    seed, stream = 0x0123456789ABCDEF, 0xFEDCBA9876543210
    drawn = bits(seed, stream, 11).tolist()
    key = (0x89ABCDEF, 0x01234567)
    for position, word in enumerate(drawn):
        lanes = philox((position // 4, 0, 0x76543210, 0xFEDCBA98), key)
        assert word == lanes[position % 4]


def test_any_draw_begins_with_the_shorter_one() -> None:
    long = bits(3, 1, 1000)
    for count in (0, 1, 2, 3, 4, 5, 999):
        assert torch.equal(bits(3, 1, count), long[:count])
    whole = keep_mask(3, 1, (8, 5, 3), 0.4)
    assert torch.equal(keep_mask(3, 1, (2, 5, 3), 0.4), whole[:2])


def test_rows_can_be_drawn_by_themselves() -> None:
    long = bits(3, 1, 60)
    whole = keep_mask(3, 1, (8, 5, 3), 0.4)
    for start in range(8):
        assert torch.equal(bits(3, 1, 50, first=start), long[start : start + 50])
        for stop in range(start, 9):
            part = keep_mask(3, 1, (stop - start, 5, 3), 0.4, row=start)
            assert torch.equal(part, whole[start:stop])
    assert torch.equal(dropped(torch.ones(2, 5, 3), 3, 1, 0.4, row=4), whole[4:6])


def test_seed_and_stream_use_all_their_64_bits() -> None:
    draws = [
        tuple(bits(seed, stream, 4).tolist())
        for seed in (0, 1, 2**32, 2**63)
        for stream in (0, 1, 2**32, 2**63)
    ]
    assert len(set(draws)) == 16
    assert torch.equal(bits(-1, 5, 8), bits(2**64 - 1, 5, 8))


def test_same_numbers_for_any_thread_count_and_without_touching_torch() -> None:
    before = torch.get_rng_state()
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = keep_mask(11, 2, (64, 33, 31), 0.3)
        torch.set_num_threads(2)
        two = keep_mask(11, 2, (64, 33, 31), 0.3)
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(one, two)
    assert torch.equal(before, torch.get_rng_state())


def test_bits_are_fair_and_uniform() -> None:
    count = 200_000
    words = bits(2024, 0, count)
    assert int(words.min()) >= 0
    assert int(words.max()) <= ONES
    for bit in range(32):
        share = float((words >> bit & 1).double().mean())
        assert abs(share - 0.5) < 5 * 0.5 / math.sqrt(count)
    # chi-square of the top byte: 255 degrees of freedom, standard deviation sqrt(510)
    seen = torch.bincount(words >> 24, minlength=256).double()
    chi_square = float(((seen - count / 256) ** 2 / (count / 256)).sum())
    assert abs(chi_square - 255) < 5 * math.sqrt(510)
    values = uniform(2024, 0, count)
    assert values.dtype == torch.float64
    assert float(values.min()) > 0
    assert float(values.max()) < 1
    assert abs(float(values.mean()) - 1 / 2) < 5 * math.sqrt(1 / 12 / count)
    assert abs(float(values.var()) - 1 / 12) < 5 * math.sqrt(1 / 180 / count)


def test_streams_seeds_and_neighbours_are_independent() -> None:
    count = 100_000
    base = uniform(7, 0, count)
    others = [uniform(7, 1, count), uniform(8, 0, count), uniform(7, 2**32, count)]
    # neighbours within a counter, and the same lane of neighbouring counters
    others += [base.roll(1), base.roll(4)]
    for other in others:
        correlation = float(torch.corrcoef(torch.stack([base, other]))[0, 1])
        assert abs(correlation) < 5 / math.sqrt(count)


@pytest.mark.parametrize("drop", [0.05, 0.276, 0.5, 0.731])
def test_keep_mask_is_inverted_dropout(drop: float) -> None:
    count = 120_000
    mask = keep_mask(5, 3, (30, 40, 100), drop, dtype=torch.float64)
    assert mask.shape == (30, 40, 100)
    assert sorted(mask.unique().tolist()) == [0.0, 1 / (1 - drop)]
    deviation = math.sqrt(drop / (1 - drop) / count)
    assert abs(float(mask.mean()) - 1) < 5 * deviation
    # every row, step and unit gets its share
    for axes in ((1, 2), (0, 2), (0, 1)):
        means = mask.mean(dim=axes)
        assert float((means - 1).abs().max()) < 5 * deviation * math.sqrt(len(means))


def test_keep_mask_at_the_ends() -> None:
    assert torch.equal(keep_mask(1, 0, (3, 5), 0.0), torch.ones(3, 5))
    assert torch.equal(keep_mask(1, 0, (3, 5), 1.0), torch.zeros(3, 5))
    assert keep_mask(1, 0, (0, 5), 0.5).shape == (0, 5)
    assert keep_mask(1, 0, (), 0.0).shape == ()
    for drop in (-0.1, 1.1, math.nan):
        with pytest.raises(ValueError, match="drop must be a probability"):
            keep_mask(1, 0, (3,), drop)


def test_zeros_are_the_same_in_every_dtype_and_grow_with_drop() -> None:
    dropped = [
        keep_mask(9, 0, (500,), 0.3, dtype=dtype) == 0
        for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64)
    ]
    for other in dropped[1:]:
        assert torch.equal(dropped[0], other)
    more = keep_mask(9, 0, (500,), 0.6) == 0
    assert bool(more[dropped[0]].all())


@pytest.mark.parametrize("isa", cpu.isas())
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("drop", [0.0, 2**-32, 0.3, 0.5, 1 - 2**-32, 1.0])
def test_the_engine_draws_the_same_bits(
    isa: str, dtype: torch.dtype, drop: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = [((3, 1, 2), 0), ((5, 7, 3), 2), ((2, 300, 31), 1), ((1, 70_000, 2), 0), ((0, 3), 0)]
    # a seed and a stream of more than 63 bits, and a seed that is a tensor
    for seed, stream in ((2**64 - 5, 2**63 + 3), (torch.tensor(2**62 + 1), 7), (-1, -2)):
        for shape, row in cases:
            monkeypatch.setattr(masks, "_quick", lambda *_: False)
            truth = keep_mask(seed, stream, shape, drop, row=row, dtype=dtype)
            monkeypatch.undo()
            with cpu.use(isa):
                assert masks._quick(seed, dtype, None)
                found = keep_mask(seed, stream, shape, drop, row=row, dtype=dtype)
            assert found.dtype == dtype
            assert torch.equal(found, truth)

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

from longshort.data.codecs.numbers import NumberCodec, Scaling
from longshort.data.sequences import Field, Sequences
from longshort.errors import ArgumentError, DataError, ModelFileError

METHODS = ("standard", "minmax", "robust", "none")
FIELDS = (Field("y", "target"), Field("z", "past"), Field("size", "static"))


def series(values: np.ndarray, *lengths: int, fields=None, keys=None) -> Sequences:
    lengths = lengths or (len(values),)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    keys = keys or tuple("abcdefgh"[: len(lengths)])
    return Sequences(
        fields or FIELDS[: values.shape[1]], keys, offsets, None, None, values, "w.csv"
    )


def numbers(low: float = -1e6) -> st.SearchStrategy[np.ndarray]:
    return st.integers(2, 30).flatmap(
        lambda n: arrays(np.float64, (n, 2), elements=st.floats(low, 1e6, width=64))
    )


@settings(max_examples=80, deadline=None)
@given(numbers(), st.sampled_from(METHODS), st.booleans())
def test_decode_inverts_encode(values, method, per_series):
    data = series(values, 1, len(values) - 1)
    codec = NumberCodec.fit(data, data.lengths, Scaling(method, per_series=per_series))
    stats = codec.row_stats(data.keys, data.values, data.offsets)
    centre, spread = (np.repeat(part, data.lengths, axis=0) for part in stats)
    back = codec.decode(codec.encode(values, centre, spread), centre, spread)
    size = np.abs(values).max(axis=0) + 1e-300
    assert (np.abs(back - values) <= 1e-9 * size).all()


@settings(max_examples=50, deadline=None)
@given(numbers(low=0.0), st.sampled_from(METHODS))
def test_decode_inverts_encode_with_a_logarithm(values, method):
    data = series(values)
    codec = NumberCodec.fit(data, data.lengths, Scaling(method, log=True))
    back = codec.decode(codec.encode(values))
    np.testing.assert_allclose(back, values, rtol=1e-9, atol=1e-9)


@settings(max_examples=50, deadline=None)
@given(
    arrays(np.int64, (12, 2), elements=st.integers(-1000, 1000)),
    st.floats(0.01, 100),
    st.floats(-1000, 1000),
    st.sampled_from(("standard", "minmax", "robust")),
)
def test_encoding_does_not_depend_on_the_unit(whole, factor, shift, method):
    values = whole.astype(float)
    moved = values * factor + shift
    first, second = (
        NumberCodec.fit(series(v), np.array([12]), Scaling(method)) for v in (values, moved)
    )
    constant = values.min(axis=0) == values.max(axis=0)
    one, other = first.encode(values), second.encode(moved)
    np.testing.assert_allclose(one[:, ~constant], other[:, ~constant], rtol=1e-6, atol=1e-6)
    assert (other[:, constant] == 0).all()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("per_series", [False, True])
@pytest.mark.parametrize("log", [False, True])
def test_rows_after_training_change_nothing(method, per_series, log):
    rng = np.random.default_rng(0)
    values = rng.gamma(2.0, size=(30, 2))
    later = values.copy()
    later[[8, 9, 29]] = [[1e9, np.nan], [-5.0, 0.0], [0.0, 1e-9]]
    scaling = Scaling(method, log=log, per_series=per_series)
    ends = np.array([8, 15])
    one, other = (
        NumberCodec.fit(series(v, 10, 20), ends, scaling).to_parts() for v in (values, later)
    )
    assert one[0] == other[0]
    for name, array in one[1].items():
        np.testing.assert_array_equal(array, other[1][name])


@pytest.mark.parametrize(
    ("method", "theirs"),
    [("standard", StandardScaler()), ("minmax", MinMaxScaler()), ("robust", RobustScaler())],
)
def test_scales_are_those_of_scikit_learn(method, theirs):
    rng = np.random.default_rng(1)
    values = rng.normal(50, 9, size=(40, 2))
    values[rng.random(values.shape) < 0.1] = np.nan
    ours = NumberCodec.fit(series(values), np.array([25]), Scaling(method)).encode(values)
    np.testing.assert_allclose(ours, theirs.fit(values[:25]).transform(values), 1e-12, 1e-12)


def test_a_constant_or_empty_column_is_only_shifted():
    values = np.array([[1.0, 0.1, np.nan], [2.0, 0.1, np.nan], [4.0, 0.1, np.nan], [9, 3, 7]])
    for method in METHODS:
        codec = NumberCodec.fit(series(values), np.array([3]), Scaling(method))
        assert codec.spread[1] == codec.spread[2] == 1
        assert codec.centre[2] == 0
        np.testing.assert_allclose(codec.decode(codec.encode(values)), values)


def test_mostly_equal_values_have_a_robust_spread():
    values = np.array([[0.0]] * 18 + [[5.0], [9.0]])
    codec = NumberCodec.fit(series(values), np.array([20]), Scaling("robust"))
    assert codec.spread[0] == pytest.approx(values.std())


def test_extreme_magnitudes_keep_a_usable_spread():
    for size in (1e-250, 1e250):
        values = np.array([[1.0], [2.0], [4.0]]) * size
        codec = NumberCodec.fit(series(values), np.array([3]))
        np.testing.assert_allclose(codec.encode(values), codec.encode(values / 1) / 1)
        assert np.isfinite(codec.encode(values)).all()
        assert codec.encode(values).std() == pytest.approx(1)


def test_each_series_has_its_own_scale_but_static_columns_one():
    rng = np.random.default_rng(2)
    values = rng.normal(size=(30, 3))
    values[10:, 0] = 1000 + 50 * values[10:, 0]
    values[:10, 2], values[10:, 2] = 1.0, 3.0
    data = series(values, 10, 20)
    codec = NumberCodec.fit(data, data.lengths, Scaling(per_series=True))
    centre, spread = codec.row_stats(("b", "a"), values, np.array([0, 0, 0]))
    np.testing.assert_allclose(centre[:, 0], [values[10:, 0].mean(), values[:10, 0].mean()])
    np.testing.assert_allclose(spread[:, 1], [values[10:, 1].std(), values[:10, 1].std()])
    np.testing.assert_allclose(centre[:, 2], values[:, 2].mean())
    np.testing.assert_allclose(spread[:, 2], values[:, 2].std())


def test_a_series_that_was_not_fitted_is_scaled_by_its_history():
    rng = np.random.default_rng(3)
    data = series(rng.normal(size=(30, 2)), 10, 20)
    codec = NumberCodec.fit(data, data.lengths, Scaling(per_series=True))
    history = rng.normal(7, 3, size=(12, 2))
    history[:, 1] = 4.0
    keys, offsets = ("new", "a", "empty"), np.array([0, 12, 12, 12])
    centre, spread = codec.row_stats(keys, history, offsets)
    assert centre[0, 0] == pytest.approx(history[:, 0].mean())
    assert spread[0, 0] == pytest.approx(history[:, 0].std())
    assert (centre[0, 1], spread[0, 1]) == (4.0, np.median(codec.spread[:, 1]))
    np.testing.assert_array_equal(centre[1], codec.centre[0])
    np.testing.assert_array_equal([centre[2], spread[2]], codec.typical)


def test_a_constant_series_takes_the_usual_spread_of_the_others():
    values = np.array([[0.0], [0], [0], [10], [30], [20], [10], [50], [90]])
    data = series(values, 3, 3, 3)
    codec = NumberCodec.fit(data, data.lengths, Scaling(per_series=True))
    others = [values[3:6].std(), values[6:].std()]
    assert codec.spread[0, 0] == pytest.approx(np.median(others))


def test_logarithms_refuse_negative_targets_by_name_but_not_covariates():
    values = np.array([[1.0, -1], [2, -2], [0, -3], [-0.5, 1], [3, 1]])
    data = series(values, 2, 3)
    with pytest.raises(
        DataError, match=r"w\.csv: column 'y' of series 'b' is -0\.5 in row 1 .*use log=False"
    ):
        NumberCodec.fit(data, data.lengths, Scaling(log=True))
    codec = NumberCodec.fit(data, np.array([2, 1]), Scaling(log=True))
    with pytest.raises(DataError, match=r"column 'y' is -0\.5 in row 3"):
        codec.encode(values)
    with pytest.raises(DataError, match=r"column 'y' of series 'b' is -0\.5 in row 1"):
        codec.row_stats(data.keys, values, data.offsets)
    np.testing.assert_allclose(
        codec.encode(values[:3])[:, 1], StandardScaler().fit_transform(values[:3])[:, 1]
    )


@pytest.mark.parametrize("per_series", [False, True])
def test_counts_are_divided_by_a_power_of_two_near_their_mean(per_series):
    rng = np.random.default_rng(8)
    means = np.repeat([0.02, 5.0, 3e6], 40)
    values = np.stack([rng.poisson(means), rng.normal(size=120)], 1)
    data = series(values, 40, 40, 40)
    codec = NumberCodec.fit(data, data.lengths, Scaling(per_series=per_series), counts=True)
    centre, spread = codec.row_stats(data.keys, data.values, data.offsets)
    assert (centre[:, 0] == 0).all()
    sizes = np.array([1.0, 5.0, 3e6]) if per_series else np.full(3, 1e6)
    assert (np.abs(np.log2(spread[:, 0] / sizes)) <= 0.51).all()
    assert (np.log2(spread[:, 0]) % 1 == 0).all()
    # float32 keeps every count
    wide = np.repeat(spread[:, 0], 40)
    encoded = codec.encode(values, np.repeat(centre, 40, 0), np.repeat(spread, 40, 0))[:, 0]
    np.testing.assert_array_equal(encoded.astype(np.float32) * wide, values[:, 0])
    own = NumberCodec.fit(data, data.lengths, Scaling(per_series=per_series))
    np.testing.assert_array_equal(own.centre[..., 1], codec.centre[..., 1])
    # a series of zeros, and one without a count
    other = np.stack([np.r_[np.zeros(5), np.full(5, np.nan)], np.ones(10)], 1)
    centre, spread = codec.row_stats(("x", "y"), other, np.array([0, 5, 10]))
    assert (centre[:, 0] == 0).all()
    assert (np.log2(spread[:, 0]) % 1 == 0).all()
    again = NumberCodec.from_parts(*codec.to_parts())
    assert again.counts
    np.testing.assert_array_equal(again.spread, codec.spread)


@pytest.mark.parametrize(("value", "told"), [(-3.0, "-3"), (2.5, "2.5")])
def test_counts_refuse_what_is_no_count_by_name(value, told):
    values = np.array([[1.0, -1], [np.nan, -2], [0, -3], [4, 1.5], [value, 1]])
    data = series(values, 2, 3)
    codec = NumberCodec.fit(data, np.array([2, 2]), counts=True)
    told = rf"w\.csv: column 'y' of series 'b' is {told} in row 2 .*use another output"
    with pytest.raises(DataError, match=told):
        codec.check(data)
    with pytest.raises(DataError, match=told):
        NumberCodec.fit(data, data.lengths, counts=True)
    with pytest.raises(ArgumentError, match="use log=False"):
        NumberCodec.fit(data, data.lengths, Scaling(log=True), counts=True)


@pytest.mark.parametrize("log", [False, True])
def test_targets_are_decoded_alike_by_numpy_and_torch(log):
    rng = np.random.default_rng(4)
    raw = rng.gamma(2.0, size=(5, 3, 2))
    codec = NumberCodec.fit(series(raw[0]), np.array([3]), Scaling(log=log))
    centre, spread = rng.normal(size=(5, 1, 2)), rng.gamma(2.0, size=(5, 1, 2))
    encoded = codec.encode_target(raw, centre, spread)
    np.testing.assert_allclose(codec.decode_target(encoded, centre, spread), raw, rtol=1e-9)
    tensors = [torch.from_numpy(a) for a in (encoded, centre, spread)]
    decoded = codec.decode_target(*tensors)
    assert decoded.dtype == torch.float64
    np.testing.assert_allclose(decoded.numpy(), raw, rtol=1e-9)


def test_targets_and_columns_are_not_mixed_up():
    data = series(np.random.default_rng(5).normal(size=(8, 2)))
    codec = NumberCodec.fit(data, data.lengths)
    with pytest.raises(ArgumentError, match=r"\(N, 2\); got \(4, 3, 2\).*decode_target"):
        codec.decode(np.zeros((4, 3, 2)))
    own = NumberCodec.fit(data, data.lengths, Scaling(per_series=True))
    with pytest.raises(ArgumentError, match="row_stats"):
        own.encode(data.values)


@pytest.mark.parametrize("per_series", [False, True])
def test_parts_make_the_same_codec(per_series):
    data = series(np.random.default_rng(6).gamma(2.0, size=(9, 3)), 4, 5, keys=("ä", "b, c"))
    codec = NumberCodec.fit(data, data.lengths, Scaling("robust", True, per_series))
    settings_, arrays_ = codec.to_parts()
    again = NumberCodec.from_parts(settings_, arrays_)
    assert (again.scaling, again.names, again.roles, again.keys) == (
        codec.scaling, codec.names, codec.roles, codec.keys,
    )  # fmt: skip
    for name in ("centre", "spread", "typical"):
        np.testing.assert_array_equal(getattr(again, name), getattr(codec, name))


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("centre", np.zeros(2)),
        ("spread", np.zeros(3)),
        ("spread", np.full(3, np.nan)),
        ("typical", np.ones(3)),
        ("keys", np.array([91, 34], dtype=np.uint8)),
        ("keys", None),
        ("method", "cubic"),
        ("names", None),
    ],
)
def test_broken_parts_are_refused(part, value):
    data = series(np.random.default_rng(7).normal(size=(9, 3)))
    settings_, arrays_ = NumberCodec.fit(data, data.lengths).to_parts()
    place = settings_ if part in settings_ else arrays_
    if value is None:
        del place[part]
    else:
        place[part] = value
    with pytest.raises(ModelFileError, match="scaling"):
        NumberCodec.from_parts(settings_, arrays_)


def test_an_unknown_method_is_refused():
    with pytest.raises(ArgumentError, match="did you mean 'standard'"):
        Scaling("standart")


def test_digits_that_float32_loses_are_refused():
    rng = np.random.default_rng(0)
    level = rng.normal(0, 3, (60, 2)) + np.array([1e9, 5.0])
    data = series(level, 30, 30)

    def check(*scaling, **more):
        codec = NumberCodec.fit(data, data.lengths, Scaling(*scaling, **more))
        codec.check_digits(data)

    with pytest.raises(ArgumentError) as caught:
        check("none")
    for part in ("w.csv", "column 'y'", "1e+09", "by 2.8", "--scaling standard"):
        assert part in str(caught.value)
    check("standard")
    # two series of very different levels on one scale
    data = series(level + np.repeat([[0.0], [-1e9]], 30, 0), 30, 30)
    with pytest.raises(ArgumentError, match=r"digits are lost.*per_series=True"):
        check("standard")
    check("standard", per_series=True)


@pytest.mark.parametrize("per_series", [False, True])
def test_values_that_no_network_can_read_are_refused(per_series):
    rng = np.random.default_rng(0)
    values = rng.normal(size=(40, 2))
    data = series(values, 20, 20)
    codec = NumberCodec.fit(data, data.lengths, Scaling(per_series=per_series))
    values = values.copy()
    values[25, 1] = -1e300
    far = series(values, 20, 20)
    with pytest.raises(DataError) as caught:
        codec.check(far)
    for part in ("w.csv: series 'b', 5", f"column {far.names[1]!r}", "-1e+300", "correct it"):
        assert part in str(caught.value)
    values[25, 1] = 1e9
    codec.check(series(values, 20, 20))

"""Every engine against the oracle: every option alone, every pair of options, and the laws."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import combinations, pairwise, product
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from longshort.kernels import cpu, dispatch
from longshort.kernels.reference import (
    GRUOptions,
    LSTMOptions,
    Masks,
    RNNOptions,
    SLSTMOptions,
    Steps,
    Weights,
    gru,
    lstm,
    rnn,
    slstm,
)

from . import oracle

Spec = dict[str, Any]
KERNELS: dict[str, tuple[Callable[..., Steps], Callable[..., Any]]] = {
    "lstm": (lstm, LSTMOptions),
    "slstm": (slstm, SLSTMOptions),
    "gru": (gru, GRUOptions),
    "rnn": (rnn, RNNOptions),
}
# the definition, and the CPU engine on every instruction set that this machine can run; one source
# makes them all, so that make test looks at the best one alone
ENGINES = [
    "reference",
    *(f"cpu-{isa}" for isa in cpu.isas()[:1]),
    *(pytest.param(f"cpu-{isa}", marks=pytest.mark.slow) for isa in cpu.isas()[1:]),
]
PARTS = {"lstm": "hc", "slstm": "hcnm", "gru": "h", "rnn": "h"}

# every option and its levels, the first of which is what it is where others are looked at
MASK, NORM, PROJECTION = ("none", "full", "shared"), ("none", "gain", "both"), ("none", "free")
SHARED: dict[str, tuple[Any, ...]] = {
    # rows, steps, features, units
    "size": ((3, 5, 2, 3), (2, 4, 3, 5), (1, 6, 1, 1), (4, 1, 5, 2), (5, 3, 1, 4)),
    "bias": ("both", "ih", "hh", "none"),
    "norm": NORM,
    "gate_clip": (None, 0.7),
    "x": MASK,
    "h": MASK,
    "keep_h": MASK,
    "lengths": ("none", "ragged", "beyond"),
    "resets": (False, True),
    "initial": ("none", "vector", "rows"),
    "reverse": (False, True),
    "state": ("drawn", "zeros"),
    "record": (True, False),
    "strided": (False, True),
}
PROJECTED = {"projection": ("none", "free", "clipped"), "norm_c": NORM, "g": MASK}
FACTORS: dict[str, dict[str, tuple[Any, ...]]] = {
    "lstm": {
        "forget": ("gate", "coupled", "none"),
        "peephole": (False, True),
        "cell_clip": (None, 0.5),
        "keep_c": MASK,
        **PROJECTED,
        **SHARED,
    },
    "slstm": {
        "forget": ("sigmoid", "exp"),
        **PROJECTED,
        **SHARED,
        "state": ("drawn", "zeros", "partly empty"),
    },
    "gru": {"reset_after": (True, False), "g": MASK, **SHARED},
    "rnn": {"nonlinearity": ("tanh", "relu"), **SHARED},
}


@pytest.fixture(params=ENGINES, autouse=True)
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The engine that every test here runs on; what it refuses goes to the definition."""
    name: str = request.param
    if name == "reference":
        yield name
        return
    for cell in ("lstm", "gru", "rnn"):
        monkeypatch.setitem(KERNELS, cell, (dispatch.recurrence, KERNELS[cell][1]))
    # it gives no gradients of masks
    monkeypatch.setattr(Case, "fixed", ("mask",))
    with cpu.use(name.removeprefix("cpu-")):
        yield name


# what decides the equations, the rest being how they are applied
EQUATIONS = ("forget", "peephole", "cell_clip", "projection", "norm_c", "reset_after",
             "nonlinearity", "bias", "norm", "gate_clip")  # fmt: skip
MASKED = ("x", "h", "g", "keep_h", "keep_c")


def plain(cell: str, **changed: Any) -> Spec:
    return {"cell": cell} | {name: levels[0] for name, levels in FACTORS[cell].items()} | changed


def alone() -> list[Spec]:
    """Every level of every option, all others plain."""
    found = []
    for cell, factors in FACTORS.items():
        found.append(plain(cell))
        for name, levels in factors.items():
            # without cuts, what follows a cut is not seen
            needs = {"resets": True} if name == "initial" else {}
            found += [plain(cell, **needs, **{name: level}) for level in levels[1:]]
    return found


def covering(factors: Mapping[str, tuple[Any, ...]], strength: int = 2) -> list[Spec]:
    """Rows in which every combination of levels of any ``strength`` factors occurs. Greedy."""
    names = list(factors)
    missing = {
        combo
        for places in combinations(range(len(names)), strength)
        for combo in product(*[[(p, v) for v in range(len(factors[names[p]]))] for p in places])
    }
    random, rows = np.random.default_rng(0), []
    for goal in sorted(missing):
        if goal not in missing:
            continue
        row = dict(goal)
        for place in random.permutation(len(names)).tolist():
            if place in row:
                continue
            partners = list(combinations(sorted(row.items()), strength - 1))
            gains = [
                sum(tuple(sorted([*p, (place, value)])) in missing for p in partners)
                for value in range(len(factors[names[place]]))
            ]
            best = [value for value, gain in enumerate(gains) if gain == max(gains)]
            row[place] = best[random.integers(len(best))]
        missing -= set(combinations(sorted(row.items()), strength))
        rows.append({names[place]: factors[names[place]][value] for place, value in row.items()})
    return rows


def label(spec: Spec) -> str:
    """The cell and what is not plain."""
    first = plain(spec["cell"])
    parts = [f"{n}={v}".replace(" ", "") for n, v in spec.items() if v != first.get(n, v)]
    return "-".join([spec["cell"], *parts])


ALONE = alone()
COVERING = [{"cell": cell} | row for cell, factors in FACTORS.items() for row in covering(factors)]


class Case:
    """A spec with numbers: all tensors that it needs, float64, by name."""

    # kinds that no derivatives are taken by
    fixed: tuple[str, ...] = ()

    def __init__(self, spec: Spec, trial: int = 0) -> None:
        self.spec, self.cell = spec, spec["cell"]
        self.rows, self.steps, self.features, self.units = spec["size"]
        seed = zlib.crc32(repr(sorted(spec.items(), key=lambda item: item[0])).encode())
        self.random = np.random.default_rng([seed, trial])
        self.width = self.units
        if spec.get("projection", "none") != "none":
            self.width = 2 if self.units == 1 else self.units - 1
        self.options = {
            name: spec[name]
            for name in ("forget", "reset_after", "nonlinearity", "gate_clip", "cell_clip")
            if name in spec
        }
        if spec.get("projection") == "clipped":
            self.options["proj_clip"] = 0.2
        self.values: dict[str, Any] = {"x": self.draw(self.rows, self.steps, self.features)}
        self._weights()
        self._state()
        self._masks()
        self._reading()

    def draw(self, *shape: int) -> oracle.Array:
        return self.random.standard_normal(shape) * 0.8

    def _weights(self) -> None:
        spec, units = self.spec, self.units
        blocks = len(oracle.GATES[self.cell])
        if spec.get("forget") in ("coupled", "none"):
            blocks -= 1
        made = {"w_ih": self.draw(blocks * units, self.features)}
        made["w_hh"] = self.draw(blocks * units, self.width)
        if spec["bias"] in ("both", "ih"):
            made["b_ih"] = self.draw(blocks * units)
        if spec["bias"] in ("both", "hh"):
            made["b_hh"] = self.draw(blocks * units)
        if self.width != units:
            made["w_hr"] = self.draw(self.width, units)
        if spec.get("peephole"):
            made["peephole"] = self.draw((blocks - 1) * units)
        for name, size in (("norm", blocks * units), ("norm_c", units)):
            if spec.get(name, "none") != "none":
                made[f"{name}_gain"] = 1 + 0.5 * self.draw(size)
            if spec.get(name) == "both":
                made[f"{name}_bias"] = self.draw(size)
        self.values |= {f"weight {name}": value for name, value in made.items()}

    def _state(self) -> None:
        for kind in ("state", "initial"):
            level = self.spec[kind]
            if kind == "initial" and level == "none":
                continue
            for place, part in enumerate(PARTS[self.cell]):
                width = self.width if part == "h" else self.units
                value = self.draw(width) if level == "vector" else self.draw(self.rows, width)
                if part == "n":
                    value = abs(value) + 0.5
                if level == "partly empty" and part == "n":
                    value[::2, ::2] = -1.0
                self.values[f"{kind} {place}"] = value * 0 if level == "zeros" else value

    def _masks(self) -> None:
        shapes = {
            "x": (self.rows, 1, self.features),
            "h": (self.rows, 1, self.width),
            "g": (self.rows, self.steps, self.units),
            "keep_h": (self.rows, self.steps, self.width),
            "keep_c": (self.rows, self.steps, self.units),
        }
        for name, shape in shapes.items():
            level = self.spec.get(name, "none")
            if level == "none":
                continue
            if level == "shared":
                collapsed = self.random.permutation(3)[: self.random.integers(1, 4)]
                shape = tuple(1 if d in collapsed else size for d, size in enumerate(shape))
            some = (0.0, 1.0, 0.3) if name.startswith("keep") else (0.0, 1.25, 0.6)
            self.values[f"mask {name}"] = self.random.choice(some, shape)

    def _reading(self) -> None:
        rows, steps, spec = self.rows, self.steps, self.spec
        self.lengths = self.resets = None
        if spec["lengths"] != "none":
            self.lengths = self.random.integers(0, steps + 1, rows)
            self.lengths[:1] = steps - 1 if rows == 1 and steps > 1 else steps
            self.lengths[1:2] = 0
        if spec["lengths"] == "beyond":
            self.lengths[:1], self.lengths[1:2] = steps + 3, -2
        if spec["resets"]:
            self.resets = self.random.random((rows, steps)) < 0.4
            self.resets[:1, min(1, steps - 1) :][:, :1] = True

    @property
    def padding(self) -> oracle.Array:
        end = np.full(self.rows, self.steps) if self.lengths is None else self.lengths
        return np.arange(self.steps) >= end[:, None]

    @property
    def leaves(self) -> list[str]:
        """What derivatives are taken by: an empty sLSTM memory is on a kink."""
        zeros = self.spec["state"] == "zeros"
        fixed = (*self.fixed, "state") if zeros else self.fixed
        return [name for name in self.values if not name.startswith(fixed)]

    def under(self, kind: str, values: Mapping[str, Any]) -> dict[str, Any]:
        found = {n: v for n, v in values.items() if n.startswith(f"{kind} ")}
        return {name.removeprefix(f"{kind} "): value for name, value in found.items()}

    def expect(self, **changed: Any) -> oracle.Result:
        values = self.values | changed
        return oracle.run(
            self.cell,
            values["x"],
            list(self.under("state", values).values()),
            self.under("weight", values),
            self.options,
            lengths=self.lengths,
            resets=self.resets,
            initial=list(self.under("initial", values).values()) or None,
            reverse=self.spec["reverse"],
            masks=self.under("mask", values),
        )

    def tensors(self, dtype: torch.dtype = torch.float64) -> dict[str, Tensor]:
        return {name: torch.tensor(value, dtype=dtype) for name, value in self.values.items()}

    def leafy(self, dtype: torch.dtype = torch.float64) -> dict[str, Tensor]:
        """The tensors, recording for derivatives."""
        values = self.tensors(dtype)
        return {n: v.requires_grad_(not n.startswith(self.fixed)) for n, v in values.items()}

    def run(self, values: Mapping[str, Tensor], **changed: Any) -> Steps:
        kernel, options = KERNELS[self.cell]
        reading: dict[str, Any] = {
            "reverse": self.spec["reverse"],
            "masks": Masks(**self.under("mask", values)),
            "record": self.spec["record"],
            "initial": tuple(self.under("initial", values).values()) or None,
        }
        if self.lengths is not None:
            kind = torch.int32 if self.spec["lengths"] == "beyond" else torch.int64
            reading["lengths"] = torch.tensor(self.lengths, dtype=kind)
        if self.resets is not None:
            reading["resets"] = torch.tensor(self.resets)
        state = changed.pop("state", tuple(self.under("state", values).values()))
        x = changed.pop("x", values["x"])
        weights = Weights(**self.under("weight", values))
        return kernel(x, state, weights, options(**self.options), **reading | changed)


def results(steps: Steps | oracle.Result) -> list[Any]:
    return [steps.out, *steps.state, *steps.states, *steps.gates]


def agree(found: Iterable[Any], truth: Iterable[Any], tolerance: float = 1e-10) -> None:
    for one, other in zip(found, truth, strict=True):
        one, other = np.asarray(one), np.asarray(other)
        assert one.shape == other.shape
        np.testing.assert_allclose(one, other, rtol=0, atol=tolerance)


def compare(spec: Spec) -> None:
    case = Case(spec)
    values = case.tensors()
    # neither of the two may look
    case.values["x"][case.padding] = math.nan
    values["x"][torch.tensor(case.padding)] = math.nan
    if spec["strided"]:
        values = {n: torch.stack([v, v], -1).select(-1, 1) for n, v in values.items()}
        values["x"] = values["x"].transpose(0, 1).contiguous().transpose(0, 1)
    truth, steps = case.expect(), case.run(values)
    assert not spec["record"] or len(steps.gates) == len(truth.gates)
    if not spec["record"]:
        assert steps.states == steps.gates == ()
        truth = truth._replace(states=[], gates=[])
    agree(results(steps), results(truth))


def away_from_kinks(spec: Spec, margin: float) -> Case:
    """The first draw of a spec whose every piecewise function is at a distance from its kink."""
    for trial in range(2000):
        case = Case(spec, trial)
        if not (abs(case.expect().kinks) < margin).any():
            return case
    raise AssertionError(f"no draw is {margin} away from all kinks")


def small(spec: Spec) -> Spec:
    """The same at a size at which derivatives are quick; norms of two units are all but constant"""
    normed = any(spec.get(name, "none") != "none" for name in ("norm", "norm_c"))
    return spec | {"size": (2, 3, 2, 3 if normed else 2), "record": True, "strided": False}


# values


@pytest.mark.parametrize("spec", ALONE, ids=label)
def test_each_option_alone(spec: Spec) -> None:
    compare(spec)


@pytest.mark.parametrize("cell", FACTORS)
def test_pairs_of_options(cell: str) -> None:
    mine = [spec for spec in COVERING if spec["cell"] == cell]
    for (one, a), (other, b) in combinations(FACTORS[cell].items(), 2):
        for level in a:
            assert {s[other] for s in mine if s[one] == level} == set(b)
    for number, spec in enumerate(mine):
        try:
            compare(spec)
        except AssertionError as error:
            raise AssertionError(f"row {number}: {label(spec)}") from error


@pytest.mark.parametrize("cell", FACTORS)
def test_triples_of_options(cell: str) -> None:
    for row in covering(FACTORS[cell], 3):
        compare({"cell": cell} | row)


@pytest.mark.slow
@pytest.mark.parametrize("cell", FACTORS)
def test_the_full_product(cell: str) -> None:
    """All equations, each read in all ways, without masks and with all of them."""
    factors = FACTORS[cell]
    names = [name for name in EQUATIONS if name in factors]
    # a gain without its bias and one bias without the other have been looked at in pairs
    levels = [[v for v in factors[name] if v not in ("ih", "hh") and v != "gain"] for name in names]
    masks = [{}, {name: "full" for name in MASKED if name in factors}]
    readings = list(product(("none", "ragged"), (False, True), (False, True), masks))
    for chosen in product(*levels):
        for lengths, resets, reverse, mask in readings:
            spec = plain(cell, **dict(zip(names, chosen, strict=True)), **mask)
            spec |= {"size": (2, 3, 2, 2), "lengths": lengths, "resets": resets}
            compare(spec | {"initial": "rows", "reverse": reverse})


@pytest.mark.parametrize("size", [(1, 300, 3, 7), (7, 9, 13, 17)])
@pytest.mark.parametrize("cell", FACTORS)
def test_odd_and_long(cell: str, size: tuple[int, ...]) -> None:
    compare(plain(cell, size=size, lengths="ragged", resets=True))


@pytest.mark.slow
@pytest.mark.parametrize("cell", FACTORS)
def test_a_hundred_thousand_steps(cell: str) -> None:
    compare(plain(cell, size=(1, 100_000, 2, 3)))


@pytest.mark.parametrize("size", [(0, 3, 2, 3), (2, 0, 2, 3), (0, 0, 2, 3)])
@pytest.mark.parametrize("cell", FACTORS)
def test_no_rows_and_no_steps(cell: str, size: tuple[int, ...]) -> None:
    for spec in [*ALONE, *COVERING]:
        if spec["cell"] == cell:
            compare(spec | {"size": size})


# derivatives


def along(case: Case, weights: list[oracle.Array], name: str, way: oracle.Array) -> float:
    """The derivative of the oracle's weighted results along a way, by five-point differences."""
    step, total = 2.5e-4, 0.0
    for times, share in ((-2, 1), (-1, -8), (1, 8), (2, -1)):
        found = results(case.expect(**{name: case.values[name] + times * step * way}))
        total += share * sum(float((w * f).sum()) for w, f in zip(weights, found, strict=True))
    return total / (12 * step)


def compare_gradients(spec: Spec) -> None:
    case = away_from_kinks(small(spec), 0.02)
    values = case.leafy()
    steps = case.run(values)
    weights = [case.draw(*part.shape) for part in results(steps)]
    pairs = zip(weights, results(steps), strict=True)
    loss = torch.stack([(torch.tensor(w) * part).sum() for w, part in pairs]).sum()
    leaves = [values[name] for name in case.leaves]
    gradients = torch.autograd.grad(loss, leaves, allow_unused=True)
    for name, leaf, gradient in zip(case.leaves, leaves, gradients, strict=True):
        # all elements of a leaf move at once; an element wrong by e shows with a share of e
        way = case.random.choice([-1.0, 1.0], leaf.shape) * case.random.uniform(0.3, 1, leaf.shape)
        way /= max(1.0, float(np.linalg.norm(way)))
        found = 0.0 if gradient is None else float((gradient.numpy() * way).sum())
        assert found == pytest.approx(along(case, weights, name, way), rel=1e-7, abs=1e-7), name


READ = {"lengths": "ragged", "resets": True, "initial": "rows", "reverse": True}


@pytest.mark.parametrize("read", [{}, READ], ids=["plain", "read"])
@pytest.mark.parametrize("spec", ALONE, ids=label)
def test_gradients_are_the_oracles(spec: Spec, read: Spec) -> None:
    changed = {name: value for name, value in read.items() if spec[name] == plain("rnn")[name]}
    compare_gradients(spec | changed)


@pytest.mark.parametrize("spec", COVERING, ids=label)
def test_gradients_are_the_oracles_in_pairs(spec: Spec) -> None:
    compare_gradients(spec)


def test_kinks_are_on_both_sides() -> None:
    """What the derivatives above are worth: draws clear of kinks still clip, and still do not."""
    for cell, name, level in (
        ("lstm", "gate_clip", 0.7),
        ("lstm", "cell_clip", 0.5),
        ("lstm", "projection", "clipped"),
        ("slstm", "gate_clip", 0.7),
        ("slstm", "projection", "clipped"),
        ("slstm", "forget", "exp"),
        ("gru", "gate_clip", 0.7),
        ("rnn", "gate_clip", 0.7),
        ("rnn", "nonlinearity", "relu"),
    ):
        kinks = away_from_kinks(small(plain(cell, **{name: level})), 0.02).expect().kinks
        assert (kinks > 0).any(), (cell, name)
        assert (kinks < 0).any(), (cell, name)


def check_derivatives(spec: Spec) -> None:
    case = away_from_kinks(small(spec), 1e-3)
    values = case.tensors()

    def run(*leaves: Tensor) -> Tensor:
        steps = case.run(values | dict(zip(case.leaves, leaves, strict=True)))
        return torch.cat([part.flatten() for part in results(steps)])

    leaves = [values[name].requires_grad_() for name in case.leaves]
    assert torch.autograd.gradcheck(run, leaves, fast_mode=True)
    assert torch.autograd.gradgradcheck(run, leaves, fast_mode=True)


@pytest.mark.parametrize("spec", ALONE, ids=label)
def test_derivatives_once_and_twice(spec: Spec) -> None:
    check_derivatives(spec)


@pytest.mark.parametrize("spec", COVERING, ids=label)
def test_derivatives_once_and_twice_in_pairs(spec: Spec) -> None:
    check_derivatives(spec)


@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_on_its_bound_a_clip_still_passes_gradients(sign: float) -> None:
    one, zero = torch.ones(1, 1, dtype=torch.float64), torch.zeros(1, 1, dtype=torch.float64)
    x = (sign * 0.75 * one).unsqueeze(0).requires_grad_()
    c = (sign * 0.75 * one).requires_grad_()
    empty = zero.expand(3, 1)
    for bound, passes in ((0.75, 1.0), (math.nextafter(0.75, 0), 0.0)):
        steps = rnn(x, (zero,), Weights(one, zero), RNNOptions(gate_clip=bound))
        (grad,) = torch.autograd.grad(steps.out.sum(), x)
        assert grad.item() == pytest.approx(passes * (1 - math.tanh(0.75) ** 2))
        weights = Weights(empty, empty)
        steps = lstm(x, (zero, c), weights, LSTMOptions("none", cell_clip=bound))
        (grad,) = torch.autograd.grad(steps.state[1].sum(), c)
        assert grad.item() == passes
        # what is read of the cell is no gate
        steps = lstm(x, (zero, c), weights, LSTMOptions("none", gate_clip=bound))
        (grad,) = torch.autograd.grad(steps.out.sum(), c)
        assert grad.item() == pytest.approx(0.5 * (1 - math.tanh(0.75) ** 2))
        # r is half of tanh(1), and so is the bound
        r = 0.5 * math.tanh(1.0)
        edge = r if passes else math.nextafter(r, 0)
        c_one = (sign * one).requires_grad_()
        projected = weights._replace(w_hr=one)
        steps = lstm(x, (zero, c_one), projected, LSTMOptions("none", proj_clip=edge))
        (grad,) = torch.autograd.grad(steps.out.sum(), c_one)
        assert grad.item() == pytest.approx(passes * 0.5 * (1 - math.tanh(1.0) ** 2))


# laws


def graded(case: Case, values: Mapping[str, Tensor], where: Any = ...) -> list[Tensor]:
    """Results at some places, and the gradients that come from there."""
    values = {name: value.detach().requires_grad_() for name, value in values.items()}
    found = [part[where] for part in results(case.run(values))]
    loss = torch.stack([(part.sin() + part).sum() for part in found]).sum()
    gradients = torch.autograd.grad(loss, list(values.values()), allow_unused=True)
    return [*found, *[g for g in gradients if g is not None]]


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("spec", ALONE, ids=label)
def test_what_stands_in_padding_reaches_nothing(spec: Spec, reverse: bool) -> None:
    case = Case(spec | {"size": (4, 3, 2, 3), "lengths": "ragged", "reverse": reverse})
    values = case.tensors()
    clean = graded(case, values)
    for poison in (math.nan, math.inf):
        values["x"][torch.tensor(case.padding)] = poison
        found = graded(case, values)
        agree([part.detach() for part in found], [part.detach() for part in clean], 0)
    # the gradient of x is the first one
    assert not clean[len(results(case.run(values)))][torch.tensor(case.padding)].any()


@pytest.mark.parametrize("spec", ALONE, ids=label)
def test_rows_of_no_steps_pass_their_state_through(spec: Spec) -> None:
    case = Case(spec | {"size": (3, 5, 2, 3), "lengths": "ragged", "resets": True})
    values = case.leafy()
    steps = case.run(values)
    for place, part in enumerate(steps.state):
        leaf = values[f"state {place}"]
        assert torch.equal(part[1], leaf[1])
        (gradient,) = torch.autograd.grad(part[1].sum(), leaf, retain_graph=True)
        assert torch.equal(gradient[1], torch.ones_like(gradient[1]))
    assert not steps.out[1].any()


@pytest.mark.parametrize("cell", FACTORS)
def test_a_cut_lets_nothing_through(cell: str, engine: str) -> None:
    # the CPU engine reads batches with cuts by other instructions: its last bits may differ
    bits = 0 if engine == "reference" else 1e-14
    case = Case(plain(cell, size=(1, 5, 2, 3), initial="vector"))
    values = case.tensors()
    case.resets = np.array([[False, False, True, False, False]])
    before = case.run(values)
    # a NaN before the cut does not reach what stands after it, and the other way round
    spoilt = values | {"x": values["x"].clone(), "state 0": values["state 0"] * math.nan}
    spoilt["x"][:, 1] = math.nan
    after = case.run(spoilt)
    assert torch.equal(before.out[:, 2:], after.out[:, 2:])
    agree(after.state, before.state, 0)
    # a cut at step 0 replaces the state read forwards, and does nothing read backwards
    case.resets = np.array([[True, False, False, False, False]])
    spoilt = values | {"state 0": values["state 0"] * math.nan}
    assert bool(case.run(spoilt).out.isfinite().all())
    case.spec["reverse"] = True
    cut = case.run(values)
    case.resets = None
    agree(results(cut), results(case.run(values)), bits)
    # a cut at padding counts for nothing
    case.lengths, case.resets = np.array([3]), np.array([[False, False, False, True, True]])
    for case.spec["reverse"] in (False, True):
        cut = case.run(values)
        agree(results(cut), results(case.run(values, resets=None)), bits)


def part_of(case: Case, values: Mapping[str, Tensor], start: int, stop: int) -> dict[str, Any]:
    """What changes where only steps from ``start`` to ``stop`` are read."""
    masks = case.under("mask", values)
    changed: dict[str, Any] = {
        "x": values["x"][:, start:stop],
        "masks": Masks(**{n: m if m.shape[1] == 1 else m[:, start:stop] for n, m in masks.items()}),
    }
    if case.lengths is not None:
        changed["lengths"] = torch.tensor(case.lengths - start).clamp(0, stop - start)
    if case.resets is not None:
        changed["resets"] = torch.tensor(case.resets[:, start:stop])
    return changed


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("spec", ALONE, ids=label)
def test_whole_is_chunks_is_steps(spec: Spec, reverse: bool) -> None:
    read = {"lengths": "ragged", "initial": "rows", "reverse": reverse, "resets": True}
    case = Case(spec | read | {"size": (4, 5, 2, 3), "record": True})
    values = case.tensors()
    whole = case.run(values)
    fresh = case.under("initial", values)
    for edges in ([0, 2, 3, 5], [0, 1, 2, 3, 4, 5]):
        state, pieces = tuple(case.under("state", values).values()), []
        chunks = list(pairwise(edges))
        for start, stop in reversed(chunks) if reverse else chunks:
            if reverse and stop < case.steps:
                # the cut between two chunks belongs to the one that is read first
                cut = torch.tensor(case.resets[:, stop] & (case.lengths > stop)).unsqueeze(1)
                both = zip(fresh.values(), state, strict=True)
                state = tuple(torch.where(cut, new, old) for new, old in both)
            piece = case.run(values, state=state, **part_of(case, values, start, stop))
            state = piece.state
            pieces.append([piece.out, *piece.states, *piece.gates])
        joined = zip(*(pieces[::-1] if reverse else pieces), strict=True)
        agree([torch.cat(p, 1) for p in joined], [whole.out, *whole.states, *whole.gates], 1e-12)
        agree(state, whole.state, 1e-12)


@pytest.mark.parametrize("spec", COVERING, ids=label)
def test_rows_know_nothing_of_each_other(spec: Spec) -> None:
    """Rows in another order, and every row alone without its padding, are the same rows."""
    read = {"lengths": "ragged", "record": True}
    # no weight is as high as the batch
    case = Case(spec | read | {"size": (4, 5, 2, 7)})
    values = case.tensors()
    whole = case.run(values)

    def only(rows: list[int]) -> dict[str, Tensor]:
        return {n: v[rows] if len(v) == 4 and v.ndim > 1 else v for n, v in values.items()}

    lengths, resets = case.lengths, case.resets
    for rows in ([2, 0, 3, 1], [0], [1], [2], [3]):
        case.lengths = lengths[rows]
        case.resets = None if resets is None else resets[rows]
        end = max(case.lengths)
        chosen = only(rows)
        found = case.run(chosen, **part_of(case, chosen, 0, end))
        agree(found.state, [part[rows] for part in whole.state], 1e-12)
        if end > 0:
            parts, wholes = [found.out, *found.states], [whole.out, *whole.states]
            agree(
                [*parts, *found.gates], [p[rows][:, :end] for p in [*wholes, *whole.gates]], 1e-12
            )


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float32, 2e-5), (torch.bfloat16, 0.1), (torch.float16, 0.03)]
)
@pytest.mark.parametrize("spec", COVERING, ids=label)
def test_other_dtypes(spec: Spec, dtype: torch.dtype, tolerance: float) -> None:
    # the derivative of a norm is 300 where there is nothing to normalise: too much for float16
    case = away_from_kinks(spec | {"size": (3, 4, 2, 4)}, 1e-3)
    values = case.leafy(dtype)
    # what is lost by rounding the arguments is not the kernel's
    case.values = {name: value.detach().double().numpy() for name, value in values.items()}
    steps = case.run(values)
    assert all(part.dtype == dtype for part in results(steps))
    agree([steps.out.detach().double()], [case.expect().out], tolerance)
    for gradient in torch.autograd.grad(
        steps.out.float().square().sum(),
        [value for value in values.values() if value.requires_grad],
        allow_unused=True,
    ):
        assert gradient is None or (gradient.dtype == dtype and bool(gradient.isfinite().all()))

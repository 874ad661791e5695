"""The recurrence again, in NumPy: one row, one step, one gate at a time, as the papers write it.

It shares nothing with the library: no code, no structure, no torch. Rows are first cut into the
sequences that they are made of, and then each sequence is read on its own; padding is never looked
at. Besides the results it tells how far from a kink every piecewise function was evaluated, and how
much there was to normalise in every norm, so that finite differences can stay clear of both.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# the gates of each cell, in order: those that are recorded, and the blocks of its weights
GATES = {"lstm": "ifgo", "slstm": "ifzo", "gru": "rzn", "rnn": "n"}


class Result(NamedTuple):
    """``kinks``: the signed distance to its kink of whatever a piecewise function was given, and
    the variance of whatever was normalised."""

    out: Array
    state: list[Array]
    states: list[Array]
    gates: list[Array]
    kinks: Array


class Cell:
    """One step of one cell, for one row."""

    def __init__(self, cell: str, weights: Mapping[str, Array], options: Mapping[str, Any]) -> None:
        self.weights, self.options = weights, options
        self.kinks: list[float] = []
        self.step = getattr(self, cell)
        # an LSTM whose forget gate is coupled or absent has no weights for it
        blocks = GATES[cell]
        if options.get("forget") in ("coupled", "none"):
            blocks = blocks.replace("f", "")
        self.blocks, self.peepholes = blocks, blocks.replace("g", "")
        self.units = len(weights["w_ih"]) // len(blocks)

    def block(self, name: str, gate: str, among: str = "") -> Any:
        """A gate's rows of a weight; 0 for a bias that is not there."""
        if name not in self.weights:
            return 0.0
        first = (among or self.blocks).index(gate) * self.units
        return self.weights[name][first : first + self.units]

    def from_input(self, gate: str, x: Array) -> Array:
        return self.block("w_ih", gate) @ x + self.block("b_ih", gate)

    def from_hidden(self, gate: str, q: Array) -> Array:
        return self.block("w_hh", gate) @ q + self.block("b_hh", gate)

    def clip(self, v: Array, option: str) -> Array:
        bound = self.options.get(option)
        if bound is None:
            return v
        self.kinks += [abs(u) - bound for u in v]
        return np.array([min(max(u, -bound), bound) for u in v])

    def norm(self, v: Array, gain: Any, bias: Any) -> Array:
        mean = sum(v) / len(v)
        variance = sum((u - mean) ** 2 for u in v) / len(v)
        self.kinks.append(variance)
        return gain * (v - mean) / math.sqrt(variance + 1e-5) + bias

    def into(self, gate: str, v: Array) -> Array:
        """What the gate's nonlinearity reads."""
        if "norm_gain" in self.weights:
            v = self.norm(v, self.block("norm_gain", gate), self.block("norm_bias", gate))
        return self.clip(v, "gate_clip")

    def seen(self, v: Array) -> Array:
        """What is seen of the cell, normalised if it is to be."""
        if "norm_c_gain" not in self.weights:
            return v
        return self.norm(v, self.weights["norm_c_gain"], self.weights.get("norm_c_bias", 0.0))

    def hidden(self, r: Array) -> Array:
        if "w_hr" not in self.weights:
            return r
        return self.clip(self.weights["w_hr"] @ r, "proj_clip")

    def lstm(self, x: Array, q: Array, state: list[Array], drop: Any) -> Any:
        _, c = state

        def gate(k: str, cell: Array) -> Array:
            a = self.from_input(k, x) + self.from_hidden(k, q)
            if "peephole" in self.weights:
                a = a + self.block("peephole", k, self.peepholes) * cell
            return logistic(self.into(k, a))

        i = gate("i", c)
        kind = self.options.get("forget", "gate")
        f = gate("f", c) if kind == "gate" else 1 - i if kind == "coupled" else np.ones(len(i))
        g = np.tanh(self.into("g", self.from_input("g", x) + self.from_hidden("g", q)))
        new = self.clip(f * c + i * (drop * g), "cell_clip")
        o = gate("o", new)
        r = o * np.tanh(self.seen(new))
        return [self.hidden(r), new], [i, f, g, o]

    def slstm(self, x: Array, q: Array, state: list[Array], drop: Any) -> Any:
        _, c, n, m = state
        a = {k: self.into(k, self.from_input(k, x) + self.from_hidden(k, q)) for k in "ifzo"}
        z, o = np.tanh(a["z"]), logistic(a["o"])
        drop = drop * np.ones(len(z))
        log_f = a["f"] if self.options.get("forget") == "exp" else -np.logaddexp(0.0, -a["f"])
        units = []
        for u in range(self.units):
            log_i = a["i"][u]
            # the scale in which the new memory is kept is that of its largest term
            if n[u] > 0:
                self.kinks.append(log_f[u] + m[u] - log_i)
                scale = max(log_f[u] + m[u], log_i)
                i, f = math.exp(log_i - scale), math.exp(log_f[u] + m[u] - scale)
                units.append((f * c[u] + i * drop[u] * z[u], f * n[u] + i, scale, i, f))
            else:
                units.append((drop[u] * z[u], 1.0, log_i, 1.0, 0.0))
        c, n, m, i, f = (np.array(part) for part in zip(*units, strict=True))
        return [self.hidden(o * self.seen(c / n)), c, n, m], [i, f, z, o]

    def gru(self, x: Array, q: Array, state: list[Array], drop: Any) -> Any:
        r = logistic(self.into("r", self.from_input("r", x) + self.from_hidden("r", q)))
        z = logistic(self.into("z", self.from_input("z", x) + self.from_hidden("z", q)))
        if self.options.get("reset_after", True):
            a = self.from_input("n", x) + r * self.from_hidden("n", q)
        else:
            a = self.from_input("n", x) + self.from_hidden("n", r * q)
        n = np.tanh(self.into("n", a))
        return [(1 - z) * (drop * n) + z * state[0]], [r, z, n]

    def rnn(self, x: Array, q: Array, state: list[Array], drop: Any) -> Any:
        a = self.into("n", self.from_input("n", x) + self.from_hidden("n", q))
        if self.options.get("nonlinearity") != "relu":
            return [np.tanh(a)], [np.tanh(a)]
        self.kinks += list(a)
        n = np.array([max(u, 0.0) for u in a])
        return [n], [n]


def run(
    cell: str,
    x: Array,
    state: Sequence[Array],
    weights: Mapping[str, Array],
    options: Mapping[str, Any],
    *,
    lengths: Any = None,
    resets: Any = None,
    initial: Sequence[Array] | None = None,
    reverse: bool = False,
    masks: Mapping[str, Array] | None = None,
) -> Result:
    """One layer in one direction over x (B, T, F). What is not in ``weights`` is not there."""
    one, masks = Cell(cell, weights, options), masks or {}
    rows, steps = x.shape[:2]
    out = np.zeros((rows, steps, state[0].shape[1]))
    last = [part.copy() for part in state]
    states = [np.zeros((rows, steps, part.shape[1])) for part in state]
    gates = [np.zeros((rows, steps, one.units)) for _ in GATES[cell]]
    for b in range(rows):
        end = steps if lengths is None else min(max(int(lengths[b]), 0), steps)
        cuts = [] if resets is None else [t for t in range(end) if resets[b, t]]
        now = [part[b] for part in state]
        for start, stop in _sequences(end, cuts, reverse):
            if (stop if reverse else start) in cuts:
                now = _fresh(initial, state, b)
            for t in reversed(range(start, stop)) if reverse else range(start, stop):
                mask = {name: _at(values, b, t) for name, values in masks.items()}
                old = now
                now, made = one.step(
                    mask.get("x", 1.0) * x[b, t], mask.get("h", 1.0) * old[0], old, mask.get("g", 1)
                )
                for part, name in ((0, "keep_h"), (1, "keep_c")):
                    if name in mask:
                        keep = mask[name]
                        now[part] = keep * old[part] + (1 - keep) * now[part]
                out[b, t] = now[0]
                for whole, value in zip([*states, *gates], [*now, *made], strict=True):
                    whole[b, t] = value
        for whole, value in zip(last, now, strict=True):
            whole[b] = value
    return Result(out, last, states, gates, np.array(one.kinks))


def logistic(v: Array) -> Array:
    return np.array([1 / (1 + math.exp(-u)) for u in v])


def _sequences(end: int, cuts: list[int], reverse: bool) -> list[tuple[int, int]]:
    """The sequences that a row of ``end`` steps is made of, in the order they are read."""
    found = list(pairwise(sorted({0, end, *cuts})))
    return found[::-1] if reverse else found


def _fresh(initial: Sequence[Array] | None, state: Sequence[Array], b: int) -> list[Array]:
    if initial is None:
        return [np.zeros(part.shape[1]) for part in state]
    return [part if part.ndim == 1 else part[b] for part in initial]


def _at(mask: Array, b: int, t: int) -> Array:
    """A mask for one row and step, where a dimension of size 1 holds for all."""
    return mask[b if mask.shape[0] > 1 else 0, t if mask.shape[1] > 1 else 0]

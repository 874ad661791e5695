"""Which parameters a cell has, under which names and of which shapes."""

from __future__ import annotations

from longshort.kernels.reference import Options

# what torch calls the kernels' weights
NAMES = {
    "w_ih": "weight_ih",
    "w_hh": "weight_hh",
    "b_ih": "bias_ih",
    "b_hh": "bias_hh",
    "w_hr": "weight_hr",
    "peephole": "peephole",
    "norm_gain": "norm_gain",
    "norm_bias": "norm_bias",
    "norm_c_gain": "norm_cell_gain",
    "norm_c_bias": "norm_cell_bias",
}


def shapes(
    cell: Options,
    features: int,
    units: int,
    *,
    bias: bool = True,
    projected: int = 0,
    peepholes: int = 0,
    layer_norm: bool = False,
) -> dict[str, tuple[int, ...]]:
    """The weights of a cell by the kernels' names, torch's first and in torch's order.

    Args:
        cell: which one.
        features: F, of its input.
        units: H.
        bias: whether the gates have biases.
        projected: P, if the hidden state is projected, else 0.
        peepholes: how many gates look at the cell.
        layer_norm: whether the gates and, if there is one, the cell are normalised.
    """
    hidden, gates = projected or units, len(cell.gates) * units
    found: dict[str, tuple[int, ...]] = {"w_ih": (gates, features), "w_hh": (gates, hidden)}
    if bias:
        found |= {"b_ih": (gates,), "b_hh": (gates,)}
    if projected:
        found["w_hr"] = (hidden, units)
    if peepholes:
        found["peephole"] = (peepholes * units,)
    if layer_norm:
        found |= {"norm_gain": (gates,), "norm_bias": (gates,)}
        if "c" in cell.parts:
            found |= {"norm_c_gain": (units,), "norm_c_bias": (units,)}
    return found

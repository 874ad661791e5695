"""What a recurrent layer accepts: torch's checks in torch's words, and our own."""

from __future__ import annotations

import numbers
import warnings

import torch
from torch import Tensor


def check_sizes(
    input_size: int,
    hidden_size: int,
    num_layers: int,
    bias: bool,
    batch_first: bool,
    proj_size: int,
) -> None:
    """Torch's checks of a layer's shape."""
    for name, flag in (("bias", bias), ("batch_first", batch_first)):
        if not isinstance(flag, bool):
            raise TypeError(f"{name} should be of type bool, got: {type(flag).__name__}")
    for name, size in (("input_size", input_size), ("hidden_size", hidden_size)):
        if not isinstance(size, int):
            raise TypeError(f"{name} should be of type int, got: {type(size).__name__}")
        if size <= 0:
            raise ValueError(f"{name} must be greater than zero")
    if num_layers <= 0:
        raise ValueError("num_layers must be greater than zero")
    if proj_size < 0:
        raise ValueError("proj_size should be a positive integer or zero to disable projections")
    if proj_size >= hidden_size:
        raise ValueError("proj_size has to be smaller than hidden_size")


def check_dropout(dropout: float, num_layers: int, stacklevel: int) -> None:
    """Torch's check and torch's warning."""
    known = isinstance(dropout, numbers.Real) and not isinstance(dropout, bool)
    if not known or not 0 <= dropout <= 1:
        raise ValueError(
            "dropout should be a number in range [0, 1] representing the probability of an "
            "element being zeroed"
        )
    if dropout > 0 and num_layers == 1:
        warnings.warn(
            "dropout option adds dropout after all but last recurrent layer, so non-zero dropout "
            f"expects num_layers greater than 1, but got dropout={dropout} and "
            f"num_layers={num_layers}",
            stacklevel=stacklevel + 1,
        )


def check_input(x: Tensor, weight: Tensor, input_size: int) -> None:
    """Torch's checks of x (B, T, F)."""
    if x.dtype != weight.dtype and not torch.is_autocast_enabled(x.device.type):
        raise ValueError(
            f"RNN input dtype ({x.dtype}) does not match weight dtype ({weight.dtype}). "
            f"Convert input: input.to({weight.dtype}), or convert model: model.to({x.dtype})"
        )
    if x.dim() != 3:
        raise RuntimeError(f"input must have 3 dimensions, got {x.dim()}")
    if x.shape[2] != input_size:
        raise RuntimeError(
            f"input.size(-1) must be equal to input_size. Expected {input_size}, got {x.shape[2]}"
        )
    if x.shape[1] == 0:
        raise RuntimeError("Expected sequence length to be larger than 0 in RNN")


def check_rank(parts: tuple[Tensor, ...], *, batched: bool) -> None:
    """Torch's check of how many dimensions the parts of a state have."""
    form, rank = ("batched 3-D", 3) if batched else ("unbatched 2-D", 2)
    if all(part.dim() == rank for part in parts):
        return
    found = [f"{part.dim()}-D" for part in parts]
    if len(parts) == 1:
        raise RuntimeError(
            f"For {form} input, hx should also be {rank}-D but got {found[0]} tensor"
        )
    names = "hx and cx" if len(parts) == 2 else "every part of hx"
    raise RuntimeError(
        f"For {form} input, {names} should also be {rank}-D but got ({', '.join(found)}) tensors"
    )


def check_state(parts: tuple[Tensor, ...], sizes: list[tuple[int, ...]], x: Tensor) -> None:
    """Torch's checks of the sizes and dtypes of the parts of a state, once all are there."""
    if len(parts) != len(sizes):
        raise RuntimeError(f"Expected a state of {len(sizes)} tensors, got {len(parts)}")
    mixed = torch.is_autocast_enabled(x.device.type)
    for place, (part, size) in enumerate(zip(parts, sizes, strict=True)):
        name = "hidden" if len(parts) == 1 else f"hidden[{place}]"
        if part.shape != size:
            raise RuntimeError(f"Expected {name} size {size}, got {list(part.shape)}")
        if part.dtype != x.dtype and not mixed:
            raise RuntimeError(
                "Input and hidden tensors are not the same dtype, found input tensor with "
                f"{x.dtype} and {name} with {part.dtype}"
            )


def check_lengths(lengths: Tensor | None, x: Tensor) -> Tensor | None:
    """Lengths once they fit x (B, T, F); None where every row is known to be full.

    Values are looked at only where that waits for nothing: on the CPU, outside of compiled code.
    Elsewhere those above T act as T and those below 0 as 0.
    """
    if lengths is None:
        return None
    rows, steps = x.shape[:2]
    if lengths.shape != (rows,):
        raise ValueError(f"lengths should have shape ({rows},), got {list(lengths.shape)}")
    if lengths.is_floating_point() or lengths.is_complex() or lengths.dtype == torch.bool:
        raise ValueError(f"lengths should be of an integer dtype, got {lengths.dtype}")
    # what is subtracted from a small or unsigned integer wraps around
    lengths = lengths.long()
    if not _can_look(lengths):
        return lengths
    bad = ((lengths < 0) | (lengths > steps)).nonzero().flatten().tolist()
    if bad:
        value = int(lengths[bad[0]])
        raise ValueError(f"lengths should be from 0 to T={steps}, got {value} in row {bad[0]}")
    return lengths.to(x.device) if bool((lengths < steps).any()) else None


def check_resets(resets: Tensor | None, shape: torch.Size) -> None:
    """Resets have the input's shape without its features, and are yes or no."""
    if resets is None:
        return
    if resets.shape != shape:
        raise ValueError(f"resets should have shape {tuple(shape)}, got {list(resets.shape)}")
    if resets.dtype != torch.bool:
        raise ValueError(f"resets should be of dtype torch.bool, got {resets.dtype}")


def _can_look(tensor: Tensor) -> bool:
    if torch.compiler.is_compiling() or tensor.device.type != "cpu":
        return False
    return type(tensor) is Tensor and not torch._C._functorch.is_functorch_wrapped_tensor(tensor)

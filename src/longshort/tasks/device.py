"""Where networks run."""

from __future__ import annotations

import torch

from longshort.errors import ArgumentError


def choose_device(name: str) -> torch.device:
    """The device of that name; "auto" is a CUDA device where there is one.

    Raises:
        ArgumentError: it is none to train on, or not there.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    unknown = f"device={name!r} is not a device to train on; use 'cpu', 'cuda' or 'auto'"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ArgumentError(unknown) from error
    if device.type not in ("cpu", "cuda"):
        raise ArgumentError(unknown)
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ArgumentError(
            f"device={name!r}: this PyTorch finds no CUDA device; use 'cpu' or 'auto'"
        )
    return device

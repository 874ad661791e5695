"""``longshort doctor``: what is installed, and which engine runs the recurrence and why."""

from __future__ import annotations

import platform
from importlib import metadata

import torch

from longshort import __version__
from longshort.cli.terminal import out
from longshort.kernels import cpu
from longshort.kernels.dispatch import engine

PACKAGES = ("torch", "numpy", "polars", "narwhals", "scikit-learn", "safetensors", "altair")


def compiled() -> str:
    """Which instruction sets the CPU engine was compiled for, or what to do where it was not."""
    if not cpu.AVAILABLE:
        return cpu.MISSING
    return (
        f"compiled, uses {cpu.isa()} (this machine runs {', '.join(cpu.isas())}), "
        f"threads: {torch.get_num_threads()}"
    )


def doctor() -> None:
    """Say what is installed, and which engine runs the recurrence and why."""
    out.print(f"longshort     {__version__}")
    out.print(f"python        {platform.python_version()} on {platform.platform()}")
    for package in PACKAGES:
        out.print(f"{package:<13} {metadata.version(package)}")
    cuda = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    out.print(f"threads       {torch.get_num_threads()}")
    out.print(f"CUDA device   {cuda}")
    out.print(f"CPU engine    {compiled()}", markup=False)
    chosen = engine()
    out.print(f"engine        {chosen.name}: {chosen.reason}")

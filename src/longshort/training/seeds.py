"""Every random choice of training is a function of (seed, epoch, position)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Torch's default generator set to ``seed`` inside, and put back as it was afterwards."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield


def step_seed(seed: int, epoch: int, position: int) -> int:
    """One seed per training step, mixed so that near triples share nothing (splitmix64)."""
    mixed = seed
    for number in (epoch, position):
        mixed = (mixed + 0x9E3779B97F4A7C15 * (number + 1)) & (2**64 - 1)
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & (2**64 - 1)
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & (2**64 - 1)
        mixed ^= mixed >> 31
    return mixed

"""Random masks that are a pure function of (seed, stream, position).

The numbers come from the counter-based generator Philox4x32-10 (Salmon, Moraes, Dror & Shaw 2011,
"Parallel random numbers: as easy as 1, 2, 3", SC11): the key is the seed, the counter is the
stream and the position. So they do not depend on the device, the number of threads or the order in
which they are drawn, and any engine can make a mask again instead of storing it.

The element at flat (row-major) position p of a stream is lane p % 4 of counter p // 4. A longer
draw therefore begins with the shorter one, and rows b to b' of a mask of shape (B, T, H) can be
drawn by themselves; changing T or H moves every element.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from longshort.kernels import cpu

_LOW = 0xFFFFFFFF
# the paper's multipliers less 2**32: their products with 32-bit words then fit into int64
_MULTIPLIERS = (0xD2511F53 - 2**32, 0xCD9E8D57 - 2**32)
_WEYL = (0x9E3779B9, 0xBB67AE85)
_ROUNDS = 10

# a 32-bit word per counter, or one word that all counters share
Word = Tensor | int
# a number, or a tensor of one int64 that nobody needs to wait for
Seed = Tensor | int


def philox(
    counter: tuple[Word, Word, Word, Word], key: tuple[Word, Word]
) -> tuple[Word, Word, Word, Word]:
    """The Philox4x32-10 bijection on 32-bit words, elementwise and broadcasting.

    Args:
        counter: four words, least significant first; int64 tensors or numbers, each from 0 to
            2**32 - 1.
        key: two such words.

    Returns:
        Four words that look random.
    """
    x0, x1, x2, x3 = counter
    k0, k1 = key
    for _ in range(_ROUNDS):
        high0, low0 = _multiply(x0, _MULTIPLIERS[0])
        high1, low1 = _multiply(x2, _MULTIPLIERS[1])
        x0, x1, x2, x3 = high1 ^ x1 ^ k0, low1, high0 ^ x3 ^ k1, low0
        k0, k1 = (k0 + _WEYL[0]) & _LOW, (k1 + _WEYL[1]) & _LOW
    return x0, x1, x2, x3


def bits(
    seed: Seed, stream: int, count: int, device: torch.device | str | None = None, first: int = 0
) -> Tensor:
    """Random words of a stream from position ``first`` on: (count,) of int64, 0 to 2**32 - 1.

    ``seed`` and ``stream`` are taken modulo 2**64.
    """
    start, stop = first // 4, (first + count + 3) // 4
    block = torch.arange(start, stop, dtype=torch.int64, device=device)
    counter = (block & _LOW, block >> 32, stream & _LOW, stream >> 32 & _LOW)
    lanes = philox(counter, (seed & _LOW, seed >> 32 & _LOW))
    words = torch.stack([torch.as_tensor(lane) for lane in lanes], dim=1).flatten()
    return words[first - 4 * start :][:count]


def uniform(
    seed: Seed, stream: int, count: int, device: torch.device | str | None = None
) -> Tensor:
    """The first ``count`` numbers of a stream, (count,) of float64, strictly between 0 and 1."""
    return (bits(seed, stream, count, device).double() + 0.5) * 2.0**-32


def keep_mask(
    seed: Seed,
    stream: int,
    shape: Sequence[int],
    drop: float,
    *,
    row: int = 0,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str | None = None,
) -> Tensor:
    """An inverted dropout mask: 0 with probability ``drop``, else 1 / (1 - drop), so of mean 1.

    Which elements are zero depends on neither dtype nor device, and an element that one ``drop``
    zeroes is zeroed by every larger one.

    Args:
        seed: modulo 2**64; one per forward pass.
        stream: modulo 2**64; one per place where a mask is needed.
        shape: of the mask.
        drop: from 0 (all ones) to 1 (all zeros).
        row: the mask is rows ``row`` and on, along its first axis, of that of a larger batch.
        dtype: of the mask.
        device: where the mask is made.

    Raises:
        ValueError: ``drop`` is not between 0 and 1.
    """
    if not 0 <= drop <= 1:
        raise ValueError(f"drop must be a probability from 0 to 1, got {drop}")
    first, least = row * math.prod(shape[1:]), round(drop * 2**32)
    scale = 1 / (1 - drop) if drop < 1 else 0.0
    if _quick(seed, dtype, device):
        return cpu.draw(int(seed), stream, shape, least, scale, first=first, dtype=dtype)
    kept = bits(seed, stream, math.prod(shape), device, first) >= least
    return kept.view(tuple(shape)).to(dtype) * scale


def dropped(x: Tensor, seed: Seed, stream: int, drop: float, row: int = 0) -> Tensor:
    """``x`` times its ``keep_mask``; the arguments are that function's."""
    return x * keep_mask(seed, stream, x.shape, drop, row=row, dtype=x.dtype, device=x.device)


class StepMasks:
    """Masks of one call that reads whole sequences or step by step: each stream is drawn once.

    Args:
        seed: None for no masks.
        drop: see ``keep_mask``.
        steps: of the sequences.
        row: see ``keep_mask``.
    """

    def __init__(self, seed: int | None, drop: float, steps: int, row: int = 0) -> None:
        self._seed, self._drop, self._steps, self._row = seed, drop, steps, row
        self._drawn: dict[int, Tensor] = {}

    def __call__(self, x: Tensor, stream: int, step: int | None = None) -> Tensor:
        """x (B, T, H) times a stream's mask, or (B, 1, H) times that of one step."""
        if self._seed is None:
            return x
        if stream not in self._drawn:
            shape = (x.shape[0], self._steps, x.shape[2])
            self._drawn[stream] = keep_mask(
                self._seed, stream, shape, self._drop, row=self._row, dtype=x.dtype, device=x.device
            )
        mask = self._drawn[stream]
        return x * (mask if step is None else mask[:, step : step + 1])


def draw_seed() -> Tensor:
    """One seed from torch's default generator: a tensor, so that compiled code can hold it."""
    return torch.randint(2**63 - 1, (), device="cpu")


def _quick(seed: Seed, dtype: torch.dtype, device: torch.device | str | None) -> bool:
    """Whether the CPU engine may draw a mask: the same bits, in a hundredth of the time."""
    if dtype not in (torch.float32, torch.float64) or torch.device(device or "cpu").type != "cpu":
        return False
    if not cpu.AVAILABLE or torch.compiler.is_compiling() or not cpu.unwatched():
        return False
    return not isinstance(seed, Tensor) or (type(seed) is Tensor and seed.is_cpu)


def _multiply(word: Word, multiplier: int) -> tuple[Word, Word]:
    """High and low 32 bits of ``word`` times (``multiplier`` + 2**32)."""
    product = word * multiplier
    return (product >> 32) + word, product & _LOW

"""Processes that train one network together, each on its rows of every batch.

They are started by ``torchrun`` or whatever else sets RANK, WORLD_SIZE and torch's other variables;
rank 0 alone shows, judges and writes.
"""

from __future__ import annotations

import datetime
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any, TypeVar

import torch
from torch import Tensor, distributed

T = TypeVar("T")

# to find each other; and while rank 0 judges a validation part, for which the others wait
MEETING, WAITING = datetime.timedelta(minutes=10), datetime.timedelta(hours=1)


@dataclass(frozen=True)
class Ranks:
    """This process, ``rank`` of ``size`` of them; sums and copies between them all."""

    rank: int = 0
    size: int = 1

    @classmethod
    def here(cls) -> Ranks:
        """The processes that torch has joined into one group, or this one alone."""
        if distributed.is_available() and distributed.is_initialized():
            return cls(distributed.get_rank(), distributed.get_world_size())
        return cls()

    @property
    def lead(self) -> bool:
        """Whether this is the process that shows, judges and writes."""
        return self.rank == 0

    def share(self, rows: int) -> tuple[int, int]:
        """First row and end of this process's part of a batch."""
        return self.rank * rows // self.size, (self.rank + 1) * rows // self.size

    def sums(self, numbers: Sequence[float]) -> list[float]:
        """Each number summed over all processes, in float64."""
        if self.size == 1:
            return list(numbers)
        total = torch.tensor(numbers, dtype=torch.float64, device=self._device())
        distributed.all_reduce(total)
        found: list[float] = total.tolist()
        return found

    def add(self, tensors: Sequence[Tensor]) -> None:
        """Put the sum over all processes into each tensor; all of one dtype and device."""
        if self.size == 1 or not tensors:
            return
        flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
        distributed.all_reduce(flat)
        sizes = [tensor.numel() for tensor in tensors]
        for tensor, summed in zip(tensors, torch.split(flat, sizes), strict=True):
            tensor.copy_(summed.view_as(tensor))

    def gather(self, part: Tensor, start: int, rows: int) -> Tensor:
        """All rows of a tensor of which this process has those from ``start`` on."""
        if self.size == 1:
            return part
        whole = part.new_zeros(rows, *part.shape[1:])
        whole[start : start + len(part)] = part
        distributed.all_reduce(whole)
        return whole

    def same(self, value: T) -> T:
        """What rank 0 has, on every process."""
        if self.size == 1:
            return value
        found: list[Any] = [value]
        distributed.broadcast_object_list(found, src=0, device=self._device())
        return found[0]  # type: ignore[no-any-return]

    @contextmanager
    def listening(self) -> Iterator[list[int]]:
        """Where there are several: Ctrl-C only adds to the list, so that all can stop at once."""
        asked: list[int] = []
        if self.size == 1 or threading.current_thread() is not threading.main_thread():
            yield asked
            return

        def note(number: int, frame: FrameType | None) -> None:
            asked.append(number)

        before = signal.signal(signal.SIGINT, note)
        try:
            yield asked
        finally:
            signal.signal(signal.SIGINT, before)

    def _device(self) -> torch.device:
        # NCCL knows no tensors of the CPU
        return torch.device("cuda" if distributed.get_backend() == "nccl" else "cpu")


@contextmanager
def joined(device: str = "cpu") -> Iterator[Ranks]:
    """Inside, this process trains with the others that RANK and WORLD_SIZE tell of, if any.

    On "cuda" each process of a machine takes the device that LOCAL_RANK tells.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1 or distributed.is_initialized():
        yield Ranks.here()
        return
    backend = "gloo"
    if device != "cpu" and torch.cuda.is_available():
        local, devices = int(os.environ.get("LOCAL_RANK", "0")), torch.cuda.device_count()
        torch.cuda.set_device(local % devices)
        # NCCL wants a device for every process
        if int(os.environ.get("LOCAL_WORLD_SIZE", "1")) <= devices:
            backend = "cpu:gloo,cuda:nccl"
    meeting = distributed.rendezvous("env://", timeout=MEETING)  # type: ignore[attr-defined]
    store, rank, size = next(meeting)
    if os.environ.get("LOCAL_WORLD_SIZE") == str(size):
        # torchrun keeps one store for all its restarts, and what earlier lives left there misleads;
        # machines of several may not have counted alike
        life = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
        store = distributed.PrefixStore(f"life{life}", store)  # type: ignore[attr-defined]
    distributed.init_process_group(
        backend, store=store, rank=rank, world_size=size, timeout=WAITING
    )
    try:
        yield Ranks.here()
    finally:
        distributed.destroy_process_group()

"""The recurrence beside torch.nn.LSTM: forward and backward, one thread, one process.

Interleaved, minimum of process CPU time over the rounds; float32, PyTorch's default allocator. The
outputs are compared first: no time without the same numbers.
"""

from __future__ import annotations

import time

import torch
from record import write_block

import longshort

# B, T, I, H
SHAPES = [(32, 28, 8, 32), (32, 48, 8, 64), (64, 100, 64, 128)]
ROUNDS = 9


def run(layer: torch.nn.Module, x: torch.Tensor) -> torch.Tensor:
    out, _ = layer(x)
    out.sum().backward()
    return out


def main() -> None:
    torch.set_num_threads(1)
    parts = []
    for b, t, i, h in SHAPES:
        peer = torch.nn.LSTM(i, h, batch_first=True)
        ours = longshort.LSTM(i, h, batch_first=True)
        ours.load_state_dict(peer.state_dict())
        x = torch.randn(b, t, i)
        torch.testing.assert_close(run(ours, x), run(peer, x), rtol=1e-5, atol=1e-5)
        best = {"ours": float("inf"), "peer": float("inf")}
        for _ in range(ROUNDS):
            for name, layer in (("ours", ours), ("peer", peer)):
                begun = time.process_time_ns()
                run(layer, x)
                best[name] = min(best[name], (time.process_time_ns() - begun) / 1e6)
        ratio = best["ours"] / best["peer"]
        parts.append(f"{ratio:.1f} times its time at B {b}, T {t}, I {i}, H {h}")
        print(parts[-1], best)
    write_block("speed", "\n  " + "; ".join(parts) + " (`benchmarks/speed.py`, one thread).")


if __name__ == "__main__":
    main()

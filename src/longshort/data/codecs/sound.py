r"""Sound as frames of numbers: the logarithm of a mel filter bank, and cepstra of it.

The samples of a frame, without their mean, are x; with the emphasis of high frequencies, the
window w and the triangles b of the bank, evenly spaced in mel(f) = 1127 ln(1 + f / 700),

    y_n = w_n (x_n - 0.97 x_{n-1}),     p = |FFT(y)|^2,     m_k = ln max(sum_f b_kf p_f, eps)
    c_j = l_j s_j sum_k m_k cos(pi j (k + 1/2) / K),        l_j = 1 + 11 sin(pi j / 22)

with s_0 = sqrt(1 / K), s_j = sqrt(2 / K) (Davis and Mermelstein 1980). Frames are cut, emphasised,
windowed and filtered as Kaldi does it (Povey et al. 2011). A recording that is shorter than a frame
is one frame, filled up with zeros.

Frames depend on their own samples alone, differences on two more frames on either side, and what
is taken off in passing on the frames before: ``step`` reads a recording chunk by chunk, with the
same result as at once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from longshort.contracts import State

Features = Literal["mel", "mfcc"]

# less than this is taken for it before the logarithm: the least step of float32
_FLOOR = 1.1920928955078125e-07
_EMPHASIS = 0.97
_LIFTER = 22
# frames on either side that a difference is fitted to
_REACH = 2
# what is taken off in passing begins as if so many frames of the training part had been heard
_BEFORE = 100


class Heard(NamedTuple):
    """Frames (B, T, F), and how many of each row's are no padding, (B,)."""

    frames: Tensor
    lengths: Tensor


@dataclass(frozen=True)
class Filters:
    """How samples become frames.

    Args:
        rate: samples a second.
        features: "mel", K numbers a frame; "mfcc", J cepstra.
        bands: K, triangles of the bank.
        cepstra: J, at most K; of "mfcc" alone.
        deltas: 1 adds each number's slope over five frames, 2 also the slope of the slope.
        window, hop: milliseconds of a frame, and from one to the next.
        low: hertz where the bank begins; it ends at half the rate.
    """

    rate: int
    features: Features = "mel"
    bands: int = 40
    cepstra: int = 13
    deltas: int = 0
    window: float = 25.0
    hop: float = 10.0
    low: float = 20.0

    @property
    def width(self) -> int:
        """F, numbers of a frame."""
        return (self.bands if self.features == "mel" else self.cepstra) * (1 + self.deltas)

    @cached_property
    def size(self) -> int:
        """Samples of a frame."""
        return max(int(self.rate * self.window / 1000), 2)

    @cached_property
    def shift(self) -> int:
        """Samples from one frame to the next."""
        return max(int(self.rate * self.hop / 1000), 1)

    @cached_property
    def points(self) -> int:
        """Of the Fourier transform: a power of two."""
        return 1 << (self.size - 1).bit_length()

    @cached_property
    def taper(self) -> Tensor:
        """(size,) the window: a Hann window to the power 0.85."""
        turn = torch.arange(self.size, dtype=torch.float64) * (2 * math.pi / (self.size - 1))
        return ((0.5 - 0.5 * turn.cos()) ** 0.85).float()

    @cached_property
    def cosines(self) -> Tensor:
        """(bands, cepstra) what makes cepstra of a bank."""
        j, k = torch.arange(self.cepstra).double(), torch.arange(self.bands).double()
        turned = (math.pi / self.bands * (k[:, None] + 0.5) * j).cos()
        scale = torch.where(j == 0, math.sqrt(1 / self.bands), math.sqrt(2 / self.bands))
        lifter = 1 + _LIFTER / 2 * (math.pi / _LIFTER * j).sin()
        return (turned * scale * lifter).float()

    def count(self, samples: Tensor, stretch: Tensor | float = 1.0) -> Tensor:
        """(B,) frames of recordings of so many samples (B,); ``stretch`` times the shift apart."""
        whole = ((samples - self.size) / (self.shift * stretch)).floor().long() + 1
        return torch.where(samples > 0, whole.clamp(min=1), 0)

    def bank(self, warp: Tensor) -> Tensor:
        """(B, points / 2 + 1, bands) triangles whose frequencies are those of a warped voice.

        Args:
            warp: (B,) factors of the vocal tract's length, near 1: frequencies below 4/5 of the
                highest are told as ``warp`` times as high, those above lie linearly up to it, which
                stays (Jaitly and Hinton 2013).
        """
        highest = self.rate / 2
        edges = torch.linspace(_mel(self.low), _mel(highest), self.bands + 2, dtype=torch.float64)
        hertz = torch.arange(self.points // 2 + 1).double() * (self.rate / self.points)
        warp = warp.double()[:, None]
        knee = 0.8 * highest * warp.clamp(max=1) / warp
        above = highest - (highest - warp * knee) / (highest - knee) * (highest - hertz)
        place = _mels(torch.where(hertz <= knee, warp * hertz, above))[:, :, None]
        left, middle, right = edges[:-2], edges[1:-1], edges[2:]
        up, down = (place - left) / (middle - left), (right - place) / (right - middle)
        return torch.minimum(up, down).clamp(min=0).float()

    def logs(
        self,
        samples: Tensor,
        lengths: Tensor,
        warp: Tensor | None = None,
        stretch: Tensor | None = None,
    ) -> Heard:
        """The logarithms of the bank, (B, T, bands), of samples (B, S) of which ``lengths`` count.

        Args:
            samples: float, padded with zeros.
            lengths: (B,) of int64.
            warp: (B,), see ``bank``.
            stretch: (B,) what the shift is multiplied by: above 1 speech is faster, with the
                same voice.
        """
        slow = torch.ones(()) if stretch is None else stretch.double()
        counts = self.count(lengths, slow)
        most = int(counts.max()) if len(counts) else 0
        if not most:
            return Heard(torch.zeros(len(counts), 0, self.bands), counts)
        starts = (torch.arange(most) * (self.shift * slow).reshape(-1, 1)).round().long()
        last = int(starts.max()) + self.size
        x = functional.pad(samples, (0, max(last - samples.shape[1], 0)))
        if stretch is None:
            # a view, as long as all frames are as far apart
            frames = x.unfold(1, self.size, self.shift)[:, :most]
        else:
            places = (starts[:, :, None] + torch.arange(self.size)).flatten(1)
            frames = x.gather(1, places).view(len(x), most, self.size)
        frames = frames - frames.mean(2, keepdim=True)
        before = torch.cat([frames[:, :, :1], frames[:, :, :-1]], 2)
        power = torch.fft.rfft((frames - _EMPHASIS * before) * self.taper, self.points).abs() ** 2
        bank = self._plain if warp is None else self.bank(warp)
        return Heard((power @ bank).clamp(min=_FLOOR).log(), counts)

    @cached_property
    def _plain(self) -> Tensor:
        return self.bank(torch.ones(1))[0]

    def shaped(self, logs: Tensor) -> Tensor:
        """Cepstra (B, T, cepstra) of logarithms of the bank, or these themselves."""
        return logs if self.features == "mel" else logs @ self.cosines

    def sloped(self, heard: Heard) -> Heard:
        """Frames with their slopes beside them; before the first frame and after the last stand
        these themselves."""
        parts = [heard.frames]
        for _ in range(self.deltas):
            parts.append(slopes(parts[-1], heard.lengths))
        return Heard(torch.cat(parts, 2), heard.lengths)

    def frames(self, samples: Tensor, lengths: Tensor) -> Heard:
        """Frames (B, T, width) of samples (B, S)."""
        logs, counts = self.logs(samples, lengths)
        return self.sloped(Heard(self.shaped(logs), counts))

    def step(
        self, samples: Tensor, state: State | None, *, last: bool = False
    ) -> tuple[Tensor, State]:
        """The frames (T, width) that are sure once these samples (S,) were heard.

        Args:
            samples: what follows on those that ``state`` has heard.
            state: what is left of them; None at the beginning.
            last: nothing follows: the frames at the end, too.

        Returns:
            The frames, and the state to go on from.
        """
        if state is None:
            begin = torch.zeros(0, self._still)
            state = State(
                {
                    "samples": torch.zeros(0),
                    "frames": begin,
                    "told": torch.zeros(2, dtype=torch.int64),
                }
            )
        heard = torch.cat([_tensor(state, "samples"), samples])
        told, number = _tensor(state, "told").tolist()
        size = torch.tensor([len(heard)])
        # what is shorter than a frame is one only where it is all there is
        whole = len(heard) >= self.size or (last and number == 0)
        new = self.shaped(self.logs(heard[None], size).frames)[0] if whole else begin_of(self)
        rest = heard[len(new) * self.shift :] if whole and len(new) else heard
        frames = torch.cat([_tensor(state, "frames"), new])
        number += len(new)
        reach = _REACH * self.deltas
        sure = number if last else max(number - reach, told)
        first = number - len(frames)
        sloped = self.sloped(Heard(frames[None], torch.tensor([len(frames)]))).frames[0]
        found = sloped[told - first : sure - first]
        kept = frames[max(sure - reach - first, 0) :]
        return found, State({"samples": rest, "frames": kept, "told": torch.tensor([sure, number])})

    @property
    def _still(self) -> int:
        return self.bands if self.features == "mel" else self.cepstra


def begin_of(filters: Filters) -> Tensor:
    """No frames (0, F) yet, before slopes."""
    return torch.zeros(0, filters._still)


def slopes(frames: Tensor, lengths: Tensor) -> Tensor:
    """The slope of each number (B, T, F) over five frames, by least squares; beyond the ends
    stands what is at the ends (Furui 1986)."""
    steps = frames.shape[1]
    if not steps:
        return frames
    at = torch.arange(steps)
    ends = (lengths - 1).clamp(min=0)[:, None]
    found = torch.zeros_like(frames)
    for by in range(1, _REACH + 1):
        after = torch.minimum(at + by, ends)[:, :, None].expand_as(frames)
        before = torch.minimum((at - by).clamp(min=0), ends)[:, :, None].expand_as(frames)
        found += by * (frames.gather(1, after) - frames.gather(1, before))
    return found / (2 * sum(by * by for by in range(1, _REACH + 1)))


def stacked(heard: Heard, every: int) -> Heard:
    """``every`` frames as one, side by side; what is missing of the last one is zero."""
    if every == 1:
        return heard
    rows, steps, width = heard.frames.shape
    whole = -(-steps // every)
    padded = functional.pad(heard.frames, (0, 0, 0, whole * every - steps))
    lengths = (heard.lengths + every - 1) // every
    return Heard(padded.reshape(rows, whole, every * width), lengths)


def passing(
    frames: Tensor, mean: Tensor, deviation: Tensor, state: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Frames (B, T, F) less the mean of all that was heard so far, over its deviation.

    Args:
        frames: what follows.
        mean, deviation: (F,) of the training part, with which the first frames are read.
        state: (B, 3, F) count, sum and sum of squares of what was heard; None at the beginning.

    Returns:
        The frames, and the state to go on from.
    """
    x = frames.double()
    if state is None:
        mean, deviation = mean.double(), deviation.double()
        begin = torch.stack(
            [torch.full_like(mean, _BEFORE), _BEFORE * mean, _BEFORE * (mean**2 + deviation**2)]
        )
        state = begin.expand(len(frames), *begin.shape)
    sums = torch.stack([torch.ones_like(x), x, x * x], 2).cumsum(1) + state[:, None]
    counts, total, squares = sums.unbind(2)
    means = total / counts
    spread = (squares / counts - means**2).clamp(min=LEAST**2).sqrt()
    end = sums[:, -1] if x.shape[1] else state
    return ((x - means) / spread).float(), end


# a number that moves less is not made larger
LEAST = 1e-3


def _mel(hertz: float) -> float:
    return 1127.0 * math.log1p(hertz / 700.0)


def _mels(hertz: Tensor) -> Tensor:
    return 1127.0 * torch.log1p(hertz / 700.0)


def _tensor(state: State, name: str) -> Tensor:
    found = state[name]
    assert isinstance(found, Tensor)
    return found


def padded(items: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Recordings (S,) as one tensor (B, S), with their lengths."""
    lengths = torch.tensor([len(each) for each in items], dtype=torch.int64)
    if not items:
        return torch.zeros(0, 0), lengths
    return torch.nn.utils.rnn.pad_sequence(list(items), batch_first=True), lengths

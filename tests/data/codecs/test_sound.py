"""Frames of sound against Kaldi's own, chunk by chunk, and of odd sound."""

from __future__ import annotations

import kaldi_native_fbank as knf
import numpy as np
import pytest
import torch
from torch import Tensor

from longshort.contracts import State
from longshort.data.codecs.sound import (
    LEAST,
    Filters,
    Heard,
    padded,
    passing,
    slopes,
    stacked,
)

# how far from Kaldi's numbers ours are, in nats of power and in cepstra
BOUND = 5e-4


def close(found: Tensor, wanted: Tensor) -> None:
    np.testing.assert_allclose(found.numpy(), wanted.numpy(), rtol=1e-4, atol=1e-4)


def noise(count: int, seed: int = 0) -> Tensor:
    """Sound whose loudness and colour change."""
    random = np.random.default_rng(seed)
    white = random.standard_normal(count)
    coloured = np.cumsum(white) * 0.02 + white * np.sin(np.arange(count) / 900) ** 2
    return torch.from_numpy((0.1 * coloured).astype(np.float32))


def kaldi(samples: Tensor, filters: Filters) -> np.ndarray:
    mel = filters.features == "mel"
    options = knf.FbankOptions() if mel else knf.MfccOptions()
    options.frame_opts.samp_freq = filters.rate
    options.frame_opts.dither = 0
    options.mel_opts.num_bins = filters.bands
    options.mel_opts.low_freq = filters.low
    options.mel_opts.high_freq = 0
    if not mel:
        options.num_ceps = filters.cepstra
        options.use_energy = False
    made = (knf.OnlineFbank if mel else knf.OnlineMfcc)(options)
    made.accept_waveform(filters.rate, samples.tolist())
    made.input_finished()
    return np.stack([made.get_frame(at) for at in range(made.num_frames_ready)])


@pytest.mark.parametrize("rate", [8000, 16000, 44100])
@pytest.mark.parametrize("features", ["mel", "mfcc"])
def test_frames_are_those_of_kaldi(rate: int, features: str) -> None:
    filters = Filters(rate, features, bands=40)  # type: ignore[arg-type]
    samples = noise(rate)
    own = filters.frames(*padded([samples]))
    theirs = kaldi(samples, filters)
    assert own.frames[0].shape == theirs.shape
    np.testing.assert_allclose(own.frames[0].numpy(), theirs, atol=BOUND)


def test_slopes_are_least_squares() -> None:
    x = torch.randn(1, 9, 2, dtype=torch.float64)
    found = slopes(x, torch.tensor([9]))[0]
    for at in range(2, 7):
        fit = np.polyfit(np.arange(-2, 3), x[0, at - 2 : at + 3].numpy(), 1)[0]
        np.testing.assert_allclose(found[at].numpy(), fit)
    # beyond the end stands the last frame, whatever the padding holds
    again = slopes(torch.cat([x, torch.full((1, 3, 2), 1e9, dtype=torch.float64)], 1),
                   torch.tensor([9]))  # fmt: skip
    assert torch.equal(again[0, :9], found)


@pytest.mark.parametrize("deltas", [0, 1, 2])
def test_chunks_are_the_whole(deltas: int) -> None:
    filters = Filters(8000, "mfcc", deltas=deltas)
    samples = noise(3000)
    whole = filters.frames(*padded([samples])).frames[0]
    for cuts in ([1, 199, 200, 201, 1500], [2999], list(range(0, 3000, 37))):
        state: State | None = None
        parts = []
        for start, stop in zip([0, *cuts], [*cuts, 3000], strict=True):
            found, state = filters.step(samples[start:stop], state, last=stop == 3000)
            parts.append(found)
        np.testing.assert_allclose(torch.cat(parts).numpy(), whole.numpy(), atol=1e-4)


def test_neighbours_in_a_batch_change_nothing() -> None:
    filters = Filters(8000, "mfcc", deltas=2)
    items = [noise(1000), noise(3000, 1), noise(1), noise(0)]
    heard = filters.frames(*padded(items))
    assert heard.lengths.tolist() == [11, 36, 1, 0]
    for row, own in enumerate(items):
        alone = filters.frames(*padded([own]))
        count = int(alone.lengths)
        close(heard.frames[row, :count], alone.frames[0, :count])


def test_silence_and_clipping_are_finite() -> None:
    filters = Filters(8000, "mfcc", deltas=1)
    for samples in (torch.zeros(800), torch.ones(800), torch.ones(800) * 1e4):
        assert filters.frames(*padded([samples])).frames.isfinite().all()


def test_a_warped_voice_moves_its_peak() -> None:
    filters = Filters(8000, bands=40)
    tone = torch.sin(2 * torch.pi * 1000 / 8000 * torch.arange(4000))
    plain, higher, lower = (
        int(filters.logs(*padded([tone]), torch.tensor([warp])).frames[0].mean(0).argmax())
        for warp in (1.0, 1.2, 0.8)
    )
    assert lower < plain < higher
    same = filters.logs(*padded([tone]), torch.ones(1)).frames
    close(same, filters.logs(*padded([tone])).frames)
    # the bank covers all frequencies between its ends, however a voice is warped
    for bank in filters.bank(torch.tensor([0.8, 1.0, 1.25])):
        inside = bank.sum(1)[10:-10]
        assert (inside > 0).all()


def test_speech_that_is_stretched_has_other_many_frames() -> None:
    filters = Filters(8000, bands=40)
    samples = noise(4000)
    heard = filters.logs(samples.repeat(3, 1), torch.full((3,), 4000),
                         stretch=torch.tensor([0.8, 1.0, 1.25]))  # fmt: skip
    assert heard.lengths.tolist() == [60, 48, 39]
    close(heard.frames[1, :48], filters.logs(*padded([samples])).frames[0])


def test_stacked_frames_keep_every_number() -> None:
    frames = torch.arange(14.0).view(1, 7, 2)
    heard = stacked(Heard(frames, torch.tensor([7])), 3)
    assert heard.lengths.tolist() == [3]
    assert heard.frames[0, :2].tolist() == frames[0, :6].reshape(2, 6).tolist()
    assert heard.frames[0, 2].tolist() == [12, 13, 0, 0, 0, 0]


def test_what_is_taken_off_in_passing_is_the_mean_so_far() -> None:
    frames = torch.randn(1, 200, 3) * 4 + 2
    mean, deviation = torch.zeros(3), torch.ones(3)
    whole, _ = passing(frames, mean, deviation)
    first, state = passing(frames[:, :77], mean, deviation)
    rest, _ = passing(frames[:, 77:], mean, deviation, state)
    close(torch.cat([first, rest], 1), whole)
    # as if a hundred frames of the training part had been heard before
    told = torch.cat([torch.randn(100_000, 3), frames[0].repeat(1000, 1)]).double()
    np.testing.assert_allclose(
        whole[0, -1].numpy(), ((frames[0, -1] - told.mean(0)) / told.std(0)).numpy(), atol=0.05
    )
    still, _ = passing(torch.zeros(1, 50, 3), mean, torch.full((3,), LEAST / 10))
    assert still.abs().max() == 0

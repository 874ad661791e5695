"""Sound as a network reads it: scales, streams, what is changed for training, what is refused."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from longshort.data.augment import Augment
from longshort.data.corpus import Corpus, Recorded
from longshort.data.items import Items
from longshort.data.readings.sound import Sound, SoundReading
from longshort.errors import ArgumentError, DataError, ModelFileError
from longshort.training.seeds import seeded

RATE = 8000
LENGTHS = (900, 4000, 1, 0, 2500)


def recorded(count: int, seed: int = 0, rate: int = RATE) -> Recorded:
    random = np.random.default_rng(seed)
    samples = random.standard_normal(count) * np.sin(np.arange(count) / 300) ** 2 * 0.2
    return Recorded(samples=samples.astype(np.float32), rate=rate)


@pytest.fixture
def corpus() -> Corpus:
    return Corpus("here", sound=tuple(recorded(n, at) for at, n in enumerate(LENGTHS)))


SETTINGS = [
    Sound(features=features, scale=scale, deltas=deltas, stack=stack)  # type: ignore[arg-type]
    for features, deltas in (("mel", 0), ("mfcc", 2))
    for scale, stack in (("item", 1), ("mean", 2), ("running", 3), ("channel", 1), ("none", 2))
]


@pytest.mark.parametrize("sound", SETTINGS, ids=str)
def test_batches_are_padded_and_rows_are_themselves(sound: Sound, corpus: Corpus) -> None:
    reading = SoundReading.fit(corpus, sound)
    found = reading.read(corpus, range(5))
    frames = found.inputs["frames"]
    assert found.lengths.tolist() == reading.lengths(corpus).tolist()
    assert frames.shape[2] == reading.widths.numbers["frames"]
    for row, count in enumerate(found.lengths.tolist()):
        assert not frames[row, count:].any()
        alone = reading.read(corpus, [row]).inputs["frames"][0, :count]
        np.testing.assert_allclose(frames[row, :count].numpy(), alone.numpy(), atol=2e-4)
    assert frames.isfinite().all()
    again = SoundReading.take_up(*reading.put_down())
    assert torch.equal(again.read(corpus, range(5)).inputs["frames"], frames)


@pytest.mark.parametrize(
    "sound", [s for s in SETTINGS if s.scale in ("running", "channel")], ids=str
)
def test_a_stream_is_the_whole(sound: Sound, corpus: Corpus) -> None:
    reading = SoundReading.fit(corpus, sound)
    for item, count in enumerate(LENGTHS):
        samples = corpus.sound[item].samples  # type: ignore[index]
        assert samples is not None
        state, parts = None, []
        cuts = [0, *range(313, count, 313), count]
        for start, stop in pairwise(cuts):
            steps, state = reading.step(samples[start:stop], state, last=stop == count)
            parts.append(steps)
        whole = reading.each(corpus)[item]
        np.testing.assert_allclose(torch.cat(parts).numpy(), whole, atol=1e-3)


def test_a_scale_that_needs_the_end_is_no_stream(corpus: Corpus) -> None:
    with pytest.raises(ArgumentError, match="running"):
        SoundReading.fit(corpus).step(np.zeros(100, np.float32), None)


def test_item_scale_takes_off_loudness_and_colour(corpus: Corpus) -> None:
    reading = SoundReading.fit(corpus, Sound(features="mel", deltas=0))
    own = reading.each(corpus)[1]
    np.testing.assert_allclose(own.mean(0), 0, atol=1e-4)
    np.testing.assert_allclose(own.std(0), 1, atol=1e-3)
    steady = np.random.default_rng(0).standard_normal(4000).astype(np.float32)
    levels = (Recorded(samples=steady * by, rate=RATE) for by in (0.2, 0.02))
    loud, quiet = reading.each(Corpus("q", sound=tuple(levels)))
    np.testing.assert_allclose(loud, quiet, atol=1e-2)


def test_silence_is_nothing(corpus: Corpus) -> None:
    silent = Corpus("s", sound=(Recorded(samples=np.zeros(2000, np.float32), rate=RATE),))
    for sound in SETTINGS:
        reading = SoundReading.fit(corpus, sound)
        assert np.isfinite(reading.each(silent)[0]).all()
    assert np.abs(SoundReading.fit(corpus, Sound()).each(silent)[0]).max() < 1e-3


def test_notes_tell_what_is_odd(corpus: Corpus) -> None:
    odd = Corpus(
        "odd",
        sound=(
            *corpus.sound,  # type: ignore[misc]
            Recorded(samples=np.zeros(500, np.float32), rate=RATE),
            Recorded(samples=np.ones(500, np.float32), rate=RATE),
            recorded(44100, rate=44100),
        ),
    )
    reading = SoundReading.fit(odd)
    assert reading.rate == RATE
    assert [
        note.split(" recordings are ")[-1].split(",")[0] for note in reading.notes(odd)[1:]
    ] == [
        "silent",
        "clipped",
    ]
    assert reading.notes(odd)[0].startswith("1 of 8 recordings have another rate")
    assert reading.lengths(odd)[-1] == reading.filters.count(torch.tensor([RATE]))


def test_a_long_recording_is_refused_by_name(corpus: Corpus) -> None:
    reading = SoundReading.fit(corpus, Sound(longest=0.4))
    named = replace(corpus, names=("a", "b", "c", "d", "e"))
    with pytest.raises(DataError, match=r"'b': 0 s of sound.*longest"):
        reading.lengths(named)
    with pytest.raises(DataError, match="'b'"):
        reading.read(named, [0, 1])


def test_other_content_and_settings_are_refused(corpus: Corpus) -> None:
    with pytest.raises(DataError, match="there are texts"):
        SoundReading.fit(Corpus("t", texts=("a",)))
    with pytest.raises(ArgumentError, match="cepstra"):
        Sound(cepstra=50)
    with pytest.raises(ArgumentError, match=r"features='mell'.*mel"):
        Sound(features="mell")  # type: ignore[arg-type]
    settings, arrays = SoundReading.fit(corpus).put_down()
    with pytest.raises(ModelFileError, match="mean"):
        SoundReading.take_up(settings, {**arrays, "mean": arrays["mean"][:3]})
    with pytest.raises(ModelFileError, match="cannot be told"):
        SoundReading.take_up({"sound": {"hop": 0}}, arrays)


CHANGES = Augment(warp=0.2, speed=0.2, noise=0.5, bands=2, times=2)


def test_training_examples_alone_are_changed_and_by_the_seed_alone(corpus: Corpus) -> None:
    reading = SoundReading.fit(corpus)
    chosen = np.array([0, 1, 4])
    plain = Items(corpus, reading, None, chosen)
    items = Items(corpus, reading, None, chosen, CHANGES)

    def drawn(seed: int) -> torch.Tensor:
        with seeded(seed):
            return items.batch([0, 1, 2]).inputs["frames"]

    assert torch.equal(drawn(3), drawn(3))
    assert drawn(3).shape != drawn(4).shape or not torch.equal(drawn(3), drawn(4))
    before = torch.random.get_rng_state()
    plain.batch([0, 1])
    assert torch.equal(before, torch.random.get_rng_state())
    none = Items(corpus, reading, None, chosen, Augment())
    assert torch.equal(none.batch([0, 1]).inputs["frames"], plain.batch([0, 1]).inputs["frames"])


@pytest.mark.parametrize("name", ["warp", "speed", "noise", "tone", "bands", "times"])
def test_every_change_changes_and_stays_finite(name: str, corpus: Corpus) -> None:
    reading = SoundReading.fit(corpus, Sound(features="mel", deltas=0))
    augment = Augment(**{name: 0.3 if name in ("warp", "speed") else 1})  # type: ignore[arg-type]
    found = augment.read(reading, corpus, range(5), 7)
    plain = reading.read(corpus, range(5))
    frames = found.inputs["frames"]
    assert frames.isfinite().all()
    for row, count in enumerate(found.lengths.tolist()):
        assert not frames[row, count:].any()
    if name == "speed":
        assert found.lengths.tolist() != plain.lengths.tolist()
    else:
        assert not torch.equal(frames, plain.inputs["frames"])
    if name == "bands":
        still = (frames[1].abs().amax(0) < 1e-6).sum()
        assert still > 0


@pytest.mark.parametrize("features", ["mel", "mfcc"])
def test_another_tone_moves_all_of_a_recording_and_no_slope(features: str, corpus: Corpus) -> None:
    sound = Sound(features=features, deltas=1, scale="channel")  # type: ignore[arg-type]
    reading = SoundReading.fit(corpus, sound)
    items = [1] * 400
    changed = Augment(tone=0.5).read(reading, corpus, items, 7).inputs["frames"]
    moved = changed - reading.read(corpus, items).inputs["frames"]
    torch.testing.assert_close(moved, moved[:, :1].expand_as(moved), atol=1e-4, rtol=0)
    still = reading.filters.width // 2
    assert not moved[:, :, still:].any()
    drawn = moved[:, 0, :still]
    torch.testing.assert_close(drawn.std(), torch.tensor(0.5), atol=0.02, rtol=0)
    torch.testing.assert_close(drawn.mean(0), torch.zeros(still), atol=0.12, rtol=0)


def test_changes_out_of_range_are_refused() -> None:
    with pytest.raises(ArgumentError, match=r"warp=0.9"):
        Augment(warp=0.9)
    with pytest.raises(ArgumentError, match="bands"):
        Augment(bands=-1)

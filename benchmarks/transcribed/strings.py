"""Strings of digits joined from recordings of one speaker each."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from longshort import Ctc, Recurrent, Training, Transcriber
from longshort.data.augment import Augment
from longshort.data.corpus import Corpus, Recorded, Roles, join
from longshort.data.readings.sound import Sound, SoundReading
from longshort.data.sources.audio import load, read_audio
from longshort.evaluate.labels import measured
from longshort.metrics.transcripts import counted, rate, resampled, wrong_share
from longshort.yardsticks.transcripts.frequent import MostFrequent
from longshort.yardsticks.transcripts.markov import MarkovLoop
from transcribed.base import Goal, Record, Set, data, fewer, percent, table

LSTM, HMM, MOST = "LSTM", "HMM loop", "most frequent transcript"
SHORTEST, LONGEST = 3, 7
# strings of each part, and the numbers of the recordings that they are joined from
PARTS = {"train": (1600, range(10, 50)), "valid": (200, range(5, 10)), "test": (400, range(5))}
RATE = 8000
RECIPES: dict[str, dict[str, Any]] = {
    "bands, changed": {
        "sound": Sound("mel", deltas=0, stack=3),
        "augment": Augment(warp=0.1, speed=0.15, noise=0.2, bands=1, times=1),
    },
    "bands": {"sound": Sound("mel", deltas=0, stack=3), "augment": Augment()},
}


@cache
def recordings() -> dict[tuple[str, str, int], np.ndarray[Any, Any]]:
    """Every recording by digit, speaker and number."""
    corpus = read_audio(data("speech", "fsdd"), Roles(pattern="{label}_{group}_{n}.wav"))
    found = {}
    for sound, label, speaker, name in zip(
        corpus.sound or (), corpus.labels or (), corpus.groups or (), corpus.names or (),
        strict=True,
    ):  # fmt: skip
        number = int(name.rpartition("_")[2].partition(".")[0])
        found[label[0], speaker, number] = load(sound, RATE)
    return found


@cache
def strings(name: str) -> Corpus:
    """The strings of a part; drawn once, from a seed of their own."""
    count, numbers = PARTS[name]
    random = np.random.default_rng(list(PARTS).index(name))
    known = recordings()
    speakers = sorted({speaker for _, speaker, _ in known})
    sound, texts, groups = [], [], []
    for _ in range(count):
        speaker = str(random.choice(speakers))
        digits = random.integers(0, 10, random.integers(SHORTEST, LONGEST + 1)).astype(str)
        own = [known[digit, speaker, int(random.choice(numbers))] for digit in digits]
        sound.append(Recorded(samples=np.concatenate(own), rate=RATE))
        texts.append("".join(digits))
        groups.append(speaker)
    return Corpus(
        f"strings of digits, {name}", sound=tuple(sound), transcripts=tuple(texts),
        groups=None, names=tuple(f"{name} {at + 1}, {who}" for at, who in enumerate(groups)),
    )  # fmt: skip


def make(recipe: str) -> Transcriber:
    """An unfitted network of a recipe."""
    return Transcriber(
        Roles(),
        head=Ctc(width=8),
        **RECIPES[recipe],
        recurrent=Recurrent(96, 2, bidirectional=True, dropout=0.2),
        training=Training(
            epochs=14, batch=16, optimizer="adam", rate=3e-3, weight_decay=0.0,
            schedule="onecycle", clip=5.0, patience=None, members=1,
        ),
    )  # fmt: skip


def fitted(row: str, recipe: str) -> tuple[Callable[[Corpus], list[str]], float]:
    """A method fitted on the training part and chosen on the validation part, and its seconds."""
    begun = time.process_time()
    train, valid = strings("train"), strings("valid")
    if row == LSTM:
        model = make(recipe).fit(join([("train", train), ("valid", valid)]))
        return model.transcripts, time.process_time() - begun
    codec = _codec(train)
    reading = SoundReading.fit(train, Sound("mfcc", deltas=1))
    yardstick = MostFrequent() if row == MOST else MarkovLoop(states=8)
    method = yardstick.fit(train, valid, codec, reading, 0)
    return method.transcripts, time.process_time() - begun


def _codec(train: Corpus) -> Any:
    from longshort import Spelling, Tokens
    from longshort.data.codecs.transcripts import TranscriptCodec

    return TranscriptCodec.fit(train.transcripts or (), Tokens(), Spelling())


def scored(told: Sequence[str], corpus: Corpus) -> dict[str, Any]:
    """Counts of hits, substitutions, deletions and insertions of each string."""
    return {"counts": counted(list(corpus.transcripts or ()), list(told)).tolist()}


def valid(rows: Sequence[str], found: dict[str, Any], keep: Callable[[], None]) -> None:
    """Every recipe on the validation part."""
    for row in rows:
        own = found.setdefault("valid", {}).setdefault(row, {})
        for recipe in RECIPES if row == LSTM else [""]:
            if recipe in own:
                continue
            answer, seconds = fitted(row, recipe)
            part = strings("valid")
            counts = scored(answer(part), part)["counts"]
            own[recipe] = {"errors": float(rate(np.array(counts))), "seconds": seconds}
            print(row, recipe, own[recipe], flush=True)
            keep()


def choice(row: str, found: Record) -> str:
    """The recipe with the fewest errors on the validation part."""
    own = found["valid"][row]
    return min(own, key=lambda recipe: own[recipe]["errors"])


def frozen(row: str, found: Record) -> Any:
    """The settings of a row."""
    if row != LSTM:
        return {"settings": str(MarkovLoop(states=8) if row == HMM else MostFrequent())}
    chosen = choice(row, found)
    return {"chosen": chosen, "settings": str(make(chosen).get_params(deep=False))}


def measure(
    rows: Sequence[str], found: dict[str, Any], opened: dict[str, Any], keep: Callable[[], None]
) -> None:
    """The test part."""
    part = strings("test")
    for row in rows:
        answer, seconds = fitted(row, choice(row, found))
        begun = time.process_time()
        own = scored(answer(part), part)
        spent = time.process_time() - begun
        own |= {"seconds": seconds, "pace": spent / sum(each.seconds for each in part.sound or ())}
        found.setdefault("test", {})[row] = own
        opened[row] = float(rate(np.array(own["counts"])))
        print(row, opened[row], round(seconds), flush=True)
        keep()


def reached(found: Record) -> Mapping[str, float]:
    """The share of digits that are wrong."""
    own = found.get("test", {}).get(LSTM)
    return {} if own is None else {GOALS[0].what: float(rate(np.array(own["counts"])))}


def section(found: Record) -> list[str]:
    """A row for each method."""
    lines = []
    for row, own in found.get("test", {}).items():
        counts = np.array(own["counts"])
        score = measured(float(rate(counts)), resampled(counts))
        within = "" if score.low is None else f" [{100 * score.low:.1f}, {100 * score.high:.1f}]"
        kinds = counts.sum(0)[1:].tolist()
        errors = percent(score.value or 0.0) + within
        whole = percent(float(wrong_share(counts)))
        chosen = found["valid"][row][choice(row, found)]["errors"]
        lines.append(
            (row, errors, *map(str, kinds), whole, percent(chosen), f"{own['seconds']:.0f}",
             f"{own['pace']:.3f}")
        )  # fmt: skip
    head = (
        "method", "digits wrong", "substituted", "left out", "added", "strings wrong",
        "digits wrong, validation", "seconds a fit", "work per second of sound",
    )  # fmt: skip
    tested = found.get("test", {})
    if LSTM not in tested or HMM not in tested:
        return table(head, lines) if lines else []
    wrong = np.array([np.array(tested[row]["counts"])[:, 1:].sum(1) for row in (LSTM, HMM)])
    return [*table(head, lines), "", f"Of single digits, {fewer(wrong)}, drawing strings."]


GOALS = (Goal("digits wrong", 0.05, 0.03, less=True),)
SET = Set(
    name="strings",
    title="Strings of digits",
    told=(
        "Strings of 3 to 7 digits, each joined from recordings of one speaker of the Free Spoken "
        "Digit Dataset (CC BY-SA 4.0): 1,600 to learn from, of recordings 10 to 49; 200 that "
        "choose, of 5 to 9; and a test of 400, of 0 to 4. The speakers are those of the training. "
        "The LSTM reads three frames of 40 mel bands as one step. "
        "The HMM loop has a model of eight states for each digit, on cepstra, and a penalty for "
        "each digit that was chosen on the validation part."
    ),
    rows=(LSTM, HMM, MOST),
    frozen=frozen,
    valid=valid,
    measure=measure,
    reached=reached,
    section=section,
    goals=GOALS,
    part="400 strings of recordings 0 to 4",
)

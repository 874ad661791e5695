"""Spoken prompts of a telephone exchange, one speaker: text with and without a language model."""

from __future__ import annotations

import gzip
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from longshort import Ctc, Partition, Recurrent, Spelling, Training, Transcriber
from longshort.data.augment import Augment
from longshort.data.corpus import Corpus
from longshort.data.partition import partition
from longshort.data.readings.sound import Sound
from longshort.data.sources.audio import read_audio
from longshort.evaluate.labels import measured
from longshort.metrics.transcripts import counted, rate, resampled, units
from transcribed.base import Record, Set, data, percent, table

ALONE, NGRAMS, MOST = "LSTM alone", "LSTM with n-grams", "most frequent transcript"
# longer ones are a handful, and as long as fifty others
SECONDS = 15.0
SPELLING = Spelling("lower", "drop")
SPLIT = Partition(valid=0.1, test=0.15)
# frames of 10 ms that are one step, and prompts of a batch
SHAPES: dict[str, dict[str, Any]] = {
    "2 x 160, steps of 30 ms, batches of 16": {
        "stack": 3, "batch": 16, "augment": Augment(speed=0.15, noise=0.2, bands=2, times=2),
    },
}  # fmt: skip
ORDER = 6
_ASIDE = re.compile(r"\[[^]]*\]|\([^)]*\)")


@cache
def prompts() -> Corpus:
    """Every prompt that says something, in the order of the list."""
    text = data("prompts", "doc", "asterisk-core-sounds-en", "core-sounds-en.txt.gz")
    folder = data("prompts", "asterisk", "sounds", "en_US_f_Allison")
    lines = gzip.decompress(text.read_bytes()).decode().splitlines()
    told = {}
    for line in lines:
        name, colon, words = line.partition(":")
        spelt = SPELLING.spelt(_ASIDE.sub(" ", words))
        if colon and not line.startswith(";") and spelt and (folder / f"{name}.wav").is_file():
            told[str(folder / f"{name}.wav")] = spelt
    import polars as pl

    corpus = read_audio(pl.DataFrame({"path": list(told)}), _roles(), labelled=False)
    corpus = replace(corpus, transcripts=tuple(told.values()), source="spoken prompts")
    short = [at for at, each in enumerate(corpus.sound or ()) if each.seconds <= SECONDS]
    return corpus.select(short)


def _roles() -> Any:
    from longshort import Roles

    return Roles(path="path")


@cache
def parts() -> tuple[Corpus, Corpus, Corpus]:
    """Training, validation and test part."""
    shares = partition(prompts(), SPLIT)
    train, valid, test = (prompts().select(own) for own in shares[:3])
    return train, valid, test


def make(shape: str) -> Transcriber:
    """An unfitted network."""
    settings = SHAPES[shape]
    return Transcriber(
        sound=Sound("mel", deltas=0, stack=settings["stack"]),
        augment=settings["augment"],
        spelling=SPELLING,
        head=Ctc(width=16, language="ngrams", order=ORDER),
        partition=SPLIT,
        recurrent=Recurrent(160, 2, bidirectional=True, dropout=0.3),
        training=Training(
            epochs=70, batch=settings["batch"], optimizer="adam", rate=3e-3, weight_decay=0.0,
            schedule="onecycle", clip=5.0, patience=None, members=1,
        ),
    )  # fmt: skip


@cache
def fitted(shape: str) -> tuple[Transcriber, float]:
    """A fitted network, and the seconds that it took."""
    begun = time.process_time()
    return make(shape).fit(prompts()), time.process_time() - begun


def answer(row: str, shape: str, corpus: Corpus) -> list[str]:
    """Transcripts of a row."""
    if row == MOST:
        texts = list(parts()[0].transcripts or ())
        return [max(sorted(set(texts)), key=texts.count)] * len(corpus)
    model = fitted(shape)[0]
    return model.transcripts(corpus) if row == NGRAMS else model.alone(corpus)


def scored(told: Sequence[str], corpus: Corpus) -> dict[str, Any]:
    """Counts of characters and words of each prompt, and what was told."""
    truth = list(corpus.transcripts or ())
    return {
        unit: counted([units(t, unit) for t in truth], [units(t, unit) for t in told]).tolist()  # type: ignore[arg-type]
        for unit in ("characters", "words")
    } | {"truth": truth, "told": list(told)}


def valid(rows: Sequence[str], found: dict[str, Any], keep: Callable[[], None]) -> None:
    """Every shape on the validation part."""
    part = parts()[1]
    for row in rows:
        own = found.setdefault("valid", {}).setdefault(row, {})
        for shape in SHAPES:
            if shape in own:
                continue
            counts = scored(answer(row, shape, part), part)
            own[shape] = {
                unit: float(rate(np.array(counts[unit]))) for unit in ("characters", "words")
            }
            if row != MOST:
                model, seconds = fitted(shape)
                known = model.known_
                own[shape] |= {"seconds": seconds, "weight": known.weight, "bonus": known.bonus}
            print(row, shape, own[shape], flush=True)
            keep()


def choice(row: str, found: Record) -> str:
    """The shape with the fewest characters wrong on the validation part."""
    own = found["valid"][row]
    return min(own, key=lambda shape: own[shape]["characters"])


def frozen(row: str, found: Record) -> Any:
    """The settings of a row."""
    if row == MOST:
        return {}
    chosen = choice(row, found)
    return {"chosen": chosen, "settings": str(make(chosen).get_params(deep=False))}


def measure(
    rows: Sequence[str], found: dict[str, Any], opened: dict[str, Any], keep: Callable[[], None]
) -> None:
    """The test part."""
    part = parts()[2]
    for row in rows:
        shape = choice(row, found)
        if row != MOST:
            fitted(shape)
        begun = time.process_time()
        own = scored(answer(row, shape, part), part)
        own["pace"] = (time.process_time() - begun) / sum(s.seconds for s in part.sound or ())
        found.setdefault("test", {})[row] = own
        opened[row] = {u: float(rate(np.array(own[u]))) for u in ("characters", "words")}
        print(row, opened[row], flush=True)
        keep()


def reached(found: Record) -> Mapping[str, float]:
    """No goal is set."""
    del found
    return {}


def section(found: Record) -> list[str]:
    """A row for each method, and what some prompts became."""
    lines = []
    for row, own in found.get("test", {}).items():
        cells = [row]
        for unit in ("characters", "words"):
            counts = np.array(own[unit])
            score = measured(float(rate(counts)), resampled(counts))
            low, high = score.low or 0.0, score.high or 0.0
            cells.append(f"{percent(score.value or 0.0)} [{100 * low:.1f}, {100 * high:.1f}]")
        chosen = found["valid"][row][choice(row, found)]
        cells += [percent(chosen["characters"]), percent(chosen["words"]), f"{own['pace']:.3f}"]
        lines.append(cells)
    told: list[str] = []
    if lines:
        head = (
            "method", "CER", "WER", "CER, validation", "WER, validation",
            "work per second of sound",
        )  # fmt: skip
        own = found["test"].get(NGRAMS, {"truth": [], "told": []})
        shown = list(zip(own["truth"], own["told"], strict=True))[:8]
        told = [
            *table(head, lines), "", "The first prompts of the test part, with n-grams:", "",
            *table(("is", "told"), [(one, two or "–") for one, two in shown]), "",
        ]  # fmt: skip
    tried = [
        (row, shape, percent(own["characters"]), percent(own["words"]), f"{own['seconds']:.0f}")
        for row in (NGRAMS, ALONE)
        for shape, own in found.get("valid", {}).get(row, {}).items()
    ]
    if tried:
        head = ("method", "network", "CER", "WER", "seconds a fit")
        told += ["Networks on the validation part, by which they are chosen:", ""]
        told += table(head, tried)
    return told


SET = Set(
    name="prompts",
    title="Spoken prompts",
    told=(
        "Prompts of a telephone exchange spoken by one voice at 8 kHz, with their text (Debian's "
        "packages asterisk-core-sounds-en-wav and asterisk-core-sounds-en, CC BY-SA 3.0), those "
        f"of up to {SECONDS:g} seconds that say something. Text is in lower case without "
        "punctuation. The LSTM reads frames of 40 mel bands, three as one step. A tenth "
        "chooses, 15 % are the test part: 14 minutes of sound are left to learn from. The n-grams "
        f"(Kneser-Ney, of {ORDER} characters) are those of the training part's text alone, and "
        "how much they count is chosen on the validation part. Two short prompts have more letters "
        "than steps; they are judged, but not learnt from."
    ),
    rows=(NGRAMS, ALONE, MOST),
    frozen=frozen,
    valid=valid,
    measure=measure,
    reached=reached,
    section=section,
)

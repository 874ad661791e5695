"""The chorales benchmark: an LSTM that writes Bach's chorales, beside n-grams and models of frames.

    python benchmarks/chorales.py JSB_Chorales.mat --valid     choose: the test part stays shut
    python benchmarks/chorales.py JSB_Chorales.mat             open the test part once
    python benchmarks/chorales.py JSB_Chorales.mat --sample    draw samples, and keep one as MIDI
    python benchmarks/chorales.py --page                       the page, from what is on record

``--valid NAME ...`` fits some of the settings alone; what was fitted is kept in ``build``.

382 chorales of J. S. Bach as piano rolls of 88 keys, a frame each quarter note, 229 to learn from,
76 to choose by and 77 to test with (Boulanger-Lewandowski, Bengio and Vincent 2012). What was
measured is kept in ``benchmarks/records/chorales``, and ``docs/benchmarks/chorales.md`` is made of
that alone. ``--reason`` says why the test part is opened again.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from frames import Pieces, Rolls, as_published, frames_alone, network, rolls_of
from record import ROOT, opening

from longshort import Chunking, LanguageModel, Next, Notation, Recurrent, Training
from longshort.data.chunks import as_stretch, passage
from longshort.data.codecs.notation import KEYS, LOWEST, Composition, Signs, pitch_name
from longshort.data.sources.midi import write_midi
from longshort.data.sources.music import read_music
from longshort.data.stretch import Stretch
from longshort.evaluate.forecast import environment
from longshort.model import Model
from longshort.records import LanguageEvaluation
from longshort.search import Sampling
from longshort.training import fit, seeded
from longshort.yardsticks.language.kneser_ney import KneserNeyYardstick
from longshort.yardsticks.language.rolls import Frames, KeyRegressions, KeyShares

RECORDS = ROOT / "benchmarks" / "records" / "chorales"
PAGE = ROOT / "docs" / "benchmarks" / "chorales.md"
SAMPLE = ROOT / "docs" / "benchmarks" / "chorale.mid"
PICTURE = ROOT / "docs" / "images" / "chorale.svg"
# fits in progress, and their models
WORK = ROOT / "build" / "chorales"
NAME, PART = "chorales", "77 chorales"
GOAL = "at most 8.45 nats per frame, aim 8.30; published LSTM with independent keys 8.45"
# what others have published, all of the same parts
PUBLISHED = (
    ("RNN-NADE", "one after another", "5.19 to 5.56", "Boulanger-Lewandowski et al. 2012"),
    ("TCN", "independent", "8.10", "Bai, Kolter and Koltun 2018"),
    ("GRU", "independent", "8.43", "Bai, Kolter and Koltun 2018"),
    ("LSTM", "independent", "8.45", "Bai, Kolter and Koltun 2018"),
)
# ways that samples are drawn, and pieces of each
WAYS = tuple(
    Sampling(temperature=heat, min_p=least)
    for heat in (0.7, 0.8, 0.9, 1.0)
    for least in (0.0, 0.02, 0.1)
)
DRAWN = 12
# the collection stands an octave above what choirs sing: semitones that a sample is written lower
LOWER = 12


def recipe(name: str) -> LanguageModel:
    """Keys one after another: the language model of rolls, in one of its settings."""
    transpose, recurrent, training = SETTINGS[name]
    return LanguageModel(
        notation=Notation("rolls", resolution=1, transpose=transpose, tempo=90),
        chunking=Chunking(64), head=Next("plain", 64), recurrent=recurrent, training=training,
    )  # fmt: skip


# all networks with independent keys that were fitted
AVERAGED = "the mean of all"


def _training(epochs: int, batch: int, **more: Any) -> Training:
    given = {"rate": 3e-3, "weight_decay": 0.01, **more}
    return Training(
        epochs=epochs, batch=batch, schedule="linear", patience=None, members=1, **given
    )


# what the validation part chooses from: semitones that are learnt from beside a piece's own key
SETTINGS = {
    "own key": (0, Recurrent(200, dropout=0.3), _training(25, 16)),
    "3 semitones": (3, Recurrent(256, dropout=0.3), _training(8, 16, rate=4e-3)),
}
# and of the LSTM with independent keys
ALONE = {
    "dropout 0.3": (Recurrent(200, dropout=0.3), _training(30, 8, weight_decay=0.0)),
    "dropout 0.5, of inputs 0.15": (
        Recurrent(256, dropout=0.5, input_dropout=0.15), _training(40, 8, weight_decay=0.0),
    ),
    "weight drop 0.4": (
        Recurrent(256, dropout=0.4, input_dropout=0.15, weight_drop=0.4),
        _training(40, 8, weight_decay=0.0),
    ),
    "weight drop 0.6": (
        Recurrent(256, dropout=0.4, input_dropout=0.15, weight_drop=0.6),
        _training(60, 8, weight_decay=0.0),
    ),
}  # fmt: skip


def alone(name: str, train: Sequence[Rolls], valid: Sequence[Rolls]) -> Model:
    """The LSTM with independent keys in one of its settings, or what came of it before."""
    recurrent, training = ALONE[name]
    path = WORK / f"alone {name}.pt"
    with seeded(0):
        model = network(recurrent, train)
        if not path.exists():
            list(fit(model, Pieces(train), Pieces(valid), training))
            WORK.mkdir(parents=True, exist_ok=True)
            torch.save(model.state_dict(), path)
    model.load_state_dict(torch.load(path, weights_only=True))
    return model


def fitted(data: Path, name: str) -> LanguageModel:
    """A fit of the language model, or what came of it before."""
    path = WORK / f"{name}.lstm"
    if not path.exists():
        WORK.mkdir(parents=True, exist_ok=True)
        recipe(name).fit(data).save(path)
    return LanguageModel.from_file(path)


class Split(NamedTuple):
    """The parts that are learnt from, in their own keys, and the one that is tested."""

    train: Stretch
    valid: Stretch
    test: Stretch


def split(data: Path) -> Split:
    notation = Notation("rolls", resolution=1)
    codec, found = Signs.of(notation), read_music(data, notation)
    assert isinstance(found, dict)
    parts = (passage(found[name], codec, closed=True) for name in ("train", "valid", "test"))
    return Split(*(as_stretch(part, codec, apart=True) for part in parts))


def choose(data: Path, names: Sequence[str]) -> None:
    """Score the validation part in all settings, or in those of these names."""
    parts = split(data)
    train, valid = rolls_of(parts.train), rolls_of(parts.valid)
    for name in names or (*ALONE, AVERAGED, *SETTINGS):
        begun = time.perf_counter()
        if name in (*ALONE, AVERAGED):
            some = together(name)
            value = frames_alone([alone(each, train, valid) for each in some], valid)
        else:
            value = as_published(parts.valid, fitted(data, name).nats(parts.valid))
        told = read("valid.json") or {}
        told[name] = {"nats": value, "seconds": time.perf_counter() - begun}
        _write("valid.json", told)
        print(f"{name}: {value:.4f}", flush=True)


def together(name: str) -> list[str]:
    """The networks with independent keys that a name stands for."""
    there = [each for each in ALONE if (WORK / f"alone {each}.pt").exists()]
    return there if name == AVERAGED else [name]


def best(names: Iterable[str]) -> str:
    """The settings with the least surprise on the validation part."""
    told = read("valid.json") or {}
    known = [name for name in names if name in told]
    if not known:
        raise SystemExit("nothing is chosen yet: run with --valid first")
    return min(known, key=lambda name: told[name]["nats"])


def judge(data: Path, reason: str) -> None:
    """Open the test part once, with what the validation part chose."""
    name, independent = best(SETTINGS), best((*ALONE, AVERAGED))
    model, parts = fitted(data, name), split(data)
    rolls = [rolls_of(part) for part in parts]
    lonely = [alone(each, rolls[0], rolls[1]) for each in together(independent)]
    # n-grams read the same keys as the LSTM, models of frames each piece as it is
    read_in = model.passages(data).train
    assert read_in is not None
    size, keys = model.codec_.size, model.stretch(read_in)
    methods = [KneserNeyYardstick().fit(keys, parts.valid, size)]
    methods += [y.fit(parts.train, parts.valid, size) for y in (KeyRegressions(), KeyShares())]
    frozen = {key: str(value) for key, value in model.get_params(deep=False).items()}
    told_by = [", ".join(map(str, ALONE[each])) for each in together(independent)]
    frozen["independent keys"] = "; ".join(told_by)
    with opening(NAME, PART, frozen, reason=reason, goal=GOAL) as scored:
        record = model.evaluate(data, yardsticks="none", extra=methods)
        beside = {"LSTM": as_published(parts.test, model.nats(parts.test))}
        beside |= {each.name: as_published(parts.test, each.nats(parts.test)) for each in methods}
        told = {
            "as_published": beside,
            "chosen": {"one after another": name, "independent": independent},
            "independent": frames_alone(lonely, rolls[2]),
            "environment": environment(),
        }
        scored |= {key: round(value, 4) for key, value in beside.items()}
        scored["LSTM, independent keys"] = round(told["independent"], 4)
    _write("frames.json", told)
    (RECORDS / "evaluation.json").write_text(record.to_json(), encoding="utf-8")


def _write(name: str, told: Mapping[str, Any]) -> None:
    RECORDS.mkdir(parents=True, exist_ok=True)
    (RECORDS / name).write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def read(name: str) -> Any:
    path = RECORDS / name
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


# samples


def manner(roll: Rolls) -> dict[str, float]:
    """What a piece is like, in a few numbers."""
    sounding = roll[roll.any(1)]
    top = KEYS - 1 - sounding[:, ::-1].argmax(1)
    bass = sounding.argmax(1)
    classes = [frozenset((np.flatnonzero(frame) + LOWEST) % 12) for frame in sounding]
    return {
        "quarter notes": float(len(roll)),
        "keys that sound at once": float(sounding.sum(1).mean()),
        "lowest key": float(bass.min() + LOWEST),
        "highest key": float(top.max() + LOWEST),
        "steps of the highest voice, semitones": float(np.abs(np.diff(top)).mean()),
        "steps of the lowest voice, semitones": float(np.abs(np.diff(bass)).mean()),
        "keys that sound on, %": 100 * float((roll[1:] & roll[:-1]).sum() / max(1, roll[1:].sum())),
        "different chords a frame": len(set(classes)) / len(classes),
    }


def sample(data: Path) -> None:
    """Draw pieces in several ways, and keep the one whose manner is most like the chorales'."""
    model = fitted(data, best(SETTINGS))
    real = [manner(roll) for roll in rolls_of(split(data).train)]
    middle = {name: float(np.median([one[name] for one in real])) for name in real[0]}
    spread = {name: float(np.std([one[name] for one in real])) for name in real[0]}

    def far(one: Mapping[str, float]) -> float:
        return float(
            np.mean([abs(one[name] - middle[name]) / max(spread[name], 1e-3) for name in middle])
        )

    tried = []
    for way in WAYS:
        drawn = [model.compose("", 120, way, seed=seed) for seed in range(DRAWN)]
        manners = [manner(as_roll(model, piece)) for piece in drawn]
        # one way is like the chorales where its pieces are on average, and not the luckiest one
        tried.append((float(np.mean([far(one) for one in manners])), way, drawn, manners))
    distance, way, drawn, manners = min(tried, key=lambda each: each[0])
    nearest = min(range(DRAWN), key=lambda seed: far(manners[seed]))
    write_midi(SAMPLE, sung(drawn[nearest]))
    PICTURE.write_text(picture(drawn[nearest]), encoding="utf-8")
    told = {
        "way": str(way),
        "seed": nearest,
        "ways": {str(each): mean for mean, each, *_ in tried},
        "sample": manners[nearest],
        "drawn": {name: float(np.median([one[name] for one in manners])) for name in middle},
        "chorales": middle,
        "spread": spread,
        "tempo": drawn[nearest].tempo,
        "distance": distance,
    }
    _write("sample.json", told)
    print(json.dumps(told, indent=1))


def sung(piece: Composition) -> Composition:
    """A piece where voices can sing it."""
    return piece._replace(notes=piece.notes - [0, 0, LOWER, 0])


def as_roll(model: LanguageModel, piece: Composition) -> Rolls:
    codec = model.codec_
    text = codec.encode(model.notation.write(piece))
    counts = codec.counts[text]
    return Frames.of(Stretch(text, np.array([0]), counts, counts)).now


def picture(piece: Composition) -> str:
    """A piano roll as SVG: a bar for each note, time from left to right, keys from low to high."""
    notes = piece.notes[:, :3]
    low, high = int(notes[:, 2].min()), int(notes[:, 2].max())
    wide, tall = 12, 6
    width, height = int(piece.length * wide) + 40, (high - low + 1) * tall + 8
    found = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'font-family="sans-serif" font-size="9">',
        "<title>A chorale that the LSTM wrote, as a piano roll</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    for key in range(low, high + 1):
        if key % 12 == 0:
            y = (high - key + 1) * tall + 4
            found.append(f'<path d="M36 {y}H{width - 4}" stroke="#d0d0d0" stroke-width="0.6"/>')
            found.append(f'<text x="4" y="{y}" fill="#555555">{pitch_name(key)}</text>')
    for start, long, key in notes.tolist():
        x, y = 36 + start * wide, (high - int(key)) * tall + 4.5
        found.append(
            f'<rect x="{x:g}" y="{y:g}" width="{long * wide - 1:g}" height="{tall - 1}" rx="1.5" '
            'fill="#2a6fbb"/>'
        )
    return "\n".join([*found, "</svg>", ""])


# the page


def page() -> str:
    """What is on record, as a page."""
    lines = ["# Chorales", "", "Written by `python benchmarks/chorales.py --page`.", ""]
    lines += [
        "382 chorales of J. S. Bach as piano rolls, 229 to learn from, 76 to choose by, 77 to test "
        "with, as Boulanger-Lewandowski, Bengio and Vincent (2012) parted them; a frame each "
        "quarter note. Scores are negative log-likelihoods in nats per frame; lower is better.", "",
    ]  # fmt: skip
    path, told = RECORDS / "evaluation.json", read("frames.json")
    if told is not None:
        record = LanguageEvaluation.from_json(path.read_bytes(), str(path))
        lines += [*scores(record, told), "", f"> {record.verdict}", "", *how(record, told), ""]
    else:
        lines += [f"The test part has not been opened yet ({GOAL}).", ""]
    if (tried := read("valid.json")) is not None:
        lines += ["## Choices", "", *chosen(tried)]
    if (heard_ := read("sample.json")) is not None:
        lines += heard(heard_)
    return "\n".join(lines)


def chosen(tried: Mapping[str, Any]) -> list[str]:
    """What the validation part chose from."""
    rows = [
        "Nats per frame of the validation part, as published; the least was chosen. Semitones are "
        "how far away the keys are that were learnt from beside a chorale's own.", "",
        "| settings | keys of a frame | valid | time to fit |", "|---|---|---:|---:|",
    ]  # fmt: skip
    for name, found in sorted(tried.items(), key=lambda p: (p[0] in SETTINGS, p[1]["nats"])):
        keys = "one after another" if name in SETTINGS else "independent"
        learnt = name if name == AVERAGED else f"{name}, {sized(name)}"
        rows.append(f"| {learnt} | {keys} | {found['nats']:.2f} | {found['seconds']:.0f} s |")
    return [*rows, ""]


def sized(name: str) -> str:
    recurrent, training = ALONE[name] if name in ALONE else SETTINGS[name][1:]
    return f"{recurrent.size} units, {training.epochs} epochs"


def scores(record: LanguageEvaluation, told: Mapping[str, Any]) -> list[str]:
    """The table: whose keys know of each other, and whose do not."""
    rows = [
        "| model | keys of a frame | as published | all of a piece (95 %) |",
        "|---|---|---:|---:|",
    ]
    known = {"LSTM": "one after another", "key shares": "independent"}
    known["logistic regression per key"] = "independent"
    for score in record.scores:
        if score.method not in told["as_published"]:
            continue
        name = f"**{score.method}**" if score.kind == "lstm" else score.method
        found = score.measures["nats_per_frame"]
        spread = "" if found.low is None else f" ({found.low:.2f} to {found.high:.2f})"
        keys = known.get(score.method, "one after another")
        value = told["as_published"][score.method]
        rows.append(f"| {name} | {keys} | {value:.2f} | {found.value:.2f}{spread} |")
    own = told["independent"]
    rows.append(f"| **LSTM, frame by frame** | independent | {own:.2f} | |")
    rows += [f"| {name} ({by}) | {keys} | {value} | |" for name, keys, value, by in PUBLISHED]
    return rows


def how(record: LanguageEvaluation, told: Mapping[str, Any]) -> list[str]:
    own = record.environment
    return [
        "Two kinds of models stand in this table, and only scores of one kind compare. *Keys one "
        "after another*: the keys of a frame are told from the lowest to the highest, each with "
        "those below it known, so chords can be told as chords; RNN-NADE is such a model. "
        "*Independent* keys are told all at once from the frames before, and do not know of each "
        "other: the LSTM of 8.45 nats is such a model, and so is our LSTM, frame by frame, which "
        "reads and tells 88 keys at a time.", "",
        "*As published*: every frame but the first of its piece, and not how a piece ends. *All of "
        "a piece*: the first frame and the end are told, too; intervals are block bootstraps.", "",
        "Those that tell keys one after another learnt from each training chorale in its own key "
        f"and in all that are up to {record.settings['notation.transpose']} semitones away; the "
        "independent ones from its own key alone.", "",
        f"{record.settings['model']}. Training took {record.history.seconds:.0f} s on "
        f"{own['threads']} thread(s), {own['engine'].split(':')[0]} engine.",
    ]  # fmt: skip


def heard(told: Mapping[str, Any]) -> list[str]:
    """A sample, and what it is like."""
    lines = [
        "## A sample", "", f"[{SAMPLE.name}]({SAMPLE.name}) is written by the LSTM from nothing, "
        f"at {told['tempo']:g} quarter notes a minute; in the file it is an octave lower, where "
        "choirs sing, than in the collection, the picture and the table.", "",
        f"![The sample as a piano roll](../images/{PICTURE.name})", "",
        f"Of {len(told['ways'])} ways to draw, the one was kept whose {DRAWN} pieces are nearest "
        f"to the training chorales in the numbers below, on average: `{told['way']}`; and of its "
        f"pieces the nearest one, seed {told['seed']}.", "",
        "| | chorales, median | drawn, median | the sample |", "|---|---:|---:|---:|",
    ]  # fmt: skip
    for name, value in told["chorales"].items():
        cells = [value, told["drawn"][name], told["sample"][name]]
        shown = [
            pitch_name(round(cell)) if name.endswith("est key") else f"{cell:.2f}" for cell in cells
        ]
        lines.append(f"| {name} | {' | '.join(shown)} |")
    return [*lines, ""]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", nargs="?", type=Path)
    parser.add_argument("--valid", nargs="*", metavar="NAME")
    for name in ("sample", "page"):
        parser.add_argument(f"--{name}", action="store_true")
    parser.add_argument("--reason", default="")
    given = parser.parse_args()
    if given.page:
        PAGE.write_text(page(), encoding="utf-8")
        return
    if given.data is None:
        parser.error("the file JSB_Chorales.mat is needed")
    if given.valid is not None:
        choose(given.data, given.valid)
    elif given.sample:
        sample(given.data)
    else:
        judge(given.data, given.reason)


if __name__ == "__main__":
    main()

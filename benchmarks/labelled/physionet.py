"""PhysioNet 2012, set a: whether a patient of intensive care dies in hospital, from two days."""

from __future__ import annotations

import io
import os
import tarfile
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl

from labelled.base import Figure, Goal, Set
from longshort import Recurrent, Training
from longshort.data.corpus import Corpus, PartName, Roles
from longshort.data.readings.signals import Signal
from longshort.data.sources.events import read_events
from longshort.heads.category import Category
from longshort.tasks.classify import Classifier

STILL = ("Age", "Gender", "Height")
ROLES = Roles(
    item="RecordID", time="Time", code="Parameter", value="Value", label=("died",), static=STILL
)
SHARES = (0.70, 0.85)


@cache
def patients() -> Corpus:
    """The 3,996 stays: what was measured when, and what they came in with."""
    folder = os.environ.get("LONGSHORT_DATA")
    path = Path(folder or "") / "health" / "physionet2012-set-a.tar.xz"
    if folder is None or not path.exists():
        raise SystemExit(f"set LONGSHORT_DATA to a folder with health/{path.name}")
    rows, outcomes = [], ""
    with tarfile.open(path) as archive:
        for member in archive:
            stream = archive.extractfile(member)
            if stream is None:
                continue
            text = stream.read().decode()
            if member.name == "Outcomes-a.txt":
                outcomes = text
            elif member.name.endswith(".txt"):
                own = Path(member.name).stem
                rows += [f"{own},{line}" for line in text.splitlines()[1:] if line]
    events = pl.read_csv(
        io.StringIO("\n".join(rows)),
        has_header=False,
        new_columns=["RecordID", "Time", "Parameter", "Value"],
        schema_overrides={"column_4": pl.Float64},
    )
    # -1 is what was not measured, and nothing measured is below 0
    events = events.filter((pl.col("Parameter") != "RecordID") & (pl.col("Value") >= 0))
    once = events.filter(pl.col("Parameter").is_in(STILL)).pivot(
        "Parameter", index="RecordID", values="Value", aggregate_function="first"
    )
    known = pl.read_csv(io.StringIO(outcomes)).select("RecordID", died="In-hospital_death")
    stays = known.join(once, "RecordID").sort("RecordID")
    return read_events(events.filter(~pl.col("Parameter").is_in(STILL)), stays, ROLES)


def read(split: int) -> Corpus:
    """The stays in random parts of 70, 15 and 15 %."""
    corpus = patients()
    order = np.random.default_rng(split).permutation(len(corpus))
    low, high = (round(share * len(corpus)) for share in SHARES)
    parts: list[PartName] = ["train"] * len(corpus)
    for at in order[low:high]:
        parts[at] = "valid"
    for at in order[high:]:
        parts[at] = "test"
    return replace(corpus, parts=tuple(parts))


def make(row: str, seed: int) -> Classifier:
    """The recipe."""
    return Classifier(
        signal=Signal(scale="ranks", every="1h", summaries=True),
        head=Category(pooling="last+mean", dropout=0.5),
        recurrent=Recurrent(32, dropout=0.25),
        training=Training(
            epochs=25, rate=2e-3, weight_decay=0.01, batch=64, patience=4, members=2, clip=1.0
        ),
        random_state=seed,
    )


SET = Set(
    name="physionet",
    title="PhysioNet 2012, death in hospital",
    told=(
        "3,996 stays in intensive care, their first 48 hours as events at irregular times "
        "(37 measurements, 3 facts at admission), and whether the patient died in hospital (14 %). "
        "Silva et al. (2012), PhysioNet/Computing in Cardiology Challenge, set a, ODC-By 1.0. Five "
        "random splits by patient, 70/15/15. Rows are laid on a grid of an hour; what was not "
        "measured is carried forward; when it was last seen is read, too, and a summary of each "
        "measurement beside every step."
    ),
    read=read,
    make=make,
    metric="auroc",
    measures=("auroc", "auprc", "brier"),
    goals=(Goal("auroc", 0.85, 0.86), Goal("auprc", 0.52)),
    literature=(Figure("GRU-D", "auroc", 0.842, "Che et al. 2018, cross-validated on set a"),),
    splits=5,
    seeds=1,
)

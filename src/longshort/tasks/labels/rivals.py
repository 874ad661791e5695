"""Yardsticks that read what our own network reads: a Transformer, and of what moves an HMM."""

from __future__ import annotations

import time
from typing import Any

import torch

from longshort.data.readings.ink import InkReading
from longshort.data.readings.pretrained import plain
from longshort.data.readings.sound import SoundReading
from longshort.evaluate.labels import LabelParts
from longshort.tasks.labels.learned import Knowledge
from longshort.tasks.labels.transformer import Beside
from longshort.yardsticks.labels.base import LabelMethod
from longshort.yardsticks.labels.leftright import LeftRight
from longshort.yardsticks.labels.roster import Choice


def rivals(
    known: Knowledge,
    settings: dict[str, Any],
    parts: LabelParts,
    choice: Choice,
    *,
    metric: str,
    times: int,
    seconds: float,
    device: torch.device,
) -> tuple[list[LabelMethod], list[str]]:
    """Fitted methods, and sentences on how they came about, or why they did not.

    Args:
        known: how items are read, and their labels.
        settings: of the estimator.
        parts: what our own network was fitted on, and chosen by.
        choice: "all" fits the Transformer, too; "none" nothing.
        metric: what settings are chosen by.
        times: how often one epoch reads the training part.
        seconds: that our own fit took.
        device: where networks run.
    """
    methods: list[LabelMethod] = []
    notes: list[str] = []
    if choice == "none":
        return methods, notes
    reading = plain(known.reading)
    seed = int(settings["random_state"])
    if isinstance(reading, SoundReading | InkReading):
        markov = LeftRight(reading.each, metric)
        if why := markov.refuses(parts.train):
            notes.append(f"{markov.name} was left out: {why}.")
        else:
            begun = time.perf_counter()
            methods.append(markov.fit(parts.train, parts.valid, known.classes.names, seed))
            notes.append(
                f"{markov.name} reads the same frames; its states and Gaussians were chosen in "
                f"{time.perf_counter() - begun:.0f} s."
            )
    if choice == "all":
        beside = Beside(
            known.reading, known.classes, settings["recurrent"], settings["head"],
            settings["training"], seed, device, settings["augment"],
        )  # fmt: skip
        found, told = beside.fitted(parts.train, parts.valid, times, seconds)
        methods += found
        notes.append(told)
    return methods, notes

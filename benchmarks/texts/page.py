"""The page of the language benchmark, from what is on record."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from longshort.records import LanguageEvaluation
from texts.base import Set


def page(sets: Mapping[str, Set], records: Path) -> str:
    """Every text that was judged, then how fast networks learn and write."""
    lines = ["# Language", "", "Written by `python benchmarks/language.py --page`.", ""]
    for name, task in sets.items():
        path = records / f"{name}.json"
        lines += [f"## {task.title}", "", task.told, ""]
        if path.exists():
            lines += _judged(LanguageEvaluation.from_json(path.read_bytes(), str(path)), task)
        else:
            lines += [f"The test part of {name} has not been opened yet ({task.goal}).", ""]
    path = records / "speed.json"
    if path.exists():
        lines += _speed(json.loads(path.read_text(encoding="utf-8")))
    return "\n".join(lines)


def table(found: LanguageEvaluation, task: Set) -> str:
    """Every method, those of ours first; the first measure with its interval."""
    lines = [f"| method | {' | '.join(task.measures)} |", f"|---|{'---:|' * len(task.measures)}"]
    for score in found.scores:
        name = f"**{score.method}**" if score.kind == "lstm" else score.method
        cells = []
        for at, measure in enumerate(task.measures.values()):
            value = score.measures[measure]
            digits = 1 if "perplexity" in measure else 4 if not at else 3
            own = value.low is not None and not at
            spread = f" ({value.low:.3f} to {value.high:.3f})" if own else ""
            cells.append(f"{value.value:.{digits}f}{spread}")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _judged(found: LanguageEvaluation, task: Set) -> Iterator[str]:
    history, own, data = found.history, found.environment, found.data
    yield from (
        f"The test part has {found.symbols:,} symbols of {data.vocabulary:,} that there are, and "
        f"{data.parts[-1].unknown:,} of them are unknown. Intervals are 95 % block bootstraps.",
        "",
        table(found, task),
        "",
        f"> {found.verdict}",
        "",
        f"{found.settings['model']}. Training took {history.seconds:.0f} s, "
        f"{len(history.epochs)} epochs, on {own['threads']} thread(s), "
        f"{own['engine'].split(':')[0]} engine.",
        "",
    )
    adapted = found.settings.get("dynamic and cache")
    if adapted:
        yield from (
            "“Dynamic” goes on learning from what it has read (Krause et al. 2018), “cache” makes "
            "what was written lately likelier (Grave et al. 2017); each symbol is scored before it "
            f"is learnt from. Chosen on the validation part: `{adapted}`.",
            "",
        )
    for sample in found.samples[:1]:
        yield from (f"It writes ({sample.how}):", "", "```", sample.prompt + sample.text, "```", "")


def _speed(found: Mapping[str, Any]) -> Iterator[str]:
    yield from (
        "## Speed", "",
        "On one thread. Training: characters per second, with the optimiser's step, of the same "
        f"network ({found['network']}) with one recurrence or another, the best of "
        f"{found['turns']} turns.", "",
        "| training | characters per second |", "|---|---:|",
        *(f"| {name} | {rate:,} |" for name, rate in found["training"].items()), "",
        f"Writing: characters per second of one text by an {found['writer']}; each is drawn from "
        "all that came before it, the state carried from step to step.", "",
        "| writing | characters per second |", "|---|---:|",
        *(f"| {name} | {rate:,} |" for name, rate in found["writing"].items()), "",
        " ".join(found["told"]), "",
    )  # fmt: skip

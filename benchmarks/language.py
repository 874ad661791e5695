"""The language benchmark: LSTMs that tell the next character or word, beside Kneser-Ney's n-grams.

    python benchmarks/language.py tinyshakespeare.txt --valid     choose: the test part stays shut
    python benchmarks/language.py tinyshakespeare.txt --fit       fit alone, or the rest of it
    python benchmarks/language.py tinyshakespeare.txt             fit, then open the test part once
    python benchmarks/language.py kjv.deb --set kjv               the same, of another text
    python benchmarks/language.py tinyshakespeare.txt --speed     training, beside other libraries
    python benchmarks/language.py --page                          the page, from what is on record

tinyshakespeare is Karpathy's, 1,115,394 characters of Shakespeare's plays, in the public domain.
Characters 1 to 1,003,854 are the training part, whose end chooses the epoch. kjv is the
King James Bible, which 'apt-get download sword-text-kjv' gets. ``--speed`` measures training and
writing on one thread of a machine that has nothing else to do; ``--keras PYTHON`` names a Python
that has Keras. A fit that was broken off goes on with the same command. What was measured is kept
in ``benchmarks/records/language``, and ``docs/benchmarks/language.md`` is made of that alone.
``--reason`` says why the test part is opened again.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from record import ROOT, opening
from texts import kingjames
from texts.base import Set
from texts.page import page, table
from texts.speed import speeds

from longshort import (
    Chunking,
    Documents,
    LanguageModel,
    Next,
    Recurrent,
    Shares,
    Tokens,
    Training,
)
from longshort.checkpoint import Checkpoint
from longshort.data.sources.prose import Prose, read_prose
from longshort.records import Epoch, History, LanguageEvaluation
from longshort.yardsticks.language.base import LanguageMethod
from longshort.yardsticks.language.kneser_ney import KneserNey

RECORDS = ROOT / "benchmarks" / "records" / "language"
PAGE = ROOT / "docs" / "benchmarks" / "language.md"
# fits in progress, and their models
WORK = ROOT / "build" / "language"


def recipe(**changes: Any) -> LanguageModel:
    given: dict[str, Any] = {
        "shares": Shares(valid=0.002, test=0.1),
        "chunking": Chunking(steps=64),
        "head": Next("plain", embedding=64),
        "recurrent": Recurrent(384, dropout=0.3, input_dropout=0.1, weight_drop=0.15),
        "training": Training(
            epochs=12,
            batch=32,
            rate=4e-3,
            weight_decay=0.01,
            schedule="cosine",
            patience=None,
            members=2,
        ),
    }
    return LanguageModel(Tokens("characters"), **{**given, **changes})


def verses(**changes: Any) -> LanguageModel:
    given: dict[str, Any] = {
        "documents": Documents("line"),
        "shares": Shares(valid=0.05, test=0.05),
        "chunking": Chunking(steps=35, borders="carry"),
        "head": Next("adaptive", embedding=256, embedding_dropout=0.05),
        "recurrent": Recurrent(256, dropout=0.3, locked=True, weight_drop=0.3),
        "training": Training(
            epochs=10, batch=20, rate=3e-3, weight_decay=0.01, schedule="cosine", patience=None,
            members=1,
        ),
    }  # fmt: skip
    return LanguageModel(Tokens("words", least=2), **{**given, **changes})


SETS = {
    each.name: each
    for each in (
        Set(
            name="tinyshakespeare",
            title="The next character: tinyshakespeare",
            told=(
                "Plays by Shakespeare, 1,115,394 characters, in the public domain. Fitted on the "
                "first 90 % but their last 2,231 characters, which chose, and scored on all of "
                "the last 10 %, each character after all before it. What stands next to the test "
                "part counts: networks that had read the first 88 % alone had 1.586 (n-grams "
                "1.603), for most names of The Taming of the Shrew, with which the test part "
                "begins, first stand in the 2 % before it."
            ),
            read=read_prose,
            make=lambda **changes: recipe(**changes),
            measure="nats_per_character",
            goal="at most 1.49 nats per character, aim 1.45; n-grams of order 7: 1.517",
            part="last 10 %",
            measures={
                "nats per character": "nats_per_character",
                "bits per character": "bits_per_character",
                "bits per byte": "bits_per_byte",
            },
            adapt={"steps": 20},
        ),
        Set(
            name="kjv",
            title="The next word: the King James Bible",
            told=(
                "31,102 verses in their order, the standardised text of 1769 in the public domain, "
                "without headings and notes (Debian's package sword-text-kjv 14.3). Symbols are "
                "words and other signs, and the end of a verse. Fitted on the first 90 % of the "
                "characters, Genesis to Acts 21; the next 5 %, to Colossians 1, chose, and the "
                "last 5 % are the test. A word that the training part holds once or never is "
                "unknown, which is one symbol for all of them."
            ),
            read=kingjames.read,
            make=lambda **changes: verses(**changes),
            measure="nats",
            goal="below n-grams of order 5",
            part="last 5 %",
            measures={
                "nats per symbol": "nats",
                "perplexity": "perplexity",
                "perplexity of known words": "known_perplexity",
                "bits per byte": "bits_per_byte",
            },
            adapt={"steps": 20, "most": 10_000},
            orders=(5,),
        ),
    )
}


class Told:
    """Progress, a line for each epoch."""

    def start(self, summary: str, seconds: float, epochs: int) -> None:
        """What is trained."""
        print(f"{summary}; at most about {seconds:.0f} s", flush=True)

    def note(self, text: str) -> None:
        """Where it goes on."""
        print(text)

    def epoch(self, epoch: Epoch) -> None:
        """An epoch is done."""
        print(
            f"epoch {epoch.epoch + 1}: train {epoch.train_loss:.4f}, valid {epoch.valid_loss:.4f}, "
            f"{epoch.seconds:.0f} s",
            flush=True,
        )

    def finish(self, history: History) -> None:
        """All are."""
        print(f"{history.seconds:.0f} s in all")


def fitted(task: Set, text: Prose, name: str) -> LanguageModel:
    """A fit of the recipe, or the rest of one that was broken off, or what came of it before.

    How it adapts is chosen on the validation part, and kept with it.
    """
    WORK.mkdir(parents=True, exist_ok=True)
    path, model = WORK / f"{name}.lstm", task.make()
    if not path.exists():
        checkpoint = Checkpoint(WORK / f"{name}.checkpoint.lstm", 20.0, keep=True)
        model.fit(text, progress=Told(), checkpoint=checkpoint)
        model.save(path)
        checkpoint.remove()
    model = LanguageModel.from_file(path)
    if task.adapt and model.adaptation_ is None:
        model.adapt(text, **task.adapt)
        print(model.adaptation_, flush=True)
        model.save(path)
    return model


def choose(task: Set, text: Prose) -> None:
    """Score the end of what comes before the test part, by a network that has not seen it."""
    first = text.between(0, task.make().shares.cuts(text.extent())[1])
    print(table(judged(task, fitted(task, first, f"{task.name}-valid"), first), task))


def judged(task: Set, model: LanguageModel, text: Prose) -> LanguageEvaluation:
    """The model, as it is and as it adapts, beside n-grams."""
    ways = () if model.adaptation_ is None else model.adaptation_.parts
    return model.evaluate(text, extra=list(grams(task, model, text)), adapt=ways)


def grams(task: Set, model: LanguageModel, text: Prose) -> list[LanguageMethod]:
    """n-grams of the orders that are asked for."""
    train = model.passages(text).train
    if not task.orders or train is None:
        return []
    counted = KneserNey(model.stretch(train), max(task.orders), model.codec_.size)
    return [
        LanguageMethod(
            f"Kneser-Ney, order {order}", "classical", lambda other, n=order: counted.nats(other, n)
        )
        for order in task.orders
    ]


def judge(task: Set, text: Prose, reason: str) -> None:
    model = fitted(task, text, task.name)
    frozen = {name: str(value) for name, value in model.get_params(deep=False).items()}
    frozen |= {"adaptation": str(model.adaptation_)}
    with opening(task.name, task.part, frozen, reason=reason, goal=task.goal) as scored:
        found = judged(task, model, text)
        for score in found.scores:
            scored[score.method] = round(score.measures[task.measure].value, 4)
    RECORDS.mkdir(parents=True, exist_ok=True)
    (RECORDS / f"{task.name}.json").write_text(found.to_json(), encoding="utf-8")
    print(table(found, task))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", nargs="?", type=Path)
    parser.add_argument("--set", default="tinyshakespeare", choices=sorted(SETS))
    for name in ("valid", "fit", "speed", "page"):
        parser.add_argument(f"--{name}", action="store_true")
    parser.add_argument("--keras", type=Path, help="with --speed: a Python that has Keras")
    parser.add_argument("--reason", default="")
    given = parser.parse_args()
    if given.page:
        PAGE.write_text(page(SETS, RECORDS), encoding="utf-8")
        return
    if given.data is None:
        parser.error("a file is needed: tinyshakespeare.txt, or that of another --set")
    task = SETS[given.set]
    text = task.read(given.data)
    if given.speed:
        speeds(recipe(), text, RECORDS / "speed.json", given.keras)
    elif given.valid:
        choose(task, text)
    elif given.fit:
        fitted(task, text, task.name)
    else:
        judge(task, text, given.reason)


if __name__ == "__main__":
    main()

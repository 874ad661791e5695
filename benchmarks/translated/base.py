"""What a set of pairs is: how it is fitted, chosen, measured and told."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from transcribed.base import Goal, Record, Set, table

from longshort.data.corpus import Corpus, join
from longshort.evaluate.labels import LabelParts, measured
from longshort.metrics.translations import MEASURES, counted, resampled, score
from longshort.yardsticks.translations.base import Gathered, gathered
from longshort.yardsticks.translations.nearest import Nearest
from longshort.yardsticks.translations.rules import Copy, Lead, MostFrequent

if TYPE_CHECKING:
    from longshort import Translator
    from longshort.beams import Beam

TEXT = """# Translations, summaries and captions, measured

`benchmarks/translate.py` writes this page from what it measured (`benchmarks/records/translate`).
Recipes and the search are chosen on validation parts, frozen, and then the test part is opened
once; every opening is in `benchmarks/ledger.json`. Every method reads the same training part.
Losses are included. Scores are points of a hundred; intervals are those of a bootstrap over items,
95 %, and differences are paired. Seconds are those of one core, of a network's fit by the clock on
a machine that others worked on, too.
"""

LSTM = "LSTM"
YARDSTICKS = {
    "copy of the source": Copy(),
    "first words": Lead(),
    "most frequent target": MostFrequent(),
    "nearest source": Nearest(),
}
# fitted networks, by what they were fitted with: what one call has fitted the next need not
_FITTED = Path(__file__).parent.parent.parent / "build" / "benchmarks" / "translate"


@dataclass(frozen=True)
class Pairs:
    """Pairs of one kind, and how networks of them are made.

    Args:
        name, title, told: see ``transcribed.base.Set``.
        parts: training, validation and test part.
        recipes: unfitted networks by name, each made when it is asked for.
        searches: how targets are looked for, by name; chosen on the validation part, one by one.
        measures: what is measured, that of choices first.
        rows: methods that are measured beside the network.
        tokenize: how BLEU cuts targets.
        subsets: items of the test part that are told apart, by name.
        goals: what must be reached, see ``goal``.
        apart: pairs of one source are items of their own, as whoever published them has it.
        part: what the ledger calls the test part.
    """

    name: str
    title: str
    told: str
    parts: Callable[[], LabelParts]
    recipes: Mapping[str, Callable[[], Translator]]
    searches: Mapping[str, Callable[[], Beam]]
    measures: tuple[str, ...]
    rows: tuple[str, ...]
    tokenize: str | None = None
    subsets: Mapping[str, Callable[[LabelParts], NDArray[np.bool_]]] | None = None
    goals: tuple[Goal, ...] = ()
    apart: bool = False
    part: str = "test"

    def made(self) -> Set:
        """The set as the script knows it."""
        return Set(
            name=self.name,
            title=self.title,
            told=self.told,
            rows=(LSTM, *self.rows),
            frozen=self.frozen,
            valid=self.valid,
            measure=self.measure,
            reached=self.reached,
            section=self.section,
            goals=self.goals,
            part=self.part,
        )

    # what is measured

    def asked(self, corpus: Corpus) -> Gathered:
        """What is asked, and what people wrote."""
        if self.apart:
            return Gathered(corpus, [(text,) for text in corpus.transcripts or ()])
        return gathered(corpus)

    def scored(
        self,
        answers: Sequence[str],
        corpus: Corpus,
        keep: NDArray[np.bool_] | None = None,
        names: Sequence[str] | None = None,
    ) -> dict[str, Any]:
        """Every measure of answers to the items of a part, with its counts."""
        asked = self.asked(corpus)
        chosen = np.flatnonzero(np.ones(len(answers), bool) if keep is None else keep).tolist()
        sources = asked.corpus.texts
        return dict(
            counted(
                names or self.measures,
                [answers[at] for at in chosen],
                [asked.references[at] for at in chosen],
                None if sources is None else [sources[at] for at in chosen],
                self.tokenize,
            )
        )

    def judge(self, answers: Sequence[str], corpus: Corpus) -> float:
        """The measure of choices, pair by pair; more is better."""
        name = self.measures[0]
        own = [(text,) for text in corpus.transcripts or ()]
        return float(score(counted([name], answers, own, corpus.texts, self.tokenize)[name]))

    def yardstick(self, row: str) -> tuple[Callable[[Corpus], Sequence[str]], str, float]:
        """A yardstick fitted, what it is called then, and its seconds."""
        parts, begun = self.parts(), time.process_time()
        found = YARDSTICKS[row].fit(parts.train, parts.valid, self.judge, 0)
        return found.answers, found.name, time.process_time() - begun

    def fitted(self, recipe: str) -> tuple[Translator, dict[str, Any]]:
        """A network of a recipe, and what fitting it came to."""
        import longshort

        parts, unfitted = self.parts(), self.recipes[recipe]()
        both = join([("train", parts.train), *([("valid", parts.valid)] if parts.valid else [])])
        told = repr((self.name, unfitted.get_params(deep=False), both.digest())).encode()
        path = _FITTED / f"{self.name}-{hashlib.blake2b(told, digest_size=8).hexdigest()}.lstm"
        if path.exists():
            model: Any = longshort.load(path)
        else:
            model = unfitted.fit(both)
            path.parent.mkdir(parents=True, exist_ok=True)
            model.save(path)
        epochs = model.history_.epochs
        return model, {
            "seconds": model.history_.seconds,
            "epochs": len(epochs),
            "parameters": sum(p.numel() for p in model.models_[0].parameters()),
        }

    def valid(self, rows: Sequence[str], found: dict[str, Any], keep: Callable[[], None]) -> None:
        """Every recipe with every search, and every yardstick, on the validation part."""
        part = self.parts().valid
        assert part is not None
        asked = self.asked(part).corpus
        for row in rows:
            own = found.setdefault("valid", {}).setdefault(row, {})
            if row != LSTM:
                answers, name, _ = self.yardstick(row)
                own[name] = self._values(answers(asked), part)
                print(row, name, own[name], flush=True)
                keep()
                continue
            for recipe in self.recipes:
                waiting = [s for s in self.searches if f"{recipe}; {s}" not in own]
                if not waiting:
                    continue
                model, fit = self.fitted(recipe)
                found.setdefault("fits", {})[recipe] = fit
                for search in waiting:
                    told = model.predict(asked, search=self.searches[search]())
                    own[f"{recipe}; {search}"] = self._values(told, part)
                    print(recipe, search, own[f"{recipe}; {search}"], fit, flush=True)
                    keep()

    def _values(self, answers: Sequence[str], part: Corpus) -> dict[str, float]:
        return {name: float(score(own)) for name, own in self.scored(answers, part).items()}

    def choice(self, row: str, found: Record) -> str:
        """Recipe and search with the best score on the validation part."""
        own = found["valid"][row]
        return max(own, key=lambda name: own[name][self.measures[0]])

    def frozen(self, row: str, found: Record) -> Any:
        """The settings of a row."""
        if row != LSTM:
            return {"settings": str(YARDSTICKS[row]), "chosen": self.choice(row, found)}
        chosen = self.choice(row, found)
        recipe, _, search = chosen.partition("; ")
        return {
            "chosen": chosen,
            "settings": str(self.recipes[recipe]().get_params(deep=False)),
            "search": str(self.searches[search]()),
        }

    def measure(
        self,
        rows: Sequence[str],
        found: dict[str, Any],
        opened: dict[str, Any],
        keep: Callable[[], None],
    ) -> None:
        """The test part: every row with intervals, and ours minus each of the others'."""
        parts = self.parts()
        asked = self.asked(parts.test).corpus
        ours: dict[str, Any] = {}
        for row in rows:
            if row == LSTM:
                recipe, _, search = self.choice(row, found).partition("; ")
                model, fit = self.fitted(recipe)
                found.setdefault("fits", {})[recipe] = fit
                seconds, name = fit["seconds"], row
                begun = time.process_time()
                told = list(model.predict(asked, search=self.searches[search]()))
            else:
                answers, name, seconds = self.yardstick(row)
                begun = time.process_time()
                told = list(answers(asked))
            spent = time.process_time() - begun
            own: dict[str, Any] = {"name": name, "seconds": seconds, "each": spent / len(asked)}
            for subset, keeps in self._kept(parts).items():
                scores = self.scored(told, parts.test, keeps)
                drawn = {key: resampled(each) for key, each in scores.items()}
                own[subset] = {key: _told(float(score(c)), drawn[key]) for key, c in scores.items()}
                if row == LSTM:
                    ours[subset] = scores, drawn
                elif ours:
                    own[subset]["difference"] = self._difference(*ours[subset], scores, drawn)
                key = row if subset == "all" else f"{row}, {subset}"
                opened[key] = round(own[subset][self.measures[0]][0], 4)
            if row == LSTM:
                own["examples"] = _examples(told, self.asked(parts.test))
            found.setdefault("test", {})[row] = own
            print(row, {key: opened[key] for key in opened if key.startswith(row)}, flush=True)
            keep()

    def _kept(self, parts: LabelParts) -> dict[str, NDArray[np.bool_] | None]:
        subsets = self.subsets or {}
        return {"all": None} | {name: of(parts) for name, of in subsets.items()}

    def _difference(
        self, ours: Any, drawn_ours: Any, theirs: Any, drawn_theirs: Any
    ) -> list[float | None]:
        """Ours minus theirs by the measure of choices, on the same resamples."""
        name = self.measures[0]
        change = float(score(ours[name])) - float(score(theirs[name]))
        one, two = drawn_ours[name], drawn_theirs[name]
        return _told(change, None if one is None or two is None else one - two)

    # what is told

    def reached(self, found: Record) -> Mapping[str, float]:
        """The figure of each goal: the measure of choices, of all items and of each subset."""
        own = found.get("test", {}).get(LSTM)
        if own is None:
            return {}
        return {self.goal(s): own[s][self.measures[0]][0] for s in self._names() if s in own}

    def goal(self, subset: str = "all") -> str:
        """What the figure of a goal is called."""
        return goal(self.measures[0], subset)

    def _names(self) -> list[str]:
        return ["all", *(self.subsets or {})]

    def section(self, found: Record) -> list[str]:
        """A table for all items and for each subset, what was chosen, and some answers."""
        lines: list[str] = []
        for subset in self._names():
            part = self._table(found, subset)
            if part:
                lines += [] if subset == "all" else ["", f"Of these, {subset}:", ""]
                lines += part
        chosen = [
            f"Chosen on the validation part: {row}: {self.choice(row, found)}."
            for row in (LSTM,)
            if found.get("valid", {}).get(row) and found.get("test", {}).get(row)
        ]
        lines += ["", *chosen] if chosen else []
        examples = found.get("test", {}).get(LSTM, {}).get("examples", ())
        if examples:
            lines += ["", "Some answers, drawn at random:", ""]
            cells = [tuple(_cell(text) for text in each) for each in examples]
            lines += _left(table(("source", "what people wrote", "what the network told"), cells))
        return lines

    def _table(self, found: Record, subset: str) -> list[str]:
        rows = []
        for row, own in found.get("test", {}).items():
            if subset not in own:
                continue
            scores = own[subset]
            valid = found.get("valid", {}).get(row, {})
            best = [each[self.measures[0]] for each in valid.values()]
            change = scores.get("difference")
            rows.append(
                (
                    own["name"],
                    *(
                        points(scores[name], interval=name == self.measures[0])
                        for name in self.measures
                    ),
                    points(change, sign=True) if change else "",
                    f"{100 * max(best):.1f}" if best and subset == "all" else "",
                    f"{own['seconds']:,.0f}",
                    f"{1000 * own['each']:.1f}",
                )
            )
        words = [MEASURES[name].words for name in self.measures]
        head = (
            "method", *words, f"LSTM minus it, {words[0]}", f"{words[0]}, validation",
            "seconds to fit", "ms an answer",
        )  # fmt: skip
        return table(head, rows) if rows else []


def goal(measure: str, subset: str = "all") -> str:
    """What the figure of a goal is called."""
    name = MEASURES[measure].words
    return name if subset == "all" else f"{name}, {subset}"


def _told(value: float, drawn: Any) -> list[float | None]:
    found = measured(value, drawn)
    return [found.value, found.low, found.high]


def points(found: Sequence[float | None], *, interval: bool = True, sign: bool = False) -> str:
    """A share as points of a hundred, with its interval."""
    value, low, high = found
    if value is None:
        return "-"
    text = f"{100 * value:{'+' if sign else ''}.1f}"
    if not interval or low is None or high is None:
        return text
    return f"{text} [{100 * low:.1f}, {100 * high:.1f}]"


def _cell(text: str) -> str:
    """A text as a cell of a table, its beginning where it is long."""
    plain = " ".join(text.replace("|", "/").split())
    return plain if len(plain) <= 160 else f"{plain[:157]}..."


def _left(lines: Sequence[str]) -> list[str]:
    """A table whose columns are all text."""
    return [lines[0], lines[1].replace("---:", "---"), *lines[2:]]


def _examples(answers: Sequence[str], asked: Gathered, count: int = 6) -> list[list[str]]:
    """Some sources with their references and answers."""
    drawn = np.random.default_rng(0).permutation(len(answers))[:count].tolist()
    corpus = asked.corpus
    sources = corpus.texts or [Path(str(each)).name for each in corpus.pictures or ()]
    return [[sources[at], asked.references[at][0], answers[at]] for at in drawn]

"""How a fitted translator is judged: its test part opened, beside every yardstick."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from longshort.data.corpus import Corpus
from longshort.evaluate.translations import evaluate_translations
from longshort.records import History, TranslationEvaluation
from longshort.tasks.labels.learned import opened
from longshort.tasks.translations.learned import Known
from longshort.tasks.translations.writing import Writing, cut_told
from longshort.yardsticks.translations.base import TranslationMethod
from longshort.yardsticks.translations.roster import Choice


class Judging(Writing):
    """What a fitted translator is judged by; see ``Translator``."""

    known_: Known
    history_: History
    start_: str

    if TYPE_CHECKING:

        def _settings(self) -> dict[str, str]: ...

    def evaluate(
        self,
        X: Any,
        y: Any = None,
        *,
        metric: str | None = None,
        tokenize: str | None = None,
        yardsticks: Choice = "all",
        extra: Sequence[TranslationMethod] = (),
    ) -> TranslationEvaluation:
        """Open the test part: the pairs of ``X`` that ``fit`` has left for it.

        Of the data that were given to ``fit``, that is the test part of the same split, and every
        yardstick is fitted on the same training part. Other data are a test part as a whole, which
        our method is judged on by itself. Pairs of one source are one item with several references.

        Args:
            X, y: as for ``fit``.
            metric: "bleu", "chrf", "ter", "rouge1", "rouge2", "rougeL", "cider" or "exact"; None
                for BLEU of translations, ROUGE-L of summaries and CIDEr-D of captions.
            tokenize: how BLEU cuts targets, as sacrebleu names it ("13a", "none", "char", "zh",
                "intl"); None for what the targets look like, and "none" where symbols are whatever
                stands between blanks.
            yardsticks: "all", "quick" (rules alone) or "none".
            extra: further fitted methods to be judged beside it.

        Raises:
            ArgumentError: no test part was left.
            DataError: there are no targets.
            MissingDependencyError: sacrebleu or rouge-score is not installed.
        """
        corpus = self._again(X, y, required=True)
        settings = self.settings_
        parts, notes = opened(corpus, self.known_, settings["partition"])
        spaced = settings["target"].unit == "spaced"
        name = settings["recurrent"].name

        def told(items: Corpus) -> list[str]:
            return self.texts(items)

        return evaluate_translations(
            TranslationMethod(name, "lstm", told),
            parts,
            metric=metric,
            tokenize=tokenize or ("none" if spaced else None),
            yardsticks=yardsticks if len(parts.train) else "none",
            extra=extra,
            attention=self.attention if parts.test.texts is not None else None,
            history=self.history_,
            settings=self._settings(),
            latency="It answers once a source has ended.",
            notes=[
                note
                for note in (*notes, *cut_told(parts.test, self.known_.reading), self._spelt(),
                             self.start_)
                if note
            ],
            seed=settings.get("random_state", 0),
        )  # fmt: skip

    def _spelt(self) -> str:
        """How targets are written, where that is not how they stand in the data."""
        spelling = self.settings_["target_spelling"]
        if spelling.case == "keep" and spelling.punctuation == "keep":
            return ""
        return f"The network writes targets {spelling}; they are judged beside targets as they are."

"""What a fitted language model writes, how it completes a text, and what it makes of one."""

from __future__ import annotations

import codecs
import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

import numpy as np

from longshort.beams import beam
from longshort.contracts import whole
from longshort.data.codecs.spelling import spelt
from longshort.data.codecs.tokens import BORDER, UNKNOWN, TokenCodec
from longshort.data.stretch import Stretch
from longshort.errors import ArgumentError, LongshortWarning, NotFittedError
from longshort.evaluate.adaptation import Adaptation
from longshort.layers.bothways import one_way
from longshort.layers.spelled import Spelled
from longshort.model import Model, predicting
from longshort.records import Sample
from longshort.search import Sampling, sample
from longshort.tasks.text.adapting import Adapting
from longshort.tasks.text.scoring import NextSymbols

# unseen characters that a warning names
_NAMED = 10
# symbols of a sample where they are letters
_SAMPLE = 400


class Completion(NamedTuple):
    """One way a text may go on: its log-probability in nats, and what it is ranked by.

    ``ended`` says whether the document ends there.
    """

    text: str
    log_p: float
    score: float
    ended: bool


class SymbolScore(NamedTuple):
    """One symbol of a text: what it stands for, and its log-probability in nats.

    ``known`` is False where the model reads it as the unknown symbol.
    """

    text: str
    log_p: float
    known: bool


class Speaking(Adapting):
    """What every fitted model of a text can do with it; see ``LanguageModel``.

    With ``adapt``, the model adapts to the prompt or text. Weights learn from what they read, and
    from nothing that the model writes itself; the cache remembers both.
    """

    codec_: TokenCodec

    def generate(
        self,
        prompt: str = "",
        length: int = 500,
        sampling: Sampling = Sampling(),  # noqa: B008 - a frozen value
        *,
        stop: Sequence[str] = (),
        seed: int = 0,
        adapt: Adaptation | None = None,
    ) -> str:
        """Write on after a prompt, which is not repeated; the arguments are those of ``stream``."""
        return "".join(self.stream(prompt, length, sampling, stop=stop, seed=seed, adapt=adapt))

    def stream(
        self,
        prompt: str = "",
        length: int = 500,
        sampling: Sampling = Sampling(),  # noqa: B008
        *,
        stop: Sequence[str] = (),
        seed: int = 0,
        adapt: Adaptation | None = None,
    ) -> Iterator[str]:
        """Write on after a prompt, piece by piece as it comes.

        It ends after ``length`` symbols, where the document ends, or before a stop string. What may
        be the beginning of a stop string or of a character is held back until it is clear.

        Args:
            prompt: what comes first; "" begins a document.
            length: symbols at most: characters, bytes, words or subwords.
            sampling: how symbols are drawn; ``Sampling(temperature=0)`` takes the most probable.
            stop: texts to stop before.
            seed: the same one writes the same text.
            adapt: how the model adapts to what it reads; None for not at all.

        Raises:
            NotFittedError: it is not fitted.
            ArgumentError: ``length`` is below 0, a stop string is empty, or weights are to learn
                and gradients were not measured.
        """
        whole("length", length, 0)
        whole("seed", seed, 0)
        if "" in stop or isinstance(stop, str):
            raise ArgumentError(f"stop={stop!r}: give a list of texts that are not empty")
        given = self._prompt(prompt)
        self._check_adaptation(adapt)
        return self._speak(given, length, sampling, list(stop), seed, adapt)

    def _speak(
        self,
        prompt: Stretch,
        length: int,
        sampling: Sampling,
        stop: Sequence[str],
        seed: int,
        adapt: Adaptation | None,
    ) -> Iterator[str]:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        pieces, held, text = self.codec_.pieces, max(map(len, stop), default=1) - 1, ""
        with _quiet(self.models_):
            scorer = self._scorer(prompt, adapt)
            seen = [prompt.symbols[-sampling.memory :].tolist()]
            # a document of nothing is none
            later = [BORDER] if len(prompt.symbols) == 1 else []
            drawing = sample(
                scorer, length, sampling, seed, seen=seen, banned=[UNKNOWN], later=later
            )
            for drawn in drawing:
                symbol = int(drawn.symbols[0])
                if symbol == BORDER:
                    break
                text += decoder.decode(pieces[symbol])
                ends = [at for word in stop if (at := text.find(word)) >= 0]
                if ends:
                    if text[: min(ends)]:
                        yield text[: min(ends)]
                    return
                if len(text) > held:
                    cut = len(text) - held
                    yield text[:cut]
                    text = text[cut:]
        text += decoder.decode(b"", final=True)
        if text:
            yield text

    def complete(
        self,
        prompt: str,
        length: int = 20,
        *,
        width: int = 5,
        ends: bool = False,
        length_penalty: float = 0.0,
        adapt: Adaptation | None = None,
    ) -> list[Completion]:
        """The most probable ways a text goes on, best first, by beam search.

        Args:
            prompt: what comes first; "" begins a document.
            length: symbols of each; at most, where they may end.
            width: how many are looked for, and told.
            ends: a way may be the end of its document; short ones are the most probable.
            length_penalty: see ``search.beam``.
            adapt: how the model adapts to what it reads; None for not at all.

        Raises:
            NotFittedError: it is not fitted.
            ArgumentError: an argument is out of range, or weights are to learn and gradients were
                not measured.
        """
        given = self._prompt(prompt)
        self._check_adaptation(adapt)
        with _quiet(self.models_):
            scorer = self._scorer(given, adapt)
            (found,) = beam(
                scorer,
                length,
                width,
                end=BORDER if ends else None,
                length_penalty=length_penalty,
                banned=[UNKNOWN] if ends else [UNKNOWN, BORDER],
            )
        return [
            Completion(self.codec_.decode(one.symbols), one.log_p, one.score, one.ended)
            for one in found
        ]

    def symbol_scores(self, text: str, *, adapt: Adaptation | None = None) -> list[SymbolScore]:
        """The log-probability of each symbol of a text, read as the beginning of a document.

        Args:
            text: what is scored.
            adapt: how the model adapts to what it reads; None for not at all.

        Raises:
            NotFittedError: it is not fitted.
            ArgumentError: weights are to learn, and gradients were not measured.
        """
        given = self._prompt(text)
        nats = self._surprise(given, adapt)[1:]
        return [
            SymbolScore(self.codec_.decode([symbol]), -float(loss), symbol != UNKNOWN)
            for symbol, loss in zip(given.symbols[1:].tolist(), nats, strict=True)
        ]

    def _scorer(self, prompt: Stretch, adapt: Adaptation | None) -> NextSymbols:
        given = prompt.symbols, adapt, self.scales_, prompt.strangers
        return NextSymbols(self.models_, *given)

    def _prompt(self, text: str) -> Stretch:
        """A text behind the mark that documents begin with."""
        if not hasattr(self, "models_"):
            raise NotFittedError(f"this {type(self).__name__} is not fitted yet; call fit(data)")
        spelled = isinstance(one_way(self.models_[0].encoder).embed, Spelled)
        unseen = self.codec_.unseen(text)
        if unseen:
            named = ", ".join(map(repr, unseen[:_NAMED]))
            more = f" and {len(unseen) - _NAMED} more" if len(unseen) > _NAMED else ""
            warnings.warn(
                f"{len(unseen)} {self.codec_.unit} of the text do not occur in the training part, "
                f"and are read {'by their letters' if spelled else 'as the unknown symbol'}: "
                f"{named}{more}",
                LongshortWarning,
                stacklevel=3,
            )
        symbols = np.append(np.int64(BORDER), self.codec_.encode(text))
        begins, ones, told = np.array([0]), np.ones_like(symbols), None
        if spelled:
            words: dict[str, int] = {}
            places, numbers = self.codec_.strangers(text, words)
            told = spelt(list(words), [places + 1], [numbers])
        return Stretch(symbols, begins, ones, ones, told)


def samples(model: Speaking, seed: int = 0) -> list[Sample]:
    """What a model writes at the beginning of a document, drawn in three ways."""
    length = _SAMPLE if model.codec_.unit in ("characters", "bytes") else _SAMPLE // 5
    ways = {
        "as the model is": Sampling(),
        "temperature 0.7": Sampling(temperature=0.7),
        "min-p 0.1": Sampling(min_p=0.1),
    }
    return [
        Sample("", model.generate("", length, way, seed=seed), f"{told}, seed {seed}")
        for told, way in ways.items()
    ]


@contextmanager
def _quiet(models: Sequence[Model]) -> Iterator[None]:
    """All networks in eval mode, and afterwards as they were."""
    with ExitStack() as modes:
        for model in models:
            modes.enter_context(predicting(model))
        yield

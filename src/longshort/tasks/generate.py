"""LanguageModel: what comes next in a text, symbol by symbol, and texts that it writes itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from longshort import artifact
from longshort.contracts import Params
from longshort.data.chunks import Chunking, Chunks, Passage, Shares, as_stretch, passage, texts
from longshort.data.codecs.notation import Notation, codec_of
from longshort.data.codecs.tokens import BORDER, TokenCodec, Tokens
from longshort.data.sources.prose import Documents, Prose
from longshort.data.stretch import Stretch
from longshort.errors import ArgumentError, DataError
from longshort.evaluate.adaptation import Adaptation
from longshort.evaluate.language import Choice, LanguageParts, evaluate_language
from longshort.evaluate.surprise import surprise
from longshort.heads.next import Next, NextHead
from longshort.layers.bothways import BothWays, Direction
from longshort.layers.encoder import Recurrent, RecurrentEncoder
from longshort.layers.lookup import Lookup
from longshort.layers.spelled import Spelled
from longshort.metrics.measures import Floats
from longshort.model import Model
from longshort.records import LanguageEvaluation
from longshort.tasks.base import Estimator
from longshort.tasks.ensemble import Parts
from longshort.tasks.stored import Fit
from longshort.tasks.streams.text import TextStream
from longshort.tasks.text.composing import Composing
from longshort.tasks.text.misfits import (
    Directions,
    refuse_direction,
    refuse_letters,
    refuse_misfits,
    refuse_other,
    refuse_tokens,
    refuse_turn,
)
from longshort.tasks.text.parts import PARTS, Parting, Proses, digest
from longshort.tasks.text.speaking import samples
from longshort.training import Training
from longshort.yardsticks.language.base import LanguageMethod

# the validation part is read in so many streams, and each begins after so many symbols more
_STREAMS, _WARM = 16, 200
# n-grams are fitted on at most so many symbols
_MOST = 2**24
# the head's parts that have a row for each symbol
_TOLD_BY = ("bias", "readout", "adaptive")
# and gradients are measured on at most so many
_MEASURED = 2**20


class Passages(NamedTuple):
    """The symbols of each part of a text; None for a part that is not there."""

    train: Passage | None
    valid: Passage | None
    test: Passage | None


@dataclass(frozen=True)
class LearnedText:
    """What a language model's file keeps beside weights and settings."""

    codec: dict[str, Any]
    digest: str
    adaptation: Adaptation | None = None


class LanguageModel(Composing, Estimator):
    """Tell which symbol comes next in a text or in music: characters, words, notes.

    The state goes on from chunk to chunk of a text (truncated backpropagation through time), and
    begins anew with every document. Files are read piece by piece: a text of 1 GB needs 100 MiB of
    memory for a fit, beside the network, and a temporary file of 1 to 4 bytes a symbol.
    ``evaluate`` holds the test part, and at most 16 million symbols that n-grams are fitted on.
    Music is MIDI, MusicXML or piano rolls (see ``data.sources.music``): each piece is a document,
    scores are per frame or note, and all of it is held in memory as text.

    Args:
        tokens: what a symbol is.
        documents: what is one document.
        shares: which part chooses, and which is left for ``evaluate``.
        chunking: how far gradients reach back, and whether the state ends with a document.
        head: how the next symbol is told.
        notation: how music is written down, whose signs are the symbols then; "text" reads texts.
        recurrent: the network, or each of both.
        training: how it is trained; ``batch`` is how many streams the text is read in side by side.
        direction: "forward", or "both": a second network, over the same table and with the same
            read-out, learns to tell each symbol from those after it (ELMo, Peters et al. 2018). It
            takes as much time again. What writes and scores texts reads forwards either way.
        random_state: an integer; the same one gives the same network on the same machine.
        device: "cpu", "cuda" or "auto".

    Learned: ``models_``, ``history_``, ``codec_`` (the vocabulary).

    Example:
        >>> import longshort
        >>> model = longshort.LanguageModel()
        >>> model.fit("shakespeare.txt").generate("ROMEO:")  # doctest: +SKIP
        >>> model = longshort.LanguageModel(notation=longshort.Notation("rolls"))
        >>> model.fit("chorales/").compose("start.mid", out="sample.mid")  # doctest: +SKIP
    """

    kind: ClassVar[str] = "language"
    sections: ClassVar[dict[str, type[Params]]] = {
        "tokens": Tokens,
        "documents": Documents,
        "shares": Shares,
        "chunking": Chunking,
        "head": Next,
        "notation": Notation,
        "recurrent": Recurrent,
        "training": Training,
    }
    scalars: ClassVar[dict[str, Any]] = {"direction": Directions}
    earlier: ClassVar[dict[str, Any]] = {
        "direction": "forward",
        "notation": Notation().get_params(),
    }

    codec_: TokenCodec
    digest_: str

    def __init__(
        self,
        tokens: Tokens = Tokens(),  # noqa: B008 - a frozen value
        *,
        documents: Documents = Documents(),  # noqa: B008
        shares: Shares = Shares(),  # noqa: B008
        chunking: Chunking = Chunking(),  # noqa: B008
        head: Next = Next(),  # noqa: B008
        notation: Notation = Notation(),  # noqa: B008
        recurrent: Recurrent = Recurrent(size=256, dropout=0.2),  # noqa: B008
        training: Training = Training(  # noqa: B008
            epochs=20, rate=4e-3, weight_decay=0.01, schedule="cosine", members=1
        ),
        direction: Directions = "forward",
        random_state: int = 0,
        device: str = "cpu",
    ) -> None:
        self.tokens = tokens
        self.documents = documents
        self.shares = shares
        self.chunking = chunking
        self.head = head
        self.notation = notation
        self.recurrent = recurrent
        self.training = training
        self.direction = direction
        self.random_state = random_state
        self.device = device

    # learn

    def _learn(self, data: Any, like: Self | None = None) -> Parts:
        refuse_direction(self.direction)
        refuse_misfits(self.recurrent)
        refuse_tokens(self.tokens, self.notation)
        refuse_letters(self.head, self.tokens, self.notation)
        found = self._parting.cut(data)
        if like is None:
            read = found.parts["train"][0]
            codec = codec_of(self.notation, lambda: TokenCodec.fit(texts(read), self.tokens))
        else:
            codec = like.codec_
            refuse_other(codec, self.tokens, self.notation)
        self.codec_, self.digest_ = codec, found.digest
        self.adaptation_, self.scales_ = None, ()
        train, valid, _ = self._read(found)
        assert train is not None
        distinct = len(np.unique(np.asarray(train.ids[: 2**20])))
        if codec.size < 4 or distinct < 3:
            raise DataError(
                f"{train.source}: the training part holds one symbol over and over, so there is "
                "nothing to tell; give a text, or another unit of tokens"
            )

        def chunks_of(part: Passage, streams: int, warm: int = 0) -> Chunks:
            ways = self.direction == "both"
            run = part.ids, streams, self.chunking, warm, part.source, ways
            return Chunks(*run, part.strangers)

        chunks = chunks_of(train, self.training.batch)
        if valid is None:
            return Parts(chunks, None, chunks)
        chosen = chunks_of(valid, _STREAMS, _WARM)
        whole = chunks
        if self.training.refit:
            # a text goes on where it was cut; texts of their own have a border between them
            border = found.apart and train.ids[-1] != BORDER
            whole = chunks_of(train.followed(valid, 0 if border else 1), self.training.batch)
        return Parts(chunks, chosen, whole)

    @property
    def _parting(self) -> Parting:
        return Parting(self.documents, self.shares, self.notation)

    def _read(self, found: Proses) -> Passages:
        parts = {
            name: self._passage(prose, closed) for name, (prose, closed) in found.parts.items()
        }
        return Passages(*(parts.get(name) for name in PARTS))

    def _passage(self, prose: Prose, closed: bool) -> Passage:
        spelled = self.head.characters != "none"
        return passage(prose, self.codec_, closed=closed, spelled=spelled)

    def _network(self) -> Model:
        head = self.head
        width = head.width(self.codec_.size, self.recurrent.width)
        lookup: Lookup | Spelled = Lookup(self.codec_.size, width, head.embedding_dropout)
        if head.characters != "none":
            letters, given = self.codec_.letters, (head.filters, head.highways)
            lookup = Spelled(letters, width, *given, head.embedding_dropout)
        trunk = BothWays if self.direction == "both" else RecurrentEncoder
        encoder = trunk(lookup, self.recurrent)
        return Model(encoder, NextHead(self.recurrent.width, lookup, self.head), memory="carried")

    def _foreign(self, source: Self) -> Sequence[str]:
        refuse_turn(source.settings_["direction"], self.direction)
        # of another vocabulary, what a symbol is looked up in and told by means something else
        same = source.codec_ == self.codec_
        if same:
            return ()
        # how words are read by their letters has nothing to do with which of them there are
        table = (".embed.",) if self.head.characters == "none" else ()
        return (*table, *(f"head.{name}" for name in _TOLD_BY))

    def _describe(self, model: Model) -> str:
        told = super()._describe(model)
        ways = "; one such stack reads forwards, and another one backwards"
        return told + ways if isinstance(model.encoder, BothWays) else told

    # use

    def passages(self, X: Any) -> Passages:
        """The symbols of the text given to ``fit``, in the parts that it was cut into.

        Any other text is a test part as a whole.

        Raises:
            DataError: the text cannot be read, or holds nothing.
        """
        self._check_fitted()
        parting = self._parting
        prose = parting.opened(X)
        if isinstance(prose, Mapping) or digest(prose) == self.digest_:
            return self._read(parting.cut(prose))
        return Passages(None, None, self._passage(prose, parting.closed(prose)))

    def nats(
        self, text: Stretch, direction: Direction = "forward", *, adapt: Adaptation | None = None
    ) -> Floats:
        """-log p of each symbol after all before it in its document, (N,); 0 at its first.

        Read "backward", it is that of each symbol before all after it, and 0 at the last. Exact: it
        depends on no batch size, and not on how the text is cut into chunks.

        Args:
            text: documents, each read by itself.
            direction: how they are read.
            adapt: how the model adapts to each while it reads forwards; it is afterwards as it was.

        Raises:
            ArgumentError: the model does not read or adapt that way.
        """
        self._check_fitted()
        if direction == "forward":
            return self._surprise(text, adapt)
        if adapt is not None:
            raise ArgumentError('nats(direction="backward", adapt=...): it adapts forwards alone')
        if self.settings_["direction"] != "both":
            raise ArgumentError(
                'nats(direction="backward"): this model reads forwards alone; fit one with '
                'LanguageModel(direction="both") (--direction both)'
            )
        return surprise(self.models_, text, direction)

    def _chosen_on(self, X: Any) -> tuple[Stretch, Stretch]:
        found = self.passages(X)
        if found.train is None or found.valid is None:
            why = "no part of it chooses" if found.train else "the model was fitted on another one"
            raise DataError(
                f"how a model adapts is chosen on the validation part of its own text: {why}; give "
                "the text it was fitted on, and fit with Shares(valid=...)"
            )
        return self.stretch(found.train.last(_MEASURED)), self.stretch(found.valid)

    def stretch(self, passage: Passage) -> Stretch:
        """A passage as documents that are scored by themselves, or as one if the state goes on."""
        return as_stretch(passage, self.codec_, apart=self.chunking.borders == "reset")

    def score(self, X: Any, y: None = None) -> float:
        """Mean log-probability of the test part of ``X``, in nats: 0 is perfect.

        It is told per character, per frame of rolls, or per note of events.

        Raises:
            DataError: no test part was kept of the text given to ``fit``.
        """
        test = self._test(self.passages(X))
        return -float(self.nats(self.stretch(test)).sum()) / test.counts

    def evaluate(
        self,
        X: Any,
        *,
        yardsticks: Choice = "all",
        extra: Sequence[LanguageMethod] = (),
        adapt: Sequence[Adaptation] = (),
    ) -> LanguageEvaluation:
        """Judge the model beside n-grams on the test part of the text given to ``fit``.

        Any other text is a test part as a whole, and has no yardsticks: they would have to be
        fitted on the training part.

        Args:
            X: as for ``fit``.
            yardsticks: "none" leaves n-grams out.
            extra: further fitted methods to be judged beside it.
            adapt: ways to adapt while reading; each has a row of its own.

        Raises:
            DataError: the text cannot be read, or no part of it is left unseen.
            ArgumentError: weights are to learn, and ``adapt`` has not measured gradients.
        """
        found = self.passages(X)
        adapting = self._adapting(self.recurrent.name, adapt)
        test = self._test(found)
        kept = None if found.train is None else found.train.last(_MOST)
        train, valid = (part and self.stretch(part) for part in (kept, found.valid))
        notes = list(test.notes)
        if kept is not None and found.train is not None and len(kept) < len(found.train):
            notes.append(
                f"n-grams learnt from the last {len(kept):,} symbols of the training part alone: "
                "they are held in memory."
            )
        told = self.stretch(test)
        if self.settings_["direction"] == "both":
            back = told.backwards()
            nats = self.nats(told, "backward")[::-1][back.scored]
            notes.append(
                f"Read from its end, each symbol told from those after it, the test part costs "
                f"{nats.mean():.4f} nats a symbol. Every score here is of reading forwards."
            )
        return evaluate_language(
            LanguageMethod(self.recurrent.name, "lstm", self.nats),
            LanguageParts(train, valid, told),
            self.codec_,
            source=test.source,
            history=self.history_,
            settings=self._settings() | {f"{own.name}": str(own) for own in adapt},
            refitted=self.refitted_,
            yardsticks=yardsticks,
            extra=[*adapting, *extra],
            samples=samples(self, self.random_state),
            notes=notes,
        )

    def _test(self, found: Passages) -> Passage:
        if found.test is None:
            raise DataError(
                "no part of this text is left unseen: give another text, or fit with "
                "Shares(test=...), which leaves one"
            )
        return found.test

    def opened(self, sessions: int) -> TextStream:
        """See ``longshort.Session``, which reads pieces of text and answers what each one cost.

        It does not adapt. A model of both directions reads forwards.

        Raises:
            ArgumentError: words are read by their letters.
        """
        self._check_fitted()
        return TextStream(self.models_, self.codec_, sessions)

    # files

    def _learned(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        told, arrays = self.codec_.put_down()
        learned = asdict(LearnedText(told, self.digest_, self.adaptation_))
        if self.adaptation_ is None:
            del learned["adaptation"]
        return learned, arrays | self._scales_kept()

    def _restore(
        self, content: artifact.Artifact, arrays: dict[str, NDArray[Any]], where: str
    ) -> None:
        refuse_misfits(self.recurrent)
        learned = artifact.section(content, "learned", LearnedText, where)
        refuse_tokens(self.tokens, self.notation)
        self.codec_ = codec_of(
            self.notation, lambda: TokenCodec.take_up(learned.codec, arrays), learned.codec
        )
        self.digest_ = learned.digest
        if self.codec_.unit not in (self.tokens.unit, "signs"):
            raise ValueError(f"symbols are {self.codec_.unit}, and not {self.tokens.unit}")
        fitted = artifact.section(content, "fit", Fit, where)
        self._restore_adaptation(learned.adaptation, arrays, fitted.members, self._hollow())

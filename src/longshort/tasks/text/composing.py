"""What a fitted model of music does with pieces: it goes on with them, and writes MIDI files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from longshort.contracts import whole
from longshort.data.codecs.notation import Composition, Notation
from longshort.data.sources.midi import write_midi
from longshort.data.sources.music import is_music, read_piece
from longshort.data.stretch import Stretch
from longshort.errors import ArgumentError
from longshort.evaluate.adaptation import Adaptation
from longshort.search import Sampling
from longshort.tasks.text.speaking import Speaking

# signs of a frame or note at most, while a model has not learnt to end one
_SIGNS = 100


class Composing(Speaking):
    """Speaking, of models whose text may be music; see ``LanguageModel``."""

    notation: Notation

    def compose(
        self,
        prompt: str = "",
        length: int = 200,
        sampling: Sampling = Sampling(),  # noqa: B008 - a frozen value
        *,
        seed: int = 0,
        adapt: Adaptation | None = None,
        tempo: float | None = None,
        out: str | Path | None = None,
    ) -> Composition:
        """A piece that begins with a prompt, with which a MIDI file may be written.

        Args:
            prompt: a file of music, signs of the notation, or "" for a new piece.
            length: frames of rolls, or notes of events, at most; a piece may end before.
            sampling, seed, adapt: see ``stream``.
            tempo: quarter notes a minute; None for the prompt's, or the notation's.
            out: the MIDI file to write.

        Raises:
            NotFittedError: it is not fitted.
            ArgumentError: it is not a model of music, or an argument is out of range.
            DataError: the prompt cannot be read, or nothing sounds in the piece.
            OutputError: the file cannot be written.
        """
        if not self.notation.music:
            raise ArgumentError("this model was fitted on texts, and not on music; use generate")
        text, own = self.written(prompt)
        signs = self.stream(text, length, sampling, seed=seed, adapt=adapt)
        piece = self.notation.read(text + "".join(signs), tempo or own)
        if out is not None:
            write_midi(out, piece)
        return piece

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
        """As of every ``Speaking``; of music ``length`` is of frames or notes, and no stop is."""
        if not self.notation.music:
            return super().stream(prompt, length, sampling, stop=stop, seed=seed, adapt=adapt)
        if stop:
            raise ArgumentError(
                f"stop={list(stop)!r}: music has no text to stop before; leave it out"
            )
        most = whole("length", length, 0) * _SIGNS
        return self._counted(super().stream(prompt, most, sampling, seed=seed, adapt=adapt), length)

    def _counted(self, signs: Iterator[str], length: int) -> Iterator[str]:
        """Signs until so many frames are over, or the next note would be one too many."""
        count, frames = 0, self.notation.kind == "rolls"
        for sign in signs:
            count += self.codec_.extent(sign)[0]
            if count > length:
                return
            yield sign
            if frames and count == length:
                return

    def written(self, prompt: str) -> tuple[str, float | None]:
        """A prompt as a text: music that is the name of a file is read; and the file's tempo."""
        if not (self.notation.music and is_music(prompt)):
            return prompt, None
        piece = read_piece(prompt, self.notation)
        return self.notation.write(piece), piece.tempo

    def _prompt(self, text: str) -> Stretch:
        return super()._prompt(self.written(text)[0])

"""What a fitted model of music does with pieces: it goes on with them, and writes MIDI files."""

from __future__ import annotations

from pathlib import Path

from longshort.contracts import whole
from longshort.data.codecs.notation import Composition, Notation
from longshort.data.sources.midi import write_midi
from longshort.data.sources.music import is_music, read_piece
from longshort.data.stretch import Ints
from longshort.errors import ArgumentError
from longshort.search import Sampling
from longshort.tasks.text.speaking import Speaking

# signs, where frames or notes are counted
_ENDLESS = 2**40


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
        tempo: float | None = None,
        out: str | Path | None = None,
    ) -> Composition:
        """A piece that begins with a prompt, with which a MIDI file may be written.

        Args:
            prompt: a file of music, signs of the notation, or "" for a new piece.
            length: frames of rolls, or notes of events, at most; a piece may end before.
            sampling, seed: see ``stream``.
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
        count, signs = 0, [text]
        for sign in self.stream(text, _ENDLESS, sampling, seed=seed):
            if count >= whole("length", length, 0):
                break
            signs.append(sign)
            count += self.codec_.extent(sign)[0]
        piece = self.notation.read("".join(signs), tempo or own)
        if out is not None:
            write_midi(out, piece)
        return piece

    def written(self, prompt: str) -> tuple[str, float | None]:
        """A prompt as a text: music that is the name of a file is read; and the file's tempo."""
        if not (self.notation.music and is_music(prompt)):
            return prompt, None
        piece = read_piece(prompt, self.notation)
        return self.notation.write(piece), piece.tempo

    def _prompt(self, text: str) -> Ints:
        return super()._prompt(self.written(text)[0])

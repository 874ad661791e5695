r"""Connectionist temporal classification: a transcript of frames that nobody has aligned.

Graves, Fernandez, Gomez and Schmidhuber 2006. Each frame is one of K classes, 0 being the blank;
a path is a class for each frame, and it stands for the transcript that is left when runs of one
class become one symbol and blanks go. With B the map from paths to transcripts,

    p(y | x) = sum over all paths a with B(a) = y of prod_t p(a_t | x)

which the forward algorithm sums over the transcript with a blank around each of its symbols. A
transcript of U symbols of which R equal the one before needs U + R frames at least.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from longshort.contracts import Batch, Encoded, Loss, Params, Prediction, within
from longshort.errors import ArgumentError
from longshort.heads.base import Head

BLANK = 0
# what stands beyond a transcript's end
PADDING = -1
# a language model's weight, and what each symbol is worth: more than this says nothing
_MOST = 100.0


@dataclass(frozen=True)
class Ctc(Params):
    """How transcripts are sought in what the network tells of each frame.

    Args:
        width: beams of the prefix search (Hannun et al. 2014); 1 takes the best path (greedy) where
            there is no language model.
        language: "none"; "ngrams" (Kneser-Ney over the symbols of the training transcripts); or the
            path of an ARPA file of n-grams (.arpa, .arpa.gz) or of a ``LanguageModel``.
        order: n of "ngrams".
        weight: what the language model's log-probabilities are multiplied with; None is chosen on
            the validation part.
        bonus: added for each symbol (each word, of a language model of words); None is chosen on
            the validation part.

    Raises:
        ArgumentError: a value out of range.
    """

    width: int = 16
    language: str = "none"
    order: int = 5
    weight: float | None = None
    bonus: float | None = None

    def __post_init__(self) -> None:
        self._whole(1, "width", "order")
        if not self.language:
            raise ArgumentError('Ctc(language=""): give "none", "ngrams" or a path')
        for name, low in (("weight", 0.0), ("bonus", -_MOST)):
            value = getattr(self, name)
            if value is not None and not low <= value <= _MOST:
                raise ArgumentError(f"Ctc({name}={value!r}): must be {low:g} to {_MOST:g}, or None")


class CTCHead(Head):
    """One of K classes at every frame; targets are (B, U) of int64, from 1 on, ended by -1.

    The loss is in nats of a symbol. Rows whose transcript needs more frames than there are have no
    loss that is finite, and do not count.

    Args:
        size: width of the encoding.
        classes: K, the blank and all symbols.
    """

    def __init__(self, size: int, classes: int) -> None:
        super().__init__()
        self.readout = nn.Linear(size, classes)

    def scores(self, z: Tensor) -> Tensor:
        """(B, T, K) log-probabilities of each class at each frame (B, T, H)."""
        found: Tensor = self.readout(z).log_softmax(-1)
        return found

    def loss(self, encoded: Encoded, batch: Batch) -> Loss:
        """See ``Head``."""
        targets = batch.target()
        possible = needed(targets) <= encoded.lengths
        losses = nats(self.scores(encoded.z), encoded.lengths, targets)
        counts = (targets >= 0).sum(1).clamp(min=1)
        total = torch.where(possible, losses, losses.new_zeros(())).sum()
        return Loss(total, torch.where(possible, counts, 0).sum())

    def decode(self, encoded: Encoded, batch: Batch) -> Prediction:
        """The best path's transcript (B, U), ended by -1, and all scores (B, T, K)."""
        scores = self.scores(encoded.z)
        found = [torch.tensor(own, dtype=torch.int64) for own in best_path(scores, encoded.lengths)]
        point = nn.utils.rnn.pad_sequence(found, True, PADDING).to(scores.device)
        return Prediction(point, scores=scores, lengths=(point >= 0).sum(1))


def needed(targets: Tensor) -> Tensor:
    """(B,) frames that transcripts (B, U) need at least: one each, one more between equal ones."""
    real = targets >= 0
    again = (targets[:, 1:] == targets[:, :-1]) & real[:, 1:]
    return real.sum(1) + again.sum(1)


def nats(scores: Tensor, lengths: Tensor, targets: Tensor) -> Tensor:
    """-log p(y | x), (B,), in nats; infinite, with no gradient, where frames are too few.

    Args:
        scores: (B, T, K) log-probabilities.
        lengths: (B,) frames of each row.
        targets: (B, U) of int64, ended by -1.
    """
    count = (targets >= 0).sum(1)
    if not scores.shape[1]:
        return torch.where(count == 0, 0.0, torch.inf).to(scores)
    # torch reads at least one frame of each row; of rows without frames the answer is known
    found = functional.ctc_loss(
        scores.transpose(0, 1), targets.clamp(min=0), lengths.clamp(min=1), count, BLANK, "none",
        zero_infinity=True,
    )  # fmt: skip
    few = needed(targets) > lengths
    nothing = found.new_zeros(())
    found = torch.where((lengths == 0) & (count == 0), nothing, found)
    return torch.where(few, torch.inf, found)


def best_path(scores: Tensor, lengths: Tensor) -> list[list[int]]:
    """The transcript of the most probable class of each frame: greedy, of (B, T, K)."""
    path = scores.argmax(-1)
    new = torch.ones_like(path, dtype=torch.bool)
    new[:, 1:] = path[:, 1:] != path[:, :-1]
    kept = new & (path != BLANK) & within(lengths, path.shape[1])
    return [row[mask].tolist() for row, mask in zip(path, kept, strict=True)]


class Alignment(NamedTuple):
    """Where the symbols of transcripts are.

    at (B, T) of int64: the place in the transcript that a frame belongs to, -1 for a blank or a
    frame beyond a row's end. scores (B,): log p of the best path, -inf where there is none.
    """

    at: Tensor
    scores: Tensor

    def spans(self, row: int, symbols: int) -> list[tuple[int, int]]:
        """First frame of each symbol of a row, and the one after its last."""
        found: list[list[int]] = [[] for _ in range(symbols)]
        for frame, place in enumerate(self.at[row].tolist()):
            if place >= 0:
                found[place].append(frame)
        return [(own[0], own[-1] + 1) for own in found] if all(found) else []


@torch.no_grad()
def align(scores: Tensor, lengths: Tensor, targets: Tensor) -> Alignment:
    """The most probable path of given transcripts (forced alignment, the Viterbi algorithm).

    Args:
        scores: (B, T, K) log-probabilities.
        lengths: (B,) frames of each row.
        targets: (B, U) of int64, ended by -1.
    """
    rows, steps, _ = scores.shape
    count = (targets >= 0).sum(1)
    # states: a blank, the first symbol, a blank, the second symbol, ...
    states = 2 * targets.shape[1] + 1
    classes = targets.new_full((rows, states), BLANK)
    classes[:, 1::2] = targets.clamp(min=0)
    own = scores.gather(2, classes.unsqueeze(1).expand(-1, steps, -1))
    leap = classes.new_zeros((rows, states), dtype=torch.bool)
    leap[:, 2:] = (classes[:, 2:] != BLANK) & (classes[:, 2:] != classes[:, :-2])
    best = scores.new_full((rows, states), -torch.inf)
    # before the first frame the path stands where it may begin: at the first blank or symbol
    back: list[Tensor] = []
    for t in range(steps):
        if t == 0:
            moved, step = best.clone(), torch.zeros_like(classes)
            moved[:, :2] = 0
        else:
            one = functional.pad(best, (1, 0), value=-torch.inf)[:, :-1]
            two = functional.pad(best, (2, 0), value=-torch.inf)[:, :-2]
            two = torch.where(leap, two, -torch.inf)
            moved, step = torch.stack([best, one, two]).max(0)
        going = (t < lengths).unsqueeze(1)
        best = torch.where(going, moved + own[:, t], best)
        back.append(torch.where(going, step, 0))
    last = (2 * count).unsqueeze(1)
    ends = torch.cat([last, (last - 1).clamp(min=0)], 1)
    top = best.gather(1, ends).max(1)
    state = ends.gather(1, top.indices.unsqueeze(1)).squeeze(1)
    found = torch.full((rows, steps), PADDING, dtype=torch.int64, device=scores.device)
    for t in range(steps - 1, -1, -1):
        here = torch.where((state % 2 == 1) & (t < lengths), state // 2, PADDING)
        found[:, t] = here
        state = state - back[t].gather(1, state.unsqueeze(1)).squeeze(1)
    empty = (lengths == 0) & (count == 0)
    total = torch.where(empty, top.values.new_zeros(()), top.values)
    return Alignment(torch.where(total.isneginf().unsqueeze(1), PADDING, found), total)


def padded(rows: list[list[int]] | list[tuple[int, ...]]) -> Tensor:
    """Transcripts as one (B, U) of int64, ended by -1."""
    width = max((len(own) for own in rows), default=0)
    found = torch.full((len(rows), width), PADDING, dtype=torch.int64)
    for row, own in enumerate(rows):
        found[row, : len(own)] = torch.tensor(own, dtype=torch.int64)
    return found

r"""The published deep bidirectional language models of ELMo (Peters et al. 2018), to be read with.

With e the vectors of a word's characters (its marks and the padding behind it among them),

    c_k  = a(max_t (sum_j W_kj e_{t+j} + b_k))         a is relu or tanh, for every filter k
    x    = g * x + (1 - g) * relu(W_t x + b_t),        g = sigmoid(W_c x + b_c), highway by highway
    x    = W_p x + b_p                                 P numbers, the lowest layer: x beside x

and of a sentence between its marks each direction reads layer by layer, from zeros,

    c_t  = clip(f_t * c_{t-1} + i_t * g_t)
    h_t  = clip(W_r (o_t * tanh(c_t)))                 y_t = h_t, plus the layer's input above
                                                       the first

Every sentence is read by itself. AllenNLP's code goes on from the state that the batch before ended
with, which makes what a sentence means depend on what was read before it; that is left out here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from longshort.contracts import Batch, within
from longshort.data.codecs.spelling import BEGIN_SENTENCE, BEGIN_WORD, END_SENTENCE, END_WORD
from longshort.data.readings.elmo import CHARACTERS
from longshort.data.sources.elmo import SIGNS, ElmoOptions, Published, cell_name
from longshort.layers.characters import Highways, each_word
from longshort.layers.convert import from_tensorflow, to_layer
from longshort.layers.recurrent import LSTM

# sums of all steps that are held at once where nothing is learnt
_AT_ONCE = 2**26


class ElmoWords(nn.Module):
    """Words from their characters: (N, C) of int64 become (N, P).

    Symbol 0 is the padding behind a word. It is read like any other symbol, up to the longest word
    that the model knows, but how much of it is given never matters.

    Args:
        options: the model's sizes.
    """

    def __init__(self, options: ElmoOptions) -> None:
        super().__init__()
        width = options.found
        self.longest, self.widest = options.longest, options.widest
        self.activate = torch.relu if options.activation == "relu" else torch.tanh
        self.table = nn.Embedding(SIGNS, options.characters)
        self.filters = nn.ModuleList(
            nn.Conv1d(options.characters, number, seen) for seen, number in options.filters
        )
        self.highways = Highways(width, options.highways)
        self.projection = nn.Linear(width, options.projection)

    def forward(self, x: Tensor) -> Tensor:
        """(N, P)."""
        # one place beyond the last character shows every filter padding alone
        length = min(self.longest, x.shape[1] + self.widest)
        read = self.table(functional.pad(x, (0, length - x.shape[1]))).transpose(1, 2)
        found = torch.cat([self.activate(each(read).amax(2)) for each in self.filters], 1)
        told: Tensor = self.projection(self.highways(found))
        return told


class Elmo(nn.Module):
    """Sentences as ELMo understood them, layer by layer.

    Args:
        options: the model's sizes.
    """

    def __init__(self, options: ElmoOptions) -> None:
        super().__init__()
        self.options = options
        self.words = ElmoWords(options)
        self.forwards, self.backwards = (_stack(options) for _ in range(2))

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Self:
        """From the arguments of ``ElmoOptions``; ``weights`` gives its ``state_dict()``."""
        return cls(ElmoOptions(**settings))

    @property
    def width(self) -> int:
        """Numbers of a word in each layer, 2 P."""
        return 2 * self.options.projection

    @property
    def depth(self) -> int:
        """Layers, that of the characters among them."""
        return self.options.layers + 1

    def forward(self, batch: Batch) -> list[Tensor]:
        """(B, T, 2 P) of each layer, lowest first: both directions side by side, 0 at padding.

        The batch's words are spelt as ``data.codecs.spelling`` does, (B, T, C) of int64.
        """
        words, lengths = batch.inputs[CHARACTERS], batch.lengths
        # without gradients some rows after the other: every step has 4 H sums in each direction
        most, rows = len(words), len(words)
        if not torch.is_grad_enabled():
            most = max(1, _AT_ONCE // (4 * self.options.units * (words.shape[1] + 2)))
        starts = range(0, rows, most)
        parts = [self._read(words[at : at + most], lengths[at : at + most]) for at in starts]
        return parts[0] if len(parts) == 1 else [torch.cat(own) for own in zip(*parts, strict=True)]

    def _read(self, given: Tensor, lengths: Tensor) -> list[Tensor]:
        marked = _between_marks(given, lengths)
        x = each_word(self.words, marked, self.options.projection)
        order = _backwards(lengths + 2, x.shape[1])
        upward = self.forwards.layers(x, lengths=lengths + 2)[0]
        downward = self.backwards.layers(_taken(x, order), lengths=lengths + 2)[0]
        layers = [torch.cat([x, x], 2)]
        layers += [
            torch.cat([one, _taken(other, order)], 2)
            for one, other in zip(upward, downward, strict=True)
        ]
        inside = within(lengths, given.shape[1]).unsqueeze(2)
        return [torch.where(inside, layer[:, 1:-1], 0) for layer in layers]


def weights(published: Published) -> dict[str, Tensor]:
    """The ``state_dict()`` of an ``Elmo`` with the weights of a published model."""
    options = published.options
    arrays = {name: torch.from_numpy(array) for name, array in published.arrays.items()}
    # padding comes last in the file
    found = {"words.table.weight": arrays["char_embed"].roll(1, 0)}
    for at in range(len(options.filters)):
        own = arrays[f"CNN/W_cnn_{at}"].squeeze(0)
        found[f"words.filters.{at}.weight"] = own.permute(2, 1, 0)
        found[f"words.filters.{at}.bias"] = arrays[f"CNN/b_cnn_{at}"]
    for at in range(options.highways):
        for name, gate in (("transforms", "transform"), ("carries", "carry")):
            found[f"words.highways.{name}.{at}.weight"] = arrays[f"CNN_high_{at}/W_{gate}"].t()
            found[f"words.highways.{name}.{at}.bias"] = arrays[f"CNN_high_{at}/b_{gate}"]
    found["words.projection.weight"] = arrays["CNN_proj/W_proj"].t()
    found["words.projection.bias"] = arrays["CNN_proj/b_proj"]
    for direction, name in enumerate(("forwards", "backwards")):
        layers = []
        for layer in range(options.layers):
            cell = cell_name(direction, layer)
            kernel, bias, down = (arrays[f"{cell}/{part}"] for part in ("W_0", "B", "W_P_0"))
            layers.append([from_tensorflow(kernel, bias, down)])
        found |= {f"{name}.{own}": tensor for own, tensor in to_layer(layers).items()}
    return found


def _stack(options: ElmoOptions) -> LSTM:
    """The layers of one direction."""
    return LSTM(
        options.projection,
        options.units,
        options.layers,
        batch_first=True,
        proj_size=options.projection,
        cell_clip=options.cell_clip,
        proj_clip=options.proj_clip,
        residual=True,
    )


def _between_marks(given: Tensor, lengths: Tensor) -> Tensor:
    """Sentences (B, T, C) with the mark of their begin before them and that of their end behind."""
    rows, steps, width = given.shape
    found = given.new_zeros(rows, steps + 2, max(width, 3))
    found[:, 1:-1, :width] = torch.where(within(lengths, steps).unsqueeze(2), given, 0)
    for inner, place in ((BEGIN_SENTENCE, torch.zeros_like(lengths)), (END_SENTENCE, lengths + 1)):
        mark = given.new_zeros(found.shape[2])
        mark[:3] = given.new_tensor([BEGIN_WORD, inner, END_WORD])
        found[torch.arange(rows, device=given.device), place] = mark
    return found


def _backwards(lengths: Tensor, steps: int) -> Tensor:
    """(B, T) the places of a row's steps from its last to its first; padding stays where it is."""
    places = torch.arange(steps, device=lengths.device).expand(len(lengths), -1)
    turned = lengths.unsqueeze(1) - 1 - places
    return torch.where(turned >= 0, turned, places)


def _taken(x: Tensor, order: Tensor) -> Tensor:
    """x (B, T, F) in another order (B, T) of its steps."""
    return x.gather(1, order.unsqueeze(2).expand(-1, -1, x.shape[2]))

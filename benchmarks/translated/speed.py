"""How fast a translator learns, beside the same network on torch.nn.LSTM, and how it answers."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import clip_grad_norm_
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from transcribed.base import table

from longshort.data.corpus import join
from translated import tanaka
from translated.base import LSTM

# batches of a round, their rows, rounds that count, and rounds before these
_BATCHES, _ROWS, _ROUNDS, _WARM = 12, 64, 5, 1


class Reference(nn.Module):
    """The network of the Tanaka recipe as it is written with torch.nn.LSTM.

    Two layers that read both ways, the second added to the first; a decoder with general attention
    after it (Luong et al. 2015); tied tables, dropout and smoothing as in the recipe.
    """

    def __init__(self, sources: int, symbols: int, wide: int, size: int, decoder: int) -> None:
        super().__init__()
        self.read = nn.Embedding(sources, wide)
        self.embed = nn.Embedding(symbols, wide)
        self.first = nn.LSTM(wide, size, batch_first=True, bidirectional=True)
        self.second = nn.LSTM(2 * size, size, batch_first=True, bidirectional=True)
        self.decoder = nn.LSTM(wide, decoder, batch_first=True)
        self.bridge = nn.Linear(4 * size, 2 * decoder)
        self.key = nn.Linear(2 * size, decoder, bias=False)
        self.combine = nn.Linear(2 * size + decoder, decoder)
        self.project = nn.Linear(decoder, wide, bias=False)
        self.bias = nn.Parameter(torch.zeros(symbols))
        self.drop = nn.Dropout(0.25)

    def loss(self, sources: Tensor, lengths: Tensor, targets: Tensor) -> Tensor:
        """The mean smoothed loss of targets (B, U), -1 behind their ends."""
        x = pack_padded_sequence(
            self.drop(self.read(sources)), lengths, batch_first=True, enforce_sorted=False
        )
        one, _ = pad_packed_sequence(self.first(x)[0], batch_first=True)
        packed = pack_padded_sequence(
            self.drop(one), lengths, batch_first=True, enforce_sorted=False
        )
        out, (h, c) = self.second(packed)
        two, _ = pad_packed_sequence(out, batch_first=True)
        values = self.drop(one + two)
        ends = torch.cat([h[0], h[1], c[0], c[1]], 1)
        begun = self.bridge(ends).tanh().chunk(2, 1)
        inputs = functional.pad(targets, (1, -1)).clamp(min=0)
        state = tuple(each.unsqueeze(0).contiguous() for each in begun)
        states = self.drop(self.decoder(self.drop(self.embed(inputs)), state)[0])
        scores = states @ self.key(values).transpose(1, 2)
        there = torch.arange(values.shape[1])[None] < lengths[:, None]
        weights = scores.masked_fill(~there[:, None], -torch.inf).softmax(-1)
        both = torch.cat([weights @ values, states], -1)
        q = self.drop(self.combine(both).tanh())
        real = targets >= 0
        logits = functional.linear(self.project(q[real]), self.embed.weight, self.bias)
        return functional.cross_entropy(logits, targets[real], label_smoothing=0.1)


def measured() -> dict[str, Any]:
    """Tokens of sources and targets that are learnt from each second, and seconds of a search."""
    torch.set_num_threads(1)
    parts = tanaka.parts()
    unfitted = tanaka.network()
    both = join([("train", parts.train), ("valid", parts.valid or parts.test)])
    learnt = unfitted._learn(unfitted._given(both, None))
    network = unfitted._new(0).train()
    items = learnt.train
    order = np.argsort(items.steps, kind="stable")
    starts = np.random.default_rng(0).integers(0, len(order) - _ROWS, _BATCHES)
    batches = [items.batch(order[start : start + _ROWS].tolist()) for start in starts.tolist()]
    read = unfitted.known_.reading
    reference = Reference(
        read.codec.classes, unfitted.known_.codec.classes, unfitted.head.embedding,
        unfitted.recurrent.size, unfitted.head.size,
    )  # fmt: skip
    tokens = sum(int(b.lengths.sum()) + int((b.target() >= 0).sum()) for b in batches)
    given = [(b.inputs["source"].squeeze(-1), b.lengths, b.target()) for b in batches]

    def ours(at: int) -> Tensor:
        loss = network.loss(batches[at])[0]
        return loss.total / loss.count

    def theirs(at: int) -> Tensor:
        return reference.loss(*given[at])

    paces = _paces({"ours": (network, ours), "torch": (reference, theirs)})
    found: dict[str, Any] = {
        name: {"tokens": tokens / spent, "parameters": sum(p.numel() for p in net.parameters())}
        for (name, spent), net in zip(paces.items(), (network, reference), strict=True)
    }
    return found | {"search": _search()}


def _paces(nets: Mapping[str, tuple[nn.Module, Callable[[int], Tensor]]]) -> dict[str, float]:
    """Seconds of a round of each, the middle of several; the rounds of both in turn."""
    optimizers = {name: torch.optim.Adam(net.parameters(), 2e-3) for name, (net, _) in nets.items()}
    spent: dict[str, list[float]] = {name: [] for name in nets}
    for number in range(_WARM + _ROUNDS):
        for name, (net, loss) in nets.items():
            begun = time.process_time()
            for at in range(_BATCHES):
                optimizers[name].zero_grad()
                loss(at).backward()
                clip_grad_norm_(net.parameters(), 5.0)
                optimizers[name].step()
            if number >= _WARM:
                spent[name].append(time.process_time() - begun)
    return {name: statistics.median(each) for name, each in spent.items()}


def _search() -> dict[str, Any]:
    """Seconds of the CPU for the 500 sentences of the validation part, by width."""
    from longshort.beams import Beam

    recipe = next(iter(tanaka.PAIRS.recipes))
    model, _ = tanaka.PAIRS.fitted(recipe)
    part = tanaka.parts().valid
    assert part is not None
    texts = list(part.texts or ())
    found: dict[str, Any] = {
        "sentences": len(texts), "words": sum(len(text.split()) for text in texts) / len(texts)
    }  # fmt: skip
    for width in (1, 5):
        spent = []
        for _ in range(3):
            begun = time.process_time()
            model.predict(texts, search=Beam(width))
            spent.append(time.process_time() - begun)
        found[str(width)] = statistics.median(spent)
    return found


def section(found: Mapping[str, Any]) -> str:
    """The lines of the page."""
    if not found:
        return ""
    ours, theirs, search = found["ours"], found["torch"], found["search"]
    lines = [
        (name, f"{own['tokens']:,.0f}", f"{own['parameters']:,}",
         f"{own['tokens'] / theirs['tokens']:.2f}")
        for name, own in ((f"ours ({LSTM})", ours), ("torch.nn.LSTM", theirs))
    ]  # fmt: skip
    head = ("network of English to Japanese", "tokens a second", "parameters", "times torch's")
    return "\n".join(
        [
            "\n## Speed", "",
            f"Training on one core: batches of {_ROWS} sentences of about one length, loss, "
            "gradients and a step of Adam; tokens of sources and targets together. The other row "
            "is the same network written with torch.nn.LSTM and packed sequences.", "",
            *table(head, lines), "",
            f"Answers on one core: {search['sentences']} sentences of {search['words']:.1f} words "
            f"take {search['1']:.1f} s one symbol after the other (greedy), and with a beam of 5 "
            f"{search['5']:.1f} s.",
            "",
        ]
    )  # fmt: skip

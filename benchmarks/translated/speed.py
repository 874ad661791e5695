"""How fast a translator learns, beside the same network on torch.nn.LSTM, and how it answers."""

from __future__ import annotations

import copy
import time
from collections.abc import Mapping
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from transcribed.base import table

from longshort.data.sampler import Sampler
from translated.tanaka import PAIRS

# steps that are timed of each network, in turn, after some that are not
_STEPS, _BEFORE = 40, 5
_ROWS, _WIDTH = 64, 5


class Plain(nn.Module):
    """A stack of ours as layers of torch.nn.LSTM with the same weights."""

    def __init__(self, stack: Any) -> None:
        super().__init__()
        self.cell, self.num_layers = stack.cell, stack.num_layers
        self.bidirectional, self.batch_first = stack.bidirectional, True
        self.dropout, self.residual = stack.dropout, stack.settings["residual"]
        ways = 2 if stack.bidirectional else 1
        self.own = nn.ModuleList()
        for layer in range(stack.num_layers):
            width = stack.hidden_size * ways if layer else stack.input_size
            made = nn.LSTM(
                width, stack.hidden_size, batch_first=True, bidirectional=stack.bidirectional
            )
            weights = dict(stack.named_parameters())
            with torch.no_grad():
                for name, value in made.named_parameters():
                    value.copy_(weights[name.replace("_l0", f"_l{layer}")])
            self.own.append(made)

    def layers(
        self,
        x: Tensor,
        hx: tuple[Tensor, Tensor] | None = None,
        *,
        lengths: Tensor | None = None,
        resets: None = None,
        row: int = 0,
    ) -> tuple[list[Tensor], tuple[Tensor, Tensor]]:
        """See ``Stack.layers``."""
        outputs, ends, steps = [], [], x.shape[1]
        for at, layer in enumerate(self.own):
            if at and self.dropout:
                x = functional.dropout(x, self.dropout, self.training)
            first = None if hx is None else tuple(part[at : at + 1] for part in hx)
            if lengths is None:
                out, end = layer(x, first)
            else:
                packed = pack_padded_sequence(x, lengths, True, enforce_sorted=False)
                out, end = layer(packed, first)
                out = pad_packed_sequence(out, True, total_length=steps)[0]
            x = out + x if self.residual and at else out
            outputs.append(x)
            ends.append(end)
        h, c = (torch.cat(parts) for parts in zip(*ends, strict=True))
        return outputs, (h, c)


def measured() -> dict[str, Any]:
    """Steps of training by turns, and the time of a search."""
    import longshort

    torch.set_num_threads(1)
    recipe = next(iter(PAIRS.recipes))
    model, _ = PAIRS.fitted(recipe)
    parts = PAIRS.parts()
    ours = model.models_[0]
    theirs = copy.deepcopy(ours)
    theirs.encoder.stack, theirs.head.stack = (
        Plain(stack) for stack in (theirs.encoder.stack, theirs.head.stack)
    )
    items = model._items(parts.train, targets=model._targets(parts.train))
    batches = [
        items.batch(index) for _, index in Sampler(len(items), _ROWS, lengths=items.steps).batches()
    ][: _STEPS + _BEFORE]
    found: dict[str, list[float]] = {"ours": [], "torch": []}
    networks = {"ours": ours, "torch": theirs}
    optimizers = {
        name: torch.optim.Adam(own.parameters(), 1e-5, fused=True) for name, own in networks.items()
    }
    for own in networks.values():
        own.eval()
    with torch.no_grad():
        one, two = (float(own.loss(batches[0])[0].mean) for own in networks.values())
    if abs(one - two) > 1e-4 * one:
        raise SystemExit(f"the networks are not the same: {one} and {two} nats")
    for batch in batches:
        for name, own in networks.items():
            own.train()
            begun = time.perf_counter()
            own.loss(batch)[0].mean.backward()
            nn.utils.clip_grad_norm_(own.parameters(), 5.0)
            optimizers[name].step()
            optimizers[name].zero_grad()
            found[name].append(time.perf_counter() - begun)
    symbols = [int(b.lengths.sum()) + int((b.target() >= 0).sum()) for b in batches[_BEFORE:]]
    mean = sum(symbols) / len(symbols)
    told: dict[str, Any] = {name: mean / median(own[_BEFORE:]) for name, own in found.items()}
    sources = list((parts.valid or parts.test).texts or ())
    model, _ = PAIRS.fitted(recipe)
    for width in (1, _WIDTH):
        begun = time.process_time()
        model.predict(sources, search=longshort.Beam(width=width))
        told[f"beam {width}"] = time.process_time() - begun
    words = [len(text.split()) for text in sources]
    told |= {"sources": len(sources), "words": float(np.mean(words)), "rows": _ROWS}
    return told


def section(found: Mapping[str, Any]) -> str:
    """The lines of the page."""
    if not found:
        return ""
    rows = [
        ("longshort", f"{found['ours']:,.0f}"),
        ("torch.nn.LSTM", f"{found['torch']:,.0f}"),
        ("ratio", f"{found['ours'] / found['torch']:.2f}"),
    ]
    lines = table(("the network's recurrence", "symbols a second"), rows)
    return "\n".join(
        [
            "",
            "## Speed",
            "",
            f"Training of the network of English to Japanese, {found['rows']} pairs at a time, "
            "sources and targets counted, on one core; steps of both networks by turns, the median "
            f"of {_STEPS}. Everything but the recurrence is the same code, and the losses agree. "
            "torch.nn.LSTM reads packed sequences.",
            "",
            *lines,
            "",
            f"{found['sources']} sentences of {found['words']:.1f} words on average are translated "
            f"by beam {_WIDTH} in {found[f'beam {_WIDTH}']:.1f} seconds on one core, greedily in "
            f"{found['beam 1']:.1f}.",
            "",
        ]
    )

r"""One sequence into another: a decoder that looks at the encoded source for each symbol it writes.

With m the encoded source, y_t the symbols that are written, E their table, and D the decoder's
recurrence, which begins with what a bridge makes of the source's last states,

    s_t = D([E y_{t-1}; q_{t-1}], s_{t-1})        q only where it is fed back (Luong et al. 2015)
    r_t, a_t = attention(s_t, m)                  see ``layers.attention``
    q_t = tanh(W [r_t; s_t])
    p_t = softmax(E P q_t + b)                    tied; P is left out where q is as wide as E
    p_t = g_t p_t + (1 - g_t) sum_j a_tj [x_j]    copying: g_t = sigmoid(w [r_t; s_t; E y_{t-1}])

Attention stands after the recurrence: where nothing is fed back, the whole target is read in one
call. Copying and coverage are those of See, Liu and Manning (2017): a symbol that is copied may be
one that the vocabulary does not hold; such symbols are V and on, numbered within each source.
Coverage adds sum_j min(a_tj, sum_{t' < t} a_t'j) to the loss of each symbol.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional

from longshort.contracts import Batch, Encoded, Loss, Params, Prediction, State, within
from longshort.data.chunks import SYMBOLS
from longshort.data.codecs.tokens import BORDER, UNKNOWN
from longshort.data.readings.sources import COPIED
from longshort.errors import ArgumentError, suggest
from longshort.heads.base import Head, Reads
from longshort.layers.attention import Attention, Memory, Scoring
from longshort.layers.encoder import Recurrent, make_stack
from longshort.layers.masks import StepMasks, uniform
from longshort.layers.softmax import nats

# of probabilities whose logarithm is taken
_LEAST = 1e-30


@dataclass(frozen=True)
class Translation(Params):
    """How a target is written.

    Args:
        attention: "general" (Luong et al. 2015) or "additive" (Bahdanau et al. 2015).
        copy: symbols may also be copied from the source, those that are in no vocabulary too.
        coverage: what was looked at already counts, and is not looked at again (See et al. 2017).
        input_feeding: what was made of attention is read at the next step; training then reads step
            by step, which takes several times as long.
        tied: the table that targets are read with is the one that they are written with (Press and
            Wolf 2017).
        embedding: numbers that a symbol becomes, of sources and of targets.
        size: units of the decoder; None for as many as the encoder answers.
        depth: layers of the decoder.
        dropout: share of what the decoder reads, answers and makes of attention that training sets
            to zero; None for the encoder's.
        smoothing: share of the probability that training asks of all symbols alike (Szegedy et al.
            2016), 0 to 1, 1 excluded.
        sampled: share of the symbols that training reads as the model itself would write them, and
            not as they are (scheduled sampling, Bengio et al. 2015, in the two passes of Mihaylova
            and Martins 2019), 0 to 1.

    Raises:
        ArgumentError: a value out of range.
    """

    attention: Scoring = "general"
    copy: bool = False
    coverage: bool = False
    input_feeding: bool = False
    tied: bool = True
    embedding: int = 128
    size: int | None = None
    depth: int = 1
    dropout: float | None = None
    smoothing: float = 0.1
    sampled: float = 0.0

    def __post_init__(self) -> None:
        if self.attention not in get_args(Scoring):
            known = suggest(str(self.attention), get_args(Scoring))
            raise ArgumentError(f"Translation(attention={self.attention!r}): {known}")
        self._whole(1, "embedding", "size", "depth")
        for name in ("dropout", "smoothing"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < 1:
                raise ArgumentError(f"Translation({name}={value}): must be in 0 to 1, 1 excluded")
        if not 0 <= self.sampled <= 1:
            raise ArgumentError(f"Translation(sampled={self.sampled}): must be in 0 to 1")

    def decoder(self, encoder: Recurrent) -> Recurrent:
        """The decoder's stack beside an encoder's."""
        dropout = encoder.dropout if self.dropout is None else self.dropout
        return Recurrent(
            self.size or encoder.width, self.depth, dropout=dropout, init=encoder.init,
            forget_bias=encoder.forget_bias, cell=encoder.cell, weight_drop=encoder.weight_drop,
        )  # fmt: skip


class Carried(NamedTuple):
    """Where N decoders stand: what they remember between two symbols.

    parts: of the recurrence, (layers, N, D) each. fed: (N, D), what is fed back, or None. looked:
    (N, T), how much each step of the source was looked at, summed.
    """

    parts: tuple[Tensor, ...]
    fed: Tensor | None
    looked: Tensor

    def select(self, rows: Tensor) -> Carried:
        """The decoders of these numbers, in that order."""
        fed = None if self.fed is None else self.fed.index_select(0, rows)
        parts = tuple(part.index_select(1, rows) for part in self.parts)
        return Carried(parts, fed, self.looked.index_select(0, rows))


class Written(NamedTuple):
    """What a decoder makes of each symbol it read: (B, U, .).

    q: what the next symbol is told by. weights: of attention, (B, U, T). gate: logits (B, U) that
    the next symbol is told by the vocabulary and not copied; None where nothing is copied. again:
    (B, U), what was looked at again.
    """

    q: Tensor
    weights: Tensor
    gate: Tensor | None
    again: Tensor | None


class TranslationHead(Head):
    """A decoder with attention; targets are (B, U) of int64, each closed by 0, then -1.

    The loss is in nats of a symbol, the closing one included. A batch's inputs hold ``COPIED``
    (B, T) where symbols may be copied.

    Args:
        width: M, of the encoder's steps.
        bridge: width of what the encoder ends with, see ``ending``.
        symbols: V of the vocabulary.
        settings: see ``Translation``.
        decoder: the stack.
        table: whose weight (V, E) is the targets' table, where it is another module's too.
    """

    unit = "nats"
    reads: Reads = "source"

    def __init__(
        self,
        width: int,
        bridge: int,
        symbols: int,
        settings: Translation,
        decoder: Recurrent,
        table: nn.Embedding | None = None,
    ) -> None:
        super().__init__()
        self.symbols, self.settings = symbols, settings
        self.dropout, size = decoder.dropout, decoder.size
        wide = settings.embedding
        # a table of another module's is neither saved nor trained twice
        self._shared: tuple[nn.Embedding, ...] = () if table is None else (table,)
        if table is None:
            self.embed = nn.Embedding(symbols, wide)
            # a vector's length is 1 at first
            nn.init.normal_(self.embed.weight, std=wide**-0.5)
        self.stack = make_stack(wide + (size if settings.input_feeding else 0), decoder)
        # what other cells remember beside an LSTM's two parts begins as it always does
        self.begun = 2 if decoder.cell == "lstm" else 1
        self.bridge = nn.Linear(bridge, self.begun * decoder.depth * size)
        self.attention = Attention(size, width, settings.attention, covered=settings.coverage)
        self.combine = nn.Linear(width + size, size)
        self.project = nn.Linear(size, wide, bias=False) if wide != size else None
        self.output: nn.Parameter | None = None
        if not settings.tied:
            self.output = nn.Parameter(torch.randn(symbols, wide) * wide**-0.5)
        self.bias = nn.Parameter(torch.zeros(symbols))
        self.gate = nn.Linear(width + size + wide, 1) if settings.copy else None

    @property
    def lookup(self) -> nn.Embedding:
        """The targets' table."""
        return self._shared[0] if self._shared else self.embed

    # reading a source

    def opened(self, encoded: Encoded, batch: Batch) -> tuple[Memory, Carried]:
        """Encoded sources made ready, and where the decoder stands before the first symbol."""
        values, rows = encoded.z, encoded.z.shape[0]
        there = within(encoded.lengths, values.shape[1])
        copied = batch.inputs[COPIED] if self.settings.copy else None
        memory = self.attention.memory(values, there, copied)
        first = self.bridge(ending(encoded, self.bridge.in_features)).tanh()
        found = first.view(rows, self.begun, self.stack.num_layers, -1).permute(1, 2, 0, 3)
        rest = len(self.stack.cell.parts) - self.begun
        parts = (*(p.contiguous() for p in found.unbind(0)), *[torch.zeros_like(found[0])] * rest)
        fed = values.new_zeros(rows, found.shape[3]) if self.settings.input_feeding else None
        return memory, Carried(parts, fed, values.new_zeros(values.shape[:2]))

    # writing

    def loss(self, encoded: Encoded, batch: Batch) -> Loss:
        """-log p of the symbols that came, in nats; while training smoothed, and with coverage."""
        targets = batch.target()
        real = targets >= 0
        if not bool(real.any()):
            return Loss(encoded.z.sum() * 0, real.sum())
        memory, carried = self.opened(encoded, batch)
        inputs = self.known(functional.pad(targets, (1, -1)))
        if self.training and self.settings.sampled > 0:
            inputs = self._sampled(inputs, memory, carried, batch.row)
        written = self.write(inputs, memory, carried, batch.row)
        losses = self._losses(written, memory, targets, real)
        if self.training and written.again is not None:
            losses = losses + written.again[real]
        return Loss(losses.sum(), real.sum())

    def known(self, symbols: Tensor) -> Tensor:
        """Symbols as the table holds them: copied ones as the unknown one, what is none as 0."""
        return torch.where(symbols < self.symbols, symbols, UNKNOWN).clamp(min=BORDER)

    def write(self, inputs: Tensor, memory: Memory, carried: Carried, row: int = 0) -> Written:
        """What is made of symbols (B, U) that are read one after the other."""
        drop = self._masks(inputs, row)
        x = drop(self.lookup(inputs), 0)
        if not self.settings.input_feeding:
            outs, _ = self.stack.layers(x, _state(carried.parts), row=row)
            states = drop(outs[-1], 1)
            if not self.settings.coverage:
                context, weights = self.attention(states, memory)
                return self._written(x, states, context, weights, None, drop)
        made: list[Written] = []
        parts, fed, looked = carried
        for t in range(inputs.shape[1]):
            own = slice(t, t + 1)
            if fed is None:
                state = states[:, own]
            else:
                both = torch.cat([x[:, own], fed.unsqueeze(1)], 2)
                outs, after = self.stack.layers(both, _state(parts), row=row)
                parts, state = _parts(after), drop(outs[-1], 1, t)
            context, weights = self.attention(state, memory, looked.unsqueeze(1))
            step = self._written(x[:, own], state, context, weights, looked, drop, t)
            looked = looked + weights.squeeze(1)
            fed = None if fed is None else step.q.squeeze(1)
            made.append(step)
        return _joined(made)

    def _written(
        self,
        x: Tensor,
        states: Tensor,
        context: Tensor,
        weights: Tensor,
        looked: Tensor | None,
        drop: StepMasks,
        step: int | None = None,
    ) -> Written:
        q = drop(self.combine(torch.cat([context, states], -1)).tanh(), 2, step)
        gate = None
        if self.gate is not None:
            gate = self.gate(torch.cat([context, states, x], -1)).squeeze(-1)
        again = None
        if self.settings.coverage and looked is not None:
            again = torch.minimum(weights, looked.unsqueeze(1)).sum(-1)
        return Written(q, weights, gate, again)

    def _masks(self, inputs: Tensor, row: int) -> StepMasks:
        if not self.training or not self.dropout:
            return StepMasks(None, self.dropout, inputs.shape[1], row)
        # one draw a call from torch's default generator, as torch's own dropout would
        return StepMasks(int(torch.randint(2**62, ())), self.dropout, inputs.shape[1], row)

    @torch.no_grad()
    def _sampled(self, inputs: Tensor, memory: Memory, carried: Carried, row: int) -> Tensor:
        """Symbols of which a share is what the model writes after those before them."""
        written = self.write(inputs, memory, carried, row)
        own = self._logits(written.q).argmax(-1)
        seed, before = int(torch.randint(2**62, ())), row * inputs.shape[1]
        drawn = uniform(seed, 0, before + inputs.numel(), inputs.device)[before:]
        taken = (drawn < self.settings.sampled).view(inputs.shape)
        # the first symbol is the border
        taken[:, 0] = False
        return torch.where(taken, functional.pad(own, (1, -1)), inputs)

    # telling

    @property
    def _table(self) -> Tensor:
        return self.lookup.weight if self.output is None else self.output

    def _told(self, q: Tensor) -> Tensor:
        return q if self.project is None else self.project(q)

    def _logits(self, q: Tensor) -> Tensor:
        return functional.linear(self._told(q), self._table, self.bias)

    def _losses(self, written: Written, memory: Memory, targets: Tensor, real: Tensor) -> Tensor:
        """(N,) of all symbols that count."""
        wanted = targets[real]
        inside = wanted < self.symbols
        told = self._told(written.q[real]), self._table, self.bias
        own, spread = nats(*told, torch.where(inside, wanted, UNKNOWN))
        if written.gate is not None and memory.copied is not None:
            gate = written.gate[real]
            same = memory.copied.unsqueeze(1) == targets.unsqueeze(2)
            share = (written.weights * same).sum(-1)[real]
            copied = share.clamp(min=_LEAST).log() + functional.logsigmoid(-gate)
            listed = torch.where(inside, functional.logsigmoid(gate) - own, -torch.inf)
            own = -torch.logaddexp(listed, copied)
        if self.training and self.settings.smoothing > 0:
            own = (1 - self.settings.smoothing) * own + self.settings.smoothing * spread
        return own

    def scores(self, q: Tensor, weights: Tensor, gate: Tensor | None, memory: Memory) -> Tensor:
        """log p of the next symbol, (R, W, K), of W decoders at each of R sources.

        K is V, and where symbols are copied V and the most that any source holds beside it.
        """
        logits = self._logits(q)
        if gate is None or memory.copied is None:
            return logits.log_softmax(-1)
        more = max(int(memory.copied.max()) + 1 - self.symbols, 0)
        p = functional.pad(logits.softmax(-1) * gate.sigmoid().unsqueeze(-1), (0, more))
        share = weights * (-gate).sigmoid().unsqueeze(-1)
        p = p.scatter_add(2, memory.copied.unsqueeze(1).expand_as(weights), share)
        # -inf for what another source's own symbols are numbered by
        return p.log()

    def advance(
        self, symbols: Tensor, carried: Carried, memory: Memory
    ) -> tuple[Tensor, Tensor, Carried]:
        """One symbol more of N = R * W decoders, W at each of R sources; without gradients.

        Args:
            symbols: (N,), what is read.
            carried: where they stand.
            memory: the R sources.

        Returns:
            log p (N, K) of the next symbol, the weights of attention (N, T), and where they stand.
        """
        rows, sources = len(symbols), len(memory.there)
        x = self.lookup(self.known(symbols))
        both = x if carried.fed is None else torch.cat([x, carried.fed], 1)
        state, after = self.stack.step(both, _state(carried.parts))
        x, state, looked = (
            own.view(sources, rows // sources, -1) for own in (x, state, carried.looked)
        )
        context, weights = self.attention(state, memory, looked)
        written = self._written(x, state, context, weights, None, StepMasks(None, 0.0, 1, 0))
        scores = self.scores(written.q, weights, written.gate, memory).flatten(0, 1)
        fed = None if carried.fed is None else written.q.flatten(0, 1)
        own = weights.flatten(0, 1)
        return scores, own, Carried(_parts(after), fed, carried.looked + own)

    # the contract of heads

    def decode(self, encoded: Encoded, batch: Batch) -> Prediction:
        """The first symbol of every row."""
        return self.start(encoded, batch)[0]

    def start(self, encoded: Encoded, batch: Batch) -> tuple[Prediction, State]:
        """The first symbol of every row, and all that is remembered of its source."""
        memory, carried = self.opened(encoded, batch)
        border = batch.lengths.new_full((batch.rows,), BORDER)
        return self._answer(border, memory, carried)

    def step(self, encoded: Encoded | None, state: State, batch: Batch) -> tuple[Prediction, State]:
        """Read the last choice, ``batch.inputs["symbols"]`` (B, 1), and answer again."""
        source, own = state.part("source"), state.part("decoder")
        memory = Memory(**{name: source.tensor(name) for name in source})
        parts = tuple(own.tensor(p).transpose(0, 1).contiguous() for p in self.stack.cell.parts)
        fed = own.tensor("fed") if "fed" in own else None
        carried = Carried(parts, fed, own.tensor("looked"))
        return self._answer(batch.inputs[SYMBOLS][:, -1], memory, carried)

    def _answer(
        self, symbols: Tensor, memory: Memory, carried: Carried
    ) -> tuple[Prediction, State]:
        scores, _, after = self.advance(symbols, carried, memory)
        own: dict[str, Tensor | State] = {
            name: part.transpose(0, 1)
            for name, part in zip(self.stack.cell.parts, after.parts, strict=True)
        }
        own["looked"] = after.looked
        if after.fed is not None:
            own["fed"] = after.fed
        source = {name: part for name, part in memory._asdict().items() if part is not None}
        state = State({"source": State(source), "decoder": State(own)})
        return Prediction(scores.argmax(-1), scores=scores), state


def ending(encoded: Encoded, width: int) -> Tensor:
    """What an encoder ends with, (B, width): its last states, or the mean of its steps.

    The last layer's, of both directions; pictures have no last step, and so their mean is taken.
    """
    if not len(encoded.state):
        there = within(encoded.lengths, encoded.z.shape[1]).unsqueeze(2)
        total = torch.where(there, encoded.z, encoded.z.new_zeros(())).sum(1)
        return total / encoded.lengths.clamp(min=1).unsqueeze(1)
    # beside an LSTM's two parts only what a cell answers
    names = ("h", "c") if {*encoded.state} <= {"h", "c", "stem"} else ("h",)
    ends = [encoded.state.tensor(name) for name in names if name in encoded.state]
    # every part has the same layers; the top one's directions come last
    directions = width // sum(end.shape[2] for end in ends)
    return torch.cat([end[:, -directions:].flatten(1) for end in ends], 1)


def _state(parts: tuple[Tensor, ...]) -> tuple[Tensor, ...] | Tensor:
    """As a layer takes it."""
    return parts if len(parts) > 1 else parts[0]


def _parts(state: tuple[Tensor, ...] | Tensor) -> tuple[Tensor, ...]:
    return (state,) if isinstance(state, Tensor) else state


def _joined(made: list[Written]) -> Written:
    """Steps one after the other."""
    q, weights, gate, again = zip(*made, strict=True)
    return Written(
        torch.cat(q, 1),
        torch.cat(weights, 1),
        None if gate[0] is None else torch.cat(gate, 1),
        None if again[0] is None else torch.cat(again, 1),
    )

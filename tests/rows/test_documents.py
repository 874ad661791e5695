"""Chunks of streams through a carried model: the loss of training is the surprise of the text."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from longshort import Next, Recurrent
from longshort.data.chunks import Chunking, Chunks, Passage, as_stretch
from longshort.data.codecs.tokens import BORDER, TokenCodec, Tokens
from longshort.errors import ArgumentError
from longshort.evaluate.surprise import surprise
from longshort.heads.next import NextHead
from longshort.layers.encoder import Cell, RecurrentEncoder
from longshort.layers.lookup import Lookup
from longshort.model import Model
from longshort.training.loss import mean_loss

CODEC = TokenCodec.fit(["abcdefg"], Tokens())


def network(recurrent: Recurrent) -> Model:
    torch.manual_seed(0)
    lookup = Lookup(CODEC.size, 5)
    head = NextHead(recurrent.size, lookup, Next())
    model = Model(RecurrentEncoder(lookup, recurrent), head, memory="carried")
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.5)
    return model.eval()


def run(sizes: list[int]) -> Passage:
    random = np.random.default_rng(0)
    parts = [np.append(random.integers(2, CODEC.size, size), BORDER) for size in sizes]
    ids = np.concatenate([[BORDER], *parts])
    return Passage(ids, sum(sizes), sum(sizes), "letters")


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn", "slstm"])
@pytest.mark.parametrize("borders", ["reset", "carry"])
def test_one_stream_in_chunks_is_the_text_read_at_once(cell: Cell, borders: str) -> None:
    text = run([3, 20, 1, 1, 9, 14])
    model = network(Recurrent(size=7, depth=2, cell=cell))
    stretch = as_stretch(text, CODEC, apart=borders == "reset")
    expected = surprise([model], stretch).sum() / len(text)
    for steps in (1, 4, 100):
        chunks = Chunks(text.ids, 1, Chunking(steps, borders))  # type: ignore[arg-type]
        assert mean_loss(model, chunks) == pytest.approx(expected, abs=1e-5)


def test_streams_that_begin_with_documents_are_exact_side_by_side() -> None:
    # two documents of each stream, one of which ends within a chunk
    text = run([5, 9, 9, 5])
    model = network(Recurrent(size=7))
    expected = surprise([model], as_stretch(text, CODEC, apart=True)).sum() / len(text)
    chunks = Chunks(text.ids, 2, Chunking(4))
    assert chunks.streams == 2
    assert mean_loss(model, chunks) == pytest.approx(expected, abs=1e-5)


def test_gradients_do_not_cross_a_border() -> None:
    model = network(Recurrent(size=7)).train()
    chunks = Chunks(run([2, 3]).ids, 1, Chunking(6))
    batch = chunks.batch([0])
    embedded: list[torch.Tensor] = []
    model.encoder.embed.register_forward_hook(  # type: ignore[union-attr]
        lambda *found: found[2].retain_grad() or embedded.append(found[2])
    )
    model.encoder(batch).z[0, -1].sum().backward()
    # border a b border c d: nothing before the second border matters
    reached = embedded[0].grad[0].abs().sum(1) > 0  # type: ignore[index]
    assert reached.tolist() == [False, False, False, True, True, True]


def test_locked_dropout_loses_the_same_at_every_step() -> None:
    torch.manual_seed(0)
    recurrent = Recurrent(size=50, dropout=0.5, locked=True)
    model = network(recurrent).train()
    z = model.encoder(Chunks(run([30]).ids, 1, Chunking(30)).batch([0])).z[0]
    gone = z == 0
    assert (gone == gone[0]).all()
    assert 0.2 < float(gone.float().mean()) < 0.8
    stack = model.encoder.stack
    assert stack.regularisers.variational_input == 0.5  # type: ignore[union-attr]
    free = network(Recurrent(size=50, dropout=0.5)).train()
    gone = free.encoder(Chunks(run([30]).ids, 1, Chunking(30)).batch([0])).z[0] == 0
    assert not (gone == gone[0]).all()


def test_inputs_may_lose_another_share() -> None:
    model = network(Recurrent(size=9, dropout=0.0, input_dropout=0.9)).train()
    batch = Chunks(run([30]).ids, 1, Chunking(30)).batch([0])
    assert not model.encoder(batch).z.equal(model.encoder(batch).z)
    assert (model.encoder(batch).z != 0).all()
    with pytest.raises(ArgumentError, match="leave it out"):
        Recurrent(locked=True, input_dropout=0.1)
    with pytest.raises(ArgumentError, match="weight_drop"):
        Recurrent(weight_drop=1.0)

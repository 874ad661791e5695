"""The recurrence as it is defined. Every other engine is held to what these functions compute.

``lstm``, ``slstm``, ``gru`` and ``rnn`` each run one layer in one direction over a batch of
sequences. The equations of a cell stand at the top of its file; what holds for all of them (the
order of time, lengths, restarts, masks, what is recorded) stands in ``unroll``; the tensors that go
in and out are named in ``tensors``. Any floating dtype, any device, twice differentiable.
"""

from longshort.kernels.reference.cells import OPTIONS, Options
from longshort.kernels.reference.gru import GRUOptions, gru
from longshort.kernels.reference.lstm import LSTMOptions, lstm
from longshort.kernels.reference.rnn import RNNOptions, rnn
from longshort.kernels.reference.slstm import SLSTMOptions, slstm
from longshort.kernels.reference.tensors import Masks, Reading, State, Steps, Weights

__all__ = [
    "OPTIONS",
    "GRUOptions",
    "LSTMOptions",
    "Masks",
    "Options",
    "RNNOptions",
    "Reading",
    "SLSTMOptions",
    "State",
    "Steps",
    "Weights",
    "gru",
    "lstm",
    "rnn",
    "slstm",
]

"""The cells there are."""

from __future__ import annotations

from longshort.kernels.reference.gru import GRUOptions
from longshort.kernels.reference.lstm import LSTMOptions
from longshort.kernels.reference.rnn import RNNOptions
from longshort.kernels.reference.slstm import SLSTMOptions

Options = LSTMOptions | SLSTMOptions | GRUOptions | RNNOptions
OPTIONS = (LSTMOptions, SLSTMOptions, GRUOptions, RNNOptions)

"""LSTM: long short-term memory over embedded tokens (Hochreiter and Schmidhuber 1997; forget gate: Gers et al. 2000).

i, f, o = sigmoid(W x_t + U h_{t-1} + b)      g = tanh(W x_t + U h_{t-1} + b)
c_t = f * c_{t-1} + i * g                     h_t = o * tanh(c_t)
"""

from __future__ import annotations

from torch import nn

from textkit.nn.unrolling import Unrolled


class LSTM(Unrolled):
    cell = nn.LSTM
    explains = ("words", "gates")

"""RNN: a simple recurrent network over embedded tokens (Elman 1990).

h_t = tanh(W x_t + U h_{t-1} + b)
"""

from __future__ import annotations

from torch import nn

from textkit.nn.unrolling import Unrolled


class RNN(Unrolled):
    cell = nn.RNN
    explains = ("words",)

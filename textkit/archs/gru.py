"""GRU: gated recurrent units over embedded tokens (Cho et al. 2014), with the reset gate behind the product, as cuDNN has it.

r, z = sigmoid(W x_t + U h_{t-1} + b)         n = tanh(W x_t + b + r * (U h_{t-1} + b'))
h_t = (1 - z) * n + z * h_{t-1}
"""

from __future__ import annotations

from torch import nn

from textkit.nn.unrolling import Unrolled


class GRU(Unrolled):
    cell = nn.GRU
    explains = ("words", "gates")

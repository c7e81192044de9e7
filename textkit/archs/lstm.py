"""LSTM: long short-term memory over embedded tokens (Hochreiter and Schmidhuber 1997; forget gate: Gers et al. 2000).

    i, f, o = sigmoid(W x_t + U h_{t-1} + b)      g = tanh(W x_t + U h_{t-1} + b)
    c_t = f * c_{t-1} + i * g                     h_t = o * tanh(c_t)

Shapes: B records, T tokens, D width of an embedded token, H hidden width, W width of a state: H, or 2H in both directions.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Tensor, nn

from textkit.nn.embedding import TokenEmbedding
from textkit.nn.inputs import Sizes, Tokens
from textkit.nn.readout import Readout
from textkit.nn.recurrent import Recurrent
from textkit.nn.settings import Unrolling
from textkit.nn.tracing import Trace, gates_of, mixing_of, trace


class LSTM(nn.Module):
    engine = "torch"
    reads = ("ids",)
    explains = ("words", "gates")
    tokenwise = True  # it has a state for each token, so that it can tag

    @dataclass(frozen=True)
    class Config(Unrolling): ...

    def __init__(self, config: Config, sizes: Sizes) -> None:
        super().__init__()
        self.config = config
        self.embedding = TokenEmbedding(config, sizes)
        self.recurrent = Recurrent(nn.LSTM, self.embedding.width, config.hidden, config.layers, config.bidirectional, config.dropout)
        self.width = self.recurrent.width
        self.readout = Readout(config.readout, self.width, config.hidden)

    def states(self, inputs: Tokens) -> Tensor:
        """-> (B, T, W)."""
        return self.recurrent(self.embedding(inputs), inputs.lengths)  # type: ignore[no-any-return]

    def forward(self, inputs: Tokens) -> Tensor:
        """-> (B, W), the records' vectors."""
        return self.readout(self.states(inputs), inputs.lengths)  # type: ignore[no-any-return]

    def trace(self, inputs: Tokens) -> Trace:
        """What each token adds to the vector; gates (B, layers, 1 or 2 directions, T)."""
        states, gates = gates_of(self.recurrent, self.embedding(inputs), inputs.lengths)
        return replace(trace(mixing_of(self.readout, states, inputs.lengths), states), gates=gates)

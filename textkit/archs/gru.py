"""GRU: gated recurrent units over embedded tokens (Cho et al. 2014), with the reset gate behind the product, as cuDNN has it.

    r, z = sigmoid(W x_t + U h_{t-1} + b)         n = tanh(W x_t + b + r * (U h_{t-1} + b'))
    h_t = (1 - z) * n + z * h_{t-1}

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


class GRU(nn.Module):
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
        self.recurrent = Recurrent(nn.GRU, self.embedding.width, config.hidden, config.layers, config.bidirectional, config.dropout)
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

"""What recurrent architectures have in common: embedded tokens, unrolled layers of a cell, a readout.

Shapes: B records, T tokens, W width of a state: that of the hidden state, or twice so in both directions.
"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from torch import Tensor, nn

from textkit.nn.embedding import TokenEmbedding
from textkit.nn.inputs import Sizes, Tokens
from textkit.nn.readout import Readout
from textkit.nn.recurrent import Cell, Recurrent
from textkit.nn.settings import Unrolling
from textkit.nn.tracing import Trace, gates_of, mixing_of, trace


class Unrolled(nn.Module):
    """`cell` says what is unrolled, `explains` whether it has gates to show."""

    engine = "torch"
    reads = ("ids",)
    tokenwise = True  # it has a state for each token, so that it can tag
    cell: ClassVar[Cell]
    explains: ClassVar[tuple[str, ...]]
    Config = Unrolling

    def __init__(self, config: Unrolling, sizes: Sizes) -> None:
        super().__init__()
        self.config = config
        self.embedding = TokenEmbedding(config, sizes)
        self.recurrent = Recurrent(self.cell, self.embedding.width, config.hidden, config.layers, config.bidirectional, config.dropout)
        self.width = self.recurrent.width
        self.readout = Readout(config.readout, self.width, config.hidden)

    def states(self, inputs: Tokens) -> Tensor:
        """-> (B, T, W)."""
        return self.recurrent(self.embedding(inputs), inputs.lengths)  # type: ignore[no-any-return]

    def forward(self, inputs: Tokens) -> Tensor:
        """-> (B, W), the records' vectors."""
        return self.readout(self.states(inputs), inputs.lengths)  # type: ignore[no-any-return]

    def trace(self, inputs: Tokens) -> Trace:
        """What each token adds to the vector; gates (B, layers, 1 or 2 directions, T) where the cell has any."""
        if "gates" not in self.explains:
            states = self.states(inputs)
            return trace(mixing_of(self.readout, states, inputs.lengths), states)
        states, gates = gates_of(self.recurrent, self.embedding(inputs), inputs.lengths)
        return replace(trace(mixing_of(self.readout, states, inputs.lengths), states), gates=gates)

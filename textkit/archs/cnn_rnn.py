"""CNN-RNN: filters find phrases, pooling makes time shorter, a recurrent layer reads what is left (C-LSTM, Zhou et al. 2015).

Shapes: B records, T tokens, P pooled steps: T / pool rounded up, D width of an embedded token, F filters, W width of the vector.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F

from textkit.config import setting
from textkit.nn.convolution import Convolution
from textkit.nn.embedding import TokenEmbedding
from textkit.nn.inputs import Sizes, Tokens
from textkit.nn.masks import zeroed
from textkit.nn.readout import Readout
from textkit.nn.recurrent import Recurrent
from textkit.nn.settings import Unrolling
from textkit.nn.tracing import Trace, gates_of, mixing_of, trace

CELLS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


class CNNRNN(nn.Module):
    engine = "torch"
    reads = ("ids",)
    explains = ("words", "gates")
    tokenwise = False  # it has a state for some tokens together

    @dataclass(frozen=True)
    class Config(Unrolling):
        kernel: int = setting(3, "tokens that a filter sees at once", least=1)
        filters: int = setting(128, "filters", least=1)
        pool: int = setting(2, "steps that become one: the maximum of each filter", least=1)
        cell: Literal["rnn", "lstm", "gru"] = setting("lstm", "what reads the pooled steps")

    def __init__(self, config: Config, sizes: Sizes) -> None:
        super().__init__()
        self.config = config
        self.embedding = TokenEmbedding(config, sizes)
        self.convolution = Convolution(self.embedding.width, config.filters, (config.kernel,))
        self.dropout = nn.Dropout(config.dropout)
        self.recurrent = Recurrent(CELLS[config.cell], config.filters, config.hidden, config.layers, config.bidirectional, config.dropout)
        self.width = self.recurrent.width
        self.readout = Readout(config.readout, self.width, config.hidden)

    def forward(self, inputs: Tokens) -> Tensor:
        """-> (B, W), the records' vectors."""
        pooled, lengths = self.pooled(inputs)
        return self.readout(self.recurrent(self.dropout(pooled), lengths), lengths)  # type: ignore[no-any-return]

    def pooled(self, inputs: Tokens) -> tuple[Tensor, Tensor]:
        """-> (B, P, F) what the recurrent layer reads, (B,) steps of each record."""
        found = zeroed(self.convolution(self.embedding(inputs), inputs.lengths), inputs.lengths)  # (B, T, F), none below 0
        pooled = F.max_pool1d(found.transpose(1, 2), self.config.pool, ceil_mode=True).transpose(1, 2)  # (B, P, F)
        return pooled, (inputs.lengths + self.config.pool - 1) // self.config.pool

    def trace(self, inputs: Tokens) -> Trace:
        """What each pooled step adds to the vector; gates (B, layers, 1 or 2 directions, P). Its tokens: those in the middle of the filters."""
        x, lengths = self.pooled(inputs)
        states, gates = gates_of(self.recurrent, x, lengths)
        pool, last = self.config.pool, inputs.ids.shape[1]
        spans = [(start, min(start + pool, last)) for start in range(0, last, pool)]
        return replace(trace(mixing_of(self.readout, states, lengths), states), gates=gates, spans=spans)

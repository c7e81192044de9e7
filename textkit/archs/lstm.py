"""LSTM: long short-term memory over embedded tokens (Hochreiter and Schmidhuber 1997; forget gate: Gers et al. 2000).

    i, f, o = sigmoid(W x_t + U h_{t-1} + b)      g = tanh(W x_t + U h_{t-1} + b)
    c_t = f * c_{t-1} + i * g                     h_t = o * tanh(c_t)

Shapes: B records, T tokens, V vocabulary, D embedding width, H hidden width, C outputs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from textkit.config import setting
from textkit.nn.recurrent import Recurrent, last_states, read_out


class LSTM(nn.Module):
    engine = "torch"
    inputs = "ids"

    @dataclass(frozen=True)
    class Config:
        hidden: int = setting(128, "width of the hidden state, in each direction", least=1)
        layers: int = setting(1, "stacked layers", least=1)
        bidirectional: bool = setting(True, "read from both ends")
        readout: Literal["last", "mean", "max"] = setting("max", "the record's vector: its last state, or the mean or maximum of all")
        dropout: float = setting(0.3, "share of embedding and readout values dropped in training", least=0, most=1)
        embedding_dim: int = setting(128, "width of the token embedding, where no embed stage gives one", least=1)

    def __init__(self, config: Config, vocabulary: int, dim: int, outputs: int) -> None:
        """vocabulary: V, dim: D, outputs: C."""
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(vocabulary, dim)
        self.recurrent = Recurrent(nn.LSTM, dim, config.hidden, config.layers, config.bidirectional, config.dropout)
        self.dropout = nn.Dropout(config.dropout)
        self.output = nn.Linear(self.recurrent.width, outputs)

    def forward(self, ids: Tensor, lengths: Tensor) -> Tensor:
        """ids: (B, T) padded after the record, lengths: (B,) of at least 1 -> logits (B, C)."""
        embedded = self.dropout(self.embedding(ids))  # (B, T, D)
        states = self.recurrent(embedded, lengths)  # (B, T, 2H)
        if self.config.readout == "last":
            vector = last_states(states, lengths, self.config.hidden)
        else:
            vector = read_out(states, lengths, self.config.readout)
        return torch.as_tensor(self.output(self.dropout(vector)))  # (B, 2H) -> (B, C)

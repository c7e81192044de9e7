"""Tokens as vectors: a row of a table each, and what their characters add.

Shapes: B records, T tokens, V vocabulary, D embedding width.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from textkit.config import setting
from textkit.nn.inputs import Sizes, Tokens


@dataclass(frozen=True)
class Reading:
    """The settings of every network that reads tokens: an architecture's Config adds its own."""

    embedding_dim: int = setting(128, "width of the token embedding, where no embed stage gives one", least=1)
    dropout: float = setting(0.3, "share of embedding and readout values dropped in training", least=0, most=1)


class TokenEmbedding(nn.Module):
    """`width`: of what comes out for a token."""

    def __init__(self, config: Reading, sizes: Sizes) -> None:
        super().__init__()
        self.tokens = nn.Embedding(sizes.vocabulary, sizes.dim)
        self.dropout = nn.Dropout(config.dropout)
        self.width = sizes.dim

    def forward(self, inputs: Tokens) -> Tensor:
        """-> (B, T, width)."""
        return torch.as_tensor(self.dropout(self.tokens(inputs.ids)))

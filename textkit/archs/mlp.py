"""MLP: fully connected layers over a record's vector, its features, or the mean of its token vectors (Iyyer et al. 2015).

Shapes: B records, F width of a vector or of features, Z values that are not 0 in all records, H hidden width.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from textkit.config import setting
from textkit.nn.embedding import TokenEmbedding
from textkit.nn.inputs import Inputs, Sizes, Tokens, Vectors
from textkit.nn.masks import mean_inside
from textkit.nn.settings import Reading

FEW = 256  # values of a record that are not 0, if it is features: the first weights are not made smaller than these need


class MLP(nn.Module):
    engine = "torch"
    reads = ("vector", "features", "ids")
    tokenwise = False

    @dataclass(frozen=True)
    class Config(Reading):
        hidden: int = setting(128, "width of a hidden layer", least=1)
        layers: int = setting(1, "hidden layers", least=1)

    def __init__(self, config: Config, sizes: Sizes) -> None:
        super().__init__()
        self.config = config
        self.embedding = None if sizes.features else TokenEmbedding(config, sizes)
        self.first = First(sizes.features or self.embedding.width, config.hidden)  # type: ignore[union-attr]
        self.rest = nn.ModuleList(nn.Linear(config.hidden, config.hidden) for _ in range(config.layers - 1))
        self.dropout = nn.Dropout(config.dropout)
        self.width = config.hidden

    def forward(self, inputs: Inputs) -> Tensor:
        """-> (B, H), the records' vectors."""
        if isinstance(inputs, Tokens):
            assert self.embedding is not None, "built for tokens"
            inputs = Vectors(mean_inside(self.embedding(inputs), inputs.lengths))
        x = self.first(inputs).relu()
        for layer in self.rest:
            x = layer(self.dropout(x)).relu()
        return torch.as_tensor(x)


class First(nn.Module):
    """A linear layer that reads features by their values alone: time and memory are in the number of these, not of the columns."""

    def __init__(self, features: int, hidden: int) -> None:
        super().__init__()
        bound = min(features, FEW) ** -0.5
        self.weight = nn.Parameter(torch.empty(features, hidden).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.zeros(hidden))

    def forward(self, inputs: Vectors) -> Tensor:
        """(B, F), or of features (Z,) -> (B, H)."""
        if inputs.columns is None:
            return inputs.values @ self.weight + self.bias
        return F.embedding_bag(inputs.columns, self.weight, inputs.starts, mode="sum", per_sample_weights=inputs.values) + self.bias

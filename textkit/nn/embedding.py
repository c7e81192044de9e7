"""Tokens as vectors: a row of a table each, and beside it what their characters add.

Shapes: B records, T tokens, V vocabulary, D embedding width, U distinct spellings, A width of a spelling's vector.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from textkit.nn.characters import Characters
from textkit.nn.inputs import Sizes, Tokens
from textkit.nn.settings import Reading


class TokenEmbedding(nn.Module):
    """`width`: of what comes out for a token."""

    def __init__(self, config: Reading, sizes: Sizes) -> None:
        super().__init__()
        self.tokens = nn.Embedding(sizes.vocabulary, sizes.dim)
        with torch.no_grad():
            self.tokens.weight.mul_(config.embedding_std)  # torch's own is 1
        self.characters = None if config.chars == "none" else Characters(config, sizes.characters)
        self.dropout = nn.Dropout(config.dropout)
        self.word_dropout, self.unknown = config.word_dropout, sizes.unknown
        self.width = sizes.dim + (self.characters.width if self.characters is not None else 0)

    def forward(self, inputs: Tokens) -> Tensor:
        """-> (B, T, width)."""
        ids = inputs.ids
        if self.training and self.word_dropout:  # so that the vector for unknown tokens is learned, and what stands around one
            lost = torch.rand(ids.shape, device=ids.device) < self.word_dropout
            ids = ids.masked_fill(lost & inputs.mask, self.unknown)
        vectors = self.tokens(ids)  # (B, T, D)
        if self.characters is not None:
            assert inputs.spellings is not None and inputs.forms is not None, "a feed with words"
            made = self.characters(inputs.spellings)  # (U, A)
            vectors = torch.cat([vectors, made[inputs.forms]], dim=2)
        return torch.as_tensor(self.dropout(vectors))

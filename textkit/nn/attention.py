"""Multi-head self-attention (Vaswani et al. 2017, 3.2): each token looks at all tokens of its record, in several ways.

    softmax(Q K' / sqrt(K)) V

Shapes: B records, T tokens, D width, H heads, K head size: D / H.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from textkit.nn.positions import rotary


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """(B, H, T, K) each, mask (B, T) true where a token may be looked at -> (B, H, T, K), and the weights (B, H, T, T).

    The same as F.scaled_dot_product_attention, step by step and with the weights.
    """
    scores = q @ k.transpose(2, 3) / math.sqrt(q.shape[3])  # (B, H, T, T)
    weights = scores.masked_fill(~mask[:, None, None], float("-inf")).softmax(3)
    return weights @ v, weights


class SelfAttention(nn.Module):
    def __init__(self, width: int, heads: int, rotates: bool = False) -> None:
        """rotates: whether queries and keys are turned by their position."""
        super().__init__()
        self.heads, self.rotates = heads, rotates
        self.queries_keys_values = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """(B, T, D), (B, T) -> (B, T, D)."""
        q, k, v = self._split(x)
        seen = F.scaled_dot_product_attention(q, k, v, attn_mask=mask[:, None, None])  # (B, H, T, K)
        return torch.as_tensor(self.output(seen.transpose(1, 2).flatten(2)))

    def weights(self, x: Tensor, mask: Tensor) -> Tensor:
        """-> (B, H, T, T): how much each token (third) looks at each (fourth)."""
        return attend(*self._split(x), mask)[1]

    def _split(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(B, T, D) -> queries, keys and values, each (B, H, T, K)."""
        parts = self.queries_keys_values(x).chunk(3, dim=2)
        q, k, v = (part.unflatten(2, (self.heads, -1)).transpose(1, 2) for part in parts)
        return (rotary(q), rotary(k), v) if self.rotates else (q, k, v)

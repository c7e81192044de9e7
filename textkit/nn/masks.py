"""Which steps of a padded batch are inside its records.

Shapes: B records, T steps (the longest record), D width.
"""

from __future__ import annotations

import torch
from torch import Tensor


def mask_of(lengths: Tensor, steps: int) -> Tensor:
    """(B,) lengths -> (B, T) true inside a record."""
    return torch.arange(steps, device=lengths.device) < lengths[:, None]


def zeroed(x: Tensor, lengths: Tensor) -> Tensor:
    """(B, T, D) -> (B, T, D): zeros behind each record's end."""
    return x * mask_of(lengths, x.shape[1])[:, :, None]


def mean_inside(states: Tensor, lengths: Tensor) -> Tensor:
    """(B, T, D) -> (B, D): the mean of each record's own steps."""
    return zeroed(states, lengths).sum(1) / lengths[:, None]


def max_inside(states: Tensor, lengths: Tensor) -> Tensor:
    """(B, T, D) -> (B, D): the maximum of each record's own steps."""
    inside = mask_of(lengths, states.shape[1])[:, :, None]  # (B, T, 1)
    return states.masked_fill(~inside, float("-inf")).amax(1)

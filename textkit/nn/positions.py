"""Where a token stands, for networks that would not know it otherwise.

Shapes: B records, T tokens, D width, H heads, K head size.
"""

from __future__ import annotations

import torch
from torch import Tensor


def angles(steps: int, width: int, device: torch.device) -> Tensor:
    """(T, D / 2): position times frequency; frequencies fall from 1 to 1 / 10000."""
    frequencies = 10000.0 ** (-torch.arange(0, width, 2, device=device) / width)  # (D / 2,)
    return torch.arange(steps, device=device)[:, None] * frequencies


def sinusoidal(steps: int, width: int, device: torch.device) -> Tensor:
    """(T, D): sine and cosine of each angle in turn (Vaswani et al. 2017, 3.5)."""
    turned = angles(steps, width + width % 2, device)
    return torch.stack([turned.sin(), turned.cos()], dim=2).flatten(1)[:, :width]


def rotary(x: Tensor) -> Tensor:
    """(B, H, T, K) -> (B, H, T, K): each pair of neighbouring values turned by its angle, so that products of queries and keys

    depend on how far apart they stand (Su et al. 2021, 3.4.2). K is even.
    """
    turned = angles(x.shape[2], x.shape[3], x.device)  # (T, K / 2); in fp32: bf16 does not tell position 300 from 301
    even, odd = x[..., ::2], x[..., 1::2]
    sin, cos = turned.sin().to(x.dtype), turned.cos().to(x.dtype)
    return torch.stack([even * cos - odd * sin, even * sin + odd * cos], dim=4).flatten(3)

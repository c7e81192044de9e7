"""One vector of all states of a record: its last state, their mean or maximum, or what attention picks.

    attention (Yang et al. 2016, after Bahdanau et al. 2015):  a = softmax(v . tanh(W h_t + b))    vector = sum a_t h_t

Shapes: B records, T steps, W width of a state, H of it from the forward direction.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from textkit.nn.masks import mask_of, max_inside, mean_inside
from textkit.nn.settings import How


class Readout(nn.Module):
    def __init__(self, how: How, width: int, hidden: int) -> None:
        """hidden: H; it is `width` where states come from one direction only."""
        super().__init__()
        self.how, self.hidden = how, hidden
        self.attention = AdditiveAttention(width) if how == "attention" else None

    def forward(self, states: Tensor, lengths: Tensor) -> Tensor:
        """(B, T, W), (B,) -> (B, W)."""
        if self.attention is not None:
            return (self.attention(states, lengths)[:, :, None] * states).sum(1)  # type: ignore[no-any-return]
        if self.how == "last":
            return last_states(states, lengths, self.hidden)
        return (mean_inside if self.how == "mean" else max_inside)(states, lengths)


class AdditiveAttention(nn.Module):
    """How much each step counts."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(width, width)
        self.context = nn.Linear(width, 1, bias=False)

    def forward(self, states: Tensor, lengths: Tensor) -> Tensor:
        """(B, T, W), (B,) -> weights (B, T), which sum to 1 over each record's own steps."""
        scores = self.context(self.hidden(states).tanh())[:, :, 0].float()  # (B, T)
        return scores.masked_fill(~mask_of(lengths, states.shape[1]), float("-inf")).softmax(1)  # type: ignore[no-any-return]


def last_states(states: Tensor, lengths: Tensor, hidden: int) -> Tensor:
    """(B, T, H or 2H) -> (B, H or 2H): the forward state at the last step, the backward one at the first."""
    rows = torch.arange(len(states), device=states.device)
    forward = states[rows, lengths - 1, :hidden]  # (B, H)
    return torch.cat([forward, states[:, 0, hidden:]], dim=1)

"""Recurrent layers over padded batches, in which padding never counts.

Shapes: B records, T steps (the longest record), D width in, H width of the hidden state.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from textkit.nn.masks import mask_of

Cell = type[nn.RNN] | type[nn.LSTM] | type[nn.GRU]


def reverse(x: Tensor, lengths: Tensor) -> Tensor:
    """(B, T, D) -> (B, T, D): each record's own steps turned round, its padding left at the end."""
    steps = torch.arange(x.shape[1], device=x.device)
    index = torch.where(mask_of(lengths, x.shape[1]), lengths[:, None] - 1 - steps, steps)  # (B, T)
    return x.gather(1, index[:, :, None].expand(-1, -1, x.shape[2]))


class Recurrent(nn.Module):
    """Stacked recurrent layers, each in one or both directions, dropout between them (Zaremba et al. 2014).

    Padding stands after the records, so a forward layer never sees it before a real step, and the backward one runs
    on reversed records. This keeps the dense kernels, which on a CPU are faster than packed sequences.
    """

    def __init__(self, cell: Cell, width: int, hidden: int, layers: int, bidirectional: bool, dropout: float) -> None:
        super().__init__()
        self.forwards, self.backwards = nn.ModuleList(), nn.ModuleList()
        for layer in range(layers):
            size = width if layer == 0 else hidden * (1 + bidirectional)
            self.forwards.append(cell(size, hidden, batch_first=True))
            if bidirectional:
                self.backwards.append(cell(size, hidden, batch_first=True))
        self.dropout = nn.Dropout(dropout)
        self.width = hidden * (1 + bidirectional)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """(B, T, D), (B,) -> (B, T, H), or (B, T, 2H) in both directions."""
        for layer, forwards in enumerate(self.forwards):
            x = x if layer == 0 else self.dropout(x)
            states = forwards(x)[0]
            if self.backwards:
                back = self.backwards[layer](reverse(x, lengths))[0]
                states = torch.cat([states, reverse(back, lengths)], dim=2)  # (B, T, 2H)
            x = states
        return x

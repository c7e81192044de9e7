"""Convolution over time: filters that look at windows of neighbouring steps.

Shapes: B records, T steps (the longest record), D width in, F filters of each width, k steps in a window, S windows.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from textkit.nn.masks import max_inside, zeroed


class Convolution(nn.Module):
    """Filters of several widths, each with a ReLU. Windows may begin before a record and end behind it, where zeros stand,

    so that any record has k - 1 windows more than steps: one step is enough for filters of every width.
    """

    def __init__(self, width: int, filters: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.filters = nn.ModuleList(nn.Conv1d(width, filters, k, padding=k - 1) for k in widths)
        self.widths = widths
        self.width = filters * len(widths)

    def windows(self, x: Tensor, lengths: Tensor) -> list[Tensor]:
        """(B, T, D), (B,) -> for each width (B, S, F), S = T + k - 1."""
        steps = zeroed(x, lengths).transpose(1, 2)  # (B, D, T)
        if steps.device.type != "cpu":
            return self._found(steps)
        # bf16 takes two thirds of the time alone, but its threads wait in loops: over 17 times as long beside one process more, fp32 twice
        with torch.autocast("cpu", enabled=False):
            return self._found(steps.float())

    def _found(self, steps: Tensor) -> list[Tensor]:
        """(B, D, T) -> of each width (B, S, F)."""
        return [filters(steps).relu().transpose(1, 2) for filters in self.filters]

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """(B, T, D), (B,) -> (B, T, F x widths): what each filter finds around each step."""
        found = self.windows(x, lengths)
        middles = [(k - 1) // 2 for k in self.widths]  # the window that has the step in its middle
        return torch.cat([one[:, middle : middle + x.shape[1]] for one, middle in zip(found, middles, strict=True)], dim=2)

    def strongest(self, x: Tensor, lengths: Tensor) -> Tensor:
        """(B, T, D), (B,) -> (B, F x widths): the most that each filter finds anywhere in a record."""
        found = self.windows(x, lengths)
        return torch.cat([max_inside(one, lengths + k - 1) for one, k in zip(found, self.widths, strict=True)], dim=1)

"""What stands on an encoder that has a state for each token: scores of labels for each word.

Shapes: B records, T tokens, N words of the longest record, W width of a state, C labels.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from textkit.nn.crf import CRF
from textkit.nn.inputs import Tokens


class Tagger(nn.Module):
    """Emissions of each word; `crf` (None: there is none) says what the loss and decoding do with them."""

    engine = "torch"

    def __init__(self, encoder: Any, labels: int, crf: bool) -> None:
        """encoder: its `states` gives (B, T, W), its `width` is W, its `config.dropout` the share dropped before the output."""
        super().__init__()
        self.encoder = encoder
        self.dropout = nn.Dropout(encoder.config.dropout)
        self.output = nn.Linear(encoder.width, labels)
        self.crf = CRF(labels) if crf else None

    def forward(self, inputs: Tokens, firsts: Tensor | None = None) -> Tensor:
        """-> (B, N, C). firsts: (B, N) where the first token of each word stands; None: each token is a word."""
        states = self.encoder.states(inputs)  # (B, T, W)
        if firsts is not None:
            states = states.gather(1, firsts[:, :, None].expand(-1, -1, states.shape[2]))  # (B, N, W)
        return torch.as_tensor(self.output(self.dropout(states)))

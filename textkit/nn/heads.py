"""What stands on an encoder: from a record's vector, or those of a pair of records, to logits.

Shapes: B records, W width of the encoder's vector, C outputs.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from textkit.nn.inputs import Tokens


class Classifier(nn.Module):
    """Logits of a record. Of a pair of texts both are read by the same encoder, and compared (Conneau et al. 2017)."""

    engine = "torch"

    def __init__(self, encoder: Any, outputs: int, pairs: bool = False) -> None:
        """encoder: its `width` is W, its forward gives (B, W), its `config.dropout` is the share dropped before the output."""
        super().__init__()
        self.encoder, self.pairs = encoder, pairs
        self.dropout = nn.Dropout(encoder.config.dropout)
        self.output = nn.Linear(encoder.width * (4 if pairs else 1), outputs)

    def forward(self, inputs: Tokens) -> Tensor:
        """-> logits (B, C)."""
        vector = self.encoder(inputs)  # (B, W)
        if self.pairs:
            other = self.encoder(inputs.pair)
            vector = torch.cat([vector, other, (vector - other).abs(), vector * other], dim=1)  # (B, 4W)
        return torch.as_tensor(self.output(self.dropout(vector)))

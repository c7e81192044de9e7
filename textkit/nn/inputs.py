"""What networks read: batches of tokens, or of vectors; and the sizes that a network is built for.

Shapes: B records, T tokens of the longest record, U distinct spellings in the batch, L letters of the longest, F width of a vector,
Z values that are not 0 in all records.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor

from textkit.nn.masks import mask_of


@dataclass
class Tokens:
    """Records of tokens, padded behind their end."""

    ids: Tensor  # (B, T) int64
    lengths: Tensor  # (B,) int64, at least 1: a record without tokens is one [PAD]
    forms: Tensor | None = None  # (B, T) int64: which row of `spellings` a token is; for networks that read characters
    spellings: Tensor | None = None  # (U, L) int64: letters or n-grams of each distinct token, 0 behind its end; row 0 is padding
    pair: Tokens | None = None  # the second text of each record, where there is one

    @property
    def mask(self) -> Tensor:
        """(B, T) true inside a record."""
        return mask_of(self.lengths, self.ids.shape[1])

    def to(self, device: torch.device | str) -> Tokens:
        return replace(self, **moved(self, device))


@dataclass
class Vectors:
    """Records as one vector each: made by a stage before, or features, of which only the values that are not 0 are given."""

    values: Tensor  # (B, F) float32; of features (Z,), one record behind the other
    columns: Tensor | None = None  # (Z,) int64: which feature each value is of
    starts: Tensor | None = None  # (B,) int64: where each record's values begin

    def to(self, device: torch.device | str) -> Vectors:
        return replace(self, **moved(self, device))


Inputs = Tokens | Vectors


def moved(inputs: Any, device: torch.device | str) -> dict[str, Any]:
    """The tensors of a dataclass on a device, by name."""
    there = {field.name: getattr(inputs, field.name) for field in fields(inputs)}
    return {name: value.to(device) for name, value in there.items() if value is not None}


@dataclass(frozen=True)
class Sizes:
    """What a network must be built for: what its data, and not its settings, say. All are in the manifest."""

    vocabulary: int = 0  # V: token ids go from 0 to V - 1; 0: it reads no tokens
    dim: int = 0  # D: width of a token's embedding
    features: int = 0  # F: width of a record's vector or features; 0: it reads tokens
    unknown: int = 0  # id of the token that stands for those that the vocabulary lacks
    characters: int = 0  # K: letters that spellings are made of, padding among them; 0: it reads none

"""Ragged columns as numpy arrays, for models."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from textkit.ragged import flatten


@dataclass
class Ragged:
    """Row i is `flat[offsets[i]:offsets[i + 1]]`."""

    flat: np.ndarray  # (total,) int32
    offsets: np.ndarray  # (N + 1,) int64

    @property
    def lengths(self) -> np.ndarray:
        return np.diff(self.offsets)

    def padded(self, rows: np.ndarray, pad_id: int) -> tuple[np.ndarray, np.ndarray]:
        """(B, T) ids filled after their end, (B,) lengths, for these rows. T is the longest of them, at least 1."""
        lengths = self.lengths[rows]
        width = max(1, int(lengths.max(initial=0)))
        inside = np.arange(width) < lengths[:, None]
        out = np.full((len(rows), width), pad_id, np.int64)
        out[inside] = self.flat[(self.offsets[rows][:, None] + np.arange(width))[inside]]
        return out, lengths

    def take(self, rows: np.ndarray) -> Ragged:
        """These rows, in this order."""
        lengths = self.lengths[rows]
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        index = np.arange(offsets[-1]) - np.repeat(offsets[:-1] - self.offsets[:-1][rows], lengths)
        return Ragged(self.flat[index], offsets)

    @classmethod
    def of(cls, lists: pl.Series) -> Ragged:
        values, lengths = flatten(lists)
        return cls(values.to_numpy(), np.concatenate([[0], np.cumsum(lengths.to_numpy(), dtype=np.int64)]))

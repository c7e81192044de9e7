"""Ragged columns as numpy arrays, for models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from textkit.ragged import flatten

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

MOST = 1 << 22  # products that are made at once


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
        lengths = self.offsets[rows + 1] - self.offsets[rows]  # not of all rows: this is done for each batch
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


@dataclass
class Sparse:
    """A matrix of few values in compressed rows: row i has `values[offsets[i]:offsets[i + 1]]` in the columns `indices` there, in order."""

    indices: np.ndarray  # (total,) int32
    values: np.ndarray  # (total,) float64
    offsets: np.ndarray  # (N + 1,) int64
    width: int  # F, the number of columns

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> np.ndarray:
        return np.diff(self.offsets)

    def take(self, rows: np.ndarray) -> Sparse:
        """These rows, in this order."""
        lengths = self.lengths[rows]
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        index = np.arange(offsets[-1]) - np.repeat(offsets[:-1] - self.offsets[:-1][rows], lengths)
        return Sparse(self.indices[index], self.values[index], offsets, self.width)

    def dot(self, weights: np.ndarray) -> np.ndarray:
        """(F, C) -> (N, C), row by row the same whatever rows are beside it. Memory: that of some rows at a time."""
        out = np.zeros((len(self), weights.shape[1]))
        filled = np.flatnonzero(self.lengths)
        step = max(1, MOST // max(1, weights.shape[1] * int(self.lengths.max(initial=1))))
        for start in range(0, len(filled), step):
            rows = filled[start : start + step]
            part = self.take(rows)
            out[rows] = np.add.reduceat(weights[part.indices] * part.values[:, None], part.offsets[:-1])
        return out

    @classmethod
    def stack(cls, parts: list[Sparse]) -> Sparse:
        """All rows of some, one behind the other."""
        if len(parts) == 1:
            return parts[0]
        lengths = np.concatenate([part.lengths for part in parts])
        indices, values = np.concatenate([part.indices for part in parts]), np.concatenate([part.values for part in parts])
        return cls(indices, values, np.concatenate([[0], np.cumsum(lengths)]), parts[0].width)

    def csr(self) -> csr_matrix:
        """The same for scipy and scikit-learn, nothing copied."""
        from scipy.sparse import csr_matrix

        offsets = self.offsets if self.offsets[-1] > np.iinfo(np.int32).max else self.offsets.astype(np.int32)
        return csr_matrix((self.values, self.indices, offsets), shape=(len(self), self.width))

"""The hashing trick: a term's column is its hash, so that nothing is learned and any text can be a term.

Weinberger et al. 2009. Hash, sign and result are those of scikit-learn's HashingVectorizer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from textkit.config import setting
from textkit.vectorizers.analyzing import Analyzer
from textkit.vectorizers.base import Analysis, Method, Norm, normalized
from textkit.vectorizers.counting import Counted, Found, count
from textkit.vectorizers.murmur import murmur3


class HashedColumns:
    """Columns by hash. That of each distinct term is made once."""

    vocabulary: pl.Series | None = None

    def __init__(self, config: Any) -> None:
        self.width: int = config.n_features
        self._signed: bool = config.alternate_sign
        self.forget()

    def forget(self) -> None:
        self._places = self._signs = np.empty(0, np.int64)

    def analyzer(self, low: int, high: int, lowercase: bool, stop_words: tuple[str, ...]) -> None:
        return None

    def tensors(self) -> dict[str, np.ndarray]:
        return {}

    def place(self, found: Found, analyzer: Analyzer) -> Counted:
        """Terms as found in records -> the signed sums of columns."""
        if len(analyzer.seen) > len(self._places):
            places, signs = self._hashed(analyzer.seen[len(self._places) :])
            self._places, self._signs = np.concatenate([self._places, places]), np.concatenate([self._signs, signs])
        return count(Found(found.rows, self._places[found.codes], found.height), self._signs[found.codes])

    def _hashed(self, terms: pl.Series) -> tuple[np.ndarray, np.ndarray]:
        """(P,) terms -> (P,) the column of each and its sign."""
        hashes = murmur3(terms).astype(np.int64)
        least = (2**31 - 1 - (self.width - 1)) % self.width  # of the one number that has no positive counterpart
        places = np.where(hashes == -(2**31), least, np.abs(hashes) % self.width)
        return places, np.where((hashes < 0) & self._signed, -1, 1)


class Hashing(Method):
    @dataclass(frozen=True)
    class Config(Analysis):
        n_features: int = setting(1 << 20, "columns to hash to", least=1, most=2**31 - 1)
        alternate_sign: bool = setting(True, "half of the terms count down, so that collisions cancel out on average")
        binary: bool = setting(False, "count a term once a record")
        norm: Norm = setting("l2", "length of each record")

    config: Config
    hashed = True

    @classmethod
    def columns(cls, config: Config) -> HashedColumns:
        return HashedColumns(config)

    def weigh(self, counts: np.ndarray, indices: np.ndarray, offsets: np.ndarray) -> np.ndarray:
        """counts: the signed sums of each column."""
        return normalized(np.ones(len(counts)) if self.config.binary else counts.astype(np.float64), offsets, self.config.norm)

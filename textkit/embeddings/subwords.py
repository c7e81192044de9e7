"""Subwords: vectors of character n-grams, of which a word without a vector of its own is made (Bojanowski et al. 2017)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl


@dataclass
class Subwords:
    """`vectors` (buckets, D) of n-grams of `min_n` to `max_n` characters, hashed; with `jamo` of the letters of Hangul."""

    vectors: np.ndarray
    min_n: int
    max_n: int
    jamo: bool = False

    def vectors_of(self, words: pl.Series) -> tuple[np.ndarray, np.ndarray]:
        """(N,) words -> (N, D) means of their n-grams' vectors, and (N,) whether a word has any."""
        raise NotImplementedError

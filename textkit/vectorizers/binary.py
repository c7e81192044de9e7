"""Whether a term occurs in a record: 1, as CountVectorizer(binary=True) gives it."""

from __future__ import annotations

import numpy as np

from textkit.vectorizers.base import Method


class Binary(Method):
    def weigh(self, counts: np.ndarray, indices: np.ndarray, offsets: np.ndarray) -> np.ndarray:
        return np.ones(len(counts))

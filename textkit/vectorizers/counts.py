"""How often each term occurs in a record, as scikit-learn's CountVectorizer gives it."""

from __future__ import annotations

import numpy as np

from textkit.vectorizers.base import Method


class Counts(Method):
    def weigh(self, counts: np.ndarray, indices: np.ndarray, offsets: np.ndarray) -> np.ndarray:
        return counts.astype(np.float64)

"""gensim's vectors of FastText with n-grams that are made elsewhere: of words that its corpus file knows as codes only.

gensim makes the n-grams of what stands in the file, and adds vectors up in a loop over all words.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from gensim.models.fasttext import FastTextKeyedVectors


class Composed(FastTextKeyedVectors):  # type: ignore[misc]
    """Word i has the next `sizes[i]` of `places`, the rows of its n-grams."""

    def __init__(self, dim: int, min_n: int, max_n: int, places: np.ndarray, sizes: np.ndarray, buckets: int) -> None:
        super().__init__(dim, min_n, max_n, buckets)
        self._places, self._offsets = places, np.concatenate([[0], np.cumsum(sizes)])
        self.vectors_vocab_lockf = self.vectors_ngrams_lockf = np.ones(1, np.float32)  # nothing is locked

    def recalc_char_ngram_buckets(self) -> None:
        bounds = self._offsets.tolist()
        self.buckets_word = [self._places[start:stop] for start, stop in pairwise(bounds)]

    def adjust_vectors(self) -> None:
        """A word's vector is the mean of its own and its n-grams'."""
        from scipy.sparse import csr_matrix

        if not self.bucket:
            self.vectors = self.vectors_vocab
            return
        ones = np.ones(len(self._places), np.float32)
        places = csr_matrix((ones, self._places.astype(np.int64), self._offsets), shape=(len(self._offsets) - 1, self.bucket))
        self.vectors = (places @ self.vectors_ngrams + self.vectors_vocab) / (np.diff(self._offsets) + 1)[:, None].astype(np.float32)

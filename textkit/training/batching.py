"""Batches by length, so that little of them is padding; shuffled with a seed, the same for the same seed."""

from __future__ import annotations

import numpy as np

CELLS = 1 << 16  # tokens in a batch, padding included: what bounds the memory of a step
WINDOW = 64  # batches that are sorted by length together: enough for little padding, few enough to stay random


def shuffled_batches(rows: np.ndarray, lengths: np.ndarray, size: int, rng: np.random.Generator) -> list[np.ndarray]:
    """`rows` in random order, cut into batches of similar length: at most `size` records and CELLS tokens. lengths: (N,)."""
    rows = rng.permutation(rows)
    batches = []
    for start in range(0, len(rows), size * WINDOW):
        window = rows[start : start + size * WINDOW]
        window = window[np.argsort(lengths[window], kind="stable")]
        batches += _cut(window[::-1], lengths, size)
    return [batches[i] for i in rng.permutation(len(batches))]


def sorted_batches(lengths: np.ndarray, size: int) -> list[np.ndarray]:
    """All rows, the longest first, in batches of at most `size`: for predicting."""
    order = np.argsort(-lengths, kind="stable")
    return _cut(order, lengths, size)


def _cut(rows: np.ndarray, lengths: np.ndarray, size: int) -> list[np.ndarray]:
    """Rows, the longest first, in batches of at most `size` records and CELLS padded tokens (a longer record is alone)."""
    batches, start = [], 0
    while start < len(rows):
        fitting = max(1, min(size, CELLS // max(1, int(lengths[rows[start]]))))
        batches.append(rows[start : start + fitting])
        start += fitting
    return batches


def padding_share(batches: list[np.ndarray], lengths: np.ndarray) -> float:
    """The share of a padded batch's cells that are padding, over all batches."""
    cells = sum(len(batch) * max(1, int(lengths[batch].max())) for batch in batches)
    return 1 - sum(int(lengths[batch].sum()) for batch in batches) / max(1, cells)

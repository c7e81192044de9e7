"""Batches by length, so that little of them is padding; shuffled with a seed, the same for the same seed."""

from __future__ import annotations

import numpy as np

WINDOW = 64  # batches that are sorted by length together: enough for little padding, few enough to stay random


def shuffled_batches(rows: np.ndarray, lengths: np.ndarray, size: int, rng: np.random.Generator) -> list[np.ndarray]:
    """`rows` in random order, cut into batches of at most `size` records of similar length. lengths: (N,) of all records."""
    rows = rng.permutation(rows)
    batches = []
    for start in range(0, len(rows), size * WINDOW):
        window = rows[start : start + size * WINDOW]
        window = window[np.argsort(lengths[window], kind="stable")]
        batches += [window[i : i + size] for i in range(0, len(window), size)]
    return [batches[i] for i in rng.permutation(len(batches))]


def sorted_batches(lengths: np.ndarray, size: int) -> list[np.ndarray]:
    """All rows, the longest first, in batches of at most `size`: for predicting."""
    order = np.argsort(-lengths, kind="stable")
    return [order[i : i + size] for i in range(0, len(order), size)]


def padding_share(batches: list[np.ndarray], lengths: np.ndarray) -> float:
    """The share of a padded batch's cells that are padding, over all batches."""
    cells = sum(len(batch) * max(1, int(lengths[batch].max())) for batch in batches)
    return 1 - sum(int(lengths[batch].sum()) for batch in batches) / max(1, cells)

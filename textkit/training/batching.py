"""Batches by length, so that little of them is padding; shuffled with a seed, the same for the same seed."""

from __future__ import annotations

import numpy as np

CELLS = 1 << 16  # tokens in a batch, padding included: what bounds the memory of a step
WINDOW = 128  # batches that are sorted by length together: enough for little padding, few enough to stay random
PIECE = 256  # records that are computed together where a step takes all of them
PREDICTED, PREDICTED_CELLS = 256, 1 << 13  # records and tokens in a batch to predict: small beside one to train on, which keeps its activations

Step = list[np.ndarray]  # the batches whose gradients are added up before the weights change


def steps_of(rows: np.ndarray, lengths: np.ndarray, seed: tuple[int, ...], size: int | str, tokens: int = 0, accumulate: int = 1) -> list[Step]:
    """The steps of an epoch, which follow from the seed alone. size: records in a batch, or "full" for one step of all.

    tokens: if not 0, batches of so many padded tokens instead. accumulate: batches in a step.
    """
    if size == "full":
        return [_cut(rows[np.argsort(-lengths[rows], kind="stable")], lengths, PIECE)]
    rng = np.random.default_rng(seed)
    batches = shuffled_batches(rows, lengths, len(rows) if tokens else int(size), rng, tokens or CELLS)
    return [batches[start : start + accumulate] for start in range(0, len(batches), accumulate)]


def shuffled_batches(rows: np.ndarray, lengths: np.ndarray, size: int, rng: np.random.Generator, cells: int = CELLS) -> list[np.ndarray]:
    """`rows` in random order, cut into batches of similar length: at most `size` records and `cells` tokens. lengths: (N,)."""
    rows = rng.permutation(rows)
    usual = max(1, int(cells / max(1.0, float(lengths[rows].mean())))) if len(rows) else 1  # records that fill the cells
    window = min(size, usual) * WINDOW
    batches = []
    for start in range(0, len(rows), window):
        part = rows[start : start + window]
        batches += _cut(part[np.argsort(lengths[part], kind="stable")][::-1], lengths, size, cells)
    return [batches[i] for i in rng.permutation(len(batches))]


def sorted_batches(lengths: np.ndarray, size: int = PREDICTED, cells: int = PREDICTED_CELLS) -> list[np.ndarray]:
    """All rows, the longest first, in batches of at most `size` records and `cells` tokens: for predicting."""
    order = np.argsort(-lengths, kind="stable")
    return _cut(order, lengths, size, cells)


def _cut(rows: np.ndarray, lengths: np.ndarray, size: int, cells: int = CELLS) -> list[np.ndarray]:
    """Rows, the longest first, in batches of at most `size` records and `cells` padded tokens (a longer record is alone)."""
    batches, start = [], 0
    while start < len(rows):
        fitting = max(1, min(size, cells // max(1, int(lengths[rows[start]]))))
        batches.append(rows[start : start + fitting])
        start += fitting
    return batches


def cells_of(rows: np.ndarray, lengths: np.ndarray) -> int:
    """Tokens of a batch, padding included."""
    return len(rows) * max(1, int(lengths[rows].max()))


def padding_share(batches: list[np.ndarray], lengths: np.ndarray) -> float:
    """The share of a padded batch's cells that are padding, over all batches."""
    cells = sum(cells_of(batch, lengths) for batch in batches)
    return 1 - sum(int(lengths[batch].sum()) for batch in batches) / max(1, cells)

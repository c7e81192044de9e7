"""The bootstrap: how far a metric would vary over other samples of as many records.

Metrics that are counted depend only on how many records have each (gold, predicted): drawing N records with
replacement draws those counts from a multinomial distribution, so that a resample costs as much as there are
different cells and not as there are records.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from textkit.metrics import Counts

RESAMPLES = 1000
BLOCK = 1 << 22  # counts drawn at once: 32 MB

Statistics = dict[str, np.ndarray]


@dataclass(frozen=True)
class Cells:
    """The different records and how many there are of each. All (K,)."""

    gold: np.ndarray
    predictions: tuple[np.ndarray, ...]  # of one model or several
    counts: np.ndarray
    labels: int

    @classmethod
    def of(cls, gold: np.ndarray, *predictions: np.ndarray, labels: int) -> Cells:
        """From the codes of N records."""
        key = gold
        for codes in predictions:
            key = key * labels + codes
        _, first, counts = np.unique(key, return_index=True, return_counts=True)
        return cls(gold[first], tuple(codes[first] for codes in predictions), counts, labels)

    def tally(self, drawn: np.ndarray, model: int = 0) -> Counts:
        """The counts of each label, (R, C), in each of R resamples (R, K)."""
        predicted = self.predictions[model]
        support = _by(self.gold, drawn, self.labels)
        return Counts(_by(self.gold, drawn * (self.gold == predicted), self.labels), support, _by(predicted, drawn, self.labels))

    def draws(self, seed: int, resamples: int = RESAMPLES) -> Iterator[np.ndarray]:
        """(R, K) counts in blocks of some resamples. The blocks' size does not change what is drawn."""
        draw, records = np.random.default_rng(seed), int(self.counts.sum())
        step = max(1, BLOCK // max(len(self.counts), self.labels))
        for start in range(0, resamples, step):
            yield draw.multinomial(records, self.counts / records, size=min(step, resamples - start))


def _by(keys: np.ndarray, drawn: np.ndarray, labels: int) -> np.ndarray:
    """(R, K) summed over the cells of each label: (R, C)."""
    order = np.argsort(keys, kind="stable")
    starts = np.flatnonzero(np.diff(keys[order], prepend=-1))
    sums = np.zeros((len(drawn), labels), np.int64)
    sums[:, keys[order][starts]] = np.add.reduceat(drawn[:, order], starts, axis=1)
    return sums


def intervals(cells: Cells, statistics: Callable[[np.ndarray], Statistics], level: float, seed: int) -> dict[str, list[float]]:
    """[low, high] of each statistic: the middle `level` of what it is over the resamples. `statistics` takes (R, K)."""
    blocks = [statistics(drawn) for drawn in cells.draws(seed)]
    found = {}
    for name in blocks[0]:
        values = np.concatenate([block[name] for block in blocks])
        found[name] = [float(bound) for bound in np.quantile(values, [(1 - level) / 2, (1 + level) / 2])]
    return found

"""Why a linear model decides as it does: what each term of a record adds to the label's decision value.

Two labels share one decision value, signed for the label that is explained. Of three or more that exclude one another the
value of one alone says little: what adds as much to all of them changes neither the prediction nor a softmax, and naive
Bayes' log-probabilities are all below 0. So there a term's contribution is what it adds to the label's value less the mean
over all labels. Where a record may have several labels, each is a yes or no of its own, and its decision value is explained.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from textkit.vectorizers.writing import DECIMALS, numbers, objects

if TYPE_CHECKING:
    from textkit.arrays import Sparse
    from textkit.classic.linear import Linear


class Explainer:
    """names: (F,) terms. top: how many to tell for a label, and as many against it."""

    def __init__(self, model: Linear, names: pl.Series, top: int) -> None:
        self._model, self._names, self._top = model, names, top
        self._relative = model.outputs > 2 and not model.multi
        self._mean = model.weights.mean(1) if self._relative else np.zeros(0)

    def explain(self, x: Sparse, labels: np.ndarray) -> pl.Series:
        """(B,) `{"for":{"term":0.41},"against":{...},"other":0.2,"bias":0.1}`, of each record the reasons for its label.

        All numbers together are the label's decision value (less the mean over labels, where there are three or more).
        labels: (B,) positions in the model's labels.
        """
        added = self._contributions(x, labels).round(DECIMALS)
        row = np.repeat(np.arange(len(x)), x.lengths)
        parts, other = [], np.bincount(row, added, minlength=len(x))
        for sign in (1, -1):  # for and against
            kept = strongest(sign * added, row, x.offsets, self._top)
            other -= np.bincount(row[kept], added[kept], minlength=len(x))
            parts.append(objects(self._names.gather(x.indices[kept]), added[kept], np.bincount(row[kept], minlength=len(x))))
        return '{"for":' + parts[0] + ',"against":' + parts[1] + ',"other":' + numbers(other) + ',"bias":' + numbers(self._bias(labels)) + "}"

    def _contributions(self, x: Sparse, labels: np.ndarray) -> np.ndarray:
        """(total,) in the order of `x.values`."""
        added = self._model.contributions(x, labels)
        return added - self._model.counted(x.values) * self._mean[x.indices] if self._relative else added

    def _bias(self, labels: np.ndarray) -> np.ndarray:
        """(B,)."""
        found = self._model.biases()
        return found[labels] - (found.mean() if self._relative else 0)  # type: ignore[no-any-return]


def strongest(values: np.ndarray, row: np.ndarray, offsets: np.ndarray, top: int) -> np.ndarray:
    """Places of the `top` greatest values above 0 of each row, the greatest first. row: (total,) the row of each value, rising."""
    order = np.lexsort((-values, row))
    rank = np.arange(len(order)) - offsets[:-1][row]
    return order[(rank < top) & (values[order] > 0)]  # type: ignore[no-any-return]

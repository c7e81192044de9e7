"""Metrics of scores, in numpy: what scikit-learn gives, without importing it.

Scores are probabilities, or the decision scores of a model that has none, such as the margins of a linear SVM: how
well they rank records can be told of both, whether they are right only of probabilities.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

BINS = 15  # of the expected calibration error
PRINTED_ZERO = 5e-7  # what a probability stands for that is 0 when it is rounded to 6 decimals, at the most
SLACK = 0.02  # how far a record's probabilities may add up to something else than 1: they are rounded


@dataclass(frozen=True)
class Scores:
    """Each record's score of each label that the model knows. All that is asked of them leaves out what cannot be told.

    values: (N, L), gold: (N,) the column of each record's label, -1 where the model does not know it, right: (N,) bool,
    whether the prediction is the label. They are as they are printed, rounded to 6 decimals, from a model too: so the
    same predictions give the same metrics, whether they come from a model or a file.
    """

    labels: list[str]
    values: np.ndarray
    gold: np.ndarray
    right: np.ndarray
    probable: bool  # whether they are probabilities

    def summary(self) -> dict[str, float]:
        """The metrics that these scores and labels allow."""
        ranking = {"roc_auc": self._mean("roc_auc"), "average_precision": self._mean("average_precision")}
        found = {name: value for name, value in ranking.items() if value is not None}
        if self.probable:
            found |= {"log_loss": log_loss(self.own), "ece": calibration_error(self.values.max(1), self.right)}
        return found

    @property
    def own(self) -> np.ndarray:
        """(N,) scores of the records' labels, 0 where the model does not know the label."""
        own = np.take_along_axis(self.values, np.maximum(self.gold, 0)[:, None], 1)[:, 0]
        return np.where(self.gold < 0, 0, own)

    @cached_property
    def per_label(self) -> dict[str, dict[str, float]]:
        """ROC-AUC and average precision of each label against the rest: of those that some records have, and some not."""
        found = {}
        for column, label in enumerate(self.labels):  # a loop over labels: each sorts the records its own way
            is_label = self.gold == column
            if 0 < is_label.sum() < len(is_label):
                found[label] = ranked(is_label, self.values[:, column])
        return found

    def _mean(self, name: str) -> float | None:
        """Over the labels. Of two labels both have the same ROC-AUC, which is then that of the second, as in scikit-learn."""
        rows = [*self.per_label.values()]
        if not rows:
            return None
        if name == "roc_auc" and len(self.labels) == 2 and (self.gold >= 0).all():
            return rows[-1][name]
        return float(np.mean([row[name] for row in rows]))


def are_probabilities(values: np.ndarray) -> bool:
    """Whether all records' scores, (N, L), are between 0 and 1 and add up to 1, but for rounding."""
    within = values.min(initial=0) >= 0 and values.max(initial=1) <= 1
    return bool(within and (np.abs(values.sum(1) - 1) <= SLACK).all())


def ranked(positive: np.ndarray, scores: np.ndarray) -> dict[str, float]:
    """ROC-AUC and average precision. positive: (N,) bool with both kinds, scores: (N,)."""
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.diff(scores[order], append=np.nan) != 0)  # equal scores are one threshold
    found = np.cumsum(positive[order])[ends]  # positives at the threshold and above
    false = ends + 1 - found
    new, new_false = np.diff(found, prepend=0), np.diff(false, prepend=0)
    area = (new_false * (found - new / 2)).sum() / (found[-1] * false[-1])
    precision = (new * found / (ends + 1)).sum() / found[-1]
    return {"roc_auc": float(area), "average_precision": float(precision)}


def log_loss(own: np.ndarray) -> float:
    """Mean of -ln p, in nats. own: (N,) probabilities of the records' labels; one that was printed as 0 is not quite that."""
    return float(-np.log(np.where(own == 0, PRINTED_ZERO, own)).mean())


def calibration_error(top: np.ndarray, right: np.ndarray) -> float:
    """How far the highest probability is from how often it is right: mean over bins of equal width, weighted by records.

    top: (N,) probabilities, right: (N,) bool. A bin holds its upper edge.
    """
    bins = np.searchsorted(np.linspace(0, 1, BINS + 1)[1:-1], top, side="left")
    gaps = np.bincount(bins, right.astype(float) - top, BINS)
    return float(np.abs(gaps).sum() / len(top))

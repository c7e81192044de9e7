"""Metrics of classification in numpy: what scikit-learn gives, without importing it (0.8 s)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np


class Counts(NamedTuple):
    """What is counted of each label, (..., C): a row for each of several samples, or none."""

    right: np.ndarray  # records of the label that were predicted so
    support: np.ndarray  # records of the label
    predicted: np.ndarray  # records that were predicted so

    def total(self) -> Counts:
        """Of all labels together, (..., 1)."""
        return Counts(*(column.sum(-1, keepdims=True) for column in self))


@dataclass(frozen=True)
class Classification:
    """Counts and ratios over `labels`. confusion[i, j]: records of label i that were predicted as j."""

    labels: list[str]
    confusion: np.ndarray  # (C, C) int64

    @property
    def records(self) -> int:
        return int(self.confusion.sum())

    @property
    def counts(self) -> Counts:
        return Counts(np.diag(self.confusion), self.confusion.sum(1), self.confusion.sum(0))

    @property
    def support(self) -> np.ndarray:
        return self.counts.support

    @property
    def precision(self) -> np.ndarray:
        return per_label(self.counts)["precision"]

    @property
    def recall(self) -> np.ndarray:
        return per_label(self.counts)["recall"]

    @property
    def f1(self) -> np.ndarray:
        return per_label(self.counts)["f1"]

    @property
    def accuracy(self) -> float:
        return self.summary()["accuracy"]

    @property
    def f1_macro(self) -> float:
        return self.summary()["f1_macro"]

    @property
    def f1_micro(self) -> float:
        """Equal to the accuracy, since every record has one label and one prediction."""
        return self.summary()["f1_micro"]

    def summary(self) -> dict[str, float]:
        return {name: float(value) for name, value in averages(self.counts).items()}

    def to_json(self) -> dict[str, object]:
        table = {name: values.round(6).tolist() for name, values in per_label(self.counts).items()}
        table["support"] = self.support.tolist()
        rows = {label: {name: values[i] for name, values in table.items()} for i, label in enumerate(self.labels)}
        summary = {name: round(value, 6) for name, value in self.summary().items()}
        return {"records": self.records, **summary, "labels": rows, "confusion": {"labels": self.labels, "matrix": self.confusion.tolist()}}


def classification(gold: np.ndarray, predicted: np.ndarray, labels: list[str]) -> Classification:
    """gold, predicted: (N,) positions in `labels`."""
    flat = np.bincount(gold * len(labels) + predicted, minlength=len(labels) ** 2)
    return Classification(labels, flat.reshape(len(labels), len(labels)))


def per_label(counts: Counts) -> dict[str, np.ndarray]:
    """Precision, recall and F1 of each label, (..., C). 0 where there is nothing to divide by."""
    right, support, predicted = counts
    return {"precision": _ratio(right, predicted), "recall": _ratio(right, support), "f1": _ratio(2 * right, support + predicted)}


def averages(counts: Counts) -> dict[str, np.ndarray]:
    """Metrics over all labels, (...,) each, of records that have one label.

    Macro is the mean over the labels that occur in gold or predictions, as in scikit-learn, and balanced accuracy
    that over those in gold; weighted counts each label as often as it occurs in gold.
    """
    accuracy = _ratio(counts.right.sum(-1), counts.support.sum(-1))
    balanced = _mean(_ratio(counts.right, counts.support), counts.support > 0)
    return {"accuracy": accuracy, "balanced_accuracy": balanced, **averaged(counts)}


def averaged(counts: Counts) -> dict[str, np.ndarray]:
    """Macro, micro and weighted means of F1, precision and recall, (...,) each."""
    single, pooled = per_label(counts), per_label(counts.total())
    occurs = counts.support + counts.predicted > 0
    found = {}
    for name in ("f1", "precision", "recall"):
        found[f"{name}_macro"] = _mean(single[name], occurs)
        found[f"{name}_micro"] = pooled[name][..., 0]
        found[f"{name}_weighted"] = _mean(single[name], counts.support)
    return found


def _mean(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return _ratio((values * weights).sum(-1), weights.sum(-1))


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole, and 0 where there is nothing to divide by."""
    ratio: np.ndarray = np.divide(part, whole, out=np.zeros(np.shape(part)), where=np.asarray(whole) != 0)
    return ratio

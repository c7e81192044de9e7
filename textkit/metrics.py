"""Metrics of classification in numpy: what scikit-learn gives, without importing it (0.8 s)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Classification:
    """Counts and ratios over `labels`. confusion[i, j]: records of label i that were predicted as j."""

    labels: list[str]
    confusion: np.ndarray  # (C, C) int64

    @property
    def records(self) -> int:
        return int(self.confusion.sum())

    @property
    def support(self) -> np.ndarray:
        return self.confusion.sum(1)  # type: ignore[no-any-return]

    @property
    def accuracy(self) -> float:
        return float(np.trace(self.confusion) / max(1, self.records))

    @property
    def precision(self) -> np.ndarray:
        return _ratio(np.diag(self.confusion), self.confusion.sum(0))

    @property
    def recall(self) -> np.ndarray:
        return _ratio(np.diag(self.confusion), self.confusion.sum(1))

    @property
    def f1(self) -> np.ndarray:
        return _ratio(2 * np.diag(self.confusion), self.confusion.sum(0) + self.confusion.sum(1))

    @property
    def f1_macro(self) -> float:
        """The mean over the labels that occur in gold or predictions, as in scikit-learn."""
        occurs = self.confusion.sum(0) + self.confusion.sum(1) > 0
        return float(self.f1[occurs].mean()) if occurs.any() else 0.0

    @property
    def f1_micro(self) -> float:
        """Equal to the accuracy, since every record has one label and one prediction."""
        return self.accuracy

    def summary(self) -> dict[str, float]:
        values = {"accuracy": self.accuracy, "f1_macro": self.f1_macro, "f1_micro": self.f1_micro}
        return {name: round(value, 6) for name, value in values.items()}

    def to_json(self) -> dict[str, object]:
        columns = zip(self.labels, self.precision, self.recall, self.f1, self.support, strict=True)
        per_label = {
            label: {"precision": round(float(p), 6), "recall": round(float(r), 6), "f1": round(float(f), 6), "support": int(s)}
            for label, p, r, f, s in columns
        }
        confusion = {"labels": self.labels, "matrix": self.confusion.tolist()}
        return {"records": self.records, **self.summary(), "labels": per_label, "confusion": confusion}


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole, and 0 where there is nothing to divide by."""
    ratio: np.ndarray = np.divide(part, whole, out=np.zeros(len(part)), where=whole != 0)
    return ratio


def classification(gold: np.ndarray, predicted: np.ndarray, labels: list[str]) -> Classification:
    """gold, predicted: (N,) positions in `labels`."""
    flat = np.bincount(gold * len(labels) + predicted, minlength=len(labels) ** 2)
    return Classification(labels, flat.reshape(len(labels), len(labels)))

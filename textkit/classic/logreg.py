"""Logistic regression: softmax(W x + b), fitted by scikit-learn, applied with numpy alone.

x is the record's `vector` where it has one, otherwise the TF-IDF of its ids: counts times ln((1 + N) / (1 + df)) + 1,
each record scaled to length 1, as scikit-learn's TfidfTransformer gives it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from textkit.config import setting

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from textkit.arrays import Ragged


class LogisticRegression:
    """A fitted model: weights (F, C), bias (C,), idf (F,) or None over vectors. Shapes: B records, F features, C labels."""

    engine = "classic"
    inputs = "any"  # ids, or a vector where the records have one

    @dataclass(frozen=True)
    class Config:
        C: float = setting(10.0, "inverse of the strength of the L2 penalty", above=0)
        max_iter: int = setting(1000, "iterations of the solver at the most", least=1)
        class_weight: Literal["none", "balanced"] = setting("none", "balanced: labels count the same, however rare")

    def __init__(self, weights: np.ndarray, bias: np.ndarray, idf: np.ndarray | None) -> None:
        self.weights, self.bias, self.idf = weights, bias, idf

    @classmethod
    def fit_ids(cls, ids: Ragged, targets: np.ndarray, features: int, config: Config, seed: int) -> LogisticRegression:
        """Fit on bags of ids. features: F, the size of the vocabulary."""
        idf = _idf(ids, features)
        fitted = cls._fit(_matrix(ids, idf), targets, config, seed)
        return cls(fitted.weights, fitted.bias, idf)

    @classmethod
    def fit_vectors(cls, vectors: np.ndarray, targets: np.ndarray, config: Config, seed: int) -> LogisticRegression:
        """Fit on (N, F) vectors."""
        return cls._fit(vectors, targets, config, seed)

    @classmethod
    def _fit(cls, x: csr_matrix | np.ndarray, targets: np.ndarray, config: Config, seed: int) -> LogisticRegression:
        from sklearn.linear_model import LogisticRegression as Sklearn

        weight = None if config.class_weight == "none" else config.class_weight
        model = Sklearn(C=config.C, max_iter=config.max_iter, class_weight=weight, random_state=seed).fit(x, targets)
        weights, bias = model.coef_.T, model.intercept_
        if weights.shape[1] == 1:  # two labels: one column of logits, the other is 0
            weights, bias = np.hstack([np.zeros_like(weights), weights]), np.array([0.0, bias[0]])
        return cls(weights.astype(np.float64), bias.astype(np.float64), None)

    def predict_ids(self, ids: Ragged) -> np.ndarray:
        """(B, C) probabilities of bags of ids."""
        assert self.idf is not None, "this model was fitted on vectors"
        record, column, value = _tfidf(ids, self.idf)
        logits = np.zeros((len(ids.lengths), len(self.bias)))
        if len(record):
            starts = np.flatnonzero(np.diff(record, prepend=-1))
            logits[record[starts]] = np.add.reduceat(self.weights[column] * value[:, None], starts)
        return _softmax(logits + self.bias)

    def predict_vectors(self, vectors: np.ndarray) -> np.ndarray:
        """(B, F) -> (B, C) probabilities."""
        return _softmax(vectors @ self.weights + self.bias)

    def tensors(self) -> dict[str, np.ndarray]:
        idf = {} if self.idf is None else {"idf": self.idf}
        return {"weights": self.weights, "bias": self.bias, **idf}

    @staticmethod
    def due(input: str, outputs: int, vocabulary: int = 0, features: int = 0) -> dict[str, tuple[str, tuple[int | None, ...]]]:
        """Dtypes and shapes of the tensors of a saved model."""
        idf: dict[str, tuple[str, tuple[int | None, ...]]] = {"idf": ("float64", (vocabulary,))} if input == "ids" else {}
        return {"weights": ("float64", (vocabulary or features, outputs)), "bias": ("float64", (outputs,)), **idf}

    @classmethod
    def from_tensors(cls, tensors: dict[str, np.ndarray]) -> LogisticRegression:
        return cls(tensors["weights"], tensors["bias"], tensors.get("idf"))


def _softmax(logits: np.ndarray) -> np.ndarray:
    exponents = np.exp(logits - logits.max(1, keepdims=True))
    return exponents / exponents.sum(1, keepdims=True)  # type: ignore[no-any-return]


def _counts(ids: Ragged, features: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(record, column, count) of the distinct ids of each record, in order."""
    record = np.repeat(np.arange(len(ids.lengths)), ids.lengths)
    cells, counts = np.unique(record * features + ids.flat, return_counts=True)
    return cells // features, cells % features, counts


def _idf(ids: Ragged, features: int) -> np.ndarray:
    """(F,) smooth inverse document frequencies."""
    _, column, _ = _counts(ids, features)
    return np.log((1 + len(ids.lengths)) / (1 + np.bincount(column, minlength=features))) + 1  # type: ignore[no-any-return]


def _tfidf(ids: Ragged, idf: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(record, column, value), each record of length 1."""
    record, column, counts = _counts(ids, len(idf))
    value = counts * idf[column]
    norm = np.sqrt(np.bincount(record, weights=value**2, minlength=len(ids.lengths)))
    return record, column, value / norm[record]


def _matrix(ids: Ragged, idf: np.ndarray) -> csr_matrix:
    from scipy.sparse import csr_matrix

    record, column, value = _tfidf(ids, idf)
    return csr_matrix((value, (record, column)), shape=(len(ids.lengths), len(idf)))

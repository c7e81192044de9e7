"""Probabilities for models that have decision values alone: Platt's sigmoid over values of records that were held out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from textkit.classic.fitting import filled

if TYPE_CHECKING:
    from textkit.classic.fitting import Matrix, Solve, Solved

FOLDS = 5
PLAIN = (-1.0, 0.0)  # the sigmoid itself


def calibrated(solve: Solve, presence: bool) -> Solve:
    """The same solver, whose columns come with sigmoids: scikit-learn's CalibratedClassifierCV(cv=5, ensemble=False).

    Where a label has fewer than 5 records, which that refuses, they are in fewer folds; the record of a label that has
    one alone is always learned from, and such a label gets the sigmoid of all columns together.
    """

    def solve_and_calibrate(matrix: Matrix, codes: np.ndarray, weights: np.ndarray | None) -> Solved:
        solved = solve(matrix, codes, weights)
        solved.alone = int((np.bincount(codes) == 1).sum())
        values, held = _held_out(solve, matrix, codes, weights, presence)
        solved.platt = _sigmoids(values, codes[held], None if weights is None else weights[held], solved.weights.shape[1])
        return solved

    return solve_and_calibrate


def _held_out(solve: Solve, matrix: Matrix, codes: np.ndarray, weights: np.ndarray | None, presence: bool) -> tuple[np.ndarray, np.ndarray]:
    """(N', K) decision values of records by models that did not see them, and which records those are."""
    from sklearn.model_selection import StratifiedKFold

    counts = np.bincount(codes)
    alone = counts[codes] == 1
    held, values = np.flatnonzero(~alone), np.empty((0, 0))
    if not len(held):
        return values, held
    folds = StratifiedKFold(min(FOLDS, int(counts.max())))
    for _, fold in folds.split(np.zeros(len(codes)), codes):
        test = fold[~alone[fold]]
        train = np.setdiff1d(np.arange(len(codes)), test)
        model = solve(filled(matrix[train]), codes[train], None if weights is None else weights[train])
        rows = matrix[test] if not presence else (matrix[test] != 0).astype(np.float64)
        if not values.size:
            values = np.zeros((len(codes), model.weights.shape[1]))
        values[test] = rows @ model.weights + model.bias
    return values[held], held


def _sigmoids(values: np.ndarray, codes: np.ndarray, weights: np.ndarray | None, columns: int) -> np.ndarray:
    """(2, K) slopes and offsets."""
    if not len(codes):
        return np.tile(np.array(PLAIN)[:, None], columns)
    is_it = codes[:, None] == (np.ones(1, np.int64) if columns == 1 else np.arange(columns))
    shared = None
    found = np.empty((2, columns))
    for column in range(columns):  # a loop over labels
        if 0 < is_it[:, column].sum() < len(codes):
            found[:, column] = _sigmoid(values[:, column], is_it[:, column], weights)
            continue
        if shared is None:
            each = None if weights is None else np.repeat(weights, columns)
            shared = PLAIN if columns == 1 else _sigmoid(values.ravel(), is_it.ravel(), each)
        found[:, column] = shared
    return found


def _sigmoid(values: np.ndarray, is_it: np.ndarray, weights: np.ndarray | None) -> tuple[float, float]:
    """Slope and offset of one column, by scikit-learn."""
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.calibration import CalibratedClassifierCV

    class Known(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
        """A model whose input is its decision value."""

        def fit(self, x: Any, y: Any, sample_weight: Any = None) -> Known:
            self.classes_ = np.array([0, 1])
            return self

        def decision_function(self, x: np.ndarray) -> np.ndarray:
            return x[:, 0]

        def predict(self, x: np.ndarray) -> np.ndarray:
            return (x[:, 0] > 0).astype(np.int64)

    everything = np.arange(len(values))
    model = CalibratedClassifierCV(Known(), method="sigmoid", cv=[(everything, everything)], ensemble=False)
    model.fit(values[:, None], is_it.astype(np.int64), sample_weight=weights)
    fitted = model.calibrated_classifiers_[0].calibrators[0]
    return fitted.a_, fitted.b_

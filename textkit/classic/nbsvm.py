"""NB-SVM (Wang and Manning 2012): a linear model over features scaled by their log-count ratios, pulled towards naive Bayes.

For a label, with p and q the counts of the features in its records and in the others (alpha added), r = log of
(p / sum p) / (q / sum q). A linear model over f * r gives w, and w' = (1 - beta) mean |w| + beta w. The weights kept
are w' * r: applying is that of any linear model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from textkit.classic.linear import Linear
from textkit.config import setting

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from textkit.classic.fitting import Matrix, Solved


class NBSVM(Linear):
    @dataclass(frozen=True)
    class Config:
        C: float = setting(0.1, "inverse of the strength of the L2 penalty", above=0)
        alpha: float = setting(1.0, "added to each count of a feature", above=0)
        beta: float = setting(0.25, "1: the linear model's weights, 0: naive Bayes alone", least=0, most=1)
        loss: Literal["squared_hinge", "log"] = setting("squared_hinge", "of the linear model: squared_hinge is an SVM, log a logistic regression")
        binary: bool = setting(True, "features are there or not, as in the paper; false: their values count")
        class_weight: Literal["none", "balanced"] = setting("none", "balanced: labels count the same, however rare")
        max_iter: int = setting(1000, "iterations of the solver at the most", least=1)

    @classmethod
    def solve(cls, matrix: Matrix, codes: np.ndarray, weights: np.ndarray | None, config: Any, seed: int) -> Solved:
        from scipy.sparse import csr_matrix

        from textkit.classic import fitting

        fitting.not_negative(matrix, "nbsvm")
        seen = fitting.seen(matrix)  # nothing is known of the other features: they weigh 0
        features = csr_matrix(matrix)[:, seen]
        features.data = (features.data != 0).astype(np.float64) if config.binary else features.data
        labels = [1] if codes.max() == 1 else range(codes.max() + 1)
        each = [_solve_one(features, (codes == label).astype(np.int64), weights, config, seed) for label in labels]  # a loop over labels
        columns = np.zeros((len(seen), len(each)))
        columns[seen] = np.hstack([one.weights for one in each])
        return fitting.Solved(columns, np.concatenate([one.bias for one in each]), all(one.converged for one in each))

    @classmethod
    def link_of(cls, config: Any) -> str:
        return "none" if config.loss == "squared_hinge" else "sigmoid"

    @classmethod
    def presence_of(cls, config: Any) -> bool:
        return bool(config.binary)


def _solve_one(features: csr_matrix, codes: np.ndarray, weights: np.ndarray | None, config: Any, seed: int) -> Solved:
    """A label against the rest, its ratios folded into the weights."""
    from textkit.classic.fitting import Solved

    ratios = log_count_ratios(features, codes, weights, config.alpha)
    scaled = type(features)((features.data * ratios[features.indices], features.indices, features.indptr), shape=features.shape)
    solved = _linear(scaled, codes, weights, config, seed)
    mixed = (1 - config.beta) * np.abs(solved.weights).mean() + config.beta * solved.weights
    return Solved(mixed * ratios[:, None], solved.bias, solved.converged)


def _linear(scaled: csr_matrix, codes: np.ndarray, weights: np.ndarray | None, config: Any, seed: int) -> Solved:
    """By liblinear, as the paper did: of a label against the rest it is far faster than L-BFGS."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.svm import LinearSVC

    from textkit.classic.fitting import class_weight
    from textkit.classic.svm import liblinear

    common = {"C": config.C, "max_iter": config.max_iter, "class_weight": class_weight(config.class_weight), "random_state": seed}
    model = LogisticRegression(solver="liblinear", **common) if config.loss == "log" else LinearSVC(**common)
    return liblinear(model, scaled, codes, weights)


def log_count_ratios(features: csr_matrix, codes: np.ndarray, weights: np.ndarray | None, alpha: float) -> np.ndarray:
    """(F,) r of the records with code 1 against those with code 0."""
    counted = np.ones(len(codes)) if weights is None else weights
    inside = features.T @ (counted * codes) + alpha
    outside = features.T @ (counted * (1 - codes)) + alpha
    return np.log(inside / inside.sum()) - np.log(outside / outside.sum())  # type: ignore[no-any-return]

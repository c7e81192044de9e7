"""Logistic regression, fitted by scikit-learn: softmax over all labels at once, or a sigmoid a label where records have several."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from textkit.classic.linear import Linear
from textkit.config import setting

if TYPE_CHECKING:
    from textkit.classic.fitting import Matrix, Solved


class LogisticRegression(Linear):
    @dataclass(frozen=True)
    class Config:
        C: float = setting(10.0, "inverse of the strength of the L2 penalty", above=0)
        max_iter: int = setting(1000, "iterations of the solver at the most", least=1)
        class_weight: Literal["none", "balanced"] = setting("none", "balanced: labels count the same, however rare")
        tol: float = setting(1e-4, "the solver stops where the gradient is below this", above=0)

    @classmethod
    def solve(cls, matrix: Matrix, codes: np.ndarray, weights: np.ndarray | None, config: Any, seed: int) -> Solved:
        return logistic(matrix, codes, weights, C=config.C, max_iter=config.max_iter, class_weight=config.class_weight, tol=config.tol)


def logistic(
    matrix: Matrix, codes: np.ndarray, weights: np.ndarray | None, *, C: float, max_iter: int, class_weight: str, tol: float = 1e-4
) -> Solved:
    """The columns that L-BFGS finds; nothing in it is drawn."""
    from sklearn.linear_model import LogisticRegression as Sklearn

    from textkit.classic import fitting

    model = Sklearn(C=C, max_iter=max_iter, class_weight=fitting.class_weight(class_weight), tol=tol)
    model.fit(matrix, codes, sample_weight=weights)
    return fitting.Solved(model.coef_.T, model.intercept_, bool(model.n_iter_.max() < max_iter))
